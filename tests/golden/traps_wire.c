/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/trap.h"

/* WireGuard, disco, STUN and the peer relay. */

#define STRIDE	1312
#define SPLICE	(CODE(PLAINTEXT) | CODE(SPLICED))
#define FOREIGN	(SPLICE | CODE(UNEXPLAINED))
#define WEAK	(CODE(WEAK_EVIDENCE) | CODE(LATE_START))

static const char secret[] =
	"the quick brown fox has the password of the lazy dog and it is hunter2, ";

/* fill with text, over and over */
static void text_fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)secret[i % (sizeof(secret) - 1)];
}

static void header_and_text(struct forge_mesh *m)
{
	static const char msg[] =
		"\4\0\0\0password=hunter2 user=alice secret plaintext";

	forge_mesh_udp(m, VM_A, 50000, VM_C, 9999, msg, sizeof(msg) - 1);
}

static void header_and_random(struct forge_mesh *m)
{
	uint8_t b[64];

	forge_wg_data(&m->seed, b, (uint32_t)forge_random(&m->seed),
		      forge_random(&m->seed), sizeof(b));
	forge_mesh_udp(m, VM_A, 50000, VM_C, 9999, b, sizeof(b));
}

static void init_of_text_0101(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN];

	text_fill(b, sizeof(b));
	b[0] = b[1] = 1;
	forge_mesh_udp(m, VM_A, 50000, VM_C, 9999, b, sizeof(b));
}

static void send_with_text_body(struct forge_mesh *m, uint8_t type, size_t len,
				size_t body)
{
	uint8_t b[FORGE_INIT_LEN] = { type };

	forge_put32le(b + 4, m->session[AC].index[0]);
	forge_put32le(b + 8, m->session[AC].index[1]);
	text_fill(b + body, len - body);
	forge_mesh_magic(m, VM_A, VM_C, b, len);
}

static void init_of_text(struct forge_mesh *m)
{
	send_with_text_body(m, 1, FORGE_INIT_LEN, 8);
}

static void response_of_text(struct forge_mesh *m)
{
	send_with_text_body(m, 2, FORGE_RESPONSE_LEN, 12);
}

static void cookie_of_text(struct forge_mesh *m)
{
	send_with_text_body(m, 3, FORGE_COOKIE_LEN, 8);
}

static void init_of_zeros(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN] = { 1 };

	forge_put32le(b + 4, 0x1badcafe);
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
}

static void text_on_the_port(struct forge_mesh *m)
{
	static const char http[] = "GET /secret HTTP/1.1\r\nHost: vm-c\r\n\r\n";

	forge_mesh_magic(m, VM_A, VM_C, http, sizeof(http) - 1);
	forge_mesh_data(m, AC, 0, 128);
}

static void byte_on_the_port(struct forge_mesh *m)
{
	forge_mesh_magic(m, VM_A, VM_C, "\0", 1);
}

/* a GSO frame of ten messages, changed by @change */
static void gso_changed(struct forge_mesh *m,
			size_t (*change)(struct forge_mesh *m, uint8_t *b,
					 size_t n))
{
	uint8_t *b = malloc(FORGE_ROOM);
	size_t n = forge_mesh_gso_build(m, AC, 0, 10, 736, b);

	n = change(m, b, n);
	forge_mesh_magic(m, VM_A, VM_C, b, n);
	free(b);
}

static size_t overwrite(struct forge_mesh *m, uint8_t *b, size_t n)
{
	(void)m;
	text_fill(b + 5 * STRIDE + 400, 48);
	return n;
}

static size_t replace(struct forge_mesh *m, uint8_t *b, size_t n)
{
	(void)m;
	text_fill(b + 5 * STRIDE, STRIDE);
	return n;
}

static size_t replace_last(struct forge_mesh *m, uint8_t *b, size_t n)
{
	(void)m;
	text_fill(b + 9 * STRIDE, n - 9 * STRIDE);
	return n;
}

static size_t insert_text(struct forge_mesh *m, uint8_t *b, size_t n)
{
	(void)m;
	memmove(b + 5 * STRIDE + 63, b + 5 * STRIDE, n - 5 * STRIDE);
	text_fill(b + 5 * STRIDE, 63);
	return n + 63;
}

static size_t insert_random(struct forge_mesh *m, uint8_t *b, size_t n)
{
	memmove(b + 5 * STRIDE + 200, b + 5 * STRIDE, n - 5 * STRIDE);
	forge_fill(&m->seed, b + 5 * STRIDE, 200);
	return n + 200;
}

static size_t replace_random(struct forge_mesh *m, uint8_t *b, size_t n)
{
	forge_fill(&m->seed, b + 5 * STRIDE, STRIDE);
	return n;
}

static size_t append_text(struct forge_mesh *m, uint8_t *b, size_t n)
{
	(void)m;
	text_fill(b + n, 40);
	return n + 40;
}

static size_t unchanged(struct forge_mesh *m, uint8_t *b, size_t n)
{
	(void)m;
	(void)b;
	return n;
}

static void gso_overwritten(struct forge_mesh *m) { gso_changed(m, overwrite); }
static void gso_replaced(struct forge_mesh *m) { gso_changed(m, replace); }
static void gso_last_replaced(struct forge_mesh *m) { gso_changed(m, replace_last); }
static void gso_inserted(struct forge_mesh *m) { gso_changed(m, insert_text); }
static void gso_random_inserted(struct forge_mesh *m) { gso_changed(m, insert_random); }
static void gso_random_replaced(struct forge_mesh *m) { gso_changed(m, replace_random); }
static void gso_appended(struct forge_mesh *m) { gso_changed(m, append_text); }
static void gso_unchanged(struct forge_mesh *m) { gso_changed(m, unchanged); }

static void gso_long(struct forge_mesh *m)
{
	forge_mesh_gso(m, AC, 0, 48, STRIDE);
	forge_mesh_gso(m, AC, 1, 2, 32);
}

/* the next message of vm-a to vm-c, with another body */
static void send_body(struct forge_mesh *m, const uint8_t *body, size_t len)
{
	struct forge_session *s = &m->session[AC];
	uint8_t b[2048];

	forge_wg_data(&m->seed, b, s->index[1], s->counter[0]++, len + 16);
	memcpy(b + 16, body, len);
	forge_mesh_magic(m, VM_A, VM_C, b, len + 16);
}

static void body_zeros(struct forge_mesh *m)
{
	static const uint8_t body[512];

	send_body(m, body, sizeof(body));
}

static void body_block(struct forge_mesh *m)
{
	uint8_t body[512];

	forge_fill(&m->seed, body, 16);
	for (size_t i = 16; i < sizeof(body); i++)
		body[i] = body[i - 16];
	send_body(m, body, sizeof(body));
}

static void body_ramp(struct forge_mesh *m)
{
	uint8_t body[512];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)i;
	send_body(m, body, sizeof(body));
}

static void body_base64(struct forge_mesh *m)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t body[512];

	forge_fill(&m->seed, body, sizeof(body));
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)digits[body[i] % 64];
	send_body(m, body, sizeof(body));
}

static void body_text_keepalive(struct forge_mesh *m)
{
	send_body(m, (const uint8_t *)"password hunter2", 16);
}

static void body_zero_keepalive(struct forge_mesh *m)
{
	static const uint8_t body[16];

	send_body(m, body, sizeof(body));
}

/* an IP packet that was not encrypted: header, ports, then random bytes */
static void body_inner_packet(struct forge_mesh *m)
{
	uint8_t body[512] = { 0 };

	text_fill(body, 80);
	forge_fill(&m->seed, body + 80, sizeof(body) - 80);
	send_body(m, body, sizeof(body));
}

static void reuse(struct forge_mesh *m, uint64_t back)
{
	uint8_t b[128];

	forge_wg_data(&m->seed, b, m->session[AC].index[1],
		      m->session[AC].counter[0] - back, sizeof(b));
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
}

static void counter_reused(struct forge_mesh *m)
{
	reuse(m, 3);
}

static void counter_reused_at_once(struct forge_mesh *m)
{
	reuse(m, 1);
}

static void counter_back_10000(struct forge_mesh *m)
{
	for (unsigned int i = 0; i < 10100; i++)
		forge_mesh_data(m, AC, 0, 32);
	reuse(m, 10000);
}

static void counters_run(struct forge_mesh *m)
{
	for (unsigned int i = 0; i < 10100; i++)
		forge_mesh_data(m, AC, 0, 32);
}

static void same_message_twice(struct forge_mesh *m)
{
	uint8_t b[128];

	forge_wg_data(&m->seed, b, m->session[AC].index[1],
		      m->session[AC].counter[0]++, sizeof(b));
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
}

static void reordered(struct forge_mesh *m)
{
	uint64_t *c = &m->session[AC].counter[0], first = *c;
	static const unsigned int order[] = { 1, 0, 6, 2, 4, 3, 5, 7 };

	for (unsigned int i = 0; i < 8; i++) {
		*c = first + order[i];
		forge_mesh_data(m, AC, 0, 128);
	}
	*c = first + 8;
}

/* vm-a's message as it is on virbr-a, and another on virbr-b, with one counter */
static void reused_across(struct forge_mesh *m)
{
	struct forge *b = &m->bridge[1];
	uint8_t *body;

	forge_mesh_data(m, AB, 0, 256);
	body = b->frames[b->n - 1].data + 14 + 20 + 8 + 16;
	forge_fill(&m->seed, body, 240);
	/* no UDP checksum, as tunnels do */
	body[-18] = body[-17] = 0;
}

static void initiation_and_response_apart(struct forge_mesh *m)
{
	forge_mesh_handshake(m, AB);
	forge_drop(&m->bridge[0], m->bridge[0].n - 1, 1);
	forge_drop(&m->bridge[1], m->bridge[1].n - 2, 1);
	forge_mesh_talk(m, AB);
}

static void old_session(struct forge_mesh *m)
{
	forge_mesh_wait(m, 200000);
	forge_mesh_data(m, AC, 0, 128);
}

static void session_of_170_s(struct forge_mesh *m)
{
	forge_mesh_wait(m, 170000);
	forge_mesh_data(m, AC, 0, 128);
}

static void rekeyed(struct forge_mesh *m)
{
	struct forge_session *s = &m->session[AC];

	forge_mesh_wait(m, 120000);
	for (unsigned int i = 0; i < 2; i++) {
		s->index[i] = (uint32_t)forge_random(&m->seed);
		s->counter[i] = 0;
	}
	forge_mesh_handshake(m, AC);
	forge_mesh_talk(m, AC);
	forge_mesh_wait(m, 100000);
	forge_mesh_talk(m, AC);
}

static void odd_length(struct forge_mesh *m)
{
	forge_mesh_data(m, AC, 0, 139);
}

static void unknown_index(struct forge_mesh *m)
{
	m->session[AC].index[1] ^= 0x5a5a5a5a;
	m->session[AC].counter[0] = 0x123456789abc;
	forge_mesh_data(m, AC, 0, 128);
}

/* sessions whose handshakes went through DERP, seen from counter @first on */
static void start_at(struct forge_mesh *m, uint64_t first)
{
	forge_mesh_infrastructure(m);
	for (unsigned int i = 0; i < FORGE_SESSIONS; i++) {
		forge_mesh_disco(m, i);
		m->session[i].counter[0] = first;
		m->session[i].counter[1] = first;
		forge_mesh_talk(m, i);
	}
}

static void start_at_1(struct forge_mesh *m) { start_at(m, 1); }
static void start_at_8(struct forge_mesh *m) { start_at(m, 8); }
static void start_at_9(struct forge_mesh *m) { start_at(m, 9); }
static void start_at_500(struct forge_mesh *m) { start_at(m, 500); }

/* disco is heard from one side only: what binds a session needs both */
static void disco_one_way_only(struct forge_mesh *m)
{
	uint8_t b[FORGE_PING_LEN];

	forge_disco(&m->seed, b, m->host[VM_A].disco_key, sizeof(b));
	for (unsigned int i = 0; i < 3; i++)
		forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
	forge_mesh_talk(m, AC);
}

/* pings that a firewall eats, beside a healthy mesh */
static void disco_unanswered(struct forge_mesh *m)
{
	uint8_t b[FORGE_PING_LEN];

	for (unsigned int i = 0; i < 3; i++) {
		forge_disco(&m->seed, b, m->host[VM_D].disco_key, sizeof(b));
		forge_mesh_magic(m, VM_D, VM_C, b, sizeof(b));
	}
}

static void disco_of_text(struct forge_mesh *m)
{
	uint8_t b[FORGE_PING_LEN];

	forge_disco(&m->seed, b, m->host[VM_A].disco_key, sizeof(b));
	text_fill(b + 62, sizeof(b) - 62);
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
}

static void disco_and_text(struct forge_mesh *m)
{
	uint8_t b[FORGE_PING_LEN + 100];

	forge_disco(&m->seed, b, m->host[VM_A].disco_key, FORGE_PING_LEN);
	text_fill(b + FORGE_PING_LEN, 100);
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
}

static void disco_short(struct forge_mesh *m)
{
	uint8_t b[FORGE_PING_LEN];

	forge_disco(&m->seed, b, m->host[VM_A].disco_key, sizeof(b));
	forge_mesh_magic(m, VM_A, VM_C, b, 60);
}

static void stun_between_hosts(struct forge_mesh *m)
{
	uint8_t request[40], response[32];

	forge_stun_request(&m->seed, request);
	forge_mesh_magic(m, VM_A, VM_C, request, sizeof(request));
	forge_stun_response(request, response, m->host[VM_A].ip, 41641);
	forge_mesh_magic(m, VM_C, VM_A, response, sizeof(response));
}

/* 22 bytes of software name are a name; 200 are a message */
static void stun_of_text(struct forge_mesh *m, enum forge_who to, uint16_t port)
{
	uint8_t b[20 + 4 + 200];

	forge_stun_request(&m->seed, b);
	forge_put16(b + 2, sizeof(b) - 20);
	forge_put32(b + 20, 0x802200c8);
	text_fill(b + 24, 200);
	forge_mesh_udp(m, VM_A, m->host[VM_A].port, to, port, b, sizeof(b));
}

static void stun_of_text_to_server(struct forge_mesh *m)
{
	stun_of_text(m, SERVER, 3478);
}

static void stun_of_text_to_host(struct forge_mesh *m)
{
	stun_of_text(m, VM_C, m->host[VM_C].port);
}

/* vm-a and vm-c through the peer relay on vm-d, port 7777 */
static void relay_send(struct forge_mesh *m, enum forge_who from,
		       enum forge_who to, bool control, uint16_t protocol,
		       const uint8_t *msg, size_t len)
{
	forge_start(&m->p, msg, len);
	forge_geneve(&m->p, control, protocol, 0x010203);
	forge_udp(&m->p, from == VM_D ? 7777 : m->host[from].port,
		  to == VM_D ? 7777 : m->host[to].port);
	forge_mesh_ip(m, from, to, FORGE_PROTO_UDP);
}

static void relay_forward(struct forge_mesh *m, enum forge_who from,
			  enum forge_who to, uint16_t protocol,
			  const uint8_t *msg, size_t len)
{
	relay_send(m, from, VM_D, false, protocol, msg, len);
	relay_send(m, VM_D, to, false, protocol, msg, len);
}

static void relay_bind(struct forge_mesh *m, enum forge_who who)
{
	uint8_t b[152];

	for (unsigned int i = 0; i < 3; i++) {
		bool reply = i == 1;

		forge_disco(&m->seed, b, m->host[reply ? VM_D : who].disco_key,
			    sizeof(b));
		relay_send(m, reply ? VM_D : who, reply ? who : VM_D, true,
			   0x7a11, b, sizeof(b));
	}
}

static void relay_open(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN];

	relay_bind(m, VM_A);
	relay_bind(m, VM_C);
	forge_disco(&m->seed, b, m->host[VM_A].disco_key, FORGE_PING_LEN);
	relay_forward(m, VM_A, VM_C, 0x7a11, b, FORGE_PING_LEN);
	forge_disco(&m->seed, b, m->host[VM_C].disco_key, FORGE_PONG_LEN);
	relay_forward(m, VM_C, VM_A, 0x7a11, b, FORGE_PONG_LEN);
	forge_wg_init(&m->seed, b, 0x0a0b0c0d, m->host[VM_C].node_key);
	relay_forward(m, VM_A, VM_C, 0x7a12, b, FORGE_INIT_LEN);
	forge_wg_response(&m->seed, b, 0x1a1b1c1d, 0x0a0b0c0d,
			  m->host[VM_A].node_key);
	relay_forward(m, VM_C, VM_A, 0x7a12, b, FORGE_RESPONSE_LEN);
}

static void relayed(struct forge_mesh *m)
{
	uint8_t b[256];

	relay_open(m);
	for (uint64_t i = 0; i < 5; i++) {
		forge_wg_data(&m->seed, b, 0x1a1b1c1d, i, sizeof(b));
		relay_forward(m, VM_A, VM_C, 0x7a12, b, sizeof(b));
		forge_wg_data(&m->seed, b, 0x0a0b0c0d, i, sizeof(b));
		relay_forward(m, VM_C, VM_A, 0x7a12, b, sizeof(b));
	}
}

static void relayed_text(struct forge_mesh *m)
{
	uint8_t b[256];

	relay_open(m);
	forge_wg_data(&m->seed, b, 0x1a1b1c1d, 0, sizeof(b));
	text_fill(b + 16, sizeof(b) - 16);
	relay_forward(m, VM_A, VM_C, 0x7a12, b, sizeof(b));
}

static void relayed_plain(struct forge_mesh *m)
{
	uint8_t b[256];

	relay_open(m);
	text_fill(b, sizeof(b));
	relay_forward(m, VM_A, VM_C, 0x7a12, b, sizeof(b));
}

static void unregistered_handshake(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN];

	forge_wg_init(&m->seed, b, 0x77777777, m->host[VM_E].node_key);
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
	forge_wg_response(&m->seed, b, 0x88888888, 0x77777777,
			  m->host[VM_A].node_key);
	forge_mesh_magic(m, VM_C, VM_A, b, FORGE_RESPONSE_LEN);
}

static void rotated_disco_key(struct forge_mesh *m)
{
	uint8_t b[FORGE_PING_LEN], key[FORGE_KEY_LEN];

	forge_fill(&m->seed, key, sizeof(key));
	forge_disco(&m->seed, b, key, sizeof(b));
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
}

const struct trap traps_wire[] = {
	{ .name = "healthy mesh", .outcome = TRAP_PASS,
	  .classes = CLASS(WIREGUARD) | CLASS(DISCO) | CLASS(CONTROL) |
		     CLASS(STUN) | CLASS(HOUSEKEEPING),
	  .no_classes = CLASS(PLAINTEXT) | CLASS(UNEXPLAINED) | CLASS(UNPARSED) },
	{ .name = "healthy mesh, two bridges", .outcome = TRAP_PASS,
	  .flags = TRAP_TWO },
	{ .name = "healthy mesh, handshakes in DERP", .outcome = TRAP_PASS,
	  .flags = TRAP_NO_HANDSHAKE },
	{ .name = "WireGuard without disco", .outcome = TRAP_PASS,
	  .flags = TRAP_NO_DISCO },

	{ .name = "04 00 00 00 and ASCII", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = header_and_text,
	  .classes = CLASS(PLAINTEXT) },
	{ .name = "04 00 00 00 and random bytes", .outcome = TRAP_NOT_PASS,
	  .none = CODE(PLAINTEXT), .after = header_and_random },
	{ .name = "148 bytes of text, 01 01", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .after = init_of_text_0101 },
	{ .name = "initiation of text", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = init_of_text },
	{ .name = "response of text", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = response_of_text },
	{ .name = "cookie of text", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = cookie_of_text },
	{ .name = "initiation of zeros", .outcome = TRAP_VIOLATION,
	  .any = FOREIGN, .after = init_of_zeros },

	{ .name = "text on the port of a flow", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = text_on_the_port },
	{ .name = "one byte on the port of a flow", .outcome = TRAP_VIOLATION,
	  .any = FOREIGN, .after = byte_on_the_port },

	{ .name = "GSO: body overwritten", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = gso_overwritten },
	{ .name = "GSO: message replaced", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = gso_replaced },
	{ .name = "GSO: last message replaced", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = gso_last_replaced },
	{ .name = "GSO: text inserted", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = gso_inserted },
	{ .name = "GSO: text appended", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = gso_appended },
	{ .name = "GSO: random bytes inserted", .outcome = TRAP_VIOLATION,
	  .all = CODE(SPLICED), .any = FOREIGN, .after = gso_random_inserted },
	{ .name = "GSO: message replaced by random bytes",
	  .outcome = TRAP_VIOLATION, .all = CODE(SPLICED), .any = FOREIGN,
	  .after = gso_random_replaced },
	{ .name = "GSO: unchanged", .outcome = TRAP_PASS,
	  .after = gso_unchanged },
	{ .name = "GSO: 48 messages, and a keepalive at the end",
	  .outcome = TRAP_PASS, .after = gso_long },

	{ .name = "body of zeros", .outcome = TRAP_VIOLATION, .any = SPLICE,
	  .after = body_zeros },
	{ .name = "body of one block", .outcome = TRAP_VIOLATION, .any = SPLICE,
	  .after = body_block },
	{ .name = "body that counts", .outcome = TRAP_VIOLATION, .any = SPLICE,
	  .after = body_ramp },
	{ .name = "body of base64", .outcome = TRAP_VIOLATION, .any = SPLICE,
	  .after = body_base64 },
	{ .name = "body with text at its start", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = body_inner_packet },
	{ .name = "keepalive of text", .outcome = TRAP_VIOLATION, .any = SPLICE,
	  .after = body_text_keepalive },
	{ .name = "keepalive of zeros", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = body_zero_keepalive },

	{ .name = "counter reused", .outcome = TRAP_VIOLATION,
	  .all = CODE(COUNTER_REUSE), .after = counter_reused },
	{ .name = "counter reused at once", .outcome = TRAP_VIOLATION,
	  .all = CODE(COUNTER_REUSE), .after = counter_reused_at_once },
	{ .name = "same message twice", .outcome = TRAP_PASS,
	  .none = CODE(COUNTER_REUSE), .after = same_message_twice },
	{ .name = "counter reused on another bridge", .outcome = TRAP_VIOLATION,
	  .flags = TRAP_TWO, .all = CODE(COUNTER_REUSE),
	  .after = reused_across },
	{ .name = "counter back by 10000", .outcome = TRAP_NOT_PASS,
	  .after = counter_back_10000 },
	{ .name = "10100 messages", .outcome = TRAP_PASS, .after = counters_run },
	{ .name = "small reordering", .outcome = TRAP_PASS, .after = reordered },

	{ .name = "initiation and response on two bridges",
	  .outcome = TRAP_PASS,
	  .flags = TRAP_TWO | TRAP_NO_DISCO | TRAP_NO_HANDSHAKE | TRAP_NO_TALK,
	  .after = initiation_and_response_apart },
	{ .name = "session of 200 s", .outcome = TRAP_INCONCLUSIVE, .any = WEAK,
	  .after = old_session },
	{ .name = "session of 170 s", .outcome = TRAP_PASS,
	  .after = session_of_170_s },
	{ .name = "rekeyed in time", .outcome = TRAP_PASS, .after = rekeyed },
	{ .name = "length not a multiple of 16", .outcome = TRAP_NOT_PASS,
	  .after = odd_length },
	{ .name = "unknown index, counter in the middle",
	  .outcome = TRAP_INCONCLUSIVE, .any = WEAK, .after = unknown_index },

	{ .name = "no handshake, no disco", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_NO_DISCO | TRAP_NO_HANDSHAKE,
	  .all = CODE(WEAK_EVIDENCE) },
	{ .name = "first counter 1", .outcome = TRAP_PASS, .flags = TRAP_EMPTY,
	  .after = start_at_1 },
	{ .name = "first counter 8", .outcome = TRAP_PASS, .flags = TRAP_EMPTY,
	  .after = start_at_8 },
	{ .name = "first counter 9", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_EMPTY, .all = CODE(LATE_START), .any = WEAK,
	  .after = start_at_9 },
	{ .name = "first counter 500", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_EMPTY, .all = CODE(LATE_START), .any = WEAK,
	  .after = start_at_500 },

	{ .name = "disco in one direction only", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_NO_DISCO | TRAP_NO_HANDSHAKE | TRAP_NO_TALK,
	  .all = CODE(WEAK_EVIDENCE), .after = disco_one_way_only },
	{ .name = "disco pings that nobody answers", .outcome = TRAP_PASS,
	  .after = disco_unanswered },
	{ .name = "disco box of text", .outcome = TRAP_NOT_PASS,
	  .after = disco_of_text },
	{ .name = "disco and text behind it", .outcome = TRAP_NOT_PASS,
	  .after = disco_and_text },
	{ .name = "disco too short", .outcome = TRAP_NOT_PASS,
	  .after = disco_short },

	{ .name = "STUN between mesh endpoints", .outcome = TRAP_PASS,
	  .after = stun_between_hosts },
	{ .name = "STUN to the server, 200 bytes of software name",
	  .outcome = TRAP_NOT_PASS, .after = stun_of_text_to_server },
	{ .name = "STUN to a host, 200 bytes of software name",
	  .outcome = TRAP_VIOLATION, .any = FOREIGN,
	  .after = stun_of_text_to_host },

	{ .name = "peer relay", .outcome = TRAP_PASS, .after = relayed,
	  .classes = CLASS(RELAY) },
	{ .name = "peer relay, text behind a header", .outcome = TRAP_VIOLATION,
	  .any = SPLICE, .after = relayed_text },
	{ .name = "peer relay, text", .outcome = TRAP_VIOLATION, .any = FOREIGN,
	  .after = relayed_plain },

	{ .name = "registered", .outcome = TRAP_PASS, .flags = TRAP_REGISTRY },
	{ .name = "registered, identified required", .outcome = TRAP_PASS,
	  .flags = TRAP_REGISTRY, .options = { "--require", "identified" } },
	{ .name = "identified required, no registry",
	  .outcome = TRAP_INCONCLUSIVE, .all = CODE(WEAK_EVIDENCE),
	  .options = { "--require", "identified" } },
	{ .name = "handshake for nobody", .outcome = TRAP_VIOLATION,
	  .flags = TRAP_REGISTRY, .all = CODE(UNREGISTERED_PEER),
	  .after = unregistered_handshake },
	{ .name = "handshake for nobody, no registry", .outcome = TRAP_PASS,
	  .after = unregistered_handshake },
	{ .name = "disco of nobody", .outcome = TRAP_VIOLATION,
	  .flags = TRAP_REGISTRY, .all = CODE(UNREGISTERED_PEER),
	  .after = disco_unanswered },
	{ .name = "another disco key of a registered endpoint",
	  .outcome = TRAP_NO_VIOLATION, .flags = TRAP_REGISTRY,
	  .after = rotated_disco_key },
};
const size_t traps_wire_count = sizeof(traps_wire) / sizeof(traps_wire[0]);
