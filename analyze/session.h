/* SPDX-License-Identifier: MIT */
#ifndef WGA_SESSION_H
#define WGA_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/index.h"
#include "analyze/wireguard.h"
#include "capture/addr.h"

/*
 * Theory of operation
 *
 * One direction of a WireGuard session is named by the receiver index and the
 * address it is sent to. For each the table keeps what `bound` evidence rests
 * on: first, least and greatest counter, age, lengths, and a window of the
 * last counters with a digest of each message. The window is as deep as
 * WireGuard's own replay window (8192), so a counter that is used twice with
 * other bytes is found wherever a receiver might still have taken it; what
 * falls behind the window is counted as stale and costs the session its
 * evidence. Windows start small, grow with the session, and share a budget.
 */

#define WGA_WINDOW_MAX	8192
/* pairs of endpoints that one session may have */
#define WGA_PLACES_MAX	4
/* connections of sender and receiver, and one more each after a reconnect */
#define WGA_VIA_MAX	4

/**
 * struct wga_seen - a message in a window
 * @counter:	lower half
 * @digest:	lower half, never 0; 0 marks an empty place
 */
struct wga_seen {
	uint32_t counter;
	uint32_t digest;
};

/**
 * struct wga_stamp - a frame, by number and time
 */
struct wga_stamp {
	uint64_t frame, time_ns;
};

/**
 * struct wga_place - endpoints that messages of a session had
 * @first_ns, @last_ns:	from when until when
 */
struct wga_place {
	struct wga_endpoint from, to;
	uint64_t first_ns, last_ns;
};

/**
 * struct wga_session - one direction of a session on one bridge
 * @receiver, @dst:	the key
 * @from, @to:	endpoints of its first message
 * @place, @n_places:	all that it had, these first
 * @place_at:	those of its latest message
 * @places_more:	there were more of them
 * @first, @last:	first and latest message
 * @counter_first, @counter_min, @counter_max:	see above
 * @messages:	messages, duplicates of the same bytes not counted
 * @odd:	messages of a length that Tailscale does not send
 * @stale:	counters that fell behind the window
 * @reused, @reuse:	counters used again with other bytes, and the first such frame
 * @blind:	the window could not grow, reuse may go unseen
 * @via:	numbers of the DERP connections that carried it, 0 for none
 * @via_more:	there were more of them
 * @window, @size:	by counter modulo @size
 */
struct wga_session {
	uint32_t receiver;
	struct wga_addr dst;
	struct wga_endpoint from, to;
	struct wga_place place[WGA_PLACES_MAX];
	uint8_t n_places, place_at;
	bool places_more, blind, via_more;
	uint32_t via[WGA_VIA_MAX];
	struct wga_stamp first, last, reuse;
	uint64_t counter_first, counter_min, counter_max;
	uint64_t messages, odd, stale, reused;
	struct wga_seen *window;
	uint32_t size;
};

/**
 * struct wga_handshake - an initiation or response
 * @from, @to:	its endpoints; inside DERP those that stand for the nodes that
 *		the envelope names (derp_nodes.h), or all zero where it does not
 * @node:	registered node it is addressed to (MAC1), or -1
 * @count:	how often these very bytes were seen
 * @astray:	DERP's envelope names another node than MAC1 or what was opened
 * @opening:	enum wga_opening: what opening it with node keys gave
 * @initiator, @responder:	if it was opened: what stands for their static keys
 * @initiator_node:	registered node of the initiator, or -1
 * @tai64n:	if it was opened: its timestamp
 */
struct wga_handshake {
	uint8_t type;
	uint32_t sender, receiver;
	struct wga_endpoint from, to;
	struct wga_stamp at;
	uint64_t digest;
	int node;
	uint32_t count;
	bool astray;
	uint8_t opening;
	struct wga_addr initiator, responder;
	int initiator_node;
	uint8_t tai64n[12];
};

/**
 * struct wga_sessions - sessions and handshakes of a bridge
 * @elided:	messages without bytes may come (elide.h), and all digests must be
 *		of their kind
 */
struct wga_sessions {
	struct wga_session *s;
	uint32_t n;
	size_t room;
	struct wga_index index;
	uint64_t seed[2];
	uint32_t recent;
	size_t window_bytes;
	struct wga_handshake *h;
	size_t n_handshakes, handshake_room;
	bool elided;
	bool overflow; /* out of memory: something is missing here */
};

void wga_sessions_init(struct wga_sessions *t);
void wga_sessions_free(struct wga_sessions *t);

/**
 * wga_sessions_data() - take in a data message
 * @t:		table
 * @m:		message of type WGA_WG_DATA
 * @from, @to:	its endpoints
 * @at:		its frame
 *
 * Return: false if the very message was taken in before.
 */
bool wga_sessions_data(struct wga_sessions *t, const struct wga_wg_message *m,
		       const struct wga_endpoint *from,
		       const struct wga_endpoint *to,
		       const struct wga_stamp *at);

/* take in endpoints that a session had */
void wga_session_place(struct wga_session *s, const struct wga_place *p);

/* a DERP connection carried a message that was taken in before */
void wga_sessions_via(struct wga_sessions *t, const struct wga_wg_message *m,
		      const struct wga_endpoint *to, uint32_t connection);

/**
 * wga_sessions_handshake() - take in an initiation or response
 *
 * Return: the entry, for what else is found out about it, valid until the next
 * one; NULL if the very message was taken in before, or when out of memory.
 */
struct wga_handshake *wga_sessions_handshake(struct wga_sessions *t,
					     const struct wga_wg_message *m,
					     const struct wga_endpoint *from,
					     const struct wga_endpoint *to,
					     const struct wga_stamp *at);

/**
 * wga_session_conflict() - look for counters that two bridges saw with
 * different bytes
 *
 * Return: how many.
 */
uint64_t wga_session_conflict(const struct wga_session *a,
			      const struct wga_session *b);

#endif /* WGA_SESSION_H */
