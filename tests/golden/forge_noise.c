/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "tests/golden/forge.h"
#include "tests/golden/forge_noise.h"

struct state {
	uint8_t hash[32], chain[32], key[32];
};

static void must(int ok)
{
	assert(ok);
	(void)ok;
}

static void mix_hash(struct state *s, const void *p, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	must(EVP_DigestInit(ctx, EVP_blake2s256()));
	must(EVP_DigestUpdate(ctx, s->hash, 32));
	must(EVP_DigestUpdate(ctx, p, len));
	must(EVP_DigestFinal(ctx, s->hash, NULL));
	EVP_MD_CTX_free(ctx);
}

static void mix_key(struct state *s, const uint8_t in[32])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char digest[] = "BLAKE2S-256";
	uint8_t ikm[32], salt[32], out[64];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, ikm, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, 32),
		OSSL_PARAM_construct_end(),
	};

	memcpy(ikm, in, 32);
	memcpy(salt, s->chain, 32);
	must(EVP_KDF_derive(ctx, out, sizeof(out), params) > 0);
	memcpy(s->chain, out, 32);
	memcpy(s->key, out + 32, 32);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void mix_shared(struct state *s, const uint8_t priv[32],
		       const uint8_t pub[32])
{
	EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
						      priv, 32);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL,
						     pub, 32);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
	uint8_t shared[32];
	size_t len = sizeof(shared);

	must(EVP_PKEY_derive_init(ctx) > 0);
	must(EVP_PKEY_derive_set_peer(ctx, peer) > 0);
	must(EVP_PKEY_derive(ctx, shared, &len) > 0);
	mix_key(s, shared);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(mine);
}

static void seal(struct state *s, const uint8_t *in, int len, uint8_t *out)
{
	static const uint8_t nonce[12];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	must(EVP_EncryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, s->key,
				nonce));
	must(EVP_EncryptUpdate(ctx, NULL, &n, s->hash, 32));
	must(EVP_EncryptUpdate(ctx, out, &n, in, len));
	must(EVP_EncryptFinal_ex(ctx, out + n, &n));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out + len));
	EVP_CIPHER_CTX_free(ctx);
	mix_hash(s, out, (size_t)len + 16);
}

void forge_noise_public(const uint8_t priv[FORGE_KEY_LEN],
			uint8_t pub[FORGE_KEY_LEN])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
						     priv, FORGE_KEY_LEN);
	size_t len = FORGE_KEY_LEN;

	must(EVP_PKEY_get_raw_public_key(key, pub, &len));
	EVP_PKEY_free(key);
}

static void tai64n(uint64_t time_ns, uint8_t out[12])
{
	uint64_t s = time_ns / 1000000000;

	forge_put32(out, 0x40000000 | (uint32_t)((s + 10) >> 32));
	forge_put32(out + 4, (uint32_t)(s + 10));
	forge_put32(out + 8, (uint32_t)(time_ns % 1000000000));
}

size_t forge_noise_init(const struct forge_noise *n, uint8_t *b)
{
	static const char name[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
	static const char prologue[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";
	static const uint8_t zeros[32];
	uint8_t own[32], when[12];
	struct state s;

	memset(b, 0, FORGE_INIT_LEN);
	b[0] = 1;
	forge_put32le(b + 4, n->sender);
	must(EVP_Digest(name, strlen(name), s.chain, NULL, EVP_blake2s256(),
			NULL));
	memcpy(s.hash, s.chain, 32);
	mix_hash(&s, prologue, strlen(prologue));
	mix_hash(&s, n->responder, 32);

	forge_noise_public(n->ephemeral, b + 8);
	if (n->fake_ephemeral)
		memcpy(b + 8, n->fake_ephemeral, 32);
	mix_key(&s, b + 8);
	mix_hash(&s, b + 8, 32);
	if (n->fake_ephemeral)
		mix_key(&s, zeros);
	else
		mix_shared(&s, n->ephemeral, n->responder);

	forge_noise_public(n->initiator, own);
	seal(&s, n->fake_initiator ? n->fake_initiator : own, 32, b + 40);
	if (n->fake_initiator)
		mix_key(&s, zeros);
	else
		mix_shared(&s, n->initiator, n->responder);
	tai64n(n->time_ns, when);
	seal(&s, when, 12, b + 88);
	forge_wg_mac1(n->responder, b, 116, b + 116);
	return FORGE_INIT_LEN;
}
