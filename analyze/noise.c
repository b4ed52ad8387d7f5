/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Noise keeps two running values: a hash of all that was sent, which every
 * ciphertext is bound to, and a chaining key, which every Diffie-Hellman result
 * goes into. The responder's static key and what the initiation shows are
 * enough to follow both to the end of the first message. What is derived on
 * the way opens that message and nothing else, and is wiped.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <string.h>

#include "analyze/noise.h"

#define HASH_LEN	32
#define TAG_LEN		crypto_aead_chacha20poly1305_IETF_ABYTES

/* where things are in an initiation (WireGuard paper, section 5.4.2) */
enum { AT_EPHEMERAL = 8, AT_STATIC = 40, AT_TIME = 88, AT_MAC1 = 116 };

_Static_assert(AT_TIME - AT_STATIC == WGA_NOISE_KEY_LEN + TAG_LEN, "static");
_Static_assert(AT_MAC1 - AT_TIME == WGA_NOISE_TIME_LEN + TAG_LEN, "time");

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/**
 * struct noise - a handshake that is being followed
 * @hash:	of all that was sent
 * @chain:	chaining key
 * @key:	of the next ciphertext
 * @shared:	result of the last Diffie-Hellman
 */
struct noise {
	uint8_t hash[HASH_LEN], chain[HASH_LEN], key[HASH_LEN];
	uint8_t shared[crypto_scalarmult_BYTES];
};

static void noise_cleanup(struct noise *n)
{
	sodium_memzero(n, sizeof(*n));
}

static bool hash(const void *in, size_t len, uint8_t out[static HASH_LEN])
{
	return EVP_Digest(in, len, out, NULL, EVP_blake2s256(), NULL);
}

/* hash = HASH(hash || @in) */
static bool mix_hash(struct noise *n, const void *in, size_t len)
{
	uint8_t both[HASH_LEN + 64];

	if (len > sizeof(both) - HASH_LEN)
		return false;
	memcpy(both, n->hash, HASH_LEN);
	memcpy(both + HASH_LEN, in, len);
	return hash(both, HASH_LEN + len, n->hash);
}

static bool hmac(const uint8_t key[static HASH_LEN], const uint8_t *in,
		 size_t len, uint8_t out[static HASH_LEN])
{
	return HMAC(EVP_blake2s256(), key, HASH_LEN, in, len, out, NULL);
}

/* (chain, key) = KDF2(chain, @in); KDF1 is its first half */
static bool mix_key(struct noise *n, const uint8_t in[static 32])
{
	uint8_t secret[HASH_LEN], again[HASH_LEN + 1] = { 1 };
	bool done;

	done = hmac(n->chain, in, 32, secret) &&
	       hmac(secret, again, 1, n->chain);
	memcpy(again, n->chain, HASH_LEN);
	again[HASH_LEN] = 2;
	done = done && hmac(secret, again, sizeof(again), n->key);
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(again, sizeof(again));
	return done;
}

/* mix in what two keys share; a public key of low order shares nothing */
static bool mix_shared(struct noise *n, const uint8_t *priv, const uint8_t *pub)
{
	return !crypto_scalarmult(n->shared, priv, pub) &&
	       !sodium_is_zero(n->shared, sizeof(n->shared)) &&
	       mix_key(n, n->shared);
}

/* @len: of the ciphertext with its tag */
static bool unseal(struct noise *n, const uint8_t *in, size_t len, uint8_t *out)
{
	static const uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

	return !crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in,
							  len, n->hash,
							  HASH_LEN, nonce,
							  n->key) &&
	       mix_hash(n, in, len);
}

static bool noise_start(struct noise *n, const uint8_t *pub)
{
	if (!hash(construction, strlen(construction), n->chain))
		return false;
	memcpy(n->hash, n->chain, HASH_LEN);
	return mix_hash(n, identifier, strlen(identifier)) &&
	       mix_hash(n, pub, WGA_NOISE_KEY_LEN);
}

bool wga_noise_open_initiation(const uint8_t priv[static WGA_NOISE_KEY_LEN],
			       const uint8_t pub[static WGA_NOISE_KEY_LEN],
			       const uint8_t msg[static WGA_NOISE_INITIATION_LEN],
			       uint8_t initiator[static WGA_NOISE_KEY_LEN],
			       uint8_t tai64n[static WGA_NOISE_TIME_LEN])
{
	__attribute__((cleanup(noise_cleanup))) struct noise n;
	static const uint8_t type[4] = { 1 };
	const uint8_t *ephemeral = msg + AT_EPHEMERAL;
	uint8_t peer[WGA_NOISE_KEY_LEN], when[WGA_NOISE_TIME_LEN];

	if (memcmp(msg, type, sizeof(type)) || !noise_start(&n, pub) ||
	    !mix_key(&n, ephemeral) ||
	    !mix_hash(&n, ephemeral, WGA_NOISE_KEY_LEN) ||
	    !mix_shared(&n, priv, ephemeral) ||
	    !unseal(&n, msg + AT_STATIC, AT_TIME - AT_STATIC, peer) ||
	    !mix_shared(&n, priv, peer) ||
	    !unseal(&n, msg + AT_TIME, AT_MAC1 - AT_TIME, when))
		return false;
	memcpy(initiator, peer, sizeof(peer));
	memcpy(tai64n, when, sizeof(when));
	return true;
}
