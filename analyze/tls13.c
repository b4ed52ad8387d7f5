/* SPDX-License-Identifier: MIT */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "analyze/secret.h"
#include "analyze/tls.h"
#include "analyze/tls13.h"

#define SECRET_MAX	48
#define KEY_MAX		32
#define IV_LEN		12
#define TAG_LEN		16
#define CONTENT_MAX	16384
/* content, type and padding (section 5.2) */
#define INNER_MAX	(CONTENT_MAX + 1)

#define MESSAGE_HEADER	4
/* crypto/tls takes no longer message than this, a chain of certificates */
#define MESSAGE_MAX	(256 * 1024)

/* handshake messages (section 4; 25: RFC 8879) */
enum message {
	NONE = 0,
	NEW_SESSION_TICKET = 4,
	ENCRYPTED_EXTENSIONS = 8,
	CERTIFICATE = 11,
	CERTIFICATE_REQUEST = 13,
	CERTIFICATE_VERIFY = 15,
	FINISHED = 20,
	KEY_UPDATE = 24,
	COMPRESSED_CERTIFICATE = 25,
};

#define BIT(message)	(UINT32_C(1) << (message))
#define CERTIFICATES	(BIT(CERTIFICATE) | BIT(COMPRESSED_CERTIFICATE))

struct suite {
	uint16_t number;
	const char *cipher;
	const EVP_MD *(*hash)(void);
	uint8_t hash_len, key_len;
};

static const struct suite suites[] = {
	{ WGA_TLS13_AES_128_GCM_SHA256, "AES-128-GCM", EVP_sha256, 32, 16 },
	{ WGA_TLS13_AES_256_GCM_SHA384, "AES-256-GCM", EVP_sha384, 48, 32 },
	{ WGA_TLS13_CHACHA20_SHA256, "ChaCha20-Poly1305", EVP_sha256, 32, 32 },
};

/**
 * struct follow - the stream of handshake messages in this direction
 * @established: Finished of the handshake was read
 * @have:	bytes of @head that are there; all: the body is being read
 * @left:	bytes of the body to come
 * @last:	message before, or NONE at the beginning and where any may come
 */
struct follow {
	bool established;
	uint8_t have, last;
	uint8_t head[MESSAGE_HEADER];
	uint32_t left;
};

/**
 * struct wga_tls13 - one direction
 * @secret:	of the key in use
 * @traffic:	of the first application key; wiped once it is in use
 * @seq:	records opened with the key in use
 */
struct wga_tls13 {
	uint8_t secret[SECRET_MAX];
	uint8_t traffic[SECRET_MAX];
	uint8_t iv[IV_LEN];
	const struct suite *suite;
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
	uint64_t seq;
	struct follow follow;
};

/* what a record does to the keys */
enum turn {
	TURN_NONE,
	TURN_FINISHED,
	TURN_UPDATE,
	TURN_BAD,
};

/* HKDF-Expand-Label with an empty context (section 7.1), at most one hash long */
static int expand_label(const struct suite *s, const uint8_t *secret,
			const char *label, uint8_t *out, size_t out_len)
{
	static const char prefix[] = "tls13 ";
	size_t n = sizeof(prefix) - 1, label_len = strlen(label);
	uint8_t info[32], block[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	int ret = -1;

	info[0] = 0;
	info[1] = (uint8_t)out_len;
	info[2] = (uint8_t)(n + label_len);
	memcpy(info + 3, prefix, n);
	memcpy(info + 3 + n, label, label_len);
	n += 3 + label_len;
	info[n++] = 0;	/* length of the context */
	info[n++] = 1;	/* number of the block (RFC 5869, section 2.3) */
	if (HMAC(s->hash(), secret, s->hash_len, info, n, block, &len) &&
	    len >= out_len) {
		memcpy(out, block, out_len);
		ret = 0;
	}
	OPENSSL_cleanse(block, sizeof(block));
	return ret;
}

/* Use the keys of a secret; without memory for them all stays as it was. */
static int use_secret(struct wga_tls13 *t, const uint8_t *secret)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t key[KEY_MAX], iv[IV_LEN];
	int ret = -1;

	if (ctx && !expand_label(t->suite, secret, "key", key,
				 t->suite->key_len) &&
	    !expand_label(t->suite, secret, "iv", iv, sizeof(iv)) &&
	    EVP_DecryptInit_ex2(ctx, t->cipher, key, NULL, NULL)) {
		EVP_CIPHER_CTX_free(t->ctx);
		t->ctx = ctx;
		ctx = NULL;
		memcpy(t->iv, iv, sizeof(iv));
		memmove(t->secret, secret, t->suite->hash_len);
		t->seq = 0;
		ret = 0;
	}
	EVP_CIPHER_CTX_free(ctx);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(iv, sizeof(iv));
	return ret;
}

/* The generation after this one (section 7.2) */
static int use_next_generation(struct wga_tls13 *t)
{
	uint8_t next[SECRET_MAX];
	int ret = expand_label(t->suite, t->secret, "traffic upd", next,
			       t->suite->hash_len);

	if (!ret)
		ret = use_secret(t, next);
	OPENSSL_cleanse(next, sizeof(next));
	return ret;
}

static const struct suite *suite_find(uint16_t number)
{
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (suites[i].number == number)
			return &suites[i];
	}
	return NULL;
}

struct wga_tls13 *wga_tls13_new(uint16_t suite, const uint8_t *handshake,
				const uint8_t *traffic, size_t len)
{
	const struct suite *s = suite_find(suite);
	struct wga_tls13 *t;

	if (!s || len != s->hash_len)
		return NULL;
	t = wga_secret_alloc(sizeof(*t));
	if (!t)
		return NULL;
	t->suite = s;
	t->cipher = EVP_CIPHER_fetch(NULL, s->cipher, NULL);
	if (!t->cipher || use_secret(t, handshake)) {
		wga_tls13_free(t);
		return NULL;
	}
	memcpy(t->traffic, traffic, len);
	return t;
}

void wga_tls13_free(struct wga_tls13 *t)
{
	if (!t)
		return;
	EVP_CIPHER_CTX_free(t->ctx);
	EVP_CIPHER_free(t->cipher);
	wga_secret_free(t);
}

/* Open the body of a record; -1 if it is sealed with another key or number. */
static int unseal(const struct wga_tls13 *t, const uint8_t *record, size_t inner,
		  uint8_t *out)
{
	const uint8_t *body = record + WGA_TLS_HEADER;
	uint8_t nonce[IV_LEN], tag[TAG_LEN];
	int n, i;

	memcpy(nonce, t->iv, sizeof(nonce));
	for (i = 0; i < 8; i++)
		nonce[IV_LEN - 1 - i] ^= (uint8_t)(t->seq >> 8 * i);
	memcpy(tag, body + inner, sizeof(tag));
	return EVP_DecryptInit_ex2(t->ctx, NULL, NULL, nonce, NULL) > 0 &&
	       EVP_CIPHER_CTX_ctrl(t->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN,
				   tag) > 0 &&
	       EVP_DecryptUpdate(t->ctx, NULL, &n, record, WGA_TLS_HEADER) > 0 &&
	       EVP_DecryptUpdate(t->ctx, out, &n, body, (int)inner) > 0 &&
	       EVP_DecryptFinal_ex(t->ctx, out + n, &n) > 0 ? 0 : -1;
}

/*
 * Messages that may come next in one direction. A client sends Certificate,
 * CertificateVerify and Finished, the former two only when asked; once more
 * after its Finished when it is asked then (section 4.6.2).
 */
static uint32_t may_follow(const struct follow *f)
{
	switch (f->last) {
	case ENCRYPTED_EXTENSIONS:
		return BIT(CERTIFICATE_REQUEST) | CERTIFICATES | BIT(FINISHED);
	case CERTIFICATE_REQUEST:
		return CERTIFICATES;
	case CERTIFICATE:
	case COMPRESSED_CERTIFICATE:
		return BIT(CERTIFICATE_VERIFY) | BIT(FINISHED);
	case CERTIFICATE_VERIFY:
		return BIT(FINISHED);
	default:
		if (!f->established)
			return BIT(ENCRYPTED_EXTENSIONS) | CERTIFICATES |
			       BIT(FINISHED);
		return BIT(NEW_SESSION_TICKET) | BIT(CERTIFICATE_REQUEST) |
		       CERTIFICATES | BIT(KEY_UPDATE);
	}
}

/* The four bytes in front of a message are there */
static bool begin_message(struct follow *f, const struct suite *s)
{
	uint8_t message = f->head[0];
	uint32_t len = (uint32_t)f->head[1] << 16 | (uint32_t)f->head[2] << 8 |
		       f->head[3];

	if (message >= 32 || !(may_follow(f) & BIT(message)) ||
	    len > MESSAGE_MAX)
		return false;
	if ((message == FINISHED && len != s->hash_len) ||
	    (message == KEY_UPDATE && len != 1))
		return false;
	f->left = len;
	return true;
}

/* A message is complete, @more bytes of the record follow it */
static enum turn end_message(struct follow *f, uint8_t last_byte, size_t more)
{
	enum turn turn = TURN_NONE;

	switch (f->head[0]) {
	case FINISHED:
		if (!f->established)
			turn = TURN_FINISHED;
		f->established = true;
		f->last = NONE;
		break;
	case KEY_UPDATE:
		if (last_byte > 1)
			return TURN_BAD;
		turn = TURN_UPDATE;
		f->last = NONE;
		break;
	case NEW_SESSION_TICKET:
		f->last = NONE;
		break;
	case CERTIFICATE_REQUEST:
		f->last = f->established ? NONE : CERTIFICATE_REQUEST;
		break;
	default:
		f->last = f->head[0];
	}
	f->have = 0;
	return turn != TURN_NONE && more ? TURN_BAD : turn;
}

/* Follow the handshake messages in a record's content */
static enum turn follow_messages(struct follow *f, const struct suite *s,
				 const uint8_t *p, size_t len)
{
	enum turn turn = TURN_NONE;
	size_t n;

	if (!len)
		return TURN_BAD;
	while (len && turn == TURN_NONE) {
		if (f->have < MESSAGE_HEADER) {
			f->head[f->have++] = *p++;
			len--;
			if (f->have < MESSAGE_HEADER)
				continue;
			if (!begin_message(f, s))
				return TURN_BAD;
		}
		n = len < f->left ? len : f->left;
		p += n;
		len -= n;
		f->left -= (uint32_t)n;
		if (!f->left)
			turn = end_message(f, p[-1], len);
	}
	return turn;
}

/* May this content come here, and what does it do to the keys? */
static enum turn take_content(struct follow *f, const struct suite *s,
			      uint8_t type, const uint8_t *p, size_t len)
{
	switch (type) {
	case WGA_TLS13_HANDSHAKE:
		return follow_messages(f, s, p, len);
	case WGA_TLS13_ALERT:
		return !f->have && len == 2 ? TURN_NONE : TURN_BAD;
	case WGA_TLS13_DATA:
		return f->established && !f->have && f->last == NONE ?
		       TURN_NONE : TURN_BAD;
	default:
		return TURN_BAD;
	}
}

static int turn_keys(struct wga_tls13 *t, enum turn turn)
{
	switch (turn) {
	case TURN_NONE:
		t->seq++;
		return 0;
	case TURN_FINISHED:
		if (use_secret(t, t->traffic))
			return -1;
		OPENSSL_cleanse(t->traffic, sizeof(t->traffic));
		return 0;
	case TURN_UPDATE:
		return use_next_generation(t);
	default:
		return -1;
	}
}

/* Is this one whole record of the right form? Says the length of what is in. */
static bool record_fits(const uint8_t *record, size_t len, size_t *inner)
{
	if (len < WGA_TLS_HEADER + 1 + TAG_LEN ||
	    len > WGA_TLS_HEADER + INNER_MAX + TAG_LEN ||
	    record[0] != WGA_TLS_DATA || wga_tls_record_length(record) != len)
		return false;
	*inner = len - WGA_TLS_HEADER - TAG_LEN;
	return true;
}

int wga_tls13_open(struct wga_tls13 *t, const uint8_t *record, size_t len,
		   uint8_t *out, size_t *out_len, enum wga_tls13_type *type)
{
	struct follow follow = t->follow;
	size_t inner, n;

	if (!record_fits(record, len, &inner))
		return -1;
	if (unseal(t, record, inner, out))
		goto refuse;
	for (n = inner; n && !out[n - 1]; n--)
		;
	if (!n || turn_keys(t, take_content(&follow, t->suite, out[n - 1], out,
					    n - 1)))
		goto refuse;
	t->follow = follow;
	*out_len = n - 1;
	*type = out[n - 1];
	return 0;
refuse:
	OPENSSL_cleanse(out, inner);
	return -1;
}

bool wga_tls13_established(const struct wga_tls13 *t)
{
	return t->follow.established;
}
