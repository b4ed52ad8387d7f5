/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_SCHEDULE_H
#define WGA_FAULT_SCHEDULE_H

#include <stdint.h>

/**
 * struct wga_schedule - when a flapping link is down and up
 * @down_ms, @up_ms:	each outage, and the time between two
 * @jitter_ms:	each of them is longer or shorter by up to this much, but at
 *		least 1 ms long
 * @seed:	what the jitter is drawn from; the same seed, the same schedule
 * @state:	of the generator
 *
 * Lengths are drawn in the order in which they are needed: down, up, down, ...
 */
struct wga_schedule {
	uint64_t down_ms, up_ms, jitter_ms, seed;
	uint64_t state;
};

void wga_schedule_begin(struct wga_schedule *s, uint64_t down_ms,
			uint64_t up_ms, uint64_t jitter_ms, uint64_t seed);

/* how long the next outage, and the next time between two, is: milliseconds */
uint64_t wga_schedule_down(struct wga_schedule *s);
uint64_t wga_schedule_up(struct wga_schedule *s);

#endif /* WGA_FAULT_SCHEDULE_H */
