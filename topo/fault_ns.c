/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topo/fault_ns.h"
#include "topo/namespaces_internal.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE	71	/* Linux 5.14 */
#endif

#define NETNS_DIR	"/run/netns"
#define OWN		"/proc/thread-self/ns/net"

/* of the namespace that the calling thread is in */
static int read_cookie(void *arg, struct wga_err *err)
{
	uint64_t *cookie = arg;
	socklen_t len = sizeof(*cookie);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	ret = s < 0 ? -1 : getsockopt(s, SOL_SOCKET, SO_NETNS_COOKIE, cookie,
				      &len);
	if (s >= 0)
		close(s);
	return ret < 0 ? wga_err_set(err, "missing-feature",
				     "the kernel does not number network namespaces: Linux 5.14 does") :
			 0;
}

static bool has_cookie(int fd, uint64_t cookie)
{
	uint64_t have = 0;

	return wga_ns_within(fd, read_cookie, &have, NULL) == 0 &&
	       have == cookie;
}

static bool try(const char *path, const char *lasting,
		bool (*fn)(void *arg, int fd, const char *path), void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool found;

	if (fd < 0)
		return false;
	found = fn(arg, fd, lasting);
	close(fd);
	return found;
}

static bool each_named(bool (*fn)(void *arg, int fd, const char *path),
		       void *arg)
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *e;
	bool found = false;
	char path[300];

	while (dir && !found && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), NETNS_DIR "/%s", e->d_name);
		found = try(path, path, fn, arg);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool each_process(bool (*fn)(void *arg, int fd, const char *path),
			 void *arg)
{
	DIR *dir = opendir("/proc");
	ino_t last = 0;
	struct dirent *e;
	bool found = false;
	struct stat st;
	char path[300];

	while (dir && !found && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", e->d_name);
		if (stat(path, &st) < 0 || st.st_ino == last)
			continue;
		last = st.st_ino;
		found = try(path, "", fn, arg);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool wga_fault_ns_each(bool (*fn)(void *arg, int fd, const char *path),
		       void *arg)
{
	return try(OWN, "", fn, arg) || each_named(fn, arg) ||
	       each_process(fn, arg);
}

struct wanted {
	uint64_t cookie;
	int fd;
};

static bool is_wanted(void *arg, int fd, const char *path)
{
	struct wanted *w = arg;

	(void)path;
	if (!has_cookie(fd, w->cookie))
		return false;
	w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return true;
}

int wga_fault_ns_open(const struct wga_fault_ns *ns)
{
	struct wanted w = { ns->cookie, -1 };

	if (!*ns->path || !try(ns->path, "", is_wanted, &w))
		wga_fault_ns_each(is_wanted, &w);
	return w.fd;
}

int wga_fault_ns_find(struct wga_fault_ns *ns, const char *path,
		      struct wga_err *err)
{
	int fd, ret;

	if (snprintf(ns->path, sizeof(ns->path), "%s", path) >=
	    (int)sizeof(ns->path))
		return wga_err_set(err, "no-such-netns",
				   "%s is too long a path", path);
	fd = open(*path ? path : OWN, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return wga_err_set(err, "no-such-netns",
				   "no network namespace %s: %s", path,
				   strerror(errno));
	ret = wga_ns_within(fd, read_cookie, &ns->cookie, err);
	close(fd);
	return ret;
}

int wga_fault_ns_call(const struct wga_fault_ns *ns,
		      int (*fn)(void *arg, struct wga_err *err), void *arg,
		      struct wga_err *err)
{
	int fd = wga_fault_ns_open(ns), ret;

	if (fd < 0)
		return wga_err_set(err, "netns-gone",
				   "the network namespace %s is not there any more",
				   *ns->path ? ns->path : "of the fault");
	ret = wga_ns_within(fd, fn, arg, err);
	close(fd);
	return ret;
}
