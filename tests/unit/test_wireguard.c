/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/wireguard.h"
#include "tests/golden/forge_msg.h"
#include "tests/golden/forge.h"

static uint64_t seed = 2;
static struct wga_wg_messages out;
static const uint8_t peer[FORGE_KEY_LEN] = { 9 };
static const char text[] = "user=alice and password=hunter2, in the clear";

/* parse a copy of exactly that length, so that any over-read is seen */
static enum wga_wg_answer parse(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum wga_wg_answer answer;
	size_t i;

	assert_non_null(copy);
	memcpy(copy, p, len);
	out.n = 0;
	answer = wga_wg_parse((struct wga_view){ copy, len }, &out);
	for (i = 0; i < out.n; i++)
		assert_true(out.m[i].p >= copy &&
			    out.m[i].p + out.m[i].len <= copy + len);
	if (answer != WGA_WG_YES)
		assert_int_equal(out.n, 0);
	free(copy);
	return answer;
}

static bool is_spliced(enum wga_wg_answer answer)
{
	return answer == WGA_WG_SPLICED || answer == WGA_WG_SPLICED_TEXT;
}

static size_t gso(uint8_t *b, uint32_t receiver, uint64_t counter,
		  unsigned int count, size_t stride, size_t last)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		forge_wg_data(&seed, b + i * stride, receiver, counter + i,
			      i == count - 1 ? last : stride);
	return (count - 1) * stride + last;
}

static void test_header(void **state)
{
	uint8_t b[148];
	unsigned int i;

	(void)state;
	forge_wg_data(&seed, b, 7, 1, 64);
	assert_int_equal(parse(b, 0), WGA_WG_NOT);
	assert_int_equal(parse(b, 64), WGA_WG_YES);
	for (i = 0; i <= 255; i++) {
		b[0] = (uint8_t)i;
		if (i == 0 || i > 4)
			assert_int_equal(parse(b, 64), WGA_WG_NOT);
		else
			assert_int_not_equal(parse(b, 64), WGA_WG_NOT);
	}
	for (i = 1; i < 4; i++) {
		forge_wg_data(&seed, b, 7, 1, 64);
		b[i] = 1;
		assert_int_equal(parse(b, 64), WGA_WG_NOT);
	}
	forge_wg_data(&seed, b, 7, 1, 64);
	for (i = 0; i < 4; i++)
		assert_int_equal(parse(b, i), WGA_WG_NOT);
	for (i = 4; i < 32; i++) {
		enum wga_wg_answer answer = parse(b, i);

		assert_true(answer == WGA_WG_FAKE || answer == WGA_WG_FAKE_TEXT);
	}
}

static void test_fields(void **state)
{
	uint8_t b[160];

	(void)state;
	forge_wg_init(&seed, b, 0x11223344, peer);
	assert_int_equal(parse(b, 148), WGA_WG_YES);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.m[0].type, WGA_WG_INITIATION);
	assert_int_equal(out.m[0].sender, 0x11223344);
	assert_int_equal(out.m[0].receiver, 0);
	assert_int_equal(out.m[0].len, 148);
	assert_int_not_equal(out.m[0].digest, 0);

	forge_wg_response(&seed, b, 0x55667788, 0x11223344, peer);
	assert_int_equal(parse(b, 92), WGA_WG_YES);
	assert_int_equal(out.m[0].type, WGA_WG_RESPONSE);
	assert_int_equal(out.m[0].sender, 0x55667788);
	assert_int_equal(out.m[0].receiver, 0x11223344);

	forge_wg_cookie(&seed, b, 0x99aabbcc);
	assert_int_equal(parse(b, 64), WGA_WG_YES);
	assert_int_equal(out.m[0].type, WGA_WG_COOKIE);
	assert_int_equal(out.m[0].sender, 0);
	assert_int_equal(out.m[0].receiver, 0x99aabbcc);

	forge_wg_data(&seed, b, 0xddeeff01, 0x0000123456789abc, 160);
	b[16] = 0x80;
	b[17] = 0x7f;
	assert_int_equal(parse(b, 160), WGA_WG_YES);
	assert_int_equal(out.m[0].type, WGA_WG_DATA);
	assert_int_equal(out.m[0].receiver, 0xddeeff01);
	assert_int_equal(out.m[0].counter, 0x0000123456789abc);
	assert_int_equal(out.m[0].len, 160);
	{
		uint32_t high = 0;
		unsigned int i;

		for (i = 16; i < 160; i++)
			high += b[i] >> 7;
		assert_int_equal(out.m[0].high, high);
	}
}

static void test_lengths(void **state)
{
	static const size_t length[] = { 0, 148, 92, 64 };
	uint8_t b[400];
	unsigned int type;
	size_t len;

	(void)state;
	for (type = 1; type <= 3; type++) {
		for (len = 4; len <= 400; len++) {
			enum wga_wg_answer answer;

			if (type == 1)
				forge_wg_init(&seed, b, 1, peer);
			else if (type == 2)
				forge_wg_response(&seed, b, 1, 2, peer);
			else
				forge_wg_cookie(&seed, b, 1);
			forge_fill(&seed, b + length[type], 400 - length[type]);
			answer = parse(b, len);
			if (len == length[type])
				assert_int_equal(answer, WGA_WG_YES);
			else if (len < length[type])
				assert_true(answer == WGA_WG_FAKE ||
					    answer == WGA_WG_FAKE_TEXT);
			else
				assert_true(is_spliced(answer));
		}
	}
	for (len = 32; len <= 400; len++) {
		forge_wg_data(&seed, b, 1, 2, len);
		assert_int_equal(parse(b, len), WGA_WG_YES);
	}
}

static void test_digests(void **state)
{
	uint8_t b[148];
	uint64_t was;
	unsigned int i;

	(void)state;
	forge_wg_init(&seed, b, 5, peer);
	assert_int_equal(parse(b, 148), WGA_WG_YES);
	was = out.m[0].digest;
	assert_int_equal(parse(b, 148), WGA_WG_YES);
	assert_int_equal(out.m[0].digest, was);
	/* everything counts, header and MACs included */
	for (i = 4; i < 132; i++) {
		b[i] ^= 1;
		if (parse(b, 148) == WGA_WG_YES)
			assert_int_not_equal(out.m[0].digest, was);
		b[i] ^= 1;
	}
	forge_wg_data(&seed, b, 5, 6, 96);
	assert_int_equal(parse(b, 96), WGA_WG_YES);
	was = out.m[0].digest;
	b[95] ^= 1;
	assert_int_equal(parse(b, 96), WGA_WG_YES);
	assert_int_not_equal(out.m[0].digest, was);
}

static void test_counter_limit(void **state)
{
	uint8_t b[64];

	(void)state;
	forge_wg_data(&seed, b, 1, (uint64_t)1 << 48, 64);
	assert_int_equal(parse(b, 64), WGA_WG_YES);
	forge_put64le(b + 8, ((uint64_t)1 << 48) + 1);
	assert_int_equal(parse(b, 64), WGA_WG_FAKE);
	forge_put64le(b + 8, UINT64_MAX);
	assert_int_equal(parse(b, 64), WGA_WG_FAKE);
}

static void test_body_text(void **state)
{
	uint8_t b[1312];
	size_t at;

	(void)state;
	/* right behind the type, as if text were indices and counter */
	memset(b, 0, 4);
	b[0] = 4;
	memcpy(b + 4, text, sizeof(text) - 1);
	assert_int_equal(parse(b, sizeof(text) + 3), WGA_WG_FAKE_TEXT);

	for (at = 16; at + sizeof(text) - 1 <= 400; at++) {
		forge_wg_data(&seed, b, 1, 1, 400);
		memcpy(b + at, text, sizeof(text) - 1);
		assert_int_equal(parse(b, 400), WGA_WG_FAKE_TEXT);
	}
	forge_wg_data(&seed, b, 1, 1, 1312);
	memset(b + 400, 0, 64);
	assert_int_equal(parse(b, 1312), WGA_WG_FAKE);
	memset(b + 16, 0, 1296);
	assert_int_equal(parse(b, 1312), WGA_WG_FAKE);

	/* what a keepalive's 16 bytes can show */
	forge_wg_data(&seed, b, 1, 1, 32);
	memcpy(b + 16, "password=hunter2", 16);
	assert_int_equal(parse(b, 32), WGA_WG_FAKE_TEXT);
}

static void test_handshake_text(void **state)
{
	uint8_t b[148];

	(void)state;
	forge_wg_init(&seed, b, 1, peer);
	memcpy(b + 8, text, 44);
	assert_int_equal(parse(b, 148), WGA_WG_FAKE_TEXT);
	forge_wg_init(&seed, b, 1, peer);
	memcpy(b + 88, text, 44);
	assert_int_equal(parse(b, 148), WGA_WG_FAKE_TEXT);
	forge_wg_init(&seed, b, 1, peer);
	memset(b + 8, 0, 108);
	assert_int_equal(parse(b, 148), WGA_WG_FAKE);

	/* MAC2: zero, or a MAC */
	forge_wg_init(&seed, b, 1, peer);
	forge_fill(&seed, b + 132, 16);
	assert_int_equal(parse(b, 148), WGA_WG_YES);
	memcpy(b + 132, "password=hunter2", 16);
	assert_int_equal(parse(b, 148), WGA_WG_FAKE_TEXT);
	forge_wg_response(&seed, b, 1, 2, peer);
	forge_fill(&seed, b + 76, 16);
	assert_int_equal(parse(b, 92), WGA_WG_YES);
	memcpy(b + 76, "password=hunter2", 16);
	assert_int_equal(parse(b, 92), WGA_WG_FAKE_TEXT);

	/* MAC2 to its last byte */
	forge_wg_init(&seed, b, 1, peer);
	memset(b + 132, 0, 16);
	b[147] = 1;
	assert_int_equal(parse(b, 148), WGA_WG_FAKE);

	/* the first bytes that must look like ciphertext */
	forge_wg_response(&seed, b, 1, 2, peer);
	memcpy(b + 12, text, 40);
	assert_int_equal(parse(b, 92), WGA_WG_FAKE_TEXT);
	forge_wg_cookie(&seed, b, 1);
	memcpy(b + 8, text, 40);
	assert_int_equal(parse(b, 64), WGA_WG_FAKE_TEXT);
	forge_wg_cookie(&seed, b, 1);
	memcpy(b + 24, text, 40);
	assert_int_equal(parse(b, 64), WGA_WG_FAKE_TEXT);
}

/* Indices and counters may look like anything, what follows them may not. */
static void test_where_it_begins(void **state)
{
	static const size_t from[] = { 0, 8, 12, 8, 16 };
	static const size_t len[] = { 0, 148, 92, 64, 96 };
	uint8_t b[148];
	unsigned int type, more;

	(void)state;
	for (type = 1; type <= 4; type++) {
		for (more = 0; more < 2; more++) {
			if (type == 1)
				forge_wg_init(&seed, b, 1, peer);
			else if (type == 2)
				forge_wg_response(&seed, b, 1, 2, peer);
			else if (type == 3)
				forge_wg_cookie(&seed, b, 1);
			else
				forge_wg_data(&seed, b, 1, 1, 96);
			/* 24 common characters in a row are text, 23 are not */
			memcpy(b + from[type] - (more ? 0 : 1),
			       "nothing to see here, but", 24);
			b[from[type] + 23 + more] = 0x80;
			if (type == 4 && !more)
				b[15] = 0;
			assert_int_equal(parse(b, len[type]), more ?
					 WGA_WG_FAKE_TEXT : WGA_WG_YES);
		}
	}
}

static void test_gso(void **state)
{
	static const size_t strides[] = { 32, 48, 64, 96, 1312 };
	static uint8_t b[70000];
	size_t len, last;
	unsigned int i, k, count;

	(void)state;
	for (k = 0; k < 5; k++) {
		for (count = 2; count <= 40; count++) {
			for (last = 32; last <= strides[k];
			     last += strides[k] / 4 / 16 * 16 + 16) {
				len = gso(b, 77, 1000, count, strides[k], last);
				assert_int_equal(parse(b, len), WGA_WG_YES);
				assert_int_equal(out.n, count);
				for (i = 0; i < count; i++) {
					assert_int_equal(out.m[i].counter,
							 1000 + i);
					assert_int_equal(out.m[i].receiver, 77);
					assert_int_equal(out.m[i].len,
						i == count - 1 ? last :
								 strides[k]);
				}
			}
		}
	}
	/* a last piece too short for a message */
	len = gso(b, 77, 1, 3, 1312, 1312);
	forge_wg_data(&seed, b + len, 77, 4, 32);
	assert_true(is_spliced(parse(b, len + 31)));
	assert_true(is_spliced(parse(b, len + 5)));
	assert_int_equal(parse(b, len + 32), WGA_WG_YES);
	/* counters that leave some out, as when others went another way */
	len = gso(b, 77, 1, 3, 1312, 1312);
	forge_put64le(b + 1312 + 8, 65);
	forge_put64le(b + 2624 + 8, 70);
	assert_int_equal(parse(b, len), WGA_WG_YES);
	assert_int_equal(out.n, 3);
	/* too many of them: not told from one large message */
	gso(b, 77, 1, 2, 1312, 1312);
	forge_put64le(b + 1312 + 8, 66);
	assert_int_equal(parse(b, 2624), WGA_WG_YES);
	assert_int_equal(out.n, 1);
}

static void test_gso_rekey(void **state)
{
	static uint8_t b[20 * 1312];
	size_t len = sizeof(b);
	unsigned int i, from;

	(void)state;
	for (from = 1; from < 20; from++) {
		gso(b, 77, 5000, 20, 1312, 1312);
		for (i = from; i < 20; i++) {
			forge_put32le(b + i * 1312 + 4, 78);
			forge_put64le(b + i * 1312 + 8, i - from);
		}
		assert_int_equal(parse(b, len), WGA_WG_YES);
		assert_int_equal(out.n, 20);
		assert_int_equal(out.m[from - 1].receiver, 77);
		assert_int_equal(out.m[from].receiver, 78);
		assert_int_equal(out.m[from].counter, 0);
	}
	/* the last message of a session, and the first of the next */
	gso(b, 77, 5000, 2, 1312, 1312);
	forge_put32le(b + 1312 + 4, 78);
	forge_put64le(b + 1312 + 8, 0);
	assert_int_equal(parse(b, 2624), WGA_WG_YES);
	assert_int_equal(out.n, 2);
	/* an initiation among data does not fit the stride */
	gso(b, 77, 5000, 20, 1312, 1312);
	forge_wg_init(&seed, b + 5 * 1312, 1, peer);
	assert_int_equal(parse(b, len), WGA_WG_SPLICED);
}

static void test_gso_spliced(void **state)
{
	static uint8_t b[8 * 1312 + 200];
	size_t len = 8 * 1312, n = sizeof(text) - 1;
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		/* text in the body of one message */
		gso(b, 77, 5000, 8, 1312, 1312);
		memcpy(b + i * 1312 + 600, text, n);
		assert_int_equal(parse(b, len), i ? WGA_WG_SPLICED_TEXT :
						    WGA_WG_FAKE_TEXT);
	}
	for (i = 2; i < 8; i++) {
		/* one message replaced by text */
		size_t k;

		gso(b, 77, 5000, 8, 1312, 1312);
		for (k = 0; k < 1312; k++)
			b[i * 1312 + k] = (uint8_t)text[k % n];
		assert_int_equal(parse(b, len), WGA_WG_SPLICED_TEXT);
		/* or by random bytes */
		forge_fill(&seed, b + i * 1312, 1312);
		b[i * 1312] = 0xc0;
		assert_int_equal(parse(b, len), WGA_WG_SPLICED);
		/* a counter out of reach */
		gso(b, 77, 5000, 8, 1312, 1312);
		memset(b + i * 1312 + 8, 0xee, 8);
		assert_int_equal(parse(b, len), WGA_WG_SPLICED);
	}

	/* bytes inserted between messages */
	for (i = 1; i < 8; i++) {
		gso(b, 77, 5000, 8, 1312, 1312);
		memmove(b + i * 1312 + 48, b + i * 1312, len - i * 1312);
		memcpy(b + i * 1312, text, n);
		assert_int_not_equal(parse(b, len + 48), WGA_WG_YES);
	}
	/* foreign tails */
	gso(b, 77, 5000, 8, 1312, 1312);
	memcpy(b + len, text, n);
	assert_int_equal(parse(b, len + n), WGA_WG_SPLICED_TEXT);
	forge_fill(&seed, b + len, 40);
	b[len] = 0xc0;
	assert_true(is_spliced(parse(b, len + 40)));
	assert_int_equal(parse(b, len + 1), WGA_WG_SPLICED);
	forge_wg_response(&seed, b, 1, 2, peer);
	memcpy(b + 92, text, n);
	assert_int_equal(parse(b, 92 + n), WGA_WG_SPLICED_TEXT);
	/* two handshakes that receive offload put together */
	forge_wg_init(&seed, b, 1, peer);
	forge_wg_init(&seed, b + 148, 2, peer);
	assert_int_equal(parse(b, 296), WGA_WG_YES);
	assert_int_equal(out.n, 2);
	assert_int_equal(out.m[1].sender, 2);
}

/* one message is no longer than a jumbo frame */
static void test_single_limit(void **state)
{
	static uint8_t b[9300];

	(void)state;
	forge_wg_data(&seed, b, 1, 1, sizeof(b));
	assert_int_equal(parse(b, 9216), WGA_WG_YES);
	assert_int_equal(parse(b, 9217), WGA_WG_FAKE);
	b[9217] = 0;
	memcpy(b + 50, text, sizeof(text) - 1);
	assert_int_equal(parse(b, 9217), WGA_WG_FAKE_TEXT);
}

/* what was there before stays, whatever the answer */
static void test_out_kept(void **state)
{
	struct wga_wg_messages some = { 0 };
	static uint8_t b[4 * 1312];
	struct wga_wg_message first;
	struct wga_view v = { b, 64 };

	(void)state;
	forge_wg_data(&seed, b, 3, 9, 64);
	assert_int_equal(wga_wg_parse(v, &some), WGA_WG_YES);
	assert_int_equal(some.n, 1);
	first = some.m[0];
	gso(b, 3, 10, 4, 1312, 1312);
	memcpy(b + 3 * 1312 + 100, text, sizeof(text) - 1);
	v.len = sizeof(b);
	assert_int_equal(wga_wg_parse(v, &some), WGA_WG_SPLICED_TEXT);
	assert_int_equal(some.n, 1);
	assert_memory_equal(&some.m[0], &first, sizeof(first));
	v.len -= 1312;
	assert_int_equal(wga_wg_parse(v, &some), WGA_WG_YES);
	assert_int_equal(some.n, 4);
	assert_int_equal(some.m[0].counter, 9);
	assert_int_equal(some.m[3].counter, 12);
	free(some.m);
}

static int release(void **state)
{
	(void)state;
	free(out.m);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_counter_limit),
		cmocka_unit_test(test_body_text),
		cmocka_unit_test(test_handshake_text),
		cmocka_unit_test(test_where_it_begins),
		cmocka_unit_test(test_gso),
		cmocka_unit_test(test_gso_rekey),
		cmocka_unit_test(test_gso_spliced),
		cmocka_unit_test(test_single_limit),
		cmocka_unit_test(test_out_kept),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
