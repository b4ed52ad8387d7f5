/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "topo/fault_guard.h"
#include "topo/fault_nl.h"
#include "topo/fault_ns.h"
#include "topo/fault_target.h"
#include "topo/mesh.h"
#include "topo/nearest.h"
#include "topo/state.h"

#define NETNS_DIR	"/run/netns/"

/* the ports of a namespace, while hosts are matched with them */
struct search {
	struct wga_fault_scope *scope;
	const struct wga_fault_where *where;
	struct wga_mesh *mesh;
	struct nl_cache *links;
};

static struct rtnl_link *next_link(struct rtnl_link *l)
{
	return (struct rtnl_link *)nl_cache_get_next((struct nl_object *)l);
}

static struct rtnl_link *first_link(struct nl_cache *links)
{
	return (struct rtnl_link *)nl_cache_get_first(links);
}

static void fill_port(struct nl_cache *links, struct rtnl_link *l,
		      struct wga_fault_port *p)
{
	p->index = (unsigned int)rtnl_link_get_ifindex(l);
	snprintf(p->link, sizeof(p->link), "%s", rtnl_link_get_name(l));
	rtnl_link_i2name(links, rtnl_link_get_master(l), p->bridge,
			 sizeof(p->bridge));
}

/* libvirt gives a tap the MAC of its guest, but for the first byte */
static bool has_mac(struct rtnl_link *l, const uint8_t mac[static 6])
{
	struct nl_addr *a = rtnl_link_get_addr(l);
	const uint8_t *b = a && nl_addr_get_len(a) == 6 ?
		nl_addr_get_binary_addr(a) : NULL;

	return b && b[0] == 0xfe && memcmp(b + 1, mac + 1, 5) == 0;
}

static void match_host(struct search *s, const struct wga_topo_host *h)
{
	struct wga_fault_port *p = &s->scope->ports[s->scope->n++];
	const struct wga_backend *backend = s->mesh->backend;
	char name[16] = "";

	snprintf(p->host, sizeof(p->host), "%s", h->name);
	memcpy(p->mac, h->mac, sizeof(p->mac));
	p->addr = h->addr;
	if (backend->port)
		backend->port(s->mesh, h, name);
	for (struct rtnl_link *l = first_link(s->links); l; l = next_link(l))
		if (rtnl_link_get_master(l) > 0 &&
		    (backend->port ? strcmp(rtnl_link_get_name(l), name) == 0 :
				     has_mac(l, h->mac)))
			fill_port(s->links, l, p);
}

static int read_links(struct search *s, struct wga_err *err)
{
	NL_SOCK *sock = wga_nl_connect(err);
	int e;

	if (!sock)
		return -1;
	e = rtnl_link_alloc_cache(sock, AF_UNSPEC, &s->links);
	return e < 0 ? wga_nl_fail("list", "links", e, err) : 0;
}

static int match_mesh(void *arg, struct wga_err *err)
{
	struct search *s = arg;

	if (read_links(s, err) < 0)
		return -1;
	for (size_t i = 0; i < s->mesh->topo.n_hosts; i++)
		match_host(s, &s->mesh->topo.hosts[i]);
	return 0;
}

static int open_mesh(struct wga_mesh *m, const char *name, struct wga_err *err)
{
	char names[256];
	size_t n = wga_state_names(names, sizeof(names));

	if (!name && n > 1)
		return wga_err_set(err, "usage",
				   "several meshes are up: %s; say which by --name",
				   names);
	if (!name && n == 0)
		return wga_err_set(err, "no-such-mesh",
				   "no mesh is up; wgaudit topo up makes one, or name a bridge by --bridge");
	if (wga_mesh_open(m, name ? name : names, err) < 0)
		return -1;
	if (m->backend)
		return 0;
	wga_mesh_close(m);
	return wga_err_set(err, "no-such-mesh",
			   "mesh %s is not up yet, or its backend is none of this build",
			   name ? name : names);
}

static int netns_path(const char *name, char *buf, size_t size,
		      struct wga_err *err)
{
	int n = !*name ? snprintf(buf, size, "%s", "") :
		strchr(name, '/') ? snprintf(buf, size, "%s", name) :
		snprintf(buf, size, NETNS_DIR "%s", name);

	return n >= 0 && (size_t)n < size ? 0 :
		wga_err_set(err, "no-such-netns", "%s is too long a name",
			    name);
}

static int scope_of_mesh(struct search *s, struct wga_err *err)
{
	const struct wga_topo_host *server;
	char path[sizeof(s->scope->ns.path)];
	struct wga_mesh m;
	int ret;

	if (open_mesh(&m, s->where->mesh, err) < 0)
		return -1;
	s->mesh = &m;
	snprintf(s->scope->mesh, sizeof(s->scope->mesh), "%s", m.topo.name);
	memcpy(s->scope->uri, m.uri, sizeof(s->scope->uri));
	server = wga_topology_server(&m.topo);
	if (server)
		s->scope->control = server->addr;
	ret = netns_path(m.backend->netns ? m.backend->netns(&m) : "", path,
			 sizeof(path), err);
	if (ret == 0)
		ret = wga_fault_ns_find(&s->scope->ns, path, err);
	if (ret == 0)
		ret = wga_fault_ns_call(&s->scope->ns, match_mesh, s, err);
	wga_mesh_close(&m);
	return ret;
}

static int no_such_bridge(struct search *s, const char *name,
			  struct wga_err *err)
{
	char names[200] = "";
	size_t len = 0;

	for (struct rtnl_link *l = first_link(s->links); l; l = next_link(l)) {
		const char *type = rtnl_link_get_type(l);

		if (type && strcmp(type, "bridge") == 0 && len < sizeof(names))
			len += (size_t)snprintf(names + len,
						sizeof(names) - len, " %s",
						rtnl_link_get_name(l));
	}
	return wga_err_set(err, "no-such-bridge",
			   "no bridge %s here%s%s", name,
			   len ? "; there are:" : "", names);
}

static int take_ports(struct search *s, const char *bridge,
		      struct wga_err *err)
{
	struct rtnl_link *br = rtnl_link_get_by_name(s->links, bridge);
	const char *type = br ? rtnl_link_get_type(br) : NULL;
	int index = br ? rtnl_link_get_ifindex(br) : 0;

	rtnl_link_put(br);
	if (!type || strcmp(type, "bridge") != 0)
		return no_such_bridge(s, bridge, err);
	for (struct rtnl_link *l = first_link(s->links); l; l = next_link(l)) {
		struct wga_fault_port *p = &s->scope->ports[s->scope->n];

		if (rtnl_link_get_master(l) != index)
			continue;
		if (s->scope->n == WGA_FAULT_KNOWN_MAX)
			return wga_err_set(err, "too-many-ports",
					   "more than %d ports on %s",
					   WGA_FAULT_KNOWN_MAX, bridge);
		fill_port(s->links, l, p);
		memcpy(p->host, p->link, sizeof(p->link));
		s->scope->n++;
	}
	return 0;
}

static int match_bridges(void *arg, struct wga_err *err)
{
	struct search *s = arg;

	if (read_links(s, err) < 0)
		return -1;
	for (size_t i = 0; i < s->where->n_bridges; i++)
		if (take_ports(s, s->where->bridges[i], err) < 0)
			return -1;
	return 0;
}

static int scope_of_bridges(struct search *s, struct wga_err *err)
{
	char path[sizeof(s->scope->ns.path)];

	if (netns_path(s->where->netns ? s->where->netns : "", path,
		       sizeof(path), err) < 0 ||
	    wga_fault_ns_find(&s->scope->ns, path, err) < 0)
		return -1;
	return wga_fault_ns_call(&s->scope->ns, match_bridges, s, err);
}

int wga_fault_scope_open(struct wga_fault_scope *scope,
			 const struct wga_fault_where *where,
			 struct wga_err *err)
{
	struct search s = { .scope = scope, .where = where };
	int ret;

	memset(scope, 0, sizeof(*scope));
	ret = where->n_bridges > 0 ? scope_of_bridges(&s, err) :
				     scope_of_mesh(&s, err);
	nl_cache_free(s.links);
	return ret;
}

static int no_such_host(const struct wga_fault_scope *s, const char *name,
			struct wga_err *err)
{
	const char *best = NULL;
	size_t least = 0;
	char in[64];

	for (size_t i = 0; i < s->n; i++) {
		size_t d = wga_word_distance(name, s->ports[i].host);

		if (!best || d < least) {
			best = s->ports[i].host;
			least = d;
		}
	}
	if (*s->mesh)
		snprintf(in, sizeof(in), "mesh %s has no host", s->mesh);
	else
		snprintf(in, sizeof(in), "these bridges have no port");
	if (!best)
		return wga_err_set(err, "no-such-host", "%s \"%s\", nor any",
				   in, name);
	return wga_err_set(err, "no-such-host",
			   "%s \"%s\"; did you mean \"%s\"?", in, name, best);
}

int wga_fault_scope_find(const struct wga_fault_scope *s, const char *name,
			 struct wga_fault_port *port, struct wga_err *err)
{
	const struct wga_fault_port *found = NULL;

	for (size_t i = 0; i < s->n && !found; i++)
		if (strcmp(s->ports[i].host, name) == 0 ||
		    strcmp(s->ports[i].link, name) == 0)
			found = &s->ports[i];
	if (!found || !*name)
		return no_such_host(s, name, err);
	if (found->index == 0)
		return wga_err_set(err, "no-such-port",
				   "%s is not up: nothing hangs on its bridge; wgaudit topo status tells more",
				   found->host);
	if (!wga_fault_link_name(found->link) ||
	    !wga_fault_link_name(found->bridge))
		return wga_err_set(err, "odd-name",
				   "the name of the port of %s, or of its bridge, has characters that rules cannot have; ip link set NAME name OTHER",
				   found->host);
	*port = *found;
	return wga_fault_guard(&s->ns, port, err);
}

static int add_port(const struct wga_fault_scope *s, const char *name,
		    unsigned int group, struct wga_fault *f,
		    struct wga_err *err)
{
	struct wga_fault_port p;

	if (wga_fault_scope_find(s, name, &p, err) < 0)
		return -1;
	for (size_t i = 0; i < f->n_ports; i++)
		if (f->ports[i].index == p.index)
			return wga_err_set(err, "usage", "%s is named twice",
					   name);
	if (f->n_ports == WGA_FAULT_PORTS_MAX)
		return wga_err_set(err, "usage", "more than %d hosts",
				   WGA_FAULT_PORTS_MAX);
	p.group = group;
	f->ports[f->n_ports++] = p;
	return 0;
}

int wga_fault_scope_group(const struct wga_fault_scope *s, const char *names,
			  unsigned int group, struct wga_fault *f,
			  struct wga_err *err)
{
	while (true) {
		size_t len = strcspn(names, ",");
		char name[WGA_TOPO_NAME_MAX];

		if (snprintf(name, sizeof(name), "%.*s", (int)len, names) >=
		    (int)sizeof(name))
			return no_such_host(s, names, err);
		if (add_port(s, name, group, f, err) < 0)
			return -1;
		if (!names[len])
			return 0;
		names += len + 1;
	}
}
