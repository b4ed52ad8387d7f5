/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_BUILD_H
#define BRIDGE_BUILD_H

#include <string.h>

#include "analyze/bridge_internal.h"
#include "tests/golden/forge.h"
#include "tests/golden/forge_msg.h"
#include "tests/golden/forge_run.h"

/*
 * Small bridges for tests of what looks across frames: hosts are numbers, MAC
 * address and IPv4 address 10.0.0.N follow from them.
 */

/**
 * struct small - a bridge in the making
 * @ttl:	of packets sent; 64 unless a test changes it
 */
struct small {
	struct forge f;
	struct forge_packet p;
	uint64_t seed;
	uint8_t ttl;
};

static inline void small_init(struct small *s)
{
	forge_init(&s->f);
	s->seed = 6;
	s->ttl = 64;
}

static inline struct wga_addr small_addr(const char *text)
{
	struct wga_addr a = { 0 };

	wga_addr_parse(text, &a, NULL);
	return a;
}

static inline struct wga_addr small_host(uint8_t n)
{
	return wga_addr_v4((const uint8_t[4]){ 10, 0, 0, n });
}

/* s->p holds what follows the Ethernet header: from MAC to MAC */
static inline void small_emit(struct small *s, uint8_t from, uint8_t to,
			      uint16_t type)
{
	const uint8_t src[6] = { 2, 0, 0, 0, 0, from };
	const uint8_t dst[6] = { 2, 0, 0, 0, 0, to };

	forge_ethernet(&s->p, src, dst, type);
	forge_add(&s->f, &s->p);
}

/* s->p holds an IPv4 payload: @src to @dst between these MAC addresses */
static inline void small_ip(struct small *s, uint8_t from, uint8_t to,
			    const char *src, const char *dst, uint8_t protocol)
{
	struct wga_addr a = small_addr(src), b = small_addr(dst);

	if (wga_addr_is_v4(&a)) {
		forge_ipv4(&s->p, a.b + 12, b.b + 12, protocol, s->ttl);
		small_emit(s, from, to, FORGE_ETH_IPV4);
	} else {
		forge_ipv6(&s->p, a.b, b.b, protocol, s->ttl);
		small_emit(s, from, to, FORGE_ETH_IPV6);
	}
}

/* some UDP */
static inline void small_packet(struct small *s, uint8_t from, uint8_t to,
				const char *src, const char *dst)
{
	uint8_t b[40];

	forge_fill(&s->seed, b, sizeof(b));
	forge_start(&s->p, b, sizeof(b));
	forge_udp(&s->p, 1000, 2000);
	small_ip(s, from, to, src, dst, FORGE_PROTO_UDP);
}

/* UDP between hosts by number, both on port 41641 */
static inline void small_udp(struct small *s, uint8_t from, uint8_t to,
			     const void *data, size_t len)
{
	const uint8_t src[4] = { 10, 0, 0, from }, dst[4] = { 10, 0, 0, to };

	forge_start(&s->p, data, len);
	forge_udp(&s->p, 41641, 41641);
	forge_ipv4(&s->p, src, dst, FORGE_PROTO_UDP, s->ttl);
	small_emit(s, from, to, FORGE_ETH_IPV4);
}

/* host @n says that it has an address */
static inline void small_arp(struct small *s, uint8_t n, const char *addr)
{
	struct wga_addr a = small_addr(addr);
	uint8_t b[28] = { 0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, n };

	memcpy(b + 14, a.b + 12, 4);
	forge_start(&s->p, b, sizeof(b));
	small_emit(s, n, 99, FORGE_ETH_ARP);
}

static inline struct wga_bridge *small_bridge(struct small *s,
					      const struct wga_config *cfg,
					      const char *name)
{
	struct wga_bridge *br = wga_bridge_new(cfg, name, false);

	if (br)
		forge_feed(&s->f, br, WGA_BATCH_MAX);
	forge_free(&s->f);
	return br;
}

#endif /* BRIDGE_BUILD_H */
