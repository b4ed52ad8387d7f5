/* SPDX-License-Identifier: MIT */
#ifndef WGA_SELFTEST_H
#define WGA_SELFTEST_H

#include <stdint.h>

#include "capture/addr.h"

/*
 * Theory of operation
 *
 * A self-test is a leak of one's own making. Two hosts that do not exist say
 * readable text to each other: UDP over IPv4 between two random addresses of
 * 198.18.0.0/15, which RFC 2544 sets aside for benchmarks, one datagram in each
 * direction when the capture begins and one each when it ends. If they do not
 * come out as the violation that they are, nothing that was not found proves
 * anything.
 *
 * Each begins "wgaudit self-test " and 128 random bits in hex, others at the
 * start than at the end. Ports and MAC addresses (unicast, locally
 * administered) are random, too. So nobody can make such a frame before it was
 * sent; and since a frame is known by all of its bytes and counts once, nobody
 * can use one for anything after that.
 */

#define WGA_SELFTEST_TEXT	64
#define WGA_SELFTEST_LEN	(14 + 20 + 8 + WGA_SELFTEST_TEXT)

enum wga_selftest_phase {
	WGA_SELFTEST_START,
	WGA_SELFTEST_END,
	WGA_SELFTEST_PHASES
};

/* so many frames go out in each phase */
#define WGA_SELFTEST_FRAMES	2
#define WGA_SELFTEST_ALL	(WGA_SELFTEST_PHASES * WGA_SELFTEST_FRAMES)

/**
 * struct wga_selftest - the synthetic leak of one bridge
 * @a, @b:	hosts that do not exist
 * @frame:	those of the start, then those of the end; the even ones go
 *		from @a to @b, the odd ones back
 */
struct wga_selftest {
	struct wga_endpoint a, b;
	uint8_t frame[WGA_SELFTEST_ALL][WGA_SELFTEST_LEN];
};

/* make one that nobody can know; libsodium has been initialised */
void wga_selftest_make(struct wga_selftest *st);

/**
 * wga_selftest_find() - which of its frames is this?
 * @data, @len:	a whole Ethernet frame
 *
 * Return: index into @frame, or -1.
 */
int wga_selftest_find(const struct wga_selftest *st, const uint8_t *data,
		      uint32_t len);

#endif /* WGA_SELFTEST_H */
