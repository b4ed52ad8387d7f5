/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "topo/mesh.h"
#include "topo/namespaces.h"

static void stage(void *arg, size_t host, enum wga_stage s, uint64_t ms)
{
	static const char *const names[] = { "waiting", "created", "booted",
		"serving", "joined", "ready", "failed" };
	struct wga_mesh *m = arg;

	printf("%6.2f %s %s\n", (double)ms / 1000, m->topo.hosts[host].name,
	       names[s]);
}

static int done(int ret, const struct wga_err *err)
{
	if (ret < 0)
		fprintf(stderr, "topo: %s: %s\n", err->code, err->text);
	return ret < 0 ? 2 : 0;
}

static int up(const char *name, bool networks, struct wga_err *err)
{
	struct wga_mesh m = { .backend = &wga_backend_namespaces,
			      .networks_only = networks };
	struct wga_progress p = { stage, &m };

	wga_topology_default(&m.topo);
	snprintf(m.topo.name, sizeof(m.topo.name), "%s", name);
	return wga_mesh_up(&m, &p, err);
}

static int status(struct wga_mesh *m, struct wga_err *err)
{
	struct wga_host_status st[WGA_TOPO_HOSTS_MAX];

	if (wga_mesh_status(m, st, err) < 0)
		return -1;
	for (size_t i = 0; i < m->topo.n_hosts; i++) {
		char a[WGA_ADDR_STRLEN];

		printf("%-8s alive %d joined %d online %d %s %s",
		       m->topo.hosts[i].name, st[i].alive, st[i].joined,
		       st[i].online, wga_addr_format(&st[i].mesh_addr, a),
		       st[i].version);
		for (size_t k = 0; k < m->topo.n_hosts; k++)
			printf(" %s", st[i].path[k]);
		puts("");
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct wga_mesh m;
	struct wga_err err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && !strcmp(argv[1], WGA_NAMESPACES_INIT))
		return wga_namespaces_init_main(argc - 1, argv + 1);
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "up"))
		return done(up(argv[2], argc > 3, &err), &err);
	if (wga_mesh_open(&m, argv[2], &err) < 0)
		return done(-1, &err);
	if (!strcmp(argv[1], "down")) {
		m.networks_only = argc > 3;
		return done(wga_mesh_down(&m, &err), &err);
	}
	if (!m.backend)
		return 2;
	if (!strcmp(argv[1], "status"))
		return done(status(&m, &err), &err);
	if (argc < 4)
		return 2;
	const struct wga_topo_host *h = wga_topology_host(&m.topo, argv[3]);

	if (!h && strcmp(argv[3], "net"))
		return 2;
	if (!strcmp(argv[1], "stop") || !strcmp(argv[1], "crash"))
		return done(m.backend->stop(&m, h, argv[1][0] == 's' ?
					    WGA_STOP_ORDERLY : WGA_STOP_HARD,
					    &err), &err);
	if (!strcmp(argv[1], "start"))
		return done(m.backend->start(&m, h, &err), &err);
	if (!strcmp(argv[1], "exec")) {
		struct wga_command_run run = { .argv = (const char *const *)argv + 4,
			.in = 0, .out = 1, .err = 2 };

		if (m.backend->run(&m, h, &run, &err) < 0)
			return done(-1, &err);
		return WIFEXITED(run.status) ? WEXITSTATUS(run.status) :
			128 + WTERMSIG(run.status);
	}
	return 2;
}
