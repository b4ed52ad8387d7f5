/* SPDX-License-Identifier: MIT */
#ifndef WGA_SECRET_H
#define WGA_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/err.h"

/*
 * Keys live in memory that is locked (never swapped), kept out of core dumps
 * and wiped when it is freed: libsodium's guarded allocations. They are never
 * printed and never written to evidence.
 */

/* returns zeroed memory, or NULL when out of (lockable) memory */
void *wga_secret_alloc(size_t size);
void wga_secret_free(void *p);

/**
 * wga_secret_read() - read a whole key file
 * @path:	file
 * @text:	its bytes and a NUL, release with wga_secret_free()
 * @len:	bytes without the NUL
 * @shared:	set if users other than the owner may read the file
 * @err:	"no-such-file", "unreadable-file", "out-of-memory"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_secret_read(const char *path, char **text, size_t *len, bool *shared,
		    struct wga_err *err);

#endif /* WGA_SECRET_H */
