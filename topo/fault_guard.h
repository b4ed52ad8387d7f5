/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_GUARD_H
#define WGA_FAULT_GUARD_H

#include "topo/fault.h"

/**
 * wga_fault_guard() - refuse a port by which this machine is reached
 * @err:	"management-path": it is no link of a virtual host, or behind it is
 *		a gateway of this machine or who is logged in by SSH
 *
 * Return: 0, or -1 with @err set.
 */
int wga_fault_guard(const struct wga_fault_ns *ns,
		    const struct wga_fault_port *p, struct wga_err *err);

#endif /* WGA_FAULT_GUARD_H */
