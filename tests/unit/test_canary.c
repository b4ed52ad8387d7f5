/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/canary.h"
#include "tests/golden/forge.h"

/* What the search finds in some bytes, by itself. */

#define MARK	"wgaudit-canary-q7/x y+?~\xc3\xa9"

struct seen {
	unsigned int n;
	uint32_t canary;
	enum wga_canary_form form;
	size_t at, len;
};

static void note(void *arg, uint32_t canary, enum wga_canary_form form,
		 size_t at, size_t len)
{
	struct seen *s = arg;

	s->n++;
	s->canary = canary;
	s->form = form;
	s->at = at;
	s->len = len;
}

static struct wga_canaries *compiled(const char *const *texts, size_t n)
{
	struct wga_canaries *c = wga_canaries_new();

	assert_non_null(c);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(wga_canaries_add(c, texts[i],
						  strlen(texts[i])), 0);
	assert_int_equal(wga_canaries_compile(c), 0);
	assert_int_equal(wga_canaries_compile(c), 0);
	return c;
}

static struct wga_canaries *one(const char *text)
{
	return compiled(&text, 1);
}

/* in memory of just that size, so that sanitizers see any over-read */
static struct seen search(const struct wga_canaries *c, const void *p,
			  size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct seen s = { 0 };

	assert_non_null(copy);
	memcpy(copy, p, len);
	wga_canaries_search(c, copy, len, note, &s);
	free(copy);
	return s;
}

/*
 * Written by another program than the one under test (Python's binascii, base64
 * and urllib); base64 of one, two, three bytes "Z" before and after, without the
 * characters on which these have a say.
 */
static const struct {
	const char *canary, *bytes;
	size_t len;
	enum wga_canary_form form;
} forms[] = {
#define FORM(c, b, f)	{ c, b, sizeof(b) - 1, WGA_CANARY_##f }
#include "tests/unit/canary_forms.h"
#undef FORM
};

/* every form at every place, also at both ends and around the loop's stride */
static void test_forms(void **state)
{
	uint8_t b[2048];
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct wga_canaries *c = one(forms[i].canary);
		size_t n = forms[i].len;

		for (size_t before = 0; before < 150; before++) {
			for (size_t after = 0; after < 70; after += 23) {
				struct seen s;

				forge_fill(&seed, b, sizeof(b));
				/* UTF-16 of one kind and a zero are two kinds */
				for (size_t k = 0; k < sizeof(b); k++)
					b[k] |= 1;
				memcpy(b + before, forms[i].bytes, n);
				s = search(c, b, before + n + after);
				assert_int_equal(s.n, 1);
				assert_int_equal(s.form, forms[i].form);
				assert_int_equal(s.at, before);
				assert_int_equal(s.len, n);
			}
		}
		wga_canaries_free(c);
	}
}

/* one byte less, or one that differs, and there is nothing */
static void test_near_misses(void **state)
{
	uint8_t b[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct wga_canaries *c = one(forms[i].canary);
		size_t n = forms[i].len;

		for (size_t k = 0; k < n; k++) {
			memset(b, '#', sizeof(b));
			memcpy(b + 20, forms[i].bytes, n);
			b[20 + k] ^= 0x01;
			if (search(c, b, n + 40).n)
				fail_msg("%s: form %zu, byte %zu",
					 forms[i].canary, i, k);
		}
		assert_int_equal(search(c, forms[i].bytes, n - 1).n, 0);
		assert_int_equal(search(c, forms[i].bytes + 1, n - 1).n, 0);
		assert_int_equal(search(c, forms[i].bytes, 0).n, 0);
		wga_canaries_free(c);
	}
}

static void test_ciphertext(void **state)
{
	static uint8_t b[1 << 22];
	struct wga_canaries *c = compiled((const char *const[]){
		"sixsix", MARK, "another-one" }, 3);
	uint64_t seed = 7;

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct seen s = { 0 };

		forge_fill(&seed, b, sizeof(b));
		wga_canaries_search(c, b, sizeof(b), note, &s);
		assert_int_equal(s.n, 0);
	}
	wga_canaries_free(c);
}

/* sorted, no twins, and those that begin alike are all told apart */
static void test_many(void **state)
{
	enum { MANY = 1000 };
	struct wga_canaries *c = wga_canaries_new();
	char text[64];
	size_t len;

	(void)state;
	assert_non_null(c);
	for (unsigned int i = 0; i < 2 * MANY; i++) {
		snprintf(text, sizeof(text), "prefix-%04u-tail",
			 i * 7919 % MANY);
		assert_int_equal(wga_canaries_add(c, text, strlen(text)), 0);
	}
	assert_int_equal(wga_canaries_compile(c), 0);
	assert_int_equal(wga_canaries_count(c), MANY);
	for (unsigned int i = 0; i < MANY; i++) {
		struct seen s;

		snprintf(text, sizeof(text), "<prefix-%04u-tail>", i);
		s = search(c, text, strlen(text));
		assert_int_equal(s.n, 1);
		assert_int_equal(s.canary, i);
		assert_memory_equal(wga_canaries_get(c, i, &len), text + 1, 16);
		assert_int_equal(len, 16);
	}
	assert_int_equal(search(c, "<prefix-1000-tail>", 18).n, 0);
	wga_canaries_free(c);
}

/* thousands that have nothing in common take another window */
static void test_many_strangers(void **state)
{
	enum { MANY = 2000 };
	static char texts[MANY][24];
	struct wga_canaries *c = wga_canaries_new();
	uint64_t seed = 3;

	(void)state;
	assert_non_null(c);
	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%016llx",
			 (unsigned long long)forge_random(&seed));
		assert_int_equal(wga_canaries_add(c, texts[i], 16), 0);
	}
	assert_int_equal(wga_canaries_compile(c), 0);
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(search(c, texts[i], 16).n, 1);
		texts[i][15] ^= 0x40;
		assert_int_equal(search(c, texts[i], 16).n, 0);
	}
	wga_canaries_free(c);
}

/* a canary that begins with another one, and one inside of another */
static void test_nested(void **state)
{
	struct wga_canaries *c = compiled((const char *const[]){
		"canary-long", "canary", "canary-", "nary-lo" }, 4);
	struct seen s;

	(void)state;
	assert_int_equal(search(c, "xx canary-lonG", 14).n, 3);
	assert_int_equal(search(c, "xx canary-long", 14).n, 4);
	s = search(c, "xx canary", 9);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.canary, 0);
	assert_int_equal(search(c, "canarycanarycanary", 18).n, 3);
	wga_canaries_free(c);
	c = one("aaaaaa");
	assert_int_equal(search(c, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 30).n, 25);
	wga_canaries_free(c);
}

static void test_names(void **state)
{
	struct wga_canaries *c = compiled((const char *const[]){
		"0 short\"\\", "1\x01\xff\n-with-much-behind-it-all" }, 2);
	char buf[4 * WGA_CANARY_SHOWN + 4];

	(void)state;
	wga_canary_show(c, 0, buf);
	assert_string_equal(buf, "0 short\\x22\\x5c");
	wga_canary_show(c, 1, buf);
	assert_string_equal(buf, "1\\x01\\xff\\x0a-with-much-behind-it...");
	for (int i = 0; i < WGA_CANARY_FORMS; i++)
		assert_non_null(wga_canary_form_name((enum wga_canary_form)i));
	wga_canaries_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_near_misses),
		cmocka_unit_test(test_ciphertext),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_many_strangers),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
