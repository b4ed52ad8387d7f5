/* SPDX-License-Identifier: MIT */
#ifndef WGA_REGISTRY_INTERNAL_H
#define WGA_REGISTRY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/registry.h"

bool wga_key_is_set(const uint8_t key[static WGA_KEY_LEN]);

/* add an overlay address, if it is new and there is room */
void wga_node_overlay(struct wga_node *node, const struct wga_addr *addr);

/* a copy that nodes can be added to; NULL when out of memory. Look-ups by disco
 * key work once it is settled.
 */
struct wga_registry *wga_registry_copy(const struct wga_registry *old);
int wga_registry_add(struct wga_registry *reg, const struct wga_node *node);
/* sort the disco keys and drop what is listed twice */
void wga_registry_settle(struct wga_registry *reg);

/**
 * wga_registry_parse() - wga_registry_load() of bytes in memory
 * @name:	what errors call them
 */
int wga_registry_parse(struct wga_registry **reg, const char *text, size_t len,
		       const char *name, struct wga_err *err);

#endif /* WGA_REGISTRY_INTERNAL_H */
