/* SPDX-License-Identifier: MIT */
#ifndef WGA_OPAQUE_INTERNAL_H
#define WGA_OPAQUE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct wga_scan_sums - what a pass counts; starts as zeros
 * @text:	there may be a run of printable bytes worth a closer look: true if
 *		there is one of 23, false if there is none of 16
 */
struct wga_scan_sums {
	uint64_t digest;
	uint64_t high, zero, echo;
	bool text;
};

/* For 128 bytes and more. Both count the same; tests hold them against each
 * other. The digests differ. wga_scan_long_avx2() needs AVX2 and AES.
 */
void wga_scan_long_plain(const uint8_t *p, size_t len, struct wga_scan_sums *s);
void wga_scan_long_avx2(const uint8_t *p, size_t len, struct wga_scan_sums *s);

/* choose the implementation and make the key; safe to call again */
void wga_scan_init(void);

#endif /* WGA_OPAQUE_INTERNAL_H */
