/* SPDX-License-Identifier: MIT */
#ifndef WGA_FLOW_H
#define WGA_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/addr.h"

/*
 * Theory of operation
 *
 * A flow is all frames of one kind between two ends. The kind is part of the
 * key: what a frame holds is decided frame by frame, so readable bytes on the
 * port of a WireGuard session make a flow of their own beside it, however many
 * good frames there are. What class a kind stands for depends on who the ends
 * are, which is known only when all bridges have been read (judge.c).
 *
 * The table is open addressing over 8-byte slots (half hash, half index); flows
 * lie in chunks that never move: one 64-byte line that every frame touches and
 * a cold part that does not. At most 32 + 64 + 56 bytes a flow.
 */

enum wga_kind {
	WGA_KIND_WIREGUARD,
	WGA_KIND_DISCO,
	WGA_KIND_RELAY,		/* Tailscale peer relay */
	WGA_KIND_STUN,
	WGA_KIND_HEARTBEAT,	/* our own */
	WGA_KIND_SELFTEST,	/* our own leak, found to be text */
	WGA_KIND_HOUSEKEEPING,	/* fine between any two ends */
	WGA_KIND_SERVICE,	/* DNS, NTP, DHCP, port mapping: fine with a gateway */
	WGA_KIND_ECHO,		/* ICMP echo */
	WGA_KIND_ICMP_ERROR,	/* as good as what it quotes */
	WGA_KIND_TCP,		/* TCP without payload */
	WGA_KIND_TLS,		/* TLS with a server that was not declared */
	WGA_KIND_STREAM,	/* TCP with a declared server, explained */
	WGA_KIND_SPLICED,	/* foreign bytes inside one of our protocols */
	WGA_KIND_SPLICED_TEXT,	/* the same, readable */
	WGA_KIND_TEXT,		/* readable, or a known cleartext protocol */
	WGA_KIND_OPAQUE,	/* neither readable nor known */
	WGA_KIND_FRAGMENT,	/* of a datagram that is not whole (yet) */
	WGA_KIND_CUT,		/* too little was captured to say */
	WGA_KIND_BAD,		/* malformed */
	WGA_KIND_COUNT
};

/**
 * struct wga_flow_key - both ends in order, protocol and kind
 * @lo, @hi:	addresses; without IP the first six bytes are the MAC address
 * @port_lo, @port_hi:	host order; what tells flows of port-less protocols apart
 * @proto:	IP protocol
 * @kind:	enum wga_kind
 * @ethertype:	0 for IP, else the EtherType
 *
 * The order is by address, then port; hashed and compared as bytes.
 */
struct wga_flow_key {
	struct wga_addr lo, hi;
	uint16_t port_lo, port_hi;
	uint8_t proto;
	uint8_t kind;
	uint16_t ethertype;
};

/**
 * struct wga_flow - the part of a flow that each frame touches
 * @frames:	modulo 2^32; wga_flow_frames() has all of it
 * @at:	where each end is, lo and hi (enum wga_at)
 */
struct wga_flow {
	struct wga_flow_key key;
	uint64_t last_ns;
	uint64_t bytes;
	uint32_t frames;
	uint16_t at[2];
};

/**
 * struct wga_flow_cold - the rest of a flow
 * @high, @opaque:	bytes >= 0x80 of all bytes that claimed to be ciphertext
 * @messages:	WireGuard messages
 * @aux:	plus 1, the index of the stream (WGA_KIND_STREAM) or quote
 *		(WGA_KIND_ICMP_ERROR) that belongs to the flow; set for
 *		WGA_KIND_FRAGMENT if readable bytes were among them
 * @frames_hi:	how often @frames of struct wga_flow wrapped
 */
struct wga_flow_cold {
	uint64_t first_ns, first_frame;
	uint64_t high, opaque;
	uint64_t messages;
	uint32_t aux;
	uint32_t frames_hi;
};

struct wga_flow_table;

struct wga_flow_table *wga_flow_table_new(void);
void wga_flow_table_free(struct wga_flow_table *t);

uint64_t wga_flow_hash(const struct wga_flow_table *t,
		       const struct wga_flow_key *key);

static inline bool wga_flow_key_equal(const struct wga_flow_key *a,
				      const struct wga_flow_key *b)
{
	uint64_t differs = 0, x, y;
	size_t i;

	for (i = 0; i < sizeof(*a); i += sizeof(x)) {
		memcpy(&x, (const uint8_t *)a + i, sizeof(x));
		memcpy(&y, (const uint8_t *)b + i, sizeof(y));
		differs |= x ^ y;
	}
	return !differs;
}

/* bring the slot, then the flow, of a hash into the cache */
void wga_flow_prefetch_slot(const struct wga_flow_table *t, uint64_t hash);
void wga_flow_prefetch(const struct wga_flow_table *t, uint64_t hash);

/**
 * wga_flow_get() - find a flow or make it
 * @t:		table
 * @key:	key
 * @hash:	its hash
 * @is_new:	set
 *
 * Return: index of the flow, or UINT32_MAX when out of memory.
 */
uint32_t wga_flow_get(struct wga_flow_table *t, const struct wga_flow_key *key,
		      uint64_t hash, bool *is_new);

uint32_t wga_flow_count(const struct wga_flow_table *t);
struct wga_flow *wga_flow_at(const struct wga_flow_table *t, uint32_t i);
struct wga_flow_cold *wga_flow_cold_at(const struct wga_flow_table *t,
				       uint32_t i);
uint64_t wga_flow_frames(const struct wga_flow_table *t, uint32_t i);

__extension__ typedef unsigned __int128 wga_u128;

/* a 128-bit multiply folded to 64 bits, the step of every hash here */
static inline uint64_t wga_mix(uint64_t a, uint64_t b)
{
	wga_u128 m = (wga_u128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* hash of any bytes; @seed comes from wga_hash_seed() */
uint64_t wga_hash(const void *p, size_t len, const uint64_t seed[static 2]);
void wga_hash_seed(uint64_t seed[static 2]);

#endif /* WGA_FLOW_H */
