/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyze/tls.h"
#include "stream_build.h"

static struct build o;

static const char prose[] =
	"GET /secret?user=alice&password=hunter2 HTTP/1.1 and some more of it, "
	"which is long enough to fill an extension of a ClientHello that nobody "
	"knows, so that it could be carried past an audit.";

/* How a ClientHello with these options is received */
static enum wga_segment say_hello(const struct hello_options *h,
				  struct wga_tls *tls)
{
	struct wga_tls_side side = { 0 };

	*tls = (struct wga_tls){ 0 };
	o.n = 0;
	put_client_hello_record(&o, h);
	assert_true(wga_tls_header_fits(o.b, o.n));
	assert_true(wga_tls_may_follow(tls, &side, true, o.b));
	assert_int_equal(wga_tls_record_length(o.b), o.n);
	return wga_tls_record(tls, &side, true, o.b, o.n);
}

static void test_client_hello(void **state)
{
	uint8_t zeros[100] = { 0 }, random[200];
	struct wga_tls tls;

	(void)state;
	assert_int_equal(say_hello(&(struct hello_options){ 0 }, &tls),
			 WGA_SEGMENT_FINE);
	assert_string_equal(tls.sni, "hs.test");
	assert_int_equal(say_hello(&(struct hello_options){
		.name = "a-name-that-is-longer-than-what-is-kept.example.com",
	}, &tls), WGA_SEGMENT_FINE);
	assert_string_equal(tls.sni, "a-name-that-is-longer-than-what-is-kept"
				     "....");
	assert_int_equal(say_hello(&(struct hello_options){
		.padding = zeros, .padding_len = sizeof(zeros),
	}, &tls), WGA_SEGMENT_FINE);
	assert_int_equal(say_hello(&(struct hello_options){
		.alpn = "\0\x0c\x02h2\x08http/1.1", .alpn_len = 14,
	}, &tls), WGA_SEGMENT_FINE);
	o.n = 0;
	put_random(&o, sizeof(random));
	memcpy(random, o.b, sizeof(random));
	assert_int_equal(say_hello(&(struct hello_options){
		.extension = random, .extension_len = sizeof(random),
	}, &tls), WGA_SEGMENT_FINE);
	assert_int_equal(say_hello(&(struct hello_options){
		.extension = "\0", .extension_len = 1,
	}, &tls), WGA_SEGMENT_FINE);
}

static void test_client_hello_text(void **state)
{
	static const char thin[] =
		"\xff some text \xff in small \xff pieces \xff that do \xff not "
		"\xff reach \xff a run \xff of 31 \xff bytes \xff anywhere "
		"\xff in it \xff at all \xff";
	struct wga_tls tls;

	(void)state;
	assert_int_equal(say_hello(&(struct hello_options){
		.extension = prose, .extension_len = 31,
	}, &tls), WGA_SEGMENT_TEXT);
	assert_int_equal(say_hello(&(struct hello_options){
		.extension = prose, .extension_len = 12,
	}, &tls), WGA_SEGMENT_TEXT);
	assert_int_equal(say_hello(&(struct hello_options){
		.extension = prose, .extension_len = sizeof(prose) - 1,
	}, &tls), WGA_SEGMENT_TEXT);
	assert_int_not_equal(say_hello(&(struct hello_options){
		.extension = thin, .extension_len = sizeof(thin) - 1,
	}, &tls), WGA_SEGMENT_FINE);
	assert_int_equal(say_hello(&(struct hello_options){
		.session = "user=alice&password=hunter2 text",
	}, &tls), WGA_SEGMENT_TEXT);
	assert_int_equal(say_hello(&(struct hello_options){
		.padding = prose, .padding_len = 40,
	}, &tls), WGA_SEGMENT_TEXT);
	assert_int_not_equal(say_hello(&(struct hello_options){
		.padding = "\0\0\0\1", .padding_len = 4,
	}, &tls), WGA_SEGMENT_FINE);
	assert_int_not_equal(say_hello(&(struct hello_options){
		.name = "not a host name",
	}, &tls), WGA_SEGMENT_FINE);
	assert_int_not_equal(say_hello(&(struct hello_options){
		.alpn = "\0\x23\x22user=alice&password=hunter2&more=1",
		.alpn_len = 37,
	}, &tls), WGA_SEGMENT_FINE);
}

/* Every length must fit to the last byte: no other value of any length byte
 * may be accepted, and nothing may follow.
 */
static void test_client_hello_lengths(void **state)
{
	static const size_t at[] = { 8, 43, 77, 86, 89, 93, 95, 98 };
	struct wga_tls tls;
	size_t i;

	(void)state;
	assert_int_not_equal(say_hello(&(struct hello_options){
		.trailing = 1 }, &tls), WGA_SEGMENT_FINE);
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct wga_tls_side side = { 0 };

		say_hello(&(struct hello_options){ 0 }, &tls);
		o.b[at[i]]++;
		if (wga_tls_record(&tls, &side, true, o.b, o.n) ==
		    WGA_SEGMENT_FINE)
			fail_msg("length at %zu is not checked", at[i]);
	}
	for (i = WGA_TLS_HEADER; i < 140; i++) {
		struct wga_tls_side side = { 0 };

		say_hello(&(struct hello_options){ 0 }, &tls);
		assert_int_not_equal(wga_tls_record(&tls, &side, true, o.b, i),
				     WGA_SEGMENT_FINE);
	}
}

/* A ClientHello whose only extension is this */
static enum wga_segment extension(uint32_t type, const void *p, size_t len)
{
	struct wga_tls_side side = { 0 };
	struct wga_tls tls = { 0 };
	size_t record, message, list;

	o.n = 0;
	record = open_record(&o, 22);
	put_number(&o, 1, 1);
	message = open_length(&o, 3);
	put_number(&o, 0x0303, 2);
	put_random(&o, 32);
	put(&o, "\0\0\2\x13\1\1\0", 7);
	list = open_length(&o, 2);
	put_extension(&o, type, p, len);
	close_length(&o, list, 2);
	close_length(&o, message, 3);
	close_record(&o, record);
	return wga_tls_record(&tls, &side, true, o.b, o.n);
}

#define FITS(type, bytes) \
	assert_int_equal(extension(type, bytes, sizeof(bytes) - 1), \
			 WGA_SEGMENT_FINE)
#define FITS_NOT(type, bytes) \
	assert_int_not_equal(extension(type, bytes, sizeof(bytes) - 1), \
			     WGA_SEGMENT_FINE)

static void test_extensions(void **state)
{
	(void)state;
	FITS(0, "\0\6\0\0\3a.b");
	FITS_NOT(0, "\0\6\0\0\2a.b");
	FITS_NOT(0, "\0\6\1\0\3a.b");
	FITS_NOT(0, "\0\6\0\0\3a.bc");
	FITS_NOT(0, "\0\3\0\0\0");
	FITS_NOT(0, "\0\6\0\0\3a\0b");
	FITS(16, "\0\3\2h2");
	FITS_NOT(16, "\0\3\2h2x");
	FITS_NOT(16, "\0\2\2h");
	FITS_NOT(16, "\0\1\0");
	FITS_NOT(16, "\0\3\2h ");
	FITS_NOT(16, "\0\x12\x11seventeen letters");
	FITS(10, "\0\4\0\x1d\0\x17");
	FITS_NOT(10, "\0\3\0\x1d\0");
	FITS_NOT(10, "\0\0");
	FITS_NOT(10, "\0\2\0\x1d\0");
	FITS_NOT(10, "\0\x0auser=alice");
	FITS(43, "\2\3\4");
	FITS_NOT(43, "\1\3");
	FITS(51, "\0\5\x4a\x4a\0\1\0");
	FITS_NOT(51, "\0\5\x4a\x4a\0\2\0");
	FITS_NOT(51, "\0\5\x4a\x4a\0\1\0\0");
	FITS_NOT(51, "\0\x18\0\x1d\0\x14some words for a key");
	FITS(41, "\0\7\0\1\x99\0\0\0\0\0\2\1\x77");
	FITS_NOT(41, "\0\7\0\1\x99\0\0\0\0\0\2\1\x77\0");
	FITS_NOT(41, "\0\6\0\1\x99\0\0\0\0\2\1\x77");
	FITS_NOT(41, "\0\x19\0\x13some words, a ticket\0\0\0\0\2\1\x77");
	FITS_NOT(47, "\0\0");
	FITS(0xff01, "\0");
}

/* A ServerHello whose only extension is this */
static enum wga_segment server_extension(uint32_t type, const void *p,
					 size_t len)
{
	struct wga_tls_side side = { 0 };
	struct wga_tls tls = { 0 };
	size_t record, message, list;

	o.n = 0;
	record = open_record(&o, 22);
	put_number(&o, 2, 1);
	message = open_length(&o, 3);
	put_number(&o, 0x0303, 2);
	put_random(&o, 32);
	put(&o, "\0\x13\1\0", 4);
	list = open_length(&o, 2);
	put_extension(&o, type, p, len);
	close_length(&o, list, 2);
	close_length(&o, message, 3);
	close_record(&o, record);
	return wga_tls_record(&tls, &side, false, o.b, o.n);
}

#define SERVER_FITS(type, bytes) \
	assert_int_equal(server_extension(type, bytes, sizeof(bytes) - 1), \
			 WGA_SEGMENT_FINE)
#define SERVER_FITS_NOT(type, bytes) \
	assert_int_not_equal(server_extension(type, bytes, \
					      sizeof(bytes) - 1), \
			     WGA_SEGMENT_FINE)

static void test_server_extensions(void **state)
{
	(void)state;
	SERVER_FITS(43, "\3\4");
	SERVER_FITS_NOT(43, "\3\3");
	SERVER_FITS_NOT(43, "\3\4\0");
	SERVER_FITS(51, "\0\x1d\0\1\0");
	SERVER_FITS_NOT(51, "\0\x1d\0\1\0\0");
	SERVER_FITS_NOT(51, "\0\x1d");
	SERVER_FITS(41, "\0\0");
	SERVER_FITS_NOT(41, "\0");
	SERVER_FITS(23, "");
	SERVER_FITS_NOT(23, "\0");
	SERVER_FITS(0xff01, "\0");
	SERVER_FITS_NOT(0xff01, "\0\0");
	SERVER_FITS(11, "\1\0");
	SERVER_FITS_NOT(11, "words");
	SERVER_FITS(16, "\0\3\2h2");
	/* only in a retry */
	SERVER_FITS_NOT(44, "\0\1\0");
	SERVER_FITS_NOT(10, "\0\2\0\x1d");
}

static enum wga_segment answer(struct wga_tls *tls, struct wga_tls_side *side)
{
	assert_true(wga_tls_header_fits(o.b, o.n));
	if (!wga_tls_may_follow(tls, side, false, o.b))
		return WGA_SEGMENT_FOREIGN;
	return wga_tls_record(tls, side, false, o.b, o.n);
}

static void test_server_hello(void **state)
{
	struct wga_tls tls = { 0 };
	struct wga_tls_side side = { 0 };

	(void)state;
	o.n = 0;
	put_server_hello_record(&o, WGA_TLS_13);
	assert_int_equal(answer(&tls, &side), WGA_SEGMENT_FINE);
	assert_int_equal(tls.version, WGA_TLS_13);
	/* there is only one */
	assert_int_not_equal(answer(&tls, &side), WGA_SEGMENT_FINE);

	/* with TLS 1.3 nothing else is clear, in the same record neither */
	o.n = 0;
	put_server_hello_record(&o, WGA_TLS_13);
	put(&o, "\x0e\0\0\0", 4);
	o.b[4] = (uint8_t)(o.b[4] + 4);
	tls = (struct wga_tls){ 0 };
	side = (struct wga_tls_side){ 0 };
	assert_int_not_equal(answer(&tls, &side), WGA_SEGMENT_FINE);

	/* an extension that no server sends */
	o.n = 0;
	put_server_hello_record(&o, WGA_TLS_12);
	o.b[o.n - 5] = 0x4a;
	tls = (struct wga_tls){ 0 };
	side = (struct wga_tls_side){ 0 };
	assert_int_not_equal(answer(&tls, &side), WGA_SEGMENT_FINE);

	/* a ClientHello of a server */
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	side = (struct wga_tls_side){ 0 };
	assert_int_not_equal(answer(&tls, &side), WGA_SEGMENT_FINE);
}

/* the same extension twice, more of them than anybody sends, a session id that
 * is too long, a compression method
 */
static void test_client_hello_room(void **state)
{
	struct wga_tls_side side = { 0 };
	struct wga_tls tls;
	uint8_t many[41 * 4] = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 41; i++)
		many[4 * i] = 0x4a;
	assert_int_equal(extension(0x4b00, many, 4), WGA_SEGMENT_FINE);
	/* the extension's length becomes that of an empty one, and what was
	 * its body goes on as extensions
	 */
	for (i = 39; i <= 41; i++) {
		extension(0x4b00, many, 4 * i);
		memset(o.b + 50 + 4, 0, 2);
		assert_int_equal(wga_tls_record(&tls, &(struct wga_tls_side){ 0 },
						true, o.b, o.n) ==
				 WGA_SEGMENT_FINE, i == 39);
	}
	memset(many, 0, sizeof(many));
	many[1] = many[5] = 23;
	extension(0x4b00, many, 4);
	memset(o.b + 50 + 4, 0, 2);
	assert_int_equal(wga_tls_record(&tls, &side, true, o.b, o.n),
			 WGA_SEGMENT_FINE);
	extension(0x4b00, many, 8);
	memset(o.b + 50 + 4, 0, 2);
	side.phase = WGA_TLS_HELLO;
	assert_int_not_equal(wga_tls_record(&tls, &side, true, o.b, o.n),
			     WGA_SEGMENT_FINE);

	say_hello(&(struct hello_options){ 0 }, &tls);
	o.b[87] = 1;
	side.phase = WGA_TLS_HELLO;
	assert_int_not_equal(wga_tls_record(&tls, &side, true, o.b, o.n),
			     WGA_SEGMENT_FINE);
	say_hello(&(struct hello_options){ 0 }, &tls);
	o.b[10] = 4;
	side.phase = WGA_TLS_HELLO;
	assert_int_not_equal(wga_tls_record(&tls, &side, true, o.b, o.n),
			     WGA_SEGMENT_FINE);
	say_hello(&(struct hello_options){ 0 }, &tls);
	memcpy(o.b + 11, "words where random bytes belong.", 32);
	side.phase = WGA_TLS_HELLO;
	assert_int_equal(wga_tls_record(&tls, &side, true, o.b, o.n),
			 WGA_SEGMENT_TEXT);
}

static void test_retry(void **state)
{
	static const uint8_t random[32] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
		0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
		0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
		0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	};
	static const uint8_t extensions[] = {
		0, 12, 0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 0x17,
	};
	struct wga_tls tls = { 0 };
	struct wga_tls_side server = { 0 }, client = { 0 };
	size_t record, message;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		o.n = 0;
		record = open_record(&o, 22);
		put_number(&o, 2, 1);
		message = open_length(&o, 3);
		put_number(&o, 0x0303, 2);
		put(&o, random, sizeof(random));
		put_number(&o, 0, 1);
		put_number(&o, 0x1301, 2);
		put_number(&o, 0, 1);
		put(&o, extensions, sizeof(extensions));
		close_length(&o, message, 3);
		close_record(&o, record);
		/* once */
		assert_int_equal(answer(&tls, &server), i ? WGA_SEGMENT_FOREIGN :
							    WGA_SEGMENT_FINE);
	}

	client.phase = WGA_TLS_CLEAR;
	client.hellos = 1;
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_true(wga_tls_may_follow(&tls, &client, true, o.b));
	assert_int_equal(wga_tls_record(&tls, &client, true, o.b, o.n),
			 WGA_SEGMENT_FINE);
	assert_false(wga_tls_may_follow(&tls, &client, true, o.b));
}

static void test_headers(void **state)
{
	static const struct {
		uint8_t b[6];
		size_t len;
		bool fits;
	} cases[] = {
		{ { 23, 3, 3, 0, 17 }, 5, true },
		{ { 23, 3, 3, 0, 16 }, 5, false },
		{ { 23, 3, 3, 0x41, 0 }, 5, true },
		{ { 23, 3, 3, 0x41, 1 }, 5, false },
		{ { 23, 3, 4 }, 3, false },
		{ { 23, 3, 0 }, 3, false },
		{ { 22, 3, 1 }, 3, true },
		{ { 19 }, 1, false },
		{ { 24 }, 1, false },
		{ { 23, 2 }, 2, false },
		{ { 20, 3, 3, 0, 1, 1 }, 6, true },
		{ { 20, 3, 3, 0, 1, 2 }, 6, false },
		{ { 20, 3, 3, 0, 2 }, 5, false },
		{ { 21, 3, 3, 0, 2 }, 5, true },
		{ { 21, 3, 3, 0, 3 }, 5, false },
		{ { 21, 3, 3, 2, 0 }, 5, false },
		{ { 22, 3, 3, 0, 3 }, 5, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (wga_tls_header_fits(cases[i].b, cases[i].len) !=
		    cases[i].fits)
			fail_msg("header %zu", i);
}

static bool follows(struct wga_tls *tls, struct wga_tls_side *side,
		    uint8_t type, uint8_t body)
{
	const uint8_t p[WGA_TLS_HEADER] = { type, 3, 3, 0, body };

	return wga_tls_may_follow(tls, side, true, p);
}

static void test_order_13(void **state)
{
	static const uint8_t ccs[] = { 20, 3, 3, 0, 1, 1 };
	static const uint8_t data[] = { 23, 3, 3, 0, 17 };
	struct wga_tls tls = { 0 };
	struct wga_tls_side side = { 0 };

	(void)state;
	/* nothing comes before the hello */
	assert_true(follows(&tls, &side, 22, 200));
	assert_false(follows(&tls, &side, 23, 17));
	assert_false(follows(&tls, &side, 20, 1));
	assert_false(follows(&tls, &side, 21, 2));

	tls.version = WGA_TLS_13;
	side.phase = WGA_TLS_CLEAR;
	side.hellos = 1;
	assert_false(follows(&tls, &side, 22, 40));
	assert_true(follows(&tls, &side, 21, 2));
	assert_false(follows(&tls, &side, 21, 19));
	wga_tls_record(&tls, &side, true, ccs, sizeof(ccs));
	assert_true(follows(&tls, &side, 20, 1));
	wga_tls_record(&tls, &side, true, ccs, sizeof(ccs));
	assert_false(follows(&tls, &side, 20, 1));
	wga_tls_record(&tls, &side, true, data, sizeof(data));
	assert_true(follows(&tls, &side, 23, 17));
	assert_false(follows(&tls, &side, 20, 1));
	assert_false(follows(&tls, &side, 21, 2));
	assert_false(follows(&tls, &side, 22, 40));
}

static void test_order_12(void **state)
{
	static const uint8_t ccs[] = { 20, 3, 3, 0, 1, 1 };
	static const uint8_t alert[] = { 21, 3, 3, 0, 26 };
	struct wga_tls tls = { .version = WGA_TLS_12 };
	struct wga_tls_side side = { .phase = WGA_TLS_CLEAR, .hellos = 1 };

	(void)state;
	assert_true(follows(&tls, &side, 22, 40));
	assert_false(follows(&tls, &side, 23, 40));
	assert_true(follows(&tls, &side, 21, 2));
	assert_false(wga_tls_is_opaque(&side, alert));
	wga_tls_record(&tls, &side, true, ccs, sizeof(ccs));
	assert_int_equal(side.phase, WGA_TLS_KEYED);
	assert_true(follows(&tls, &side, 22, 40));
	assert_true(follows(&tls, &side, 23, 40));
	assert_true(follows(&tls, &side, 21, 26));
	assert_true(wga_tls_is_opaque(&side, alert));
	assert_false(follows(&tls, &side, 21, 2));
	assert_false(follows(&tls, &side, 20, 1));
}

/* Nothing was seen of the other side: this one may be either version. */
static void test_order_blind(void **state)
{
	static const uint8_t ccs[] = { 20, 3, 3, 0, 1, 1 };
	struct wga_tls tls = { .blind = true };
	struct wga_tls_side side = { .phase = WGA_TLS_CLEAR, .hellos = 1 };

	(void)state;
	assert_true(follows(&tls, &side, 22, 40));
	tls.blind = false;
	assert_false(follows(&tls, &side, 22, 40));
	tls.blind = true;
	wga_tls_record(&tls, &side, true, ccs, sizeof(ccs));
	assert_int_equal(side.phase, WGA_TLS_JOINED);
	assert_true(follows(&tls, &side, 22, 40));
	assert_true(follows(&tls, &side, 23, 40));
	/* with both hellos read it is known */
	tls = (struct wga_tls){ .version = WGA_TLS_13, .blind = true };
	side = (struct wga_tls_side){ .phase = WGA_TLS_CLEAR, .hellos = 1 };
	wga_tls_record(&tls, &side, true, ccs, sizeof(ccs));
	assert_int_equal(side.phase, WGA_TLS_CLEAR);
	/* and a hole does not make it unknown */
	wga_tls_join(&tls, &side, true, ccs, sizeof(ccs));
	assert_int_equal(side.phase, WGA_TLS_CLEAR);
	side.hellos = 0;
	wga_tls_join(&tls, &side, true, ccs, sizeof(ccs));
	assert_int_equal(side.phase, WGA_TLS_JOINED);
}

static void test_alerts(void **state)
{
	static const uint8_t fine[] = { 21, 3, 3, 0, 2, 2, 40 };
	static const uint8_t level[] = { 21, 3, 3, 0, 2, 3, 40 };
	static const uint8_t what[] = { 21, 3, 3, 0, 2, 1, 'x' + 30 };
	struct wga_tls tls = { .version = WGA_TLS_13 };
	struct wga_tls_side side = { 0 };

	(void)state;
	assert_true(wga_tls_may_follow(&tls, &side, false, fine));
	assert_false(wga_tls_is_opaque(&side, fine));
	assert_int_equal(wga_tls_record(&tls, &side, false, fine, 7),
			 WGA_SEGMENT_FINE);
	assert_int_not_equal(wga_tls_record(&tls, &side, false, level, 7),
			     WGA_SEGMENT_FINE);
	assert_int_not_equal(wga_tls_record(&tls, &side, false, what, 7),
			     WGA_SEGMENT_FINE);
	side.phase = WGA_TLS_JOINED;
	assert_false(wga_tls_is_opaque(&side, fine));
	assert_true(wga_tls_may_follow(&tls, &side, false, fine));
	side.data = true;
	assert_false(wga_tls_may_follow(&tls, &side, false, fine));
}

static enum wga_segment messages(const void *p, size_t len, size_t cut)
{
	struct wga_tls tls = { .version = WGA_TLS_12 };
	struct wga_tls_side side = { .phase = WGA_TLS_CLEAR, .hellos = 1 };
	enum wga_segment ret = WGA_SEGMENT_FINE;
	const uint8_t *b = p;

	while (len && ret == WGA_SEGMENT_FINE) {
		size_t n = len < cut ? len : cut, record;

		o.n = 0;
		record = open_record(&o, 22);
		put(&o, b, n);
		close_record(&o, record);
		ret = wga_tls_record(&tls, &side, false, o.b, o.n);
		b += n;
		len -= n;
	}
	return ret;
}

static void test_messages_12(void **state)
{
	/* ServerHelloDone, and a Certificate with a sequence in it */
	static const uint8_t done[] = { 14, 0, 0, 0 };
	static const uint8_t done_long[] = { 14, 0, 0, 1, 0 };
	static const uint8_t certificate[] = {
		11, 0, 0, 0x0c, 0, 0, 9, 0, 0, 6, 0x30, 0x82, 0, 2, 5, 0,
	};
	static struct build m;
	uint8_t bad[sizeof(certificate)];
	size_t i;

	(void)state;
	assert_int_equal(messages(done, 4, 100), WGA_SEGMENT_FINE);
	assert_int_equal(messages(done, 4, 1), WGA_SEGMENT_FINE);
	assert_int_not_equal(messages(done_long, 5, 100), WGA_SEGMENT_FINE);
	assert_int_equal(messages(certificate, sizeof(certificate), 100),
			 WGA_SEGMENT_FINE);
	for (i = 4; i < 14; i++) {
		memcpy(bad, certificate, sizeof(bad));
		bad[i]++;
		assert_int_not_equal(messages(bad, sizeof(bad), 100),
				     WGA_SEGMENT_FINE);
	}
	/* what only a client sends, and more than it sends */
	assert_int_not_equal(messages("\x10\0\0\1\0", 5, 100),
			     WGA_SEGMENT_FINE);
	/* type 20 and text */
	assert_int_not_equal(messages("\x14\0\0\x0c some words..", 16, 100),
			     WGA_SEGMENT_FINE);

	m.n = 0;
	put_number(&m, 12, 1);
	put_number(&m, 100, 3);
	put_random(&m, 50);
	put(&m, prose, 50);
	assert_int_equal(messages(m.b, m.n, 200), WGA_SEGMENT_TEXT);
	m.n = 4;
	put_random(&m, 100);
	assert_int_equal(messages(m.b, m.n, 200), WGA_SEGMENT_FINE);

	/* more than all certificates of the world need */
	m.n = 0;
	put_number(&m, 11, 1);
	put_number(&m, 70000, 3);
	put_random(&m, 70000);
	assert_int_equal(messages(m.b, m.n, 16384), WGA_SEGMENT_FOREIGN);
}

static void test_join(void **state)
{
	static const uint8_t data[] = { 23, 3, 3, 0, 40 };
	static const uint8_t alert[] = { 21, 3, 3, 0, 26 };
	struct wga_tls tls = { 0 };
	struct wga_tls_side side = { 0 };

	(void)state;
	wga_tls_join(&tls, &side, true, data, sizeof(data));
	assert_int_equal(side.phase, WGA_TLS_JOINED);
	assert_true(tls.blind);
	assert_true(wga_tls_may_follow(&tls, &side, true, alert));
	assert_true(wga_tls_is_opaque(&side, alert));
	assert_true(follows(&tls, &side, 20, 1));
	side.data = true;
	assert_false(follows(&tls, &side, 20, 1));
	side.data = false;
	side.ccs = 2;
	assert_false(follows(&tls, &side, 20, 1));

	side = (struct wga_tls_side){ 0 };
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	tls.blind = false;
	wga_tls_join(&tls, &side, true, o.b, o.n);
	assert_int_equal(side.phase, WGA_TLS_HELLO);
	assert_false(tls.blind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_hello),
		cmocka_unit_test(test_client_hello_text),
		cmocka_unit_test(test_client_hello_lengths),
		cmocka_unit_test(test_server_hello),
		cmocka_unit_test(test_client_hello_room),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_server_extensions),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_order_13),
		cmocka_unit_test(test_order_12),
		cmocka_unit_test(test_order_blind),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_messages_12),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
