/* SPDX-License-Identifier: MIT */
#ifndef WGA_JSON_PARTS_H
#define WGA_JSON_PARTS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/verdict.h"
#include "capture/err.h"

/*
 * Theory of operation
 *
 * What the renderings made of JSON have in common. A verdict can hold hundreds
 * of thousands of flows, so a document never exists as a whole: what is
 * outermost is written by hand, one element at a time is made, written and
 * dropped. Everything is escaped to ASCII, and bytes that are no UTF-8 are
 * written as text cleaning writes them.
 */

/* `schema` of every document and line */
#define WGA_JSON_SCHEMA	"wgaudit/1"

/* a string; one that is no UTF-8 as wga_term_clean() makes it */
json_t *wga_json_text(const char *s);
json_t *wga_json_count(uint64_t n);
/* seconds since the epoch with nine decimals, as a string; null for 0 */
json_t *wga_json_time(uint64_t ns);

/* element @i of the verdict's list of that name */
json_t *wga_json_flow(const struct wga_verdict *v, size_t i);
json_t *wga_json_session(const struct wga_verdict *v, size_t i);
json_t *wga_json_pair(const struct wga_verdict *v, size_t i);
json_t *wga_json_note(const struct wga_verdict *v, size_t i);

/* {code, text} */
json_t *wga_json_error(const struct wga_err *err);

/**
 * wga_json_put() - write a value and drop it
 *
 * Return: 0, or -1 if @value is NULL or the stream failed.
 */
int wga_json_put(FILE *out, json_t *value);

/**
 * wga_json_put_array() - write `"KEY": [...]`, one element at a time
 * @make:	makes element i of @n
 * @nl:		what stands before each element: "\n", or "" to stay on the line
 *
 * Return: 0, or -1 if memory or the stream failed.
 */
int wga_json_put_array(FILE *out, const char *key, const struct wga_verdict *v,
		       size_t n,
		       json_t *(*make)(const struct wga_verdict *, size_t),
		       const char *nl);

/**
 * wga_json_put_summary() - write `verdict` to `classes`, all but the lists of
 * flows, sessions, pairs and notes
 * @nl:		"\n", or "" to stay on the line
 *
 * Return: 0, or -1 if memory or the stream failed.
 */
int wga_json_put_summary(FILE *out, const struct wga_verdict *v, const char *nl);

#endif /* WGA_JSON_PARTS_H */
