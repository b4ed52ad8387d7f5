/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "analyze/stream_internal.h"

/*
 * Theory of operation
 *
 * Which protocol a direction speaks, and where its units begin. That is plain
 * for a connection seen from its first byte. One that began before the
 * capture, or that has lost bytes, is joined where a segment shows records in
 * a chain; what comes before that must look like ciphertext. Where foreign
 * bytes stood in place of a record, only a clean boundary ends the trouble.
 */

static struct wga_side *side_of(struct wga_stream *st, bool from_client)
{
	return &st->side[from_client ? WGA_SIDE_CLIENT : WGA_SIDE_SERVER];
}

/* what may be spoken at all, by what the server was declared to be */
static bool proto_allowed(const struct wga_stream *st, enum wga_proto proto)
{
	if (st->inside)
		return proto != WGA_PROTO_TLS;
	switch (proto) {
	case WGA_PROTO_TLS:
		return st->kind != WGA_STREAM_PORT80;
	case WGA_PROTO_TS2021:
		return st->kind != WGA_STREAM_DERP;
	case WGA_PROTO_DERP:
		return st->kind == WGA_STREAM_DERP ||
		       st->kind == WGA_STREAM_SHARED;
	default:
		return true;
	}
}

/* Both sides speak the same, but one may still be at the upgrade. */
static bool proto_agrees(enum wga_proto mine, enum wga_proto theirs)
{
	if (theirs == WGA_PROTO_NONE || mine == theirs)
		return true;
	return theirs != WGA_PROTO_TLS && mine != WGA_PROTO_TLS &&
	       (theirs == WGA_PROTO_HTTP || mine == WGA_PROTO_HTTP);
}

static bool start(struct wga_stream *st, bool from_client, const uint8_t *p)
{
	struct wga_side *s = side_of(st, from_client);
	enum wga_proto proto = WGA_PROTO_HTTP;

	if (p[0] == WGA_TLS_HANDSHAKE ||
	    (p[0] == WGA_TLS_ALERT && !from_client))
		proto = WGA_PROTO_TLS;
	else if (!from_client && st->fast_start &&
		 (!st->inside || p[0] != 'H'))
		proto = WGA_PROTO_DERP;
	if (!proto_allowed(st, proto) ||
	    !proto_agrees(proto, side_of(st, !from_client)->proto))
		return false;
	s->proto = (uint8_t)proto;
	s->step = WGA_STEP_IN;
	return true;
}

/* Do TLS records begin here and go on to the end of the segment? @sure: there
 * is more than one header to tell, or the end is where it should be
 */
static bool tls_chain_fits(const uint8_t *p, size_t len, bool sure)
{
	size_t at = 0;

	while (len - at >= WGA_TLS_HEADER) {
		if (!wga_tls_header_fits(p + at, len - at))
			return false;
		if (wga_tls_record_length(p + at) > len - at)
			return !sure || at > 0;
		at += wga_tls_record_length(p + at);
	}
	return at > 0 && wga_tls_header_fits(p + at, len - at);
}

/* The short headers of the other protocols say less: the chain counts only if
 * it ends where the segment does.
 */
static bool chain_fits(const struct wga_side *as, bool from_client,
		       const uint8_t *p, size_t len)
{
	size_t at = 0;

	if (as->proto == WGA_PROTO_TLS)
		return tls_chain_fits(p, len, false);
	while (at < len) {
		const uint8_t *q = p + at;
		size_t rest = len - at;

		if (rest < wga_unit_header(as))
			return false;
		if (as->proto == WGA_PROTO_TS2021) {
			if (!wga_ts2021_header_fits(&as->ts2021, from_client,
						    q, rest))
				return false;
			at += wga_ts2021_frame_length(q);
		} else {
			if (!wga_derp_header_fits(&as->derp, from_client, q,
						  rest))
				return false;
			at += wga_derp_frame_length(q);
		}
	}
	return at == len;
}

static bool join_http(const struct wga_stream *st, bool from_client,
		      const uint8_t *p, size_t len)
{
	enum wga_http_exchange exchange;
	size_t head = wga_http_head_length(p, len);
	bool fast;

	if (!head)
		return false;
	if (from_client)
		return wga_http_request(p, head, &exchange, &fast) &&
		       wga_stream_may_ask(st, exchange);
	return !st->answered && wga_http_answer_begins(p, len);
}

/* A direction whose next unit is one of @proto, if these bytes are that */
static bool join_as(struct wga_stream *st, bool from_client,
		    enum wga_proto proto, const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client), as = *s;
	struct wga_tls tls = st->tls;

	as.proto = (uint8_t)proto;
	if (proto == WGA_PROTO_HTTP) {
		if (!join_http(st, from_client, p, len))
			return false;
		*s = as;
		return true;
	}
	if (proto == WGA_PROTO_TS2021)
		as.ts2021 = (struct wga_ts2021_side){ .frames = true };
	else if (proto == WGA_PROTO_DERP)
		as.derp = (struct wga_derp_side){ .frames = 2 };
	else if (s->proto == WGA_PROTO_NONE)
		as.tls = (struct wga_tls_side){ 0 };
	if (!chain_fits(&as, from_client, p, len))
		return false;

	if (proto == WGA_PROTO_TLS) {
		if (s->step != WGA_STEP_BROKEN)
			wga_tls_join(&tls, &as.tls, from_client, p, len);
		if (!wga_tls_may_follow(&tls, &as.tls, from_client, p))
			return false;
	}
	st->tls = tls;
	st->derp = st->derp || proto == WGA_PROTO_DERP;
	*s = as;
	return true;
}

/* Try to get in step where a segment begins. */
static bool join(struct wga_stream *st, bool from_client, const uint8_t *p,
		 size_t len)
{
	static const uint8_t protos[] = {
		WGA_PROTO_TLS, WGA_PROTO_HTTP, WGA_PROTO_TS2021, WGA_PROTO_DERP,
	};
	struct wga_side *s = side_of(st, from_client);
	enum wga_proto theirs = side_of(st, !from_client)->proto;
	size_t i;

	for (i = 0; i < sizeof(protos); i++) {
		if (!proto_allowed(st, protos[i]) ||
		    !proto_agrees(protos[i], theirs) ||
		    (s->proto != WGA_PROTO_NONE && s->proto != protos[i]) ||
		    !join_as(st, from_client, protos[i], p, len))
			continue;
		wga_stream_drop_unit(s);
		/* too few bytes before this to say anything of them */
		if (s->step == WGA_STEP_LATE && s->fed > len &&
		    s->fed - len < WGA_JUDGE_LEAST)
			st->late = true;
		s->step = WGA_STEP_IN;
		return true;
	}
	return false;
}

/* While out of step: bytes must be ciphertext, also across segments. */
static enum wga_segment judge_loose(struct wga_side *s, const uint8_t *p,
				    size_t len)
{
	enum wga_segment ret = wga_judge_piece(p, len);
	uint8_t window[2 * WGA_TAIL];
	size_t n = len < WGA_TAIL ? len : WGA_TAIL, keep;

	if (s->unit_len) {
		memcpy(window, s->unit, s->unit_len);
		memcpy(window + s->unit_len, p, n);
		ret = wga_segment_worse(ret, wga_judge_piece(window,
							     s->unit_len + n));
	}
	keep = s->unit_len < WGA_TAIL - n ? s->unit_len : WGA_TAIL - n;
	if (!wga_unit_reserve(s, WGA_TAIL)) {
		s->gap = true;
		return ret;
	}
	memmove(s->unit, s->unit + s->unit_len - keep, keep);
	memcpy(s->unit + keep, p + len - n, n);
	s->unit_len = (uint32_t)(keep + n);
	return ret;
}

/* Where in a segment do TLS records begin? @len: nowhere */
static size_t find_records(const uint8_t *p, size_t len)
{
	size_t at;

	for (at = 1; at + WGA_TLS_HEADER <= len; at++)
		if (tls_chain_fits(p + at, len - at, true))
			return at;
	return len;
}

/* Out of step: what comes before the first record must at least be opaque. */
static enum wga_segment feed_loose(struct wga_stream *st, bool from_client,
				   const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client);
	size_t at = find_records(p, len);
	enum wga_segment ret = judge_loose(s, p, at);

	if (at == len)
		return ret;
	if (!join(st, from_client, p + at, len - at))
		return wga_segment_worse(ret, judge_loose(s, p + at, len - at));
	return wga_segment_worse(ret, wga_stream_units(st, from_client, p + at,
						       len - at));
}

enum wga_segment wga_stream_feed(struct wga_stream *st, bool from_client,
				 const uint8_t *p, size_t len)
{
	struct wga_side *s = side_of(st, from_client);

	s->fed += len;
	if (s->step == WGA_STEP_START && st->inside && !st->asked)
		st->mute = st->mute || wga_http2_begins(from_client, p, len);
	if (st->mute)
		return WGA_SEGMENT_FINE;
	if (s->step == WGA_STEP_START && !start(st, from_client, p))
		return wga_stream_break(st, from_client, p, len);
	if (s->step == WGA_STEP_IN || join(st, from_client, p, len))
		return wga_stream_units(st, from_client, p, len);
	if (s->step == WGA_STEP_BROKEN)
		return wga_judge_refuse(p, len);
	return feed_loose(st, from_client, p, len);
}
