/* SPDX-License-Identifier: MIT */
#ifndef WGA_NEIGHBOUR_H
#define WGA_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/addr.h"

/*
 * Theory of operation
 *
 * Who is a host of the mesh and who a gateway follows from which MAC address
 * sends and gets which IP addresses, and from the TTL: only a router sends
 * packets whose TTL is no longer the one that systems start with. To keep that
 * off the path of each frame, the combination of both MAC addresses and TTL
 * class is interned as a path; a flow remembers the path it came by, and only a
 * new one is looked at more closely.
 */

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

/**
 * struct wga_path - one way that frames took
 * @ttl:	WGA_NEIGHBOUR_FRESH, WGA_NEIGHBOUR_ROUTED, or 0 if it says nothing
 */
struct wga_path {
	struct wga_mac src, dst;
	uint8_t ttl;
};

struct wga_neighbour {
	struct wga_mac mac;
	uint8_t flags;
	struct wga_addr addr;
};

struct wga_neighbours {
	struct wga_path *paths;		/* path id 1 is paths[0] */
	uint32_t n_paths, path_room;
	uint32_t *path_slots;
	uint32_t path_mask;
	struct wga_neighbour *n;
	uint32_t count, room;
	uint32_t *slots;
	uint32_t mask;
	uint64_t seed[2];
	uint16_t recent;
};

#define WGA_PATHS_MAX	65535

int wga_neighbours_init(struct wga_neighbours *t);
void wga_neighbours_free(struct wga_neighbours *t);

/**
 * wga_path_get() - intern a path
 *
 * Return: its id, or 0 when there are too many.
 */
uint16_t wga_path_get(struct wga_neighbours *t, const struct wga_path *path);

/* how much a TTL or hop limit says, for a packet to @dst */
uint8_t wga_path_ttl(uint8_t ttl, const struct wga_addr *dst);

/* note @flags for an address behind a MAC address; nothing for group addresses */
void wga_neighbour_note(struct wga_neighbours *t, const struct wga_mac *mac,
			const struct wga_addr *addr, uint8_t flags);

/* note both ends of a packet that took path @id */
void wga_neighbour_path(struct wga_neighbours *t, const struct wga_neighbours *from,
			uint16_t id, const struct wga_addr *src,
			const struct wga_addr *dst);

#endif /* WGA_NEIGHBOUR_H */
