/* SPDX-License-Identifier: MIT */
#ifndef WGA_DURATION_H
#define WGA_DURATION_H

#include <stdint.h>

#include "capture/err.h"

/**
 * wga_duration_parse() - read "10", "10s", "500ms", "2m" or "1h"
 * @text:	what the user wrote; no unit means seconds
 * @ns:		nanoseconds, more than 0 and at most INT64_MAX
 * @err:	"usage", naming @text and the forms there are
 *
 * Return: 0, or -1 with @err set.
 */
int wga_duration_parse(const char *text, uint64_t *ns, struct wga_err *err);

/**
 * wga_count_parse() - read a whole number from 1 to @max
 * @text:	what the user wrote, decimal
 * @option:	whose argument it is, for the error
 *
 * Return: 0, or -1 with @err set ("usage").
 */
int wga_count_parse(const char *text, const char *option, uint64_t max,
		    uint64_t *out, struct wga_err *err);

#endif /* WGA_DURATION_H */
