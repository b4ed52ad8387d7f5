/* SPDX-License-Identifier: MIT */
#ifndef WGA_SEAL_KEY_H
#define WGA_SEAL_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/err.h"

/*
 * Theory of operation
 *
 * Keys are Ed25519 (RFC 8032). A key file is one line of text, a secret one
 * "wgaudit-seal-secret ed25519 SEED" and a public one, called the same with
 * ".pub" behind it, "wgaudit-seal-public ed25519 KEY", both in base64.
 */

#define WGA_SEAL_PUBLIC_LEN	32
/* base64 of a public key, with its NUL */
#define WGA_SEAL_PUBLIC_TEXT	45

/**
 * struct wga_seal_key - a key to sign with
 * @public:	its public half
 * @secret:	seed and public key as libsodium wants them, in secret memory
 * @shared:	users other than the owner may read the file
 * @dev, @ino:	of the file
 */
struct wga_seal_key {
	uint8_t public[WGA_SEAL_PUBLIC_LEN];
	uint8_t *secret;
	bool shared;
	dev_t dev;
	ino_t ino;
};

/**
 * wga_seal_key_new() - make a key
 * @path:	where the secret key goes, mode 0600; the public key goes to
 *		@path with ".pub" behind it. Neither may exist.
 * @public:	the public key
 * @err:	"key-exists", "unwritable-file", "out-of-memory"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_seal_key_new(const char *path, uint8_t public[WGA_SEAL_PUBLIC_LEN],
		     struct wga_err *err);

/**
 * wga_seal_key_load() - read a secret key
 * @key:	release with wga_seal_key_free()
 * @err:	"no-such-file", "unreadable-file", "bad-key", "out-of-memory"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_seal_key_load(struct wga_seal_key *key, const char *path,
		      struct wga_err *err);

void wga_seal_key_free(struct wga_seal_key *key);

/**
 * wga_seal_key_public() - read a public key
 * @err:	"no-such-file", "unreadable-file", "bad-key", "out-of-memory"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_seal_key_public(const char *path, uint8_t public[WGA_SEAL_PUBLIC_LEN],
			struct wga_err *err);

/**
 * wga_seal_key_default() - where the key of this user is
 * @path:	$XDG_CONFIG_HOME/wgaudit/seal.key, else ~/.config/...; release
 *		with free()
 * @err:	"no-home", "unwritable-file", "out-of-memory"
 *
 * The directories are made if need be, the key is not.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_seal_key_default(char **path, struct wga_err *err);

/* base64 of a public key; returns @text */
const char *wga_seal_key_text(const uint8_t public[WGA_SEAL_PUBLIC_LEN],
			      char text[WGA_SEAL_PUBLIC_TEXT]);

#endif /* WGA_SEAL_KEY_H */
