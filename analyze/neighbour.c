/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/flow.h"
#include "analyze/neighbour.h"

#define SLOTS_MIN	64
/* at most half full */
#define MAC_SLOTS	(2 * (WGA_AT_MAC + 1))

int wga_neighbours_init(struct wga_neighbours *t)
{
	memset(t, 0, sizeof(*t));
	wga_hash_seed(t->seed);
	t->mask = SLOTS_MIN - 1;
	t->slots = calloc(SLOTS_MIN, sizeof(*t->slots));
	t->macs = calloc(WGA_AT_MAC, sizeof(*t->macs));
	t->mac_slots = calloc(MAC_SLOTS, sizeof(*t->mac_slots));
	return t->slots && t->macs && t->mac_slots ? 0 : -1;
}

void wga_neighbours_free(struct wga_neighbours *t)
{
	free(t->macs);
	free(t->mac_slots);
	free(t->n);
	free(t->slots);
}

uint16_t wga_mac_intern(struct wga_neighbours *t, const uint8_t mac[static 6])
{
	uint64_t key = 0, at;
	uint16_t i;

	memcpy(&key, mac, 6);
	for (at = wga_mix(key ^ t->seed[1], t->seed[0]);
	     (i = t->mac_slots[at % MAC_SLOTS]); at++) {
		if (!memcmp(&t->macs[i - 1], mac, 6))
			return i;
	}
	if (t->n_macs == WGA_AT_MAC)
		return 0;
	memcpy(&t->macs[t->n_macs++], mac, 6);
	t->mac_slots[at % MAC_SLOTS] = t->n_macs;
	return t->n_macs;
}

static uint64_t neighbour_hash(const struct wga_neighbours *t,
			       const struct wga_mac *mac,
			       const struct wga_addr *addr)
{
	uint8_t key[22];

	memcpy(key, mac, 6);
	memcpy(key + 6, addr, 16);
	return wga_hash(key, sizeof(key), t->seed);
}

uint16_t wga_at_ttl(uint8_t ttl, const struct wga_addr *dst)
{
	if (ttl == 1 || wga_addr_is_multicast(dst))
		return 0;
	return ttl == 64 || ttl == 128 || ttl == 255 || ttl == 32 ?
		WGA_AT_FRESH : WGA_AT_ROUTED;
}

/* Twice the slots, and twice the items they point to */
static int neighbour_grow(struct wga_neighbours *t)
{
	uint32_t n = 2 * (t->mask + 1), i;
	uint32_t *slots = calloc(n, sizeof(*slots));
	struct wga_neighbour *items = realloc(t->n, n / 2 * sizeof(*items));

	if (items)
		t->n = items;
	if (!slots || !items) {
		free(slots);
		return -1;
	}
	for (i = 0; i < t->count; i++) {
		uint64_t at = neighbour_hash(t, &items[i].mac, &items[i].addr);

		while (slots[at & (n - 1)])
			at++;
		slots[at & (n - 1)] = i + 1;
	}
	free(t->slots);
	t->slots = slots;
	t->mask = n - 1;
	t->room = n / 2;
	return 0;
}

void wga_neighbour_note(struct wga_neighbours *t, const struct wga_mac *mac,
			const struct wga_addr *addr, uint8_t flags)
{
	uint64_t at;

	if ((mac->b[0] & 1) || wga_addr_is_multicast(addr) ||
	    wga_addr_is_unspecified(addr))
		return;
	for (at = neighbour_hash(t, mac, addr); t->slots[at & t->mask]; at++) {
		struct wga_neighbour *n = &t->n[t->slots[at & t->mask] - 1];

		if (!memcmp(&n->mac, mac, sizeof(*mac)) &&
		    wga_addr_equal(&n->addr, addr)) {
			n->flags |= flags;
			return;
		}
	}
	if (t->count == t->room) {
		if (neighbour_grow(t))
			return;
		for (at = neighbour_hash(t, mac, addr); t->slots[at & t->mask];)
			at++;
	}
	t->n[t->count++] = (struct wga_neighbour){ *mac, flags, *addr };
	t->slots[at & t->mask] = t->count;
}

void wga_neighbour_at(struct wga_neighbours *t, const struct wga_neighbours *macs,
		      const struct wga_addr *addr, uint16_t at, bool got)
{
	uint8_t flags = 0;

	if (!(at & WGA_AT_MAC))
		return;
	if (at & WGA_AT_SENT)
		flags |= WGA_NEIGHBOUR_SENT;
	if (at & WGA_AT_FRESH)
		flags |= WGA_NEIGHBOUR_FRESH;
	if (at & WGA_AT_ROUTED)
		flags |= WGA_NEIGHBOUR_ROUTED;
	if (got)
		flags |= WGA_NEIGHBOUR_GOT;
	wga_neighbour_note(t, &macs->macs[(at & WGA_AT_MAC) - 1], addr, flags);
}
