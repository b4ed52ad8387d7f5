/* SPDX-License-Identifier: MIT */
#ifndef WGA_OPAQUE_INTERNAL_H
#define WGA_OPAQUE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct wga_scan_sums - what a pass counts; starts as zeros
 * @acc:	digest lanes
 * @run16:	16 printable bytes in a row were seen
 */
struct wga_scan_sums {
	uint64_t acc[4];
	uint64_t high, zero, step, echo;
	bool run16;
};

/* Both do the same; tests hold them against each other. */
void wga_scan_sums_plain(const uint8_t *p, size_t len, struct wga_scan_sums *s);
void wga_scan_sums_avx2(const uint8_t *p, size_t len, struct wga_scan_sums *s);

void wga_scan_init(void);

#endif /* WGA_OPAQUE_INTERNAL_H */
