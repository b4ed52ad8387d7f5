/* SPDX-License-Identifier: MIT */
#ifndef WGA_SEAL_H
#define WGA_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "capture/err.h"
#include "report/seal_key.h"
#include "report/seal_manifest.h"

/*
 * Theory of operation
 *
 * A seal is two files in a directory: a manifest of the hashes of all other
 * files in it, and an Ed25519 signature over the manifest's bytes. Verifying
 * goes from the outside in: nothing is read from a manifest that its signature
 * does not fit, and no path in a manifest is ever opened: the directory is
 * listed afresh and the two lists are compared.
 */

#define WGA_SEAL_MANIFEST	"wgaudit-seal.json"
#define WGA_SEAL_SIGNATURE	"wgaudit-seal.sig"

/**
 * struct wga_seal_options - how to seal
 * @dir:	directory
 * @key:	to sign with; its file must not lie in @dir
 * @notes, @n_notes: "KEY=VALUE" each, for the options of the manifest
 * @force:	replace a seal that is there
 */
struct wga_seal_options {
	const char *dir;
	const struct wga_seal_key *key;
	const char *const *notes;
	size_t n_notes;
	bool force;
};

/**
 * wga_seal() - seal a directory
 * @opt:	how
 * @m:		the manifest that was written; release with
 *		wga_seal_manifest_free(), also after an error
 * @err:	"no-such-directory", "unreadable-directory", "empty-directory",
 *		"unreadable-file", "special-file", "file-changed", "bad-verdict",
 *		"secret-in-directory", "sealed", "unwritable-file", "too-deep",
 *		"too-large", "usage", "out-of-memory"
 *
 * Return: 0, or -1 with @err set and nothing written.
 */
int wga_seal(const struct wga_seal_options *opt, struct wga_seal_manifest *m,
	     struct wga_err *err);

enum wga_seal_finding_kind {
	WGA_SEAL_CHANGED,
	WGA_SEAL_MISSING,
	WGA_SEAL_ADDED,
	WGA_SEAL_OTHER_KEY,	/* signed by another key than was asked for */
	WGA_SEAL_UNREADABLE,
};

/**
 * struct wga_seal_finding - a file that is not as it was sealed
 * @path:	below the directory; any bytes
 * @what:	what is wrong, or ""
 */
struct wga_seal_finding {
	enum wga_seal_finding_kind kind;
	char *path;
	char what[200];
};

/**
 * struct wga_seal_report - what verifying found
 * @dir:	directory; not copied
 * @signature:	who signed, if @has_signer
 * @wanted:	a signer was asked for
 * @checked:	it is the one
 * @manifest:	empty unless the signature fits it
 * @finding, @n: what is not as it was
 * @tampered:	a finding is one of other than WGA_SEAL_UNREADABLE
 */
struct wga_seal_report {
	const char *dir;
	struct wga_seal_signature signature;
	bool has_signer, wanted, checked;
	struct wga_seal_manifest manifest;
	struct wga_seal_finding *finding;
	size_t n, room;
	bool tampered;
};

/**
 * wga_seal_verify() - is a directory as it was sealed?
 * @dir:	directory
 * @signer:	public key that must have signed, or NULL
 * @report:	filled; release with wga_seal_report_free(), also after an error
 * @err:	"no-such-directory", "unreadable-directory", "no-seal",
 *		"unreadable-file", "unknown-schema", "bad-manifest", "too-deep",
 *		"too-large", "out-of-memory"
 *
 * Return: 0 (also if there are findings), or -1 with @err set.
 */
int wga_seal_verify(const char *dir, const uint8_t *signer,
		    struct wga_seal_report *report, struct wga_err *err);

void wga_seal_report_free(struct wga_seal_report *report);

/* Write what was done, in text or as one JSON document; -1 if @out failed. */
int wga_seal_write_new_key(FILE *out, const char *path,
			   const uint8_t public[WGA_SEAL_PUBLIC_LEN], bool json);
int wga_seal_write_sealed(FILE *out, const char *dir,
			  const struct wga_seal_key *key,
			  const struct wga_seal_manifest *m, bool json);
int wga_seal_write_report(FILE *out, const struct wga_seal_report *report,
			  bool json);

#endif /* WGA_SEAL_H */
