/* SPDX-License-Identifier: MIT */
#ifndef WGA_EXAMINE_H
#define WGA_EXAMINE_H

#include "analyze/bridge_internal.h"
#include "analyze/packet.h"

/*
 * Theory of operation
 *
 * Examination decides what a frame holds (enum wga_kind) from its own bytes and
 * from the state of the connection, session or datagram that it is part of. It
 * does not ask who the ends are. Where a claim is made (a WireGuard header, a
 * TLS record, an EtherType of ours) the claim is checked to the last byte; what
 * makes no claim is readable or not.
 */

/* Tunnels in tunnels are followed that deep, then they are opaque. */
#define WGA_TUNNEL_DEPTH	3

/* Each sets the key (and what else is theirs) of @item for a packet in state
 * WGA_PACKET_IP that is no fragment.
 */
void wga_examine_ip(struct wga_bridge *br, const struct wga_packet *pkt,
		    struct wga_item *item, unsigned int depth);
void wga_examine_udp(struct wga_bridge *br, const struct wga_packet *pkt,
		     struct wga_item *item, unsigned int depth);
void wga_examine_tcp(struct wga_bridge *br, const struct wga_packet *pkt,
		     struct wga_item *item);
void wga_examine_icmp(struct wga_bridge *br, const struct wga_packet *pkt,
		      struct wga_item *item);

/**
 * wga_examine_inner() - judge a tunnel by what it carries
 * @outer:	the tunnel's packet
 * @inner:	what is inside
 *
 * WireGuard and disco inside a tunnel count as themselves. All else makes the
 * tunnel readable or opaque.
 */
void wga_examine_inner(struct wga_bridge *br, const struct wga_packet *outer,
		       uint16_t sport, uint16_t dport,
		       const struct wga_packet *inner, struct wga_item *item,
		       unsigned int depth);

/* Are connections to this endpoint followed, by what was declared? */
bool wga_examine_is_server(const struct wga_config *cfg,
			   const struct wga_addr *addr, uint16_t port);

/* readable, or not even random: TEXT; else OPAQUE */
enum wga_kind wga_examine_content(struct wga_view v);

/* set item->key and item->dir for a packet */
void wga_item_set(struct wga_item *item, const struct wga_packet *pkt,
		  uint16_t sport, uint16_t dport, enum wga_kind kind);

/* ends of the flow of an item, in the order they were sent */
void wga_item_ends(const struct wga_item *item, struct wga_endpoint *from,
		   struct wga_endpoint *to);

#endif /* WGA_EXAMINE_H */
