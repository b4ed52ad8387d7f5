/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/elide.h"
#include "analyze/flow.h"
#include "analyze/session.h"

#define WINDOW_MIN	8
/* All windows of a bridge together; a thousand busy sessions at once. */
#define WINDOW_BUDGET	((size_t)64 << 20)
/* More handshakes than this are a flood, not a mesh. */
#define HANDSHAKES_MAX	((size_t)1 << 20)
#define SESSIONS_MAX	((uint32_t)1 << 24)
/* A message that large was not sent by Tailscale (MTU 1280), nor over
 * Ethernet without jumbo frames.
 */
#define MESSAGE_USUAL_MAX	1500

void wga_sessions_init(struct wga_sessions *t)
{
	memset(t, 0, sizeof(*t));
	wga_hash_seed(t->seed);
	t->recent = UINT32_MAX;
}

void wga_sessions_free(struct wga_sessions *t)
{
	uint32_t i;

	for (i = 0; i < t->n; i++)
		free(t->s[i].window);
	free(t->s);
	wga_index_free(&t->index);
	free(t->h);
}

struct session_key {
	uint32_t receiver;
	struct wga_addr dst;
};

static bool session_is(const void *items, uint32_t item, const void *key)
{
	const struct wga_session *s = (const struct wga_session *)items + item;
	const struct session_key *k = key;

	return s->receiver == k->receiver && wga_addr_equal(&s->dst, &k->dst);
}

static struct wga_session *session_get(struct wga_sessions *t,
				       uint32_t receiver,
				       const struct wga_addr *dst)
{
	struct session_key key = { receiver, *dst };
	struct wga_session *s;
	uint64_t hash;
	uint32_t i;

	if (t->recent < t->n && session_is(t->s, t->recent, &key))
		return &t->s[t->recent];
	hash = wga_hash(&key, sizeof(key), t->seed);
	i = wga_index_find(&t->index, hash, session_is, t->s, &key);
	if (i == WGA_INDEX_NONE) {
		s = wga_room(t->s, t->n, &t->room, sizeof(*s), SESSIONS_MAX);
		if (!s)
			return NULL;
		t->s = s;
		i = t->n;
		if (wga_index_add(&t->index, hash, i))
			return NULL;
		t->s[t->n++] = (struct wga_session){
			.receiver = receiver, .dst = *dst,
		};
	}
	t->recent = i;
	return &t->s[i];
}

/* Full value of a counter in the window, given the greatest one */
static uint64_t seen_counter(const struct wga_session *s,
			     const struct wga_seen *seen)
{
	return s->counter_max - (uint32_t)((uint32_t)s->counter_max -
					   seen->counter);
}

/* Make room for counters from counter_min (or as far back as may be) up to
 * @counter.
 */
static void window_grow(struct wga_sessions *t, struct wga_session *s,
			uint64_t counter)
{
	uint64_t span = counter - s->counter_min + 1;
	uint32_t size = s->size ? s->size : WINDOW_MIN, i;
	struct wga_seen *w;

	while (size < span && size < WGA_WINDOW_MAX)
		size *= 2;
	if (size == s->size || s->blind)
		return;
	if (t->window_bytes + size * sizeof(*w) > WINDOW_BUDGET) {
		s->blind = true;
		return;
	}
	w = calloc(size, sizeof(*w));
	if (!w) {
		s->blind = true;
		return;
	}
	for (i = 0; i < s->size; i++) {
		if (s->window[i].digest)
			w[seen_counter(s, &s->window[i]) & (size - 1)] =
				s->window[i];
	}
	t->window_bytes += (size - s->size) * sizeof(*w);
	free(s->window);
	s->window = w;
	s->size = size;
}

/* Returns false for a message that was seen before, with the same bytes. */
static bool window_enter(struct wga_sessions *t, struct wga_session *s,
			 const struct wga_wg_message *m,
			 const struct wga_stamp *at)
{
	uint32_t digest = (uint32_t)(t->elided && m->p ? wga_elided_digest(m) :
							 m->digest) | 1;
	uint64_t max = m->counter > s->counter_max ? m->counter : s->counter_max;
	struct wga_seen *seen;

	if (m->counter < s->counter_min)
		s->counter_min = m->counter;
	if (max - s->counter_min >= s->size && s->size < WGA_WINDOW_MAX)
		window_grow(t, s, max);
	s->counter_max = max;
	if (!s->size)
		return true;
	if (max - m->counter >= s->size) {
		s->stale++;
		return true;
	}

	seen = &s->window[m->counter & (s->size - 1)];
	if (seen->digest && seen_counter(s, seen) == m->counter) {
		if (seen->digest == digest)
			return false;
		if (!s->reused++)
			s->reuse = *at;
		return true;
	}
	*seen = (struct wga_seen){ (uint32_t)m->counter, digest };
	return true;
}

static bool same_place(const struct wga_place *a, const struct wga_place *b)
{
	return wga_endpoint_equal(&a->from, &b->from) &&
	       wga_endpoint_equal(&a->to, &b->to);
}

void wga_session_place(struct wga_session *s, const struct wga_place *p)
{
	struct wga_place *at = &s->place[s->place_at];
	uint8_t i;

	if (!s->n_places || !same_place(at, p)) {
		for (i = 0; i < s->n_places; i++) {
			if (same_place(&s->place[i], p))
				break;
		}
		if (i == WGA_PLACES_MAX) {
			s->places_more = true;
			return;
		}
		at = &s->place[i];
		s->place_at = i;
		if (i == s->n_places) {
			s->n_places++;
			*at = *p;
		}
	}
	if (p->first_ns < at->first_ns)
		at->first_ns = p->first_ns;
	if (p->last_ns > at->last_ns)
		at->last_ns = p->last_ns;
}

bool wga_sessions_data(struct wga_sessions *t, const struct wga_wg_message *m,
		       const struct wga_endpoint *from,
		       const struct wga_endpoint *to,
		       const struct wga_stamp *at)
{
	struct wga_session *s = session_get(t, m->receiver, &to->addr);

	if (!s) {
		t->overflow = true;
		return true;
	}
	if (!s->messages) {
		s->from = *from;
		s->to = *to;
		s->first = s->last = *at;
		s->counter_first = s->counter_min = s->counter_max = m->counter;
	}
	wga_session_place(s, &(struct wga_place){ *from, *to, at->time_ns,
						  at->time_ns });
	if (at->time_ns > s->last.time_ns)
		s->last = *at;
	if (at->time_ns < s->first.time_ns)
		s->first = *at;
	if (!window_enter(t, s, m, at))
		return false;
	s->messages++;
	s->odd += m->len % 16 != 0 || m->len > MESSAGE_USUAL_MAX;
	return true;
}

void wga_sessions_via(struct wga_sessions *t, const struct wga_wg_message *m,
		      const struct wga_endpoint *to, uint32_t connection)
{
	struct wga_session *s = session_get(t, m->receiver, &to->addr);
	unsigned int i;

	for (i = 0; s && i < WGA_VIA_MAX; i++) {
		if (!s->via[i])
			s->via[i] = connection;
		if (s->via[i] == connection)
			return;
	}
	if (s)
		s->via_more = true;
}

struct wga_handshake *wga_sessions_handshake(struct wga_sessions *t,
					     const struct wga_wg_message *m,
					     const struct wga_endpoint *from,
					     const struct wga_endpoint *to,
					     const struct wga_stamp *at)
{
	struct wga_handshake *room;
	size_t back;

	/* The same frame routed back over one bridge comes close behind. */
	for (back = 1; back <= 16 && back <= t->n_handshakes; back++) {
		struct wga_handshake *h = &t->h[t->n_handshakes - back];

		if (h->digest == m->digest &&
		    wga_endpoint_equal(&h->from, from) &&
		    wga_endpoint_equal(&h->to, to)) {
			h->count++;
			return NULL;
		}
	}
	room = wga_room(t->h, t->n_handshakes, &t->handshake_room,
			sizeof(*room), HANDSHAKES_MAX);
	if (!room) {
		t->overflow = true;
		return NULL;
	}
	t->h = room;
	room += t->n_handshakes++;
	*room = (struct wga_handshake){
		.type = m->type, .sender = m->sender, .receiver = m->receiver,
		.from = *from, .to = *to, .at = *at, .digest = m->digest,
		.node = -1, .count = 1, .initiator_node = -1,
	};
	return room;
}

uint64_t wga_session_conflict(const struct wga_session *a,
			      const struct wga_session *b)
{
	uint64_t found = 0;
	uint32_t i;

	if (!b->size)
		return 0;
	for (i = 0; i < a->size; i++) {
		const struct wga_seen *x = &a->window[i], *y;
		uint64_t counter = seen_counter(a, x);

		if (!x->digest)
			continue;
		y = &b->window[counter & (b->size - 1)];
		if (y->digest && y->digest != x->digest &&
		    seen_counter(b, y) == counter)
			found++;
	}
	return found;
}
