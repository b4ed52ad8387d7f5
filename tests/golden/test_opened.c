/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/keylog.h"
#include "analyze/packet.h"
#include "analyze/tls.h"
#include "analyze/tls13.h"
#include "tests/golden/forge_run.h"

/*
 * Theory of operation
 *
 * The TLS connections of a real capture, put in order by the simplest means
 * that will do, and opened with its key log. Every sealed record opens, and what
 * comes out begins as control and DERP connections do.
 */

#define ROOT	"tests/golden/captures/"
#define CONNS_MAX	64
#define SYN		0x02

/* a direction: the bytes after its SYN, in order */
struct side {
	struct wga_addr addr;
	uint16_t port;
	uint32_t isn;
	bool syn;
	uint8_t *bytes;
	size_t len;
};

/* @side: the client's and the server's */
struct conn {
	struct side side[2];
};

/**
 * struct tally - what was opened
 * @refused:	records that did not open, or were never reached
 * @dial:	the client's first data begins so
 */
struct tally {
	size_t records, alerts, messages, data, refused;
	char dial[16];
};

static struct conn conns[CONNS_MAX];
static size_t n_conns;
static struct wga_keylog *keylog;

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static bool side_is(const struct side *s, const struct wga_addr *addr,
		    uint16_t port)
{
	return s->port == port && !memcmp(&s->addr, addr, sizeof(*addr));
}

static struct conn *conn_of(const struct wga_packet *pkt, uint16_t sport,
			    uint16_t dport, int *from)
{
	struct conn *c;
	size_t i;

	for (i = 0; i < n_conns; i++) {
		c = &conns[i];
		for (*from = 0; *from < 2; ++*from) {
			if (side_is(&c->side[*from], &pkt->src, sport) &&
			    side_is(&c->side[!*from], &pkt->dst, dport))
				return c;
		}
	}
	assert_true(n_conns < CONNS_MAX);
	c = &conns[n_conns++];
	c->side[0] = (struct side){ .addr = pkt->src, .port = sport };
	c->side[1] = (struct side){ .addr = pkt->dst, .port = dport };
	*from = 0;
	return c;
}

static void add_bytes(struct side *s, uint32_t seq, const uint8_t *p, size_t len)
{
	size_t at = seq - s->isn - 1, old = s->len - at;

	/* a hole would come first, and the captures have none */
	assert_true(at <= s->len);
	if (old >= len)
		return;
	s->bytes = realloc(s->bytes, at + len);
	assert_non_null(s->bytes);
	memcpy(s->bytes + s->len, p + old, len - old);
	s->len = at + len;
}

static void add_frame(const struct forge *f, const struct forge_frame *frame)
{
	const struct wga_frame seen = {
		.data = frame->data, .caplen = frame->caplen, .len = frame->len,
		.link = f->link,
	};
	struct wga_packet pkt;
	uint16_t sport, dport;
	const uint8_t *p;
	struct conn *c;
	size_t head;
	int from;

	wga_packet_parse(&seen, &pkt);
	if (pkt.state != WGA_PACKET_IP || pkt.proto != WGA_PROTO_TCP)
		return;
	p = wga_view_at(&pkt.payload, 0, 20);
	assert_non_null(p);
	sport = (uint16_t)(p[0] << 8 | p[1]);
	dport = (uint16_t)(p[2] << 8 | p[3]);
	head = (size_t)(p[12] >> 4) * 4;
	if (sport != 443 && dport != 443)
		return;
	c = conn_of(&pkt, sport, dport, &from);
	if (p[13] & SYN) {
		c->side[from].isn = be32(p + 4);
		c->side[from].syn = true;
	} else if (pkt.payload.len > head && c->side[from].syn) {
		add_bytes(&c->side[from], be32(p + 4), p + head,
			  pkt.payload.len - head);
	}
}

static void drop_conns(void)
{
	for (; n_conns; n_conns--) {
		free(conns[n_conns - 1].side[0].bytes);
		free(conns[n_conns - 1].side[1].bytes);
	}
}

static int teardown(void **state)
{
	(void)state;
	drop_conns();
	wga_keylog_free(keylog);
	keylog = NULL;
	return 0;
}

static void load(const char *capture, const char *keys)
{
	struct wga_err err;
	struct forge f;
	bool shared;
	size_t i;

	forge_init(&f);
	if (forge_load(&f, capture, &err) ||
	    wga_keylog_load(&keylog, keys, &shared, &err))
		fail_msg("%s", err.text);
	for (i = 0; i < f.n; i++)
		add_frame(&f, &f.frames[i]);
	forge_free(&f);
}

/* Take in what a record of this direction holds. */
static void count(struct tally *t, enum wga_tls13_type type, const uint8_t *p,
		  size_t len)
{
	t->records++;
	t->alerts += type == WGA_TLS13_ALERT;
	t->messages += type == WGA_TLS13_HANDSHAKE;
	if (type == WGA_TLS13_DATA && !t->data)
		memcpy(t->dial, p, len < 15 ? len : 15);
	t->data += type == WGA_TLS13_DATA ? len : 0;
}

static void open_side(const struct side *s, struct wga_tls13 *to, struct tally *t)
{
	size_t at, n, len;
	enum wga_tls13_type type;
	uint8_t *out;

	for (at = 0; at + 5 <= s->len; at += n) {
		n = wga_tls_record_length(s->bytes + at);
		if (at + n > s->len || s->bytes[at] != WGA_TLS_DATA)
			continue;
		out = malloc(n);
		assert_non_null(out);
		if (wga_tls13_open(to, s->bytes + at, n, out, &len, &type))
			t->refused++;
		else
			count(t, type, out, len);
		free(out);
	}
}

static uint16_t selected_suite(const struct side *server)
{
	/* record and message headers, version, random, session id */
	const uint8_t *id = server->bytes + 5 + 4 + 2 + 32;

	return (uint16_t)(id[1 + *id] << 8 | id[2 + *id]);
}

static const struct wga_keylog_secrets *client_secrets(const struct conn *c)
{
	const struct wga_keylog_secrets *s;

	/* record and message headers, version; then the client random */
	s = wga_keylog_find(keylog, c->side[0].bytes + 5 + 4 + 2);
	assert_non_null(s);
	return s;
}

static void open_conn(const struct conn *c, struct tally t[2])
{
	static const enum wga_keylog_label labels[2][2] = {
		{ WGA_KEYLOG_CLIENT_HANDSHAKE, WGA_KEYLOG_CLIENT_TRAFFIC },
		{ WGA_KEYLOG_SERVER_HANDSHAKE, WGA_KEYLOG_SERVER_TRAFFIC },
	};
	const struct wga_keylog_secrets *s;
	struct wga_tls13 *to;
	int i;

	s = client_secrets(c);
	memset(t, 0, 2 * sizeof(*t));
	for (i = 0; i < 2; i++) {
		to = wga_tls13_new(selected_suite(&c->side[1]),
				   s->secret[labels[i][0]],
				   s->secret[labels[i][1]], s->len[labels[i][0]]);
		assert_non_null(to);
		open_side(&c->side[i], to, &t[i]);
		assert_true(wga_tls13_established(to));
		wga_tls13_free(to);
	}
}

/* Were both ends of it seen from the beginning, and did TLS come of it? */
static bool is_whole(const struct conn *c)
{
	return c->side[0].syn && c->side[1].syn && c->side[0].len &&
	       c->side[1].len;
}

static void opens_whole_captures(void **state)
{
	/* @dials: connections whose request is for a key, ts2021, DERP */
	static const struct {
		const char *capture, *keys;
		size_t dials[3], records, alerts, messages, data;
	} want[] = {
		{ ROOT "join-direct/virbr-a.pcap", ROOT "join-direct/tls.keys",
		  { 2, 2, 2 }, 133, 4, 30, 37603 },
		{ ROOT "join-direct/virbr-s.pcap", ROOT "join-direct/tls.keys",
		  { 3, 3, 3 }, 203, 6, 45, 58063 },
		{ ROOT "relay/virbr-s.pcap", ROOT "relay/tls.keys",
		  { 4, 2, 2 }, 595, 8, 40, 487819 },
	};
	static const char *const requests[3] = {
		"GET /key?", "POST /ts2021", "GET /derp ",
	};
	struct tally t[2], sum;
	size_t i, k, j, dials[3];

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		load(want[i].capture, want[i].keys);
		memset(&sum, 0, sizeof(sum));
		memset(dials, 0, sizeof(dials));
		for (k = 0; k < n_conns; k++) {
			if (!is_whole(&conns[k]))
				continue;
			open_conn(&conns[k], t);
			for (j = 0; j < 2; j++) {
				assert_int_equal(t[j].refused, 0);
				sum.records += t[j].records;
				sum.alerts += t[j].alerts;
				sum.messages += t[j].messages;
				sum.data += t[j].data;
			}
			assert_memory_equal(t[1].dial, "HTTP/1.1 ", 9);
			for (j = 0; j < 3; j++)
				dials[j] += !strncmp(t[0].dial, requests[j],
						     strlen(requests[j]));
		}
		assert_memory_equal(dials, want[i].dials, sizeof(dials));
		assert_int_equal(sum.records, want[i].records);
		assert_int_equal(sum.alerts, want[i].alerts);
		assert_int_equal(sum.messages, want[i].messages);
		assert_int_equal(sum.data, want[i].data);
		teardown(NULL);
	}
}

/* The secrets of the one end open nothing of the other, in either place. */
static void opens_nothing_with_other_keys(void **state)
{
	const struct wga_keylog_secrets *s;
	struct wga_tls13 *to;
	struct tally t;
	size_t i, n = 0;

	(void)state;
	load(ROOT "join-direct/virbr-a.pcap", ROOT "join-direct/tls.keys");
	for (i = 0; i < n_conns; i++) {
		if (!is_whole(&conns[i]))
			continue;
		s = client_secrets(&conns[i]);
		to = wga_tls13_new(selected_suite(&conns[i].side[1]),
				   s->secret[WGA_KEYLOG_CLIENT_HANDSHAKE],
				   s->secret[WGA_KEYLOG_CLIENT_TRAFFIC],
				   s->len[WGA_KEYLOG_CLIENT_TRAFFIC]);
		assert_non_null(to);
		memset(&t, 0, sizeof(t));
		open_side(&conns[i].side[1], to, &t);
		assert_int_equal(t.records, 0);
		assert_false(wga_tls13_established(to));
		n += t.refused;
		/* it still waits for what it is to open */
		memset(&t, 0, sizeof(t));
		open_side(&conns[i].side[0], to, &t);
		assert_int_equal(t.refused, 0);
		wga_tls13_free(to);
	}
	assert_true(n > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(opens_whole_captures, teardown),
		cmocka_unit_test_teardown(opens_nothing_with_other_keys,
					  teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
