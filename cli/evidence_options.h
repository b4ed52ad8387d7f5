/* SPDX-License-Identifier: MIT */
#ifndef WGA_EVIDENCE_OPTIONS_H
#define WGA_EVIDENCE_OPTIONS_H

#include <stdint.h>

#include "capture/err.h"
#include "cli/cli.h"

enum wga_write_only {
	WGA_WRITE_ALL,
	WGA_WRITE_VIOLATIONS,
	WGA_WRITE_HEADERS,
};

/**
 * struct wga_evidence_options - the evidence file that was asked for
 * @path:	--write, or NULL
 * @only:	--write-only
 * @size:	--write-size in bytes, or 0
 * @files:	--write-files, or 0
 */
struct wga_evidence_options {
	const char *path;
	enum wga_write_only only;
	uint64_t size, files;
};

/* the options; their setters take a struct wga_evidence_options */
extern const struct wga_option wga_evidence_option_table[];
#define WGA_EVIDENCE_OPTIONS	4

/* Do the options fit together? 0, or -1 with @err set ("usage"). */
int wga_evidence_options_check(const struct wga_evidence_options *opt,
			       struct wga_err *err);

#endif /* WGA_EVIDENCE_OPTIONS_H */
