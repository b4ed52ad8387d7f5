/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "analyze/opaque.h"
#include "analyze/services.h"

/* More names, records or options than this are no announcement. */
#define DNS_RECORDS_MAX	256
#define DNS_LABELS_MAX	128

/* Text, where what belongs there may have a few printable bytes by chance */
static bool has_words(const uint8_t *p, size_t len)
{
	struct wga_scan scan;

	wga_scan_bytes(p, len, &scan);
	return scan.text || scan.text_run >= 16;
}

/* Returns the offset behind a name, or 0 if it does not end well. */
static size_t dns_name(const struct wga_view *v, size_t off)
{
	unsigned int labels;

	for (labels = 0; labels < DNS_LABELS_MAX; labels++) {
		const uint8_t *b = wga_view_at(v, off, 1);

		if (!b)
			return 0;
		if (*b == 0)
			return off + 1;
		if (*b >= 0xc0)
			return wga_view_at(v, off, 2) ? off + 2 : 0;
		if (*b > 63)
			return 0;
		off += 1 + (size_t)*b;
	}
	return 0;
}

bool wga_dns_check(struct wga_view v)
{
	const uint8_t *h = wga_view_at(&v, 0, 12);
	size_t off = 12, records, questions, i;

	if (!h)
		return false;
	questions = wga_be16(h + 4);
	records = (size_t)wga_be16(h + 6) + wga_be16(h + 8) + wga_be16(h + 10);
	if (!(questions + records) || questions + records > DNS_RECORDS_MAX ||
	    (h[3] & 0x40))
		return false;

	for (i = 0; i < questions + records; i++) {
		const uint8_t *fixed;

		off = dns_name(&v, off);
		if (!off)
			return false;
		if (i < questions) {
			off += 4;
			if (off > v.len)
				return false;
			continue;
		}
		fixed = wga_view_at(&v, off, 10);
		if (!fixed)
			return false;
		off += 10 + (size_t)wga_be16(fixed + 8);
		if (off > v.len)
			return false;
	}
	return off == v.len;
}

bool wga_ntp_check(struct wga_view v)
{
	uint8_t version, mode;

	if (v.len != 48 && v.len != 68 && v.len != 72)
		return false;
	version = v.p[0] >> 3 & 7;
	mode = v.p[0] & 7;
	return version >= 1 && version <= 4 && mode >= 1 && mode <= 5 &&
	       v.p[1] <= 16 && !wga_readable(v.p, v.len);
}

static bool natpmp_check(struct wga_view v)
{
	switch (v.p[1]) {
	case 0:
		return v.len == 2;
	case 1:
	case 2:
		return v.len == 12 && !v.p[2] && !v.p[3];
	case 128:
		return v.len == 12 || v.len == 8;
	case 129:
	case 130:
		return v.len == 16 || v.len == 8;
	default:
		/* an error for an unknown opcode has eight bytes */
		return v.p[1] > 128 && v.len == 8;
	}
}

/* Header of 24 bytes; MAP adds 36, PEER 56, and options are TLVs of a multiple
 * of four. ANNOUNCE alone has no body.
 */
static bool pcp_check(struct wga_view v)
{
	static const size_t body[] = { 0, 36, 56 };
	unsigned int op = v.p[1] & 127;
	size_t off;

	if (v.len < 24 || v.len > 1100 || op > 2)
		return false;
	off = 24 + body[op];
	/* a server that does not know the version answers with a bare header */
	if ((v.p[1] & 128) && v.len == 24)
		return true;
	while (off + 4 <= v.len)
		off += 4 + ((size_t)wga_be16(v.p + off + 2) + 3) / 4 * 4;
	return off == v.len && !wga_readable(v.p, v.len);
}

bool wga_portmap_check(struct wga_view v)
{
	if (v.len < 2)
		return false;
	if (v.p[0] == 0)
		return natpmp_check(v);
	return v.p[0] == 2 && pcp_check(v);
}

static bool begins(struct wga_view v, const char *text)
{
	size_t n = strlen(text);

	return v.len >= n && !memcmp(v.p, text, n);
}

static bool ends(struct wga_view v, const char *text)
{
	size_t n = strlen(text);

	return v.len >= n && !memcmp(v.p + v.len - n, text, n);
}

bool wga_ssdp_check(struct wga_view v)
{
	/* header lines only: nothing may follow the empty line */
	const uint8_t *end = v.len < 1500 ? memmem(v.p, v.len, "\r\n\r\n", 4) : NULL;

	if (!end || end + 4 != v.p + v.len || memchr(v.p, 0, v.len))
		return false;
	return begins(v, "M-SEARCH * HTTP/1.1\r\n") ||
	       begins(v, "NOTIFY * HTTP/1.1\r\n") ||
	       begins(v, "HTTP/1.1 200 OK\r\n");
}

/* Options in which a client or server may write words */
static bool dhcp_has_words(uint8_t option)
{
	static const uint8_t words[] = {
		12, 14, 15, 17, 40, 43, 55, 56, 60, 61, 64, 66, 67, 77, 81, 82, 97,
		100, 101, 114, 119, 120, 121, 124, 125, 249, 252,
	};

	return memchr(words, option, sizeof(words)) != NULL;
}

bool wga_dhcp_check(struct wga_view v)
{
	static const uint8_t cookie[] = { 0x63, 0x82, 0x53, 0x63 };
	size_t off = 240;

	if (v.len < off || v.len > 1500 || v.p[0] < 1 || v.p[0] > 2 ||
	    memcmp(v.p + 236, cookie, 4))
		return false;
	/* names of the server and of a file to boot are the server's to say */
	if (v.p[0] == 1 && has_words(v.p + 44, 192))
		return false;
	while (off < v.len && v.p[off] != 255) {
		const uint8_t *o;

		if (v.p[off] == 0) {
			off++;
			continue;
		}
		o = wga_view_at(&v, off, 2);
		if (!o)
			return false;
		off += 2 + (size_t)o[1];
		if (off > v.len || (!dhcp_has_words(o[0]) &&
				    has_words(o + 2, o[1])))
			return false;
	}
	if (off >= v.len)
		return false;
	for (off++; off < v.len; off++) {
		if (v.p[off])
			return false;
	}
	return true;
}

bool wga_dhcpv6_check(struct wga_view v)
{
	size_t off = 4;

	if (v.len < 4 || v.len > 1500 || v.p[0] < 1 || v.p[0] > 11)
		return false;
	while (off + 4 <= v.len) {
		const uint8_t *o = v.p + off;
		size_t n = wga_be16(o + 2);

		off += 4 + n;
		if (off > v.len || n > 255)
			return false;
	}
	return off == v.len;
}

bool wga_netbios_check(struct wga_view v, uint16_t port)
{
	const uint8_t *h = wga_view_at(&v, 0, 14);

	if (!h)
		return false;
	if (port == 137)
		return wga_dns_check(v);
	/* direct unique, direct group or broadcast datagram; dgm_length */
	return h[0] >= 0x10 && h[0] <= 0x12 &&
	       (size_t)wga_be16(h + 10) + 14 == v.len;
}

bool wga_wsd_check(struct wga_view v)
{
	if (ends(v, "\n"))
		v.len--;
	return begins(v, "<?xml") && ends(v, "Envelope>") &&
	       memmem(v.p, v.len, "/ws/2005/04/discovery", 21) &&
	       !memchr(v.p, 0, v.len);
}

/* Attributes of STUN that a Tailscale node or server sends */
static bool stun_attribute(uint16_t type, struct wga_view body)
{
	switch (type) {
	case 0x0001: /* MAPPED-ADDRESS */
	case 0x0020: /* XOR-MAPPED-ADDRESS */
	case 0x8020: /* the same, before it had a number */
		return (body.len == 8 || body.len == 20) && body.p[0] == 0 &&
		       body.p[1] == (body.len == 8 ? 1 : 2);
	case 0x8022: /* SOFTWARE */
		return body.len == 8 && begins(body, "tailnode");
	case 0x8028: /* FINGERPRINT */
		return body.len == 4;
	default:
		return false;
	}
}

bool wga_stun_check(struct wga_view v)
{
	const uint8_t *h = wga_view_at(&v, 0, 20);
	size_t off = 20, attributes = 0;

	if (!h || wga_be32(h + 4) != 0x2112a442 ||
	    (wga_be16(h) != 0x0001 && wga_be16(h) != 0x0101) ||
	    (size_t)wga_be16(h + 2) + 20 != v.len || v.len > 128)
		return false;
	while (off + 4 <= v.len) {
		size_t n = wga_be16(v.p + off + 2);
		const uint8_t *body = wga_view_at(&v, off + 4, n);

		if (!body || ++attributes > 3 ||
		    !stun_attribute(wga_be16(v.p + off),
				    (struct wga_view){ body, n }))
			return false;
		off += 4 + n;
	}
	return off == v.len;
}

bool wga_disco_looks_like(const struct wga_view *v)
{
	static const uint8_t magic[] = { 0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac };

	return v->len >= sizeof(magic) && !memcmp(v->p, magic, sizeof(magic));
}

/* pong; ping without and with node key, and padded to probe the path MTU so
 * that the IP packet has one of these sizes (magicsock.go, mtuProbePingSizesV4,
 * V6); behind Geneve also the three bind messages
 */
static bool disco_length(size_t len, bool relayed)
{
	static const uint16_t probes[] = { 1280, 1360, 1400, 1500, 8000, 9000 };
	size_t i;

	if (len == WGA_DISCO_PONG_LEN || len == 92 || len == 124)
		return true;
	for (i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
		if (len + 28 == probes[i] || len + 48 == probes[i])
			return true;
	}
	return relayed && len == 152;
}

bool wga_disco_check(struct wga_view v, bool relayed)
{
	return wga_disco_looks_like(&v) && disco_length(v.len, relayed) &&
	       wga_opaque(v.p + WGA_DISCO_KEY_OFFSET,
			  v.len - WGA_DISCO_KEY_OFFSET);
}

static bool is_group_of(const struct wga_addr *dst, const uint8_t v4[static 4],
			uint16_t v6)
{
	if (wga_addr_is_v4(dst))
		return !memcmp(dst->b + 12, v4, 4);
	/* ff0x::, whatever the scope */
	return dst->b[0] == 0xff && dst->b[1] < 0x10 &&
	       wga_be16(dst->b + 14) == v6;
}

bool wga_multicast_check(const struct wga_packet *pkt, uint16_t sport,
			 uint16_t dport, struct wga_view v)
{
	static const uint8_t ssdp[] = { 239, 255, 255, 250 };
	static const uint8_t mdns[] = { 224, 0, 0, 251 };
	static const uint8_t llmnr[] = { 224, 0, 0, 252 };

	switch (dport) {
	case 67:
	case 68:
		return (sport == 67 || sport == 68) && wga_dhcp_check(v);
	case 137:
	case 138:
		return sport == dport && wga_netbios_check(v, dport);
	case 546:
	case 547:
		return (sport == 546 || sport == 547) && wga_dhcpv6_check(v);
	case 1900:
		return is_group_of(&pkt->dst, ssdp, 0xc) && wga_ssdp_check(v);
	case 3702:
		return is_group_of(&pkt->dst, ssdp, 0xc) && wga_wsd_check(v);
	case 5353:
		/* from elsewhere only questions (RFC 6762, section 5.1) */
		return is_group_of(&pkt->dst, mdns, 0xfb) && wga_dns_check(v) &&
		       (sport == 5353 || !(v.p[2] & 0x80));
	case 5355:
		return is_group_of(&pkt->dst, llmnr, 3) && wga_dns_check(v);
	default:
		return false;
	}
}

bool wga_service_check(uint16_t sport, uint16_t dport, struct wga_view v)
{
	uint16_t port = dport;

	/* an answer comes from the port of the service */
	if (sport == 53 || sport == 123 || sport == 1900 || sport == 5351 ||
	    sport == 67 || sport == 547)
		port = sport;
	switch (port) {
	case 53:
		return wga_dns_check(v);
	case 67:
	case 68:
		return wga_dhcp_check(v);
	case 546:
	case 547:
		return wga_dhcpv6_check(v);
	case 123:
		return wga_ntp_check(v);
	case 1900:
		return wga_ssdp_check(v);
	case 5350:
	case 5351:
		return wga_portmap_check(v);
	default:
		return false;
	}
}

/* RFC 826 for Ethernet and IPv4; what follows is padding */
static bool arp_check(struct wga_view v)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0 };

	if (v.len < 28 || memcmp(v.p, head, sizeof(head)) ||
	    v.p[7] < 1 || v.p[7] > 2 || !wga_all_zero(v.p + 28, v.len - 28))
		return false;
	return !has_words(v.p + 8, 20);
}

/* RFC 903, as QEMU announces a guest that was restored or has moved: it asks
 * for its own address and says nothing that the Ethernet header does not.
 */
static bool rarp_check(const struct wga_packet *pkt)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 3 };
	static const uint8_t none[4];
	const uint8_t *h = wga_view_at(&pkt->payload, 0, 28);

	return h && pkt->has_mac && !memcmp(h, head, sizeof(head)) &&
	       !memcmp(h + 8, pkt->src_mac, 6) && !memcmp(h + 14, none, 4) &&
	       !memcmp(h + 18, pkt->src_mac, 6) && !memcmp(h + 24, none, 4) &&
	       wga_all_zero(h + 28, pkt->payload.len - 28);
}

/* TLVs to the end marker (IEEE 802.1AB) */
static bool lldp_check(struct wga_view v)
{
	size_t off = 0;

	while (off + 2 <= v.len) {
		uint16_t head = wga_be16(v.p + off);

		off += 2 + (size_t)(head & 0x1ff);
		if (head == 0)
			return off <= v.len && wga_all_zero(v.p + off, v.len - off);
	}
	return false;
}

/* BPDU behind an LLC header (IEEE 802.1D, 802.1Q): configuration and topology
 * change, RSTP, MSTP; only the last has a name in it.
 */
static bool bpdu_check(struct wga_view v)
{
	if (v.len < 7 || v.p[0] != 0x42 || v.p[1] != 0x42 || v.p[2] != 3 ||
	    v.p[3] || v.p[4])
		return false;
	if (v.p[5] == 3)
		return v.p[6] == 2 && v.len >= 105 && v.len <= 128 &&
		       !has_words(v.p, 42) &&
		       !has_words(v.p + 74, v.len - 74);
	if (v.p[6] == 0x80)
		return v.len == 7;
	return v.len == (v.p[5] == 0 ? 38 : 39) &&
	       !has_words(v.p + 7, v.len - 7);
}

bool wga_link_check(const struct wga_packet *pkt)
{
	static const uint8_t stp_mac[] = { 0x01, 0x80, 0xc2, 0, 0, 0 };
	struct wga_view v = pkt->payload;
	uint8_t last = pkt->dst_mac[5];

	if (pkt->payload.len < pkt->wire_len)
		return false;
	if (pkt->ethertype == WGA_ETHERTYPE_ARP)
		return arp_check(v);
	if (pkt->ethertype == WGA_ETHERTYPE_RARP)
		return rarp_check(pkt);
	if (!pkt->has_mac || memcmp(pkt->dst_mac, stp_mac, 5))
		return false;
	/* the groups that no bridge forwards */
	if (pkt->ethertype == WGA_ETHERTYPE_LLDP)
		return (last == 0 || last == 3 || last == 14) && lldp_check(v);
	return last == 0 && pkt->ethertype <= 128 && pkt->ethertype <= v.len &&
	       bpdu_check(wga_view_head(v, pkt->ethertype)) &&
	       wga_all_zero(v.p + pkt->ethertype, v.len - pkt->ethertype);
}

/* Reports of IGMPv3 and MLDv2: as many records as they say, each with a group
 * address of @size bytes and as many sources as it says
 */
static bool records_fit(const struct wga_view *v, size_t size)
{
	size_t off = 8, left = v->len >= 8 ? wga_be16(v->p + 6) : 0;

	for (; left; left--) {
		const uint8_t *r = wga_view_at(v, off, 4 + size);
		bool group;

		if (!r || r[0] < 1 || r[0] > 6 || r[1])
			return false;
		group = size == 4 ? (r[4] & 0xf0) == 0xe0 : r[4] == 0xff;
		if (!group)
			return false;
		off += 4 + size + size * (size_t)wga_be16(r + 2);
	}
	return off == v->len && off > 8 && !has_words(v->p, v->len);
}

bool wga_igmp_check(const struct wga_packet *pkt)
{
	const uint8_t *h = wga_view_at(&pkt->payload, 0, 8);

	if (!h || !wga_addr_is_multicast(&pkt->dst))
		return false;
	switch (h[0]) {
	case 0x11:
		return pkt->payload.len == 8 || (pkt->payload.len >= 12 &&
			pkt->payload.len == 12 + 4 * (size_t)wga_be16(pkt->payload.p + 10) &&
			!has_words(pkt->payload.p, pkt->payload.len));
	case 0x12:
	case 0x16:
	case 0x17:
		return pkt->payload.len == 8;
	case 0x22:
		return records_fit(&pkt->payload, 4);
	default:
		return false;
	}
}

/* Options from @off to the end: known ones, in whole units of eight bytes */
static bool nd_options(const struct wga_view *v, size_t off, bool router)
{
	while (off + 2 <= v->len) {
		const uint8_t *o = v->p + off;
		size_t n = (size_t)o[1] * 8;

		if (!n || n > v->len - off)
			return false;
		switch (o[0]) {
		case 1: /* link-layer addresses */
		case 2:
		case 14: /* nonce */
			if (n != 8)
				return false;
			break;
		case 3: /* prefix, MTU, interval, routes, DNS servers, PREF64 */
		case 5:
		case 7:
		case 24:
		case 25:
		case 38:
			if (!router || n > 72 || has_words(o + 2, n - 2))
				return false;
			break;
		case 31: /* names: DNS search list, captive portal */
		case 37:
			if (!router || n > 256)
				return false;
			break;
		default:
			return false;
		}
		off += n;
	}
	return off == v->len;
}

bool wga_neighbour_check(const struct wga_packet *pkt)
{
	const struct wga_view *v = &pkt->payload;
	const uint8_t *h = wga_view_at(v, 0, 8);

	if (!h || v->len < pkt->wire_len)
		return false;
	switch (h[0]) {
	case 130: /* MLD, hop limit 1 */
		return pkt->ttl == 1 && wga_addr_is_multicast(&pkt->dst) &&
		       (v->len == 24 || (v->len >= 28 &&
			v->len == 28 + 16 * (size_t)wga_be16(v->p + 26) &&
			!has_words(v->p, v->len)));
	case 131:
	case 132:
		return pkt->ttl == 1 && v->len == 24 && v->p[8] == 0xff;
	case 143:
		return pkt->ttl == 1 && wga_addr_is_multicast(&pkt->dst) &&
		       records_fit(v, 16);
	case 133:
		return pkt->ttl == 255 && nd_options(v, 8, false);
	case 134:
		return pkt->ttl == 255 && nd_options(v, 16, true);
	case 135:
	case 136:
		return pkt->ttl == 255 && v->len >= 24 &&
		       !has_words(v->p + 8, 16) && nd_options(v, 24, false);
	default:
		return false;
	}
}
