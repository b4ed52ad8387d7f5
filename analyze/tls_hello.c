/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "analyze/cursor.h"
#include "analyze/opaque.h"
#include "analyze/tls_internal.h"
#include "analyze/view.h"

/* shorter pieces cannot be told from random ones */
#define OPAQUE_MIN	16
/* an extension of a client that is longer is a ticket or another secret */
#define STRUCTURED_MAX	96
#define NUMBERS_MAX	256
#define EXTENSIONS_MAX	40

/* extensions (IANA, TLS ExtensionType Values) */
enum {
	SERVER_NAME = 0,
	MAX_FRAGMENT_LENGTH = 1,
	STATUS_REQUEST = 5,
	SUPPORTED_GROUPS = 10,
	EC_POINT_FORMATS = 11,
	SIGNATURE_ALGORITHMS = 13,
	ALPN = 16,
	PADDING = 21,
	ENCRYPT_THEN_MAC = 22,
	EXTENDED_MASTER_SECRET = 23,
	SESSION_TICKET = 35,
	PRE_SHARED_KEY = 41,
	EARLY_DATA = 42,
	SUPPORTED_VERSIONS = 43,
	COOKIE = 44,
	CERTIFICATE_AUTHORITIES = 47,
	SIGNATURE_ALGORITHMS_CERT = 50,
	KEY_SHARE = 51,
	RENEGOTIATION_INFO = 0xff01,
};

/* SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3) */
static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
	0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
	0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static bool random_enough(struct wga_cursor c)
{
	return c.n < OPAQUE_MIN || wga_opaque(c.p, c.n);
}

/* server_name: one host name (RFC 6066 section 3) */
static bool read_server_name(struct wga_tls *tls, struct wga_cursor c)
{
	struct wga_cursor list, name;
	uint32_t type;
	size_t i;

	if (!wga_cursor_vector(&c, 2, &list) || c.n ||
	    !wga_cursor_number(&list, 1, &type) || type ||
	    !wga_cursor_vector(&list, 2, &name) || list.n ||
	    !name.n || name.n > 253)
		return false;
	for (i = 0; i < name.n; i++)
		if (!isalnum(name.p[i]) && !memchr("-._", name.p[i], 3))
			return false;
	if (name.n < sizeof(tls->sni)) {
		memcpy(tls->sni, name.p, name.n);
		tls->sni[name.n] = '\0';
	} else {
		memcpy(tls->sni, name.p, sizeof(tls->sni) - 4);
		memcpy(tls->sni + sizeof(tls->sni) - 4, "...", 4);
	}
	return true;
}

static bool read_alpn(struct wga_cursor c)
{
	struct wga_cursor list, name;
	size_t i;

	if (!wga_cursor_vector(&c, 2, &list) || c.n || list.n > 64)
		return false;
	while (list.n) {
		if (!wga_cursor_vector(&list, 1, &name) || !name.n ||
		    name.n > 16)
			return false;
		for (i = 0; i < name.n; i++)
			if (!isgraph(name.p[i]))
				return false;
	}
	return true;
}

static bool read_client_shares(struct wga_cursor c)
{
	struct wga_cursor list, key;
	uint32_t group;

	if (!wga_cursor_vector(&c, 2, &list) || c.n)
		return false;
	while (list.n) {
		if (!wga_cursor_number(&list, 2, &group) ||
		    !wga_cursor_vector(&list, 2, &key) || !random_enough(key))
			return false;
	}
	return true;
}

static bool read_pre_shared_keys(struct wga_cursor c)
{
	struct wga_cursor identities, binders, part;
	uint32_t age;

	if (!wga_cursor_vector(&c, 2, &identities) ||
	    !wga_cursor_vector(&c, 2, &binders) || c.n)
		return false;
	while (identities.n) {
		if (!wga_cursor_vector(&identities, 2, &part) ||
		    !random_enough(part) ||
		    !wga_cursor_number(&identities, 4, &age))
			return false;
	}
	while (binders.n) {
		if (!wga_cursor_vector(&binders, 1, &part) ||
		    !random_enough(part))
			return false;
	}
	return true;
}

/* Numbers of two bytes; those that are assigned do not spell anything. */
static bool numbers_fit(struct wga_cursor list)
{
	return list.n && list.n % 2 == 0 && list.n <= NUMBERS_MAX &&
	       !wga_readable(list.p, list.n);
}

/* a vector of numbers that fills the extension */
static bool read_numbers(struct wga_cursor c, size_t bytes)
{
	struct wga_cursor list;

	return wga_cursor_vector(&c, bytes, &list) && !c.n && numbers_fit(list);
}

static bool unknown_fits(struct wga_cursor c)
{
	if (c.n < 8)
		return true;
	return c.n <= STRUCTURED_MAX ? !wga_readable(c.p, c.n) :
				       wga_opaque(c.p, c.n);
}

static bool client_extension(struct wga_tls *tls, uint32_t type,
			     struct wga_cursor c)
{
	switch (type) {
	case SERVER_NAME:
		return read_server_name(tls, c);
	case ALPN:
		return read_alpn(c);
	case KEY_SHARE:
		return read_client_shares(c);
	case PRE_SHARED_KEY:
		return read_pre_shared_keys(c);
	case SUPPORTED_VERSIONS:
		return read_numbers(c, 1);
	case SUPPORTED_GROUPS:
	case SIGNATURE_ALGORITHMS:
	case SIGNATURE_ALGORITHMS_CERT:
		return read_numbers(c, 2);
	case PADDING:
		return wga_all_zero(c.p, c.n);
	case EARLY_DATA:
		tls->early = true;
		return !c.n;
	case CERTIFICATE_AUTHORITIES:
		return false;
	default:
		return unknown_fits(c);
	}
}

static enum wga_segment malformed(const uint8_t *p, size_t len)
{
	return wga_tls_has_text(p, len) || wga_readable(p, len) ?
	       WGA_SEGMENT_TEXT : WGA_SEGMENT_FOREIGN;
}

/* Walk the extensions. What lies between the two that may hold names, SNI and
 * ALPN, must be free of text: @from is where such a stretch begins.
 */
static enum wga_segment client_extensions(struct wga_tls *tls,
					  struct wga_cursor list,
					  const uint8_t *from)
{
	struct wga_cursor body;
	unsigned int count = 0;
	uint64_t seen = 0;
	uint32_t type;

	while (list.n) {
		const uint8_t *start = list.p;

		if (++count > EXTENSIONS_MAX ||
		    !wga_cursor_number(&list, 2, &type) ||
		    !wga_cursor_vector(&list, 2, &body))
			return malformed(start, (size_t)(list.p + list.n -
							 start));
		if (type < 64) {
			if (seen >> type & 1)
				return malformed(start, body.n + 4);
			seen |= (uint64_t)1 << type;
		}
		if (!client_extension(tls, type, body))
			return malformed(start, body.n + 4);
		if (type != SERVER_NAME && type != ALPN)
			continue;
		if (wga_tls_has_text(from, (size_t)(start - from)))
			return WGA_SEGMENT_TEXT;
		from = list.p;
	}
	return wga_tls_has_text(from, (size_t)(list.p - from)) ?
	       WGA_SEGMENT_TEXT : WGA_SEGMENT_FINE;
}

/* version, random and session id, which both hellos begin with */
static bool read_beginning(struct wga_cursor *c, struct wga_cursor *random)
{
	struct wga_cursor id;
	uint32_t version;

	return wga_cursor_number(c, 2, &version) &&
	       version >= 0x0301 && version <= WGA_TLS_12 &&
	       wga_cursor_take(c, 32, random) && random_enough(*random) &&
	       wga_cursor_vector(c, 1, &id) && id.n <= 32 && random_enough(id);
}

enum wga_segment wga_tls_client_hello(struct wga_tls *tls, const uint8_t *p,
				      size_t len)
{
	struct wga_cursor c = { p, len }, random, suites, methods, list;

	if (!read_beginning(&c, &random) ||
	    !wga_cursor_vector(&c, 2, &suites) || !numbers_fit(suites) ||
	    !wga_cursor_vector(&c, 1, &methods) || methods.n != 1 ||
	    methods.p[0])
		return malformed(p, len);
	memcpy(tls->random, random.p, sizeof(tls->random));
	if (!c.n)
		return wga_tls_has_text(p, len) ? WGA_SEGMENT_TEXT :
						  WGA_SEGMENT_FINE;
	if (!wga_cursor_vector(&c, 2, &list) || c.n)
		return malformed(p, len);
	return client_extensions(tls, list, p);
}

static bool server_share(struct wga_cursor c, bool retry)
{
	struct wga_cursor key;
	uint32_t group;

	if (!wga_cursor_number(&c, 2, &group))
		return false;
	if (retry)
		return !c.n;
	return wga_cursor_vector(&c, 2, &key) && !c.n && random_enough(key);
}

static bool server_extension(struct wga_tls *tls, uint32_t type,
			     struct wga_cursor c)
{
	uint32_t version;

	switch (type) {
	case SUPPORTED_VERSIONS:
		tls->version = WGA_TLS_13;
		return wga_cursor_number(&c, 2, &version) && !c.n &&
		       version == WGA_TLS_13;
	case KEY_SHARE:
		return server_share(c, tls->retry);
	case COOKIE:
		return tls->retry && c.n <= 1024 && random_enough(c);
	case PRE_SHARED_KEY:
		return c.n == 2;
	case SERVER_NAME:
	case STATUS_REQUEST:
	case ENCRYPT_THEN_MAC:
	case EXTENDED_MASTER_SECRET:
	case SESSION_TICKET:
		return !c.n;
	case MAX_FRAGMENT_LENGTH:
	case RENEGOTIATION_INFO:
		return c.n == 1;
	case EC_POINT_FORMATS:
		return c.n <= 4;
	case ALPN:
		return read_alpn(c);
	default:
		return false;
	}
}

enum wga_segment wga_tls_server_hello(struct wga_tls *tls, const uint8_t *p,
				      size_t len)
{
	struct wga_cursor c = { p, len }, random, list = { p, 0 }, body;
	uint32_t suite, method, type;
	bool retry;

	if (!read_beginning(&c, &random) ||
	    !wga_cursor_number(&c, 2, &suite) ||
	    !wga_cursor_number(&c, 1, &method) || method ||
	    (c.n && (!wga_cursor_vector(&c, 2, &list) || c.n)))
		return malformed(p, len);

	retry = !memcmp(random.p, retry_random, sizeof(retry_random));
	if (retry && tls->retry)
		return WGA_SEGMENT_FOREIGN;
	tls->retry = retry;
	tls->version = WGA_TLS_12;
	tls->suite = (uint16_t)suite;
	while (list.n) {
		if (!wga_cursor_number(&list, 2, &type) ||
		    !wga_cursor_vector(&list, 2, &body) ||
		    !server_extension(tls, type, body))
			return malformed(p, len);
	}
	if (wga_tls_has_text(p, len))
		return WGA_SEGMENT_TEXT;
	return WGA_SEGMENT_FINE;
}
