/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A form is a way in which software writes bytes: as they are, in hexadecimal,
 * base64 (RFC 4648, sections 4 and 5), UTF-16 or percent-encoding (RFC 3986,
 * section 2.1). Base64 depends on how many bytes, modulo 3, stand before the
 * canary, and its first and last characters on the bytes beside it: there is a
 * needle for each of the three, of those characters that the canary alone
 * determines.
 */
#include <string.h>

#include "analyze/canary_internal.h"

/**
 * struct form - needles of one canary in the making
 * @b, @n:	the needle
 */
struct form {
	const uint8_t *p;
	size_t len;
	wga_needle_fn take;
	void *arg;
	uint8_t b[WGA_NEEDLE_MAX];
	size_t n;
};

static int form_done(struct form *f, enum wga_canary_form form)
{
	size_t n = f->n;

	f->n = 0;
	return n < WGA_CANARY_MIN ? 0 : f->take(f->arg, form, f->b, n);
}

static void put(struct form *f, unsigned int byte)
{
	f->b[f->n++] = (uint8_t)byte;
}

static void put_hex(struct form *f, uint8_t byte, const char *digits)
{
	put(f, (uint8_t)digits[byte >> 4]);
	put(f, (uint8_t)digits[byte & 15]);
}

static int form_hex(struct form *f, const char *digits)
{
	size_t i;

	for (i = 0; i < f->len; i++)
		put_hex(f, f->p[i], digits);
	return form_done(f, WGA_CANARY_HEX);
}

/* six bits of the canary */
static unsigned int sextet(const struct form *f, size_t bit)
{
	size_t i = bit / 8;
	unsigned int v = (unsigned int)f->p[i] << 8;

	if (i + 1 < f->len)
		v |= f->p[i + 1];
	return v >> (10 - bit % 8) & 63;
}

/* @before: bytes before the canary, modulo 3 */
static int form_base64(struct form *f, const char *last, size_t before,
		       enum wga_canary_form form)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t k = (8 * before + 5) / 6, end = 8 * (before + f->len) / 6;

	for (; k < end; k++) {
		unsigned int v = sextet(f, 6 * k - 8 * before);

		put(f, (uint8_t)(v < 62 ? alphabet[v] : last[v - 62]));
	}
	return form_done(f, form);
}

/* A character of UTF-8 (RFC 3629). Returns its length, or 0 if it is none. */
static size_t utf8(const uint8_t *p, size_t len, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;

	n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 :
	    p[0] >> 3 == 30 ? 4 : 0;
	if (!n || n > len)
		return 0;
	*c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (*c < least[n] || *c > 0x10ffff || *c >> 11 == 0x1b)
		return 0;
	return n;
}

static void put_utf16(struct form *f, uint32_t unit, bool big)
{
	put(f, (big ? unit >> 8 : unit) & 0xff);
	put(f, (big ? unit : unit >> 8) & 0xff);
}

/* What is no UTF-8 is taken for Latin-1, byte by byte. */
static int form_utf16(struct form *f, bool big)
{
	bool latin = false;
	size_t i, n;
	uint32_t c;

	for (i = 0; i < f->len && !latin; i += n) {
		n = utf8(f->p + i, f->len - i, &c);
		latin = !n;
	}
	for (i = 0; i < f->len; i += n) {
		n = 1;
		c = f->p[i];
		if (!latin)
			n = utf8(f->p + i, f->len - i, &c);
		if (c > 0xffff) {
			put_utf16(f, 0xd7c0 + (c >> 10), big);
			c = 0xdc00 | (c & 0x3ff);
		}
		put_utf16(f, c, big);
	}
	return form_done(f, big ? WGA_CANARY_UTF16BE : WGA_CANARY_UTF16LE);
}

static bool is_unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

/* @all: every byte; @plus: blanks become "+", as in HTML forms */
static int form_percent(struct form *f, const char *digits, bool all, bool plus)
{
	size_t i;

	for (i = 0; i < f->len; i++) {
		if (!all && (is_unreserved(f->p[i]) ||
			     (plus && f->p[i] == ' '))) {
			put(f, f->p[i] == ' ' ? '+' : f->p[i]);
			continue;
		}
		put(f, '%');
		put_hex(f, f->p[i], digits);
	}
	return form_done(f, WGA_CANARY_PERCENT);
}

int wga_canary_forms(const uint8_t *p, size_t len, wga_needle_fn take,
		     void *arg)
{
	static const char *const digits[] = {
		"0123456789abcdef", "0123456789ABCDEF",
	};
	struct form f = { .p = p, .len = len, .take = take, .arg = arg };
	unsigned int i;

	if (take(arg, WGA_CANARY_RAW, p, len))
		return -1;
	for (i = 0; i < 3; i++) {
		if (form_base64(&f, "+/", i, WGA_CANARY_BASE64) ||
		    form_base64(&f, "-_", i, WGA_CANARY_BASE64URL))
			return -1;
	}
	for (i = 0; i < 2; i++) {
		if (form_hex(&f, digits[i]) || form_utf16(&f, i) ||
		    form_percent(&f, digits[i], true, false) ||
		    form_percent(&f, digits[i], false, false) ||
		    form_percent(&f, digits[i], false, true))
			return -1;
	}
	return 0;
}
