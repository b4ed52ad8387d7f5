/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topo/namespaces_init.h"
#include "topo/namespaces_internal.h"

/* Names of other namespaces would keep those alive for as long as this host
 * is: each name is a mount.
 */
static int forget_names(void)
{
	static const char names[] = "/run/netns/";
	char line[1024], point[512];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %511s", point) == 1 &&
		    strncmp(point, names, sizeof(names) - 1) == 0)
			umount2(point, MNT_DETACH);
	fclose(f);
	return 0;
}

static int bind_fd(int fd, const char *target)
{
	char from[64];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	return mount(from, target, NULL, MS_BIND | MS_REC, NULL);
}

static int open_dir(const char *dir, const char *name)
{
	char path[WGA_NS_PATH];

	snprintf(path, sizeof(path), "%s%s%s", dir, *name ? "/" : "", name);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int read_only(const char *path, bool on, bool all)
{
	struct mount_attr attr = { 0 };

	if (on)
		attr.attr_set = MOUNT_ATTR_RDONLY;
	else
		attr.attr_clr = MOUNT_ATTR_RDONLY;
	return mount_setattr(AT_FDCWD, path, all ? AT_RECURSIVE : 0, &attr,
			     sizeof(attr));
}

static int fresh(const char *type, const char *path, const char *data)
{
	return mount("wgaudit", path, type, MS_NOSUID | MS_NODEV, data);
}

/* what this host has no file of its own for is a link to the machine's */
static int link_etc(void)
{
	DIR *dir = opendir(WGA_NS_ETC);
	struct dirent *e;

	if (!dir)
		return -1;
	while ((e = readdir(dir))) {
		char own[300], other[300];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(own, sizeof(own), "/etc/%s", e->d_name);
		snprintf(other, sizeof(other), WGA_NS_ETC "/%s", e->d_name);
		if (symlink(other, own) < 0 && errno != EEXIST) {
			closedir(dir);
			return -1;
		}
	}
	closedir(dir);
	return 0;
}

/* NixOS has its programs there; they are links to what is not in /run */
static const char *const system_links[] = {
	"/run/current-system", "/run/booted-system",
};

#define LINKS	(sizeof(system_links) / sizeof(*system_links))

static void read_links(char to[LINKS][256])
{
	for (size_t i = 0; i < LINKS; i++) {
		ssize_t n = readlink(system_links[i], to[i], 255);

		to[i][n > 0 ? n : 0] = '\0';
	}
}

static int make_run(int programs)
{
	static const char *const dirs[] = {
		"/run/wgaudit", WGA_NS_BIN, WGA_NS_ETC, "/run/lock",
		"/run/tailscale", "/run/headscale",
	};
	char links[LINKS][256];

	read_links(links);
	if (fresh("tmpfs", "/run", "mode=755") < 0)
		return -1;
	for (size_t i = 0; i < LINKS; i++)
		if (*links[i] && symlink(links[i], system_links[i]) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (mkdir(dirs[i], 0755) < 0)
			return -1;
	return programs < 0 ? 0 : bind_fd(programs, WGA_NS_BIN);
}

static int make_etc(int etc, int var_lib)
{
	static const char *const dirs[] = {
		"/var/lib/root", "/var/lib/tailscale", "/var/lib/headscale",
		"/var/lib/wgaudit",
	};

	if (mount("/etc", WGA_NS_ETC, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    bind_fd(etc, "/etc") < 0 || read_only("/etc", false, false) < 0 ||
	    bind_fd(var_lib, "/var/lib") < 0 ||
	    read_only("/var/lib", false, false) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (mkdir(dirs[i], 0700) < 0 && errno != EEXIST)
			return -1;
	return link_etc();
}

int wga_ns_root_make(const char *dir, const char *programs)
{
	int etc, var_lib, bin = -1;

	/* unmounts come in, so that no disk is kept busy; nothing goes out */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    fresh("proc", "/proc", NULL) < 0 || forget_names() < 0)
		return -1;
	etc = open_dir(dir, "etc");
	var_lib = open_dir(dir, "var-lib");
	if (*programs)
		bin = open_dir(programs, "");
	if (etc < 0 || var_lib < 0 || (*programs && bin < 0))
		return -1;
	if (read_only("/", true, true) < 0 || read_only("/proc", false, false) < 0)
		return -1;
	umount2("/sys", MNT_DETACH);
	if (fresh("sysfs", "/sys", NULL) < 0 || make_run(bin) < 0 ||
	    fresh("tmpfs", "/tmp", "mode=1777") < 0 ||
	    make_etc(etc, var_lib) < 0)
		return -1;
	if (access("/dev/shm", F_OK) == 0 &&
	    fresh("tmpfs", "/dev/shm", "mode=1777") < 0)
		return -1;
	close(etc);
	close(var_lib);
	if (bin >= 0)
		close(bin);
	return chdir("/");
}
