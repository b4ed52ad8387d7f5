/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/flow.h"
#include "analyze/neighbour.h"

#define SLOTS_MIN	64

int wga_neighbours_init(struct wga_neighbours *t)
{
	memset(t, 0, sizeof(*t));
	wga_hash_seed(t->seed);
	t->mask = t->path_mask = SLOTS_MIN - 1;
	t->slots = calloc(SLOTS_MIN, sizeof(*t->slots));
	t->path_slots = calloc(SLOTS_MIN, sizeof(*t->path_slots));
	return t->slots && t->path_slots ? 0 : -1;
}

void wga_neighbours_free(struct wga_neighbours *t)
{
	free(t->paths);
	free(t->path_slots);
	free(t->n);
	free(t->slots);
}

static uint64_t path_hash(const struct wga_neighbours *t,
			  const struct wga_path *p)
{
	return wga_hash(p, sizeof(*p), t->seed);
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

/* Twice the slots, and twice the items they point to */
static int path_grow(struct wga_neighbours *t)
{
	uint32_t n = 2 * (t->path_mask + 1), i;
	uint32_t *slots = calloc(n, sizeof(*slots));
	struct wga_path *paths = realloc(t->paths, n / 2 * sizeof(*paths));

	if (paths)
		t->paths = paths;
	if (!slots || !paths) {
		free(slots);
		return -1;
	}
	for (i = 0; i < t->n_paths; i++) {
		uint64_t at = path_hash(t, &paths[i]);

		while (slots[at & (n - 1)])
			at++;
		slots[at & (n - 1)] = i + 1;
	}
	free(t->path_slots);
	t->path_slots = slots;
	t->path_mask = n - 1;
	t->path_room = n / 2;
	return 0;
}

uint16_t wga_path_get(struct wga_neighbours *t, const struct wga_path *path)
{
	uint64_t at;

	if (t->recent && !memcmp(&t->paths[t->recent - 1], path, sizeof(*path)))
		return t->recent;
	for (at = path_hash(t, path); t->path_slots[at & t->path_mask]; at++) {
		uint32_t id = t->path_slots[at & t->path_mask];

		if (!memcmp(&t->paths[id - 1], path, sizeof(*path))) {
			t->recent = (uint16_t)id;
			return (uint16_t)id;
		}
	}
	if (t->n_paths == WGA_PATHS_MAX)
		return 0;
	if (t->n_paths == t->path_room) {
		if (path_grow(t))
			return 0;
		for (at = path_hash(t, path); t->path_slots[at & t->path_mask];)
			at++;
	}
	t->paths[t->n_paths++] = *path;
	t->path_slots[at & t->path_mask] = t->n_paths;
	t->recent = (uint16_t)t->n_paths;
	return t->recent;
}

uint8_t wga_path_ttl(uint8_t ttl, const struct wga_addr *dst)
{
	if (wga_addr_is_multicast(dst) || ttl == 1)
		return 0;
	return ttl == 64 || ttl == 128 || ttl == 255 || ttl == 32 ?
		WGA_NEIGHBOUR_FRESH : WGA_NEIGHBOUR_ROUTED;
}

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

void wga_neighbour_path(struct wga_neighbours *t, const struct wga_neighbours *from,
			uint16_t id, const struct wga_addr *src,
			const struct wga_addr *dst)
{
	const struct wga_path *p;

	if (!id)
		return;
	p = &from->paths[id - 1];
	wga_neighbour_note(t, &p->src, src,
			   (uint8_t)(p->ttl | WGA_NEIGHBOUR_SENT));
	wga_neighbour_note(t, &p->dst, dst, WGA_NEIGHBOUR_GOT);
}
