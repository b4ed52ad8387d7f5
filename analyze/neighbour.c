/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/flow.h"
#include "analyze/neighbour.h"

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

static void mac_put(struct wga_mac_slot *slots, uint32_t mask, uint64_t at,
		    struct wga_mac_slot slot)
{
	while (slots[at & mask].number)
		at++;
	slots[at & mask] = slot;
}

static uint64_t mac_hash(const struct wga_neighbours *t, uint64_t mac)
{
	return wga_mix(mac ^ t->seed[1], t->seed[0]);
}

static int macs_grow(struct wga_neighbours *t)
{
	uint32_t n = 4 * (t->mac_mask + 1), i;
	struct wga_mac_slot *slots = calloc(n, sizeof(*slots));
	struct wga_mac *macs = realloc(t->macs, (n / 2 + 1) * sizeof(*macs));

	if (macs)
		t->macs = macs;
	if (!slots || !macs) {
		free(slots);
		return -1;
	}
	for (i = 0; i <= t->mac_mask; i++) {
		if (t->mac_slots[i].number)
			mac_put(slots, n - 1, mac_hash(t, t->mac_slots[i].mac),
				t->mac_slots[i]);
	}
	free(t->mac_slots);
	t->mac_slots = slots;
	t->mac_mask = n - 1;
	return 0;
}

uint16_t wga_mac_intern(struct wga_neighbours *t, const uint8_t mac[static 6])
{
	const struct wga_mac_slot *slot;
	uint64_t key = 0, at;

	memcpy(&key, mac, 6);
	for (at = mac_hash(t, key);
	     (slot = &t->mac_slots[at & t->mac_mask])->number; at++) {
		if (slot->mac == key)
			return slot->number;
	}
	if (t->n_macs == WGA_AT_MAC)
		return 0;
	if (t->n_macs * 2u > t->mac_mask && macs_grow(t)) {
		t->broken = true;
		return 0;
	}
	memcpy(&t->macs[t->n_macs++], mac, 6);
	mac_put(t->mac_slots, t->mac_mask, mac_hash(t, key),
		(struct wga_mac_slot){ key, t->n_macs });
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
