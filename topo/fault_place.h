/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_PLACE_H
#define WGA_FAULT_PLACE_H

#include "topo/fault.h"
#include "topo/fault_journal.h"
#include "topo/fault_link.h"

/**
 * struct wga_placed - a fault that this process holds
 * @fault:	as it is in the journal
 * @nft:	owns its rules while they are set
 * @watch:	of its first link, if it takes links down
 * @frames:	that had come in by its ports when it began
 * @dropped:	frames that its rules have taken away, up to the last time they
 *		were removed
 * @delayed:	frames that went through its queueing, likewise
 */
struct wga_placed {
	struct wga_fault fault;
	struct nft_ctx *nft;
	struct wga_link_watch watch;
	uint64_t frames, dropped, delayed;
};

/**
 * wga_fault_check() - can it be put? nothing is changed
 * @f:		a fault with ports and parameters
 * @err:	"already-in-place", "already-down", "no-far-end", "usage", and what
 *		the journal says
 */
int wga_fault_check(const struct wga_fault *f, struct wga_err *err);

/**
 * wga_fault_begin() - write a fault into the journal, as held by this process
 * @p:		@fault set, the rest zero
 *
 * Return: 0, or -1 with @err set and nothing to end.
 */
int wga_fault_begin(struct wga_placed *p, struct wga_err *err);

/**
 * wga_fault_down() - put it in its place
 * @at:		when the link's event came, or the rules were set
 * @seen:	false: the link's event did not come, or the link was down already
 */
int wga_fault_down(struct wga_placed *p, struct wga_fault_time *at, bool *seen,
		   struct wga_err *err);

/**
 * wga_fault_up() - take it away, for now
 * @at:		as above
 * @seen:	false also if another fault holds the link down
 */
int wga_fault_up(struct wga_placed *p, struct wga_fault_time *at, bool *seen,
		 struct wga_err *err);

/**
 * wga_fault_end() - take it away for good, and forget it
 * @end:	what is to be kept of it, as JSON text, or NULL
 */
int wga_fault_end(struct wga_placed *p, const char *end, struct wga_err *err);

/* frames that have come in by its ports since it began */
uint64_t wga_fault_tried(const struct wga_placed *p);

/**
 * wga_fault_undo() - do what an orphan's process could not
 * @j:		where it is; the file is removed, @j->faults stays as it is
 */
int wga_fault_undo(struct wga_journal *j, const struct wga_fault *f,
		   struct wga_err *err);

/**
 * wga_fault_undo_orphans() - undo all faults whose process is gone
 * @told:	called for each, before; or NULL
 */
int wga_fault_undo_orphans(void (*told)(void *arg, const struct wga_fault *f),
			   void *arg, struct wga_err *err);

#endif /* WGA_FAULT_PLACE_H */
