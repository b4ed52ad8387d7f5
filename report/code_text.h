/* SPDX-License-Identifier: MIT */
#ifndef WGA_CODE_TEXT_H
#define WGA_CODE_TEXT_H

#include "analyze/verdict.h"

/**
 * struct wga_code_text - what a reason code means, for whoever meets it first
 * @about:	one sentence, what has been seen or is missing
 * @help:	what to do about it
 *
 * docs/classification.md has the rules in full.
 */
struct wga_code_text {
	const char *about, *help;
};

const struct wga_code_text *wga_code_text(enum wga_code code);

#endif /* WGA_CODE_TEXT_H */
