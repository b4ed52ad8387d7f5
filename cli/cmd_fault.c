/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/fault_heal.h"
#include "cli/fault_options.h"
#include "cli/fault_report.h"
#include "cli/fault_run.h"
#include "cli/options.h"
#include "topo/fault_link.h"
#include "topo/fault_place.h"

/* the operands of a command, taken from the left */
struct operands {
	char **at;
	int n;
};

static const char *next(struct operands *o)
{
	if (o->n == 0)
		return NULL;
	o->n--;
	return *o->at++;
}

static int usage(const char *form, struct wga_err *err)
{
	return wga_err_set(err, "usage", "usage: wgaudit %s", form);
}

static int check_where(const struct wga_fault_args *args, struct wga_err *err)
{
	if (args->where.n_bridges && args->where.mesh)
		return wga_err_set(err, "usage",
				   "--name and --bridge are two ways to find hosts; use one");
	if (!args->where.n_bridges && (args->where.netns || args->port))
		return wga_err_set(err, "usage", "%s goes with --bridge",
				   args->port ? "--port" : "--netns");
	return 0;
}

/* the host that is named by an operand, or by --port */
static int find_host(struct wga_fault_args *args, struct operands *o,
		     const char *form, struct wga_err *err)
{
	const char *name = args->port ? args->port : next(o);
	struct wga_fault *f = &args->fault;
	struct wga_fault_scope scope;

	if (!name)
		return usage(form, err);
	if (wga_fault_scope_open(&scope, &args->where, err) < 0 ||
	    wga_fault_scope_find(&scope, name, &f->ports[0], err) < 0)
		return -1;
	f->n_ports = 1;
	f->ns = scope.ns;
	memcpy(f->mesh, scope.mesh, sizeof(f->mesh));
	memcpy(f->uri, scope.uri, sizeof(f->uri));
	return 0;
}

/* the last operand: how long */
static int find_time(struct wga_fault_args *args, struct operands *o,
		     const char *form, struct wga_err *err)
{
	const char *time = next(o);

	if (o->n > 0 || (time && args->fault.duration_ms))
		return usage(form, err);
	return time ? wga_fault_ms_parse(time, &args->fault.duration_ms, err) :
		      0;
}

/* Return: 1 to put the fault, 0 to take it away, -1 with @err set */
static int plan_link(struct wga_fault_args *args, struct operands *o,
		     struct wga_err *err)
{
	static const char form[] =
		"link HOST down [TIME], or link HOST up; --port PORT instead of HOST";
	struct operands rest;
	const char *state;

	/* words before names: nothing is asked of the kernel in vain */
	rest = *o;
	if (!args->port && !next(&rest))
		return usage(form, err);
	state = next(&rest);
	if (!state || (strcmp(state, "up") != 0 && strcmp(state, "down") != 0))
		return usage(form, err);
	if (*state == 'u' && (rest.n > 0 || args->fault.duration_ms))
		return usage(form, err);
	if (find_time(args, &rest, form, err) < 0 ||
	    find_host(args, o, form, err) < 0)
		return -1;
	args->fault.what = WGA_FAULT_LINK;
	return *state == 'd';
}

static int plan_flap(struct wga_fault_args *args, struct operands *o,
		     struct wga_err *err)
{
	static const char form[] =
		"flap HOST TIME [--count N]; --port PORT instead of HOST";
	struct wga_fault *f = &args->fault;
	struct operands rest = *o;

	if (!args->port && !next(&rest))
		return usage(form, err);
	if (find_time(args, &rest, form, err) < 0)
		return -1;
	if (!f->duration_ms)
		return usage(form, err);
	f->what = WGA_FAULT_FLAP;
	if (!f->up_ms)
		f->up_ms = f->duration_ms;
	if (!args->seed_set && getentropy(&f->seed, sizeof(f->seed)) < 0)
		return wga_err_set(err, "no-random-bytes",
				   "the system has no random bytes; give a --seed");
	/* as JSON and --seed have it */
	f->seed &= INT32_MAX;
	return find_host(args, o, form, err) < 0 ? -1 : 1;
}

static int plan_loss(struct wga_fault_args *args, struct operands *o,
		     struct wga_err *err)
{
	static const char form[] =
		"loss HOST PERCENT [TIME]; --port PORT instead of HOST";
	struct wga_fault *f = &args->fault;
	struct operands rest = *o;
	const char *loss;

	if (!args->port && !next(&rest))
		return usage(form, err);
	loss = next(&rest);
	if (!loss)
		return usage(form, err);
	if (wga_fault_loss_parse(loss, &f->loss, err) < 0 ||
	    find_time(args, &rest, form, err) < 0)
		return -1;
	if (!f->loss && !f->delay_us && !f->rate)
		return wga_err_set(err, "usage",
				   "a loss of 0 %% without --delay or --rate is no fault");
	f->what = WGA_FAULT_LOSS;
	f->kind = WGA_FAULT_DROP;
	return find_host(args, o, form, err) < 0 ? -1 : 1;
}

/* frames that cross bridges are known by the address they are for */
static int check_addresses(const struct wga_fault *f, struct wga_err *err)
{
	for (size_t i = 0; i < f->n_ports; i++)
		for (size_t k = 0; k < f->n_ports; k++) {
			const struct wga_fault_port *to = &f->ports[k];

			if (f->ports[i].group == to->group ||
			    (f->one_way && f->ports[i].group == 1) ||
			    strcmp(f->ports[i].bridge, to->bridge) == 0 ||
			    wga_fault_has_addr(&to->addr))
				continue;
			return wga_err_set(err, "no-address",
					   "%s and %s are on two bridges; say by --address %s=ADDR which address to cut off",
					   f->ports[i].host, to->host,
					   to->host);
		}
	return 0;
}

static int check_control(const struct wga_fault_args *args,
			 const struct wga_fault_scope *scope,
			 struct wga_err *err)
{
	const struct wga_fault *f = &args->fault;

	if (args->allow_none)
		return 0;
	if (args->allow_control && !wga_fault_has_addr(&scope->control))
		return wga_err_set(err, "usage",
				   "--allow control: which is it? say so by --control ADDR");
	for (size_t i = 0; i < f->n_ports; i++)
		if (wga_fault_has_addr(&scope->control) &&
		    wga_addr_equal(&f->ports[i].addr, &scope->control))
			return wga_err_set(err, "control-cut",
					   "%s is the control server, which stays reachable; --allow none cuts it off, too",
					   f->ports[i].host);
	return 0;
}

static int plan_partition(struct wga_fault_args *args, struct operands *o,
			  struct wga_err *err)
{
	static const char form[] =
		"partition HOSTS HOSTS [TIME], or partition --isolate HOSTS [TIME]";
	struct wga_fault *f = &args->fault;
	const char *a = args->isolate ? args->isolate : next(o);
	const char *b = args->isolate ? NULL : next(o);
	static struct wga_fault_scope scope;

	if (!a || (!b && !args->isolate))
		return usage(form, err);
	if (args->isolate && f->one_way)
		return wga_err_set(err, "usage",
				   "--one-way needs two sides, --isolate has one");
	if (find_time(args, o, form, err) < 0 ||
	    wga_fault_scope_open(&scope, &args->where, err) < 0)
		return -1;
	if (wga_fault_has_addr(&f->control))
		scope.control = f->control;
	f->what = WGA_FAULT_PARTITION;
	f->kind = WGA_FAULT_DROP;
	f->isolate = args->isolate != NULL;
	f->ns = scope.ns;
	memcpy(f->mesh, scope.mesh, sizeof(f->mesh));
	memset(&f->control, 0, sizeof(f->control));
	if (wga_fault_addresses(args, &scope, err) < 0 ||
	    wga_fault_scope_group(&scope, a, 0, f, err) < 0 ||
	    (b && wga_fault_scope_group(&scope, b, 1, f, err) < 0) ||
	    check_control(args, &scope, err) < 0)
		return -1;
	if (f->isolate && !args->allow_none)
		f->control = scope.control;
	return check_addresses(f, err) < 0 ? -1 : 1;
}

static int link_up(const struct wga_options *opt, const struct wga_fault *f)
{
	struct wga_fault_link l;
	struct wga_err err;
	int n = wga_fault_heal_link(opt, f, &err);

	if (n < 0)
		return wga_options_fail(opt, &err);
	if (n > 0)
		return WGA_EXIT_PASS;
	if (wga_fault_link_near(&f->ns, &f->ports[0], &l, &err) < 0)
		return wga_options_fail(opt, &err);
	if (wga_outputs_machine(&opt->outputs))
		n = wga_fault_print(json_pack("{s:s, s:[]}", "schema",
					      WGA_FAULT_SCHEMA, "healed"));
	else
		n = printf("the link of %s is up, and no fault of wgaudit link holds it\n",
			   f->ports[0].host) < 0 ? -1 : 0;
	return wga_options_written(opt, n, WGA_EXIT_PASS);
}

static int run(const struct wga_command *cmd, int argc, char **argv,
	       int (*plan)(struct wga_fault_args *args, struct operands *o,
			   struct wga_err *err))
{
	static struct wga_fault_args args;
	struct wga_options opt;
	struct operands o;
	struct wga_err err;
	int first, status, put;

	args.fault.count = 1;
	first = wga_options_parse(&opt, cmd, &args, argc, argv);
	if (first < 0)
		return opt.status;
	o = (struct operands){ argv + first, argc - first };
	put = check_where(&args, &err) < 0 ? -1 : plan(&args, &o, &err);
	if (put >= 0 && geteuid() == 0 &&
	    wga_fault_undo_orphans(wga_fault_tell_orphan, NULL, &err) < 0)
		put = -1;
	if (put < 0)
		status = wga_options_fail(&opt, &err);
	else
		status = put ? wga_fault_run(&opt, &args.fault, args.detach) :
			       link_up(&opt, &args.fault);
	wga_options_free(&opt);
	return status;
}

static int link_run(const struct wga_command *cmd, int argc, char **argv)
{
	return run(cmd, argc, argv, plan_link);
}

static int flap_run(const struct wga_command *cmd, int argc, char **argv)
{
	return run(cmd, argc, argv, plan_flap);
}

static int partition_run(const struct wga_command *cmd, int argc, char **argv)
{
	return run(cmd, argc, argv, plan_partition);
}

static int loss_run(const struct wga_command *cmd, int argc, char **argv)
{
	return run(cmd, argc, argv, plan_loss);
}

const struct wga_command wga_cmd_link = {
	.name = "link",
	.args = "HOST down [TIME] | up",
	.summary = "take a host's link down, and up again",
	.about = "Takes the link of a host down for a time, or until Ctrl-C or wgaudit link HOST up.\n"
		 "Kinds: tap, the host side down; carrier, the host's own end; drop, frames vanish;\n"
		 "reject, packets are answered by ICMP. wgaudit heal undoes it, whatever happened.",
	.options = wga_fault_link_options,
	.undeclared = true,
	.run = link_run,
};

const struct wga_command wga_cmd_flap = {
	.name = "flap",
	.args = "HOST TIME",
	.summary = "take a host's link down and up, once or often",
	.about = "Takes the link of a host down for a time and up again, --count times, and tells when\n"
		 "it really was down. Kinds are those of wgaudit link.",
	.options = wga_fault_flap_options,
	.undeclared = true,
	.run = flap_run,
};

const struct wga_command wga_cmd_partition = {
	.name = "partition",
	.args = "HOSTS HOSTS [TIME]",
	.summary = "cut hosts off from each other",
	.about = "Drops what hosts send to each other, on one bridge and across bridges, for a time or\n"
		 "until Ctrl-C. Groups are written vm-a,vm-c. With --isolate HOSTS these are cut off from\n"
		 "everything but the control server.",
	.options = wga_fault_partition_options,
	.undeclared = true,
	.run = partition_run,
};

const struct wga_command wga_cmd_loss = {
	.name = "loss",
	.args = "HOST PERCENT [TIME]",
	.summary = "lose frames of a host",
	.about = "Loses a part of the frames from and to a host, at random, for a time or until Ctrl-C.",
	.options = wga_fault_loss_options,
	.undeclared = true,
	.run = loss_run,
};
