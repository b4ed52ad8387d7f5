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
 * Chance of a false match: a record of arbitrary length obeys with less than
 * 1 in 12; eight of eight do so less than once in 10^8 connections.
 */

#define WGA_DERP_HEADER		5
#define WGA_DERP_BODY_MAX	(65536 + 64)

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
 * @packet, @arg:	called for the packet in it, if it carries one
 *
 * Return: WGA_SEGMENT_FINE, or what is wrong with its body.
 */
enum wga_segment wga_derp_frame(struct wga_derp_side *side, bool from_client,
				const uint8_t *p, size_t len,
				wga_stream_packet packet, void *arg);

/**
 * struct wga_derp_law - record lengths of a client; starts as zeros
 * @fresh:	the connection was seen from its first byte
 * @records:	application data records, up to a bound
 * @obey, @other:	those that follow the law and those that do not
 * @tiny:	those that can only be DERP
 * @intro:	the first records look like the upgrade and ClientInfo
 */
struct wga_derp_law {
	uint32_t records, obey, other, tiny;
	bool fresh, intro;
};

/* take in the next application data record; @body as in its header */
void wga_derp_law_add(struct wga_derp_law *law, size_t body);

bool wga_derp_law_holds(const struct wga_derp_law *law);

#endif /* WGA_DERP_H */
