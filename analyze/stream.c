/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/stream_internal.h"

/* TCP flags (RFC 9293) */
#define FIN	0x01
#define SYN	0x02
#define RST	0x04
#define ACK	0x10

/* bytes kept of the beginning of a direction, and for how many segments */
#define HEAD_MAX	2048
#define HEAD_AGE_MAX	32

/* a reset that is farther away says nothing of where the stream ends */
#define WINDOW_MAX	(1 << 22)

struct direction {
	struct wga_stream *st;
	bool from_client;
};

static struct wga_side *side_of(struct wga_stream *st, bool from_client)
{
	return &st->side[from_client ? WGA_SIDE_CLIENT : WGA_SIDE_SERVER];
}

static void drop_head(struct wga_side *s)
{
	if (s->head)
		wga_room_give(s->head_len);
	free(s->head);
	s->head = NULL;
	s->head_len = 0;
}

static void keep_head(struct wga_side *s, const uint8_t *p, size_t len)
{
	size_t n = HEAD_MAX - s->head_len;
	uint8_t *head;

	if (s->head_age >= HEAD_AGE_MAX)
		return;
	if (++s->head_age == HEAD_AGE_MAX) {
		drop_head(s);
		return;
	}
	if (n > len)
		n = len;
	if (!n || s->fed != s->head_len || !wga_room_take(n))
		return;
	head = realloc(s->head, s->head_len + n);
	if (!head) {
		wga_room_give(n);
		return;
	}
	memcpy(head + s->head_len, p, n);
	s->head = head;
	s->head_len = (uint16_t)(s->head_len + n);
}

static enum wga_segment on_feed(void *arg, const uint8_t *p, size_t len)
{
	struct direction *d = arg;

	keep_head(side_of(d->st, d->from_client), p, len);
	return wga_stream_feed(d->st, d->from_client, p, len);
}

static void on_skip(void *arg, uint32_t n)
{
	struct direction *d = arg;

	wga_stream_skip(d->st, d->from_client, n);
}

/* Text may stand where there is no ciphertext: in a hello or an upgrade. */
static bool ciphertext_due(const struct wga_side *s, uint64_t at)
{
	if (s->step != WGA_STEP_IN)
		return s->step != WGA_STEP_START;
	return s->proto != WGA_PROTO_DERP && at >= s->opaque_from;
}

static enum wga_segment on_ahead(void *arg, const uint8_t *p, size_t len)
{
	struct direction *d = arg;
	const struct wga_side *s = side_of(d->st, d->from_client);

	return ciphertext_due(s, s->fed) && wga_judge_has_run(p, len) ?
	       WGA_SEGMENT_TEXT : WGA_SEGMENT_FINE;
}

/* Old bytes that no digest covers, for their segments were cut differently or
 * are long gone: compare them with the first bytes sent, and what then is left
 * must at least not be text. (There are headers of records in it, which do not
 * look random if the records are small.)
 */
static enum wga_segment judge_old(const struct wga_stream *st,
				  const struct wga_side *s, uint32_t back,
				  const uint8_t *p, size_t len)
{
	uint64_t at = back <= s->fed ? s->fed - back : UINT64_MAX;

	if (at < s->head_len) {
		size_t n = s->head_len - at;

		if (n > len)
			n = len;
		if (memcmp(s->head + at, p, n))
			return wga_judge_refuse(p, n);
		at += n;
		p += n;
		len -= n;
	}
	if (!len)
		return WGA_SEGMENT_FINE;
	/* certificates are clear in TLS 1.2 */
	if (!ciphertext_due(s, at) && s->proto == WGA_PROTO_TLS &&
	    st->tls.version == WGA_TLS_12)
		return WGA_SEGMENT_FINE;
	if (wga_judge_has_run(p, len) ||
	    (ciphertext_due(s, at) && wga_judge_printed(p, len)))
		return WGA_SEGMENT_TEXT;
	return WGA_SEGMENT_FINE;
}

static enum wga_segment on_stray(void *arg, uint32_t back, const uint8_t *p,
				 size_t len, bool differs)
{
	struct direction *d = arg;
	const struct wga_side *s = side_of(d->st, d->from_client);

	if (differs)
		return wga_judge_refuse(p, len);
	/* overtaken by the segment with which a late connection was joined */
	if (!s->syn && back > s->fed) {
		d->st->late = true;
		return wga_judge_piece(p, len) == WGA_SEGMENT_TEXT ?
		       WGA_SEGMENT_TEXT : WGA_SEGMENT_FINE;
	}
	return judge_old(d->st, s, back, p, len);
}

static const struct wga_reassembly_ops ops = {
	.feed = on_feed,
	.skip = on_skip,
	.ahead = on_ahead,
	.stray = on_stray,
};

static bool is_lost(const struct wga_side *s)
{
	return s->step == WGA_STEP_LATE && s->fed;
}

/* Where TLS was opened it is known what it carries. */
static bool law_holds(const struct wga_stream *st)
{
	return st->kind == WGA_STREAM_SHARED &&
	       (!st->opened || st->shut) && wga_derp_law_holds(&st->law);
}

/* holes that were not filled, and clear bytes that wait for more */
static bool is_incomplete(const struct wga_stream *st, bool from_client)
{
	const struct wga_side *s = &st->side[from_client ? WGA_SIDE_CLIENT :
							   WGA_SIDE_SERVER];

	return s->r.n_held || (s->r.ended && !wga_reassembly_complete(&s->r)) ||
	       wga_stream_waits_clear(st, from_client);
}

void wga_side_clear(struct wga_side *s)
{
	wga_stream_drop_unit(s);
	drop_head(s);
	wga_reassembly_clear(&s->r);
	*s = (struct wga_side){ .opaque_from = UINT64_MAX };
}

/* A new connection begins on the same ports: what was found stays. */
static void restart(struct wga_stream *st)
{
	struct wga_stream_report r;
	bool c;

	wga_stream_report(st, true, &r);
	st->broke = st->broke || r.broke;
	st->unbound = st->unbound ||
		      (st->law.records && !r.opened && !r.bound);

	for (c = false;; c = true) {
		struct wga_side *s = side_of(st, c);

		st->late = st->late || is_lost(s);
		st->gap = st->gap || s->gap || is_incomplete(st, c);
		if (wga_segment_worse(wga_stream_peek(st, c),
				      wga_opening_peek(st, c)) !=
		    WGA_SEGMENT_FINE)
			st->spliced = true;
		st->shut = st->shut || s->unit_len;
		if (c)
			break;
	}
	st->derp = st->derp || law_holds(st);
	wga_opening_free(st);
	wga_side_clear(&st->side[WGA_SIDE_SERVER]);
	wga_side_clear(&st->side[WGA_SIDE_CLIENT]);
	st->tls = (struct wga_tls){ 0 };
	st->law = (struct wga_derp_law){ 0 };
	st->derp_ends = (struct wga_derp){ 0 };
	st->asked = st->answered = st->fast_start = false;
}

static void on_syn(struct wga_stream *st, bool from_client, uint32_t seq)
{
	struct wga_side *s = side_of(st, from_client);
	struct wga_side *other = side_of(st, !from_client);

	if (s->syn && s->isn == seq)
		return;
	/* it belongs to a SYN of the other side after which nothing was sent */
	if (other->syn && !other->fed && !(from_client && s->r.known))
		wga_side_clear(s);
	else if (s->r.known || other->r.known)
		restart(st);
	s->syn = true;
	s->isn = seq;
	s->step = WGA_STEP_START;
	s->r.known = true;
	s->r.next = seq + 1;
}

/* Nothing more is to be expected from a side: judge what waits, let go. */
static enum wga_segment close_side(struct wga_stream *st, bool from_client)
{
	struct wga_side *s = side_of(st, from_client);
	enum wga_segment ret = WGA_SEGMENT_FINE;

	if (wga_stream_waits_clear(st, from_client)) {
		ret = wga_judge_refuse(s->unit, s->unit_len);
		s->step = WGA_STEP_BROKEN;
	} else {
		ret = wga_stream_park(st, from_client);
	}
	ret = wga_segment_worse(ret, wga_opening_close(st, from_client));
	wga_stream_drop_unit(s);
	drop_head(s);
	s->head_age = HEAD_AGE_MAX;
	s->closed = true;
	return ret;
}

static enum wga_segment on_end(struct wga_stream *st, bool from_client,
			       uint32_t end, uint8_t flags)
{
	struct wga_side *s = side_of(st, from_client);
	enum wga_segment ret = WGA_SEGMENT_FINE;

	if (flags & RST && s->r.known &&
	    (uint32_t)(end - s->r.next) > WINDOW_MAX)
		end = s->r.next;
	if (flags & (FIN | RST))
		wga_reassembly_end(&s->r, end);
	if (flags & RST)
		ret = wga_stream_park(st, !from_client);
	if (!s->closed && wga_reassembly_complete(&s->r))
		ret = wga_segment_worse(ret, close_side(st, from_client));
	return ret;
}

enum wga_segment wga_stream_segment(struct wga_stream *st, bool from_client,
				    uint32_t seq, uint8_t flags,
				    const uint8_t *p, size_t len)
{
	struct direction d = { st, from_client };
	struct wga_side *s = side_of(st, from_client);
	enum wga_segment ret = WGA_SEGMENT_FINE;

	if (flags & SYN && !(flags & RST)) {
		on_syn(st, from_client, seq);
		seq++;
	}
	if (len && flags & RST)
		ret = wga_judge_refuse(p, len);
	else if (len)
		ret = wga_reassembly_segment(&s->r, &ops, &d, seq, p, len);
	if (s->step == WGA_STEP_LATE && len)
		st->tls.blind = true;
	ret = wga_segment_worse(ret, on_end(st, from_client,
					    flags & RST ? seq :
					    seq + (uint32_t)len, flags));
	if (ret != WGA_SEGMENT_FINE)
		st->spliced = true;
	return ret;
}

struct wga_stream *wga_stream_new(enum wga_stream_kind kind,
				  const struct wga_keylog *keylog,
				  wga_stream_packet packet, void *arg)
{
	struct wga_stream *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->kind = (uint8_t)kind;
	st->keylog = keylog;
	st->packet = packet;
	st->arg = arg;
	st->side[WGA_SIDE_SERVER].opaque_from = UINT64_MAX;
	st->side[WGA_SIDE_CLIENT].opaque_from = UINT64_MAX;
	return st;
}

void wga_stream_free(struct wga_stream *st)
{
	if (!st)
		return;
	wga_opening_free(st);
	wga_side_clear(&st->side[WGA_SIDE_SERVER]);
	wga_side_clear(&st->side[WGA_SIDE_CLIENT]);
	free(st);
}

/* TLS, as far as it is known */
static void describe_tls(const struct wga_stream *st, bool opened, char *buf,
			 size_t size)
{
	static const char *const exchanges[] = {
		[WGA_HTTP_TS2021] = ", ts2021",
		[WGA_HTTP_DERP] = ", DERP",
		[WGA_HTTP_KEY] = ", HTTP",
	};

	snprintf(buf, size, "TLS%s%s%s%s%s%s",
		 st->tls.version == WGA_TLS_13 ? " 1.3" :
		 st->tls.version == WGA_TLS_12 ? " 1.2" : "",
		 opened ? " opened" : "",
		 opened && st->asked ? exchanges[st->exchange] : "",
		 st->tls.sni[0] ? ", SNI " : "", st->tls.sni,
		 st->tls.blind ? ", joined in mid-stream" : "");
}

static void describe(const struct wga_stream *st, bool opened, char *buf,
		     size_t size)
{
	static const char *const exchanges[] = {
		[WGA_HTTP_TS2021] = "ts2021 over HTTP",
		[WGA_HTTP_DERP] = "DERP over HTTP",
		[WGA_HTTP_KEY] = "key request over HTTP",
	};
	const struct wga_side *c = &st->side[WGA_SIDE_CLIENT];
	const struct wga_side *s = &st->side[WGA_SIDE_SERVER];
	uint8_t proto = c->proto != WGA_PROTO_NONE ? c->proto : s->proto;

	if (proto == WGA_PROTO_TLS)
		describe_tls(st, opened, buf, size);
	else if (st->asked)
		snprintf(buf, size, "%s%s", exchanges[st->exchange],
			 st->error ? ", error frame in the clear" : "");
	else if (proto == WGA_PROTO_TS2021 || proto == WGA_PROTO_DERP)
		snprintf(buf, size, "%s, joined in mid-stream",
			 proto == WGA_PROTO_DERP ? "DERP" : "ts2021");
	else if (!c->fed && !s->fed)
		snprintf(buf, size, "no data");
	else
		snprintf(buf, size, "not a known protocol");
}

/* What the record lengths say of a connection that was not opened */
static void report_law(const struct wga_stream *st,
		       struct wga_stream_report *out)
{
	bool derp = st->kind == WGA_STREAM_DERP ||
		    st->kind == WGA_STREAM_SHARED;

	out->law_chance = derp ? wga_derp_law_chance(&st->law) : 1;
	if (out->opened)
		return;
	out->bound = derp && !st->unbound && wga_derp_law_binds(&st->law);
	out->broke = st->broke ||
		     (st->kind == WGA_STREAM_DERP && !out->gap && !out->late &&
		      wga_derp_law_broken(&st->law));
}

void wga_stream_report(const struct wga_stream *st, bool final,
		       struct wga_stream_report *out)
{
	bool shut = st->shut;
	unsigned int i;

	*out = (struct wga_stream_report){
		.derp = st->kind == WGA_STREAM_DERP || st->derp ||
			law_holds(st),
		.late = st->late, .gap = st->gap, .spliced = st->spliced,
		.records = st->records,
	};
	for (i = 0; i < 2; i++) {
		const struct wga_side *s = &st->side[i];

		out->late = out->late || is_lost(s);
		out->gap = out->gap || s->gap;
		if (!final)
			continue;
		shut = shut || wga_opening_waits(st, i == WGA_SIDE_CLIENT);
		out->gap = out->gap || is_incomplete(st, i == WGA_SIDE_CLIENT);
		if (wga_segment_worse(wga_stream_peek(st, i == WGA_SIDE_CLIENT),
				      wga_opening_peek(st,
						i == WGA_SIDE_CLIENT)) !=
		    WGA_SEGMENT_FINE)
			out->spliced = true;
	}
	out->opened = st->opened && !shut && !out->late && !out->gap &&
		      !out->spliced;
	report_law(st, out);
	describe(st, out->opened, out->detail, sizeof(out->detail));
}
