/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "analyze/cursor.h"
#include "analyze/opaque.h"
#include "analyze/tls.h"
#include "analyze/tls_internal.h"

/* an inner type byte and a tag (TLS 1.3); a nonce or not, and a tag (1.2) */
#define CIPHERTEXT_MIN	17
#define CLEAR_MAX	65536

/* Random bytes show a run of 31 printable ones once in 10^13 places. */
#define TEXT_RUN	31

/* handshake types of TLS 1.2 (RFC 5246, 5077, 6066) */
enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	NEW_SESSION_TICKET = 4,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CERTIFICATE_VERIFY = 15,
	CLIENT_KEY_EXCHANGE = 16,
	CERTIFICATE_STATUS = 22,
};

bool wga_tls_has_text(const uint8_t *p, size_t len)
{
	struct wga_scan scan;

	if (len < TEXT_RUN)
		return false;
	wga_scan_bytes(p, len, &scan);
	return scan.text_run >= TEXT_RUN;
}

size_t wga_tls_record_length(const uint8_t p[static WGA_TLS_HEADER])
{
	return WGA_TLS_HEADER + ((size_t)p[3] << 8 | p[4]);
}

bool wga_tls_header_fits(const uint8_t *p, size_t len)
{
	size_t body;

	if (len >= 1 && (p[0] < WGA_TLS_CCS || p[0] > WGA_TLS_DATA))
		return false;
	if (len >= 2 && p[1] != 3)
		return false;
	if (len >= 3 && (p[2] < 1 || p[2] > 3))
		return false;
	if (len < WGA_TLS_HEADER)
		return true;

	body = wga_tls_record_length(p) - WGA_TLS_HEADER;
	switch (p[0]) {
	case WGA_TLS_CCS:
		return body == 1 && (len == WGA_TLS_HEADER || p[5] == 1);
	case WGA_TLS_ALERT:
		return body == 2 || (body >= CIPHERTEXT_MIN && body <= 256);
	case WGA_TLS_HANDSHAKE:
		return body >= 4 && body <= WGA_TLS_BODY_MAX;
	default:
		return body >= CIPHERTEXT_MIN && body <= WGA_TLS_BODY_MAX;
	}
}

void wga_tls_join(struct wga_tls *tls, struct wga_tls_side *side,
		  bool from_client, const uint8_t *p, size_t len)
{
	uint8_t hello = from_client ? CLIENT_HELLO : SERVER_HELLO;

	side->have = 0;
	side->left = 0;
	if (!side->data && !side->hellos && len > WGA_TLS_HEADER &&
	    p[0] == WGA_TLS_HANDSHAKE && p[WGA_TLS_HEADER] == hello) {
		side->phase = WGA_TLS_HELLO;
		return;
	}
	tls->blind = true;
	side->phase = side->hellos && tls->version == WGA_TLS_13 ?
		      WGA_TLS_CLEAR : WGA_TLS_JOINED;
}

static bool clear_handshake(const struct wga_tls *tls,
			    const struct wga_tls_side *side)
{
	if (tls->retry && side->hellos == 1)
		return true;
	return tls->version == WGA_TLS_12 || (!tls->version && tls->blind);
}

bool wga_tls_may_follow(const struct wga_tls *tls,
			const struct wga_tls_side *side, bool from_client,
			const uint8_t p[static WGA_TLS_HEADER])
{
	size_t body = wga_tls_record_length(p) - WGA_TLS_HEADER;
	uint8_t type = p[0];

	switch (side->phase) {
	case WGA_TLS_HELLO:
		return type == WGA_TLS_HANDSHAKE ||
		       (type == WGA_TLS_ALERT && body == 2 && !from_client);
	case WGA_TLS_CLEAR:
		if (type == WGA_TLS_DATA)
			return tls->version != WGA_TLS_12;
		if (side->data)
			return false;
		if (type == WGA_TLS_HANDSHAKE)
			return clear_handshake(tls, side);
		return type == WGA_TLS_CCS ? side->ccs < 2 : body == 2;
	case WGA_TLS_KEYED:
		return type != WGA_TLS_CCS && body >= CIPHERTEXT_MIN;
	default:
		if (type == WGA_TLS_CCS)
			return side->ccs < 2 && !side->data;
		return body >= CIPHERTEXT_MIN ||
		       (type == WGA_TLS_ALERT && !side->data);
	}
}

bool wga_tls_is_opaque(const struct wga_tls_side *side,
		       const uint8_t p[static WGA_TLS_HEADER])
{
	if (p[0] == WGA_TLS_DATA)
		return true;
	if (p[0] == WGA_TLS_CCS ||
	    wga_tls_record_length(p) == WGA_TLS_HEADER + 2)
		return false;
	return side->phase == WGA_TLS_KEYED || side->phase == WGA_TLS_JOINED;
}

/* Certificates are DER: each a SEQUENCE that is exactly as long as it says. */
static bool certificates_fit(const uint8_t *p, size_t len)
{
	struct wga_cursor c = { p, len }, list, cert, inner;
	uint32_t tag;

	if (!wga_cursor_vector(&c, 3, &list) || c.n)
		return false;
	while (list.n) {
		if (!wga_cursor_vector(&list, 3, &cert) ||
		    !wga_cursor_number(&cert, 2, &tag) || tag != 0x3082 ||
		    !wga_cursor_vector(&cert, 2, &inner) || cert.n)
			return false;
	}
	return true;
}

static bool message_known(bool from_client, uint8_t type, size_t len)
{
	switch (type) {
	case CERTIFICATE:
		return true;
	case CERTIFICATE_VERIFY:
	case CLIENT_KEY_EXCHANGE:
		return from_client && len <= 1024;
	case SERVER_HELLO_DONE:
		return !from_client && !len;
	case SERVER_KEY_EXCHANGE:
	case NEW_SESSION_TICKET:
		return !from_client && len <= 2048;
	case CERTIFICATE_REQUEST:
	case CERTIFICATE_STATUS:
		return !from_client;
	default:
		return false;
	}
}

static bool message_has_names(uint8_t type)
{
	return type == CERTIFICATE || type == CERTIFICATE_REQUEST ||
	       type == CERTIFICATE_STATUS;
}

/* Part of a message body; @whole: all of it */
static enum wga_segment message_part(uint8_t type, const uint8_t *p, size_t len,
				     bool whole)
{
	if (type == CERTIFICATE && whole && !certificates_fit(p, len))
		return wga_readable(p, len) ? WGA_SEGMENT_TEXT :
					      WGA_SEGMENT_FOREIGN;
	if (!message_has_names(type) && wga_tls_has_text(p, len))
		return WGA_SEGMENT_TEXT;
	return WGA_SEGMENT_FINE;
}

/* Clear handshake messages of TLS 1.2 after the hello; they may be cut into
 * records at any place.
 */
static enum wga_segment messages(struct wga_tls_side *side, bool from_client,
				 const uint8_t *p, size_t len)
{
	enum wga_segment ret;
	size_t n;

	side->clear += (uint32_t)len;
	if (side->clear > CLEAR_MAX)
		return WGA_SEGMENT_FOREIGN;
	while (len) {
		bool whole = false;

		if (!side->left) {
			side->head[side->have++] = *p++;
			len--;
			if (side->have < sizeof(side->head))
				continue;
			side->have = 0;
			side->left = (uint32_t)side->head[1] << 16 |
				     (uint32_t)side->head[2] << 8 |
				     side->head[3];
			if (!message_known(from_client, side->head[0],
					   side->left))
				return WGA_SEGMENT_FOREIGN;
			whole = true;
		}
		n = side->left < len ? side->left : len;
		ret = message_part(side->head[0], p, n,
				   whole && n == side->left);
		if (ret != WGA_SEGMENT_FINE)
			return ret;
		side->left -= (uint32_t)n;
		p += n;
		len -= n;
	}
	return WGA_SEGMENT_FINE;
}

static enum wga_segment handshake(struct wga_tls *tls,
				  struct wga_tls_side *side, bool from_client,
				  const uint8_t *p, size_t len)
{
	struct wga_cursor c = { p, len }, body;
	enum wga_segment ret;
	uint32_t type;

	if (side->phase != WGA_TLS_HELLO && !(tls->retry && side->hellos == 1))
		return messages(side, from_client, p, len);

	if (!wga_cursor_number(&c, 1, &type) ||
	    type != (from_client ? CLIENT_HELLO : SERVER_HELLO) ||
	    !wga_cursor_vector(&c, 3, &body))
		return wga_readable(p, len) ? WGA_SEGMENT_TEXT :
					      WGA_SEGMENT_FOREIGN;
	ret = from_client ? wga_tls_client_hello(tls, body.p, body.n) :
			    wga_tls_server_hello(tls, body.p, body.n);
	side->phase = WGA_TLS_CLEAR;
	side->hellos++;
	if (ret != WGA_SEGMENT_FINE || !c.n)
		return ret;
	if (from_client || tls->version != WGA_TLS_12)
		return WGA_SEGMENT_FOREIGN;
	return messages(side, from_client, c.p, c.n);
}

enum wga_segment wga_tls_record(struct wga_tls *tls, struct wga_tls_side *side,
				bool from_client, const uint8_t *p, size_t len)
{
	const uint8_t *body = p + WGA_TLS_HEADER;

	switch (p[0]) {
	case WGA_TLS_CCS:
		side->ccs++;
		if (side->phase == WGA_TLS_CLEAR && tls->version == WGA_TLS_12)
			side->phase = WGA_TLS_KEYED;
		else if (side->phase == WGA_TLS_CLEAR && !tls->version &&
			 tls->blind)
			side->phase = WGA_TLS_JOINED;
		return body[0] == 1 ? WGA_SEGMENT_FINE : WGA_SEGMENT_FOREIGN;
	case WGA_TLS_ALERT:
		if (wga_tls_is_opaque(side, p))
			return WGA_SEGMENT_FINE;
		return body[0] >= 1 && body[0] <= 2 && body[1] <= 121 ?
			WGA_SEGMENT_FINE : WGA_SEGMENT_FOREIGN;
	case WGA_TLS_HANDSHAKE:
		if (wga_tls_is_opaque(side, p))
			return WGA_SEGMENT_FINE;
		return handshake(tls, side, from_client, body,
				 len - WGA_TLS_HEADER);
	default:
		side->data = true;
		return WGA_SEGMENT_FINE;
	}
}
