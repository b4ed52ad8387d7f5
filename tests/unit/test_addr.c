/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture/addr.h"

static struct wga_addr addr(const char *text)
{
	struct wga_addr a;

	assert_int_equal(wga_addr_parse(text, &a, NULL), 0);
	return a;
}

static void test_format(void **state)
{
	static const char *const texts[] = {
		"10.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "fd00::1",
		"2001:db8:1111:2222:3333:4444:5555:6666",
	};
	char buf[WGA_ADDR_STRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct wga_addr a = addr(texts[i]);

		assert_string_equal(wga_addr_format(&a, buf), texts[i]);
	}
}

static void test_v4_is_mapped(void **state)
{
	struct wga_addr a = addr("10.0.0.1"), b = addr("::ffff:10.0.0.1");
	struct wga_addr c = addr("::10.0.0.1");

	(void)state;
	assert_true(wga_addr_is_v4(&a));
	assert_true(wga_addr_equal(&a, &b));
	assert_false(wga_addr_is_v4(&c));
	assert_false(wga_addr_equal(&a, &c));
}

static void test_parse_refuses(void **state)
{
	static const char *const texts[] = {
		"", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", "host",
		"fe80::1%eth0", "10.0.0.1:80", "[::1]", ":::",
	};
	struct wga_addr a;
	struct wga_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(wga_addr_parse(texts[i], &a, &err), -1);
		assert_string_equal(err.code, "usage");
		assert_non_null(strstr(err.text, texts[i]));
	}
}

typedef bool (*kind)(const struct wga_addr *a);

static void check_kind(kind is, const char *const *yes, const char *const *no)
{
	for (; *yes; yes++) {
		struct wga_addr a = addr(*yes);

		if (!is(&a))
			fail_msg("%s should be", *yes);
	}
	for (; *no; no++) {
		struct wga_addr a = addr(*no);

		if (is(&a))
			fail_msg("%s should not be", *no);
	}
}

static void test_kinds(void **state)
{
	(void)state;
	check_kind(wga_addr_is_overlay, (const char *const[]){
		"100.64.0.0", "100.127.255.255", "100.100.100.100",
		"fd7a:115c:a1e0::1", "fd7a:115c:a1e0:ffff::", NULL,
	}, (const char *const[]){
		"100.63.255.255", "100.128.0.0", "101.64.0.0", "10.64.0.0",
		"fd7a:115c:a1e1::", "fd7a:115c:a1df::", "::", NULL,
	});
	check_kind(wga_addr_is_private, (const char *const[]){
		"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255",
		"192.168.0.1", "169.254.1.1", "fc00::1", "fdff::1", "fe80::1",
		"febf::1", NULL,
	}, (const char *const[]){
		"9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1",
		"192.167.1.1", "192.169.1.1", "169.253.1.1", "fe00::1",
		"fec0::1", "2001:db8::1", "::1", "100.64.0.1", NULL,
	});
	check_kind(wga_addr_is_multicast, (const char *const[]){
		"224.0.0.0", "239.255.255.255", "255.255.255.255", "ff02::1", NULL,
	}, (const char *const[]){
		"223.255.255.255", "240.0.0.0", "255.255.255.254", "fe80::1",
		"::", NULL,
	});
	check_kind(wga_addr_is_unspecified, (const char *const[]){
		"0.0.0.0", "::", NULL,
	}, (const char *const[]){
		"0.0.0.1", "::1", NULL,
	});
	check_kind(wga_addr_is_link_local, (const char *const[]){
		"169.254.0.0", "169.254.255.255", "fe80::", "febf::1", NULL,
	}, (const char *const[]){
		"169.255.0.0", "fec0::", "fd00::1", NULL,
	});
}

static void check_endpoint(const char *text, bool need_port, const char *host,
			   uint16_t port)
{
	struct wga_addr a = addr(host);
	struct wga_endpoint ep;

	if (wga_endpoint_parse(text, need_port, &ep, NULL) < 0)
		fail_msg("%s should be an endpoint", text);
	assert_true(wga_addr_equal(&ep.addr, &a));
	assert_int_equal(ep.port, port);
}

static void test_endpoints(void **state)
{
	(void)state;
	check_endpoint("10.0.0.1:443", true, "10.0.0.1", 443);
	check_endpoint("10.0.0.1:443", false, "10.0.0.1", 443);
	check_endpoint("[fd00::1]:65535", true, "fd00::1", 65535);
	check_endpoint("[fd00::1]:1", false, "fd00::1", 1);
	check_endpoint("10.0.0.1", false, "10.0.0.1", 0);
	check_endpoint("fd00::1", false, "fd00::1", 0);
	check_endpoint("[fd00::1]", false, "fd00::1", 0);
	check_endpoint("fd00::1:443", false, "fd00::1:443", 0);
	check_endpoint("[2001:db8:1111:2222:3333:4444:5555:6666]:65535", true,
		       "2001:db8:1111:2222:3333:4444:5555:6666", 65535);
}

static void test_endpoint_refuses(void **state)
{
	static const char *const texts[] = {
		"", ":", ":443", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536",
		"10.0.0.1:+1", "10.0.0.1: 1", "10.0.0.1:1x", "10.0.0.1:000443",
		"[10.0.0.1]:443", "[fd00::1:443", "fd00::1]:443", "[]:1",
		"name:443", "10.0.0.1:99999999999999999999",
	};
	struct wga_endpoint ep;
	struct wga_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!wga_endpoint_parse(texts[i], true, &ep, &err) ||
		    !wga_endpoint_parse(texts[i], false, &ep, &err))
			fail_msg("\"%s\" should be no endpoint", texts[i]);
		assert_string_equal(err.code, "usage");
	}
	assert_int_equal(wga_endpoint_parse("10.0.0.1", true, &ep, &err), -1);
	assert_int_equal(wga_endpoint_parse("fd00::1", true, &ep, &err), -1);
	assert_int_equal(wga_endpoint_parse("fd00::1:443", true, &ep, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_v4_is_mapped),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_endpoint_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
