/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "topo/topology_internal.h"

const char *const wga_passage_words[3] = { "open", "no-udp", "isolated" };
const char *const wga_role_words[3] = { "server", "client", "plain" };

const char *wga_passage_name(enum wga_passage passage)
{
	return wga_passage_words[passage];
}

const char *wga_role_name(enum wga_role role)
{
	return wga_role_words[role];
}

uint32_t wga_topo_v4(const struct wga_addr *a)
{
	return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 |
	       (uint32_t)a->b[14] << 8 | a->b[15];
}

struct wga_addr wga_topo_addr(uint32_t v4)
{
	uint8_t b[4] = {
		(uint8_t)(v4 >> 24), (uint8_t)(v4 >> 16), (uint8_t)(v4 >> 8),
		(uint8_t)v4,
	};

	return wga_addr_v4(b);
}

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) */
static uint32_t hash(uint32_t h, const char *text)
{
	do
		h = (h ^ (uint8_t)*text) * 16777619U;
	while (*text++);
	return h;
}

static bool mac_taken(const struct wga_topology *t, size_t n,
		      const uint8_t mac[static 6])
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (memcmp(t->hosts[i].mac, mac, 6) == 0)
			return true;
	}
	return false;
}

void wga_topology_macs(struct wga_topology *t)
{
	uint32_t h;
	size_t i;

	for (i = 0; i < t->n_hosts; i++) {
		uint8_t *mac = t->hosts[i].mac;

		h = hash(hash(2166136261U, t->name), t->hosts[i].name);
		h ^= h >> 24;
		do {
			/* 52:54:00 is QEMU's */
			const uint8_t made[6] = {
				0x52, 0x54, 0x00, (uint8_t)(h >> 16),
				(uint8_t)(h >> 8), (uint8_t)h,
			};

			memcpy(mac, made, sizeof(made));
			h++;
		} while (mac_taken(t, i, mac));
	}
}

static void add_network(struct wga_topology *t, const char *name,
			const char *bridge, uint32_t subnet)
{
	struct wga_topo_network *n = &t->networks[t->n_networks++];

	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(n->bridge, sizeof(n->bridge), "%s", bridge);
	n->subnet = wga_topo_addr(subnet);
	n->gateway = wga_topo_addr(subnet + 1);
	n->prefix = 24;
}

static struct wga_topo_host *add_host(struct wga_topology *t, const char *name,
				      enum wga_role role, unsigned int network,
				      uint32_t at)
{
	struct wga_topo_host *h = &t->hosts[t->n_hosts++];

	snprintf(h->name, sizeof(h->name), "%s", name);
	h->role = role;
	h->network = network;
	h->addr = wga_topo_addr(wga_topo_v4(&t->networks[network].subnet) + at);
	h->memory_mib = WGA_TOPO_MEMORY_MIB;
	snprintf(h->version, sizeof(h->version), WGA_TOPO_VERSION);
	return h;
}

void wga_topology_default(struct wga_topology *t)
{
	struct wga_topo_host *h;

	*t = (struct wga_topology){
		.name = WGA_TOPO_NAME, .domain = WGA_TOPO_DOMAIN,
	};
	add_network(t, "a", "virbr-a", 0xc0a80100);	/* 192.168.1.0 */
	add_network(t, "b", "virbr-b", 0x0a000000);	/* 10.0.0.0 */
	add_network(t, "s", "virbr-s", 0xc0a86400);	/* 192.168.100.0 */
	add_host(t, "server", WGA_ROLE_SERVER, 2, 10);
	add_host(t, "vm-a", WGA_ROLE_CLIENT, 0, 10);
	h = add_host(t, "vm-b", WGA_ROLE_CLIENT, 1, 10);
	snprintf(h->services[h->n_services++], WGA_TOPO_NAME_MAX, "nginx");
	add_host(t, "vm-c", WGA_ROLE_CLIENT, 0, 11);
	wga_topology_macs(t);
}

int wga_topology_rename(struct wga_topology *t, const char *name,
			struct wga_err *err)
{
	size_t len = strlen(name);

	if (len < 1 || len >= sizeof(t->name) ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") != len)
		return wga_err_set(err, "usage",
				   "\"%.60s\" cannot be a mesh's name: 1 to 8 of a-z and 0-9",
				   name);
	strcpy(t->name, name);
	wga_topology_macs(t);
	return 0;
}

const struct wga_topo_host *wga_topology_host(const struct wga_topology *t,
					      const char *name)
{
	size_t i;

	for (i = 0; i < t->n_hosts; i++) {
		if (strcmp(t->hosts[i].name, name) == 0)
			return &t->hosts[i];
	}
	return NULL;
}

const struct wga_topo_host *wga_topology_server(const struct wga_topology *t)
{
	size_t i;

	for (i = 0; i < t->n_hosts; i++) {
		if (t->hosts[i].role == WGA_ROLE_SERVER)
			return &t->hosts[i];
	}
	return NULL;
}
