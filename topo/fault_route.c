/* SPDX-License-Identifier: MIT */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <string.h>

#include "topo/fault_nl.h"
#include "topo/fault_route.h"

/* what an address was given, not what became of it */
#define GIVEN_FLAGS	(IFA_F_NODAD | IFA_F_HOMEADDRESS | \
			 IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE)

static int too_much(const struct wga_fault_link *l, struct wga_err *err)
{
	return wga_err_set(err, "too-much-to-keep",
			   "%s has routes or addresses that could not be put back when it comes up again; --kind drop leaves them alone",
			   l->link);
}

/* Return: 1 taken or none of ours, 0 it does not fit */
static int take_route(struct rtnl_route *r, struct wga_fault_link *l)
{
	int protocol = rtnl_route_get_protocol(r);
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(r, 0);
	struct wga_fault_route *out;
	int family = rtnl_route_get_family(r);
	bool ours = false;

	for (int i = 0; i < rtnl_route_get_nnexthops(r); i++)
		ours |= rtnl_route_nh_get_ifindex(rtnl_route_nexthop_n(r, i)) ==
			(int)l->index;
	if (!ours || (family != AF_INET && family != AF_INET6) ||
	    rtnl_route_get_table(r) == RT_TABLE_LOCAL ||
	    rtnl_route_get_type(r) != RTN_UNICAST ||
	    protocol == RTPROT_KERNEL || protocol == RTPROT_RA ||
	    protocol == RTPROT_REDIRECT)
		return 1;
	if (rtnl_route_get_nnexthops(r) != 1 ||
	    l->n_routes == WGA_FAULT_ROUTES_MAX)
		return 0;
	out = &l->routes[l->n_routes++];
	out->family = family;
	out->to = wga_nl_to_addr(rtnl_route_get_dst(r), family);
	out->prefix = nl_addr_get_prefixlen(rtnl_route_get_dst(r));
	out->via = wga_nl_to_addr(rtnl_route_nh_get_gateway(hop), family);
	out->source = wga_nl_to_addr(rtnl_route_get_pref_src(r), family);
	out->table = rtnl_route_get_table(r);
	out->protocol = (unsigned int)protocol;
	out->scope = (unsigned int)rtnl_route_get_scope(r);
	out->flags = rtnl_route_nh_get_flags(hop) & RTNH_F_ONLINK;
	out->metric = rtnl_route_get_priority(r);
	return 1;
}

static int read_routes(struct nl_sock *s, int family, struct wga_fault_link *l,
		       struct wga_err *err)
{
	NL_CACHE *all = NULL;
	int e = rtnl_route_alloc_cache(s, family, 0, &all);

	/* a kernel without IPv6 has none of it */
	if (e < 0)
		return family == AF_INET6 ? 0 :
		       wga_nl_fail("read the routes of", l->link, e, err);
	for (struct nl_object *o = nl_cache_get_first(all); o;
	     o = nl_cache_get_next(o))
		if (!take_route((struct rtnl_route *)o, l))
			return too_much(l, err);
	return 0;
}

static int read_addrs(struct nl_sock *s, struct wga_fault_link *l,
		      struct wga_err *err)
{
	NL_CACHE *all = NULL;
	int e = rtnl_addr_alloc_cache(s, &all);

	if (e < 0)
		return wga_nl_fail("read the addresses of", l->link, e, err);
	for (struct nl_object *o = nl_cache_get_first(all); o;
	     o = nl_cache_get_next(o)) {
		struct rtnl_addr *a = (struct rtnl_addr *)o;

		if (rtnl_addr_get_ifindex(a) != (int)l->index ||
		    rtnl_addr_get_family(a) != AF_INET6 ||
		    rtnl_addr_get_scope(a) == RT_SCOPE_LINK ||
		    !(rtnl_addr_get_flags(a) & IFA_F_PERMANENT))
			continue;
		if (l->n_addrs == WGA_FAULT_ROUTES_MAX)
			return too_much(l, err);
		l->addrs[l->n_addrs].addr =
			wga_nl_to_addr(rtnl_addr_get_local(a), AF_INET6);
		l->addrs[l->n_addrs].flags =
			rtnl_addr_get_flags(a) & GIVEN_FLAGS;
		l->addrs[l->n_addrs++].prefix =
			(unsigned int)rtnl_addr_get_prefixlen(a);
	}
	return 0;
}

int wga_fault_routes_read(struct nl_sock *s, struct wga_fault_link *l,
			  struct wga_err *err)
{
	if (read_routes(s, AF_INET, l, err) < 0 ||
	    read_routes(s, AF_INET6, l, err) < 0)
		return -1;
	return read_addrs(s, l, err);
}

static int add_addr(struct nl_sock *s, const struct wga_fault_link *l,
		    const struct wga_fault_address *a)
{
	NL_ADDR *local = wga_nl_addr(&a->addr, a->prefix);
	struct rtnl_addr *addr = rtnl_addr_alloc();
	int e = -NLE_NOMEM;

	if (addr && local) {
		rtnl_addr_set_ifindex(addr, (int)l->index);
		rtnl_addr_set_local(addr, local);
		rtnl_addr_set_flags(addr, a->flags);
		e = rtnl_addr_add(s, addr, NLM_F_EXCL);
	}
	rtnl_addr_put(addr);
	return e;
}

static void set_addr(struct rtnl_route *route, const struct wga_addr *a,
		     unsigned int prefix,
		     int (*set)(struct rtnl_route *, struct nl_addr *))
{
	NL_ADDR *addr = wga_nl_addr(a, prefix);

	if (addr)
		set(route, addr);
}

static int add_route(struct nl_sock *s, const struct wga_fault_link *l,
		     const struct wga_fault_route *r)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	NL_ADDR *via = NULL;
	int e;

	if (!route || !hop) {
		rtnl_route_put(route);
		return -NLE_NOMEM;
	}
	rtnl_route_set_family(route, (uint8_t)r->family);
	set_addr(route, &r->to, r->prefix, rtnl_route_set_dst);
	if (wga_fault_has_addr(&r->source))
		set_addr(route, &r->source, r->family == AF_INET ? 32 : 128,
			 rtnl_route_set_pref_src);
	rtnl_route_set_table(route, r->table);
	rtnl_route_set_protocol(route, (uint8_t)r->protocol);
	rtnl_route_set_scope(route, (uint8_t)r->scope);
	rtnl_route_set_priority(route, r->metric);
	rtnl_route_nh_set_ifindex(hop, (int)l->index);
	rtnl_route_nh_set_flags(hop, r->flags);
	if (wga_fault_has_addr(&r->via)) {
		via = wga_nl_addr(&r->via, r->family == AF_INET ? 32 : 128);
		rtnl_route_nh_set_gateway(hop, via);
	}
	rtnl_route_add_nexthop(route, hop);
	e = rtnl_route_add(s, route, NLM_F_EXCL);
	rtnl_route_put(route);
	return e;
}

int wga_fault_routes_restore(struct nl_sock *s, const struct wga_fault_link *l,
			     struct wga_err *err)
{
	int worst = 0;

	for (size_t i = 0; i < l->n_addrs; i++) {
		int e = add_addr(s, l, &l->addrs[i]);

		worst = e < 0 && e != -NLE_EXIST ? e : worst;
	}
	/* those through a gateway need those to the gateway */
	for (int gateway = 0; gateway < 2; gateway++)
		for (size_t i = 0; i < l->n_routes; i++) {
			const struct wga_fault_route *r = &l->routes[i];
			int e;

			if (wga_fault_has_addr(&r->via) != (gateway == 1))
				continue;
			e = add_route(s, l, r);
			worst = e < 0 && e != -NLE_EXIST ? e : worst;
		}
	return worst < 0 ? wga_nl_fail("put back the routes of", l->link,
				       worst, err) : 0;
}
