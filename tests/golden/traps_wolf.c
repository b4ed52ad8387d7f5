/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/golden/trap.h"

/* Healthy meshes in which something is out of order for a while: a server that
 * is away, a node that starts again, frames that overtake each other. What looks
 * the same and is not healthy stands beside each.
 */

#define TEXT	"GET /secret HTTP/1.1\r\nHost: vm-c\r\nX-Password: hunter2\r\n\r\n"

static const uint8_t group_mdns[4] = { 224, 0, 0, 251 };

/* a resolver that is no responder asks from any port (RFC 6762, section 5.1) */
static void mdns_one_shot(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 0x4711, 0, "vm-c.local", false);

	forge_mesh_group(m, VM_A, 40000, group_mdns, 5353, b, n);
}

static void mdns_answer_from_anywhere(struct forge_mesh *m)
{
	uint8_t b[256];
	size_t n = forge_dns(b, 0, 0x8400, "vm-c.local", true);

	forge_mesh_group(m, VM_A, 40000, group_mdns, 5353, b, n);
}

/* The gateway cannot deliver vm-a's packet, which lies in m->p from the
 * transport header on; it quotes @limit bytes of it.
 */
static void undeliverable(struct forge_mesh *m, enum forge_who to,
			  uint8_t protocol, size_t limit)
{
	uint8_t quote[548];
	size_t n;

	forge_ipv4(&m->p, m->host[VM_A].ip, m->host[to].ip, protocol, 63);
	n = m->p.len < limit ? m->p.len : limit;
	memcpy(quote, forge_bytes(&m->p), n);
	forge_start(&m->p, quote, n);
	forge_icmp(&m->p, 3, 1, 0);
	forge_mesh_ip(m, GATEWAY, VM_A, FORGE_PROTO_ICMP);
}

static void quoted_tcp(struct forge_mesh *m, uint16_t cport, const void *data,
		       size_t len, size_t limit)
{
	forge_start(&m->p, data, len);
	forge_tcp(&m->p, cport, 443, m->tls.cseq, m->tls.sseq,
		  len ? FORGE_ACK : FORGE_SYN);
	undeliverable(m, SERVER, FORGE_PROTO_TCP, limit);
}

static void quoted_record(struct forge_mesh *m)
{
	uint8_t b[900];

	quoted_tcp(m, m->tls.cport, b, forge_tls_record(&m->seed, b, 60), 548);
	quoted_tcp(m, m->tls.cport, b, forge_tls_record(&m->seed, b, 800), 548);
}

/* of a connection that began before the capture, by a router that quotes
 * eight bytes
 */
static void quoted_header(struct forge_mesh *m)
{
	quoted_tcp(m, 55555, NULL, 0, 548);
	quoted_tcp(m, 55556, NULL, 0, 28);
}

static void quoted_record_of_text(struct forge_mesh *m)
{
	quoted_tcp(m, m->tls.cport, TEXT, strlen(TEXT), 548);
}

static void quoted_initiation(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN];

	forge_wg_init(&m->seed, b, 0x01020304, m->host[VM_B].node_key);
	memset(b + FORGE_INIT_LEN - 16, 0, 16);
	forge_start(&m->p, b, sizeof(b));
	forge_udp(&m->p, m->host[VM_A].port, m->host[VM_B].port);
	undeliverable(m, VM_B, FORGE_PROTO_UDP, 548);
}

static void quoted_initiation_of_text(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN];

	forge_wg_init(&m->seed, b, 0x01020304, m->host[VM_B].node_key);
	memcpy(b + 8, TEXT, strlen(TEXT));
	memset(b + FORGE_INIT_LEN - 16, 0, 16);
	forge_start(&m->p, b, sizeof(b));
	forge_udp(&m->p, m->host[VM_A].port, m->host[VM_B].port);
	undeliverable(m, VM_B, FORGE_PROTO_UDP, 548);
}

static void quoted_echo(struct forge_mesh *m, const void *data, size_t len)
{
	forge_start(&m->p, data, len);
	forge_icmp(&m->p, 8, 0, 0x12340001);
	undeliverable(m, SERVER, FORGE_PROTO_ICMP, 548);
}

static void quoted_probe(struct forge_mesh *m) { quoted_echo(m, "999", 3); }
static void quoted_ping(struct forge_mesh *m)
{
	quoted_echo(m, TEXT, strlen(TEXT));
}

/* disco of a key that is not registered, from another port of vm-a */
static void disco_of_other_key(struct forge_mesh *m)
{
	uint8_t b[FORGE_PING_LEN], key[FORGE_KEY_LEN];
	uint64_t seed = 50123; /* the same key each time */

	forge_fill(&seed, key, sizeof(key));
	forge_disco(&m->seed, b, key, sizeof(b));
	forge_mesh_udp(m, VM_A, 50123, VM_C, m->host[VM_C].port, b, sizeof(b));
	forge_mesh_wait(m, 1000);
}

/* QEMU announces a guest that was restored */
static void rarp(struct forge_mesh *m, const char *address)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const uint8_t *mac = m->host[VM_A].mac;
	uint8_t b[46] = { 0, 1, 8, 0, 6, 4, 0, 3 };

	memcpy(b + 8, mac, 6);
	memcpy(b + 14, address, 4);
	memcpy(b + 18, mac, 6);
	forge_start(&m->p, b, sizeof(b));
	forge_ethernet(&m->p, mac, broadcast, 0x8035);
	forge_add(&m->bridge[0], &m->p);
}

static void rarp_announcement(struct forge_mesh *m) { rarp(m, "\0\0\0"); }
static void rarp_of_text(struct forge_mesh *m) { rarp(m, "pass"); }

static void tls_late(struct forge_mesh *m, struct forge_tcp *t)
{
	forge_tls_open(m, t, "server.example");
	for (unsigned int i = 0; i < 6; i++)
		forge_tls_send(m, t, i % 2, 200);
}

/* Capture begins with a connection whose first segments overtake each other. */
static void tls_overtaken(struct forge_mesh *m)
{
	struct forge_tcp t = {
		.client = VM_A, .server = SERVER, .cport = 40405, .sport = 443,
	};
	struct forge *f = &m->bridge[0];
	size_t first = f->n;
	struct forge_frame swap;

	tls_late(m, &t);
	/* the three frames that open the connection were not captured */
	forge_drop(f, first, 3);
	swap = f->frames[first];
	f->frames[first] = f->frames[first + 4];
	f->frames[first + 4] = swap;
}

const struct trap traps_wolf[] = {
	{ .name = "mDNS question from any port", .outcome = TRAP_PASS,
	  .after = mdns_one_shot },
	{ .name = "mDNS answer from any port", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = mdns_answer_from_anywhere },

	{ .name = "RARP of a restored guest", .outcome = TRAP_PASS,
	  .after = rarp_announcement },
	{ .name = "RARP with an address", .outcome = TRAP_NOT_PASS,
	  .after = rarp_of_text },

	{ .name = "unreachable server, TLS quoted", .outcome = TRAP_PASS,
	  .after = quoted_record },
	{ .name = "unreachable server, header quoted", .outcome = TRAP_PASS,
	  .after = quoted_header },
	{ .name = "unreachable server, text quoted", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = quoted_record_of_text },
	{ .name = "unreachable host, initiation quoted", .outcome = TRAP_PASS,
	  .after = quoted_initiation },
	{ .name = "unreachable host, initiation of text quoted",
	  .outcome = TRAP_VIOLATION, .all = CODE(PLAINTEXT),
	  .after = quoted_initiation_of_text },
	{ .name = "unreachable server, tailscaled's echo quoted",
	  .outcome = TRAP_PASS, .after = quoted_probe },
	{ .name = "unreachable server, another echo quoted",
	  .outcome = TRAP_VIOLATION, .all = CODE(PLAINTEXT),
	  .after = quoted_ping },

	{ .name = "restarted on another port, registry of later",
	  .outcome = TRAP_PASS, .flags = TRAP_REGISTRY,
	  .before = disco_of_other_key },
	{ .name = "restarted on another port, registry of before",
	  .outcome = TRAP_PASS, .flags = TRAP_REGISTRY,
	  .after = disco_of_other_key },
	{ .name = "two disco keys at one address at once",
	  .outcome = TRAP_VIOLATION, .flags = TRAP_REGISTRY,
	  .all = CODE(UNREGISTERED_PEER), .before = disco_of_other_key,
	  .after = disco_of_other_key },

	{ .name = "late connection, segments overtaken",
	  .outcome = TRAP_INCONCLUSIVE, .all = CODE(LATE_START),
	  .after = tls_overtaken },
};
const size_t traps_wolf_count = sizeof(traps_wolf) / sizeof(traps_wolf[0]);
