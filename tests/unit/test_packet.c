/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/packet.h"
#include "tests/golden/forge.h"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t mac_b[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t ip_a[4] = { 10, 0, 0, 1 }, ip_b[4] = { 10, 0, 0, 2 };
static const uint8_t ip6_a[16] = { 0xfd, [15] = 1 };
static const uint8_t ip6_b[16] = { 0xfd, [15] = 2 };

static struct forge_packet p;
static struct wga_packet pkt;
static uint8_t *copy;

/* Parse @caplen bytes of a frame that had @len, from memory of just that size.
 * The views stay good until the next call.
 */
static void parse(const uint8_t *b, size_t caplen, size_t len, uint16_t link)
{
	struct wga_frame f = {
		.caplen = (uint32_t)caplen, .len = (uint32_t)len, .link = link,
	};

	free(copy);
	copy = malloc(caplen ? caplen : 1);
	assert_non_null(copy);
	memcpy(copy, b, caplen);
	f.data = copy;
	memset(&pkt, 0xee, sizeof(pkt));
	wga_packet_parse(&f, &pkt);
}

static void parse_forged(void)
{
	parse(forge_bytes(&p), p.len, p.len, WGA_LINK_ETHERNET);
}

static void assert_view(const struct wga_view *v, size_t off, size_t len)
{
	assert_int_equal(v->len, len);
	if (len)
		assert_ptr_equal(v->p, copy + off);
}

static void assert_ends4(void)
{
	struct wga_addr a = wga_addr_v4(ip_a), b = wga_addr_v4(ip_b);

	assert_true(pkt.has_addr);
	assert_true(wga_addr_equal(&pkt.src, &a));
	assert_true(wga_addr_equal(&pkt.dst, &b));
}

static void assert_ends6(void)
{
	struct wga_addr a = wga_addr_v6(ip6_a), b = wga_addr_v6(ip6_b);

	assert_true(pkt.has_addr);
	assert_true(wga_addr_equal(&pkt.src, &a));
	assert_true(wga_addr_equal(&pkt.dst, &b));
}

static void ipv4(size_t payload)
{
	uint8_t b[2000] = { 0 };

	forge_start(&p, b, payload);
	forge_udp(&p, 1, 2);
	forge_ipv4(&p, ip_a, ip_b, FORGE_PROTO_UDP, 61);
}

static void ipv6(size_t payload)
{
	uint8_t b[2000] = { 0 };

	forge_start(&p, b, payload);
	forge_udp(&p, 1, 2);
	forge_ipv6(&p, ip6_a, ip6_b, FORGE_PROTO_UDP, 62);
}

static void ethernet(uint16_t type)
{
	forge_ethernet(&p, mac_a, mac_b, type);
}

static void test_ethernet(void **state)
{
	(void)state;
	ipv4(20);
	ethernet(FORGE_ETH_IPV4);
	parse_forged();
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_true(pkt.has_mac);
	assert_memory_equal(pkt.src_mac, mac_a, 6);
	assert_memory_equal(pkt.dst_mac, mac_b, 6);
	assert_int_equal(pkt.ethertype, WGA_ETHERTYPE_IPV4);
	assert_ends4();
	assert_int_equal(pkt.proto, WGA_PROTO_UDP);
	assert_int_equal(pkt.ttl, 61);
	assert_false(pkt.fragment);
	assert_view(&pkt.payload, 34, 28);
	assert_int_equal(pkt.wire_len, 28);
	assert_view(&pkt.options, 34, 0);
	assert_view(&pkt.trailer, 0, 0);

	ipv6(20);
	ethernet(FORGE_ETH_IPV6);
	parse_forged();
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_int_equal(pkt.ethertype, WGA_ETHERTYPE_IPV6);
	assert_ends6();
	assert_int_equal(pkt.proto, WGA_PROTO_UDP);
	assert_int_equal(pkt.ttl, 62);
	assert_false(pkt.fragment);
	assert_view(&pkt.payload, 54, 28);
	assert_int_equal(pkt.wire_len, 28);
	assert_int_equal(pkt.options.len, 0);
	assert_int_equal(pkt.trailer.len, 0);
}

static void test_other_links(void **state)
{
	uint8_t *h;

	(void)state;
	ipv4(20);
	parse(forge_bytes(&p), p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_false(pkt.has_mac);
	assert_int_equal(pkt.ethertype, 0);
	assert_ends4();
	assert_view(&pkt.payload, 20, 28);
	ipv6(20);
	parse(forge_bytes(&p), p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_ends6();

	ipv4(20);
	h = forge_push(&p, 16);
	memset(h, 0, 16);
	forge_put16(h + 14, FORGE_ETH_IPV4);
	parse(h, p.len, p.len, WGA_LINK_SLL);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_false(pkt.has_mac);
	assert_int_equal(pkt.ethertype, FORGE_ETH_IPV4);
	assert_ends4();
	assert_view(&pkt.payload, 36, 28);

	ipv6(20);
	h = forge_push(&p, 20);
	memset(h, 0, 20);
	forge_put16(h, FORGE_ETH_IPV6);
	parse(h, p.len, p.len, WGA_LINK_SLL2);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_false(pkt.has_mac);
	assert_ends6();
	assert_view(&pkt.payload, 60, 28);

	/* a link type that no reader hands out */
	parse(h, p.len, p.len, 9);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	assert_false(pkt.has_addr);
	assert_false(pkt.has_mac);
}

static void test_not_ip(void **state)
{
	uint8_t b[60] = { 1, 2, 3 };

	(void)state;
	forge_start(&p, b, 46);
	ethernet(FORGE_ETH_ARP);
	parse_forged();
	assert_int_equal(pkt.state, WGA_PACKET_OTHER);
	assert_true(pkt.has_mac);
	assert_false(pkt.has_addr);
	assert_int_equal(pkt.ethertype, WGA_ETHERTYPE_ARP);
	assert_view(&pkt.payload, 14, 46);
	assert_int_equal(pkt.wire_len, 46);
	/* cut in the payload: still told apart */
	parse(forge_bytes(&p), 20, p.len, WGA_LINK_ETHERNET);
	assert_int_equal(pkt.state, WGA_PACKET_OTHER);
	assert_view(&pkt.payload, 14, 6);
	assert_int_equal(pkt.wire_len, 46);

	/* an EtherType that lies about the version */
	ipv4(20);
	ethernet(FORGE_ETH_IPV6);
	parse_forged();
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	assert_false(pkt.has_addr);
	assert_view(&pkt.payload, 14, 48);
	ipv6(20);
	ethernet(FORGE_ETH_IPV4);
	parse_forged();
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	/* nothing behind the EtherType */
	forge_start(&p, b, 0);
	ethernet(FORGE_ETH_IPV4);
	parse_forged();
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	parse(forge_bytes(&p), 14, 60, WGA_LINK_ETHERNET);
	assert_int_equal(pkt.state, WGA_PACKET_CUT);
	/* raw IP of no version */
	memset(b, 0x50, sizeof(b));
	parse(b, 60, 60, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	parse(b, 0, 0, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	parse(b, 0, 60, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_CUT);
}

static void test_vlan(void **state)
{
	unsigned int tags, i;

	(void)state;
	for (tags = 1; tags <= 6; tags++) {
		uint16_t type = FORGE_ETH_IPV4;

		ipv4(20);
		for (i = 0; i < tags; i++) {
			forge_vlan(&p, (uint16_t)(10 + i), type);
			type = i + 1 < tags ? FORGE_ETH_VLAN : FORGE_ETH_QINQ;
		}
		ethernet(tags > 1 ? FORGE_ETH_QINQ : FORGE_ETH_VLAN);
		parse_forged();
		assert_true(pkt.has_mac);
		if (tags > 4) {
			assert_int_equal(pkt.state, WGA_PACKET_BAD);
			continue;
		}
		assert_int_equal(pkt.state, WGA_PACKET_IP);
		assert_int_equal(pkt.ethertype, WGA_ETHERTYPE_IPV4);
		assert_ends4();
		assert_view(&pkt.payload, 34 + 4 * tags, 28);
		assert_int_equal(pkt.wire_len, 28);
	}
	/* a tag with nothing behind it */
	ipv4(20);
	forge_vlan(&p, 5, FORGE_ETH_IPV4);
	ethernet(FORGE_ETH_VLAN);
	for (i = 14; i < 18; i++) {
		parse(forge_bytes(&p), i, p.len, WGA_LINK_ETHERNET);
		assert_int_equal(pkt.state, WGA_PACKET_CUT);
		assert_int_equal(pkt.ethertype, WGA_ETHERTYPE_VLAN);
		parse(forge_bytes(&p), i, i, WGA_LINK_ETHERNET);
		assert_int_equal(pkt.state, WGA_PACKET_BAD);
	}
	parse(forge_bytes(&p), 18, 18, WGA_LINK_ETHERNET);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	assert_int_equal(pkt.ethertype, WGA_ETHERTYPE_IPV4);
}

static void test_ipv4_options(void **state)
{
	uint8_t options[40] = { 7, 40 };
	size_t n;

	(void)state;
	for (n = 4; n <= 40; n += 4) {
		forge_start(&p, "payload", 8);
		forge_udp(&p, 1, 2);
		forge_ipv4_options(&p, ip_a, ip_b, FORGE_PROTO_UDP, 64,
				   options, n);
		ethernet(FORGE_ETH_IPV4);
		parse_forged();
		assert_int_equal(pkt.state, WGA_PACKET_IP);
		assert_view(&pkt.options, 34, n);
		assert_view(&pkt.payload, 34 + n, 16);
		assert_int_equal(pkt.wire_len, 16);
	}
}

static void test_ipv4_lengths(void **state)
{
	uint8_t *h;

	(void)state;
	/* header length below 20, or beyond the packet */
	ipv4(20);
	h = forge_bytes(&p);
	h[0] = 0x44;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	assert_ends4();
	h[0] = 0x4f;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	h[0] = 0x45;

	/* total length: more than there is, less than the header, zero */
	forge_put16(h + 2, (uint16_t)(p.len + 1));
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	forge_put16(h + 2, 19);
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	forge_put16(h + 2, 20);
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_int_equal(pkt.payload.len, 0);
	assert_view(&pkt.trailer, 20, 28);
	forge_put16(h + 2, 0);
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_view(&pkt.payload, 20, 28);
	assert_int_equal(pkt.wire_len, 28);
	/* of a frame that was cut, zero means all of what was on the wire */
	parse(h, 30, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_view(&pkt.payload, 20, 10);
	assert_int_equal(pkt.wire_len, 28);

	/* bytes behind the packet */
	ipv4(2);
	forge_append(&p, "\0\0\0\0", 4);
	ethernet(FORGE_ETH_IPV4);
	parse_forged();
	assert_view(&pkt.payload, 34, 10);
	assert_view(&pkt.trailer, 44, 4);
	ipv6(2);
	forge_append(&p, "\0\0\0\0", 4);
	ethernet(FORGE_ETH_IPV6);
	parse_forged();
	assert_view(&pkt.payload, 54, 10);
	assert_view(&pkt.trailer, 64, 4);
}

static void test_ipv4_fragment(void **state)
{
	(void)state;
	forge_start(&p, "12345678", 8);
	forge_ipv4_fragment(&p, ip_a, ip_b, FORGE_PROTO_UDP, 64, 0x1234, 0,
			    true);
	parse(forge_bytes(&p), p.len, p.len, WGA_LINK_RAW);
	assert_true(pkt.fragment);
	assert_true(pkt.frag_more);
	assert_int_equal(pkt.frag_off, 0);
	assert_int_equal(pkt.frag_id, 0x1234);

	forge_start(&p, "1234567", 7);
	forge_ipv4_fragment(&p, ip_a, ip_b, FORGE_PROTO_UDP, 64, 0x1235, 65528,
			    false);
	parse(forge_bytes(&p), p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_true(pkt.fragment);
	assert_false(pkt.frag_more);
	assert_int_equal(pkt.frag_off, 65528);
	assert_int_equal(pkt.frag_id, 0x1235);

	/* "don't fragment" makes none */
	ipv4(20);
	forge_bytes(&p)[6] = 0x40;
	parse(forge_bytes(&p), p.len, p.len, WGA_LINK_RAW);
	assert_false(pkt.fragment);
	forge_bytes(&p)[6] = 0x20;
	parse(forge_bytes(&p), p.len, p.len, WGA_LINK_RAW);
	assert_true(pkt.fragment);
}

static void chain(const uint8_t *headers, unsigned int n)
{
	uint8_t next = FORGE_PROTO_UDP;

	forge_start(&p, "payload", 8);
	forge_udp(&p, 1, 2);
	while (n-- > 0) {
		forge_ipv6_extension(&p, next);
		next = headers[n];
	}
	forge_ipv6_chain(&p, ip6_a, ip6_b, next, 64, FORGE_PROTO_UDP);
}

static void test_ipv6_extensions(void **state)
{
	static const uint8_t all[] = { 0, 60, 43, 60, 60, 60, 60, 60, 60, 60 };
	uint8_t *h;
	unsigned int n;

	(void)state;
	for (n = 0; n <= 10; n++) {
		chain(all, n);
		parse(forge_bytes(&p), p.len, p.len, WGA_LINK_RAW);
		if (n >= 8) {
			assert_int_equal(pkt.state, WGA_PACKET_BAD);
			continue;
		}
		assert_int_equal(pkt.state, WGA_PACKET_IP);
		assert_int_equal(pkt.proto, WGA_PROTO_UDP);
		assert_view(&pkt.options, 40, 8 * n);
		assert_view(&pkt.payload, 40 + 8 * n, 16);
		assert_int_equal(pkt.wire_len, 16);
	}

	/* a header of 16 bytes */
	chain(all, 2);
	h = forge_bytes(&p);
	h[40] = FORGE_PROTO_UDP;
	h[41] = 1;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_view(&pkt.options, 40, 16);
	/* one that ends behind the packet */
	h[41] = 4;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	h[41] = 3;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_int_equal(pkt.payload.len, 0);

	/* authentication header: units of four, two more */
	chain((const uint8_t[]){ 51 }, 1);
	h = forge_bytes(&p);
	h[41] = 2;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_view(&pkt.options, 40, 16);

	/* no next header; an unknown one is the transport */
	chain(all, 1);
	forge_bytes(&p)[40] = 59;
	parse(forge_bytes(&p), p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_int_equal(pkt.proto, 59);
	assert_view(&pkt.payload, 48, 16);
}

static void test_ipv6_fragment(void **state)
{
	uint8_t *h;

	(void)state;
	forge_start(&p, "12345678", 8);
	forge_ipv6_fragment(&p, FORGE_PROTO_UDP, 0x12345678, 1232, true);
	forge_ipv6(&p, ip6_a, ip6_b, 44, 64);
	h = forge_bytes(&p);
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_true(pkt.fragment);
	assert_true(pkt.frag_more);
	assert_int_equal(pkt.frag_off, 1232);
	assert_int_equal(pkt.frag_id, 0x12345678);
	assert_int_equal(pkt.proto, WGA_PROTO_UDP);
	assert_view(&pkt.payload, 48, 8);

	/* what follows a later fragment is data, whatever it is called */
	h[40] = 60;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_int_equal(pkt.proto, 60);
	assert_view(&pkt.payload, 48, 8);

	/* last, and an atomic one that is no fragment */
	h[43] &= 0xfe;
	h[40] = FORGE_PROTO_UDP;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_true(pkt.fragment);
	assert_false(pkt.frag_more);
	h[42] = h[43] = 0;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_false(pkt.fragment);
	/* reserved bits are no part of the offset */
	h[43] = 6;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_false(pkt.fragment);
	assert_int_equal(pkt.frag_off, 0);
	h[43] = 9;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.frag_off, 8);
}

static void test_ipv6_lengths(void **state)
{
	uint8_t *h;

	(void)state;
	ipv6(20);
	h = forge_bytes(&p);
	forge_put16(h + 4, 29);
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);
	assert_ends6();
	forge_put16(h + 4, 27);
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_view(&pkt.payload, 40, 27);
	assert_view(&pkt.trailer, 67, 1);
	/* zero: as long as the frame, unless nothing is to follow */
	forge_put16(h + 4, 0);
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_view(&pkt.payload, 40, 28);
	h[6] = 59;
	parse(h, p.len, p.len, WGA_LINK_RAW);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_int_equal(pkt.payload.len, 0);
	assert_view(&pkt.trailer, 40, 28);
}

static void assert_inside(const struct wga_view *v, size_t caplen)
{
	if (v->len)
		assert_true(v->p >= copy && v->p + v->len <= copy + caplen);
}

/* Every frame cut at every byte: what the snaplen took away is CUT, or was not
 * needed; what was never there is a contradiction.
 */
static void cut_everywhere(uint16_t link, size_t headers)
{
	size_t full = p.len, n;

	for (n = 0; n <= full; n++) {
		parse(forge_bytes(&p), n, full, link);
		assert_int_equal(pkt.state, n < headers ? WGA_PACKET_CUT :
							  WGA_PACKET_IP);
		assert_inside(&pkt.payload, n);
		assert_inside(&pkt.options, n);
		assert_inside(&pkt.trailer, n);
		if (pkt.state == WGA_PACKET_IP)
			assert_int_equal(pkt.wire_len, full - headers);

		parse(forge_bytes(&p), n, n, link);
		assert_int_equal(pkt.state, n < full ? WGA_PACKET_BAD :
						       WGA_PACKET_IP);
		assert_inside(&pkt.payload, n);
		assert_inside(&pkt.options, n);
		assert_inside(&pkt.trailer, n);
	}
}

static void test_cut(void **state)
{
	uint8_t options[12] = { 0 }, *h;

	(void)state;
	ipv4(40);
	cut_everywhere(WGA_LINK_RAW, 20);
	ethernet(FORGE_ETH_IPV4);
	cut_everywhere(WGA_LINK_ETHERNET, 34);

	ipv4(40);
	forge_vlan(&p, 1, FORGE_ETH_IPV4);
	forge_vlan(&p, 2, FORGE_ETH_VLAN);
	ethernet(FORGE_ETH_QINQ);
	cut_everywhere(WGA_LINK_ETHERNET, 42);

	forge_start(&p, options, 12);
	forge_udp(&p, 1, 2);
	forge_ipv4_options(&p, ip_a, ip_b, FORGE_PROTO_UDP, 64, options, 12);
	cut_everywhere(WGA_LINK_RAW, 32);

	ipv6(40);
	ethernet(FORGE_ETH_IPV6);
	cut_everywhere(WGA_LINK_ETHERNET, 54);
	chain((const uint8_t[]){ 0, 43, 60 }, 3);
	cut_everywhere(WGA_LINK_RAW, 64);
	chain((const uint8_t[]){ 51 }, 1);
	forge_bytes(&p)[41] = 2;
	cut_everywhere(WGA_LINK_RAW, 56);
	forge_start(&p, "12345678", 8);
	forge_ipv6_fragment(&p, FORGE_PROTO_UDP, 1, 8, false);
	forge_ipv6(&p, ip6_a, ip6_b, 44, 64);
	cut_everywhere(WGA_LINK_RAW, 48);

	ipv4(10);
	h = forge_push(&p, 16);
	memset(h, 0, 16);
	forge_put16(h + 14, FORGE_ETH_IPV4);
	cut_everywhere(WGA_LINK_SLL, 36);
	ipv6(10);
	h = forge_push(&p, 20);
	memset(h, 0, 20);
	forge_put16(h, FORGE_ETH_IPV6);
	cut_everywhere(WGA_LINK_SLL2, 60);
}

/* in a quote the packet may end early, whatever its header says */
static void test_quote(void **state)
{
	struct wga_view v;

	(void)state;
	ipv4(500);
	v = (struct wga_view){ forge_bytes(&p), 28 };
	pkt = (struct wga_packet){ 0 };
	wga_packet_ip(v, 28, true, &pkt);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_int_equal(pkt.payload.len, 8);
	assert_int_equal(pkt.wire_len, 508);
	pkt = (struct wga_packet){ 0 };
	wga_packet_ip(v, 28, false, &pkt);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);

	ipv6(500);
	v = (struct wga_view){ forge_bytes(&p), 48 };
	pkt = (struct wga_packet){ 0 };
	wga_packet_ip(v, 48, true, &pkt);
	assert_int_equal(pkt.state, WGA_PACKET_IP);
	assert_int_equal(pkt.payload.len, 8);
	pkt = (struct wga_packet){ 0 };
	wga_packet_ip(v, 48, false, &pkt);
	assert_int_equal(pkt.state, WGA_PACKET_BAD);

	/* in the middle of options and extension headers */
	forge_start(&p, "x", 1);
	forge_ipv4_options(&p, ip_a, ip_b, FORGE_PROTO_UDP, 64,
			   (const uint8_t[8]){ 0 }, 8);
	pkt = (struct wga_packet){ 0 };
	wga_packet_ip((struct wga_view){ forge_bytes(&p), 24 }, 24, true, &pkt);
	assert_int_equal(pkt.state, WGA_PACKET_CUT);
	chain((const uint8_t[]){ 0, 43, 60 }, 3);
	pkt = (struct wga_packet){ 0 };
	wga_packet_ip((struct wga_view){ forge_bytes(&p), 52 }, 52, true, &pkt);
	assert_int_equal(pkt.state, WGA_PACKET_CUT);
}

static int release(void **state)
{
	(void)state;
	free(copy);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ethernet),
		cmocka_unit_test(test_other_links),
		cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_ipv4_lengths),
		cmocka_unit_test(test_ipv4_fragment),
		cmocka_unit_test(test_ipv6_extensions),
		cmocka_unit_test(test_ipv6_fragment),
		cmocka_unit_test(test_ipv6_lengths),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
