/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "tests/golden/forge.h"
#include "tests/golden/forge_msg.h"

static const uint8_t disco_magic[6] = { 'T', 'S', 0xf0, 0x9f, 0x92, 0xac };

void forge_wg_mac1(const uint8_t peer[FORGE_KEY_LEN], const uint8_t *msg,
		   size_t len, uint8_t out[16])
{
	uint8_t label[8 + FORGE_KEY_LEN] = "mac1----", key[32];
	size_t size = 16, n;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	int ok;

	memcpy(label + 8, peer, FORGE_KEY_LEN);
	ok = EVP_Digest(label, sizeof(label), key, NULL, EVP_blake2s256(), NULL);
	ok = ok && EVP_MAC_init(ctx, key, sizeof(key), params);
	ok = ok && EVP_MAC_update(ctx, msg, len);
	ok = ok && EVP_MAC_final(ctx, out, &n, 16);
	assert(ok && n == 16);
	(void)ok;
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
}

size_t forge_wg_init(uint64_t *seed, uint8_t *b, uint32_t sender,
		     const uint8_t peer[FORGE_KEY_LEN])
{
	memset(b, 0, FORGE_INIT_LEN);
	b[0] = 1;
	forge_put32le(b + 4, sender);
	forge_fill(seed, b + 8, 108);
	forge_wg_mac1(peer, b, 116, b + 116);
	return FORGE_INIT_LEN;
}

size_t forge_wg_response(uint64_t *seed, uint8_t *b, uint32_t sender,
			 uint32_t receiver, const uint8_t peer[FORGE_KEY_LEN])
{
	memset(b, 0, FORGE_RESPONSE_LEN);
	b[0] = 2;
	forge_put32le(b + 4, sender);
	forge_put32le(b + 8, receiver);
	forge_fill(seed, b + 12, 48);
	forge_wg_mac1(peer, b, 60, b + 60);
	return FORGE_RESPONSE_LEN;
}

size_t forge_wg_cookie(uint64_t *seed, uint8_t *b, uint32_t receiver)
{
	memset(b, 0, 4);
	b[0] = 3;
	forge_put32le(b + 4, receiver);
	forge_fill(seed, b + 8, FORGE_COOKIE_LEN - 8);
	return FORGE_COOKIE_LEN;
}

size_t forge_wg_data(uint64_t *seed, uint8_t *b, uint32_t receiver,
		     uint64_t counter, size_t len)
{
	assert(len >= 32);
	memset(b, 0, 4);
	b[0] = 4;
	forge_put32le(b + 4, receiver);
	forge_put64le(b + 8, counter);
	forge_fill(seed, b + 16, len - 16);
	return len;
}

size_t forge_disco(uint64_t *seed, uint8_t *b,
		   const uint8_t sender[FORGE_KEY_LEN], size_t len)
{
	assert(len >= 62);
	memcpy(b, disco_magic, sizeof(disco_magic));
	memcpy(b + 6, sender, FORGE_KEY_LEN);
	forge_fill(seed, b + 38, len - 38);
	return len;
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

size_t forge_stun_request(uint64_t *seed, uint8_t *b)
{
	forge_put32(b, 0x00010014);
	forge_put32(b + 4, 0x2112a442);
	forge_fill(seed, b + 8, 12);
	forge_put32(b + 20, 0x80220008);
	memcpy(b + 24, "tailnode", 8);
	forge_put32(b + 32, 0x80280004);
	forge_put32(b + 36, crc32_ieee(b, 32) ^ 0x5354554e);
	return 40;
}

size_t forge_stun_response(const uint8_t *request, uint8_t *b,
			   const uint8_t addr[4], uint16_t port)
{
	forge_put32(b, 0x0101000c);
	memcpy(b + 4, request + 4, 16);
	forge_put32(b + 20, 0x00200008);
	forge_put16(b + 24, 1);
	forge_put16(b + 26, port ^ 0x2112);
	for (unsigned int i = 0; i < 4; i++)
		b[28 + i] = addr[i] ^ b[4 + i];
	return 32;
}

size_t forge_dns(uint8_t *b, uint16_t id, uint16_t flags, const char *name,
		 bool answer)
{
	uint8_t *p = b + 12;

	memset(b, 0, 12);
	forge_put16(b, id);
	forge_put16(b + 2, flags);
	forge_put16(b + 4, 1);
	forge_put16(b + 6, answer ? 1 : 0);
	while (*name) {
		size_t n = strcspn(name, ".");

		*p++ = (uint8_t)n;
		memcpy(p, name, n);
		p += n;
		name += n + (name[n] == '.');
	}
	*p++ = 0;
	forge_put32(p, 0x00010001);
	p += 4;
	if (answer) {
		forge_put16(p, 0xc00c);
		forge_put32(p + 2, 0x00010001);
		forge_put32(p + 6, 60);
		forge_put16(p + 10, 4);
		memcpy(p + 12, "\xc0\xa8\x01\x0b", 4);
		p += 16;
	}
	return (size_t)(p - b);
}

size_t forge_natpmp_address(uint8_t *b)
{
	memset(b, 0, 2);
	return 2;
}

size_t forge_natpmp_map(uint8_t *b, uint16_t port)
{
	memset(b, 0, 12);
	b[1] = 1;
	forge_put16(b + 4, port);
	forge_put32(b + 8, 7200);
	return 12;
}

size_t forge_pcp_announce(uint8_t *b, const uint8_t client[4])
{
	memset(b, 0, 24);
	b[0] = 2;
	b[18] = b[19] = 0xff;
	memcpy(b + 20, client, 4);
	return 24;
}

size_t forge_dhcp(uint64_t *seed, uint8_t *b, uint8_t type,
		  const uint8_t mac[6], const uint8_t yours[4],
		  const uint8_t server[4])
{
	bool reply = type == 2 || type == 5;
	uint8_t *p = b + 240;

	memset(b, 0, 300);
	b[0] = reply ? 2 : 1;
	b[1] = 1;
	b[2] = 6;
	forge_fill(seed, b + 4, 4);
	if (reply) {
		memcpy(b + 16, yours, 4);
		memcpy(b + 20, server, 4);
	}
	memcpy(b + 28, mac, 6);
	memcpy(b + 236, "\x63\x82\x53\x63", 4);
	*p++ = 53;
	*p++ = 1;
	*p++ = type;
	*p++ = 12;
	*p++ = 4;
	memcpy(p, "vm-a", 4);
	p += 4;
	*p++ = 54;
	*p++ = 4;
	memcpy(p, server, 4);
	p[4] = 255;
	return 300;
}

size_t forge_ntp(uint64_t *seed, uint8_t *b)
{
	memset(b, 0, 48);
	b[0] = 0x23;
	forge_fill(seed, b + 40, 8);
	return 48;
}

size_t forge_ssdp_search(char *b, size_t room)
{
	int n = snprintf(b, room,
			 "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
			 "ST: ssdp:all\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\n\r\n");

	assert(n > 0 && (size_t)n < room);
	return (size_t)n;
}

static uint8_t *extension(uint8_t *p, uint16_t type, const void *body,
			  uint16_t len)
{
	forge_put16(p, type);
	forge_put16(p + 2, len);
	memcpy(p + 4, body, len);
	return p + 4 + len;
}

static size_t close_handshake(uint8_t *b, const uint8_t *extensions,
			      const uint8_t *end)
{
	size_t len = (size_t)(end - b);

	forge_put16(b + (extensions - b) - 2, (uint16_t)(end - extensions));
	forge_put16(b + 3, (uint16_t)(len - 5));
	b[6] = 0;
	forge_put16(b + 7, (uint16_t)(len - 9));
	return len;
}

size_t forge_tls_client_hello(uint64_t *seed, uint8_t *b, const char *sni)
{
	uint8_t body[256], *p, *extensions;
	uint16_t n = (uint16_t)strlen(sni);

	memcpy(b, "\x16\x03\x01\0\0\x01\0\0\0\x03\x03", 11);
	forge_fill(seed, b + 11, 32);
	b[43] = 32;
	forge_fill(seed, b + 44, 32);
	memcpy(b + 76, "\0\x06\x13\x01\x13\x02\x13\x03\x01\0", 10);
	extensions = p = b + 88;

	forge_put16(body, (uint16_t)(n + 3));
	body[2] = 0;
	forge_put16(body + 3, n);
	memcpy(body + 5, sni, n);
	p = extension(p, 0, body, (uint16_t)(n + 5));
	p = extension(p, 10, "\0\x02\0\x1d", 4);
	p = extension(p, 13, "\0\x04\x08\x04\x04\x03", 6);
	p = extension(p, 43, "\x02\x03\x04", 3);
	memcpy(body, "\0\x24\0\x1d\0\x20", 6);
	forge_fill(seed, body + 6, 32);
	p = extension(p, 51, body, 38);
	return close_handshake(b, extensions, p);
}

size_t forge_tls_server_hello(uint64_t *seed, uint8_t *b)
{
	uint8_t body[64], *p, *extensions;

	memcpy(b, "\x16\x03\x03\0\0\x02\0\0\0\x03\x03", 11);
	forge_fill(seed, b + 11, 32);
	b[43] = 32;
	forge_fill(seed, b + 44, 32);
	memcpy(b + 76, "\x13\x01\0", 3);
	extensions = p = b + 81;

	p = extension(p, 43, "\x03\x04", 2);
	memcpy(body, "\0\x1d\0\x20", 4);
	forge_fill(seed, body + 4, 32);
	p = extension(p, 51, body, 36);
	return close_handshake(b, extensions, p);
}

size_t forge_tls_ccs(uint8_t *b)
{
	memcpy(b, "\x14\x03\x03\0\x01\x01", 6);
	return 6;
}

size_t forge_tls_record(uint64_t *seed, uint8_t *b, size_t len)
{
	memcpy(b, "\x17\x03\x03", 3);
	forge_put16(b + 3, (uint16_t)len);
	forge_fill(seed, b + 5, len);
	return len + 5;
}
