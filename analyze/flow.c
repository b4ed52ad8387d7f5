/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "analyze/flow.h"

/* A chunk just fits a huge page. */
#define CHUNK_BITS	14
#define CHUNK_BYTES	((size_t)2 << 20)
#define CHUNK		(1u << CHUNK_BITS)
#define CHUNKS_MAX	(1u << 14)
#define SLOTS_MIN	(1u << 12)

static_assert(sizeof(struct wga_flow_key) == 40, "hashed as bytes, no padding");
static_assert(sizeof(struct wga_flow) == 64, "one cache line");
static_assert(sizeof(struct wga_flow_cold) <= 56, "see flow.h");

struct chunk {
	struct wga_flow hot[CHUNK];
	struct wga_flow_cold cold[CHUNK];
};

static_assert(sizeof(struct chunk) <= CHUNK_BYTES, "one huge page");

/**
 * struct wga_flow_table
 * @slots:	upper half of the hash << 32 | index + 1, or 0
 * @mask:	number of slots - 1
 */
struct wga_flow_table {
	uint64_t seed[2];
	uint64_t *slots;
	uint64_t mask;
	uint32_t count;
	struct chunk *chunks[CHUNKS_MAX];
};

void wga_hash_seed(uint64_t seed[static 2])
{
	/* Without random bytes the hash still works, only predictably. */
	if (getrandom(seed, 16, 0) != 16) {
		seed[0] = 0x243f6a8885a308d3;
		seed[1] = 0x13198a2e03707344;
	}
	seed[0] |= 1;
}

uint64_t wga_hash(const void *p, size_t len, const uint64_t seed[static 2])
{
	uint64_t h = seed[1] ^ len, w[2];
	const uint8_t *q = p;

	for (; len >= sizeof(w); len -= sizeof(w), q += sizeof(w)) {
		memcpy(w, q, sizeof(w));
		h = wga_mix(w[0] ^ seed[0], w[1] ^ h);
	}
	if (len) {
		w[0] = w[1] = 0;
		memcpy(w, q, len);
		h = wga_mix(w[0] ^ seed[0], w[1] ^ h);
	}
	return wga_mix(h ^ seed[0], 0x9e3779b97f4a7c15);
}

uint64_t wga_flow_hash(const struct wga_flow_table *t,
		       const struct wga_flow_key *key)
{
	uint64_t w[5], h;

	memcpy(w, key, sizeof(w));
	h = wga_mix(w[0] ^ t->seed[0], w[1] ^ t->seed[1]);
	h = wga_mix(w[2] ^ t->seed[0], w[3] ^ h);
	return wga_mix(w[4] ^ t->seed[0], h ^ 0x9e3779b97f4a7c15);
}

/* Memory that is touched at random, zeroed, from huge pages where there are */
static void *map_new(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

static uint64_t *slots_new(uint64_t n)
{
	return map_new(n * sizeof(uint64_t));
}

/* Huge pages are aligned, so a chunk has to be. */
static struct chunk *chunk_new(void)
{
	uint8_t *p = map_new(2 * CHUNK_BYTES), *chunk;
	size_t before;

	if (!p)
		return NULL;
	before = -(uintptr_t)p & (CHUNK_BYTES - 1);
	chunk = p + before;
	if (before)
		munmap(p, before);
	munmap(chunk + CHUNK_BYTES, CHUNK_BYTES - before);
	return (struct chunk *)(void *)chunk;
}

struct wga_flow_table *wga_flow_table_new(void)
{
	struct wga_flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	wga_hash_seed(t->seed);
	t->mask = SLOTS_MIN - 1;
	t->slots = slots_new(SLOTS_MIN);
	if (!t->slots) {
		free(t);
		return NULL;
	}
	return t;
}

void wga_flow_table_free(struct wga_flow_table *t)
{
	unsigned int i;

	if (!t)
		return;
	for (i = 0; i < CHUNKS_MAX && t->chunks[i]; i++)
		munmap(t->chunks[i], CHUNK_BYTES);
	munmap(t->slots, (t->mask + 1) * sizeof(*t->slots));
	free(t);
}

struct wga_flow *wga_flow_at(const struct wga_flow_table *t, uint32_t i)
{
	return &t->chunks[i >> CHUNK_BITS]->hot[i & (CHUNK - 1)];
}

struct wga_flow_cold *wga_flow_cold_at(const struct wga_flow_table *t,
				       uint32_t i)
{
	return &t->chunks[i >> CHUNK_BITS]->cold[i & (CHUNK - 1)];
}

uint32_t wga_flow_count(const struct wga_flow_table *t)
{
	return t->count;
}

uint64_t wga_flow_frames(const struct wga_flow_table *t, uint32_t i)
{
	return (uint64_t)wga_flow_cold_at(t, i)->frames_hi << 32 |
	       wga_flow_at(t, i)->frames;
}

void wga_flow_prefetch_slot(const struct wga_flow_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->slots[hash & t->mask], 1);
}

void wga_flow_prefetch(const struct wga_flow_table *t, uint64_t hash)
{
	uint64_t slot = t->slots[hash & t->mask];

	if (slot)
		__builtin_prefetch(wga_flow_at(t, (uint32_t)slot - 1), 1);
}

static int table_grow(struct wga_flow_table *t)
{
	uint64_t n = 2 * (t->mask + 1), i, *slots = slots_new(n);

	if (!slots)
		return -1;
	for (i = 0; i < t->count; i++) {
		uint64_t hash = wga_flow_hash(t, &wga_flow_at(t, (uint32_t)i)->key);
		uint64_t at = hash & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = (hash & ~(uint64_t)UINT32_MAX) | (i + 1);
	}
	munmap(t->slots, (t->mask + 1) * sizeof(*t->slots));
	t->slots = slots;
	t->mask = n - 1;
	return 0;
}

static uint32_t flow_add(struct wga_flow_table *t,
			 const struct wga_flow_key *key)
{
	uint32_t i = t->count;
	struct chunk **c;

	if (i >> CHUNK_BITS >= CHUNKS_MAX)
		return UINT32_MAX;
	c = &t->chunks[i >> CHUNK_BITS];
	if (!*c)
		*c = chunk_new();
	if (!*c)
		return UINT32_MAX;
	wga_flow_at(t, i)->key = *key;
	t->count++;
	return i;
}

uint32_t wga_flow_get(struct wga_flow_table *t, const struct wga_flow_key *key,
		      uint64_t hash, bool *is_new)
{
	uint64_t at, slot;
	uint32_t i;

	for (at = hash & t->mask; (slot = t->slots[at]);
	     at = (at + 1) & t->mask) {
		i = (uint32_t)slot - 1;
		if (slot >> 32 == hash >> 32 &&
		    wga_flow_key_equal(&wga_flow_at(t, i)->key, key)) {
			*is_new = false;
			return i;
		}
	}

	*is_new = true;
	if ((uint64_t)t->count * 2 >= t->mask + 1) {
		if (table_grow(t))
			return UINT32_MAX;
		at = hash & t->mask;
		while (t->slots[at])
			at = (at + 1) & t->mask;
	}
	i = flow_add(t, key);
	if (i != UINT32_MAX)
		t->slots[at] = (hash & ~(uint64_t)UINT32_MAX) | (i + 1);
	return i;
}
