/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The first byte chooses link type and whether the frame is cut, two are the
 * length of a comment and two what the frame had beyond what was captured; then
 * come comment and frame. A comment that is read must fit the frame; without
 * trust such a frame is cut short and never more. A whole frame that can be
 * elided must come out of it as it went in: on bridges that believe it, the flows
 * and sessions of both are one.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/bridge_internal.h"
#include "analyze/elide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wga_elision elision;

static void require(int condition)
{
	if (!condition)
		abort();
}

static void *copy_of(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	require(copy != NULL);
	memcpy(copy, p, n);
	return copy;
}

static struct wga_bridge *observed(const struct wga_config *cfg,
				   const struct wga_frame *frame)
{
	struct wga_bridge *br = wga_bridge_new(cfg, "fuzz", false);
	struct wga_batch batch = { .count = 1, .frame = { *frame } };

	require(br != NULL);
	wga_bridge_observe(br, &batch);
	require(wga_flow_count(br->flows) == 1 && br->frames == 1);
	return br;
}

static enum wga_kind kind_of(const struct wga_bridge *br)
{
	return (enum wga_kind)wga_flow_at(br->flows, 0)->key.kind;
}

static uint64_t truncated(const struct wga_bridge *br)
{
	return br->marks[WGA_CODE_TRUNCATED_FRAMES].count;
}

/* what is read covers the payload, and is data */
static size_t check_read(const struct wga_frame *frame)
{
	struct wga_wg_messages out = { 0 };
	struct wga_packet pkt;
	size_t i, n, sum = 0;

	wga_packet_parse(frame, &pkt);
	if (!wga_elided_read(frame, &pkt, &out)) {
		require(out.n == 0);
		free(out.m);
		return 0;
	}
	for (i = 0; i < out.n; i++) {
		const struct wga_wg_message *m = &out.m[i];

		require(m->type == WGA_WG_DATA && !m->p);
		require(m->len >= WGA_WG_DATA_MIN && m->len <= out.m[0].len);
		require(m->high <= m->len - WGA_WG_DATA_HEADER);
		sum += m->len;
	}
	require(sum + 8 == pkt.wire_len && frame->caplen < frame->len);
	n = out.n;
	free(out.m);
	return n;
}

/* A frame that was cut is believed if it may be, and else is what it is. */
static void check_cut(const struct wga_frame *frame)
{
	const size_t n = check_read(frame);
	struct wga_config cfg;
	struct wga_bridge *br;
	struct wga_err err;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		bool trusted = i == 1;

		wga_config_init(&cfg);
		cfg.trust_elided = i > 0;
		if (i == 2)
			wga_config_canary(&cfg, "canary-8d1f", &err);
		br = observed(&cfg, frame);
		require(br->elided == (trusted ? n : 0));
		require(br->distrusted == (trusted ? 0 : n));
		if (frame->caplen < frame->len)
			require(truncated(br) == !(trusted && n));
		else
			require(n == 0);
		if (n && !trusted)
			require(br->sessions.n == 0 &&
				kind_of(br) != WGA_KIND_WIREGUARD);
		wga_bridge_free(br);
		wga_config_free(&cfg);
	}
}

static void require_same(const struct wga_bridge *a, const struct wga_bridge *b)
{
	const struct wga_flow *x = wga_flow_at(a->flows, 0);
	const struct wga_flow *y = wga_flow_at(b->flows, 0);
	const struct wga_flow_cold *c = wga_flow_cold_at(a->flows, 0);
	const struct wga_flow_cold *d = wga_flow_cold_at(b->flows, 0);
	uint32_t i;

	require(wga_flow_key_equal(&x->key, &y->key));
	require(x->bytes == y->bytes && x->frames == y->frames);
	require(c->messages == d->messages && c->high == d->high &&
		c->opaque == d->opaque);
	require(a->sessions.n == b->sessions.n);
	for (i = 0; i < a->sessions.n; i++) {
		const struct wga_session *s = &a->sessions.s[i];
		const struct wga_session *t = &b->sessions.s[i];

		require(s->receiver == t->receiver &&
			s->messages == t->messages && s->odd == t->odd &&
			s->reused == t->reused &&
			s->counter_min == t->counter_min &&
			s->counter_max == t->counter_max);
		require(s->reused || !wga_session_conflict(s, t));
	}
}

static void check_whole(const struct wga_frame *frame)
{
	struct wga_bridge *a, *b;
	struct wga_config cfg;

	wga_config_init(&cfg);
	cfg.trust_elided = true;
	a = observed(&cfg, frame);
	if (kind_of(a) == WGA_KIND_WIREGUARD && wga_elide(&elision, frame)) {
		struct wga_frame cut = elision.frame;

		require(cut.elided_len == strlen(elision.text));
		cut.data = copy_of(cut.data, cut.caplen);
		b = observed(&cfg, &cut);
		require(!truncated(b) && b->elided > 0);
		require_same(a, b);
		wga_bridge_free(b);
		check_cut(&cut);
		free((void *)cut.data);
	}
	wga_bridge_free(a);
	wga_config_free(&cfg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t links[] = {
		WGA_LINK_ETHERNET, WGA_LINK_RAW, WGA_LINK_SLL, WGA_LINK_SLL2,
	};
	struct wga_frame frame = { .number = 1, .time_ns = 1 };
	size_t comment, rest;

	if (size < 5)
		return 0;
	frame.link = links[data[0] & 3];
	comment = (size_t)(data[1] | data[2] << 8);
	rest = (size_t)(data[3] | data[4] << 8);
	if (comment > size - 5)
		comment = size - 5;
	frame.caplen = (uint32_t)(size - 5 - comment);
	frame.len = frame.caplen + (data[0] & 4 ? (uint32_t)rest : 0);
	frame.data = copy_of(data + 5 + comment, frame.caplen);
	frame.elided = data[0] & 8 ? NULL : copy_of(data + 5, comment);
	frame.elided_len = comment;
	check_cut(&frame);
	if (frame.caplen == frame.len)
		check_whole(&frame);
	free((void *)frame.data);
	free((void *)frame.elided);
	wga_elision_end(&elision);
	return 0;
}
