/* SPDX-License-Identifier: MIT */
#ifndef WGA_DERP_H
#define WGA_DERP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/stream.h"

/*
 * Theory of operation
 *
 * DERP in the clear is a chain of frames: type, length (4 bytes), body. Each
 * type has its direction and its length, and bodies that carry a packet are
 * given to the caller, who knows what WireGuard and disco look like.
 *
 * DERP inside TLS 1.3 shows its record lengths only, but these follow a law.
 * The client writes one record per frame, so a packet of N bytes makes a
 * record of N + 54 (frame header 5, key 32, inner type 1, tag 16). WireGuard
 * pads to 16, which leaves 6 modulo 16; handshakes, disco and DERP's own
 * frames have a few fixed lengths. A record of 23 (NotePreferred) or 30 (ping
 * or pong) cannot be ts2021, whose smallest frame makes 37, nor HTTP.
 *
 * A record of arbitrary length obeys with less than 1 in 12: one length in 16
 * is 6 modulo 16, seven more are those of fixed messages, and the neutral ones
 * do not count. It is worst if no record is longer than 214: of the lengths up
 * to that 15 obey and 192 count. Records of one length say no more than one of
 * them, so a chance is told from the lengths that differ.
 */

#define WGA_DERP_HEADER		5
#define WGA_DERP_KEY		32
#define WGA_DERP_BODY_MAX	(65536 + 64)

/**
 * struct wga_derp - what both sides share; starts as zeros
 * @named:	the client has introduced itself
 * @opened:	it was found inside TLS
 * @client:	its node key, if @named
 */
struct wga_derp {
	bool named, opened;
	uint8_t client[WGA_DERP_KEY];
};

/**
 * struct wga_derp_side - one direction; starts as zeros
 * @frames:	frames read, up to 2: the first ones introduce the sides
 */
struct wga_derp_side {
	uint8_t frames;
};

/**
 * wga_derp_header_fits() - can these be the first bytes of the next frame?
 * @p, @len:	what there is of it
 */
bool wga_derp_header_fits(const struct wga_derp_side *side, bool from_client,
			  const uint8_t *p, size_t len);

/* length of a frame from its header, header included */
size_t wga_derp_frame_length(const uint8_t p[static WGA_DERP_HEADER]);

/**
 * wga_derp_frame() - take in a whole frame whose header fits
 * @derp, @side:	connection and direction
 * @packet, @arg:	called for the packet in it, if it carries one
 *
 * Return: WGA_SEGMENT_FINE, or what is wrong with its body.
 */
enum wga_segment wga_derp_frame(struct wga_derp *derp,
				struct wga_derp_side *side, bool from_client,
				const uint8_t *p, size_t len,
				wga_stream_packet packet, void *arg);

/* lengths that are told apart: all that a packet of a mesh can have */
#define WGA_DERP_LAW_LENGTHS	2048

/**
 * struct wga_derp_law - record lengths of a client; starts as zeros
 * @fresh:	the connection was seen from its first byte
 * @records:	application data records, up to a bound
 * @obey, @other:	those that follow the law and those that do not
 * @obey_lengths, @other_lengths:	how many different lengths these have
 * @seen:	a bit for each length, modulo its size
 * @tiny:	those that can only be DERP
 * @intro:	the first records look like the upgrade and ClientInfo
 */
struct wga_derp_law {
	uint32_t records, obey, other, tiny;
	uint16_t obey_lengths, other_lengths;
	bool fresh, intro;
	uint8_t seen[WGA_DERP_LAW_LENGTHS / 8];
};

/* take in the next application data record; @body as in its header */
void wga_derp_law_add(struct wga_derp_law *law, size_t body);

/* is it DERP rather than control, where it can only be one of the two? */
bool wga_derp_law_holds(const struct wga_derp_law *law);

/**
 * wga_derp_law_chance() - how likely would records of random lengths do as well?
 *
 * Of n different lengths k obey, each with a chance of at most p = 1/12. By
 * Chernoff so many do with at most exp(-n D), where D = a ln(a/p) +
 * (1 - a) ln((1 - a)/(1 - p)) and a = k/n; without an exception that is p^n:
 * 4 of 4 less than once in 10^4, 6 of 6 in 10^6, 8 of 8 in 10^8.
 *
 * Return: an upper bound of that chance, 1 if the law says nothing.
 */
double wga_derp_law_chance(const struct wga_derp_law *law);

/* a chance below this binds a connection to DERP: 6 lengths of 6, 7 of 8 */
#define WGA_DERP_LAW_BOUND	1e-6

/**
 * wga_derp_law_binds() - is it DERP beyond doubt?
 *
 * The chance must be below WGA_DERP_LAW_BOUND, nine records of ten must obey
 * and, if the connection was seen from its first byte, it must begin as DERP.
 */
bool wga_derp_law_binds(const struct wga_derp_law *law);

/**
 * wga_derp_law_broken() - can it not be DERP?
 *
 * Of a connection that was seen from its first byte at least 16 records count
 * and less than half of them obey. New kinds of messages are few, so a relay's
 * connection does not come near; random lengths do better once in 10^5.
 */
bool wga_derp_law_broken(const struct wga_derp_law *law);

#endif /* WGA_DERP_H */
