/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Some canaries and a text. What the search finds in the text must be what a
 * naive search finds: each needle compared at each place. Then the text is a
 * TCP stream in up to six segments, in any order, with retransmissions: a canary
 * must be seen if and only if one of its needles stands in the text.
 *
 * Input: the number of canaries; for each its length and bytes; five cuts, each
 * as a part of 256 of the text; an order; the text.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/canary_internal.h"
#include "analyze/canary_watch.h"

#define CANARIES_MAX	6
#define NEEDLES_MAX	32
#define CUTS		5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *p;
	size_t len;
};

static struct {
	uint8_t b[WGA_NEEDLE_MAX];
	size_t len;
} needles[CANARIES_MAX][NEEDLES_MAX];
static size_t n_needles[CANARIES_MAX];

static void require(int condition)
{
	if (!condition)
		abort();
}

static uint8_t byte(struct input *in)
{
	if (!in->len)
		return 0;
	in->len--;
	return *in->p++;
}

static int take(void *arg, enum wga_canary_form form, const uint8_t *p,
		size_t len)
{
	size_t c = *(const size_t *)arg, i;

	(void)form;
	require(len >= WGA_CANARY_MIN && len <= WGA_NEEDLE_MAX);
	for (i = 0; i < n_needles[c]; i++) {
		if (needles[c][i].len == len && !memcmp(needles[c][i].b, p, len))
			return 0;
	}
	require(i < NEEDLES_MAX);
	memcpy(needles[c][i].b, p, len);
	needles[c][i].len = len;
	n_needles[c]++;
	return 0;
}

/**
 * struct sum - places where needles stand; the order does not matter
 */
struct sum {
	uint64_t n, mixed;
	bool canary[CANARIES_MAX];
};

static void sum_add(void *arg, uint32_t canary, enum wga_canary_form form,
		    size_t at, size_t len)
{
	struct sum *s = arg;
	const uint64_t place[3] = { canary, at, len };
	const uint64_t seed[2] = { 1, 2 };

	(void)form;
	s->n++;
	s->mixed += wga_hash(place, sizeof(place), seed);
	s->canary[canary] = true;
}

static void naive(struct sum *s, size_t count, const uint8_t *p, size_t len)
{
	size_t c, i, at;

	for (c = 0; c < count; c++) {
		for (i = 0; i < n_needles[c]; i++) {
			size_t n = needles[c][i].len;

			for (at = 0; at + n <= len; at++) {
				if (!memcmp(p + at, needles[c][i].b, n))
					sum_add(s, (uint32_t)c, WGA_CANARY_RAW,
						at, n);
			}
		}
	}
}

static void send(struct wga_watch *w, const uint8_t *p, size_t from, size_t upto)
{
	static const struct wga_flow_key key = { .proto = 6 };
	const struct wga_stamp now = { w->serial + 1, 1 };
	struct wga_view v = { p + from, upto - from };
	uint8_t h[20] = { [13] = 0x10 };
	/* the numbers wrap in the middle */
	uint32_t seq = (uint32_t)from - 40;

	h[4] = (uint8_t)(seq >> 24);
	h[5] = (uint8_t)(seq >> 16);
	h[6] = (uint8_t)(seq >> 8);
	h[7] = (uint8_t)seq;
	wga_watch_frame(w, &now, v.p, v.len);
	wga_watch_tcp(w, &key, 0, h, v, false);
}

static int by_size(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void as_stream(const struct wga_canaries *c, const struct sum *want,
		      const uint8_t *p, size_t len, const uint8_t *cuts,
		      uint32_t order)
{
	struct wga_watch *w = wga_watch_new(c);
	size_t from[CUTS + 2] = { 0 }, left[CUTS + 1], i, k, n = CUTS + 1;

	require(w != NULL);
	for (i = 0; i < CUTS; i++)
		from[i + 1] = len * cuts[i] / 256;
	from[CUTS + 1] = len;
	qsort(from, CUTS + 2, sizeof(*from), by_size);
	for (i = 0; i <= CUTS; i++)
		left[i] = i;
	for (; n; order /= 6) {
		k = order % n;
		i = left[k];
		if (from[i] < from[i + 1])
			send(w, p, from[i], from[i + 1]);
		/* some stay, and are sent again */
		if (order % 7 == 3 && order > 6)
			continue;
		left[k] = left[--n];
	}
	for (i = 0; i < wga_canaries_count(c); i++)
		require((w->hits[i].frames > 0) == want->canary[i]);
	require(!w->lost && !w->broken);
	wga_watch_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct wga_canaries *c = wga_canaries_new();
	struct sum want = { 0 }, got = { 0 };
	uint8_t cuts[CUTS];
	size_t count = byte(&in) % CANARIES_MAX + 1, i, n;
	uint32_t order = 0;

	require(c != NULL);
	for (i = 0; i < count; i++) {
		n = byte(&in) % 64;
		n = n < in.len ? n : in.len;
		if (n >= WGA_CANARY_MIN)
			require(!wga_canaries_add(c, in.p, n));
		in.p += n;
		in.len -= n;
	}
	for (i = 0; i < CUTS; i++)
		cuts[i] = byte(&in);
	for (i = 0; i < 4; i++)
		order = order << 8 | byte(&in);
	require(!wga_canaries_compile(c));
	count = wga_canaries_count(c);
	memset(n_needles, 0, sizeof(n_needles));
	for (i = 0; i < count; i++) {
		const uint8_t *p = wga_canaries_get(c, i, &n);

		wga_canary_forms(p, n, take, &i);
	}
	naive(&want, count, in.p, in.len);
	wga_canaries_search(c, in.p, in.len, sum_add, &got);
	require(want.n == got.n && want.mixed == got.mixed);
	if (count && in.len)
		as_stream(c, &want, in.p, in.len, cuts, order);
	wga_canaries_free(c);
	return 0;
}
