/* SPDX-License-Identifier: MIT */
#ifndef WGA_CLI_EVIDENCE_INTERNAL_H
#define WGA_CLI_EVIDENCE_INTERNAL_H

#include "analyze/elide.h"
#include "analyze/review.h"
#include "capture/pcapng_write.h"
#include "capture/ring.h"
#include "capture/source.h"
#include "cli/evidence.h"

#define WGA_EVIDENCE_COMMENT	400

/**
 * struct wga_evidence_notes - the comments of a frame
 */
struct wga_evidence_notes {
	char text[WGA_CODE_COUNT][WGA_EVIDENCE_COMMENT];
	const char *p[WGA_CODE_COUNT];
	unsigned int n;
};

/* the comments of a reviewed frame, one for each reason */
void wga_evidence_comment(const struct wga_review *r,
			  const struct wga_reviewed *seen,
			  struct wga_evidence_notes *notes);

/* is a frame to be kept? */
bool wga_evidence_keeps(const struct wga_evidence_options *opt,
			const struct wga_reviewed *seen);

/**
 * wga_evidence_frame() - a frame as it is to be written
 * @seen, @frame:	a frame that is kept
 * @e:		room for a shorter one
 * @extras:	told what was left out of it, now or when it was read
 *
 * Return: @frame, or one that lives as long as it does and @e is not used again.
 */
const struct wga_frame *
wga_evidence_frame(const struct wga_evidence_options *opt,
		   const struct wga_reviewed *seen,
		   const struct wga_frame *frame, struct wga_elision *e,
		   struct wga_pcapng_extras *extras);

/* about the file, for its section */
void wga_evidence_title(const struct wga_evidence_options *opt,
			const struct wga_verdict *v, char *buf, size_t size);

/* What hides frames of an interface: its own filter, our selection, or both.
 * Returns NULL or @buf.
 */
const char *wga_evidence_filter(const struct wga_evidence_options *opt,
				const char *filter, char *buf, size_t size);

/* say in the verdict how many frames are not kept */
void wga_evidence_note(struct wga_verdict *v, uint64_t removed);

/* what a source says of an interface's losses; @damage: of the source, or NULL */
struct wga_pcapng_loss
wga_evidence_loss(const struct wga_source_iface *ifc, const char *damage);

#endif /* WGA_CLI_EVIDENCE_INTERNAL_H */
