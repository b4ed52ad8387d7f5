/* SPDX-License-Identifier: MIT */
#ifndef WGA_TOTAL_H
#define WGA_TOTAL_H

#include "analyze/verdict.h"

/**
 * struct wga_total - all inputs of a verdict together
 * @first_ns, @last_ns:	0 if no frame has a time
 */
struct wga_total {
	uint64_t frames, bytes, kernel_drops;
	uint64_t first_ns, last_ns;
};

struct wga_total wga_total_of(const struct wga_verdict *v);

/* first reason of that code, or NULL if none stands */
const struct wga_reason *wga_total_reason(const struct wga_verdict *v,
					  enum wga_code code);

/* nanoseconds from first to last frame, 0 if there is no such time */
uint64_t wga_total_span(const struct wga_total *sum);

#endif /* WGA_TOTAL_H */
