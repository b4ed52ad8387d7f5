/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyze/derp.h"
#include "stream_build.h"

static struct build o;

struct seen {
	size_t packets, len;
	bool from_client, fine;
	uint8_t peer;
};

static bool on_packet(void *arg, const struct wga_derp_packet *pkt)
{
	struct seen *seen = arg;

	seen->packets++;
	seen->from_client = pkt->from_client;
	seen->len = pkt->len;
	seen->peer = pkt->peer[0];
	return seen->fine;
}

/* what the sides of the connection share */
static struct wga_derp ends;

/* A frame of a connection that is past its introduction */
static enum wga_segment frame(bool from_client, struct seen *seen)
{
	struct wga_derp_side side = { .frames = 2 };

	assert_int_equal(wga_derp_frame_length(o.b), o.n);
	if (!wga_derp_header_fits(&side, from_client, o.b, o.n))
		return WGA_SEGMENT_FOREIGN;
	return wga_derp_frame(&ends, &side, from_client, o.b, o.n, on_packet,
			      seen);
}

static enum wga_segment frame_random(bool from_client, uint8_t type, size_t len)
{
	o.n = 0;
	put_derp_header(&o, type, len);
	put_random(&o, len);
	return frame(from_client, &(struct seen){ .fine = true });
}

/* Each type has its direction and its lengths. */
static void test_rules(void **state)
{
	static const struct {
		uint8_t type;
		bool client, server;
		size_t good, bad;
	} cases[] = {
		{ 0x04, true, false, 64, 32 },
		{ 0x05, false, true, 64, 32 },
		{ 0x06, false, true, 0, 1 },
		{ 0x0a, true, false, 65, 64 },
		{ 0x10, true, false, 0, 1 },
		{ 0x11, true, false, 32, 33 },
		{ 0x12, true, true, 8, 9 },
		{ 0x13, true, true, 8, 7 },
		{ 0x09, false, true, 51, 52 },
		{ 0x09, false, true, 50, 49 },
		{ 0x09, false, true, 32, 31 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t t = cases[i].type;

		if ((frame_random(true, t, cases[i].good) ==
		     WGA_SEGMENT_FINE) != cases[i].client ||
		    (frame_random(false, t, cases[i].good) ==
		     WGA_SEGMENT_FINE) != cases[i].server)
			fail_msg("type %#x, %zu bytes", t, cases[i].good);
		if (frame_random(true, t, cases[i].bad) == WGA_SEGMENT_FINE ||
		    frame_random(false, t, cases[i].bad) == WGA_SEGMENT_FINE)
			fail_msg("type %#x, %zu bytes", t, cases[i].bad);
	}
	for (i = 0; i < 256; i++) {
		if ((i >= 1 && i <= 0x0a) || (i >= 0x10 && i <= 0x15))
			continue;
		assert_int_not_equal(frame_random(true, (uint8_t)i, 32),
				     WGA_SEGMENT_FINE);
		assert_int_not_equal(frame_random(false, (uint8_t)i, 32),
				     WGA_SEGMENT_FINE);
	}
	/* a packet is not larger than 64 KiB */
	assert_int_equal(frame_random(true, 0x04, 32 + 65536),
			 WGA_SEGMENT_FINE);
	assert_int_not_equal(frame_random(true, 0x04, 33 + 65536),
			     WGA_SEGMENT_FINE);
}

/* What there is of a header must fit already. */
static void test_header_parts(void **state)
{
	struct wga_derp_side side = { .frames = 2 };

	(void)state;
	assert_true(wga_derp_header_fits(&side, true, (uint8_t[]){ 4 }, 1));
	assert_false(wga_derp_header_fits(&side, true, (uint8_t[]){ 5 }, 1));
	assert_true(wga_derp_header_fits(&side, true, (uint8_t[]){ 4, 0 }, 2));
	assert_false(wga_derp_header_fits(&side, true, (uint8_t[]){ 4, 1 }, 2));
	assert_true(wga_derp_header_fits(&side, true,
					 (uint8_t[]){ 4, 0, 1 }, 3));
	assert_false(wga_derp_header_fits(&side, true,
					  (uint8_t[]){ 4, 0, 2 }, 3));
}

static void put_server_key(struct build *b, uint8_t last)
{
	put_derp_header(b, 1, 40);
	put(b, "DERP\xf0\x9f\x94", 7);
	put(b, &last, 1);
	put_random(b, 32);
}

static void test_introduction(void **state)
{
	struct wga_derp_side client = { 0 }, server = { 0 };

	(void)state;
	/* before the introduction nothing else may be said */
	o.n = 0;
	put_derp_header(&o, 7, 1);
	put_number(&o, 1, 1);
	assert_false(wga_derp_header_fits(&client, true, o.b, o.n));
	o.n = 0;
	put_derp_header(&o, 6, 0);
	assert_false(wga_derp_header_fits(&server, false, o.b, o.n));

	o.n = 0;
	put_derp_header(&o, 2, 104);
	put_random(&o, 104);
	assert_true(wga_derp_header_fits(&client, true, o.b, o.n));
	assert_int_equal(wga_derp_frame(&ends, &client, true, o.b, o.n,
					NULL, NULL),
			 WGA_SEGMENT_FINE);
	/* nor is it said twice */
	assert_false(wga_derp_header_fits(&client, true, o.b, o.n));

	o.n = 0;
	put_server_key(&o, 0x91);
	assert_true(wga_derp_header_fits(&server, false, o.b, o.n));
	assert_int_equal(wga_derp_frame(&ends, &server, false, o.b, o.n,
					NULL, NULL),
			 WGA_SEGMENT_FINE);
	o.n = 0;
	put_derp_header(&o, 6, 0);
	assert_false(wga_derp_header_fits(&server, false, o.b, o.n));
	o.n = 0;
	put_derp_header(&o, 3, 70);
	put_random(&o, 70);
	assert_true(wga_derp_header_fits(&server, false, o.b, o.n));
	assert_int_equal(wga_derp_frame(&ends, &server, false, o.b, o.n,
					NULL, NULL),
			 WGA_SEGMENT_FINE);
	assert_false(wga_derp_header_fits(&server, false, o.b, o.n));
}

static void test_bad_introduction(void **state)
{
	struct wga_derp_side side = { 0 };

	(void)state;
	o.n = 0;
	put_server_key(&o, 0x90);
	assert_int_not_equal(wga_derp_frame(&ends, &side, false, o.b, o.n,
					NULL, NULL),
			     WGA_SEGMENT_FINE);
	o.n = 0;
	put_derp_header(&o, 2, 104);
	put_random(&o, 56);
	put_text(&o, "{\"version\":2,\"CanAckPings\":true, and text}       ");
	assert_int_equal(wga_derp_frame(&ends, &side, true, o.b, o.n,
					NULL, NULL),
			 WGA_SEGMENT_TEXT);
}

static void test_packets(void **state)
{
	struct seen seen = { .fine = true };

	(void)state;
	o.n = 0;
	put_derp_header(&o, 4, 32 + 148);
	put_random(&o, 32 + 148);
	assert_int_equal(frame(true, &seen), WGA_SEGMENT_FINE);
	assert_int_equal(seen.packets, 1);
	assert_int_equal(seen.len, 148);
	assert_int_equal(seen.peer, o.b[5]);
	assert_true(seen.from_client);

	/* a forwarded packet has source and destination */
	o.n = 0;
	put_derp_header(&o, 0x0a, 64 + 92);
	put_random(&o, 64 + 92);
	assert_int_equal(frame(true, &seen), WGA_SEGMENT_FINE);
	assert_int_equal(seen.len, 92);
	assert_int_equal(seen.peer, o.b[5 + 32]);

	seen.fine = false;
	assert_int_equal(frame(true, &seen), WGA_SEGMENT_FOREIGN);
	o.n = 0;
	put_derp_header(&o, 5, 32 + 26);
	put_random(&o, 32);
	put_text(&o, "GET / HTTP/1.1 and a leak ");
	assert_int_equal(frame(false, &seen), WGA_SEGMENT_TEXT);
	assert_false(seen.from_client);

	/* nobody there to say what it is */
	assert_int_not_equal(wga_derp_frame(&ends,
					    &(struct wga_derp_side){ 2 }, false,
					    o.b, o.n, NULL, NULL),
			     WGA_SEGMENT_FINE);

	/* text where the key of a node belongs */
	seen.fine = true;
	o.n = 0;
	put_derp_header(&o, 5, 32 + 32);
	put_text(&o, "user=alice password=hunter2 leak");
	put_random(&o, 32);
	assert_int_equal(frame(false, &seen), WGA_SEGMENT_TEXT);
}

static void test_small_frames(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	o.n = 0;
	put_derp_header(&o, 7, 1);
	put_number(&o, 1, 1);
	assert_int_equal(frame(true, &seen), WGA_SEGMENT_FINE);
	o.b[5] = 'x';
	assert_int_not_equal(frame(true, &seen), WGA_SEGMENT_FINE);

	o.n = 0;
	put_derp_header(&o, 8, 33);
	put_random(&o, 32);
	put_number(&o, 1, 1);
	assert_int_equal(frame(false, &seen), WGA_SEGMENT_FINE);
	o.b[5 + 32] = 'x';
	assert_int_not_equal(frame(false, &seen), WGA_SEGMENT_FINE);

	o.n = 0;
	put_derp_header(&o, 0x15, 8);
	put_number(&o, 1000, 4);
	put_number(&o, 60000, 4);
	assert_int_equal(frame(false, &seen), WGA_SEGMENT_FINE);
	memcpy(o.b + 9, "more", 4);
	assert_int_not_equal(frame(false, &seen), WGA_SEGMENT_FINE);
	memcpy(o.b + 5, "word\0\0\1\0", 8);
	assert_int_not_equal(frame(false, &seen), WGA_SEGMENT_FINE);

	/* words of the server, within bounds */
	o.n = 0;
	put_derp_header(&o, 0x14, 20);
	put_text(&o, "duplicate connection");
	assert_int_equal(frame(false, &seen), WGA_SEGMENT_FINE);
	assert_int_not_equal(frame(true, &seen), WGA_SEGMENT_FINE);
	o.b[10] = 0;
	assert_int_not_equal(frame(false, &seen), WGA_SEGMENT_FINE);
	o.n = 0;
	put_derp_header(&o, 0x14, 1025);
	memset(o.b + o.n, 'a', 1025);
	o.n += 1025;
	assert_int_not_equal(frame(false, &seen), WGA_SEGMENT_FINE);
}

static bool law(bool fresh, const size_t *bodies, size_t n)
{
	struct wga_derp_law l = { .fresh = fresh };
	size_t i;

	for (i = 0; i < n; i++)
		wga_derp_law_add(&l, bodies[i]);
	return wga_derp_law_holds(&l);
}

#define LAW(fresh, ...) \
	law(fresh, (const size_t[]){ __VA_ARGS__ }, \
	    sizeof((const size_t[]){ __VA_ARGS__ }) / sizeof(size_t))

/* Lengths as real clients send them */
static void test_law(void **state)
{
	(void)state;
	assert_true(LAW(true, 53, 122, 126, 23, 146));
	assert_true(LAW(true, 53, 122, 126, 23));
	assert_true(LAW(true, 53, 122, 126, 178, 178, 178, 152, 202, 182, 182,
			182, 150));
	assert_true(LAW(false, 30, 152));
	assert_true(LAW(false, 182, 182, 150, 86, 1366, 1366, 150, 150));
	assert_true(LAW(true, 53, 122, 126, 23, 202, 152, 19));
	assert_true(LAW(false, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150,
			150, 150, 99));

	/* the introduction alone, the control connection, the key request */
	assert_false(LAW(true, 53, 122, 126));
	assert_false(LAW(true, 53, 331, 106, 154, 1026, 45, 70, 816, 57, 813));
	assert_false(LAW(true, 53, 95, 19));
	assert_false(LAW(true, 54, 122, 126, 23));
	assert_true(LAW(true, 69, 122, 126, 23));
	assert_false(LAW(true, 53, 70, 126, 23));
	assert_false(LAW(true, 53, 500, 126, 23));
	assert_false(LAW(true, 53, 122, 125, 23));
	assert_false(LAW(true, 53, 122, 300, 23));
	assert_false(LAW(true, 53, 331, 106, 150, 150, 150, 150, 150, 150, 150,
			 150));
	assert_false(LAW(false, 49, 57, 1306, 19));
	assert_false(LAW(false, 62, 62));
	assert_false(LAW(false, 150, 150, 150, 150, 150, 150, 150));
	assert_false(LAW(false, 150, 150, 150, 150, 150, 150, 150, 150, 99));
	assert_false(LAW(false, 30, 99, 99));
	assert_false(LAW(false, 152, 152, 152, 152, 152, 152, 152, 152, 152));
	assert_false(LAW(false, 19));
}

/* How many lengths obey the law? The header says how rare a false match is. */
static void test_law_density(void **state)
{
	size_t body, obey = 0;

	(void)state;
	for (body = 17; body < 1417; body++) {
		struct wga_derp_law l = { 0 };

		wga_derp_law_add(&l, body);
		obey += l.obey;
	}
	assert_true(obey * 12 <= 1400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_header_parts),
		cmocka_unit_test(test_introduction),
		cmocka_unit_test(test_bad_introduction),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_small_frames),
		cmocka_unit_test(test_law),
		cmocka_unit_test(test_law_density),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
