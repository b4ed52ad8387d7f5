/* SPDX-License-Identifier: MIT */
#ifndef WGA_REASSEMBLY_H
#define WGA_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/stream.h"

/*
 * Theory of operation
 *
 * One direction of a TCP connection, put in order. Bytes that are next go to
 * feed(); segments that came too early are held, few of them, until the hole
 * before them fills or has to be given up (skip()). Bytes that were there
 * before are compared with digests of the last segments: a retransmission
 * that says something else, or that cannot be compared, goes to stray(), for
 * a second copy of old bytes is a place where a leak could hide. Sequence
 * numbers are compared modulo 2^32, so a wrap needs no special care.
 */
struct wga_held;
struct wga_past;

/**
 * struct wga_reassembly - one direction; starts as zeros
 * @next:	sequence number of the next byte to be fed, if @known
 * @end:	sequence number behind the last byte, if @ended by FIN or RST
 * @held:	segments that came early, in order
 * @past:	digests of segments that were fed
 */
struct wga_reassembly {
	struct wga_held *held;
	struct wga_past *past;
	uint32_t next, end;
	uint32_t held_bytes;
	uint16_t n_held;
	bool known, ended;
};

/**
 * struct wga_reassembly_ops - what the owner of a direction does with bytes
 * @feed:	the next bytes
 * @skip:	@n bytes are missing for good; feeding goes on behind them
 * @ahead:	bytes are held for later; what can be said of them already?
 * @stray:	bytes that do not enter the stream: @back bytes before the next
 *		one (0: behind the end). @differs: they are known not to belong;
 *		otherwise there was nothing to compare them with.
 */
struct wga_reassembly_ops {
	enum wga_segment (*feed)(void *arg, const uint8_t *p, size_t len);
	void (*skip)(void *arg, uint32_t n);
	enum wga_segment (*ahead)(void *arg, const uint8_t *p, size_t len);
	enum wga_segment (*stray)(void *arg, uint32_t back, const uint8_t *p,
				  size_t len, bool differs);
};

/* Of two answers the one that matters */
enum wga_segment wga_segment_worse(enum wga_segment a, enum wga_segment b);

/**
 * wga_reassembly_segment() - take in a segment
 * @r:		the direction
 * @ops, @arg:	its owner
 * @seq:	sequence number of @p
 * @p, @len:	payload, not empty
 *
 * Return: the worst of what the owner said.
 */
enum wga_segment wga_reassembly_segment(struct wga_reassembly *r,
					const struct wga_reassembly_ops *ops,
					void *arg, uint32_t seq,
					const uint8_t *p, size_t len);

/* nothing follows @end; a second call changes nothing */
void wga_reassembly_end(struct wga_reassembly *r, uint32_t end);

/* every byte up to the end was fed */
bool wga_reassembly_complete(const struct wga_reassembly *r);

void wga_reassembly_drop_held(struct wga_reassembly *r);
void wga_reassembly_clear(struct wga_reassembly *r);

/*
 * Room for bytes that wait, of all streams of the process together: take
 * fails when there is none left, and what cannot wait is then a gap.
 */
bool wga_room_take(size_t n);
void wga_room_give(size_t n);

#endif /* WGA_REASSEMBLY_H */
