/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/canary_watch.h"

/* WireGuard's type 4 with its reserved bytes; the rest of the header is a
 * receiver index and a counter (WireGuard paper, section 5.4.6)
 */
static const uint8_t data_type[4] = { 4 };
#define DATA_HEADER	16
/* Geneve header of a peer relay, before each message */
#define RELAY_HEADER	8

struct wga_watch *wga_watch_new(const struct wga_canaries *canaries)
{
	struct wga_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->canaries = canaries;
	w->edge = wga_canaries_longest(canaries) - 1;
	w->hits = calloc(wga_canaries_count(canaries), sizeof(*w->hits));
	w->room = malloc(4 * w->edge);
	w->tcp = wga_watch_tcp_new(w->edge);
	if (!w->hits || !w->room || !w->tcp) {
		wga_watch_free(w);
		return NULL;
	}
	return w;
}

void wga_watch_free(struct wga_watch *w)
{
	if (!w)
		return;
	free(w->hits);
	free(w->room);
	wga_watch_tcp_free(w->tcp);
	free(w);
}

static void note_hit(struct wga_watch *w, uint32_t canary,
		     enum wga_canary_form form)
{
	struct wga_canary_hit *hit = &w->hits[canary];

	w->seen = true;
	if (hit->serial == w->serial)
		return;
	hit->serial = w->serial;
	if (hit->frames++)
		return;
	hit->first = w->now;
	hit->form = form;
}

static void found_in_frame(void *arg, uint32_t canary,
			   enum wga_canary_form form, size_t at, size_t len)
{
	(void)at;
	(void)len;
	note_hit(arg, canary, form);
}

void wga_watch_frame(struct wga_watch *w, const struct wga_stamp *now,
		     const uint8_t *p, size_t len)
{
	w->now = *now;
	w->serial++;
	w->seen = false;
	wga_canaries_search(w->canaries, p, len, found_in_frame, w);
}

/* bytes of this frame among joined ones: from @from up to @upto */
struct joined {
	struct wga_watch *w;
	size_t from, upto;
};

static void found_in_join(void *arg, uint32_t canary, enum wga_canary_form form,
			  size_t at, size_t len)
{
	const struct joined *j = arg;

	if (at < j->upto && at + len > j->from)
		note_hit(j->w, canary, form);
}

/* Returns how much was put. */
static size_t join_put(uint8_t *to, struct wga_view v)
{
	if (v.len)
		memcpy(to, v.p, v.len);
	return v.len;
}

void wga_watch_join(struct wga_watch *w, struct wga_view before,
		    struct wga_view v, struct wga_view behind)
{
	struct joined j = { .w = w, .from = before.len };
	size_t n;

	if (v.len > 2 * w->edge) {
		struct wga_view none = { 0 };

		if (before.len)
			wga_watch_join(w, before, wga_view_head(v, w->edge),
				       none);
		if (behind.len)
			wga_watch_join(w, none, wga_view_tail(v, w->edge),
				       behind);
		return;
	}
	if (!before.len && !behind.len)
		return;
	n = join_put(w->room, before);
	n += join_put(w->room + n, v);
	j.upto = n;
	n += join_put(w->room + n, behind);
	wga_canaries_search(w->canaries, w->room, n, found_in_join, &j);
}

/* The first header in some bytes, or NULL: of every three places one is looked
 * at, and its three zeros leave none of them out.
 */
static const uint8_t *find_header(const uint8_t *p, size_t len)
{
	size_t i = 3, h;

	while (i < len) {
		if (i + 9 < len && p[i] && p[i + 3] && p[i + 6] && p[i + 9]) {
			i += 12;
			continue;
		}
		for (h = i - 3; !p[i] && h < i; h++) {
			if (h + DATA_HEADER <= len &&
			    !memcmp(p + h, data_type, sizeof(data_type)))
				return p + h;
		}
		i += 3;
	}
	return NULL;
}

/**
 * struct messages - a payload that is gone through message by message
 * @lead:	bytes of header before WireGuard's
 * @start:	of the message that was found last
 * @stride:	length of all but the last one, once the second was found
 */
struct messages {
	struct wga_view v;
	size_t lead, start, stride;
};

/* Step to the next message. All but the last of a GSO frame have one length, so
 * only where the next one is not at its place does it have to be looked for.
 */
static bool next_message(struct messages *m)
{
	size_t body = m->start + m->lead + DATA_HEADER, next;
	const uint8_t *p;

	next = m->start + m->stride + m->lead;
	if (!m->stride || next + DATA_HEADER > m->v.len ||
	    memcmp(m->v.p + next, data_type, sizeof(data_type))) {
		p = find_header(m->v.p + body, m->v.len - body);
		if (!p || (size_t)(p - m->v.p) < body + m->lead)
			return false;
		next = (size_t)(p - m->v.p);
	}
	if (!m->stride)
		m->stride = next - m->lead;
	m->start = next - m->lead;
	return true;
}

void wga_watch_gso(struct wga_watch *w, struct wga_view v)
{
	struct messages m = { .v = v };
	uint8_t carry[WGA_NEEDLE_MAX];
	struct wga_view none = { 0 };
	size_t kept = 0, at;
	bool more = true;

	if (v.len > RELAY_HEADER && v.p[2] == 0x7a && v.p[3] == 0x12)
		m.lead = RELAY_HEADER;
	at = m.lead + DATA_HEADER;
	if (v.len < at || memcmp(v.p + m.lead, data_type, sizeof(data_type)))
		return;
	while (more) {
		struct wga_view body, tail;

		more = next_message(&m);
		body.p = v.p + at;
		body.len = (more ? m.start : v.len) - at;
		if (!more && !kept)
			return;
		wga_watch_join(w, (struct wga_view){ carry, kept },
			       wga_view_head(body, w->edge), none);
		tail = wga_view_tail(body, w->edge);
		if (kept + tail.len > w->edge) {
			size_t over = kept + tail.len - w->edge;

			memmove(carry, carry + over, kept - over);
			kept -= over;
		}
		kept += join_put(carry + kept, tail);
		at = m.start + m.lead + DATA_HEADER;
	}
}

/* bytes of a datagram that are there, from @from on or, backwards, up to it */
static struct wga_view known_before(const struct wga_datagram *d, size_t upto,
				    size_t max)
{
	size_t from = upto;

	while (from >= 8 && upto - from < max && d->have[from / 8 - 1])
		from -= 8;
	return wga_view_tail((struct wga_view){ d->data + from, upto - from },
			     max);
}

static struct wga_view known_behind(const struct wga_datagram *d, size_t from,
				    size_t max)
{
	size_t upto = from;

	while (upto < d->upto && upto - from < max && d->have[upto / 8])
		upto += 8;
	if (upto > d->upto)
		upto = d->upto;
	return wga_view_head((struct wga_view){ d->data + from, upto - from },
			     max);
}

void wga_watch_fragment(struct wga_watch *w, const struct wga_datagram *d,
			const struct wga_packet *pkt)
{
	size_t off = pkt->frag_off, end = off + pkt->payload.len;
	struct wga_view before = { 0 }, behind = { 0 };

	if (!d || end > WGA_DATAGRAM_MAX)
		return;
	before = known_before(d, off, w->edge);
	if (end % 8 == 0 && end < d->upto)
		behind = known_behind(d, end, w->edge);
	wga_watch_join(w, before, pkt->payload, behind);
}
