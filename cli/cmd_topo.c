/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/topo_exec.h"
#include "cli/topo_progress.h"
#include "cli/topo_status.h"
#include "report/json_parts.h"
#include "report/term.h"
#include "topo/mesh.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define BACKEND		"libvirt"

struct topo_args {
	const char *backend, *uri, *file, *name;
	bool networks_only;
	uint64_t timeout_ns;
};

/**
 * struct verb - what wgaudit topo can do
 * @form:	for errors
 * @min, @max:	operands
 * @limits:	which of --networks-only and --timeout it takes
 */
struct verb {
	const char *name, *form;
	int min, max;
	bool networks_only, timeout;
	int (*run)(const struct wga_options *opt, const struct topo_args *args,
		   int argc, char **argv);
};

static int set_backend(void *own, const char *arg, struct wga_err *err)
{
	struct topo_args *args = own;

	if (strcmp(arg, "libvirt") != 0 && strcmp(arg, "namespaces") != 0)
		return wga_err_set(err, "usage",
				   "--backend wants libvirt or namespaces, not \"%s\"",
				   arg);
	args->backend = arg;
	return 0;
}

static int set_uri(void *own, const char *arg, struct wga_err *err)
{
	struct topo_args *args = own;

	if (strlen(arg) >= sizeof(((struct wga_mesh *)NULL)->uri))
		return wga_err_set(err, "usage", "--connect: the URI is too long");
	args->uri = arg;
	return 0;
}

static int set_file(void *own, const char *arg, struct wga_err *err)
{
	struct topo_args *args = own;

	(void)err;
	args->file = arg;
	return 0;
}

static int set_name(void *own, const char *arg, struct wga_err *err)
{
	struct topo_args *args = own;

	(void)err;
	args->name = arg;
	return 0;
}

static int set_networks_only(void *own, const char *arg, struct wga_err *err)
{
	struct topo_args *args = own;

	(void)arg;
	(void)err;
	args->networks_only = true;
	return 0;
}

static int set_timeout(void *own, const char *arg, struct wga_err *err)
{
	struct topo_args *args = own;

	return wga_duration_parse(arg, &args->timeout_ns, err);
}

static const struct wga_option topo_options[] = {
	{ .name = "backend", .arg = "KIND", .set = set_backend,
	  .help = "libvirt (default) or namespaces" },
	{ .name = "connect", .arg = "URI", .set = set_uri,
	  .help = "libvirt connection; else $LIBVIRT_DEFAULT_URI, or qemu:///system" },
	{ .name = "file", .arg = "FILE", .set = set_file,
	  .help = "topology (YAML); else the built-in one" },
	{ .name = "name", .arg = "NAME", .set = set_name,
	  .help = "of the mesh; else what the topology says" },
	{ .name = "networks-only", .set = set_networks_only,
	  .help = "up: make no hosts yet; down: leave the networks" },
	{ .name = "timeout", .arg = "TIME", .set = set_timeout,
	  .help = "exec: end the command after 10s, 500ms, 2m" },
	{ 0 },
};

/* what is asked for: the topology, under the name that was given */
static int load(struct wga_topology *t, const struct topo_args *args,
		struct wga_err *err)
{
	if (!args->file)
		wga_topology_default(t);
	else if (wga_topology_load(t, args->file, err) < 0)
		return -1;
	if (args->name && wga_topology_rename(t, args->name, err) < 0)
		return -1;
	return wga_topology_check(t, err);
}

/* kept with the mesh, so that down asks the same libvirt as up did */
static const char *libvirt_uri(const struct topo_args *args)
{
	const char *own = getenv("LIBVIRT_DEFAULT_URI");

	if (args->uri)
		return args->uri;
	return own && *own ? own : "qemu:///system";
}

static int find_backend(struct wga_mesh *m, const struct topo_args *args,
			struct wga_err *err)
{
	const char *name = args->backend ? args->backend : BACKEND;

	m->backend = wga_backend_find(name);
	if (!m->backend)
		return wga_err_set(err, "no-such-backend",
				   "this wgaudit was built without %s; build it with libvirt's headers there, or use --backend namespaces",
				   name);
	if (args->uri && strcmp(name, "libvirt") != 0)
		return wga_err_set(err, "usage",
				   "--connect is for --backend libvirt");
	if (strcmp(name, "libvirt") == 0)
		snprintf(m->uri, sizeof(m->uri), "%s", libvirt_uri(args));
	return 0;
}

/* the mesh that is up; of what was asked for only the name counts */
static int open_mesh(struct wga_mesh *m, const struct topo_args *args,
		     struct wga_err *err)
{
	struct wga_topology t;

	if (load(&t, args, err) < 0 || wga_mesh_open(m, t.name, err) < 0)
		return -1;
	if (!m->backend)
		wga_err_set(err, "no-such-backend",
			    "mesh %s was left half made; wgaudit topo down takes it away",
			    t.name);
	else if (args->backend && strcmp(m->backend->name, args->backend) != 0)
		wga_err_set(err, "other-backend",
			    "mesh %s is up on %s, not on %s", t.name,
			    m->backend->name, args->backend);
	else
		return 0;
	wga_mesh_close(m);
	return -1;
}

/* {schema, WHAT: the topology, ...} on one line */
static int put_done(const struct wga_options *opt, const char *what,
		    const struct wga_mesh *m, uint64_t ms)
{
	json_t *doc = json_pack("{s:s, s:s, s:o, s:f}", "schema",
				WGA_TOPO_SCHEMA, "done", what, "mesh",
				wga_topo_mesh_json(&m->topo), "seconds",
				(double)ms / 1000);
	int ret = wga_json_put(stdout, doc);

	putchar('\n');
	return wga_options_written(opt, ret, WGA_EXIT_PASS);
}

static volatile sig_atomic_t interrupted;

/* the second one kills: SA_RESETHAND */
static void on_signal(int sig)
{
	interrupted = sig;
}

static void catch_signals(void)
{
	wga_signal_catch(SIGINT, on_signal, (int)SA_RESETHAND);
	wga_signal_catch(SIGTERM, on_signal, (int)SA_RESETHAND);
	wga_signal_catch(SIGHUP, on_signal, (int)SA_RESETHAND);
}

/* end as that signal would have ended it, now that all is undone */
static void die_of_signal(void)
{
	fflush(stdout);
	signal(interrupted, SIG_DFL);
	raise(interrupted);
}

/* an error and, below it, the lines that a host logged last */
static int fail_with_log(const struct wga_options *opt, struct wga_err *err)
{
	char *rest = err->text, *line, clean[4 * sizeof(err->text)];

	if (wga_outputs_machine(&opt->outputs))
		return wga_options_fail(opt, err);
	strsep(&rest, "\n");
	wga_options_fail(opt, err);
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			fprintf(stderr, "    %s\n",
				wga_term_clean(line, clean, sizeof(clean)));
	}
	return WGA_EXIT_ERROR;
}

static unsigned int terminal_rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row)
		return 24;
	return size.ws_row;
}

static int verb_up(const struct wga_options *opt, const struct topo_args *args,
		   int argc, char **argv)
{
	struct wga_mesh m = { .networks_only = args->networks_only,
			      .cancel = &interrupted, .lock_fd = -1 };
	const bool json = wga_outputs_machine(&opt->outputs);
	struct wga_topo_progress progress;
	struct wga_progress tell = { wga_topo_progress_stage, &progress };
	struct wga_render_options how = opt->render;
	struct wga_err err;
	uint64_t ms;
	int ret;

	(void)argc;
	(void)argv;
	if (load(&m.topo, args, &err) < 0 || find_backend(&m, args, &err) < 0)
		return wga_options_fail(opt, &err);
	if (json)
		how = (struct wga_render_options){ 0 };
	catch_signals();
	wga_topo_progress_begin(&progress, json ? stderr : stdout, &m.topo, &how,
				terminal_rows());
	ret = wga_mesh_up(&m, &tell, &err);
	ms = wga_topo_progress_end(&progress);
	if (ret < 0 && interrupted) {
		wga_err_set(&err, "interrupted",
			    "interrupted; what was made until then is gone again");
		wga_options_fail(opt, &err);
		die_of_signal();
		ret = 128 + interrupted;
	} else if (ret < 0) {
		ret = fail_with_log(opt, &err);
	} else if (json) {
		ret = put_done(opt, "up", &m, ms);
	} else {
		printf("mesh %s is up%s after %.1f s; wgaudit topo status tells more\n",
		       m.topo.name, m.networks_only ? ", its networks only," : "",
		       (double)ms / 1000);
		ret = WGA_EXIT_PASS;
	}
	wga_mesh_close(&m);
	return ret;
}

static int verb_down(const struct wga_options *opt, const struct topo_args *args,
		     int argc, char **argv)
{
	struct wga_mesh m = { .lock_fd = -1 }, there;
	struct wga_err err;
	bool was;

	(void)argc;
	(void)argv;
	if (load(&m.topo, args, &err) < 0)
		return wga_options_fail(opt, &err);
	was = wga_mesh_open(&there, m.topo.name, &err) == 0;
	if (was)
		wga_mesh_close(&there);
	m.networks_only = args->networks_only;
	if (wga_mesh_down(&m, &err) < 0)
		return wga_options_fail(opt, &err);
	if (wga_outputs_machine(&opt->outputs))
		return put_done(opt, was ? "down" : "nothing", &m, 0);
	if (!was)
		printf("no mesh %s was up\n", m.topo.name);
	else if (m.networks_only)
		printf("the hosts of mesh %s are down, its networks are left\n",
		       m.topo.name);
	else
		printf("mesh %s is down\n", m.topo.name);
	return WGA_EXIT_PASS;
}

static int verb_status(const struct wga_options *opt,
		       const struct topo_args *args, int argc, char **argv)
{
	struct wga_host_status status[WGA_TOPO_HOSTS_MAX] = { 0 };
	struct wga_mesh m;
	struct wga_err err;
	int ret;

	(void)argc;
	(void)argv;
	if (open_mesh(&m, args, &err) < 0)
		return wga_options_fail(opt, &err);
	if (wga_mesh_status(&m, status, &err) < 0) {
		ret = wga_options_fail(opt, &err);
	} else {
		ret = wga_outputs_machine(&opt->outputs) ?
			wga_topo_status_json(stdout, &m, status) :
			wga_topo_status_text(stdout, &m, status, &opt->render);
		ret = wga_options_written(opt, ret, WGA_EXIT_PASS);
	}
	wga_mesh_close(&m);
	return ret;
}

/* A mesh that is up has what it needs, and is in its own way. */
static int verb_check(const struct wga_options *opt,
		      const struct topo_args *args, int argc, char **argv)
{
	struct wga_mesh m = { .lock_fd = -1 }, there;
	struct wga_err err;
	bool up;

	(void)argc;
	(void)argv;
	if (load(&m.topo, args, &err) < 0 || find_backend(&m, args, &err) < 0)
		return wga_options_fail(opt, &err);
	up = wga_mesh_open(&there, m.topo.name, &err) == 0;
	if (up)
		wga_mesh_close(&there);
	else if (m.backend->check(&m.topo, &err) < 0)
		return wga_options_fail(opt, &err);
	if (wga_outputs_machine(&opt->outputs))
		return put_done(opt, up ? "already-up" : "check", &m, 0);
	printf("%s: good: %zu networks, %zu hosts%s\n",
	       args->file ? args->file : "built-in topology", m.topo.n_networks,
	       m.topo.n_hosts, up ? "; it is up" : "");
	return WGA_EXIT_PASS;
}

static void no_such_host(const struct wga_mesh *m, const char *name,
			 struct wga_err *err)
{
	wga_err_set(err, "no-such-host",
		    "mesh %s has no host \"%s\"; wgaudit topo status lists them",
		    m->topo.name, name);
}

/* run one of the ways into a host of the mesh that is up */
static int in_host(const struct wga_options *opt, const struct topo_args *args,
		   char **argv, const char *const *command,
		   int (*enter)(struct wga_mesh *m,
				const struct wga_topo_host *host,
				const char *const *argv, uint64_t timeout_ms,
				struct wga_err *err))
{
	const struct wga_topo_host *host;
	struct wga_mesh m;
	struct wga_err err;
	int status = -1;

	if (open_mesh(&m, args, &err) < 0)
		return wga_options_fail(opt, &err);
	host = wga_topology_host(&m.topo, argv[0]);
	/* where the bridges are, commands can be run too */
	if (!host && (enter != wga_topo_exec || strcmp(argv[0], "net") != 0))
		no_such_host(&m, argv[0], &err);
	else
		status = enter(&m, host, command, args->timeout_ns / 1000000,
			       &err);
	if (status < 0)
		status = wga_options_fail(opt, &err);
	wga_mesh_close(&m);
	return status;
}

static int verb_exec(const struct wga_options *opt,
		     const struct topo_args *args, int argc, char **argv)
{
	(void)argc;
	return in_host(opt, args, argv, (const char *const *)argv + 1,
		       wga_topo_exec);
}

static int verb_ssh(const struct wga_options *opt, const struct topo_args *args,
		    int argc, char **argv)
{
	(void)argc;
	return in_host(opt, args, argv, (const char *const *)argv + 1,
		       wga_topo_ssh);
}

static int verb_console(const struct wga_options *opt,
			const struct topo_args *args, int argc, char **argv)
{
	(void)argc;
	return in_host(opt, args, argv, NULL, wga_topo_console);
}

static int power(const struct wga_options *opt, const struct topo_args *args,
		 const char *name, bool stop, bool start)
{
	const struct wga_topo_host *host;
	struct wga_mesh m;
	struct wga_err err;
	int ret = -1;

	if (open_mesh(&m, args, &err) < 0)
		return wga_options_fail(opt, &err);
	host = wga_topology_host(&m.topo, name);
	if (!host)
		no_such_host(&m, name, &err);
	else
		ret = wga_mesh_power(&m, host, stop, WGA_STOP_ORDERLY, start,
				     &err);
	wga_mesh_close(&m);
	return ret < 0 ? wga_options_fail(opt, &err) : WGA_EXIT_PASS;
}

static int verb_stop(const struct wga_options *opt,
		     const struct topo_args *args, int argc, char **argv)
{
	(void)argc;
	return power(opt, args, argv[0], true, false);
}

static int verb_start(const struct wga_options *opt,
		      const struct topo_args *args, int argc, char **argv)
{
	(void)argc;
	return power(opt, args, argv[0], false, true);
}

static int verb_reboot(const struct wga_options *opt,
		       const struct topo_args *args, int argc, char **argv)
{
	(void)argc;
	return power(opt, args, argv[0], true, true);
}

static const struct verb verbs[] = {
	{ "up", "up", 0, 0, true, false, verb_up },
	{ "down", "down", 0, 0, true, false, verb_down },
	{ "status", "status", 0, 0, false, false, verb_status },
	{ "check", "check", 0, 0, false, false, verb_check },
	{ "exec", "exec HOST -- CMD [ARG...]", 2, INT_MAX, false, true,
	  verb_exec },
	{ "ssh", "ssh HOST [-- CMD [ARG...]]", 1, INT_MAX, false, false,
	  verb_ssh },
	{ "console", "console HOST", 1, 1, false, false, verb_console },
	{ "stop", "stop HOST", 1, 1, false, false, verb_stop },
	{ "start", "start HOST", 1, 1, false, false, verb_start },
	{ "reboot", "reboot HOST", 1, 1, false, false, verb_reboot },
};

static const struct verb *find_verb(const char *name, struct wga_err *err)
{
	size_t i;

	for (i = 0; i < COUNT(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	wga_err_set(err, "usage",
		    "topo has no \"%s\"; it wants up, down, status, check, exec, ssh, console, stop, start or reboot",
		    name);
	return NULL;
}

static int run_verb(const struct wga_options *opt, const struct topo_args *args,
		    int argc, char **argv)
{
	const struct verb *verb;
	struct wga_err err;

	if (!argc)
		wga_err_set(&err, "usage",
			    "topo wants up, down, status, check, exec, ssh, console, stop, start or reboot; see wgaudit topo --help");
	else if (!(verb = find_verb(argv[0], &err)))
		;
	else if (argc - 1 < verb->min || argc - 1 > verb->max)
		wga_err_set(&err, "usage", "the form is: wgaudit topo [OPTION...] %s",
			    verb->form);
	else if (args->networks_only && !verb->networks_only)
		wga_err_set(&err, "usage", "--networks-only is for up and down");
	else if (args->timeout_ns && !verb->timeout)
		wga_err_set(&err, "usage", "--timeout is for exec");
	else
		return verb->run(opt, args, argc - 1, argv + 1);
	return wga_options_fail(opt, &err);
}

static int run_topo(const struct wga_command *cmd, int argc, char **argv)
{
	struct topo_args args = { 0 };
	struct wga_options opt;
	int first = wga_options_parse(&opt, cmd, &args, argc, argv), status;

	if (first < 0)
		return opt.status;
	status = run_verb(&opt, &args, argc - first, argv + first);
	wga_options_free(&opt);
	return status;
}

const struct wga_command wga_cmd_topo = {
	.name = "topo",
	.args = "up|down|status|check|exec HOST -- CMD...|ssh|console|stop|start|reboot HOST",
	.summary = "bring a Headscale mesh up, look at it, take it down",
	.about = "Brings up a Headscale server and its clients, on libvirt's bridges or in network\n"
		 "namespaces, without a way out: \"up\" again repairs what is missing, \"down\" takes\n"
		 "away all of it at any time. \"status\" tells of every host, \"check\" whether \"up\"\n"
		 "could work. \"exec\" runs a command in a host and ends with its exit status; the\n"
		 "host \"net\" is where the bridges of --backend namespaces are.",
	.options = topo_options,
	.undeclared = true,
	.run = run_topo,
};
