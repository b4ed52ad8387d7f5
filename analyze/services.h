/* SPDX-License-Identifier: MIT */
#ifndef WGA_SERVICES_H
#define WGA_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/packet.h"
#include "analyze/view.h"

/*
 * Theory of operation
 *
 * The small protocols that a healthy bridge carries in the clear. Each is
 * recognised by its content, to the last byte; a port number alone excuses
 * nothing. Whether the ends are ones between which the protocol is fine is
 * decided elsewhere.
 */

/* RFC 1035: a whole DNS message (also mDNS, RFC 6762, and LLMNR, RFC 4795) */
bool wga_dns_check(struct wga_view v);

/* RFC 5905 and RFC 4330: 48 bytes, or with a MAC of 20 or 24 */
bool wga_ntp_check(struct wga_view v);

/* NAT-PMP (RFC 6886) or PCP (RFC 6887), request or response */
bool wga_portmap_check(struct wga_view v);

/* UPnP device architecture 1.1: M-SEARCH, NOTIFY or the answer to M-SEARCH */
bool wga_ssdp_check(struct wga_view v);

/* BOOTP header with the DHCP cookie and well-formed options (RFC 2131) */
bool wga_dhcp_check(struct wga_view v);

/* DHCPv6 message with well-formed options (RFC 8415) */
bool wga_dhcpv6_check(struct wga_view v);

/* NetBIOS name service (137) or datagram (138), RFC 1002 */
bool wga_netbios_check(struct wga_view v, uint16_t port);

/* WS-Discovery probe, hello, bye: a SOAP envelope and nothing behind it */
bool wga_wsd_check(struct wga_view v);

/**
 * wga_stun_check() - a STUN binding request or answer as Tailscale sends it
 *
 * tailscale net/stun/stun.go: request of 40 bytes with SOFTWARE "tailnode" and
 * FINGERPRINT; success response with XOR-MAPPED-ADDRESS or MAPPED-ADDRESS.
 */
bool wga_stun_check(struct wga_view v);

/**
 * wga_disco_check() - a disco message
 * @v:		from the magic on
 * @relayed:	inside Geneve, where the bind messages are allowed too
 *
 * tailscale disco/disco.go; lengths: facts in docs/classification.md.
 */
bool wga_disco_check(struct wga_view v, bool relayed);

/* does it begin with the magic of disco? */
bool wga_disco_looks_like(const struct wga_view *v);

#define WGA_DISCO_PONG_LEN	110
#define WGA_DISCO_KEY_OFFSET	6

/**
 * wga_multicast_check() - one of the announcements that go to everybody
 * @pkt:	packet to a multicast or broadcast address
 * @sport, @dport:	its ports
 * @v:		UDP payload
 */
bool wga_multicast_check(const struct wga_packet *pkt, uint16_t sport,
			 uint16_t dport, struct wga_view v);

/**
 * wga_service_check() - a service that only a gateway offers
 * @sport, @dport:	ports
 * @v:		UDP payload
 */
bool wga_service_check(uint16_t sport, uint16_t dport, struct wga_view v);

/**
 * wga_link_check() - ARP, STP, LLDP
 * @pkt:	packet in state WGA_PACKET_OTHER
 */
bool wga_link_check(const struct wga_packet *pkt);

/* IGMP to a multicast group (RFC 3376), by its transport payload */
bool wga_igmp_check(const struct wga_packet *pkt);

/* ND, RA, MLD (RFC 4861, RFC 3810), by its transport payload */
bool wga_neighbour_check(const struct wga_packet *pkt);

#endif /* WGA_SERVICES_H */
