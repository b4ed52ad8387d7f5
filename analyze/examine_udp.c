/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/examine.h"
#include "analyze/opaque.h"
#include "analyze/services.h"

#define PORT_VXLAN	4789
#define PORT_VXLAN_OLD	8472
#define PORT_GENEVE	6081

/* Geneve protocols of Tailscale's peer relay (tailscale net/packet/geneve.go) */
#define GENEVE_DISCO	0x7a11
#define GENEVE_WG	0x7a12
#define GENEVE_HEADER	8

/* More keys and endpoints than this are a flood, not a mesh. */
#define DISCO_PEERS_MAX	((size_t)1 << 20)

struct disco_key {
	struct wga_endpoint from, to;
	uint8_t key[WGA_KEY_LEN];
};

static bool disco_is(const void *items, uint32_t item, const void *key)
{
	const struct wga_disco_peer *p = (const struct wga_disco_peer *)items + item;
	const struct disco_key *k = key;

	return wga_endpoint_equal(&p->from, &k->from) &&
	       wga_endpoint_equal(&p->to, &k->to) &&
	       !memcmp(p->key, k->key, WGA_KEY_LEN);
}

static struct wga_disco_peer *disco_get(struct wga_bridge *br,
					const struct disco_key *key)
{
	uint64_t hash = wga_hash(key, sizeof(*key), br->seed);
	uint32_t i = wga_index_find(&br->disco_index, hash, disco_is, br->discos,
				    key);
	struct wga_disco_peer *p;

	if (i != WGA_INDEX_NONE)
		return &br->discos[i];
	p = wga_room(br->discos, br->n_discos, &br->disco_room, sizeof(*p),
		     DISCO_PEERS_MAX);
	if (p)
		br->discos = p;
	if (!p || wga_index_add(&br->disco_index, hash, (uint32_t)br->n_discos)) {
		br->broken = true;
		return NULL;
	}
	p = &br->discos[br->n_discos++];
	*p = (struct wga_disco_peer){
		.from = key->from, .to = key->to, .first = br->now,
	};
	memcpy(p->key, key->key, WGA_KEY_LEN);
	return p;
}

static void note_disco(struct wga_bridge *br, const struct wga_item *item,
		       struct wga_view v)
{
	struct wga_disco_peer *p;
	struct disco_key key;

	wga_item_ends(item, &key.from, &key.to);
	memcpy(key.key, v.p + WGA_DISCO_KEY_OFFSET, WGA_KEY_LEN);
	p = disco_get(br, &key);
	if (!p)
		return;
	if (v.len == WGA_DISCO_PONG_LEN)
		p->pongs++;
	else
		p->pings++;
	if (br->now.time_ns > p->last_ns)
		p->last_ns = br->now.time_ns;
}

/* One disco message, or several of one length that a host's receive offload
 * has put together.
 */
static bool disco_messages(struct wga_bridge *br, struct wga_item *item,
			   struct wga_view v)
{
	static const size_t strides[] = { WGA_DISCO_PONG_LEN, 124 };
	unsigned int i;

	for (i = 0; i < 2 && v.len > strides[i]; i++) {
		struct wga_view next = wga_view_skip(v, strides[i]);

		if (!wga_disco_looks_like(&next))
			continue;
		if (!wga_disco_check(wga_view_head(v, strides[i]), false) ||
		    !disco_messages(br, item, next))
			return false;
		note_disco(br, item, wga_view_head(v, strides[i]));
		return true;
	}
	if (!wga_disco_check(v, false))
		return false;
	note_disco(br, item, v);
	return true;
}

static enum wga_kind wireguard_kind(struct wga_bridge *br, struct wga_view v)
{
	switch (wga_wg_parse(v, &br->scratch)) {
	case WGA_WG_YES:
		return WGA_KIND_WIREGUARD;
	case WGA_WG_SPLICED:
		return WGA_KIND_SPLICED;
	case WGA_WG_SPLICED_TEXT:
		return WGA_KIND_SPLICED_TEXT;
	case WGA_WG_FAKE_TEXT:
		return WGA_KIND_TEXT;
	case WGA_WG_FAKE:
	case WGA_WG_NOT:
		break;
	}
	return WGA_KIND_COUNT;
}

static bool relay_looks_like(const struct wga_view *v)
{
	return v->len > GENEVE_HEADER && v->p[0] == 0 &&
	       (v->p[1] & 0x7f) == 0 && v->p[7] == 0 &&
	       (wga_be16(v->p + 2) == GENEVE_DISCO ||
		wga_be16(v->p + 2) == GENEVE_WG);
}

static enum wga_kind relay_kind(struct wga_bridge *br, struct wga_item *item,
				struct wga_view v)
{
	struct wga_view in = wga_view_skip(v, GENEVE_HEADER);
	size_t first = br->scratch.n;

	if (wga_be16(v.p + 2) == GENEVE_DISCO) {
		if (!wga_disco_check(in, true))
			return wga_examine_content(in) == WGA_KIND_TEXT ?
				WGA_KIND_SPLICED_TEXT : WGA_KIND_SPLICED;
		note_disco(br, item, in);
		return WGA_KIND_RELAY;
	}
	if (v.p[1] == 0 && wga_wg_parse(in, &br->scratch) == WGA_WG_YES)
		return WGA_KIND_RELAY;
	br->scratch.n = first;
	return wga_examine_content(in) == WGA_KIND_TEXT ?
		WGA_KIND_SPLICED_TEXT : WGA_KIND_SPLICED;
}

/* Is it VXLAN (RFC 7348) or Geneve (RFC 8926)? Returns the length of its header
 * and the EtherType of what is inside, or 0.
 */
static size_t tunnel_header(uint16_t dport, const struct wga_view *v,
			    uint16_t *type)
{
	size_t hlen = 8;

	*type = 0x6558;
	if (v->len < hlen)
		return 0;
	if (dport == PORT_GENEVE && (v->p[0] & 0xc0) == 0) {
		hlen += (size_t)(v->p[0] & 0x3f) * 4;
		*type = wga_be16(v->p + 2);
	} else if ((dport != PORT_VXLAN && dport != PORT_VXLAN_OLD) ||
		   !(v->p[0] & 8)) {
		return 0;
	}
	return v->len < hlen ? 0 : hlen;
}

/* Returns false if nothing that is known is inside. */
static bool tunnel(struct wga_bridge *br, const struct wga_packet *pkt,
		   uint16_t sport, uint16_t dport, struct wga_view v,
		   size_t hlen, uint16_t type, struct wga_item *item,
		   unsigned int depth)
{
	struct wga_view in = wga_view_skip(v, hlen);
	struct wga_packet inner = { 0 };
	size_t first = br->scratch.n;

	if (type == 0x6558)
		wga_packet_ethernet(in, in.len, &inner);
	else if (type == WGA_ETHERTYPE_IPV4 || type == WGA_ETHERTYPE_IPV6)
		wga_packet_ip(in, in.len, false, &inner);
	else
		return false;
	if (!inner.payload.p)
		inner.payload = in;
	wga_examine_inner(br, pkt, sport, dport, &inner, item, depth);
	if (hlen > 8 && wga_readable(v.p + 8, hlen - 8)) {
		br->scratch.n = first;
		wga_item_set(item, pkt, sport, dport, WGA_KIND_TEXT);
	}
	return true;
}

/* What a datagram from one host to one host holds */
static enum wga_kind unicast_kind(struct wga_bridge *br, struct wga_item *item,
				  uint16_t sport, uint16_t dport,
				  struct wga_view v)
{
	enum wga_kind kind;

	if (wga_service_check(sport, dport, v))
		return WGA_KIND_SERVICE;
	if (wga_stun_check(v))
		return WGA_KIND_STUN;
	if (relay_looks_like(&v))
		return relay_kind(br, item, v);
	if (wga_disco_looks_like(&v) && disco_messages(br, item, v))
		return WGA_KIND_DISCO;
	kind = wireguard_kind(br, v);
	if (kind != WGA_KIND_COUNT)
		return kind;
	return wga_dns_check(v) ? WGA_KIND_TEXT : wga_examine_content(v);
}

void wga_examine_udp(struct wga_bridge *br, const struct wga_packet *pkt,
		     struct wga_item *item, unsigned int depth)
{
	const uint8_t *h = wga_view_at(&pkt->payload, 0, 8);
	uint16_t sport, dport, type;
	struct wga_view v, rest = { 0 };
	enum wga_kind kind;
	size_t len, hlen;

	if (!h) {
		wga_item_set(item, pkt, 0, 0, pkt->wire_len < 8 ?
			     WGA_KIND_BAD : WGA_KIND_CUT);
		return;
	}
	sport = wga_be16(h);
	dport = wga_be16(h + 2);
	len = wga_be16(h + 4);
	if (len < 8 || len > pkt->wire_len) {
		wga_item_set(item, pkt, sport, dport, WGA_KIND_BAD);
		return;
	}
	v = wga_view_skip(wga_view_head(pkt->payload, len), 8);
	if (br->watch)
		wga_watch_gso(br->watch, v);
	if (pkt->payload.len > len)
		rest = wga_view_skip(pkt->payload, len);
	if (pkt->payload.len < pkt->wire_len) {
		kind = !wga_packet_to_group(pkt) && wga_readable(v.p, v.len) ?
			WGA_KIND_TEXT : WGA_KIND_CUT;
		wga_item_set(item, pkt, sport, dport, kind);
		return;
	}

	/* endpoints, for whoever needs them while the kind is found out */
	wga_item_set(item, pkt, sport, dport, WGA_KIND_OPAQUE);
	if (wga_packet_to_group(pkt))
		kind = wga_multicast_check(pkt, sport, dport, v) ?
			WGA_KIND_HOUSEKEEPING : wga_examine_content(v);
	else if ((hlen = tunnel_header(dport, &v, &type)) &&
		 tunnel(br, pkt, sport, dport, v, hlen, type, item, depth))
		return;
	else if (wga_derp_is_node(&pkt->src) || wga_derp_is_node(&pkt->dst))
		kind = wga_examine_content(v); /* nobody has such an address */
	else
		kind = unicast_kind(br, item, sport, dport, v);

	/* bytes between the end of UDP and the end of IP belong to nobody */
	if (rest.len)
		kind = wga_readable(rest.p, rest.len) ? WGA_KIND_TEXT :
							WGA_KIND_BAD;
	item->key.kind = (uint8_t)kind;
}
