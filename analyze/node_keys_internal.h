/* SPDX-License-Identifier: MIT */
#ifndef WGA_NODE_KEYS_INTERNAL_H
#define WGA_NODE_KEYS_INTERNAL_H

#include <stddef.h>

#include "analyze/node_keys.h"

/**
 * wga_node_keys_parse() - wga_node_keys_load() of text in memory
 * @name:	what errors call it
 */
int wga_node_keys_parse(struct wga_node_keys **keys, const char *text,
			size_t len, const char *name, struct wga_err *err);

#endif /* WGA_NODE_KEYS_INTERNAL_H */
