/* SPDX-License-Identifier: MIT */
#ifndef WGA_ROLES_H
#define WGA_ROLES_H

#include "analyze/bridge_internal.h"

/*
 * Theory of operation
 *
 * Who is who, over all bridges of a run. A gateway is declared, or has the
 * bridge's own address, or is inferred: its MAC address also sends packets of
 * others (their TTL is no longer an initial one, or the same address is known
 * to sit behind another MAC address), or is used to reach public addresses. A
 * host of the mesh is declared, or behind a MAC address that is no gateway's,
 * or was seen in an exchange of disco or WireGuard. What is neither has no
 * role. When in doubt an address is a host: hosts are held to the strict rules.
 */

enum wga_role {
	WGA_ROLE_HOST = 1,	/* of the mesh */
	WGA_ROLE_GATEWAY = 2,
	WGA_ROLE_SPEAKER = 4,	/* exchanged disco or WireGuard */
	WGA_ROLE_DECLARED = 8,	/* a host because the user says so */
	WGA_ROLE_SERVER = 16,	/* declared DERP or control server */
	WGA_ROLE_SPOKE = 32,	/* sent disco or WireGuard */
	WGA_ROLE_HEARD = 64,	/* was sent disco or WireGuard */
};

struct wga_roles;

/* @bridges are sorted by name; returns NULL when out of memory */
struct wga_roles *wga_roles_new(const struct wga_config *cfg,
				struct wga_bridge *const *bridges, size_t n);
void wga_roles_free(struct wga_roles *r);

/* enum wga_role flags of an address; 0 for one that has no role */
unsigned int wga_roles_get(const struct wga_roles *r, const struct wga_addr *a);

/* is it the MAC address of a gateway, on any bridge? */
bool wga_roles_gateway_mac(const struct wga_roles *r, const uint8_t mac[static 6]);

#endif /* WGA_ROLES_H */
