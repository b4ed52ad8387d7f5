/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/index.h"
#include "analyze/opaque.h"
#include "analyze/wireguard.h"

/* REJECT_AFTER_MESSAGES is 2^64 - 2^13 - 1; no session lives long enough to
 * come near 2^48, and text read as a counter always does.
 */
#define COUNTER_MAX	((uint64_t)1 << 48)

/* Data that is no GSO frame fits an Ethernet frame, a jumbo frame at most. */
#define ETHERNET_MAX	1500
#define SINGLE_MAX	9216

/* what one message turned out to be */
enum message_state {
	MESSAGE_OK,
	MESSAGE_FOREIGN,
	MESSAGE_TEXT,
};

static enum message_state foreign(const uint8_t *p, size_t len)
{
	return wga_readable(p, len) ? MESSAGE_TEXT : MESSAGE_FOREIGN;
}

/* MAC2 is zero unless the receiver is under load. */
static bool mac2_fine(const uint8_t *mac2)
{
	return wga_all_zero(mac2, 16) || wga_opaque(mac2, 16);
}

static enum message_state parse_handshake(const uint8_t *p, size_t len,
					  struct wga_wg_message *m)
{
	struct wga_scan whole;
	size_t from = m->type == WGA_WG_INITIATION ? 8 : 12;

	if (m->type == WGA_WG_COOKIE) {
		m->receiver = wga_le32(p + 4);
		from = 8;
	} else {
		m->sender = wga_le32(p + 4);
		if (m->type == WGA_WG_RESPONSE)
			m->receiver = wga_le32(p + 8);
		len -= 16;
		if (!mac2_fine(p + len))
			return foreign(p + len, 16);
	}
	if (!wga_opaque(p + from, len - from))
		return foreign(p + from, len - from);

	wga_scan_bytes(p, m->len, &whole);
	m->digest = whole.digest;
	return MESSAGE_OK;
}

static enum message_state parse_data(const uint8_t *p, size_t len,
				     struct wga_wg_message *m)
{
	const uint8_t *body = p + WGA_WG_DATA_HEADER;
	size_t n = len - WGA_WG_DATA_HEADER;
	struct wga_scan scan;

	m->receiver = wga_le32(p + 4);
	m->counter = wga_le64(p + 8);
	if (m->counter > COUNTER_MAX)
		return foreign(p + 4, len - 4);

	wga_scan_bytes(body, n, &scan);
	if (!wga_scan_opaque(&scan, n))
		return scan.text ? MESSAGE_TEXT : foreign(body, n);
	m->high = scan.high;
	m->digest = scan.digest;
	return MESSAGE_OK;
}

bool wga_wg_data_header(const uint8_t *p, size_t len, struct wga_wg_message *m)
{
	if (wga_le32(p) != WGA_WG_DATA || len < WGA_WG_DATA_MIN)
		return false;
	*m = (struct wga_wg_message){
		.type = WGA_WG_DATA, .receiver = wga_le32(p + 4),
		.counter = wga_le64(p + 8), .len = (uint32_t)len,
	};
	return m->counter <= COUNTER_MAX;
}

bool wga_wg_single(size_t len)
{
	return len <= SINGLE_MAX;
}

/* One message that takes all of @len bytes */
static enum message_state parse_message(const uint8_t *p, size_t len,
					struct wga_wg_message *m)
{
	static const size_t length[] = {
		[WGA_WG_INITIATION] = WGA_WG_INITIATION_LEN,
		[WGA_WG_RESPONSE] = WGA_WG_RESPONSE_LEN,
		[WGA_WG_COOKIE] = WGA_WG_COOKIE_LEN,
	};
	struct wga_view v = { p, len };

	if (!wga_wg_looks_like(&v))
		return foreign(p, len);

	*m = (struct wga_wg_message){
		.type = p[0], .len = (uint32_t)len, .p = p,
	};
	if (p[0] == WGA_WG_DATA) {
		if (len < WGA_WG_DATA_MIN)
			return foreign(p + 4, len - 4);
		return parse_data(p, len, m);
	}
	if (len != length[p[0]])
		return foreign(p + 4, len - 4);
	return parse_handshake(p, len, m);
}

/* Does the message at @at go on with the session of the one at @from? It
 * repeats its first eight bytes, and its counter is a small step up.
 */
static bool goes_on(const struct wga_view *v, size_t from, size_t at)
{
	const uint8_t *p = v->p + at, *q = v->p + from;

	return !memcmp(p, q, 8) && wga_le64(p + 8) - wga_le64(q + 8) - 1 < 64;
}

/* Does a new session begin at @at, and go on at twice that if there is more? */
static bool begins_anew(const struct wga_view *v, size_t at)
{
	const uint8_t *p = v->p + at;

	return wga_le32(p) == WGA_WG_DATA && wga_le64(p + 8) < 64 &&
	       (2 * at + WGA_WG_DATA_HEADER > v->len || goes_on(v, at, 2 * at));
}

/* The distance between the messages of a GSO frame, or the whole length if it
 * holds one. The second message goes on with the session of the first, or else
 * is one of the first of a new session. Ciphertext does neither by chance: that
 * is 90 bits and more.
 */
static size_t find_stride(struct wga_view v)
{
	size_t at;

	if (v.p[0] != WGA_WG_DATA || v.len < 2 * WGA_WG_DATA_MIN)
		return v.len;
	for (at = WGA_WG_DATA_MIN; at + WGA_WG_DATA_HEADER <= v.len; at += 4) {
		if (goes_on(&v, 0, at))
			return at;
	}
	/* what is no longer than one message may be read as one */
	if (v.len <= ETHERNET_MAX)
		return v.len;
	for (at = WGA_WG_DATA_MIN; at + WGA_WG_DATA_HEADER <= v.len; at += 4) {
		if (begins_anew(&v, at))
			return at;
	}
	return v.len;
}

static struct wga_wg_message *message_room(struct wga_wg_messages *out)
{
	struct wga_wg_message *m = wga_room(out->m, out->n, &out->room,
					    sizeof(*m), SIZE_MAX / sizeof(*m));

	if (!m)
		return NULL;
	out->m = m;
	return &m[out->n];
}

static enum wga_wg_answer answer(enum message_state state, bool first)
{
	if (first)
		return state == MESSAGE_TEXT ? WGA_WG_FAKE_TEXT : WGA_WG_FAKE;
	return state == MESSAGE_TEXT ? WGA_WG_SPLICED_TEXT : WGA_WG_SPLICED;
}

enum wga_wg_answer wga_wg_parse(struct wga_view v, struct wga_wg_messages *out)
{
	size_t before = out->n, stride, at;

	if (!wga_wg_looks_like(&v))
		return WGA_WG_NOT;

	/* Handshake messages have one length each, so a longer payload must be
	 * several of them.
	 */
	if (v.p[0] == WGA_WG_INITIATION)
		stride = WGA_WG_INITIATION_LEN;
	else if (v.p[0] == WGA_WG_RESPONSE)
		stride = WGA_WG_RESPONSE_LEN;
	else if (v.p[0] == WGA_WG_COOKIE)
		stride = WGA_WG_COOKIE_LEN;
	else
		stride = find_stride(v);
	if (stride == v.len && !wga_wg_single(v.len))
		return wga_readable(v.p, v.len) ? WGA_WG_FAKE_TEXT : WGA_WG_FAKE;

	for (at = 0; at < v.len; at += stride) {
		size_t n = v.len - at < stride ? v.len - at : stride;
		struct wga_wg_message *m = message_room(out);
		enum message_state state = m ?
			parse_message(v.p + at, n, m) : MESSAGE_FOREIGN;

		if (state != MESSAGE_OK) {
			out->n = before;
			return answer(state, at == 0);
		}
		out->n++;
	}
	return WGA_WG_YES;
}
