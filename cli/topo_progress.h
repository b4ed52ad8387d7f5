/* SPDX-License-Identifier: MIT */
#ifndef WGA_TOPO_PROGRESS_H
#define WGA_TOPO_PROGRESS_H

#include <pthread.h>
#include <stdio.h>

#include "report/report.h"
#include "topo/mesh.h"

/*
 * Theory of operation
 *
 * How far each host is while a mesh comes up. On a terminal that holds them all
 * it is one line per host, its stage and the seconds since up began, redrawn in
 * place at every step and every second. Anywhere else it is a line of log for
 * each step.
 */

/* "created", "joined", ... */
const char *wga_stage_name(enum wga_stage stage);

/**
 * struct wga_topo_progress - a mesh that is coming up
 * @out:	where it is told
 * @opt:	colours; width 0 is no terminal
 * @stage, @ms:	by host: the last stage and when it was reached
 * @began_ms:	CLOCK_MONOTONIC
 * @drawn:	lines that are on the terminal
 */
struct wga_topo_progress {
	FILE *out;
	const struct wga_topology *t;
	struct wga_render_options opt;
	enum wga_stage stage[WGA_TOPO_HOSTS_MAX];
	uint64_t ms[WGA_TOPO_HOSTS_MAX];
	uint64_t began_ms;
	unsigned int drawn;
	bool redraws, ends, ticking;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t ticker;
};

/**
 * wga_topo_progress_begin() - begin to tell
 * @p:		filled; wga_topo_progress_end() it
 * @rows:	of the terminal, if opt->width says that it is one
 */
void wga_topo_progress_begin(struct wga_topo_progress *p, FILE *out,
			     const struct wga_topology *t,
			     const struct wga_render_options *opt,
			     unsigned int rows);

/* the callback of struct wga_progress; @arg is the struct wga_topo_progress */
void wga_topo_progress_stage(void *arg, size_t host, enum wga_stage stage,
			     uint64_t ms);

/* what is drawn stays; returns milliseconds since begin */
uint64_t wga_topo_progress_end(struct wga_topo_progress *p);

#endif /* WGA_TOPO_PROGRESS_H */
