/* SPDX-License-Identifier: MIT */
#ifndef WGA_OUTPUTS_H
#define WGA_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/err.h"
#include "report/report.h"

/*
 * Theory of operation
 *
 * One rendering goes to standard output, text if nothing else was asked for,
 * and any number to files. A reader of such a file sees the rendering of one
 * run, whole: it is written under another name beside the file and then
 * renamed. That other name is always the same, so what a killed run leaves is
 * taken over by the next one, and it is locked while it is written, so runs
 * that write the same file at the same time do so one after the other.
 *
 * What is no regular file (a pipe, /dev/null) is written to as it is. A symbolic
 * link stays, and what it points to is replaced.
 */

#define WGA_OUTPUTS_MAX	16

struct wga_output {
	const struct wga_renderer *renderer;
	const char *path;
};

/**
 * struct wga_outputs - where a run's renderings go; all zero is text alone
 * @screen:	on standard output; NULL is text
 * @file, @n:	the files; paths are not copied
 */
struct wga_outputs {
	const struct wga_renderer *screen;
	struct wga_output file[WGA_OUTPUTS_MAX];
	size_t n;
};

/**
 * wga_outputs_add() - ask for a rendering
 * @path:	"-" is standard output
 *
 * Return: 0, or -1 with @err set ("usage"): too many, standard output or the
 * same file asked for twice.
 */
int wga_outputs_add(struct wga_outputs *o, const struct wga_renderer *r,
		    const char *path, struct wga_err *err);

/* Is standard output for a program? Then errors go there too. */
bool wga_outputs_machine(const struct wga_outputs *o);

/**
 * wga_outputs_check() - can all files be written, as things are now?
 *
 * For before a long capture, not after it; nothing is written.
 *
 * Return: 0, or -1 with @err set ("write-failed", "usage"), naming the file.
 */
int wga_outputs_check(const struct wga_outputs *o, struct wga_err *err);

/**
 * wga_outputs_verdict() - write a verdict everywhere
 * @opt:	how; colour and width are those of standard output
 *
 * Files come first: what standard output says is then true of them as well.
 *
 * Return: 0, or -1 with @err set ("write-failed"), naming what could not be
 * written; files may then hold the verdict, and want wga_outputs_error().
 */
int wga_outputs_verdict(const struct wga_outputs *o, const struct wga_verdict *v,
			const struct wga_render_options *opt,
			struct wga_err *err);

/**
 * wga_outputs_error() - write an error everywhere
 *
 * On standard output if that is for a program, else as text on standard error.
 * A file that cannot be written is told on standard error.
 */
void wga_outputs_error(const struct wga_outputs *o, const struct wga_err *err,
		       const struct wga_render_options *opt);

#endif /* WGA_OUTPUTS_H */
