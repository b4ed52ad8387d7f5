/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture/heartbeat.h"
#include "capture/live.h"
#include "capture/live_internal.h"
#include "capture/netdev.h"

static const uint8_t source[6] = { 0x02, 0, 0, 0, 0, 1 };
static const struct wga_heartbeat beat = {
	.id = "0123456789abcde", .sequence = UINT64_C(0x0102030405060708),
};

static void test_heartbeat_comes_back(void **state)
{
	uint8_t frame[WGA_HEARTBEAT_LEN];
	struct wga_heartbeat back;

	(void)state;
	wga_heartbeat_build(frame, source, &beat);
	assert_true(wga_heartbeat_check(frame, sizeof(frame)));
	assert_true(wga_heartbeat_read(frame, sizeof(frame), &back));
	assert_memory_equal(back.id, beat.id, sizeof(back.id));
	assert_true(back.sequence == beat.sequence);
}

/* the tag was computed with an independent SipHash-2-4 */
static void test_heartbeat_layout(void **state)
{
	static const uint8_t expected[WGA_HEARTBEAT_LEN] = {
		0x01, 0x80, 0xc2, 0x00, 0x00, 0x0f, 0x02, 0, 0, 0, 0, 0x01,
		0x88, 0xb5, 'w', 'g', 'a', 'u', 'd', 'i', 't', 0, 1,
		'0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
		'a', 'b', 'c', 'd', 'e', 0,
		0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
		0xc4, 0xc7, 0x1e, 0xb9, 0xc2, 0x22, 0x9b, 0x17,
	};
	uint8_t frame[WGA_HEARTBEAT_LEN];

	(void)state;
	wga_heartbeat_build(frame, source, &beat);
	assert_memory_equal(frame, expected, sizeof(frame));
}

/* no bit of it is free */
static void test_heartbeat_any_change(void **state)
{
	uint8_t frame[WGA_HEARTBEAT_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(frame); i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			wga_heartbeat_build(frame, source, &beat);
			frame[i] ^= (uint8_t)(1U << bit);
			assert_false(wga_heartbeat_check(frame, sizeof(frame)));
		}
	}
}

static void test_heartbeat_length(void **state)
{
	uint8_t frame[WGA_HEARTBEAT_LEN + 1] = { 0 };

	(void)state;
	wga_heartbeat_build(frame, source, &beat);
	for (uint32_t len = 0; len < WGA_HEARTBEAT_LEN; len++)
		assert_false(wga_heartbeat_check(frame, len));
	assert_false(wga_heartbeat_check(frame, sizeof(frame)));
}

static void test_drops_add_up(void **state)
{
	struct wga_drop_count count = { 0 };

	(void)state;
	assert_true(wga_drops_sample(&count, 0, 0) == 0);
	assert_true(wga_drops_sample(&count, 7, 0) == 7);
	assert_true(wga_drops_sample(&count, 7, 3) == 10);
	assert_true(wga_drops_sample(&count, 9, 4) == 13);
}

static void test_drops_wrap(void **state)
{
	struct wga_drop_count count = { 0 };

	(void)state;
	wga_drops_sample(&count, UINT32_MAX - 1, 0);
	assert_true(wga_drops_sample(&count, 5, 0) ==
		    UINT64_C(0x100000000) + 5);
}

static void test_drops_below_zero(void **state)
{
	struct wga_drop_count count = { 0 };

	(void)state;
	assert_true(wga_drops_sample(&count, 0, UINT32_C(4294965006)) == 0);
	assert_true(wga_drops_sample(&count, 0, 2) == 2);
	/* the interface vanished and took its counters along */
	assert_true(wga_drops_sample(&count, 0, UINT32_C(4294967294)) == 2);
	assert_true(wga_drops_sample(&count, 1, UINT32_C(4294967294)) == 3);
}

static void test_open_no_bridge(void **state)
{
	const struct wga_live_options opt = { 0 };
	struct wga_live *live;
	struct wga_err err;

	(void)state;
	assert_int_equal(wga_live_open(&live, "no-such-br0", &opt, &err), -1);
	assert_string_equal(err.code, "no-such-bridge");
	assert_non_null(strstr(err.text, "'no-such-br0'"));
	assert_int_equal(wga_live_open(&live, "a-name-longer-than-any-interface",
				       &opt, &err), -1);
	assert_string_equal(err.code, "no-such-bridge");
	assert_int_equal(wga_live_open(&live, "lo", &opt, &err), -1);
	assert_string_equal(err.code, "not-a-bridge");
}

static void test_netdev_addresses(void **state)
{
	struct wga_addr addr[4];

	(void)state;
	assert_true(wga_netdev_addresses("lo", addr, 4) <= 4);
	assert_int_equal(wga_netdev_addresses("lo", addr, 0), 0);
	assert_int_equal(wga_netdev_addresses("no-such-br0", addr, 4), 0);
	assert_int_equal(wga_netdev_state(UINT32_MAX >> 1), WGA_NETDEV_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heartbeat_comes_back),
		cmocka_unit_test(test_heartbeat_layout),
		cmocka_unit_test(test_heartbeat_any_change),
		cmocka_unit_test(test_heartbeat_length),
		cmocka_unit_test(test_drops_add_up),
		cmocka_unit_test(test_drops_wrap),
		cmocka_unit_test(test_drops_below_zero),
		cmocka_unit_test(test_open_no_bridge),
		cmocka_unit_test(test_netdev_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
