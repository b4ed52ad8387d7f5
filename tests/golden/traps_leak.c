/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/golden/trap.h"

/* Text in what is exempt, and hosts that look like a gateway. */

#define READABLE	(CODE(PLAINTEXT) | CODE(UNEXPLAINED))
#define TEXT	"password hunter2 of user alice, card 4111111111111111 "
#define LONG	TEXT TEXT TEXT TEXT

static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t nodes6[16] = { 0xff, 2, [15] = 0x16 };

/* m->p holds an Ethernet payload */
static void frame(struct forge_mesh *m, enum forge_who from,
		  const uint8_t mac[6], uint16_t type)
{
	forge_ethernet(&m->p, m->host[from].mac, mac, type);
	forge_add(&m->bridge[0], &m->p);
}

static void udp_via(struct forge_mesh *m, const uint8_t src[4],
		    enum forge_who smac, const uint8_t dst[4],
		    const uint8_t dmac[6], uint8_t ttl, const char *text)
{
	forge_start(&m->p, text, strlen(text));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, src, dst, FORGE_PROTO_UDP, ttl);
	frame(m, smac, dmac, FORGE_ETH_IPV4);
}

/* text from vm-a to vm-d and back, neither of which tells who vm-d is */
static void text_with_d(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, VM_D, TEXT);
	forge_mesh_text(m, VM_D, VM_A, TEXT);
}

/* identities */
static void d_leads_out(struct forge_mesh *m)
{
	udp_via(m, m->host[VM_A].ip, VM_A, m->host[PUBLIC].ip,
		m->host[VM_D].mac, 64, "\x80");
	text_with_d(m);
}

static void d_forwards(struct forge_mesh *m)
{
	udp_via(m, m->host[PUBLIC].ip, VM_D, m->host[VM_A].ip,
		m->host[VM_A].mac, 63, "\x80");
	text_with_d(m);
}

static void text_to_all_as_public(struct forge_mesh *m)
{
	udp_via(m, m->host[VM_A].ip, VM_A, m->host[PUBLIC].ip, all, 64, TEXT);
}

static void text_to_gateway_at_d(struct forge_mesh *m)
{
	udp_via(m, m->host[VM_A].ip, VM_A, m->host[GATEWAY].ip,
		m->host[VM_D].mac, 64, TEXT);
}

static void arp_for(struct forge_mesh *m, enum forge_who owner,
		    enum forge_who address)
{
	uint8_t b[28] = { 0, 1, 8, 0, 6, 4, 0, 2 };

	memcpy(b + 8, m->host[owner].mac, 6);
	memcpy(b + 14, m->host[address].ip, 4);
	memcpy(b + 18, all, 6);
	memcpy(b + 24, m->host[address].ip, 4);
	forge_start(&m->p, b, sizeof(b));
	frame(m, owner, all, FORGE_ETH_ARP);
}

static void gateway_claims_d(struct forge_mesh *m)
{
	arp_for(m, GATEWAY, VM_D);
	forge_mesh_text(m, VM_A, VM_D, TEXT);
}

static void c_claims_gateway(struct forge_mesh *m)
{
	arp_for(m, VM_C, GATEWAY);
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_mesh_ip6(m, VM_A, m->host[VM_C].ip6, m->host[VM_C].mac,
		       FORGE_PROTO_UDP, 64);
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 9999, 50000);
	forge_mesh_ip6(m, VM_C, m->host[VM_A].ip6, m->host[VM_A].mac,
		       FORGE_PROTO_UDP, 64);
}

/* a TTL that is an initial one again behind the gateway */
static void ttl_of_65(struct forge_mesh *m)
{
	udp_via(m, m->host[VM_A].ip, VM_A, m->host[VM_E].ip,
		m->host[GATEWAY].mac, 64, TEXT);
	udp_via(m, m->host[VM_E].ip, GATEWAY, m->host[VM_A].ip,
		m->host[VM_A].mac, 64, TEXT);
}

/* more MAC addresses than are told apart, then text to a new host */
static void many_macs(struct forge_mesh *m)
{
	struct forge_host d = m->host[VM_D];

	for (unsigned int i = 0; i < 8200; i++) {
		forge_put16(m->host[VM_D].mac + 2, (uint16_t)(0x8000 + i));
		memcpy(m->host[VM_D].ip, (const uint8_t[]){ 10, 77, 0, 0 }, 4);
		forge_put16(m->host[VM_D].ip + 2, (uint16_t)i);
		arp_for(m, VM_D, VM_D);
		udp_via(m, m->host[VM_D].ip, VM_D, m->host[GATEWAY].ip,
			m->host[GATEWAY].mac, 64, "\x80");
	}
	m->host[VM_D] = d;
	udp_via(m, m->host[VM_A].ip, VM_A, m->host[PUBLIC].ip,
		m->host[VM_D].mac, 64, TEXT);
	udp_via(m, m->host[PUBLIC].ip, VM_D, m->host[VM_A].ip,
		m->host[VM_A].mac, 64, TEXT);
}

/* announcements */
static size_t dns_text(uint8_t *b)
{
	static const uint8_t head[] = {
		0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0,
		4, 'v', 'm', '-', 'a', 0, 0, 16, 0, 1, 0, 0, 0, 9,
		0, sizeof(LONG), sizeof(LONG) - 1,
	};

	memcpy(b, head, sizeof(head));
	memcpy(b + sizeof(head), LONG, sizeof(LONG) - 1);
	return sizeof(head) + sizeof(LONG) - 1;
}

static void announce(struct forge_mesh *m, uint16_t port, const uint8_t dst[4],
		     const uint8_t mac[6])
{
	uint8_t b[300];

	forge_start(&m->p, b, dns_text(b));
	forge_udp(&m->p, port, port);
	forge_ipv4(&m->p, m->host[VM_A].ip, dst, FORGE_PROTO_UDP, 255);
	frame(m, VM_A, mac, FORGE_ETH_IPV4);
}

static void mdns_to_host(struct forge_mesh *m)
{
	announce(m, 5353, m->host[VM_C].ip, all);
}

static void llmnr_to_host(struct forge_mesh *m)
{
	announce(m, 5355, m->host[VM_C].ip, all);
}

static void mdns_other_group(struct forge_mesh *m)
{
	announce(m, 5353, (const uint8_t[]){ 239, 1, 2, 3 },
		 (const uint8_t[]){ 1, 0, 0x5e, 1, 2, 3 });
}

static void dhcp_with(struct forge_mesh *m, bool name)
{
	uint8_t b[600];
	size_t n = forge_dhcp(&m->seed, b, 1, m->host[VM_A].mac,
			      m->host[VM_A].ip, m->host[GATEWAY].ip);

	if (name)
		memcpy(b + 108, LONG, 120);
	while (b[n - 1] != 255)
		n--;
	if (!name) {
		b[n - 1] = 224;
		b[n] = 100;
		memcpy(b + n + 1, LONG, 100);
		n += 102;
		b[n - 1] = 255;
	}
	forge_mesh_group(m, VM_A, 68, (const uint8_t[]){ 255, 255, 255, 255 },
			 67, b, n);
}

static void dhcp_option(struct forge_mesh *m) { dhcp_with(m, false); }
static void dhcp_file(struct forge_mesh *m) { dhcp_with(m, true); }

static void dhcpv6_text(struct forge_mesh *m)
{
	static const uint8_t agents[16] = { 0xff, 2, [13] = 1, [15] = 2 };
	uint8_t b[8 + 512] = { 1, 1, 2, 3, 0, 16, 2, 0 };

	for (size_t i = 8; i < sizeof(b); i++)
		b[i] = (uint8_t)TEXT[i % strlen(TEXT)];
	forge_start(&m->p, b, sizeof(b));
	forge_udp(&m->p, 546, 547);
	forge_mesh_ip6(m, VM_A, agents, (const uint8_t[]){ 0x33, 0x33, 0, 1, 0, 2 },
		       FORGE_PROTO_UDP, 64);
}

static void igmp_query_text(struct forge_mesh *m)
{
	uint8_t b[12 + 200] = { 0x11, [11] = 50 };

	memcpy(b + 12, LONG, 200);
	forge_start(&m->p, b, sizeof(b));
	forge_ipv4(&m->p, m->host[VM_A].ip, (const uint8_t[]){ 224, 0, 0, 1 },
		   FORGE_PROTO_IGMP, 1);
	frame(m, VM_A, (const uint8_t[]){ 1, 0, 0x5e, 0, 0, 1 }, FORGE_ETH_IPV4);
}

static void icmp6_text(struct forge_mesh *m, uint8_t type, const void *b,
		       size_t n, const uint8_t dst[16], uint8_t hops)
{
	forge_start(&m->p, b, n);
	forge_icmpv6(&m->p, type, 0, 1);
	forge_mesh_ip6(m, VM_A, dst, m->host[VM_C].mac, FORGE_PROTO_ICMPV6, hops);
}

static void mld_query_text(struct forge_mesh *m)
{
	uint8_t b[20 + 160] = { 0xff, 2, [19] = 10 };

	memcpy(b + 20, LONG, 160);
	icmp6_text(m, 130, b, sizeof(b), nodes6, 1);
}

static void mld_done_text(struct forge_mesh *m)
{
	icmp6_text(m, 132, TEXT, 16, m->host[VM_C].ip6, 1);
}

static void router_route_text(struct forge_mesh *m)
{
	uint8_t b[8 + 64] = { [8] = 24, 8 };

	memcpy(b + 10, LONG, 62);
	icmp6_text(m, 134, b, sizeof(b), m->host[VM_C].ip6, 255);
}

static void solicitation_text(struct forge_mesh *m)
{
	icmp6_text(m, 135, TEXT, 16, m->host[VM_C].ip6, 255);
}

static void arp_text(struct forge_mesh *m)
{
	uint8_t b[28] = { 0, 1, 8, 0, 6, 4, 0, 2 };

	memcpy(b + 8, TEXT, 20);
	forge_start(&m->p, b, sizeof(b));
	frame(m, VM_A, m->host[VM_C].mac, FORGE_ETH_ARP);
}

static void lldp_flooded(struct forge_mesh *m)
{
	uint8_t b[2 + 200 + 2] = { 0x0a, 200 };

	memcpy(b + 2, LONG, 200);
	forge_start(&m->p, b, sizeof(b));
	frame(m, VM_A, (const uint8_t[]){ 1, 0x80, 0xc2, 0, 0, 0x50 },
	      FORGE_ETH_LLDP);
}

static void stun_text(struct forge_mesh *m)
{
	uint8_t b[20 + 48] = { 1, 1, 0, 48, 0x21, 0x12, 0xa4, 0x42 };

	forge_fill(&m->seed, b + 8, 12);
	for (size_t at = 20; at < sizeof(b); at += 24) {
		memcpy(b + at, (const uint8_t[]){ 0x80, 0x20, 0, 20 }, 4);
		memcpy(b + at + 4, TEXT, 20);
	}
	forge_mesh_magic(m, VM_A, VM_B, b, sizeof(b));
}

/* probes and errors */
static void echo_server(struct forge_mesh *m, const char *text)
{
	forge_start(&m->p, text, strlen(text));
	forge_icmp(&m->p, 8, 0, 0x10001);
	forge_mesh_ip(m, VM_A, SERVER, FORGE_PROTO_ICMP);
}

static void echo_name(struct forge_mesh *m) { echo_server(m, "derp1.lan"); }
static void echo_text(struct forge_mesh *m) { echo_server(m, "password: hunter2"); }

/* an error from vm-a to vm-c about a text from @src to a public address */
static void error_about(struct forge_mesh *m, const uint8_t src[4])
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, src, m->host[PUBLIC].ip, FORGE_PROTO_UDP, 64);
	forge_icmp(&m->p, 3, 3, 0);
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_ICMP);
}

static void error_of_others(struct forge_mesh *m)
{
	error_about(m, m->host[PUBLIC].ip);
}

static void error_of_outside(struct forge_mesh *m)
{
	error_about(m, m->host[VM_C].ip);
}

/* tunnels around a message of the mesh */
static void inner_message(struct forge_mesh *m)
{
	uint8_t b[96];
	size_t n = forge_wg_data(&m->seed, b, m->session[AC].index[1],
				 m->session[AC].counter[0]++, sizeof(b));

	forge_start(&m->p, b, n);
	forge_udp(&m->p, m->host[VM_A].port, m->host[VM_C].port);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[VM_C].ip, FORGE_PROTO_UDP,
		   64);
}

static void ipip(struct forge_mesh *m)
{
	inner_message(m);
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_IPIP);
}

static void ipip_trailer(struct forge_mesh *m)
{
	inner_message(m);
	forge_append(&m->p, TEXT, strlen(TEXT));
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_IPIP);
}

static void geneve_options(struct forge_mesh *m)
{
	uint8_t *h;

	inner_message(m);
	h = forge_push(&m->p, 8 + 40);
	memset(h, 0, 8);
	h[0] = 10;
	h[2] = 8;
	memcpy(h + 8, TEXT, 40);
	forge_udp(&m->p, 50000, 6081);
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_UDP);
}

const struct trap traps_leak[] = {
	{ .name = "vm-d was sent something for the internet",
	  .outcome = TRAP_VIOLATION, .any = READABLE, .after = d_leads_out },
	{ .name = "vm-d forwards, the gateway is declared",
	  .outcome = TRAP_VIOLATION, .any = READABLE, .after = d_forwards,
	  .options = { "--gateway", "192.168.1.1" } },
	{ .name = "text to a public address and all hosts' MAC",
	  .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = text_to_all_as_public },
	{ .name = "text to the gateway's address at vm-d's MAC",
	  .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = text_to_gateway_at_d },
	{ .name = "the gateway answers ARP for vm-d",
	  .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = gateway_claims_d },
	{ .name = "vm-c answers ARP for the gateway, which is declared",
	  .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = c_claims_gateway,
	  .options = { "--gateway", "192.168.1.1" } },
	{ .name = "text from behind the gateway, TTL 65",
	  .outcome = TRAP_NOT_PASS, .after = ttl_of_65 },
	{ .name = "more MAC addresses than are told apart",
	  .outcome = TRAP_NOT_PASS, .flags = TRAP_WHOLE, .after = many_macs },
	{ .name = "mDNS to a host at all hosts' MAC", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = mdns_to_host },
	{ .name = "LLMNR to a host at all hosts' MAC",
	  .outcome = TRAP_VIOLATION, .any = READABLE, .after = llmnr_to_host },
	{ .name = "mDNS to another group", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = mdns_other_group },
	{ .name = "DHCP, unknown option of text", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = dhcp_option },
	{ .name = "DHCP, boot file of text", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = dhcp_file },
	{ .name = "DHCPv6, 512 bytes of text", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = dhcpv6_text },
	{ .name = "IGMP query for text", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = igmp_query_text },
	{ .name = "MLD query for text", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = mld_query_text },
	{ .name = "MLD done with text, to a host", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = mld_done_text },
	{ .name = "router advertisement with a route of text",
	  .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = router_route_text },
	{ .name = "neighbour solicitation for text", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = solicitation_text },
	{ .name = "ARP of text", .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = arp_text },
	{ .name = "LLDP to a group that bridges forward",
	  .outcome = TRAP_VIOLATION, .any = READABLE, .after = lldp_flooded },
	{ .name = "STUN with addresses of text", .outcome = TRAP_VIOLATION,
	  .any = READABLE | CODE(SPLICED), .after = stun_text },
	{ .name = "echo with a host's name to the DERP server",
	  .outcome = TRAP_PASS, .after = echo_name },
	{ .name = "echo with text to the DERP server",
	  .outcome = TRAP_VIOLATION, .any = READABLE, .after = echo_text },
	{ .name = "unreachable, quotes what the receiver did not send",
	  .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = error_of_others },
	{ .name = "unreachable from a host, quotes text to the internet",
	  .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = error_of_outside },
	{ .name = "WireGuard in IPIP", .outcome = TRAP_PASS, .after = ipip },
	{ .name = "WireGuard in IPIP, text behind it",
	  .outcome = TRAP_VIOLATION, .any = READABLE, .after = ipip_trailer },
	{ .name = "WireGuard in Geneve, options of text",
	  .outcome = TRAP_VIOLATION, .any = READABLE,
	  .after = geneve_options },
};

const size_t traps_leak_count = sizeof(traps_leak) / sizeof(traps_leak[0]);
