/* SPDX-License-Identifier: MIT */
#ifndef WGA_REGISTRY_INTERNAL_H
#define WGA_REGISTRY_INTERNAL_H

#include <stddef.h>

#include "analyze/registry.h"

/**
 * wga_registry_parse() - wga_registry_load() of bytes in memory
 * @name:	what errors call them
 */
int wga_registry_parse(struct wga_registry **reg, const char *text, size_t len,
		       const char *name, struct wga_err *err);

#endif /* WGA_REGISTRY_INTERNAL_H */
