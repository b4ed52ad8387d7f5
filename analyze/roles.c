/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/roles.h"

#define SLOTS_MIN	256

/**
 * struct role_entry - one address
 * @origin:	1 + index of the MAC group that the address starts from
 */
struct role_entry {
	struct wga_addr addr;
	unsigned int flags;
	uint32_t origin;
};

/**
 * struct mac_group - what one bridge saw behind one MAC address
 */
struct mac_group {
	struct wga_mac mac;
	size_t bridge;
	const struct wga_neighbour *n;
	size_t count;
	bool gateway;
};

struct wga_roles {
	struct role_entry *e;
	uint32_t count, room;
	uint32_t *slots;
	uint32_t mask;
	uint64_t seed[2];
	struct mac_group *groups;
	size_t n_groups, group_room;
	bool broken;
};

static uint32_t *roles_slot(const struct wga_roles *r, const struct wga_addr *a)
{
	uint64_t at = wga_hash(a, sizeof(*a), r->seed);

	while (r->slots[at & r->mask] &&
	       !wga_addr_equal(&r->e[r->slots[at & r->mask] - 1].addr, a))
		at++;
	return &r->slots[at & r->mask];
}

static int roles_grow(struct wga_roles *r)
{
	uint32_t n = r->room ? 4 * r->room : SLOTS_MIN, i;
	uint32_t *slots = calloc(n, sizeof(*slots));
	struct role_entry *e = realloc(r->e, n / 2 * sizeof(*e));

	if (e)
		r->e = e;
	if (!slots || !e) {
		free(slots);
		return -1;
	}
	free(r->slots);
	r->slots = slots;
	r->mask = n - 1;
	r->room = n / 2;
	for (i = 0; i < r->count; i++)
		*roles_slot(r, &e[i].addr) = i + 1;
	return 0;
}

static struct role_entry *roles_entry(struct wga_roles *r,
				      const struct wga_addr *a)
{
	static struct role_entry lost;
	uint32_t *slot;

	if (r->count == r->room && roles_grow(r)) {
		r->broken = true;
		return &lost;
	}
	slot = roles_slot(r, a);
	if (!*slot) {
		r->e[r->count++] = (struct role_entry){ .addr = *a };
		*slot = r->count;
	}
	return &r->e[*slot - 1];
}

static void roles_add(struct wga_roles *r, const struct wga_addr *a,
		      unsigned int flags)
{
	if (!wga_addr_is_multicast(a) && !wga_addr_is_unspecified(a))
		roles_entry(r, a)->flags |= flags;
}

unsigned int wga_roles_get(const struct wga_roles *r, const struct wga_addr *a)
{
	uint32_t i = r->count ? *roles_slot(r, a) : 0;

	return i ? r->e[i - 1].flags : 0;
}

bool wga_roles_gateway_mac(const struct wga_roles *r,
			   const uint8_t mac[static 6])
{
	size_t i;

	for (i = 0; i < r->n_groups; i++) {
		if (r->groups[i].gateway && !memcmp(&r->groups[i].mac, mac, 6))
			return true;
	}
	return false;
}

static void add_declared(struct wga_roles *r, const struct wga_config *cfg)
{
	const unsigned int server = WGA_ROLE_HOST | WGA_ROLE_DECLARED |
				    WGA_ROLE_SERVER;
	size_t i;

	for (i = 0; i < cfg->n_derp; i++)
		roles_add(r, &cfg->derp[i].addr, server);
	for (i = 0; i < cfg->n_control; i++)
		roles_add(r, &cfg->control[i].addr, server);
	for (i = 0; i < cfg->n_vms; i++)
		roles_add(r, &cfg->vms[i].addr,
			  WGA_ROLE_HOST | WGA_ROLE_DECLARED);
	for (i = 0; i < cfg->n_gateways; i++)
		roles_add(r, &cfg->gateways[i], WGA_ROLE_GATEWAY);
}

static void add_exchange(struct wga_roles *r, const struct wga_endpoint *from,
			 const struct wga_endpoint *to)
{
	roles_add(r, &from->addr, WGA_ROLE_SPOKE);
	roles_add(r, &to->addr, WGA_ROLE_HEARD);
}

/* Whoever speaks disco or WireGuard and is spoken to takes part in the mesh. */
static void add_speakers(struct wga_roles *r, const struct wga_bridge *br)
{
	const unsigned int both = WGA_ROLE_SPOKE | WGA_ROLE_HEARD;
	uint32_t i;
	size_t k;

	for (k = 0; k < br->n_discos; k++)
		add_exchange(r, &br->discos[k].from, &br->discos[k].to);
	for (i = 0; i < br->sessions.n; i++)
		add_exchange(r, &br->sessions.s[i].from, &br->sessions.s[i].to);
	for (k = 0; k < br->sessions.n_handshakes; k++)
		add_exchange(r, &br->sessions.h[k].from,
			     &br->sessions.h[k].to);
	for (i = 0; i < r->count; i++) {
		if ((r->e[i].flags & both) == both)
			r->e[i].flags |= WGA_ROLE_SPEAKER;
	}
}

/* Everything that was seen of addresses behind MAC addresses on one bridge */
static int collect(struct wga_neighbours *all, const struct wga_bridge *br)
{
	uint32_t i;

	if (wga_neighbours_init(all))
		return -1;
	for (i = 0; i < br->neighbours.count; i++) {
		const struct wga_neighbour *n = &br->neighbours.n[i];

		wga_neighbour_note(all, &n->mac, &n->addr, n->flags);
	}
	for (i = 0; i < wga_flow_count(br->flows); i++) {
		const struct wga_flow *f = wga_flow_at(br->flows, i);

		if (f->key.ethertype)
			continue;
		wga_neighbour_at(all, &br->neighbours, &f->key.lo, f->at[0],
				 f->at[1] & WGA_AT_SENT);
		wga_neighbour_at(all, &br->neighbours, &f->key.hi, f->at[1],
				 f->at[0] & WGA_AT_SENT);
	}
	return 0;
}

static int by_mac(const void *a, const void *b)
{
	const struct wga_neighbour *x = a, *y = b;
	int order = memcmp(&x->mac, &y->mac, sizeof(x->mac));

	return order ? order : memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

static int add_groups(struct wga_roles *r, struct wga_neighbours *all,
		      size_t bridge)
{
	uint32_t i, from;

	if (!all->count)
		return 0;
	qsort(all->n, all->count, sizeof(*all->n), by_mac);
	for (i = from = 0; i <= all->count; i++) {
		if (i < all->count &&
		    !memcmp(&all->n[i].mac, &all->n[from].mac, 6))
			continue;
		if (r->n_groups == r->group_room) {
			size_t room = r->group_room ? 2 * r->group_room : 16;
			struct mac_group *g = realloc(r->groups,
						      room * sizeof(*g));

			if (!g)
				return -1;
			r->groups = g;
			r->group_room = room;
		}
		r->groups[r->n_groups++] = (struct mac_group){
			.mac = all->n[from].mac, .bridge = bridge,
			.n = &all->n[from], .count = i - from,
		};
		from = i;
	}
	return 0;
}

/* does this address count when it is asked whose packets a MAC sends? */
static bool counts(const struct wga_neighbour *n)
{
	return !wga_addr_is_overlay(&n->addr) &&
	       !wga_addr_is_link_local(&n->addr);
}

/* An address whose MAC address sends for nobody else starts there. */
static void find_origin(struct wga_roles *r, size_t g)
{
	const struct mac_group *group = &r->groups[g];
	const struct wga_neighbour *only = NULL;
	size_t i, sent = 0;

	for (i = 0; i < group->count; i++) {
		const struct wga_neighbour *n = &group->n[i];

		if (counts(n) && (n->flags & WGA_NEIGHBOUR_SENT) &&
		    wga_addr_is_v4(&n->addr)) {
			only = n;
			sent++;
		}
	}
	if (sent == 1 && (only->flags & (WGA_NEIGHBOUR_FRESH |
					 WGA_NEIGHBOUR_CLAIMED)))
		roles_entry(r, &only->addr)->origin = (uint32_t)g + 1;
}

/* is this a packet source that starts behind another MAC address? */
static bool is_forwarded(const struct wga_roles *r, size_t g,
			 const struct wga_neighbour *n)
{
	uint32_t slot;

	if (!counts(n) || !(n->flags & WGA_NEIGHBOUR_SENT) ||
	    (n->flags & WGA_NEIGHBOUR_CLAIMED))
		return false;
	if ((n->flags & WGA_NEIGHBOUR_ROUTED) &&
	    !(n->flags & WGA_NEIGHBOUR_FRESH))
		return true;
	slot = *roles_slot(r, &n->addr);
	return slot && r->e[slot - 1].origin &&
	       r->e[slot - 1].origin != g + 1;
}

static bool is_own(const struct wga_roles *r, size_t g,
		   const struct wga_neighbour *n)
{
	return (n->flags & (WGA_NEIGHBOUR_FRESH | WGA_NEIGHBOUR_CLAIMED)) &&
	       !wga_addr_is_overlay(&n->addr) && !is_forwarded(r, g, n);
}

static bool is_live_gateway(struct wga_bridge *const *bridges, size_t bridge,
			    const struct wga_addr *a)
{
	const struct wga_bridge *br = bridges[bridge];
	size_t i;

	for (i = 0; i < br->n_gateways; i++) {
		if (wga_addr_equal(&br->gateways[i], a))
			return true;
	}
	return false;
}

/* A MAC address that has an address of the mesh for its own is no gateway's,
 * whatever else passes through it.
 */
static void find_gateway(struct wga_roles *r, size_t g,
			 struct wga_bridge *const *bridges)
{
	struct mac_group *group = &r->groups[g];
	bool known = false, forwards = false, member = false;
	size_t i;

	for (i = 0; i < group->count; i++) {
		const struct wga_neighbour *n = &group->n[i];
		unsigned int role = wga_roles_get(r, &n->addr);

		if (is_own(r, g, n)) {
			known = known || (role & WGA_ROLE_GATEWAY) ||
				is_live_gateway(bridges, group->bridge,
						&n->addr);
			member = member || (role & (WGA_ROLE_SPEAKER |
						    WGA_ROLE_DECLARED));
		}
		forwards = forwards || is_forwarded(r, g, n) ||
			   (n->flags == WGA_NEIGHBOUR_GOT && counts(n) &&
			    !wga_addr_is_private(&n->addr));
	}
	group->gateway = known || (forwards && !member);
}

static void give_roles(struct wga_roles *r, size_t g)
{
	const struct mac_group *group = &r->groups[g];
	size_t i;

	for (i = 0; i < group->count; i++) {
		const struct wga_neighbour *n = &group->n[i];

		if (!group->gateway)
			roles_add(r, &n->addr, WGA_ROLE_HOST);
		else if (is_own(r, g, n) &&
			 !(wga_roles_get(r, &n->addr) &
			   (WGA_ROLE_DECLARED | WGA_ROLE_SPEAKER)))
			roles_add(r, &n->addr, WGA_ROLE_GATEWAY);
	}
}

/* An address that was declared a gateway is one. One that was only inferred
 * must not also be sent from by somebody who is not the gateway.
 */
static void settle(struct wga_roles *r, const struct wga_config *cfg,
		   struct wga_bridge *const *bridges, size_t n_bridges)
{
	size_t g, i;

	for (g = 0; g < r->n_groups; g++) {
		for (i = 0; i < r->groups[g].count && !r->groups[g].gateway; i++) {
			const struct wga_neighbour *n = &r->groups[g].n[i];

			if (n->flags & WGA_NEIGHBOUR_SENT)
				roles_entry(r, &n->addr)->flags &=
					~(unsigned int)WGA_ROLE_GATEWAY;
		}
	}
	for (i = 0; i < r->count; i++) {
		if (r->e[i].flags & WGA_ROLE_GATEWAY)
			r->e[i].flags &= ~(unsigned int)WGA_ROLE_HOST;
		else if (r->e[i].flags & WGA_ROLE_SPEAKER)
			r->e[i].flags |= WGA_ROLE_HOST;
	}
	for (i = 0; i < cfg->n_gateways; i++)
		roles_entry(r, &cfg->gateways[i])->flags = WGA_ROLE_GATEWAY;
	for (g = 0; g < n_bridges; g++) {
		for (i = 0; i < bridges[g]->n_gateways; i++)
			roles_entry(r, &bridges[g]->gateways[i])->flags =
				WGA_ROLE_GATEWAY;
	}
}

struct wga_roles *wga_roles_new(const struct wga_config *cfg,
				struct wga_bridge *const *bridges, size_t n)
{
	struct wga_neighbours *all = calloc(n + 1, sizeof(*all));
	struct wga_roles *r = calloc(1, sizeof(*r));
	size_t i, g;

	if (!r || !all || roles_grow(r)) {
		free(all);
		wga_roles_free(r);
		return NULL;
	}
	wga_hash_seed(r->seed);
	add_declared(r, cfg);
	for (i = 0; i < n; i++) {
		add_speakers(r, bridges[i]);
		if (collect(&all[i], bridges[i]) || add_groups(r, &all[i], i))
			r->broken = true;
	}
	for (g = 0; g < r->n_groups; g++)
		find_origin(r, g);
	for (g = 0; g < r->n_groups; g++)
		find_gateway(r, g, bridges);
	for (g = 0; g < r->n_groups; g++)
		give_roles(r, g);
	settle(r, cfg, bridges, n);

	for (i = 0; i < n; i++)
		wga_neighbours_free(&all[i]);
	free(all);
	for (g = 0; g < r->n_groups; g++)
		r->groups[g].n = NULL;
	if (r->broken) {
		wga_roles_free(r);
		return NULL;
	}
	return r;
}

void wga_roles_free(struct wga_roles *r)
{
	if (!r)
		return;
	free(r->e);
	free(r->slots);
	free(r->groups);
	free(r);
}
