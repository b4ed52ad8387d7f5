/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/keylog.h"
#include "analyze/stream.h"
#include "tests/golden/forge_run.h"

/* The real captures with their TLS keys: connections to the server, followed
 * one by one.
 */

#define ROOT	"tests/golden/captures/"
#define SYN	0x02
#define CONNS	32

/**
 * struct conn - a connection to the server's port 443
 * @addr, @port:	the client's
 * @begun:	its SYN is in the capture
 * @packets, @strange:	in DERP, and those that are neither WireGuard nor disco
 * @named:	packets whose client had introduced itself
 * @foreign:	segments that are not fine
 */
struct conn {
	uint8_t addr[4];
	uint16_t port;
	struct wga_stream *st;
	bool begun, opened_packets;
	unsigned int packets, strange, named, foreign;
};

struct run {
	struct conn conns[CONNS];
	unsigned int n;
};

/**
 * struct segment - a TCP segment of a frame
 */
struct segment {
	const uint8_t *client, *payload;
	uint16_t port;
	bool from_client;
	uint8_t flags;
	uint32_t seq;
	size_t len;
};

static const uint8_t server[4] = { 192, 168, 100, 10 };

static bool is_message(const uint8_t *p, size_t len)
{
	if (len >= 6 && !memcmp(p, "TS\xf0\x9f\x92\xac", 6))
		return true;
	return len >= 32 && p[0] >= 1 && p[0] <= 4 && !p[1] && !p[2] && !p[3];
}

static bool on_packet(void *arg, const struct wga_derp_packet *pkt)
{
	struct conn *c = arg;

	c->packets++;
	c->named += pkt->client != NULL;
	c->strange += !is_message(pkt->p, pkt->len);
	c->opened_packets = pkt->opened;
	return true;
}

static uint32_t be(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* TCP over IPv4 over Ethernet, from or to port 443 of the server */
static bool read_segment(const struct forge_frame *f, struct segment *out)
{
	const uint8_t *ip = f->data + 14, *tcp;
	size_t header, total;

	if (f->caplen < 54 || be(f->data + 12, 2) != 0x0800 || ip[9] != 6)
		return false;
	tcp = ip + (ip[0] & 15) * 4;
	header = (size_t)(tcp[12] >> 4) * 4 + (size_t)(tcp - ip);
	total = be(ip + 2, 2);
	out->from_client = !memcmp(ip + 16, server, 4) &&
			   be(tcp + 2, 2) == 443;
	if (!out->from_client &&
	    (memcmp(ip + 12, server, 4) || be(tcp, 2) != 443))
		return false;
	out->client = ip + (out->from_client ? 12 : 16);
	out->port = (uint16_t)be(tcp + (out->from_client ? 0 : 2), 2);
	out->seq = be(tcp + 4, 4);
	out->flags = tcp[13];
	out->payload = ip + header;
	out->len = total - header;
	return true;
}

static struct conn *find_conn(struct run *r, enum wga_stream_kind kind,
			      const struct segment *s,
			      const struct wga_keylog *keys)
{
	struct conn *c;

	for (c = r->conns; c < r->conns + r->n; c++)
		if (c->port == s->port && !memcmp(c->addr, s->client, 4))
			return c;
	assert_true(r->n < CONNS);
	r->n++;
	memcpy(c->addr, s->client, 4);
	c->port = s->port;
	c->begun = s->flags & SYN;
	c->st = wga_stream_new(kind, keys, on_packet, c);
	assert_non_null(c->st);
	return c;
}

/* @victim: the frame in which a byte of the last record is flipped; SIZE_MAX:
 * none
 */
static void follow(struct run *r, enum wga_stream_kind kind,
		   const struct forge *f, const struct wga_keylog *keys,
		   size_t victim)
{
	struct segment s;

	*r = (struct run){ 0 };
	for (size_t i = 0; i < f->n; i++) {
		enum wga_segment ret;
		struct conn *c;

		if (!read_segment(&f->frames[i], &s))
			continue;
		c = find_conn(r, kind, &s, keys);
		if (i == victim)
			((uint8_t *)s.payload)[s.len - 1] ^= 1;
		ret = wga_stream_segment(c->st, s.from_client, s.seq, s.flags,
					 s.payload, s.len);
		if (i == victim) {
			((uint8_t *)s.payload)[s.len - 1] ^= 1;
			assert_int_equal(ret, WGA_SEGMENT_FOREIGN);
		}
		c->foreign += ret != WGA_SEGMENT_FINE;
	}
}

static void hang_up(struct run *r)
{
	for (unsigned int i = 0; i < r->n; i++)
		wga_stream_free(r->conns[i].st);
}

static void load(const char *folder, const char *bridge, struct forge *f,
		 struct wga_keylog **keys)
{
	struct wga_err err = { 0 };
	char path[256];
	bool shared;

	forge_init(f);
	snprintf(path, sizeof(path), ROOT "%s/%s.pcap", folder, bridge);
	if (forge_load(f, path, &err))
		fail_msg("%s", err.text);
	snprintf(path, sizeof(path), ROOT "%s/tls.keys", folder);
	*keys = NULL;
	if (wga_keylog_load(keys, path, &shared, &err))
		fail_msg("%s", err.text);
}

/**
 * struct expectation - what a bridge of a folder must show
 * @opened:	connections that began in the capture and hold ciphertext
 * @derp:	of these, carrying DERP
 * @packets:	packets in it
 */
struct expectation {
	const char *folder, *bridge;
	unsigned int opened, derp, packets;
};

static const struct expectation expectations[] = {
	{ "join-direct", "virbr-a", 6, 2, 12 },
	{ "join-direct", "virbr-b", 3, 1, 6 },
	{ "join-direct", "virbr-s", 9, 3, 18 },
	{ "relay", "virbr-a", 4, 1, 317 },
	{ "relay", "virbr-b", 4, 1, 301 },
	{ "relay", "virbr-s", 8, 2, 618 },
	{ "leave", "virbr-a", 1, 0, 0 },
	{ "late-start", "virbr-a", 0, 0, 0 },
	{ "plaintext-leak", "virbr-a", 0, 0, 0 },
};

static bool check_conn(const struct conn *c, struct expectation *got)
{
	struct wga_stream_report r;

	wga_stream_report(c->st, true, &r);
	if (r.spliced || c->foreign) {
		fprintf(stderr, "port %u: spliced\n", c->port);
		return false;
	}
	if (r.opened != (c->begun && r.records)) {
		fprintf(stderr, "port %u: %s\n", c->port, r.detail);
		return false;
	}
	if (!r.opened)
		return !c->packets;
	got->opened++;
	got->derp += r.derp;
	got->packets += c->packets;
	return !c->strange && c->named == c->packets && !r.bound && !r.broke &&
	       r.derp == (c->packets > 0) && c->opened_packets == r.derp &&
	       !r.derp == !strstr(r.detail, "TLS 1.3 opened, DERP");
}

static void test_captures(void **state)
{
	static struct run r;
	struct wga_keylog *keys;
	unsigned int failed = 0;
	struct forge f;

	(void)state;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(*expectations);
	     i++) {
		const struct expectation *e = &expectations[i];
		struct expectation got = { 0 };
		bool fits = true;

		load(e->folder, e->bridge, &f, &keys);
		follow(&r, WGA_STREAM_SHARED, &f, keys, SIZE_MAX);
		for (unsigned int j = 0; j < r.n; j++)
			fits = check_conn(&r.conns[j], &got) && fits;
		if (!fits || got.opened != e->opened || got.derp != e->derp ||
		    got.packets != e->packets) {
			fprintf(stderr, "%s/%s: %u opened, %u DERP, %u packets\n",
				e->folder, e->bridge, got.opened, got.derp,
				got.packets);
			failed++;
		}
		hang_up(&r);
		wga_keylog_free(keys);
		forge_free(&f);
	}
	assert_int_equal(failed, 0);
}

/* One byte of one record is not what was sent: that segment is named. */
static void test_flipped(void **state)
{
	static struct run r;
	struct wga_keylog *keys;
	unsigned int done = 0;
	struct segment s;
	struct forge f;

	(void)state;
	load("join-direct", "virbr-b", &f, &keys);
	for (size_t i = 0; i < f.n; i++) {
		unsigned int spliced = 0;

		/* handshake, HTTP, ts2021 and DERP, of both sides */
		if (!read_segment(&f.frames[i], &s) || s.len < 24 ||
		    s.payload[0] != 23 || done++ % 7)
			continue;
		follow(&r, WGA_STREAM_SHARED, &f, keys, i);
		for (unsigned int j = 0; j < r.n; j++) {
			struct wga_stream_report report;

			wga_stream_report(r.conns[j].st, true, &report);
			spliced += report.spliced;
			assert_true(!report.spliced || !report.opened);
		}
		assert_int_equal(spliced, 1);
		hang_up(&r);
	}
	assert_true(done > 20);
	wga_keylog_free(keys);
	forge_free(&f);
}

static void check_law(const char *folder, enum wga_stream_kind kind,
		      unsigned int expected)
{
	static struct run r;
	unsigned int bound = 0;
	struct wga_keylog *keys;
	struct forge f;

	load(folder, "virbr-s", &f, &keys);
	follow(&r, kind, &f, NULL, SIZE_MAX);
	for (unsigned int j = 0; j < r.n; j++) {
		struct wga_stream_report report;

		wga_stream_report(r.conns[j].st, true, &report);
		assert_false(report.opened || report.spliced || report.broke);
		assert_true(!report.bound || report.derp);
		bound += report.bound;
	}
	if (bound != expected)
		fail_msg("%s: %u bound", folder, bound);
	hang_up(&r);
	wga_keylog_free(keys);
	forge_free(&f);
}

/* Without keys the lengths bind what carried data, and break nowhere. */
static void test_law(void **state)
{
	static const struct {
		const char *folder;
		unsigned int bound;
	} laws[] = {
		{ "join-direct", 0 }, { "relay", 2 }, { "leave", 0 },
		{ "late-start", 0 }, { "plaintext-leak", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(laws) / sizeof(*laws); i++) {
		check_law(laws[i].folder, WGA_STREAM_SHARED, laws[i].bound);
		check_law(laws[i].folder, WGA_STREAM_DERP, laws[i].bound);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_law),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
