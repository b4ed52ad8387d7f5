/* SPDX-License-Identifier: MIT */
#ifndef WGA_NETNS_H
#define WGA_NETNS_H

#include "capture/err.h"

/**
 * wga_netns_enter() - go into a network namespace, to listen on its bridges
 * @name:	as `ip netns` lists it, a file in /run/netns
 * @err:	"no-such-netns" naming those there are, "no-permission", "netns"
 *
 * It holds for the calling thread, and for those that it starts later.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_netns_enter(const char *name, struct wga_err *err);

#endif /* WGA_NETNS_H */
