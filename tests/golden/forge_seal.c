/* SPDX-License-Identifier: MIT */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/tls13.h"
#include "tests/golden/forge_seal.h"

static void must(int done)
{
	if (done <= 0)
		abort();
}

size_t forge_seal_secret_len(uint16_t suite)
{
	return suite == WGA_TLS13_AES_256_GCM_SHA384 ? 48 : 32;
}

static void expand(const struct forge_seal *s, const char *label, uint8_t *out,
		   size_t len)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
			(char *)(s->len == 48 ? "SHA384" : "SHA256"), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						  (void *)s->secret, s->len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX,
						  (char *)"tls13 ", 6),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL,
						  (char *)label, strlen(label)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA,
						  (char *)"", 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	must(ctx != NULL);
	must(EVP_KDF_derive(ctx, out, len, params));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

void forge_seal_use(struct forge_seal *s, uint16_t suite, const uint8_t *secret)
{
	s->suite = suite;
	s->len = forge_seal_secret_len(suite);
	memcpy(s->secret, secret, s->len);
	s->seq = 0;
	s->outer = 23;
}

void forge_seal_update(struct forge_seal *s)
{
	uint8_t next[48];

	expand(s, "traffic upd", next, s->len);
	forge_seal_use(s, s->suite, next);
}

static const EVP_CIPHER *cipher(uint16_t suite)
{
	switch (suite) {
	case WGA_TLS13_AES_128_GCM_SHA256:
		return EVP_aes_128_gcm();
	case WGA_TLS13_AES_256_GCM_SHA384:
		return EVP_aes_256_gcm();
	default:
		return EVP_chacha20_poly1305();
	}
}

size_t forge_seal(struct forge_seal *s, uint8_t type, const void *content,
		  size_t len, size_t pad, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t inner = len + 1 + pad, body = inner + 16;
	uint8_t key[32], nonce[12];
	uint8_t *p = out + 5;
	int n, i;

	memcpy(out, (const uint8_t[]){ s->outer, 3, 3, (uint8_t)(body >> 8),
				       (uint8_t)body }, 5);
	if (len)
		memcpy(p, content, len);
	p[len] = type;
	memset(p + len + 1, 0, pad);
	expand(s, "key", key,
	       (size_t)EVP_CIPHER_get_key_length(cipher(s->suite)));
	expand(s, "iv", nonce, sizeof(nonce));
	for (i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(s->seq >> 8 * i);
	s->seq++;
	must(EVP_EncryptInit_ex2(ctx, cipher(s->suite), key, nonce, NULL));
	must(EVP_EncryptUpdate(ctx, NULL, &n, out, 5));
	must(EVP_EncryptUpdate(ctx, p, &n, p, (int)inner));
	must(EVP_EncryptFinal_ex(ctx, p + n, &n));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, p + inner));
	EVP_CIPHER_CTX_free(ctx);
	return 5 + body;
}
