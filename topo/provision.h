/* SPDX-License-Identifier: MIT */
#ifndef WGA_PROVISION_H
#define WGA_PROVISION_H

#include "topo/mesh.h"

/*
 * Theory of operation
 *
 * From machines to a mesh, the same on every backend: files are copied into
 * hosts, services started and commands run, nothing else. A guest image has to
 * have headscale, tailscale, tailscaled and, where asked for, nginx, as services
 * of these names which read /etc/default/NAME (EnvironmentFile) and, for nginx
 * and headscale, the configuration below. Each step looks first whether it has
 * been taken, so that doing all of it again repairs what is missing.
 *
 * Clients and the server are worked on by a thread each; clients wait for the
 * server only when they have to join.
 */

/* what the control server is called, in its certificate and in /etc/hosts; not
 * below the MagicDNS domain, where Headscale would not let itself be
 */
#define WGA_CONTROL_NAME	"headscale.internal"
#define WGA_CONTROL_PORT	443
#define WGA_STUN_PORT		3478

/* files in hosts */
#define WGA_PATH_CA		"/etc/wgaudit/ca.pem"
#define WGA_PATH_TLS_KEYS	"/var/lib/wgaudit/tls.keys"
#define WGA_PATH_CONFIG		"/etc/headscale/config.yaml"
#define WGA_PATH_CERT		"/etc/headscale/tls.crt"
#define WGA_PATH_KEY		"/etc/headscale/tls.key"
#define WGA_PATH_NGINX		"/etc/nginx/nginx.conf"

/**
 * wga_provision() - make a mesh of the hosts of a topology
 * @m:		all hosts are booted
 * @p:		told of each step, or NULL
 * @err:	names the host and the step, with the host's last log lines
 *
 * Return: 0 when every client is online and sees all others, else -1.
 */
int wga_provision(struct wga_mesh *m, const struct wga_progress *p,
		  struct wga_err *err);

/* renderings of files: free() them; NULL only if there is no memory */
char *wga_provision_headscale(const struct wga_topology *t);
char *wga_provision_hosts(const struct wga_topology *t,
			  const struct wga_topo_host *host);
char *wga_provision_nginx(const struct wga_topo_host *host,
			  const struct wga_addr *mesh_addr);

#endif /* WGA_PROVISION_H */
