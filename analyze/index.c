/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "analyze/index.h"

#define SLOTS_MIN	64
#define ROOM_MIN	32

uint32_t wga_index_find(const struct wga_index *ix, uint64_t hash,
			wga_index_is is, const void *items, const void *key)
{
	uint32_t half = (uint32_t)(hash >> 32), at;
	uint64_t slot;

	if (!ix->slots)
		return WGA_INDEX_NONE;
	for (at = half & ix->mask; (slot = ix->slots[at]);
	     at = (at + 1) & ix->mask) {
		if (slot >> 32 == half && is(items, (uint32_t)slot - 1, key))
			return (uint32_t)slot - 1;
	}
	return WGA_INDEX_NONE;
}

static void index_put(uint64_t *slots, uint32_t mask, uint64_t slot)
{
	uint32_t at = (uint32_t)(slot >> 32) & mask;

	while (slots[at])
		at = (at + 1) & mask;
	slots[at] = slot;
}

static int index_resize(struct wga_index *ix, uint32_t n)
{
	uint64_t *slots = calloc(n, sizeof(*slots));
	uint32_t i;

	if (!slots)
		return -1;
	for (i = 0; ix->slots && i <= ix->mask; i++) {
		if (ix->slots[i])
			index_put(slots, n - 1, ix->slots[i]);
	}
	free(ix->slots);
	ix->slots = slots;
	ix->mask = n - 1;
	return 0;
}

int wga_index_reserve(struct wga_index *ix, size_t n)
{
	uint32_t size = SLOTS_MIN;

	while (size / 4 * 3 < n && size < UINT32_MAX / 2)
		size *= 2;
	return size > ix->mask ? index_resize(ix, size) : 0;
}

int wga_index_add(struct wga_index *ix, uint64_t hash, uint32_t item)
{
	if ((!ix->slots || ix->count > ix->mask / 4 * 3) &&
	    index_resize(ix, ix->slots ? 2 * (ix->mask + 1) : SLOTS_MIN))
		return -1;
	index_put(ix->slots, ix->mask,
		  (hash & ~(uint64_t)UINT32_MAX) | (item + 1));
	ix->count++;
	return 0;
}

void wga_index_free(struct wga_index *ix)
{
	free(ix->slots);
}

void *wga_room(void *items, size_t n, size_t *room, size_t size, size_t max)
{
	size_t more = *room ? 2 * *room : ROOM_MIN;
	void *moved;

	if (n < *room)
		return items;
	if (n >= max)
		return NULL;
	moved = realloc(items, (more > max ? max : more) * size);
	if (moved)
		*room = more > max ? max : more;
	return moved;
}
