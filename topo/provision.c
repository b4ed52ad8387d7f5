/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "topo/command.h"
#include "topo/nodes.h"
#include "topo/pki.h"
#include "topo/provision.h"
#include "topo/state.h"

#define PATIENCE_MS	120000	/* for anything on a slow guest */
#define COMMAND_MS	30000
#define POLL_MS		100
#define KEY_LIFE	"10m"
#define KEY_FILE	"/run/wgaudit-join.key"
#define USER_NAME	"wgaudit"

/**
 * struct provision - what its threads share
 * @lock:	of all below
 * @changed:	@server_done or @failed
 * @key:	preauth key, made when the first client needs it
 * @failed:	a thread has; the others end
 */
struct provision {
	struct wga_mesh *m;
	const struct wga_progress *progress;
	struct wga_pki pki;
	pthread_mutex_t lock, key_lock;
	pthread_cond_t changed;
	bool server_done;
	volatile sig_atomic_t failed;
	char key[128];
	struct wga_err err;
};

struct job {
	struct provision *p;
	const struct wga_topo_host *host;
	pthread_t thread;
	bool running;
};

static bool over(const struct provision *p)
{
	return p->failed || (p->m->cancel && *p->m->cancel);
}

static int cancelled(struct wga_err *err)
{
	return wga_err_set(err, "interrupted", "interrupted");
}

/* last line of a text that says anything */
static const char *last_line(char *text)
{
	size_t len = text ? strlen(text) : 0;
	char *line;

	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	line = len > 0 ? strrchr(text, '\n') : NULL;
	return line ? line + 1 : len > 0 ? text : "no word of why";
}

/* run a command that has to succeed; @output, if wanted, is for free() */
static int run(struct provision *p, const struct wga_topo_host *host,
	       char **output, struct wga_err *err, const char *const *argv)
{
	struct wga_command_run r = {
		.argv = argv, .in = -1, .out = -1, .err = -1,
		.timeout_ms = COMMAND_MS,
	};
	int ret = p->m->backend->run(p->m, host, &r, err);

	if (ret == 0 && r.status != 0) {
		if (WIFEXITED(r.status))
			ret = wga_err_set(err, "command-failed",
					  "%s %s ended with status %d: %s",
					  argv[0], argv[1],
					  WEXITSTATUS(r.status),
					  last_line(r.errors));
		else
			ret = wga_err_set(err, "command-failed",
					  "%s %s was killed by signal %d",
					  argv[0], argv[1], WTERMSIG(r.status));
	}
	if (ret == 0 && output) {
		*output = r.output ? r.output : strdup("");
		r.output = NULL;
	}
	wga_command_free(&r);
	return ret;
}

#define RUN(p, host, output, err, ...) \
	run(p, host, output, err, (const char *const[]){ __VA_ARGS__, NULL })

static int copy(struct provision *p, const struct wga_topo_host *host,
		const char *path, const char *text, unsigned int mode,
		struct wga_err *err)
{
	if (!text)
		return wga_err_set(err, "out-of-memory", "out of memory");
	return p->m->backend->copy(p->m, host, path, text, strlen(text), mode,
				   err);
}

/* copies @text and releases it */
static int copy_made(struct provision *p, const struct wga_topo_host *host,
		     const char *path, char *text, struct wga_err *err)
{
	int ret = copy(p, host, path, text, 0644, err);

	free(text);
	return ret;
}

static void tell(const struct job *j, enum wga_stage stage)
{
	wga_progress_tell(j->p->progress, j->p->m, j->host, stage);
}

/* ---- the server ---- */

static bool has_user(const char *json, char id[static 24])
{
	json_t *all = json_loads(json, 0, NULL), *user, *value;
	bool found = false;
	size_t i;

	json_array_foreach(all, i, user) {
		const char *name =
			json_string_value(json_object_get(user, "name"));

		if (!name || strcmp(name, USER_NAME) != 0)
			continue;
		value = json_object_get(user, "id");
		if (json_is_string(value))
			snprintf(id, 24, "%s", json_string_value(value));
		else
			snprintf(id, 24, "%lld",
				 (long long)json_integer_value(value));
		found = true;
	}
	json_decref(all);
	return found;
}

/* Between two tries: is there hope? Return: -1 with @err as the last try left
 * it, or better, if there is none.
 */
static int hope(struct provision *p, const struct wga_topo_host *host,
		const char *service, uint64_t end, struct wga_err *err)
{
	struct wga_err why;

	if (over(p))
		return cancelled(err);
	if (p->m->backend->service(p->m, host, service, WGA_SERVICE_CHECK,
				   &why) < 0) {
		*err = why;
		return -1;
	}
	if (wga_now_ms() > end)
		return -1;
	wga_sleep_ms(POLL_MS, p->m->cancel);
	return 0;
}

/* wait until headscale answers on its socket */
static int wait_for_server(struct provision *p,
			   const struct wga_topo_host *host, char **users,
			   struct wga_err *err)
{
	uint64_t end = wga_now_ms() + PATIENCE_MS;

	while (RUN(p, host, users, err, "headscale", "users", "list", "-o",
		   "json") < 0)
		if (hope(p, host, "headscale", end, err) < 0)
			return -1;
	return 0;
}

static int ensure_user(struct provision *p, const struct wga_topo_host *host,
		       struct wga_err *err)
{
	char *users, id[24];
	bool there;

	if (wait_for_server(p, host, &users, err) < 0)
		return -1;
	there = has_user(users, id);
	free(users);
	return there ? 0 : RUN(p, host, NULL, err, "headscale", "users",
			       "create", USER_NAME);
}

/* the certificate goes last: where it is, the key is too */
static int certify(struct provision *p, const struct wga_topo_host *h,
		   struct wga_err *err)
{
	if (RUN(p, h, NULL, NULL, "test", "-s", WGA_PATH_CERT) == 0)
		return 0;
	if (wga_pki_make_server(&p->pki, WGA_CONTROL_NAME, &h->addr, err) < 0 ||
	    copy(p, h, WGA_PATH_KEY, p->pki.server_key, 0600, err) < 0)
		return -1;
	return copy(p, h, WGA_PATH_CERT, p->pki.server_cert, 0644, err);
}

static int serve(const struct job *j, struct wga_err *err)
{
	const struct wga_topo_host *h = j->host;
	struct provision *p = j->p;

	if (certify(p, h, err) < 0 ||
	    copy_made(p, h, WGA_PATH_CONFIG,
		      wga_provision_headscale(&p->m->topo), err) < 0 ||
	    copy_made(p, h, "/etc/hosts", wga_provision_hosts(&p->m->topo, h),
		      err) < 0 ||
	    p->m->backend->service(p->m, h, "headscale", WGA_SERVICE_START,
				   err) < 0 ||
	    ensure_user(p, h, err) < 0)
		return -1;
	tell(j, WGA_STAGE_SERVING);
	tell(j, WGA_STAGE_READY);
	pthread_mutex_lock(&p->lock);
	p->server_done = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static int make_key(struct provision *p, struct wga_err *err)
{
	const struct wga_topo_host *server = wga_topology_server(&p->m->topo);
	char *text, id[24];
	const char *key;
	json_t *o;
	bool there;

	if (RUN(p, server, &text, err, "headscale", "users", "list", "-o",
		"json") < 0)
		return -1;
	there = has_user(text, id);
	free(text);
	if (!there)
		return wga_err_set(err, "bad-output",
				   "headscale has lost its user %s", USER_NAME);
	if (RUN(p, server, &text, err, "headscale", "preauthkeys", "create",
		"-u", id, "--reusable", "-e", KEY_LIFE, "-o", "json") < 0)
		return -1;
	o = json_loads(text, 0, NULL);
	key = json_string_value(json_object_get(o, "key"));
	if (key)
		snprintf(p->key, sizeof(p->key), "%s", key);
	explicit_bzero(text, strlen(text));
	free(text);
	json_decref(o);
	return p->key[0] ? 0 : wga_err_set(err, "bad-output",
					   "headscale preauthkeys create prints no key");
}

/* ---- clients ---- */

static int client_state(struct provision *p, const struct wga_topo_host *host,
			struct wga_client_state *state, struct wga_err *err)
{
	char *json;
	int ret;

	if (RUN(p, host, &json, err, "tailscale", "status", "--json") < 0)
		return -1;
	ret = wga_client_read(&p->m->topo, json, state, NULL, err);
	free(json);
	return ret;
}

/* wait until tailscaled answers on its socket and knows whether it is logged in */
static int wait_for_client(struct provision *p,
			   const struct wga_topo_host *host,
			   struct wga_client_state *state, struct wga_err *err)
{
	uint64_t end = wga_now_ms() + PATIENCE_MS;

	while (client_state(p, host, state, err) < 0 ||
	       !(state->running || state->wants_login))
		if (hope(p, host, "tailscaled", end, err) < 0)
			return -1;
	return 0;
}

static int wait_for_key(struct provision *p, struct wga_err *err)
{
	int ret = 0;

	pthread_mutex_lock(&p->lock);
	while (!p->server_done && !over(p))
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
	if (over(p))
		return cancelled(err);
	pthread_mutex_lock(&p->key_lock);
	if (!p->key[0])
		ret = make_key(p, err);
	pthread_mutex_unlock(&p->key_lock);
	return ret;
}

static int join(struct provision *p, const struct wga_topo_host *host,
		struct wga_err *err)
{
	char url[64], hostname[64];
	int ret;

	if (wait_for_key(p, err) < 0 ||
	    copy(p, host, KEY_FILE, p->key, 0600, err) < 0)
		return -1;
	snprintf(url, sizeof(url), "--login-server=https://%s:%d",
		 WGA_CONTROL_NAME, WGA_CONTROL_PORT);
	snprintf(hostname, sizeof(hostname), "--hostname=%s", host->name);
	/* the key is in a file, for all can read the arguments of a command */
	ret = RUN(p, host, NULL, err, "tailscale", "up", url,
		  "--auth-key=file:" KEY_FILE, hostname, "--accept-dns=true",
		  "--timeout=25s");
	RUN(p, host, NULL, NULL, "rm", "-f", KEY_FILE);
	return ret;
}

static uint32_t other_clients(const struct wga_topology *t,
			      const struct wga_topo_host *self)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < t->n_hosts; i++)
		if (t->hosts[i].role == WGA_ROLE_CLIENT && &t->hosts[i] != self)
			bits |= 1U << i;
	return bits;
}

/* @all: until the network map has every other client */
static int wait_online(struct provision *p, const struct wga_topo_host *host,
		       bool all, struct wga_client_state *state,
		       struct wga_err *err)
{
	uint64_t end = wga_now_ms() + PATIENCE_MS;
	uint32_t others = all ? other_clients(&p->m->topo, host) : 0;

	for (;;) {
		if (client_state(p, host, state, err) == 0 && state->online &&
		    (state->peers & others) == others)
			return 0;
		if (over(p))
			return cancelled(err);
		if (wga_now_ms() > end)
			return wga_err_set(err, "not-online",
					   "%s after %d s",
					   !state->online ?
					   "not online" :
					   "it cannot reach all other clients",
					   PATIENCE_MS / 1000);
		wga_sleep_ms(POLL_MS, p->m->cancel);
	}
}

static int serve_web(struct provision *p, const struct wga_topo_host *host,
		     const struct wga_addr *addr, struct wga_err *err)
{
	for (size_t i = 0; i < host->n_services; i++) {
		if (strcmp(host->services[i], "nginx") != 0)
			return wga_err_set(err, "bad-topology",
					   "service \"%s\" is not known; there is: nginx",
					   host->services[i]);
		if (copy_made(p, host, WGA_PATH_NGINX,
			      wga_provision_nginx(host, addr), err) < 0 ||
		    p->m->backend->service(p->m, host, "nginx",
					   WGA_SERVICE_RESTART, err) < 0)
			return -1;
	}
	return 0;
}

static int prepare_client(struct provision *p, const struct wga_topo_host *h,
			  struct wga_err *err)
{
	static const char environment[] =
		"PORT=\"41641\"\n"
		"FLAGS=\"--no-logs-no-support\"\n"
		"SSL_CERT_FILE=" WGA_PATH_CA "\n"
		"SSLKEYLOGFILE=" WGA_PATH_TLS_KEYS "\n";

	if (copy(p, h, WGA_PATH_CA, p->pki.ca_cert, 0644, err) < 0 ||
	    copy_made(p, h, "/etc/hosts", wga_provision_hosts(&p->m->topo, h),
		      err) < 0 ||
	    copy(p, h, "/etc/default/tailscaled", environment, 0644, err) < 0)
		return -1;
	return p->m->backend->service(p->m, h, "tailscaled", WGA_SERVICE_START,
				      err);
}

/* Restarted first, for what started it may have done so without what it needs
 * to know the server.
 */
static int join_anew(struct provision *p, const struct wga_topo_host *h,
		     struct wga_client_state *state, struct wga_err *err)
{
	if (p->m->backend->service(p->m, h, "tailscaled", WGA_SERVICE_RESTART,
				   err) < 0 ||
	    wait_for_client(p, h, state, err) < 0)
		return -1;
	return state->wants_login ? join(p, h, err) : 0;
}

static int attach(const struct job *j, struct wga_err *err)
{
	const struct wga_topo_host *h = j->host;
	struct wga_client_state state;
	struct provision *p = j->p;

	if (prepare_client(p, h, err) < 0 ||
	    wait_for_client(p, h, &state, err) < 0)
		return -1;
	tell(j, WGA_STAGE_SERVING);
	if (state.wants_login && join_anew(p, h, &state, err) < 0)
		return -1;
	if (wait_online(p, h, false, &state, err) < 0)
		return -1;
	tell(j, WGA_STAGE_JOINED);
	if (serve_web(p, h, &state.addr, err) < 0 ||
	    wait_online(p, h, true, &state, err) < 0)
		return -1;
	tell(j, WGA_STAGE_READY);
	return 0;
}

/* ---- all ---- */

static void job_failed(const struct job *j, const struct wga_err *err)
{
	struct provision *p = j->p;

	pthread_mutex_lock(&p->lock);
	if (!p->failed) {
		char *log = p->m->backend->log(p->m, j->host, 3);

		wga_err_set(&p->err, err->code, "%s: %s%s%s", j->host->name,
			    err->text, log ? "; the last it logged:\n" : "",
			    log ? log : "");
		free(log);
	}
	p->failed = 1;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	tell(j, WGA_STAGE_FAILED);
}

static void *work(void *arg)
{
	struct job *j = arg;
	struct wga_err err = { 0 };
	int ret = 0;

	if (j->host->role == WGA_ROLE_SERVER)
		ret = serve(j, &err);
	else if (j->host->role == WGA_ROLE_CLIENT)
		ret = attach(j, &err);
	else
		tell(j, WGA_STAGE_READY);
	if (ret < 0)
		job_failed(j, &err);
	return NULL;
}

/* The CA stays in the state directory, for hosts that are made later. */
static int prepare_pki(struct provision *p, struct wga_err *err)
{
	char cert[256], key[256];

	wga_state_path(p->m, "ca.pem", cert, sizeof(cert));
	wga_state_path(p->m, "ca.key", key, sizeof(key));
	p->pki.ca_cert = wga_state_read(cert, NULL);
	p->pki.ca_key = wga_state_read(key, NULL);
	if (!p->pki.ca_cert || !p->pki.ca_key) {
		wga_pki_free(&p->pki);
		if (wga_pki_make_ca(&p->pki, p->m->topo.name, err) < 0 ||
		    wga_state_write(key, p->pki.ca_key, strlen(p->pki.ca_key),
				    0600, err) < 0 ||
		    wga_state_write(cert, p->pki.ca_cert,
				    strlen(p->pki.ca_cert), 0600, err) < 0)
			return -1;
	}
	return 0;
}

static int run_jobs(struct provision *p, struct wga_err *err)
{
	struct wga_mesh *m = p->m;
	struct job jobs[WGA_TOPO_HOSTS_MAX] = { 0 };

	for (size_t i = 0; i < m->topo.n_hosts; i++) {
		jobs[i].p = p;
		jobs[i].host = &m->topo.hosts[i];
		jobs[i].running = pthread_create(&jobs[i].thread, NULL, work,
						 &jobs[i]) == 0;
		if (!jobs[i].running) {
			wga_err_set(err, "out-of-memory",
				    "cannot start a thread");
			job_failed(&jobs[i], err);
			break;
		}
	}
	for (size_t i = 0; i < m->topo.n_hosts; i++)
		if (jobs[i].running)
			pthread_join(jobs[i].thread, NULL);
	if (p->failed && err)
		*err = p->err;
	return p->failed ? -1 : 0;
}

int wga_provision(struct wga_mesh *m, const struct wga_progress *progress,
		  struct wga_err *err)
{
	struct provision p = {
		.m = m,
		.progress = progress,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.key_lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	int ret = prepare_pki(&p, err);

	if (ret == 0)
		ret = run_jobs(&p, err);
	explicit_bzero(p.key, sizeof(p.key));
	wga_pki_free(&p.pki);
	return ret;
}
