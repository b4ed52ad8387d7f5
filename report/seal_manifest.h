/* SPDX-License-Identifier: MIT */
#ifndef WGA_SEAL_MANIFEST_H
#define WGA_SEAL_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "capture/err.h"
#include "report/seal_key.h"
#include "report/seal_tree.h"

/*
 * Theory of operation
 *
 * The manifest is JSON, one file a line:
 *
 *	{"schema": "wgaudit-seal/1", "tool": "wgaudit VERSION",
 *	 "host": NAME, "time": RFC 3339 in UTC,
 *	 "options": {KEY: VALUE, ...},
 *	 "verdict": {"outcome": ..., "reasons": [CODE, ...]} or null,
 *	 "files": [
 *	  {"path": ..., "type": "file", "size": N, "mtime": ..., "sha256": HEX},
 *	  {"path": ..., "type": "symlink", "target": ...}]}
 *
 * Paths are relative to the sealed directory and sorted by their bytes. One
 * that is no UTF-8 stands in "path_base64" instead of "path"; the same goes
 * for targets. The signature is a text file of exactly
 *
 *	wgaudit-seal/1 ed25519
 *	key BASE64
 *	signature BASE64
 *
 * over the bytes of the manifest. There is one way to write a signature; every
 * other is refused.
 */

#define WGA_SEAL_SCHEMA		"wgaudit-seal/1"
#define WGA_SEAL_SIGN_LEN	64

struct json_t;

/**
 * struct wga_seal_manifest - what a seal says
 * @doc:	the document; the caller may take from it all but the files
 * @tree:	its files
 */
struct wga_seal_manifest {
	struct json_t *doc;
	struct wga_seal_tree tree;
};

/**
 * struct wga_seal_signature - who signed, and the signature
 */
struct wga_seal_signature {
	uint8_t public[WGA_SEAL_PUBLIC_LEN];
	uint8_t sign[WGA_SEAL_SIGN_LEN];
};

/**
 * wga_seal_manifest_write() - put a manifest into bytes
 * @doc:	"host", "time", "options", "verdict"
 * @tree:	files that could be read
 * @text, @len:	the bytes; release with free()
 * @err:	"out-of-memory"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_seal_manifest_write(const struct json_t *doc,
			    const struct wga_seal_tree *tree, char **text,
			    size_t *len, struct wga_err *err);

/**
 * wga_seal_manifest_parse() - read a manifest
 * @m:		filled; release with wga_seal_manifest_free(), also after an
 *		error
 * @err:	"unknown-schema", "bad-manifest", "out-of-memory"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_seal_manifest_parse(struct wga_seal_manifest *m, const char *text,
			    size_t len, struct wga_err *err);

void wga_seal_manifest_free(struct wga_seal_manifest *m);

/**
 * wga_seal_signature_write() - put a signature into text
 *
 * Return: the text, release with free(); NULL when out of memory.
 */
char *wga_seal_signature_write(const struct wga_seal_signature *s);

/**
 * wga_seal_signature_parse() - read a signature
 *
 * Return: 0, or -1 if @text is not exactly what wga_seal_signature_write()
 * writes.
 */
int wga_seal_signature_parse(struct wga_seal_signature *s, const char *text,
			     size_t len);

/* any bytes as a member of @obj: @key, or @key_base64 if they are no UTF-8;
 * returns -1 when out of memory
 */
int wga_seal_json_bytes(struct json_t *obj, const char *key, const char *bytes);

#endif /* WGA_SEAL_MANIFEST_H */
