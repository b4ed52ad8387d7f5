/* SPDX-License-Identifier: MIT */
#ifndef WGA_NEAREST_H
#define WGA_NEAREST_H

#include <stddef.h>

/**
 * wga_word_distance() - edits that turn one word into the other
 *
 * Only the first 32 characters count.
 */
size_t wga_word_distance(const char *a, const char *b);

#endif /* WGA_NEAREST_H */
