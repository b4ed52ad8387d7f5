/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/flow.h"
#include "analyze/neighbour.h"
#include "analyze/view.h"

#define MAC_SLOTS_MIN	64

int wga_neighbours_init(struct wga_neighbours *t)
{
	memset(t, 0, sizeof(*t));
	wga_hash_seed(t->seed);
	t->mac_mask = MAC_SLOTS_MIN - 1;
	t->macs = calloc(MAC_SLOTS_MIN / 2 + 1, sizeof(*t->macs));
	t->mac_slots = calloc(MAC_SLOTS_MIN, sizeof(*t->mac_slots));
	return t->macs && t->mac_slots ? 0 : -1;
}

void wga_neighbours_free(struct wga_neighbours *t)
{
	free(t->macs);
	free(t->mac_slots);
	free(t->n);
	wga_index_free(&t->index);
}

#define MAC_BITS	48
#define MAC_ONLY	(((uint64_t)1 << MAC_BITS) - 1)

static uint64_t mac_hash(const struct wga_neighbours *t, uint64_t mac)
{
	return wga_mix(mac ^ t->seed[1], t->seed[0]);
}

static void mac_put(struct wga_neighbours *t, uint64_t slot)
{
	uint64_t at = mac_hash(t, slot & MAC_ONLY);

	while (t->mac_slots[at & t->mac_mask])
		at++;
	t->mac_slots[at & t->mac_mask] = slot;
}

static int macs_grow(struct wga_neighbours *t)
{
	uint32_t n = 4 * (t->mac_mask + 1), i, old_n = t->mac_mask + 1;
	uint64_t *slots = calloc(n, sizeof(*slots)), *old = t->mac_slots;
	struct wga_mac *macs = realloc(t->macs, (n / 2 + 1) * sizeof(*macs));

	if (macs)
		t->macs = macs;
	if (!slots || !macs) {
		free(slots);
		return -1;
	}
	t->mac_slots = slots;
	t->mac_mask = n - 1;
	for (i = 0; i < old_n; i++) {
		if (old[i])
			mac_put(t, old[i]);
	}
	free(old);
	return 0;
}

uint16_t wga_mac_intern(struct wga_neighbours *t, const uint8_t mac[static 6])
{
	uint64_t key = (uint64_t)wga_le32(mac) | (uint64_t)mac[4] << 32 |
		       (uint64_t)mac[5] << 40, at, slot;

	for (at = mac_hash(t, key); (slot = t->mac_slots[at & t->mac_mask]);
	     at++) {
		if ((slot & MAC_ONLY) == key)
			return (uint16_t)(slot >> MAC_BITS);
	}
	if (t->n_macs == WGA_AT_MAC)
		return 0;
	if (t->n_macs * 2u > t->mac_mask && macs_grow(t)) {
		t->broken = true;
		return 0;
	}
	memcpy(&t->macs[t->n_macs++], mac, 6);
	mac_put(t, key | (uint64_t)t->n_macs << MAC_BITS);
	return t->n_macs;
}

struct neighbour_key {
	struct wga_mac mac;
	struct wga_addr addr;
};

static bool neighbour_is(const void *items, uint32_t item, const void *key)
{
	const struct wga_neighbour *n = (const struct wga_neighbour *)items + item;
	const struct neighbour_key *k = key;

	return !memcmp(&n->mac, &k->mac, sizeof(n->mac)) &&
	       wga_addr_equal(&n->addr, &k->addr);
}

uint16_t wga_at_ttl(uint8_t ttl, const struct wga_addr *dst)
{
	if (ttl == 1 || wga_addr_is_multicast(dst))
		return 0;
	return ttl == 64 || ttl == 128 || ttl == 255 || ttl == 32 ?
		WGA_AT_FRESH : WGA_AT_ROUTED;
}

void wga_neighbour_note(struct wga_neighbours *t, const struct wga_mac *mac,
			const struct wga_addr *addr, uint8_t flags)
{
	struct neighbour_key key = { *mac, *addr };
	uint64_t hash = wga_hash(&key, sizeof(key), t->seed);
	struct wga_neighbour *n;
	uint32_t i;

	if (wga_addr_is_multicast(addr) || wga_addr_is_unspecified(addr))
		return;
	i = wga_index_find(&t->index, hash, neighbour_is, t->n, &key);
	if (i != WGA_INDEX_NONE) {
		t->n[i].flags |= flags;
		return;
	}
	n = wga_room(t->n, t->count, &t->room, sizeof(*n), UINT32_MAX / 2);
	if (n)
		t->n = n;
	if (!n || wga_index_add(&t->index, hash, t->count)) {
		t->broken = true;
		return;
	}
	t->n[t->count++] = (struct wga_neighbour){ *mac, flags, *addr };
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
