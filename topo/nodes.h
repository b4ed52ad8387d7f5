/* SPDX-License-Identifier: MIT */
#ifndef WGA_NODES_H
#define WGA_NODES_H

#include "topo/mesh.h"

/**
 * wga_nodes_read() - what Headscale says of the hosts
 * @t:		the topology
 * @json:	output of `headscale nodes list -o json`, either spelling
 * @status:	joined, online and mesh_addr are set of those hosts it names
 *
 * Return: 0, or -1 with @err set ("bad-output").
 */
int wga_nodes_read(const struct wga_topology *t, const char *json,
		   struct wga_host_status *status, struct wga_err *err);

/**
 * struct wga_client_state - what a client says of itself
 * @running:	logged in, and the engine runs
 * @wants_login:	it waits to be told to log in; neither is true while it starts
 * @online:	connected to the control server
 * @peers:	bit per host of the topology that is in its network map and can be
 *		sent to
 */
struct wga_client_state {
	bool running, wants_login, online;
	uint32_t peers;
	struct wga_addr addr;
};

/**
 * wga_client_read() - what a client says
 * @t:		the topology
 * @json:	output of `tailscale status --json`
 * @state:	filled
 * @status:	path[] and version of the client, or NULL
 *
 * Return: 0, or -1 with @err set ("bad-output").
 */
int wga_client_read(const struct wga_topology *t, const char *json,
		    struct wga_client_state *state,
		    struct wga_host_status *status, struct wga_err *err);

#endif /* WGA_NODES_H */
