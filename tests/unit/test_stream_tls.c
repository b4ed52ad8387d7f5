/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyze/reassembly.h"
#include "analyze/stream.h"
#include "analyze/tls13.h"
#include "stream_build.h"
#include "tests/golden/forge.h"
#include "tests/golden/forge_tls.h"

/* Connections in TLS 1.3 whose secrets are known */

#define FIN	0x01
#define SYN	0x02
#define RST	0x04
#define ACK	0x10

#define FINE	WGA_SEGMENT_FINE
#define TEXT	WGA_SEGMENT_TEXT
#define FOREIGN	WGA_SEGMENT_FOREIGN

#define SUITE	WGA_TLS13_AES_128_GCM_SHA256

/**
 * struct conn - a connection under test
 * @next:	next sequence number by direction (0: server, 1: client)
 * @packets, @last:	packets in DERP, and what was said of the last one
 * @client:	first byte of its client's key; -1: none
 */
struct conn {
	struct wga_stream *st;
	struct wga_keylog *log;
	struct forge_tls t;
	uint32_t next[2];
	struct wga_derp_packet last;
	int packets, client, peer;
};

static struct build o;
static uint8_t wire[1 << 17];

static bool on_packet(void *arg, const struct wga_derp_packet *pkt)
{
	struct conn *c = arg;

	c->packets++;
	c->last = *pkt;
	c->client = pkt->client ? pkt->client[0] : -1;
	c->peer = pkt->peer[0];
	/* the first byte of what belongs there, in these tests */
	return pkt->p[0] == 4;
}

static void syn(struct conn *c)
{
	assert_int_equal(wga_stream_segment(c->st, true, c->next[1]++, SYN,
					    NULL, 0), FINE);
	assert_int_equal(wga_stream_segment(c->st, false, c->next[0]++,
					    SYN | ACK, NULL, 0), FINE);
}

static void dial(struct conn *c, enum wga_stream_kind kind, uint16_t suite)
{
	uint8_t hello[512];

	*c = (struct conn){ .next = { 0xfffffe00, 77 } };
	/* the log needs the random, and is there before the connection */
	forge_tls_init(&c->t, suite, 1);
	forge_tls_hello(&c->t, hello, "hs.test");
	forge_tls_log(&c->t, &c->log);
	forge_tls_init(&c->t, suite, 1);
	c->st = wga_stream_new(kind, c->log, on_packet, c);
	assert_non_null(c->st);
}

static enum wga_segment at(struct conn *c, bool from_client, uint32_t seq,
			   const void *p, size_t len)
{
	return wga_stream_segment(c->st, from_client, seq, ACK, p, len);
}

static enum wga_segment say(struct conn *c, bool from_client, const void *p,
			    size_t len)
{
	enum wga_segment ret = at(c, from_client, c->next[from_client], p, len);

	c->next[from_client] += (uint32_t)len;
	return ret;
}

static enum wga_segment seal_as(struct conn *c, bool from_client, uint8_t type,
				const void *p, size_t len)
{
	return say(c, from_client, wire,
		   forge_tls_seal(&c->t, from_client, type, p, len, wire));
}

static enum wga_segment seal(struct conn *c, bool from_client, const void *p,
			     size_t len)
{
	return seal_as(c, from_client, FORGE_TLS_DATA, p, len);
}

static enum wga_segment seal_text(struct conn *c, bool from_client,
				  const char *text)
{
	return seal(c, from_client, text, strlen(text));
}

static enum wga_segment seal_built(struct conn *c, bool from_client)
{
	enum wga_segment ret = seal(c, from_client, o.b, o.n);

	o.n = 0;
	return ret;
}

/* Both sides up to Finished */
static void shake_hands(struct conn *c)
{
	size_t n;

	assert_int_equal(say(c, true, wire,
			     forge_tls_hello(&c->t, wire, "hs.test")), FINE);
	n = forge_tls_answer(&c->t, wire);
	n += forge_tls_finish(&c->t, false, wire + n);
	assert_int_equal(say(c, false, wire, n), FINE);
	assert_int_equal(say(c, true, wire,
			     forge_tls_finish(&c->t, true, wire)), FINE);
}

static void connect_as(struct conn *c, enum wga_stream_kind kind)
{
	dial(c, kind, SUITE);
	syn(c);
	shake_hands(c);
}

static struct wga_stream_report report(struct conn *c)
{
	struct wga_stream_report r;

	wga_stream_report(c->st, true, &r);
	return r;
}

static void expect(struct conn *c, bool opened, bool spliced)
{
	struct wga_stream_report r = report(c);

	assert_int_equal(r.opened, opened);
	assert_int_equal(r.spliced, spliced);
}

static void hang_up(struct conn *c)
{
	wga_stream_free(c->st);
	wga_keylog_free(c->log);
}

static void put_introduction(bool from_client)
{
	if (from_client) {
		put_derp_header(&o, 2, 32 + 24 + 16 + 32);
		put_number(&o, 0xc1, 1);
		put_random(&o, 31 + 24 + 16 + 32);
		return;
	}
	put_derp_header(&o, 1, 40);
	put(&o, "DERP\xf0\x9f\x94\x91", 8);
	put_random(&o, 32);
	put_derp_header(&o, 3, 24 + 16 + 20);
	put_random(&o, 24 + 16 + 20);
}

/* a frame with a packet that belongs there, or begins with @first */
static void put_packet(uint8_t type, size_t len, uint8_t first)
{
	put_derp_header(&o, type, 32 + len);
	put_number(&o, 0x9e, 1);
	put_random(&o, 31);
	put_number(&o, first, 1);
	put_random(&o, len - 1);
}

static void begin_derp(struct conn *c)
{
	assert_int_equal(seal_text(c, true, DERP_REQUEST), FINE);
	o.n = 0;
	put_text(&o, DERP_ANSWER);
	put_introduction(false);
	assert_int_equal(seal_built(c, false), FINE);
	put_introduction(true);
	assert_int_equal(seal_built(c, true), FINE);
}

static void test_derp(void **state)
{
	static const uint16_t suites[] = {
		WGA_TLS13_AES_128_GCM_SHA256, WGA_TLS13_AES_256_GCM_SHA384,
		WGA_TLS13_CHACHA20_SHA256,
	};
	static const enum wga_stream_kind kinds[] = {
		WGA_STREAM_DERP, WGA_STREAM_SHARED, WGA_STREAM_CONTROL,
	};
	struct wga_stream_report r;
	struct conn c;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		dial(&c, kinds[i], suites[i]);
		syn(&c);
		expect(&c, false, false);
		shake_hands(&c);
		expect(&c, true, false);
		begin_derp(&c);
		put_packet(4, 96, 4);
		assert_int_equal(seal_built(&c, true), FINE);
		assert_int_equal(c.packets, 1);
		assert_true(c.last.opened && c.last.from_client);
		assert_int_equal(c.last.len, 96);
		assert_int_equal(c.client, 0xc1);
		assert_int_equal(c.peer, 0x9e);
		put_packet(5, 148, 4);
		assert_int_equal(seal_built(&c, false), FINE);
		assert_int_equal(c.packets, 2);
		assert_true(c.last.opened && !c.last.from_client);
		assert_int_equal(c.client, 0xc1);
		r = report(&c);
		assert_true(r.opened && r.derp);
		assert_false(r.late || r.gap || r.spliced || r.bound ||
			     r.broke);
		assert_string_equal(r.detail,
				    "TLS 1.3 opened, DERP, SNI hs.test");
		hang_up(&c);
	}
}

/* the client's key is known in clear DERP too, once it was said */
static void test_clear_derp(void **state)
{
	struct conn c;

	(void)state;
	dial(&c, WGA_STREAM_DERP, SUITE);
	o.n = 0;
	put_packet(4, 96, 4);
	assert_int_equal(say(&c, true, o.b, o.n), FINE);
	assert_int_equal(c.packets, 1);
	assert_int_equal(c.client, -1);
	hang_up(&c);

	dial(&c, WGA_STREAM_DERP, SUITE);
	syn(&c);
	assert_int_equal(say(&c, true, DERP_REQUEST, strlen(DERP_REQUEST)),
			 FINE);
	assert_int_equal(say(&c, false, DERP_ANSWER, strlen(DERP_ANSWER)),
			 FINE);
	o.n = 0;
	put_introduction(false);
	assert_int_equal(say(&c, false, o.b, o.n), FINE);
	o.n = 0;
	put_introduction(true);
	put_packet(4, 96, 4);
	assert_int_equal(say(&c, true, o.b, o.n), FINE);
	assert_int_equal(c.packets, 1);
	assert_int_equal(c.client, 0xc1);
	assert_false(c.last.opened);
	expect(&c, false, false);
	hang_up(&c);
}

static void test_fast_start(void **state)
{
	struct conn c;

	(void)state;
	connect_as(&c, WGA_STREAM_DERP);
	o.n = 0;
	put_text(&o, DERP_REQUEST);
	o.n -= 2;
	put_text(&o, "Derp-Fast-Start: 1\r\n\r\n");
	put_introduction(true);
	assert_int_equal(seal_built(&c, true), FINE);
	put_introduction(false);
	assert_int_equal(seal_built(&c, false), FINE);
	put_packet(5, 96, 4);
	assert_int_equal(seal_built(&c, false), FINE);
	assert_int_equal(c.packets, 1);
	expect(&c, true, false);
	hang_up(&c);

	/* the server may refuse, in HTTP */
	connect_as(&c, WGA_STREAM_DERP);
	o.n = 0;
	put_text(&o, DERP_REQUEST);
	o.n -= 2;
	put_text(&o, "Derp-Fast-Start: 1\r\n\r\n");
	put_introduction(true);
	assert_int_equal(seal_built(&c, true), FINE);
	assert_int_equal(seal_text(&c, false, "HTTP/1.1 503 Busy\r\n"
				   "Content-Length: 4\r\n\r\nbusy"), FINE);
	expect(&c, true, false);
	hang_up(&c);

	/* nobody asked for that: there is an answer first */
	connect_as(&c, WGA_STREAM_DERP);
	assert_int_equal(seal_text(&c, true, DERP_REQUEST), FINE);
	o.n = 0;
	put_introduction(false);
	assert_int_not_equal(seal_built(&c, false), FINE);
	expect(&c, false, true);
	hang_up(&c);
}

/* what is not WireGuard or disco has no place in DERP */
static void test_leak_inside(void **state)
{
	static const char prose[] =
		"GET /secret?user=alice&password=hunter2 HTTP/1.1 Host: x ";
	struct conn c;

	(void)state;
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	put_packet(4, 96, 0x45);
	assert_int_equal(seal_built(&c, true), FOREIGN);
	expect(&c, false, true);
	assert_string_equal(report(&c).detail, "TLS 1.3, SNI hs.test");
	hang_up(&c);

	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	put_derp_header(&o, 5, 32 + sizeof(prose));
	put_random(&o, 32);
	put(&o, prose, sizeof(prose));
	assert_int_equal(seal_built(&c, false), TEXT);
	hang_up(&c);

	/* nor between the frames, behind them or instead of them */
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	put_packet(4, 96, 4);
	put_text(&o, prose);
	assert_int_equal(seal_built(&c, true), TEXT);
	assert_int_equal(c.packets, 1);
	/* the next record is a clean boundary again */
	put_packet(4, 96, 4);
	assert_int_equal(seal_built(&c, true), FINE);
	assert_int_equal(c.packets, 2);
	expect(&c, false, true);
	hang_up(&c);

	connect_as(&c, WGA_STREAM_SHARED);
	assert_int_equal(seal_text(&c, true, prose), TEXT);
	hang_up(&c);
	connect_as(&c, WGA_STREAM_SHARED);
	o.n = 0;
	put_random(&o, 200);
	assert_int_equal(seal_built(&c, true), FOREIGN);
	hang_up(&c);
	connect_as(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	put_random(&o, 200);
	assert_int_equal(seal_built(&c, false), FOREIGN);
	hang_up(&c);
	/* TLS in TLS */
	connect_as(&c, WGA_STREAM_SHARED);
	assert_int_equal(seal(&c, true, wire + 4096,
			      forge_tls_hello(&c.t, wire + 4096, "hs.test")),
			 FOREIGN);
	hang_up(&c);
}

static void test_ts2021(void **state)
{
	struct conn c;

	(void)state;
	connect_as(&c, WGA_STREAM_SHARED);
	o.n = 0;
	put_text(&o, TS2021_REQUEST);
	put_ts2021_handshake(&o);
	put_text(&o, "\r\n\r\n");
	assert_int_equal(seal_built(&c, true), FINE);
	put_text(&o, "HTTP/1.1 101 Switching Protocols\r\nVia: 1.1 Caddy\r\n"
		 "Upgrade: tailscale-control-protocol\r\n"
		 "Connection: upgrade\r\n\r\n");
	put(&o, "\x02\0\x30", 3);
	put_random(&o, 48);
	assert_int_equal(seal_built(&c, false), FINE);
	put(&o, "\x04\0\x64", 3);
	put_random(&o, 100);
	assert_int_equal(seal_built(&c, true), FINE);
	expect(&c, true, false);
	assert_false(report(&c).derp);
	assert_string_equal(report(&c).detail,
			    "TLS 1.3 opened, ts2021, SNI hs.test");
	put(&o, "\x05\0\x64", 3);
	put_random(&o, 100);
	assert_int_equal(seal_built(&c, true), FOREIGN);
	expect(&c, false, true);
	hang_up(&c);
}

#define GET(path)	"GET " path " HTTP/1.1\r\nHost: hs.test\r\n" \
			"User-Agent: Go-http-client/1.1\r\n\r\n"
#define OK(fields)	"HTTP/1.1 200 OK\r\n" fields "\r\n"

/* requests of tailscaled, one after the other on one connection */
static void test_http(void **state)
{
	static const char *const talk[][2] = {
		{ KEY_REQUEST, KEY_ANSWER KEY_BODY },
		{ GET("/derp/latency-check"),
		  OK("Access-Control-Allow-Origin: *\r\n"
		     "Content-Length: 0\r\n") },
		{ "HEAD /derp/probe HTTP/1.1\r\nHost: hs.test\r\n\r\n",
		  OK("Content-Length: 123\r\n") },
		{ GET("/generate_204"), "HTTP/1.1 204 No Content\r\n"
		  "X-Tailscale-Response: response ts_hs.test\r\n\r\n" },
		{ GET("/bootstrap-dns?q=derp1.tailscale.com"),
		  OK("Content-Type: application/json\r\n"
		     "Transfer-Encoding: chunked\r\n")
		  "1a\r\n{\"hs.test\":[\"192.0.2.1\"],\n\r\n"
		  "2\r\n\"}\r\n0\r\n\r\n" },
		{ GET("/key?v=133"), "HTTP/1.1 304 Not Modified\r\n\r\n" },
		{ GET("/health"), OK("Content-Length: 2\r\n") "{}" },
		{ GET("/register/nodekey:abc"),
		  "HTTP/1.0 200 OK\r\nServer: nginx\r\n\r\n"
		  "<html>a page that ends with the connection" },
	};
	struct conn c;
	size_t i, j;

	(void)state;
	for (i = 0; i < 3; i++) {
		connect_as(&c, i ? WGA_STREAM_SHARED : WGA_STREAM_CONTROL);
		for (j = 0; j < sizeof(talk) / sizeof(talk[0]); j++) {
			const char *p = talk[j][1];

			assert_int_equal(seal_text(&c, true, talk[j][0]), FINE);
			if (i < 2)
				assert_int_equal(seal_text(&c, false, p), FINE);
			/* byte by byte, cut at any place */
			while (i == 2 && *p)
				assert_int_equal(seal(&c, false, p++, 1), FINE);
		}
		expect(&c, true, false);
		assert_false(report(&c).derp);
		assert_string_equal(report(&c).detail,
				    "TLS 1.3 opened, HTTP, SNI hs.test");
		hang_up(&c);
	}
}

/* What it carries is known then, whatever the lengths say. */
static void test_not_derp(void **state)
{
	struct conn c;

	(void)state;
	connect_as(&c, WGA_STREAM_SHARED);
	assert_int_equal(seal_text(&c, true, KEY_REQUEST), FINE);
	assert_int_equal(seal_text(&c, false, KEY_ANSWER KEY_BODY), FINE);
	assert_int_equal(seal_text(&c, true, GET("/bootstrap-dns?q=a-name-that-"
		"makes-it-as-long-as-an-introduction")), FINE);
	assert_int_equal(seal_text(&c, false, OK("Content-Length: 0\r\n")),
			 FINE);
	assert_int_equal(seal_text(&c, true, "GET /k"), FINE);
	expect(&c, true, false);
	assert_false(report(&c).derp);
	hang_up(&c);
}

static void test_http_refused(void **state)
{
	static const char *const requests[] = {
		GET("/"), GET("/secret"), GET("/derp"), GET("/keys"),
		GET("/key?v=133\""), GET("/key?v= 133"),
		"PUT /key HTTP/1.1\r\nHost: hs.test\r\n\r\n",
		"GET /key HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
		"GET /key HTTP/1.1\r\nno field\r\n\r\n",
		"GET /key HTTP/1.1\r\nUpgrade: DERP\r\n\r\n",
		"GET /key HTTP/1.1\r\nA: \x01\r\n\r\n",
		"GET /key HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
		("POST /ts2021 HTTP/1.1\r\n"
		 "Upgrade: tailscale-control-protocol\r\n\r\n"),
	};
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more",
		"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"HTTP/1.1 204 No Content\r\n\r\nmore",
		"HTTP/1.1 304 Not Modified\r\n\r\nmore",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"2\r\n{}more\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"fffff\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"0\r\nmore",
	};
	struct conn c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		connect_as(&c, WGA_STREAM_SHARED);
		if (seal_text(&c, true, requests[i]) == FINE)
			fail_msg("%s", requests[i]);
		expect(&c, false, true);
		hang_up(&c);
	}
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		connect_as(&c, WGA_STREAM_SHARED);
		assert_int_equal(seal_text(&c, true, KEY_REQUEST), FINE);
		if (seal_text(&c, false, answers[i]) == FINE)
			fail_msg("%s", answers[i]);
		expect(&c, false, true);
		hang_up(&c);
	}
	/* an answer that nobody asked for, and a second one */
	connect_as(&c, WGA_STREAM_SHARED);
	assert_int_not_equal(seal_text(&c, false, KEY_ANSWER KEY_BODY), FINE);
	hang_up(&c);
	connect_as(&c, WGA_STREAM_SHARED);
	assert_int_equal(seal_text(&c, true, KEY_REQUEST), FINE);
	assert_int_equal(seal_text(&c, false, KEY_ANSWER KEY_BODY), FINE);
	assert_int_not_equal(seal_text(&c, false, KEY_ANSWER KEY_BODY), FINE);
	hang_up(&c);
	/* an answer without end */
	connect_as(&c, WGA_STREAM_SHARED);
	assert_int_equal(seal_text(&c, true, KEY_REQUEST), FINE);
	assert_int_equal(seal_text(&c, false, OK("Server: x\r\n")), FINE);
	memset(o.b, 'a', 16384);
	for (i = 0; i < 16; i++)
		assert_int_equal(seal(&c, false, o.b, 16384), FINE);
	assert_int_equal(seal(&c, false, o.b, 16384), TEXT);
	hang_up(&c);
	/* a request with a body, whole in one piece */
	connect_as(&c, WGA_STREAM_SHARED);
	assert_int_equal(seal_text(&c, true, "GET /key HTTP/1.1\r\n"
				   "Content-Length: 5\r\n\r\n"), TEXT);
	hang_up(&c);
	/* a head without end */
	connect_as(&c, WGA_STREAM_SHARED);
	assert_int_equal(seal_text(&c, true, "GET /key HTTP/1.1\r\nA: "), FINE);
	o.n = 0;
	memset(o.b, 'a', 9000);
	o.n = 9000;
	assert_int_equal(seal_built(&c, true), TEXT);
	hang_up(&c);
}

/* An upgrade that is refused leaves the connection in HTTP. */
static void test_upgrade_refused(void **state)
{
	struct conn c;

	(void)state;
	connect_as(&c, WGA_STREAM_DERP);
	assert_int_equal(seal_text(&c, true, DERP_REQUEST), FINE);
	assert_int_equal(seal_text(&c, false, "HTTP/1.1 502 Bad Gateway\r\n"
				   "Content-Length: 3\r\n\r\nbad"), FINE);
	assert_int_equal(seal_text(&c, true, GET("/derp/probe")), FINE);
	assert_int_equal(seal_text(&c, false, OK("Content-Length: 0\r\n")),
			 FINE);
	expect(&c, true, false);
	hang_up(&c);
}

/* HTTP/2 is allowed but not read: nothing foreign, and not opened either */
static void test_http2(void **state)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	static const uint8_t settings[] = {
		0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 250,
	};
	struct conn c;

	(void)state;
	connect_as(&c, WGA_STREAM_CONTROL);
	assert_int_equal(seal_text(&c, true, preface), FINE);
	assert_int_equal(seal(&c, false, settings, sizeof(settings)), FINE);
	o.n = 0;
	put_random(&o, 300);
	assert_int_equal(seal_built(&c, true), FINE);
	expect(&c, false, false);
	assert_string_equal(report(&c).detail, "TLS 1.3, SNI hs.test");
	hang_up(&c);

	/* either side may be the first */
	connect_as(&c, WGA_STREAM_CONTROL);
	assert_int_equal(seal(&c, false, settings, sizeof(settings)), FINE);
	assert_int_equal(seal_text(&c, true, preface), FINE);
	expect(&c, false, false);
	hang_up(&c);

	/* in the middle of something else it is foreign */
	connect_as(&c, WGA_STREAM_CONTROL);
	assert_int_equal(seal_text(&c, true, KEY_REQUEST), FINE);
	assert_int_not_equal(seal_text(&c, true, preface), FINE);
	assert_int_not_equal(seal(&c, false, settings, sizeof(settings)), FINE);
	hang_up(&c);
}

/* A record that is not sealed with the right key, or is there twice */
static void test_foreign_record(void **state)
{
	struct conn c;
	size_t n, i;

	(void)state;
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	o.n = 0;
	put_data(&o, 150);
	assert_int_equal(say(&c, true, o.b, o.n), FOREIGN);
	expect(&c, false, true);
	/* what was put in does not disturb what follows */
	o.n = 0;
	put_packet(4, 96, 4);
	assert_int_equal(seal_built(&c, true), FINE);
	assert_int_equal(c.packets, 1);
	hang_up(&c);

	/* any byte of it */
	for (i = 5; i < 29; i++) {
		connect_as(&c, WGA_STREAM_SHARED);
		n = forge_tls_seal(&c.t, true, FORGE_TLS_DATA, "12345678", 8,
				   wire);
		assert_int_equal(n, 30);
		wire[i] ^= 0x10;
		assert_int_not_equal(say(&c, true, wire, n), FINE);
		expect(&c, false, true);
		hang_up(&c);
	}

	/* a record of before, again, and one that is left out */
	connect_as(&c, WGA_STREAM_CONTROL);
	n = forge_tls_seal(&c.t, true, FORGE_TLS_DATA, KEY_REQUEST,
			   strlen(KEY_REQUEST), wire);
	assert_int_equal(say(&c, true, wire, n), FINE);
	assert_int_equal(say(&c, true, wire, n), FOREIGN);
	hang_up(&c);
	connect_as(&c, WGA_STREAM_CONTROL);
	forge_tls_seal(&c.t, true, FORGE_TLS_DATA, "x", 1, wire);
	assert_int_equal(seal_text(&c, true, KEY_REQUEST), FOREIGN);
	hang_up(&c);

	/* text in a record that cannot be opened is text */
	connect_as(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	i = open_record(&o, 23);
	put_text(&o, KEY_REQUEST);
	close_record(&o, i);
	assert_int_equal(say(&c, true, o.b, o.n), TEXT);
	hang_up(&c);
}

/* An authenticated record need not look random. */
static void test_no_tests_of_chance(void **state)
{
	struct forge_tls probe;
	struct conn c;
	size_t i, n, len = 3000;

	(void)state;
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	o.n = 0;
	put_derp_header(&o, 4, 32 + len);
	put_random(&o, 32);
	put_number(&o, 4, 1);
	/* choose the packet so that its ciphertext is text: XOR the keystream */
	n = o.n;
	memset(o.b + n, 0, len - 1);
	probe = c.t;
	forge_tls_seal(&probe, true, FORGE_TLS_DATA, o.b, n + len - 1, wire);
	for (i = 0; i < len - 1; i++)
		o.b[n + i] = (uint8_t)(wire[5 + n + i] ^
				       "leaked text "[i % 12]);
	o.n = n + len - 1;
	assert_int_equal(forge_tls_seal(&c.t, true, FORGE_TLS_DATA, o.b, o.n,
					wire), o.n + 22);
	assert_memory_equal(wire + 5 + n, "leaked text ", 12);
	for (i = 0; i < o.n + 22; i += 1000)
		assert_int_equal(say(&c, true, wire + i, o.n + 22 - i < 1000 ?
				     o.n + 22 - i : 1000), FINE);
	assert_int_equal(c.packets, 1);
	expect(&c, true, false);
	hang_up(&c);
}

/* TCP does what it likes. */
static void test_segments(void **state)
{
	size_t n, i, cut[8];
	struct conn c;
	uint32_t seq;

	(void)state;
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	/* frames over records, records over segments, in the wrong order */
	for (i = 0; i < 8; i++)
		put_packet(4, 500 + 16 * i, 4);
	for (i = 0, n = 0; i < o.n; i += 700) {
		size_t part = o.n - i < 700 ? o.n - i : 700;

		n += forge_tls_seal(&c.t, true, FORGE_TLS_DATA, o.b + i, part,
				    wire + n);
	}
	seq = c.next[1];
	for (i = 0; i < 8; i++)
		cut[i] = n * i / 8;
	for (i = 7; i > 0; i--)
		assert_int_equal(at(&c, true, seq + (uint32_t)cut[i],
				    wire + cut[i],
				    (i == 7 ? n : cut[i + 1]) - cut[i]), FINE);
	assert_int_equal(c.packets, 0);
	assert_int_equal(at(&c, true, seq, wire, cut[1]), FINE);
	assert_int_equal(c.packets, 8);
	/* and once more */
	assert_int_equal(at(&c, true, seq + (uint32_t)cut[3], wire + cut[3],
			    cut[4] - cut[3]), FINE);
	assert_int_equal(c.packets, 8);
	expect(&c, true, false);
	o.n = 0;
	hang_up(&c);
}

static void test_key_update(void **state)
{
	struct conn c;
	size_t i;

	(void)state;
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	for (i = 0; i < 3; i++) {
		assert_int_equal(say(&c, true, wire,
				     forge_tls_update(&c.t, true, wire)), FINE);
		put_packet(4, 96, 4);
		assert_int_equal(seal_built(&c, true), FINE);
		put_packet(5, 96, 4);
		assert_int_equal(seal_built(&c, false), FINE);
	}
	assert_int_equal(c.packets, 6);
	expect(&c, true, false);
	/* the old key is no longer good */
	forge_seal_update(&c.t.side[FORGE_TLS_CLIENT]);
	put_packet(4, 96, 4);
	assert_int_equal(seal_built(&c, true), FOREIGN);
	hang_up(&c);
}

/* The second hello of a client has the same random. */
static void test_retry(void **state)
{
	static const uint8_t random[32] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
		0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
		0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
		0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	};
	uint8_t hello[512], retry[128];
	struct conn c;
	size_t n, m;

	(void)state;
	dial(&c, WGA_STREAM_DERP, SUITE);
	syn(&c);
	n = forge_tls_hello(&c.t, hello, "hs.test");
	assert_int_equal(say(&c, true, hello, n), FINE);
	/* a HelloRetryRequest has a group in place of a key share */
	m = forge_tls_answer(&c.t, retry);
	memcpy(retry + 11, random, 32);
	m -= 34;
	memcpy(retry + m - 6, "\0\x33\0\x02\0\x1d", 6);
	retry[4] = (uint8_t)(m - 5);
	retry[8] = (uint8_t)(m - 9);
	retry[80] = (uint8_t)(m - 81);
	assert_int_equal(say(&c, false, retry, m), FINE);
	expect(&c, false, false);
	assert_int_equal(say(&c, true, hello, n), FINE);
	n = forge_tls_answer(&c.t, wire);
	n += forge_tls_finish(&c.t, false, wire + n);
	assert_int_equal(say(&c, false, wire, n), FINE);
	assert_int_equal(say(&c, true, wire,
			     forge_tls_finish(&c.t, true, wire)), FINE);
	begin_derp(&c);
	expect(&c, true, false);
	hang_up(&c);
}

/* What cannot be opened is judged from outside. */
static void test_not_opened(void **state)
{
	uint8_t hello[512];
	size_t n, i, early;
	struct conn c;

	(void)state;
	/* a connection that the log does not have */
	dial(&c, WGA_STREAM_DERP, SUITE);
	syn(&c);
	forge_tls_init(&c.t, SUITE, 2);
	shake_hands(&c);
	begin_derp(&c);
	put_packet(4, 96, 0x45);
	assert_int_equal(seal_built(&c, true), FINE);
	assert_int_equal(c.packets, 0);
	expect(&c, false, false);
	hang_up(&c);

	/* secrets of another suite */
	dial(&c, WGA_STREAM_DERP, SUITE);
	syn(&c);
	assert_int_equal(say(&c, true, wire,
			     forge_tls_hello(&c.t, wire, "hs.test")), FINE);
	c.t.suite = WGA_TLS13_AES_256_GCM_SHA384;
	n = forge_tls_answer(&c.t, wire);
	assert_int_equal(say(&c, false, wire, n), FINE);
	o.n = 0;
	put_data(&o, 500);
	assert_int_equal(say(&c, false, o.b, o.n), FINE);
	expect(&c, false, false);
	hang_up(&c);

	/* early data, announced: the client's first records have other keys */
	dial(&c, WGA_STREAM_DERP, SUITE);
	syn(&c);
	n = forge_tls_hello(&c.t, hello, "hs.test");
	memcpy(hello + n, "\0\x2a\0\0", 4);
	n += 4;
	forge_put16(hello + 3, (uint16_t)(n - 5));
	forge_put16(hello + 7, (uint16_t)(n - 9));
	forge_put16(hello + 86, (uint16_t)(n - 88));
	early = n;
	assert_int_equal(say(&c, true, hello, early), FINE);
	o.n = 0;
	put_data(&o, 500);
	assert_int_equal(say(&c, true, o.b, o.n), FINE);
	n = forge_tls_answer(&c.t, wire);
	n += forge_tls_finish(&c.t, false, wire + n);
	assert_int_equal(say(&c, false, wire, n), FINE);
	assert_int_equal(say(&c, true, o.b, o.n), FINE);
	expect(&c, false, false);
	hang_up(&c);

	/* the server may be heard before the client has stopped */
	dial(&c, WGA_STREAM_DERP, SUITE);
	syn(&c);
	c.t.seed = 99;
	assert_int_equal(say(&c, true, hello, early), FINE);
	n = forge_tls_answer(&c.t, wire);
	n += forge_tls_finish(&c.t, false, wire + n);
	assert_int_equal(say(&c, false, wire, n), FINE);
	assert_int_equal(say(&c, true, o.b, o.n), FINE);
	expect(&c, false, false);
	hang_up(&c);

	/* the capture has the client's Finished before the server's hello */
	dial(&c, WGA_STREAM_DERP, SUITE);
	syn(&c);
	assert_int_equal(say(&c, true, wire,
			     forge_tls_hello(&c.t, wire, "hs.test")), FINE);
	assert_int_equal(say(&c, true, wire,
			     forge_tls_finish(&c.t, true, wire)), FINE);
	n = forge_tls_answer(&c.t, wire);
	n += forge_tls_finish(&c.t, false, wire + n);
	assert_int_equal(say(&c, false, wire, n), FINE);
	assert_int_equal(seal_text(&c, true, DERP_REQUEST), FINE);
	expect(&c, false, false);
	hang_up(&c);

	/* and not announced, before there can be a key */
	dial(&c, WGA_STREAM_DERP, SUITE);
	syn(&c);
	assert_int_equal(say(&c, true, wire,
			     forge_tls_hello(&c.t, wire, "hs.test")), FINE);
	o.n = 0;
	put_ccs(&o);
	put_data(&o, 500);
	assert_int_equal(say(&c, true, o.b, o.n), FINE);
	n = forge_tls_answer(&c.t, wire);
	n += forge_tls_finish(&c.t, false, wire + n);
	assert_int_equal(say(&c, false, wire, n), FINE);
	n = forge_tls_finish(&c.t, true, wire);
	assert_int_equal(say(&c, true, wire + 6, n - 6), FINE);
	expect(&c, false, false);
	hang_up(&c);

	/* joined late */
	dial(&c, WGA_STREAM_DERP, SUITE);
	shake_hands(&c);
	hang_up(&c);
	dial(&c, WGA_STREAM_DERP, SUITE);
	for (i = 0; i < 5; i++) {
		o.n = 0;
		put_data(&o, 150);
		assert_int_equal(say(&c, true, o.b, o.n), FINE);
		o.n = 0;
		put_data(&o, 150);
		assert_int_equal(say(&c, false, o.b, o.n), FINE);
	}
	expect(&c, false, false);
	o.n = 0;
	hang_up(&c);
}

static void test_gap(void **state)
{
	struct conn c;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		size_t n, k;

		connect_as(&c, WGA_STREAM_DERP);
		begin_derp(&c);
		put_packet(4, 1200, 4);
		n = forge_tls_seal(&c.t, i, FORGE_TLS_DATA, o.b, o.n, wire);
		o.n = 0;
		/* lost, as enough others show */
		c.next[i] += (uint32_t)n;
		for (k = 0; k < 400; k++) {
			put_packet(i ? 4 : 5, 1200, 4);
			assert_int_equal(seal_built(&c, i), FINE);
		}
		assert_int_equal(c.packets, 0);
		assert_true(report(&c).gap);
		expect(&c, false, false);
		/* the other side is no longer opened either */
		put_packet(i ? 5 : 4, 96, 4);
		assert_int_equal(seal_built(&c, !i), FINE);
		assert_int_equal(c.packets, 0);
		hang_up(&c);
	}
}

static enum wga_segment end(struct conn *c, bool from_client, uint8_t flags)
{
	return wga_stream_segment(c->st, from_client, c->next[from_client],
				  flags, NULL, 0);
}

/* The same ports again, and what is left when a side closes */
static void test_again(void **state)
{
	struct conn c;
	size_t i;

	(void)state;
	dial(&c, WGA_STREAM_DERP, SUITE);
	for (i = 0; i < 3; i++) {
		c.next[0] += 1000000;
		c.next[1] += 1000000;
		forge_tls_init(&c.t, SUITE, 1);
		syn(&c);
		shake_hands(&c);
		begin_derp(&c);
		put_packet(4, 96, 4);
		assert_int_equal(seal_built(&c, true), FINE);
		assert_int_equal(seal_as(&c, true, FORGE_TLS_ALERT, "\x01", 2),
				 FINE);
		if (i == 1)
			continue;
		assert_int_equal(end(&c, true, FIN | ACK), FINE);
		put_packet(5, 96, 4);
		assert_int_equal(seal_built(&c, false), FINE);
		assert_int_equal(end(&c, false, FIN | ACK), FINE);
	}
	assert_int_equal(c.packets, 5);
	expect(&c, true, false);
	hang_up(&c);

	/* a record that never came to its end, and one in the clear */
	for (i = 0; i < 2; i++) {
		connect_as(&c, WGA_STREAM_DERP);
		begin_derp(&c);
		put_packet(4, 496, 4);
		o.n = forge_tls_seal(&c.t, true, FORGE_TLS_DATA, o.b, o.n,
				     wire);
		if (!i)
			assert_int_equal(say(&c, true, wire, o.n / 2), FINE);
		expect(&c, true, false);
		c.next[0] += 1000000;
		c.next[1] += 1000000;
		syn(&c);
		if (i)
			assert_int_equal(say(&c, true, DERP_REQUEST,
					     strlen(DERP_REQUEST)), FINE);
		expect(&c, false, false);
		hang_up(&c);
	}

	/* one that is not opened takes the word back for all */
	connect_as(&c, WGA_STREAM_DERP);
	expect(&c, true, false);
	c.next[0] += 1000000;
	c.next[1] += 1000000;
	forge_tls_init(&c.t, SUITE, 2);
	syn(&c);
	shake_hands(&c);
	expect(&c, false, false);
	hang_up(&c);
}

/* Handshake messages after the handshake: some tickets, but no end of them */
static void test_tickets(void **state)
{
	static uint8_t b[4 + 15996];
	struct conn c;
	size_t i, side;

	(void)state;
	for (side = 0; side < 2; side++) {
		connect_as(&c, WGA_STREAM_DERP);
		begin_derp(&c);
		memset(b, 0x55, sizeof(b));
		memcpy(b, (const uint8_t[]){ 4, 0, 0x3e, 0x7c }, 4);
		for (i = 0; i < 3; i++) {
			expect(&c, true, false);
			assert_int_equal(seal_as(&c, side, FORGE_TLS_HANDSHAKE,
						 b, sizeof(b)), FINE);
		}
		expect(&c, false, false);
		hang_up(&c);
	}
}

static void test_alerts(void **state)
{
	struct conn c;

	(void)state;
	/* nothing follows a close_notify, but after user_canceled it may */
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	assert_int_equal(seal_as(&c, true, FORGE_TLS_ALERT, "\x01\x5a", 2),
			 FINE);
	assert_int_equal(seal_as(&c, true, FORGE_TLS_ALERT, "\x01\0", 2), FINE);
	expect(&c, true, false);
	put_packet(4, 96, 4);
	assert_int_equal(seal_built(&c, true), FOREIGN);
	assert_int_equal(c.packets, 0);
	hang_up(&c);

	connect_as(&c, WGA_STREAM_DERP);
	assert_int_not_equal(seal_as(&c, true, FORGE_TLS_ALERT, "\x03\x5a", 2),
			     FINE);
	hang_up(&c);
}

/* A connection that dies in mid-record or mid-frame is not foreign, but what
 * was left is not explained.
 */
static void test_cut(void **state)
{
	struct conn c;
	size_t n;

	(void)state;
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	put_packet(4, 496, 4);
	assert_int_equal(seal(&c, true, o.b, 300), FINE);
	expect(&c, true, false);
	assert_int_equal(end(&c, true, FIN | ACK), FINE);
	expect(&c, false, false);
	hang_up(&c);

	/* the capture ends in a frame larger than any of the mesh */
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	put_packet(4, 60000, 4);
	assert_int_equal(seal(&c, true, o.b, 1500), FINE);
	expect(&c, true, false);
	assert_int_equal(seal(&c, true, o.b + 1500, 1500), FINE);
	expect(&c, false, false);
	hang_up(&c);

	/* unless that is text */
	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	o.n = 0;
	put_derp_header(&o, 4, 400);
	put_random(&o, 32);
	put_text(&o, KEY_REQUEST KEY_REQUEST);
	assert_int_equal(seal_built(&c, true), TEXT);
	hang_up(&c);

	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	put_packet(4, 496, 4);
	n = forge_tls_seal(&c.t, true, FORGE_TLS_DATA, o.b, o.n, wire);
	o.n = 0;
	assert_int_equal(say(&c, true, wire, n / 2), FINE);
	expect(&c, true, false);
	assert_int_equal(end(&c, true, RST), FINE);
	expect(&c, false, false);
	hang_up(&c);

	/* the capture ends in a record that is text */
	connect_as(&c, WGA_STREAM_DERP);
	o.n = 0;
	put(&o, "\x17\x03\x03\x01\0", 5);
	put_text(&o, KEY_REQUEST);
	say(&c, true, o.b, o.n);
	expect(&c, false, true);
	hang_up(&c);
}

/* No room to open it: it is judged from outside, and all of the room comes
 * back when connections end.
 */
static void test_no_room(void **state)
{
	enum { STEP = 1024 };
	struct conn c;
	size_t before = 0, after = 0, i;

	(void)state;
	while (wga_room_take(STEP))
		before++;
	connect_as(&c, WGA_STREAM_DERP);
	assert_int_equal(seal_text(&c, true, DERP_REQUEST), FINE);
	expect(&c, false, false);
	assert_false(report(&c).gap);
	hang_up(&c);
	for (i = 0; i < before; i++)
		wga_room_give(STEP);

	connect_as(&c, WGA_STREAM_DERP);
	begin_derp(&c);
	assert_int_equal(end(&c, true, FIN | ACK), FINE);
	assert_int_equal(end(&c, false, FIN | ACK), FINE);
	while (wga_room_take(STEP))
		after++;
	assert_int_equal(before, after);
	for (i = 0; i < after; i++)
		wga_room_give(STEP);
	expect(&c, true, false);
	hang_up(&c);
}

/* Without keys: what the lengths of the client's records say */
static void go_on_lengths(struct conn *c, const size_t *bodies, size_t n)
{
	size_t i;

	forge_tls_init(&c->t, SUITE, 1);
	syn(c);
	assert_int_equal(say(c, true, wire,
			     forge_tls_hello(&c->t, wire, "hs.test")), FINE);
	assert_int_equal(say(c, false, wire, forge_tls_answer(&c->t, wire)),
			 FINE);
	for (i = 0; i < n; i++) {
		o.n = 0;
		put_data(&o, bodies[i]);
		assert_int_equal(say(c, true, o.b, o.n), FINE);
	}
}

static void say_lengths(struct conn *c, const size_t *bodies, size_t n)
{
	dial(c, WGA_STREAM_DERP, SUITE);
	wga_stream_free(c->st);
	c->st = wga_stream_new(WGA_STREAM_DERP, NULL, on_packet, c);
	go_on_lengths(c, bodies, n);
}

#define LENGTHS(c, ...) \
	say_lengths(c, (const size_t[]){ __VA_ARGS__ }, \
		    sizeof((const size_t[]){ __VA_ARGS__ }) / sizeof(size_t))

static void test_lengths(void **state)
{
	struct conn c = { 0 };
	struct wga_stream_report r;

	(void)state;
	LENGTHS(&c, 53, 122, 126, 23, 150, 178, 182, 202, 278);
	r = report(&c);
	assert_true(r.bound && !r.broke && !r.opened && r.derp);
	assert_true(r.law_chance < 1e-6 && r.law_chance > 1e-7);
	hang_up(&c);
	/* too few, and too few that differ */
	LENGTHS(&c, 53, 122, 126, 23, 150, 178, 182, 202);
	r = report(&c);
	assert_true(!r.bound && !r.broke && r.law_chance > 1e-6);
	hang_up(&c);
	LENGTHS(&c, 53, 122, 126, 150, 150, 150, 150, 150, 150, 150, 150, 150,
		150, 150, 150, 150, 150, 150, 150, 150);
	r = report(&c);
	assert_true(!r.bound && !r.broke);
	hang_up(&c);
	/* another introduction */
	LENGTHS(&c, 53, 70, 126, 23, 150, 178, 182, 202, 278, 294);
	assert_true(!report(&c).bound && !report(&c).broke);
	hang_up(&c);
	/* a latency check, and what a control connection looks like */
	LENGTHS(&c, 53, 104, 19);
	r = report(&c);
	assert_true(!r.bound && !r.broke);
	hang_up(&c);
	LENGTHS(&c, 53, 331, 106, 154, 1026, 45, 70, 816, 57, 813, 61, 62, 63,
		64, 65, 66, 67, 68);
	r = report(&c);
	assert_true(!r.bound && !r.broke);
	hang_up(&c);
	LENGTHS(&c, 53, 331, 106, 154, 1026, 45, 70, 816, 57, 813, 61, 62, 63,
		64, 65, 66, 67, 68, 69);
	r = report(&c);
	assert_true(!r.bound && r.broke && r.law_chance == 1);
	hang_up(&c);
	/* half of them is enough not to be sure, less is not */
	LENGTHS(&c, 53, 122, 126, 23, 150, 178, 182, 202, 278, 294, 310, 61, 62,
		63, 64, 65, 66, 67, 68);
	r = report(&c);
	assert_true(!r.bound && !r.broke);
	hang_up(&c);
	LENGTHS(&c, 53, 122, 126, 23, 150, 178, 182, 202, 278, 294, 60, 61, 62,
		63, 64, 65, 66, 67, 68);
	r = report(&c);
	assert_true(!r.bound && r.broke);
	hang_up(&c);
}

/* What is said of connections on the same ports is said of all of them. */
static void test_lengths_again(void **state)
{
	static const size_t derp[] = { 53, 122, 126, 23, 150, 178, 182, 202, 278 };
	static const size_t few[] = { 53, 104, 19 };
	static const size_t other[] = {
		53, 331, 106, 154, 1026, 45, 70, 816, 57, 813, 61, 62, 63, 64,
		65, 66, 67, 68, 69,
	};
	static const struct {
		const size_t *bodies;
		size_t n;
		bool bound, broke;
	} first[] = {
		{ derp, 9, true, false }, { few, 3, false, false },
		{ other, 19, false, true },
	};
	struct conn c = { 0 };
	struct wga_stream_report r;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		say_lengths(&c, first[i].bodies, first[i].n);
		c.next[0] += 1000000;
		c.next[1] += 1000000;
		go_on_lengths(&c, derp, 9);
		r = report(&c);
		assert_int_equal(r.bound, first[i].bound);
		assert_int_equal(r.broke, first[i].broke);
		/* one that says nothing takes nothing back */
		c.next[0] += 1000000;
		c.next[1] += 1000000;
		syn(&c);
		assert_int_equal(report(&c).broke, first[i].broke);
		hang_up(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derp),
		cmocka_unit_test(test_clear_derp),
		cmocka_unit_test(test_fast_start),
		cmocka_unit_test(test_leak_inside),
		cmocka_unit_test(test_ts2021),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_not_derp),
		cmocka_unit_test(test_http_refused),
		cmocka_unit_test(test_upgrade_refused),
		cmocka_unit_test(test_http2),
		cmocka_unit_test(test_foreign_record),
		cmocka_unit_test(test_no_tests_of_chance),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_key_update),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_not_opened),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_lengths_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
