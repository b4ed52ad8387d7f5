/* SPDX-License-Identifier: MIT */
#ifndef WGA_HOSTCHECK_H
#define WGA_HOSTCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topo/topology.h"

/*
 * Theory of operation
 *
 * What a topology would collide with on this machine: links that have the name
 * of one of its bridges, addresses and routes within its subnets. All of it is
 * asked of the kernel by netlink, for the current network namespace, and
 * nothing is changed. Reading and comparing are apart, so that doctor can
 * compare what it has read itself.
 */

/**
 * struct wga_host_range - IPv4 addresses that are in use
 * @link:	where: "eth0", or "" for a route that leads to none
 * @addr:	an address of the link, or the destination of a route
 * @prefix:	length of its subnet
 * @route:	it is a route
 */
struct wga_host_range {
	char link[16];
	struct wga_addr addr;
	unsigned int prefix;
	bool route;
};

/**
 * struct wga_hostnet - links, addresses and routes of a network namespace
 */
struct wga_hostnet {
	char (*links)[16];
	size_t n_links;
	struct wga_host_range *ranges;
	size_t n_ranges;
};

/**
 * wga_hostnet_read() - ask the kernel for what the current namespace has
 * @hn:		filled; wga_hostnet_free() it, also after -1
 * @err:	"netlink-failed", "out-of-memory"
 *
 * Routes are those of all tables but the local one, without default routes.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_hostnet_read(struct wga_hostnet *hn, struct wga_err *err);
void wga_hostnet_free(struct wga_hostnet *hn);

bool wga_hostnet_has_link(const struct wga_hostnet *hn, const char *name);

/**
 * wga_hostnet_check() - can this topology's networks be made there?
 * @hn:		what is there
 * @ours:	by network: its bridge is there and ours, so that neither it nor
 *		its addresses and routes are in the way; NULL: none is
 * @err:	"bridge-taken" or "subnet-in-use", naming what is in the way
 *
 * Return: 0, or -1 with @err set.
 */
int wga_hostnet_check(const struct wga_hostnet *hn,
		      const struct wga_topology *t, const bool *ours,
		      struct wga_err *err);

/* wga_hostnet_check() of what the current network namespace has */
int wga_hostcheck(const struct wga_topology *t, const bool *ours,
		  struct wga_err *err);

#endif /* WGA_HOSTCHECK_H */
