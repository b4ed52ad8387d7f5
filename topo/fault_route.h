/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_ROUTE_H
#define WGA_FAULT_ROUTE_H

#include "topo/fault.h"

struct nl_sock;

/* What the kernel forgets when a link goes down, and does not make again when
 * it comes up (its own routes and those of router advertisements it does):
 * other routes through it, and its addresses of IPv6 that are no link-local
 * ones. Both are for the namespace that @s is of.
 */

/**
 * wga_fault_routes_read() - fill @l->routes and @l->addrs
 * @err:	"too-much-to-keep" if they do not fit, or a route goes through
 *		several links
 */
int wga_fault_routes_read(struct nl_sock *s, struct wga_fault_link *l,
			  struct wga_err *err);

/* what is there already is left alone */
int wga_fault_routes_restore(struct nl_sock *s, const struct wga_fault_link *l,
			     struct wga_err *err);

#endif /* WGA_FAULT_ROUTE_H */
