/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/registry_internal.h"
#include "bridge_build.h"

static struct small s;
static struct wga_config cfg;
static struct wga_bridge *br;
static uint8_t b[9000], key[FORGE_KEY_LEN];
static const char words[] = "user=alice and password=hunter2 in the clear";
#define WORDS	(sizeof(words) - 1)

static int setup(void **state)
{
	(void)state;
	small_init(&s);
	forge_fill(&s.seed, key, sizeof(key));
	wga_config_init(&cfg);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wga_bridge_free(br);
	br = NULL;
	forge_free(&s.f);
	wga_config_free(&cfg);
	return 0;
}

/* what was built so far, on a bridge; every frame is in a flow */
static void observe(void)
{
	uint64_t frames = 0, bytes = 0;
	uint32_t i;

	wga_bridge_free(br);
	br = small_bridge(&s, &cfg, "x");
	assert_non_null(br);
	small_init(&s);
	for (i = 0; i < wga_flow_count(br->flows); i++) {
		frames += wga_flow_frames(br->flows, i);
		bytes += wga_flow_at(br->flows, i)->bytes;
	}
	assert_int_equal(frames, br->frames);
	assert_int_equal(bytes, br->bytes);
}

/* the flow that holds frames of this kind, of which there must be one */
static const struct wga_flow *flow_of(enum wga_kind kind)
{
	const struct wga_flow *found = NULL;
	uint32_t i;

	for (i = 0; i < wga_flow_count(br->flows); i++) {
		const struct wga_flow *f = wga_flow_at(br->flows, i);

		if (f->key.kind == kind && f->frames) {
			assert_null(found);
			found = f;
		}
	}
	assert_non_null(found);
	return found;
}

static uint32_t frames_of(enum wga_kind kind)
{
	uint32_t i, frames = 0;

	for (i = 0; i < wga_flow_count(br->flows); i++)
		if (wga_flow_at(br->flows, i)->key.kind == kind)
			frames += wga_flow_at(br->flows, i)->frames;
	return frames;
}

/* all frames that were built are of one kind */
static void assert_kind(enum wga_kind kind)
{
	observe();
	assert_int_equal(frames_of(kind), br->frames);
}

static void udp_ports(uint16_t sport, uint16_t dport, const void *data,
		      size_t len)
{
	forge_start(&s.p, data, len);
	forge_udp(&s.p, sport, dport);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
}

static void udp(const void *data, size_t len)
{
	udp_ports(41641, 41642, data, len);
}

static void test_udp(void **state)
{
	(void)state;
	forge_fill(&s.seed, b, 100);
	b[0] = 0xc0;
	udp(b, 100);
	assert_kind(WGA_KIND_OPAQUE);
	udp(words, WORDS);
	assert_kind(WGA_KIND_TEXT);
	memset(b, 0, 100);
	udp(b, 100);
	assert_kind(WGA_KIND_TEXT);
	udp("", 0);
	assert_kind(WGA_KIND_OPAQUE);
	udp("x", 1);
	assert_kind(WGA_KIND_TEXT);

	udp_ports(40000, 53, b, forge_dns(b, 1, 0x100, "a.b", false));
	assert_kind(WGA_KIND_SERVICE);
	udp_ports(40000, 54, b, forge_dns(b, 1, 0x100, "a.b", false));
	assert_kind(WGA_KIND_TEXT);
	udp(b, forge_stun_request(&s.seed, b));
	assert_kind(WGA_KIND_STUN);

	udp(b, forge_wg_data(&s.seed, b, 7, 9, 96));
	assert_kind(WGA_KIND_WIREGUARD);
	assert_int_equal(br->sessions.n, 1);
	assert_int_equal(br->sessions.s[0].receiver, 7);
	assert_int_equal(br->sessions.s[0].from.port, 41641);
	assert_int_equal(br->sessions.s[0].to.port, 41642);
	assert_int_equal(wga_flow_cold_at(br->flows, 0)->messages, 1);
	assert_int_equal(wga_flow_cold_at(br->flows, 0)->opaque, 80);

	forge_wg_data(&s.seed, b, 7, 9, 96);
	memcpy(b + 20, words, WORDS);
	udp(b, 96);
	assert_kind(WGA_KIND_TEXT);
	forge_wg_data(&s.seed, b, 7, 9, 96);
	forge_wg_data(&s.seed, b + 96, 7, 10, 96);
	memcpy(b + 120, words, WORDS);
	udp(b, 192);
	assert_kind(WGA_KIND_SPLICED_TEXT);
	memset(b + 112, 0, 80);
	udp(b, 192);
	assert_kind(WGA_KIND_SPLICED);
	assert_int_equal(br->sessions.n, 0);
}

static void test_udp_length(void **state)
{
	unsigned int i;

	(void)state;
	/* bytes between the end of UDP and that of IP */
	for (i = 0; i < 4; i++) {
		forge_wg_data(&s.seed, b, 7, i, 96);
		memcpy(b + 96, i == 1 ? words : "\1\2\3\4\5\6\7", 8);
		forge_start(&s.p, b, i ? 104 : 96);
		forge_udp(&s.p, 1, 2);
		if (i == 1 || i == 2)
			forge_put16(forge_bytes(&s.p) + 4, 8 + 96);
		if (i == 3)
			forge_put16(forge_bytes(&s.p) + 4, 7);
		small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
		assert_kind(i == 0 ? WGA_KIND_WIREGUARD :
			    i == 1 ? WGA_KIND_TEXT : WGA_KIND_BAD);
	}
	/* longer than there is; no room for a header */
	forge_start(&s.p, b, 40);
	forge_udp(&s.p, 1, 2);
	forge_put16(forge_bytes(&s.p) + 4, 49);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
	assert_kind(WGA_KIND_BAD);
	forge_start(&s.p, b, 7);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
	assert_kind(WGA_KIND_BAD);
}

static void test_cut(void **state)
{
	uint32_t n;

	(void)state;
	for (n = 0; n < 14 + 20 + 8 + 96; n += 3) {
		udp(b, forge_wg_data(&s.seed, b, 7, 9, 96));
		forge_cut(&s.f, n);
		assert_kind(WGA_KIND_CUT);
		assert_int_equal(br->marks[WGA_CODE_TRUNCATED_FRAMES].count, 1);
	}
	/* what is left of text is text */
	udp(words, WORDS);
	forge_cut(&s.f, 14 + 20 + 8 + 12);
	assert_kind(WGA_KIND_TEXT);
	forge_start(&s.p, words, WORDS);
	forge_tcp(&s.p, 1, 2, 5, 5, FORGE_ACK);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_TCP);
	forge_cut(&s.f, 14 + 20 + 20 + 12);
	assert_kind(WGA_KIND_TEXT);
	/* fragments, other protocols, other EtherTypes */
	forge_start(&s.p, b, 64);
	forge_ipv4_fragment(&s.p, key, key + 4, 17, 64, 1, 0, true);
	small_emit(&s, 1, 2, FORGE_ETH_IPV4);
	forge_cut(&s.f, 70);
	assert_kind(WGA_KIND_CUT);
	forge_start(&s.p, b, 64);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_ESP);
	forge_cut(&s.f, 70);
	assert_kind(WGA_KIND_CUT);
	forge_start(&s.p, b, 64);
	small_emit(&s, 1, 2, 0x9000);
	forge_cut(&s.f, 70);
	assert_kind(WGA_KIND_CUT);
	small_arp(&s, 1, "10.0.0.1");
	forge_cut(&s.f, 40);
	assert_kind(WGA_KIND_CUT);
	assert_int_equal(br->neighbours.count, 0);
}

static void test_disco(void **state)
{
	(void)state;
	udp(b, forge_disco(&s.seed, b, key, FORGE_PING_LEN));
	assert_kind(WGA_KIND_DISCO);
	assert_int_equal(br->n_discos, 1);
	assert_int_equal(br->discos[0].pings, 1);
	assert_int_equal(br->discos[0].pongs, 0);
	assert_memory_equal(br->discos[0].key, key, sizeof(key));
	udp(b, forge_disco(&s.seed, b, key, FORGE_PONG_LEN));
	udp(b, forge_disco(&s.seed, b, key, FORGE_PONG_LEN));
	assert_kind(WGA_KIND_DISCO);
	assert_int_equal(br->n_discos, 1);
	assert_int_equal(br->discos[0].pongs, 2);
	assert_int_equal(br->discos[0].first.frame, 1);
	assert_true(br->discos[0].last_ns > br->discos[0].first.time_ns);

	/* three that receive offload put together, the last may be another */
	forge_disco(&s.seed, b, key, 110);
	forge_disco(&s.seed, b + 110, key, 110);
	forge_disco(&s.seed, b + 220, key, 92);
	udp(b, 312);
	assert_kind(WGA_KIND_DISCO);
	assert_int_equal(br->discos[0].pongs, 2);
	assert_int_equal(br->discos[0].pings, 1);
	/* a tail that is none */
	udp(b, 311);
	observe();
	assert_int_equal(frames_of(WGA_KIND_DISCO), 0);
	memcpy(b + 150, words, WORDS);
	udp(b, 312);
	observe();
	assert_int_equal(frames_of(WGA_KIND_DISCO), 0);
	forge_disco(&s.seed, b, key, 124);
	memcpy(b + 124, words, WORDS);
	udp(b, 124 + WORDS);
	assert_kind(WGA_KIND_TEXT);
	/* a length that no message has */
	udp(b, forge_disco(&s.seed, b, key, 111));
	observe();
	assert_int_equal(frames_of(WGA_KIND_DISCO), 0);
}

/* a message whose header has few zeros: elsewhere that counts, too */
static size_t wg(void)
{
	return forge_wg_data(&s.seed, b, 0x87654321, 0xa1b2c3d4e5f6, 96);
}

static void relay(bool control, uint16_t protocol, size_t len)
{
	forge_start(&s.p, b, len);
	forge_geneve(&s.p, control, protocol, 0x123);
	forge_udp(&s.p, 5000, 5001);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
}

static void test_relay(void **state)
{
	(void)state;
	relay(false, 0x7a12, wg());
	assert_kind(WGA_KIND_RELAY);
	assert_int_equal(br->sessions.n, 1);
	relay(true, 0x7a12, wg());
	assert_kind(WGA_KIND_SPLICED);
	assert_int_equal(br->sessions.n, 0);
	relay(true, 0x7a11, forge_disco(&s.seed, b, key, 152));
	assert_kind(WGA_KIND_RELAY);
	relay(false, 0x7a11, forge_disco(&s.seed, b, key, 110));
	assert_kind(WGA_KIND_RELAY);
	relay(false, 0x7a11, wg());
	assert_kind(WGA_KIND_SPLICED);
	relay(false, 0x7a12, forge_disco(&s.seed, b, key, 110));
	assert_kind(WGA_KIND_SPLICED);
	memcpy(b, words, WORDS);
	relay(false, 0x7a12, WORDS);
	assert_kind(WGA_KIND_SPLICED_TEXT);
	relay(false, 0x7a11, WORDS);
	assert_kind(WGA_KIND_SPLICED_TEXT);
	relay(false, 0x7a13, WORDS);
	assert_kind(WGA_KIND_TEXT);
}

static void inner_udp(size_t len)
{
	forge_start(&s.p, b, len);
	forge_udp(&s.p, 41641, 41642);
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 9, 0, 1 },
		   (const uint8_t[]){ 10, 9, 0, 2 }, FORGE_PROTO_UDP, 64);
}

static void vxlan(void)
{
	static const uint8_t mac[2][6] = { { 2, 9 }, { 2, 8 } };

	forge_ethernet(&s.p, mac[0], mac[1], FORGE_ETH_IPV4);
	forge_vxlan(&s.p, 5);
	forge_udp(&s.p, 50000, 4789);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
}

static void geneve(uint16_t protocol)
{
	forge_geneve(&s.p, false, protocol, 5);
	forge_udp(&s.p, 50000, 6081);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
}

static void gre(void)
{
	forge_gre(&s.p, FORGE_ETH_IPV4);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_GRE);
}

static void ipip(void)
{
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_IPIP);
}

static void test_tunnels(void **state)
{
	struct wga_addr inner = small_addr("10.9.0.1");
	struct wga_addr outer = small_addr("10.0.0.1");
	unsigned int kind, content;

	(void)state;
	for (kind = 0; kind < 4; kind++) {
		for (content = 0; content < 4; content++) {
			static const enum wga_kind want[] = {
				WGA_KIND_WIREGUARD, WGA_KIND_DISCO,
				WGA_KIND_TEXT, WGA_KIND_OPAQUE,
			};
			size_t len = 96;

			wg();
			if (content == 1)
				len = forge_disco(&s.seed, b, key, 124);
			if (content == 2)
				memcpy(b, words, len = WORDS);
			b[0] ^= content == 3 ? 0xc0 : 0;
			inner_udp(len);
			if (kind == 0)
				vxlan();
			else if (kind == 1)
				geneve(FORGE_ETH_IPV4);
			else if (kind == 2)
				gre();
			else
				ipip();
			assert_kind(want[content]);
			assert_true(wga_addr_equal(
				&flow_of(want[content])->key.lo,
				content < 2 ? &inner : &outer));
		}
	}

	/* overlay addresses inside */
	forge_start(&s.p, b, 40);
	forge_ipv4(&s.p, (const uint8_t[]){ 100, 64, 0, 1 },
		   (const uint8_t[]){ 10, 9, 0, 2 }, 99, 64);
	gre();
	observe();
	assert_int_equal(br->marks[WGA_CODE_OVERLAY_ON_UNDERLAY].count, 1);
	/* no tunnel: the flag of VXLAN, the version of Geneve */
	inner_udp(wg());
	forge_vxlan(&s.p, 5);
	forge_bytes(&s.p)[0] = 0;
	forge_udp(&s.p, 50000, 4789);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
	observe();
	assert_int_equal(frames_of(WGA_KIND_WIREGUARD), 0);
	inner_udp(wg());
	forge_geneve(&s.p, false, FORGE_ETH_IPV4, 5);
	forge_bytes(&s.p)[0] |= 0x80;
	forge_udp(&s.p, 50000, 6081);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
	observe();
	assert_int_equal(frames_of(WGA_KIND_WIREGUARD), 0);
}

static void gre_head(const uint8_t *head, size_t len)
{
	memcpy(forge_push(&s.p, len), head, len);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_GRE);
}

/* headers of varied length */
static void test_tunnel_heads(void **state)
{
	static const uint8_t mac[2][6] = { { 2, 9 }, { 2, 8 } };
	static const uint8_t flags[] = { 0, 0x80, 0x20, 0x10, 0xb0 };
	static const size_t len[] = { 4, 8, 8, 8, 16 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		uint8_t head[16] = { flags[i], 0, 8, 0, 1, 2, 3 };

		inner_udp(wg());
		gre_head(head, len[i]);
		assert_kind(WGA_KIND_WIREGUARD);
		/* Ethernet inside */
		inner_udp(wg());
		forge_ethernet(&s.p, mac[0], mac[1], FORGE_ETH_IPV4);
		head[2] = 0x65;
		head[3] = 0x58;
		gre_head(head, len[i]);
		assert_kind(WGA_KIND_WIREGUARD);
		/* something else */
		inner_udp(wg());
		head[2] = 0x88;
		gre_head(head, len[i]);
		assert_kind(WGA_KIND_OPAQUE);
		/* no room for what the flags promise */
		forge_start(&s.p, "", 0);
		gre_head(head, len[i] - 1);
		observe();
		assert_int_equal(frames_of(WGA_KIND_BAD), i == 0);
	}
	for (i = 0; i < 2; i++) {
		/* Geneve with options, which must not be text */
		uint8_t head[24] = { 4, 0, 8, 0, 0, 0, 5, 0 };

		if (i)
			memcpy(head + 8, "password=hunter2", 16);
		inner_udp(wg());
		memcpy(forge_push(&s.p, 24), head, 24);
		forge_udp(&s.p, 50000, 6081);
		small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
		assert_kind(i ? WGA_KIND_TEXT : WGA_KIND_WIREGUARD);
	}
	/* Linux's old port for VXLAN */
	inner_udp(wg());
	forge_ethernet(&s.p, mac[0], mac[1], FORGE_ETH_IPV4);
	forge_vxlan(&s.p, 5);
	forge_udp(&s.p, 50000, 8472);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
	assert_kind(WGA_KIND_WIREGUARD);
	/* what only a gateway offers, and echoes, are clear inside a tunnel */
	forge_start(&s.p, b, forge_dns(b, 1, 0x100, "a.b", false));
	forge_udp(&s.p, 40000, 53);
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 9, 0, 1 },
		   (const uint8_t[]){ 10, 9, 0, 2 }, FORGE_PROTO_UDP, 64);
	ipip();
	assert_kind(WGA_KIND_TEXT);
	forge_fill(&s.seed, b, 40);
	forge_start(&s.p, b, 40);
	forge_icmp(&s.p, 8, 0, 1);
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 9, 0, 1 },
		   (const uint8_t[]){ 10, 9, 0, 2 }, FORGE_PROTO_ICMP, 64);
	ipip();
	assert_kind(WGA_KIND_TEXT);
}

static void test_tunnel_depth(void **state)
{
	unsigned int depth, i;

	(void)state;
	for (depth = 1; depth <= 5; depth++) {
		inner_udp(wg());
		for (i = 1; i < depth; i++)
			forge_ipv4(&s.p, (const uint8_t[]){ 10, 8, 0, 1 },
				   (const uint8_t[]){ 10, 8, 0, 2 },
				   FORGE_PROTO_IPIP, 64);
		ipip();
		assert_kind(depth <= 3 ? WGA_KIND_WIREGUARD : WGA_KIND_OPAQUE);
	}
}

static void tcp(const void *data, size_t len, uint8_t flags)
{
	forge_start(&s.p, data, len);
	forge_tcp(&s.p, 1000, 2000, 100, 1, flags);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_TCP);
}

static void test_tcp(void **state)
{
	size_t len;

	(void)state;
	tcp("", 0, FORGE_SYN);
	assert_kind(WGA_KIND_TCP);
	tcp(words, WORDS, FORGE_ACK);
	assert_kind(WGA_KIND_TEXT);
	forge_fill(&s.seed, b, 200);
	b[0] = 0xc0;
	tcp(b, 200, FORGE_ACK);
	assert_kind(WGA_KIND_OPAQUE);
	len = forge_tls_record(&s.seed, b, 100);
	tcp(b, len, FORGE_ACK);
	assert_kind(WGA_KIND_TLS);
	memcpy(b + 20, words, WORDS);
	tcp(b, len, FORGE_ACK);
	assert_kind(WGA_KIND_TEXT);

	/* data offset: too small, beyond the end */
	tcp("", 0, FORGE_SYN);
	s.f.frames[0].data[14 + 20 + 12] = 0x40;
	assert_kind(WGA_KIND_BAD);
	tcp("", 0, FORGE_SYN);
	s.f.frames[0].data[14 + 20 + 12] = 0x60;
	assert_kind(WGA_KIND_BAD);
	forge_start(&s.p, b, 19);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_TCP);
	assert_kind(WGA_KIND_BAD);

	/* a declared server's connections are followed, both ways */
	wga_config_derp(&cfg, "10.0.0.2:2000", NULL);
	tcp("", 0, FORGE_SYN);
	assert_kind(WGA_KIND_STREAM);
	assert_int_equal(br->n_streams, 1);
	assert_int_equal(br->streams[0]->kind, WGA_STREAM_DERP);
	assert_int_equal(br->streams[0]->server.port, 2000);
	wga_config_control(&cfg, "10.0.0.2:2000", NULL);
	tcp("", 0, FORGE_SYN);
	assert_kind(WGA_KIND_STREAM);
	assert_int_equal(br->streams[0]->kind, WGA_STREAM_SHARED);
	wga_config_control(&cfg, "10.0.0.1:1000", NULL);
	forge_start(&s.p, "", 0);
	forge_tcp(&s.p, 1000, 2001, 100, 1, FORGE_SYN | FORGE_ACK);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_TCP);
	assert_kind(WGA_KIND_STREAM);
	assert_int_equal(br->streams[0]->kind, WGA_STREAM_CONTROL);
	assert_int_equal(br->streams[0]->server.port, 1000);
	/* port 80 of a control server, and no other */
	forge_start(&s.p, "", 0);
	forge_tcp(&s.p, 3000, 80, 100, 1, FORGE_SYN);
	small_ip(&s, 3, 1, "10.0.0.3", "10.0.0.1", FORGE_PROTO_TCP);
	assert_kind(WGA_KIND_STREAM);
	assert_int_equal(br->streams[0]->kind, WGA_STREAM_PORT80);
	forge_start(&s.p, "", 0);
	forge_tcp(&s.p, 3000, 81, 100, 1, FORGE_SYN);
	small_ip(&s, 3, 1, "10.0.0.3", "10.0.0.1", FORGE_PROTO_TCP);
	assert_kind(WGA_KIND_TCP);
}

/* what begins like a TLS record, type by version by length */
static void test_tls_heads(void **state)
{
	static const struct { uint8_t head[5]; size_t len; bool tls; } table[] = {
		{ { 22, 3, 1, 0, 200 }, 205, true },
		{ { 20, 3, 3, 0, 1 }, 6, true },
		{ { 21, 3, 0, 0, 26 }, 31, true },
		{ { 23, 3, 4, 0, 200 }, 205, true },
		{ { 23, 3, 3, 0x41, 0 }, 205, true },
		{ { 23, 3, 3, 0x41, 1 }, 205, false },
		{ { 19, 3, 3, 0, 200 }, 205, false },
		{ { 24, 3, 3, 0, 200 }, 205, false },
		{ { 23, 2, 3, 0, 200 }, 205, false },
		{ { 23, 3, 5, 0, 200 }, 205, false },
		{ { 23, 3, 3, 0, 200 }, 5, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		forge_fill(&s.seed, b, 300);
		memcpy(b, table[i].head, 5);
		b[5] = 0xc0;
		tcp(b, table[i].len, FORGE_ACK);
		observe();
		assert_int_equal(frames_of(WGA_KIND_TLS), table[i].tls);
		assert_int_equal(wga_flow_at(br->flows, 0)->key.port_lo, 1000);
		assert_int_equal(wga_flow_at(br->flows, 0)->key.port_hi, 2000);
	}
}

/* a SYN with options, of a multiple of four bytes */
static void syn_options(const void *options, size_t len)
{
	forge_start(&s.p, options, len);
	forge_tcp(&s.p, 1000, 2000, 100, 1, FORGE_SYN);
	forge_bytes(&s.p)[12] = (uint8_t)((20 + len) / 4 << 4);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_TCP);
}

static void test_tcp_options(void **state)
{
	(void)state;
	/* as Linux sends them; numbers may look like letters */
	syn_options("\2\4\5\xb4\4\2\x08\x0a" "abcdefgh\1\3\3\7", 20);
	assert_kind(WGA_KIND_TCP);
	syn_options("\2\4ab\3\3c\1\5\x0a" "abcdefgh\1\0", 20);
	assert_kind(WGA_KIND_TCP);
	syn_options("\1\1\1\1\0\0\0\0", 8);
	assert_kind(WGA_KIND_TCP);
	/* an option nobody knows, a known one that is too long, and too short */
	syn_options("\xfd\x12" "password=hunter2\1\1", 20);
	assert_kind(WGA_KIND_TEXT);
	syn_options("\x08\x12" "password=hunter2\1\1", 20);
	assert_kind(WGA_KIND_TEXT);
	syn_options("\2\x0c" "hunter2 ok\1\1\1\1\1\1\1\1", 20);
	assert_kind(WGA_KIND_TEXT);
	syn_options("\1\1\xfd\0" "password=hunter2", 20);
	assert_kind(WGA_KIND_TEXT);
	syn_options("\1\1\xfd\x13" "password=hunter2", 20);
	assert_kind(WGA_KIND_TEXT);
	/* behind the end of the options */
	syn_options("\1\1\0\0" "password=hunter2", 20);
	assert_kind(WGA_KIND_TEXT);
	/* what is no text is nobody's business */
	syn_options("\xfd\x0c\xf1\x82\xa3\x94\xb5\x86\xc7\x98\xd9\x8a", 12);
	assert_kind(WGA_KIND_TCP);
}

static void icmp_error(const char *from, const char *to)
{
	forge_icmp(&s.p, 3, 3, 0);
	small_ip(&s, 2, 1, from, to, FORGE_PROTO_ICMP);
}

static void test_icmp(void **state)
{
	(void)state;
	forge_fill(&s.seed, b, 56);
	forge_start(&s.p, b, 56);
	forge_icmp(&s.p, 8, 0, 1);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_ICMP);
	assert_kind(WGA_KIND_ECHO);
	assert_int_equal(wga_flow_at(br->flows, 0)->key.port_lo, 0);
	forge_start(&s.p, "derp1.example.com", 17);
	forge_icmp(&s.p, 8, 0, 1);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_ICMP);
	assert_kind(WGA_KIND_ECHO);
	assert_int_equal(wga_flow_at(br->flows, 0)->key.port_lo, 1);

	/* an error quotes what it answers */
	udp(b, forge_wg_data(&s.seed, b, 7, 1, 96));
	forge_drop(&s.f, 0, 1);
	forge_start(&s.p, b, 96);
	forge_udp(&s.p, 41641, 41642);
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
		   (const uint8_t[]){ 10, 0, 0, 2 }, FORGE_PROTO_UDP, 64);
	icmp_error("10.0.0.2", "10.0.0.1");
	assert_kind(WGA_KIND_ICMP_ERROR);
	assert_int_equal(br->n_quotes, 1);
	assert_int_equal(br->quotes[0].kind, WGA_KIND_WIREGUARD);
	assert_int_equal(br->quotes[0].port_lo, 41641);
	assert_int_equal(br->sessions.n, 0);
	/* text that is quoted */
	forge_start(&s.p, words, WORDS);
	forge_udp(&s.p, 41641, 41642);
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
		   (const uint8_t[]){ 10, 0, 0, 2 }, FORGE_PROTO_UDP, 64);
	icmp_error("10.0.0.2", "10.0.0.1");
	assert_kind(WGA_KIND_ICMP_ERROR);
	assert_int_equal(br->quotes[0].kind, WGA_KIND_TEXT);
	/* somebody else's packet: not an error's business */
	forge_start(&s.p, words, WORDS);
	forge_udp(&s.p, 41641, 41642);
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 0, 0, 7 },
		   (const uint8_t[]){ 10, 0, 0, 2 }, FORGE_PROTO_UDP, 64);
	icmp_error("10.0.0.2", "10.0.0.1");
	assert_kind(WGA_KIND_TEXT);
	/* no packet at all */
	forge_start(&s.p, words, WORDS);
	icmp_error("10.0.0.2", "10.0.0.1");
	assert_kind(WGA_KIND_TEXT);
	/* overlay addresses in a quote */
	forge_start(&s.p, b, 8);
	forge_udp(&s.p, 1, 2);
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
		   (const uint8_t[]){ 100, 64, 0, 2 }, FORGE_PROTO_UDP, 64);
	icmp_error("10.0.0.2", "10.0.0.1");
	observe();
	assert_int_equal(br->marks[WGA_CODE_OVERLAY_ON_UNDERLAY].count, 1);
	/* a frame with such addresses of its own is counted with its flow */
	forge_start(&s.p, b, 8);
	forge_udp(&s.p, 1, 2);
	forge_ipv4(&s.p, (const uint8_t[]){ 100, 64, 0, 1 },
		   (const uint8_t[]){ 10, 0, 0, 2 }, FORGE_PROTO_UDP, 64);
	icmp_error("10.0.0.2", "100.64.0.1");
	observe();
	assert_int_equal(br->marks[WGA_CODE_OVERLAY_ON_UNDERLAY].count, 0);

	/* other types, and what is too short */
	forge_start(&s.p, b, 20);
	forge_icmp(&s.p, 13, 0, 1);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_ICMP);
	assert_kind(WGA_KIND_TEXT);
	forge_start(&s.p, b, 7);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_ICMP);
	assert_kind(WGA_KIND_BAD);
	/* neighbour discovery */
	memset(b, 0, 16);
	forge_start(&s.p, b, 16);
	forge_icmpv6(&s.p, 135, 0, 0);
	s.ttl = 255;
	small_ip(&s, 1, 2, "fe80::1", "ff02::1", FORGE_PROTO_ICMPV6);
	assert_kind(WGA_KIND_HOUSEKEEPING);
	forge_start(&s.p, b, 16);
	forge_icmpv6(&s.p, 135, 0, 0);
	small_ip(&s, 1, 2, "fe80::1", "ff02::1", FORGE_PROTO_ICMPV6);
	assert_kind(WGA_KIND_TEXT);
}

/* the kind that an error's quote of s.p, from 10.0.0.1 to 10.0.0.2, gets */
static void assert_quote(uint8_t protocol, enum wga_kind kind)
{
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
		   (const uint8_t[]){ 10, 0, 0, 2 }, protocol, 64);
	icmp_error("10.0.0.2", "10.0.0.1");
	assert_kind(WGA_KIND_ICMP_ERROR);
	assert_int_equal(br->quotes[0].kind, kind);
}

static void quote_udp(uint16_t dport, const void *data, size_t len)
{
	forge_start(&s.p, data, len);
	forge_udp(&s.p, 40000, dport);
}

static void quote_tcp(uint16_t dport, const void *data, size_t len)
{
	forge_start(&s.p, data, len);
	forge_tcp(&s.p, 40000, dport, 1, 1, FORGE_ACK);
}

static void test_quotes(void **state)
{
	unsigned int i;

	(void)state;
	quote_udp(53, b, forge_dns(b, 1, 0x100, "a.b", false));
	assert_quote(FORGE_PROTO_UDP, WGA_KIND_SERVICE);
	quote_udp(3478, b, forge_stun_request(&s.seed, b));
	assert_quote(FORGE_PROTO_UDP, WGA_KIND_STUN);
	quote_udp(9, b, forge_disco(&s.seed, b, key, 124));
	assert_quote(FORGE_PROTO_UDP, WGA_KIND_DISCO);
	quote_udp(9, b, 0);
	assert_quote(FORGE_PROTO_UDP, WGA_KIND_CUT);
	quote_udp(9, b, wg());
	assert_quote(FORGE_PROTO_UDP, WGA_KIND_WIREGUARD);
	quote_udp(9, b, forge_wg_init(&s.seed, b, 1, key));
	assert_quote(FORGE_PROTO_UDP, WGA_KIND_WIREGUARD);
	quote_udp(9, b, forge_wg_response(&s.seed, b, 1, 2, key));
	assert_quote(FORGE_PROTO_UDP, WGA_KIND_WIREGUARD);
	wg();
	memcpy(b + 16, words, WORDS);
	quote_udp(9, b, 96);
	assert_quote(FORGE_PROTO_UDP, WGA_KIND_TEXT);
	forge_disco(&s.seed, b, key, 124);
	memcpy(b + 62, words, WORDS);
	quote_udp(9, b, 124);
	assert_quote(FORGE_PROTO_UDP, WGA_KIND_TEXT);

	quote_tcp(2000, "", 0);
	assert_quote(FORGE_PROTO_TCP, WGA_KIND_TCP);
	quote_tcp(2000, words, WORDS);
	assert_quote(FORGE_PROTO_TCP, WGA_KIND_TEXT);
	forge_fill(&s.seed, b, 100);
	b[0] = 0xc0;
	quote_tcp(2000, b, 100);
	assert_quote(FORGE_PROTO_TCP, WGA_KIND_OPAQUE);
	assert_int_equal(br->quotes[0].port_lo, 40000);
	assert_int_equal(br->quotes[0].port_hi, 2000);
	/* of a followed connection; its text is text all the same */
	wga_config_derp(&cfg, "10.0.0.2:2000", NULL);
	for (i = 0; i < 3; i++) {
		quote_tcp(2000, i == 2 ? (const uint8_t *)words : b,
			  i == 2 ? WORDS : i ? 100 : 0);
		assert_quote(FORGE_PROTO_TCP, i == 2 ? WGA_KIND_TEXT :
						       WGA_KIND_STREAM);
	}
	quote_tcp(2001, b, 100);
	assert_quote(FORGE_PROTO_TCP, WGA_KIND_OPAQUE);

	/* an echo, small with a name or not; another protocol */
	for (i = 0; i < 3; i++) {
		forge_start(&s.p, i ? "derp.example.com derp.example.com" :
			    "derp.example.com", i == 1 ? 17 : i ? 33 : 16);
		forge_icmp(&s.p, 8, 0, 1);
		assert_quote(FORGE_PROTO_ICMP, WGA_KIND_ECHO);
		assert_int_equal(br->quotes[0].port_lo, i == 0);
	}
	forge_start(&s.p, words, WORDS);
	assert_quote(FORGE_PROTO_ESP, WGA_KIND_TEXT);
	forge_start(&s.p, b, 100);
	assert_quote(FORGE_PROTO_ESP, WGA_KIND_OPAQUE);

	/* a fragment, and text in options */
	forge_start(&s.p, b, 100);
	forge_ipv4_fragment(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
			    (const uint8_t[]){ 10, 0, 0, 2 }, 17, 64, 5, 80,
			    false);
	icmp_error("10.0.0.2", "10.0.0.1");
	assert_kind(WGA_KIND_ICMP_ERROR);
	assert_int_equal(br->quotes[0].kind, WGA_KIND_CUT);
	quote_udp(9, b, wg());
	forge_ipv4_options(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
			   (const uint8_t[]){ 10, 0, 0, 2 }, 17, 64,
			   (const uint8_t *)words, 20);
	icmp_error("10.0.0.2", "10.0.0.1");
	assert_kind(WGA_KIND_ICMP_ERROR);
	assert_int_equal(br->quotes[0].kind, WGA_KIND_TEXT);
	/* bytes behind the quoted packet */
	quote_udp(9, b, wg());
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
		   (const uint8_t[]){ 10, 0, 0, 2 }, 17, 64);
	forge_append(&s.p, words, WORDS);
	icmp_error("10.0.0.2", "10.0.0.1");
	assert_kind(WGA_KIND_TEXT);
	/* two errors that quote different things are two flows */
	quote_udp(9, b, wg());
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
		   (const uint8_t[]){ 10, 0, 0, 2 }, 17, 64);
	icmp_error("10.0.0.2", "10.0.0.1");
	quote_udp(10, b, wg());
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
		   (const uint8_t[]){ 10, 0, 0, 2 }, 17, 64);
	icmp_error("10.0.0.2", "10.0.0.1");
	assert_kind(WGA_KIND_ICMP_ERROR);
	assert_int_equal(br->n_quotes, 2);
}

/* Parts of a bridge take each frame once, and all of a flow. */
static void test_parts(void **state)
{
	enum { PARTS = 4 };
	struct wga_bridge *parts[PARTS];
	uint64_t frames = 0;
	unsigned int i, k;
	struct forge f;

	(void)state;
	for (i = 0; i < 40; i++) {
		char src[20];

		snprintf(src, sizeof(src), "10.0.1.%u", i);
		wg();
		for (k = 0; k < 2; k++) {
			forge_start(&s.p, b, 96);
			forge_udp(&s.p, k ? 9 : (uint16_t)i, k ? (uint16_t)i : 9);
			small_ip(&s, k ? 2 : 1, k ? 1 : 2, k ? "10.0.0.2" : src,
				 k ? src : "10.0.0.2", FORGE_PROTO_UDP);
			forge_start(&s.p, b, 96);
			forge_tcp(&s.p, k ? 9 : (uint16_t)i,
				  k ? (uint16_t)i : 9, 1, 1, FORGE_ACK);
			small_ip(&s, k ? 2 : 1, k ? 1 : 2, k ? "10.0.0.2" : src,
				 k ? src : "10.0.0.2", FORGE_PROTO_TCP);
		}
		small_arp(&s, (uint8_t)i, src);
	}
	f = s.f;
	small_init(&s);
	for (i = 0; i < PARTS; i++) {
		parts[i] = wga_bridge_new(&cfg, "x", false);
		assert_non_null(parts[i]);
		wga_bridge_part(parts[i], i, PARTS);
		forge_feed(&f, parts[i], 7);
		assert_int_equal(wga_bridge_handed(parts[i]), f.n);
		assert_true(parts[i]->frames > 0);
		frames += parts[i]->frames;
		/* both directions of each connection */
		for (k = 0; k < wga_flow_count(parts[i]->flows); k++) {
			const struct wga_flow *flow =
				wga_flow_at(parts[i]->flows, k);

			if (flow->key.ethertype)
				assert_int_equal(i, 0);
			else
				assert_int_equal(flow->frames, 2);
		}
	}
	assert_int_equal(frames, f.n);
	for (i = 0; i < PARTS; i++)
		wga_bridge_free(parts[i]);
	forge_free(&f);
}

static void test_others(void **state)
{
	(void)state;
	forge_fill(&s.seed, b, 100);
	forge_start(&s.p, b, 100);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_ESP);
	assert_kind(WGA_KIND_OPAQUE);
	forge_start(&s.p, words, WORDS);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_ESP);
	assert_kind(WGA_KIND_TEXT);
	forge_start(&s.p, "\x16\0\0\0\xe0\0\0\x09", 8);
	small_ip(&s, 1, 2, "10.0.0.1", "224.0.0.9", FORGE_PROTO_IGMP);
	assert_kind(WGA_KIND_HOUSEKEEPING);
	forge_start(&s.p, words, WORDS);
	small_ip(&s, 1, 2, "10.0.0.1", "224.0.0.9", FORGE_PROTO_IGMP);
	assert_kind(WGA_KIND_TEXT);

	small_arp(&s, 5, "10.0.0.5");
	assert_kind(WGA_KIND_HOUSEKEEPING);
	assert_int_equal(br->neighbours.count, 1);
	assert_int_equal(br->neighbours.n[0].flags, WGA_NEIGHBOUR_CLAIMED);
	assert_int_equal(br->neighbours.n[0].mac.b[5], 5);
	forge_start(&s.p, b, 60);
	small_emit(&s, 1, 2, 0x9000);
	assert_kind(WGA_KIND_OPAQUE);
	assert_int_equal(wga_flow_at(br->flows, 0)->key.ethertype, 0x9000);
	forge_start(&s.p, words, WORDS);
	small_emit(&s, 1, 2, 0x9000);
	assert_kind(WGA_KIND_TEXT);
	forge_start(&s.p, words, WORDS);
	small_emit(&s, 1, 2, WGA_ETHERTYPE_HEARTBEAT);
	assert_kind(WGA_KIND_TEXT);
	/* 802.3 lengths make one flow */
	forge_start(&s.p, b, 60);
	small_emit(&s, 1, 2, 60);
	forge_start(&s.p, b, 50);
	small_emit(&s, 1, 2, 50);
	observe();
	assert_int_equal(wga_flow_count(br->flows), 1);
	assert_int_equal(wga_flow_at(br->flows, 0)->key.ethertype, 1);
	forge_start(&s.p, b, 60);
	small_emit(&s, 1, 2, 0x600);
	observe();
	assert_int_equal(wga_flow_at(br->flows, 0)->key.ethertype, 0x600);

	/* a group: by address or by MAC */
	udp_ports(5353, 5353, b, forge_dns(b, 0, 0, "vm.local", false));
	assert_kind(WGA_KIND_TEXT);
	forge_start(&s.p, b, forge_dns(b, 0, 0, "vm.local", false));
	forge_udp(&s.p, 5353, 5353);
	small_ip(&s, 1, 2, "10.0.0.1", "224.0.0.251", FORGE_PROTO_UDP);
	assert_kind(WGA_KIND_HOUSEKEEPING);
	forge_start(&s.p, words, WORDS);
	forge_udp(&s.p, 5353, 5353);
	small_ip(&s, 1, 2, "10.0.0.1", "224.0.0.251", FORGE_PROTO_UDP);
	assert_kind(WGA_KIND_TEXT);
}

static uint32_t crc32_of(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0u;
	unsigned int i;

	while (len--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* WireGuard with @len bytes behind the IP packet */
static void with_trailer(const uint8_t *trailer, size_t len)
{
	forge_start(&s.p, b, forge_wg_data(&s.seed, b, 7, 1, 96));
	forge_udp(&s.p, 41641, 41642);
	forge_ipv4(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
		   (const uint8_t[]){ 10, 0, 0, 2 }, FORGE_PROTO_UDP, 64);
	forge_append(&s.p, trailer, len);
	small_emit(&s, 1, 2, FORGE_ETH_IPV4);
}

static void test_leftovers(void **state)
{
	uint8_t options[40] = { 0 }, fcs[4];
	struct forge_frame *f;
	unsigned int i;

	(void)state;
	with_trailer((const uint8_t[18]){ 0 }, 18);
	assert_kind(WGA_KIND_WIREGUARD);
	with_trailer((const uint8_t *)words, 12);
	assert_kind(WGA_KIND_TEXT);
	with_trailer((const uint8_t[3]){ 1, 2, 3 }, 3);
	assert_kind(WGA_KIND_BAD);
	with_trailer((const uint8_t[4]){ 1, 2, 3, 4 }, 4);
	assert_kind(WGA_KIND_BAD);
	/* the frame check sequence */
	with_trailer((const uint8_t[4]){ 1, 2, 3, 4 }, 4);
	f = &s.f.frames[0];
	forge_put32le(fcs, crc32_of(f->data, f->caplen - 4));
	memcpy(f->data + f->caplen - 4, fcs, 4);
	assert_kind(WGA_KIND_WIREGUARD);

	for (i = 0; i < 4; i++) {
		memset(options, 0, sizeof(options));
		memset(options, 0x81, i == 2 ? 17 : i == 3 ? 16 : 0);
		if (i == 1)
			memcpy(options + 2, words, 16);
		forge_start(&s.p, b, forge_wg_data(&s.seed, b, 7, 1, 96));
		forge_udp(&s.p, 41641, 41642);
		forge_ipv4_options(&s.p, (const uint8_t[]){ 10, 0, 0, 1 },
				   (const uint8_t[]){ 10, 0, 0, 2 },
				   FORGE_PROTO_UDP, 64, options, 20);
		small_emit(&s, 1, 2, FORGE_ETH_IPV4);
		assert_kind(i == 0 ? WGA_KIND_WIREGUARD :
			    i == 1 ? WGA_KIND_TEXT :
			    i == 2 ? WGA_KIND_BAD : WGA_KIND_WIREGUARD);
	}
}

/* a piece of what s.p holds, an IP payload of protocol 17 */
static void fragment(const uint8_t *p, uint8_t protocol, uint16_t id,
		     size_t off, size_t len, bool more, size_t trailer)
{
	struct forge_packet *out = calloc(1, sizeof(*out));

	assert_non_null(out);
	forge_start(out, p + off, len);
	forge_ipv4_fragment(out, (const uint8_t[]){ 10, 0, 0, 2 },
			    (const uint8_t[]){ 10, 0, 0, 1 }, protocol, 64, id,
			    off, more);
	if (trailer)
		forge_append(out, words, trailer);
	forge_ethernet(out, (const uint8_t[]){ 2, 0, 0, 0, 0, 2 },
		       (const uint8_t[]){ 2, 0, 0, 0, 0, 1 }, FORGE_ETH_IPV4);
	forge_add(&s.f, out);
	free(out);
}

static size_t datagram(uint8_t *p, const void *data, size_t len)
{
	forge_start(&s.p, data, len);
	forge_udp(&s.p, 41642, 41641);
	memcpy(p, forge_bytes(&s.p), s.p.len);
	return s.p.len;
}

static void test_fragments(void **state)
{
	uint8_t d[600];
	size_t len;

	(void)state;
	/* not whole: readable or not */
	len = datagram(d, b, forge_wg_data(&s.seed, b, 7, 1, 512));
	fragment(d, 17, 1, 0, 400, true, 0);
	assert_kind(WGA_KIND_FRAGMENT);
	assert_int_equal(wga_flow_cold_at(br->flows, 0)->aux, 0);
	memcpy(b + 420, words, WORDS);
	len = datagram(d, b, 512);
	fragment(d, 17, 1, 400, len - 400, false, 0);
	assert_kind(WGA_KIND_FRAGMENT);
	assert_int_equal(wga_flow_cold_at(br->flows, 0)->aux, 1);

	/* whole: its frames go where it belongs, repeated ones as well */
	len = datagram(d, b, forge_wg_data(&s.seed, b, 7, 1, 512));
	fragment(d, 17, 1, 0, 200, true, 0);
	fragment(d, 17, 1, 200, 200, true, 0);
	fragment(d, 17, 1, 400, len - 400, false, 0);
	fragment(d, 17, 1, 200, 200, true, 0);
	assert_kind(WGA_KIND_WIREGUARD);
	assert_int_equal(br->sessions.s[0].messages, 1);
	assert_int_equal(br->sessions.s[0].from.port, 41642);
	/* each frame came from where it came from */
	{
		const struct wga_flow *f = flow_of(WGA_KIND_WIREGUARD);
		uint16_t lo = f->at[0], hi = f->at[1];

		assert_false(lo & WGA_AT_SENT);
		assert_true(hi & WGA_AT_SENT);
	}
	memcpy(b, words, WORDS);
	len = datagram(d, b, 512);
	fragment(d, 17, 1, 400, len - 400, false, 0);
	fragment(d, 17, 1, 0, 400, true, 0);
	assert_kind(WGA_KIND_TEXT);

	/* bytes behind one of the fragments are judged for themselves */
	len = datagram(d, b, forge_wg_data(&s.seed, b, 7, 1, 512));
	fragment(d, 17, 1, 0, 200, true, 12);
	fragment(d, 17, 1, 200, len - 200, false, 0);
	observe();
	assert_int_equal(frames_of(WGA_KIND_TEXT), 1);
	assert_int_equal(frames_of(WGA_KIND_FRAGMENT), 1);
	fragment(d, 17, 1, 0, 200, true, 0);
	fragment(d, 17, 1, 200, len - 200, false, 12);
	observe();
	assert_int_equal(frames_of(WGA_KIND_TEXT), 1);
	assert_int_equal(frames_of(WGA_KIND_FRAGMENT), 1);
}

/* a tunnel in fragments is not followed, and nothing is lost over it */
static void test_fragmented_tunnel(void **state)
{
	uint8_t d[1000];
	size_t len;

	(void)state;
	inner_udp(forge_wg_data(&s.seed, b, 7, 1, 512));
	forge_gre(&s.p, FORGE_ETH_IPV4);
	len = s.p.len;
	memcpy(d, forge_bytes(&s.p), len);
	fragment(d, FORGE_PROTO_GRE, 1, 0, 200, true, 0);
	fragment(d, FORGE_PROTO_GRE, 1, 200, len - 200, false, 0);
	fragment(d, FORGE_PROTO_GRE, 1, 200, len - 200, false, 0);
	assert_kind(WGA_KIND_CUT);
	assert_int_equal(br->sessions.n, 0);
}

/* Messages found in a datagram are looked at again when the batch is through;
 * till then their bytes must be there.
 */
static void test_fragment_retired(void **state)
{
	char text[400];
	uint8_t d[600];
	size_t len;
	unsigned int i;
	int n = sprintf(text, "[{\"id\": 1, \"name\": \"x\", "
			"\"ip_addresses\": [\"100.64.0.1\"], "
			"\"node_key\": \"nodekey:");

	(void)state;
	for (i = 0; i < FORGE_KEY_LEN; i++)
		n += sprintf(text + n, "%02x", key[i]);
	n += sprintf(text + n, "\"}]");
	assert_int_equal(wga_registry_parse(&cfg.registry, text, (size_t)n,
					    "x", NULL), 0);
	for (i = 0; i < 10; i++) {
		len = datagram(d, b, forge_wg_init(&s.seed, b, i, key));
		fragment(d, 17, 1, 0, 80, true, 0);
		fragment(d, 17, 1, 80, len - 80, false, 0);
	}
	observe();
	assert_int_equal(br->sessions.n_handshakes, 10);
	for (i = 0; i < 10; i++)
		assert_int_equal(br->sessions.h[i].node, 0);
}

static void test_marks(void **state)
{
	(void)state;
	wga_config_canary(&cfg, "hunter2 in", NULL);
	udp(words, WORDS);
	udp(words, 33);
	forge_start(&s.p, words, WORDS);
	small_emit(&s, 1, 2, 0x9000);
	observe();
	assert_int_equal(br->marks[WGA_CODE_CANARY_SEEN].count, 2);
	assert_int_equal(br->marks[WGA_CODE_CANARY_SEEN].first.frame, 1);
	assert_int_equal(br->marks[WGA_CODE_TRUNCATED_FRAMES].count, 0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_udp),
		TEST(test_udp_length),
		TEST(test_cut),
		TEST(test_disco),
		TEST(test_relay),
		TEST(test_tunnels),
		TEST(test_tunnel_heads),
		TEST(test_tunnel_depth),
		TEST(test_tcp),
		TEST(test_tls_heads),
		TEST(test_tcp_options),
		TEST(test_icmp),
		TEST(test_quotes),
		TEST(test_parts),
		TEST(test_others),
		TEST(test_leftovers),
		TEST(test_fragments),
		TEST(test_fragmented_tunnel),
		TEST(test_fragment_retired),
		TEST(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
