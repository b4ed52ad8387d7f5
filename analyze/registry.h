/* SPDX-License-Identifier: MIT */
#ifndef WGA_REGISTRY_H
#define WGA_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/addr.h"
#include "capture/err.h"

#define WGA_KEY_LEN	32

struct wga_registry;

/**
 * struct wga_node - a registered node
 * @name:	given name (given_name / givenName), else name
 * @id:	number of its row in the registry, "" if none
 * @machine_key:	of the machine it runs on; outlives a new registration
 * @node_key, @disco_key:	the latest public keys; all zero where the registry
 *		has none, as for @machine_key
 * @overlay:	mesh addresses
 */
struct wga_node {
	char name[64];
	char id[24];
	uint8_t machine_key[WGA_KEY_LEN];
	uint8_t node_key[WGA_KEY_LEN];
	uint8_t disco_key[WGA_KEY_LEN];
	struct wga_addr overlay[4];
	size_t n_overlay;
};

/**
 * wga_registry_load() - add the nodes of a file to a registry
 * @reg:	registry; *reg may be NULL, it is then made
 * @path:	output of `headscale nodes list -o json`: a list of nodes in
 *		snake_case (0.23 to 0.29) or camelCase with string ids (0.30)
 * @err:	"no-such-file", "unreadable-file", "bad-registry" with the line
 *
 * Several loads are one history. What has a node key that was listed before is
 * the same node, perhaps with another disco key; so is what has its machine key
 * or, where machine keys do not speak against that, its id: a node that was
 * registered anew, with another node key. A list without any node key is an
 * error.
 *
 * Return: 0, or -1 with @err set and *reg unchanged.
 */
int wga_registry_load(struct wga_registry **reg, const char *path,
		      struct wga_err *err);

void wga_registry_free(struct wga_registry *reg);

size_t wga_registry_count(const struct wga_registry *reg);
const struct wga_node *wga_registry_node(const struct wga_registry *reg, size_t i);

/* the node that has or had a node key, or -1; @reg may be NULL */
int wga_registry_key(const struct wga_registry *reg,
		     const uint8_t key[static WGA_KEY_LEN]);

/**
 * wga_registry_disco() - the node that has or had a disco key
 * @reg:	registry, or NULL for none
 * @key:	public disco key
 *
 * Return: node index, or -1 if no registered node is known to have had it.
 */
int wga_registry_disco(const struct wga_registry *reg,
		       const uint8_t key[static WGA_KEY_LEN]);

/**
 * wga_registry_mac1() - the node a handshake message is addressed to
 * @reg:	registry, or NULL for none
 * @msg:	initiation (148 bytes) or response (92 bytes)
 * @len:	its length
 *
 * MAC1 is keyed with the receiver's public key: BLAKE2s-128 keyed with
 * BLAKE2s-256("mac1----" || Spub) over everything before MAC1 (WireGuard
 * paper, section 5.4.4; wireguard-go device/cookie.go). The key of every node
 * is derived once, when it is loaded.
 *
 * Return: node index, or -1 if MAC1 fits no registered node.
 */
int wga_registry_mac1(const struct wga_registry *reg, const uint8_t *msg,
		      size_t len);

#endif /* WGA_REGISTRY_H */
