/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/opaque.h"
#include "analyze/reassembly.h"

#define HELD_MAX	64
#define HELD_BYTES_MAX	(256u << 10)
#define ROOM_MAX	((size_t)64 << 20)
#define PAST_MAX	16

struct wga_held {
	struct wga_held *next;
	uint32_t seq, len;
	uint8_t p[];
};

struct wga_past {
	uint32_t seq[PAST_MAX], len[PAST_MAX], digest[PAST_MAX];
	unsigned int at;
};

static atomic_size_t room_taken;

bool wga_room_take(size_t n)
{
	if (atomic_fetch_add(&room_taken, n) + n <= ROOM_MAX)
		return true;
	atomic_fetch_sub(&room_taken, n);
	return false;
}

void wga_room_give(size_t n)
{
	atomic_fetch_sub(&room_taken, n);
}

enum wga_segment wga_segment_worse(enum wga_segment a, enum wga_segment b)
{
	if (a == WGA_SEGMENT_TEXT || b == WGA_SEGMENT_TEXT)
		return WGA_SEGMENT_TEXT;
	return a == WGA_SEGMENT_FINE ? b : a;
}

static uint32_t digest(const uint8_t *p, size_t len)
{
	struct wga_scan scan;

	wga_scan_bytes(p, len, &scan);
	return (uint32_t)(scan.digest ^ scan.digest >> 32);
}

static void past_add(struct wga_reassembly *r, uint32_t seq, const uint8_t *p,
		     size_t len)
{
	struct wga_past *past = r->past;

	if (!past)
		past = r->past = calloc(1, sizeof(*past));
	if (!past)
		return;
	past->seq[past->at] = seq;
	past->len[past->at] = (uint32_t)len;
	past->digest[past->at] = digest(p, len);
	past->at = (past->at + 1) % PAST_MAX;
}

/* Compare old bytes with the digests of all segments that lie within them.
 * Return: how many bytes were compared; @same tells the result.
 */
static size_t past_compare(const struct wga_past *past, uint32_t seq,
			   const uint8_t *p, size_t len, bool *same)
{
	size_t compared = 0;
	unsigned int i;

	*same = true;
	for (i = 0; past && i < PAST_MAX; i++) {
		uint32_t from = past->seq[i] - seq;

		if (!past->len[i] || from > len || past->len[i] > len - from)
			continue;
		compared += past->len[i];
		if (digest(p + from, past->len[i]) != past->digest[i])
			*same = false;
	}
	return compared;
}

static enum wga_segment old_bytes(struct wga_reassembly *r,
				  const struct wga_reassembly_ops *ops,
				  void *arg, uint32_t seq, const uint8_t *p,
				  size_t len)
{
	uint32_t back = r->next - seq;
	bool same;

	/* a keep-alive probe repeats the last byte, or sends any byte there */
	if (len == 1 && back == 1)
		return WGA_SEGMENT_FINE;
	if (past_compare(r->past, seq, p, len, &same) >= len && same)
		return WGA_SEGMENT_FINE;
	return ops->stray(arg, back, p, len, !same);
}

/* Feed what of a segment is new; it does not begin behind the next byte. */
static enum wga_segment take(struct wga_reassembly *r,
			     const struct wga_reassembly_ops *ops, void *arg,
			     uint32_t seq, const uint8_t *p, size_t len)
{
	enum wga_segment ret = WGA_SEGMENT_FINE;
	uint32_t old = r->next - seq;

	if (old) {
		size_t n = old < len ? old : len;

		ret = old_bytes(r, ops, arg, seq, p, n);
		p += n;
		len -= n;
	}
	if (!len)
		return ret;
	past_add(r, r->next, p, len);
	r->next += (uint32_t)len;
	return wga_segment_worse(ret, ops->feed(arg, p, len));
}

static struct wga_held *held_pop(struct wga_reassembly *r)
{
	struct wga_held *h = r->held;

	r->held = h->next;
	r->held_bytes -= h->len;
	r->n_held--;
	return h;
}

static void held_free(struct wga_held *h)
{
	wga_room_give(h->len);
	free(h);
}

/* Feed all held segments that the next byte has reached. */
static enum wga_segment drain(struct wga_reassembly *r,
			      const struct wga_reassembly_ops *ops, void *arg)
{
	enum wga_segment ret = WGA_SEGMENT_FINE;

	while (r->held && (int32_t)(r->held->seq - r->next) <= 0) {
		struct wga_held *h = held_pop(r);

		ret = wga_segment_worse(ret, take(r, ops, arg, h->seq, h->p,
						  h->len));
		held_free(h);
	}
	return ret;
}

static enum wga_segment give_up_hole(struct wga_reassembly *r,
				     const struct wga_reassembly_ops *ops,
				     void *arg, uint32_t upto)
{
	if (r->held && (int32_t)(r->held->seq - upto) < 0)
		upto = r->held->seq;
	ops->skip(arg, upto - r->next);
	r->next = upto;
	return drain(r, ops, arg);
}

static bool hold(struct wga_reassembly *r, uint32_t seq, const uint8_t *p,
		 size_t len)
{
	struct wga_held **at = &r->held, *h;

	if (r->n_held >= HELD_MAX || r->held_bytes + len > HELD_BYTES_MAX ||
	    !wga_room_take(len))
		return false;
	h = malloc(sizeof(*h) + len);
	if (!h) {
		wga_room_give(len);
		return false;
	}
	*h = (struct wga_held){ .seq = seq, .len = (uint32_t)len };
	memcpy(h->p, p, len);
	while (*at && (int32_t)((*at)->seq - seq) <= 0)
		at = &(*at)->next;
	h->next = *at;
	*at = h;
	r->n_held++;
	r->held_bytes += (uint32_t)len;
	return true;
}

static const struct wga_held *held_find(const struct wga_reassembly *r,
					uint32_t seq, size_t len)
{
	const struct wga_held *h;

	for (h = r->held; h; h = h->next)
		if (h->seq == seq && h->len == len)
			return h;
	return NULL;
}

static enum wga_segment early(struct wga_reassembly *r,
			      const struct wga_reassembly_ops *ops, void *arg,
			      uint32_t seq, const uint8_t *p, size_t len)
{
	const struct wga_held *twin = held_find(r, seq, len);
	enum wga_segment ret;

	if (twin && !memcmp(twin->p, p, len))
		return WGA_SEGMENT_FINE;
	if (twin)
		return ops->stray(arg, 0, p, len, true);

	ret = ops->ahead(arg, p, len);
	while ((int32_t)(seq - r->next) > 0) {
		if (hold(r, seq, p, len))
			return ret;
		ret = wga_segment_worse(ret, give_up_hole(r, ops, arg, seq));
	}
	ret = wga_segment_worse(ret, take(r, ops, arg, seq, p, len));
	return wga_segment_worse(ret, drain(r, ops, arg));
}

enum wga_segment wga_reassembly_segment(struct wga_reassembly *r,
					const struct wga_reassembly_ops *ops,
					void *arg, uint32_t seq,
					const uint8_t *p, size_t len)
{
	enum wga_segment ret = WGA_SEGMENT_FINE;

	if (!r->known) {
		r->known = true;
		r->next = seq;
	}
	if (r->ended && (int32_t)(seq + (uint32_t)len - r->end) > 0) {
		uint32_t room = r->end - seq;
		size_t inside = (int32_t)room > 0 ? room : 0;

		ret = ops->stray(arg, 0, p + inside, len - inside, true);
		len = inside;
	}
	if (!len)
		return ret;
	if ((int32_t)(seq - r->next) > 0)
		return wga_segment_worse(ret, early(r, ops, arg, seq, p, len));

	ret = wga_segment_worse(ret, take(r, ops, arg, seq, p, len));
	return wga_segment_worse(ret, drain(r, ops, arg));
}

void wga_reassembly_end(struct wga_reassembly *r, uint32_t end)
{
	if (r->ended)
		return;
	if (!r->known) {
		r->known = true;
		r->next = end;
	}
	r->ended = true;
	r->end = (int32_t)(end - r->next) > 0 ? end : r->next;
}

bool wga_reassembly_complete(const struct wga_reassembly *r)
{
	return r->ended && r->next == r->end;
}

void wga_reassembly_drop_held(struct wga_reassembly *r)
{
	while (r->held)
		held_free(held_pop(r));
}

void wga_reassembly_clear(struct wga_reassembly *r)
{
	wga_reassembly_drop_held(r);
	free(r->past);
	*r = (struct wga_reassembly){ 0 };
}
