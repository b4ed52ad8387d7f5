/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/secret.h"
#include "report/seal_key.h"

#define BASE64		sodium_base64_VARIANT_ORIGINAL
#define SECRET_WORDS	"wgaudit-seal-secret ed25519 "
#define PUBLIC_WORDS	"wgaudit-seal-public ed25519 "
/* the words, the key in base64 and a newline */
#define LINE_MAX_LEN	(sizeof(SECRET_WORDS) + WGA_SEAL_PUBLIC_TEXT)

_Static_assert(crypto_sign_SEEDBYTES == WGA_SEAL_PUBLIC_LEN &&
	       crypto_sign_PUBLICKEYBYTES == WGA_SEAL_PUBLIC_LEN,
	       "both kinds of key file hold as many bytes");
_Static_assert(WGA_SEAL_PUBLIC_TEXT ==
	       sodium_base64_ENCODED_LEN(WGA_SEAL_PUBLIC_LEN, BASE64),
	       "base64 of a key");

const char *wga_seal_key_text(const uint8_t public[WGA_SEAL_PUBLIC_LEN],
			      char text[WGA_SEAL_PUBLIC_TEXT])
{
	return sodium_bin2base64(text, WGA_SEAL_PUBLIC_TEXT, public,
				 WGA_SEAL_PUBLIC_LEN, BASE64);
}

static int unwritable(struct wga_err *err, const char *path)
{
	if (errno == EEXIST)
		return wga_err_set(err, "key-exists",
				   "%s exists already; a key is never overwritten",
				   path);
	return wga_err_set(err, "unwritable-file", "%s: %s", path,
			   strerror(errno));
}

/* write a file that did not exist; leaves none behind if that fails */
static int write_new(const char *path, const char *text, mode_t mode,
		     struct wga_err *err)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return unwritable(err, path);
	errno = EIO;
	if (fchmod(fd, mode) < 0 || write(fd, text, len) != (ssize_t)len ||
	    fsync(fd) < 0) {
		unwritable(err, path);
		close(fd);
		unlink(path);
		return -1;
	}
	close(fd);
	return 0;
}

/* @secret: seed, key pair and text of the secret key file, to be filled */
struct fresh {
	uint8_t seed[crypto_sign_SEEDBYTES];
	uint8_t pair[crypto_sign_SECRETKEYBYTES];
	char line[LINE_MAX_LEN + 1];
};

static void make(struct fresh *f, uint8_t public[WGA_SEAL_PUBLIC_LEN])
{
	size_t words = strlen(SECRET_WORDS);

	randombytes_buf(f->seed, sizeof(f->seed));
	crypto_sign_seed_keypair(public, f->pair, f->seed);
	memcpy(f->line, SECRET_WORDS, words);
	wga_seal_key_text(f->seed, f->line + words);
	f->line[words + WGA_SEAL_PUBLIC_TEXT - 1] = '\n';
}

int wga_seal_key_new(const char *path, uint8_t public[WGA_SEAL_PUBLIC_LEN],
		     struct wga_err *err)
{
	char line[LINE_MAX_LEN + 1], text[WGA_SEAL_PUBLIC_TEXT], *name = NULL;
	struct fresh *f = NULL;
	int ret = -1;

	if (sodium_init() >= 0)
		f = wga_secret_alloc(sizeof(*f));
	if (!f || asprintf(&name, "%s.pub", path) < 0) {
		wga_secret_free(f);
		return wga_err_set(err, "out-of-memory", "out of memory");
	}
	make(f, public);
	snprintf(line, sizeof(line), PUBLIC_WORDS "%s\n",
		 wga_seal_key_text(public, text));
	if (write_new(path, f->line, 0600, err) == 0) {
		ret = write_new(name, line, 0644, err);
		if (ret < 0)
			unlink(path);
	}
	wga_secret_free(f);
	free(name);
	return ret;
}

/* the key behind @words in the line of a key file */
static int read_line(const char *path, const char *text, size_t len,
		     const char *words, uint8_t key[WGA_SEAL_PUBLIC_LEN],
		     struct wga_err *err)
{
	const bool secret = !strcmp(words, SECRET_WORDS);
	const char *other = secret ? PUBLIC_WORDS : SECRET_WORDS;
	size_t skip = strlen(words), n, left;
	const char *end;

	if (len > strlen(other) && !memcmp(text, other, strlen(other)))
		return wga_err_set(err, "bad-key", secret ?
			"%s is a public key; give the file without .pub" :
			"%s is a secret key; give the .pub file beside it",
			path);
	if (len > skip && !memcmp(text, words, skip) &&
	    sodium_base642bin(key, WGA_SEAL_PUBLIC_LEN, text + skip, len - skip,
			      NULL, &n, &end, BASE64) == 0 &&
	    n == WGA_SEAL_PUBLIC_LEN) {
		left = (size_t)(text + len - end);
		if (left == 0 || (left == 1 && *end == '\n'))
			return 0;
	}
	return wga_err_set(err, "bad-key",
			   "%s is no %s key of wgaudit seal --new-key", path,
			   secret ? "secret" : "public");
}

static int load(struct wga_seal_key *key, const char *path, const char *text,
		size_t len, struct wga_err *err)
{
	uint8_t *seed = wga_secret_alloc(crypto_sign_SEEDBYTES);
	int ret;

	key->secret = wga_secret_alloc(crypto_sign_SECRETKEYBYTES);
	if (!seed || !key->secret) {
		wga_secret_free(seed);
		return wga_err_set(err, "out-of-memory", "out of memory");
	}
	ret = read_line(path, text, len, SECRET_WORDS, seed, err);
	if (ret == 0)
		crypto_sign_seed_keypair(key->public, key->secret, seed);
	wga_secret_free(seed);
	return ret;
}

int wga_seal_key_load(struct wga_seal_key *key, const char *path,
		      struct wga_err *err)
{
	struct stat st;
	char *text;
	size_t len;
	int ret;

	*key = (struct wga_seal_key){ 0 };
	if (sodium_init() < 0)
		return wga_err_set(err, "bad-key",
				   "libsodium does not work on this host");
	if (wga_secret_read(path, &text, &len, &key->shared, err) < 0)
		return -1;
	ret = load(key, path, text, len, err);
	wga_secret_free(text);
	if (ret == 0 && stat(path, &st) == 0) {
		key->dev = st.st_dev;
		key->ino = st.st_ino;
	}
	if (ret < 0)
		wga_seal_key_free(key);
	return ret;
}

void wga_seal_key_free(struct wga_seal_key *key)
{
	wga_secret_free(key->secret);
	key->secret = NULL;
}

/* read as a secret, for it may be the wrong file */
int wga_seal_key_public(const char *path, uint8_t public[WGA_SEAL_PUBLIC_LEN],
			struct wga_err *err)
{
	bool shared;
	char *text;
	size_t len;
	int ret;

	if (sodium_init() < 0)
		return wga_err_set(err, "bad-key",
				   "libsodium does not work on this host");
	if (wga_secret_read(path, &text, &len, &shared, err) < 0)
		return -1;
	ret = read_line(path, text, len, PUBLIC_WORDS, public, err);
	wga_secret_free(text);
	return ret;
}

/* make the directories that lead to @path */
static int make_way(char *path, struct wga_err *err)
{
	char *slash = path;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return wga_err_set(err, "unwritable-file", "%s: %s",
					   path, strerror(errno));
		*slash = '/';
	}
	return 0;
}

int wga_seal_key_default(char **path, struct wga_err *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n;

	*path = NULL;
	/* the XDG base directory specification: relative ones are invalid */
	if (config && config[0] == '/')
		n = asprintf(path, "%s/wgaudit/seal.key", config);
	else if (home && home[0] == '/')
		n = asprintf(path, "%s/.config/wgaudit/seal.key", home);
	else
		return wga_err_set(err, "no-home",
				   "neither XDG_CONFIG_HOME nor HOME says where keys are kept; give --key FILE");
	if (n < 0) {
		*path = NULL;
		return wga_err_set(err, "out-of-memory", "out of memory");
	}
	if (make_way(*path, err) < 0) {
		free(*path);
		*path = NULL;
		return -1;
	}
	return 0;
}
