/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/stream_internal.h"

/*
 * Theory of operation
 *
 * A direction is a chain of units: TLS records, ts2021 or DERP frames, HTTP
 * heads. Their lengths stand in their headers, so one that is whole within a
 * segment is judged where it lies, and only one that is cut is gathered. While
 * it is incomplete the part that came last is judged as far as can be, so that
 * foreign bytes are blamed on the segment that brought them.
 */

#define BAD	SIZE_MAX

static struct wga_side *side_of(struct wga_stream *st, bool from_client)
{
	return &st->side[from_client ? WGA_SIDE_CLIENT : WGA_SIDE_SERVER];
}

void wga_stream_drop_unit(struct wga_side *s)
{
	if (s->unit)
		wga_room_give(s->unit_room);
	free(s->unit);
	s->unit = NULL;
	s->unit_len = s->unit_room = 0;
}

bool wga_unit_reserve(struct wga_side *s, size_t room)
{
	uint8_t *unit;

	if (room <= s->unit_room)
		return true;
	if (!wga_room_take(room - s->unit_room))
		return false;
	unit = realloc(s->unit, room);
	if (!unit) {
		wga_room_give(room - s->unit_room);
		return false;
	}
	s->unit = unit;
	s->unit_room = (uint32_t)room;
	return true;
}

static bool unit_append(struct wga_side *s, const uint8_t *p, size_t len)
{
	if (!wga_unit_reserve(s, s->unit_len + len))
		return false;
	memcpy(s->unit + s->unit_len, p, len);
	s->unit_len += (uint32_t)len;
	return true;
}

bool wga_stream_may_ask(const struct wga_stream *st,
			enum wga_http_exchange exchange)
{
	if (st->inside)
		return true;
	switch (exchange) {
	case WGA_HTTP_TS2021:
		return st->kind != WGA_STREAM_DERP;
	case WGA_HTTP_DERP:
		return st->kind == WGA_STREAM_DERP ||
		       st->kind == WGA_STREAM_SHARED;
	default:
		return st->kind == WGA_STREAM_CONTROL ||
		       st->kind == WGA_STREAM_SHARED;
	}
}

/* Find out what an answer belongs to if the request was not seen. */
static bool read_answer(struct wga_stream *st, const uint8_t *p, size_t len,
			size_t *body)
{
	int i;

	if (st->asked)
		return wga_http_answer(p, len, st->exchange, body);
	if (st->side[WGA_SIDE_CLIENT].step == WGA_STEP_IN)
		return false;
	for (i = 0; i < WGA_HTTP_EXCHANGES; i++) {
		if (wga_stream_may_ask(st, i) &&
		    wga_http_answer(p, len, i, body)) {
			st->asked = true;
			st->exchange = (uint8_t)i;
			return true;
		}
	}
	return false;
}

/* A head inside TLS, or a part of the body behind it */
static size_t inside_length(struct wga_stream *st, bool from_client,
			    const uint8_t *p, size_t len)
{
	const struct wga_side *s = side_of(st, from_client);
	size_t head;

	if (s->body.framing != WGA_HTTP_NO_BODY)
		return wga_http_body_next(&s->body, p, len);
	if (!wga_http_inside_begins(from_client, p, len))
		return BAD;
	head = wga_http_head_length(p, len);
	return head > WGA_HTTP_INSIDE_MAX ||
	       (!head && len > WGA_HTTP_INSIDE_MAX) ? BAD : head;
}

static size_t http_length(struct wga_stream *st, bool from_client,
			  const uint8_t *p, size_t len)
{
	size_t head = wga_http_head_length(p, len), body = 0;

	if (!(from_client ? wga_http_request_begins(p, len) :
			    wga_http_answer_begins(p, len)))
		return BAD;
	if (head > WGA_HTTP_HEAD_MAX || (!head && len > WGA_HTTP_HEAD_MAX))
		return BAD;
	if (head && !from_client && !read_answer(st, p, head, &body))
		return BAD;
	return head ? head + body : 0;
}

/* Length of the unit that begins with these bytes, 0 if they do not tell,
 * BAD if they cannot be the beginning of one.
 */
static size_t unit_length(struct wga_stream *st, bool from_client,
			  const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client);

	switch (s->proto) {
	case WGA_PROTO_TLS:
		if (!wga_tls_header_fits(p, len))
			return BAD;
		if (len < WGA_TLS_HEADER)
			return 0;
		return wga_tls_may_follow(&st->tls, &s->tls, from_client, p) ?
		       wga_tls_record_length(p) : BAD;
	case WGA_PROTO_TS2021:
		if (!wga_ts2021_header_fits(&s->ts2021, from_client, p, len))
			return BAD;
		return len < WGA_TS2021_HEADER ? 0 : wga_ts2021_frame_length(p);
	case WGA_PROTO_DERP:
		if (!wga_derp_header_fits(&s->derp, from_client, p, len))
			return BAD;
		return len < WGA_DERP_HEADER ? 0 : wga_derp_frame_length(p);
	default:
		if (st->inside)
			return inside_length(st, from_client, p, len);
		return http_length(st, from_client, p, len);
	}
}

size_t wga_unit_header(const struct wga_side *s)
{
	switch (s->proto) {
	case WGA_PROTO_TLS:
		return WGA_TLS_HEADER;
	case WGA_PROTO_TS2021:
		return WGA_TS2021_HEADER;
	case WGA_PROTO_DERP:
		return WGA_DERP_HEADER;
	default:
		return WGA_HTTP_INSIDE_MAX + 1;
	}
}

/* Is the body of the unit that begins with this header ciphertext? */
static bool unit_is_opaque(const struct wga_side *s, const uint8_t *p)
{
	if (s->proto == WGA_PROTO_TLS)
		return wga_tls_is_opaque(&s->tls, p);
	return s->proto == WGA_PROTO_TS2021 && wga_ts2021_is_opaque(p);
}

static void upgrade(struct wga_stream *st, struct wga_side *s)
{
	if (st->exchange == WGA_HTTP_TS2021) {
		s->proto = WGA_PROTO_TS2021;
		s->ts2021 = (struct wga_ts2021_side){ 0 };
	} else if (st->exchange == WGA_HTTP_DERP) {
		s->proto = WGA_PROTO_DERP;
		s->derp = (struct wga_derp_side){ 0 };
		st->derp = true;
	}
}

static enum wga_segment http_unit(struct wga_stream *st, bool from_client,
				  const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client);
	enum wga_http_exchange exchange;
	size_t head, body;

	if (from_client) {
		if (!wga_http_request(p, len, &exchange, &st->fast_start) ||
		    !wga_stream_may_ask(st, exchange))
			return WGA_SEGMENT_TEXT;
		st->asked = true;
		st->answered = false;
		st->exchange = (uint8_t)exchange;
		upgrade(st, s);
		return WGA_SEGMENT_FINE;
	}
	head = wga_http_head_length(p, len);
	body = len - head;
	if (st->answered || (body && !wga_http_key_body(p + head, body)))
		return WGA_SEGMENT_TEXT;
	st->answered = true;
	upgrade(st, s);
	return WGA_SEGMENT_FINE;
}

static enum wga_segment inside_request(struct wga_stream *st, const uint8_t *p,
				       size_t len)
{
	struct wga_http_asked asked;

	if (!wga_http_inside_request(p, len, &asked))
		return WGA_SEGMENT_TEXT;
	st->asked = true;
	st->answered = false;
	st->exchange = (uint8_t)asked.exchange;
	st->fast_start = asked.fast_start;
	st->bodyless = asked.bodyless;
	upgrade(st, side_of(st, true));
	return WGA_SEGMENT_FINE;
}

/* The upgrade was refused: another request may follow. */
static void downgrade(struct wga_side *client)
{
	bool none = client->proto == WGA_PROTO_TS2021 ?
		    !client->ts2021.frames : !client->derp.frames;

	if (client->proto == WGA_PROTO_HTTP || !none || client->unit_len)
		return;
	client->proto = WGA_PROTO_HTTP;
	client->body = (struct wga_http_body){ 0 };
}

static enum wga_segment inside_answer(struct wga_stream *st, const uint8_t *p,
				      size_t len)
{
	struct wga_side *s = side_of(st, false);
	struct wga_http_asked asked = {
		.exchange = st->exchange, .bodyless = st->bodyless,
	};
	bool upgraded;

	if (s->body.framing != WGA_HTTP_NO_BODY) {
		wga_http_body_take(&s->body, p, len);
		return WGA_SEGMENT_FINE;
	}
	if (!st->asked || st->answered ||
	    !wga_http_inside_answer(p, len, &asked, &upgraded, &s->body))
		return WGA_SEGMENT_TEXT;
	st->answered = true;
	if (upgraded)
		upgrade(st, s);
	else
		downgrade(side_of(st, true));
	return WGA_SEGMENT_FINE;
}

/* What a TLS record does to the state of its side; the body need not be there
 * if it is ciphertext.
 */
static enum wga_segment tls_unit(struct wga_stream *st, bool from_client,
				 const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client);
	enum wga_segment ret = wga_tls_record(&st->tls, &s->tls, from_client,
					      p, len);

	if (from_client && p[0] == WGA_TLS_HANDSHAKE && s->tls.hellos)
		st->law.fresh = true;
	if (!from_client && p[0] == WGA_TLS_HANDSHAKE)
		wga_opening_begin(st);
	if (p[0] != WGA_TLS_DATA)
		return ret;
	st->records++;
	if (from_client && st->tls.version != WGA_TLS_12)
		wga_derp_law_add(&st->law, len - WGA_TLS_HEADER);
	return ret;
}

/* What a unit does to the state of its side */
static enum wga_segment unit_state(struct wga_stream *st, bool from_client,
				   const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client);

	switch (s->proto) {
	case WGA_PROTO_TLS:
		return tls_unit(st, from_client, p, len);
	case WGA_PROTO_TS2021:
		wga_ts2021_frame(&s->ts2021, p);
		st->error = st->error || s->ts2021.error;
		st->records++;
		return WGA_SEGMENT_FINE;
	case WGA_PROTO_DERP:
		return wga_derp_frame(&st->derp_ends, &s->derp, from_client, p,
				      len, st->packet, st->arg);
	default:
		if (st->inside)
			return from_client ? inside_request(st, p, len) :
					     inside_answer(st, p, len);
		return http_unit(st, from_client, p, len);
	}
}

static enum wga_segment judge_unit(struct wga_stream *st, bool from_client,
				   const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client);
	bool opaque = unit_is_opaque(s, p);
	size_t header = wga_unit_header(s);
	enum wga_segment ret;

	ret = unit_state(st, from_client, p, len);
	st->shut = st->shut || s->proto != WGA_PROTO_TLS;
	if (!opaque)
		return ret;
	if (s->opaque_from == UINT64_MAX)
		s->opaque_from = s->fed;
	if (wga_opening_due(st, from_client))
		return wga_segment_worse(ret,
			wga_opening_record(st, from_client, p, len));
	st->shut = true;
	return wga_segment_worse(ret, wga_judge_body(&s->sum, p + header,
						     len - header));
}

enum wga_segment wga_stream_break(struct wga_stream *st, bool from_client,
				  const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client);
	enum wga_segment ret = wga_judge_refuse(p, len);

	if (s->unit_len)
		ret = wga_segment_worse(ret, wga_judge_refuse(s->unit,
							      s->unit_len));
	wga_stream_drop_unit(s);
	wga_opening_stop(st);
	s->step = WGA_STEP_BROKEN;
	if (!st->asked && s->proto == WGA_PROTO_HTTP)
		s->proto = WGA_PROTO_NONE;
	return ret;
}

/* No memory for a unit: what cannot be judged is a gap. */
static enum wga_segment run_out(struct wga_stream *st, struct wga_side *s,
				const uint8_t *p, size_t len)
{
	wga_stream_drop_unit(s);
	wga_opening_stop(st);
	s->headless = 0;
	s->gap = true;
	s->step = WGA_STEP_LOST;
	return wga_judge_piece(p, len);
}

/* The first bytes of a unit, or of what is left of a cut one, wait. @fresh of
 * them came with this segment.
 */
static enum wga_segment judge_waiting(const struct wga_side *s, size_t fresh)
{
	size_t from = s->headless ? 0 : wga_unit_header(s);

	if (s->unit_len <= from)
		return WGA_SEGMENT_FINE;
	if (s->unit_len - from > fresh + WGA_TAIL)
		from = s->unit_len - fresh - WGA_TAIL;
	if (s->headless || unit_is_opaque(s, s->unit))
		return wga_judge_cut(s->unit + from, s->unit_len - from);
	if (s->proto != WGA_PROTO_DERP)
		return WGA_SEGMENT_FINE;
	return wga_judge_has_run(s->unit + from, s->unit_len - from) ?
	       WGA_SEGMENT_TEXT : WGA_SEGMENT_FINE;
}

/* The unit that waits has come to its end. */
static enum wga_segment finish_waiting(struct wga_stream *st, bool from_client)
{
	struct wga_side *s = side_of(st, from_client);
	enum wga_segment ret;

	if (s->headless)
		ret = wga_judge_body(&s->sum, s->unit, s->unit_len);
	else
		ret = judge_unit(st, from_client, s->unit, s->unit_len);
	s->headless = 0;
	wga_stream_drop_unit(s);
	return ret;
}

/* Add bytes to the unit that waits, and judge it if it is whole then.
 * @taken: how many bytes of @p belong to it
 */
static enum wga_segment add_waiting(struct wga_stream *st, bool from_client,
				    const uint8_t *p, size_t len, size_t *taken)
{
	struct wga_side *s = side_of(st, from_client);
	size_t total = s->headless, limit, before = s->unit_len;

	if (!total && before)
		total = unit_length(st, from_client, s->unit, before);
	limit = total ? total : wga_unit_header(s);
	*taken = len < limit - before ? len : limit - before;
	if (!wga_unit_reserve(s, limit) || !unit_append(s, p, *taken)) {
		*taken = len;
		return run_out(st, s, p, len);
	}
	if (!total)
		total = unit_length(st, from_client, s->unit, s->unit_len);
	if (total == BAD) {
		s->unit_len = (uint32_t)before;
		*taken = len;
		return wga_stream_break(st, from_client, p, len);
	}
	if (total && s->unit_len >= total) {
		*taken -= s->unit_len - total;
		s->unit_len = (uint32_t)total;
		return finish_waiting(st, from_client);
	}
	/* what can be opened will tell more when it is whole */
	if (*taken < len || wga_opening_due(st, from_client))
		return WGA_SEGMENT_FINE;
	return judge_waiting(s, *taken);
}

enum wga_segment wga_stream_units(struct wga_stream *st, bool from_client,
				  const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client);
	enum wga_segment ret = WGA_SEGMENT_FINE;
	size_t n;

	while (len && s->step == WGA_STEP_IN) {
		n = s->unit_len || s->headless ? 0 :
		    unit_length(st, from_client, p, len);
		if (n == BAD)
			return wga_segment_worse(ret,
				wga_stream_break(st, from_client, p, len));
		if (n && n <= len) {
			ret = wga_segment_worse(ret,
				judge_unit(st, from_client, p, n));
		} else {
			ret = wga_segment_worse(ret,
				add_waiting(st, from_client, p, len, &n));
		}
		p += n;
		len -= n;
	}
	return ret;
}

/* How much of the ciphertext that waits is still to come? 0: it is none */
static size_t waiting_rest(const struct wga_side *s)
{
	size_t header = wga_unit_header(s);

	if (s->headless)
		return s->headless - s->unit_len;
	if (s->unit_len < header || !unit_is_opaque(s, s->unit))
		return 0;
	return (s->proto == WGA_PROTO_TLS ? wga_tls_record_length(s->unit) :
		wga_ts2021_frame_length(s->unit)) - s->unit_len;
}

enum wga_segment wga_stream_peek(const struct wga_stream *st, bool from_client)
{
	const struct wga_side *s = &st->side[from_client ? WGA_SIDE_CLIENT :
							   WGA_SIDE_SERVER];

	if (s->step != WGA_STEP_IN || !s->unit_len)
		return WGA_SEGMENT_FINE;
	return judge_waiting(s, s->unit_len);
}

bool wga_stream_waits_clear(const struct wga_stream *st, bool from_client)
{
	const struct wga_side *s = &st->side[from_client ? WGA_SIDE_CLIENT :
							   WGA_SIDE_SERVER];

	return s->step == WGA_STEP_IN && s->unit_len && !waiting_rest(s);
}

enum wga_segment wga_stream_park(struct wga_stream *st, bool from_client)
{
	struct wga_side *s = side_of(st, from_client);
	size_t rest;
	enum wga_segment ret;

	if (s->step != WGA_STEP_IN || !s->unit_len)
		return WGA_SEGMENT_FINE;
	rest = waiting_rest(s);
	if (!rest)
		return WGA_SEGMENT_FINE;
	wga_opening_stop(st);
	ret = wga_stream_peek(st, from_client);
	if (!s->headless)
		ret = wga_segment_worse(ret,
					unit_state(st, from_client, s->unit,
						   s->unit_len + rest));
	wga_stream_drop_unit(s);
	s->headless = (uint32_t)rest;
	return ret;
}

void wga_stream_skip(struct wga_stream *st, bool from_client, uint32_t n)
{
	struct wga_side *s = side_of(st, from_client);

	s->fed += n;
	s->gap = true;
	wga_opening_stop(st);
	if (s->opaque_from == UINT64_MAX)
		st->tls.blind = true;
	if (from_client && st->law.records < 3)
		st->law.fresh = false;
	if (s->step == WGA_STEP_IN && waiting_rest(s) >= n) {
		if (wga_stream_park(st, from_client) != WGA_SEGMENT_FINE)
			st->spliced = true;
		s->headless -= n;
		return;
	}
	wga_stream_drop_unit(s);
	s->headless = 0;
	if (s->step != WGA_STEP_BROKEN)
		s->step = WGA_STEP_LOST;
}
