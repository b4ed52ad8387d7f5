/* SPDX-License-Identifier: MIT */
#ifndef WGA_OPTIONS_H
#define WGA_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "analyze/config.h"
#include "analyze/verdict.h"
#include "cli/cli.h"
#include "cli/evidence_options.h"
#include "cli/outputs.h"
#include "cli/policy.h"
#include "report/report.h"

/*
 * Theory of operation
 *
 * The options that capture, analyze and gate share, and the two ways out of a
 * command: a verdict or an error, written by the renderers that were asked for.
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
 *
 * What is declared can also stand in policies (--policy). The keys of a policy
 * are made of the same tables as the options: those that are shared, and those
 * of capture, which other commands check and otherwise leave alone. Policies
 * come first, so the command line adds to their lists and overrides the rest.
 */

/**
 * struct wga_item - something that was declared
 * @key:	index of the option, for wga_options_key()
 * @arg:	its argument; "true" or "false" if it takes none
 * @file, @line:	policy it stands in; NULL: the command line
 */
struct wga_item {
	size_t key;
	const char *arg;
	const char *file;
	unsigned int line;
};

/**
 * struct wga_options - what was asked for
 * @cfg:	what was declared
 * @evidence:	--write and its like
 * @outputs:	renderings
 * @render:	colour, columns (0 if standard output is no terminal), the run;
 *		brief and run.paths are for the command to set
 * @host:	for render.run
 * @policies:	that were read; setters may keep their strings
 * @items:	all that was declared, in the order in which it was taken
 * @scratch:	what the setters of capture fill for a command that is not it
 * @status:	exit status when wga_options_parse() returns -1
 */
struct wga_options {
	struct wga_config cfg;
	struct wga_evidence_options evidence;
	struct wga_outputs outputs;
	struct wga_render_options render;
	char host[HOST_NAME_MAX + 1];
	struct wga_policy *policies;
	size_t n_policies;
	struct wga_item *items;
	size_t n_items;
	void *scratch;
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

/* what can be declared: option @i in the order of the help, NULL at the end;
 * the setter is not among it
 */
const struct wga_option *wga_options_key(size_t i, struct wga_option *key);

/**
 * wga_options_help() - write the help of one command
 */
void wga_options_help(FILE *out, const struct wga_command *cmd);

/**
 * wga_options_refuse() - end a command line that names no command
 * @err:	what is wrong with it
 *
 * The options that say how to write are heeded all the same.
 *
 * Return: WGA_EXIT_ERROR.
 */
int wga_options_refuse(int argc, char **argv, const struct wga_err *err);

/**
 * wga_options_fail() - write an error where errors go
 *
 * On standard output if that is for a program (--json), else as text on
 * standard error; also into every file that was asked for.
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
 * wga_options_flawed() - write a verdict, and an error that came after it
 *
 * The error is part of the document under --json; files that renderings went
 * to say the error and no verdict.
 *
 * Return: WGA_EXIT_ERROR.
 */
int wga_options_flawed(const struct wga_options *opt,
		       const struct wga_verdict *v, const struct wga_err *err);

/**
 * wga_options_verdict() - write a verdict, in all renderings
 *
 * Return: the exit status that goes with it; WGA_EXIT_ERROR, with an error
 * written, when one of them could not be written.
 */
int wga_options_verdict(const struct wga_options *opt,
			const struct wga_verdict *v);

#endif /* WGA_OPTIONS_H */
