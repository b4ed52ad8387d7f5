/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "topo/topology_internal.h"

#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

/**
 * struct check - a topology that is being checked
 * @lines:	where it stands; all zero if that is not known
 */
struct check {
	const struct wga_topology *t;
	const struct wga_topo_lines *lines;
	struct wga_err *err;
};

/**
 * struct spot - a key of it
 * @line:	0 if it is not known
 */
struct spot {
	unsigned int line;
	char place[96];
};

static int fail(const struct check *c, struct spot s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct check *c, struct spot s, const char *fmt, ...)
{
	char text[300], line[16] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->lines->path)
		return wga_err_set(c->err, "bad-topology", "%s:%u: %s: %s",
				   c->lines->path, s.line ? s.line : 1, s.place,
				   text);
	if (s.line)
		snprintf(line, sizeof(line), "line %u: ", s.line);
	return wga_err_set(c->err, "bad-topology", "%s%s: %s", line, s.place,
			   text);
}

static struct spot spot(const char *place, unsigned int line)
{
	struct spot s = { .line = line };

	snprintf(s.place, sizeof(s.place), "%s", place);
	return s;
}

/* @line: of the key, 0 for that of the network; @key: NULL for all of it */
static struct spot at_network(const struct check *c, size_t i, const char *key,
			      unsigned int line)
{
	const struct wga_topo_network *n = &c->t->networks[i];
	struct spot s = { .line = line ? line : n->line };

	snprintf(s.place, sizeof(s.place), "networks.%s%s%s", n->name,
		 key ? "." : "", key ? key : "");
	return s;
}

static struct spot at_host(const struct check *c, size_t i, const char *key,
			   unsigned int line)
{
	const struct wga_topo_host *h = &c->t->hosts[i];
	struct spot s = { .line = line ? line : h->line };

	snprintf(s.place, sizeof(s.place), "hosts.%s%s%s", h->name,
		 key ? "." : "", key ? key : "");
	return s;
}

/* a DNS label (RFC 1123), lower case */
static bool is_label(const char *text, size_t len)
{
	return len > 0 && len < 64 &&
	       strspn(text, LOWER DIGITS "-") >= len && text[0] != '-' &&
	       text[len - 1] != '-';
}

static bool is_domain(const char *text)
{
	for (;;) {
		size_t len = strcspn(text, ".");

		if (!is_label(text, len))
			return false;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

/* what the kernel takes (dev_valid_name()), and nothing that confuses a shell */
static bool is_link(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && strspn(text, LOWER UPPER DIGITS "-_.") == len &&
	       text[0] != '-' && text[0] != '.';
}

static bool within(uint32_t addr, const struct wga_topo_network *n)
{
	return ((addr ^ wga_topo_v4(&n->subnet)) & wga_topo_mask(n->prefix)) == 0;
}

/* its first address names the subnet, its last one is the broadcast's */
static bool is_edge(uint32_t addr, const struct wga_topo_network *n)
{
	uint32_t host = addr & ~wga_topo_mask(n->prefix);

	return host == 0 || host == ~wga_topo_mask(n->prefix);
}

static bool overlap(uint32_t a, unsigned int a_prefix, uint32_t b,
		    unsigned int b_prefix)
{
	unsigned int least = a_prefix < b_prefix ? a_prefix : b_prefix;

	return ((a ^ b) & wga_topo_mask(least)) == 0;
}

/* what a subnet of machines cannot be, or NULL */
static const char *reserved(uint32_t subnet, unsigned int prefix)
{
	static const struct {
		uint32_t subnet;
		unsigned int prefix;
		const char *what;
	} list[] = {
		{ 0x00000000, 8, "0.0.0.0/8 (\"this network\")" },
		{ 0x7f000000, 8, "127.0.0.0/8 (loopback)" },
		{ 0xa9fe0000, 16, "169.254.0.0/16 (link-local)" },
		{ 0x64400000, 10, "100.64.0.0/10, where mesh addresses come from" },
		{ 0xe0000000, 3, "224.0.0.0/3 (multicast and reserved)" },
	};
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (overlap(subnet, prefix, list[i].subnet, list[i].prefix))
			return list[i].what;
	}
	return NULL;
}

static int check_subnet(const struct check *c, size_t i)
{
	const struct wga_topo_network *n = &c->t->networks[i], *m;
	struct spot s = at_network(c, i, "subnet", c->lines->network[i].subnet);
	uint32_t subnet = wga_topo_v4(&n->subnet);
	char text[WGA_ADDR_STRLEN];
	const char *what;
	size_t j;

	if (!wga_addr_is_v4(&n->subnet))
		return fail(c, s, "wants an IPv4 subnet");
	if (n->prefix < WGA_TOPO_PREFIX_MIN || n->prefix > WGA_TOPO_PREFIX_MAX)
		return fail(c, s, "/%u is no size for a network; /%d to /%d are",
			    n->prefix, WGA_TOPO_PREFIX_MIN, WGA_TOPO_PREFIX_MAX);
	if (subnet & ~wga_topo_mask(n->prefix)) {
		struct wga_addr base =
			wga_topo_addr(subnet & wga_topo_mask(n->prefix));

		return fail(c, s, "is an address within a subnet; the subnet is %s/%u",
			    wga_addr_format(&base, text), n->prefix);
	}
	what = reserved(subnet, n->prefix);
	if (what)
		return fail(c, s, "overlaps %s", what);
	for (j = 0; j < i; j++) {
		m = &c->t->networks[j];
		if (overlap(subnet, n->prefix, wga_topo_v4(&m->subnet),
			    m->prefix))
			return fail(c, s, "overlaps %s/%u of network %s",
				    wga_addr_format(&m->subnet, text),
				    m->prefix, m->name);
	}
	return 0;
}

static int check_gateway(const struct check *c, size_t i)
{
	const struct wga_topo_network *n = &c->t->networks[i];
	struct spot s = at_network(c, i, "gateway",
				   c->lines->network[i].gateway);
	uint32_t gateway = wga_topo_v4(&n->gateway);
	char text[WGA_ADDR_STRLEN], subnet[WGA_ADDR_STRLEN];

	wga_addr_format(&n->gateway, text);
	wga_addr_format(&n->subnet, subnet);
	if (!wga_addr_is_v4(&n->gateway) || !within(gateway, n))
		return fail(c, s, "%s is not in the subnet %s/%u", text, subnet,
			    n->prefix);
	if (is_edge(gateway, n))
		return fail(c, s, "%s is the first or last address of %s/%u, which no machine can have",
			    text, subnet, n->prefix);
	return 0;
}

static int check_network(const struct check *c, size_t i)
{
	const struct wga_topo_network *n = &c->t->networks[i], *m;
	struct spot s = at_network(c, i, "bridge", c->lines->network[i].bridge);
	size_t j;

	if (!is_label(n->name, strlen(n->name)))
		return fail(c, at_network(c, i, NULL, 0),
			    "cannot be a network's name: a-z, 0-9 and inner dashes can");
	if (!is_link(n->bridge))
		return fail(c, s, "\"%s\" cannot be a bridge's name: 1 to 15 letters, digits and -_. can",
			    n->bridge);
	for (j = 0; j < i; j++) {
		m = &c->t->networks[j];
		if (strcmp(n->name, m->name) == 0)
			return fail(c, at_network(c, i, NULL, 0),
				    "two networks have this name");
		if (strcmp(n->bridge, m->bridge) == 0)
			return fail(c, s, "%s is the bridge of network %s already",
				    n->bridge, m->name);
	}
	if (check_subnet(c, i) < 0)
		return -1;
	return check_gateway(c, i);
}

static int check_host_name(const struct check *c, size_t i)
{
	const struct wga_topo_host *h = &c->t->hosts[i];
	struct spot s = at_host(c, i, NULL, 0);
	size_t j;

	if (!is_label(h->name, strlen(h->name)))
		return fail(c, s, "cannot be a host's name: a-z, 0-9 and inner dashes can");
	if (strcmp(h->name, "net") == 0)
		return fail(c, s, "cannot be a host's name: it is that of the networks");
	for (j = 0; j < i; j++) {
		if (strcmp(h->name, c->t->hosts[j].name) == 0)
			return fail(c, s, "two hosts have this name");
	}
	return 0;
}

static int check_address(const struct check *c, size_t i)
{
	const struct wga_topo_host *h = &c->t->hosts[i];
	const struct wga_topo_network *n = &c->t->networks[h->network];
	struct spot s = at_host(c, i, "address", c->lines->host[i].address);
	char text[WGA_ADDR_STRLEN], subnet[WGA_ADDR_STRLEN];
	uint32_t addr = wga_topo_v4(&h->addr);
	size_t j;

	wga_addr_format(&h->addr, text);
	wga_addr_format(&n->subnet, subnet);
	if (!wga_addr_is_v4(&h->addr) || !within(addr, n))
		return fail(c, s, "%s is not in %s/%u of network %s", text,
			    subnet, n->prefix, n->name);
	if (is_edge(addr, n))
		return fail(c, s, "%s is the first or last address of %s/%u, which no machine can have",
			    text, subnet, n->prefix);
	if (wga_addr_equal(&h->addr, &n->gateway))
		return fail(c, s, "%s is the gateway of network %s", text,
			    n->name);
	for (j = 0; j < i; j++) {
		if (wga_addr_equal(&h->addr, &c->t->hosts[j].addr))
			return fail(c, s, "%s is the address of %s already",
				    text, c->t->hosts[j].name);
	}
	return 0;
}

/* services listen on the mesh address, and only clients have one */
static int check_services(const struct check *c, size_t i)
{
	const struct wga_topo_host *h = &c->t->hosts[i];
	struct spot s = at_host(c, i, "services", c->lines->host[i].services);
	size_t j, k;

	for (j = 0; j < h->n_services; j++) {
		if (strcmp(h->services[j], "nginx") != 0)
			return fail(c, s, "unknown service \"%s\"; known: nginx",
				    h->services[j]);
		for (k = 0; k < j; k++) {
			if (strcmp(h->services[j], h->services[k]) == 0)
				return fail(c, s, "%s is named twice",
					    h->services[j]);
		}
	}
	if (h->n_services && h->role != WGA_ROLE_CLIENT)
		return fail(c, s, "only clients have a mesh address to serve on; this is a %s host",
			    wga_role_name(h->role));
	return 0;
}

static int check_host(const struct check *c, size_t i)
{
	const struct wga_topo_host *h = &c->t->hosts[i];
	size_t j;

	if (check_host_name(c, i) < 0)
		return -1;
	if ((unsigned int)h->role > WGA_ROLE_PLAIN)
		return fail(c, at_host(c, i, "role", c->lines->host[i].role),
			    "wants one of server, client, plain");
	if (h->network >= c->t->n_networks)
		return fail(c, at_host(c, i, "network",
				       c->lines->host[i].network),
			    "there is no such network");
	if (check_address(c, i) < 0)
		return -1;
	if (h->memory_mib < WGA_TOPO_MEMORY_MIN ||
	    h->memory_mib > WGA_TOPO_MEMORY_MAX)
		return fail(c, at_host(c, i, "memory", c->lines->host[i].memory),
			    "wants %d to %d (MiB), not %u", WGA_TOPO_MEMORY_MIN,
			    WGA_TOPO_MEMORY_MAX, h->memory_mib);
	if (strcmp(h->version, "current") != 0 &&
	    strcmp(h->version, "older") != 0 && h->version[0] != '/')
		return fail(c, at_host(c, i, "version",
				       c->lines->host[i].version),
			    "wants current, older or a directory with the programs, not \"%.60s\"",
			    h->version);
	for (j = 0; j < i; j++) {
		if (memcmp(h->mac, c->t->hosts[j].mac, sizeof(h->mac)) == 0)
			return fail(c, at_host(c, i, NULL, 0),
				    "has the MAC address of %s",
				    c->t->hosts[j].name);
	}
	return check_services(c, i);
}

static int check_passage(const struct check *c, size_t a, size_t b)
{
	const struct wga_topology *t = c->t;
	struct spot s = spot("passage", c->lines->passage[a][b]);

	if ((unsigned int)t->passage[a][b] > WGA_PASSAGE_ISOLATED)
		return fail(c, s, "wants one of open, no-udp, isolated");
	if (t->passage[a][b] != t->passage[b][a])
		return fail(c, s, "%s to %s is not what %s to %s is",
			    t->networks[a].name, t->networks[b].name,
			    t->networks[b].name, t->networks[a].name);
	if (a == b && t->passage[a][b] != WGA_PASSAGE_OPEN)
		return fail(c, s, "within a network, %s, nothing can be held up",
			    t->networks[a].name);
	return 0;
}

static int check_passages(const struct check *c)
{
	size_t a, b;

	for (a = 0; a < c->t->n_networks; a++) {
		for (b = 0; b <= a; b++) {
			if (check_passage(c, a, b) < 0)
				return -1;
		}
	}
	return 0;
}

/* one server, and clients that can reach it */
static int check_roles(const struct check *c)
{
	const struct wga_topo_host *server = wga_topology_server(c->t), *h;
	size_t i, clients = 0;

	if (!server)
		return fail(c, spot("hosts", 0),
			    "no host has the role server; one must");
	for (i = 0; i < c->t->n_hosts; i++) {
		h = &c->t->hosts[i];
		if (h->role == WGA_ROLE_SERVER && h != server)
			return fail(c, at_host(c, i, "role",
					       c->lines->host[i].role),
				    "%s is the server already; there can be one",
				    server->name);
		if (h->role != WGA_ROLE_CLIENT)
			continue;
		clients++;
		if (c->t->passage[h->network][server->network] ==
		    WGA_PASSAGE_ISOLATED)
			return fail(c, at_host(c, i, "network",
					       c->lines->host[i].network),
				    "%s is isolated from %s, where the server is: this client could never join",
				    c->t->networks[h->network].name,
				    c->t->networks[server->network].name);
	}
	if (!clients)
		return fail(c, spot("hosts", 0),
			    "no host has the role client; at least one must");
	return 0;
}

static bool is_name(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && strspn(text, LOWER DIGITS) == len;
}

static int check_all(const struct check *c)
{
	const struct wga_topology *t = c->t;
	size_t i;

	if (!is_name(t->name))
		return fail(c, spot("name", c->lines->name),
			    "\"%s\" cannot be a mesh's name: 1 to 8 of a-z and 0-9 can",
			    t->name);
	if (!is_domain(t->domain))
		return fail(c, spot("domain", c->lines->domain),
			    "\"%s\" is no domain name in lower case", t->domain);
	if (!t->n_networks || t->n_networks > WGA_TOPO_NETWORKS_MAX)
		return fail(c, spot("networks", 0), "1 to %d networks are wanted",
			    WGA_TOPO_NETWORKS_MAX);
	if (!t->n_hosts || t->n_hosts > WGA_TOPO_HOSTS_MAX)
		return fail(c, spot("hosts", 0), "1 to %d hosts are wanted",
			    WGA_TOPO_HOSTS_MAX);
	for (i = 0; i < t->n_networks; i++) {
		if (check_network(c, i) < 0)
			return -1;
	}
	for (i = 0; i < t->n_hosts; i++) {
		if (check_host(c, i) < 0)
			return -1;
	}
	if (check_passages(c) < 0)
		return -1;
	return check_roles(c);
}

int wga_topology_check_at(const struct wga_topology *t,
			  const struct wga_topo_lines *lines,
			  struct wga_err *err)
{
	static const struct wga_topo_lines unknown;
	struct check c = {
		.t = t, .lines = lines ? lines : &unknown, .err = err,
	};

	return check_all(&c);
}

int wga_topology_check(const struct wga_topology *t, struct wga_err *err)
{
	return wga_topology_check_at(t, NULL, err);
}
