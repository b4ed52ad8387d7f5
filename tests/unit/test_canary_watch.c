/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/canary_watch.h"
#include "bridge_build.h"

/* What a bridge sees of canaries that borders cut. */

#define CANARY	"wgaudit-canary-4f0e91aa27"
#define LEN	(sizeof(CANARY) - 1)

static const char canary[] = CANARY;

static struct small s;
static struct wga_config cfg;
static struct wga_bridge *br;

static int setup(void **state)
{
	(void)state;
	small_init(&s);
	wga_config_init(&cfg);
	assert_int_equal(wga_config_canary(&cfg, CANARY, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wga_bridge_free(br);
	br = NULL;
	forge_free(&s.f);
	wga_config_free(&cfg);
	return 0;
}

/* Judge what was built. Return: frames in which the canary was seen. */
static uint64_t observe(void)
{
	uint64_t frames;

	wga_bridge_free(br);
	br = small_bridge(&s, &cfg, "x");
	assert_non_null(br);
	small_init(&s);
	frames = br->watch->hits[0].frames;
	assert_int_equal(br->marks[WGA_CODE_CANARY_SEEN].count, frames);
	return frames;
}

/* a segment from host 1 to host 2 */
static void tcp(uint32_t seq, const void *p, size_t len, uint8_t flags)
{
	forge_start(&s.p, p, len);
	forge_tcp(&s.p, 4000, 80, seq, 1, flags);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_TCP);
}

static void data(uint32_t seq, const void *p, size_t len)
{
	tcp(seq, p, len, FORGE_ACK);
}

/*
 * A stream of 4000 bytes in which the canary stands at some place, cut into
 * segments and sent in some order.
 */
static const struct row {
	const char *name;
	uint16_t at;		/* of the canary */
	uint16_t cuts[12];	/* where segments begin, up to 0 */
	uint8_t order[14];	/* segments by number from 1 on, up to 0 */
	uint8_t want;		/* frames in which it is seen */
} rows[] = {
	{ "in one segment", 100, { 1000 }, { 1, 2 }, 1 },
	{ "in two", 990, { 1000 }, { 1, 2 }, 1 },
	{ "in two, reversed", 990, { 1000 }, { 2, 1 }, 1 },
	{ "first byte alone", 999, { 1000 }, { 1, 2 }, 1 },
	{ "last byte alone", 1000 - LEN + 1, { 1000 }, { 2, 1 }, 1 },
	{ "ends at the border", 1000 - LEN, { 1000 }, { 1, 2 }, 1 },
	{ "in three", 990, { 1000, 1003 }, { 1, 2, 3 }, 1 },
	{ "in three, reversed", 990, { 1000, 1003 }, { 3, 2, 1 }, 1 },
	{ "in three, the middle last", 990, { 1000, 1003 }, { 1, 3, 2 }, 1 },
	{ "in three, the middle first", 990, { 1000, 1003 }, { 2, 3, 1 }, 1 },
	{ "the second retransmitted", 990, { 1000, 2000 }, { 1, 2, 2, 3 }, 2 },
	{ "the first retransmitted", 990, { 1000, 2000 }, { 1, 1, 2, 3 }, 1 },
	{ "the first retransmitted late", 990, { 1000, 2000 }, { 1, 2, 3, 1 }, 2 },
	{ "behind others that come early", 990, { 1000, 1500, 2000, 2500, 3000 },
	  { 1, 3, 4, 5, 6, 2 }, 1 },
	{ "in many, in order", 990,
	  { 991, 993, 996, 997, 999, 1000, 1005, 1007, 1008, 1010, 1014 },
	  { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, 1 },
	{ "in many, reversed", 990,
	  { 991, 993, 996, 997, 999, 1000, 1005, 1007, 1008, 1010, 1014 },
	  { 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 }, 1 },
	{ "in many, in and out", 990,
	  { 991, 993, 996, 997, 999, 1000, 1005, 1007, 1008, 1010, 1014 },
	  { 1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12 }, 1 },
	{ "a piece never comes", 990, { 1000, 1003 }, { 1, 3 }, 0 },
};

/* random ways to cut, in random order, with retransmissions: always found */
static void test_tcp_random(void **state)
{
	uint8_t b[600];

	(void)state;
	for (unsigned int round = 0; round < 3000; round++) {
		size_t from[8] = { 0 }, n = 2 + forge_random(&s.seed) % 6;
		size_t at = 260 + forge_random(&s.seed) % 40, order[8], i, k;

		memset(b, '.', sizeof(b));
		memcpy(b + at, CANARY, LEN);
		/* cuts near the canary, in order */
		for (i = 1; i < n; i++) {
			from[i] = from[i - 1] + 1 + forge_random(&s.seed) % 12;
			if (i == 1)
				from[i] = at - 20 + forge_random(&s.seed) % 44;
		}
		for (i = 0; i < n; i++) {
			k = forge_random(&s.seed) % (i + 1);
			order[i] = order[k];
			order[k] = i;
		}
		for (i = 0; i < n; i++) {
			size_t end;

			k = order[i];
			end = k + 1 < n ? from[k + 1] : sizeof(b);
			data((uint32_t)(round + from[k]), b + from[k],
			     end - from[k]);
			/* once more, and more of it */
			if (forge_random(&s.seed) % 8 == 0 && end < sizeof(b))
				data((uint32_t)(round + from[k]), b + from[k],
				     end + 1 - from[k]);
		}
		if (!observe())
			fail_msg("round %u", round);
		assert_int_equal(br->watch->lost, 0);
	}
}

static void stream_row(const struct row *r, uint32_t isn)
{
	uint8_t b[4000];
	uint16_t from[13] = { 0 };
	size_t n = 1;

	memset(b, '.', sizeof(b));
	memcpy(b + r->at, CANARY, LEN);
	while (n < 13 && r->cuts[n - 1]) {
		from[n] = r->cuts[n - 1];
		n++;
	}
	for (size_t i = 0; r->order[i]; i++) {
		size_t k = r->order[i] - 1u;
		size_t end = k + 1 < n ? from[k + 1] : sizeof(b);

		data(isn + from[k], b + from[k], end - from[k]);
	}
	if (observe() != r->want)
		fail_msg("%s: %u, not %u", r->name,
			 (unsigned int)br->watch->hits[0].frames, r->want);
}

static void test_tcp(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stream_row(&rows[i], 5000);
		stream_row(&rows[i], (uint32_t)-1000);
		stream_row(&rows[i], (uint32_t)-998);
	}
}

/* every form and every cut, in both orders, and near misses */
static void test_tcp_forms(void **state)
{
	static const char *const needles[] = {
		CANARY,
		"7767617564697" "42d63616e6172792d34663065393161613237",
		"d2dhdWRpdC1jYW5hcnktNGYwZTkxYWEyN",
		"%77%67%61%75%64%69%74%2D%63%61%6E%61%72%79%2D"
		"%34%66%30%65%39%31%61%61%32%37",
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		size_t n = strlen(needles[i]);
		char b[200];

		for (size_t cut = 1; cut < n; cut++) {
			strcpy(b, needles[i]);
			data(7, b, cut);
			data(7 + (uint32_t)cut, b + cut, n - cut);
			assert_int_equal(observe(), 1);
			assert_int_equal(br->watch->hits[0].first.frame, 2);
			data(7 + (uint32_t)cut, b + cut, n - cut);
			data(7, b, cut);
			assert_int_equal(observe(), 1);
			b[cut] ^= 1;
			data(7, b, cut);
			data(7 + (uint32_t)cut, b + cut, n - cut);
			assert_int_equal(observe(), 0);
		}
	}
}

/* byte by byte, as from a keyboard, behind and before much else */
static void test_tcp_keys(void **state)
{
	uint32_t seq = 90;
	uint8_t b[600];

	(void)state;
	memset(b, 'x', sizeof(b));
	memcpy(b + 300, CANARY, LEN);
	for (size_t i = 0; i < sizeof(b); i++)
		data(seq++, b + i, 1);
	assert_int_equal(observe(), 1);
	assert_int_equal(br->watch->hits[0].first.frame, 300 + LEN);
	assert_int_equal(br->watch->lost, 0);
	for (size_t i = sizeof(b); i-- > 0;)
		data(seq + (uint32_t)i, b + i, 1);
	assert_int_equal(observe(), 1);
	assert_int_equal(br->watch->lost, 0);
}

/* what stood there before does not hide what is sent again, nor is it mixed up */
static void test_tcp_differs(void **state)
{
	uint8_t b[1000], other[1000];

	(void)state;
	memset(b, 'x', sizeof(b));
	memset(other, 'y', sizeof(other));
	data(0, b, 1000);
	memcpy(other, canary + 10, LEN - 10);
	data(1000, other, 1000);
	memset(other, 'y', sizeof(other));
	data(2000, other, 1000);
	memcpy(b + 990, CANARY, 10);
	data(0, b, 1000);
	assert_int_equal(observe(), 1);
	assert_int_equal(br->watch->hits[0].first.frame, 4);
	assert_int_equal(br->watch->lost, 0);
}

/* of what was sent twice and differs, either may be what the receiver took */
static void test_tcp_versions(void **state)
{
	uint8_t b[1000];

	(void)state;
	for (unsigned int which = 0; which < 2; which++) {
		for (unsigned int i = 0; i < 2; i++) {
			memset(b, 'x', sizeof(b));
			if (i == which)
				memcpy(b, canary + 9, LEN - 9);
			data(1000, b, sizeof(b));
		}
		data(1000 - 9, CANARY, 9);
		assert_int_equal(observe(), 1);
		for (unsigned int i = 0; i < 2; i++) {
			memset(b, 'x', sizeof(b));
			if (i == which)
				memcpy(b + 991, CANARY, 9);
			data(1000, b, sizeof(b));
		}
		data(2000, canary + 9, LEN - 9);
		assert_int_equal(observe(), 1);
	}
}

/* halves of other directions, connections and sequences do not go together */
static void test_tcp_apart(void **state)
{
	(void)state;
	data(0, CANARY, 10);
	data(11, canary + 10, LEN - 10);
	data(1, canary + 10, LEN - 10);
	forge_start(&s.p, canary + 10, LEN - 10);
	forge_tcp(&s.p, 80, 4000, 10, 1, FORGE_ACK);
	small_ip(&s, 2, 1, "10.0.0.2", "10.0.0.1", FORGE_PROTO_TCP);
	forge_start(&s.p, canary + 10, LEN - 10);
	forge_tcp(&s.p, 4001, 80, 10, 1, FORGE_ACK);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_TCP);
	assert_int_equal(observe(), 0);
	/* a new connection between the same ports */
	data(0, CANARY, 10);
	tcp(9, NULL, 0, FORGE_SYN);
	data(10, canary + 10, LEN - 10);
	assert_int_equal(observe(), 0);
	/* data with SYN begin one later */
	tcp(9, CANARY, 10, FORGE_SYN);
	data(20, canary + 10, LEN - 10);
	assert_int_equal(observe(), 1);
}

/* holes, cut frames, more connections than there is room for: told, once each */
static void test_tcp_lost(void **state)
{
	uint8_t b[300] = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 40; i++)
		data((uint32_t)i * 300, b, sizeof(b));
	for (i = 0; i < 40; i++)
		data((uint32_t)i * 300, b, sizeof(b));
	observe();
	assert_int_equal(br->watch->lost, 0);
	for (i = 0; i < 40; i++)
		data((uint32_t)i * 301, b, sizeof(b));
	observe();
	assert_int_equal(br->watch->lost, 1);
	data(0, b, sizeof(b));
	s.f.frames[0].caplen -= 5;
	data(300, b, sizeof(b));
	observe();
	assert_int_equal(br->watch->lost, 1);
}

static void test_tcp_room(void **state)
{
	uint8_t b[30] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 200000; i++) {
		forge_start(&s.p, b, sizeof(b));
		forge_tcp(&s.p, (uint16_t)(1000 + i % 50000),
			  (uint16_t)(1 + i / 50000), 5, 1, FORGE_ACK);
		small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_TCP);
	}
	observe();
	assert_true(br->watch->lost > 100000);
	assert_true(br->watch->lost < 200000);
}

static void message(uint8_t *b, uint64_t counter)
{
	forge_wg_data(&s.seed, b, 0xabcd1234, counter, 128);
}

/* text that goes on behind the next header; all cuts; small messages too */
static void test_gso(void **state)
{
	uint8_t b[4 * 128];

	(void)state;
	for (size_t cut = 1; cut < LEN; cut++) {
		for (unsigned int i = 0; i < 4; i++)
			message(b + i * 128, i);
		memcpy(b + 256 - cut, CANARY, cut);
		memcpy(b + 256 + 16, canary + cut, LEN - cut);
		small_udp(&s, 1, 2, b, sizeof(b));
		assert_int_equal(observe(), 1);
		b[256 + 16] ^= 1;
		small_udp(&s, 1, 2, b, sizeof(b));
		assert_int_equal(observe(), 0);
		/* the header is not between the halves of anything else */
		b[256 + 16] ^= 1;
		small_udp(&s, 1, 2, b, 256);
		small_udp(&s, 1, 2, b + 256, 256);
		assert_int_equal(observe(), 0);
	}
	/* messages of any length */
	for (size_t len = 64; len < 72; len++) {
		for (unsigned int i = 0; i < 4; i++)
			forge_wg_data(&s.seed, b + i * len, 0xabcd1234, i, len);
		memcpy(b + 3 * len - 9, CANARY, 9);
		memcpy(b + 3 * len + 16, canary + 9, LEN - 9);
		small_udp(&s, 1, 2, b, 4 * len);
		assert_int_equal(observe(), 1);
	}
	/* of several lengths, the last one short */
	for (unsigned int i = 0; i < 4; i++)
		forge_wg_data(&s.seed, b + (i < 3 ? i * 128 : 300), 0xabcd1234,
			      i, i < 2 ? 128 : i == 2 ? 44 : 60);
	memcpy(b + 300 - 9, CANARY, 9);
	memcpy(b + 300 + 16, canary + 9, LEN - 9);
	small_udp(&s, 1, 2, b, 360);
	assert_int_equal(observe(), 1);
	/* five bytes a message */
	memset(b, 0, sizeof(b));
	for (unsigned int i = 0; i < LEN / 5; i++) {
		forge_wg_data(&s.seed, b + i * 21, 0xabcd1234, i, 32);
		memcpy(b + i * 21 + 16, canary + 5 * i, 5);
	}
	small_udp(&s, 1, 2, b, LEN / 5 * 21);
	assert_int_equal(LEN % 5, 0);
	assert_int_equal(observe(), 1);
}

/* each message of a peer relay has a Geneve header of its own */
static void test_relay(void **state)
{
	static const uint8_t geneve[8] = { 0, 0, 0x7a, 0x12, 0, 0, 7, 0 };
	uint8_t b[2 * 136];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		memcpy(b + i * 136, geneve, 8);
		message(b + i * 136 + 8, i);
	}
	memcpy(b + 136 - 9, CANARY, 9);
	memcpy(b + 136 + 24, canary + 9, LEN - 9);
	small_udp(&s, 1, 2, b, sizeof(b));
	assert_int_equal(observe(), 1);
}

static void fragment(const uint8_t *b, uint16_t id, size_t off, size_t len,
		     bool more)
{
	const uint8_t src[4] = { 10, 0, 0, 1 }, dst[4] = { 10, 0, 0, 2 };

	forge_start(&s.p, b + off, len);
	forge_ipv4_fragment(&s.p, src, dst, FORGE_PROTO_UDP, 64, id, off, more);
	small_emit(&s, 1, 2, FORGE_ETH_IPV4);
}

static const size_t pieces[][2] = {
	{ 0, 96 }, { 96, 8 }, { 104, 8 }, { 112, 80 }, { 192, 5 },
};

/* whatever the order, and whether the datagram becomes whole */
static void test_fragments(void **state)
{
	uint8_t b[200];

	(void)state;
	forge_fill(&s.seed, b, sizeof(b));
	memcpy(b + 92, CANARY, LEN);
	for (unsigned int order = 0; order < 120; order++) {
		unsigned int left[5] = { 0, 1, 2, 3, 4 }, code = order;

		for (unsigned int i = 5; i > 0; i--) {
			unsigned int k = code % i, at = left[k];

			code /= i;
			memmove(left + k, left + k + 1,
				(4 - k) * sizeof(left[0]));
			fragment(b, (uint16_t)(order & 1), pieces[at][0],
				 pieces[at][1], at != 4);
		}
		assert_int_equal(observe(), 1);
	}
	/* the last one never comes, nor does the first */
	fragment(b, 1, 112, 80, true);
	fragment(b, 1, 96, 16, true);
	fragment(b, 1, 88, 8, true);
	assert_int_equal(observe(), 1);
	assert_int_equal(br->watch->hits[0].first.frame, 3);
	/* another datagram */
	fragment(b, 1, 0, 96, true);
	fragment(b, 2, 96, 96, true);
	assert_int_equal(observe(), 0);
	/* one byte differs, and in the very last bytes */
	b[96] ^= 1;
	fragment(b, 1, 96, 96, true);
	fragment(b, 1, 0, 96, true);
	assert_int_equal(observe(), 0);
	memcpy(b + 197 - LEN, CANARY, LEN);
	fragment(b, 1, 192, 5, false);
	fragment(b, 1, 96, 96, true);
	assert_int_equal(observe(), 1);
}

/* what has not come is not zeros: the first byte of UTF-16BE is one */
static void test_fragments_holes(void **state)
{
	uint8_t b[200] = { 0 };

	(void)state;
	for (size_t i = 0; i < LEN; i++)
		b[64 + 2 * i] = (uint8_t)CANARY[i];
	for (unsigned int i = 0; i < 2; i++) {
		fragment(b, 1, 184, 16, false);
		if (i)
			fragment(b, 1, 56, 8, true);
		fragment(b, 1, 64, 120, true);
		b[64 + 2 * LEN - 1] = 1;
		/* with its last byte it would be UTF-16LE */
		observe();
		assert_int_equal(br->watch->hits[0].form, i ? WGA_CANARY_UTF16BE :
							      WGA_CANARY_UTF16LE);
	}
	b[64 + 2 * LEN - 1] = 1;
	fragment(b, 1, 184, 16, false);
	fragment(b, 1, 64, 120, true);
	assert_int_equal(observe(), 0);
}

/* a datagram in fragments that is a segment goes together with others */
static void test_fragments_of_tcp(void **state)
{
	const uint8_t src[4] = { 10, 0, 0, 1 }, dst[4] = { 10, 0, 0, 2 };
	uint8_t b[512];
	size_t n;

	(void)state;
	memset(b, 'x', sizeof(b));
	memcpy(b + 200 - 9, CANARY, 9);
	forge_start(&s.p, b, 200);
	forge_tcp(&s.p, 4000, 80, 1000, 1, FORGE_ACK);
	forge_ipv4(&s.p, src, dst, FORGE_PROTO_TCP, 64);
	n = s.p.len - 20;
	memcpy(b, forge_bytes(&s.p) + 20, n);
	for (unsigned int i = 0; i < 2; i++) {
		forge_start(&s.p, b + (i ? 0 : 80), i ? 80 : n - 80);
		forge_ipv4_fragment(&s.p, src, dst, FORGE_PROTO_TCP, 64, 5,
				    i ? 0 : 80, i);
		small_emit(&s, 1, 2, FORGE_ETH_IPV4);
	}
	data(1200, canary + 9, LEN - 9);
	assert_int_equal(observe(), 1);
	assert_int_equal(br->watch->hits[0].first.frame, 3);
}

/* a frame counts once, however often and in whatever form it has the canary */
static void test_once_a_frame(void **state)
{
	static const char b[] = CANARY " " CANARY
		" 776761756469742d63616e6172792d34663065393161613237";

	(void)state;
	small_udp(&s, 1, 2, b, sizeof(b) - 1);
	small_udp(&s, 1, 2, "nothing", 7);
	small_udp(&s, 1, 2, b + 2 * LEN, sizeof(b) - 1 - 2 * LEN);
	assert_int_equal(observe(), 2);
	assert_int_equal(br->watch->hits[0].first.frame, 1);
	assert_int_equal(br->watch->hits[0].form, WGA_CANARY_RAW);
}

/* in headers: the MAC addresses and what follows */
static void test_headers(void **state)
{
	uint8_t frame[60] = { 0 };

	(void)state;
	memcpy(frame, CANARY, LEN);
	forge_insert(&s.f, 0, frame, sizeof(frame));
	assert_int_equal(observe(), 1);
}

/* without canaries there is no watch at all */
static void test_none(void **state)
{
	(void)state;
	wga_config_free(&cfg);
	wga_config_init(&cfg);
	small_udp(&s, 1, 2, CANARY, LEN);
	br = small_bridge(&s, &cfg, "x");
	assert_null(br->watch);
	assert_int_equal(br->marks[WGA_CODE_CANARY_SEEN].count, 0);
	small_init(&s);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tcp),
		TEST(test_tcp_random),
		TEST(test_tcp_forms),
		TEST(test_tcp_keys),
		TEST(test_tcp_differs),
		TEST(test_tcp_versions),
		TEST(test_tcp_apart),
		TEST(test_tcp_lost),
		TEST(test_tcp_room),
		TEST(test_gso),
		TEST(test_relay),
		TEST(test_fragments),
		TEST(test_fragments_holes),
		TEST(test_fragments_of_tcp),
		TEST(test_once_a_frame),
		TEST(test_headers),
		TEST(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
