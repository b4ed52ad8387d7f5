/* SPDX-License-Identifier: MIT */
#ifndef WGA_CLI_H
#define WGA_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/err.h"
#include "cli/exit.h"

/* of an option that a policy can hold, too */
#define WGA_OPTION_MANY		1U	/* repeatable, a list in a policy */
#define WGA_OPTION_PATH		2U	/* its argument is a file */
#define WGA_OPTION_MAP		4U	/* NAME=VALUE, a mapping in a policy */

/**
 * struct wga_option - a long option; help, getopt tables and the keys of
 * policies are made of these
 * @name:	without the dashes; NULL ends a table
 * @arg:	name of its argument for the help, NULL if it takes none
 * @help:	what it does, in one line of the help
 * @set:	takes the option: @own as given to wga_options_parse(), @arg or
 *		NULL; returns 0, or -1 with @err set
 * @flags:	WGA_OPTION_*
 * @preset:	what holds if it is not given, or NULL
 */
struct wga_option {
	const char *name;
	const char *arg;
	const char *help;
	int (*set)(void *own, const char *arg, struct wga_err *err);
	unsigned int flags;
	const char *preset;
};

/**
 * struct wga_command - one command of wgaudit, defined in its cmd_*.c
 * @name:	the word on the command line
 * @args:	its operands and required options for the help, "FILE..."
 * @summary:	one line for the list of commands
 * @about:	a paragraph for its own help
 * @options:	options of this command alone, or NULL
 * @undeclared:	it judges no frames, so what is declared is no option of it
 * @own_size:	bytes of what their setters fill, which starts as zeros
 * @policy_at:	which operand is a policy, from 1; 0: none
 * @run:	runs it; argv[0] is the command's name; returns enum wga_exit
 */
struct wga_command {
	const char *name;
	const char *args;
	const char *summary;
	const char *about;
	const struct wga_option *options;
	bool undeclared;
	size_t own_size;
	int policy_at;
	int (*run)(const struct wga_command *cmd, int argc, char **argv);
};

/* those of capture, which a policy can hold and wgaudit policy takes too */
extern const struct wga_option wga_capture_options[];

extern const struct wga_command wga_cmd_canary;
extern const struct wga_command wga_cmd_capture;
extern const struct wga_command wga_cmd_analyze;
extern const struct wga_command wga_cmd_gate;
extern const struct wga_command wga_cmd_seal;
extern const struct wga_command wga_cmd_verify;
extern const struct wga_command wga_cmd_policy;
extern const struct wga_command wga_cmd_topo;
extern const struct wga_command wga_cmd_doctor;
extern const struct wga_command wga_cmd_link;
extern const struct wga_command wga_cmd_flap;
extern const struct wga_command wga_cmd_partition;
extern const struct wga_command wga_cmd_loss;
extern const struct wga_command wga_cmd_faults;
extern const struct wga_command wga_cmd_heal;

#endif /* WGA_CLI_H */
