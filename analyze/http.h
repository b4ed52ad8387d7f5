/* SPDX-License-Identifier: MIT */
#ifndef WGA_HTTP_H
#define WGA_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * Three requests may be sent in the clear: the ts2021 upgrade, the DERP
 * upgrade, and the one for the control server's key. Each is known line by
 * line: the request line word for word, a closed list of headers, each at
 * most once and with a value of a known form. Whatever else is HTTP is text
 * in the clear and nothing more.
 */

#define WGA_HTTP_HEAD_MAX	1024

enum wga_http_exchange {
	WGA_HTTP_TS2021,
	WGA_HTTP_DERP,
	WGA_HTTP_KEY,
	WGA_HTTP_EXCHANGES
};

/**
 * wga_http_head_length() - length of a head, the empty line included
 *
 * Return: the length, or 0 if its end is not there.
 */
size_t wga_http_head_length(const uint8_t *p, size_t len);

/* can these be the first bytes of one of the requests, or of an answer? */
bool wga_http_request_begins(const uint8_t *p, size_t len);
bool wga_http_answer_begins(const uint8_t *p, size_t len);

/**
 * wga_http_request() - read the whole head of a request
 * @p, @len:	the head
 * @exchange:	which request it is
 * @fast_start:	the client of DERP does not wait for an answer, and gets none
 */
bool wga_http_request(const uint8_t *p, size_t len,
		      enum wga_http_exchange *exchange, bool *fast_start);

/**
 * wga_http_answer() - read the whole head of the answer to a request
 * @p, @len:	the head
 * @exchange:	what was asked for
 * @body:	length of the body that follows
 */
bool wga_http_answer(const uint8_t *p, size_t len,
		     enum wga_http_exchange exchange, size_t *body);

/* is this the body of the answer to WGA_HTTP_KEY? */
bool wga_http_key_body(const uint8_t *p, size_t len);

#endif /* WGA_HTTP_H */
