/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/services.h"
#include "tests/golden/forge_msg.h"
#include "tests/golden/forge.h"

typedef bool (*check_fn)(struct wga_view v);

static uint64_t seed = 5;
static uint8_t b[10000];
static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t addr[4] = { 10, 0, 0, 9 };
static const char words[] = "user=alice and password=hunter2 in the clear";

/* check bytes in memory of just that size */
static bool fits(check_fn check, const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, p, len);
	ok = check((struct wga_view){ copy, len });
	free(copy);
	return ok;
}

/* @len bytes fit; fewer do not, nor do more */
static void assert_exact(check_fn check, size_t len)
{
	size_t n;

	assert_true(fits(check, b, len));
	for (n = 0; n < len; n++)
		assert_false(fits(check, b, n));
	memset(b + len, 'x', 4);
	for (n = 1; n <= 4; n++)
		assert_false(fits(check, b, len + n));
}

static void assert_changed(check_fn check, size_t len, size_t at, uint8_t value)
{
	uint8_t was = b[at];

	b[at] = value;
	assert_false(fits(check, b, len));
	b[at] = was;
	assert_true(fits(check, b, len));
}

static void test_dns(void **state)
{
	size_t len, n, i;

	(void)state;
	assert_exact(wga_dns_check, forge_dns(b, 1, 0x0100, "example.com",
					      false));
	len = forge_dns(b, 1, 0x8180, "example.com", true);
	assert_exact(wga_dns_check, len);
	/* counts that do not agree with what follows */
	assert_changed(wga_dns_check, len, 5, 2);
	assert_changed(wga_dns_check, len, 5, 0);
	assert_changed(wga_dns_check, len, 7, 2);
	assert_changed(wga_dns_check, len, 9, 1);
	assert_changed(wga_dns_check, len, 11, 1);
	/* reserved bit; lengths inside */
	assert_changed(wga_dns_check, len, 3, 0xc0);
	assert_changed(wga_dns_check, len, len - 5, 5);
	assert_changed(wga_dns_check, len, len - 5, 3);
	assert_changed(wga_dns_check, len, 12, 8);
	assert_changed(wga_dns_check, len, 12, 64);
	assert_changed(wga_dns_check, len, 12, 0xbf);
	assert_changed(wga_dns_check, len, 12, 0);
	/* nothing asked, nothing said */
	memset(b, 0, 12);
	assert_false(fits(wga_dns_check, b, 12));
	/* a pointer is the end of a name, and has two bytes */
	len = forge_dns(b, 1, 0x0100, "a", false);
	memcpy(b + 12, "\xc0\x0c\0\1\0\1", 6);
	assert_exact(wga_dns_check, 18);
	b[12] = 0xff;
	assert_true(fits(wga_dns_check, b, 18));

	/* the longest label there is */
	memset(b, 0, 12);
	b[5] = 1;
	memset(b + 13, 'a', 64);
	for (n = 63; n <= 64; n++) {
		b[12] = (uint8_t)n;
		memcpy(b + 13 + n, "\0\0\1\0\1", 5);
		assert_int_equal(fits(wga_dns_check, b, 18 + n), n == 63);
	}
	memset(b + 13, 'a', 0xbf);
	b[12] = 0xbf;
	memcpy(b + 13 + 0xbf, "\0\0\1\0\1", 5);
	assert_false(fits(wga_dns_check, b, 18 + 0xbf));
	assert_false(fits(wga_dns_check, b, 18));

	/* as many records as are believed */
	memset(b, 0, sizeof(b));
	for (n = 256; n <= 257; n++) {
		forge_put16(b + 4, 1);
		forge_put16(b + 10, (uint16_t)(n - 1));
		len = 12 + 5 + (n - 1) * 11;
		assert_int_equal(fits(wga_dns_check, b, len), n == 256);
	}
	/* and labels */
	for (n = 127; n <= 128; n++) {
		memset(b, 0, 12);
		b[5] = 1;
		for (i = 0; i < n; i++)
			memcpy(b + 12 + 2 * i, "\1a", 2);
		memcpy(b + 12 + 2 * n, "\0\0\1\0\1", 5);
		assert_int_equal(fits(wga_dns_check, b, 17 + 2 * n), n == 127);
	}
}

static void test_ntp(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < 100; n++) {
		forge_ntp(&seed, b);
		memset(b + 48, 0, 60);
		assert_int_equal(fits(wga_ntp_check, b, n),
				 n == 48 || n == 68 || n == 72);
	}
	forge_ntp(&seed, b);
	for (n = 0; n < 256; n++) {
		unsigned int version = n >> 3 & 7, mode = n & 7;

		b[0] = (uint8_t)n;
		assert_int_equal(fits(wga_ntp_check, b, 48), version >= 1 &&
				 version <= 4 && mode >= 1 && mode <= 5);
	}
	b[0] = 0x23;
	b[1] = 16;
	assert_true(fits(wga_ntp_check, b, 48));
	assert_changed(wga_ntp_check, 48, 1, 17);
	memcpy(b + 16, words, 32);
	assert_false(fits(wga_ntp_check, b, 48));
}

static void test_natpmp(void **state)
{
	static const struct { uint8_t op; size_t a, b; } table[] = {
		{ 0, 2, 2 }, { 1, 12, 12 }, { 2, 12, 12 }, { 3, 0, 0 },
		{ 127, 0, 0 }, { 128, 12, 8 }, { 129, 16, 8 }, { 130, 16, 8 },
		{ 131, 8, 8 }, { 255, 8, 8 },
	};
	unsigned int i;
	size_t n;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		memset(b, 0, 64);
		b[1] = table[i].op;
		for (n = 0; n < 40; n++)
			assert_int_equal(fits(wga_portmap_check, b, n), n &&
				(n == table[i].a || n == table[i].b));
	}
	assert_exact(wga_portmap_check, forge_natpmp_address(b));
	n = forge_natpmp_map(b, 41641);
	assert_exact(wga_portmap_check, n);
	assert_changed(wga_portmap_check, n, 2, 1);
	assert_changed(wga_portmap_check, n, 3, 1);
	assert_changed(wga_portmap_check, n, 0, 1);
	assert_changed(wga_portmap_check, n, 0, 3);
}

static void test_pcp(void **state)
{
	size_t n;

	(void)state;
	n = forge_pcp_announce(b, addr);
	assert_exact(wga_portmap_check, n);
	assert_changed(wga_portmap_check, n, 1, 1);
	assert_changed(wga_portmap_check, n, 1, 3);
	/* answers: the same, and bare for what the server does not know */
	b[1] = 128;
	assert_exact(wga_portmap_check, n);
	b[1] = 129;
	assert_true(fits(wga_portmap_check, b, 24));
	b[1] = 131;
	assert_false(fits(wga_portmap_check, b, 24));
	/* map and peer */
	memset(b, 0, 200);
	b[0] = 2;
	b[1] = 1;
	assert_exact(wga_portmap_check, 60);
	memset(b, 0, 200);
	b[0] = 2;
	b[1] = 2;
	assert_exact(wga_portmap_check, 80);
	/* with an option of 5 bytes, padded to 8 */
	memset(b, 0, 200);
	b[0] = 2;
	b[1] = 1;
	b[60] = 3;
	b[63] = 5;
	assert_true(fits(wga_portmap_check, b, 72));
	for (n = 61; n < 72; n++)
		assert_false(fits(wga_portmap_check, b, n));
	b[63] = 16;
	assert_true(fits(wga_portmap_check, b, 80));
	memcpy(b + 64, words, 16);
	assert_false(fits(wga_portmap_check, b, 80));
	/* no longer than 1100 bytes */
	memset(b, 0, 1200);
	b[0] = 2;
	assert_true(fits(wga_portmap_check, b, 1100));
	assert_false(fits(wga_portmap_check, b, 1104));
}

static void test_ssdp(void **state)
{
	size_t len = forge_ssdp_search((char *)b, 1000), n;
	static const char *const first[] = {
		"M-SEARCH * HTTP/1.1\r\n", "NOTIFY * HTTP/1.1\r\n",
		"HTTP/1.1 200 OK\r\n",
	};
	unsigned int i;

	(void)state;
	assert_exact(wga_ssdp_check, len);
	/* a body */
	memcpy(b + len, "secret\r\n\r\n", 10);
	assert_false(fits(wga_ssdp_check, b, len + 10));
	assert_changed(wga_ssdp_check, len, 40, 0);
	assert_changed(wga_ssdp_check, len, 3, 'e');
	for (i = 0; i < 3; i++) {
		n = (size_t)sprintf((char *)b, "%sST: x\r\n\r\n", first[i]);
		assert_exact(wga_ssdp_check, n);
	}
	n = (size_t)sprintf((char *)b, "GET / HTTP/1.1\r\n\r\n");
	assert_false(fits(wga_ssdp_check, b, n));
	n = (size_t)sprintf((char *)b, "%s%01473d\r\n\r\n", first[2], 0);
	b[17] = 'X';
	assert_int_equal(n, 1494);
	assert_true(fits(wga_ssdp_check, b, n));
	n = (size_t)sprintf((char *)b, "%s%01479d\r\n\r\n", first[2], 0);
	assert_int_equal(n, 1500);
	assert_false(fits(wga_ssdp_check, b, n));
}

static void test_dhcp(void **state)
{
	size_t len = forge_dhcp(&seed, b, 1, mac, addr, addr), n, end = 255;

	(void)state;
	assert_true(fits(wga_dhcp_check, b, len));
	assert_changed(wga_dhcp_check, len, 0, 0);
	assert_changed(wga_dhcp_check, len, 0, 3);
	for (n = 236; n < 240; n++)
		assert_changed(wga_dhcp_check, len, n, 1);
	/* padding is zero; the end mark must be there */
	assert_changed(wga_dhcp_check, len, len - 1, 'x');
	assert_int_equal(b[end], 255);
	assert_changed(wga_dhcp_check, len, end, 0);
	assert_true(fits(wga_dhcp_check, b, end + 1));
	for (n = 0; n <= end; n++)
		assert_false(fits(wga_dhcp_check, b, n));
	/* an option that is longer than the message */
	assert_changed(wga_dhcp_check, len, 241, 250);
	/* padding before the end */
	memmove(b + 241, b + 240, 40);
	b[240] = 0;
	assert_true(fits(wga_dhcp_check, b, len));
	/* no longer than a frame */
	memset(b + 300, 0, 1300);
	assert_true(fits(wga_dhcp_check, b, 1500));
	assert_false(fits(wga_dhcp_check, b, 1501));

	/* words where a client has none to say */
	len = forge_dhcp(&seed, b, 3, mac, addr, addr);
	memcpy(b + 108, words, sizeof(words));
	assert_false(fits(wga_dhcp_check, b, len));
	len = forge_dhcp(&seed, b, 5, mac, addr, addr);
	memcpy(b + 108, words, sizeof(words));
	assert_true(fits(wga_dhcp_check, b, len));
	len = forge_dhcp(&seed, b, 3, mac, addr, addr);
	b[255] = 50;
	b[256] = 32;
	memcpy(b + 257, words, 32);
	b[289] = 255;
	assert_false(fits(wga_dhcp_check, b, len));
	b[255] = 12; /* a host's name */
	assert_true(fits(wga_dhcp_check, b, len));
}

static void test_dhcpv6(void **state)
{
	(void)state;
	memset(b, 0, 100);
	b[0] = 1;
	assert_true(fits(wga_dhcpv6_check, b, 4));
	b[5] = 1;
	b[7] = 10;
	assert_true(fits(wga_dhcpv6_check, b, 18));
	assert_false(fits(wga_dhcpv6_check, b, 17));
	assert_false(fits(wga_dhcpv6_check, b, 19));
	assert_false(fits(wga_dhcpv6_check, b, 21));
	assert_true(fits(wga_dhcpv6_check, b, 22));
	assert_false(fits(wga_dhcpv6_check, b, 3));
	assert_changed(wga_dhcpv6_check, 18, 0, 0);
	assert_changed(wga_dhcpv6_check, 18, 0, 12);
	b[0] = 11;
	assert_true(fits(wga_dhcpv6_check, b, 18));
}

static bool netbios_137(struct wga_view v)
{
	return wga_netbios_check(v, 137);
}

static bool netbios_138(struct wga_view v)
{
	return wga_netbios_check(v, 138);
}

static void test_netbios(void **state)
{
	size_t len = forge_dns(b, 1, 0x0110,
			       "EKEPFDEFFAEIFCDBDCCACACACACACAAA", false);

	(void)state;
	assert_exact(netbios_137, len);
	memset(b, 0, 200);
	b[0] = 0x11;
	forge_put16(b + 10, 100);
	assert_exact(netbios_138, 114);
	assert_changed(netbios_138, 114, 0, 0x0f);
	assert_changed(netbios_138, 114, 0, 0x13);
	assert_changed(netbios_138, 114, 11, 99);
	b[0] = 0x10;
	assert_true(fits(netbios_138, b, 114));
	b[0] = 0x12;
	assert_true(fits(netbios_138, b, 114));
	assert_false(fits(netbios_137, b, 114));
}

static void test_wsd(void **state)
{
	static const char probe[] =
		"<?xml version=\"1.0\"?><s:Envelope xmlns:d=\"http://schemas."
		"xmlsoap.org/ws/2005/04/discovery\"></s:Envelope>";
	size_t len = sizeof(probe) - 1;

	(void)state;
	memcpy(b, probe, len);
	assert_true(fits(wga_wsd_check, b, len));
	b[len] = '\n';
	assert_true(fits(wga_wsd_check, b, len + 1));
	b[len + 1] = '\n';
	assert_false(fits(wga_wsd_check, b, len + 2));
	b[len] = 'x';
	assert_false(fits(wga_wsd_check, b, len + 1));
	assert_changed(wga_wsd_check, len, 2, 'h');
	assert_changed(wga_wsd_check, len, 60, 0);
	assert_changed(wga_wsd_check, len, 80, '6');
	assert_changed(wga_wsd_check, len, len - 3, 'f');
	assert_false(fits(wga_wsd_check, b, 0));
}

static void test_stun(void **state)
{
	uint8_t request[40];
	size_t n;

	(void)state;
	n = forge_stun_request(&seed, b);
	assert_exact(wga_stun_check, n);
	memcpy(request, b, 40);
	assert_changed(wga_stun_check, n, 1, 2);
	assert_changed(wga_stun_check, n, 0, 2);
	assert_changed(wga_stun_check, n, 3, 0x10);
	assert_changed(wga_stun_check, n, 4, 0x22);
	assert_changed(wga_stun_check, n, 7, 0x43);
	assert_changed(wga_stun_check, n, 21, 0x23);
	assert_changed(wga_stun_check, n, 23, 4);
	assert_changed(wga_stun_check, n, 24, 'T');
	assert_changed(wga_stun_check, n, 33, 0x29);
	assert_changed(wga_stun_check, n, 35, 8);

	n = forge_stun_response(request, b, addr, 41641);
	assert_exact(wga_stun_check, n);
	assert_changed(wga_stun_check, n, 21, 6);
	assert_changed(wga_stun_check, n, 24, 1);
	assert_changed(wga_stun_check, n, 25, 2);
	b[21] = 1;
	assert_true(fits(wga_stun_check, b, n));
	b[20] = 0x80;
	b[21] = 0x20;
	assert_true(fits(wga_stun_check, b, n));
	/* IPv6 */
	forge_put16(b + 2, 24);
	forge_put32(b + 20, 0x00200014);
	b[25] = 2;
	forge_fill(&seed, b + 26, 18);
	assert_exact(wga_stun_check, 44);
	assert_changed(wga_stun_check, 44, 25, 1);

	/* without attributes: a bare request is one; many are not */
	memcpy(b, request, 20);
	b[3] = 0;
	assert_true(fits(wga_stun_check, b, 20));
	for (n = 1; n < 6; n++) {
		size_t i;

		b[3] = (uint8_t)(8 * n);
		for (i = 0; i < n; i++)
			memcpy(b + 20 + 8 * i, request + 32, 8);
		assert_int_equal(fits(wga_stun_check, b, 20 + 8 * n), n <= 3);
	}
}

static bool disco_udp(struct wga_view v)
{
	return wga_disco_check(v, false);
}

static bool disco_relayed(struct wga_view v)
{
	return wga_disco_check(v, true);
}

static void test_disco(void **state)
{
	uint8_t key[FORGE_KEY_LEN];
	struct wga_view v = { b, 6 };
	size_t len;

	(void)state;
	forge_fill(&seed, key, sizeof(key));
	for (len = 62; len <= 9001; len++) {
		static const uint16_t fine[] = {
			92, 110, 124, 1252, 1232, 1332, 1312, 1372, 1352, 1472,
			1452, 7972, 7952, 8972, 8952,
		};
		bool known = false;
		unsigned int i;

		for (i = 0; i < sizeof(fine) / sizeof(*fine); i++)
			known |= fine[i] == len;
		forge_disco(&seed, b, key, len);
		assert_int_equal(fits(disco_udp, b, len), known);
		assert_int_equal(fits(disco_relayed, b, len),
				 known || len == 152);
	}
	forge_disco(&seed, b, key, 124);
	assert_true(wga_disco_looks_like(&v));
	v.len = 5;
	assert_false(wga_disco_looks_like(&v));
	for (len = 0; len < 6; len++) {
		assert_changed(disco_udp, 124, len, 'x');
		assert_false(fits(disco_udp, b, len));
	}
	memcpy(b + 62, words, 44);
	assert_false(fits(disco_udp, b, 124));
	forge_disco(&seed, b, key, 124);
	memset(b + 6, 0, 32);
	assert_false(fits(disco_udp, b, 124));
}

/* one announcement: fine to its group, not to others, nor with other ports */
static void assert_group(const char *group, uint16_t sport, uint16_t dport,
			 size_t len)
{
	struct wga_packet pkt = { 0 };
	struct wga_view v = { b, len };

	assert_int_equal(wga_addr_parse(group, &pkt.dst, NULL), 0);
	assert_true(wga_multicast_check(&pkt, sport, dport, v));
	assert_false(wga_multicast_check(&pkt, sport, (uint16_t)(dport + 7), v));
	v.len--;
	assert_false(wga_multicast_check(&pkt, sport, dport, v));
	v.len++;
	if (dport < 1024)
		return;
	pkt.dst.b[15] ^= 0x40;
	assert_false(wga_multicast_check(&pkt, sport, dport, v));
}

static void test_multicast(void **state)
{
	struct wga_packet pkt = { 0 };
	struct wga_view v = { b, 0 };

	(void)state;
	v.len = forge_dns(b, 0, 0x8400, "vm-a.local", true);
	assert_group("224.0.0.251", 5353, 5353, v.len);
	assert_group("ff02::fb", 5353, 5353, v.len);
	/* from another port only a question */
	wga_addr_parse("224.0.0.251", &pkt.dst, NULL);
	assert_false(wga_multicast_check(&pkt, 40000, 5353, v));
	v.len = forge_dns(b, 0, 0, "vm-a.local", false);
	assert_true(wga_multicast_check(&pkt, 40000, 5353, v));
	assert_group("224.0.0.252", 40000, 5355, v.len);
	assert_group("ff02::1:3", 40000, 5355, v.len);
	assert_group("10.0.0.255", 137, 137, v.len);
	assert_false(wga_multicast_check(&pkt, 138, 137, v));

	assert_group("239.255.255.250", 50000, 1900,
		     forge_ssdp_search((char *)b, 1000));
	assert_group("ff05::c", 50000, 1900,
		     forge_ssdp_search((char *)b, 1000));

	v.len = forge_dhcp(&seed, b, 1, mac, addr, addr);
	b[v.len - 1] = 255;
	memset(b + 255, 0, 44);
	assert_group("255.255.255.255", 68, 67, v.len);
	assert_group("255.255.255.255", 67, 68, v.len);
	assert_false(wga_multicast_check(&pkt, 69, 67, v));
	memset(b, 0, 8);
	b[0] = 1;
	v.len = 8;
	assert_group("ff02::1:2", 546, 547, 8);
	assert_false(wga_multicast_check(&pkt, 545, 547, v));
}

static bool service(uint16_t sport, uint16_t dport, size_t len)
{
	return wga_service_check(sport, dport, (struct wga_view){ b, len });
}

static void test_service(void **state)
{
	size_t len = forge_dns(b, 9, 0x0100, "example.com", false);

	(void)state;
	assert_true(service(40000, 53, len));
	assert_true(service(53, 40000, len));
	assert_false(service(40000, 54, len));
	assert_false(service(40000, 123, len));
	/* the answer's port is the one that says which service it is */
	assert_false(service(123, 53, len));
	len = forge_ntp(&seed, b);
	assert_true(service(123, 123, len));
	assert_true(service(40000, 123, len));
	assert_true(service(123, 40000, len));
	assert_false(service(40000, 124, len));
	len = forge_dhcp(&seed, b, 1, mac, addr, addr);
	assert_true(service(68, 67, len));
	assert_true(service(67, 68, len));
	len = forge_pcp_announce(b, addr);
	assert_true(service(40000, 5351, len));
	assert_true(service(5351, 40000, len));
	assert_true(service(40000, 5350, len));
	assert_false(service(5350, 40000, len));
	len = forge_ssdp_search((char *)b, 1000);
	assert_true(service(40000, 1900, len));
	assert_true(service(1900, 40000, len));
	memset(b, 0, 8);
	b[0] = 1;
	assert_true(service(546, 547, 8));
	assert_true(service(547, 546, 8));
	assert_false(service(1, 2, 8));
}

static struct wga_packet pkt;

static bool link_check(struct wga_view v)
{
	pkt.payload = v;
	pkt.wire_len = v.len;
	return wga_link_check(&pkt);
}

static void test_arp(void **state)
{
	size_t n;

	(void)state;
	memset(b, 0, 64);
	memcpy(b, "\0\1\x08\0\6\4\0\1", 8);
	forge_fill(&seed, b + 8, 20);
	pkt = (struct wga_packet){ .ethertype = WGA_ETHERTYPE_ARP };
	for (n = 0; n <= 46; n++)
		assert_int_equal(fits(link_check, b, n), n >= 28);
	for (n = 0; n < 6; n++)
		assert_changed(link_check, 46, n, 9);
	assert_changed(link_check, 46, 7, 0);
	assert_changed(link_check, 46, 7, 3);
	assert_changed(link_check, 46, 28, 'x');
	assert_changed(link_check, 46, 45, 'x');
	b[7] = 2;
	assert_true(fits(link_check, b, 28));
	memcpy(b + 8, "password=hunter2 :-)", 20);
	assert_false(fits(link_check, b, 28));
	/* cut */
	forge_fill(&seed, b + 8, 20);
	pkt.payload = (struct wga_view){ b, 28 };
	pkt.wire_len = 29;
	assert_false(wga_link_check(&pkt));
	pkt.wire_len = 28;
	assert_true(wga_link_check(&pkt));
}

/* a guest that has moved asks for its own address */
static void test_rarp(void **state)
{
	size_t n;

	(void)state;
	memset(b, 0, 64);
	memcpy(b, "\0\1\x08\0\6\4\0\3", 8);
	memcpy(b + 8, mac, 6);
	memcpy(b + 18, mac, 6);
	pkt = (struct wga_packet){ .ethertype = 0x8035, .has_mac = true };
	memcpy(pkt.src_mac, mac, 6);
	for (n = 0; n <= 46; n++)
		assert_int_equal(fits(link_check, b, n), n >= 28);
	for (n = 0; n < 46; n++)
		assert_changed(link_check, 46, n, 0x77);
	pkt.has_mac = false;
	assert_false(fits(link_check, b, 28));
}

static void test_lldp(void **state)
{
	size_t n;

	(void)state;
	memset(b, 0, 64);
	memcpy(b, "\x02\7\4\2\0\0\0\0\1\4\3\2ab\6\2\0\x78", 18);
	pkt = (struct wga_packet){
		.ethertype = WGA_ETHERTYPE_LLDP, .has_mac = true,
		.dst_mac = { 1, 0x80, 0xc2, 0, 0, 14 },
	};
	for (n = 0; n <= 46; n++)
		assert_int_equal(fits(link_check, b, n), n >= 20);
	assert_changed(link_check, 46, 20, 'x');
	assert_changed(link_check, 46, 45, 'x');
	assert_changed(link_check, 46, 17 - 2, 60);
	pkt.dst_mac[5] = 3;
	assert_true(fits(link_check, b, 20));
	pkt.dst_mac[5] = 1;
	assert_false(fits(link_check, b, 20));
	pkt.dst_mac[5] = 14;
	pkt.dst_mac[2] = 0xc3;
	assert_false(fits(link_check, b, 20));
	pkt.dst_mac[2] = 0xc2;
	pkt.has_mac = false;
	assert_false(fits(link_check, b, 20));
}

static void test_stp(void **state)
{
	size_t n;

	(void)state;
	/* configuration, as Linux bridges send it */
	memset(b, 0, 64);
	memcpy(b, "\x42\x42\x03", 3);
	forge_fill(&seed, b + 8, 30);
	pkt = (struct wga_packet){
		.ethertype = 38, .has_mac = true,
		.dst_mac = { 1, 0x80, 0xc2, 0, 0, 0 },
	};
	for (n = 0; n <= 46; n++)
		assert_int_equal(fits(link_check, b, n), n >= 38);
	for (n = 0; n < 5; n++)
		assert_changed(link_check, 46, n, 7);
	assert_changed(link_check, 46, 38, 'x');
	pkt.ethertype = 37;
	assert_false(fits(link_check, b, 46));
	pkt.ethertype = 39;
	assert_false(fits(link_check, b, 46));
	b[5] = b[6] = 2; /* rapid */
	assert_true(fits(link_check, b, 46));
	memcpy(b + 8, words, 30);
	assert_false(fits(link_check, b, 46));
	/* multiple: from 105 bytes on, the name of the region has 32 */
	memset(b, 0, 200);
	memcpy(b, "\x42\x42\x03\0\0\3\2", 7);
	for (n = 103; n <= 130; n++) {
		pkt.ethertype = (uint16_t)n;
		assert_int_equal(fits(link_check, b, n), n >= 105 && n <= 128);
	}
	pkt.ethertype = 105;
	memcpy(b + 42, words, 32);
	assert_true(fits(link_check, b, 105));
	memcpy(b + 74, words, 24);
	assert_false(fits(link_check, b, 105));
	memset(b + 74, 0, 24);
	memcpy(b + 10, words, 24);
	assert_false(fits(link_check, b, 105));
	/* topology change notification */
	memset(b + 3, 0, 60);
	b[6] = 0x80;
	pkt.ethertype = 7;
	assert_true(fits(link_check, b, 46));
	pkt.ethertype = 8;
	assert_false(fits(link_check, b, 46));
	pkt.ethertype = 7;
	pkt.dst_mac[5] = 14;
	assert_false(fits(link_check, b, 46));
	pkt.dst_mac[5] = 0;
	pkt.has_mac = false;
	assert_false(fits(link_check, b, 46));
	/* another EtherType altogether */
	pkt.has_mac = true;
	pkt.ethertype = 0x9000;
	assert_false(fits(link_check, b, 46));
}

static bool igmp(struct wga_view v)
{
	pkt.payload = v;
	pkt.wire_len = v.len;
	return wga_igmp_check(&pkt);
}

static void test_igmp(void **state)
{
	static const uint8_t types[] = { 0x11, 0x12, 0x16, 0x17 };
	unsigned int i;
	size_t n;

	(void)state;
	pkt = (struct wga_packet){ .proto = WGA_PROTO_IGMP };
	wga_addr_parse("224.0.0.22", &pkt.dst, NULL);
	for (i = 0; i < 4; i++) {
		memset(b, 0, 64);
		b[0] = types[i];
		for (n = 0; n < 40; n++)
			assert_int_equal(fits(igmp, b, n), n == 8 ||
					 (n == 12 && i == 0));
	}
	b[0] = 0x13;
	assert_false(fits(igmp, b, 8));
	/* query with two sources */
	memset(b, 0, 64);
	b[0] = 0x11;
	b[11] = 2;
	assert_true(fits(igmp, b, 20));
	assert_false(fits(igmp, b, 16));
	assert_false(fits(igmp, b, 12));
	/* report with two records, the second with one source */
	memset(b, 0, 64);
	b[0] = 0x22;
	b[7] = 2;
	b[8] = 4;
	b[12] = 224;
	b[16] = 1;
	b[19] = 1;
	b[20] = 239;
	assert_exact(igmp, 28);
	assert_changed(igmp, 28, 7, 1);
	assert_changed(igmp, 28, 7, 3);
	assert_changed(igmp, 28, 8, 0);
	assert_changed(igmp, 28, 8, 7);
	assert_changed(igmp, 28, 9, 1);
	assert_changed(igmp, 28, 12, 10);
	assert_changed(igmp, 28, 19, 2);
	/* not to one host */
	wga_addr_parse("10.0.0.1", &pkt.dst, NULL);
	assert_false(fits(igmp, b, 28));
}

static bool neighbour(struct wga_view v)
{
	pkt.payload = v;
	pkt.wire_len = v.len;
	return wga_neighbour_check(&pkt);
}

static void test_nd(void **state)
{
	static const struct { uint8_t type; size_t head; } types[] = {
		{ 133, 8 }, { 134, 16 }, { 135, 24 }, { 136, 24 },
	};
	unsigned int i;
	size_t n;

	(void)state;
	pkt = (struct wga_packet){ .proto = WGA_PROTO_ICMPV6, .ttl = 255 };
	wga_addr_parse("fe80::1", &pkt.dst, NULL);
	for (i = 0; i < 4; i++) {
		size_t head = types[i].head;

		memset(b, 0, 200);
		b[0] = types[i].type;
		assert_true(fits(neighbour, b, head));
		b[head] = 1;
		b[head + 1] = 1;
		for (n = 0; n < head + 20; n++)
			assert_int_equal(fits(neighbour, b, n),
					 n == head || n == head + 8);
		/* link-layer address of the target; nonce; unknown; empty */
		b[head] = 2;
		assert_true(fits(neighbour, b, head + 8));
		b[head] = 14;
		assert_true(fits(neighbour, b, head + 8));
		b[head] = 4;
		assert_false(fits(neighbour, b, head + 8));
		b[head] = 1;
		b[head + 1] = 0;
		assert_false(fits(neighbour, b, head + 8));
		b[head + 1] = 2;
		assert_false(fits(neighbour, b, head + 8));
		assert_false(fits(neighbour, b, head + 16));
		/* what only a router says */
		b[head] = 3;
		b[head + 1] = 4;
		assert_int_equal(fits(neighbour, b, head + 32),
				 types[i].type == 134);
		memcpy(b + head + 2, words, 30);
		assert_false(fits(neighbour, b, head + 32));
		memset(b + head, 0, 40);
		b[head] = 7;
		b[head + 1] = 1;
		assert_int_equal(fits(neighbour, b, head + 8),
				 types[i].type == 134);
		b[head] = 31;
		b[head + 1] = 5;
		memcpy(b + head + 8, words, 30);
		assert_int_equal(fits(neighbour, b, head + 40),
				 types[i].type == 134);
		/* hop limit; nothing of it may be cut */
		pkt.ttl = 254;
		assert_false(fits(neighbour, b, head));
		pkt.ttl = 255;
		assert_true(fits(neighbour, b, head));
		pkt.payload = (struct wga_view){ b, head };
		pkt.wire_len = head + 8;
		assert_false(wga_neighbour_check(&pkt));
	}
	/* words for a target's address */
	memset(b, 0, 200);
	b[0] = 135;
	memcpy(b + 8, words, 16);
	assert_false(fits(neighbour, b, 24));
	b[0] = 137;
	assert_false(fits(neighbour, b, 24));
}

static void test_mld(void **state)
{
	size_t n;

	(void)state;
	pkt = (struct wga_packet){ .proto = WGA_PROTO_ICMPV6, .ttl = 1 };
	wga_addr_parse("ff02::16", &pkt.dst, NULL);
	memset(b, 0, 200);
	b[0] = 130;
	for (n = 0; n < 60; n++)
		assert_int_equal(fits(neighbour, b, n), n == 24 || n == 28);
	b[27] = 2;
	assert_true(fits(neighbour, b, 60));
	memset(b, 0, 200);
	b[8] = 0xff;
	for (b[0] = 131; b[0] <= 132; b[0]++) {
		for (n = 0; n < 60; n++)
			assert_int_equal(fits(neighbour, b, n), n == 24);
		assert_changed(neighbour, 24, 8, 0xfe);
	}
	/* report with one record of one source */
	memset(b, 0, 200);
	b[0] = 143;
	b[7] = 1;
	b[8] = 4;
	b[11] = 1;
	b[12] = 0xff;
	assert_exact(neighbour, 44);
	assert_changed(neighbour, 44, 7, 2);
	assert_changed(neighbour, 44, 12, 0xfe);
	pkt.ttl = 255;
	assert_false(fits(neighbour, b, 44));
	pkt.ttl = 1;
	wga_addr_parse("fe80::1", &pkt.dst, NULL);
	assert_false(fits(neighbour, b, 44));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_ntp),
		cmocka_unit_test(test_natpmp),
		cmocka_unit_test(test_pcp),
		cmocka_unit_test(test_ssdp),
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_dhcpv6),
		cmocka_unit_test(test_netbios),
		cmocka_unit_test(test_wsd),
		cmocka_unit_test(test_stun),
		cmocka_unit_test(test_disco),
		cmocka_unit_test(test_multicast),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_rarp),
		cmocka_unit_test(test_lldp),
		cmocka_unit_test(test_stp),
		cmocka_unit_test(test_igmp),
		cmocka_unit_test(test_nd),
		cmocka_unit_test(test_mld),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
