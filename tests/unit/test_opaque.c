/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/opaque.h"
#include "analyze/opaque_internal.h"
#include "tests/golden/forge.h"

typedef void (*scan_fn)(const uint8_t *p, size_t len, struct wga_scan_sums *s);

static uint64_t seed = 1;

/* the versions of the long scan that this machine can run */
static unsigned int versions(scan_fn out[2])
{
	unsigned int n = 0;

	wga_scan_init();
	out[n++] = wga_scan_long_plain;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes"))
		out[n++] = wga_scan_long_avx2;
#endif
	return n;
}

/* random bytes of which none is printable, zero, or an echo by chance */
static void fill_plain(uint8_t *p, size_t len)
{
	static const uint8_t low[] = { 1, 5, 6, 0x0e, 0x11, 0x16, 0x1b, 0x7f };
	size_t i;

	for (i = 0; i < len; i++) {
		uint64_t r = forge_random(&seed);

		p[i] = i % 2 ? low[r % sizeof(low)] :
			       (uint8_t)(0x80 | (r >> 8 & 0x7f));
	}
}

enum pattern { RANDOM, TEXT, ZEROS, RAMP, STEPS, PERIOD16, PERIOD32, RUNS,
	       PATTERNS };

static void fill(enum pattern pattern, uint8_t *p, size_t len)
{
	size_t i;

	forge_fill(&seed, p, len);
	for (i = 0; i < len; i++) {
		switch (pattern) {
		case TEXT:
			p[i] = "GET /secret HTTP/1.1\r\n"[i % 22];
			break;
		case ZEROS:
			p[i] = 0;
			break;
		case RAMP:
			p[i] = (uint8_t)i;
			break;
		case STEPS:
			p[i] = (uint8_t)(7 * i + i / 50);
			break;
		case PERIOD16:
			p[i] = i < 16 ? p[i] : p[i - 16];
			break;
		case PERIOD32:
			p[i] = i < 32 ? p[i] : p[i - 32];
			break;
		case RUNS:
			if (i % 50 > 24)
				p[i] = (uint8_t)(' ' + p[i] % 95);
			break;
		default:
			break;
		}
	}
}

static bool is_printable(uint8_t c)
{
	return (c >= ' ' && c <= '~') || (c >= 9 && c <= 13);
}

static size_t longest_run(const uint8_t *p, size_t len)
{
	size_t i, run = 0, best = 0;

	for (i = 0; i < len; i++) {
		run = is_printable(p[i]) ? run + 1 : 0;
		best = run > best ? run : best;
	}
	return best;
}

/* counts as the header defines them, one byte at a time */
static void count(const uint8_t *p, size_t len, struct wga_scan_sums *s)
{
	size_t i;

	*s = (struct wga_scan_sums){ 0 };
	for (i = 0; i < len; i++) {
		s->high += p[i] >= 0x80;
		s->zero += p[i] == 0;
		if (i >= 64 && i < len - len % 32)
			s->echo += (uint8_t)(p[i] - p[i - 16]) ==
				   (uint8_t)(p[i - 32] - p[i - 48]);
	}
}

static void assert_counts(scan_fn scan, const uint8_t *p, size_t len)
{
	struct wga_scan_sums s = { 0 }, want;
	size_t run = longest_run(p, len);

	count(p, len, &want);
	scan(p, len, &s);
	assert_int_equal(s.high, want.high);
	assert_int_equal(s.zero, want.zero);
	assert_int_equal(s.echo, want.echo);
	if (run >= 23)
		assert_true(s.text);
	if (run < 16)
		assert_false(s.text);
}

static void test_versions_agree(void **state)
{
	scan_fn scans[2];
	unsigned int n = versions(scans), v, pattern;
	size_t len, shift;

	(void)state;
	for (len = 128; len <= 400; len++) {
		for (shift = 0; shift < 32; shift++) {
			uint8_t *b = malloc(len + shift);

			assert_non_null(b);
			pattern = (unsigned int)(len + shift) % PATTERNS;
			fill((enum pattern)pattern, b + shift, len);
			for (v = 0; v < n; v++)
				assert_counts(scans[v], b + shift, len);
			free(b);
		}
	}
}

/* every pattern at every length, and some that are longer than one round of
 * byte counters
 */
static void test_patterns_agree(void **state)
{
	static const size_t more[] = { 480, 481, 511, 512, 513, 960, 1296,
				       8192, 20000 };
	scan_fn scans[2];
	unsigned int n = versions(scans), v, pattern;
	size_t i;

	(void)state;
	for (i = 0; i < 273 + sizeof(more) / sizeof(*more); i++) {
		size_t len = i < 273 ? 128 + i : more[i - 273];
		uint8_t *b = malloc(len);

		assert_non_null(b);
		for (pattern = 0; pattern < PATTERNS; pattern++) {
			fill((enum pattern)pattern, b, len);
			for (v = 0; v < n; v++)
				assert_counts(scans[v], b, len);
		}
		free(b);
	}
}

/* a run at each place of a long piece, of the lengths that matter */
static void test_run_everywhere(void **state)
{
	static const size_t runs[] = { 15, 23, 24 };
	uint8_t b[300];
	scan_fn scans[2];
	unsigned int n = versions(scans), v, k;
	size_t at;

	(void)state;
	for (k = 0; k < 3; k++) {
		for (at = 0; at + runs[k] <= sizeof(b); at++) {
			fill_plain(b, sizeof(b));
			memset(b + at, '%', runs[k]);
			for (v = 0; v < n; v++)
				assert_counts(scans[v], b, sizeof(b));
		}
	}
}

static void test_short_counts(void **state)
{
	struct wga_scan s;
	uint8_t b[127];
	size_t len, i;

	(void)state;
	for (len = 1; len < 128; len++) {
		uint32_t high = 0, zero = 0, echo = 0;
		uint8_t *p = malloc(len);

		assert_non_null(p);
		fill((enum pattern)(len % PATTERNS), b, len);
		memcpy(p, b, len);
		for (i = 0; i < len; i++) {
			high += b[i] >= 0x80;
			zero += b[i] == 0;
			echo += i >= 16 && b[i] == b[i - 16];
			echo += i >= 2 && (uint8_t)(b[i] - b[i - 1]) ==
					  (uint8_t)(b[i - 1] - b[i - 2]);
		}
		wga_scan_bytes(p, len, &s);
		assert_int_equal(s.high, high);
		assert_int_equal(s.zero, zero);
		assert_int_equal(s.echo, echo);
		if (longest_run(b, len) >= 24)
			assert_int_equal(s.text_run, longest_run(b, len));
		free(p);
	}
}

static void test_random_is_opaque(void **state)
{
	uint8_t b[2000];
	unsigned int i;

	(void)state;
	for (i = 0; i < 300000; i++) {
		/* half of the pieces are short: there each sign weighs more */
		size_t len = 16 + forge_random(&seed) % (i % 2 ? 1985 : 185);

		forge_fill(&seed, b, len);
		assert_true(wga_opaque(b, len));
	}
}

/* does the scan find @n bytes at every place of @len bytes that show nothing? */
static void assert_found(const char *text, size_t n, size_t len, bool found)
{
	uint8_t *b = malloc(len);
	struct wga_scan s;
	size_t at;

	assert_non_null(b);
	for (at = 0; at + n <= len; at++) {
		fill_plain(b, len);
		memcpy(b + at, text, n);
		wga_scan_bytes(b, len, &s);
		assert_int_equal(s.text, found);
		if (n >= 24)
			assert_int_equal(s.text_run, n);
		if (found)
			assert_false(wga_scan_opaque(&s, len));
	}
	free(b);
}

static void test_text_runs(void **state)
{
	static const char any[] = "\"#$%&'()*+,-./:;<=>?@ABCDEFGHIJKLMNO";
	static const size_t lens[] = { 60, 127, 128, 200, 487, 1000 };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		assert_found(any, 32, lens[i], true);
		assert_found(any, 31, lens[i], false);
		assert_found("pass word is hunter 2 ok", 24, lens[i], true);
		/* 21 common ones of 24 are enough, 20 are not, nor are 23 */
		assert_found("PaSs word is Hunter 2 ok", 24, lens[i], true);
		assert_found("PaSs Word is Hunter 2 ok", 24, lens[i], false);
		assert_found("pass word is hunter 2 o", 23, lens[i], false);
		assert_found("~\t\r !\x7e\n\v\f!!!!!!!!!!!!!!!!!!!!!!!!!!!", 36,
			     lens[i], true);
	}
}

/* nearly printable bytes end a run */
static void test_run_ends(void **state)
{
	static const uint8_t outside[] = { 0, 8, 0x0e, 0x1f, 0x7f, 0x80, 0xff };
	static const uint8_t inside[] = { 9, 0x0d, 0x20, 0x7e };
	struct wga_scan s;
	uint8_t b[160];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(outside); i++) {
		fill_plain(b, sizeof(b));
		memset(b + 50, '%', 40);
		b[70] = outside[i];
		wga_scan_bytes(b, sizeof(b), &s);
		assert_false(s.text);
	}
	for (i = 0; i < sizeof(inside); i++) {
		fill_plain(b, sizeof(b));
		memset(b + 50, '%', 36);
		b[70] = inside[i];
		wga_scan_bytes(b, sizeof(b), &s);
		assert_true(s.text);
		assert_int_equal(s.text_run, 36);
	}
}

static void test_whole_piece(void **state)
{
	static const uint8_t *const few = (const uint8_t *)"password=hunter2";

	(void)state;
	assert_false(wga_opaque(few, 16));
	assert_false(wga_opaque((const uint8_t *)"Password=hunter2", 16));
	assert_true(wga_opaque((const uint8_t *)"PAssword=Hunter2", 16));
	assert_true(wga_opaque(few, 15));
	assert_false(wga_opaque((const uint8_t *)"user=alice password=hunter2",
				27));
	/* 16 in something longer prove nothing */
	assert_true(wga_opaque((const uint8_t *)"password=hunter2\x80", 17));
	/* any 24 printable bytes that are the whole piece */
	assert_false(wga_opaque((const uint8_t *)"\"(#%$;&')<*+!:,/-=.\?>@AG", 24));
	assert_true(wga_opaque((const uint8_t *)"\"(#%$;&')<*+!:,/-=.\?>@A", 23));
	assert_true(wga_opaque((const uint8_t *)"\"(#%$;&')<*+!:,/-=.\?>@AG\x80",
			       25));
}

static void test_encodings(void **state)
{
	static const char base64[] =
		"VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==";
	uint8_t b[512];
	size_t i, len;

	(void)state;
	for (len = 40; len <= sizeof(b); len++) {
		fill_plain(b, len);
		memcpy(b + len - 40, base64, 40);
		assert_false(wga_opaque(b, len));
		/* UTF-16, both byte orders */
		for (i = 0; i < len; i++)
			b[i] = i % 2 ? 0 : (uint8_t)base64[i / 2 % 60];
		assert_false(wga_opaque(b, len));
		for (i = 0; i < len; i++)
			b[i] = i % 2 ? (uint8_t)base64[i / 2 % 60] : 0;
		assert_false(wga_opaque(b, len));
	}
}

static void test_repetition(void **state)
{
	static const size_t periods[] = { 1, 2, 4, 8, 16, 32 };
	uint8_t b[1500];
	unsigned int k;
	size_t i, len;

	(void)state;
	for (len = 48; len <= sizeof(b); len += 7) {
		for (k = 0; k < 6; k++) {
			if (periods[k] == 32 && len < 128)
				continue;
			fill_plain(b, len);
			for (i = periods[k]; i < len; i++)
				b[i] = b[i - periods[k]];
			assert_false(wga_opaque(b, len));
		}
		for (i = 0; i < len; i++)
			b[i] = (uint8_t)(0xc1 + i);
		assert_false(wga_opaque(b, len));
		for (i = 0; i < len; i++)
			b[i] = (uint8_t)(0xc1 - 5 * i);
		assert_false(wga_opaque(b, len));
		memset(b, 0, len);
		assert_false(wga_opaque(b, len));
		memset(b, 0xff, len);
		assert_false(wga_opaque(b, len));
	}
}

/* Ten of 32 bytes that equal those some places before are a period, nine are
 * none. It is looked for in the second block, or in the last 32 bytes of what
 * has no second one.
 */
static void test_periods(void **state)
{
	static const size_t lens[] = { 33, 40, 63, 64, 96, 127, 128, 300 };
	struct wga_scan scan;
	uint8_t b[300];
	size_t k, lag, i;
	unsigned int same;

	(void)state;
	for (k = 0; k < sizeof(lens) / sizeof(*lens); k++) {
		size_t at = lens[k] >= 64 ? 32 : lens[k] - 32;

		for (lag = 1; lag <= 32 && lag <= at; lag++) {
			for (same = 9; same <= 10; same++) {
				/* no two of 256 bytes in a row are the same */
				for (i = 0; i < sizeof(b); i++)
					b[i] = (uint8_t)(i * 37 + 7);
				for (i = 0; i < same; i++)
					b[at + i * 3] = b[at + i * 3 - lag];
				wga_scan_bytes(b, lens[k], &scan);
				if (lag % 3)
					assert_int_equal(scan.periodic,
						same == 10 && lag < 32);
			}
		}
	}
	/* nothing to compare with */
	memset(b, 0xee, 32);
	wga_scan_bytes(b, 32, &scan);
	assert_false(scan.periodic);
	scan = (struct wga_scan){ .high = 512, .periodic = true };
	assert_false(wga_scan_opaque(&scan, 1024));
}

/* The limits, by hand: n/256 + 7 sqrt(n/256) + 7 of n events */
static void test_limits(void **state)
{
	struct wga_scan s = { .high = 512 };

	(void)state;
	/* 1024 bytes: 4 + 14 + 7 = 25 zeros or echoes */
	s.zero = s.echo = 25;
	assert_true(wga_scan_opaque(&s, 1024));
	s.zero = 26;
	assert_false(wga_scan_opaque(&s, 1024));
	s.zero = 0;
	s.echo = 26;
	assert_false(wga_scan_opaque(&s, 1024));
	s.echo = 0;
	s.text = true;
	assert_false(wga_scan_opaque(&s, 1024));

	/* below 128 bytes each byte can echo twice: 64 bytes are 128 events */
	s = (struct wga_scan){ .high = 32, .echo = 12 };
	assert_true(wga_scan_opaque(&s, 64));
	s.echo = 13;
	assert_false(wga_scan_opaque(&s, 64));
	s = (struct wga_scan){ .high = 32, .zero = 10 };
	assert_true(wga_scan_opaque(&s, 64));
	s.zero = 11;
	assert_false(wga_scan_opaque(&s, 64));
	/* 127 bytes: 254 events; 128 bytes: 128 events */
	s = (struct wga_scan){ .high = 64, .echo = 14 };
	assert_false(wga_scan_opaque(&s, 127) && wga_scan_opaque(&s, 128));
	s.echo = 13;
	assert_true(wga_scan_opaque(&s, 127));
	assert_false(wga_scan_opaque(&s, 128));
	s.echo = 12;
	assert_true(wga_scan_opaque(&s, 128));

	/* the high bits lean: 8 standard deviations */
	s = (struct wga_scan){ .high = 640 };
	assert_true(wga_scan_opaque(&s, 1024));
	s.high = 641;
	assert_false(wga_scan_opaque(&s, 1024));
	s.high = 384;
	assert_true(wga_scan_opaque(&s, 1024));
	s.high = 383;
	assert_false(wga_scan_opaque(&s, 1024));
}

static void test_biased(void **state)
{
	(void)state;
	assert_false(wga_biased(0, 0));
	assert_false(wga_biased(0, 64));
	assert_true(wga_biased(0, 65));
	assert_false(wga_biased(64, 64));
	assert_true(wga_biased(65, 65));
	assert_false(wga_biased(640, 1024));
	assert_true(wga_biased(641, 1024));
	assert_false(wga_biased(384, 1024));
	assert_true(wga_biased(383, 1024));
	assert_false(wga_biased(500040000, 1000000000));
	assert_true(wga_biased(499000000, 1000000000));
}

static uint64_t digest(scan_fn scan, const uint8_t *p, size_t len)
{
	struct wga_scan_sums s = { 0 };
	struct wga_scan short_scan;

	if (len >= 128) {
		scan(p, len, &s);
		return s.digest;
	}
	wga_scan_bytes(p, len, &short_scan);
	return short_scan.digest;
}

static void swap_blocks(uint8_t *p, size_t a, size_t b, size_t n)
{
	uint8_t t[64];

	memcpy(t, p + a, n);
	memcpy(p + a, p + b, n);
	memcpy(p + b, t, n);
}

static void test_digest(void **state)
{
	static const size_t lens[] = { 1, 16, 31, 100, 127, 128, 129, 159, 160,
				       191, 192, 500, 1296 };
	uint8_t b[1400], copy[1400];
	scan_fn scans[2];
	unsigned int n = versions(scans), v, k;
	size_t i;

	(void)state;
	for (v = 0; v < n; v++) {
		for (k = 0; k < sizeof(lens) / sizeof(*lens); k++) {
			size_t len = lens[k];
			uint64_t was;

			forge_fill(&seed, b, sizeof(b));
			was = digest(scans[v], b, len);
			memcpy(copy + 3, b, len);
			assert_int_equal(digest(scans[v], copy + 3, len), was);
			for (i = 0; i < len; i++) {
				uint8_t bit = (uint8_t)(1 << i % 8);

				b[i] ^= bit;
				assert_int_not_equal(digest(scans[v], b, len),
						     was);
				b[i] ^= bit;
			}
			assert_int_not_equal(digest(scans[v], b, len + 1), was);
			if (len < 128)
				continue;
			for (i = 16; i <= 64; i *= 2) {
				swap_blocks(b, 0, 64, i);
				assert_int_not_equal(digest(scans[v], b, len),
						     was);
				swap_blocks(b, 0, 64, i);
				swap_blocks(b, 0, len - 64, i);
				assert_int_not_equal(digest(scans[v], b, len),
						     was);
				swap_blocks(b, 0, len - 64, i);
			}
			swap_blocks(b, 0, 16, 16);
			assert_int_not_equal(digest(scans[v], b, len), was);
		}
		/* zeros of different lengths */
		memset(b, 0, sizeof(b));
		for (i = 129; i <= 400; i++)
			assert_int_not_equal(digest(scans[v], b, i),
					     digest(scans[v], b, 128));
	}
}

static void test_readable(void **state)
{
	uint8_t b[200];
	size_t len;

	(void)state;
	assert_false(wga_readable((const uint8_t *)"", 0));
	assert_true(wga_readable((const uint8_t *)"a", 1));
	assert_false(wga_readable((const uint8_t *)"\x1f", 1));
	assert_false(wga_readable((const uint8_t *)"\x7f", 1));
	assert_true(wga_readable((const uint8_t *)"~", 1));
	assert_true(wga_readable((const uint8_t *)" ", 1));
	assert_true(wga_readable((const uint8_t *)"\t", 1));
	assert_true(wga_readable((const uint8_t *)"\r", 1));
	assert_false(wga_readable((const uint8_t *)"\x08", 1));
	assert_false(wga_readable((const uint8_t *)"\x0e", 1));

	/* three quarters */
	assert_true(wga_readable((const uint8_t *)"abc\x80", 4));
	assert_true(wga_readable((const uint8_t *)"abc\x80xyz\x80opq\x80", 12));
	assert_false(wga_readable((const uint8_t *)"abc\x80xyz\x80op\x80\x80",
				  12));

	for (len = 0; len < 100; len++)
		b[len] = len % 4 ? 'x' : 0x80;
	assert_true(wga_readable(b, 100));
	b[1] = 0x80;
	assert_false(wga_readable(b, 100));

	/* a run: 8 in up to 64 bytes, 16 in more */
	for (len = 32; len <= sizeof(b); len++) {
		size_t enough = len <= 64 ? 8 : 16;

		fill_plain(b, len);
		memset(b + 5, 'x', enough - 1);
		assert_false(wga_readable(b, len));
		b[5 + enough - 1] = 'x';
		assert_true(wga_readable(b, len));
		fill_plain(b, len);
		memset(b + len - enough, 'x', enough);
		assert_true(wga_readable(b, len));
		b[len - 2] = 0x80;
		assert_false(wga_readable(b, len));
	}
}

/* one bit of b after another is what decides on few bytes */
static void test_plain(void **state)
{
	uint8_t b[400];
	unsigned int pattern, round;
	size_t len;

	(void)state;
	for (len = 1; len <= sizeof(b); len++) {
		for (round = 0; round < 4 * PATTERNS; round++) {
			bool plain, either;

			pattern = round % PATTERNS;
			if (round < PATTERNS)
				fill_plain(b, len);
			else
				fill((enum pattern)pattern, b, len);
			plain = wga_plain(b, len);
			either = wga_readable(b, len) || !wga_opaque(b, len);
			/* periods are not looked for in up to 64 bytes */
			if (len <= 32 || len > 64)
				assert_int_equal(plain, either);
			else
				assert_true(!plain || either);
		}
	}
	assert_false(wga_plain((const uint8_t *)"", 0));
	/* bytes that go up by one step, and not for long enough */
	for (len = 10; len <= 16; len++) {
		for (round = 0; round < len; round++)
			b[round] = (uint8_t)(0x80 + 3 * round);
		assert_int_equal(wga_plain(b, len), len >= 12);
	}
	/* each sign by itself, at its limit: 7 + 7/2 + 1/4 of 64 */
	for (len = 10; len <= 11; len++) {
		fill_plain(b, 64);
		memset(b, 0, len);
		memset(b + 1, 0x81, len - 1);
		for (round = 0; round < len; round++)
			b[round * 5 + round * round % 3] = 0;
		assert_int_equal(wga_plain(b, 64), len == 11);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions_agree),
		cmocka_unit_test(test_patterns_agree),
		cmocka_unit_test(test_run_everywhere),
		cmocka_unit_test(test_short_counts),
		cmocka_unit_test(test_random_is_opaque),
		cmocka_unit_test(test_text_runs),
		cmocka_unit_test(test_run_ends),
		cmocka_unit_test(test_whole_piece),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_repetition),
		cmocka_unit_test(test_periods),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_biased),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_readable),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
