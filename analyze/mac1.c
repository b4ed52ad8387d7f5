/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A handshake message names its receiver only through MAC1, so finding the
 * receiver means trying every node. The key of a node, and the hash state that
 * has taken it in, are made once; a try copies that state, which also lets
 * several threads share it.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/mac1.h"

struct wga_mac1 {
	EVP_MAC_CTX *keyed;
};

/* BLAKE2s-256("mac1----" || pub) */
static bool derive_key(const uint8_t pub[static WGA_MAC1_KEY_LEN],
		       uint8_t key[static 32])
{
	static const char label[8] = "mac1----";
	uint8_t in[sizeof(label) + WGA_MAC1_KEY_LEN];
	unsigned int len = 0;

	memcpy(in, label, sizeof(label));
	memcpy(in + sizeof(label), pub, WGA_MAC1_KEY_LEN);
	return EVP_Digest(in, sizeof(in), key, &len, EVP_blake2s256(), NULL) &&
	       len == 32;
}

static EVP_MAC_CTX *keyed_new(const uint8_t key[static 32])
{
	size_t size = WGA_MAC1_LEN;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (ctx && !EVP_MAC_init(ctx, key, 32, params)) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

struct wga_mac1 *wga_mac1_new(const uint8_t pub[static WGA_MAC1_KEY_LEN])
{
	struct wga_mac1 *state = calloc(1, sizeof(*state));
	uint8_t key[32];

	if (state && derive_key(pub, key))
		state->keyed = keyed_new(key);
	if (state && !state->keyed) {
		free(state);
		return NULL;
	}
	return state;
}

bool wga_mac1_fits(const struct wga_mac1 *state, const uint8_t *msg, size_t len,
		   const uint8_t mac[static WGA_MAC1_LEN])
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(state->keyed);
	uint8_t got[WGA_MAC1_LEN];
	size_t got_len = 0;
	bool fits;

	fits = ctx && EVP_MAC_update(ctx, msg, len) &&
	       EVP_MAC_final(ctx, got, &got_len, sizeof(got)) &&
	       got_len == sizeof(got) && !CRYPTO_memcmp(got, mac, sizeof(got));
	EVP_MAC_CTX_free(ctx);
	return fits;
}

void wga_mac1_free(struct wga_mac1 *state)
{
	if (!state)
		return;
	EVP_MAC_CTX_free(state->keyed);
	free(state);
}

int wga_mac1_find(struct wga_mac1 *const *states, size_t n, const uint8_t *msg,
		  size_t len)
{
	size_t covered = len == 148 ? 116 : 60, i;

	if (!(len == 148 && msg[0] == 1) && !(len == 92 && msg[0] == 2))
		return -1;
	for (i = 0; i < n; i++) {
		if (states[i] && wga_mac1_fits(states[i], msg, covered,
					       msg + covered))
			return (int)i;
	}
	return -1;
}
