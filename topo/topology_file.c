/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topo/topology_internal.h"
#include "topo/yaml.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/**
 * struct reader - a topology file that is being read
 * @lines:	where it says what, for the check that follows
 * @n, @h:	index of the network or host that is being read
 * @pair, @n_pair: networks of the passage that is being read
 * @verdict:	what may pass between them
 */
struct reader {
	struct wga_topology *t;
	struct wga_topo_lines lines;
	size_t n, h;
	unsigned int pair[2];
	size_t n_pair;
	unsigned int verdict;
};

static struct wga_topo_network *network_of(struct reader *r)
{
	return &r->t->networks[r->n];
}

static struct wga_topo_host *host_of(struct reader *r)
{
	return &r->t->hosts[r->h];
}

/* a path is looked for from where the file lies */
static int take_path(const struct wga_yaml_value *v, char *buf, size_t size,
		     struct wga_err *err)
{
	const char *text = wga_yaml_text(v, err), *path = v->yaml->path;
	const char *slash = strrchr(path, '/');
	char cwd[1024] = "";
	int n;

	if (!text)
		return -1;
	if (text[0] == '/') {
		n = snprintf(buf, size, "%s", text);
	} else {
		if (path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
			return wga_yaml_fail(v, err, "is relative to a directory that is gone");
		n = snprintf(buf, size, "%s%s%.*s%s%s", cwd, *cwd ? "/" : "",
			     slash ? (int)(slash - path) : 0, path,
			     slash ? "/" : "", text);
	}
	if (n < 0 || (size_t)n >= size)
		return wga_yaml_fail(v, err, "the path is too long, at most %zu characters",
				     size - 1);
	return 0;
}

static int take_addr(const struct wga_yaml_value *v, struct wga_addr *out,
		     struct wga_err *err)
{
	const char *text = wga_yaml_text(v, err);

	if (!text)
		return -1;
	if (wga_addr_parse(text, out, NULL) < 0 || !wga_addr_is_v4(out))
		return wga_yaml_fail(v, err,
				     "wants an IPv4 address, not \"%.60s\"",
				     text);
	return 0;
}

static int set_name(void *own, const struct wga_yaml_value *v,
		    struct wga_err *err)
{
	struct reader *r = own;

	r->lines.name = v->line;
	return wga_yaml_copy(v, r->t->name, sizeof(r->t->name), err);
}

static int set_domain(void *own, const struct wga_yaml_value *v,
		      struct wga_err *err)
{
	struct reader *r = own;

	r->lines.domain = v->line;
	return wga_yaml_copy(v, r->t->domain, sizeof(r->t->domain), err);
}

static int set_bridge(void *own, const struct wga_yaml_value *v,
		      struct wga_err *err)
{
	struct reader *r = own;
	struct wga_topo_network *n = network_of(r);

	r->lines.network[r->n].bridge = v->line;
	return wga_yaml_copy(v, n->bridge, sizeof(n->bridge), err);
}

/* "192.168.1.0/24" */
static int set_subnet(void *own, const struct wga_yaml_value *v,
		      struct wga_err *err)
{
	struct reader *r = own;
	struct wga_topo_network *n = network_of(r);
	const char *text = wga_yaml_text(v, err), *slash, *digits;
	char addr[WGA_ADDR_STRLEN];
	size_t len;

	if (!text)
		return -1;
	r->lines.network[r->n].subnet = v->line;
	slash = strchr(text, '/');
	len = slash ? (size_t)(slash - text) : 0;
	digits = slash ? slash + 1 : "";
	if (!len || len >= sizeof(addr) || strlen(digits) > 2 ||
	    strspn(digits, "0123456789") != strlen(digits) || !*digits)
		return wga_yaml_fail(v, err, "wants a subnet as 192.168.1.0/24, not \"%.60s\"",
				     text);
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (wga_addr_parse(addr, &n->subnet, NULL) < 0 ||
	    !wga_addr_is_v4(&n->subnet))
		return wga_yaml_fail(v, err, "wants an IPv4 subnet as 192.168.1.0/24, not \"%.60s\"",
				     text);
	n->prefix = (unsigned int)strtoul(digits, NULL, 10);
	return 0;
}

static int set_gateway(void *own, const struct wga_yaml_value *v,
		       struct wga_err *err)
{
	struct reader *r = own;

	r->lines.network[r->n].gateway = v->line;
	return take_addr(v, &network_of(r)->gateway, err);
}

static const struct wga_yaml_field network_fields[] = {
	{ "bridge", true, set_bridge },
	{ "subnet", true, set_subnet },
	{ "gateway", false, set_gateway },
};

static int set_network(void *own, const char *name,
		       const struct wga_yaml_value *v, struct wga_err *err)
{
	struct reader *r = own;
	struct wga_topo_network *n;

	r->n = r->t->n_networks;
	if (r->n == WGA_TOPO_NETWORKS_MAX)
		return wga_yaml_fail(v, err, "more than %d networks",
				     WGA_TOPO_NETWORKS_MAX);
	n = network_of(r);
	if (strlen(name) >= sizeof(n->name))
		return wga_yaml_fail(v, err, "a network's name has at most %zu characters",
				     sizeof(n->name) - 1);
	strcpy(n->name, name);
	n->line = v->line;
	if (wga_yaml_fields(v, network_fields, COUNT(network_fields), r,
			    err) < 0)
		return -1;
	if (!r->lines.network[r->n].gateway)
		n->gateway = wga_topo_addr(wga_topo_v4(&n->subnet) + 1);
	r->t->n_networks++;
	return 0;
}

static int set_networks(void *own, const struct wga_yaml_value *v,
			struct wga_err *err)
{
	return wga_yaml_names(v, set_network, own, err);
}

/* the index of a network by its name */
static int take_network(struct reader *r, const struct wga_yaml_value *v,
			unsigned int *out, struct wga_err *err)
{
	const char *name = wga_yaml_text(v, err);
	char known[200] = "";
	size_t i, used = 0;

	if (!name)
		return -1;
	for (i = 0; i < r->t->n_networks; i++) {
		if (strcmp(r->t->networks[i].name, name) == 0) {
			*out = (unsigned int)i;
			return 0;
		}
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used,
						 sizeof(known) - used, "%s%s",
						 i ? ", " : "",
						 r->t->networks[i].name);
	}
	return wga_yaml_fail(v, err, "there is no network \"%.60s\"; there are %s",
			     name, known);
}

static int set_role(void *own, const struct wga_yaml_value *v,
		    struct wga_err *err)
{
	struct reader *r = own;
	unsigned int role;

	if (wga_yaml_word(v, wga_role_words, COUNT(wga_role_words), &role,
			  err) < 0)
		return -1;
	r->lines.host[r->h].role = v->line;
	host_of(r)->role = role;
	return 0;
}

static int set_host_network(void *own, const struct wga_yaml_value *v,
			    struct wga_err *err)
{
	struct reader *r = own;

	r->lines.host[r->h].network = v->line;
	return take_network(r, v, &host_of(r)->network, err);
}

static int set_address(void *own, const struct wga_yaml_value *v,
		       struct wga_err *err)
{
	struct reader *r = own;

	r->lines.host[r->h].address = v->line;
	return take_addr(v, &host_of(r)->addr, err);
}

static int set_image(void *own, const struct wga_yaml_value *v,
		     struct wga_err *err)
{
	struct wga_topo_host *h = host_of(own);

	return take_path(v, h->image, sizeof(h->image), err);
}

static int set_memory(void *own, const struct wga_yaml_value *v,
		      struct wga_err *err)
{
	struct reader *r = own;

	r->lines.host[r->h].memory = v->line;
	return wga_yaml_number(v, WGA_TOPO_MEMORY_MIN, WGA_TOPO_MEMORY_MAX,
			       &host_of(r)->memory_mib, err);
}

static int set_version(void *own, const struct wga_yaml_value *v,
		       struct wga_err *err)
{
	struct reader *r = own;
	struct wga_topo_host *h = host_of(r);
	const char *text = wga_yaml_text(v, err);

	if (!text)
		return -1;
	r->lines.host[r->h].version = v->line;
	if (strchr(text, '/'))
		return take_path(v, h->version, sizeof(h->version), err);
	return wga_yaml_copy(v, h->version, sizeof(h->version), err);
}

static int add_service(void *own, const struct wga_yaml_value *v,
		       struct wga_err *err)
{
	struct wga_topo_host *h = host_of(own);

	if (h->n_services == WGA_TOPO_SERVICES_MAX)
		return wga_yaml_fail(v, err, "more than %d services",
				     WGA_TOPO_SERVICES_MAX);
	if (wga_yaml_copy(v, h->services[h->n_services], WGA_TOPO_NAME_MAX,
			  err) < 0)
		return -1;
	h->n_services++;
	return 0;
}

static int set_services(void *own, const struct wga_yaml_value *v,
			struct wga_err *err)
{
	struct reader *r = own;

	r->lines.host[r->h].services = v->line;
	return wga_yaml_list(v, add_service, own, err);
}

static const struct wga_yaml_field host_fields[] = {
	{ "role", true, set_role },
	{ "network", true, set_host_network },
	{ "address", true, set_address },
	{ "image", false, set_image },
	{ "memory", false, set_memory },
	{ "version", false, set_version },
	{ "services", false, set_services },
};

static int set_host(void *own, const char *name,
		    const struct wga_yaml_value *v, struct wga_err *err)
{
	struct reader *r = own;
	struct wga_topo_host *h;

	r->h = r->t->n_hosts;
	if (r->h == WGA_TOPO_HOSTS_MAX)
		return wga_yaml_fail(v, err, "more than %d hosts",
				     WGA_TOPO_HOSTS_MAX);
	h = host_of(r);
	if (strlen(name) >= sizeof(h->name))
		return wga_yaml_fail(v, err, "a host's name has at most %zu characters",
				     sizeof(h->name) - 1);
	strcpy(h->name, name);
	h->line = v->line;
	h->memory_mib = WGA_TOPO_MEMORY_MIB;
	strcpy(h->version, WGA_TOPO_VERSION);
	if (wga_yaml_fields(v, host_fields, COUNT(host_fields), r, err) < 0)
		return -1;
	r->t->n_hosts++;
	return 0;
}

static int set_hosts(void *own, const struct wga_yaml_value *v,
		     struct wga_err *err)
{
	return wga_yaml_names(v, set_host, own, err);
}

static int add_between(void *own, const struct wga_yaml_value *v,
		       struct wga_err *err)
{
	struct reader *r = own;

	if (r->n_pair == COUNT(r->pair))
		return wga_yaml_fail(v, err, "wants two networks, not more");
	return take_network(r, v, &r->pair[r->n_pair++], err);
}

static int set_between(void *own, const struct wga_yaml_value *v,
		       struct wga_err *err)
{
	struct reader *r = own;

	if (wga_yaml_list(v, add_between, own, err) < 0)
		return -1;
	if (r->n_pair != COUNT(r->pair) || r->pair[0] == r->pair[1])
		return wga_yaml_fail(v, err, "wants two different networks");
	if (r->lines.passage[r->pair[0]][r->pair[1]])
		return wga_yaml_fail(v, err, "this pair was given in line %u already",
				     r->lines.passage[r->pair[0]][r->pair[1]]);
	return 0;
}

static int set_pass(void *own, const struct wga_yaml_value *v,
		    struct wga_err *err)
{
	struct reader *r = own;

	return wga_yaml_word(v, wga_passage_words, COUNT(wga_passage_words),
			     &r->verdict, err);
}

static const struct wga_yaml_field passage_fields[] = {
	{ "between", true, set_between },
	{ "pass", true, set_pass },
};

static int add_passage(void *own, const struct wga_yaml_value *v,
		       struct wga_err *err)
{
	struct reader *r = own;
	unsigned int a, b;

	r->n_pair = 0;
	if (wga_yaml_fields(v, passage_fields, COUNT(passage_fields), r,
			    err) < 0)
		return -1;
	a = r->pair[0];
	b = r->pair[1];
	r->t->passage[a][b] = r->t->passage[b][a] = r->verdict;
	r->lines.passage[a][b] = r->lines.passage[b][a] = v->line;
	return 0;
}

static int set_passage(void *own, const struct wga_yaml_value *v,
		       struct wga_err *err)
{
	return wga_yaml_list(v, add_passage, own, err);
}

static int skip(void *own, const struct wga_yaml_value *v, struct wga_err *err)
{
	(void)own;
	(void)v;
	(void)err;
	return 0;
}

/* Networks are named by hosts and passages, so they are read first. */
static const struct wga_yaml_field first_fields[] = {
	{ "name", false, set_name },
	{ "domain", false, set_domain },
	{ "networks", true, set_networks },
	{ "passage", false, skip },
	{ "hosts", true, skip },
};

static const struct wga_yaml_field then_fields[] = {
	{ "name", false, skip },
	{ "domain", false, skip },
	{ "networks", true, skip },
	{ "passage", false, set_passage },
	{ "hosts", true, set_hosts },
};

static int read_topology(struct wga_topology *t, struct wga_yaml *y,
			 struct wga_err *err)
{
	struct reader r = { .t = t, .lines.path = y->path };
	struct wga_yaml_value root = wga_yaml_root(y);

	*t = (struct wga_topology){
		.name = WGA_TOPO_NAME, .domain = WGA_TOPO_DOMAIN,
	};
	if (wga_yaml_fields(&root, first_fields, COUNT(first_fields), &r,
			    err) < 0 ||
	    wga_yaml_fields(&root, then_fields, COUNT(then_fields), &r,
			    err) < 0)
		return -1;
	wga_topology_macs(t);
	return wga_topology_check_at(t, &r.lines, err);
}

int wga_topology_parse(struct wga_topology *t, const char *path,
		       const void *data, size_t size, struct wga_err *err)
{
	struct wga_yaml y;
	int ret;

	if (wga_yaml_parse(&y, path, "bad-topology", data, size, err) < 0)
		return -1;
	ret = read_topology(t, &y, err);
	wga_yaml_free(&y);
	return ret;
}

int wga_topology_load(struct wga_topology *t, const char *path,
		      struct wga_err *err)
{
	struct wga_yaml y;
	int ret;

	if (wga_yaml_load(&y, path, "bad-topology", err) < 0)
		return -1;
	ret = read_topology(t, &y, err);
	wga_yaml_free(&y);
	return ret;
}
