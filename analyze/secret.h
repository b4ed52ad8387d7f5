/* SPDX-License-Identifier: MIT */
#ifndef WGA_SECRET_H
#define WGA_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/err.h"

/*
 * Theory of operation
 *
 * Keys live in libsodium's guarded allocations: kept out of core dumps, between
 * pages that nobody may touch, wiped when they are freed, and locked so that
 * they are never swapped. Locking alone is best effort: past RLIMIT_MEMLOCK the
 * memory is as good as before in every other way, but it may be swapped. Keys
 * are never printed and never written to evidence.
 *
 * An allocation takes whole pages and several mappings of the process, so many
 * small keys belong into one.
 */

/**
 * wga_secret_alloc() - get zeroed memory for keys
 * @size:	in bytes; release with wga_secret_free()
 *
 * Return: the memory, aligned for any type, or NULL when there is none.
 */
void *wga_secret_alloc(size_t size);

/* wipe and release; @p may be NULL */
void wga_secret_free(void *p);

/**
 * wga_secret_read() - read a whole key file
 * @path:	file; a pipe will do
 * @text:	its bytes and a NUL, release with wga_secret_free()
 * @len:	bytes without the NUL
 * @shared:	whether its mode gives anything to users other than the owner
 * @err:	"no-such-file", "unreadable-file", "out-of-memory"
 *
 * Return: 0, or -1 with @err set and nothing else touched.
 */
int wga_secret_read(const char *path, char **text, size_t *len, bool *shared,
		    struct wga_err *err);

#endif /* WGA_SECRET_H */
