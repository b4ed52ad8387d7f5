/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "analyze/opaque.h"
#include "analyze/stream.h"
#include "analyze/tls13.h"
#include "tests/golden/forge_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_packet(void *arg, const struct wga_derp_packet *pkt)
{
	(void)arg;
	return wga_opaque(pkt->p, pkt->len);
}

/* in the first byte: the rest is what was sealed, not what was sent */
#define SEALED	0x80

static void check(const struct wga_stream *st, bool bad)
{
	struct wga_stream_report report;

	wga_stream_report(st, true, &report);
	if ((bad && !report.spliced) ||
	    (report.opened && (report.spliced || report.gap || report.late)))
		abort();
}

/* Segments: direction and TCP flags, how far from the next byte it begins
 * (signed), length (2 bytes), payload.
 */
static void fuzz_segments(struct wga_stream *st, const uint8_t *data,
			  size_t size)
{
	uint32_t next[2] = { 0xffffff00, 0x7fffff00 };
	bool bad = false;

	while (size >= 4) {
		bool from_client = data[0] & 0x80;
		uint32_t seq = next[from_client] + (uint32_t)(int8_t)data[1];
		size_t len = (size_t)data[2] << 8 | data[3];
		uint8_t flags = data[0] & 0x1f;

		data += 4;
		size -= 4;
		if (len > size)
			len = size;
		if (wga_stream_segment(st, from_client, seq, flags, data,
				       len) != WGA_SEGMENT_FINE)
			bad = true;
		next[from_client] = seq + (uint32_t)len + (flags >> 1 & 1);
		data += len;
		size -= len;
	}
	check(st, bad);
}

/**
 * struct sealed - a connection whose secrets are known
 */
struct sealed {
	struct forge_tls t;
	struct wga_stream *st;
	uint32_t next[2];
};

static enum wga_segment say(struct sealed *c, bool from_client, const uint8_t *p,
			    size_t len)
{
	uint32_t seq = c->next[from_client];

	c->next[from_client] += (uint32_t)len;
	return wga_stream_segment(c->st, from_client, seq, 0x10, p, len);
}

/* the hello is the same each time, and its secrets are in the log */
static void shake_hands(struct sealed *c, uint8_t kind)
{
	static struct wga_keylog *log;
	uint8_t b[1024];
	size_t n;

	forge_tls_init(&c->t, WGA_TLS13_CHACHA20_SHA256, 1);
	n = forge_tls_hello(&c->t, b, "hs.test");
	if (!log)
		forge_tls_log(&c->t, &log);
	c->st = wga_stream_new(kind, log, on_packet, NULL);
	if (!c->st)
		abort();
	wga_stream_segment(c->st, true, c->next[1]++, 0x02, NULL, 0);
	wga_stream_segment(c->st, false, c->next[0]++, 0x12, NULL, 0);
	say(c, true, b, n);
	n = forge_tls_answer(&c->t, b);
	n += forge_tls_finish(&c->t, false, b + n);
	say(c, false, b, n);
	say(c, true, b, forge_tls_finish(&c->t, true, b));
}

/* Records: direction (0x80), a flipped byte (0x40), type (0x03), length (2
 * bytes), content.
 */
static void fuzz_sealed(uint8_t kind, const uint8_t *data, size_t size)
{
	static const uint8_t types[] = {
		FORGE_TLS_DATA, FORGE_TLS_DATA, FORGE_TLS_ALERT,
		FORGE_TLS_HANDSHAKE,
	};
	static uint8_t record[16384 + FORGE_SEAL_MORE];
	struct sealed c = { .next = { 0xfffffff0, 17 } };
	enum wga_segment ret;
	bool bad = false;

	shake_hands(&c, kind);
	while (size >= 3) {
		bool from_client = data[0] & 0x80, flip = data[0] & 0x40;
		size_t len = (size_t)data[1] << 8 | data[2], n;
		uint8_t type = types[data[0] & 3];

		data += 3;
		size -= 3;
		len %= 16385;
		if (len > size)
			len = size;
		n = forge_tls_seal(&c.t, from_client, type, data, len, record);
		if (flip)
			record[n - 1] ^= 1;
		ret = say(&c, from_client, record, n);
		if (flip && ret == WGA_SEGMENT_FINE)
			abort();
		bad = bad || ret != WGA_SEGMENT_FINE;
		data += len;
		size -= len;
	}
	check(c.st, bad);
	wga_stream_free(c.st);
}

/* A byte for the kind of server and for what comes behind it */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_stream *st;

	if (!size)
		return 0;
	if (data[0] & SEALED) {
		fuzz_sealed(data[0] % 3, data + 1, size - 1);
		return 0;
	}
	st = wga_stream_new(data[0] % 4, NULL, on_packet, NULL);
	if (!st)
		return 0;
	fuzz_segments(st, data + 1, size - 1);
	wga_stream_free(st);
	return 0;
}
