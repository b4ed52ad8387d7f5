/* SPDX-License-Identifier: MIT */
#ifndef WGA_CLI_EVIDENCE_H
#define WGA_CLI_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/run.h"
#include "analyze/verdict.h"
#include "capture/err.h"
#include "cli/evidence_options.h"

/*
 * Theory of operation
 *
 * Which frames are evidence is known only when the verdict is. So files are read
 * a second time, joined by time, and each frame is written with what the review
 * (analyze/review.h) says of it. A capture writes its frames as they come, with
 * a trace that the review can look up, and goes over its files when it has
 * ended: until then, and whatever ends it, they hold all frames as they were.
 */

/**
 * wga_evidence_check() - can evidence be written of these files?
 * @paths, @n:	inputs; each must be a file that can be read twice
 * @err:	"usage", "write-failed"
 *
 * To be called before they are read: nothing is worse than to know afterwards.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_evidence_check(const struct wga_evidence_options *opt,
		       char *const *paths, size_t n, struct wga_err *err);

/**
 * wga_evidence_files() - write the evidence of files
 * @run, @v:	what was judged; a note is added to @v where the ring removed
 *		frames
 * @bridges:	as told by wga_feed_counted()
 * @err:	"write-failed", "changed-input", those of wga_source_open()
 *
 * Return: 0, or -1 with @err set. What was written until then is kept.
 */
int wga_evidence_files(const struct wga_evidence_options *opt,
		       const struct wga_run *run, struct wga_verdict *v,
		       char *const *paths, size_t n,
		       const unsigned int *bridges, struct wga_err *err);

/* evidence of a capture that is under way */
struct wga_evidence_live;

/**
 * struct wga_evidence_port - a bridge that is captured
 * @filter:	what hides frames from it, or NULL
 */
struct wga_evidence_port {
	const char *name, *filter;
};

/**
 * wga_evidence_live_open() - begin the file of a capture
 * @out:	where it goes; release with wga_evidence_live_free()
 * @opt:	must live on
 * @ports, @n:	bridges; frames name them by number
 * @err:	"write-failed", "usage"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_evidence_live_open(struct wga_evidence_live **out,
			   const struct wga_evidence_options *opt,
			   const struct wga_evidence_port *ports, size_t n,
			   struct wga_err *err);

/**
 * wga_evidence_live_batch() - write frames
 * @trace:	one per frame
 *
 * Once that fails nothing more is written; wga_evidence_live_end() tells why.
 */
void wga_evidence_live_batch(struct wga_evidence_live *ev, unsigned int port,
			     const struct wga_batch *batch,
			     const struct wga_trace *trace);

/* what a bridge has lost so far; its strings must live until the end */
void wga_evidence_live_loss(struct wga_evidence_live *ev, unsigned int port,
			    const struct wga_loss *loss);

/**
 * wga_evidence_live_flush() - hand all frames to the kernel
 *
 * Return: what keeps evidence from being written, the first time that is asked;
 * else NULL.
 */
const char *wga_evidence_live_flush(struct wga_evidence_live *ev);

/* end the files; no frames come any more */
void wga_evidence_live_close(struct wga_evidence_live *ev);

/**
 * wga_evidence_live_end() - go over the files with the verdict
 *
 * Return: 0, or -1 with @err set: then the files hold what was captured, without
 * comments and without selection.
 */
int wga_evidence_live_end(struct wga_evidence_live *ev,
			  const struct wga_run *run, struct wga_verdict *v,
			  struct wga_err *err);

void wga_evidence_live_free(struct wga_evidence_live *ev);

#endif /* WGA_CLI_EVIDENCE_H */
