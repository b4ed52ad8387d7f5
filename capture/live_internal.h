/* SPDX-License-Identifier: MIT */
#ifndef WGA_LIVE_INTERNAL_H
#define WGA_LIVE_INTERNAL_H

#include <stdint.h>

/**
 * struct wga_drop_count - libpcap's 32-bit counters, made to last
 * @kernel:	last reading of ps_drop
 * @total:	sum of its growth
 * @iface:	largest reading of ps_ifdrop
 */
struct wga_drop_count {
	uint32_t kernel;
	uint64_t total;
	uint32_t iface;
};

/**
 * wga_drops_sample() - take in one reading
 *
 * ps_ifdrop goes below zero when the interface's own counters are reset or
 * vanish (libpcap issue 994 shows 4294965006); such a reading says nothing.
 *
 * Return: frames dropped so far.
 */
uint64_t wga_drops_sample(struct wga_drop_count *count, uint32_t ps_drop,
			  uint32_t ps_ifdrop);

#endif /* WGA_LIVE_INTERNAL_H */
