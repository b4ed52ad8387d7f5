/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/fragment.h"
#include "tests/golden/forge.h"

static struct wga_fragments *table;
static struct wga_datagram *whole;
static uint8_t bytes[70000];
static struct wga_packet pkt;

/* a piece of the datagram in @bytes, in memory of just that size */
static enum wga_fragment_answer add(uint32_t id, size_t off, size_t len,
				    bool more)
{
	enum wga_fragment_answer answer;
	uint8_t *piece = malloc(len ? len : 1);

	assert_non_null(piece);
	memcpy(piece, bytes + off, len);
	pkt.fragment = true;
	pkt.frag_id = id;
	pkt.frag_off = (uint32_t)off;
	pkt.frag_more = more;
	pkt.payload = (struct wga_view){ piece, len };
	answer = wga_fragment_add(table, &pkt, (uint32_t)len + 34, &whole);
	free(piece);
	return answer;
}

static void assert_whole(size_t len, uint64_t frames)
{
	assert_true(whole->whole);
	assert_int_equal(whole->total, len);
	assert_memory_equal(whole->data, bytes, len);
	assert_int_equal(whole->frames, frames);
}

static int setup(void **state)
{
	uint64_t seed = 4;

	(void)state;
	table = calloc(1, sizeof(*table));
	forge_fill(&seed, bytes, sizeof(bytes));
	pkt = (struct wga_packet){ .proto = 17 };
	pkt.src.b[15] = 1;
	pkt.dst.b[15] = 2;
	return table ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	wga_fragments_free(table);
	free(table);
	return 0;
}

static void test_order(void **state)
{
	static const unsigned int order[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	static const size_t off[] = { 0, 1480, 2960 }, len[] = { 1480, 1480, 777 };
	unsigned int i, k;

	(void)state;
	for (i = 0; i < 6; i++) {
		for (k = 0; k < 3; k++) {
			unsigned int n = order[i][k];

			assert_int_equal(add(i, off[n], len[n], n < 2), k < 2 ?
					 WGA_FRAGMENT_PENDING :
					 WGA_FRAGMENT_WHOLE);
		}
		assert_whole(3737, 3);
		assert_int_equal(whole->bytes, 3737 + 3 * 34);
	}
}

static void test_sizes(void **state)
{
	size_t off;

	(void)state;
	/* the largest there is */
	for (off = 0; off < 65528; off += 8)
		assert_int_equal(add(1, off, 8, true), WGA_FRAGMENT_PENDING);
	assert_int_equal(add(1, 65528, 7, false), WGA_FRAGMENT_WHOLE);
	assert_whole(65535, 8192);
	/* and one that is larger */
	assert_int_equal(add(2, 65528, 9, false), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	/* the smallest */
	assert_int_equal(add(3, 8, 1, false), WGA_FRAGMENT_PENDING);
	assert_int_equal(add(3, 0, 8, true), WGA_FRAGMENT_WHOLE);
	assert_whole(9, 2);
}

/* what no sender sends spoils the datagram */
static void test_malformed(void **state)
{
	(void)state;
	assert_int_equal(add(1, 0, 0, true), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	assert_int_equal(add(2, 0, 12, true), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	assert_int_equal(add(2, 0, 16, true), WGA_FRAGMENT_PENDING);
	assert_int_equal(add(2, 16, 16, false), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	assert_int_equal(whole->frames, 3);
}

static void test_gaps(void **state)
{
	(void)state;
	add(1, 0, 16, true);
	assert_int_equal(add(1, 24, 16, false), WGA_FRAGMENT_PENDING);
	assert_false(whole->spoilt);
	/* no end */
	assert_int_equal(add(2, 0, 16, true), WGA_FRAGMENT_PENDING);
	assert_int_equal(add(2, 16, 16, true), WGA_FRAGMENT_PENDING);
	/* filled at last */
	assert_int_equal(add(1, 16, 8, true), WGA_FRAGMENT_WHOLE);
	assert_whole(40, 3);
}

static void test_duplicates(void **state)
{
	(void)state;
	assert_int_equal(add(1, 0, 16, true), WGA_FRAGMENT_PENDING);
	assert_int_equal(add(1, 0, 16, true), WGA_FRAGMENT_PENDING);
	assert_int_equal(add(1, 16, 9, false), WGA_FRAGMENT_WHOLE);
	assert_whole(25, 3);
	/* a routed frame comes by again */
	assert_int_equal(add(1, 0, 16, true), WGA_FRAGMENT_AGAIN);
	assert_int_equal(add(1, 16, 9, false), WGA_FRAGMENT_AGAIN);
	assert_whole(25, 5);
}

static void test_overlaps(void **state)
{
	(void)state;
	/* the same bytes */
	add(1, 0, 24, true);
	assert_int_equal(add(1, 8, 40, false), WGA_FRAGMENT_WHOLE);
	assert_whole(48, 2);

	/* others: one byte is enough, and nothing mends it */
	add(2, 0, 24, true);
	bytes[17] ^= 1;
	assert_int_equal(add(2, 8, 40, false), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	bytes[17] ^= 1;
	assert_int_equal(add(2, 8, 40, false), WGA_FRAGMENT_PENDING);
	assert_int_equal(add(2, 0, 24, true), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	assert_false(whole->whole);

	/* two ends that contradict each other */
	add(3, 16, 16, false);
	assert_int_equal(add(3, 16, 8, false), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	/* bytes beyond the end, in either order */
	add(4, 16, 16, false);
	assert_int_equal(add(4, 32, 8, true), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	add(5, 0, 8, true);
	add(5, 800, 8, true);
	assert_int_equal(add(5, 16, 8, false), WGA_FRAGMENT_PENDING);
	assert_int_equal(add(5, 8, 8, true), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	add(7, 0, 8, true);
	add(7, 16, 16, true);
	assert_int_equal(add(7, 8, 8, false), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
	/* not even if they would make up for bytes that are missing */
	add(6, 0, 8, true);
	add(6, 800, 8, true);
	assert_int_equal(add(6, 16, 8, false), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
}

static void test_keys(void **state)
{
	(void)state;
	add(1, 0, 16, true);
	/* each part of the key tells datagrams apart */
	assert_int_equal(add(2, 16, 8, false), WGA_FRAGMENT_PENDING);
	pkt.proto = 6;
	assert_int_equal(add(1, 16, 8, false), WGA_FRAGMENT_PENDING);
	pkt.proto = 17;
	pkt.src.b[15] = 9;
	assert_int_equal(add(1, 16, 8, false), WGA_FRAGMENT_PENDING);
	pkt.src.b[15] = 1;
	pkt.dst.b[15] = 9;
	assert_int_equal(add(1, 16, 8, false), WGA_FRAGMENT_PENDING);
	pkt.dst.b[15] = 2;
	assert_int_equal(add(1, 16, 8, false), WGA_FRAGMENT_WHOLE);
}

/* an identification that comes round again */
static void test_id_reuse(void **state)
{
	(void)state;
	add(1, 0, 16, true);
	assert_int_equal(add(1, 16, 16, false), WGA_FRAGMENT_WHOLE);
	bytes[3] ^= 1;
	bytes[20] ^= 1;
	assert_int_equal(add(1, 0, 16, true), WGA_FRAGMENT_PENDING);
	assert_int_equal(whole->frames, 1);
	assert_false(whole->whole);
	assert_int_equal(add(1, 16, 16, false), WGA_FRAGMENT_WHOLE);
	assert_whole(32, 2);
	/* longer than the one before */
	assert_int_equal(add(1, 32, 16, true), WGA_FRAGMENT_PENDING);
	assert_int_equal(whole->frames, 1);
	/* a malformed piece does not go round in circles */
	add(2, 0, 16, true);
	add(2, 16, 16, false);
	assert_int_equal(add(2, 0, 0, true), WGA_FRAGMENT_PENDING);
	assert_true(whole->spoilt);
}

/* with all places taken the oldest goes, not one that was touched since */
static void test_eviction(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < WGA_FRAGMENTS_MAX; i++)
		add(i, 0, 16, true);
	add(0, 16, 8, true);
	add(WGA_FRAGMENTS_MAX, 0, 16, true);
	/* 1 is gone, 0 and 2 are there; so is the new one */
	assert_int_equal(add(0, 24, 8, false), WGA_FRAGMENT_WHOLE);
	assert_int_equal(add(2, 16, 8, false), WGA_FRAGMENT_WHOLE);
	assert_int_equal(add(WGA_FRAGMENTS_MAX, 16, 8, false),
			 WGA_FRAGMENT_WHOLE);
	assert_int_equal(add(WGA_FRAGMENTS_MAX - 1, 16, 8, false),
			 WGA_FRAGMENT_WHOLE);
	assert_int_equal(add(1, 16, 8, false), WGA_FRAGMENT_PENDING);
	assert_int_equal(whole->frames, 1);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_sizes),
		TEST(test_malformed),
		TEST(test_gaps),
		TEST(test_duplicates),
		TEST(test_overlaps),
		TEST(test_keys),
		TEST(test_id_reuse),
		TEST(test_eviction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
