/* SPDX-License-Identifier: MIT */
#ifndef WGA_BRIDGE_INTERNAL_H
#define WGA_BRIDGE_INTERNAL_H

#include "analyze/canary_watch.h"
#include "analyze/derp_nodes.h"
#include "analyze/flow.h"
#include "analyze/fragment.h"
#include "analyze/neighbour.h"
#include "analyze/registry.h"
#include "analyze/run.h"
#include "analyze/session.h"
#include "analyze/stream.h"
#include "analyze/wireguard.h"

/**
 * struct wga_mark - a reason that frames give by themselves
 */
struct wga_mark {
	uint64_t count;
	struct wga_stamp first;
};

/**
 * struct wga_disco_peer - disco from one endpoint to another by one key
 * @pings, @pongs:	by length; what is neither counts as a ping
 * @last_ns:	time of the latest
 */
struct wga_disco_peer {
	struct wga_endpoint from, to;
	uint8_t key[WGA_KEY_LEN];
	uint64_t pings, pongs;
	struct wga_stamp first;
	uint64_t last_ns;
};

/**
 * struct wga_stream_slot - a followed TCP connection
 * @kind:	what its server was declared to be
 * @number:	from 1, on its bridge
 * @client, @server:	its ends
 * @high, @opaque:	of WireGuard in DERP, as in struct wga_flow_cold
 */
struct wga_stream_slot {
	struct wga_bridge *bridge;
	uint32_t number;
	struct wga_stream *stream;
	enum wga_stream_kind kind;
	struct wga_endpoint client, server;
	uint64_t high, opaque;
};

/**
 * struct wga_item - a frame between examination and account
 * @key, @hash:	its flow
 * @dir:	0 if it goes from key.lo to key.hi
 * @from, @to:	where sender and receiver are (enum wga_at)
 * @bytes:	length on the wire
 * @first, @upto:	its messages in the bridge's scratch array
 * @text:	for WGA_KIND_FRAGMENT: readable
 * @codes:	bit for each code that the frame has earned by itself
 * @moved_frames, @moved_bytes:	earlier fragments of this datagram
 */
struct wga_item {
	struct wga_flow_key key;
	uint64_t hash;
	struct wga_stamp at;
	size_t first, upto;
	uint64_t moved_frames, moved_bytes;
	uint32_t bytes, codes;
	uint16_t from, to;
	uint8_t dir;
	bool text;
};

/* Frames that have been examined and wait for the memory of their flows */
#define WGA_WAITING_MAX	64

/**
 * struct wga_leak - a synthetic leak that is expected
 * @own:	see wga_bridge_selftest()
 * @seen:	by frame: it was here, and examination found text
 */
struct wga_leak {
	struct wga_selftest test;
	bool own;
	bool seen[WGA_SELFTEST_ALL];
};

/**
 * struct wga_piece - a fragment whose datagram became whole after it
 * @key:	flow of the datagram
 */
struct wga_piece {
	uint64_t frame;
	struct wga_flow_key key;
};

/**
 * struct wga_bridge - see run.h
 * @part, @parts:	see wga_bridge_part()
 * @handed, @timeless:	frames handed in, and those of them without a time
 * @marks:	by code; only codes that a frame can earn by itself
 * @now:	frame that is being judged
 * @now_codes:	bit for each code that it has earned by itself
 * @pieces, @n_pieces, @piece_room:	only if the frames will be reviewed
 * @watch:	for canaries; NULL if there are none
 * @derp:	nodes that DERP named
 * @elided, @distrusted:	messages whose ciphertext was not kept, believed and not
 * @broken:	out of memory somewhere: something is missing here
 * @waiting, @head, @tail:	ring of items from @tail up to @head, both counted
 *		without end
 */
struct wga_bridge {
	const struct wga_config *cfg;
	char *name;
	bool live, broken;
	unsigned int part, parts;
	uint64_t handed, timeless;
	struct wga_loss loss;
	struct wga_addr *gateways;
	size_t n_gateways;
	struct wga_leak *leaks;
	size_t n_leaks;

	uint64_t frames, bytes, first_ns, last_ns;
	struct wga_flow_table *flows;
	struct wga_sessions sessions;
	struct wga_neighbours neighbours;
	struct wga_fragments *fragments;
	struct wga_disco_peer *discos;
	size_t n_discos, disco_room;
	struct wga_index disco_index;
	uint64_t seed[2];
	struct wga_flow_key *quotes;
	uint32_t n_quotes;
	size_t quote_room;
	struct wga_stream_slot **streams;
	uint32_t n_streams;
	size_t stream_room;
	struct wga_mark marks[WGA_CODE_COUNT];
	struct wga_watch *watch;
	struct wga_derp_nodes derp;
	uint64_t elided, distrusted;

	struct wga_piece *pieces;
	size_t n_pieces, piece_room;

	struct wga_wg_messages scratch;
	struct wga_stamp now;
	uint32_t now_codes;
	struct wga_item waiting[WGA_WAITING_MAX];
	unsigned int head, tail;
};

/* Decide what a frame is; everything but the flow's own account. Returns false
 * if the frame falls to another part.
 */
bool wga_examine(struct wga_bridge *br, const struct wga_frame *frame,
		 struct wga_item *item);

/* Account for all frames that wait; before anything is read out of @br. */
void wga_bridge_settle(struct wga_bridge *br);

/* note a reason that the frame of @br->now gives; it counts once a frame */
void wga_bridge_mark(struct wga_bridge *br, enum wga_code code);

/* the key of a flow between two endpoints; sets the direction */
void wga_key_set(struct wga_flow_key *key, const struct wga_addr *src,
		 uint16_t sport, const struct wga_addr *dst, uint16_t dport,
		 uint8_t proto, enum wga_kind kind, uint8_t *dir);

/* a pending fragment of any datagram between two addresses */
void wga_key_fragment(struct wga_flow_key *key, const struct wga_addr *src,
		      const struct wga_addr *dst, uint8_t proto, uint8_t *dir);

#endif /* WGA_BRIDGE_INTERNAL_H */
