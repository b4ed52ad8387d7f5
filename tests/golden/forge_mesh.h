/* SPDX-License-Identifier: MIT */
#ifndef FORGE_MESH_H
#define FORGE_MESH_H

#include "tests/golden/forge.h"
#include "tests/golden/forge_msg.h"

/*
 * Theory of operation
 *
 * A mesh as the lab has it: vm-a 192.168.1.10, vm-c 192.168.1.11 and, silent
 * unless a test wakes it, vm-d 192.168.1.12 on virbr-a; vm-b 10.0.0.10 and
 * vm-e 10.0.0.11 on virbr-b; the server 192.168.100.10 behind both. The gateway
 * has one address and one MAC on each bridge; what it forwards has that MAC and
 * a TTL of 63. forge_mesh_baseline() emits what a healthy mesh shows; a test
 * then changes one thing.
 */
enum forge_who {
	VM_A, VM_C, VM_D, VM_B, VM_E, GATEWAY, SERVER, STRANGER, PUBLIC,
	FORGE_HOSTS,
};

struct forge_host {
	const char *name;
	uint8_t mac[6];
	uint8_t ip[4];
	uint8_t ip6[16];
	uint16_t port; /* of its WireGuard and disco socket */
	uint8_t node_key[FORGE_KEY_LEN], disco_key[FORGE_KEY_LEN];
};

/**
 * struct forge_session - a WireGuard session: @index[0] is the initiator's,
 * and @counter[0] counts what the initiator sends
 */
struct forge_session {
	enum forge_who who[2];
	uint32_t index[2];
	uint64_t counter[2];
};

struct forge_tcp {
	enum forge_who client, server;
	uint16_t cport, sport;
	uint32_t cseq, sseq;
};

enum { AB, AC, CB, FORGE_SESSIONS };

/**
 * struct forge_mesh - bridges virbr-a and virbr-b
 * @bridges:	how many of them are captured (1: virbr-a alone)
 * @seed:	the generator
 * @tls:	the control connection of vm-a, open after the baseline
 * @p:		scratch
 */
struct forge_mesh {
	struct forge bridge[2];
	unsigned int bridges;
	uint64_t seed;
	struct forge_host host[FORGE_HOSTS];
	struct forge_session session[FORGE_SESSIONS];
	struct forge_tcp tls;
	struct forge_packet p;
};

void forge_mesh_init(struct forge_mesh *m, unsigned int bridges);
void forge_mesh_free(struct forge_mesh *m);

/* baselines: all of it; without disco; without handshakes */
void forge_mesh_baseline(struct forge_mesh *m);
void forge_mesh_infrastructure(struct forge_mesh *m);
void forge_mesh_disco(struct forge_mesh *m, unsigned int session);
void forge_mesh_handshake(struct forge_mesh *m, unsigned int session);
/* data both ways and one GSO frame */
void forge_mesh_talk(struct forge_mesh *m, unsigned int session);

/* let time pass on all bridges */
void forge_mesh_wait(struct forge_mesh *m, uint64_t ms);

/* m->p holds an IP packet of type @ethertype: give it its Ethernet header on
 * each captured bridge that it crosses
 */
void forge_mesh_emit(struct forge_mesh *m, enum forge_who from,
		     enum forge_who to, uint16_t ethertype);
/* m->p holds an IP payload: send it from host to host over IPv4 */
void forge_mesh_ip(struct forge_mesh *m, enum forge_who from, enum forge_who to,
		   uint8_t protocol);
void forge_mesh_udp(struct forge_mesh *m, enum forge_who from, uint16_t sport,
		    enum forge_who to, uint16_t dport, const void *data,
		    size_t len);
/* text from host to host in UDP to port 9999 */
void forge_mesh_text(struct forge_mesh *m, enum forge_who from,
		     enum forge_who to, const char *text);
/* UDP between the sockets of WireGuard and disco */
void forge_mesh_magic(struct forge_mesh *m, enum forge_who from,
		      enum forge_who to, const void *data, size_t len);
/* UDP to a group or broadcast address; seen on the sender's bridge only */
void forge_mesh_group(struct forge_mesh *m, enum forge_who from, uint16_t sport,
		      const uint8_t group[4], uint16_t dport, const void *data,
		      size_t len);
/* m->p holds an IPv6 payload: send it on virbr-a, to a link-local or multicast
 * address
 */
void forge_mesh_ip6(struct forge_mesh *m, enum forge_who from,
		    const uint8_t dst[16], const uint8_t mac[6], uint8_t next,
		    uint8_t hops);
void forge_mesh_arp(struct forge_mesh *m, enum forge_who from, enum forge_who to,
		    bool reply, const void *trailer, size_t trailer_len);

/* one WireGuard data message; @dir 0 is from the initiator */
void forge_mesh_data(struct forge_mesh *m, unsigned int session,
		     unsigned int dir, size_t len);
/* @count messages of 1312 bytes in one GSO frame, the last of @last bytes;
 * forge_mesh_gso_build() only writes them and returns the length
 */
size_t forge_mesh_gso_build(struct forge_mesh *m, unsigned int session,
			    unsigned int dir, unsigned int count, size_t last,
			    uint8_t *b);
void forge_mesh_gso(struct forge_mesh *m, unsigned int session,
		    unsigned int dir, unsigned int count, size_t last);

/* TCP and TLS */
void forge_tcp_segment(struct forge_mesh *m, struct forge_tcp *t,
		       bool from_client, uint8_t flags, const void *data,
		       size_t len);
void forge_tcp_open(struct forge_mesh *m, struct forge_tcp *t);
void forge_tcp_send(struct forge_mesh *m, struct forge_tcp *t, bool from_client,
		    const void *data, size_t len);
void forge_tls_open(struct forge_mesh *m, struct forge_tcp *t, const char *sni);
void forge_tls_send(struct forge_mesh *m, struct forge_tcp *t, bool from_client,
		    size_t ciphertext);

#endif /* FORGE_MESH_H */
