/* SPDX-License-Identifier: MIT */
#ifndef WGA_MAC1_H
#define WGA_MAC1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WGA_MAC1_KEY_LEN	32
#define WGA_MAC1_LEN		16

struct wga_mac1;

/**
 * wga_mac1_new() - keyed state that checks messages addressed to a node
 * @pub:	public key of the node
 *
 * Return: the state, or NULL when libcrypto has no BLAKE2s or no memory.
 */
struct wga_mac1 *wga_mac1_new(const uint8_t pub[static WGA_MAC1_KEY_LEN]);

/* is @mac the MAC1 over @len bytes at @msg? The state stays as it was. */
bool wga_mac1_fits(const struct wga_mac1 *state, const uint8_t *msg, size_t len,
		   const uint8_t mac[static WGA_MAC1_LEN]);

void wga_mac1_free(struct wga_mac1 *state);

/**
 * wga_mac1_find() - which of several nodes a handshake message is addressed to
 * @states, @n:	one state per node; NULL for a node without a key
 * @msg:	initiation (148 bytes) or response (92 bytes)
 * @len:	its length
 *
 * Return: index of the node, or -1 if MAC1 fits none of them.
 */
int wga_mac1_find(struct wga_mac1 *const *states, size_t n, const uint8_t *msg,
		  size_t len);

#endif /* WGA_MAC1_H */
