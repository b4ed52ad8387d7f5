/* SPDX-License-Identifier: MIT */
#ifndef WGA_TOPOLOGY_H
#define WGA_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/addr.h"
#include "capture/err.h"

/*
 * Theory of operation
 *
 * A topology says what a mesh is to look like: networks, each a bridge with a
 * subnet; what may pass between them; hosts, each on one network. It is a
 * value, read from a YAML file or built in, checked before anything is touched,
 * and the same for every backend.
 */

#define WGA_TOPO_NAME_MAX	32
#define WGA_TOPO_NETWORKS_MAX	16
#define WGA_TOPO_HOSTS_MAX	32
#define WGA_TOPO_SERVICES_MAX	8

/* what may pass between two networks */
enum wga_passage {
	WGA_PASSAGE_OPEN,	/* everything is routed */
	WGA_PASSAGE_NO_UDP,	/* no UDP: meshes go through DERP */
	WGA_PASSAGE_ISOLATED,	/* nothing */
};

enum wga_role {
	WGA_ROLE_SERVER,	/* Headscale with its embedded DERP and STUN */
	WGA_ROLE_CLIENT,	/* a Tailscale node */
	WGA_ROLE_PLAIN,		/* neither: an outsider on the network */
};

/**
 * struct wga_topo_network - a bridge and its subnet
 * @name:	as hosts refer to it
 * @bridge:	name of the bridge (at most 15 characters)
 * @subnet, @prefix:	its addresses, IPv4
 * @gateway:	the bridge's own address
 * @line:	where the file says so, 0 for the built-in default
 */
struct wga_topo_network {
	char name[WGA_TOPO_NAME_MAX];
	char bridge[16];
	struct wga_addr subnet, gateway;
	unsigned int prefix;
	unsigned int line;
};

/**
 * struct wga_topo_host - a machine
 * @name:	host name, and the name of its VM or namespace (wga-MESH-HOST);
 *		a DNS label; "net" is taken (the networks' namespace)
 * @role:	what runs there
 * @network:	index of its network
 * @addr:	its address, leased by MAC or set
 * @mac:	derived from topology and host name (52:54:00:…)
 * @image:	qcow2 file or "" for the built-in guest (libvirt only)
 * @memory_mib:	(libvirt only)
 * @version:	"current", "older", or a directory with the programs
 * @services:	"nginx", …
 */
struct wga_topo_host {
	char name[WGA_TOPO_NAME_MAX];
	enum wga_role role;
	unsigned int network;
	struct wga_addr addr;
	uint8_t mac[6];
	char image[256];
	unsigned int memory_mib;
	char version[256];
	char services[WGA_TOPO_SERVICES_MAX][WGA_TOPO_NAME_MAX];
	size_t n_services;
	unsigned int line;
};

/**
 * struct wga_topology - all of it
 * @name:	tells several apart that are up at once; 1 to 8 of a-z and 0-9
 *		(no dash: wga-NAME-HOST must have one meaning)
 * @domain:	MagicDNS base domain
 * @passage:	by pair of networks, symmetric
 */
struct wga_topology {
	char name[9];
	char domain[64];
	struct wga_topo_network networks[WGA_TOPO_NETWORKS_MAX];
	size_t n_networks;
	struct wga_topo_host hosts[WGA_TOPO_HOSTS_MAX];
	size_t n_hosts;
	enum wga_passage passage[WGA_TOPO_NETWORKS_MAX][WGA_TOPO_NETWORKS_MAX];
};

/* The spec's mesh: vm-a and vm-c on 192.168.1.0/24 (virbr-a), vm-b on
 * 10.0.0.0/24 (virbr-b), server on 192.168.100.0/24 (virbr-s)
 */
void wga_topology_default(struct wga_topology *t);

/**
 * wga_topology_load() - read a topology file
 * @t:		filled
 * @path:	YAML
 * @err:	"no-such-file", "unreadable-file", "out-of-memory", "bad-topology"
 *		with file, line and key: unknown keys, wrong types, values that
 *		make no sense, and what wga_topology_check() finds
 *
 * Paths in it are relative to its directory. docs/topology.md has the format.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_topology_load(struct wga_topology *t, const char *path,
		      struct wga_err *err);

/**
 * wga_topology_check() - is it consistent in itself?
 *
 * Overlapping subnets, addresses outside of their subnet or used twice, names
 * used twice or not fit for links and DNS, hosts on networks that do not exist,
 * no server or several, no client.
 *
 * Return: 0, or -1 with @err set ("bad-topology"), naming line and key.
 */
int wga_topology_check(const struct wga_topology *t, struct wga_err *err);

/**
 * wga_topology_rename() - give a topology another name
 * @t:		its name and, derived from it, the MAC addresses change
 * @name:	1 to 8 of a-z and 0-9
 *
 * Return: 0, or -1 with @err set ("usage").
 */
int wga_topology_rename(struct wga_topology *t, const char *name,
			struct wga_err *err);

/* the words that a topology file has for them */
const char *wga_passage_name(enum wga_passage passage);
const char *wga_role_name(enum wga_role role);

const struct wga_topo_host *wga_topology_host(const struct wga_topology *t,
					      const char *name);
/* the (first) server; a checked topology has one */
const struct wga_topo_host *wga_topology_server(const struct wga_topology *t);

#endif /* WGA_TOPOLOGY_H */
