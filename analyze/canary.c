/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/canary_internal.h"
#include "analyze/index.h"
#include "analyze/view.h"

#define GRAM		4
#define WINDOW_MAX	32
/* As long as there are no more grams than that, their bits stay in the cache. */
#define GRAMS_FEW	4096
#define NONE		UINT32_MAX

struct text {
	uint8_t *p;
	size_t len;
};

/**
 * struct needle - one form of a canary
 * @at, @len:	its bytes in the blob
 * @shorter:	longest other needle that it begins with, or NONE
 * @common:	bytes that it shares with the needle before it
 */
struct needle {
	size_t at;
	uint32_t canary, shorter;
	uint16_t len, common;
	uint8_t form;
};

/**
 * struct gram - where four bytes stand
 * @window:	number of the window
 * @off:	how far from the window's start
 */
struct gram {
	uint32_t value, window, off;
};

/* needles that begin alike: from @lo up to @hi */
struct window {
	uint32_t lo, hi;
};

/**
 * struct wga_canaries - see canary.h
 * @blob:	bytes of all needles
 * @needles:	sorted
 * @w:		length of a window
 * @grams:	sorted by value
 * @slots:	hash table: index + 1 of the first gram of a value
 * @bits:	a bit for the hash of each gram that there is
 */
struct wga_canaries {
	pthread_mutex_t lock;
	bool compiled;
	struct text *list;
	size_t n, room;

	uint8_t *blob;
	size_t blob_len, blob_room;
	struct needle *needles;
	size_t n_needles, needle_room;
	size_t longest, w;
	struct window *windows;
	size_t n_windows;
	struct gram *grams;
	size_t n_grams;
	uint32_t *slots, slot_mask;
	uint64_t *bits;
	unsigned int shift;
};

struct wga_canaries *wga_canaries_new(void)
{
	struct wga_canaries *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

void wga_canaries_free(struct wga_canaries *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n; i++)
		free(c->list[i].p);
	free(c->list);
	free(c->blob);
	free(c->needles);
	free(c->windows);
	free(c->grams);
	free(c->slots);
	free(c->bits);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int wga_canaries_add(struct wga_canaries *c, const void *p, size_t len)
{
	struct text *list = wga_room(c->list, c->n, &c->room, sizeof(*list),
				     WGA_CANARIES_MAX + 1);

	if (!list)
		return -1;
	c->list = list;
	list[c->n].p = malloc(len);
	if (!list[c->n].p)
		return -1;
	memcpy(list[c->n].p, p, len);
	list[c->n++].len = len;
	return 0;
}

size_t wga_canaries_count(const struct wga_canaries *c)
{
	return c ? c->n : 0;
}

const uint8_t *wga_canaries_get(const struct wga_canaries *c, size_t i,
				size_t *len)
{
	*len = c->list[i].len;
	return c->list[i].p;
}

size_t wga_canaries_longest(const struct wga_canaries *c)
{
	return c->longest;
}

static int order(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int diff = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return diff ? diff : a_len < b_len ? -1 : a_len > b_len;
}

static int by_text(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	return order(x->p, x->len, y->p, y->len);
}

static void sort_texts(struct wga_canaries *c)
{
	size_t i, n = 0;

	if (c->n)
		qsort(c->list, c->n, sizeof(*c->list), by_text);
	for (i = 0; i < c->n; i++) {
		if (n && !by_text(&c->list[i], &c->list[n - 1]))
			free(c->list[i].p);
		else
			c->list[n++] = c->list[i];
	}
	c->n = n;
}

static const uint8_t *bytes_of(const struct wga_canaries *c,
			       const struct needle *n)
{
	return c->blob + n->at;
}

/* the needles of one canary, while they are made */
struct making {
	struct wga_canaries *c;
	uint32_t canary;
	size_t first;
};

static int take_needle(void *arg, enum wga_canary_form form, const uint8_t *p,
		       size_t len)
{
	struct making *m = arg;
	struct wga_canaries *c = m->c;
	struct needle *needles;
	uint8_t *blob;
	size_t i;

	for (i = m->first; i < c->n_needles; i++) {
		const struct needle *n = &c->needles[i];

		if (!order(bytes_of(c, n), n->len, p, len))
			return 0;
	}
	needles = wga_room(c->needles, c->n_needles, &c->needle_room,
			   sizeof(*needles), UINT32_MAX / 2);
	if (!needles)
		return -1;
	c->needles = needles;
	if (c->blob_len + len > c->blob_room) {
		blob = realloc(c->blob, 2 * c->blob_room + WGA_NEEDLE_MAX);
		if (!blob)
			return -1;
		c->blob = blob;
		c->blob_room = 2 * c->blob_room + WGA_NEEDLE_MAX;
	}
	memcpy(c->blob + c->blob_len, p, len);
	c->needles[c->n_needles++] = (struct needle){
		.at = c->blob_len, .len = (uint16_t)len, .canary = m->canary,
		.form = (uint8_t)form,
	};
	c->blob_len += len;
	if (len > c->longest)
		c->longest = len;
	if (len < c->w)
		c->w = len;
	return 0;
}

/* equal needles of different canaries stand in the order of these */
static int by_needle(const void *a, const void *b, void *arg)
{
	const struct needle *x = a, *y = b;
	const struct wga_canaries *c = arg;
	int diff = order(bytes_of(c, x), x->len, bytes_of(c, y), y->len);

	return diff ? diff : x->canary < y->canary ? -1 : 1;
}

static bool begins_with(const struct wga_canaries *c, const struct needle *n,
			const struct needle *with)
{
	return with->len <= n->len &&
	       !memcmp(bytes_of(c, n), bytes_of(c, with), with->len);
}

static void relate_needles(struct wga_canaries *c)
{
	uint32_t i, k;

	for (i = 0; i < c->n_needles; i++) {
		struct needle *n = &c->needles[i];

		n->shorter = NONE;
		if (!i)
			continue;
		while (n->common < n->len && n->common < n[-1].len &&
		       bytes_of(c, n)[n->common] == bytes_of(c, n - 1)[n->common])
			n->common++;
		for (k = i - 1; k != NONE; k = c->needles[k].shorter) {
			if (begins_with(c, n, &c->needles[k])) {
				n->shorter = k;
				break;
			}
		}
	}
}

static size_t count_windows(const struct wga_canaries *c, size_t w)
{
	size_t i, n = 1;

	for (i = 1; i < c->n_needles; i++)
		n += c->needles[i].common < w;
	return n;
}

/* Long windows let the search skip more, but too many grams let it stumble. */
static void choose_window(struct wga_canaries *c)
{
	size_t w;

	for (w = c->w; w > WGA_CANARY_MIN; w--) {
		if (count_windows(c, w) * (w - GRAM + 1) <= GRAMS_FEW)
			break;
	}
	/* many canaries that begin differently: stumble rarely, with many bits */
	if (w == WGA_CANARY_MIN && c->w > 2 * WGA_CANARY_MIN)
		w = 2 * WGA_CANARY_MIN;
	c->w = w;
}

static int by_gram(const void *a, const void *b)
{
	const struct gram *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->window != y->window)
		return x->window < y->window ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

static int make_grams(struct wga_canaries *c)
{
	size_t step = c->w - GRAM + 1, i, k;

	c->windows = calloc(count_windows(c, c->w), sizeof(*c->windows));
	c->grams = calloc(count_windows(c, c->w) * step, sizeof(*c->grams));
	if (!c->windows || !c->grams)
		return -1;
	for (i = 0; i < c->n_needles; i++) {
		const uint8_t *p = bytes_of(c, &c->needles[i]);

		if (i && c->needles[i].common >= c->w) {
			c->windows[c->n_windows - 1].hi++;
			continue;
		}
		for (k = 0; k < step; k++)
			c->grams[c->n_grams++] = (struct gram){
				wga_le32(p + k), (uint32_t)c->n_windows,
				(uint32_t)k,
			};
		c->windows[c->n_windows++] = (struct window){
			(uint32_t)i, (uint32_t)i + 1,
		};
	}
	qsort(c->grams, c->n_grams, sizeof(*c->grams), by_gram);
	return 0;
}

static uint32_t gram_hash(uint32_t value)
{
	return (value ^ value >> 15) * 0x9e3779b1u;
}

static int make_tables(struct wga_canaries *c)
{
	unsigned int bits = 15;
	size_t slots = 16, i;

	while (bits < 24 && (size_t)1 << bits < 64 * c->n_grams)
		bits++;
	while (slots < 2 * c->n_grams)
		slots *= 2;
	c->shift = 32 - bits;
	c->slot_mask = (uint32_t)slots - 1;
	c->bits = calloc((size_t)1 << (bits - 6), sizeof(*c->bits));
	c->slots = calloc(slots, sizeof(*c->slots));
	if (!c->bits || !c->slots)
		return -1;
	for (i = 0; i < c->n_grams; i++) {
		uint32_t h = gram_hash(c->grams[i].value), s = h;
		uint32_t bit = h >> c->shift;

		if (i && c->grams[i].value == c->grams[i - 1].value)
			continue;
		c->bits[bit / 64] |= (uint64_t)1 << bit % 64;
		while (c->slots[s & c->slot_mask])
			s++;
		c->slots[s & c->slot_mask] = (uint32_t)i + 1;
	}
	return 0;
}

static int compile(struct wga_canaries *c)
{
	uint32_t i;

	sort_texts(c);
	c->w = WINDOW_MAX;
	for (i = 0; i < c->n; i++) {
		struct making m = { c, i, c->n_needles };

		if (wga_canary_forms(c->list[i].p, c->list[i].len, take_needle,
				     &m))
			return -1;
	}
	if (!c->n_needles)
		return 0;
	qsort_r(c->needles, c->n_needles, sizeof(*c->needles), by_needle, c);
	relate_needles(c);
	choose_window(c);
	return make_grams(c) || make_tables(c) ? -1 : 0;
}

int wga_canaries_compile(struct wga_canaries *c)
{
	int ret = 0;

	pthread_mutex_lock(&c->lock);
	if (!c->compiled) {
		c->compiled = true;
		ret = compile(c);
	}
	/* what was left unfinished finds nothing, so it must not pass for ready */
	if (ret || (c->n_needles && !c->bits))
		ret = -1;
	pthread_mutex_unlock(&c->lock);
	return ret;
}

/* The bytes at @at: which needles of a window do they begin with? The last one
 * in order that does not come behind them, as far as they go, begins with all.
 */
static void match(const struct wga_canaries *c, const struct window *win,
		  const uint8_t *p, size_t at, size_t len, wga_canary_fn found,
		  void *arg)
{
	uint32_t lo = win->lo, hi = win->hi, i;
	size_t rest = len - at;

	while (lo < hi) {
		const struct needle *n = &c->needles[i = lo + (hi - lo) / 2];

		if (memcmp(bytes_of(c, n), p + at,
			   n->len < rest ? n->len : rest) > 0)
			hi = i;
		else
			lo = i + 1;
	}
	if (lo == win->lo)
		return;
	for (i = lo - 1; i != NONE; i = c->needles[i].shorter) {
		const struct needle *n = &c->needles[i];

		if (n->len <= rest && !memcmp(bytes_of(c, n), p + at, n->len))
			found(arg, n->canary, (enum wga_canary_form)n->form, at,
			      n->len);
	}
}

/* the gram at @at may be one of a needle's window */
static void stumble(const struct wga_canaries *c, const uint8_t *p, size_t at,
		    size_t len, wga_canary_fn found, void *arg)
{
	uint32_t value = wga_le32(p + at), s, i;

	for (s = gram_hash(value);; s++) {
		i = c->slots[s & c->slot_mask];
		if (!i)
			return;
		if (c->grams[i - 1].value == value)
			break;
	}
	for (i--; i < c->n_grams && c->grams[i].value == value; i++) {
		const struct gram *g = &c->grams[i];

		if (g->off <= at && at - g->off + c->w <= len)
			match(c, &c->windows[g->window], p, at - g->off, len,
			      found, arg);
	}
}

static inline uint64_t bit_at(const struct wga_canaries *c, const uint8_t *p)
{
	uint32_t bit = gram_hash(wga_le32(p)) >> c->shift;

	return c->bits[bit / 64] >> bit % 64 & 1;
}

void wga_canaries_search(const struct wga_canaries *c, const uint8_t *p,
			 size_t len, wga_canary_fn found, void *arg)
{
	size_t step = c->w - GRAM + 1, at = c->w - GRAM;

	if (!c->n_needles || len < c->w)
		return;
	for (; at + 3 * step + GRAM <= len; at += 4 * step) {
		unsigned int i;

		if (!(bit_at(c, p + at) | bit_at(c, p + at + step) |
		      bit_at(c, p + at + 2 * step) | bit_at(c, p + at + 3 * step)))
			continue;
		for (i = 0; i < 4; i++) {
			if (bit_at(c, p + at + i * step))
				stumble(c, p, at + i * step, len, found, arg);
		}
	}
	for (; at + GRAM <= len; at += step) {
		if (bit_at(c, p + at))
			stumble(c, p, at, len, found, arg);
	}
}

const char *wga_canary_form_name(enum wga_canary_form form)
{
	static const char *const names[WGA_CANARY_FORMS] = {
		[WGA_CANARY_RAW] = "as it is",
		[WGA_CANARY_HEX] = "in hex",
		[WGA_CANARY_BASE64] = "in base64",
		[WGA_CANARY_BASE64URL] = "in URL base64",
		[WGA_CANARY_UTF16LE] = "in UTF-16LE",
		[WGA_CANARY_UTF16BE] = "in UTF-16BE",
		[WGA_CANARY_PERCENT] = "percent-encoded",
	};

	return names[form];
}

void wga_canary_show(const struct wga_canaries *c, size_t i,
		     char buf[static 4 * WGA_CANARY_SHOWN + 4])
{
	const struct text *t = &c->list[i];
	size_t k, n = 0;

	for (k = 0; k < t->len && k < WGA_CANARY_SHOWN; k++) {
		uint8_t b = t->p[k];

		n += (size_t)sprintf(buf + n, b >= 0x20 && b < 0x7f && b != '"' &&
				     b != '\\' ? "%c" : "\\x%02x", b);
	}
	strcpy(buf + n, k < t->len ? "..." : "");
}
