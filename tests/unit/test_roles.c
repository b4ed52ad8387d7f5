/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/roles.h"
#include "bridge_build.h"

#define HOST	WGA_ROLE_HOST
#define GATEWAY	WGA_ROLE_GATEWAY
#define BRIDGES	3

static struct small s[BRIDGES];
static struct wga_config cfg;
static struct wga_roles *roles;

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < BRIDGES; i++)
		small_init(&s[i]);
	wga_config_init(&cfg);
	roles = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wga_roles_free(roles);
	wga_config_free(&cfg);
	return 0;
}

/* give roles by what is on all bridges; @live: an address of the first one */
static void judge_live(const char *live)
{
	struct wga_bridge *br[BRIDGES];
	unsigned int i;

	for (i = 0; i < BRIDGES; i++) {
		br[i] = small_bridge(&s[i], &cfg, i ? "y" : "x");
		assert_non_null(br[i]);
		small_init(&s[i]);
	}
	if (live) {
		struct wga_addr a = small_addr(live);

		wga_bridge_gateway(br[0], &a);
	}
	wga_roles_free(roles);
	roles = wga_roles_new(&cfg, br, BRIDGES);
	assert_non_null(roles);
	for (i = 0; i < BRIDGES; i++)
		wga_bridge_free(br[i]);
}

static void judge(void)
{
	judge_live(NULL);
}

static unsigned int role(const char *addr)
{
	struct wga_addr a = small_addr(addr);

	return wga_roles_get(roles, &a) & (HOST | GATEWAY);
}

static bool gateway_mac(uint8_t n)
{
	return wga_roles_gateway_mac(roles, (const uint8_t[6]){
		2, 0, 0, 0, 0, n });
}

static void packet(uint8_t from, uint8_t to, const char *src, const char *dst,
		   uint8_t ttl)
{
	s[0].ttl = ttl;
	small_packet(&s[0], from, to, src, dst);
}

/* two hosts that talk, and nobody else */
static void test_hosts(void **state)
{
	(void)state;
	packet(10, 11, "10.0.0.10", "10.0.0.11", 64);
	judge();
	assert_int_equal(role("10.0.0.10"), HOST);
	/* only ever sent to */
	assert_int_equal(role("10.0.0.11"), HOST);
	assert_int_equal(role("10.0.0.12"), 0);
	assert_false(gateway_mac(10));
	assert_false(gateway_mac(11));
}

static void test_gateway_by_ttl(void **state)
{
	static const uint8_t fresh[] = { 32, 64, 128, 255 };
	static const uint8_t routed[] = { 31, 33, 63, 65, 127, 254, 2 };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(routed); i++) {
		packet(10, 1, "10.0.0.10", "10.0.0.1", 64);
		packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
		packet(1, 10, "192.168.9.9", "10.0.0.10", routed[i]);
		judge();
		assert_int_equal(role("10.0.0.1"), GATEWAY);
		assert_int_equal(role("10.0.0.10"), HOST);
		assert_int_equal(role("192.168.9.9"), 0);
		assert_true(gateway_mac(1));
		assert_false(gateway_mac(10));
	}
	for (i = 0; i < sizeof(fresh); i++) {
		packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
		packet(1, 10, "192.168.9.9", "10.0.0.10", fresh[i]);
		judge();
		assert_int_equal(role("10.0.0.1"), HOST);
		assert_int_equal(role("192.168.9.9"), HOST);
		assert_false(gateway_mac(1));
	}
	/* a TTL of 1, or to a group, says nothing */
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	packet(1, 10, "192.168.9.9", "10.0.0.10", 1);
	packet(1, 10, "192.168.9.9", "224.0.0.9", 9);
	judge();
	assert_int_equal(role("10.0.0.1"), HOST);
	/* nor one that comes with initial TTLs, too */
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	packet(1, 10, "10.0.0.1", "10.0.0.11", 63);
	judge();
	assert_int_equal(role("10.0.0.1"), HOST);
	assert_false(gateway_mac(1));
}

static void test_gateway_by_origin(void **state)
{
	(void)state;
	/* 10.0.0.10 starts behind MAC 10, and is forwarded by MAC 1 */
	packet(10, 1, "10.0.0.10", "10.0.0.1", 64);
	packet(1, 11, "10.0.0.1", "10.0.0.11", 64);
	packet(1, 11, "10.0.0.10", "10.0.0.11", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_int_equal(role("10.0.0.10"), HOST);
	assert_true(gateway_mac(1));

	/* the same on another bridge */
	packet(10, 1, "10.0.0.10", "10.0.0.1", 64);
	small_packet(&s[1], 2, 11, "10.9.0.2", "10.9.0.11");
	small_packet(&s[1], 2, 11, "10.0.0.10", "10.9.0.11");
	judge();
	assert_int_equal(role("10.9.0.2"), GATEWAY);
	assert_true(gateway_mac(2));

	/* not if that MAC, too, sends for more than one */
	packet(10, 1, "10.0.0.10", "10.0.0.1", 64);
	packet(10, 1, "10.0.0.12", "10.0.0.1", 64);
	packet(1, 11, "10.0.0.1", "10.0.0.11", 64);
	packet(1, 11, "10.0.0.10", "10.0.0.11", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), HOST);
}

static void test_gateway_by_public(void **state)
{
	(void)state;
	packet(10, 1, "10.0.0.10", "8.8.8.8", 64);
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_int_equal(role("8.8.8.8"), 0);
	assert_true(gateway_mac(1));

	/* a private one may be a host behind that MAC */
	packet(10, 1, "10.0.0.10", "172.16.5.5", 64);
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), HOST);
	assert_int_equal(role("172.16.5.5"), HOST);
	assert_false(gateway_mac(1));

	/* nor does a group or an overlay address lead anywhere */
	packet(10, 1, "10.0.0.10", "239.1.2.3", 64);
	packet(10, 1, "10.0.0.10", "100.64.0.9", 64);
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), HOST);
	assert_int_equal(role("239.1.2.3"), 0);

	/* a public address that answers from there with its own TTL is one of
	 * a host
	 */
	packet(10, 1, "10.0.0.10", "8.8.8.8", 64);
	packet(1, 10, "8.8.8.8", "10.0.0.10", 64);
	judge();
	assert_int_equal(role("8.8.8.8"), HOST);
}

/* A stray packet to elsewhere makes no gateway where a better one is seen. */
static void test_rank(void **state)
{
	(void)state;
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	packet(1, 10, "192.168.9.9", "10.0.0.10", 63);
	packet(10, 11, "10.0.0.10", "8.8.8.8", 64);
	packet(11, 10, "10.0.0.11", "10.0.0.10", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_int_equal(role("10.0.0.11"), HOST);
	assert_false(gateway_mac(11));

	/* each bridge by itself */
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	packet(1, 10, "192.168.9.9", "10.0.0.10", 63);
	small_packet(&s[1], 20, 2, "10.9.0.20", "8.8.8.8");
	small_packet(&s[1], 2, 20, "10.9.0.2", "10.9.0.20");
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_int_equal(role("10.9.0.2"), GATEWAY);
}

/* whoever takes part in the mesh is a host, whatever passes through it */
static void test_speaker(void **state)
{
	uint8_t disco[124], key[FORGE_KEY_LEN] = { 1 };
	unsigned int ways;

	(void)state;
	for (ways = 0; ways < 4; ways++) {
		packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
		packet(1, 10, "192.168.9.9", "10.0.0.10", 63);
		forge_fill(&s[0].seed, key, sizeof(key));
		forge_disco(&s[0].seed, disco, key, 124);
		if (ways & 1)
			small_udp(&s[0], 1, 10, disco, 124);
		if (ways & 2)
			small_udp(&s[0], 10, 1, disco, 124);
		judge();
		assert_int_equal(role("10.0.0.1"), ways == 3 ? HOST : GATEWAY);
		assert_int_equal(gateway_mac(1), ways != 3);
	}

	/* WireGuard data and handshakes count as well */
	for (ways = 1; ways <= 2; ways++) {
		uint8_t b[148];
		size_t len = ways == 1 ? forge_wg_data(&s[0].seed, b, 1, 1, 96) :
				forge_wg_init(&s[0].seed, b, 1, key);

		packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
		packet(1, 10, "192.168.9.9", "10.0.0.10", 63);
		small_udp(&s[0], 1, 10, b, len);
		small_udp(&s[0], 10, 1, b, len);
		judge();
		assert_int_equal(role("10.0.0.1"), HOST);
	}

	/* behind a gateway, too, and on two bridges */
	forge_disco(&s[0].seed, disco, key, 124);
	small_udp(&s[0], 20, 21, disco, 124);
	small_udp(&s[1], 21, 20, disco, 124);
	judge();
	assert_int_equal(role("10.0.0.20"), HOST);
	{
		struct wga_addr a = small_host(20);

		assert_true(wga_roles_get(roles, &a) & WGA_ROLE_SPEAKER);
	}
}

/* the machine that runs the mesh and the gateway at once */
static void test_speaking_gateway(void **state)
{
	uint8_t disco[124], key[FORGE_KEY_LEN] = { 1 };

	(void)state;
	wga_config_gateway(&cfg, "10.0.0.2", NULL);
	packet(1, 10, "10.0.0.2", "10.0.0.10", 64);
	packet(1, 10, "10.0.0.3", "10.0.0.10", 64);
	forge_fill(&s[0].seed, key, sizeof(key));
	forge_disco(&s[0].seed, disco, key, 124);
	small_udp(&s[0], 1, 10, disco, 124);
	small_udp(&s[0], 10, 1, disco, 124);
	judge();
	assert_int_equal(role("10.0.0.1"), HOST);
	assert_int_equal(role("10.0.0.3"), HOST);
	assert_int_equal(role("10.0.0.2"), GATEWAY);
}

static void test_declared(void **state)
{
	(void)state;
	wga_config_vm(&cfg, "vm-x=10.0.0.1", NULL);
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	packet(1, 10, "192.168.9.9", "10.0.0.10", 63);
	judge();
	assert_int_equal(role("10.0.0.1"), HOST);
	assert_false(gateway_mac(1));

	/* a declared gateway wins over all of it */
	wga_config_gateway(&cfg, "10.0.0.1", NULL);
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_true(gateway_mac(1));
	assert_int_equal(role("10.0.0.10"), HOST);
}

static void test_declared_servers(void **state)
{
	struct wga_addr a = small_addr("192.168.100.10");

	(void)state;
	wga_config_derp(&cfg, "192.168.100.10:443", NULL);
	wga_config_control(&cfg, "192.168.100.11:443", NULL);
	wga_config_vm(&cfg, "vm-y=10.9.9.9", NULL);
	judge();
	assert_int_equal(wga_roles_get(roles, &a), WGA_ROLE_HOST |
			 WGA_ROLE_DECLARED | WGA_ROLE_SERVER);
	a = small_addr("192.168.100.11");
	assert_int_equal(wga_roles_get(roles, &a), WGA_ROLE_HOST |
			 WGA_ROLE_DECLARED | WGA_ROLE_SERVER);
	a = small_addr("10.9.9.9");
	assert_int_equal(wga_roles_get(roles, &a), WGA_ROLE_HOST |
			 WGA_ROLE_DECLARED);
}

/* declared alone: the MAC that sends for it leads elsewhere */
static void test_declared_gateway(void **state)
{
	(void)state;
	wga_config_gateway(&cfg, "10.0.0.1", NULL);
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	packet(1, 10, "10.0.0.7", "10.0.0.10", 255);
	packet(11, 10, "10.0.0.11", "10.0.0.10", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_true(gateway_mac(1));
	assert_int_equal(role("10.0.0.11"), HOST);
	/* what else it sends with an initial TTL is its own */
	assert_int_equal(role("10.0.0.7"), GATEWAY);
}

static void test_live_gateway(void **state)
{
	(void)state;
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	judge_live("10.0.0.1");
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_true(gateway_mac(1));
	/* an address of another bridge does not count on this one */
	small_packet(&s[1], 1, 10, "10.0.0.1", "10.0.0.10");
	judge_live("10.0.0.1");
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	judge_live("10.5.5.5");
	assert_int_equal(role("10.5.5.5"), GATEWAY);
}

/* Packets of the mesh that leave a host in the clear make no gateway of it. */
static void test_overlay_sources(void **state)
{
	(void)state;
	packet(11, 10, "10.0.0.11", "10.0.0.10", 64);
	packet(11, 10, "100.64.0.5", "10.0.0.10", 63);
	packet(11, 10, "fd7a:115c:a1e0::5", "fd7a:115c:a1e0::6", 63);
	packet(11, 10, "169.254.3.3", "10.0.0.10", 63);
	packet(11, 10, "fe80::5", "fe80::6", 63);
	judge();
	assert_int_equal(role("10.0.0.11"), HOST);
	assert_false(gateway_mac(11));
}

static void test_arp(void **state)
{
	(void)state;
	/* claims what it sends with an odd TTL: its own, nothing forwarded */
	small_arp(&s[0], 11, "10.0.0.11");
	packet(11, 10, "10.0.0.11", "10.0.0.10", 63);
	judge();
	assert_int_equal(role("10.0.0.11"), HOST);
	assert_false(gateway_mac(11));

	/* a gateway that is known by its claim alone */
	small_arp(&s[0], 1, "10.0.0.1");
	packet(1, 10, "192.168.9.9", "10.0.0.10", 63);
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_int_equal(role("192.168.9.9"), 0);

	/* then a TTL alone makes no other IPv4 address its own */
	small_arp(&s[0], 1, "10.0.0.1");
	packet(1, 10, "192.168.9.9", "10.0.0.10", 63);
	packet(1, 10, "203.0.113.7", "10.0.0.10", 64);
	packet(1, 10, "fd00::1", "fd00::2", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_int_equal(role("203.0.113.7"), 0);
	assert_int_equal(role("fd00::1"), GATEWAY);

	/* an address that starts behind the MAC that claims it */
	small_arp(&s[0], 10, "10.0.0.10");
	packet(10, 1, "10.0.0.10", "10.0.0.1", 63);
	packet(1, 11, "10.0.0.1", "10.0.0.11", 64);
	packet(1, 11, "10.0.0.10", "10.0.0.11", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
}

/* an address that was inferred a gateway, also behind the MAC of a host */
static void test_settle(void **state)
{
	(void)state;
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	packet(1, 10, "192.168.9.9", "10.0.0.10", 63);
	packet(12, 10, "10.0.0.1", "10.0.0.10", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), HOST);
	assert_int_equal(role("10.0.0.10"), HOST);
}

static void test_no_role(void **state)
{
	(void)state;
	packet(10, 11, "0.0.0.0", "255.255.255.255", 64);
	packet(10, 11, "10.0.0.10", "224.0.0.251", 255);
	packet(10, 11, "::", "ff02::1", 255);
	judge();
	assert_int_equal(role("0.0.0.0"), 0);
	assert_int_equal(role("255.255.255.255"), 0);
	assert_int_equal(role("224.0.0.251"), 0);
	assert_int_equal(role("::"), 0);
	assert_int_equal(role("ff02::1"), 0);
	assert_int_equal(role("10.0.0.10"), HOST);
}

/* an end of one flow that turns up behind other MAC addresses in turn */
static void test_moving_end(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		packet(10, 1, "10.0.0.10", "8.8.8.8", 64);
		packet(1, 10, "8.8.8.8", "10.0.0.10", 60);
		packet(2, 10, "8.8.8.8", "10.0.0.10", 61);
	}
	packet(1, 10, "10.0.0.1", "10.0.0.10", 64);
	packet(2, 10, "10.0.0.2", "10.0.0.10", 64);
	judge();
	assert_int_equal(role("10.0.0.1"), GATEWAY);
	assert_int_equal(role("10.0.0.2"), GATEWAY);
	assert_int_equal(role("10.0.0.10"), HOST);
	assert_true(gateway_mac(1));
	assert_true(gateway_mac(2));
	assert_false(gateway_mac(10));
}

static void test_ttl_classes(void **state)
{
	struct wga_addr one = small_host(1), group = small_addr("224.0.0.1");
	unsigned int ttl;

	(void)state;
	for (ttl = 0; ttl < 256; ttl++) {
		uint16_t want = WGA_AT_ROUTED;

		if (ttl == 1)
			want = 0;
		else if (ttl == 32 || ttl == 64 || ttl == 128 || ttl == 255)
			want = WGA_AT_FRESH;
		assert_int_equal(wga_at_ttl((uint8_t)ttl, &one), want);
		assert_int_equal(wga_at_ttl((uint8_t)ttl, &group), 0);
	}
}

static void test_neighbours(void **state)
{
	struct wga_addr a = small_host(1), b = small_host(2);
	struct wga_mac mac = { { 2, 0, 0, 0, 0, 1 } };
	struct wga_neighbours t;
	uint8_t m[6] = { 2 };
	uint32_t i, round;

	(void)state;
	/* each bit of a MAC address counts */
	assert_int_equal(wga_neighbours_init(&t), 0);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 48; i++) {
			uint8_t bit[6] = { 0 };

			bit[i / 8] = (uint8_t)(1 << i % 8);
			assert_int_equal(wga_mac_intern(&t, bit), i + 1);
		}
	}
	wga_neighbours_free(&t);

	assert_int_equal(wga_neighbours_init(&t), 0);
	/* numbers are given in order, to as many as there are numbers */
	for (round = 0; round < 2; round++) {
		for (i = 0; i < WGA_AT_MAC; i++) {
			m[4] = (uint8_t)(i >> 8);
			m[5] = (uint8_t)i;
			assert_int_equal(wga_mac_intern(&t, m), i + 1);
		}
	}
	m[3] = 1;
	assert_int_equal(wga_mac_intern(&t, m), 0);

	wga_neighbour_note(&t, &mac, &a, WGA_NEIGHBOUR_SENT);
	wga_neighbour_note(&t, &mac, &b, WGA_NEIGHBOUR_GOT);
	wga_neighbour_note(&t, &mac, &a, WGA_NEIGHBOUR_CLAIMED);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.n[0].flags,
			 WGA_NEIGHBOUR_SENT | WGA_NEIGHBOUR_CLAIMED);
	/* by number: 2 is 02:00:00:00:00:01 */
	wga_neighbour_at(&t, &t, &b, 2 | WGA_AT_SENT | WGA_AT_FRESH, false);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.n[1].flags, WGA_NEIGHBOUR_GOT | WGA_NEIGHBOUR_SENT |
			 WGA_NEIGHBOUR_FRESH);
	wga_neighbour_at(&t, &t, &b, 3 | WGA_AT_ROUTED, true);
	assert_int_equal(t.count, 3);
	assert_int_equal(t.n[2].flags,
			 WGA_NEIGHBOUR_GOT | WGA_NEIGHBOUR_ROUTED);
	wga_neighbour_at(&t, &t, &b, WGA_AT_SENT, true);
	assert_int_equal(t.count, 3);
	for (i = 0; i < 3000; i++) {
		a.b[14] = (uint8_t)(i >> 8);
		a.b[15] = (uint8_t)i;
		wga_neighbour_note(&t, &mac, &a, WGA_NEIGHBOUR_GOT);
	}
	assert_int_equal(t.count, 3001);
	wga_neighbours_free(&t);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hosts),
		TEST(test_gateway_by_ttl),
		TEST(test_gateway_by_origin),
		TEST(test_gateway_by_public),
		TEST(test_rank),
		TEST(test_speaker),
		TEST(test_speaking_gateway),
		TEST(test_declared),
		TEST(test_declared_servers),
		TEST(test_declared_gateway),
		TEST(test_live_gateway),
		TEST(test_overlay_sources),
		TEST(test_arp),
		TEST(test_settle),
		TEST(test_no_role),
		TEST(test_moving_end),
		TEST(test_ttl_classes),
		TEST(test_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
