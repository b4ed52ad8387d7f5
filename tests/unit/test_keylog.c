/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/keylog_internal.h"

#define REAL_FILE	"tests/golden/captures/join-direct/tls.keys"

#define CH	"CLIENT_HANDSHAKE_TRAFFIC_SECRET "
#define SH	"SERVER_HANDSHAKE_TRAFFIC_SECRET "
#define CT	"CLIENT_TRAFFIC_SECRET_0 "
#define ST	"SERVER_TRAFFIC_SECRET_0 "
/* client randoms and secrets; D is as long as SHA-384 makes them */
#define R1	"1111111111111111111111111111111111111111111111111111111111111111"
#define R2	"2222222222222222222222222222222222222222222222222222222222222222"
#define A	"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define B	"b0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define C	"c0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define D	A "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"

static const uint8_t r1[32] = "\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"
	"\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"
	"\x11\x11\x11\x11";

static struct wga_keylog *keylog;
static char path[] = "/tmp/wga-keylog-XXXXXX";

static int teardown(void **state)
{
	(void)state;
	wga_keylog_free(keylog);
	keylog = NULL;
	unlink(path);
	return 0;
}

/* in memory that ends where the text does */
static int parse_bytes(const char *text, size_t len, struct wga_err *err)
{
	char *copy = malloc(len + !len);
	int ret;

	assert_non_null(copy);
	memcpy(copy, text, len);
	memset(err, 0, sizeof(*err));
	ret = wga_keylog_parse(&keylog, copy, len, "tls.keys", err);
	free(copy);
	return ret;
}

static void takes(const char *text)
{
	struct wga_err err;

	if (parse_bytes(text, strlen(text), &err))
		fail_msg("%s", err.text);
}

static void refuses(const char *text, const char *at)
{
	struct wga_keylog *before = keylog;
	size_t n = wga_keylog_count(keylog);
	struct wga_err err;

	if (!parse_bytes(text, strlen(text), &err))
		fail_msg("took %s", text);
	assert_string_equal(err.code, "bad-key-log");
	assert_non_null(strstr(err.text, at));
	/* nothing of a secret */
	assert_null(strstr(err.text, "a1a2a3"));
	assert_null(strstr(err.text, "A1A2"));
	assert_null(strstr(err.text, "1111"));
	assert_ptr_equal(keylog, before);
	assert_int_equal(wga_keylog_count(keylog), n);
}

static const struct wga_keylog_secrets *find(uint8_t byte)
{
	uint8_t random[32];

	memset(random, byte, sizeof(random));
	return wga_keylog_find(keylog, random);
}

static void starts_with(const struct wga_keylog_secrets *s,
			enum wga_keylog_label label, size_t len, uint8_t first,
			uint8_t last)
{
	assert_non_null(s);
	assert_int_equal(s->len[label], len);
	assert_int_equal(s->secret[label][0], first);
	assert_int_equal(s->secret[label][1], 0xa1);
	assert_int_equal(s->secret[label][len - 1], last);
}

static void finds_by_client_random(void **state)
{
	(void)state;
	assert_int_equal(wga_keylog_count(NULL), 0);
	assert_null(wga_keylog_find(NULL, r1));
	takes(CH R1 " " A "\n" SH R1 " " B "\n" CT R1 " " C "\n" ST R1 " " A "\n"
	      CT R2 " " D "\n");
	assert_int_equal(wga_keylog_count(keylog), 2);
	starts_with(find(0x11), WGA_KEYLOG_CLIENT_HANDSHAKE, 32, 0xa0, 0xbf);
	starts_with(find(0x11), WGA_KEYLOG_SERVER_HANDSHAKE, 32, 0xb0, 0xbf);
	starts_with(find(0x11), WGA_KEYLOG_CLIENT_TRAFFIC, 32, 0xc0, 0xbf);
	starts_with(find(0x11), WGA_KEYLOG_SERVER_TRAFFIC, 32, 0xa0, 0xbf);
	starts_with(find(0x22), WGA_KEYLOG_CLIENT_TRAFFIC, 48, 0xa0, 0xdf);
	assert_int_equal(find(0x22)->len[WGA_KEYLOG_SERVER_TRAFFIC], 0);
	assert_int_equal(find(0x22)->len[WGA_KEYLOG_CLIENT_HANDSHAKE], 0);
	assert_null(find(0x33));
	assert_ptr_equal(wga_keylog_find(keylog, r1), find(0x11));
}

static void skips_what_is_not_for_it(void **state)
{
	(void)state;
	takes("");
	assert_int_equal(wga_keylog_count(keylog), 0);
	assert_null(find(0x11));
	takes("# " CT R1 " " A "\n\n\r\n#\n"
	      "CLIENT_RANDOM " R1 " " D "\n"
	      "CLIENT_RANDOM junk\n"
	      "RSA 0011223344556677 " D "\n"
	      "EXPORTER_SECRET " R1 " " A "\n"
	      "EARLY_EXPORTER_SECRET " R1 " " A "\n"
	      "CLIENT_EARLY_TRAFFIC_SECRET " R1 " " A "\n"
	      "CLIENT_TRAFFIC_SECRET_1 " R1 " " A "\n"
	      "CLIENT_TRAFFIC_SECRET_01 " R1 " " A "\n"
	      "CLIENT_TRAFFIC_SECRET_0x\n"
	      "CLIENT_TRAFFIC_SECRET_ " R1 "\n"
	      "client_traffic_secret_0 " R1 " " A "\n"
	      " " CT R1 " " A "\n"
	      "ECH_CONFIG 00 00\n");
	assert_int_equal(wga_keylog_count(keylog), 0);
	assert_null(find(0x11));
}

static void takes_any_case_and_line_end(void **state)
{
	(void)state;
	takes(CT R1 " A0A1a2a3a4a5a6a7a8a9aaabacadaeafB0B1B2B3B4B5B6B7B8B9BABBBC"
	      "BDBEBF\r\n\r\n" ST R1 " " A "\r\n");
	starts_with(find(0x11), WGA_KEYLOG_CLIENT_TRAFFIC, 32, 0xa0, 0xbf);
	starts_with(find(0x11), WGA_KEYLOG_SERVER_TRAFFIC, 32, 0xa0, 0xbf);
}

static void refuses_malformed_lines(void **state)
{
	static const char *const bad[] = {
		CT, "CLIENT_TRAFFIC_SECRET_0", CT R1, CT R1 " ",
		CT " " R1 " " A, CT R1 "  " A, CT R1 " " A " ", CT R1 "\t" A,
		CT R1 " " A " " B, CT R1 " " A "#", CT R1 A,
		CT "11 " A, CT R1 "11 " A, CT R1 "1 " A,
		CT R1 " a", CT R1 " a0", CT R1 " " A "a", CT R1 " " A "a0",
		CT R1 " " D "a", CT R1 " " D "a0", CT R1 " " D D,
		CT R1 " x0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babb"
		"bcbdbebf",
		CT R1 " a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babb"
		"bcbdbebg",
		CT R1 " a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babb"
		"bcbdbeb",
		CT "G" R1 " " A, CT "-" R1 " " A, CT R1 " 0x" A,
		CH R1 " " A "\r\r", SH "nothing of this kind", ST "\x01",
	};
	char text[1024];
	size_t i;

	(void)state;
	takes(CT R2 " " C "\n");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "# log\n" ST R2 " " A "\n%s\n"
			 CT R1 " " A "\n", bad[i]);
		refuses(text, "tls.keys:3: ");
		/* nothing of the lines before it was taken */
		assert_int_equal(find(0x22)->len[WGA_KEYLOG_SERVER_TRAFFIC], 0);
		assert_null(find(0x11));
	}
}

static void skips_a_last_line_that_is_cut(void **state)
{
	static const char whole[] = CT R1 " " A "\n" ST R1 " " B "\n";
	static const char line[] = SH R1 " " C;
	char text[1024];
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(line) - 1; n++) {
		snprintf(text, sizeof(text), "%s%.*s", whole, (int)n, line);
		takes(text);
		assert_int_equal(wga_keylog_count(keylog), 1);
		assert_int_equal(find(0x11)->len[WGA_KEYLOG_SERVER_HANDSHAKE], 0);
	}
	/* whole, only its newline is not there */
	snprintf(text, sizeof(text), "%s%s", whole, line);
	takes(text);
	starts_with(find(0x11), WGA_KEYLOG_SERVER_HANDSHAKE, 32, 0xc0, 0xbf);
	/* that it is not ended excuses nothing else */
	refuses(CT R1 " " A "\n" CT R2 " g", "tls.keys:2: ");
	refuses(CT R1 " " A "\n" CT "22 " A, "tls.keys:2: ");
	refuses(CT R1 " " A "\n" CT R2 " " D "a0", "tls.keys:2: ");
	refuses(CT R1 " " A "\n" CT R1 " " B, "tls.keys:2: ");
}

static void takes_no_part_for_a_whole(void **state)
{
	(void)state;
	/* the first 32 bytes of 48 look like a secret */
	takes(CH R1 " " D "\n" CT R1 " " A);
	assert_int_equal(find(0x11)->len[WGA_KEYLOG_CLIENT_TRAFFIC], 0);
	takes(CH R2 " " A);
	assert_null(find(0x22));
	takes(CT R1 " " D);
	starts_with(find(0x11), WGA_KEYLOG_CLIENT_TRAFFIC, 48, 0xa0, 0xdf);
	refuses(ST R1 " " A "\n", "tls.keys:1: ");
}

static void refuses_a_second_secret(void **state)
{
	(void)state;
	takes(CT R1 " " A "\n" CT R1 " " A "\n" CT R2 " " B "\n");
	takes(CT R1 " " A "\n");
	assert_int_equal(wga_keylog_count(keylog), 2);
	refuses("\n" CT R1 " " B "\n", "tls.keys:2: ");
	starts_with(find(0x11), WGA_KEYLOG_CLIENT_TRAFFIC, 32, 0xa0, 0xbf);
	/* it is another one for another use or connection */
	takes(CH R1 " " B "\n" ST R1 " " B "\n" ST R2 " " B "\n");
}

static void adds_logs_up(void **state)
{
	(void)state;
	takes(CT R1 " " A "\n");
	takes(ST R1 " " B "\n" CT R2 " " C "\n");
	assert_int_equal(wga_keylog_count(keylog), 2);
	starts_with(find(0x11), WGA_KEYLOG_CLIENT_TRAFFIC, 32, 0xa0, 0xbf);
	starts_with(find(0x11), WGA_KEYLOG_SERVER_TRAFFIC, 32, 0xb0, 0xbf);
	starts_with(find(0x22), WGA_KEYLOG_CLIENT_TRAFFIC, 32, 0xc0, 0xbf);
}

#define MANY	20000

static void holds_thousands(void **state)
{
	size_t line = sizeof(CT R1 " " A "\n") - 1, half = MANY / 2 * line, i;
	char *text = malloc(MANY * line + 1);
	uint8_t random[32] = { 0 };
	struct wga_err err;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < MANY; i++)
		sprintf(text + i * line, CT "%064zx a0a1%060zx\n", i, i);
	assert_int_equal(parse_bytes(text, half, &err), 0);
	assert_int_equal(wga_keylog_count(keylog), MANY / 2);
	assert_int_equal(parse_bytes(text, MANY * line, &err), 0);
	assert_int_equal(wga_keylog_count(keylog), MANY);
	for (i = 0; i < MANY; i++) {
		const struct wga_keylog_secrets *s;

		random[30] = (uint8_t)(i >> 8);
		random[31] = (uint8_t)i;
		s = wga_keylog_find(keylog, random);
		starts_with(s, WGA_KEYLOG_CLIENT_TRAFFIC, 32, 0xa0, (uint8_t)i);
	}
	random[0] = 1;
	assert_null(wga_keylog_find(keylog, random));
	free(text);
}

static void reads_the_real_file(void **state)
{
	int fd = mkstemp(path);
	struct wga_err err = { 0 };
	bool shared = true;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, CT R1 " " A "\n", sizeof(CT R1 A) + 1),
			 sizeof(CT R1 A) + 1);
	assert_int_equal(wga_keylog_load(&keylog, path, &shared, &err), 0);
	assert_false(shared);
	fchmod(fd, 0640);
	assert_int_equal(wga_keylog_load(&keylog, path, &shared, &err), 0);
	assert_true(shared);
	assert_int_equal(wga_keylog_count(keylog), 1);
	if (wga_keylog_load(&keylog, REAL_FILE, &shared, &err))
		fail_msg("%s", err.text);
	assert_int_equal(wga_keylog_count(keylog), 10);

	assert_int_equal(write(fd, CT "\n", sizeof(CT)), sizeof(CT));
	assert_int_equal(wga_keylog_load(&keylog, path, &shared, &err), -1);
	assert_string_equal(err.code, "bad-key-log");
	assert_non_null(strstr(err.text, path));
	assert_int_equal(wga_keylog_count(keylog), 10);
	close(fd);
	unlink(path);
	assert_int_equal(wga_keylog_load(&keylog, path, &shared, &err), -1);
	assert_string_equal(err.code, "no-such-file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(finds_by_client_random, teardown),
		cmocka_unit_test_teardown(skips_what_is_not_for_it, teardown),
		cmocka_unit_test_teardown(takes_any_case_and_line_end, teardown),
		cmocka_unit_test_teardown(refuses_malformed_lines, teardown),
		cmocka_unit_test_teardown(skips_a_last_line_that_is_cut,
					  teardown),
		cmocka_unit_test_teardown(takes_no_part_for_a_whole, teardown),
		cmocka_unit_test_teardown(refuses_a_second_secret, teardown),
		cmocka_unit_test_teardown(adds_logs_up, teardown),
		cmocka_unit_test_teardown(holds_thousands, teardown),
		cmocka_unit_test_teardown(reads_the_real_file, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
