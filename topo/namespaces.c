/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topo/namespaces_internal.h"
#include "topo/programs.h"
#include "topo/state.h"

#define NETNS_DIR	"/run/netns"

static int check_programs(const struct wga_topo_host *h, struct wga_err *err)
{
	char dir[256];

	if (h->role != WGA_ROLE_PLAIN &&
	    wga_programs_find(h->version, dir, sizeof(dir), err) < 0)
		return -1;
	for (size_t i = 0; i < h->n_services; i++)
		if (!wga_programs_in_path(h->services[i]))
			return wga_err_set(err, "no-programs",
					   "%s is to run %s, which is not installed here (apt-get install %s)",
					   h->name, h->services[i],
					   h->services[i]);
	return 0;
}

static int check(const struct wga_topology *t, struct wga_err *err)
{
	struct wga_mesh m = { .topo = *t };
	char path[WGA_NS_PATH];

	if (geteuid() != 0)
		return wga_err_set(err, "no-permission",
				   "namespaces need root; try sudo");
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		return wga_err_set(err, "no-tun",
				   "/dev/net/tun: %s; modprobe tun, or mknod /dev/net/tun c 10 200",
				   strerror(errno));
	for (size_t i = 0; i <= t->n_hosts; i++) {
		const struct wga_topo_host *h =
			i < t->n_hosts ? &t->hosts[i] : NULL;

		wga_ns_name_path(&m, h, path);
		if (access(path, F_OK) == 0)
			return wga_err_set(err, "name-taken",
					   "%s is there, but no mesh %s; ip netns delete wga-%s-%s",
					   path, t->name, t->name,
					   h ? h->name : "net");
		if (h && check_programs(h, err) < 0)
			return -1;
	}
	return 0;
}

static int create(struct wga_mesh *m, const struct wga_progress *p,
		  struct wga_err *err)
{
	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return wga_err_set(err, "namespace", "cannot make %s: %s",
				   NETNS_DIR, strerror(errno));
	if (wga_ns_networks_make(m, err) < 0)
		return -1;
	for (size_t i = 0; !m->networks_only && i < m->topo.n_hosts; i++) {
		const struct wga_topo_host *h = &m->topo.hosts[i];
		pid_t pid;
		int fd = wga_ns_init_open(m, h, &pid);

		if (fd >= 0) {
			close(fd);
			continue;
		}
		m->made[i] = true;
		wga_progress_tell(p, m, h, WGA_STAGE_CREATED);
		if (wga_ns_host_start(m, h, err) < 0)
			return -1;
		wga_progress_tell(p, m, h, WGA_STAGE_BOOTED);
	}
	return 0;
}

static int destroy(struct wga_mesh *m, struct wga_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < m->topo.n_hosts; i++) {
		char path[WGA_NS_PATH];

		if (wga_ns_host_stop(m, &m->topo.hosts[i], WGA_STOP_HARD,
				     err) < 0 ||
		    wga_state_remove_tree(wga_ns_host_path(m, &m->topo.hosts[i],
							   "", path), err) < 0)
			ret = -1;
	}
	if (m->networks_only || ret < 0)
		return ret;
	wga_ns_net_clear(m);
	if (wga_ns_unname(m, NULL, err) < 0)
		return -1;
	rmdir(NETNS_DIR);	/* fails, as it should, if it is not empty */
	return 0;
}

static int start(struct wga_mesh *m, const struct wga_topo_host *host,
		 struct wga_err *err)
{
	pid_t pid;
	int fd = wga_ns_init_open(m, host, &pid);

	if (fd < 0)
		return wga_ns_host_start(m, host, err);
	close(fd);
	return 0;
}

static bool alive(struct wga_mesh *m, const struct wga_topo_host *host)
{
	pid_t pid;
	int fd = wga_ns_init_open(m, host, &pid);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static char *last_lines(struct wga_mesh *m, const struct wga_topo_host *host,
			size_t lines)
{
	char path[WGA_NS_PATH], *text, *at;
	const size_t room = 256 * 1024;
	struct stat st;
	ssize_t n;
	int fd;

	fd = open(wga_ns_host_path(m, host, "log", path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text = malloc(room + 1);
	n = text && fstat(fd, &st) == 0 ?
		pread(fd, text, room, st.st_size > (off_t)room ?
				      st.st_size - (off_t)room : 0) : 0;
	close(fd);
	if (n <= 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	for (at = text + n; at > text; at--)
		if (at[-1] == '\n' && at != text + n && lines-- == 1)
			break;
	memmove(text, at, (size_t)(text + n - at) + 1);
	return text;
}

static const char *netns(struct wga_mesh *m)
{
	snprintf(m->netns, sizeof(m->netns), "wga-%s-net", m->topo.name);
	return m->netns;
}

const struct wga_backend wga_backend_namespaces = {
	.name = "namespaces",
	.check = check,
	.create = create,
	.destroy = destroy,
	.start = start,
	.stop = wga_ns_host_stop,
	.run = wga_ns_run,
	.copy = wga_ns_copy,
	.service = wga_ns_service,
	.alive = alive,
	.log = last_lines,
	.port = wga_ns_port,
	.netns = netns,
};
