/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/fragment.h"

#define UNITS		(WGA_DATAGRAM_MAX / 8)

/* A frame makes one datagram go at most, so its data outlives the batch. */
static void datagram_clear(struct wga_fragments *f, struct wga_datagram *d)
{
	uint8_t **retired = &f->retired[f->n_retired++ % WGA_BATCH_MAX];

	f->unfinished += d->used && !d->whole && !d->spoilt;
	free(*retired);
	*retired = d->data;
	free(d->pending);
	memset(d, 0, sizeof(*d));
}

void wga_fragments_free(struct wga_fragments *f)
{
	unsigned int i;

	for (i = 0; i < WGA_FRAGMENTS_MAX; i++) {
		free(f->d[i].data);
		free(f->d[i].pending);
	}
	for (i = 0; i < WGA_BATCH_MAX; i++)
		free(f->retired[i]);
}

static bool is_of(const struct wga_datagram *d, const struct wga_packet *pkt)
{
	return d->used && d->id == pkt->frag_id && d->proto == pkt->proto &&
	       wga_addr_equal(&d->src, &pkt->src) &&
	       wga_addr_equal(&d->dst, &pkt->dst);
}

const struct wga_datagram *wga_fragment_find(const struct wga_fragments *f,
					     const struct wga_packet *pkt)
{
	unsigned int i;

	for (i = 0; i < WGA_FRAGMENTS_MAX; i++) {
		if (is_of(&f->d[i], pkt))
			return &f->d[i];
	}
	return NULL;
}

/* The datagram of a fragment; the oldest makes room for a new one. */
static struct wga_datagram *datagram_get(struct wga_fragments *f,
					 const struct wga_packet *pkt)
{
	struct wga_datagram *d, *old = &f->d[0];
	unsigned int i;

	for (i = 0; i < WGA_FRAGMENTS_MAX; i++) {
		d = &f->d[i];
		if (is_of(d, pkt))
			return d;
		if (d->age < old->age)
			old = d;
	}

	datagram_clear(f, old);
	old->data = calloc(1, WGA_DATAGRAM_MAX + UNITS);
	if (!old->data)
		return NULL;
	old->have = old->data + WGA_DATAGRAM_MAX;
	old->used = true;
	old->id = pkt->frag_id;
	old->proto = pkt->proto;
	old->src = pkt->src;
	old->dst = pkt->dst;
	return old;
}

/* Put the bytes in place. Returns false if that contradicts what is there. */
static bool datagram_fill(struct wga_datagram *d, const struct wga_packet *pkt)
{
	size_t off = pkt->frag_off, n = pkt->payload.len, i;
	const uint8_t *p = pkt->payload.p;

	if (n == 0 || off + n > WGA_DATAGRAM_MAX || (pkt->frag_more && n % 8))
		return false;
	if (d->total && (off + n > d->total ||
			 (!pkt->frag_more && off + n != d->total)))
		return false;
	if (off + n > d->upto)
		d->upto = (uint32_t)(off + n);
	if (!pkt->frag_more)
		d->total = (uint32_t)(off + n);
	if (d->total && d->upto > d->total)
		return false;

	for (i = 0; i < n; i += 8) {
		size_t unit = (off + i) / 8, len = n - i < 8 ? n - i : 8;

		if (d->have[unit] && memcmp(d->data + off + i, p + i, len))
			return false;
		if (!d->have[unit]) {
			d->have[unit] = 1;
			d->filled += (uint32_t)len;
			memcpy(d->data + off + i, p + i, len);
		}
	}
	return true;
}

enum wga_fragment_answer wga_fragment_add(struct wga_fragments *f,
					  const struct wga_packet *pkt,
					  uint32_t bytes,
					  struct wga_datagram **out)
{
	struct wga_datagram *d = datagram_get(f, pkt);

	*out = d;
	if (!d)
		return WGA_FRAGMENT_PENDING;
	d->age = ++f->clock;
	if (!d->spoilt && !datagram_fill(d, pkt)) {
		/* An identification that comes round again after its datagram
		 * was whole starts a new one.
		 */
		if (d->whole) {
			d->age = 0;
			d->used = false;
			return wga_fragment_add(f, pkt, bytes, out);
		}
		d->spoilt = true;
		f->unfinished++;
	}
	d->frames++;
	d->bytes += bytes;
	if (d->spoilt)
		return WGA_FRAGMENT_PENDING;
	if (d->whole)
		return WGA_FRAGMENT_AGAIN;
	if (!d->total || d->filled != d->total)
		return WGA_FRAGMENT_PENDING;
	d->whole = true;
	return WGA_FRAGMENT_WHOLE;
}
