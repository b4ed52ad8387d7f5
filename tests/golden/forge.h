/* SPDX-License-Identifier: MIT */
#ifndef FORGE_H
#define FORGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * Frames for tests, made in memory. A packet is built from the inside out: the
 * payload first, then each header is pushed in front of it. Checksums of UDP,
 * TCP and ICMPv6 are filled in when the IP header that they depend on is
 * pushed. A finished packet is copied to the end of a capture (struct forge).
 * All that looks random comes from a seeded generator, so every run of a test
 * sees the same bytes.
 */

#define FORGE_HEADROOM	512
#define FORGE_ROOM	66000

enum {
	FORGE_PROTO_ICMP = 1,
	FORGE_PROTO_IGMP = 2,
	FORGE_PROTO_IPIP = 4,
	FORGE_PROTO_TCP = 6,
	FORGE_PROTO_UDP = 17,
	FORGE_PROTO_IPV6 = 41,
	FORGE_PROTO_GRE = 47,
	FORGE_PROTO_ESP = 50,
	FORGE_PROTO_ICMPV6 = 58,
	FORGE_PROTO_DSTOPT = 60,
};

enum {
	FORGE_ETH_IPV4 = 0x0800,
	FORGE_ETH_ARP = 0x0806,
	FORGE_ETH_VLAN = 0x8100,
	FORGE_ETH_IPV6 = 0x86dd,
	FORGE_ETH_QINQ = 0x88a8,
	FORGE_ETH_LLDP = 0x88cc,
};

enum {
	FORGE_FIN = 0x01, FORGE_SYN = 0x02, FORGE_RST = 0x04,
	FORGE_PSH = 0x08, FORGE_ACK = 0x10,
};

/**
 * struct forge_frame - a captured frame; @len may exceed @caplen (a cut one)
 * @elided:	what its file says was left out (analyze/elide.h), or NULL
 */
struct forge_frame {
	uint8_t *data;
	uint32_t caplen, len;
	uint64_t time_ns;
	char *elided;
};

/**
 * struct forge - a capture in memory
 * @link:	enum wga_link
 * @now_ns:	time that the next frame gets; each frame moves it on by 1 ms
 */
struct forge {
	uint16_t link;
	struct forge_frame *frames;
	size_t n, room;
	uint64_t now_ns;
};

/**
 * struct forge_packet - a packet in the making
 * @off, @len:	where its bytes are in @buf
 * @l4:		length that the innermost open UDP, TCP or ICMPv6 segment has,
 *		for the checksum; 0 if none is open
 */
struct forge_packet {
	uint8_t buf[FORGE_HEADROOM + FORGE_ROOM];
	size_t off, len, l4;
};

void forge_put16(uint8_t *p, uint16_t v);
void forge_put32(uint8_t *p, uint32_t v);
void forge_put32le(uint8_t *p, uint32_t v);
void forge_put64le(uint8_t *p, uint64_t v);

/* captures */
void forge_init(struct forge *f);
void forge_free(struct forge *f);
struct forge_frame *forge_insert(struct forge *f, size_t at, const uint8_t *data,
				 size_t len);
void forge_add(struct forge *f, const struct forge_packet *p);
void forge_drop(struct forge *f, size_t at, size_t count);
void forge_cut(struct forge *f, uint32_t snaplen);
/* rewrite an Ethernet capture to another enum wga_link; frames that are not IP
 * have no raw form and go away
 */
void forge_relink(struct forge *f, uint16_t link);

/* the generator: splitmix64 */
uint64_t forge_random(uint64_t *seed);
void forge_fill(uint64_t *seed, uint8_t *p, size_t len);

/* packets, from the inside out */
void forge_start(struct forge_packet *p, const void *payload, size_t len);
void forge_append(struct forge_packet *p, const void *data, size_t len);
uint8_t *forge_push(struct forge_packet *p, size_t len);
uint8_t *forge_bytes(struct forge_packet *p);

void forge_udp(struct forge_packet *p, uint16_t sport, uint16_t dport);
void forge_tcp(struct forge_packet *p, uint16_t sport, uint16_t dport,
	       uint32_t seq, uint32_t ack, uint8_t flags);
void forge_icmp(struct forge_packet *p, uint8_t type, uint8_t code, uint32_t rest);
void forge_icmpv6(struct forge_packet *p, uint8_t type, uint8_t code,
		  uint32_t rest);
void forge_vxlan(struct forge_packet *p, uint32_t vni);
void forge_geneve(struct forge_packet *p, bool control, uint16_t protocol,
		  uint32_t vni);
void forge_gre(struct forge_packet *p, uint16_t ethertype);

void forge_ipv4(struct forge_packet *p, const uint8_t src[4],
		const uint8_t dst[4], uint8_t protocol, uint8_t ttl);
/* @options: a multiple of four bytes */
void forge_ipv4_options(struct forge_packet *p, const uint8_t src[4],
			const uint8_t dst[4], uint8_t protocol, uint8_t ttl,
			const uint8_t *options, size_t len);
/* what is in @p becomes a fragment at @offset (a multiple of 8) */
void forge_ipv4_fragment(struct forge_packet *p, const uint8_t src[4],
			 const uint8_t dst[4], uint8_t protocol, uint8_t ttl,
			 uint16_t id, size_t offset, bool more);
void forge_ipv6(struct forge_packet *p, const uint8_t src[16],
		const uint8_t dst[16], uint8_t next, uint8_t hops);
/* an IPv6 header for a segment behind extension headers: checksum over
 * @protocol, first header @next
 */
void forge_ipv6_chain(struct forge_packet *p, const uint8_t src[16],
		      const uint8_t dst[16], uint8_t next, uint8_t hops,
		      uint8_t protocol);
/* an extension header of 8 bytes, padding only */
void forge_ipv6_extension(struct forge_packet *p, uint8_t next);
void forge_ipv6_fragment(struct forge_packet *p, uint8_t next, uint32_t id,
			 size_t offset, bool more);

void forge_vlan(struct forge_packet *p, uint16_t vid, uint16_t inner);
void forge_ethernet(struct forge_packet *p, const uint8_t src[6],
		    const uint8_t dst[6], uint16_t type);

#endif /* FORGE_H */
