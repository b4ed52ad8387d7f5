/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/golden/trap.h"

/* What hosts of the mesh send each other in the clear, and how it hides. */

#define READABLE	(CODE(PLAINTEXT) | CODE(UNEXPLAINED))
#define TEXT	"GET /secret HTTP/1.1\r\nHost: vm-c\r\nX-Password: hunter2\r\n\r\n"

static const uint8_t all_hosts[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void text_same_bridge(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, VM_C, TEXT);
}

static void text_routed(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, VM_B, TEXT);
}

static void text_routed_in(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_B, VM_A, TEXT);
}

static void text_to_silent(struct forge_mesh *m)
{
	forge_mesh_arp(m, VM_D, GATEWAY, false, NULL, 0);
	forge_mesh_text(m, VM_A, VM_D, TEXT);
}

static void text_to_other_bridge(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, VM_E, TEXT);
	forge_mesh_text(m, VM_E, VM_A, TEXT);
}

static void one_byte(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, VM_C, "x");
}

static void one_high_byte(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, VM_C, "\xf7");
}

static void random_datagram(struct forge_mesh *m)
{
	uint8_t b[600];

	forge_fill(&m->seed, b, sizeof(b));
	forge_mesh_udp(m, VM_A, 50000, VM_C, 9999, b, sizeof(b));
}

/* names of services that would have been read out of the name */
static void dns_flags(struct forge_mesh *m, enum forge_who to, uint16_t flags)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 0x0400, flags, "intranet.example", false);

	forge_mesh_udp(m, VM_A, 50053, to, 53, b, n);
}

static void dns_rd0(struct forge_mesh *m) { dns_flags(m, VM_C, 0); }
static void dns_rd1(struct forge_mesh *m) { dns_flags(m, VM_C, 0x0100); }
static void dns_gateway(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n;

	dns_flags(m, GATEWAY, 0);
	dns_flags(m, GATEWAY, 0x0100);
	n = forge_dns(b, 0x0400, 0x8180, "intranet.example", true);
	forge_mesh_udp(m, GATEWAY, 53, VM_A, 50053, b, n);
}

static void ip6_text(struct forge_mesh *m)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_mesh_ip6(m, VM_A, m->host[VM_C].ip6, m->host[VM_C].mac,
		       FORGE_PROTO_UDP, 64);
}

static void ip6_text_behind_extensions(struct forge_mesh *m)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv6_extension(&m->p, FORGE_PROTO_UDP);
	forge_ipv6_extension(&m->p, FORGE_PROTO_DSTOPT);
	forge_ipv6_chain(&m->p, m->host[VM_A].ip6, m->host[VM_C].ip6, 0, 64,
			 FORGE_PROTO_UDP);
	forge_ethernet(&m->p, m->host[VM_A].mac, m->host[VM_C].mac,
		       FORGE_ETH_IPV6);
	forge_add(&m->bridge[0], &m->p);
}

static void ip6_echo(struct forge_mesh *m)
{
	forge_start(&m->p, "abcdefghijklmnopqrstuvwabcdefghi", 32);
	forge_icmpv6(&m->p, 128, 0, 0x00010001);
	forge_mesh_ip6(m, VM_A, m->host[VM_C].ip6, m->host[VM_C].mac,
		       FORGE_PROTO_ICMPV6, 64);
}

static void echo(struct forge_mesh *m, enum forge_who to)
{
	forge_start(&m->p, "abcdefghijklmnopqrstuvwabcdefghi", 32);
	forge_icmp(&m->p, 8, 0, 0x00010001);
	forge_mesh_ip(m, VM_A, to, FORGE_PROTO_ICMP);
}

static void echo_host(struct forge_mesh *m) { echo(m, VM_C); }
static void echo_gateway(struct forge_mesh *m) { echo(m, GATEWAY); }

/* overlay addresses: the packet that should have gone into the tunnel */
static void overlay(struct forge_mesh *m, const uint8_t src[4],
		    const uint8_t dst[4])
{
	forge_start(&m->p, NULL, 0);
	forge_tcp(&m->p, 50000, 22, 1, 0, FORGE_SYN);
	forge_ipv4(&m->p, src, dst, FORGE_PROTO_TCP, 64);
	forge_mesh_emit(m, VM_A, GATEWAY, FORGE_ETH_IPV4);
}

static void overlay_to(struct forge_mesh *m)
{
	overlay(m, m->host[VM_A].ip, (const uint8_t[4]){ 100, 64, 0, 2 });
}

static void overlay_from(struct forge_mesh *m)
{
	overlay(m, (const uint8_t[4]){ 100, 127, 255, 254 }, m->host[PUBLIC].ip);
}

static void overlay_below(struct forge_mesh *m)
{
	overlay(m, m->host[VM_A].ip, (const uint8_t[4]){ 100, 63, 255, 255 });
}

static void overlay_above(struct forge_mesh *m)
{
	overlay(m, m->host[VM_A].ip, (const uint8_t[4]){ 100, 128, 0, 1 });
}

static void overlay6(struct forge_mesh *m)
{
	uint8_t dst[16] = { 0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0, [15] = 2 };

	forge_start(&m->p, NULL, 0);
	forge_tcp(&m->p, 50000, 22, 1, 0, FORGE_SYN);
	forge_mesh_ip6(m, VM_A, dst, m->host[GATEWAY].mac, FORGE_PROTO_TCP, 64);
}

/* tags */
static void tagged(struct forge_mesh *m, unsigned int tags, uint16_t outer,
		   const char *text)
{
	forge_start(&m->p, text, strlen(text));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[VM_C].ip, FORGE_PROTO_UDP,
		   64);
	forge_vlan(&m->p, 42, FORGE_ETH_IPV4);
	if (tags == 2)
		forge_vlan(&m->p, 7, FORGE_ETH_VLAN);
	forge_ethernet(&m->p, m->host[VM_A].mac, m->host[VM_C].mac, outer);
	forge_add(&m->bridge[0], &m->p);
}

static void vlan_text(struct forge_mesh *m) { tagged(m, 1, FORGE_ETH_VLAN, TEXT); }
static void qinq_text(struct forge_mesh *m) { tagged(m, 2, FORGE_ETH_QINQ, TEXT); }

static void vlan_wireguard(struct forge_mesh *m)
{
	struct forge *f = &m->bridge[0];
	struct forge_frame *fr;

	forge_mesh_data(m, AC, 0, 128);
	fr = &f->frames[f->n - 1];
	forge_start(&m->p, fr->data + 14, fr->caplen - 14);
	forge_vlan(&m->p, 42, FORGE_ETH_IPV4);
	forge_ethernet(&m->p, m->host[VM_A].mac, m->host[VM_C].mac,
		       FORGE_ETH_VLAN);
	forge_drop(f, f->n - 1, 1);
	forge_add(f, &m->p);
}

static void ethertype(struct forge_mesh *m, uint16_t type, const void *data,
		      size_t len, bool vlan)
{
	forge_start(&m->p, data, len);
	if (vlan)
		forge_vlan(&m->p, 42, type);
	forge_ethernet(&m->p, m->host[VM_A].mac, m->host[VM_C].mac,
		       vlan ? FORGE_ETH_VLAN : type);
	forge_add(&m->bridge[0], &m->p);
}

static void unknown_ethertype(struct forge_mesh *m)
{
	uint8_t b[100];

	forge_fill(&m->seed, b, sizeof(b));
	ethertype(m, 0x88b6, b, sizeof(b), false);
}

static void unknown_ethertype_text(struct forge_mesh *m)
{
	ethertype(m, 0x88b6, TEXT, strlen(TEXT), false);
}

static void unknown_in_vlan(struct forge_mesh *m)
{
	uint8_t b[100];

	forge_fill(&m->seed, b, sizeof(b));
	ethertype(m, 0x88b6, b, sizeof(b), true);
}

static void heartbeat_of_text(struct forge_mesh *m)
{
	static const char b[46] = "wgaudit\0\1 the password is hunter2";

	ethertype(m, 0x88b5, b, sizeof(b), false);
}

/* IPv4 in LLC and SNAP instead of an EtherType */
static void snap_text(struct forge_mesh *m)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[VM_C].ip, FORGE_PROTO_UDP,
		   64);
	memcpy(forge_push(&m->p, 8), "\xaa\xaa\x03\0\0\0\x08\0", 8);
	forge_ethernet(&m->p, m->host[VM_A].mac, m->host[VM_C].mac,
		       (uint16_t)m->p.len);
	forge_add(&m->bridge[0], &m->p);
}

/* tunnels */
static void inner_text(struct forge_mesh *m)
{
	static const uint8_t src[4] = { 172, 16, 0, 1 }, dst[4] = { 172, 16, 0, 2 };

	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, src, dst, FORGE_PROTO_UDP, 64);
}

static void vxlan_text(struct forge_mesh *m)
{
	inner_text(m);
	forge_ethernet(&m->p, m->host[VM_D].mac, m->host[VM_E].mac,
		       FORGE_ETH_IPV4);
	forge_vxlan(&m->p, 42);
	forge_udp(&m->p, 50001, 4789);
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_UDP);
}

static void geneve_text(struct forge_mesh *m)
{
	inner_text(m);
	forge_ethernet(&m->p, m->host[VM_D].mac, m->host[VM_E].mac,
		       FORGE_ETH_IPV4);
	forge_geneve(&m->p, false, 0x6558, 42);
	forge_udp(&m->p, 50001, 6081);
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_UDP);
}

static void gre_text(struct forge_mesh *m)
{
	inner_text(m);
	forge_gre(&m->p, FORGE_ETH_IPV4);
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_GRE);
}

static void ipip_text(struct forge_mesh *m)
{
	inner_text(m);
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_IPIP);
}

static void sixinfour_text(struct forge_mesh *m)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv6(&m->p, m->host[VM_A].ip6, m->host[VM_C].ip6,
		   FORGE_PROTO_UDP, 64);
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_IPV6);
}

static void esp(struct forge_mesh *m)
{
	uint8_t b[120];

	forge_fill(&m->seed, b, sizeof(b));
	forge_start(&m->p, b, sizeof(b));
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_ESP);
}

/* protocols that are housekeeping elsewhere */
static void mdns_unicast(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 0, 0x8400, "vm-a.local", true);

	forge_mesh_udp(m, VM_A, 5353, VM_C, 5353, b, n);
}

static void llmnr_unicast(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 0x1234, 0x8000, "vm-a", true);

	forge_mesh_udp(m, VM_A, 5355, VM_C, 50055, b, n);
}

static void ntp_between_hosts(struct forge_mesh *m)
{
	uint8_t b[48];

	forge_mesh_udp(m, VM_A, 50123, VM_C, 123, b, forge_ntp(&m->seed, b));
}

static void natpmp_to_host(struct forge_mesh *m)
{
	uint8_t b[12];

	forge_mesh_udp(m, VM_A, 50351, VM_C, 5351, b, forge_natpmp_address(b));
}

static void pcp_to_host(struct forge_mesh *m)
{
	uint8_t b[24];

	forge_mesh_udp(m, VM_A, 50351, VM_C, 5351, b,
		       forge_pcp_announce(b, m->host[VM_A].ip));
}

static void ssdp_to_host(struct forge_mesh *m)
{
	char b[256];
	size_t n = forge_ssdp_search(b, sizeof(b));

	forge_mesh_udp(m, VM_A, 50190, VM_C, 1900, b, n);
}

static void broadcast_text(struct forge_mesh *m)
{
	forge_mesh_group(m, VM_A, 50000, (const uint8_t[4]){ 255, 255, 255, 255 },
			 9999, TEXT, strlen(TEXT));
}

static void directed_broadcast_text(struct forge_mesh *m)
{
	forge_mesh_group(m, VM_A, 50000, (const uint8_t[4]){ 192, 168, 1, 255 },
			 9999, TEXT, strlen(TEXT));
}

static void multicast_text(struct forge_mesh *m)
{
	forge_mesh_group(m, VM_A, 50000, (const uint8_t[4]){ 239, 1, 2, 3 }, 9999,
			 TEXT, strlen(TEXT));
}

static void mdns_of_text(struct forge_mesh *m)
{
	forge_mesh_group(m, VM_A, 5353, (const uint8_t[4]){ 224, 0, 0, 251 },
			 5353, TEXT, strlen(TEXT));
}

static void dhcp_of_text(struct forge_mesh *m)
{
	forge_mesh_group(m, VM_A, 68, (const uint8_t[4]){ 255, 255, 255, 255 },
			 67, TEXT, strlen(TEXT));
}

static void stp_of_text(struct forge_mesh *m)
{
	static const uint8_t mac[6] = { 0x01, 0x80, 0xc2, 0, 0, 0 };

	forge_start(&m->p, "\x42\x42\x03" TEXT, 3 + strlen(TEXT));
	forge_ethernet(&m->p, m->host[VM_A].mac, mac, (uint16_t)m->p.len);
	forge_add(&m->bridge[0], &m->p);
}

static void broadcast_ethertype(struct forge_mesh *m)
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_ethernet(&m->p, m->host[VM_A].mac, all_hosts, 0x88b6);
	forge_add(&m->bridge[0], &m->p);
}

const struct trap traps_clear[] = {
	{ .name = "text on one bridge", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = text_same_bridge,
	  .classes = CLASS(PLAINTEXT) },
	{ .name = "text, routed", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = text_routed },
	{ .name = "text, routed, inwards", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = text_routed_in },
	{ .name = "text before all else", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .before = text_routed },
	{ .name = "text to a host that only sent ARP",
	  .outcome = TRAP_VIOLATION, .all = CODE(PLAINTEXT),
	  .after = text_to_silent },
	{ .name = "text to a host on the other bridge",
	  .outcome = TRAP_VIOLATION, .flags = TRAP_TWO, .all = CODE(PLAINTEXT),
	  .after = text_to_other_bridge },
	{ .name = "text to a declared host", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = text_to_other_bridge,
	  .options = { "--vm", "vm-e=10.0.0.11" } },
	{ .name = "the same, nobody knows that host",
	  .outcome = TRAP_INCONCLUSIVE, .all = CODE(UNKNOWN_HOST),
	  .after = text_to_other_bridge, .classes = CLASS(EXTERNAL) },
	{ .name = "one byte", .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = one_byte },
	{ .name = "one high byte", .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = one_high_byte },
	{ .name = "one byte and nothing else", .outcome = TRAP_NOT_PASS,
	  .flags = TRAP_EMPTY, .after = one_byte },
	{ .name = "random datagram", .outcome = TRAP_VIOLATION,
	  .all = CODE(UNEXPLAINED), .after = random_datagram,
	  .classes = CLASS(UNEXPLAINED), .no_classes = CLASS(PLAINTEXT) },

	{ .name = "DNS, id 0x0400, RD 0", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = dns_rd0 },
	{ .name = "DNS, id 0x0400, RD 1", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = dns_rd1 },
	{ .name = "DNS, id 0x0400, to the gateway", .outcome = TRAP_PASS,
	  .after = dns_gateway },
	{ .name = "IPv6 link-local text", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = ip6_text },
	{ .name = "IPv6 text behind extension headers",
	  .outcome = TRAP_VIOLATION, .all = CODE(PLAINTEXT),
	  .after = ip6_text_behind_extensions },
	{ .name = "IPv6 echo between hosts", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = ip6_echo },
	{ .name = "echo between hosts", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = echo_host },
	{ .name = "echo to the gateway", .outcome = TRAP_PASS,
	  .after = echo_gateway },

	{ .name = "to an overlay address", .outcome = TRAP_VIOLATION,
	  .all = CODE(OVERLAY_ON_UNDERLAY), .any = READABLE,
	  .after = overlay_to },
	{ .name = "from an overlay address", .outcome = TRAP_VIOLATION,
	  .all = CODE(OVERLAY_ON_UNDERLAY), .any = READABLE,
	  .after = overlay_from },
	{ .name = "to an IPv6 overlay address", .outcome = TRAP_VIOLATION,
	  .all = CODE(OVERLAY_ON_UNDERLAY), .any = READABLE,
	  .after = overlay6 },
	{ .name = "just below the overlay", .outcome = TRAP_PASS,
	  .after = overlay_below },
	{ .name = "just above the overlay", .outcome = TRAP_PASS,
	  .after = overlay_above },

	{ .name = "text in a VLAN", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = vlan_text },
	{ .name = "text in QinQ", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = qinq_text },
	{ .name = "WireGuard in a VLAN", .outcome = TRAP_PASS,
	  .after = vlan_wireguard },
	{ .name = "unknown EtherType", .outcome = TRAP_VIOLATION,
	  .all = CODE(UNEXPLAINED), .after = unknown_ethertype },
	{ .name = "unknown EtherType, text", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = unknown_ethertype_text },
	{ .name = "unknown EtherType in a VLAN", .outcome = TRAP_VIOLATION,
	  .all = CODE(UNEXPLAINED), .after = unknown_in_vlan },
	{ .name = "unknown EtherType to all", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = broadcast_ethertype },
	{ .name = "heartbeat EtherType with text", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = heartbeat_of_text,
	  .no_classes = CLASS(CANARY) },
	{ .name = "text in SNAP", .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = snap_text },

	{ .name = "text in VXLAN", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = vxlan_text },
	{ .name = "text in Geneve", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = geneve_text },
	{ .name = "text in GRE", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = gre_text },
	{ .name = "text in IPIP", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = ipip_text },
	{ .name = "text in 6in4", .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = sixinfour_text },
	{ .name = "ESP", .outcome = TRAP_VIOLATION, .all = CODE(UNEXPLAINED),
	  .after = esp },

	{ .name = "mDNS reply, unicast", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = mdns_unicast },
	{ .name = "LLMNR reply, unicast", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = llmnr_unicast },
	{ .name = "NTP between hosts", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = ntp_between_hosts },
	{ .name = "NAT-PMP to a host", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = natpmp_to_host },
	{ .name = "PCP to a host", .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = pcp_to_host },
	{ .name = "SSDP to a host", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = ssdp_to_host },
	{ .name = "text to all", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = broadcast_text },
	{ .name = "text to all of the subnet", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = directed_broadcast_text },
	{ .name = "text to a group", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = multicast_text },
	{ .name = "text to the group and port of mDNS",
	  .outcome = TRAP_VIOLATION, .any = READABLE, .after = mdns_of_text },
	{ .name = "text on the ports of DHCP", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = dhcp_of_text },
	{ .name = "text in an STP frame", .outcome = TRAP_NOT_PASS,
	  .after = stp_of_text },
};
const size_t traps_clear_count = sizeof(traps_clear) / sizeof(traps_clear[0]);
