/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <netlink/addr.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "topo/namespaces_internal.h"
#include "topo/passage.h"

static void sock_free(struct nl_sock **s)
{
	nl_socket_free(*s);
}

static void link_put(struct rtnl_link **l)
{
	rtnl_link_put(*l);
}

static void addr_put(struct nl_addr **a)
{
	nl_addr_put(*a);
}

#define AUTO_SOCK	__attribute__((cleanup(sock_free)))
#define AUTO_LINK	__attribute__((cleanup(link_put)))
#define AUTO_ADDR	__attribute__((cleanup(addr_put)))

static int fail(const char *what, const char *name, int nl,
		struct wga_err *err)
{
	return wga_err_set(err, "netlink", "cannot %s %s: %s", what, name,
			   nl_geterror(nl));
}

/* of the namespace that the calling thread is in */
static struct nl_sock *connect_route(struct wga_err *err)
{
	struct nl_sock *s = nl_socket_alloc();

	if (s && nl_connect(s, NETLINK_ROUTE) == 0)
		return s;
	nl_socket_free(s);
	wga_err_set(err, "netlink", "cannot open a netlink socket");
	return NULL;
}

static int link_index(struct nl_sock *s, const char *name)
{
	AUTO_LINK struct rtnl_link *l = NULL;

	if (rtnl_link_get_kernel(s, 0, name, &l) < 0)
		return 0;
	return rtnl_link_get_ifindex(l);
}

/* @mac NULL: leave it */
static int link_up(struct nl_sock *s, const char *name, const uint8_t *mac,
		   struct wga_err *err)
{
	AUTO_LINK struct rtnl_link *old = NULL, *change = rtnl_link_alloc();
	AUTO_ADDR struct nl_addr *ll = NULL;
	int e;

	if (!change)
		return wga_err_set(err, "out-of-memory", "out of memory");
	e = rtnl_link_get_kernel(s, 0, name, &old);
	if (e < 0)
		return fail("find link", name, e, err);
	if (mac) {
		ll = nl_addr_build(AF_LLC, mac, 6);
		rtnl_link_set_addr(change, ll);
	}
	rtnl_link_set_flags(change, IFF_UP);
	e = rtnl_link_change(s, old, change, 0);
	return e < 0 ? fail("set up link", name, e, err) : 0;
}

static struct nl_addr *ipv4(const struct wga_addr *a, unsigned int prefix)
{
	struct nl_addr *out = nl_addr_build(AF_INET, a->b + 12, 4);

	if (out)
		nl_addr_set_prefixlen(out, (int)prefix);
	return out;
}

static int address_add(struct nl_sock *s, const char *name,
		       const struct wga_addr *a, unsigned int prefix,
		       struct wga_err *err)
{
	AUTO_ADDR struct nl_addr *local = ipv4(a, prefix);
	struct rtnl_addr *addr = rtnl_addr_alloc();
	int e = -NLE_NOMEM;

	if (addr && local) {
		rtnl_addr_set_ifindex(addr, link_index(s, name));
		rtnl_addr_set_local(addr, local);
		e = rtnl_addr_add(s, addr, 0);
	}
	rtnl_addr_put(addr);
	return e < 0 && e != -NLE_EXIST ?
		fail("give an address to", name, e, err) : 0;
}

/* One of its own, or a bridge takes the least of its ports' and changes it with
 * them, while hosts and captures know the gateway by it.
 */
static int bridge_make(struct nl_sock *s, const struct wga_mesh *m,
		       unsigned int i, struct wga_err *err)
{
	const struct wga_topo_network *net = &m->topo.networks[i];
	const uint8_t mac[6] = { 0x02, 'w', 'g', 'a', 0, (uint8_t)(i + 1) };
	AUTO_LINK struct rtnl_link *l = rtnl_link_alloc();
	int e;

	if (!l || rtnl_link_set_type(l, "bridge") < 0)
		return wga_err_set(err, "out-of-memory", "out of memory");
	rtnl_link_set_name(l, net->bridge);
	e = link_index(s, net->bridge) ? 0 :
	    rtnl_link_add(s, l, NLM_F_CREATE | NLM_F_EXCL);
	if (e < 0)
		return fail("make bridge", net->bridge, e, err);
	if (address_add(s, net->bridge, &net->gateway, net->prefix, err) < 0)
		return -1;
	return link_up(s, net->bridge, mac, err);
}

static int sysctl(const char *path, const char *value, struct wga_err *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, value, strlen(value));

	if (fd >= 0)
		close(fd);
	return n < 0 ? wga_err_set(err, "sysctl", "cannot set %s: %s", path,
				   strerror(errno)) : 0;
}

static int networks_fill(void *arg, struct wga_err *err)
{
	const struct wga_mesh *m = arg;
	AUTO_SOCK struct nl_sock *s = connect_route(err);

	if (!s || link_up(s, "lo", NULL, err) < 0)
		return -1;
	for (unsigned int i = 0; i < m->topo.n_networks; i++)
		if (bridge_make(s, m, i, err) < 0)
			return -1;
	if (wga_passages_set(&m->topo, err) < 0)
		return -1;
	return sysctl("/proc/sys/net/ipv4/ip_forward", "1\n", err);
}

static int name_this(void *arg, struct wga_err *err)
{
	char path[WGA_NS_PATH];
	int fd;

	wga_ns_name_path(arg, NULL, path);
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd >= 0)
		close(fd);
	if (fd < 0 || mount("/proc/thread-self/ns/net", path, NULL, MS_BIND,
			    NULL) < 0)
		return wga_err_set(err, "namespace", "cannot make %s: %s",
				   path, strerror(errno));
	return 0;
}

int wga_ns_networks_make(const struct wga_mesh *m, struct wga_err *err)
{
	int fd = wga_ns_open(m, NULL), ret;

	if (fd < 0) {
		if (wga_ns_unname(m, NULL, err) < 0 ||
		    wga_ns_within(-1, name_this, (void *)m, err) < 0)
			return -1;
		fd = wga_ns_open(m, NULL);
		if (fd < 0)
			return wga_err_set(err, "namespace",
					   "cannot open the networks' namespace");
	}
	ret = wga_ns_within(fd, networks_fill, (void *)m, err);
	close(fd);
	return ret;
}

const char *wga_ns_port(const struct wga_mesh *m,
			const struct wga_topo_host *host, char buf[static 16])
{
	if (snprintf(buf, 16, "port-%s", host->name) >= 16)
		snprintf(buf, 16, "port%u",
			 (unsigned int)(host - m->topo.hosts) & 0xffff);
	return buf;
}

struct plug {
	const struct wga_mesh *m;
	const struct wga_topo_host *host;
	int host_ns;
};

static int unplug(void *arg, struct wga_err *err)
{
	const struct plug *p = arg;
	AUTO_SOCK struct nl_sock *s = connect_route(err);
	AUTO_LINK struct rtnl_link *port = NULL;
	char name[16];
	int e;

	if (!s)
		return -1;
	wga_ns_port(p->m, p->host, name);
	if (rtnl_link_get_kernel(s, 0, name, &port) < 0)
		return 0;
	e = rtnl_link_delete(s, port);
	return e < 0 && e != -NLE_OBJ_NOTFOUND && e != -NLE_NODEV ?
		fail("remove link", name, e, err) : 0;
}

int wga_ns_link_remove(const struct wga_mesh *m,
		       const struct wga_topo_host *host, struct wga_err *err)
{
	struct plug p = { .m = m, .host = host };
	int networks = wga_ns_open(m, NULL), ret;

	if (networks < 0)
		return 0;
	ret = wga_ns_within(networks, unplug, &p, err);
	close(networks);
	return ret;
}

/* in the networks' namespace: the cable, one end of it in the host */
static int plug_in(void *arg, struct wga_err *err)
{
	const struct plug *p = arg;
	const char *bridge = p->m->topo.networks[p->host->network].bridge;
	AUTO_SOCK struct nl_sock *s = connect_route(err);
	AUTO_LINK struct rtnl_link *port = rtnl_link_veth_alloc();
	struct rtnl_link *peer;
	char name[16];
	int e;

	if (!s)
		return -1;
	peer = port ? rtnl_link_veth_get_peer(port) : NULL;
	if (!peer)
		return wga_err_set(err, "out-of-memory", "out of memory");
	wga_ns_port(p->m, p->host, name);
	rtnl_link_set_name(port, name);
	rtnl_link_set_name(peer, "eth0");
	rtnl_link_set_ns_fd(peer, p->host_ns);
	rtnl_link_put(peer);
	e = rtnl_link_add(s, port, NLM_F_CREATE | NLM_F_EXCL);
	if (e < 0)
		return fail("make link", name, e, err);
	e = rtnl_link_enslave_ifindex(s, link_index(s, bridge),
				      link_index(s, name));
	if (e < 0)
		return fail("put into a bridge", name, e, err);
	return link_up(s, name, NULL, err);
}

static int default_route(struct nl_sock *s, const struct wga_addr *gateway,
			 struct wga_err *err)
{
	static const struct wga_addr any;
	AUTO_ADDR struct nl_addr *to = ipv4(&any, 0), *via = ipv4(gateway, 32);
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	int e = -NLE_NOMEM;

	if (to && via && route && hop) {
		rtnl_route_nh_set_ifindex(hop, link_index(s, "eth0"));
		rtnl_route_nh_set_gateway(hop, via);
		rtnl_route_set_family(route, AF_INET);
		rtnl_route_set_dst(route, to);
		rtnl_route_add_nexthop(route, hop);
		hop = NULL;
		e = rtnl_route_add(s, route, 0);
	}
	if (hop)
		rtnl_route_nh_free(hop);
	rtnl_route_put(route);
	return e < 0 && e != -NLE_EXIST ?
		fail("set the default route of", "eth0", e, err) : 0;
}

static int host_fill(void *arg, struct wga_err *err)
{
	const struct plug *p = arg;
	const struct wga_topo_network *net =
		&p->m->topo.networks[p->host->network];
	AUTO_SOCK struct nl_sock *s = connect_route(err);

	if (!s || link_up(s, "lo", NULL, err) < 0 ||
	    link_up(s, "eth0", p->host->mac, err) < 0 ||
	    address_add(s, "eth0", &p->host->addr, net->prefix, err) < 0)
		return -1;
	return default_route(s, &net->gateway, err);
}

int wga_ns_link_make(const struct wga_mesh *m, const struct wga_topo_host *host,
		     struct wga_err *err)
{
	struct plug p = { m, host, wga_ns_open(m, host) };
	int networks = wga_ns_open(m, NULL), ret = -1;

	if (p.host_ns < 0 || networks < 0)
		wga_err_set(err, "namespace",
			    "the namespace of %s is not there",
			    p.host_ns < 0 ? host->name : "the networks");
	else
		ret = wga_ns_within(networks, plug_in, &p, err);
	if (ret == 0)
		ret = wga_ns_within(p.host_ns, host_fill, &p, err);
	if (networks >= 0)
		close(networks);
	if (p.host_ns >= 0)
		close(p.host_ns);
	return ret;
}
