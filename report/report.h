/* SPDX-License-Identifier: MIT */
#ifndef WGA_REPORT_H
#define WGA_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "analyze/verdict.h"
#include "capture/err.h"

/*
 * Theory of operation
 *
 * A renderer writes one finished verdict, or one error, to a stream. It decides
 * nothing: what it prints is in struct wga_verdict, and what a verdict cannot
 * know of the run that gave it is in struct wga_render_run.
 */

/**
 * struct wga_render_run - the run of the program
 * @host:	name of this machine, or NULL
 * @start_ns, @end_ns:	when it began and ended, of the realtime clock
 * @status:	its exit status
 * @paths, @n_paths:	the files that were read, as they were named
 */
struct wga_render_run {
	const char *host;
	uint64_t start_ns, end_ns;
	int status;
	char *const *paths;
	size_t n_paths;
};

/**
 * struct wga_render_options - how to write
 * @color:	ANSI colours are wanted
 * @brief:	verdict and reasons only (`wgaudit gate`)
 * @width:	columns of the terminal, 0 if it is none
 * @run:	for what CI systems and monitoring want to know
 * @error:	what failed although the verdict stands, or NULL; JSON only, text
 *		has errors elsewhere
 */
struct wga_render_options {
	bool color;
	bool brief;
	unsigned int width;
	struct wga_render_run run;
	const struct wga_err *error;
};

/**
 * struct wga_renderer - one way to write results
 * @name:	that of its option, or "text"
 * @verdict:	write a verdict
 * @error:	write an error
 * Both return 0, or -1 if the stream failed.
 */
struct wga_renderer {
	const char *name;
	int (*verdict)(FILE *out, const struct wga_verdict *v,
		       const struct wga_render_options *opt);
	int (*error)(FILE *out, const struct wga_err *err,
		     const struct wga_render_options *opt);
};

extern const struct wga_renderer wga_render_text;
extern const struct wga_renderer wga_render_json;
extern const struct wga_renderer wga_render_jsonl;
extern const struct wga_renderer wga_render_junit;
extern const struct wga_renderer wga_render_sarif;
extern const struct wga_renderer wga_render_prometheus;

/**
 * wga_live_table() - redraw the live table of flows in place (text, terminal)
 * @out:	terminal
 * @now:	the verdict so far
 * @before:	the verdict at the last redraw, for rates; or NULL
 * @seconds:	time between the two
 * @opt:	colours, width
 * @lines:	in: lines drawn last time; out: lines drawn now
 */
void wga_live_table(FILE *out, const struct wga_verdict *now,
		    const struct wga_verdict *before, double seconds,
		    const struct wga_render_options *opt, unsigned int *lines);

#endif /* WGA_REPORT_H */
