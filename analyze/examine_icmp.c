/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/examine.h"
#include "analyze/opaque.h"
#include "analyze/services.h"

/* An echo of up to that many bytes is one that tailscaled itself sends to a
 * DERP server whose STUN does not answer (net/netcheck measureICMPLatency: the
 * payload is the server's name). ping(8) sends 56.
 */
#define ECHO_SMALL	32

static bool is_error(uint8_t proto, uint8_t type)
{
	if (proto == WGA_PROTO_ICMPV6)
		return type >= 1 && type <= 4;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static bool is_echo(uint8_t proto, uint8_t type)
{
	return proto == WGA_PROTO_ICMPV6 ? type == 128 || type == 129 :
					   type == 0 || type == 8;
}

/* Is this what net/netcheck sends: the name of a host? */
static bool is_host_name(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isalnum(p[i]) && p[i] != '.' && p[i] != '-')
			return false;
	}
	return len <= ECHO_SMALL;
}

/* MAC2 of a handshake message is zero unless its receiver is under load. */
static bool is_wireguard(struct wga_view v)
{
	size_t mac2 = 0;

	if (!wga_wg_looks_like(&v))
		return false;
	if (v.p[0] == WGA_WG_INITIATION)
		mac2 = WGA_WG_INITIATION_LEN - 16;
	else if (v.p[0] == WGA_WG_RESPONSE)
		mac2 = WGA_WG_RESPONSE_LEN - 16;
	if (mac2 && v.len > mac2 && v.len <= mac2 + 16 &&
	    wga_all_zero(v.p + mac2, v.len - mac2))
		v = wga_view_head(v, mac2);
	return v.len <= WGA_WG_DATA_HEADER ||
	       wga_examine_content(wga_view_skip(v, WGA_WG_DATA_HEADER)) ==
	       WGA_KIND_OPAQUE;
}

/* Only an echo request is quoted; ports as in wga_examine_icmp(). */
static enum wga_kind quote_icmp(const struct wga_packet *in, uint16_t *sport,
				uint16_t *dport)
{
	const uint8_t *h = wga_view_at(&in->payload, 0, 8);

	if (h && is_echo(in->proto, h[0]) && in->wire_len <= 8 + ECHO_SMALL)
		*sport = *dport = is_host_name(h + 8, in->payload.len - 8);
	return WGA_KIND_ECHO;
}

/* What the quoted bytes hold, as far as they go. Only the start of the packet
 * need be there, so lengths are not asked for; a quote that begins like one of
 * the mesh's protocols must still look like ciphertext behind that.
 */
static enum wga_kind quote_kind(const struct wga_packet *in, uint16_t *sport,
				uint16_t *dport)
{
	const uint8_t *h = wga_view_at(&in->payload, 0, 8);
	struct wga_view v;

	*sport = *dport = 0;
	if (in->state != WGA_PACKET_IP || in->fragment)
		return WGA_KIND_CUT;
	if (in->proto != WGA_PROTO_UDP && in->proto != WGA_PROTO_TCP)
		return in->proto == WGA_PROTO_ICMP ?
			quote_icmp(in, sport, dport) :
			wga_examine_content(in->payload);
	if (!h)
		return WGA_KIND_CUT;
	*sport = wga_be16(h);
	*dport = wga_be16(h + 2);
	if (in->proto == WGA_PROTO_TCP) {
		h = wga_view_at(&in->payload, 0, 20);
		if (!h || (size_t)(h[12] >> 4) * 4 >= in->payload.len)
			return WGA_KIND_TCP;
		v = wga_view_skip(in->payload, (size_t)(h[12] >> 4) * 4);
		return wga_examine_content(v);
	}

	v = wga_view_skip(in->payload, 8);
	if (v.len == 0)
		return WGA_KIND_CUT;
	if (wga_service_check(*sport, *dport, v))
		return WGA_KIND_SERVICE;
	if (wga_stun_check(v))
		return WGA_KIND_STUN;
	if (wga_disco_looks_like(&v) &&
	    wga_opaque(v.p + WGA_DISCO_KEY_OFFSET, v.len - WGA_DISCO_KEY_OFFSET))
		return WGA_KIND_DISCO;
	if (is_wireguard(v))
		return WGA_KIND_WIREGUARD;
	return wga_examine_content(v);
}

static uint32_t quote_add(struct wga_bridge *br, const struct wga_flow_key *key)
{
	struct wga_flow_key *quotes = wga_room(br->quotes, br->n_quotes,
					       &br->quote_room, sizeof(*quotes),
					       UINT32_MAX / 2);

	if (!quotes)
		return 0;
	br->quotes = quotes;
	br->quotes[br->n_quotes++] = *key;
	return br->n_quotes;
}

/* The flow of an error is told from others by a hash of what it quotes. */
static void examine_error(struct wga_bridge *br, const struct wga_packet *pkt,
			  struct wga_item *item)
{
	struct wga_view v = wga_view_skip(pkt->payload, 8);
	struct wga_packet in = { 0 };
	struct wga_flow_key quote;
	uint16_t sport, dport;
	enum wga_kind kind;
	uint64_t hash;
	uint8_t dir;
	bool is_new;
	uint32_t i;

	wga_packet_ip(v, v.len, true, &in);
	if (in.has_addr && (wga_addr_is_overlay(&in.src) ||
			    wga_addr_is_overlay(&in.dst)))
		wga_bridge_mark(br, WGA_CODE_OVERLAY_ON_UNDERLAY);
	/* An error goes to the sender of what it quotes, and quotes no more. */
	if (!in.has_addr || !wga_addr_equal(&in.src, &pkt->dst) ||
	    !wga_all_zero(in.trailer.p, in.trailer.len)) {
		wga_item_set(item, pkt, 0, 0, wga_examine_content(v));
		return;
	}
	kind = quote_kind(&in, &sport, &dport);
	/* The connection itself is followed where it was seen; the quoted
	 * piece of it must only be no text.
	 */
	if (in.proto == WGA_PROTO_TCP &&
	    (kind == WGA_KIND_TCP || kind == WGA_KIND_OPAQUE) &&
	    (wga_examine_is_server(br->cfg, &in.dst, dport) ||
	     wga_examine_is_server(br->cfg, &in.src, sport)))
		kind = WGA_KIND_STREAM;
	if (in.options.len && wga_readable(in.options.p, in.options.len))
		kind = WGA_KIND_TEXT;
	wga_key_set(&quote, &in.src, sport, &in.dst, dport, in.proto, kind, &dir);

	hash = wga_hash(&quote, sizeof(quote), br->seed);
	wga_item_set(item, pkt, (uint16_t)hash, (uint16_t)(hash >> 16),
		     WGA_KIND_ICMP_ERROR);
	if (item->key.port_lo > item->key.port_hi) {
		item->key.port_lo = (uint16_t)(hash >> 16);
		item->key.port_hi = (uint16_t)hash;
	}
	i = wga_flow_get(br->flows, &item->key,
			 wga_flow_hash(br->flows, &item->key), &is_new);
	if (i == UINT32_MAX) {
		br->broken = true;
		return;
	}
	if (is_new)
		wga_flow_cold_at(br->flows, i)->aux = quote_add(br, &quote);
}

void wga_examine_icmp(struct wga_bridge *br, const struct wga_packet *pkt,
		      struct wga_item *item)
{
	const uint8_t *h = wga_view_at(&pkt->payload, 0, 8);
	enum wga_kind kind;

	if (!h) {
		wga_item_set(item, pkt, 0, 0, WGA_KIND_BAD);
		return;
	}
	if (is_error(pkt->proto, h[0])) {
		examine_error(br, pkt, item);
		return;
	}
	if (is_echo(pkt->proto, h[0])) {
		wga_item_set(item, pkt, 0, 0, WGA_KIND_ECHO);
		item->key.port_lo = item->key.port_hi =
			is_host_name(h + 8, pkt->payload.len - 8);
		return;
	}
	if (pkt->proto == WGA_PROTO_ICMPV6 && wga_neighbour_check(pkt))
		kind = WGA_KIND_HOUSEKEEPING;
	else if (pkt->proto == WGA_PROTO_ICMP && (h[0] == 9 || h[0] == 10) &&
		 wga_addr_is_multicast(&pkt->dst) && pkt->payload.len <= 64 &&
		 !wga_readable(pkt->payload.p, pkt->payload.len))
		kind = WGA_KIND_HOUSEKEEPING;
	else
		kind = WGA_KIND_TEXT;
	wga_item_set(item, pkt, 0, 0, kind);
}
