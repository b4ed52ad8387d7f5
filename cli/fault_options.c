/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/duration.h"
#include "cli/fault_options.h"

#define COUNT_MAX	100000
#define RATE_MAX	INT_MAX		/* as much as libnl's tbf takes */

int wga_fault_ms_parse(const char *text, uint64_t *ms, struct wga_err *err)
{
	uint64_t ns;

	if (wga_duration_parse(text, &ns, err) < 0)
		return -1;
	*ms = ns / 1000000;
	return 0;
}

int wga_fault_loss_parse(const char *text, unsigned int *loss,
			 struct wga_err *err)
{
	double percent;
	char *end;

	errno = 0;
	percent = strtod(text, &end);
	if (errno == 0 && end != text && (!*end || strcmp(end, "%") == 0) &&
	    *text >= '0' && *text <= '9' && percent <= 100) {
		*loss = (unsigned int)(percent * 100 + 0.5);
		if (*loss > 0 || percent <= 0)
			return 0;
	}
	return wga_err_set(err, "usage",
			   "'%s' is no loss; write 20%%, at least 0.01%% and at most 100%%",
			   text);
}

int wga_fault_rate_parse(const char *text, uint64_t *rate,
			 struct wga_err *err)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{ "kbit", 125 }, { "mbit", 125000 }, { "gbit", 125000000 },
	};
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (errno == 0 && *text >= '0' && *text <= '9' && n > 0 &&
		    strcmp(end, units[i].name) == 0 &&
		    n <= RATE_MAX / units[i].bytes) {
			*rate = n * units[i].bytes;
			return 0;
		}
	return wga_err_set(err, "usage",
			   "'%s' is no rate; write 500kbit or 10mbit, up to 17gbit",
			   text);
}

static int set_mesh(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	(void)err;
	a->where.mesh = arg;
	return 0;
}

static int set_bridge(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	for (size_t i = 0; i < a->where.n_bridges; i++)
		if (strcmp(a->where.bridges[i], arg) == 0)
			return wga_err_set(err, "usage",
					   "bridge '%s' is named twice", arg);
	if (a->where.n_bridges == WGA_FAULT_BRIDGES_MAX)
		return wga_err_set(err, "usage", "more than %d bridges",
				   WGA_FAULT_BRIDGES_MAX);
	a->where.bridges[a->where.n_bridges++] = arg;
	return 0;
}

static int set_port(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	(void)err;
	a->port = arg;
	return 0;
}

static int set_netns(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	(void)err;
	a->where.netns = arg;
	return 0;
}

static int set_detach(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	(void)arg;
	(void)err;
	a->detach = true;
	return 0;
}

static int set_duration(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	return wga_fault_ms_parse(arg, &a->fault.duration_ms, err);
}

static int set_kind(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;
	int kind = wga_fault_word(wga_fault_kinds, WGA_FAULT_KINDS, arg);

	if (kind < 0)
		return wga_err_set(err, "usage",
				   "--kind wants tap, carrier, drop or reject, not \"%s\"",
				   arg);
	a->fault.kind = (enum wga_fault_kind)kind;
	return 0;
}

static int set_count(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	return wga_count_parse(arg, "--count", COUNT_MAX, &a->fault.count, err);
}

static int set_up(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	return wga_fault_ms_parse(arg, &a->fault.up_ms, err);
}

static int set_jitter(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	return wga_fault_ms_parse(arg, &a->fault.jitter_ms, err);
}

static int set_seed(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	a->seed_set = true;
	return wga_count_parse(arg, "--seed", INT64_MAX, &a->fault.seed, err);
}

static int set_one_way(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	(void)arg;
	(void)err;
	a->fault.one_way = true;
	return 0;
}

static int set_protocol(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;
	int p = wga_fault_word(wga_fault_protocols, WGA_FAULT_PROTOCOLS, arg);

	if (p < 0)
		return wga_err_set(err, "usage",
				   "--protocol wants udp, tcp, icmp or any, not \"%s\"",
				   arg);
	a->fault.protocol = (enum wga_fault_protocol)p;
	return 0;
}

static int set_allow(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	if (strcmp(arg, "control") != 0 && strcmp(arg, "none") != 0)
		return wga_err_set(err, "usage",
				   "--allow wants control or none, not \"%s\"",
				   arg);
	a->allow_control = *arg == 'c';
	a->allow_none = *arg == 'n';
	return 0;
}

static int set_isolate(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	(void)err;
	a->isolate = arg;
	return 0;
}

static int set_control(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	return wga_addr_parse(arg, &a->fault.control, err);
}

static int set_address(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	if (a->n_addresses == WGA_FAULT_PORTS_MAX)
		return wga_err_set(err, "usage", "more than %d times --address",
				   WGA_FAULT_PORTS_MAX);
	a->address[a->n_addresses++] = arg;
	return 0;
}

static int set_delay(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;
	uint64_t ns;

	if (wga_duration_parse(arg, &ns, err) < 0)
		return -1;
	a->fault.delay_us = ns / 1000;
	if (a->fault.delay_us > INT_MAX)
		return wga_err_set(err, "usage", "--delay is at most 35m");
	return 0;
}

static int set_rate(void *own, const char *arg, struct wga_err *err)
{
	struct wga_fault_args *a = own;

	return wga_fault_rate_parse(arg, &a->fault.rate, err);
}

int wga_fault_addresses(const struct wga_fault_args *args,
			struct wga_fault_scope *s, struct wga_err *err)
{
	for (size_t i = 0; i < args->n_addresses; i++) {
		const char *a = args->address[i], *is = strchr(a, '=');
		struct wga_fault_port *p = NULL;

		for (size_t k = 0; is && k < s->n && !p; k++)
			if (strlen(s->ports[k].host) == (size_t)(is - a) &&
			    memcmp(s->ports[k].host, a, (size_t)(is - a)) == 0)
				p = &s->ports[k];
		if (!p)
			return wga_err_set(err, "usage",
					   "--address wants PORT=ADDR with a port that is there, not \"%s\"",
					   a);
		if (wga_addr_parse(is + 1, &p->addr, err) < 0)
			return -1;
	}
	return 0;
}

#define WHERE \
	{ .name = "name", .arg = "MESH", .set = set_mesh, \
	  .help = "mesh that the hosts are of; else the only one" }, \
	{ .name = "bridge", .arg = "BR", .set = set_bridge, \
	  .flags = WGA_OPTION_MANY, \
	  .help = "no mesh: the hosts are the ports of this bridge" }, \
	{ .name = "netns", .arg = "NAME", .set = set_netns, \
	  .help = "network namespace that the bridge is in" }

#define HOLD \
	{ .name = "duration", .arg = "TIME", .set = set_duration, \
	  .help = "how long; else until Ctrl-C" }, \
	{ .name = "detach", .set = set_detach, \
	  .help = "in the background" }

#define PORT \
	{ .name = "port", .arg = "PORT", .set = set_port, \
	  .help = "port of the bridge, instead of a host" }

#define KIND \
	{ .name = "kind", .arg = "KIND", .set = set_kind, .preset = "tap", \
	  .help = "tap, carrier, drop or reject" }

const struct wga_option wga_fault_link_options[] = {
	KIND, HOLD, WHERE, PORT, { .name = NULL },
};

const struct wga_option wga_fault_flap_options[] = {
	{ .name = "count", .arg = "N", .set = set_count, .preset = "1",
	  .help = "how often the link goes down" },
	{ .name = "up", .arg = "TIME", .set = set_up,
	  .help = "how long it is up in between; else as long as down" },
	{ .name = "jitter", .arg = "TIME", .set = set_jitter,
	  .help = "each time is longer or shorter by up to this" },
	{ .name = "seed", .arg = "N", .set = set_seed,
	  .help = "the same seed, the same times; else a new one" },
	KIND,
	{ .name = "detach", .set = set_detach, .help = "in the background" },
	WHERE, PORT, { .name = NULL },
};

const struct wga_option wga_fault_partition_options[] = {
	{ .name = "one-way", .set = set_one_way,
	  .help = "only what goes from the first to the second" },
	{ .name = "protocol", .arg = "P", .set = set_protocol,
	  .preset = "any", .help = "udp, tcp or icmp alone" },
	{ .name = "isolate", .arg = "HOSTS", .set = set_isolate,
	  .help = "cut these off from everything" },
	{ .name = "allow", .arg = "WHAT", .set = set_allow,
	  .preset = "control",
	  .help = "control: the server stays reachable; or none" },
	{ .name = "control", .arg = "ADDR", .set = set_control,
	  .help = "no mesh: the control server" },
	{ .name = "address", .arg = "PORT=ADDR", .set = set_address,
	  .flags = WGA_OPTION_MANY,
	  .help = "no mesh: address of the host on a port" },
	HOLD, WHERE, { .name = NULL },
};

const struct wga_option wga_fault_loss_options[] = {
	{ .name = "delay", .arg = "TIME", .set = set_delay,
	  .help = "hold back what goes to the host (netem)" },
	{ .name = "rate", .arg = "RATE", .set = set_rate,
	  .help = "limit what goes to the host: 500kbit, 10mbit" },
	HOLD, WHERE, PORT, { .name = NULL },
};

const struct wga_option wga_fault_where_options[] = {
	{ .name = NULL },
};
