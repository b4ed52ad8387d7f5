/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/golden/forge_derp.h"
#include "tests/golden/forge_noise.h"
#include "tests/golden/trap.h"

/*
 * The upper rungs of the ladder: initiations that node keys open, and sessions
 * inside DERP.
 */

#define SECOND	((int64_t)1000000000)
#define KEYED	(TRAP_EMPTY | TRAP_REGISTRY | TRAP_KEYS)
#define OPENED	"--require", "opened"

/**
 * struct odd - what is wrong with an initiation, nothing if all is zero
 * @off_ns:	its time is off
 * @initiator, @peer:	who makes it, and for whom, if not the session's ends
 */
struct odd {
	int64_t off_ns;
	bool other_initiator, other_peer;
	enum forge_who initiator, peer;
};

static uint64_t now(const struct forge_mesh *m)
{
	return m->bridge[0].now_ns > m->bridge[1].now_ns ?
		m->bridge[0].now_ns : m->bridge[1].now_ns;
}

static size_t sealed(struct forge_mesh *m, unsigned int session, uint8_t *b,
		     const struct odd *odd)
{
	const struct forge_session *s = &m->session[session];
	struct forge_noise n = { .sender = s->index[0] };

	n.time_ns = now(m) + (uint64_t)odd->off_ns;
	memcpy(n.responder, m->host[odd->other_peer ? odd->peer :
				    s->who[1]].node_key, FORGE_KEY_LEN);
	forge_derp_private(odd->other_initiator ? odd->initiator : s->who[0],
			   n.initiator);
	forge_fill(&m->seed, n.ephemeral, FORGE_KEY_LEN);
	return forge_noise_init(&n, b);
}

static size_t answer(struct forge_mesh *m, unsigned int session, uint8_t *b)
{
	const struct forge_session *s = &m->session[session];

	return forge_wg_response(&m->seed, b, s->index[1], s->index[0],
				 m->host[s->who[0]].node_key);
}

static void send_init(struct forge_mesh *m, unsigned int session,
		      const struct odd *odd)
{
	const struct forge_session *s = &m->session[session];
	uint8_t b[FORGE_INIT_LEN];

	forge_mesh_magic(m, s->who[0], s->who[1], b, sealed(m, session, b, odd));
}

static void send_answer(struct forge_mesh *m, unsigned int session)
{
	const struct forge_session *s = &m->session[session];
	uint8_t b[FORGE_RESPONSE_LEN];

	forge_mesh_magic(m, s->who[1], s->who[0], b, answer(m, session, b));
}

/* a session over UDP from its beginning */
static void direct(struct forge_mesh *m, const struct odd *odd)
{
	forge_mesh_infrastructure(m);
	forge_mesh_disco(m, AB);
	send_init(m, AB, odd);
	send_answer(m, AB);
	forge_mesh_talk(m, AB);
}

static void udp_opened(struct forge_mesh *m)
{
	direct(m, &(struct odd){ 0 });
}

static void udp_twice(struct forge_mesh *m, int64_t off_s)
{
	udp_opened(m);
	forge_mesh_wait(m, 5000);
	m->session[AB].index[0]++;
	m->session[AB].index[1]++;
	m->session[AB].counter[0] = m->session[AB].counter[1] = 0;
	send_init(m, AB, &(struct odd){ .off_ns = off_s * SECOND });
	send_answer(m, AB);
	forge_mesh_talk(m, AB);
}

static void udp_rises(struct forge_mesh *m) { udp_twice(m, 0); }
static void udp_falls(struct forge_mesh *m) { udp_twice(m, -60); }

/* another initiation, to the nanosecond the same time */
static void udp_equal_time(struct forge_mesh *m)
{
	uint64_t then;

	forge_mesh_infrastructure(m);
	forge_mesh_disco(m, AB);
	then = now(m);
	send_init(m, AB, &(struct odd){ 0 });
	forge_mesh_wait(m, 5000);
	send_init(m, AB, &(struct odd){
		.off_ns = (int64_t)then - (int64_t)now(m) });
	send_answer(m, AB);
	forge_mesh_talk(m, AB);
}

/* each direction has times of its own */
static void udp_other_direction(struct forge_mesh *m)
{
	struct forge_session *s = &m->session[AB];
	enum forge_who a = s->who[0];

	udp_opened(m);
	forge_mesh_wait(m, 5000);
	s->who[0] = s->who[1];
	s->who[1] = a;
	s->index[0] += 7;
	s->index[1] += 7;
	s->counter[0] = s->counter[1] = 0;
	send_init(m, AB, &(struct odd){ .off_ns = -60 * SECOND });
	send_answer(m, AB);
	forge_mesh_talk(m, AB);
}

static void udp_off(struct forge_mesh *m, int64_t s)
{
	direct(m, &(struct odd){ .off_ns = s * SECOND });
}

static void udp_behind(struct forge_mesh *m) { udp_off(m, -590); }
static void udp_ahead(struct forge_mesh *m) { udp_off(m, 590); }
static void udp_far_behind(struct forge_mesh *m) { udp_off(m, -610); }
static void udp_far_ahead(struct forge_mesh *m) { udp_off(m, 610); }

/* the same bytes on and on, which WireGuard never does, but networks do */
static void udp_repeated(struct forge_mesh *m)
{
	const struct forge_session *s = &m->session[AB];
	uint8_t b[FORGE_INIT_LEN];
	size_t len;

	forge_mesh_infrastructure(m);
	forge_mesh_disco(m, AB);
	len = sealed(m, AB, b, &(struct odd){ 0 });
	for (unsigned int i = 0; i < 3; i++)
		forge_mesh_magic(m, s->who[0], s->who[1], b, len);
	send_answer(m, AB);
	forge_mesh_talk(m, AB);
}

/* an old initiation, sent again when its session is long gone */
static void udp_replayed(struct forge_mesh *m)
{
	struct forge_session *s = &m->session[AB];
	uint8_t b[FORGE_INIT_LEN];
	size_t len;

	forge_mesh_infrastructure(m);
	len = sealed(m, AB, b, &(struct odd){ 0 });
	forge_mesh_magic(m, s->who[0], s->who[1], b, len);
	forge_mesh_wait(m, 300000);
	forge_mesh_disco(m, AC);
	forge_mesh_magic(m, s->who[0], s->who[1], b, len);
	s->counter[1] = 5000;
	forge_mesh_data(m, AB, 1, 128);
}

/* MAC1 is right, all else is not sealed to anybody */
static void udp_forged(struct forge_mesh *m)
{
	const struct forge_session *s = &m->session[AB];
	uint8_t b[FORGE_INIT_LEN];

	udp_opened(m);
	forge_wg_init(&m->seed, b, 77, m->host[s->who[1]].node_key);
	forge_mesh_magic(m, s->who[0], s->who[1], b, sizeof(b));
}

/* Only who it is for can open it: vm-d's key is not at hand. */
static void udp_not_ours(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN];

	udp_opened(m);
	forge_wg_init(&m->seed, b, 77, m->host[VM_D].node_key);
	forge_mesh_magic(m, VM_A, VM_D, b, sizeof(b));
}

static void udp_stranger(struct forge_mesh *m)
{
	direct(m, &(struct odd){ .other_initiator = true, .initiator = VM_D });
}

static void udp_other_node(struct forge_mesh *m)
{
	direct(m, &(struct odd){ .other_initiator = true, .initiator = VM_C });
}

static void udp_answer_only(struct forge_mesh *m)
{
	forge_mesh_infrastructure(m);
	forge_mesh_disco(m, AB);
	send_answer(m, AB);
	forge_mesh_talk(m, AB);
}

/* a handshake that no data follows, beside a healthy session */
static void udp_lone(struct forge_mesh *m, int64_t off_s)
{
	udp_opened(m);
	forge_mesh_disco(m, AC);
	send_init(m, AC, &(struct odd){ .off_ns = off_s * SECOND });
	send_answer(m, AC);
}

static void udp_lone_opened(struct forge_mesh *m) { udp_lone(m, 0); }
static void udp_lone_off(struct forge_mesh *m) { udp_lone(m, -3600); }

static void udp_lone_answer(struct forge_mesh *m)
{
	udp_opened(m);
	forge_mesh_disco(m, AC);
	send_answer(m, AC);
}

/* one data message with the index of a session, from and to whoever */
static void stray_data(struct forge_mesh *m, enum forge_who from,
		       enum forge_who to, uint32_t index, uint64_t counter)
{
	uint8_t b[128];

	forge_mesh_magic(m, from, to, b,
			 forge_wg_data(&m->seed, b, index, counter, sizeof(b)));
}

/* vm-c sends to vm-b in the session of vm-a, which then goes on */
static void udp_third_host(struct forge_mesh *m)
{
	struct forge_session *s = &m->session[AB];

	direct(m, &(struct odd){ 0 });
	forge_mesh_disco(m, CB);
	for (unsigned int i = 0; i < 5; i++)
		stray_data(m, VM_C, VM_B, s->index[1], s->counter[0]++);
	forge_mesh_talk(m, AB);
}

/* the same from another port of vm-a: it moved, and moved back */
static void udp_there_and_back(struct forge_mesh *m)
{
	struct forge_session *s = &m->session[AB];
	uint16_t port = m->host[VM_A].port;

	direct(m, &(struct odd){ 0 });
	m->host[VM_A].port = 50000;
	forge_mesh_disco(m, AB);
	for (unsigned int i = 0; i < 5; i++)
		stray_data(m, VM_A, VM_B, s->index[1], s->counter[0]++);
	m->host[VM_A].port = port;
	forge_mesh_talk(m, AB);
}

/* the handshake is that of vm-a, all data is that of vm-c */
static void udp_borrowed(struct forge_mesh *m)
{
	const struct forge_session *s = &m->session[AB];

	forge_mesh_infrastructure(m);
	forge_mesh_disco(m, AB);
	forge_mesh_disco(m, CB);
	send_init(m, AB, &(struct odd){ 0 });
	send_answer(m, AB);
	for (unsigned int i = 0; i < 5; i++)
		stray_data(m, VM_C, VM_B, s->index[1], i);
}

/* two responses to one initiation, and data for both */
static void udp_answered_twice(struct forge_mesh *m)
{
	struct forge_session *s = &m->session[AB];

	udp_opened(m);
	s->index[1]++;
	s->counter[0] = 0;
	send_answer(m, AB);
	forge_mesh_data(m, AB, 0, 128);
}

/* the response comes twice, as it is */
static void udp_answer_again(struct forge_mesh *m)
{
	const struct forge_session *s = &m->session[AB];
	uint8_t b[FORGE_RESPONSE_LEN];
	size_t len;

	forge_mesh_infrastructure(m);
	forge_mesh_disco(m, AB);
	send_init(m, AB, &(struct odd){ 0 });
	len = answer(m, AB, b);
	forge_mesh_magic(m, s->who[1], s->who[0], b, len);
	forge_mesh_magic(m, s->who[1], s->who[0], b, len);
	forge_mesh_talk(m, AB);
}

/* DERP: connections of vm-a and vm-b */
struct derp {
	struct forge_tcp a, b;
};

static void derp_open(struct forge_mesh *m, struct derp *d)
{
	forge_mesh_infrastructure(m);
	forge_derp_open(m, &d->a, VM_A);
	forge_derp_open(m, &d->b, VM_B);
}

static void derp_handshake(struct forge_mesh *m, struct derp *d,
			   const struct odd *odd)
{
	uint8_t b[FORGE_INIT_LEN];

	forge_derp_pass(m, &d->a, &d->b, b, sealed(m, AB, b, odd));
	forge_derp_pass(m, &d->b, &d->a, b, answer(m, AB, b));
}

static size_t derp_message(struct forge_mesh *m, unsigned int dir, uint8_t *b)
{
	struct forge_session *s = &m->session[AB];

	return forge_wg_data(&m->seed, b, s->index[!dir], s->counter[dir]++, 128);
}

static void derp_talk(struct forge_mesh *m, struct derp *d)
{
	uint8_t b[128];

	for (unsigned int i = 0; i < 5; i++) {
		forge_derp_pass(m, &d->a, &d->b, b, derp_message(m, 0, b));
		forge_derp_pass(m, &d->b, &d->a, b, derp_message(m, 1, b));
	}
}

static void derp_session(struct forge_mesh *m, const struct odd *odd)
{
	struct derp d;

	derp_open(m, &d);
	derp_handshake(m, &d, odd);
	derp_talk(m, &d);
}

static void derp_healthy(struct forge_mesh *m)
{
	derp_session(m, &(struct odd){ 0 });
}

/* text so thin that no single message shows it */
static void derp_thin_text(struct forge_mesh *m)
{
	struct forge_session *s = &m->session[AB];
	uint8_t b[1312];
	struct derp d;

	derp_open(m, &d);
	derp_handshake(m, &d, &(struct odd){ 0 });
	for (unsigned int i = 0; i < 100; i++) {
		size_t n = forge_wg_data(&m->seed, b, s->index[1],
					 s->counter[0]++, sizeof(b));

		for (size_t k = 20; k < n; k += 10)
			b[k] &= 0x7f;
		forge_derp_pass(m, &d.a, &d.b, b, n);
	}
}

/* a port that is declared for DERP alone: records of its lengths, or others */
static void derp_port(struct forge_mesh *m, bool lawful)
{
	struct forge_tcp t = {
		.client = VM_A, .server = SERVER, .cport = 40404, .sport = 8443,
	};

	udp_opened(m);
	forge_tls_open(m, &t, "derp.lab");
	for (unsigned int i = 0; i < 40; i++)
		forge_tls_send(m, &t, true, lawful ? 182 + 16 * (i % 20) :
						     190 + 16 * (i % 20));
}

/* a port is used for something else first, and then for DERP; or for DERP both
 * times
 */
static void derp_port_again(struct forge_mesh *m, bool lawful)
{
	struct forge_tcp t = {
		.client = VM_A, .server = SERVER, .cport = 40404, .sport = 8443,
		.cseq = 0x51000000, .sseq = 0x62000000,
	};

	derp_port(m, lawful);
	forge_mesh_wait(m, 2000);
	forge_tls_open(m, &t, "derp.lab");
	for (unsigned int i = 0; i < 40; i++)
		forge_tls_send(m, &t, true, 182 + 16 * (i % 20));
}

static void derp_port_twice(struct forge_mesh *m) { derp_port_again(m, true); }
static void derp_port_hidden(struct forge_mesh *m) { derp_port_again(m, false); }

static void derp_port_lawful(struct forge_mesh *m) { derp_port(m, true); }
static void derp_port_broke(struct forge_mesh *m) { derp_port(m, false); }

static void derp_stranger(struct forge_mesh *m)
{
	derp_session(m, &(struct odd){ .other_initiator = true,
				       .initiator = VM_D });
}

static void derp_other_initiator(struct forge_mesh *m)
{
	derp_session(m, &(struct odd){ .other_initiator = true,
				       .initiator = VM_C });
}

/* vm-c sends the initiation of vm-a once more */
static void derp_replayed(struct forge_mesh *m)
{
	uint8_t b[FORGE_INIT_LEN];
	struct forge_tcp c;
	struct derp d;
	size_t len;

	derp_open(m, &d);
	forge_derp_open(m, &c, VM_C);
	len = sealed(m, AB, b, &(struct odd){ 0 });
	forge_derp_pass(m, &d.a, &d.b, b, len);
	forge_derp_pass(m, &c, &d.b, b, len);
	forge_derp_pass(m, &d.b, &d.a, b, answer(m, AB, b));
	derp_talk(m, &d);
}

static void derp_other_peer(struct forge_mesh *m)
{
	derp_session(m, &(struct odd){ .other_peer = true, .peer = VM_C });
}

static void derp_unnamed_peer(struct forge_mesh *m)
{
	uint8_t b[FORGE_RESPONSE_LEN];
	struct derp d;

	derp_healthy(m);
	forge_derp_open(m, &d.a, VM_D);
	forge_derp_send(m, &d.a, false, m->host[VM_A].node_key, b,
			forge_wg_response(&m->seed, b, 1, 2,
					  m->host[VM_D].node_key));
}

/* vm-c sends to vm-b in the session of vm-a; @alone: nobody else does */
static void derp_third_host(struct forge_mesh *m, bool alone)
{
	struct forge_tcp c;
	uint8_t b[128];
	struct derp d;

	derp_open(m, &d);
	forge_derp_open(m, &c, VM_C);
	derp_handshake(m, &d, &(struct odd){ 0 });
	if (!alone)
		derp_talk(m, &d);
	for (unsigned int i = 0; i < 3; i++)
		forge_derp_pass(m, &c, &d.b, b, derp_message(m, 0, b));
	if (!alone)
		derp_talk(m, &d);
}

static void derp_joined(struct forge_mesh *m) { derp_third_host(m, false); }
static void derp_borrowed(struct forge_mesh *m) { derp_third_host(m, true); }

static void derp_without_handshake(struct forge_mesh *m)
{
	struct derp d;

	derp_open(m, &d);
	derp_talk(m, &d);
}

static void derp_reuse(struct forge_mesh *m)
{
	uint8_t b[128];
	struct derp d;

	derp_open(m, &d);
	derp_handshake(m, &d, &(struct odd){ 0 });
	derp_talk(m, &d);
	m->session[AB].counter[0]--;
	forge_derp_pass(m, &d.a, &d.b, b, derp_message(m, 0, b));
}

static void then_direct(struct forge_mesh *m, const struct odd *odd,
			bool talk, uint64_t back)
{
	struct derp d;

	derp_open(m, &d);
	derp_handshake(m, &d, odd);
	if (talk)
		derp_talk(m, &d);
	forge_mesh_disco(m, AB);
	m->session[AB].counter[0] -= back;
	forge_mesh_talk(m, AB);
}

static void derp_then_direct(struct forge_mesh *m)
{
	then_direct(m, &(struct odd){ 0 }, true, 0);
}

static void derp_handshake_only(struct forge_mesh *m)
{
	then_direct(m, &(struct odd){ 0 }, false, 0);
}

static void derp_old_handshake(struct forge_mesh *m)
{
	then_direct(m, &(struct odd){ .off_ns = -3600 * SECOND }, false, 0);
}

static void derp_and_direct_reuse(struct forge_mesh *m)
{
	then_direct(m, &(struct odd){ 0 }, true, 2);
}

#define WEAK	.outcome = TRAP_INCONCLUSIVE, .all = CODE(WEAK_EVIDENCE)

const struct trap traps_proof[] = {
	{ .name = "initiation opened", .outcome = TRAP_PASS, .flags = KEYED,
	  .after = udp_opened, .options = { OPENED } },
	{ .name = "initiation opened, on both bridges", .outcome = TRAP_PASS,
	  .flags = KEYED | TRAP_TWO, .after = udp_opened,
	  .options = { OPENED } },
	{ .name = "initiation opened, no registry", WEAK,
	  .flags = TRAP_EMPTY | TRAP_KEYS, .after = udp_opened,
	  .options = { OPENED } },
	{ .name = "initiation, no node keys", WEAK,
	  .flags = TRAP_EMPTY | TRAP_REGISTRY, .before = forge_derp_keys,
	  .after = udp_opened, .options = { OPENED } },
	{ .name = "initiations with times that rise", .outcome = TRAP_PASS,
	  .flags = KEYED, .after = udp_rises, .options = { OPENED } },
	{ .name = "initiations with times that fall", WEAK, .flags = KEYED,
	  .after = udp_falls, .options = { OPENED } },
	{ .name = "initiations with times that fall, identified",
	  .outcome = TRAP_PASS, .flags = KEYED, .after = udp_falls,
	  .options = { "--require", "identified" } },
	{ .name = "initiations of one time", WEAK, .flags = KEYED,
	  .after = udp_equal_time, .options = { OPENED } },
	{ .name = "initiations of both ends", .outcome = TRAP_PASS,
	  .flags = KEYED, .after = udp_other_direction,
	  .options = { OPENED } },
	{ .name = "initiation repeated", .outcome = TRAP_PASS, .flags = KEYED,
	  .after = udp_repeated, .options = { OPENED } },
	{ .name = "initiation replayed later", .outcome = TRAP_NOT_PASS,
	  .any = CODE(WEAK_EVIDENCE) | CODE(LATE_START), .flags = KEYED,
	  .after = udp_replayed },
	{ .name = "clock behind", .outcome = TRAP_PASS, .flags = KEYED,
	  .after = udp_behind, .options = { OPENED } },
	{ .name = "clock ahead", .outcome = TRAP_PASS, .flags = KEYED,
	  .after = udp_ahead, .options = { OPENED } },
	{ .name = "clock far behind", WEAK, .flags = KEYED,
	  .after = udp_far_behind, .options = { OPENED } },
	{ .name = "clock far ahead", WEAK, .flags = KEYED,
	  .after = udp_far_ahead, .options = { OPENED } },
	{ .name = "clock far behind, bound", .outcome = TRAP_PASS,
	  .flags = KEYED, .after = udp_far_behind },
	{ .name = "initiation not sealed to whom it names",
	  .outcome = TRAP_VIOLATION, .all = CODE(SPLICED), .flags = KEYED,
	  .after = udp_forged },
	{ .name = "initiation that nobody can open", .outcome = TRAP_VIOLATION,
	  .all = CODE(UNREGISTERED_PEER), .flags = KEYED,
	  .after = udp_not_ours },
	{ .name = "initiation by a stranger", .outcome = TRAP_VIOLATION,
	  .all = CODE(UNREGISTERED_PEER), .flags = KEYED,
	  .after = udp_stranger },
	{ .name = "initiation by another node", WEAK, .flags = KEYED,
	  .after = udp_other_node, .options = { "--require", "identified" } },
	{ .name = "response without its initiation", WEAK, .flags = KEYED,
	  .after = udp_answer_only, .options = { OPENED } },
	{ .name = "response without its initiation, identified",
	  .outcome = TRAP_PASS, .flags = KEYED, .after = udp_answer_only,
	  .options = { "--require", "identified" } },
	{ .name = "third host in a session", WEAK, .flags = KEYED,
	  .after = udp_third_host, .options = { "--require", "identified" } },
	{ .name = "third host in a session, bound", WEAK, .flags = KEYED,
	  .after = udp_third_host },
	{ .name = "third host in a session that nobody knows",
	  .outcome = TRAP_PASS, .flags = TRAP_EMPTY, .after = udp_third_host,
	  .before = forge_derp_keys },
	{ .name = "session with the handshake of others, bound", WEAK,
	  .flags = KEYED, .after = udp_borrowed },
	{ .name = "third host in a session, on both bridges", WEAK,
	  .flags = KEYED | TRAP_TWO, .after = udp_third_host,
	  .options = { OPENED } },
	{ .name = "session that moved and moved back", .outcome = TRAP_PASS,
	  .flags = KEYED, .after = udp_there_and_back, .options = { OPENED } },
	{ .name = "session with the handshake of others", WEAK, .flags = KEYED,
	  .after = udp_borrowed, .options = { "--require", "identified" } },
	{ .name = "initiation answered twice", WEAK, .flags = KEYED,
	  .after = udp_answered_twice, .options = { OPENED } },
	{ .name = "initiation answered twice, identified",
	  .outcome = TRAP_PASS, .flags = KEYED, .after = udp_answered_twice,
	  .options = { "--require", "identified" } },
	{ .name = "response repeated", .outcome = TRAP_PASS, .flags = KEYED,
	  .after = udp_answer_again, .options = { OPENED } },

	{ .name = "handshake without data, opened", .outcome = TRAP_PASS,
	  .flags = KEYED, .after = udp_lone_opened, .options = { OPENED } },
	{ .name = "handshake without data, clock far behind", WEAK,
	  .flags = KEYED, .after = udp_lone_off, .options = { OPENED } },
	{ .name = "response without initiation and data", WEAK,
	  .flags = KEYED, .after = udp_lone_answer, .options = { OPENED } },

	{ .name = "session in DERP", .outcome = TRAP_PASS, .flags = KEYED,
	  .after = derp_healthy, .classes = CLASS(DERP),
	  .no_classes = CLASS(WIREGUARD),
	  .options = { OPENED, "--expect-pair", "vm-a,vm-b" } },
	{ .name = "session in DERP, on both bridges", .outcome = TRAP_PASS,
	  .flags = KEYED | TRAP_TWO, .after = derp_healthy,
	  .options = { OPENED, "--expect-pair", "192.168.1.10,10.0.0.10" } },
	{ .name = "session in DERP, no node keys", WEAK,
	  .flags = TRAP_EMPTY | TRAP_REGISTRY, .before = forge_derp_keys,
	  .after = derp_healthy, .options = { OPENED } },
	{ .name = "session in DERP, no node keys, identified",
	  .outcome = TRAP_PASS, .flags = TRAP_EMPTY | TRAP_REGISTRY,
	  .before = forge_derp_keys, .after = derp_healthy,
	  .options = { "--require", "identified" } },
	{ .name = "session in DERP, another pair expected",
	  .outcome = TRAP_INCONCLUSIVE, .all = CODE(MISSING_PAIR),
	  .flags = KEYED, .after = derp_healthy,
	  .options = { "--expect-pair", "vm-a,vm-c" } },
	{ .name = "session in DERP without its handshake", WEAK,
	  .flags = KEYED | TRAP_TWO, .after = derp_without_handshake },
	{ .name = "third host in a session in DERP", WEAK, .flags = TRAP_EMPTY,
	  .before = forge_derp_keys, .after = derp_joined },
	{ .name = "third host in a session in DERP, on both bridges", WEAK,
	  .flags = KEYED | TRAP_TWO, .after = derp_joined },
	{ .name = "session in DERP with the handshake of others", WEAK,
	  .flags = TRAP_EMPTY, .before = forge_derp_keys,
	  .after = derp_borrowed },
	{ .name = "initiation in DERP by a stranger", .outcome = TRAP_VIOLATION,
	  .all = CODE(UNREGISTERED_PEER) | CODE(SPLICED), .flags = KEYED,
	  .after = derp_stranger },
	{ .name = "initiation in DERP by another node",
	  .outcome = TRAP_VIOLATION, .all = CODE(SPLICED), .flags = KEYED,
	  .after = derp_other_initiator },
	{ .name = "initiation in DERP sent again by another node",
	  .outcome = TRAP_VIOLATION, .all = CODE(SPLICED), .flags = KEYED,
	  .after = derp_replayed },
	{ .name = "initiation in DERP for another node",
	  .outcome = TRAP_VIOLATION, .all = CODE(SPLICED), .flags = KEYED,
	  .after = derp_other_peer },
	{ .name = "initiation in DERP for another node, no keys",
	  .outcome = TRAP_VIOLATION, .all = CODE(SPLICED),
	  .flags = TRAP_EMPTY, .before = forge_derp_keys,
	  .after = derp_other_peer },
	{ .name = "response in DERP for nobody who is registered",
	  .outcome = TRAP_VIOLATION, .all = CODE(UNREGISTERED_PEER),
	  .flags = KEYED, .after = derp_unnamed_peer },
	{ .name = "counter used twice in DERP", .outcome = TRAP_VIOLATION,
	  .all = CODE(COUNTER_REUSE), .flags = KEYED | TRAP_TWO,
	  .after = derp_reuse },

	{ .name = "thin text in DERP", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .flags = KEYED, .after = derp_thin_text },
	{ .name = "DERP by its record lengths", .outcome = TRAP_PASS,
	  .flags = KEYED, .after = derp_port_lawful,
	  .options = { "--derp", "192.168.100.10:8443" } },
	{ .name = "DERP by its record lengths is not opened", WEAK,
	  .flags = KEYED, .after = derp_port_lawful,
	  .options = { "--derp", "192.168.100.10:8443", OPENED } },
	{ .name = "DERP with the record lengths of something else", WEAK,
	  .flags = KEYED, .after = derp_port_broke,
	  .options = { "--derp", "192.168.100.10:8443" } },
	{ .name = "DERP by its record lengths, twice on one port",
	  .outcome = TRAP_PASS, .flags = KEYED, .after = derp_port_twice,
	  .options = { "--derp", "192.168.100.10:8443" } },
	{ .name = "other record lengths before those of DERP", WEAK,
	  .flags = KEYED, .after = derp_port_hidden,
	  .options = { "--derp", "192.168.100.10:8443" } },

	{ .name = "session that goes from DERP to a direct path",
	  .outcome = TRAP_PASS, .flags = KEYED | TRAP_TWO,
	  .after = derp_then_direct, .options = { OPENED } },
	{ .name = "direct session, handshake in DERP", .outcome = TRAP_PASS,
	  .flags = KEYED, .after = derp_handshake_only,
	  .options = { OPENED } },
	{ .name = "direct session, old handshake in DERP", WEAK,
	  .flags = KEYED, .after = derp_old_handshake, .options = { OPENED } },
	{ .name = "counter used in DERP and directly",
	  .outcome = TRAP_VIOLATION, .all = CODE(COUNTER_REUSE),
	  .flags = KEYED | TRAP_TWO, .after = derp_and_direct_reuse },
};
const size_t traps_proof_count = sizeof(traps_proof) / sizeof(traps_proof[0]);
