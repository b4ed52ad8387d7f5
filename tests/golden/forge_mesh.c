/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/frame.h"
#include "tests/golden/forge_mesh.h"

#define STRIDE	1312
#define STUN_PORT	3478

static const struct forge_host hosts[FORGE_HOSTS] = {
	[VM_A] = { .name = "vm-a", .mac = { 0x52, 0x54, 0, 1, 0, 0x0a },
		   .ip = { 192, 168, 1, 10 }, .port = 41641 },
	[VM_C] = { .name = "vm-c", .mac = { 0x52, 0x54, 0, 1, 0, 0x0c },
		   .ip = { 192, 168, 1, 11 }, .port = 41643 },
	[VM_D] = { .name = "vm-d", .mac = { 0x52, 0x54, 0, 1, 0, 0x0d },
		   .ip = { 192, 168, 1, 12 }, .port = 41644 },
	[VM_B] = { .name = "vm-b", .mac = { 0x52, 0x54, 0, 2, 0, 0x0b },
		   .ip = { 10, 0, 0, 10 }, .port = 41642 },
	[VM_E] = { .name = "vm-e", .mac = { 0x52, 0x54, 0, 2, 0, 0x0e },
		   .ip = { 10, 0, 0, 11 }, .port = 41645 },
	[GATEWAY] = { .name = "gateway", .mac = { 0x52, 0x54, 0, 1, 0, 0x01 },
		      .ip = { 192, 168, 1, 1 } },
	[SERVER] = { .name = "server", .ip = { 192, 168, 100, 10 } },
	[STRANGER] = { .name = "stranger", .ip = { 192, 168, 50, 7 } },
	[PUBLIC] = { .name = "public", .ip = { 203, 0, 113, 9 } },
};

static const uint8_t gateway_b_mac[6] = { 0x52, 0x54, 0, 2, 0, 0x01 };

void forge_mesh_init(struct forge_mesh *m, unsigned int bridges)
{
	static const enum forge_who ends[FORGE_SESSIONS][2] = {
		[AB] = { VM_A, VM_B }, [AC] = { VM_A, VM_C }, [CB] = { VM_C, VM_B },
	};

	assert(bridges == 1 || bridges == 2);
	memset(m, 0, sizeof(*m));
	m->bridges = bridges;
	m->seed = 0x6d657368;
	forge_init(&m->bridge[0]);
	forge_init(&m->bridge[1]);
	memcpy(m->host, hosts, sizeof(hosts));
	for (unsigned int i = 0; i < FORGE_HOSTS; i++) {
		struct forge_host *h = &m->host[i];

		/* fe80::/64 with the EUI-64 of the MAC address */
		h->ip6[0] = 0xfe;
		h->ip6[1] = 0x80;
		memcpy(h->ip6 + 8, h->mac, 3);
		h->ip6[8] ^= 2;
		h->ip6[11] = 0xff;
		h->ip6[12] = 0xfe;
		memcpy(h->ip6 + 13, h->mac + 3, 3);
		forge_fill(&m->seed, h->node_key, FORGE_KEY_LEN);
		forge_fill(&m->seed, h->disco_key, FORGE_KEY_LEN);
	}
	for (unsigned int i = 0; i < FORGE_SESSIONS; i++) {
		memcpy(m->session[i].who, ends[i], sizeof(ends[i]));
		m->session[i].index[0] = (uint32_t)forge_random(&m->seed);
		m->session[i].index[1] = (uint32_t)forge_random(&m->seed);
	}
	m->tls = (struct forge_tcp){
		.client = VM_A, .server = SERVER, .cport = 36248, .sport = 443,
	};
}

void forge_mesh_free(struct forge_mesh *m)
{
	forge_free(&m->bridge[0]);
	forge_free(&m->bridge[1]);
}

void forge_mesh_wait(struct forge_mesh *m, uint64_t ms)
{
	m->bridge[0].now_ns += ms * 1000000;
	m->bridge[1].now_ns += ms * 1000000;
}

/* the bridge that a host is attached to, or -1 */
static int attached(enum forge_who who)
{
	switch (who) {
	case VM_A: case VM_C: case VM_D: case GATEWAY:
		return 0;
	case VM_B: case VM_E:
		return 1;
	default:
		return -1;
	}
}

static const uint8_t *mac_on(const struct forge_mesh *m, int bridge,
			     enum forge_who who)
{
	if (attached(who) == bridge)
		return m->host[who].mac;
	return bridge == 0 ? m->host[GATEWAY].mac : gateway_b_mac;
}

static void route(uint8_t *ip, uint16_t ethertype)
{
	uint32_t sum = 0;

	if (ethertype == FORGE_ETH_IPV6) {
		ip[7]--;
		return;
	}
	if (ethertype != FORGE_ETH_IPV4)
		return;
	ip[8]--;
	forge_put16(ip + 10, 0);
	for (size_t i = 0; i < (ip[0] & 15u) * 4; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	forge_put16(ip + 10, (uint16_t)~(sum + (sum >> 16)));
}

void forge_mesh_emit(struct forge_mesh *m, enum forge_who from,
		     enum forge_who to, uint16_t ethertype)
{
	struct forge_packet *q = malloc(sizeof(*q));

	assert(q);
	for (int i = 0; i < (int)m->bridges; i++) {
		bool here = attached(from) == i;

		if (!here && attached(to) != i)
			continue;
		*q = m->p;
		if (!here)
			route(forge_bytes(q), ethertype);
		forge_ethernet(q, mac_on(m, i, from), mac_on(m, i, to),
			       ethertype);
		forge_add(&m->bridge[i], q);
	}
	free(q);
}

void forge_mesh_ip(struct forge_mesh *m, enum forge_who from, enum forge_who to,
		   uint8_t protocol)
{
	forge_ipv4(&m->p, m->host[from].ip, m->host[to].ip, protocol, 64);
	forge_mesh_emit(m, from, to, FORGE_ETH_IPV4);
}

void forge_mesh_udp(struct forge_mesh *m, enum forge_who from, uint16_t sport,
		    enum forge_who to, uint16_t dport, const void *data,
		    size_t len)
{
	forge_start(&m->p, data, len);
	forge_udp(&m->p, sport, dport);
	forge_mesh_ip(m, from, to, FORGE_PROTO_UDP);
}

void forge_mesh_text(struct forge_mesh *m, enum forge_who from,
		     enum forge_who to, const char *text)
{
	forge_mesh_udp(m, from, 50000, to, 9999, text, strlen(text));
}

void forge_mesh_magic(struct forge_mesh *m, enum forge_who from,
		      enum forge_who to, const void *data, size_t len)
{
	forge_mesh_udp(m, from, m->host[from].port, to, m->host[to].port, data,
		       len);
}

static void add_on(struct forge_mesh *m, enum forge_who from,
		   const uint8_t mac[6], uint16_t ethertype)
{
	int bridge = attached(from);

	assert(bridge >= 0);
	if (bridge >= (int)m->bridges)
		return;
	forge_ethernet(&m->p, m->host[from].mac, mac, ethertype);
	forge_add(&m->bridge[bridge], &m->p);
}

void forge_mesh_group(struct forge_mesh *m, enum forge_who from, uint16_t sport,
		      const uint8_t group[4], uint16_t dport, const void *data,
		      size_t len)
{
	uint8_t mac[6] = { 0x01, 0, 0x5e, group[1] & 0x7f, group[2], group[3] };

	if (group[0] < 224 || group[0] >= 240)
		memset(mac, 0xff, 6);
	forge_start(&m->p, data, len);
	forge_udp(&m->p, sport, dport);
	forge_ipv4(&m->p, m->host[from].ip, group, FORGE_PROTO_UDP, 1);
	add_on(m, from, mac, FORGE_ETH_IPV4);
}

void forge_mesh_ip6(struct forge_mesh *m, enum forge_who from,
		    const uint8_t dst[16], const uint8_t mac[6], uint8_t next,
		    uint8_t hops)
{
	forge_ipv6(&m->p, m->host[from].ip6, dst, next, hops);
	add_on(m, from, mac, FORGE_ETH_IPV6);
}

void forge_mesh_arp(struct forge_mesh *m, enum forge_who from, enum forge_who to,
		    bool reply, const void *trailer, size_t trailer_len)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const struct forge_host *f = &m->host[from], *t = &m->host[to];
	uint8_t *h;

	forge_start(&m->p, trailer, trailer_len);
	h = forge_push(&m->p, 28);
	memcpy(h, "\0\x01\x08\0\x06\x04\0", 7);
	h[7] = reply ? 2 : 1;
	memcpy(h + 8, f->mac, 6);
	memcpy(h + 14, f->ip, 4);
	if (reply)
		memcpy(h + 18, t->mac, 6);
	memcpy(h + 24, t->ip, 4);
	add_on(m, from, reply ? t->mac : broadcast, FORGE_ETH_ARP);
}

void forge_mesh_data(struct forge_mesh *m, unsigned int session,
		     unsigned int dir, size_t len)
{
	struct forge_session *s = &m->session[session];
	uint8_t b[2048];

	assert(len <= sizeof(b));
	forge_wg_data(&m->seed, b, s->index[!dir], s->counter[dir]++, len);
	forge_mesh_magic(m, s->who[dir], s->who[!dir], b, len);
}

size_t forge_mesh_gso_build(struct forge_mesh *m, unsigned int session,
			    unsigned int dir, unsigned int count, size_t last,
			    uint8_t *b)
{
	struct forge_session *s = &m->session[session];
	size_t n = 0;

	for (unsigned int i = 0; i < count; i++)
		n += forge_wg_data(&m->seed, b + n, s->index[!dir],
				   s->counter[dir]++,
				   i + 1 < count ? STRIDE : last);
	return n;
}

void forge_mesh_gso(struct forge_mesh *m, unsigned int session,
		    unsigned int dir, unsigned int count, size_t last)
{
	struct forge_session *s = &m->session[session];
	uint8_t *b = malloc(FORGE_ROOM);
	size_t n;

	assert(b && count * STRIDE <= FORGE_ROOM);
	n = forge_mesh_gso_build(m, session, dir, count, last, b);
	forge_mesh_magic(m, s->who[dir], s->who[!dir], b, n);
	free(b);
}

void forge_tcp_segment(struct forge_mesh *m, struct forge_tcp *t,
		       bool from_client, uint8_t flags, const void *data,
		       size_t len)
{
	uint32_t *mine = from_client ? &t->cseq : &t->sseq;
	uint32_t other = from_client ? t->sseq : t->cseq;
	uint16_t sport = from_client ? t->cport : t->sport;
	uint16_t dport = from_client ? t->sport : t->cport;

	forge_start(&m->p, data, len);
	forge_tcp(&m->p, sport, dport, *mine, flags & FORGE_ACK ? other : 0,
		  flags);
	*mine += (uint32_t)len + !!(flags & (FORGE_SYN | FORGE_FIN));
	forge_mesh_ip(m, from_client ? t->client : t->server,
		      from_client ? t->server : t->client, FORGE_PROTO_TCP);
}

void forge_tcp_open(struct forge_mesh *m, struct forge_tcp *t)
{
	t->cseq = (uint32_t)forge_random(&m->seed);
	t->sseq = (uint32_t)forge_random(&m->seed);
	forge_tcp_segment(m, t, true, FORGE_SYN, NULL, 0);
	forge_tcp_segment(m, t, false, FORGE_SYN | FORGE_ACK, NULL, 0);
	forge_tcp_segment(m, t, true, FORGE_ACK, NULL, 0);
}

void forge_tcp_send(struct forge_mesh *m, struct forge_tcp *t, bool from_client,
		    const void *data, size_t len)
{
	forge_tcp_segment(m, t, from_client, FORGE_PSH | FORGE_ACK, data, len);
	forge_tcp_segment(m, t, !from_client, FORGE_ACK, NULL, 0);
}

void forge_tls_send(struct forge_mesh *m, struct forge_tcp *t, bool from_client,
		    size_t ciphertext)
{
	uint8_t b[2048];

	assert(ciphertext + 5 <= sizeof(b));
	forge_tcp_send(m, t, from_client, b,
		       forge_tls_record(&m->seed, b, ciphertext));
}

void forge_tls_open(struct forge_mesh *m, struct forge_tcp *t, const char *sni)
{
	uint8_t b[2048];
	size_t n;

	forge_tcp_open(m, t);
	forge_tcp_send(m, t, true, b, forge_tls_client_hello(&m->seed, b, sni));
	n = forge_tls_server_hello(&m->seed, b);
	n += forge_tls_ccs(b + n);
	n += forge_tls_record(&m->seed, b + n, 900);
	forge_tcp_send(m, t, false, b, n);
	n = forge_tls_ccs(b);
	n += forge_tls_record(&m->seed, b + n, 53);
	forge_tcp_send(m, t, true, b, n);
	forge_tls_send(m, t, true, 331);
	forge_tls_send(m, t, false, 148);
}

static void stun(struct forge_mesh *m, enum forge_who who)
{
	const struct forge_host *h = &m->host[who];
	uint8_t request[40], response[32];

	forge_stun_request(&m->seed, request);
	forge_mesh_udp(m, who, h->port, SERVER, STUN_PORT, request,
		       sizeof(request));
	forge_stun_response(request, response, h->ip, h->port);
	forge_mesh_udp(m, SERVER, STUN_PORT, who, h->port, response,
		       sizeof(response));
}

/* the gateway says that nobody listens; it quotes what it got */
static void natpmp_refused(struct forge_mesh *m, enum forge_who who)
{
	uint8_t quote[64], b[12];
	size_t n = forge_natpmp_map(b, m->host[who].port);

	forge_start(&m->p, b, n);
	forge_udp(&m->p, 53904, 5351);
	forge_ipv4(&m->p, m->host[who].ip, m->host[GATEWAY].ip, FORGE_PROTO_UDP,
		   64);
	n = m->p.len;
	memcpy(quote, forge_bytes(&m->p), n);
	forge_mesh_emit(m, who, GATEWAY, FORGE_ETH_IPV4);
	forge_start(&m->p, quote, n);
	forge_icmp(&m->p, 3, 3, 0);
	forge_mesh_ip(m, GATEWAY, who, FORGE_PROTO_ICMP);
}

static void port80_refused(struct forge_mesh *m)
{
	struct forge_tcp t = {
		.client = VM_A, .server = SERVER, .cport = 46336, .sport = 80,
		.cseq = 0x11223344,
	};

	forge_tcp_segment(m, &t, true, FORGE_SYN, NULL, 0);
	forge_tcp_segment(m, &t, false, FORGE_RST | FORGE_ACK, NULL, 0);
}

void forge_mesh_infrastructure(struct forge_mesh *m)
{
	static const enum forge_who nodes[] = { VM_A, VM_C };

	for (unsigned int i = 0; i < 2; i++) {
		forge_mesh_arp(m, nodes[i], GATEWAY, false, NULL, 0);
		forge_mesh_arp(m, GATEWAY, nodes[i], true, NULL, 0);
		natpmp_refused(m, nodes[i]);
		stun(m, nodes[i]);
	}
	forge_mesh_arp(m, VM_A, VM_C, false, NULL, 0);
	forge_mesh_arp(m, VM_C, VM_A, true, NULL, 0);
	stun(m, VM_B);
	port80_refused(m);
	forge_tls_open(m, &m->tls, "headscale.lab");
}

void forge_mesh_disco(struct forge_mesh *m, unsigned int session)
{
	const struct forge_session *s = &m->session[session];
	uint8_t b[FORGE_PING_LEN];

	for (unsigned int i = 0; i < 2; i++) {
		enum forge_who from = s->who[i], to = s->who[!i];

		forge_disco(&m->seed, b, m->host[from].disco_key, FORGE_PING_LEN);
		forge_mesh_magic(m, from, to, b, FORGE_PING_LEN);
		forge_disco(&m->seed, b, m->host[to].disco_key, FORGE_PONG_LEN);
		forge_mesh_magic(m, to, from, b, FORGE_PONG_LEN);
	}
}

void forge_mesh_handshake(struct forge_mesh *m, unsigned int session)
{
	const struct forge_session *s = &m->session[session];
	uint8_t b[FORGE_INIT_LEN];

	forge_wg_init(&m->seed, b, s->index[0], m->host[s->who[1]].node_key);
	forge_mesh_magic(m, s->who[0], s->who[1], b, FORGE_INIT_LEN);
	forge_wg_response(&m->seed, b, s->index[1], s->index[0],
			  m->host[s->who[0]].node_key);
	forge_mesh_magic(m, s->who[1], s->who[0], b, FORGE_RESPONSE_LEN);
}

void forge_mesh_talk(struct forge_mesh *m, unsigned int session)
{
	forge_mesh_data(m, session, 0, 32);
	for (unsigned int i = 0; i < 4; i++) {
		forge_mesh_data(m, session, 0, 128);
		forge_mesh_data(m, session, 1, 128);
	}
	forge_mesh_data(m, session, 1, STRIDE);
	forge_mesh_gso(m, session, 0, 10, 736);
	forge_mesh_data(m, session, 1, 96);
}

void forge_mesh_baseline(struct forge_mesh *m)
{
	forge_mesh_infrastructure(m);
	for (unsigned int i = 0; i < FORGE_SESSIONS; i++) {
		forge_mesh_disco(m, i);
		forge_mesh_handshake(m, i);
		forge_mesh_talk(m, i);
	}
}
