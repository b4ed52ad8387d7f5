/* SPDX-License-Identifier: MIT */
#ifndef WGA_KEYLOG_INTERNAL_H
#define WGA_KEYLOG_INTERNAL_H

#include "analyze/keylog.h"

/**
 * wga_keylog_parse() - wga_keylog_load() of bytes in memory
 * @name:	what errors call them
 */
int wga_keylog_parse(struct wga_keylog **log, const char *text, size_t len,
		     const char *name, struct wga_err *err);

#endif /* WGA_KEYLOG_INTERNAL_H */
