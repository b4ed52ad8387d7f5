/* SPDX-License-Identifier: MIT */
#ifndef WGA_CLI_H
#define WGA_CLI_H

#include <stdbool.h>

#include "capture/err.h"
#include "cli/exit.h"

/**
 * struct wga_option - a long option; help and getopt tables are made of these
 * @name:	without the dashes; NULL ends a table
 * @arg:	name of its argument for the help, NULL if it takes none
 * @help:	what it does, in one line of the help
 * @set:	takes the option: @own as given to wga_options_parse(), @arg or
 *		NULL; returns 0, or -1 with @err set
 */
struct wga_option {
	const char *name;
	const char *arg;
	const char *help;
	int (*set)(void *own, const char *arg, struct wga_err *err);
};

/**
 * struct wga_command - one command of wgaudit, defined in its cmd_*.c
 * @name:	the word on the command line
 * @args:	its operands and required options for the help, "FILE..."
 * @summary:	one line for the list of commands
 * @about:	a paragraph for its own help
 * @options:	options of this command alone, or NULL
 * @undeclared:	it judges no frames, so what is declared is no option of it
 * @run:	runs it; argv[0] is the command's name; returns enum wga_exit
 */
struct wga_command {
	const char *name;
	const char *args;
	const char *summary;
	const char *about;
	const struct wga_option *options;
	bool undeclared;
	int (*run)(const struct wga_command *cmd, int argc, char **argv);
};

extern const struct wga_command wga_cmd_capture;
extern const struct wga_command wga_cmd_analyze;
extern const struct wga_command wga_cmd_gate;
extern const struct wga_command wga_cmd_seal;
extern const struct wga_command wga_cmd_verify;

#endif /* WGA_CLI_H */
