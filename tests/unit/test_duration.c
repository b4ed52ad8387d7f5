/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/duration.h"

static void check_duration(const char *text, uint64_t expected)
{
	uint64_t ns = 0;

	assert_int_equal(wga_duration_parse(text, &ns, NULL), 0);
	assert_true(ns == expected);
}

static void test_durations(void **state)
{
	(void)state;
	check_duration("10", UINT64_C(10000000000));
	check_duration("10s", UINT64_C(10000000000));
	check_duration("500ms", UINT64_C(500000000));
	check_duration("2m", UINT64_C(120000000000));
	check_duration("1h", UINT64_C(3600000000000));
	check_duration("9223372036s", UINT64_C(9223372036000000000));
}

static void test_no_durations(void **state)
{
	static const char *const wrong[] = {
		"", "s", "0", "0ms", "-1", "+1", " 1", "1 s", "1.5s", "10x",
		"1ss", "1d", "0x10", "9223372037s", "2562048h",
		"18446744073709551616",
	};
	struct wga_err err;
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_int_equal(wga_duration_parse(wrong[i], &ns, &err), -1);
		assert_string_equal(err.code, "usage");
		assert_non_null(strstr(err.text, wrong[i]));
	}
}

static void test_counts(void **state)
{
	static const char *const wrong[] = { "", "0", "-1", "1s", "11", "x" };
	struct wga_err err;
	uint64_t n;

	(void)state;
	assert_int_equal(wga_count_parse("1", "--count", 10, &n, NULL), 0);
	assert_true(n == 1);
	assert_int_equal(wga_count_parse("10", "--count", 10, &n, NULL), 0);
	assert_true(n == 10);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(wga_count_parse(wrong[i], "--count", 10, &n,
						 &err), -1);
		assert_string_equal(err.code, "usage");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_no_durations),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
