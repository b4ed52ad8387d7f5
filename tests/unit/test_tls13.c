/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/tls13.h"
#include "tests/golden/forge_seal.h"
#include "tls13_rfc8448.h"

#define ROOM	(1 << 17)

enum {
	TICKET = 4, EXTENSIONS = 8, CERTIFICATE = 11, REQUEST = 13, VERIFY = 15,
	FINISHED = 20, UPDATE = 24, COMPRESSED = 25,
	CCS = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23,
};

static const uint16_t suites[] = {
	WGA_TLS13_AES_128_GCM_SHA256,
	WGA_TLS13_AES_256_GCM_SHA384,
	WGA_TLS13_CHACHA20_SHA256,
};
#define SUITES	(sizeof(suites) / sizeof(suites[0]))

/**
 * struct line - one direction, both ends of it
 * @handshake, @traffic:	its secrets
 * @record, @n:	the last record sealed
 * @out, @len, @type:	what was opened last
 */
struct line {
	struct forge_seal from;
	struct wga_tls13 *to;
	uint8_t handshake[48], traffic[48];
	uint8_t record[ROOM], out[ROOM];
	size_t n, len;
	enum wga_tls13_type type;
};

static struct line l;

static void begin(uint16_t suite)
{
	size_t len = forge_seal_secret_len(suite);

	wga_tls13_free(l.to);
	memset(&l, 0, sizeof(l));
	memset(l.handshake, 0x11, len);
	memset(l.traffic, 0x22, len);
	forge_seal_use(&l.from, suite, l.handshake);
	l.to = wga_tls13_new(suite, l.handshake, l.traffic, len);
	assert_non_null(l.to);
}

static int finish(void **state)
{
	(void)state;
	wga_tls13_free(l.to);
	l.to = NULL;
	return 0;
}

static void sealed(uint8_t type, const void *p, size_t len, size_t pad)
{
	l.n = forge_seal(&l.from, type, p, len, pad, l.record);
}

static int opens(void)
{
	/* where a reader that goes too far is caught */
	uint8_t *record = malloc(l.n), *out = malloc(l.n);
	int ret;

	assert_true(record && out);
	memcpy(record, l.record, l.n);
	memset(out, 0xee, l.n);
	ret = wga_tls13_open(l.to, record, l.n, out, &l.len, &l.type);
	memcpy(l.out, out, l.n);
	free(record);
	free(out);
	return ret;
}

static void send(uint8_t type, const void *p, size_t len)
{
	sealed(type, p, len, 0);
	assert_int_equal(opens(), 0);
	assert_int_equal(l.type, type);
	assert_int_equal(l.len, len);
	if (len)
		assert_memory_equal(l.out, p, len);
}

/* What is sealed now is refused, and the direction stays where it was. */
static void refuse(uint8_t type, const void *p, size_t len)
{
	sealed(type, p, len, 0);
	assert_int_equal(opens(), -1);
	l.from.seq--;
}

/* a handshake message, its body is @len bytes 07 */
static size_t message(uint8_t *b, uint8_t type, size_t len)
{
	b[0] = type;
	b[1] = (uint8_t)(len >> 16);
	b[2] = (uint8_t)(len >> 8);
	b[3] = (uint8_t)len;
	memset(b + 4, type == UPDATE ? 1 : 7, len);
	return 4 + len;
}

static size_t finished(uint8_t *b)
{
	return message(b, FINISHED, l.from.len);
}

/* behind the handshake, as a server */
static void establish(void)
{
	uint8_t b[4096];
	size_t n = message(b, EXTENSIONS, 30);

	n += message(b + n, CERTIFICATE, 700);
	n += message(b + n, VERIFY, 80);
	n += finished(b + n);
	assert_false(wga_tls13_established(l.to));
	send(HANDSHAKE, b, n);
	assert_true(wga_tls13_established(l.to));
	forge_seal_use(&l.from, l.from.suite, l.traffic);
}

static void update(void)
{
	uint8_t b[8];

	send(HANDSHAKE, b, message(b, UPDATE, 1));
	forge_seal_update(&l.from);
}

static void rfc_open(struct wga_tls13 *t, const uint8_t *record, size_t len,
		     uint8_t type, size_t want)
{
	uint8_t data[50];
	size_t i;

	memcpy(l.record, record, len);
	l.n = len;
	l.to = t;
	assert_int_equal(opens(), 0);
	assert_int_equal(l.type, type);
	assert_int_equal(l.len, want);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	if (type == DATA)
		assert_memory_equal(l.out, data, sizeof(data));
	if (type == ALERT)
		assert_memory_equal(l.out, "\x01\x00", 2);
}

static void opens_rfc_8448(void **state)
{
	struct wga_tls13 *s, *c;

	(void)state;
	s = wga_tls13_new(WGA_TLS13_AES_128_GCM_SHA256, rfc_server_handshake,
			  rfc_server_traffic, 32);
	c = wga_tls13_new(WGA_TLS13_AES_128_GCM_SHA256, rfc_client_handshake,
			  rfc_client_traffic, 32);
	assert_true(s && c);

	rfc_open(s, rfc_server_flight, sizeof(rfc_server_flight), HANDSHAKE, 657);
	assert_int_equal(l.out[0], EXTENSIONS);
	assert_true(wga_tls13_established(s));
	rfc_open(c, rfc_client_finished, sizeof(rfc_client_finished), HANDSHAKE,
		 36);
	assert_int_equal(l.out[0], FINISHED);
	assert_true(wga_tls13_established(c));
	rfc_open(s, rfc_server_ticket, sizeof(rfc_server_ticket), HANDSHAKE, 205);
	assert_int_equal(l.out[0], TICKET);
	rfc_open(c, rfc_client_data, sizeof(rfc_client_data), DATA, 50);
	rfc_open(s, rfc_server_data, sizeof(rfc_server_data), DATA, 50);
	rfc_open(c, rfc_client_alert, sizeof(rfc_client_alert), ALERT, 2);
	rfc_open(s, rfc_server_alert, sizeof(rfc_server_alert), ALERT, 2);

	wga_tls13_free(c);
	wga_tls13_free(s);
	l.to = NULL;
}

static void opens_every_suite(void **state)
{
	uint8_t b[16384] = { 0 };
	size_t i, k;

	(void)state;
	for (i = 0; i < SUITES; i++) {
		begin(suites[i]);
		establish();
		for (k = 0; k < 300; k++) {
			b[k] = (uint8_t)(k | 1);
			send(DATA, b, k);
		}
		send(DATA, b, sizeof(b));
		send(ALERT, "\x01\x00", 2);
	}
}

static void refuses_other_suites_and_lengths(void **state)
{
	uint8_t secret[48] = { 1 };

	(void)state;
	assert_null(wga_tls13_new(0x1304, secret, secret, 32));
	assert_null(wga_tls13_new(0xc02f, secret, secret, 32));
	assert_null(wga_tls13_new(0x1301, secret, secret, 48));
	assert_null(wga_tls13_new(0x1301, secret, secret, 0));
	assert_null(wga_tls13_new(0x1302, secret, secret, 32));
	assert_null(wga_tls13_new(0x1303, secret, secret, 31));
	wga_tls13_free(NULL);
}

static void follows_key_updates(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < SUITES; i++) {
		begin(suites[i]);
		establish();
		for (k = 0; k < 20; k++) {
			update();
			send(DATA, "after it", 8);
			send(DATA, "and more", 8);
		}
		/* a generation that was not asked for */
		forge_seal_update(&l.from);
		refuse(DATA, "too early", 9);
	}
}

static void turns_keys_only_at_finished(void **state)
{
	uint8_t b[64];
	struct forge_seal old;

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	old = l.from;
	forge_seal_use(&l.from, l.from.suite, l.traffic);
	refuse(HANDSHAKE, b, finished(b));
	l.from = old;
	establish();
	/* the handshake key is out of use */
	l.from = old;
	l.from.seq = 1;
	refuse(ALERT, "\x01\x00", 2);
	forge_seal_use(&l.from, l.from.suite, l.traffic);
	send(DATA, "x", 1);
}

static void follows_split_messages(void **state)
{
	uint8_t b[1024];
	size_t i, k, n;

	(void)state;
	for (k = 1; k < 60; k++) {
		begin(WGA_TLS13_CHACHA20_SHA256);
		n = message(b, EXTENSIONS, 2);
		n += message(b + n, CERTIFICATE, 90);
		n += message(b + n, VERIFY, 0);
		n += finished(b + n);
		for (i = 0; i < n; i += k) {
			assert_false(wga_tls13_established(l.to));
			send(HANDSHAKE, b + i, n - i < k ? n - i : k);
		}
		assert_true(wga_tls13_established(l.to));
		forge_seal_use(&l.from, l.from.suite, l.traffic);
		send(DATA, "x", 1);
		/* a key update in five records */
		message(b, UPDATE, 1);
		for (i = 0; i < 5; i++)
			send(HANDSHAKE, b + i, 1);
		forge_seal_update(&l.from);
		send(DATA, "y", 1);
	}
}

static void follows_messages_of_a_client(void **state)
{
	uint8_t b[256];
	size_t n;

	(void)state;
	begin(WGA_TLS13_AES_256_GCM_SHA384);
	n = message(b, CERTIFICATE, 4);
	n += finished(b + n);
	send(HANDSHAKE, b, n);
	assert_true(wga_tls13_established(l.to));
	forge_seal_use(&l.from, l.from.suite, l.traffic);
	/* asked for its certificate once more (section 4.6.2) */
	n = message(b, COMPRESSED, 20);
	n += message(b + n, VERIFY, 20);
	n += finished(b + n);
	send(HANDSHAKE, b, n);
	/* that Finished changes no key, so more may follow it */
	n = message(b, CERTIFICATE, 4);
	n += finished(b + n);
	n += message(b + n, UPDATE, 1);
	send(HANDSHAKE, b, n);
	forge_seal_update(&l.from);
	send(DATA, "x", 1);
}

static void follows_messages_of_a_server(void **state)
{
	uint8_t b[512];
	size_t n;

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	n = message(b, EXTENSIONS, 2);
	n += message(b + n, REQUEST, 30);
	n += message(b + n, CERTIFICATE, 30);
	n += message(b + n, VERIFY, 30);
	n += finished(b + n);
	send(HANDSHAKE, b, n);
	forge_seal_use(&l.from, l.from.suite, l.traffic);
	n = message(b, TICKET, 60);
	n += message(b + n, TICKET, 60);
	n += message(b + n, REQUEST, 60);
	send(HANDSHAKE, b, n);
	send(DATA, "x", 1);
	send(HANDSHAKE, b, message(b, TICKET, 60));

	/* resumed */
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	n = message(b, EXTENSIONS, 2);
	n += finished(b + n);
	send(HANDSHAKE, b, n);
	assert_true(wga_tls13_established(l.to));
}

/* messages in one record that break a rule, behind the handshake or in it */
static void refuses_messages_out_of_order(void **state)
{
	static const struct {
		bool established;
		uint8_t message[4];
	} bad[] = {
		{ false, { TICKET } },
		{ false, { REQUEST } },
		{ false, { VERIFY } },
		{ false, { UPDATE } },
		{ false, { 1 } },
		{ false, { 2 } },
		{ false, { 0 } },
		/* 32 more than one that may come */
		{ false, { EXTENSIONS + 32 } },
		{ false, { CERTIFICATE + 32 } },
		{ true, { TICKET + 32 } },
		{ false, { 254 } },
		{ false, { EXTENSIONS, EXTENSIONS } },
		{ false, { EXTENSIONS, VERIFY } },
		{ false, { EXTENSIONS, REQUEST, FINISHED } },
		{ false, { CERTIFICATE, CERTIFICATE } },
		{ false, { CERTIFICATE, VERIFY, VERIFY } },
		{ false, { CERTIFICATE, EXTENSIONS } },
		/* the key changes behind Finished */
		{ false, { FINISHED, FINISHED } },
		{ false, { FINISHED, TICKET } },
		{ true, { EXTENSIONS } },
		{ true, { FINISHED } },
		{ true, { VERIFY } },
		{ true, { CERTIFICATE, UPDATE } },
		{ true, { CERTIFICATE, TICKET } },
		{ true, { CERTIFICATE, VERIFY, TICKET } },
		{ true, { CERTIFICATE, FINISHED, FINISHED } },
		/* and behind KeyUpdate */
		{ true, { UPDATE, UPDATE } },
		{ true, { UPDATE, TICKET } },
	};
	uint8_t b[512];
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(WGA_TLS13_CHACHA20_SHA256);
		if (bad[i].established)
			establish();
		for (k = n = 0; k < 4 && (!k || bad[i].message[k]); k++) {
			uint8_t type = bad[i].message[k];

			n += message(b + n, type, type == FINISHED ? 32 :
				     type == UPDATE ? 1 : 40);
		}
		refuse(HANDSHAKE, b, n);
		/* nothing has come of it */
		if (bad[i].established)
			send(DATA, "x", 1);
		else
			establish();
	}
}

static void refuses_the_first_byte_behind_finished(void **state)
{
	uint8_t b[256];
	size_t n;

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	n = finished(b);
	b[n] = TICKET;
	refuse(HANDSHAKE, b, n + 1);
	establish();
	n = message(b, UPDATE, 1);
	b[n] = TICKET;
	refuse(HANDSHAKE, b, n + 1);
	update();
	send(DATA, "x", 1);
}

static void refuses_messages_of_wrong_length(void **state)
{
	uint8_t b[512];
	size_t i;

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	for (i = 0; i < 100; i++) {
		if (i != 32)
			refuse(HANDSHAKE, b, message(b, FINISHED, i));
	}
	/* the header alone says that it is too long */
	refuse(HANDSHAKE, "\x0b\x04\x00\x01", 4);
	establish();
	refuse(HANDSHAKE, b, message(b, UPDATE, 0));
	refuse(HANDSHAKE, b, message(b, UPDATE, 2));
	message(b, UPDATE, 1);
	b[4] = 2;
	refuse(HANDSHAKE, b, 5);
	b[4] = 0;
	send(HANDSHAKE, b, 5);
	forge_seal_update(&l.from);
	send(DATA, "x", 1);
}

static void follows_the_longest_message(void **state)
{
	static uint8_t b[4 + 256 * 1024];
	size_t n = message(b, CERTIFICATE, 256 * 1024), i;

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	for (i = 0; i < n; i += 16384)
		send(HANDSHAKE, b + i, n - i < 16384 ? n - i : 16384);
	send(HANDSHAKE, b, finished(b));
	assert_true(wga_tls13_established(l.to));
}

static void lets_nothing_between_parts_of_a_message(void **state)
{
	uint8_t b[256];
	size_t n, i;

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	establish();
	n = message(b, TICKET, 60);
	for (i = 1; i < n; i++) {
		send(HANDSHAKE, b, i);
		refuse(DATA, "x", 1);
		refuse(ALERT, "\x01\x00", 2);
		send(HANDSHAKE, b + i, n - i);
		send(DATA, "x", 1);
	}
	/* nor between the messages of an answer (section 4.4) */
	send(HANDSHAKE, b, message(b, CERTIFICATE, 4));
	refuse(DATA, "x", 1);
	send(HANDSHAKE, b, finished(b));
	send(DATA, "x", 1);
}

static void lets_no_data_before_finished(void **state)
{
	uint8_t b[64];

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	refuse(DATA, "x", 1);
	refuse(DATA, "", 0);
	send(HANDSHAKE, b, message(b, EXTENSIONS, 2));
	refuse(DATA, "x", 1);
	/* an alert may come at any time */
	send(ALERT, "\x02\x28", 2);
}

static void knows_inner_types(void **state)
{
	int i;

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	establish();
	/* what begins a message here is refused elsewhere */
	for (i = 0; i < 256; i++) {
		if (i != DATA && i != HANDSHAKE && i != ALERT)
			refuse((uint8_t)i, "x\1", 2);
	}
	send(DATA, "", 0);
	refuse(HANDSHAKE, "", 0);
	refuse(ALERT, "", 0);
	refuse(ALERT, "\x01", 1);
	refuse(ALERT, "\x01\x00\x01\x00", 4);
	send(ALERT, "\x01\x00", 2);
}

static void strips_padding(void **state)
{
	uint8_t b[64] = "ends in zeros\0\0\0";
	size_t pad, n;

	(void)state;
	begin(WGA_TLS13_CHACHA20_SHA256);
	n = finished(b);
	sealed(HANDSHAKE, b, n, 99);
	assert_int_equal(opens(), 0);
	assert_int_equal(l.len, n);
	assert_true(wga_tls13_established(l.to));
	forge_seal_use(&l.from, l.from.suite, l.traffic);
	for (pad = 0; pad < 400; pad++) {
		sealed(DATA, b, 16, pad);
		assert_int_equal(opens(), 0);
		assert_int_equal(l.type, DATA);
		assert_int_equal(l.len, 16);
		assert_memory_equal(l.out, b, 16);
	}
	sealed(DATA, "", 0, 16384);
	assert_int_equal(opens(), 0);
	assert_int_equal(l.len, 0);
	/* no type at all */
	sealed(0, "\0\0\0", 3, 50);
	assert_int_equal(opens(), -1);
	l.from.seq--;
	refuse(0, "", 0);
	send(DATA, "x", 1);
}

static void refuses_long_records(void **state)
{
	static uint8_t b[16385 + 256];

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	establish();
	memset(b, 1, sizeof(b));
	send(DATA, b, 16384);
	refuse(DATA, b, 16385);
	refuse(DATA, b, 16384 + 256 - 17);
	/* too long by padding alone */
	sealed(DATA, b, 16384, 1);
	assert_int_equal(opens(), -1);
	l.from.seq--;
	sealed(DATA, b, 1, 16384);
	assert_int_equal(opens(), -1);
	l.from.seq--;
	send(DATA, "x", 1);
}

static void refuses_what_is_no_record(void **state)
{
	uint8_t whole[ROOM];
	size_t i, n;

	(void)state;
	begin(WGA_TLS13_AES_128_GCM_SHA256);
	establish();
	sealed(DATA, "hello", 5, 0);
	n = l.n;
	memcpy(whole, l.record, n);
	for (i = 0; i < n; i++) {
		l.n = i;
		assert_int_equal(opens(), -1);
	}
	l.n = n + 1;
	assert_int_equal(opens(), -1);
	/* shorter than a tag and a type, with a length that says so */
	for (i = 0; i < 17; i++) {
		l.record[3] = 0;
		l.record[4] = (uint8_t)i;
		l.n = 5 + i;
		assert_int_equal(opens(), -1);
	}
	memcpy(l.record, whole, n);
	l.n = n;
	assert_int_equal(opens(), 0);
	assert_memory_equal(l.out, "hello", 5);
	/* sealed well, but as a record of another type */
	l.from.outer = HANDSHAKE;
	refuse(DATA, "hello", 5);
	l.from.outer = DATA;
	send(DATA, "hello", 5);
}

static void refuses_every_changed_bit(void **state)
{
	uint8_t b[64];
	size_t i, k, bit;

	(void)state;
	for (i = 0; i < SUITES; i++) {
		begin(suites[i]);
		/* one record that turns the keys, one that does not */
		sealed(HANDSHAKE, b, finished(b), 3);
		for (k = 0; k < 2; k++) {
			for (bit = 0; bit < 8 * l.n; bit++) {
				uint8_t *p = &l.record[bit / 8];

				*p ^= (uint8_t)(1 << bit % 8);
				assert_int_equal(opens(), -1);
				*p ^= (uint8_t)(1 << bit % 8);
			}
			assert_int_equal(wga_tls13_established(l.to), k);
			assert_int_equal(opens(), 0);
			forge_seal_use(&l.from, l.from.suite, l.traffic);
			sealed(DATA, "abc", 3, 3);
		}
	}
}

static void leaves_nothing_of_what_it_refuses(void **state)
{
	static const char secret[] = "what was sealed here is nobody's business";
	size_t i;

	(void)state;
	for (i = 0; i < SUITES; i++) {
		begin(suites[i]);
		establish();
		sealed(DATA, secret, sizeof(secret), 0);
		l.record[l.n - 1] ^= 1;
		assert_int_equal(opens(), -1);
		assert_null(memmem(l.out, l.n, secret, 4));
		l.from.seq--;
		refuse(99, secret, sizeof(secret));
		assert_null(memmem(l.out, l.n, secret, 4));
		refuse(HANDSHAKE, secret, sizeof(secret));
		assert_null(memmem(l.out, l.n, secret, 4));
	}
}

static void refuses_other_keys(void **state)
{
	uint8_t b[64];
	size_t i;

	(void)state;
	for (i = 0; i < SUITES; i++) {
		begin(suites[i]);
		l.from.secret[7] ^= 1;
		refuse(HANDSHAKE, b, finished(b));
		l.from.secret[7] ^= 1;
		establish();
		l.from.secret[l.from.len - 1] ^= 1;
		refuse(DATA, "x", 1);
		l.from.secret[l.from.len - 1] ^= 1;
		/* another suite with secrets of this length */
		l.from.suite ^= WGA_TLS13_AES_128_GCM_SHA256 ^
				WGA_TLS13_CHACHA20_SHA256;
		if (l.from.len == 32)
			refuse(DATA, "x", 1);
	}
}

static void needs_every_record_in_order(void **state)
{
	(void)state;
	begin(WGA_TLS13_CHACHA20_SHA256);
	establish();
	send(DATA, "1", 1);
	/* once more */
	assert_int_equal(opens(), -1);
	/* one is missing */
	l.from.seq++;
	refuse(DATA, "3", 1);
	l.from.seq--;
	send(DATA, "2", 1);
	send(DATA, "3", 1);
	/* more than a byte of the number counts */
	for (int i = 0; i < 70000; i++) {
		sealed(DATA, "x", 1, 0);
		if (opens())
			fail_msg("record %d", i);
	}
}

static void holds_many_directions(void **state)
{
	static struct wga_tls13 *many[5000];
	uint8_t secret[32] = { 5 };
	size_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		many[i] = wga_tls13_new(0x1301, secret, secret, 32);
		assert_non_null(many[i]);
	}
	for (i = 0; i < 5000; i++)
		wga_tls13_free(many[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(opens_rfc_8448, finish),
		cmocka_unit_test_teardown(opens_every_suite, finish),
		cmocka_unit_test(refuses_other_suites_and_lengths),
		cmocka_unit_test_teardown(follows_key_updates, finish),
		cmocka_unit_test_teardown(turns_keys_only_at_finished, finish),
		cmocka_unit_test_teardown(follows_split_messages, finish),
		cmocka_unit_test_teardown(follows_messages_of_a_client, finish),
		cmocka_unit_test_teardown(follows_messages_of_a_server, finish),
		cmocka_unit_test_teardown(refuses_messages_out_of_order, finish),
		cmocka_unit_test_teardown(refuses_the_first_byte_behind_finished,
					  finish),
		cmocka_unit_test_teardown(refuses_messages_of_wrong_length,
					  finish),
		cmocka_unit_test_teardown(follows_the_longest_message, finish),
		cmocka_unit_test_teardown(lets_nothing_between_parts_of_a_message,
					  finish),
		cmocka_unit_test_teardown(lets_no_data_before_finished, finish),
		cmocka_unit_test_teardown(knows_inner_types, finish),
		cmocka_unit_test_teardown(strips_padding, finish),
		cmocka_unit_test_teardown(refuses_long_records, finish),
		cmocka_unit_test_teardown(refuses_what_is_no_record, finish),
		cmocka_unit_test_teardown(refuses_every_changed_bit, finish),
		cmocka_unit_test_teardown(leaves_nothing_of_what_it_refuses,
					  finish),
		cmocka_unit_test_teardown(refuses_other_keys, finish),
		cmocka_unit_test_teardown(needs_every_record_in_order, finish),
		cmocka_unit_test(holds_many_directions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
