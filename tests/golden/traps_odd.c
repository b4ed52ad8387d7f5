/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "capture/frame.h"
#include "tests/golden/trap.h"

/* Fragments, trailers, quotes, broken headers, false identities, other links. */

#define READABLE	(CODE(PLAINTEXT) | CODE(UNEXPLAINED))
#define TEXT	"GET /secret HTTP/1.1\r\nHost: vm-c\r\nX-Password: hunter2\r\n\r\n"

static void emit_a_to_c(struct forge_mesh *m)
{
	forge_ethernet(&m->p, m->host[VM_A].mac, m->host[VM_C].mac,
		       FORGE_ETH_IPV4);
	forge_add(&m->bridge[0], &m->p);
}

/* m->p as a UDP segment from vm-a to vm-c, copied to @b; its length is returned */
static size_t segment(struct forge_mesh *m, const uint8_t *data, size_t len,
		      uint16_t sport, uint16_t dport, uint8_t *b)
{
	forge_start(&m->p, data, len);
	forge_udp(&m->p, sport, dport);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[VM_C].ip, FORGE_PROTO_UDP,
		   64);
	memcpy(b, forge_bytes(&m->p) + 20, len + 8);
	return len + 8;
}

static void fragment(struct forge_mesh *m, uint16_t id, const uint8_t *segment_,
		     size_t from, size_t to, bool more)
{
	forge_start(&m->p, segment_ + from, to - from);
	forge_ipv4_fragment(&m->p, m->host[VM_A].ip, m->host[VM_C].ip,
			    FORGE_PROTO_UDP, 64, id, from, more);
	emit_a_to_c(m);
}

static size_t text_like_wireguard(struct forge_mesh *m, uint8_t *b)
{
	uint8_t data[2400];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)TEXT[i % strlen(TEXT)];
	/* the second part: a WireGuard message of 1200 bytes */
	forge_wg_data(&m->seed, data + 1192, m->session[AC].index[1],
		      m->session[AC].counter[0], 1200);
	return segment(m, data, sizeof(data), 50000, 9999, b);
}

static void fragments_text(struct forge_mesh *m)
{
	uint8_t b[2408];
	size_t n = text_like_wireguard(m, b);

	fragment(m, 77, b, 0, 1200, true);
	fragment(m, 77, b, 1200, n, false);
}

static void fragments_text_reversed(struct forge_mesh *m)
{
	uint8_t b[2408];
	size_t n = text_like_wireguard(m, b);

	fragment(m, 77, b, 1200, n, false);
	fragment(m, 77, b, 0, 1200, true);
}

static void fragment_alone(struct forge_mesh *m)
{
	uint8_t b[2408];
	size_t n = text_like_wireguard(m, b);

	fragment(m, 77, b, 1200, n, false);
}

static void fragment_first_alone(struct forge_mesh *m)
{
	uint8_t b[2408];

	text_like_wireguard(m, b);
	fragment(m, 77, b, 0, 1200, true);
}

/* the longest message that Tailscale sends */
static size_t big_message(struct forge_mesh *m, uint8_t *b)
{
	uint8_t data[1312];

	forge_wg_data(&m->seed, data, m->session[AC].index[1],
		      m->session[AC].counter[0]++, sizeof(data));
	return segment(m, data, sizeof(data), m->host[VM_A].port,
		       m->host[VM_C].port, b);
}

static void fragments_wireguard(struct forge_mesh *m)
{
	uint8_t b[1320];
	size_t n = big_message(m, b);

	fragment(m, 78, b, 0, 800, true);
	fragment(m, 78, b, 800, n, false);
	n = big_message(m, b);
	fragment(m, 79, b, 800, n, false);
	fragment(m, 79, b, 0, 400, true);
	fragment(m, 79, b, 400, 800, true);
}

static void fragments_tiny(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = segment(m, (const uint8_t *)TEXT, strlen(TEXT), 50000, 9999, b);

	fragment(m, 80, b, 0, 8, true);
	fragment(m, 80, b, 8, 16, true);
	fragment(m, 80, b, 16, n, false);
}

/* a WireGuard message of which a second copy of one part is text */
static void fragments_overlap(struct forge_mesh *m)
{
	uint8_t b[1320], t[2408];
	size_t n = big_message(m, b);

	text_like_wireguard(m, t);
	fragment(m, 81, b, 0, 800, true);
	fragment(m, 81, t, 400, 800, true);
	fragment(m, 81, b, 800, n, false);
}

static void fragments6_text(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n;

	forge_start(&m->p, TEXT TEXT, 2 * strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv6(&m->p, m->host[VM_A].ip6, m->host[VM_C].ip6,
		   FORGE_PROTO_UDP, 64);
	n = m->p.len - 40;
	memcpy(b, forge_bytes(&m->p) + 40, n);
	for (size_t at = 0; at < n; at += 64) {
		size_t part = n - at < 64 ? n - at : 64;

		forge_start(&m->p, b + at, part);
		forge_ipv6_fragment(&m->p, FORGE_PROTO_UDP, 82, at,
				    at + part < n);
		forge_mesh_ip6(m, VM_A, m->host[VM_C].ip6, m->host[VM_C].mac,
			       44, 64);
	}
}

/* bytes where no protocol looks */
static void arp_trailer_zero(struct forge_mesh *m)
{
	static const uint8_t zero[18];

	forge_mesh_arp(m, VM_A, VM_C, false, zero, sizeof(zero));
}

static void arp_trailer_text(struct forge_mesh *m)
{
	forge_mesh_arp(m, VM_A, VM_C, false, "password: hunter2!", 18);
}

static void trailer(struct forge_mesh *m, const void *data, size_t len)
{
	struct forge *f = &m->bridge[0];
	struct forge_frame *fr;

	forge_mesh_data(m, AC, 0, 32);
	fr = &f->frames[f->n - 1];
	forge_start(&m->p, fr->data, fr->caplen);
	forge_append(&m->p, data, len);
	forge_drop(f, f->n - 1, 1);
	forge_add(f, &m->p);
}

static void trailer_zero(struct forge_mesh *m) { trailer(m, "\0\0\0\0\0\0", 6); }
static void trailer_text(struct forge_mesh *m) { trailer(m, TEXT, strlen(TEXT)); }

/* IP says more than UDP does */
static void udp_slack_text(struct forge_mesh *m)
{
	uint8_t b[32];

	forge_wg_data(&m->seed, b, m->session[AC].index[1],
		      m->session[AC].counter[0]++, sizeof(b));
	forge_start(&m->p, b, sizeof(b));
	forge_udp(&m->p, m->host[VM_A].port, m->host[VM_C].port);
	forge_append(&m->p, TEXT, strlen(TEXT));
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_UDP);
}

static void ip_options(struct forge_mesh *m)
{
	uint8_t b[32];

	forge_wg_data(&m->seed, b, m->session[AC].index[1],
		      m->session[AC].counter[0]++, sizeof(b));
	forge_start(&m->p, b, sizeof(b));
	forge_udp(&m->p, m->host[VM_A].port, m->host[VM_C].port);
	forge_ipv4_options(&m->p, m->host[VM_A].ip, m->host[VM_C].ip,
			   FORGE_PROTO_UDP, 64, (const uint8_t[4]){ 1, 1, 1, 0 },
			   4);
	emit_a_to_c(m);
}

static void ip_options_text(struct forge_mesh *m)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4_options(&m->p, m->host[VM_A].ip, m->host[VM_C].ip,
			   FORGE_PROTO_UDP, 64, (const uint8_t[4]){ 1, 1, 1, 0 },
			   4);
	emit_a_to_c(m);
}

/* ICMP errors of vm-c, which quote what vm-a sent */
static void unreachable(struct forge_mesh *m, const uint8_t *data, size_t len,
			uint16_t sport, uint16_t dport, size_t quoted)
{
	uint8_t quote[28 + 576];

	forge_start(&m->p, data, len);
	forge_udp(&m->p, sport, dport);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[VM_C].ip, FORGE_PROTO_UDP,
		   64);
	memcpy(quote, forge_bytes(&m->p), 28 + quoted);
	forge_start(&m->p, quote, 28 + quoted);
	forge_icmp(&m->p, 3, 3, 0);
	forge_mesh_ip(m, VM_C, VM_A, FORGE_PROTO_ICMP);
}

static void quote_wireguard(struct forge_mesh *m)
{
	uint8_t b[256];

	forge_wg_data(&m->seed, b, m->session[AC].index[1],
		      m->session[AC].counter[0]++, sizeof(b));
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
	unreachable(m, b, sizeof(b), m->host[VM_A].port, m->host[VM_C].port,
		    sizeof(b));
}

static void quote_text(struct forge_mesh *m)
{
	unreachable(m, (const uint8_t *)TEXT, strlen(TEXT), 50000, 9999,
		    strlen(TEXT));
}

static void quote_text_on_flow(struct forge_mesh *m)
{
	unreachable(m, (const uint8_t *)TEXT, strlen(TEXT), m->host[VM_A].port,
		    m->host[VM_C].port, strlen(TEXT));
}

/* @from tells vm-a of a packet that vm-a never sent, full of text */
static void quote_packet(struct forge_mesh *m, unsigned int from,
			 const uint8_t src[4], const uint8_t dst[4])
{
	uint8_t quote[28 + 64];

	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, src, dst, FORGE_PROTO_UDP, 64);
	memcpy(quote, forge_bytes(&m->p), m->p.len);
	forge_start(&m->p, quote, m->p.len);
	forge_icmp(&m->p, 3, 3, 0);
	forge_mesh_ip(m, from, VM_A, FORGE_PROTO_ICMP);
}

static void quote_of_others(struct forge_mesh *m)
{
	static const uint8_t other[4] = { 198, 51, 100, 1 };

	quote_packet(m, VM_C, other, m->host[PUBLIC].ip);
}

/* the gateway does so, of one between mesh addresses */
static void quote_of_overlay(struct forge_mesh *m)
{
	static const uint8_t a[4] = { 100, 64, 0, 1 }, b[4] = { 100, 64, 0, 2 };

	quote_packet(m, GATEWAY, a, b);
}

/* an ICMP error without a quote, text in its place */
static void no_quote(struct forge_mesh *m)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_icmp(&m->p, 3, 3, 0);
	forge_mesh_ip(m, VM_C, VM_A, FORGE_PROTO_ICMP);
}

/* broken headers */
static void bad_header_length(struct forge_mesh *m)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[VM_C].ip, FORGE_PROTO_UDP,
		   64);
	forge_bytes(&m->p)[0] = 0x44;
	emit_a_to_c(m);
}

static void length_beyond_frame(struct forge_mesh *m)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[VM_C].ip, FORGE_PROTO_UDP,
		   64);
	forge_put16(forge_bytes(&m->p) + 2, 1000);
	emit_a_to_c(m);
}

static void runt(struct forge_mesh *m)
{
	forge_start(&m->p, m->host[VM_C].mac, 6);
	forge_append(&m->p, m->host[VM_A].mac, 4);
	forge_add(&m->bridge[0], &m->p);
}

/* false identities */
static void text_via(struct forge_mesh *m, const uint8_t src[4],
		     enum forge_who smac, const uint8_t dst[4],
		     enum forge_who dmac)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, src, dst, FORGE_PROTO_UDP, 64);
	forge_ethernet(&m->p, m->host[smac].mac, m->host[dmac].mac,
		       FORGE_ETH_IPV4);
	forge_add(&m->bridge[0], &m->p);
}

/* vm-c also forwards: that makes it no gateway to which text may go */
static void host_that_forwards(struct forge_mesh *m)
{
	text_via(m, m->host[PUBLIC].ip, VM_C, m->host[VM_A].ip, VM_A);
	forge_mesh_text(m, VM_A, VM_C, TEXT);
}

static void as_the_gateway(struct forge_mesh *m)
{
	text_via(m, m->host[GATEWAY].ip, VM_C, m->host[VM_A].ip, VM_A);
}

static void to_a_host_as_the_gateway(struct forge_mesh *m)
{
	text_via(m, m->host[VM_A].ip, VM_A, m->host[GATEWAY].ip, VM_C);
}

static void public_address_on_the_bridge(struct forge_mesh *m)
{
	text_via(m, m->host[VM_A].ip, VM_A, m->host[PUBLIC].ip, VM_D);
	text_via(m, m->host[PUBLIC].ip, VM_D, m->host[VM_A].ip, VM_A);
}

/* other link types */
static void relink(struct forge_mesh *m, uint16_t link, bool text)
{
	if (text)
		forge_mesh_text(m, VM_A, VM_C, TEXT);
	forge_relink(&m->bridge[0], link);
}

static void sll(struct forge_mesh *m) { relink(m, WGA_LINK_SLL, false); }
static void sll_text(struct forge_mesh *m) { relink(m, WGA_LINK_SLL, true); }
static void sll2(struct forge_mesh *m) { relink(m, WGA_LINK_SLL2, false); }
static void sll2_text(struct forge_mesh *m) { relink(m, WGA_LINK_SLL2, true); }
static void raw(struct forge_mesh *m) { relink(m, WGA_LINK_RAW, false); }
static void raw_text(struct forge_mesh *m) { relink(m, WGA_LINK_RAW, true); }

const struct trap traps_odd[] = {
	{ .name = "fragments of text, the second like WireGuard",
	  .outcome = TRAP_VIOLATION, .all = CODE(PLAINTEXT),
	  .after = fragments_text },
	{ .name = "the same, last first", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = fragments_text_reversed },
	{ .name = "only the fragment like WireGuard", .outcome = TRAP_NOT_PASS,
	  .after = fragment_alone },
	{ .name = "only the first fragment", .outcome = TRAP_NOT_PASS,
	  .after = fragment_first_alone },
	{ .name = "fragments of WireGuard", .outcome = TRAP_PASS,
	  .after = fragments_wireguard },
	{ .name = "tiny fragments of text", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = fragments_tiny },
	{ .name = "fragments that overlap", .outcome = TRAP_NOT_PASS,
	  .after = fragments_overlap },
	{ .name = "IPv6 fragments of text", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = fragments6_text },

	{ .name = "ARP, padded", .outcome = TRAP_PASS,
	  .after = arp_trailer_zero },
	{ .name = "ARP, padded with text", .outcome = TRAP_NOT_PASS,
	  .after = arp_trailer_text },
	{ .name = "zeros behind the IP packet", .outcome = TRAP_PASS,
	  .after = trailer_zero },
	{ .name = "text behind the IP packet", .outcome = TRAP_NOT_PASS,
	  .after = trailer_text },
	{ .name = "text behind the UDP datagram", .outcome = TRAP_NOT_PASS,
	  .after = udp_slack_text },
	{ .name = "WireGuard behind IP options", .outcome = TRAP_PASS,
	  .after = ip_options },
	{ .name = "text behind IP options", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = ip_options_text },

	{ .name = "unreachable, quotes WireGuard", .outcome = TRAP_PASS,
	  .after = quote_wireguard },
	{ .name = "unreachable, quotes text", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = quote_text },
	{ .name = "unreachable, quotes text on a WireGuard flow",
	  .outcome = TRAP_VIOLATION, .any = READABLE | CODE(SPLICED),
	  .after = quote_text_on_flow },
	{ .name = "unreachable, quotes text between others",
	  .outcome = TRAP_VIOLATION, .any = READABLE, .after = quote_of_others },
	{ .name = "unreachable, quotes mesh addresses of others",
	  .outcome = TRAP_VIOLATION, .all = CODE(OVERLAY_ON_UNDERLAY),
	  .after = quote_of_overlay },
	{ .name = "unreachable, no quote", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = no_quote },

	{ .name = "IP header too short", .outcome = TRAP_NOT_PASS,
	  .any = READABLE | CODE(UNPARSED_FRAMES), .after = bad_header_length },
	{ .name = "IP length beyond the frame", .outcome = TRAP_NOT_PASS,
	  .any = READABLE | CODE(UNPARSED_FRAMES),
	  .after = length_beyond_frame },
	{ .name = "frame of ten bytes", .outcome = TRAP_NOT_PASS,
	  .all = CODE(UNPARSED_FRAMES), .after = runt,
	  .classes = CLASS(UNPARSED) },

	{ .name = "a host that forwards", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = host_that_forwards },
	{ .name = "a host with the gateway's address", .outcome = TRAP_NOT_PASS,
	  .after = as_the_gateway },
	{ .name = "the gateway's address at a host's MAC",
	  .outcome = TRAP_NOT_PASS, .after = to_a_host_as_the_gateway },
	{ .name = "a public address on the bridge", .outcome = TRAP_NOT_PASS,
	  .after = public_address_on_the_bridge },

	{ .name = "cooked", .outcome = TRAP_NO_VIOLATION, .after = sll },
	{ .name = "cooked, text", .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = sll_text },
	{ .name = "cooked v2", .outcome = TRAP_NO_VIOLATION, .after = sll2 },
	{ .name = "cooked v2, text", .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = sll2_text },
	{ .name = "raw IP", .outcome = TRAP_NO_VIOLATION, .after = raw },
	{ .name = "raw IP, text", .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = raw_text },
};
const size_t traps_odd_count = sizeof(traps_odd) / sizeof(traps_odd[0]);
