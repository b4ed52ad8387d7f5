/* SPDX-License-Identifier: MIT */
#ifndef WGA_CLI_FAULT_OPTIONS_H
#define WGA_CLI_FAULT_OPTIONS_H

#include "cli/cli.h"
#include "topo/fault.h"
#include "topo/fault_target.h"

/**
 * struct wga_fault_args - what the options of faults say
 * @where:	where hosts are looked for
 * @port:	--port, instead of a host's name
 * @address, @n_addresses:	--address, PORT=ADDR
 * @allow_none:	--allow none
 * @fault:	filled as far as options can
 */
struct wga_fault_args {
	struct wga_fault_where where;
	const char *port;
	const char *address[WGA_FAULT_PORTS_MAX];
	size_t n_addresses;
	const char *isolate;
	bool allow_control, allow_none, kind_set, seed_set, up_set, detach;
	struct wga_fault fault;
};

extern const struct wga_option wga_fault_link_options[];
extern const struct wga_option wga_fault_flap_options[];
extern const struct wga_option wga_fault_partition_options[];
extern const struct wga_option wga_fault_loss_options[];
extern const struct wga_option wga_fault_where_options[];

/* "20%", "0.5%", "20" in units of 0.01 % */
int wga_fault_loss_parse(const char *text, unsigned int *loss,
			 struct wga_err *err);

/* "10mbit", "500kbit", "1gbit" in bytes a second */
int wga_fault_rate_parse(const char *text, uint64_t *rate,
			 struct wga_err *err);

/* as wga_duration_parse(), in milliseconds, at least 1 */
int wga_fault_ms_parse(const char *text, uint64_t *ms, struct wga_err *err);

/**
 * wga_fault_addresses() - take --address
 * @s:		its ports get them
 */
int wga_fault_addresses(const struct wga_fault_args *args,
			struct wga_fault_scope *s, struct wga_err *err);

#endif /* WGA_CLI_FAULT_OPTIONS_H */
