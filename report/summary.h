/* SPDX-License-Identifier: MIT */
#ifndef WGA_SUMMARY_H
#define WGA_SUMMARY_H

#include "analyze/verdict.h"

/**
 * struct wga_summary - all inputs of a verdict together
 * @first_ns, @last_ns:	0 if no frame has a time
 */
struct wga_summary {
	uint64_t frames, bytes, kernel_drops;
	uint64_t first_ns, last_ns;
};

struct wga_summary wga_summary_of(const struct wga_verdict *v);

/* nanoseconds from first to last frame, 0 if there is no such time */
uint64_t wga_summary_span(const struct wga_summary *sum);

#endif /* WGA_SUMMARY_H */
