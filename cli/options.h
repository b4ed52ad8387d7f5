/* SPDX-License-Identifier: MIT */
#ifndef WGA_OPTIONS_H
#define WGA_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "analyze/config.h"
#include "analyze/verdict.h"
#include "cli/cli.h"
#include "report/report.h"

/*
 * Theory of operation
 *
 * The options that capture, analyze and gate share, and the two ways out of a
 * command: a verdict or an error, written by the renderer that was asked for.
 *
 *	struct wga_options opt;
 *	int first = wga_options_parse(&opt, cmd, &own, argc, argv);
 *
 *	if (first < 0)
 *		return opt.status;
 *	... operands are argv[first] to argv[argc - 1] ...
 *	status = wga_options_verdict(&opt, verdict);  (or wga_options_fail())
 *	wga_options_free(&opt);
 *	return status;
 */

/**
 * struct wga_options - what was asked for
 * @cfg:	what was declared
 * @json:	--json
 * @renderer:	text or JSON
 * @render:	for standard output: colour, columns (0 if it is no terminal);
 *		brief is for the command to set
 * @status:	exit status when wga_options_parse() returns -1
 */
struct wga_options {
	struct wga_config cfg;
	bool json;
	const struct wga_renderer *renderer;
	struct wga_render_options render;
	int status;
};

/**
 * wga_options_parse() - read the command line of a command
 * @opt:	filled; nothing needs to be freed after -1
 * @cmd:	the command, for its own options and its help
 * @own:	handed to the setters of cmd->options
 * @argc, @argv: as the command got them; operands are moved to the end
 *
 * Return: index of the first operand, or -1 when the command is over: help or
 * an error has been written and opt->status is the exit status.
 */
int wga_options_parse(struct wga_options *opt, const struct wga_command *cmd,
		      void *own, int argc, char **argv);

void wga_options_free(struct wga_options *opt);

/**
 * wga_options_help() - write the help of one command
 */
void wga_options_help(FILE *out, const struct wga_command *cmd);

/**
 * wga_options_fail() - write an error where errors go
 *
 * JSON on standard output under --json, else text on standard error.
 *
 * Return: WGA_EXIT_ERROR.
 */
int wga_options_fail(const struct wga_options *opt, const struct wga_err *err);

/**
 * wga_options_written() - the way out when something else was written
 * @ret:	what writing it to standard output returned
 * @status:	exit status if that is not below 0
 *
 * Return: @status, or WGA_EXIT_ERROR with an error written.
 */
int wga_options_written(const struct wga_options *opt, int ret, int status);

/**
 * wga_options_verdict() - write a verdict to standard output
 *
 * Return: the exit status that goes with it; WGA_EXIT_ERROR, with an error
 * written, when standard output could not be written.
 */
int wga_options_verdict(const struct wga_options *opt,
			const struct wga_verdict *v);

#endif /* WGA_OPTIONS_H */
