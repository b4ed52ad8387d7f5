/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topo/command.h"
#include "topo/mesh.h"
#include "topo/nodes.h"
#include "topo/provision.h"
#include "topo/state.h"

#define STATUS_MS	10000

void wga_progress_tell(const struct wga_progress *p, const struct wga_mesh *m,
		       const struct wga_topo_host *host, enum wga_stage stage)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

	if (!p || !p->stage)
		return;
	pthread_mutex_lock(&one_at_a_time);
	p->stage(p->arg, (size_t)(host - m->topo.hosts), stage,
		 wga_now_ms() - m->began_ms);
	pthread_mutex_unlock(&one_at_a_time);
}

/* Return: 1 if a mesh of this name and topology is there, 0 if none is */
static int compare(const struct wga_mesh *m, struct wga_err *err)
{
	char path[256], *have, *want;
	int same;

	have = wga_state_read(wga_state_path(m, "mesh.json", path,
					     sizeof(path)), NULL);
	if (!have && errno == ENOENT)
		return 0;
	want = wga_state_format(m);
	same = have && want && strcmp(have, want) == 0;
	free(have);
	free(want);
	if (same)
		return 1;
	return wga_err_set(err, "other-topology",
			   "mesh %s is up and looks otherwise; wgaudit topo down, or another name",
			   m->topo.name);
}

/* what went wrong on the way back is less than why it had to be gone */
static void roll_back(struct wga_mesh *m, bool fresh)
{
	if (fresh) {
		m->networks_only = false;
		if (m->backend->destroy(m, NULL) == 0)
			wga_state_remove(m, NULL);
		return;
	}
	for (size_t i = 0; i < m->topo.n_hosts; i++)
		if (m->made[i])
			m->backend->stop(m, &m->topo.hosts[i], WGA_STOP_HARD,
					 NULL);
}

static int bring_up(struct wga_mesh *m, const struct wga_progress *p,
		    struct wga_err *err)
{
	if (m->backend->create(m, p, err) < 0)
		return -1;
	return m->networks_only ? 0 : wga_provision(m, p, err);
}

static int up_locked(struct wga_mesh *m, const struct wga_progress *p,
		     struct wga_err *err)
{
	const volatile sig_atomic_t *cancel = m->cancel;
	int there = compare(m, err);

	if (there < 0)
		return -1;
	if (!there && (m->backend->check(&m->topo, err) < 0 ||
		       wga_state_save(m, err) < 0)) {
		wga_state_remove(m, NULL);
		return -1;
	}
	if (bring_up(m, p, err) == 0)
		return 0;
	m->cancel = NULL;	/* it has been heard */
	roll_back(m, !there);
	m->cancel = cancel;
	return -1;
}

int wga_mesh_up(struct wga_mesh *m, const struct wga_progress *p,
		struct wga_err *err)
{
	int ret;

	m->began_ms = wga_now_ms();
	m->lock_fd = -1;
	memset(m->made, 0, sizeof(m->made));
	if (wga_topology_check(&m->topo, err) < 0 ||
	    wga_state_lock(m, true, err) < 0)
		return -1;
	ret = up_locked(m, p, err);
	wga_state_unlock(m);
	return ret;
}

int wga_mesh_down(struct wga_mesh *m, struct wga_err *err)
{
	bool keep = m->networks_only;
	struct wga_mesh there;
	struct wga_err why;
	int ret = 0;

	if (wga_state_lock(m, false, &why) < 0) {
		if (strcmp(why.code, "no-such-mesh") == 0)
			return 0;
		if (err)
			*err = why;
		return -1;
	}
	/* as it is now, under the lock */
	if (wga_state_load(&there, m->topo.name, err) < 0) {
		wga_state_unlock(m);
		return -1;
	}
	there.networks_only = keep;
	if (there.backend)
		ret = there.backend->destroy(&there, err);
	if (ret == 0 && !keep)
		return wga_state_remove(m, err);
	wga_state_unlock(m);
	return ret;
}

int wga_mesh_power(struct wga_mesh *m, const struct wga_topo_host *host,
		   bool stop, enum wga_stop how, bool start,
		   struct wga_err *err)
{
	int ret = 0;

	if (wga_state_lock(m, false, err) < 0)
		return -1;
	if (stop)
		ret = m->backend->stop(m, host, how, err);
	if (ret == 0 && start)
		ret = m->backend->start(m, host, err);
	wga_state_unlock(m);
	return ret;
}

int wga_mesh_open(struct wga_mesh *m, const char *name, struct wga_err *err)
{
	return wga_state_load(m, name, err);
}

void wga_mesh_close(struct wga_mesh *m)
{
	wga_state_unlock(m);
}

struct ask {
	struct wga_mesh *m;
	const struct wga_topo_host *host;
	struct wga_host_status *status;
	pthread_t thread;
	bool running;
};

static void *ask_client(void *arg)
{
	struct wga_command_run run = {
		.argv = (const char *const[]){ "tailscale", "status", "--json",
					       NULL },
		.in = -1, .out = -1, .err = -1, .timeout_ms = STATUS_MS,
	};
	struct wga_client_state state;
	struct ask *a = arg;

	if (a->m->backend->run(a->m, a->host, &run, NULL) == 0 && run.output)
		wga_client_read(&a->m->topo, run.output, &state, a->status,
				NULL);
	wga_command_free(&run);
	return NULL;
}

/* of a server that does not answer nothing is known, and that is no error */
static int ask_server(struct wga_mesh *m, const struct wga_topo_host *server,
		      struct wga_host_status *status, struct wga_err *err)
{
	struct wga_command_run run = {
		.argv = (const char *const[]){ "headscale", "nodes", "list",
					       "-o", "json", NULL },
		.in = -1, .out = -1, .err = -1, .timeout_ms = STATUS_MS,
	};
	int ret = 0;

	if (m->backend->run(m, server, &run, NULL) == 0 && run.status == 0 &&
	    run.output)
		ret = wga_nodes_read(&m->topo, run.output, status, err);
	wga_command_free(&run);
	if (ret < 0)
		return -1;
	run.argv = (const char *const[]){ "headscale", "version", NULL };
	if (m->backend->run(m, server, &run, NULL) == 0 && run.output)
		sscanf(run.output, "headscale version %31s",
		       status[server - m->topo.hosts].version);
	wga_command_free(&run);
	return 0;
}

int wga_mesh_status(struct wga_mesh *m, struct wga_host_status *status,
		    struct wga_err *err)
{
	struct ask asks[WGA_TOPO_HOSTS_MAX] = { 0 };
	int ret = 0;

	memset(status, 0, m->topo.n_hosts * sizeof(*status));
	for (size_t i = 0; i < m->topo.n_hosts; i++) {
		const struct wga_topo_host *h = &m->topo.hosts[i];

		for (size_t k = 0; k < m->topo.n_hosts; k++)
			strcpy(status[i].path[k], "-");
		status[i].alive = m->backend && m->backend->alive(m, h);
		asks[i] = (struct ask){ .m = m, .host = h,
					.status = &status[i] };
		if (status[i].alive && h->role == WGA_ROLE_CLIENT)
			asks[i].running = pthread_create(&asks[i].thread, NULL,
							 ask_client,
							 &asks[i]) == 0;
	}
	for (size_t i = 0; i < m->topo.n_hosts; i++)
		if (status[i].alive &&
		    m->topo.hosts[i].role == WGA_ROLE_SERVER)
			ret = ask_server(m, &m->topo.hosts[i], status, err);
	for (size_t i = 0; i < m->topo.n_hosts; i++)
		if (asks[i].running)
			pthread_join(asks[i].thread, NULL);
	return ret;
}
