/* SPDX-License-Identifier: MIT */
#ifndef WGA_ADDR_H
#define WGA_ADDR_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "capture/err.h"

/**
 * struct wga_addr - an IP address; IPv4 is held as ::ffff:a.b.c.d (RFC 4291)
 * @b:	network byte order
 */
struct wga_addr {
	uint8_t b[16];
};

/**
 * struct wga_endpoint - an address and port
 * @addr:	address
 * @port:	host byte order; 0 means any port where an option allows that
 */
struct wga_endpoint {
	struct wga_addr addr;
	uint16_t port;
};

/* "255.255.255.255", "[ffff:...]:65535" and their NUL */
#define WGA_ADDR_STRLEN		46
#define WGA_ENDPOINT_STRLEN	56

struct wga_addr wga_addr_v4(const uint8_t b[static 4]);
struct wga_addr wga_addr_v6(const uint8_t b[static 16]);
bool wga_addr_is_v4(const struct wga_addr *a);
bool wga_addr_equal(const struct wga_addr *a, const struct wga_addr *b);
/* order of the bytes, as memcmp() */
static inline int wga_addr_order(const struct wga_addr *a,
				 const struct wga_addr *b)
{
	uint64_t x, y;

	memcpy(&x, a->b, sizeof(x));
	memcpy(&y, b->b, sizeof(y));
	if (x == y) {
		memcpy(&x, a->b + 8, sizeof(x));
		memcpy(&y, b->b + 8, sizeof(y));
	}
	x = be64toh(x);
	y = be64toh(y);
	return x < y ? -1 : x > y;
}
bool wga_endpoint_equal(const struct wga_endpoint *a,
			const struct wga_endpoint *b);

/* 100.64.0.0/10 or fd7a:115c:a1e0::/48 (tailscale net/tsaddr/tsaddr.go) */
bool wga_addr_is_overlay(const struct wga_addr *a);
/* RFC 1918, RFC 3927, RFC 4193, fe80::/10 */
bool wga_addr_is_private(const struct wga_addr *a);
/* multicast of either family, or 255.255.255.255 */
bool wga_addr_is_multicast(const struct wga_addr *a);
/* 0.0.0.0 or :: */
bool wga_addr_is_unspecified(const struct wga_addr *a);
/* 169.254.0.0/16 or fe80::/10 */
bool wga_addr_is_link_local(const struct wga_addr *a);

/**
 * wga_addr_parse() - read an address
 * @text:	"10.0.0.1" or "fd00::1"
 * @out:	the address
 * @err:	"usage", naming @text
 *
 * Return: 0, or -1 with @err set.
 */
int wga_addr_parse(const char *text, struct wga_addr *out, struct wga_err *err);

/**
 * wga_endpoint_parse() - read ADDR:PORT, [ADDR6]:PORT or, if allowed, ADDR
 * @text:	what the user wrote
 * @need_port:	a missing port is an error
 * @out:	the endpoint
 * @err:	"usage", naming @text and the form that is wanted
 *
 * Return: 0, or -1 with @err set.
 */
int wga_endpoint_parse(const char *text, bool need_port,
		       struct wga_endpoint *out, struct wga_err *err);

/**
 * wga_addr_format() - write an address as text
 * @a:		address
 * @buf:	WGA_ADDR_STRLEN bytes
 *
 * Return: @buf.
 */
const char *wga_addr_format(const struct wga_addr *a,
			    char buf[static WGA_ADDR_STRLEN]);

#endif /* WGA_ADDR_H */
