/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <dirent.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/doctor_internal.h"

/* 9.0.0: virsh domif-setlink fails if there is a <link> already
 * (https://gitlab.com/libvirt/libvirt/-/issues/426)
 */
#define SETLINK_BUG	9000000

#define URI		"qemu:///system"

/**
 * struct process - a line of /proc/PID/stat
 */
struct process {
	int pid, parent;
	char comm[32], state;
};

/**
 * struct census - what of all processes matters here
 * @daemon:	libvirtd or virtqemud; pid 0 if none runs
 * @zombies:	QEMU processes that nobody has taken care of
 */
struct census {
	struct process daemon;
	unsigned int zombies;
};

static void quiet(void *arg, virErrorPtr error)
{
	(void)arg;
	(void)error;
}

static void tell_version(const struct wga_doctor *d, struct wga_findings *out,
			 virConnectPtr conn)
{
	unsigned long version = 0;
	bool bug;

	if (virConnectGetLibVersion(conn, &version) < 0)
		return;
	bug = version == SETLINK_BUG;
	wga_finding_add(d, out, "libvirt-version", WGA_NEED_LIBVIRT,
			bug ? WGA_HEALTH_WARNING : WGA_HEALTH_OK,
			bug ? "nothing for wgaudit, which uses the API; by hand use virsh update-device" : "",
			"libvirt %lu.%lu.%lu%s", version / 1000000,
			version / 1000 % 1000, version % 1000, bug ?
			": its virsh domif-setlink fails where a link state is set already" : "");
}

void wga_doctor_libvirt(const struct wga_doctor *d, struct wga_findings *out)
{
	const char *want = *d->uri ? d->uri : getenv("LIBVIRT_DEFAULT_URI");
	virConnectPtr conn;
	virErrorPtr error;
	char *uri;

	if (!want || !*want)
		want = URI;
	/* looking for a daemon is not to start one */
	setenv("LIBVIRT_AUTOSTART", "0", 1);
	virSetErrorFunc(NULL, quiet);
	conn = virConnectOpen(want);
	if (!conn) {
		error = virGetLastError();
		wga_finding_add(d, out, "libvirt", WGA_NEED_LIBVIRT,
				WGA_HEALTH_MISSING,
				"install libvirt-daemon-system and start libvirtd; --connect URI for one elsewhere; or use --backend namespaces",
				"%s does not answer: %s", want,
				error && error->message ? error->message :
				"no reason given");
		return;
	}
	uri = virConnectGetURI(conn);
	wga_finding_add(d, out, "libvirt", WGA_NEED_LIBVIRT, WGA_HEALTH_OK, "",
			"%s answers", uri ? uri : want);
	free(uri);
	tell_version(d, out, conn);
	virConnectClose(conn);
}

/* proc(5): "PID (COMM) STATE PPID ...", where COMM can hold anything */
static int read_process(const struct wga_doctor *d, const char *pid,
			struct process *p)
{
	char path[64], line[512];
	const char *open, *close;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	if (wga_doctor_line(d, path, line, sizeof(line)) < 0)
		return -1;
	open = strchr(line, '(');
	close = strrchr(line, ')');
	if (!open || !close || close < open ||
	    sscanf(close + 1, " %c %d", &p->state, &p->parent) != 2)
		return -1;
	p->pid = atoi(line);
	snprintf(p->comm, sizeof(p->comm), "%.*s", (int)(close - open - 1),
		 open + 1);
	return 0;
}

static void count_in(struct census *c, const struct process *p)
{
	if (p->state == 'Z') {
		c->zombies += strncmp(p->comm, "qemu", 4) == 0;
		return;
	}
	if (strcmp(p->comm, "libvirtd") == 0 ||
	    strcmp(p->comm, "virtqemud") == 0)
		c->daemon = *p;
}

static int take_census(const struct wga_doctor *d, struct census *c)
{
	char path[300];
	struct dirent *e;
	struct process p;
	DIR *dir;

	*c = (struct census){ 0 };
	snprintf(path, sizeof(path), "%s/proc", d->root);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((e = readdir(dir))) {
		if (isdigit((unsigned char)e->d_name[0]) &&
		    read_process(d, e->d_name, &p) == 0)
			count_in(c, &p);
	}
	closedir(dir);
	return 0;
}

static bool is_reaper(const char *comm)
{
	static const char *const known[] = {
		"systemd", "init", "tini", "docker-init", "dumb-init",
		"catatonit", "podman-init", "runit", "s6-svscan", "openrc-init",
		"shepherd",
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i], comm) == 0)
			return true;
	}
	return false;
}

/* QEMU's probes are orphans. They stay where neither the daemon's parent (if it
 * is a subreaper, as tini -s is) nor the first process takes care of them, and
 * libvirt then waits for each until its time is over.
 */
void wga_doctor_reaper(const struct wga_doctor *d, struct wga_findings *out)
{
	static const char mend[] =
		"start it by a parent that reaps: tini -s -- libvirtd, or systemd";
	struct process first, parent;
	char pid[16];
	struct census c;

	if (take_census(d, &c) < 0 || read_process(d, "1", &first) < 0)
		return;
	parent = first;
	if (c.daemon.pid) {
		snprintf(pid, sizeof(pid), "%d", c.daemon.parent);
		read_process(d, pid, &parent);
	}
	if (c.zombies)
		wga_finding_add(d, out, "reaper", WGA_NEED_LIBVIRT,
				WGA_HEALTH_WARNING, mend,
				"%u QEMU processes have ended and nobody reaps them: each start of a guest waits for minutes",
				c.zombies);
	else if (is_reaper(parent.comm) || is_reaper(first.comm))
		wga_finding_add(d, out, "reaper", WGA_NEED_LIBVIRT,
				WGA_HEALTH_OK, "", "%s reaps what %s leaves",
				is_reaper(parent.comm) ? parent.comm : first.comm,
				c.daemon.pid ? c.daemon.comm : "libvirtd");
	else
		wga_finding_add(d, out, "reaper", WGA_NEED_LIBVIRT,
				WGA_HEALTH_WARNING, mend,
				"the first process is %s, which may not reap what %s leaves: each start of a guest then waits for minutes",
				first.comm,
				c.daemon.pid ? c.daemon.comm : "libvirtd");
}
