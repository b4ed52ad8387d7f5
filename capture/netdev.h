/* SPDX-License-Identifier: MIT */
#ifndef WGA_NETDEV_H
#define WGA_NETDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/addr.h"

/* what the kernel calls interfaces is asked of a socket, never of /sys, which
 * can be that of another network namespace
 */
bool wga_netdev_is_bridge(const char *name);

/**
 * wga_netdev_bridges() - the bridges there are, for a message
 * @buf, @size:	"br-a, virbr0", cut at the end if there are too many
 *
 * Return: their number.
 */
unsigned int wga_netdev_bridges(char *buf, size_t size);

enum wga_netdev_state {
	WGA_NETDEV_GONE,
	WGA_NETDEV_DOWN,
	WGA_NETDEV_NO_CARRIER,	/* no port is up */
	WGA_NETDEV_RUNNING,
};

enum wga_netdev_state wga_netdev_state(unsigned int ifindex);

/* Return: 0, or -1 if @name has no Ethernet address */
int wga_netdev_mac(const char *name, uint8_t mac[static 6]);

/* Return: the number of addresses of @name written to @out, at most @max */
unsigned int wga_netdev_addresses(const char *name, struct wga_addr *out,
				  unsigned int max);

#endif /* WGA_NETDEV_H */
