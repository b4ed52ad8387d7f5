/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/roles.h"

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
	enum { NO_GATEWAY, LEADS_OUT, FORWARDS, KNOWN } rank;
	bool gateway;
	bool speaks;		/* one of its own addresses speaks in the mesh */
	bool claims;		/* has said which IPv4 address it has */
};

struct wga_roles {
	struct role_entry *e;
	uint32_t count;
	size_t room;
	struct wga_index index;
	uint64_t seed[2];
	struct mac_group *groups;
	size_t n_groups, group_room;
	struct role_entry lost;
	bool broken;
};

static bool role_is(const void *items, uint32_t item, const void *key)
{
	const struct role_entry *e = (const struct role_entry *)items + item;

	return wga_addr_equal(&e->addr, key);
}

static const struct role_entry *roles_find(const struct wga_roles *r,
					   const struct wga_addr *a)
{
	uint32_t i = wga_index_find(&r->index, wga_hash(a, sizeof(*a), r->seed),
				    role_is, r->e, a);

	return i == WGA_INDEX_NONE ? NULL : &r->e[i];
}

/* The entry of an address, made if need be. When memory runs out it is one
 * that does not count, and the roles are given up in the end.
 */
static struct role_entry *roles_entry(struct wga_roles *r,
				      const struct wga_addr *a)
{
	uint64_t hash = wga_hash(a, sizeof(*a), r->seed);
	uint32_t i = wga_index_find(&r->index, hash, role_is, r->e, a);
	struct role_entry *e;

	if (i != WGA_INDEX_NONE)
		return &r->e[i];
	e = wga_room(r->e, r->count, &r->room, sizeof(*e), UINT32_MAX / 2);
	if (e)
		r->e = e;
	if (!e || wga_index_add(&r->index, hash, r->count)) {
		r->broken = true;
		return &r->lost;
	}
	r->e[r->count] = (struct role_entry){ .addr = *a };
	return &r->e[r->count++];
}

static void roles_add(struct wga_roles *r, const struct wga_addr *a,
		      unsigned int flags)
{
	if (!wga_addr_is_multicast(a) && !wga_addr_is_unspecified(a))
		roles_entry(r, a)->flags |= flags;
}

unsigned int wga_roles_get(const struct wga_roles *r, const struct wga_addr *a)
{
	const struct role_entry *e = roles_find(r, a);

	return e ? e->flags : 0;
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

/* Nodes in DERP are no addresses that anything else is sent from. */
static void add_exchange(struct wga_roles *r, const struct wga_endpoint *from,
			 const struct wga_endpoint *to)
{
	if (wga_derp_is_node(&from->addr) || wga_derp_is_node(&to->addr))
		return;
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
static void collect(struct wga_neighbours *all, const struct wga_bridge *br)
{
	uint32_t i;

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
	struct mac_group *groups;
	uint32_t i, from;

	if (!all->count)
		return 0;
	qsort(all->n, all->count, sizeof(*all->n), by_mac);
	for (i = from = 0; i <= all->count; i++) {
		if (i < all->count &&
		    !memcmp(&all->n[i].mac, &all->n[from].mac, 6))
			continue;
		groups = wga_room(r->groups, r->n_groups, &r->group_room,
				  sizeof(*groups), SIZE_MAX / 2);
		if (!groups)
			return -1;
		r->groups = groups;
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
	const struct role_entry *e;

	if (!counts(n) || !(n->flags & WGA_NEIGHBOUR_SENT) ||
	    (n->flags & WGA_NEIGHBOUR_CLAIMED))
		return false;
	if ((n->flags & WGA_NEIGHBOUR_ROUTED) &&
	    !(n->flags & WGA_NEIGHBOUR_FRESH))
		return true;
	e = roles_find(r, &n->addr);
	return e && e->origin && e->origin != g + 1;
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

/* How much speaks for a MAC address being a gateway's. One that has an address
 * of the mesh for its own is none, whatever else passes through it.
 */
static void rank_gateway(struct wga_roles *r, size_t g,
			 struct wga_bridge *const *bridges)
{
	struct mac_group *group = &r->groups[g];
	bool known = false, forwards = false, leads_out = false, member = false;
	size_t i;

	for (i = 0; i < group->count; i++) {
		const struct wga_neighbour *n = &group->n[i];
		unsigned int role = wga_roles_get(r, &n->addr);

		if (is_own(r, g, n)) {
			known = known || (role & WGA_ROLE_GATEWAY) ||
				is_live_gateway(bridges, group->bridge,
						&n->addr);
			group->speaks |= (role & WGA_ROLE_SPEAKER) != 0;
			member = member || (role & (WGA_ROLE_SPEAKER |
						    WGA_ROLE_DECLARED));
		}
		group->claims |= (n->flags & WGA_NEIGHBOUR_CLAIMED) != 0;
		forwards = forwards || is_forwarded(r, g, n);
		leads_out = leads_out ||
			    (n->flags == WGA_NEIGHBOUR_GOT && counts(n) &&
			     !wga_addr_is_private(&n->addr));
	}
	if (known)
		group->rank = KNOWN;
	else if (!member && !(group->mac.b[0] & 1))
		group->rank = forwards ? FORWARDS :
			      leads_out ? LEADS_OUT : NO_GATEWAY;
}

/* What is inferred must not make a gateway of a host where a better one is
 * seen: a stray packet to or from elsewhere would be enough. The groups of a
 * bridge stand side by side.
 */
static void find_gateways(struct wga_roles *r)
{
	size_t from, upto, g;

	for (from = 0; from < r->n_groups; from = upto) {
		unsigned int best = NO_GATEWAY;

		for (upto = from; upto < r->n_groups && r->groups[upto].bridge ==
		     r->groups[from].bridge; upto++) {
			if (r->groups[upto].rank > best)
				best = r->groups[upto].rank;
		}
		for (g = from; g < upto; g++)
			r->groups[g].gateway = best != NO_GATEWAY &&
					       r->groups[g].rank == best;
	}
}

/* Is this own address of a gateway's MAC address a gateway? Not if the same
 * machine takes part in the mesh, nor if it is only its TTL that says that an
 * IPv4 address is the machine's own, while others are announced.
 */
static void give_own(struct wga_roles *r, const struct mac_group *group,
		     const struct wga_neighbour *n)
{
	unsigned int role = wga_roles_get(r, &n->addr);

	if (role & (WGA_ROLE_DECLARED | WGA_ROLE_SPEAKER))
		return;
	if (group->speaks)
		roles_add(r, &n->addr, WGA_ROLE_HOST);
	else if (!group->claims || !wga_addr_is_v4(&n->addr) ||
		 (n->flags & WGA_NEIGHBOUR_CLAIMED))
		roles_add(r, &n->addr, WGA_ROLE_GATEWAY);
}

static void give_roles(struct wga_roles *r, size_t g)
{
	const struct mac_group *group = &r->groups[g];
	size_t i;

	for (i = 0; i < group->count; i++) {
		const struct wga_neighbour *n = &group->n[i];

		if (!group->gateway)
			roles_add(r, &n->addr, WGA_ROLE_HOST);
		else if (is_own(r, g, n))
			give_own(r, group, n);
	}
}

/* An address that was declared a gateway is one. One that was only inferred
 * must not also be behind the MAC address of somebody who is not the gateway.
 */
static void settle(struct wga_roles *r, const struct wga_config *cfg,
		   struct wga_bridge *const *bridges, size_t n_bridges)
{
	size_t g, i;

	for (g = 0; g < r->n_groups; g++) {
		for (i = 0; i < r->groups[g].count && !r->groups[g].gateway; i++) {
			roles_entry(r, &r->groups[g].n[i].addr)->flags &=
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
	size_t i, g, first;

	if (!r || !all) {
		free(all);
		wga_roles_free(r);
		return NULL;
	}
	wga_hash_seed(r->seed);
	add_declared(r, cfg);
	for (i = 0; i < n; i++) {
		add_speakers(r, bridges[i]);
		r->broken |= wga_neighbours_init(&all[i]) ||
			     bridges[i]->neighbours.broken;
	}
	/* parts of one bridge, which stand side by side, are collected in the
	 * last of them
	 */
	for (i = first = 0; i < n && !r->broken; i++) {
		bool more = i + 1 < n && !strcmp(bridges[i]->name,
						 bridges[i + 1]->name);

		if (more)
			continue;
		for (; first <= i; first++)
			collect(&all[i], bridges[first]);
		r->broken |= all[i].broken || add_groups(r, &all[i], i) < 0;
	}
	for (g = 0; g < r->n_groups; g++)
		find_origin(r, g);
	for (g = 0; g < r->n_groups; g++)
		rank_gateway(r, g, bridges);
	find_gateways(r);
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
	wga_index_free(&r->index);
	free(r->groups);
	free(r);
}
