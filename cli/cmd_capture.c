/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "capture/netns.h"
#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/listen.h"
#include "cli/options.h"

#define RING_MAX	(1U << 30)
#define ADDRESSES_MAX	32

struct capture_options {
	const char *bridges[WGA_LISTEN_MAX];
	size_t n_bridges;
	const char *netns;
	struct wga_live_options live;
	uint64_t duration_ns, count;
};

static int set_bridge(void *own, const char *arg, struct wga_err *err)
{
	struct capture_options *co = own;

	for (size_t i = 0; i < co->n_bridges; i++)
		if (strcmp(co->bridges[i], arg) == 0)
			return wga_err_set(err, "usage",
					   "bridge '%s' is named twice", arg);
	if (co->n_bridges == WGA_LISTEN_MAX)
		return wga_err_set(err, "usage",
				   "at most %d bridges can be listened on",
				   WGA_LISTEN_MAX);
	co->bridges[co->n_bridges++] = arg;
	return 0;
}

static int set_netns(void *own, const char *arg, struct wga_err *err)
{
	struct capture_options *co = own;

	(void)err;
	co->netns = arg;
	return 0;
}

static int set_duration(void *own, const char *arg, struct wga_err *err)
{
	struct capture_options *co = own;

	return wga_duration_parse(arg, &co->duration_ns, err);
}

static int set_count(void *own, const char *arg, struct wga_err *err)
{
	struct capture_options *co = own;

	return wga_count_parse(arg, "--count", UINT64_MAX, &co->count, err);
}

static int set_filter(void *own, const char *arg, struct wga_err *err)
{
	struct capture_options *co = own;

	(void)err;
	co->live.filter = arg;
	return 0;
}

static int set_passive(void *own, const char *arg, struct wga_err *err)
{
	struct capture_options *co = own;

	(void)arg;
	(void)err;
	co->live.passive = true;
	return 0;
}

static int set_selftest(void *own, const char *arg, struct wga_err *err)
{
	struct capture_options *co = own;

	(void)arg;
	(void)err;
	co->live.selftest = true;
	return 0;
}

static int set_ring(void *own, const char *arg, struct wga_err *err)
{
	struct capture_options *co = own;
	uint64_t bytes;

	if (wga_count_parse(arg, "--ring-bytes", RING_MAX, &bytes, err) < 0)
		return -1;
	co->live.ring_bytes = (uint32_t)bytes;
	return 0;
}

const struct wga_option wga_capture_options[] = {
	{ "bridge", "BR", "listen on this bridge", set_bridge,
	  WGA_OPTION_MANY, NULL },
	{ "netns", "NAME", "the bridges are in this network namespace",
	  set_netns, 0, NULL },
	{ "duration", "TIME", "end after 10s, 500ms, 2m, 1h", set_duration,
	  0, NULL },
	{ "count", "N", "end after N frames, own ones not counted",
	  set_count, 0, NULL },
	{ "filter", "EXPR",
	  "pcap-filter(7) expression; at best inconclusive, for it hides frames",
	  set_filter, 0, NULL },
	{ "passive", NULL, "send no heartbeat frames", set_passive, 0, NULL },
	{ "self-test", NULL,
	  "leak on purpose at start and end: it must be found", set_selftest,
	  0, NULL },
	{ "ring-bytes", "N", "size of the kernel's ring per bridge", set_ring,
	  0, "67108864" },
	{ 0 },
};

static int open_port(struct wga_port *port, const char *name,
		     const struct capture_options *co,
		     const struct wga_config *cfg, struct wga_run *run,
		     struct wga_err *err)
{
	struct wga_addr addr[ADDRESSES_MAX];
	unsigned int n;

	port->name = name;
	if (wga_live_open(&port->live, name, &co->live, err) < 0)
		return -1;
	port->bridge = wga_bridge_new(cfg, name, true);
	if (!port->bridge)
		return wga_err_set(err, "out-of-memory", "out of memory");
	n = wga_live_addresses(port->live, addr, ADDRESSES_MAX);
	for (unsigned int i = 0; i < n; i++)
		wga_bridge_gateway(port->bridge, &addr[i]);
	return wga_run_add(run, port->bridge, err);
}

/* A leak on one bridge may turn up on another that it is connected to. */
static int expect_leaks(const struct wga_listen *l, struct wga_err *err)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < l->n; k++) {
			const struct wga_selftest *st =
				wga_live_selftest(l->port[k].live);

			if (st && wga_bridge_selftest(l->port[i].bridge, st,
						      i == k) < 0)
				return wga_err_set(err, "out-of-memory",
						   "out of memory");
		}
	return 0;
}

static int open_evidence(struct wga_listen *l,
			 const struct capture_options *co, struct wga_err *err)
{
	struct wga_evidence_port ports[WGA_LISTEN_MAX];

	if (!l->opt->evidence.path)
		return 0;
	for (size_t i = 0; i < l->n; i++)
		ports[i] = (struct wga_evidence_port){
			l->port[i].name, co->live.filter,
		};
	return wga_evidence_live_open(&l->evidence, &l->opt->evidence, ports,
				      l->n, err);
}

static int capture(struct wga_listen *l, const struct capture_options *co,
		   struct wga_run *run, struct wga_verdict **out,
		   struct wga_err *err)
{
	if (co->netns && wga_netns_enter(co->netns, err) < 0)
		return -1;
	for (; l->n < co->n_bridges; l->n++)
		if (open_port(&l->port[l->n], co->bridges[l->n], co,
			      &l->opt->cfg, run, err) < 0) {
			l->n++;
			return -1;
		}
	/* the user that is left may write less than root */
	if (expect_leaks(l, err) < 0 || wga_privileges_drop(err) < 0 ||
	    wga_outputs_check(&l->opt->outputs, err) < 0 ||
	    open_evidence(l, co, err) < 0 ||
	    wga_listen_run(l, err) < 0)
		return -1;
	return wga_run_judge(run, out, err);
}

static int capture_and_report(const struct capture_options *co,
			      const struct wga_options *opt)
{
	struct wga_listen l = {
		.opt = opt,
		.how = &co->live,
		.duration_ns = co->duration_ns,
		.count = co->count,
	};
	struct wga_run *run = wga_run_new(&opt->cfg);
	struct wga_verdict *verdict;
	struct wga_err err;
	int status;

	if (!run) {
		wga_err_set(&err, "out-of-memory", "out of memory");
		return wga_options_fail(opt, &err);
	}
	l.run = run;
	if (capture(&l, co, run, &verdict, &err) < 0) {
		status = wga_options_fail(opt, &err);
	} else {
		if (l.evidence &&
		    wga_evidence_live_end(l.evidence, run, verdict, &err) < 0)
			status = wga_options_flawed(opt, verdict, &err);
		else
			status = wga_options_verdict(opt, verdict);
		wga_verdict_free(verdict);
	}
	wga_evidence_live_free(l.evidence);
	for (size_t i = 0; i < l.n; i++)
		wga_live_close(l.port[i].live);
	wga_run_free(run);
	return status;
}

/* what the options mean together; @operand is what stands beside them, or NULL */
static int check_usage(const struct capture_options *co, const char *operand,
		       struct wga_err *err)
{
	if (operand)
		return wga_err_set(err, "usage",
				   "capture takes no '%s': bridges go to --bridge, files to wgaudit analyze",
				   operand);
	if (co->n_bridges == 0)
		return wga_err_set(err, "usage",
				   "--bridge BR is missing; see wgaudit capture --help");
	if (co->live.selftest && co->live.passive)
		return wga_err_set(err, "usage",
				   "--self-test sends frames, and --passive sends none: give one of them");
	return 0;
}

static int run_capture(const struct wga_command *cmd, int argc, char **argv)
{
	struct capture_options co = { 0 };
	struct wga_options opt;
	struct wga_err err;
	int first, status;

	first = wga_options_parse(&opt, cmd, &co, argc, argv);
	if (first < 0)
		return opt.status;
	if (check_usage(&co, first < argc ? argv[first] : NULL, &err) < 0)
		status = wga_options_fail(&opt, &err);
	else
		status = capture_and_report(&co, &opt);
	wga_options_free(&opt);
	return status;
}

const struct wga_command wga_cmd_capture = {
	.name = "capture",
	.args = "--bridge BR [--bridge BR ...]",
	.summary = "listen on bridges live and judge every frame",
	.about = "Judges every frame on the bridges until Ctrl-C, --duration or --count, then gives\n"
		 "the verdict. Root or CAP_NET_RAW is needed to open the bridges and is given up\n"
		 "after that.",
	.options = wga_capture_options,
	.own_size = sizeof(struct capture_options),
	.run = run_capture,
};
