/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "analyze/packet.h"

/* Enough for QinQ in QinQ; more tags than that is no network we know. */
#define VLAN_TAGS_MAX	4
/* RFC 8200 allows any chain; real ones have one or two. */
#define EXT_HEADERS_MAX	8

static void packet_short(struct wga_packet *pkt, bool cut)
{
	pkt->state = cut ? WGA_PACKET_CUT : WGA_PACKET_BAD;
}

/* RFC 791 */
static void parse_ipv4(struct wga_view v, size_t wire_len, bool quote,
		       struct wga_packet *pkt)
{
	const uint8_t *h = wga_view_at(&v, 0, 20);
	size_t hlen, total;
	uint16_t frag;

	if (!h) {
		packet_short(pkt, wire_len > v.len);
		return;
	}
	hlen = (size_t)(h[0] & 15) * 4;
	total = wga_be16(h + 2);
	/* With TSO a frame of more than 64 kB has a length of 0 here. */
	if (total == 0)
		total = wire_len;

	pkt->src = wga_addr_v4(h + 12);
	pkt->dst = wga_addr_v4(h + 16);
	pkt->has_addr = true;
	pkt->ttl = h[8];
	pkt->proto = h[9];
	if (hlen < 20 || total < hlen || (!quote && total > wire_len)) {
		pkt->state = WGA_PACKET_BAD;
		return;
	}
	if (hlen > v.len) {
		packet_short(pkt, quote || wire_len > v.len);
		return;
	}

	frag = wga_be16(h + 6);
	pkt->frag_off = (uint32_t)(frag & 0x1fff) * 8;
	pkt->frag_more = frag & 0x2000;
	pkt->fragment = pkt->frag_off || pkt->frag_more;
	pkt->frag_id = wga_be16(h + 4);

	pkt->options = wga_view_skip(wga_view_head(v, hlen), 20);
	pkt->payload = wga_view_skip(wga_view_head(v, total), hlen);
	pkt->wire_len = total - hlen;
	if (v.len > total)
		pkt->trailer = wga_view_skip(v, total);
	pkt->state = WGA_PACKET_IP;
}

/* One IPv6 extension header. Returns its length, 0 if @next is none (then it
 * is the transport protocol), or -1 if the header is not there.
 */
static long ext_header(const struct wga_view *v, size_t off, uint8_t next,
		       struct wga_packet *pkt)
{
	const uint8_t *h;

	switch (next) {
	case 0: /* hop-by-hop options */
	case 43: /* routing */
	case 60: /* destination options */
		h = wga_view_at(v, off, 8);
		return h ? ((long)h[1] + 1) * 8 : -1;
	case 51: /* authentication header */
		h = wga_view_at(v, off, 8);
		return h ? ((long)h[1] + 2) * 4 : -1;
	case 44: /* fragment */
		h = wga_view_at(v, off, 8);
		if (!h)
			return -1;
		pkt->frag_off = wga_be16(h + 2) & 0xfff8;
		pkt->frag_more = h[3] & 1;
		pkt->fragment = pkt->frag_off || pkt->frag_more;
		pkt->frag_id = wga_be32(h + 4);
		return 8;
	default:
		return 0;
	}
}

/* RFC 8200 */
static void parse_ipv6(struct wga_view v, size_t wire_len, bool quote,
		       struct wga_packet *pkt)
{
	const uint8_t *h = wga_view_at(&v, 0, 40);
	size_t total, off = 40;
	unsigned int i;
	uint8_t next;

	if (!h) {
		packet_short(pkt, wire_len > v.len);
		return;
	}
	pkt->src = wga_addr_v6(h + 8);
	pkt->dst = wga_addr_v6(h + 24);
	pkt->has_addr = true;
	pkt->ttl = h[7];
	next = h[6];
	total = 40 + (size_t)wga_be16(h + 4);
	if (total == 40 && next != 59)
		total = wire_len;
	pkt->proto = next;
	if (!quote && total > wire_len) {
		pkt->state = WGA_PACKET_BAD;
		return;
	}

	for (i = 0; i < EXT_HEADERS_MAX; i++) {
		long n = ext_header(&v, off, next, pkt);

		if (n < 0 || off + (size_t)n > total) {
			packet_short(pkt, n < 0 && (quote || wire_len > v.len));
			return;
		}
		if (n == 0)
			break;
		next = v.p[off];
		pkt->proto = next;
		off += (size_t)n;
		if (pkt->fragment && pkt->frag_off)
			break;
	}
	if (i == EXT_HEADERS_MAX) {
		pkt->state = WGA_PACKET_BAD;
		return;
	}
	if (off > v.len) {
		packet_short(pkt, quote || wire_len > v.len);
		return;
	}

	pkt->options = wga_view_skip(wga_view_head(v, off), 40);
	pkt->payload = wga_view_skip(wga_view_head(v, total), off);
	pkt->wire_len = total - off;
	if (v.len > total)
		pkt->trailer = wga_view_skip(v, total);
	pkt->state = WGA_PACKET_IP;
}

void wga_packet_ip(struct wga_view v, size_t wire_len, bool quote,
		   struct wga_packet *pkt)
{
	const uint8_t *h = wga_view_at(&v, 0, 1);

	if (!h)
		packet_short(pkt, wire_len > 0);
	else if (h[0] >> 4 == 4)
		parse_ipv4(v, wire_len, quote, pkt);
	else if (h[0] >> 4 == 6)
		parse_ipv6(v, wire_len, quote, pkt);
	else
		pkt->state = WGA_PACKET_BAD;
}

/* What follows a two-byte EtherType at @off - 2, tags included */
static void parse_ethertype(struct wga_view v, size_t wire_len, size_t off,
			    uint16_t type, struct wga_packet *pkt)
{
	unsigned int tags;

	for (tags = 0; type == WGA_ETHERTYPE_VLAN || type == WGA_ETHERTYPE_QINQ;
	     tags++) {
		const uint8_t *tag = wga_view_at(&v, off, 4);

		if (!tag || tags == VLAN_TAGS_MAX) {
			pkt->ethertype = type;
			packet_short(pkt, !tag && wire_len > v.len);
			return;
		}
		type = wga_be16(tag + 2);
		off += 4;
	}

	pkt->ethertype = type;
	v = wga_view_skip(v, off);
	wire_len -= off;
	if ((type == WGA_ETHERTYPE_IPV4 && v.len && v.p[0] >> 4 == 4) ||
	    (type == WGA_ETHERTYPE_IPV6 && v.len && v.p[0] >> 4 == 6)) {
		wga_packet_ip(v, wire_len, false, pkt);
		return;
	}
	pkt->payload = v;
	pkt->wire_len = wire_len;
	if (type == WGA_ETHERTYPE_IPV4 || type == WGA_ETHERTYPE_IPV6)
		packet_short(pkt, !v.len && wire_len);
	else
		pkt->state = WGA_PACKET_OTHER;
}

void wga_packet_ethernet(struct wga_view v, size_t wire_len,
			 struct wga_packet *pkt)
{
	const uint8_t *h = wga_view_at(&v, 0, 14);

	if (!h) {
		packet_short(pkt, wire_len > v.len);
		return;
	}
	memcpy(pkt->dst_mac, h, 6);
	memcpy(pkt->src_mac, h + 6, 6);
	pkt->has_mac = true;
	parse_ethertype(v, wire_len, 14, wga_be16(h + 12), pkt);
}

/* LINKTYPE_LINUX_SLL and _SLL2 (pcap-linktype(7)): the protocol is at @proto,
 * the payload at @hlen.
 */
static void parse_cooked(struct wga_view v, size_t wire_len, size_t proto,
			 size_t hlen, struct wga_packet *pkt)
{
	const uint8_t *h = wga_view_at(&v, 0, hlen);

	if (!h)
		packet_short(pkt, wire_len > v.len);
	else
		parse_ethertype(v, wire_len, hlen, wga_be16(h + proto), pkt);
}

/* All but addresses, which mean nothing unless has_addr is set. Field by field,
 * for each frame comes through here.
 */
static void packet_clear(struct wga_packet *pkt)
{
	pkt->state = WGA_PACKET_IP;
	pkt->has_mac = false;
	pkt->has_addr = false;
	pkt->fragment = false;
	pkt->frag_more = false;
	pkt->proto = 0;
	pkt->ttl = 0;
	pkt->ethertype = 0;
	pkt->frag_id = 0;
	pkt->frag_off = 0;
	pkt->payload = (struct wga_view){ 0 };
	pkt->wire_len = 0;
	pkt->options = (struct wga_view){ 0 };
	pkt->trailer = (struct wga_view){ 0 };
	memset(pkt->src_mac, 0, sizeof(pkt->src_mac));
	memset(pkt->dst_mac, 0, sizeof(pkt->dst_mac));
}

bool wga_packet_to_group(const struct wga_packet *pkt)
{
	return wga_addr_is_multicast(&pkt->dst) ||
	       (pkt->has_mac && (pkt->dst_mac[0] & 1));
}

void wga_packet_parse(const struct wga_frame *frame, struct wga_packet *pkt)
{
	struct wga_view v = { frame->data, frame->caplen };
	size_t wire_len = frame->len;

	packet_clear(pkt);
	switch ((enum wga_link)frame->link) {
	case WGA_LINK_ETHERNET:
		wga_packet_ethernet(v, wire_len, pkt);
		break;
	case WGA_LINK_SLL:
		parse_cooked(v, wire_len, 14, 16, pkt);
		break;
	case WGA_LINK_SLL2:
		parse_cooked(v, wire_len, 0, 20, pkt);
		break;
	case WGA_LINK_RAW:
		wga_packet_ip(v, wire_len, false, pkt);
		break;
	default:
		pkt->state = WGA_PACKET_BAD;
	}
}
