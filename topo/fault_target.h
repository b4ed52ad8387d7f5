/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_TARGET_H
#define WGA_FAULT_TARGET_H

#include "topo/fault.h"

#define WGA_FAULT_BRIDGES_MAX	16
#define WGA_FAULT_KNOWN_MAX	256

/**
 * struct wga_fault_where - where hosts are looked for
 * @mesh:	name of a mesh that is up, NULL: the only one there is
 * @netns:	instead of a mesh: name or path of a network namespace, NULL: the
 *		current one
 * @bridges, @n_bridges:	instead of a mesh: on these bridges, all ports are
 *		hosts
 */
struct wga_fault_where {
	const char *mesh, *netns;
	const char *bridges[WGA_FAULT_BRIDGES_MAX];
	size_t n_bridges;
};

/**
 * struct wga_fault_scope - hosts that faults can be put on
 * @ns:		where their ports are
 * @uri:	of libvirt, "" for its own choice
 * @mesh:	that they belong to, or ""
 * @control:	its control server, all zero if not known
 * @ports, @n:	by host; one without a link (@index 0) is not up
 */
struct wga_fault_scope {
	struct wga_fault_ns ns;
	char mesh[9];
	char uri[256];
	struct wga_addr control;
	struct wga_fault_port ports[WGA_FAULT_KNOWN_MAX];
	size_t n;
};

/**
 * wga_fault_scope_open() - find all hosts
 * @s:		filled
 * @err:	"no-such-mesh", "no-such-bridge", "no-such-netns", naming those
 *		there are
 */
int wga_fault_scope_open(struct wga_fault_scope *s,
			 const struct wga_fault_where *where,
			 struct wga_err *err);

/**
 * wga_fault_scope_find() - the port of a host
 * @port:	filled
 * @name:	of the host, or of its port
 * @err:	"no-such-host" with the nearest name, "no-such-port",
 *		"management-path" if it is no port of a virtual host, or this
 *		machine is reached through it
 */
int wga_fault_scope_find(const struct wga_fault_scope *s, const char *name,
			 struct wga_fault_port *port, struct wga_err *err);

/**
 * wga_fault_scope_group() - the ports of hosts that are named "vm-a,vm-c"
 * @f:		its ports are added to
 * @group:	they get
 */
int wga_fault_scope_group(const struct wga_fault_scope *s, const char *names,
			  unsigned int group, struct wga_fault *f,
			  struct wga_err *err);

#endif /* WGA_FAULT_TARGET_H */
