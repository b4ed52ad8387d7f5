/* SPDX-License-Identifier: MIT */
#ifndef WGA_CANARY_WATCH_H
#define WGA_CANARY_WATCH_H

#include "analyze/canary.h"
#include "analyze/flow.h"
#include "analyze/fragment.h"
#include "analyze/packet.h"
#include "analyze/session.h"

/*
 * Theory of operation
 *
 * What one bridge saw of canaries. Each frame is searched as it is, headers and
 * all. A needle that a border cuts in two is found by joining what stands on
 * both sides of it, each time at most the longest needle less one byte:
 *
 * - TCP: of each direction of a connection the edges of its last eight segments
 *   are kept, with their sequence numbers. A new segment is searched between
 *   all bytes that are known to stand before and behind it. Small segments are
 *   kept together with their neighbours, so that a needle in many of them is
 *   put together piece by piece.
 * - GSO: the messages of a frame are joined without the 16 bytes of header
 *   (24 in a peer relay) that stand between them.
 * - Fragments: a fragment is searched between what the table of datagrams has
 *   on both sides of it, whether the datagram becomes whole or not.
 *
 * Memory: for each direction of a connection that carried payload eight times
 * two edges, all together at most WGA_WATCH_BYTES and 32768 connections. These
 * share places by hash, eight each; a new one takes the place of the one there
 * that was silent for longest. What could not be followed to its end, for that
 * or another reason, is counted in @lost.
 */
#define WGA_WATCH_BYTES		((size_t)128 << 20)

struct wga_watch_tcp;

/**
 * struct wga_canary_hit - how one canary was seen
 * @frames:	in how many frames
 * @serial:	the last of them
 * @first, @form:	the first of them, and the form it had there
 */
struct wga_canary_hit {
	uint64_t frames, serial;
	struct wga_stamp first;
	enum wga_canary_form form;
};

/**
 * struct wga_watch - see above
 * @hits:	for each canary
 * @edge:	bytes that a needle can have on one side of a border
 * @now, @serial, @seen:	frame that is being searched, its number among
 *		those searched, and whether a canary was found in it
 * @lost:	connections and datagrams that could not be followed
 * @room:	place for joining pieces, and its size
 * @broken:	memory ran out
 */
struct wga_watch {
	const struct wga_canaries *canaries;
	struct wga_canary_hit *hits;
	size_t edge;
	struct wga_stamp now;
	uint64_t serial;
	bool seen, broken;
	uint64_t lost;
	uint8_t *room;
	struct wga_watch_tcp *tcp;
};

/**
 * wga_watch_new() - start to watch for canaries
 * @canaries:	compiled; must outlive the watch
 *
 * Return: the watch, or NULL when out of memory.
 */
struct wga_watch *wga_watch_new(const struct wga_canaries *canaries);
void wga_watch_free(struct wga_watch *w);

/* search a frame; what follows is about the same frame */
void wga_watch_frame(struct wga_watch *w, const struct wga_stamp *now,
		     const uint8_t *p, size_t len);

/**
 * wga_watch_tcp() - search the borders of a TCP segment
 * @key, @dir:	its connection, kind 0, and direction
 * @h:		its header, of 20 bytes at least
 * @v:		payload
 * @cut:	more payload was on the wire
 */
void wga_watch_tcp(struct wga_watch *w, const struct wga_flow_key *key,
		   uint8_t dir, const uint8_t *h, struct wga_view v, bool cut);

/* search the borders of the messages in a UDP payload */
void wga_watch_gso(struct wga_watch *w, struct wga_view v);

/**
 * wga_watch_fragment() - search the borders of a fragment
 * @d:		its datagram before it is added, or NULL if it is the first
 * @pkt:	the fragment
 */
void wga_watch_fragment(struct wga_watch *w, const struct wga_datagram *d,
			const struct wga_packet *pkt);

/* canary_watch.c: join three views and search for what is not in the first or
 * last alone
 */
void wga_watch_join(struct wga_watch *w, struct wga_view before,
		    struct wga_view v, struct wga_view behind);
/* canary_tcp.c */
struct wga_watch_tcp *wga_watch_tcp_new(size_t edge);
void wga_watch_tcp_free(struct wga_watch_tcp *t);

/* the last @n bytes of a view, or all if it has fewer */
static inline struct wga_view wga_view_tail(struct wga_view v, size_t n)
{
	return v.len > n ? wga_view_skip(v, v.len - n) : v;
}

#endif /* WGA_CANARY_WATCH_H */
