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
 * nothing: what it prints is in struct wga_verdict.
 */

/**
 * struct wga_render_options - how to write
 * @color:	ANSI colours are wanted
 * @brief:	verdict and reasons only (`wgaudit gate`)
 * @width:	columns of the terminal, 0 if it is none
 */
struct wga_render_options {
	bool color;
	bool brief;
	unsigned int width;
};

/**
 * struct wga_renderer - one way to write results
 * @name:	"text", "json"
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
