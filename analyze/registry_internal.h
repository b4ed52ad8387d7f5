/* SPDX-License-Identifier: MIT */
#ifndef WGA_REGISTRY_INTERNAL_H
#define WGA_REGISTRY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/registry.h"

struct wga_mac1;

#define WGA_MAC1_LEN	16

/**
 * wga_mac1_new() - keyed state that checks messages addressed to a node
 * @pub:	public key of the node
 *
 * Return: the state, or NULL when libcrypto has no BLAKE2s or no memory.
 */
struct wga_mac1 *wga_mac1_new(const uint8_t pub[static WGA_KEY_LEN]);

/* is @mac the MAC1 over @len bytes at @msg? The state stays as it was. */
bool wga_mac1_fits(const struct wga_mac1 *state, const uint8_t *msg, size_t len,
		   const uint8_t mac[static WGA_MAC1_LEN]);

void wga_mac1_free(struct wga_mac1 *state);

/**
 * wga_registry_parse() - wga_registry_load() of bytes in memory
 * @name:	what errors call them
 */
int wga_registry_parse(struct wga_registry **reg, const char *text, size_t len,
		       const char *name, struct wga_err *err);

#endif /* WGA_REGISTRY_INTERNAL_H */
