/* SPDX-License-Identifier: MIT */
#ifndef WGA_TOPOLOGY_INTERNAL_H
#define WGA_TOPOLOGY_INTERNAL_H

#include "topo/topology.h"

/* what a file need not say */
#define WGA_TOPO_NAME		"mesh"
#define WGA_TOPO_DOMAIN		"mesh.internal"
#define WGA_TOPO_MEMORY_MIB	512
#define WGA_TOPO_VERSION	"current"

#define WGA_TOPO_MEMORY_MIN	256
#define WGA_TOPO_MEMORY_MAX	65536
#define WGA_TOPO_PREFIX_MIN	8
#define WGA_TOPO_PREFIX_MAX	29

/* The words of a file, in the order of the enums. */
extern const char *const wga_passage_words[3];
extern const char *const wga_role_words[3];

/**
 * struct wga_topo_lines - where a file says what, for errors
 * @path:	of the file
 * The rest are lines, 0 for what the file does not say.
 */
struct wga_topo_lines {
	const char *path;
	unsigned int name, domain;
	struct {
		unsigned int bridge, subnet, gateway;
	} network[WGA_TOPO_NETWORKS_MAX];
	struct {
		unsigned int role, network, address, memory, version, services;
	} host[WGA_TOPO_HOSTS_MAX];
	unsigned int passage[WGA_TOPO_NETWORKS_MAX][WGA_TOPO_NETWORKS_MAX];
};

/* wga_topology_check() of what stands in a file; @lines may be NULL */
int wga_topology_check_at(const struct wga_topology *t,
			  const struct wga_topo_lines *lines,
			  struct wga_err *err);

/* wga_topology_load() of bytes in memory, as if they were in the file @path */
int wga_topology_parse(struct wga_topology *t, const char *path,
		       const void *data, size_t size, struct wga_err *err);

/* derive the MAC addresses of all hosts from the names */
void wga_topology_macs(struct wga_topology *t);

/* IPv4 address, host byte order */
uint32_t wga_topo_v4(const struct wga_addr *a);
struct wga_addr wga_topo_addr(uint32_t v4);

static inline uint32_t wga_topo_mask(unsigned int prefix)
{
	return prefix ? UINT32_MAX << (32 - prefix) : 0;
}

#endif /* WGA_TOPOLOGY_INTERNAL_H */
