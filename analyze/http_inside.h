/* SPDX-License-Identifier: MIT */
#ifndef WGA_HTTP_INSIDE_H
#define WGA_HTTP_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/http.h"

/*
 * Theory of operation
 *
 * HTTP inside TLS that was opened. Nothing of it is readable on the wire, so
 * the question is not whether it may be read but whether it is what tailscaled
 * and its servers say to each other. The requests are a closed list (facts:
 * tailscale net/netcheck, net/dnsfallback, derp/derphttp, control/controlhttp;
 * the pages of Headscale). Headers need only be well formed, since proxies add
 * their own, except those that make an upgrade. Bodies are taken by the
 * framing that the head announces, up to a limit.
 */

#define WGA_HTTP_INSIDE_MAX	8192

/**
 * struct wga_http_asked - what a request inside TLS asks for
 * @exchange:	which upgrade, or WGA_HTTP_KEY for all other pages
 * @fast_start:	see wga_http_request()
 * @bodyless:	the answer to HEAD has no body
 */
struct wga_http_asked {
	enum wga_http_exchange exchange;
	bool fast_start, bodyless;
};

enum wga_http_framing {
	WGA_HTTP_NO_BODY,
	WGA_HTTP_LENGTH,	/* Content-Length */
	WGA_HTTP_CHUNKED,	/* before the next chunk's header */
	WGA_HTTP_CHUNK,		/* in a chunk, or in the line that ends it */
	WGA_HTTP_LAST,		/* in the empty line after the last chunk */
	WGA_HTTP_CLOSE,		/* up to the end of the connection */
};

/**
 * struct wga_http_body - the body of an answer that is being read
 * @framing:	enum wga_http_framing
 * @left:	bytes of it, or of the chunk, that are still to come
 * @total:	bytes so far
 */
struct wga_http_body {
	uint8_t framing;
	uint32_t left, total;
};

/* can these be the first bytes of a head? */
bool wga_http_inside_begins(bool from_client, const uint8_t *p, size_t len);

/* read the whole head of a request */
bool wga_http_inside_request(const uint8_t *p, size_t len,
			     struct wga_http_asked *asked);

/**
 * wga_http_inside_answer() - read the whole head of an answer
 * @p, @len:	the head
 * @asked:	what was asked for
 * @upgraded:	it is the 101 that was asked for
 * @body:	how the body follows
 */
bool wga_http_inside_answer(const uint8_t *p, size_t len,
			    const struct wga_http_asked *asked, bool *upgraded,
			    struct wga_http_body *body);

/**
 * wga_http_body_next() - length of the next part of a body
 * @body:	not WGA_HTTP_NO_BODY
 * @p, @len:	what there is
 *
 * Return: a length of at most @len, 0 if more bytes are needed to tell, or
 * SIZE_MAX if they do not fit.
 */
size_t wga_http_body_next(const struct wga_http_body *body, const uint8_t *p,
			  size_t len);

/* take in that part */
void wga_http_body_take(struct wga_http_body *body, const uint8_t *p,
			size_t len);

/**
 * wga_http2_begins() - does a side begin to speak HTTP/2 (RFC 9113, 3.4)?
 *
 * Go's client offers it where it asks for pages, and proxies accept. It is not
 * read.
 */
bool wga_http2_begins(bool from_client, const uint8_t *p, size_t len);

#endif /* WGA_HTTP_INSIDE_H */
