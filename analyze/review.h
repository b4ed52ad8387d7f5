/* SPDX-License-Identifier: MIT */
#ifndef WGA_REVIEW_H
#define WGA_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/run.h"
#include "analyze/verdict.h"
#include "capture/frame.h"

/*
 * Theory of operation
 *
 * What a frame is to the mesh is known only when all bridges have been read. A
 * review goes through the frames a second time and says of each what the
 * verdict made of it: its class, and the reasons it gives. What a frame holds
 * comes from examining it again, on bridges that start afresh and see the same
 * frames in the same order (wga_review_frame()), or from the trace that
 * wga_bridge_observe_traced() left (wga_review_trace()). What that means comes
 * from the join of the run that was judged, so the two cannot differ. A fragment
 * that came before its datagram was whole is looked up by its number.
 *
 * The run must have been configured with wga_config.review.
 */
struct wga_review;

/**
 * struct wga_reviewed - a frame as the verdict sees it
 * @cls:	its class
 * @codes:	bit for each reason that it gives or is the first frame of
 * @first:	it is the first frame of a reason
 * @selftest:	it is of the run's own self-test, and was found as it must be
 */
struct wga_reviewed {
	enum wga_class cls;
	uint32_t codes;
	bool first, selftest;
	const void *flow; /* for wga_review_text() */
};

/* Does the verdict rest on no more of a frame than elide.h keeps? */
static inline bool wga_reviewed_quiet(const struct wga_reviewed *seen)
{
	return seen->cls == WGA_CLASS_WIREGUARD && !seen->codes;
}

/**
 * wga_review_new() - begin a review
 * @run:	the run, which must live on unchanged
 * @v:		its verdict
 * @err:	"out-of-memory"
 *
 * Return: the review, or NULL with @err set.
 */
struct wga_review *wga_review_new(const struct wga_run *run,
				  const struct wga_verdict *v,
				  struct wga_err *err);
void wga_review_free(struct wga_review *r);

/**
 * wga_review_input() - number of an input
 * @name:	of one of the run's bridges
 *
 * Return: for wga_review_frame() and wga_review_trace(), or -1 if the run has no
 * such bridge.
 */
int wga_review_input(const struct wga_review *r, const char *name);

/**
 * wga_review_frame() - examine a frame again
 * @r:		review
 * @input:	where it came from
 * @frame:	all frames of an input, in the order they were observed
 * @out:	filled
 *
 * Return: 0, or -1 when the frame is not one that was judged (the input has
 * changed), or when out of memory.
 */
int wga_review_frame(struct wga_review *r, int input,
		     const struct wga_frame *frame, struct wga_reviewed *out);

/**
 * wga_review_trace() - look up a frame by its trace
 * @trace:	as wga_bridge_observe_traced() left it; any frames, in any order
 *
 * Return: 0, or -1 when no frame can have left this trace.
 */
int wga_review_trace(struct wga_review *r, int input,
		     const struct wga_trace *trace, struct wga_reviewed *out);

/**
 * wga_review_text() - say why a frame gives a reason
 * @seen:	frame
 * @code:	one of its codes
 * @buf, @size:	"violation: plaintext — readable between hosts of ..."
 *
 * Return: @buf.
 */
const char *wga_review_text(const struct wga_review *r,
			    const struct wga_reviewed *seen,
			    enum wga_code code, char *buf, size_t size);

/**
 * wga_review_agrees() - have all frames that were judged been reviewed?
 *
 * Return: true if the classes of the reviewed frames sum up as in the verdict.
 */
bool wga_review_agrees(const struct wga_review *r);

#endif /* WGA_REVIEW_H */
