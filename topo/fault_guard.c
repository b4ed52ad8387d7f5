/* SPDX-License-Identifier: MIT */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/fault_guard.h"
#include "topo/fault_nl.h"
#include "topo/fault_ns.h"

#define MACS_MAX	64

/* who must stay reachable, by MAC */
struct guard {
	const struct wga_fault_port *port;
	bool own;
	uint8_t macs[MACS_MAX][6];
	size_t n;
	bool behind;
};

static int virtual(struct rtnl_link *l, struct wga_err *err)
{
	static const char *const types[] = { "veth", "tun", "dummy", "netkit" };
	const char *type = rtnl_link_get_type(l);

	for (size_t i = 0; type && i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(types[i], type) == 0)
			return 0;
	return wga_err_set(err, "management-path",
			   "%s is no port of a virtual host, but %s%s: a fault there could cut this machine off",
			   rtnl_link_get_name(l), type ? "a link of type " :
			   "a network card", type ? type : "");
}

static void need(struct guard *g, struct nl_cache *neighbours,
		 const struct nl_addr *addr)
{
	for (struct nl_object *o = nl_cache_get_first(neighbours); o;
	     o = nl_cache_get_next(o)) {
		struct rtnl_neigh *n = (struct rtnl_neigh *)o;
		struct nl_addr *mac = rtnl_neigh_get_lladdr(n);

		if (g->n == MACS_MAX || !mac || nl_addr_get_len(mac) != 6 ||
		    !rtnl_neigh_get_dst(n) ||
		    nl_addr_cmp(rtnl_neigh_get_dst(n), addr) != 0)
			continue;
		memcpy(g->macs[g->n++], nl_addr_get_binary_addr(mac), 6);
	}
}

static void need_gateways(struct guard *g, struct nl_sock *s,
			  struct nl_cache *neighbours)
{
	NL_CACHE *routes = NULL;

	if (rtnl_route_alloc_cache(s, AF_UNSPEC, 0, &routes) < 0)
		return;
	for (struct nl_object *o = nl_cache_get_first(routes); o;
	     o = nl_cache_get_next(o)) {
		struct rtnl_route *r = (struct rtnl_route *)o;

		for (int i = 0; i < rtnl_route_get_nnexthops(r); i++) {
			struct nl_addr *via = rtnl_route_nh_get_gateway(
				rtnl_route_nexthop_n(r, i));

			if (via)
				need(g, neighbours, via);
		}
	}
}

/* "192.0.2.1 51820 192.0.2.2 22", see sshd(8) */
static void need_ssh(struct guard *g, struct nl_cache *neighbours)
{
	const char *ssh = secure_getenv("SSH_CONNECTION");
	NL_ADDR *peer = NULL;
	char text[64];

	if (!ssh)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(ssh, " "), ssh);
	if (nl_addr_parse(text, AF_UNSPEC, &peer) == 0)
		need(g, neighbours, peer);
}

static int take_entry(struct nl_msg *msg, void *arg)
{
	struct guard *g = arg;
	const struct ndmsg *nd = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *a = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(*nd),
					   NDA_LLADDR);

	if (nd->ndm_ifindex != (int)g->port->index || !a || nla_len(a) != 6)
		return NL_OK;
	for (size_t i = 0; i < g->n; i++)
		g->behind |= memcmp(g->macs[i], nla_data(a), 6) == 0;
	return NL_OK;
}

/* what the bridge has learned about who is behind the port */
static void read_bridge(struct guard *g, struct nl_sock *s)
{
	struct ndmsg nd = { .ndm_family = PF_BRIDGE };

	nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, take_entry, g);
	if (nl_send_simple(s, RTM_GETNEIGH, NLM_F_DUMP, &nd, sizeof(nd)) >= 0)
		nl_recvmsgs_default(s);
}

static int check(void *arg, struct wga_err *err)
{
	struct guard *g = arg;
	NL_SOCK *s = wga_nl_connect(err), *bridge = NULL;
	NL_CACHE *neighbours = NULL;
	NL_LINK *link = NULL;

	if (!s)
		return -1;
	if (rtnl_link_get_kernel(s, (int)g->port->index, NULL, &link) < 0)
		return wga_err_set(err, "no-such-port", "no link %s",
				   g->port->link);
	if (virtual(link, err) < 0)
		return -1;
	if (rtnl_neigh_alloc_cache(s, &neighbours) < 0)
		return 0;
	if (g->own)
		need_gateways(g, s, neighbours);
	need_ssh(g, neighbours);
	bridge = g->n ? wga_nl_connect(err) : NULL;
	if (bridge)
		read_bridge(g, bridge);
	return g->behind ? wga_err_set(err, "management-path",
				       "this machine reaches its gateway, or who is logged in, through %s: a fault there could cut it off",
				       g->port->link) : 0;
}

int wga_fault_guard(const struct wga_fault_ns *ns,
		    const struct wga_fault_port *p, struct wga_err *err)
{
	struct guard g = { .port = p };
	struct wga_fault_ns own;

	g.own = wga_fault_ns_find(&own, "", NULL) == 0 &&
		own.cookie == ns->cookie;
	return wga_fault_ns_call(ns, check, &g, err);
}
