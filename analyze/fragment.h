/* SPDX-License-Identifier: MIT */
#ifndef WGA_FRAGMENT_H
#define WGA_FRAGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/flow.h"
#include "analyze/packet.h"

/*
 * Theory of operation
 *
 * Fragments are judged by their datagram (RFC 791, RFC 8200 section 4.5). Until
 * it is whole its frames stand as "unparsed"; when it is, the caller takes them
 * from there to where the datagram belongs. A fragment that covers bytes again
 * is fine if they are the same bytes (a bridge can show a routed frame twice);
 * otherwise the datagram is spoilt for good (RFC 5722), for nobody can know
 * which bytes the receiver took.
 */

#define WGA_FRAGMENTS_MAX	256
#define WGA_DATAGRAM_MAX	65536

/**
 * struct wga_datagram - a datagram in pieces
 * @src, @dst, @id, @proto:	key
 * @data, @have:	64 kB of room, and a bit for every 8 bytes that are there
 * @total:	length, once the last fragment is known, else 0
 * @filled, @upto:	how many bytes are there, and where the furthest ends
 * @frames, @bytes:	fragments so far
 * @whole, @spoilt:	see above
 * @key:	flow that the datagram was judged to belong to (if @whole)
 * @pending, @n_pending, @pending_room:	numbers of the frames that came before it
 *		was whole; for whoever fills them in
 */
struct wga_datagram {
	struct wga_addr src, dst;
	uint32_t id;
	uint8_t proto;
	bool used, whole, spoilt;
	uint8_t *data, *have;
	uint32_t total, filled, upto;
	uint64_t frames, bytes;
	uint64_t age;
	struct wga_flow_key key;
	uint64_t *pending;
	size_t n_pending, pending_room;
};

/**
 * struct wga_fragments - datagrams in pieces
 * @unfinished:	how many had to go, or were spoilt, before they were whole
 * @retired, @n_retired:	data of the last ones that had to go: messages
 *		found in it are looked at once more when the batch is through
 */
struct wga_fragments {
	struct wga_datagram d[WGA_FRAGMENTS_MAX];
	uint64_t clock, unfinished;
	uint8_t *retired[WGA_BATCH_MAX];
	unsigned int n_retired;
};

enum wga_fragment_answer {
	WGA_FRAGMENT_PENDING,	/* the datagram is not whole yet, or never will be */
	WGA_FRAGMENT_WHOLE,	/* now it is */
	WGA_FRAGMENT_AGAIN,	/* a repeated piece of one that was whole */
};

/**
 * wga_fragment_add() - take in a fragment
 * @f:		table
 * @pkt:	packet with @fragment set, nothing of it cut
 * @bytes:	length of its frame
 * @out:	the datagram; valid until the next call
 */
enum wga_fragment_answer wga_fragment_add(struct wga_fragments *f,
					  const struct wga_packet *pkt,
					  uint32_t bytes,
					  struct wga_datagram **out);

/* the datagram that a fragment would be added to, or NULL if it is the first */
const struct wga_datagram *wga_fragment_find(const struct wga_fragments *f,
					     const struct wga_packet *pkt);

void wga_fragments_free(struct wga_fragments *f);

#endif /* WGA_FRAGMENT_H */
