/* SPDX-License-Identifier: MIT */
#ifndef FORGE_MSG_H
#define FORGE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Application messages, written to a buffer that the caller knows is large
 * enough. Each returns the length. "Seed" is the generator of what is random.
 */

#define FORGE_KEY_LEN	32
#define FORGE_INIT_LEN	148
#define FORGE_RESPONSE_LEN	92
#define FORGE_COOKIE_LEN	64
#define FORGE_PING_LEN	124
#define FORGE_PONG_LEN	110

/* WireGuard. @peer is the public key of the receiver, which keys MAC1. */
size_t forge_wg_init(uint64_t *seed, uint8_t *b, uint32_t sender,
		     const uint8_t peer[FORGE_KEY_LEN]);
size_t forge_wg_response(uint64_t *seed, uint8_t *b, uint32_t sender,
			 uint32_t receiver, const uint8_t peer[FORGE_KEY_LEN]);
size_t forge_wg_cookie(uint64_t *seed, uint8_t *b, uint32_t receiver);
/* @len: of the whole message, 32 at least */
size_t forge_wg_data(uint64_t *seed, uint8_t *b, uint32_t receiver,
		     uint64_t counter, size_t len);

/* MAC1 of the WireGuard paper, section 5.4.4, by libcrypto alone */
void forge_wg_mac1(const uint8_t peer[FORGE_KEY_LEN], const uint8_t *msg,
		   size_t len, uint8_t out[16]);

/* Tailscale disco: a message of @len bytes that @sender seals */
size_t forge_disco(uint64_t *seed, uint8_t *b,
		   const uint8_t sender[FORGE_KEY_LEN], size_t len);

size_t forge_stun_request(uint64_t *seed, uint8_t *b);
size_t forge_stun_response(const uint8_t *request, uint8_t *b,
			   const uint8_t addr[4], uint16_t port);

/* DNS: a question for @name, or an answer to it with one A record */
size_t forge_dns(uint8_t *b, uint16_t id, uint16_t flags, const char *name,
		 bool answer);
size_t forge_natpmp_address(uint8_t *b);
size_t forge_natpmp_map(uint8_t *b, uint16_t port);
size_t forge_pcp_announce(uint8_t *b, const uint8_t client[4]);
/* @type: 1 discover, 2 offer, 3 request, 5 ack */
size_t forge_dhcp(uint64_t *seed, uint8_t *b, uint8_t type,
		  const uint8_t mac[6], const uint8_t yours[4],
		  const uint8_t server[4]);
size_t forge_ntp(uint64_t *seed, uint8_t *b);
size_t forge_ssdp_search(char *b, size_t room);

/* TLS 1.3 as it looks from outside */
size_t forge_tls_client_hello(uint64_t *seed, uint8_t *b, const char *sni);
size_t forge_tls_server_hello(uint64_t *seed, uint8_t *b);
size_t forge_tls_ccs(uint8_t *b);
/* application data, @len bytes of ciphertext */
size_t forge_tls_record(uint64_t *seed, uint8_t *b, size_t len);

#endif /* FORGE_MSG_H */
