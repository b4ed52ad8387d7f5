/* SPDX-License-Identifier: MIT */
#ifndef WGA_DERP_NODES_H
#define WGA_DERP_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/index.h"
#include "analyze/registry.h"
#include "capture/addr.h"

/*
 * Theory of operation
 *
 * In DERP the ends of WireGuard are nodes, named by their node keys, and not
 * addresses. A node gets an endpoint all the same, made from its key: an
 * address in the discard-only prefix 0100::/64 (RFC 6666), which nobody can
 * send from, and a fixed port. Sessions in DERP are then sessions like any
 * other: a message that is seen on the sender's connection, on the server's
 * bridge and on the receiver's connection is one message, whichever bridge saw
 * it. This table leads from such an endpoint back to the node. Its addresses
 * are for tables only and never shown.
 */

/**
 * struct wga_derp_node - a node that was named in DERP
 * @at:		endpoint made from @key
 * @client:	where its own connection to a server came from; port 0 if none
 *		was seen
 * @client_ns:	when that was first seen
 */
struct wga_derp_node {
	struct wga_endpoint at;
	uint8_t key[WGA_KEY_LEN];
	struct wga_endpoint client;
	uint64_t client_ns;
};

/**
 * struct wga_derp_nodes - starts as zeros, but for @seed
 * @broken:	a node could not be taken in
 */
struct wga_derp_nodes {
	struct wga_derp_node *n;
	uint32_t count;
	size_t room;
	struct wga_index index;
	uint64_t seed[2];
	bool broken;
};

void wga_derp_nodes_init(struct wga_derp_nodes *t);
void wga_derp_nodes_free(struct wga_derp_nodes *t);

/* the endpoint that stands for a node key */
struct wga_endpoint wga_derp_endpoint(const uint8_t key[static WGA_KEY_LEN]);

/* is this the address of such an endpoint? */
bool wga_derp_is_node(const struct wga_addr *addr);

/**
 * wga_derp_nodes_see() - take in a node that DERP names
 * @t:		table
 * @key:	its node key
 * @client:	where its own connection comes from, or NULL if it is the peer of
 *		somebody else's
 * @time_ns:	when
 *
 * Return: its endpoint; all zero when out of memory.
 */
struct wga_endpoint wga_derp_nodes_see(struct wga_derp_nodes *t,
				       const uint8_t key[static WGA_KEY_LEN],
				       const struct wga_endpoint *client,
				       uint64_t time_ns);

/* make one table of several: of a node's connections the first one stays */
int wga_derp_nodes_join(struct wga_derp_nodes *t,
			const struct wga_derp_nodes *more);

/* the node at an endpoint's address, or NULL */
const struct wga_derp_node *
wga_derp_nodes_find(const struct wga_derp_nodes *t, const struct wga_addr *addr);

#endif /* WGA_DERP_NODES_H */
