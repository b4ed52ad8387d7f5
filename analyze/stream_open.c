/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/keylog.h"
#include "analyze/stream_internal.h"
#include "analyze/tls13.h"

/*
 * Theory of operation
 *
 * TLS 1.3 whose secrets are known is opened record by record. Records are
 * sealed, so who has not the keys cannot put a byte in or take one out: one
 * that does not open is foreign, and one that does needs no test of whether it
 * looks random. What was inside goes to a stream of its own that has neither
 * TCP nor TLS, and is read as a clear connection would be.
 *
 * Nonces count records. A connection that was not followed from its beginning,
 * has a gap, or may hold early data cannot be kept in step with them; it is
 * judged from outside.
 */

/* what an opening takes, with keys in guarded pages */
#define OPENING_ROOM	((size_t)20 << 10)

#define ALERT_MAX	121
/* What a client says in handshake messages, or anyone after them: tickets, and
 * keys that change. Certificates, which may hold anything, are larger only where
 * they are due, with the server.
 */
#define HANDSHAKE_MAX	(32 << 10)
/* Frames that are sent in a row are cut anywhere by records, so a capture may
 * end in the midst of one; but the mesh has none that is larger.
 */
#define FRAME_MAX	(WGA_DERP_HEADER + 2 * WGA_DERP_KEY + 1500)
#define USER_CANCELED	90

/**
 * struct wga_opening - a connection that is opened
 * @key:	by WGA_SIDE_*; NULL when the side has closed
 * @inner:	what is inside
 * @ended:	the side has said that it sends no more
 * @said:	bytes of handshake messages, counted to HANDSHAKE_MAX
 */
struct wga_opening {
	struct wga_tls13 *key[2];
	struct wga_stream *inner;
	bool ended[2];
	uint32_t said[2];
};

static unsigned int index_of(bool from_client)
{
	return from_client ? WGA_SIDE_CLIENT : WGA_SIDE_SERVER;
}

static struct wga_tls13 *key_new(const struct wga_keylog_secrets *k,
				 enum wga_keylog_label handshake,
				 enum wga_keylog_label traffic, uint16_t suite)
{
	if (!k->len[handshake] || k->len[handshake] != k->len[traffic])
		return NULL;
	return wga_tls13_new(suite, k->secret[handshake], k->secret[traffic],
			     k->len[traffic]);
}

static struct wga_stream *inner_new(const struct wga_stream *st)
{
	struct wga_stream *inner = wga_stream_new(st->kind, NULL, st->packet,
						  st->arg);

	if (!inner)
		return NULL;
	inner->inside = true;
	inner->derp_ends.opened = true;
	inner->side[WGA_SIDE_CLIENT].step = WGA_STEP_START;
	inner->side[WGA_SIDE_SERVER].step = WGA_STEP_START;
	return inner;
}

void wga_opening_free(struct wga_stream *st)
{
	struct wga_opening *o = st->opening;

	if (!o)
		return;
	wga_tls13_free(o->key[WGA_SIDE_CLIENT]);
	wga_tls13_free(o->key[WGA_SIDE_SERVER]);
	wga_stream_free(o->inner);
	free(o);
	wga_room_give(OPENING_ROOM);
	st->opening = NULL;
}

void wga_opening_stop(struct wga_stream *st)
{
	wga_opening_free(st);
	st->shut = true;
}

/* Will every record from here on be seen, and is the first one next? */
static bool is_in_step(const struct wga_stream *st)
{
	const struct wga_side *c = &st->side[WGA_SIDE_CLIENT];
	const struct wga_side *s = &st->side[WGA_SIDE_SERVER];

	return st->tls.version == WGA_TLS_13 && !st->tls.retry &&
	       !st->tls.blind && !st->tls.early && !c->gap && !s->gap &&
	       c->tls.hellos && !c->tls.data && !s->tls.data;
}

void wga_opening_begin(struct wga_stream *st)
{
	const struct wga_keylog_secrets *k;
	struct wga_opening *o;

	if (!st->keylog || st->opening || !is_in_step(st))
		return;
	k = wga_keylog_find(st->keylog, st->tls.random);
	if (!k || !wga_room_take(OPENING_ROOM))
		return;
	o = calloc(1, sizeof(*o));
	if (!o) {
		wga_room_give(OPENING_ROOM);
		return;
	}
	st->opening = o;
	o->inner = inner_new(st);
	o->key[WGA_SIDE_CLIENT] = key_new(k, WGA_KEYLOG_CLIENT_HANDSHAKE,
					  WGA_KEYLOG_CLIENT_TRAFFIC,
					  st->tls.suite);
	o->key[WGA_SIDE_SERVER] = key_new(k, WGA_KEYLOG_SERVER_HANDSHAKE,
					  WGA_KEYLOG_SERVER_TRAFFIC,
					  st->tls.suite);
	if (!o->inner || !o->key[WGA_SIDE_CLIENT] || !o->key[WGA_SIDE_SERVER])
		wga_opening_free(st);
	else
		st->opened = true;
}

bool wga_opening_due(const struct wga_stream *st, bool from_client)
{
	return st->opening && st->opening->key[index_of(from_client)];
}

/* Handshake messages are followed but not looked into. */
static void handshake(struct wga_stream *st, bool from_client, size_t len)
{
	unsigned int i = index_of(from_client);
	struct wga_opening *o = st->opening;

	if (!from_client && !wga_tls13_established(o->key[i]))
		return;
	o->said[i] += (uint32_t)len;
	if (o->said[i] > HANDSHAKE_MAX) {
		o->said[i] = HANDSHAKE_MAX;
		st->shut = true;
	}
}

static enum wga_segment alert(struct wga_opening *o, bool from_client,
			      const uint8_t *p, size_t len)
{
	if (len != 2 || p[0] < 1 || p[0] > 2 || p[1] > ALERT_MAX)
		return wga_judge_refuse(p, len);
	o->ended[index_of(from_client)] = p[1] != USER_CANCELED;
	return WGA_SEGMENT_FINE;
}

/* What was learnt inside is also what is known of the connection. */
static void adopt(struct wga_stream *st)
{
	const struct wga_stream *inner = st->opening->inner;

	st->asked = inner->asked;
	st->exchange = inner->exchange;
	st->derp = st->derp || inner->derp;
	st->shut = st->shut || inner->mute;
	if (inner->side[WGA_SIDE_CLIENT].gap ||
	    inner->side[WGA_SIDE_SERVER].gap)
		st->gap = true;
}

static enum wga_segment content(struct wga_stream *st, bool from_client,
				enum wga_tls13_type type, const uint8_t *p,
				size_t len)
{
	struct wga_opening *o = st->opening;
	enum wga_segment ret = WGA_SEGMENT_FINE;

	switch (type) {
	case WGA_TLS13_HANDSHAKE:
		handshake(st, from_client, len);
		return WGA_SEGMENT_FINE;
	case WGA_TLS13_ALERT:
		return alert(o, from_client, p, len);
	default:
		break;
	}
	if (!wga_tls13_established(o->key[index_of(from_client)]))
		return wga_judge_refuse(p, len);
	if (len)
		ret = wga_stream_feed(o->inner, from_client, p, len);
	adopt(st);
	return ret;
}

enum wga_segment wga_opening_record(struct wga_stream *st, bool from_client,
				    const uint8_t *p, size_t len)
{
	struct wga_opening *o = st->opening;
	uint8_t out[WGA_TLS_HEADER + WGA_TLS_BODY_MAX];
	enum wga_tls13_type type;
	size_t n;

	if (o->ended[index_of(from_client)] ||
	    wga_tls13_open(o->key[index_of(from_client)], p, len, out, &n,
			   &type))
		return wga_judge_refuse(p + WGA_TLS_HEADER,
					len - WGA_TLS_HEADER);
	return content(st, from_client, type, out, n);
}

enum wga_segment wga_opening_peek(const struct wga_stream *st, bool from_client)
{
	if (!wga_opening_due(st, from_client))
		return WGA_SEGMENT_FINE;
	return wga_stream_peek(st->opening->inner, from_client);
}

bool wga_opening_waits(const struct wga_stream *st, bool from_client)
{
	const struct wga_side *s;

	if (!wga_opening_due(st, from_client))
		return false;
	s = &st->opening->inner->side[index_of(from_client)];
	return s->proto == WGA_PROTO_DERP && s->unit_len > FRAME_MAX;
}

enum wga_segment wga_opening_close(struct wga_stream *st, bool from_client)
{
	enum wga_segment ret = wga_opening_peek(st, from_client);
	unsigned int i = index_of(from_client);
	struct wga_opening *o = st->opening;

	if (!o)
		return ret;
	st->shut = st->shut || o->inner->side[i].unit_len;
	wga_tls13_free(o->key[i]);
	o->key[i] = NULL;
	wga_stream_drop_unit(&o->inner->side[i]);
	if (!o->key[WGA_SIDE_CLIENT] && !o->key[WGA_SIDE_SERVER])
		wga_opening_free(st);
	return ret;
}
