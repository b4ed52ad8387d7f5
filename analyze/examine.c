/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <zlib.h>

#include "analyze/elide.h"
#include "analyze/examine.h"
#include "analyze/opaque.h"
#include "analyze/services.h"
#include "capture/live.h"

enum wga_kind wga_examine_content(struct wga_view v)
{
	return wga_plain(v.p, v.len) ? WGA_KIND_TEXT : WGA_KIND_OPAQUE;
}

void wga_key_set(struct wga_flow_key *key, const struct wga_addr *src,
		 uint16_t sport, const struct wga_addr *dst, uint16_t dport,
		 uint8_t proto, enum wga_kind kind, uint8_t *dir)
{
	int order = wga_addr_order(src, dst);
	bool swap = order > 0 || (order == 0 && sport > dport);
	const struct wga_addr *lo = swap ? dst : src, *hi = swap ? src : dst;

	key->lo = *lo;
	key->hi = *hi;
	key->port_lo = swap ? dport : sport;
	key->port_hi = swap ? sport : dport;
	key->proto = proto;
	key->kind = (uint8_t)kind;
	key->ethertype = 0;
	*dir = swap;
}

void wga_key_fragment(struct wga_flow_key *key, const struct wga_addr *src,
		      const struct wga_addr *dst, uint8_t proto, uint8_t *dir)
{
	wga_key_set(key, src, 0, dst, 0, proto, WGA_KIND_FRAGMENT, dir);
}

void wga_item_set(struct wga_item *item, const struct wga_packet *pkt,
		  uint16_t sport, uint16_t dport, enum wga_kind kind)
{
	wga_key_set(&item->key, &pkt->src, sport, &pkt->dst, dport, pkt->proto,
		    kind, &item->dir);
}

void wga_item_ends(const struct wga_item *item, struct wga_endpoint *from,
		   struct wga_endpoint *to)
{
	struct wga_endpoint lo = { item->key.lo, item->key.port_lo };
	struct wga_endpoint hi = { item->key.hi, item->key.port_hi };

	*from = item->dir ? hi : lo;
	*to = item->dir ? lo : hi;
}

/* The key of a frame without IP: its MAC addresses and EtherType. 802.3 frames
 * have a length there, which would make each a flow of its own.
 */
static void item_set_mac(struct wga_item *item, const struct wga_packet *pkt,
			 enum wga_kind kind)
{
	struct wga_addr src = { 0 }, dst = { 0 };

	memcpy(src.b, pkt->src_mac, 6);
	memcpy(dst.b, pkt->dst_mac, 6);
	wga_key_set(&item->key, &src, 0, &dst, 0, 0, kind, &item->dir);
	item->key.ethertype = pkt->ethertype < 0x600 ? 1 : pkt->ethertype;
}

void wga_bridge_mark(struct wga_bridge *br, enum wga_code code)
{
	br->now_codes |= 1u << code;
}

/* Count what the frame has earned. Mesh addresses of its own are its flow's
 * reason already.
 */
static void account_marks(struct wga_bridge *br, struct wga_item *item)
{
	unsigned int code;

	if (!item->key.ethertype && (wga_addr_is_overlay(&item->key.lo) ||
				     wga_addr_is_overlay(&item->key.hi)))
		br->now_codes &= ~(1u << WGA_CODE_OVERLAY_ON_UNDERLAY);
	item->codes = br->now_codes;
	for (code = 0; br->now_codes >> code; code++) {
		struct wga_mark *m = &br->marks[code];

		if ((br->now_codes >> code & 1) && !m->count++)
			m->first = br->now;
	}
}

/* The frame check sequence, which some captures keep (IEEE 802.3, 3.2.9) */
static bool is_fcs(const struct wga_frame *frame, const struct wga_view *t)
{
	size_t before = (size_t)(t->p - frame->data);

	return frame->link == WGA_LINK_ETHERNET && t->len == 4 &&
	       crc32(0, frame->data, (uInt)before) == wga_le32(t->p);
}

/* Bytes that no header accounts for: Ethernet padding must be zero (or the FCS
 * of @frame, if it is the frame's own), IP options must not be text, nor much
 * of anything. Returns WGA_KIND_OPAQUE if there is nothing to say.
 */
static enum wga_kind leftovers(const struct wga_packet *pkt,
			       const struct wga_frame *frame)
{
	const struct wga_view *t = &pkt->trailer, *o = &pkt->options;
	size_t i, set = 0;

	if (o->len && wga_readable(o->p, o->len))
		return WGA_KIND_TEXT;
	if (o->len && wga_addr_is_v4(&pkt->src)) {
		for (i = 0; i < o->len; i++)
			set += o->p[i] != 0;
	}
	if (set > 16)
		return WGA_KIND_BAD;
	if (wga_all_zero(t->p, t->len) || (frame && is_fcs(frame, t)))
		return WGA_KIND_OPAQUE;
	return wga_readable(t->p, t->len) ? WGA_KIND_TEXT : WGA_KIND_BAD;
}

void wga_examine_inner(struct wga_bridge *br, const struct wga_packet *outer,
		       uint16_t sport, uint16_t dport,
		       const struct wga_packet *inner, struct wga_item *item,
		       unsigned int depth)
{
	size_t first = br->scratch.n;
	enum wga_kind kind = WGA_KIND_OPAQUE, left = leftovers(inner, NULL);

	if (inner->has_addr && (wga_addr_is_overlay(&inner->src) ||
				wga_addr_is_overlay(&inner->dst)))
		wga_bridge_mark(br, WGA_CODE_OVERLAY_ON_UNDERLAY);

	if (inner->state == WGA_PACKET_IP && !inner->fragment &&
	    left == WGA_KIND_OPAQUE && depth < WGA_TUNNEL_DEPTH) {
		wga_examine_ip(br, inner, item, depth + 1);
		kind = (enum wga_kind)item->key.kind;
		if (kind == WGA_KIND_WIREGUARD || kind == WGA_KIND_DISCO)
			return;
	}
	br->scratch.n = first;
	if (kind == WGA_KIND_TEXT || kind == WGA_KIND_SPLICED_TEXT ||
	    kind == WGA_KIND_SERVICE || kind == WGA_KIND_ECHO ||
	    left == WGA_KIND_TEXT ||
	    wga_readable(inner->payload.p, inner->payload.len))
		kind = WGA_KIND_TEXT;
	else
		kind = WGA_KIND_OPAQUE;
	wga_item_set(item, outer, sport, dport, kind);
}

/* RFC 2784, RFC 2890 */
static void examine_gre(struct wga_bridge *br, const struct wga_packet *pkt,
			struct wga_item *item, unsigned int depth)
{
	const uint8_t *h = wga_view_at(&pkt->payload, 0, 4);
	struct wga_packet inner = { 0 };
	size_t hlen = 4;

	if (!h) {
		wga_item_set(item, pkt, 0, 0, WGA_KIND_BAD);
		return;
	}
	hlen += h[0] & 0x80 ? 4 : 0;
	hlen += h[0] & 0x20 ? 4 : 0;
	hlen += h[0] & 0x10 ? 4 : 0;
	inner.state = WGA_PACKET_OTHER;
	inner.payload = pkt->payload;
	if (wga_view_at(&pkt->payload, 0, hlen)) {
		struct wga_view v = wga_view_skip(pkt->payload, hlen);

		if (wga_be16(h + 2) == 0x6558)
			wga_packet_ethernet(v, v.len, &inner);
		else if (wga_be16(h + 2) == WGA_ETHERTYPE_IPV4 ||
			 wga_be16(h + 2) == WGA_ETHERTYPE_IPV6)
			wga_packet_ip(v, v.len, false, &inner);
	}
	wga_examine_inner(br, pkt, 0, 0, &inner, item, depth);
}

/* RFC 2003, RFC 4213 */
static void examine_ipip(struct wga_bridge *br, const struct wga_packet *pkt,
			 struct wga_item *item, unsigned int depth)
{
	struct wga_packet inner = { 0 };

	wga_packet_ip(pkt->payload, pkt->wire_len, false, &inner);
	wga_examine_inner(br, pkt, 0, 0, &inner, item, depth);
}

void wga_examine_ip(struct wga_bridge *br, const struct wga_packet *pkt,
		    struct wga_item *item, unsigned int depth)
{
	if (pkt->payload.len < pkt->wire_len && pkt->proto != WGA_PROTO_UDP &&
	    pkt->proto != WGA_PROTO_TCP) {
		wga_item_set(item, pkt, 0, 0, WGA_KIND_CUT);
		return;
	}
	switch (pkt->proto) {
	case WGA_PROTO_UDP:
		wga_examine_udp(br, pkt, item, depth);
		break;
	case WGA_PROTO_TCP:
		wga_examine_tcp(br, pkt, item);
		break;
	case WGA_PROTO_ICMP:
	case WGA_PROTO_ICMPV6:
		wga_examine_icmp(br, pkt, item);
		break;
	case WGA_PROTO_IGMP:
		wga_item_set(item, pkt, 0, 0, wga_igmp_check(pkt) ?
			     WGA_KIND_HOUSEKEEPING :
			     wga_examine_content(pkt->payload));
		break;
	case WGA_PROTO_IPIP:
	case WGA_PROTO_IPV6:
		examine_ipip(br, pkt, item, depth);
		break;
	case WGA_PROTO_GRE:
		examine_gre(br, pkt, item, depth);
		break;
	default:
		wga_item_set(item, pkt, 0, 0, wga_examine_content(pkt->payload));
	}
}

static bool is_between(const struct wga_flow_key *key,
		       const struct wga_packet *pkt)
{
	bool forth = wga_addr_equal(&key->lo, &pkt->src) &&
		     wga_addr_equal(&key->hi, &pkt->dst);
	bool back = wga_addr_equal(&key->hi, &pkt->src) &&
		    wga_addr_equal(&key->lo, &pkt->dst);

	return key->proto == pkt->proto && (forth || back);
}

static void note_pending(struct wga_bridge *br, struct wga_datagram *d)
{
	uint64_t *pending;

	if (!br->cfg->review || !d || d->spoilt)
		return;
	pending = wga_room(d->pending, d->n_pending, &d->pending_room,
			   sizeof(*pending), UINT32_MAX);
	if (!pending) {
		br->broken = true;
		return;
	}
	d->pending = pending;
	d->pending[d->n_pending++] = br->now.frame;
}

static void note_pieces(struct wga_bridge *br, const struct wga_datagram *d)
{
	struct wga_piece *s;
	size_t i;

	for (i = 0; i < d->n_pending; i++) {
		s = wga_room(br->pieces, br->n_pieces, &br->piece_room,
			     sizeof(*s), UINT32_MAX);
		if (!s) {
			br->broken = true;
			return;
		}
		br->pieces = s;
		br->pieces[br->n_pieces++] = (struct wga_piece){
			d->pending[i], d->key,
		};
	}
}

static void examine_fragment(struct wga_bridge *br, struct wga_packet *pkt,
			     struct wga_item *item)
{
	struct wga_datagram *d;

	if (pkt->payload.len < pkt->wire_len) {
		wga_item_set(item, pkt, 0, 0, WGA_KIND_CUT);
		return;
	}
	if (br->watch)
		wga_watch_fragment(br->watch,
				   wga_fragment_find(br->fragments, pkt), pkt);
	switch (wga_fragment_add(br->fragments, pkt, item->bytes, &d)) {
	case WGA_FRAGMENT_PENDING:
		wga_key_fragment(&item->key, &pkt->src, &pkt->dst, pkt->proto,
				 &item->dir);
		item->text = wga_examine_content(pkt->payload) == WGA_KIND_TEXT;
		note_pending(br, d);
		break;
	case WGA_FRAGMENT_AGAIN:
		item->key = d->key;
		item->dir = !wga_addr_equal(&d->key.lo, &pkt->src);
		break;
	case WGA_FRAGMENT_WHOLE:
		pkt->payload = (struct wga_view){ d->data, d->total };
		pkt->wire_len = d->total;
		pkt->fragment = false;
		wga_examine_ip(br, pkt, item, 0);
		/* what a tunnel holds has other ends than its fragments */
		if (!is_between(&item->key, pkt)) {
			br->scratch.n = item->first;
			wga_item_set(item, pkt, 0, 0, WGA_KIND_CUT);
		}
		d->key = item->key;
		note_pieces(br, d);
		item->moved_frames = d->frames - 1;
		item->moved_bytes = d->bytes - item->bytes;
		break;
	}
}

/* Who says to have which IPv4 address (RFC 826) */
static void note_arp(struct wga_bridge *br, const struct wga_packet *pkt)
{
	struct wga_addr addr = wga_addr_v4(pkt->payload.p + 14);
	struct wga_mac mac;

	memcpy(mac.b, pkt->payload.p + 8, 6);
	wga_neighbour_note(&br->neighbours, &mac, &addr, WGA_NEIGHBOUR_CLAIMED);
}

static void examine_other(struct wga_bridge *br, const struct wga_frame *frame,
			  const struct wga_packet *pkt, struct wga_item *item)
{
	enum wga_kind kind;

	if (pkt->ethertype == WGA_ETHERTYPE_HEARTBEAT &&
	    wga_heartbeat_check(frame->data, frame->caplen))
		kind = WGA_KIND_HEARTBEAT;
	else if (wga_link_check(pkt))
		kind = WGA_KIND_HOUSEKEEPING;
	else if (pkt->payload.len < pkt->wire_len)
		kind = WGA_KIND_CUT;
	else if (wga_readable(pkt->payload.p, pkt->payload.len))
		kind = WGA_KIND_TEXT;
	else
		kind = WGA_KIND_OPAQUE;
	item_set_mac(item, pkt, kind);
	if (kind == WGA_KIND_HOUSEKEEPING &&
	    pkt->ethertype == WGA_ETHERTYPE_ARP && pkt->has_mac)
		note_arp(br, pkt);
}

static void examine_place(struct wga_bridge *br, const struct wga_packet *pkt,
			  struct wga_item *item)
{
	if (!pkt->has_mac)
		return;
	item->to = wga_mac_intern(&br->neighbours, pkt->dst_mac);
	item->from = wga_mac_intern(&br->neighbours, pkt->src_mac) | WGA_AT_SENT;
	if (pkt->has_addr)
		item->from |= wga_at_ttl(pkt->ttl, &pkt->dst);
	/* whose role is not known must not pass for somebody outside */
	if (!item->to || !(item->from & WGA_AT_MAC))
		br->broken = true;
}

/* An address as a number to add up; of IPv4 only the last word differs. */
static uint64_t fold(const uint8_t addr[static 16])
{
	return wga_le32(addr) * 0xd6e8feb8u + wga_le32(addr + 4) * 0x6659fd93u +
	       wga_le32(addr + 8) * (uint64_t)0x2545f491 + wga_le32(addr + 12);
}

static unsigned int part_hash(uint64_t addresses, uint64_t ports,
			      unsigned int parts)
{
	uint64_t h = wga_mix(addresses + (ports << 33), 0x9e3779b97f4a7c15);

	return (unsigned int)((h >> 32) * parts >> 32);
}

/* Which part a packet falls to. UDP goes by addresses and ports; all else by
 * addresses alone, so that a connection stays whole even where its segments
 * come in fragments. The halves of a flow that UDP fragments make are joined.
 */
static unsigned int part_of(const struct wga_packet *pkt, unsigned int parts)
{
	const struct wga_view *v = &pkt->payload;
	uint64_t ports = 0;

	if (!pkt->has_addr)
		return 0;
	if (pkt->proto == WGA_PROTO_UDP && !pkt->fragment && v->len >= 4)
		ports = (uint64_t)wga_be16(v->p) + wga_be16(v->p + 2);
	return part_hash(fold(pkt->src.b) + fold(pkt->dst.b), ports, parts);
}

/* The same without parsing the packet, for the plainest kind of frame: UDP over
 * IPv4 without options. Returns false for others.
 */
static bool part_of_plain(const struct wga_frame *frame, unsigned int parts,
			  unsigned int *part)
{
	const uint64_t mapped = 2 * (uint64_t)0xffff0000 * 0x2545f491;
	const uint8_t *p = frame->data;

	if (frame->link != WGA_LINK_ETHERNET || frame->caplen < 42 ||
	    wga_be16(p + 12) != WGA_ETHERTYPE_IPV4 || p[14] != 0x45 ||
	    p[23] != WGA_PROTO_UDP || (wga_be16(p + 20) & 0x3fff) ||
	    wga_be16(p + 16) < 28 || (size_t)wga_be16(p + 16) + 14 > frame->len)
		return false;
	*part = part_hash(mapped + wga_le32(p + 26) + wga_le32(p + 30),
			  (uint64_t)wga_be16(p + 34) + wga_be16(p + 36), parts);
	return true;
}

/* All but the key, which every way through examination sets */
static void item_start(const struct wga_bridge *br,
		       const struct wga_frame *frame, struct wga_item *item)
{
	item->at = br->now;
	item->first = br->scratch.n;
	item->moved_frames = 0;
	item->moved_bytes = 0;
	item->bytes = frame->len;
	item->codes = 0;
	item->from = 0;
	item->to = 0;
	item->dir = 0;
	item->text = false;
}

/* Text that is our own leak, unless it was here already */
static void examine_leak(struct wga_bridge *br, const struct wga_frame *frame,
			 struct wga_item *item)
{
	size_t i;
	int k;

	for (i = 0; i < br->n_leaks; i++) {
		struct wga_leak *leak = &br->leaks[i];

		k = wga_selftest_find(&leak->test, frame->data, frame->caplen);
		if (k < 0 || frame->caplen < frame->len ||
		    frame->link != WGA_LINK_ETHERNET || leak->seen[k])
			continue;
		leak->seen[k] = true;
		item->key.kind = WGA_KIND_SELFTEST;
	}
}

/* A frame that was cut. Returns true if a comment says what was left out, and the
 * frame is that, or no more than cut: what is kept of a message says nothing. In
 * what is not there no canary can be looked for.
 */
static bool examine_cut(struct wga_bridge *br, const struct wga_frame *frame,
			const struct wga_packet *pkt, struct wga_item *item)
{
	const bool trusted = br->cfg->trust_elided && !br->watch;
	const bool fits = wga_elided_read(frame, pkt, &br->scratch);
	const uint8_t *ports = pkt->payload.p;

	if (!fits || !trusted)
		wga_bridge_mark(br, WGA_CODE_TRUNCATED_FRAMES);
	if (!fits)
		return false;
	if (trusted)
		br->elided += br->scratch.n - item->first;
	else
		br->distrusted += br->scratch.n - item->first;
	if (!trusted)
		br->scratch.n = item->first;
	wga_item_set(item, pkt, wga_be16(ports), wga_be16(ports + 2),
		     trusted ? WGA_KIND_WIREGUARD : WGA_KIND_CUT);
	return true;
}

bool wga_examine(struct wga_bridge *br, const struct wga_frame *frame,
		 struct wga_item *item)
{
	struct wga_packet pkt;
	enum wga_kind kind;
	bool plain = false, elided;
	unsigned int part;

	if (br->parts > 1) {
		plain = part_of_plain(frame, br->parts, &part);
		if (plain && part != br->part)
			return false;
	}
	wga_packet_parse(frame, &pkt);
	if (br->parts > 1 && !plain && part_of(&pkt, br->parts) != br->part)
		return false;
	br->now = (struct wga_stamp){ frame->number, frame->time_ns };
	br->now_codes = 0;
	item_start(br, frame, item);
	elided = frame->caplen < frame->len &&
		 examine_cut(br, frame, &pkt, item);
	if (br->watch)
		wga_watch_frame(br->watch, &br->now, frame->data, frame->caplen);

	examine_place(br, &pkt, item);
	switch (pkt.state) {
	case WGA_PACKET_IP:
		kind = leftovers(&pkt, frame);
		if (pkt.fragment && kind != WGA_KIND_OPAQUE)
			wga_item_set(item, &pkt, 0, 0, kind);
		else if (pkt.fragment)
			examine_fragment(br, &pkt, item);
		else if (!elided)
			wga_examine_ip(br, &pkt, item, 0);
		if (kind != WGA_KIND_OPAQUE)
			item->key.kind = (uint8_t)kind;
		break;
	case WGA_PACKET_OTHER:
		examine_other(br, frame, &pkt, item);
		break;
	case WGA_PACKET_CUT:
	case WGA_PACKET_BAD:
		if (pkt.has_addr)
			wga_item_set(item, &pkt, 0, 0, WGA_KIND_BAD);
		else
			item_set_mac(item, &pkt, WGA_KIND_BAD);
		if (pkt.state == WGA_PACKET_CUT)
			item->key.kind = WGA_KIND_CUT;
		break;
	}
	if (br->n_leaks && item->key.kind == WGA_KIND_TEXT)
		examine_leak(br, frame, item);
	item->upto = br->scratch.n;
	if (br->watch && br->watch->seen)
		wga_bridge_mark(br, WGA_CODE_CANARY_SEEN);
	if (br->now_codes)
		account_marks(br, item);
	return true;
}
