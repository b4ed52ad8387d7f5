/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "capture/heartbeat.h"
#include "tests/golden/trap.h"

/* What a healthy bridge also carries, and must not be cried about. */

static const uint8_t group_mdns[4] = { 224, 0, 0, 251 };
static const uint8_t group_llmnr[4] = { 224, 0, 0, 252 };
static const uint8_t group_ssdp[4] = { 239, 255, 255, 250 };

/* the Ethernet address of an IPv6 group */
static void group6(struct forge_mesh *m, const uint8_t dst[16], uint8_t next,
		   uint8_t hops)
{
	uint8_t mac[6] = { 0x33, 0x33, dst[12], dst[13], dst[14], dst[15] };

	forge_mesh_ip6(m, VM_A, dst, mac, next, hops);
}

static void natpmp(struct forge_mesh *m)
{
	uint8_t b[12];

	forge_mesh_udp(m, VM_A, 53904, GATEWAY, 5351, b, forge_natpmp_address(b));
	forge_mesh_udp(m, VM_A, 53904, GATEWAY, 5351, b,
		       forge_natpmp_map(b, 41641));
	forge_mesh_udp(m, GATEWAY, 5351, VM_A, 53904,
		       "\0\x80\0\0\0\0\x10\x20\xcb\0\x71\x01", 12);
}

static void pcp(struct forge_mesh *m)
{
	uint8_t b[24];

	forge_mesh_udp(m, VM_A, 53904, GATEWAY, 5351, b,
		       forge_pcp_announce(b, m->host[VM_A].ip));
}

static void ssdp_gateway(struct forge_mesh *m)
{
	char b[256];
	size_t n = forge_ssdp_search(b, sizeof(b));

	forge_mesh_udp(m, VM_A, 51896, GATEWAY, 1900, b, n);
}

static void ssdp_group(struct forge_mesh *m)
{
	char b[256];
	size_t n = forge_ssdp_search(b, sizeof(b));

	forge_mesh_group(m, VM_A, 51896, group_ssdp, 1900, b, n);
}

static void mdns(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 0, 0, "vm-c.local", false);

	forge_mesh_group(m, VM_A, 5353, group_mdns, 5353, b, n);
	n = forge_dns(b, 0, 0x8400, "vm-c.local", true);
	forge_mesh_group(m, VM_C, 5353, group_mdns, 5353, b, n);
}

static void llmnr(struct forge_mesh *m)
{
	static const uint8_t dst[16] = { 0xff, 2, [13] = 1, [15] = 3 };
	uint8_t b[256];
	size_t n = forge_dns(b, 0x1234, 0, "vm-c", false);

	forge_mesh_group(m, VM_A, 50055, group_llmnr, 5355, b, n);
	forge_start(&m->p, b, n);
	forge_udp(&m->p, 50055, 5355);
	group6(m, dst, FORGE_PROTO_UDP, 255);
}

static void ntp(struct forge_mesh *m)
{
	uint8_t b[48];

	forge_mesh_udp(m, VM_A, 50123, GATEWAY, 123, b, forge_ntp(&m->seed, b));
}

static void dhcp_send(struct forge_mesh *m, enum forge_who from, uint8_t type)
{
	static const uint8_t zero[4], all[4] = { 255, 255, 255, 255 };
	static const uint8_t mac_all[6] = { 255, 255, 255, 255, 255, 255 };
	const struct forge_host *gw = &m->host[GATEWAY], *a = &m->host[VM_A];
	bool reply = from == GATEWAY;
	uint8_t b[300];
	size_t n = forge_dhcp(&m->seed, b, type, a->mac, a->ip, gw->ip);

	forge_start(&m->p, b, n);
	forge_udp(&m->p, reply ? 67 : 68, reply ? 68 : 67);
	forge_ipv4(&m->p, reply ? gw->ip : zero, reply ? a->ip : all,
		   FORGE_PROTO_UDP, 64);
	forge_ethernet(&m->p, m->host[from].mac, reply ? a->mac : mac_all,
		       FORGE_ETH_IPV4);
	forge_add(&m->bridge[0], &m->p);
}

static void dhcp(struct forge_mesh *m)
{
	dhcp_send(m, VM_A, 1);
	dhcp_send(m, GATEWAY, 2);
	dhcp_send(m, VM_A, 3);
	dhcp_send(m, GATEWAY, 5);
}

static void arp_probe(struct forge_mesh *m)
{
	struct forge_frame *fr;

	forge_mesh_arp(m, VM_A, VM_D, false, NULL, 0);
	fr = &m->bridge[0].frames[m->bridge[0].n - 1];
	memset(fr->data + 14 + 14, 0, 4);
}

/* neighbour solicitation to the group of vm-c's address, and the answer */
static void nd(struct forge_mesh *m)
{
	const struct forge_host *a = &m->host[VM_A], *c = &m->host[VM_C];
	uint8_t dst[16] = { 0xff, 2, [11] = 1, [12] = 0xff };
	uint8_t body[24];

	memcpy(dst + 13, c->ip6 + 13, 3);
	memcpy(body, c->ip6, 16);
	memcpy(body + 16, "\1\1", 2);
	memcpy(body + 18, a->mac, 6);
	forge_start(&m->p, body, sizeof(body));
	forge_icmpv6(&m->p, 135, 0, 0);
	group6(m, dst, FORGE_PROTO_ICMPV6, 255);

	body[16] = 2;
	memcpy(body + 18, c->mac, 6);
	forge_start(&m->p, body, sizeof(body));
	forge_icmpv6(&m->p, 136, 0, 0x60000000);
	forge_mesh_ip6(m, VM_C, a->ip6, a->mac, FORGE_PROTO_ICMPV6, 255);
}

/* a solicitation whose options end in text */
static void nd_with_text(struct forge_mesh *m)
{
	uint8_t body[16 + 64];

	memset(body, 0, sizeof(body));
	memcpy(body, m->host[VM_C].ip6, 16);
	body[16] = 253;
	body[17] = 8;
	memcpy(body + 18, "the password of the lazy dog is hunter2, says the fox",
	       53);
	forge_start(&m->p, body, sizeof(body));
	forge_icmpv6(&m->p, 135, 0, 0);
	forge_mesh_ip6(m, VM_A, m->host[VM_C].ip6, m->host[VM_C].mac,
		       FORGE_PROTO_ICMPV6, 255);
}

static void router_solicitation(struct forge_mesh *m)
{
	static const uint8_t routers[16] = { 0xff, 2, [15] = 2 };
	uint8_t option[8] = { 1, 1 };

	memcpy(option + 2, m->host[VM_A].mac, 6);
	forge_start(&m->p, option, sizeof(option));
	forge_icmpv6(&m->p, 133, 0, 0);
	group6(m, routers, FORGE_PROTO_ICMPV6, 255);
}

static void mld(struct forge_mesh *m)
{
	static const uint8_t dst[16] = { 0xff, 2, [15] = 0x16 };
	static const uint8_t mac[6] = { 0x33, 0x33, 0, 0, 0, 0x16 };
	uint8_t body[20] = { 4, 0, 0, 0, 0xff, 2, [16] = 0xff, 1, 2, 3 };
	uint8_t *h;

	forge_start(&m->p, body, sizeof(body));
	forge_icmpv6(&m->p, 143, 0, 1);
	h = forge_push(&m->p, 8);
	memcpy(h, "\x3a\0\x05\x02\0\0\x01\0", 8); /* router alert */
	forge_ipv6_chain(&m->p, m->host[VM_A].ip6, dst, 0, 1,
			 FORGE_PROTO_ICMPV6);
	forge_ethernet(&m->p, m->host[VM_A].mac, mac, FORGE_ETH_IPV6);
	forge_add(&m->bridge[0], &m->p);
}

static void igmp(struct forge_mesh *m)
{
	static const uint8_t dst[4] = { 224, 0, 0, 22 };
	static const uint8_t mac[6] = { 0x01, 0, 0x5e, 0, 0, 0x16 };
	static const uint8_t report[16] = {
		0x22, 0, 0xf9, 0x02, 0, 0, 0, 1, 4, 0, 0, 0, 224, 0, 0, 251,
	};

	forge_start(&m->p, report, sizeof(report));
	forge_ipv4_options(&m->p, m->host[VM_A].ip, dst, FORGE_PROTO_IGMP, 1,
			   (const uint8_t[4]){ 0x94, 4, 0, 0 }, 4);
	forge_ethernet(&m->p, m->host[VM_A].mac, mac, FORGE_ETH_IPV4);
	forge_add(&m->bridge[0], &m->p);
}

static void stp(struct forge_mesh *m)
{
	static const uint8_t mac[6] = { 0x01, 0x80, 0xc2, 0, 0, 0 };
	static const uint8_t zero[8];
	uint8_t bpdu[38] = { 0x42, 0x42, 3, 0, 0, 0, 0, 0, 0x80, 0 };

	memcpy(bpdu + 10, m->host[GATEWAY].mac, 6);
	bpdu[20] = 0x80;
	memcpy(bpdu + 22, m->host[GATEWAY].mac, 6);
	memcpy(bpdu + 28, "\x80\x02\0\0\x14\0\x02\0\x0f\0", 10);
	forge_start(&m->p, bpdu, sizeof(bpdu));
	forge_ethernet(&m->p, m->host[GATEWAY].mac, mac, sizeof(bpdu));
	forge_append(&m->p, zero, sizeof(zero));
	forge_add(&m->bridge[0], &m->p);
}

static void lldp(struct forge_mesh *m)
{
	static const uint8_t mac[6] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };
	uint8_t b[64];
	size_t n = 0;

	memcpy(b, "\x02\x07\x04", 3);
	memcpy(b + 3, m->host[VM_A].mac, 6);
	n = 9;
	memcpy(b + n, "\x04\x05\x05" "eth0", 7);
	n += 7;
	memcpy(b + n, "\x06\x02\0\x78", 4);
	n += 4;
	memcpy(b + n, "\x0a\x04vm-a", 6);
	n += 6;
	memcpy(b + n, "\0\0", 2);
	forge_start(&m->p, b, n + 2);
	forge_ethernet(&m->p, m->host[VM_A].mac, mac, FORGE_ETH_LLDP);
	forge_add(&m->bridge[0], &m->p);
}

/* heartbeats, as another run of ours puts them on the bridge; @spoil changes
 * one byte behind their tag
 */
static void heartbeats(struct forge_mesh *m, enum forge_who from, bool spoil)
{
	struct wga_heartbeat beat = { .id = { 1, 2, 3 } };
	uint8_t b[WGA_HEARTBEAT_LEN];

	for (beat.sequence = 1; beat.sequence < 4; beat.sequence++) {
		wga_heartbeat_build(b, m->host[from].mac, &beat);
		b[40] ^= spoil;
		forge_start(&m->p, b, sizeof(b));
		forge_add(&m->bridge[0], &m->p);
	}
}

static void heartbeats_good(struct forge_mesh *m)
{
	heartbeats(m, GATEWAY, false);
}

static void heartbeats_false(struct forge_mesh *m)
{
	heartbeats(m, VM_A, true);
}

/* hosts of the mesh and those that are not */
static void external_syn(struct forge_mesh *m)
{
	uint8_t quote[40];
	struct forge_tcp t = {
		.client = VM_A, .server = PUBLIC, .cport = 54208, .sport = 443,
		.cseq = 0x1234,
	};

	forge_start(&m->p, NULL, 0);
	forge_tcp(&m->p, t.cport, t.sport, t.cseq, 0, FORGE_SYN);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[PUBLIC].ip, FORGE_PROTO_TCP,
		   64);
	memcpy(quote, forge_bytes(&m->p), sizeof(quote));
	forge_tcp_segment(m, &t, true, FORGE_SYN, NULL, 0);
	forge_start(&m->p, quote, sizeof(quote));
	forge_icmp(&m->p, 3, 0, 0);
	forge_mesh_ip(m, GATEWAY, VM_A, FORGE_PROTO_ICMP);
}

static void external_http(struct forge_mesh *m)
{
	struct forge_tcp t = {
		.client = VM_A, .server = PUBLIC, .cport = 54210, .sport = 80,
	};

	forge_tcp_open(m, &t);
	forge_tcp_send(m, &t, true, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
}

static void private_syn(struct forge_mesh *m)
{
	struct forge_tcp t = {
		.client = VM_A, .server = STRANGER, .cport = 54211, .sport = 443,
	};

	forge_tcp_segment(m, &t, true, FORGE_SYN, NULL, 0);
}

static void private_text(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, STRANGER, "GET /secret HTTP/1.1\r\n\r\n");
}

const struct trap traps_house[] = {
	{ .name = "NAT-PMP to the gateway", .outcome = TRAP_PASS,
	  .after = natpmp },
	{ .name = "PCP announce to the gateway", .outcome = TRAP_PASS,
	  .after = pcp },
	{ .name = "SSDP to the gateway", .outcome = TRAP_PASS,
	  .after = ssdp_gateway },
	{ .name = "SSDP to its group", .outcome = TRAP_PASS,
	  .after = ssdp_group },
	{ .name = "mDNS to its group", .outcome = TRAP_PASS, .after = mdns },
	{ .name = "LLMNR to its groups", .outcome = TRAP_PASS, .after = llmnr },
	{ .name = "NTP to the gateway", .outcome = TRAP_PASS, .after = ntp },
	{ .name = "DHCP", .outcome = TRAP_PASS, .after = dhcp },
	{ .name = "ARP probe", .outcome = TRAP_PASS, .after = arp_probe },
	{ .name = "neighbour discovery", .outcome = TRAP_PASS, .after = nd },
	{ .name = "neighbour discovery with text", .outcome = TRAP_NOT_PASS,
	  .after = nd_with_text },
	{ .name = "router solicitation", .outcome = TRAP_PASS,
	  .after = router_solicitation },
	{ .name = "MLD", .outcome = TRAP_PASS, .after = mld },
	{ .name = "IGMP", .outcome = TRAP_PASS, .after = igmp },
	{ .name = "STP", .outcome = TRAP_PASS, .after = stp },
	{ .name = "LLDP", .outcome = TRAP_PASS, .after = lldp },
	{ .name = "heartbeats", .outcome = TRAP_PASS, .after = heartbeats_good,
	  .classes = CLASS(CANARY) },
	{ .name = "false heartbeats", .outcome = TRAP_VIOLATION,
	  .any = CODE(PLAINTEXT) | CODE(UNEXPLAINED),
	  .after = heartbeats_false, .no_classes = CLASS(CANARY) },

	{ .name = "SYN to a public address, unreachable", .outcome = TRAP_PASS,
	  .after = external_syn, .classes = CLASS(EXTERNAL) },
	{ .name = "HTTP to a public address", .outcome = TRAP_PASS,
	  .after = external_http, .classes = CLASS(EXTERNAL),
	  .no_classes = CLASS(PLAINTEXT) },
	{ .name = "SYN to an undeclared private address",
	  .outcome = TRAP_INCONCLUSIVE, .all = CODE(UNKNOWN_HOST),
	  .after = private_syn, .classes = CLASS(EXTERNAL) },
	{ .name = "text to an undeclared private address",
	  .outcome = TRAP_INCONCLUSIVE, .all = CODE(UNKNOWN_HOST),
	  .after = private_text },
	{ .name = "the same, declared as infrastructure", .outcome = TRAP_PASS,
	  .after = private_text, .options = { "--infra", "192.168.50.7" } },
	{ .name = "infrastructure on another port", .outcome = TRAP_NOT_PASS,
	  .after = private_text, .options = { "--infra", "192.168.50.7:53" } },
};
const size_t traps_house_count = sizeof(traps_house) / sizeof(traps_house[0]);
