/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/golden/trap.h"

/* TCP: control and DERP connections, and what is neither. */

#define READABLE	(CODE(PLAINTEXT) | CODE(UNEXPLAINED))
#define FOREIGN		(READABLE | CODE(SPLICED))
#define TEXT	"GET /secret HTTP/1.1\r\nHost: vm-c\r\nX-Password: hunter2\r\n\r\n"

static struct forge_tcp connection(enum forge_who client, enum forge_who server,
				   uint16_t port)
{
	return (struct forge_tcp){
		.client = client, .server = server, .cport = 40404,
		.sport = port,
	};
}

static void bare_syn(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, VM_C, 8080);

	forge_tcp_segment(m, &t, true, FORGE_SYN, NULL, 0);
}

static void http_between_hosts(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, VM_B, 8080);

	forge_tcp_open(m, &t);
	forge_tcp_send(m, &t, true, TEXT, strlen(TEXT));
}

static void tls_between_hosts(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, VM_C, 443);

	forge_tls_open(m, &t, "vm-c.example");
	forge_tls_send(m, &t, true, 400);
}

/* in the middle: no hello, only records */
static void tls_records_between_hosts(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, VM_C, 443);

	for (unsigned int i = 0; i < 4; i++)
		forge_tls_send(m, &t, i % 2, 400);
}

static void tls_goes_on(struct forge_mesh *m)
{
	for (unsigned int i = 0; i < 10; i++)
		forge_tls_send(m, &m->tls, i % 2, 100 + 31 * i);
}

static void tls_text_record(struct forge_mesh *m)
{
	uint8_t b[512];
	size_t n = forge_tls_record(&m->seed, b, 400);

	for (size_t i = 5; i < n; i++)
		b[i] = (uint8_t)TEXT[i % strlen(TEXT)];
	tls_goes_on(m);
	forge_tcp_send(m, &m->tls, true, b, n);
	tls_goes_on(m);
}

static void tls_text_between(struct forge_mesh *m)
{
	tls_goes_on(m);
	forge_tcp_send(m, &m->tls, true, TEXT, strlen(TEXT));
	tls_goes_on(m);
}

static void tls_random_between(struct forge_mesh *m)
{
	uint8_t b[500];

	forge_fill(&m->seed, b, sizeof(b));
	b[0] = 0xa5;
	tls_goes_on(m);
	forge_tcp_send(m, &m->tls, true, b, sizeof(b));
	tls_goes_on(m);
}

static void tls_reordered(struct forge_mesh *m)
{
	struct forge *f = &m->bridge[0];
	uint8_t b[700];
	struct forge_frame swap;
	size_t n = forge_tls_record(&m->seed, b, sizeof(b) - 5);

	forge_tcp_segment(m, &m->tls, true, FORGE_ACK, b, 300);
	forge_tcp_segment(m, &m->tls, true, FORGE_ACK, b + 300, n - 300);
	swap = f->frames[f->n - 1];
	f->frames[f->n - 1] = f->frames[f->n - 2];
	f->frames[f->n - 2] = swap;
	/* and once more, as a retransmission */
	m->tls.cseq -= (uint32_t)(n - 300);
	forge_tcp_segment(m, &m->tls, true, FORGE_ACK, b + 300, n - 300);
	tls_goes_on(m);
}

/* what is sent again is not what was sent: the receiver may take either */
static void tls_false_retransmission(struct forge_mesh *m)
{
	uint8_t b[300], text[300];
	size_t n = forge_tls_record(&m->seed, b, sizeof(b) - 5);

	for (size_t i = 0; i < n; i++)
		text[i] = (uint8_t)TEXT[i % strlen(TEXT)];
	forge_tcp_send(m, &m->tls, true, b, n);
	m->tls.cseq -= (uint32_t)n;
	forge_tcp_send(m, &m->tls, true, text, n);
	tls_goes_on(m);
}

static void tls_hole(struct forge_mesh *m)
{
	tls_goes_on(m);
	forge_tls_send(m, &m->tls, true, 500);
	forge_drop(&m->bridge[0], m->bridge[0].n - 2, 1);
	tls_goes_on(m);
}

/* text at sequence numbers where nobody looks: far ahead, long past, before
 * the connection began
 */
static void tls_text_at(struct forge_mesh *m, uint32_t distance)
{
	uint32_t seq = m->tls.cseq;

	tls_goes_on(m);
	m->tls.cseq += distance;
	forge_tcp_segment(m, &m->tls, true, FORGE_ACK, TEXT, strlen(TEXT));
	m->tls.cseq = seq;
}

static void tls_text_ahead(struct forge_mesh *m) { tls_text_at(m, 10000000); }
static void tls_text_past(struct forge_mesh *m) { tls_text_at(m, -200u); }
static void tls_text_long_past(struct forge_mesh *m) { tls_text_at(m, -100000u); }

/* a TLS record of a type that has no business any more, full of text */
static void tls_record_of_text(struct forge_mesh *m, uint8_t type)
{
	uint8_t b[5 + 200] = { type, 3, 3, 0, 200 };

	for (size_t i = 5; i < sizeof(b); i++)
		b[i] = (uint8_t)TEXT[i % strlen(TEXT)];
	tls_goes_on(m);
	forge_tcp_send(m, &m->tls, true, b, sizeof(b));
	tls_goes_on(m);
}

static void tls_ccs_of_text(struct forge_mesh *m) { tls_record_of_text(m, 20); }
static void tls_alert_of_text(struct forge_mesh *m) { tls_record_of_text(m, 21); }
static void tls_hello_of_text(struct forge_mesh *m) { tls_record_of_text(m, 22); }
static void tls_heartbeat_of_text(struct forge_mesh *m) { tls_record_of_text(m, 24); }

static void port443_http(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 443);

	forge_tcp_open(m, &t);
	forge_tcp_send(m, &t, true, TEXT, strlen(TEXT));
	forge_tcp_send(m, &t, false, "HTTP/1.1 200 OK\r\n\r\nhunter2", 26);
}

/* a connection of which only the middle is there */
static void port443_http_late(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 443);

	for (unsigned int i = 0; i < 4; i++)
		forge_tcp_send(m, &t, i % 2, TEXT, strlen(TEXT));
}

static void port443_tls_late(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 443);

	for (unsigned int i = 0; i < 10; i++)
		forge_tls_send(m, &t, i % 2, 100 + 31 * i);
}

static void port443_random_late(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 443);
	uint8_t b[700];

	for (unsigned int i = 0; i < 10; i++) {
		forge_fill(&m->seed, b, sizeof(b));
		forge_tcp_send(m, &t, i % 2, b, sizeof(b));
	}
}

static void port80_rst_text(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 80);

	forge_tcp_segment(m, &t, true, FORGE_SYN, NULL, 0);
	forge_tcp_segment(m, &t, false, FORGE_RST | FORGE_ACK, TEXT,
			  strlen(TEXT));
}

static void port80(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 80);

	forge_tcp_segment(m, &t, true, FORGE_SYN, NULL, 0);
	forge_tcp_segment(m, &t, false, FORGE_RST | FORGE_ACK, NULL, 0);
}

static void port80_http(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 80);

	forge_tcp_open(m, &t);
	forge_tcp_send(m, &t, true, TEXT, strlen(TEXT));
}

static void port80_syn_text(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 80);

	forge_tcp_segment(m, &t, true, FORGE_SYN, TEXT, strlen(TEXT));
}

/* the upgrade to ts2021, then its frames: type, length, ciphertext */
static void ts2021_open(struct forge_mesh *m, struct forge_tcp *t)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char request[] = "POST /ts2021 HTTP/1.1\r\n"
		"Host: headscale.lab\r\nUser-Agent: Go-http-client/1.1\r\n"
		"Content-Length: 0\r\nConnection: upgrade\r\n"
		"Upgrade: tailscale-control-protocol\r\n"
		"X-Tailscale-Handshake: AIUBAGA";
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n"
		"Upgrade: tailscale-control-protocol\r\n"
		"Connection: upgrade\r\n\r\n";
	uint8_t b[640], hello[51] = { 2, 0, 0x30 };
	size_t n = sizeof(request) - 1;

	memcpy(b, request, n);
	forge_fill(&m->seed, b + n, 129);
	/* 136 digits and no padding would be 102 bytes; they are 101 */
	for (size_t i = 0; i < 128; i++)
		b[n + i] = (uint8_t)digits[b[n + i] % 64];
	b[n + 127] = (uint8_t)digits[b[n + 127] % 16 * 4];
	memcpy(b + n + 128, "=\r\n\r\n", 5);
	forge_tcp_open(m, t);
	forge_tcp_send(m, t, true, b, n + 133);
	forge_tcp_send(m, t, false, answer, sizeof(answer) - 1);
	forge_fill(&m->seed, hello + 3, 48);
	forge_tcp_send(m, t, false, hello, sizeof(hello));
}

static void ts2021_frame(struct forge_mesh *m, struct forge_tcp *t,
			 bool from_client, uint16_t len, bool text)
{
	uint8_t b[1024] = { 4 };

	forge_put16(b + 1, len);
	forge_fill(&m->seed, b + 3, len);
	for (size_t i = 0; text && i < len; i++)
		b[3 + i] = (uint8_t)TEXT[i % strlen(TEXT)];
	forge_tcp_send(m, t, from_client, b, 3u + len);
}

static void ts2021(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 80);

	ts2021_open(m, &t);
	for (uint16_t i = 0; i < 8; i++)
		ts2021_frame(m, &t, i % 2, (uint16_t)(120 + 17 * i), false);
}

static void ts2021_text_frame(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 80);

	ts2021_open(m, &t);
	ts2021_frame(m, &t, true, 120, false);
	ts2021_frame(m, &t, true, 300, true);
}

static void ts2021_text_between(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 80);

	ts2021_open(m, &t);
	ts2021_frame(m, &t, true, 120, false);
	forge_tcp_send(m, &t, true, TEXT, strlen(TEXT));
}

/* a request that asks for the upgrade and brings a body of text */
static void ts2021_body(struct forge_mesh *m)
{
	static const char request[] = "POST /ts2021 HTTP/1.1\r\n"
		"Host: headscale.lab\r\nContent-Length: 57\r\n"
		"Connection: upgrade\r\n"
		"Upgrade: tailscale-control-protocol\r\n\r\n" TEXT;
	struct forge_tcp t = connection(VM_A, SERVER, 80);

	forge_tcp_open(m, &t);
	forge_tcp_send(m, &t, true, request, sizeof(request) - 1);
}

static void other_port(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 2222);

	forge_tcp_open(m, &t);
	forge_tcp_send(m, &t, false, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 32);
}

/* DERP in TLS: records of the client are packet + 54, so 6 mod 16 */
static void derp_tls(struct forge_mesh *m)
{
	struct forge_tcp t = connection(VM_A, SERVER, 443);

	forge_tls_open(m, &t, "headscale.lab");
	forge_tls_send(m, &t, true, 202);
	forge_tls_send(m, &t, false, 146);
	for (unsigned int i = 0; i < 60; i++) {
		forge_tls_send(m, &t, true, 128 + 54 + 16 * (i % 20));
		forge_tls_send(m, &t, false, 128 + 54 + 16 * (i % 20));
	}
}

static void derp_only(struct forge_mesh *m)
{
	forge_mesh_infrastructure(m);
	derp_tls(m);
}

/* DERP without TLS, on its declared port: what is in it can be read */
static void derp_clear(struct forge_mesh *m, bool leak)
{
	static const char request[] = "GET /derp HTTP/1.1\r\n"
		"Host: headscale.lab\r\nUser-Agent: Go-http-client/1.1\r\n"
		"Connection: Upgrade\r\nUpgrade: DERP\r\n\r\n";
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n"
		"Upgrade: DERP\r\nConnection: Upgrade\r\n"
		"Derp-Version: 2\r\nDerp-Public-Key: 0123456789abcdef0123456789"
		"abcdef0123456789abcdef0123456789abcdef\r\n\r\n";
	struct forge_tcp t = connection(VM_A, SERVER, 443);
	uint8_t b[512];

	forge_tcp_open(m, &t);
	forge_tcp_send(m, &t, true, request, sizeof(request) - 1);
	forge_tcp_send(m, &t, false, answer, sizeof(answer) - 1);
	memcpy(b, "\x01\0\0\0\x28" "DERP\xf0\x9f\x94\x91", 13);
	forge_fill(&m->seed, b + 13, 32);
	forge_tcp_send(m, &t, false, b, 45);
	memcpy(b, "\x02\0\0\0\x80", 5);
	memcpy(b + 5, m->host[VM_A].node_key, 32);
	forge_fill(&m->seed, b + 37, 96);
	forge_tcp_send(m, &t, true, b, 133);

	b[0] = 4;
	forge_put32(b + 1, 32 + FORGE_INIT_LEN);
	memcpy(b + 5, m->host[VM_C].node_key, 32);
	forge_wg_init(&m->seed, b + 37, 0x31313131, m->host[VM_C].node_key);
	forge_tcp_send(m, &t, true, b, 37 + FORGE_INIT_LEN);
	if (leak) {
		forge_put32(b + 1, (uint32_t)(32 + strlen(TEXT)));
		memcpy(b + 37, TEXT, strlen(TEXT));
		forge_tcp_send(m, &t, true, b, 37 + strlen(TEXT));
	}
}

static void derp_clear_healthy(struct forge_mesh *m) { derp_clear(m, false); }
static void derp_clear_leak(struct forge_mesh *m) { derp_clear(m, true); }

const struct trap traps_tcp[] = {
	{ .name = "bare SYN between hosts", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = bare_syn },
	{ .name = "HTTP between hosts", .outcome = TRAP_VIOLATION,
	  .all = CODE(PLAINTEXT), .any = READABLE, .after = http_between_hosts },
	{ .name = "TLS between hosts", .outcome = TRAP_VIOLATION,
	  .all = CODE(UNEXPLAINED), .any = READABLE,
	  .after = tls_between_hosts },
	{ .name = "TLS records between hosts", .outcome = TRAP_VIOLATION,
	  .all = CODE(UNEXPLAINED), .after = tls_records_between_hosts },

	{ .name = "control in TLS", .outcome = TRAP_PASS, .after = tls_goes_on,
	  .classes = CLASS(CONTROL) },
	{ .name = "control: text in a record", .outcome = TRAP_VIOLATION,
	  .any = CODE(PLAINTEXT) | CODE(SPLICED), .after = tls_text_record },
	{ .name = "control: text between records", .outcome = TRAP_VIOLATION,
	  .any = CODE(PLAINTEXT) | CODE(SPLICED), .after = tls_text_between },
	{ .name = "control: random bytes between records",
	  .outcome = TRAP_VIOLATION, .all = CODE(SPLICED), .any = FOREIGN,
	  .after = tls_random_between },
	{ .name = "control: reordered and sent again", .outcome = TRAP_PASS,
	  .after = tls_reordered },
	{ .name = "control: text sent as if again", .outcome = TRAP_NOT_PASS,
	  .after = tls_false_retransmission },
	{ .name = "control: a segment is missing", .outcome = TRAP_NOT_PASS,
	  .any = CODE(CAPTURE_GAP) | CODE(UNPARSED_FRAMES) |
		 CODE(TRUNCATED_FRAMES),
	  .after = tls_hole },

	{ .name = "control: text far ahead", .outcome = TRAP_NOT_PASS,
	  .after = tls_text_ahead },
	{ .name = "control: text in the past", .outcome = TRAP_NOT_PASS,
	  .after = tls_text_past },
	{ .name = "control: text long in the past", .outcome = TRAP_NOT_PASS,
	  .after = tls_text_long_past },
	{ .name = "control: change of cipher of text",
	  .outcome = TRAP_VIOLATION, .any = FOREIGN, .after = tls_ccs_of_text },
	{ .name = "control: alert of text", .outcome = TRAP_VIOLATION,
	  .any = FOREIGN, .after = tls_alert_of_text },
	{ .name = "control: handshake of text", .outcome = TRAP_VIOLATION,
	  .any = FOREIGN, .after = tls_hello_of_text },
	{ .name = "control: TLS heartbeat of text", .outcome = TRAP_VIOLATION,
	  .any = FOREIGN, .after = tls_heartbeat_of_text },
	{ .name = "control: HTTP", .outcome = TRAP_VIOLATION, .any = FOREIGN,
	  .after = port443_http },
	{ .name = "control: HTTP, begun before the capture",
	  .outcome = TRAP_VIOLATION, .any = FOREIGN,
	  .after = port443_http_late },
	{ .name = "control: TLS, begun before the capture",
	  .outcome = TRAP_NO_VIOLATION, .after = port443_tls_late },
	{ .name = "control: random bytes, begun before the capture",
	  .outcome = TRAP_NOT_PASS, .after = port443_random_late },

	{ .name = "text in an RST at port 80", .outcome = TRAP_VIOLATION,
	  .any = FOREIGN, .after = port80_rst_text },
	{ .name = "SYN and RST at port 80", .outcome = TRAP_PASS,
	  .after = port80, .classes = CLASS(CONTROL),
	  .no_classes = CLASS(EXTERNAL) | CLASS(UNEXPLAINED) },
	{ .name = "HTTP at port 80", .outcome = TRAP_VIOLATION, .any = FOREIGN,
	  .after = port80_http },
	{ .name = "text in a SYN at port 80", .outcome = TRAP_VIOLATION,
	  .any = FOREIGN, .after = port80_syn_text },
	{ .name = "ts2021 at port 80", .outcome = TRAP_PASS, .after = ts2021,
	  .classes = CLASS(CONTROL) },
	{ .name = "ts2021: text in a frame", .outcome = TRAP_VIOLATION,
	  .any = FOREIGN, .after = ts2021_text_frame },
	{ .name = "ts2021: text between frames", .outcome = TRAP_VIOLATION,
	  .any = FOREIGN, .after = ts2021_text_between },
	{ .name = "ts2021: request with a body of text",
	  .outcome = TRAP_VIOLATION, .any = FOREIGN, .after = ts2021_body },
	{ .name = "another port of the server", .outcome = TRAP_VIOLATION,
	  .any = READABLE, .after = other_port },

	{ .name = "DERP in TLS", .outcome = TRAP_PASS, .after = derp_tls,
	  .classes = CLASS(DERP) },
	{ .name = "DERP in TLS and nothing else", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_EMPTY,
	  .any = CODE(NO_ENCRYPTED_TRAFFIC) | CODE(WEAK_EVIDENCE),
	  .after = derp_only },
	{ .name = "DERP in the clear", .outcome = TRAP_NO_VIOLATION,
	  .after = derp_clear_healthy, .classes = CLASS(DERP) },
	{ .name = "DERP in the clear, text in a packet",
	  .outcome = TRAP_VIOLATION, .any = FOREIGN, .after = derp_clear_leak },
};
const size_t traps_tcp_count = sizeof(traps_tcp) / sizeof(traps_tcp[0]);
