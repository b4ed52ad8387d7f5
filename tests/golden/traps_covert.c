/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden/trap.h"

/* Bytes in the clear where a protocol of the mesh has room for them, and what
 * looks like that and is fine.
 */

#define SPLICE		(CODE(PLAINTEXT) | CODE(SPLICED))
#define READABLE	(CODE(PLAINTEXT) | CODE(UNEXPLAINED))
#define FOREIGN		(READABLE | CODE(SPLICED))
#define WEAK		(CODE(WEAK_EVIDENCE) | CODE(LATE_START))
#define TEXT	"GET /secret HTTP/1.1\r\nHost: vm-c\r\nX-Password: hunter2\r\n\r\n"

static void text_fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)TEXT[i % strlen(TEXT)];
}

/* bodies of WireGuard messages */
static void send_body(struct forge_mesh *m, const uint8_t *body, size_t len)
{
	struct forge_session *s = &m->session[AC];
	uint8_t b[1312];

	assert(len + 16 <= sizeof(b));
	forge_wg_data(&m->seed, b, s->index[1], s->counter[0]++, len + 16);
	memcpy(b + 16, body, len);
	forge_mesh_magic(m, VM_A, VM_C, b, len + 16);
}

static void body_utf16(struct forge_mesh *m)
{
	uint8_t body[512] = { 0 };

	for (size_t i = 0; i < sizeof(body); i += 2)
		body[i] = (uint8_t)TEXT[i / 2 % strlen(TEXT)];
	send_body(m, body, sizeof(body));
}

static void body_cyrillic(struct forge_mesh *m)
{
	uint8_t body[512];

	for (size_t i = 0; i < sizeof(body); i += 2) {
		body[i] = 0xd0;
		body[i + 1] = (uint8_t)(0xb0 + forge_random(&m->seed) % 16);
	}
	send_body(m, body, sizeof(body));
}

/* twelve letters, four random bytes, and so on: no run of text is long */
static void body_scraps(struct forge_mesh *m)
{
	uint8_t body[1280];

	text_fill(body, sizeof(body));
	for (size_t i = 12; i < sizeof(body); i += 16)
		forge_fill(&m->seed, body + i, 4);
	send_body(m, body, sizeof(body));
}

/* an IPv4 header and ports in the clear, the rest random */
static void body_inner_header(struct forge_mesh *m)
{
	uint8_t body[256];

	forge_fill(&m->seed, body, sizeof(body));
	forge_start(&m->p, NULL, 0);
	forge_udp(&m->p, 53, 53);
	forge_ipv4(&m->p, (const uint8_t[4]){ 100, 64, 0, 1 },
		   (const uint8_t[4]){ 100, 64, 0, 2 }, FORGE_PROTO_UDP, 64);
	memcpy(body, forge_bytes(&m->p), 28);
	send_body(m, body, sizeof(body));
}

/* each message has eight letters in front, which alone is chance */
static void body_thin_text(struct forge_mesh *m)
{
	uint8_t body[32];

	for (unsigned int i = 0; i < 2000; i++) {
		forge_fill(&m->seed, body, sizeof(body));
		for (unsigned int k = 0; k < 8; k++)
			body[k] = (uint8_t)TEXT[(8 * i + k) % strlen(TEXT)];
		send_body(m, body, sizeof(body));
	}
}

/* WireGuard and disco that nothing explains */
static void cookies_unasked(struct forge_mesh *m)
{
	uint8_t b[FORGE_COOKIE_LEN];

	for (unsigned int i = 0; i < 3; i++) {
		forge_wg_cookie(&m->seed, b, (uint32_t)forge_random(&m->seed));
		forge_mesh_magic(m, VM_D, VM_C, b, sizeof(b));
	}
}

static void initiations_unanswered(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN];

	for (unsigned int i = 0; i < 3; i++) {
		forge_wg_init(&m->seed, b, (uint32_t)forge_random(&m->seed),
			      m->host[VM_C].node_key);
		forge_mesh_magic(m, VM_D, VM_C, b, sizeof(b));
	}
}

static void cookie_asked(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN];

	forge_wg_init(&m->seed, b, 0x51525354, m->host[VM_C].node_key);
	forge_mesh_magic(m, VM_A, VM_C, b, FORGE_INIT_LEN);
	forge_wg_cookie(&m->seed, b, 0x51525354);
	forge_mesh_magic(m, VM_C, VM_A, b, FORGE_COOKIE_LEN);
}

static void disco_odd_length(struct forge_mesh *m)
{
	uint8_t b[333];

	forge_disco(&m->seed, b, m->host[VM_A].disco_key, sizeof(b));
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
}

/* probes of the path's MTU: IP packets of these sizes */
static void disco_mtu_probes(struct forge_mesh *m)
{
	static const size_t sizes[] = { 1280, 1360, 1400, 1500, 8000, 9000 };
	uint8_t *b = malloc(9000);

	for (unsigned int i = 0; i < 6; i++) {
		forge_disco(&m->seed, b, m->host[VM_A].disco_key, sizes[i] - 28);
		forge_mesh_magic(m, VM_A, VM_C, b, sizes[i] - 28);
	}
	free(b);
}

static void relay_unbound(struct forge_mesh *m)
{
	uint8_t b[256];

	for (uint64_t i = 1000; i < 1004; i++) {
		forge_wg_data(&m->seed, b, 0x61626364, i, sizeof(b));
		forge_start(&m->p, b, sizeof(b));
		forge_geneve(&m->p, false, 0x7a12, 0x040506);
		forge_udp(&m->p, m->host[VM_A].port, 7777);
		forge_mesh_ip(m, VM_A, VM_D, FORGE_PROTO_UDP);
	}
}

/* bytes between and behind headers */
static void behind_data(struct forge_mesh *m, const void *data, size_t len)
{
	struct forge *f = &m->bridge[0];
	struct forge_frame *fr;

	forge_mesh_data(m, AC, 0, 128);
	fr = &f->frames[f->n - 1];
	forge_start(&m->p, fr->data, fr->caplen);
	forge_append(&m->p, data, len);
	forge_drop(f, f->n - 1, 1);
	forge_add(f, &m->p);
}

static void four_letters_behind(struct forge_mesh *m)
{
	behind_data(m, "pass", 4);
}

static uint32_t crc32_ieee(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (unsigned int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void checksum_behind(struct forge_mesh *m)
{
	struct forge *f = &m->bridge[0];
	struct forge_frame *fr;

	behind_data(m, "\0\0\0\0", 4);
	fr = &f->frames[f->n - 1];
	forge_put32le(fr->data + fr->caplen - 4,
		      crc32_ieee(fr->data, fr->caplen - 4));
}

static void text_in_ip_options(struct forge_mesh *m)
{
	uint8_t b[128];

	forge_wg_data(&m->seed, b, m->session[AC].index[1],
		      m->session[AC].counter[0]++, sizeof(b));
	forge_start(&m->p, b, sizeof(b));
	forge_udp(&m->p, m->host[VM_A].port, m->host[VM_C].port);
	forge_ipv4_options(&m->p, m->host[VM_A].ip, m->host[VM_C].ip,
			   FORGE_PROTO_UDP, 64,
			   (const uint8_t *)"\x88\x20the password is hunter2, fox.",
			   32);
	forge_mesh_emit(m, VM_A, VM_C, FORGE_ETH_IPV4);
}

/* an option of 40 bytes, kind 254, in a segment of the control connection */
static void text_in_tcp_options(struct forge_mesh *m)
{
	uint8_t *h;

	forge_start(&m->p, "\xfe\x28the password of the lazy dog: hunter2", 40);
	forge_tcp(&m->p, m->tls.cport, m->tls.sport, m->tls.cseq, m->tls.sseq,
		  FORGE_ACK);
	h = forge_bytes(&m->p);
	h[12] = 15 << 4;
	forge_mesh_ip(m, VM_A, SERVER, FORGE_PROTO_TCP);
}

/* housekeeping whose body is text */
static void bpdu_of_text(struct forge_mesh *m)
{
	static const uint8_t mac[6] = { 0x01, 0x80, 0xc2, 0, 0, 0 };
	static const char body[] = "\x42\x42\x03\0\0\0\0" TEXT;

	forge_start(&m->p, body, sizeof(body) - 1);
	forge_ethernet(&m->p, m->host[VM_A].mac, mac, (uint16_t)m->p.len);
	forge_add(&m->bridge[0], &m->p);
}

static void mld_of_text(struct forge_mesh *m)
{
	static const uint8_t dst[16] = { 0xff, 2, [15] = 0x16 };
	static const uint8_t mac[6] = { 0x33, 0x33, 0, 0, 0, 0x16 };

	forge_start(&m->p, TEXT TEXT, 2 * strlen(TEXT) / 4 * 4);
	forge_icmpv6(&m->p, 143, 0, 1);
	forge_mesh_ip6(m, VM_A, dst, mac, FORGE_PROTO_ICMPV6, 1);
}

static void igmp_of_text(struct forge_mesh *m)
{
	static const uint8_t dst[4] = { 224, 0, 0, 22 };
	static const uint8_t mac[6] = { 0x01, 0, 0x5e, 0, 0, 0x16 };

	forge_start(&m->p, "\x22\0\0\0\0\0\0\1" TEXT, 8 + strlen(TEXT) / 4 * 4);
	forge_ipv4(&m->p, m->host[VM_A].ip, dst, FORGE_PROTO_IGMP, 1);
	forge_ethernet(&m->p, m->host[VM_A].mac, mac, FORGE_ETH_IPV4);
	forge_add(&m->bridge[0], &m->p);
}

/* ICMP errors. The quote is of vm-a's packet to @to. */
static void unreachable(struct forge_mesh *m, enum forge_who from,
			enum forge_who to, uint8_t code, const char *behind)
{
	uint8_t b[256], quote[28 + sizeof(b)];

	forge_wg_data(&m->seed, b, m->session[to == VM_B ? AB : AC].index[1],
		      m->session[to == VM_B ? AB : AC].counter[0]++, sizeof(b));
	forge_mesh_magic(m, VM_A, to, b, sizeof(b));
	forge_start(&m->p, b, sizeof(b));
	forge_udp(&m->p, m->host[VM_A].port, m->host[to].port);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[to].ip, FORGE_PROTO_UDP, 63);
	memcpy(quote, forge_bytes(&m->p), sizeof(quote));
	forge_start(&m->p, quote, sizeof(quote));
	forge_append(&m->p, behind, strlen(behind));
	forge_icmp(&m->p, 3, code, code == 4 ? 1280 : 0);
	forge_mesh_ip(m, from, VM_A, FORGE_PROTO_ICMP);
}

static void frag_needed(struct forge_mesh *m)
{
	unreachable(m, GATEWAY, VM_B, 4, "");
}

static void text_behind_the_quote(struct forge_mesh *m)
{
	unreachable(m, VM_C, VM_C, 3, TEXT);
}

/* who gets the frame is not who the IP header names */
static void text_by_mac(struct forge_mesh *m, enum forge_who to,
			const uint8_t mac[6])
{
	forge_start(&m->p, TEXT, strlen(TEXT));
	forge_udp(&m->p, 50000, 9999);
	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[to].ip, FORGE_PROTO_UDP, 64);
	forge_ethernet(&m->p, m->host[VM_A].mac, mac, FORGE_ETH_IPV4);
	forge_add(&m->bridge[0], &m->p);
}

static void through_a_host(struct forge_mesh *m)
{
	text_by_mac(m, PUBLIC, m->host[VM_C].mac);
}

static void through_the_gateway(struct forge_mesh *m)
{
	text_by_mac(m, PUBLIC, m->host[GATEWAY].mac);
}

static void to_a_neighbour_through_the_gateway(struct forge_mesh *m)
{
	text_by_mac(m, VM_C, m->host[GATEWAY].mac);
}

static void through_all_hosts(struct forge_mesh *m)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };

	text_by_mac(m, PUBLIC, all);
}

/* the gateway over IPv6: it says who it is, then answers an echo */
static void ip6_gateway(struct forge_mesh *m)
{
	const struct forge_host *a = &m->host[VM_A], *gw = &m->host[GATEWAY];
	uint8_t body[24] = { 0 };

	memcpy(body, gw->ip6, 16);
	memcpy(body + 16, "\2\1", 2);
	memcpy(body + 18, gw->mac, 6);
	forge_start(&m->p, body, sizeof(body));
	forge_icmpv6(&m->p, 136, 0, 0xe0000000);
	forge_mesh_ip6(m, GATEWAY, a->ip6, a->mac, FORGE_PROTO_ICMPV6, 255);
	for (unsigned int i = 0; i < 2; i++) {
		forge_start(&m->p, "abcdefghijklmnopqrstuvwabcdefghi", 32);
		forge_icmpv6(&m->p, (uint8_t)(128 + i), 0, 0x00010001);
		forge_mesh_ip6(m, i ? GATEWAY : VM_A, i ? a->ip6 : gw->ip6,
			       i ? a->mac : gw->mac, FORGE_PROTO_ICMPV6, 64);
	}
}

const struct trap traps_covert[] = {
	{ .name = "body of UTF-16", .outcome = TRAP_VIOLATION, .any = SPLICE,
	  .after = body_utf16 },
	{ .name = "body of Cyrillic", .outcome = TRAP_VIOLATION, .any = SPLICE,
	  .after = body_cyrillic },
	{ .name = "body of scraps of text", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = body_scraps },
	{ .name = "body with overlay addresses in the clear",
	  .outcome = TRAP_NO_VIOLATION, .after = body_inner_header },
	{ .name = "bodies with a little text each", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = body_thin_text },

	{ .name = "cookies that nobody asked for", .outcome = TRAP_NOT_PASS,
	  .after = cookies_unasked },
	{ .name = "a cookie that was asked for", .outcome = TRAP_PASS,
	  .after = cookie_asked },
	{ .name = "initiations that nobody answers",
	  .outcome = TRAP_INCONCLUSIVE, .any = WEAK,
	  .after = initiations_unanswered },
	{ .name = "disco of a length that no message has",
	  .outcome = TRAP_NOT_PASS, .after = disco_odd_length },
	{ .name = "disco probes of the MTU", .outcome = TRAP_PASS,
	  .after = disco_mtu_probes },
	{ .name = "peer relay that nobody bound", .outcome = TRAP_NOT_PASS,
	  .after = relay_unbound },

	{ .name = "four letters behind the IP packet", .outcome = TRAP_NOT_PASS,
	  .after = four_letters_behind },
	{ .name = "frame check sequence behind the IP packet",
	  .outcome = TRAP_PASS, .after = checksum_behind },
	{ .name = "text in IP options", .outcome = TRAP_NOT_PASS,
	  .after = text_in_ip_options },
	{ .name = "text in TCP options", .outcome = TRAP_NOT_PASS,
	  .after = text_in_tcp_options },

	{ .name = "STP frame with text", .outcome = TRAP_NOT_PASS,
	  .after = bpdu_of_text },
	{ .name = "MLD report with text", .outcome = TRAP_NOT_PASS,
	  .after = mld_of_text },
	{ .name = "IGMP report with text", .outcome = TRAP_NOT_PASS,
	  .after = igmp_of_text },

	{ .name = "fragmentation needed, quotes WireGuard",
	  .outcome = TRAP_PASS, .after = frag_needed },
	{ .name = "unreachable, text behind the quote",
	  .outcome = TRAP_VIOLATION, .any = FOREIGN,
	  .after = text_behind_the_quote },

	{ .name = "a public address at a host's MAC", .outcome = TRAP_NOT_PASS,
	  .after = through_a_host },
	{ .name = "a public address at the gateway's MAC",
	  .outcome = TRAP_PASS, .after = through_the_gateway },
	{ .name = "a public address at all hosts' MAC",
	  .outcome = TRAP_NOT_PASS, .after = through_all_hosts },
	{ .name = "a host's address at the gateway's MAC",
	  .outcome = TRAP_VIOLATION, .all = CODE(PLAINTEXT),
	  .after = to_a_neighbour_through_the_gateway },
	{ .name = "the gateway over IPv6", .outcome = TRAP_PASS,
	  .after = ip6_gateway },
};
const size_t traps_covert_count = sizeof(traps_covert) / sizeof(traps_covert[0]);
