/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "tests/golden/trap.h"

/* A canary in every class of frame, in every form, across every border. */

#define CANARY	"wgaudit-canary-7f3a9c"
#define ALMOST	"wgaudit-canary-7f3a9d"
#define LEN	(sizeof(CANARY) - 1)
#define DECLARED	.options = { "--canary", CANARY }

static const uint8_t group_mdns[4] = { 224, 0, 0, 251 };

/* UDP to the internet: nothing else is wrong with it */
static void outside(struct forge_mesh *m, const void *p, size_t len)
{
	forge_mesh_udp(m, VM_A, 50000, PUBLIC, 9999, p, len);
}

#define OUTSIDE(name, bytes)				\
static void name(struct forge_mesh *m)			\
{							\
	outside(m, bytes, sizeof(bytes) - 1);		\
}

OUTSIDE(form_hex, "x776761756469742d63616e6172792d376633613963x")
OUTSIDE(form_hex_upper, "776761756469742D63616E6172792D376633613963")
OUTSIDE(form_base64, "d2dhdWRpdC1jYW5hcnktN2YzYTlj")
OUTSIDE(form_base64_one, "WndnYXVkaXQtY2FuYXJ5LTdmM2E5Y1o=")
OUTSIDE(form_base64_two, "Wlp3Z2F1ZGl0LWNhbmFyeS03ZjNhOWM=")
OUTSIDE(form_percent, "a=%77%67%61%75%64%69%74%2d%63%61%6e%61%72%79%2d%37%66"
		      "%33%61%39%63")
OUTSIDE(form_utf16le, "w\0g\0a\0u\0d\0i\0t\0-\0c\0a\0n\0a\0r\0y\0-\0"
		      "7\0" "f\0" "3\0" "a\0" "9\0" "c\0")
OUTSIDE(form_utf16be, "\0w\0g\0a\0u\0d\0i\0t\0-\0c\0a\0n\0a\0r\0y\0-"
		      "\0" "7\0" "f\0" "3\0" "a\0" "9\0" "c")
OUTSIDE(form_none, ALMOST " 776761756469742d63616e6172792d376633613964 "
		   "Zd2dhdWRpdC1jYW5hcnktN2YzYTlk WGAUDIT-CANARY-7F3A9C")

/* the parameter of a query: reserved characters are encoded, others are not */
OUTSIDE(form_query, "GET /?q=a%2Fsecret%20thing%3F HTTP/1.1\r\n\r\n")
OUTSIDE(form_query_lower, "GET /?q=a%2fsecret%20thing%3f HTTP/1.1\r\n\r\n")

/* option 12 of DHCP is the host's name */
static void in_dhcp(struct forge_mesh *m)
{
	const struct forge_host *a = &m->host[VM_A];
	static const uint8_t all[4] = { 255, 255, 255, 255 };
	uint8_t b[300];
	size_t n = forge_dhcp(&m->seed, b, 1, a->mac, a->ip, a->ip);

	b[244] = LEN;
	memcpy(b + 245, CANARY, LEN);
	b[245 + LEN] = 255;
	forge_mesh_group(m, VM_A, 68, all, 67, b, n);
}

static void in_mdns(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 0, 0, CANARY ".local", false);

	forge_mesh_group(m, VM_A, 5353, group_mdns, 5353, b, n);
}

/* a TXT record, RFC 1035 section 3.3.14 */
static void in_mdns_txt(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 0, 0x8400, "vm-a.local", true);

	b[n - 13] = 16;
	forge_put16(b + n - 6, LEN + 1);
	b[n - 4] = LEN;
	memcpy(b + n - 3, CANARY, LEN);
	forge_mesh_group(m, VM_A, 5353, group_mdns, 5353, b, n - 3 + LEN);
}

static void in_dns(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 7, 0x0100, CANARY ".example.com", false);

	forge_mesh_udp(m, VM_A, 40000, GATEWAY, 53, b, n);
}

static void in_dns_almost(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 7, 0x0100, ALMOST ".example.com", false);

	forge_mesh_udp(m, VM_A, 40000, GATEWAY, 53, b, n);
}

static void in_echo(struct forge_mesh *m)
{
	forge_start(&m->p, CANARY, LEN);
	forge_icmp(&m->p, 8, 0, 0x00010001);
	forge_mesh_ip(m, VM_A, VM_C, FORGE_PROTO_ICMP);
}

static void in_lldp(struct forge_mesh *m)
{
	static const uint8_t group[6] = { 1, 0x80, 0xc2, 0, 0, 0x0e };
	uint8_t b[200] = { 2, 7, 4, 2, 0, 0, 0, 0, 1, 4, 2, 7, 'x', 6, 2, 0, 120,
			   10, LEN };

	memcpy(b + 19, CANARY, LEN);
	forge_start(&m->p, b, 19 + LEN + 2);
	forge_ethernet(&m->p, m->host[VM_A].mac, group, FORGE_ETH_LLDP);
	forge_add(&m->bridge[0], &m->p);
}

static void in_vlan(struct forge_mesh *m)
{
	forge_start(&m->p, CANARY, LEN);
	forge_udp(&m->p, 1000, 2000);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[PUBLIC].ip, FORGE_PROTO_UDP,
		   64);
	forge_vlan(&m->p, 7, FORGE_ETH_IPV4);
	forge_mesh_emit(m, VM_A, GATEWAY, FORGE_ETH_VLAN);
}

static void in_mac(struct forge_mesh *m)
{
	uint8_t frame[60] = { 0 };

	memcpy(frame, CANARY, LEN);
	forge_insert(&m->bridge[0], m->bridge[0].n, frame, sizeof(frame));
	m->bridge[0].frames[m->bridge[0].n - 1].time_ns =
		m->bridge[0].now_ns;
}

/* a GSO frame whose third message is text, in part or as a whole */
static void gso(struct forge_mesh *m, size_t at, const char *text, size_t len,
		size_t skip)
{
	static uint8_t b[FORGE_ROOM];
	size_t n = forge_mesh_gso_build(m, AC, 0, 4, 736, b);

	memcpy(b + at, text, len);
	memcpy(b + at + len + skip, text + len, LEN - len);
	forge_mesh_magic(m, VM_A, VM_C, b, n);
}

static void in_gso(struct forge_mesh *m)
{
	gso(m, 3000, CANARY, LEN, 0);
}

/* goes on behind the header of the next message */
static void in_gso_cut(struct forge_mesh *m)
{
	gso(m, 2 * 1312 - 9, CANARY, 9, 16);
}

static void in_gso_cut_almost(struct forge_mesh *m)
{
	gso(m, 2 * 1312 - 9, ALMOST, 9, 16);
}

static void in_sni(struct forge_mesh *m)
{
	struct forge_tcp t = {
		.client = VM_A, .server = SERVER, .cport = 36250, .sport = 443,
	};

	forge_tls_open(m, &t, CANARY ".example.com");
}

/* the hello in two segments, the border in the middle of the name */
static void in_sni_cut(struct forge_mesh *m)
{
	struct forge_tcp t = {
		.client = VM_A, .server = SERVER, .cport = 36250, .sport = 443,
	};
	uint8_t b[2048], *at;
	size_t n, cut;

	forge_tcp_open(m, &t);
	n = forge_tls_client_hello(&m->seed, b, CANARY ".example.com");
	at = memmem(b, n, CANARY, LEN);
	assert(at);
	cut = (size_t)(at - b) + 9;
	forge_tcp_send(m, &t, true, b, cut);
	forge_tcp_send(m, &t, true, b + cut, n - cut);
	n = forge_tls_server_hello(&m->seed, b);
	n += forge_tls_ccs(b + n);
	n += forge_tls_record(&m->seed, b + n, 900);
	forge_tcp_send(m, &t, false, b, n);
	n = forge_tls_ccs(b);
	n += forge_tls_record(&m->seed, b + n, 53);
	forge_tcp_send(m, &t, true, b, n);
	forge_tls_send(m, &t, true, 331);
	forge_tls_send(m, &t, false, 148);
}

/* segments to the internet, the last first */
static void reversed(struct forge_mesh *m, const char *text, size_t len,
		     size_t piece)
{
	struct forge_tcp t = {
		.client = VM_A, .server = PUBLIC, .cport = 54210, .sport = 80,
	};
	size_t at = len;

	forge_tcp_open(m, &t);
	while (at) {
		size_t n = at < piece ? at : piece;
		struct forge_tcp seg = t;

		at -= n;
		seg.cseq += (uint32_t)at;
		forge_tcp_segment(m, &seg, true, FORGE_ACK, text + at, n);
	}
}

static void tcp_two(struct forge_mesh *m)
{
	reversed(m, CANARY, LEN, 11);
}

static void tcp_bytes(struct forge_mesh *m)
{
	reversed(m, CANARY, LEN, 1);
}

static void tcp_almost(struct forge_mesh *m)
{
	reversed(m, ALMOST, LEN, 11);
}

/* a datagram to the internet in fragments, the last first; @from: those before
 * are lost
 */
static void fragments(struct forge_mesh *m, const char *text, size_t from)
{
	uint8_t b[64];
	size_t n, at;

	forge_start(&m->p, text, LEN);
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[PUBLIC].ip, FORGE_PROTO_UDP,
		   64);
	n = m->p.len - 20;
	memcpy(b, forge_bytes(&m->p) + 20, n);
	for (at = (n - 1) / 8 * 8 + 8; at > from;) {
		at -= 8;
		forge_start(&m->p, b + at, n - at < 8 ? n - at : 8);
		forge_ipv4_fragment(&m->p, m->host[VM_A].ip, m->host[PUBLIC].ip,
				    FORGE_PROTO_UDP, 64, 77, at, at + 8 < n);
		forge_mesh_emit(m, VM_A, PUBLIC, FORGE_ETH_IPV4);
	}
}

static void in_fragments(struct forge_mesh *m)
{
	fragments(m, CANARY, 0);
}

/* the UDP header never comes */
static void in_fragments_cut(struct forge_mesh *m)
{
	fragments(m, CANARY, 8);
}

static void in_fragments_almost(struct forge_mesh *m)
{
	fragments(m, ALMOST, 0);
}

static void everywhere(struct forge_mesh *m)
{
	in_dns(m);
	tcp_two(m);
	in_fragments(m);
	outside(m, "another-marker", 14);
}

#define SEEN(n, f)					\
	{ .name = n, .outcome = TRAP_VIOLATION,		\
	  .all = CODE(CANARY_SEEN), .after = f, DECLARED }

const struct trap traps_canary[] = {
	SEEN("canary in hex", form_hex),
	SEEN("canary in upper-case hex", form_hex_upper),
	SEEN("canary in base64, at its beginning", form_base64),
	SEEN("canary in base64, one byte in", form_base64_one),
	SEEN("canary in base64, two bytes in", form_base64_two),
	SEEN("canary percent-encoded", form_percent),
	SEEN("canary in UTF-16LE", form_utf16le),
	SEEN("canary in UTF-16BE", form_utf16be),
	{ .name = "canary in a query", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .after = form_query,
	  .options = { "--canary", "a/secret thing?" } },
	{ .name = "canary in a query, lower case", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .after = form_query_lower,
	  .options = { "--canary", "a/secret thing?" } },
	{ .name = "near misses of a canary in all forms", .outcome = TRAP_PASS,
	  .after = form_none, DECLARED },

	SEEN("canary in a DHCP option", in_dhcp),
	SEEN("canary in an mDNS question", in_mdns),
	SEEN("canary in an mDNS TXT record", in_mdns_txt),
	SEEN("canary in DNS to the gateway", in_dns),
	{ .name = "almost a canary in DNS", .outcome = TRAP_PASS,
	  .after = in_dns_almost, DECLARED },
	{ .name = "canary in an echo", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN) | CODE(PLAINTEXT), .after = in_echo,
	  DECLARED },
	{ .name = "canary in LLDP", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .any = CODE(PLAINTEXT), .after = in_lldp,
	  DECLARED },
	{ .name = "canary behind a VLAN tag", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .any = CODE(PLAINTEXT), .after = in_vlan,
	  DECLARED },
	{ .name = "canary in MAC addresses", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .any = CODE(PLAINTEXT) | CODE(UNEXPLAINED),
	  .after = in_mac, DECLARED },
	{ .name = "canary in a GSO frame", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .any = CODE(PLAINTEXT) | CODE(SPLICED),
	  .after = in_gso, DECLARED },
	{ .name = "canary across a message of a GSO frame",
	  .outcome = TRAP_VIOLATION, .all = CODE(CANARY_SEEN),
	  .any = CODE(PLAINTEXT) | CODE(SPLICED), .after = in_gso_cut,
	  DECLARED },
	{ .name = "almost a canary across a message of a GSO frame",
	  .outcome = TRAP_NO_VIOLATION, .none = CODE(CANARY_SEEN),
	  .after = in_gso_cut_almost, DECLARED },
	SEEN("canary in the SNI to the DERP server", in_sni),
	SEEN("canary in an SNI cut in two", in_sni_cut),

	SEEN("canary in two segments, reversed", tcp_two),
	SEEN("canary in segments of one byte, reversed", tcp_bytes),
	{ .name = "almost a canary in two segments", .outcome = TRAP_PASS,
	  .after = tcp_almost, DECLARED },
	SEEN("canary in fragments, reversed", in_fragments),
	{ .name = "canary in fragments of which the first is lost",
	  .outcome = TRAP_VIOLATION, .all = CODE(CANARY_SEEN),
	  .any = CODE(PLAINTEXT), .after = in_fragments_cut, DECLARED },
	{ .name = "almost a canary in fragments", .outcome = TRAP_PASS,
	  .after = in_fragments_almost, DECLARED },
	{ .name = "several canaries in several places",
	  .outcome = TRAP_VIOLATION, .all = CODE(CANARY_SEEN),
	  .after = everywhere,
	  .options = { "--canary", "another-marker", "--canary", CANARY,
		       "--canary", "never-there" } },
	{ .name = "canaries, none seen, two bridges", .outcome = TRAP_PASS,
	  .flags = TRAP_TWO, DECLARED },
	{ .name = "canary routed over two bridges", .outcome = TRAP_VIOLATION,
	  .flags = TRAP_TWO, .all = CODE(CANARY_SEEN) | CODE(PLAINTEXT),
	  .after = in_echo, DECLARED },
};
const size_t traps_canary_count = sizeof(traps_canary) / sizeof(traps_canary[0]);
