/* SPDX-License-Identifier: MIT */
#ifndef WGA_NEIGHBOUR_H
#define WGA_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/index.h"
#include "capture/addr.h"

/*
 * Theory of operation
 *
 * Who is a host of the mesh and who a gateway follows from which MAC address
 * sends and gets which IP addresses, and from the TTL: only a router sends
 * packets whose TTL is no longer the one that systems start with. To keep that
 * off the way of each frame, MAC addresses are interned, and a flow remembers
 * for each end where it is (struct wga_flow, @at): MAC address and what TTLs it
 * sent with. Only an end that turns up behind another MAC address is noted in
 * the table here; the rest is read from the flows when roles are given.
 */

/* Where an end of a flow is, in 16 bits: interned MAC address, and flags */
enum wga_at {
	WGA_AT_MAC = 0x1fff,	/* 0: not known */
	WGA_AT_SENT = 0x2000,
	WGA_AT_FRESH = 0x4000,	/* with an initial TTL */
	WGA_AT_ROUTED = 0x8000,	/* with one that was decremented */
};

/* what was seen of an address behind a MAC address */
enum wga_neighbour_flags {
	WGA_NEIGHBOUR_FRESH = 1,	/* sent with an initial TTL */
	WGA_NEIGHBOUR_ROUTED = 2,	/* sent with a TTL that was decremented */
	WGA_NEIGHBOUR_SENT = 4,		/* sent, by whatever TTL */
	WGA_NEIGHBOUR_GOT = 8,		/* was sent to */
	WGA_NEIGHBOUR_CLAIMED = 16,	/* announced by ARP or ND */
};

struct wga_mac {
	uint8_t b[6];
};

struct wga_neighbour {
	struct wga_mac mac;
	uint8_t flags;
	struct wga_addr addr;
};

/**
 * struct wga_neighbours - of one bridge
 * @macs, @n_macs, @mac_slots, @mac_mask:	interned MAC addresses, the first has number 1; a
 *		slot holds the address and, above 48 bits, the number, or 0
 * @n, @count, @room, @index:	what was noted
 * @broken:	out of memory: something was not noted
 */
struct wga_neighbours {
	struct wga_mac *macs;
	uint16_t n_macs;
	uint64_t *mac_slots;
	uint32_t mac_mask;
	struct wga_neighbour *n;
	uint32_t count;
	size_t room;
	struct wga_index index;
	uint64_t seed[2];
	bool broken;
};

int wga_neighbours_init(struct wga_neighbours *t);
void wga_neighbours_free(struct wga_neighbours *t);

/**
 * wga_mac_intern() - number of a MAC address
 *
 * Return: 1 to WGA_AT_MAC, or 0 when there are too many.
 */
uint16_t wga_mac_intern(struct wga_neighbours *t, const uint8_t mac[static 6]);

/* WGA_AT_FRESH or WGA_AT_ROUTED, or 0 where a TTL to @dst says nothing */
uint16_t wga_at_ttl(uint8_t ttl, const struct wga_addr *dst);

/* note @flags for an address behind a MAC address; nothing for group addresses */
void wga_neighbour_note(struct wga_neighbours *t, const struct wga_mac *mac,
			const struct wga_addr *addr, uint8_t flags);

/**
 * wga_neighbour_at() - note an end of a flow
 * @t:		table to note it in
 * @macs:	table whose numbers @at uses
 * @addr, @at:	the end
 * @got:	it was sent to
 */
void wga_neighbour_at(struct wga_neighbours *t, const struct wga_neighbours *macs,
		      const struct wga_addr *addr, uint16_t at, bool got);

#endif /* WGA_NEIGHBOUR_H */
