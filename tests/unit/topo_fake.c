/* SPDX-License-Identifier: MIT */
/*
 * wgaudit topo over a mesh that is none: what the command makes of its options
 * and of what the mesh tells can be seen without a host of it. FAKE_MESH is the
 * name of the mesh that is up; FAKE is what is to happen.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "topo/mesh.h"

static bool is(const char *what)
{
	const char *fake = getenv("FAKE");

	return fake && strcmp(fake, what) == 0;
}

static int fake_check(const struct wga_topology *t, struct wga_err *err)
{
	(void)t;
	return is("bad-check") ? wga_err_set(err, "subnet-in-use",
					     "a subnet is in use") : 0;
}

/* on this machine, as if it were the host */
static int fake_run(struct wga_mesh *m, const struct wga_topo_host *host,
		    struct wga_command_run *run, struct wga_err *err)
{
	pid_t pid;

	(void)m;
	if (strcmp(host->name, "vm-c") == 0)
		return wga_err_set(err, "host-down", "vm-c is not up");
	if (run->timeout_ms)
		return wga_err_set(err, "timeout", "not ended after %d ms",
				   (int)run->timeout_ms);
	pid = fork();
	if (pid == 0) {
		execvp(run->argv[0], (char *const *)(uintptr_t)run->argv);
		_exit(127);
	}
	while (waitpid(pid, &run->status, 0) < 0)
		;
	return 0;
}

static char *fake_log(struct wga_mesh *m, const struct wga_topo_host *host,
		      size_t lines)
{
	(void)m;
	(void)lines;
	return strcmp(host->name, "vm-b") ? strdup("one\nt\033wo\n") : NULL;
}

static const char *fake_netns(struct wga_mesh *m)
{
	(void)m;
	return "wga-fake-net";
}

const struct wga_backend wga_backend_namespaces = {
	.name = "namespaces", .check = fake_check, .run = fake_run,
	.log = fake_log, .netns = fake_netns,
};

const struct wga_backend *wga_backend_find(const char *name)
{
	return strcmp(name, "namespaces") ? NULL : &wga_backend_namespaces;
}

int wga_mesh_open(struct wga_mesh *m, const char *name, struct wga_err *err)
{
	const char *up = getenv("FAKE_MESH");

	*m = (struct wga_mesh){ .lock_fd = -1 };
	if (!up || strcmp(name, up) != 0)
		return wga_err_set(err, "no-such-mesh", "no mesh %s is up",
				   name);
	wga_topology_default(&m->topo);
	strcpy(m->topo.name, up);
	m->backend = is("no-backend") ? NULL : &wga_backend_namespaces;
	return 0;
}

void wga_mesh_close(struct wga_mesh *m)
{
	(void)m;
}

int wga_mesh_up(struct wga_mesh *m, const struct wga_progress *p,
		struct wga_err *err)
{
	fprintf(stderr, "up %s %s %zu %d\n", m->topo.name, m->backend->name,
		m->topo.n_hosts, m->networks_only);
	p->stage(p->arg, 0, WGA_STAGE_CREATED, 120);
	if (is("bad-up")) {
		p->stage(p->arg, 0, WGA_STAGE_FAILED, 2000);
		return wga_err_set(err, "service",
				   "server: no; the last it logged:\nal\033pha\nbeta\n");
	}
	if (is("slow-up")) {
		raise(SIGINT);
		return wga_err_set(err, "interrupted", "server: %d",
				   (int)*m->cancel);
	}
	p->stage(p->arg, 0, WGA_STAGE_READY, 12340);
	return 0;
}

int wga_mesh_down(struct wga_mesh *m, struct wga_err *err)
{
	fprintf(stderr, "down %s %d\n", m->topo.name, m->networks_only);
	return is("bad-down") ? wga_err_set(err, "mesh-busy", "busy") : 0;
}

int wga_mesh_power(struct wga_mesh *m, const struct wga_topo_host *host,
		   bool stop, enum wga_stop how, bool start,
		   struct wga_err *err)
{
	(void)m;
	(void)how;
	if (strcmp(host->name, "vm-c") == 0)
		return wga_err_set(err, "mesh-busy", "busy");
	printf("%s%s%s\n", host->name, stop ? " stop" : "",
	       start ? " start" : "");
	return 0;
}

int wga_mesh_status(struct wga_mesh *m, struct wga_host_status *status,
		    struct wga_err *err)
{
	size_t i;

	if (is("bad-status"))
		return wga_err_set(err, "server", "no answer");
	for (i = 0; i < m->topo.n_hosts; i++) {
		status[i].alive = i != 3;
		if (i == 1 || i == 2) {
			status[i].joined = status[i].online = true;
			wga_addr_parse("100.64.0.9", &status[i].mesh_addr, NULL);
			strcpy(status[i].version, "1.94.1");
			strcpy(status[i].path[3 - i], "derp");
			strcpy(status[i].path[i], "-");
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	return wga_cmd_topo.run(&wga_cmd_topo, argc - 1, argv + 1);
}
