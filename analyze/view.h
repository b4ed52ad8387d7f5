/* SPDX-License-Identifier: MIT */
#ifndef WGA_VIEW_H
#define WGA_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * Parsers see bytes through views and ask a view for a header before they read
 * it. wga_view_at() is the one place where an offset is checked; the byte
 * accessors below it take a pointer that such a check has vouched for.
 */

/**
 * struct wga_view - some bytes that may be read
 * @p:		first byte
 * @len:	how many
 */
struct wga_view {
	const uint8_t *p;
	size_t len;
};

/* @n bytes at @off, or NULL if the view does not hold them */
static inline const uint8_t *wga_view_at(const struct wga_view *v, size_t off,
					 size_t n)
{
	if (off > v->len || n > v->len - off)
		return NULL;
	return v->p + off;
}

/* the view without its first @n bytes, which must be there */
static inline struct wga_view wga_view_skip(struct wga_view v, size_t n)
{
	return (struct wga_view){ v.p + n, v.len - n };
}

/* the first @n bytes of the view, or all if it has fewer */
static inline struct wga_view wga_view_head(struct wga_view v, size_t n)
{
	return (struct wga_view){ v.p, n < v.len ? n : v.len };
}

static inline bool wga_all_zero(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i])
			return false;
	}
	return true;
}

static inline uint16_t wga_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wga_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t wga_le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t wga_le64(const uint8_t *p)
{
	return (uint64_t)wga_le32(p + 4) << 32 | wga_le32(p);
}

#endif /* WGA_VIEW_H */
