/* SPDX-License-Identifier: MIT */
#ifndef WGA_FEED_H
#define WGA_FEED_H

#include <stddef.h>

#include "analyze/config.h"
#include "analyze/run.h"
#include "capture/err.h"

/* as many bridges as a run can hold */
#define WGA_FEED_MAX	64

/**
 * wga_feed_files() - read capture files into a run
 * @run:	grows by one bridge per interface, in the order of the files and
 *		of the interfaces in each
 * @cfg:	what was declared
 * @paths, @n:	files, at least one; "-" is standard input
 * @err:	"usage" (a file given twice, too many), the codes of
 *		wga_source_open() and wga_source_next(), "too-many-interfaces",
 *		"out-of-memory"; names the file
 *
 * Files are read side by side. A bridge is called after its file, and
 * FILE:INTERFACE if the file has several interfaces. An interface without
 * frames is a bridge too, and so is a file without interfaces.
 *
 * Return: 0, or -1 with @err set; of several errors that of the first file.
 */
int wga_feed_files(struct wga_run *run, const struct wga_config *cfg,
		   char *const *paths, size_t n, struct wga_err *err);

/**
 * wga_feed_counted() - wga_feed_files(), and tell which bridges are whose
 * @bridges:	by file, how many of the run's next bridges are its own; NULL if
 *		nobody wants to know
 *
 * Bridges of further parts of a file are not counted; they come after all others.
 */
int wga_feed_counted(struct wga_run *run, const struct wga_config *cfg,
		     char *const *paths, size_t n, unsigned int *bridges,
		     struct wga_err *err);

#endif /* WGA_FEED_H */
