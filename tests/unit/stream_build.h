/* SPDX-License-Identifier: MIT */
#ifndef STREAM_BUILD_H
#define STREAM_BUILD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Theory of operation
 *
 * Builds the bytes that tests of TCP streams need. A buffer only grows; open()
 * and close() put a length before what is written between them.
 */
struct build {
	uint8_t b[1 << 17];
	size_t n;
};

static inline void put(struct build *o, const void *p, size_t len)
{
	memcpy(o->b + o->n, p, len);
	o->n += len;
}

static inline void put_text(struct build *o, const char *text)
{
	put(o, text, strlen(text));
}

static inline void put_number(struct build *o, uint32_t v, size_t bytes)
{
	while (bytes--)
		o->b[o->n++] = (uint8_t)(v >> 8 * bytes);
}

/* the same bytes in each run; they look random (xorshift) */
static inline void put_random(struct build *o, size_t len)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	while (len--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		o->b[o->n++] = (uint8_t)(x >> 24);
	}
}

static inline size_t open_length(struct build *o, size_t bytes)
{
	put_number(o, 0, bytes);
	return o->n;
}

static inline void close_length(struct build *o, size_t from, size_t bytes)
{
	size_t len = o->n - from, end = o->n;

	o->n = from - bytes;
	put_number(o, (uint32_t)len, bytes);
	o->n = end;
}

static inline void put_extension(struct build *o, uint32_t type, const void *p,
				 size_t len)
{
	put_number(o, type, 2);
	put_number(o, (uint32_t)len, 2);
	put(o, p, len);
}

static inline void put_server_name(struct build *o, const char *name)
{
	put_number(o, 0, 2);
	put_number(o, (uint32_t)strlen(name) + 5, 2);
	put_number(o, (uint32_t)strlen(name) + 3, 2);
	put_number(o, 0, 1);
	put_number(o, (uint32_t)strlen(name), 2);
	put_text(o, name);
}

/* what a test may want to be different in a ClientHello */
struct hello_options {
	const char *name;	/* server name; default hs.test */
	const void *extension;	/* an unknown extension, its length */
	size_t extension_len;
	const void *padding;	/* a padding extension */
	size_t padding_len;
	const char *session;	/* session id of 32 bytes */
	const char *alpn;	/* ALPN extension, as on the wire */
	size_t alpn_len;
	size_t trailing;	/* random bytes behind the extensions */
};

/* ClientHello of Go: body only */
static inline void put_client_hello(struct build *o,
				    const struct hello_options *h)
{
	static const uint8_t suites[] = {
		0, 8, 0xc0, 0x2b, 0xc0, 0x2f, 0x13, 1, 0x13, 3, 1, 0,
	};
	static const uint8_t groups[] = { 0, 4, 0x11, 0xec, 0, 0x1d };
	static const uint8_t versions[] = { 4, 3, 4, 3, 3 };
	size_t list, share;

	put_number(o, 0x0303, 2);
	put_random(o, 32);
	put_number(o, 32, 1);
	if (h->session)
		put(o, h->session, 32);
	else
		put_random(o, 32);
	put(o, suites, sizeof(suites));
	list = open_length(o, 2);
	put_server_name(o, h->name ? h->name : "hs.test");
	put_extension(o, 10, groups, sizeof(groups));
	put_extension(o, 43, versions, sizeof(versions));
	if (h->extension)
		put_extension(o, 0x4a4b, h->extension, h->extension_len);
	if (h->padding)
		put_extension(o, 21, h->padding, h->padding_len);
	if (h->alpn)
		put_extension(o, 16, h->alpn, h->alpn_len);
	put_number(o, 51, 2);
	put_number(o, 38, 2);
	share = open_length(o, 2);
	put_number(o, 0x1d, 2);
	put_number(o, 32, 2);
	put_random(o, 32);
	close_length(o, share, 2);
	close_length(o, list, 2);
	put_random(o, h->trailing);
}

/* ServerHello, body only: TLS 1.3 unless @version is 0x0303 */
static inline void put_server_hello(struct build *o, uint32_t version)
{
	static const uint8_t versions[] = { 3, 4 };
	static const uint8_t renegotiation[] = { 0 };
	size_t list;

	put_number(o, 0x0303, 2);
	put_random(o, 32);
	put_number(o, 32, 1);
	put_random(o, 32);
	put_number(o, version == 0x0303 ? 0xc02f : 0x1301, 2);
	put_number(o, 0, 1);
	list = open_length(o, 2);
	if (version == 0x0303) {
		put_extension(o, 0xff01, renegotiation, 1);
	} else {
		put_extension(o, 43, versions, 2);
		put_number(o, 51, 2);
		put_number(o, 36, 2);
		put_number(o, 0x1d, 2);
		put_number(o, 32, 2);
		put_random(o, 32);
	}
	close_length(o, list, 2);
}

static inline size_t open_record(struct build *o, uint8_t type)
{
	put_number(o, type, 1);
	put_number(o, 0x0303, 2);
	return open_length(o, 2);
}

static inline void close_record(struct build *o, size_t from)
{
	close_length(o, from, 2);
}

/* a record of application data; @body as in its header */
static inline void put_data(struct build *o, size_t body)
{
	size_t from = open_record(o, 23);

	put_random(o, body);
	close_record(o, from);
}

static inline void put_ccs(struct build *o)
{
	put(o, "\x14\x03\x03\x00\x01\x01", 6);
}

static inline void put_client_hello_record(struct build *o,
					   const struct hello_options *h)
{
	size_t record = open_record(o, 22), message;

	put_number(o, 1, 1);
	message = open_length(o, 3);
	put_client_hello(o, h);
	close_length(o, message, 3);
	close_record(o, record);
}

static inline void put_server_hello_record(struct build *o, uint32_t version)
{
	size_t record = open_record(o, 22), message;

	put_number(o, 2, 1);
	message = open_length(o, 3);
	put_server_hello(o, version);
	close_length(o, message, 3);
	close_record(o, record);
}

static inline void put_derp_header(struct build *o, uint8_t type, size_t len)
{
	put_number(o, type, 1);
	put_number(o, (uint32_t)len, 4);
}

static inline void put_base64(struct build *o, const uint8_t *p, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i, j;

	for (i = 0; i < len; i += 3) {
		uint32_t v = 0;

		for (j = 0; j < 3; j++)
			v = v << 8 | (i + j < len ? p[i + j] : 0);
		for (j = 0; j < 4; j++)
			o->b[o->n++] = i + j > len ? '=' :
				(uint8_t)digits[v >> (18 - 6 * j) & 63];
	}
}

/* the client's first Noise message of protocol version 133 */
static inline void put_ts2021_handshake(struct build *o)
{
	uint8_t blob[101] = { 0, 133, 1, 0, 96 };
	struct build noise = { .n = 0 };

	put_random(&noise, 96);
	memcpy(blob + 5, noise.b, 96);
	put_base64(o, blob, sizeof(blob));
}

#define TS2021_REQUEST \
	"POST /ts2021 HTTP/1.1\r\nHost: hs.test\r\n" \
	"User-Agent: Go-http-client/1.1\r\nContent-Length: 0\r\n" \
	"Connection: upgrade\r\nUpgrade: tailscale-control-protocol\r\n" \
	"X-Tailscale-Handshake: "
#define TS2021_ANSWER \
	"HTTP/1.1 101 Switching Protocols\r\n" \
	"Upgrade: tailscale-control-protocol\r\nConnection: upgrade\r\n\r\n"
#define DERP_REQUEST \
	"GET /derp HTTP/1.1\r\nHost: hs.test\r\n" \
	"User-Agent: Go-http-client/1.1\r\nConnection: Upgrade\r\n" \
	"Upgrade: DERP\r\n\r\n"
#define DERP_ANSWER \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n" \
	"Connection: Upgrade\r\nDerp-Version: 2\r\n" \
	"Derp-Public-Key: nodekey:" \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"\r\n\r\n"
#define KEY_REQUEST \
	"GET /key?v=133 HTTP/1.1\r\nHost: hs.test\r\n" \
	"User-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n"
#define KEY_HEX \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_BODY \
	"{\"legacyPublicKey\":\"mkey:" KEY_HEX \
	"\",\"publicKey\":\"mkey:" KEY_HEX "\"}\n"
#define KEY_ANSWER \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" \
	"Date: Sun, 22 Nov 2026 05:30:41 GMT\r\nContent-Length: 176\r\n\r\n"

#endif /* STREAM_BUILD_H */
