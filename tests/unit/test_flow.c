/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/flow.h"
#include "tests/golden/forge.h"

#define KEYS	200000u

static struct wga_flow_key key_of(uint32_t i)
{
	struct wga_flow_key key = {
		.lo = { { [10] = 0xff, 0xff, 10, 0, 0, 1 } },
		.hi = { { [10] = 0xff, 0xff, 10, 0, 0, 2 } },
		.port_lo = (uint16_t)i, .proto = 17,
		.kind = (uint8_t)(i >> 16 & 1),
	};

	key.hi.b[13] = (uint8_t)(i >> 17);
	return key;
}

static uint32_t get(struct wga_flow_table *t, const struct wga_flow_key *key,
		    bool *is_new)
{
	uint64_t hash = wga_flow_hash(t, key);

	wga_flow_prefetch_slot(t, hash);
	wga_flow_prefetch(t, hash);
	return wga_flow_get(t, key, hash, is_new);
}

static void test_growth(void **state)
{
	struct wga_flow_table *t = wga_flow_table_new();
	uint32_t i, round;
	struct wga_flow *first;
	bool is_new;

	(void)state;
	assert_non_null(t);
	assert_int_equal(wga_flow_count(t), 0);
	for (round = 1; round <= 2; round++) {
		for (i = 0; i < KEYS; i++) {
			struct wga_flow_key key = key_of(i);
			uint32_t at = get(t, &key, &is_new);
			struct wga_flow *f = wga_flow_at(t, at);

			assert_int_equal(at, i);
			assert_int_equal(is_new, round == 1);
			assert_memory_equal(&f->key, &key, sizeof(key));
			assert_int_equal(f->frames, round - 1);
			if (!i && round == 1)
				first = f;
			f->frames++;
			f->bytes += i;
			wga_flow_cold_at(t, at)->messages += i;
		}
		assert_int_equal(wga_flow_count(t), KEYS);
	}
	/* flows never move */
	assert_ptr_equal(wga_flow_at(t, 0), first);
	for (i = 0; i < KEYS; i++) {
		assert_int_equal(wga_flow_frames(t, i), 2);
		assert_int_equal(wga_flow_at(t, i)->bytes, 2 * (uint64_t)i);
		assert_int_equal(wga_flow_cold_at(t, i)->messages,
				 2 * (uint64_t)i);
	}
	wga_flow_table_free(t);
	wga_flow_table_free(NULL);
}

/* every byte of the key counts */
static void test_key_bytes(void **state)
{
	struct wga_flow_table *t = wga_flow_table_new();
	struct wga_flow_key key = key_of(1);
	unsigned int i;
	bool is_new;

	(void)state;
	assert_int_equal(get(t, &key, &is_new), 0);
	for (i = 0; i < sizeof(key); i++) {
		struct wga_flow_key other = key;

		((uint8_t *)&other)[i] ^= 0x10;
		assert_int_not_equal(wga_flow_hash(t, &other),
				     wga_flow_hash(t, &key));
		assert_int_equal(get(t, &other, &is_new), i + 1);
		assert_true(is_new);
	}
	/* all keys in one slot are still found, with one hash for all */
	for (i = 0; i < 500; i++) {
		key = key_of(1000 + i);
		assert_int_equal(wga_flow_get(t, &key, 42, &is_new), 41 + i);
		assert_true(is_new);
	}
	for (i = 0; i < 500; i++) {
		key = key_of(1000 + i);
		assert_int_equal(wga_flow_get(t, &key, 42, &is_new), 41 + i);
		assert_false(is_new);
	}
	wga_flow_table_free(t);
}

static void test_frames_high(void **state)
{
	struct wga_flow_table *t = wga_flow_table_new();
	struct wga_flow_key key = key_of(1);
	bool is_new;
	uint32_t i = get(t, &key, &is_new);

	(void)state;
	wga_flow_at(t, i)->frames = 5;
	wga_flow_cold_at(t, i)->frames_hi = 3;
	assert_int_equal(wga_flow_frames(t, i), 3 * ((uint64_t)1 << 32) + 5);
	wga_flow_table_free(t);
}

static void test_hash(void **state)
{
	uint64_t key[2], other[2], seed = 3;
	uint8_t b[100], *p;
	size_t len, i;

	(void)state;
	wga_hash_seed(key);
	wga_hash_seed(other);
	assert_true(key[0] & 1);
	assert_true(key[0] != other[0] || key[1] != other[1]);
	forge_fill(&seed, b, sizeof(b));
	for (len = 1; len < sizeof(b); len++) {
		uint64_t was = wga_hash(b, len, key);

		/* exact-size copy: nothing is read behind it */
		p = malloc(len);
		assert_non_null(p);
		memcpy(p, b, len);
		assert_int_equal(wga_hash(p, len, key), was);
		assert_int_not_equal(wga_hash(p, len, other), was);
		for (i = 0; i < len; i++) {
			p[i] ^= 4;
			assert_int_not_equal(wga_hash(p, len, key), was);
			p[i] ^= 4;
		}
		free(p);
	}
	/* trailing zeros are part of the length */
	memset(b, 0, sizeof(b));
	for (len = 1; len < sizeof(b); len++)
		assert_int_not_equal(wga_hash(b, len, key),
				     wga_hash(b, len - 1, key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_key_bytes),
		cmocka_unit_test(test_frames_high),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
