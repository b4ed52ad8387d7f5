/* SPDX-License-Identifier: MIT */
#ifndef WGA_PACKET_H
#define WGA_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/view.h"
#include "capture/addr.h"
#include "capture/frame.h"

/*
 * Theory of operation
 *
 * wga_packet_parse() takes a frame apart down to the transport payload, and no
 * further: link header, VLAN tags, IP header with options or extension
 * headers. It judges nothing but says what could not be read, and why.
 */

/* IANA protocol numbers that are told apart */
enum wga_proto {
	WGA_PROTO_ICMP = 1,
	WGA_PROTO_IGMP = 2,
	WGA_PROTO_IPIP = 4,
	WGA_PROTO_TCP = 6,
	WGA_PROTO_UDP = 17,
	WGA_PROTO_IPV6 = 41,
	WGA_PROTO_GRE = 47,
	WGA_PROTO_ICMPV6 = 58,
};

enum wga_ethertype {
	WGA_ETHERTYPE_IPV4 = 0x0800,
	WGA_ETHERTYPE_ARP = 0x0806,
	WGA_ETHERTYPE_RARP = 0x8035,
	WGA_ETHERTYPE_VLAN = 0x8100,
	WGA_ETHERTYPE_IPV6 = 0x86dd,
	WGA_ETHERTYPE_QINQ = 0x88a8,
	WGA_ETHERTYPE_HEARTBEAT = 0x88b5,
	WGA_ETHERTYPE_LLDP = 0x88cc,
};

enum wga_packet_state {
	WGA_PACKET_IP,		/* an IP header was read */
	WGA_PACKET_OTHER,	/* no IP: @ethertype says what, @payload the rest */
	WGA_PACKET_CUT,		/* ends in a header, because it was cut */
	WGA_PACKET_BAD,		/* headers contradict each other */
};

/**
 * struct wga_packet - where the parts of a frame are
 * @state:	how far parsing came; CUT and BAD may hold addresses already
 * @has_mac:	@src_mac and @dst_mac are known (Ethernet)
 * @ethertype:	after VLAN tags; below 0x0600 an 802.3 length
 * @has_addr:	@src, @dst, @proto, @ttl are set
 * @fragment:	part of a datagram: @frag_id, @frag_off, @frag_more are set
 * @payload:	transport header and on (IP), or what follows the EtherType
 * @wire_len:	length of @payload on the wire, more than it holds if cut
 * @options:	IPv4 options or IPv6 extension headers
 * @trailer:	bytes of the frame behind the IP packet
 */
struct wga_packet {
	enum wga_packet_state state;
	bool has_mac, has_addr, fragment, frag_more;
	uint8_t proto, ttl;
	uint16_t ethertype;
	uint32_t frag_id, frag_off;
	struct wga_view payload;
	size_t wire_len;
	struct wga_view options;
	struct wga_view trailer;
	uint8_t src_mac[6], dst_mac[6];
	struct wga_addr src, dst;
};

/* sent to many: a multicast or broadcast address, of IP or Ethernet */
bool wga_packet_to_group(const struct wga_packet *pkt);

/* parse a captured frame; its link type must be one of enum wga_link */
void wga_packet_parse(const struct wga_frame *frame, struct wga_packet *pkt);

/**
 * wga_packet_ip() - parse from an IP header on, as inside a tunnel or a quote
 * @v:		bytes from the IP header on
 * @wire_len:	their length on the wire
 * @quote:	the packet may end early (ICMP quotes): no error then
 * @pkt:	filled as by wga_packet_parse(), without MAC addresses
 */
void wga_packet_ip(struct wga_view v, size_t wire_len, bool quote,
		   struct wga_packet *pkt);

/* parse from an Ethernet header on */
void wga_packet_ethernet(struct wga_view v, size_t wire_len,
			 struct wga_packet *pkt);

#endif /* WGA_PACKET_H */
