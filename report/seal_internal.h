/* SPDX-License-Identifier: MIT */
#ifndef WGA_SEAL_INTERNAL_H
#define WGA_SEAL_INTERNAL_H

#include "report/seal.h"

/* a million files, about */
#define WGA_SEAL_SIZE_MAX	(256 << 20)

/* open a directory; returns its descriptor, or -1 with @err set */
int wga_seal_open(const char *dir, struct wga_err *err);

/**
 * wga_seal_slurp() - read a whole file
 * @text, @len:	its bytes; release with free()
 * @err:	"unreadable-file", "too-large", "out-of-memory"
 *
 * Return: 0; 1 with errno set if there is none of that name (ENOENT), or what
 * is there is no regular file; -1 with @err set.
 */
int wga_seal_slurp(int dir, const char *name, char **text, size_t *len,
		   struct wga_err *err);

#endif /* WGA_SEAL_INTERNAL_H */
