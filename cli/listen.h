/* SPDX-License-Identifier: MIT */
#ifndef WGA_LISTEN_H
#define WGA_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/run.h"
#include "capture/err.h"
#include "capture/live.h"
#include "cli/evidence.h"
#include "cli/options.h"

#define WGA_LISTEN_MAX	64

/**
 * struct wga_port - one bridge that is listened on
 * @name:	of the bridge
 * @live:	where its frames come from
 * @bridge:	where they go; belongs to the run
 * @frames:	handed on so far
 * @ended:	nothing more will come of it
 * @failed:	it ended because capturing failed
 */
struct wga_port {
	const char *name;
	struct wga_live *live;
	struct wga_bridge *bridge;
	uint64_t frames;
	bool ended, failed;
};

/**
 * struct wga_listen - a capture that is under way
 * @port, @n:	the bridges
 * @run:	judged for the live table
 * @opt:	for the live table, which is drawn on a terminal only
 * @how:	how the bridges were opened
 * @evidence:	where the frames are written, or NULL
 * @duration_ns: end after this time; 0: do not
 * @count:	end after this many frames, own ones not counted; 0: do not
 * @counted:	how many of @count have come
 */
struct wga_listen {
	struct wga_port port[WGA_LISTEN_MAX];
	size_t n;
	const struct wga_run *run;
	const struct wga_options *opt;
	const struct wga_live_options *how;
	struct wga_evidence_live *evidence;
	uint64_t duration_ns, count, counted;
};

/**
 * wga_listen_run() - hand on frames until a signal, a limit or the last bridge's
 * end
 * @l:		the capture
 * @err:	"capture-failed"
 *
 * SIGINT and SIGTERM end it; from then on a second one kills. SIGUSR1 writes a
 * status line to standard error. At the end each bridge knows what it lost.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_listen_run(struct wga_listen *l, struct wga_err *err);

#endif /* WGA_LISTEN_H */
