/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The input is a suite and a list of things that a sender does: seal content of
 * any type, change a byte of what was sealed, send bytes that were never sealed.
 * What was not sealed does not open. What opens is what was sealed, and the keys
 * are then in step: between messages an alert opens.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/tls13.h"
#include "tests/golden/forge_seal.h"

#define MESSAGES_MAX	65536
#define KEY_UPDATE	24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * struct link - a sender and a receiver
 * @messages, @n:	handshake messages that are not complete yet
 */
struct link {
	struct forge_seal from;
	struct wga_tls13 *to;
	uint8_t traffic[48];
	uint8_t messages[MESSAGES_MAX];
	size_t n;
};

static void require(int condition)
{
	if (!condition)
		abort();
}

/* in memory that ends where the record does */
static int open_copy(struct link *l, const uint8_t *p, size_t len, uint8_t *out,
		     size_t *out_len, enum wga_tls13_type *type)
{
	uint8_t *record = malloc(len + !len), *opened = malloc(len + !len);
	int ret;

	require(record && opened);
	if (len)
		memcpy(record, p, len);
	ret = wga_tls13_open(l->to, record, len, opened, out_len, type);
	if (!ret)
		memcpy(out, opened, *out_len);
	free(record);
	free(opened);
	return ret;
}

static void refuses(struct link *l, const uint8_t *p, size_t len)
{
	enum wga_tls13_type type;
	uint8_t out[1024];
	size_t out_len;

	require(open_copy(l, p, len, out, &out_len, &type));
}

/* Take handshake messages in, and turn the sender's keys as they say. */
static void follow(struct link *l, bool was_established, const uint8_t *p,
		   size_t len)
{
	size_t whole;

	require(l->n + len <= sizeof(l->messages));
	memcpy(l->messages + l->n, p, len);
	l->n += len;
	while (l->n >= 4) {
		whole = 4 + ((size_t)l->messages[1] << 16 |
			     (size_t)l->messages[2] << 8 | l->messages[3]);
		if (l->n < whole)
			break;
		if (l->messages[0] == KEY_UPDATE) {
			require(l->n == whole);
			forge_seal_update(&l->from);
		}
		l->n -= whole;
		memmove(l->messages, l->messages + whole, l->n);
	}
	if (!was_established && wga_tls13_established(l->to)) {
		require(!l->n);
		forge_seal_use(&l->from, l->from.suite, l->traffic);
	}
}

/* Hand a sealed record over; a type of zero is padding, the type is before it. */
static void deliver(struct link *l, const uint8_t *record, size_t n,
		    uint8_t type, const uint8_t *p, size_t len)
{
	bool established = wga_tls13_established(l->to);
	enum wga_tls13_type got;
	uint8_t out[1024];
	size_t out_len;

	for (; !type && len; len--)
		type = p[len - 1];
	if (open_copy(l, record, n, out, &out_len, &got)) {
		l->from.seq--;
		return;
	}
	require(got == type && out_len == len);
	require(!len || !memcmp(out, p, len));
	require(type != WGA_TLS13_DATA || established);
	if (type == WGA_TLS13_HANDSHAKE)
		follow(l, established, p, len);
	else
		require(!l->n);
}

static void in_step(struct link *l)
{
	uint8_t record[64], out[64];
	enum wga_tls13_type type;
	size_t n, len;

	if (l->n)
		return;
	n = forge_seal(&l->from, WGA_TLS13_ALERT, "\x01\x00", 2, 0, record);
	require(!open_copy(l, record, n, out, &len, &type));
	require(type == WGA_TLS13_ALERT && len == 2);
}

/* What to do, inner type, padding, length, content. Returns what it took. */
static size_t act(struct link *l, const uint8_t *p, size_t size)
{
	uint8_t record[1024];
	size_t len = p[3], n;

	if (len > size - 4)
		len = size - 4;
	if (l->n + len > MESSAGES_MAX)
		return size;
	if (p[0] % 4 == 3) {
		refuses(l, p + 4, len);
		return 4 + len;
	}
	n = forge_seal(&l->from, p[1], p + 4, len, p[2], record);
	if (p[0] % 4 == 2) {
		record[p[0] * 7u % n] ^= (uint8_t)(p[0] | 1);
		refuses(l, record, n);
		record[p[0] * 7u % n] ^= (uint8_t)(p[0] | 1);
	}
	deliver(l, record, n, p[1], p + 4, len);
	return 4 + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct link l;
	uint8_t handshake[48];
	uint16_t suite;
	size_t n;

	if (!size)
		return 0;
	suite = (uint16_t)(WGA_TLS13_AES_128_GCM_SHA256 + data[0] % 3);
	memset(handshake, 0x11, sizeof(handshake));
	memset(l.traffic, 0x22, sizeof(l.traffic));
	forge_seal_use(&l.from, suite, handshake);
	l.n = 0;
	l.to = wga_tls13_new(suite, handshake, l.traffic, l.from.len);
	require(l.to != NULL);
	for (data++, size--; size >= 4; data += n, size -= n) {
		n = act(&l, data, size);
		in_step(&l);
	}
	wga_tls13_free(l.to);
	return 0;
}
