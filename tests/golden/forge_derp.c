/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "tests/golden/forge_derp.h"
#include "tests/golden/forge_noise.h"

#define HEADER	5
#define PACKET_MAX	2000

enum { SERVER_KEY = 1, CLIENT_INFO, SERVER_INFO, SEND_PACKET, RECV_PACKET };

static const char request[] = "GET /derp HTTP/1.1\r\n"
	"Host: headscale.lab\r\nUser-Agent: Go-http-client/1.1\r\n"
	"Connection: Upgrade\r\nUpgrade: DERP\r\n\r\n";
static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n"
	"Upgrade: DERP\r\nConnection: Upgrade\r\n"
	"Derp-Version: 2\r\nDerp-Public-Key: 0123456789abcdef0123456789"
	"abcdef0123456789abcdef0123456789abcdef\r\n\r\n";

void forge_derp_private(enum forge_who who, uint8_t key[FORGE_KEY_LEN])
{
	uint64_t seed = 0x6b657973 + (uint64_t)who;

	forge_fill(&seed, key, FORGE_KEY_LEN);
}

void forge_derp_keys(struct forge_mesh *m)
{
	uint8_t key[FORGE_KEY_LEN];

	for (unsigned int i = 0; i < FORGE_HOSTS; i++) {
		forge_derp_private((enum forge_who)i, key);
		forge_noise_public(key, m->host[i].node_key);
	}
}

static void put_frame(struct forge_mesh *m, struct forge_tcp *t,
		      bool from_client, uint8_t type, const void *body,
		      size_t len)
{
	uint8_t b[HEADER + FORGE_KEY_LEN + PACKET_MAX];

	assert(len <= sizeof(b) - HEADER);
	b[0] = type;
	forge_put32(b + 1, (uint32_t)len);
	memcpy(b + HEADER, body, len);
	forge_tcp_send(m, t, from_client, b, HEADER + len);
}

void forge_derp_open(struct forge_mesh *m, struct forge_tcp *t,
		     enum forge_who client)
{
	uint8_t b[160];

	*t = (struct forge_tcp){
		.client = client, .server = SERVER,
		.cport = (uint16_t)(40100 + client), .sport = 443,
		.cseq = (uint32_t)forge_random(&m->seed),
		.sseq = (uint32_t)forge_random(&m->seed),
	};
	forge_tcp_open(m, t);
	forge_tcp_send(m, t, true, request, sizeof(request) - 1);
	forge_tcp_send(m, t, false, answer, sizeof(answer) - 1);
	memcpy(b, "DERP\xf0\x9f\x94\x91", 8);
	forge_fill(&m->seed, b + 8, 32);
	put_frame(m, t, false, SERVER_KEY, b, 40);
	memcpy(b, m->host[client].node_key, FORGE_KEY_LEN);
	forge_fill(&m->seed, b + 32, 96);
	put_frame(m, t, true, CLIENT_INFO, b, 128);
	forge_fill(&m->seed, b, 80);
	put_frame(m, t, false, SERVER_INFO, b, 80);
}

void forge_derp_send(struct forge_mesh *m, struct forge_tcp *t, bool from_client,
		     const uint8_t peer[FORGE_KEY_LEN], const void *packet,
		     size_t len)
{
	uint8_t b[FORGE_KEY_LEN + PACKET_MAX];

	assert(len <= PACKET_MAX);
	memcpy(b, peer, FORGE_KEY_LEN);
	memcpy(b + FORGE_KEY_LEN, packet, len);
	put_frame(m, t, from_client, from_client ? SEND_PACKET : RECV_PACKET, b,
		  FORGE_KEY_LEN + len);
}

void forge_derp_pass(struct forge_mesh *m, struct forge_tcp *from,
		     struct forge_tcp *to, const void *packet, size_t len)
{
	forge_derp_send(m, from, true, m->host[to->client].node_key, packet, len);
	forge_derp_send(m, to, false, m->host[from->client].node_key, packet,
			len);
}
