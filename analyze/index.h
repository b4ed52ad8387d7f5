/* SPDX-License-Identifier: MIT */
#ifndef WGA_INDEX_H
#define WGA_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * Finds items of an array by hash: open addressing over slots that hold half of
 * the hash and the number of the item. The items stay with their owner, who
 * compares them. (The table of flows does the same by itself, with prefetch.)
 */

/**
 * struct wga_index - starts as zeros
 */
struct wga_index {
	uint64_t *slots;
	uint32_t mask;
	uint32_t count;
};

/* does item number @item of @items have this key? */
typedef bool (*wga_index_is)(const void *items, uint32_t item, const void *key);

#define WGA_INDEX_NONE	UINT32_MAX

/**
 * wga_index_find() - look an item up
 * @ix:		index
 * @hash:	hash of @key
 * @is:		called for items whose hash fits
 *
 * Return: number of the item, or WGA_INDEX_NONE.
 */
uint32_t wga_index_find(const struct wga_index *ix, uint64_t hash,
			wga_index_is is, const void *items, const void *key);

/**
 * wga_index_add() - add an item that is not there yet
 *
 * Return: 0, or -1 when out of memory.
 */
int wga_index_add(struct wga_index *ix, uint64_t hash, uint32_t item);

/* bring the slot of a hash into the cache */
static inline void wga_index_prefetch(const struct wga_index *ix, uint64_t hash)
{
	if (ix->slots)
		__builtin_prefetch(&ix->slots[(uint32_t)(hash >> 32) & ix->mask],
				   1);
}

/* make room for @n items at once; 0, or -1 when out of memory */
int wga_index_reserve(struct wga_index *ix, size_t n);

void wga_index_free(struct wga_index *ix);

/**
 * wga_room() - make room for one more item in an array that grows by doubling
 * @items:	the array, or NULL
 * @n:		items in it
 * @room:	in and out: items it has room for
 * @size:	bytes of an item
 * @max:	never more items than this
 *
 * Return: the array, perhaps moved, or NULL (the old one is still there).
 */
void *wga_room(void *items, size_t n, size_t *room, size_t size, size_t max);

#endif /* WGA_INDEX_H */
