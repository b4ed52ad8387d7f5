/* SPDX-License-Identifier: MIT */
#include <linux/rtnetlink.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/hostcheck.h"
#include "topo/topology_internal.h"

/**
 * struct reader - a namespace that is being read
 * @no_memory:	something could not be kept
 */
struct reader {
	struct wga_hostnet *hn;
	struct nl_cache *links;
	bool no_memory;
};

static void add_link(struct nl_object *obj, void *arg)
{
	struct reader *r = arg;
	struct wga_hostnet *hn = r->hn;
	const char *name = rtnl_link_get_name((struct rtnl_link *)obj);
	char (*grown)[16];

	grown = reallocarray(hn->links, hn->n_links + 1, sizeof(*grown));
	if (!grown) {
		r->no_memory = true;
		return;
	}
	hn->links = grown;
	snprintf(grown[hn->n_links++], sizeof(*grown), "%s", name ? name : "");
}

static void add_range(struct reader *r, struct nl_addr *addr, int ifindex,
		      bool route)
{
	struct wga_hostnet *hn = r->hn;
	struct wga_host_range *range;

	if (!addr || nl_addr_get_family(addr) != AF_INET ||
	    nl_addr_get_len(addr) != 4)
		return;
	range = reallocarray(hn->ranges, hn->n_ranges + 1, sizeof(*range));
	if (!range) {
		r->no_memory = true;
		return;
	}
	hn->ranges = range;
	range += hn->n_ranges++;
	*range = (struct wga_host_range){
		.addr = wga_addr_v4(nl_addr_get_binary_addr(addr)),
		.prefix = nl_addr_get_prefixlen(addr), .route = route,
	};
	if (!rtnl_link_i2name(r->links, ifindex, range->link,
			      sizeof(range->link)))
		range->link[0] = '\0';
}

static void add_address(struct nl_object *obj, void *arg)
{
	struct rtnl_addr *addr = (struct rtnl_addr *)obj;

	add_range(arg, rtnl_addr_get_local(addr), rtnl_addr_get_ifindex(addr),
		  false);
}

static void add_route(struct nl_object *obj, void *arg)
{
	struct rtnl_route *route = (struct rtnl_route *)obj;
	struct nl_addr *dst = rtnl_route_get_dst(route);
	struct rtnl_nexthop *hop;

	if (rtnl_route_get_table(route) == RT_TABLE_LOCAL ||
	    rtnl_route_get_type(route) != RTN_UNICAST || !dst ||
	    nl_addr_get_prefixlen(dst) == 0)
		return;
	hop = rtnl_route_nexthop_n(route, 0);
	add_range(arg, dst, hop ? rtnl_route_nh_get_ifindex(hop) : 0, true);
}

static int netlink_failed(int ret, struct wga_err *err)
{
	return wga_err_set(err, "netlink-failed",
			   "cannot read links, addresses and routes: %s",
			   nl_geterror(ret));
}

static int read_all(struct reader *r, struct nl_sock *sock, struct wga_err *err)
{
	struct nl_cache *addrs = NULL, *routes = NULL;
	int ret = rtnl_link_alloc_cache(sock, AF_UNSPEC, &r->links);

	if (ret < 0)
		return netlink_failed(ret, err);
	ret = rtnl_addr_alloc_cache(sock, &addrs);
	if (ret >= 0)
		ret = rtnl_route_alloc_cache(sock, AF_INET, 0, &routes);
	if (ret >= 0) {
		nl_cache_foreach(r->links, add_link, r);
		nl_cache_foreach(addrs, add_address, r);
		nl_cache_foreach(routes, add_route, r);
	}
	if (routes)
		nl_cache_free(routes);
	if (addrs)
		nl_cache_free(addrs);
	nl_cache_free(r->links);
	if (ret < 0)
		return netlink_failed(ret, err);
	return r->no_memory ? wga_err_set(err, "out-of-memory",
					  "out of memory") : 0;
}

int wga_hostnet_read(struct wga_hostnet *hn, struct wga_err *err)
{
	struct reader r = { .hn = hn };
	struct nl_sock *sock = nl_socket_alloc();
	int ret;

	*hn = (struct wga_hostnet){ 0 };
	if (!sock)
		return wga_err_set(err, "out-of-memory", "out of memory");
	ret = nl_connect(sock, NETLINK_ROUTE);
	if (ret < 0)
		netlink_failed(ret, err);
	else
		ret = read_all(&r, sock, err);
	nl_socket_free(sock);
	return ret < 0 ? -1 : 0;
}

void wga_hostnet_free(struct wga_hostnet *hn)
{
	free(hn->links);
	free(hn->ranges);
	*hn = (struct wga_hostnet){ 0 };
}

bool wga_hostnet_has_link(const struct wga_hostnet *hn, const char *name)
{
	size_t i;

	for (i = 0; i < hn->n_links; i++) {
		if (strcmp(hn->links[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_ours(const struct wga_topology *t, const bool *ours,
		    const char *link)
{
	size_t i;

	for (i = 0; ours && i < t->n_networks; i++) {
		if (ours[i] && strcmp(t->networks[i].bridge, link) == 0)
			return true;
	}
	return false;
}

static bool overlaps(const struct wga_topo_network *n,
		     const struct wga_host_range *r)
{
	unsigned int least = n->prefix < r->prefix ? n->prefix : r->prefix;

	return ((wga_topo_v4(&n->subnet) ^ wga_topo_v4(&r->addr)) &
		wga_topo_mask(least)) == 0;
}

static int subnet_in_use(const struct wga_topo_network *n,
			 const struct wga_host_range *r, struct wga_err *err)
{
	char subnet[WGA_ADDR_STRLEN], addr[WGA_ADDR_STRLEN];

	wga_addr_format(&n->subnet, subnet);
	wga_addr_format(&r->addr, addr);
	return wga_err_set(err, "subnet-in-use",
			   "subnet %s/%u of network %s is in use here: %s has %s%s/%u; give the network another subnet, or use --backend namespaces, which keeps to itself",
			   subnet, n->prefix, n->name,
			   *r->link ? r->link : "the host",
			   r->route ? "a route to " : "", addr, r->prefix);
}

int wga_hostnet_check(const struct wga_hostnet *hn,
		      const struct wga_topology *t, const bool *ours,
		      struct wga_err *err)
{
	const struct wga_topo_network *n;
	size_t i, j;

	for (i = 0; i < t->n_networks; i++) {
		n = &t->networks[i];
		if (ours && ours[i])
			continue;
		if (wga_hostnet_has_link(hn, n->bridge))
			return wga_err_set(err, "bridge-taken",
					   "there is a link %s already, which network %s wants as its bridge; name another bridge in the topology",
					   n->bridge, n->name);
		for (j = 0; j < hn->n_ranges; j++) {
			if (overlaps(n, &hn->ranges[j]) &&
			    !is_ours(t, ours, hn->ranges[j].link))
				return subnet_in_use(n, &hn->ranges[j], err);
		}
	}
	return 0;
}

int wga_hostcheck(const struct wga_topology *t, const bool *ours,
		  struct wga_err *err)
{
	struct wga_hostnet hn;
	int ret = wga_hostnet_read(&hn, err);

	if (ret == 0)
		ret = wga_hostnet_check(&hn, t, ours, err);
	wga_hostnet_free(&hn);
	return ret;
}
