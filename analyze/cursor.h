/* SPDX-License-Identifier: MIT */
#ifndef WGA_CURSOR_H
#define WGA_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct wga_cursor - bytes that are still to be read
 * @p, @n:	the bytes
 */
struct wga_cursor {
	const uint8_t *p;
	size_t n;
};

/* cut @n bytes off the front of @c; false if there are not that many */
static inline bool wga_cursor_take(struct wga_cursor *c, size_t n,
				   struct wga_cursor *out)
{
	if (c->n < n)
		return false;
	*out = (struct wga_cursor){ c->p, n };
	c->p += n;
	c->n -= n;
	return true;
}

/* read a big-endian number of @bytes bytes */
static inline bool wga_cursor_number(struct wga_cursor *c, size_t bytes,
				     uint32_t *out)
{
	struct wga_cursor part;
	uint32_t v = 0;
	size_t i;

	if (!wga_cursor_take(c, bytes, &part))
		return false;
	for (i = 0; i < bytes; i++)
		v = v << 8 | part.p[i];
	*out = v;
	return true;
}

/* read a vector whose length stands before it in @bytes bytes */
static inline bool wga_cursor_vector(struct wga_cursor *c, size_t bytes,
				     struct wga_cursor *out)
{
	uint32_t n;

	return wga_cursor_number(c, bytes, &n) && wga_cursor_take(c, n, out);
}

#endif /* WGA_CURSOR_H */
