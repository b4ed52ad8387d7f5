/* SPDX-License-Identifier: MIT */
#ifndef WGA_RUN_H
#define WGA_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/config.h"
#include "analyze/verdict.h"
#include "capture/err.h"
#include "capture/frame.h"
#include "capture/selftest.h"

/*
 * Theory of operation
 *
 * What one bridge's capture yields is a value, struct wga_bridge: flows,
 * sessions, handshakes, who was seen behind which MAC address, and counts. It
 * is filled by one thread and knows nothing of other bridges. A run is a set
 * of such values. Only wga_run_judge() looks across them, so the order in
 * which bridges are read, or whether they are read side by side, cannot change
 * the verdict.
 */
struct wga_bridge;
struct wga_run;

/**
 * struct wga_loss - what is known to be missing from one bridge's frames
 * @kernel_drops:	frames that kernel or file say were dropped
 * @gone:		the interface went away during the capture
 * @heartbeats_sent, @heartbeats_seen:	own frames put on the bridge and
 *			found again (both 0 when passive or from a file)
 * @leaked:		phases of the self-test whose frames were sent
 * @leak_due:		phases whose frames must have been found by now
 * @passive:		live, without heartbeats
 * @filter:		BPF expression that hid frames, or NULL
 * @damage:		why a file ended before its end, or NULL
 */
struct wga_loss {
	uint64_t kernel_drops;
	bool gone;
	uint64_t heartbeats_sent, heartbeats_seen;
	bool leaked[WGA_SELFTEST_PHASES], leak_due[WGA_SELFTEST_PHASES];
	bool passive;
	const char *filter;
	const char *damage;
};

/**
 * wga_bridge_new() - start observing one bridge
 * @cfg:	what was declared; must outlive the bridge
 * @name:	file or bridge name, copied
 * @live:	@name is a live interface
 *
 * Return: the bridge, or NULL when out of memory.
 */
struct wga_bridge *wga_bridge_new(const struct wga_config *cfg,
				  const char *name, bool live);

/**
 * wga_bridge_gateway() - an address the bridge itself has (live capture)
 */
void wga_bridge_gateway(struct wga_bridge *br, const struct wga_addr *addr);

/**
 * wga_bridge_selftest() - expect a synthetic leak
 * @br:		the bridge, before its first frame
 * @st:		the leak, copied
 * @own:	it is made on this bridge and must be found there; others may
 *		turn up
 *
 * Its frames are examined as all others are. One that comes out as readable
 * between hosts of the mesh was found: it is of class canary, once. One that
 * comes out as something else, or comes again, is judged as what it is.
 *
 * Return: 0, or -1 when out of memory.
 */
int wga_bridge_selftest(struct wga_bridge *br, const struct wga_selftest *st,
			bool own);

/**
 * wga_bridge_part() - judge only a part of the frames
 * @br:		the bridge, before its first frame
 * @part, @parts:	this bridge takes part @part of @parts
 *
 * Several threads can judge one capture: each reads all of it into a bridge of
 * its own, all by one name, and takes the flows that fall to it. A run needs
 * all parts, and joins them as if one bridge had taken everything.
 */
void wga_bridge_part(struct wga_bridge *br, unsigned int part,
		     unsigned int parts);

/* frames handed in so far, also those of other parts */
uint64_t wga_bridge_handed(const struct wga_bridge *br);

/**
 * wga_bridge_observe() - judge a batch of frames
 * @br:		the bridge
 * @batch:	frames, in capture order; not kept
 */
void wga_bridge_observe(struct wga_bridge *br, const struct wga_batch *batch);

/**
 * struct wga_trace - what a frame was, for a review of the run (review.h)
 * @flow:	its flow on this bridge
 * @codes:	bit for each code that it earned by itself
 * @frame:	its number
 */
struct wga_trace {
	uint32_t flow, codes;
	uint64_t frame;
};

/**
 * wga_bridge_observe_traced() - wga_bridge_observe(), and leave a trace
 * @br:		the bridge, not one of several parts
 * @trace:	filled, one per frame of @batch
 */
void wga_bridge_observe_traced(struct wga_bridge *br,
			       const struct wga_batch *batch,
			       struct wga_trace *trace);

/**
 * wga_bridge_loss() - say what is missing so far; the last call counts
 * @br:		the bridge
 * @loss:	strings are copied; replaces what was said before
 */
void wga_bridge_loss(struct wga_bridge *br, const struct wga_loss *loss);

void wga_bridge_free(struct wga_bridge *br);

struct wga_run *wga_run_new(const struct wga_config *cfg);

/**
 * wga_run_add() - add a bridge to a run
 * @run:	the run
 * @br:		the bridge; the run owns it from here on
 *
 * A name that another bridge of the run has gets "#2", "#3", ... behind it,
 * unless both are parts of one.
 *
 * Return: 0, or -1 with @err set (more than 64 bridges, out of memory).
 */
int wga_run_add(struct wga_run *run, struct wga_bridge *br, struct wga_err *err);

/* name of the bridge that was added at @i, or NULL if there are not so many */
const char *wga_run_name(const struct wga_run *run, size_t i);

/**
 * wga_run_merge() - move all bridges of one run into another
 * @run:	the run that grows
 * @other:	the run that is emptied and freed
 */
int wga_run_merge(struct wga_run *run, struct wga_run *other,
		  struct wga_err *err);

/**
 * wga_run_judge() - join all bridges and give the verdict
 * @run:	the run, which stays as it was: it may be judged again later
 *		with more frames or bridges
 * @out:	release with wga_verdict_free()
 *
 * Return: 0, or -1 with @err set (out of memory).
 */
int wga_run_judge(const struct wga_run *run, struct wga_verdict **out,
		  struct wga_err *err);

void wga_run_free(struct wga_run *run);

#endif /* WGA_RUN_H */
