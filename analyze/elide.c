/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/elide.h"
#include "analyze/index.h"
#include "analyze/opaque.h"
#include "capture/source.h"

#define VERSION		"1"
#define UDP_HEADER	8
#define DIGEST_LEN	16
/* What is captured behind IP: as much of the first message as the shortest ones
 * have, for what is less is malformed to Wireshark.
 */
#define KEPT		(UDP_HEADER + WGA_WG_DATA_MIN)
/* no length has more digits */
#define DIGITS_MAX	5

static const char beginning[] = WGA_SOURCE_ELIDED VERSION ": ";

/**
 * struct text - what is left of a comment
 */
struct text {
	const char *p, *end;
};

static void lasting_digest(const uint8_t *p, size_t len,
			   uint8_t digest[static DIGEST_LEN])
{
	static const unsigned char key[] = WGA_SOURCE_ELIDED VERSION;

	crypto_generichash(digest, DIGEST_LEN, p, len, key, sizeof(key) - 1);
}

/* the digest that sessions compare */
static uint64_t passing_digest(const uint8_t digest[static DIGEST_LEN])
{
	struct wga_scan scan;

	wga_scan_bytes(digest, DIGEST_LEN, &scan);
	return scan.digest;
}

uint64_t wga_elided_digest(const struct wga_wg_message *m)
{
	uint8_t digest[DIGEST_LEN];

	lasting_digest(m->p, m->len, digest);
	return passing_digest(digest);
}

static bool take_word(struct text *t, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n))
		return false;
	t->p += n;
	return true;
}

/* decimal, without leading zeros */
static bool take_number(struct text *t, uint32_t *v)
{
	const char *start = t->p;

	*v = 0;
	while (t->p < t->end && *t->p >= '0' && *t->p <= '9' &&
	       t->p - start < DIGITS_MAX)
		*v = *v * 10 + (uint32_t)(*t->p++ - '0');
	return t->p > start && (*start != '0' || t->p - start == 1);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex(struct text *t, uint8_t *out, size_t n)
{
	size_t i;

	if ((size_t)(t->end - t->p) < 2 * n)
		return false;
	for (i = 0; i < n; i++) {
		int hi = hex_digit(*t->p++), lo = hex_digit(*t->p++);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* One message; @header is that of the first one, NULL for all others */
static bool take_message(struct text *t, const uint8_t *header,
			 struct wga_wg_message *m)
{
	uint8_t digest[DIGEST_LEN], later[WGA_WG_DATA_HEADER];
	uint32_t len, high;

	if (!take_number(t, &len) || !take_word(t, ",") ||
	    !take_number(t, &high) || !take_word(t, ",") ||
	    !take_hex(t, digest, sizeof(digest)))
		return false;
	if (!header) {
		if (!take_word(t, ",") || !take_hex(t, later, sizeof(later)))
			return false;
		header = later;
	}
	if (!wga_wg_data_header(header, len, m) ||
	    high > len - WGA_WG_DATA_HEADER ||
	    wga_biased(high, len - WGA_WG_DATA_HEADER))
		return false;
	m->high = high;
	m->digest = passing_digest(digest);
	return true;
}

/* Messages that take all of @total bytes: of one length, the last may be shorter */
static bool take_messages(struct text *t, const uint8_t *header, size_t total,
			  struct wga_wg_messages *out)
{
	struct wga_wg_message *m, first = { 0 };
	size_t at = 0, before = 0;

	while (at < total) {
		m = wga_room(out->m, out->n, &out->room, sizeof(*m),
			     SIZE_MAX / sizeof(*m));
		if (!m)
			return false;
		out->m = m;
		m += out->n;
		if ((at && !take_word(t, ";")) ||
		    !take_message(t, at ? NULL : header, m))
			return false;
		if (!at)
			first = *m;
		else if (before != first.len || m->len > first.len)
			return false;
		before = m->len;
		at += m->len;
		out->n++;
	}
	return at == total && t->p == t->end &&
	       (before != total || wga_wg_single(total));
}

/* Is it a frame to one host that was cut behind the header of a message, and
 * would nothing but UDP have followed? Returns that header.
 */
static const uint8_t *cut_header(const struct wga_frame *frame,
				 const struct wga_packet *pkt)
{
	const uint8_t *udp = pkt->payload.p;

	if (pkt->state != WGA_PACKET_IP || pkt->proto != WGA_PROTO_UDP ||
	    pkt->fragment || wga_packet_to_group(pkt) ||
	    pkt->payload.len != KEPT || pkt->wire_len <= KEPT)
		return NULL;
	if (wga_be16(udp + 4) != pkt->wire_len ||
	    frame->len != (size_t)(udp - frame->data) + pkt->wire_len)
		return NULL;
	return udp + UDP_HEADER;
}

bool wga_elided_read(const struct wga_frame *frame,
		     const struct wga_packet *pkt, struct wga_wg_messages *out)
{
	size_t before = out->n;
	const uint8_t *header;
	struct text t;

	if (!frame->elided || frame->caplen >= frame->len)
		return false;
	t = (struct text){ frame->elided, frame->elided + frame->elided_len };
	header = cut_header(frame, pkt);
	if (!header || !take_word(&t, beginning) ||
	    !take_messages(&t, header, pkt->wire_len - UDP_HEADER, out)) {
		out->n = before;
		return false;
	}
	return true;
}

static char *put_hex(char *to, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		*to++ = digits[p[i] >> 4];
		*to++ = digits[p[i] & 15];
	}
	return to;
}

/* Describe the messages; false if there is not enough room. */
static bool write_text(struct wga_elision *e)
{
	/* of a message at most, with both numbers and all that stands between */
	const size_t most = 2 * DIGITS_MAX + 4 + 2 * DIGEST_LEN +
			    2 * WGA_WG_DATA_HEADER;
	uint8_t digest[DIGEST_LEN];
	char *to = e->text + sizeof(beginning) - 1;
	size_t i;

	memcpy(e->text, beginning, sizeof(beginning));
	for (i = 0; i < e->whole.n; i++) {
		const struct wga_wg_message *m = &e->whole.m[i];

		if (most > (size_t)(e->text + WGA_ELIDED_MAX - to))
			return false;
		to += sprintf(to, "%s%u,%u,", i ? ";" : "", m->len, m->high);
		lasting_digest(m->p, m->len, digest);
		to = put_hex(to, digest, sizeof(digest));
		if (i) {
			*to++ = ',';
			to = put_hex(to, m->p, WGA_WG_DATA_HEADER);
		}
	}
	*to = '\0';
	e->frame.elided_len = (size_t)(to - e->text);
	return true;
}

static bool same_message(const struct wga_wg_message *whole,
			 const struct wga_wg_message *again)
{
	return whole->type == again->type &&
	       whole->receiver == again->receiver &&
	       whole->counter == again->counter && whole->len == again->len &&
	       whole->high == again->high &&
	       wga_elided_digest(whole) == again->digest;
}

/* What is read of the shorter frame must be what is in the whole one. */
static bool reads_back(struct wga_elision *e)
{
	struct wga_packet pkt;
	size_t i;

	e->again.n = 0;
	wga_packet_parse(&e->frame, &pkt);
	if (!wga_elided_read(&e->frame, &pkt, &e->again) ||
	    e->again.n != e->whole.n)
		return false;
	for (i = 0; i < e->whole.n; i++) {
		if (!same_message(&e->whole.m[i], &e->again.m[i]))
			return false;
	}
	return true;
}

bool wga_elide(struct wga_elision *e, const struct wga_frame *frame)
{
	struct wga_packet pkt;
	struct wga_view v;
	size_t kept;

	wga_packet_parse(frame, &pkt);
	if (frame->caplen != frame->len || pkt.state != WGA_PACKET_IP ||
	    pkt.proto != WGA_PROTO_UDP || pkt.payload.len <= KEPT)
		return false;
	v = wga_view_skip(pkt.payload, UDP_HEADER);
	e->whole.n = 0;
	if (wga_wg_parse(v, &e->whole) != WGA_WG_YES)
		return false;

	kept = (size_t)(v.p - frame->data) + WGA_WG_DATA_MIN;
	e->frame = *frame;
	e->frame.caplen = (uint32_t)kept;
	e->frame.elided = e->text;
	return write_text(e) && e->frame.elided_len < frame->len - kept &&
	       reads_back(e);
}

void wga_elision_end(struct wga_elision *e)
{
	free(e->whole.m);
	free(e->again.m);
	e->whole = e->again = (struct wga_wg_messages){ 0 };
}
