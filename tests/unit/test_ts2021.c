/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyze/http.h"
#include "analyze/ts2021.h"
#include "stream_build.h"

static struct build o;

static void test_handshake(void **state)
{
	char text[140];

	(void)state;
	o.n = 0;
	put_ts2021_handshake(&o);
	assert_int_equal(o.n, 136);
	memcpy(text, o.b, 136);
	assert_true(wga_ts2021_handshake(text, 136));
	assert_false(wga_ts2021_handshake(text, 132));
	text[20] = '*';
	assert_false(wga_ts2021_handshake(text, 136));
	memcpy(text, o.b, 136);
	memcpy(text, "AIUCAGA", 7);	/* type 2 */
	assert_false(wga_ts2021_handshake(text, 136));
	memcpy(text, "AIUBAGE", 7);	/* length 97 */
	assert_false(wga_ts2021_handshake(text, 136));

	/* words in place of the Noise message */
	{
		uint8_t blob[101] = { 0, 133, 1, 0, 96 };

		memcpy(blob + 5, "user=alice and password=hunter2 and more "
		       "words until this is long enough to fill the whole "
		       "message", 96);
		o.n = 0;
		put_base64(&o, blob, sizeof(blob));
		assert_false(wga_ts2021_handshake((const char *)o.b, o.n));
	}
}

static bool fits(const struct wga_ts2021_side *side, bool from_client,
		 uint8_t type, unsigned int len)
{
	const uint8_t p[3] = { type, (uint8_t)(len >> 8), (uint8_t)len };

	return wga_ts2021_header_fits(side, from_client, p, sizeof(p));
}

static void test_frames(void **state)
{
	static const uint8_t record[3] = { 4, 0, 40 };
	static const uint8_t error[3] = { 3, 0, 40 };
	struct wga_ts2021_side server = { 0 }, client = { 0 };

	(void)state;
	assert_true(fits(&client, true, 4, 17));
	assert_true(fits(&client, true, 4, 4096));
	assert_false(fits(&client, true, 4, 16));
	assert_false(fits(&client, true, 4, 4097));
	assert_false(fits(&client, true, 2, 48));
	assert_false(fits(&client, true, 3, 10));
	assert_false(fits(&client, true, 1, 96));
	assert_false(fits(&client, true, 'G', 96));

	/* a server answers first, or refuses in a few words and says no more */
	assert_true(fits(&server, false, 2, 48));
	assert_false(fits(&server, false, 2, 47));
	assert_false(fits(&server, false, 4, 40));
	assert_true(fits(&server, false, 3, 128));
	assert_false(fits(&server, false, 3, 129));
	wga_ts2021_frame(&server, error);
	assert_true(server.error);
	assert_false(fits(&server, false, 4, 40));
	assert_false(fits(&server, false, 3, 40));

	server = (struct wga_ts2021_side){ 0 };
	wga_ts2021_frame(&server, record);
	assert_true(fits(&server, false, 4, 40));
	assert_false(fits(&server, false, 2, 48));
	assert_false(fits(&server, false, 3, 10));
	assert_true(wga_ts2021_is_opaque(record));
	assert_false(wga_ts2021_is_opaque(error));
	assert_int_equal(wga_ts2021_frame_length(record), 43);
}

static bool request(enum wga_http_exchange *exchange, bool *fast)
{
	assert_true(wga_http_request_begins(o.b, o.n));
	assert_int_equal(wga_http_head_length(o.b, o.n), o.n);
	return wga_http_request(o.b, o.n, exchange, fast);
}

static bool request_text(const char *text)
{
	enum wga_http_exchange exchange;
	bool fast;

	o.n = 0;
	put_text(&o, text);
	return wga_http_request(o.b, o.n, &exchange, &fast);
}

static void test_requests(void **state)
{
	enum wga_http_exchange exchange;
	bool fast;

	(void)state;
	o.n = 0;
	put_text(&o, TS2021_REQUEST);
	put_ts2021_handshake(&o);
	put_text(&o, "\r\n\r\n");
	assert_true(request(&exchange, &fast));
	assert_int_equal(exchange, WGA_HTTP_TS2021);
	assert_false(fast);
	o.n = 0;
	put_text(&o, DERP_REQUEST);
	assert_true(request(&exchange, &fast));
	assert_int_equal(exchange, WGA_HTTP_DERP);
	assert_false(fast);
	o.n -= 2;
	put_text(&o, "Derp-Fast-Start: 1\r\nIdeal-Node: derp1a\r\n\r\n");
	assert_true(request(&exchange, &fast));
	assert_true(fast);
	o.n = 0;
	put_text(&o, KEY_REQUEST);
	assert_true(request(&exchange, &fast));
	assert_int_equal(exchange, WGA_HTTP_KEY);
}

#define DERP_LINES "Host: hs.test\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n"

static void test_other_requests(void **state)
{
	(void)state;
	assert_true(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES "\r\n"));
	/* another path, method, version */
	assert_false(request_text("GET /derpx HTTP/1.1\r\n" DERP_LINES "\r\n"));
	assert_false(request_text("GET /derp?x=secret HTTP/1.1\r\n" DERP_LINES
				  "\r\n"));
	assert_false(request_text("POST /derp HTTP/1.1\r\n" DERP_LINES "\r\n"));
	assert_false(request_text("GET /derp HTTP/1.0\r\n" DERP_LINES "\r\n"));
	assert_false(request_text("GET /key?v=12345 HTTP/1.1\r\n"
				  "Host: hs.test\r\n\r\n"));
	assert_false(request_text("GET /key?v= HTTP/1.1\r\n"
				  "Host: hs.test\r\n\r\n"));
	/* an unknown header, one twice, one missing, one with another value */
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES
				  "Cookie: a\r\n\r\n"));
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES
				  "Host: hs.test\r\n\r\n"));
	assert_false(request_text("GET /derp HTTP/1.1\r\nHost: hs.test\r\n"
				  "Upgrade: DERP\r\n\r\n"));
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES
				  "User-Agent: curl/7.88\r\n\r\n"));
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES
				  "Ideal-Node: two words\r\n\r\n"));
	assert_false(request_text("GET /key?v=133 HTTP/1.1\r\n"
				  "Host: a host of words\r\n\r\n"));
	/* a value that is empty, or too long */
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES
				  "Ideal-Node: \r\n\r\n"));
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES
				  "Ideal-Node: " KEY_HEX "0\r\n\r\n"));
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES
				  "Ideal-Node:" "\txy\r\n\r\n"));
	/* lines that are none */
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES
				  "words\r\n\r\n"));
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES
				  "Ideal-Node:x\r\n\r\n"));
	assert_false(request_text("GET /derp HTTP/1.1\r\n" DERP_LINES));
	assert_false(request_text(""));
}

static bool answer(enum wga_http_exchange exchange, const char *text,
		   size_t *body)
{
	o.n = 0;
	put_text(&o, text);
	return wga_http_answer_begins(o.b, o.n) &&
	       wga_http_answer(o.b, o.n, exchange, body);
}

#define TS2021_HEAD \
	"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n" \
	"Upgrade: tailscale-control-protocol\r\n"
#define DERP_HEAD \
	"HTTP/1.1 101 Switching Protocols\r\n" \
	"Connection: Upgrade\r\nUpgrade: DERP\r\n"

static void test_answers(void **state)
{
	size_t body = 1;

	(void)state;
	assert_true(answer(WGA_HTTP_TS2021, TS2021_ANSWER, &body));
	assert_int_equal(body, 0);
	assert_true(answer(WGA_HTTP_DERP, DERP_ANSWER, &body));
	assert_true(answer(WGA_HTTP_KEY, KEY_ANSWER, &body));
	assert_int_equal(body, 176);
	assert_true(answer(WGA_HTTP_DERP, DERP_HEAD "Derp-Version: 2\r\n"
			   "Derp-Public-Key: " KEY_HEX "\r\n\r\n", &body));
	assert_false(answer(WGA_HTTP_DERP, DERP_HEAD "Derp-Public-Key: "
			    KEY_HEX "0\r\n\r\n", &body));
	assert_false(answer(WGA_HTTP_DERP, DERP_HEAD "Derp-Public-Key: "
			    "words that are as long as a key has hexadecimal "
			    "digits, at 64..\r\n\r\n", &body));
	assert_false(answer(WGA_HTTP_DERP, DERP_HEAD "Derp-Public-Key: "
			    "anyword:" KEY_HEX "\r\n\r\n", &body));
	assert_false(answer(WGA_HTTP_DERP, DERP_HEAD "Derp-Version: two\r\n"
			    "\r\n", &body));
	assert_false(answer(WGA_HTTP_DERP, DERP_HEAD "Derp-Version: 22222\r\n"
			    "\r\n", &body));
	assert_true(answer(WGA_HTTP_TS2021, TS2021_HEAD "Server: nginx/1.22\r\n"
			   "\r\n", &body));
	assert_false(answer(WGA_HTTP_TS2021, TS2021_HEAD "Server: a server that "
			    "says more than what it is\r\n\r\n", &body));
	assert_false(answer(WGA_HTTP_KEY, TS2021_ANSWER, &body));
	assert_false(answer(WGA_HTTP_DERP, TS2021_ANSWER, &body));
	assert_false(answer(WGA_HTTP_TS2021, "HTTP/1.1 200 OK\r\n\r\n", &body));
	assert_false(answer(WGA_HTTP_KEY, "HTTP/1.1 200 OK\r\nContent-Type: "
			    "application/json\r\nContent-Length: 4000\r\n\r\n",
			    &body));
	assert_false(answer(WGA_HTTP_KEY, "HTTP/1.1 200 OK\r\nContent-Type: "
			    "text/html\r\nContent-Length: 176\r\n\r\n", &body));
	assert_false(answer(WGA_HTTP_KEY, "HTTP/1.1 200 OK\r\nContent-Type: "
			    "application/json\r\nContent-Length: 176\r\n"
			    "Date: tomorrow, at noon\r\n\r\n", &body));
	assert_false(answer(WGA_HTTP_KEY, "HTTP/1.1 404 Not Found\r\n\r\n",
			    &body));
}

static void test_key_body(void **state)
{
	char text[] = KEY_BODY;
	size_t len = sizeof(text) - 1, i;

	(void)state;
	assert_int_equal(len, 176);
	assert_true(wga_http_key_body((uint8_t *)text, len));
	assert_true(wga_http_key_body((uint8_t *)text, len - 1));
	for (i = 0; i < len - 1; i++) {
		assert_false(wga_http_key_body((uint8_t *)text, i));
		text[i] ^= 0x40;
		if (wga_http_key_body((uint8_t *)text, len))
			fail_msg("byte %zu is not checked", i);
		text[i] ^= 0x40;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_other_requests),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_key_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
