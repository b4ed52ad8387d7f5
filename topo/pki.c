/* SPDX-License-Identifier: MIT */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/pki.h"

#define DAY		(24L * 60 * 60)
#define LIFE_DAYS	365

static void key_free(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void cert_free(X509 **c)
{
	X509_free(*c);
}

#define AUTO_KEY	__attribute__((cleanup(key_free)))
#define AUTO_CERT	__attribute__((cleanup(cert_free)))

static int fail(const char *what, struct wga_err *err)
{
	return wga_err_set(err, "pki", "cannot %s: %s", what,
			   ERR_reason_error_string(ERR_get_error()));
}

/* what was written to @bio as a string that free() releases */
static char *text_of(BIO *bio)
{
	char *data, *text;
	long len = BIO_get_mem_data(bio, &data);

	text = len > 0 ? malloc((size_t)len + 1) : NULL;
	if (text) {
		memcpy(text, data, (size_t)len);
		text[len] = '\0';
	}
	return text;
}

static char *cert_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	if (bio && PEM_write_bio_X509(bio, cert) == 1)
		text = text_of(bio);
	BIO_free(bio);
	return text;
}

static char *key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;

	if (bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL,
					    NULL) == 1)
		text = text_of(bio);
	BIO_free(bio);
	return text;
}

static int set_serial(X509 *cert)
{
	unsigned char random[16];
	ASN1_INTEGER *serial = X509_get_serialNumber(cert);
	BIGNUM *n;
	int good;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return -1;
	random[0] = (random[0] & 0x7f) | 0x40;	/* positive, never short */
	n = BN_bin2bn(random, sizeof(random), NULL);
	good = n && BN_to_ASN1_INTEGER(n, serial);
	BN_free(n);
	return good ? 0 : -1;
}

static int extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	int good;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = e && X509_add_ext(cert, e, -1) == 1;
	X509_EXTENSION_free(e);
	return good ? 0 : -1;
}

/* all of a certificate but what its kind adds; not yet signed */
static X509 *begin_cert(EVP_PKEY *key, const char *name)
{
	X509 *cert = X509_new();

	if (cert && X509_set_version(cert, X509_VERSION_3) == 1 &&
	    set_serial(cert) == 0 &&
	    /* the clocks of guests may be behind */
	    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), LIFE_DAYS * DAY) &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
				       MBSTRING_UTF8,
				       (const unsigned char *)name, -1, -1,
				       0) == 1)
		return cert;
	X509_free(cert);
	return NULL;
}

int wga_pki_make_ca(struct wga_pki *pki, const char *mesh, struct wga_err *err)
{
	AUTO_KEY EVP_PKEY *key = EVP_EC_gen("P-256");
	AUTO_CERT X509 *cert = NULL;
	char name[64];

	memset(pki, 0, sizeof(*pki));
	snprintf(name, sizeof(name), "wgaudit test CA of mesh %.32s", mesh);
	cert = key ? begin_cert(key, name) : NULL;
	if (!cert ||
	    X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
	    extend(cert, cert, NID_basic_constraints,
		   "critical,CA:TRUE,pathlen:0") < 0 ||
	    extend(cert, cert, NID_key_usage, "critical,keyCertSign") < 0 ||
	    extend(cert, cert, NID_subject_key_identifier, "hash") < 0 ||
	    X509_sign(cert, key, EVP_sha256()) == 0)
		return fail("make a CA", err);
	pki->ca_cert = cert_pem(cert);
	pki->ca_key = key_pem(key);
	if (pki->ca_cert && pki->ca_key)
		return 0;
	wga_pki_free(pki);
	return fail("write a CA", err);
}

static X509 *read_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return cert;
}

static EVP_PKEY *read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) :
			      NULL;

	BIO_free(bio);
	return key;
}

int wga_pki_make_server(struct wga_pki *pki, const char *name,
			const struct wga_addr *addr, struct wga_err *err)
{
	AUTO_CERT X509 *ca = read_cert(pki->ca_cert), *cert = NULL;
	AUTO_KEY EVP_PKEY *ca_key = read_key(pki->ca_key), *key = NULL;
	char text[WGA_ADDR_STRLEN], names[128];

	if (!ca || !ca_key)
		return fail("read the CA", err);
	key = EVP_EC_gen("P-256");
	cert = key ? begin_cert(key, name) : NULL;
	snprintf(names, sizeof(names), "DNS:%.60s,IP:%s", name,
		 wga_addr_format(addr, text));
	if (!cert ||
	    X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1 ||
	    extend(cert, ca, NID_basic_constraints, "critical,CA:FALSE") < 0 ||
	    extend(cert, ca, NID_key_usage, "critical,digitalSignature") < 0 ||
	    extend(cert, ca, NID_ext_key_usage, "serverAuth") < 0 ||
	    extend(cert, ca, NID_subject_alt_name, names) < 0 ||
	    extend(cert, ca, NID_authority_key_identifier, "keyid") < 0 ||
	    X509_sign(cert, ca_key, EVP_sha256()) == 0)
		return fail("make a server certificate", err);
	pki->server_cert = cert_pem(cert);
	pki->server_key = key_pem(key);
	return pki->server_cert && pki->server_key ? 0 :
		fail("write a server certificate", err);
}

static void erase(char *text)
{
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

void wga_pki_free(struct wga_pki *pki)
{
	free(pki->ca_cert);
	free(pki->server_cert);
	erase(pki->ca_key);
	erase(pki->server_key);
	memset(pki, 0, sizeof(*pki));
}
