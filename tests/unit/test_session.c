/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/session.h"

static const struct wga_endpoint a = { { { [10] = 0xff, 0xff, 10, 0, 0, 1 } },
				       41641 };
static const struct wga_endpoint b = { { { [10] = 0xff, 0xff, 10, 0, 0, 2 } },
				       41641 };
static const struct wga_endpoint c = { { { [10] = 0xff, 0xff, 10, 0, 0, 3 } },
				       41641 };
static struct wga_stamp now;

/* the bytes of a message are all in its digest */
static bool data(struct wga_sessions *t, uint32_t receiver, uint64_t counter,
		 uint64_t digest)
{
	struct wga_wg_message m = {
		.type = WGA_WG_DATA, .receiver = receiver, .counter = counter,
		.len = 96, .digest = digest << 1,
	};

	now.frame++;
	now.time_ns += 1000;
	return wga_sessions_data(t, &m, &a, &b, &now);
}

static int setup(void **state)
{
	struct wga_sessions *t = malloc(sizeof(*t));

	now = (struct wga_stamp){ 0, 1000000 };
	if (!t)
		return -1;
	wga_sessions_init(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	wga_sessions_free(*state);
	free(*state);
	return 0;
}

static void test_counts(void **state)
{
	struct wga_sessions *t = *state;
	struct wga_session *s;

	assert_true(data(t, 7, 5, 50));
	assert_true(data(t, 7, 3, 30));
	assert_true(data(t, 7, 9, 90));
	assert_int_equal(t->n, 1);
	s = &t->s[0];
	assert_int_equal(s->receiver, 7);
	assert_true(wga_addr_equal(&s->dst, &b.addr));
	assert_int_equal(s->messages, 3);
	assert_int_equal(s->counter_first, 5);
	assert_int_equal(s->counter_min, 3);
	assert_int_equal(s->counter_max, 9);
	assert_int_equal(s->first.frame, 1);
	assert_int_equal(s->last.frame, 3);
	assert_int_equal(s->odd, 0);
	assert_int_equal(s->stale, 0);
	assert_int_equal(s->reused, 0);
	assert_false(s->blind);
	assert_int_equal(s->n_places, 1);

	/* frames of several interfaces may be out of order */
	now.time_ns = 0;
	assert_true(data(t, 7, 10, 100));
	assert_int_equal(s->first.frame, 4);
	assert_int_equal(s->last.frame, 3);
}

static void test_keys(void **state)
{
	struct wga_sessions *t = *state;
	struct wga_wg_message m = { .type = WGA_WG_DATA, .receiver = 7,
				    .len = 96, .digest = 1 };

	assert_true(wga_sessions_data(t, &m, &a, &b, &now));
	assert_true(wga_sessions_data(t, &m, &a, &c, &now));
	m.receiver = 8;
	assert_true(wga_sessions_data(t, &m, &a, &b, &now));
	assert_int_equal(t->n, 3);
	/* the port is not part of the key: a peer may move to another one */
	m.receiver = 7;
	m.counter = 1;
	assert_true(wga_sessions_data(t, &m, &a, &(struct wga_endpoint){
		b.addr, 9 }, &now));
	assert_int_equal(t->n, 3);
	assert_int_equal(t->s[0].messages, 2);
}

static void test_odd_lengths(void **state)
{
	static const struct { uint32_t len; unsigned int odd; } table[] = {
		{ 32, 0 }, { 33, 1 }, { 47, 1 }, { 48, 0 }, { 1312, 0 },
		{ 1488, 0 }, { 1500, 1 }, { 1504, 1 }, { 9216, 1 },
	};
	struct wga_sessions *t = *state;
	struct wga_wg_message m = { .type = WGA_WG_DATA, .receiver = 7 };
	unsigned int i, odd = 0;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		m.len = table[i].len;
		m.counter = m.digest = i;
		wga_sessions_data(t, &m, &a, &b, &now);
		odd += table[i].odd;
		assert_int_equal(t->s[0].odd, odd);
	}
}

static void test_reuse(void **state)
{
	struct wga_sessions *t = *state;
	struct wga_session *s;
	unsigned int i;

	for (i = 0; i < 20; i++)
		assert_true(data(t, 7, i, 100 + i));
	s = &t->s[0];
	/* the very message again is a duplicate */
	assert_false(data(t, 7, 13, 113));
	assert_int_equal(s->messages, 20);
	assert_int_equal(s->reused, 0);
	/* with other bytes it is not */
	assert_true(data(t, 7, 13, 114));
	assert_int_equal(s->reused, 1);
	assert_int_equal(s->reuse.frame, now.frame);
	assert_true(data(t, 7, 14, 113));
	assert_int_equal(s->reused, 2);
	assert_int_equal(s->reuse.frame, now.frame - 1);
	/* the latest counter, too, and the same digest under another counter */
	assert_true(data(t, 7, 19, 7));
	assert_int_equal(s->reused, 3);
	assert_true(data(t, 7, 20, 119));
	assert_int_equal(s->reused, 3);
	/* a digest of zero is one */
	assert_true(data(t, 8, 0, 0));
	assert_false(data(t, 8, 0, 0));
	assert_true(data(t, 8, 0, 1));
	assert_int_equal(t->s[1].reused, 1);
}

/* Grow to the full window; then it is exact at both of its edges. */
static void test_window(void **state)
{
	struct wga_sessions *t = *state;
	struct wga_session *s;
	uint64_t i, top = 20000;

	for (i = 0; i <= top; i++) {
		assert_true(data(t, 7, i, i));
		assert_true(t->s[0].size <= WGA_WINDOW_MAX);
		/* all of it is remembered while it grows */
		if (i < WGA_WINDOW_MAX && !(i & (i + 1)))
			assert_false(data(t, 7, 0, 0));
	}
	s = &t->s[0];
	assert_int_equal(s->size, WGA_WINDOW_MAX);
	assert_int_equal(t->window_bytes,
			 WGA_WINDOW_MAX * sizeof(struct wga_seen));
	assert_int_equal(s->stale, 0);

	/* oldest in the window: known */
	i = top - WGA_WINDOW_MAX + 1;
	assert_false(data(t, 7, i, i));
	assert_true(data(t, 7, i, i + 1));
	assert_int_equal(s->reused, 1);
	assert_int_equal(s->stale, 0);
	/* one further back: stale, with the same bytes or others */
	assert_true(data(t, 7, i - 1, i - 1));
	assert_int_equal(s->stale, 1);
	assert_true(data(t, 7, i - 1, 1));
	assert_int_equal(s->stale, 2);
	assert_int_equal(s->reused, 1);
	/* newest */
	assert_false(data(t, 7, top, top));
	assert_int_equal(s->counter_max, top);
	assert_int_equal(s->counter_min, 0);
}

static void test_window_start(void **state)
{
	struct wga_sessions *t = *state;
	uint64_t i;

	/* few messages need little */
	for (i = 0; i < 8; i++)
		data(t, 7, i, i);
	assert_int_equal(t->s[0].size, 8);
	data(t, 7, 8, 8);
	assert_int_equal(t->s[0].size, 16);
	for (i = 0; i <= 8; i++)
		assert_false(data(t, 7, i, i));

	/* a session that is seen late, and out of order */
	data(t, 8, 100000, 1);
	assert_int_equal(t->s[1].size, 8);
	data(t, 8, 100000 - 8191, 2);
	assert_int_equal(t->s[1].size, WGA_WINDOW_MAX);
	assert_int_equal(t->s[1].stale, 0);
	assert_false(data(t, 8, 100000 - 8191, 2));
	assert_false(data(t, 8, 100000, 1));
	data(t, 8, 100000 - 8192, 2);
	assert_int_equal(t->s[1].stale, 1);

	/* a gap: places that hold what is long past do not count */
	data(t, 9, 1, 1);
	data(t, 9, 1 + 8192, 2);
	data(t, 9, 1 + 3 * 8192, 3);
	assert_int_equal(t->s[2].reused, 0);
	assert_int_equal(t->s[2].stale, 0);
	assert_int_equal(t->s[2].messages, 3);
}

/* counters beyond 32 bits */
static void test_far_counters(void **state)
{
	struct wga_sessions *t = *state;
	uint64_t from = ((uint64_t)1 << 32) - 100, i;

	for (i = 0; i < 300; i++)
		assert_true(data(t, 7, from + i, i));
	for (i = 0; i < 300; i++)
		assert_false(data(t, 7, from + i, i));
	assert_int_equal(t->s[0].reused, 0);
	assert_true(data(t, 7, from + 150, 0));
	assert_int_equal(t->s[0].reused, 1);
}

static void test_budget(void **state)
{
	struct wga_sessions *t = *state;
	uint32_t i, full = (64 << 20) / (8192 * sizeof(struct wga_seen));

	/* windows of full depth for as many sessions as there is room for */
	for (i = 0; i < full + 2000; i++) {
		assert_true(data(t, i, 1, 1));
		assert_true(data(t, i, 8192, 2));
	}
	assert_true(t->window_bytes <= 64 << 20);
	assert_false(t->s[full / 2].blind);
	assert_true(t->s[full + 1999].blind);
	assert_int_equal(t->s[full + 1999].messages, 2);
	/* those without a window at all can do without */
	assert_int_equal(t->s[full + 1999].size, 0);
	assert_int_equal(wga_session_conflict(&t->s[0], &t->s[full + 1999]), 0);
	assert_int_equal(wga_session_conflict(&t->s[full + 1999], &t->s[0]), 0);
	assert_false(t->overflow);
}

static void test_moved(void **state)
{
	struct wga_sessions *t = *state;
	struct wga_wg_message m = { .type = WGA_WG_DATA, .receiver = 7,
				    .len = 96 };
	struct wga_endpoint b2 = { b.addr, 9 };

	wga_sessions_data(t, &m, &a, &b, &now);
	m.counter++;
	wga_sessions_data(t, &m, &c, &b, &now);
	assert_int_equal(t->s[0].n_places, 2);
	assert_true(wga_addr_equal(&t->s[0].from.addr, &a.addr));
	assert_true(wga_addr_equal(&t->s[0].place[1].from.addr, &c.addr));
	m.counter++;
	wga_sessions_data(t, &m, &c, &b, &now);
	m.counter++;
	wga_sessions_data(t, &m, &a, &b, &now);
	assert_int_equal(t->s[0].n_places, 2);
	m.counter++;
	wga_sessions_data(t, &m, &c, &b2, &now);
	assert_int_equal(t->s[0].n_places, 3);
	assert_int_equal(t->s[0].to.port, b.port);
	assert_int_equal(t->s[0].place[2].to.port, 9);

	/* the port of the sender alone, and more than there is room for */
	m.receiver = 8;
	wga_sessions_data(t, &m, &a, &b, &now);
	for (uint16_t i = 1; i < WGA_PLACES_MAX; i++) {
		m.counter++;
		wga_sessions_data(t, &m, &(struct wga_endpoint){ a.addr, i },
				  &b, &now);
		assert_int_equal(t->s[1].place[i].from.port, i);
	}
	assert_false(t->s[1].places_more);
	m.counter++;
	wga_sessions_data(t, &m, &a, &b2, &now);
	assert_true(t->s[1].places_more);
	assert_int_equal(t->s[1].n_places, WGA_PLACES_MAX);
}

static void test_conflict(void **state)
{
	struct wga_sessions *x = *state, y;
	uint64_t i;

	wga_sessions_init(&y);
	for (i = 0; i < 500; i++) {
		data(x, 7, i, i);
		if (i >= 400)
			data(&y, 7, i, i);
	}
	assert_int_not_equal(x->s[0].size, y.s[0].size);
	assert_int_equal(wga_session_conflict(&x->s[0], &y.s[0]), 0);
	assert_int_equal(wga_session_conflict(&y.s[0], &x->s[0]), 0);
	/* only one of them saw more */
	data(&y, 7, 900, 1);
	assert_int_equal(wga_session_conflict(&x->s[0], &y.s[0]), 0);
	assert_int_equal(wga_session_conflict(&y.s[0], &x->s[0]), 0);
	/* both saw it, with other bytes */
	data(x, 7, 900, 2);
	assert_int_equal(wga_session_conflict(&x->s[0], &y.s[0]), 1);
	assert_int_equal(wga_session_conflict(&y.s[0], &x->s[0]), 1);
	data(x, 7, 901, 1);
	data(&y, 7, 901, 2);
	data(&y, 7, 902, 2);
	assert_int_equal(wga_session_conflict(&x->s[0], &y.s[0]), 2);
	assert_int_equal(wga_session_conflict(&y.s[0], &x->s[0]), 2);
	/* in the first place of the window */
	data(x, 9, 0, 1);
	data(&y, 9, 0, 2);
	assert_int_equal(wga_session_conflict(&x->s[1], &y.s[1]), 1);
	/* same place in the window, another counter */
	data(x, 8, 0, 1);
	data(&y, 8, 8, 2);
	assert_int_equal(wga_session_conflict(&x->s[2], &y.s[2]), 0);
	assert_int_equal(wga_session_conflict(&y.s[2], &x->s[2]), 0);
	wga_sessions_free(&y);
}

static void handshake(struct wga_sessions *t, uint64_t digest,
		      const struct wga_endpoint *to)
{
	struct wga_wg_message m = { .type = WGA_WG_INITIATION, .sender = 11,
				    .receiver = 12, .digest = digest };

	now.frame++;
	wga_sessions_handshake(t, &m, &a, to, &now);
}

static void test_handshakes(void **state)
{
	struct wga_sessions *t = *state;
	unsigned int i;

	handshake(t, 1, &b);
	assert_int_equal(t->n_handshakes, 1);
	assert_int_equal(t->h[0].type, WGA_WG_INITIATION);
	assert_int_equal(t->h[0].sender, 11);
	assert_int_equal(t->h[0].receiver, 12);
	assert_int_equal(t->h[0].node, -1);
	assert_int_equal(t->h[0].at.frame, 1);
	assert_int_equal(t->h[0].count, 1);
	assert_true(wga_addr_equal(&t->h[0].from.addr, &a.addr));
	assert_true(wga_addr_equal(&t->h[0].to.addr, &b.addr));

	/* again, to the same end; to another end; other bytes */
	handshake(t, 1, &b);
	assert_int_equal(t->n_handshakes, 1);
	assert_int_equal(t->h[0].count, 2);
	assert_int_equal(t->h[0].at.frame, 1);
	handshake(t, 1, &c);
	handshake(t, 2, &b);
	assert_int_equal(t->n_handshakes, 3);

	/* that is looked for close behind only */
	for (i = 10; i < 23; i++)
		handshake(t, i, &b);
	handshake(t, 1, &b);
	assert_int_equal(t->n_handshakes, 16);
	assert_int_equal(t->h[0].count, 3);
	handshake(t, 30, &b);
	handshake(t, 1, &b);
	assert_int_equal(t->n_handshakes, 18);

	for (i = 100; i < 300; i++)
		handshake(t, i, &b);
	assert_int_equal(t->n_handshakes, 218);
	assert_int_equal(t->h[217].digest, 299);
	assert_false(t->overflow);
}

static void test_many(void **state)
{
	struct wga_sessions *t = *state;
	uint32_t i, round;

	for (round = 0; round < 3; round++)
		for (i = 0; i < 5000; i++)
			assert_true(data(t, i * 2654435761u, round, i));
	assert_int_equal(t->n, 5000);
	for (i = 0; i < 5000; i++) {
		assert_int_equal(t->s[i].receiver, i * 2654435761u);
		assert_int_equal(t->s[i].messages, 3);
		assert_int_equal(t->s[i].reused, 0);
	}
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_counts),
		TEST(test_keys),
		TEST(test_odd_lengths),
		TEST(test_reuse),
		TEST(test_window),
		TEST(test_window_start),
		TEST(test_far_counters),
		TEST(test_budget),
		TEST(test_moved),
		TEST(test_conflict),
		TEST(test_handshakes),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
