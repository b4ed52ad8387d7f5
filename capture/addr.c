/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "capture/addr.h"

static const uint8_t v4_prefix[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

struct wga_addr wga_addr_v4(const uint8_t b[static 4])
{
	struct wga_addr a;

	memcpy(a.b, v4_prefix, sizeof(v4_prefix));
	memcpy(a.b + sizeof(v4_prefix), b, 4);
	return a;
}

struct wga_addr wga_addr_v6(const uint8_t b[static 16])
{
	struct wga_addr a;

	memcpy(a.b, b, sizeof(a.b));
	return a;
}

bool wga_addr_is_v4(const struct wga_addr *a)
{
	return !memcmp(a->b, v4_prefix, sizeof(v4_prefix));
}

bool wga_addr_equal(const struct wga_addr *a, const struct wga_addr *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

bool wga_endpoint_equal(const struct wga_endpoint *a,
			const struct wga_endpoint *b)
{
	return a->port == b->port && wga_addr_equal(&a->addr, &b->addr);
}

bool wga_addr_is_overlay(const struct wga_addr *a)
{
	static const uint8_t v6[6] = { 0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0 };

	if (wga_addr_is_v4(a))
		return a->b[12] == 100 && (a->b[13] & 0xc0) == 64;
	return !memcmp(a->b, v6, sizeof(v6));
}

bool wga_addr_is_link_local(const struct wga_addr *a)
{
	if (wga_addr_is_v4(a))
		return a->b[12] == 169 && a->b[13] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool wga_addr_is_private(const struct wga_addr *a)
{
	const uint8_t *v4 = a->b + 12;

	if (wga_addr_is_link_local(a))
		return true;
	if (!wga_addr_is_v4(a))
		return (a->b[0] & 0xfe) == 0xfc;
	return v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
	       (v4[0] == 192 && v4[1] == 168);
}

bool wga_addr_is_multicast(const struct wga_addr *a)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };

	if (!wga_addr_is_v4(a))
		return a->b[0] == 0xff;
	return (a->b[12] & 0xf0) == 0xe0 ||
	       !memcmp(a->b + 12, broadcast, sizeof(broadcast));
}

bool wga_addr_is_unspecified(const struct wga_addr *a)
{
	static const uint8_t zero[16];

	if (wga_addr_is_v4(a))
		return !memcmp(a->b + 12, zero, 4);
	return !memcmp(a->b, zero, sizeof(zero));
}

static bool addr_read(const char *text, struct wga_addr *out)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1) {
		*out = wga_addr_v4(b);
		return true;
	}
	if (inet_pton(AF_INET6, text, b) == 1) {
		*out = wga_addr_v6(b);
		return true;
	}
	return false;
}

int wga_addr_parse(const char *text, struct wga_addr *out, struct wga_err *err)
{
	if (!addr_read(text, out))
		return wga_err_set(err, "usage", "\"%s\" is not an IP address",
				   text);
	return 0;
}

/* 1 to 65535 in plain digits */
static bool port_read(const char *text, uint16_t *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned int port = 0, i;

	if (!digits || digits > 5 || text[digits])
		return false;
	for (i = 0; i < digits; i++)
		port = port * 10 + (unsigned int)(text[i] - '0');
	*out = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

/* the address that [start, end) spells, without the brackets of IPv6 */
static bool host_read(const char *start, const char *end, bool *bracketed,
		      struct wga_addr *out)
{
	char host[WGA_ENDPOINT_STRLEN];

	*bracketed = end - start >= 2 && *start == '[' && end[-1] == ']';
	if (*bracketed) {
		start++;
		end--;
	}
	if (end - start >= (ptrdiff_t)sizeof(host))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(end - start), start);
	return addr_read(host, out) && (!*bracketed || strchr(host, ':'));
}

int wga_endpoint_parse(const char *text, bool need_port,
		       struct wga_endpoint *out, struct wga_err *err)
{
	const char *colon = strrchr(text, ':');
	struct wga_endpoint ep = { 0 };
	bool bracketed;

	if (!need_port && host_read(text, text + strlen(text), &bracketed,
				    &ep.addr)) {
		*out = ep;
		return 0;
	}
	if (colon && host_read(text, colon, &bracketed, &ep.addr) &&
	    (bracketed || !memchr(text, ':', (size_t)(colon - text))) &&
	    port_read(colon + 1, &ep.port)) {
		*out = ep;
		return 0;
	}
	return wga_err_set(err, "usage",
			   "\"%s\" is not %sADDR:PORT or [ADDR6]:PORT", text,
			   need_port ? "" : "ADDR, ");
}

const char *wga_addr_format(const struct wga_addr *a,
			    char buf[static WGA_ADDR_STRLEN])
{
	bool v4 = wga_addr_is_v4(a);

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->b + 12 : a->b, buf,
		  WGA_ADDR_STRLEN);
	return buf;
}
