/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/state.h"

#define STATE_VERSION	1

static const char *const role_names[] = {
	[WGA_ROLE_SERVER] = "server",
	[WGA_ROLE_CLIENT] = "client",
	[WGA_ROLE_PLAIN] = "plain",
};

static json_t *addr_json(const struct wga_addr *a)
{
	char text[WGA_ADDR_STRLEN];

	return json_string(wga_addr_format(a, text));
}

static json_t *network_json(const struct wga_topology *t, size_t i)
{
	const struct wga_topo_network *net = &t->networks[i];
	json_t *passages = json_array();

	for (size_t k = 0; k < t->n_networks; k++)
		json_array_append_new(passages,
				      json_integer(t->passage[i][k]));
	return json_pack("{s:s, s:s, s:o, s:o, s:i, s:o}",
			 "name", net->name, "bridge", net->bridge,
			 "subnet", addr_json(&net->subnet),
			 "gateway", addr_json(&net->gateway),
			 "prefix", (int)net->prefix, "passage", passages);
}

static json_t *host_json(const struct wga_topo_host *h)
{
	json_t *services = json_array();
	char mac[18];

	for (size_t i = 0; i < h->n_services; i++)
		json_array_append_new(services, json_string(h->services[i]));
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", h->mac[0],
		 h->mac[1], h->mac[2], h->mac[3], h->mac[4], h->mac[5]);
	return json_pack("{s:s, s:s, s:i, s:o, s:s, s:s, s:i, s:s, s:o}",
			 "name", h->name, "role", role_names[h->role],
			 "network", (int)h->network, "addr", addr_json(&h->addr),
			 "mac", mac, "image", h->image,
			 "memory_mib", (int)h->memory_mib,
			 "version", h->version, "services", services);
}

char *wga_state_format(const struct wga_mesh *m)
{
	const struct wga_topology *t = &m->topo;
	json_t *networks = json_array(), *hosts = json_array(), *all;
	char *text;

	for (size_t i = 0; i < t->n_networks; i++)
		json_array_append_new(networks, network_json(t, i));
	for (size_t i = 0; i < t->n_hosts; i++)
		json_array_append_new(hosts, host_json(&t->hosts[i]));
	all = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:o}",
			"version", STATE_VERSION, "backend", m->backend->name,
			"uri", m->uri, "name", t->name, "domain", t->domain,
			"networks", networks, "hosts", hosts);
	text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	json_decref(all);
	return text;
}

/* copies a string member; false if it is none or does not fit */
static bool get(const json_t *o, const char *key, char *buf, size_t size)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && snprintf(buf, size, "%s", s) < (int)size;
}

static bool get_addr(const json_t *o, const char *key, struct wga_addr *a)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && wga_addr_parse(s, a, NULL) == 0;
}

static bool get_number(const json_t *o, unsigned int max, unsigned int *out)
{
	json_int_t n = json_integer_value(o);

	if (!json_is_integer(o) || n < 0 || n > (json_int_t)max)
		return false;
	*out = (unsigned int)n;
	return true;
}

static bool parse_network(struct wga_topology *t, size_t i, const json_t *o,
			  size_t n)
{
	struct wga_topo_network *net = &t->networks[i];
	const json_t *passage = json_object_get(o, "passage");
	unsigned int word;

	for (size_t k = 0; k < n; k++) {
		if (!get_number(json_array_get(passage, k),
				WGA_PASSAGE_ISOLATED, &word))
			return false;
		t->passage[i][k] = (enum wga_passage)word;
	}
	return get(o, "name", net->name, sizeof(net->name)) &&
	       get(o, "bridge", net->bridge, sizeof(net->bridge)) &&
	       get_addr(o, "subnet", &net->subnet) &&
	       get_addr(o, "gateway", &net->gateway) &&
	       get_number(json_object_get(o, "prefix"), 32, &net->prefix);
}

static bool parse_role(const char *word, enum wga_role *role)
{
	for (size_t i = 0; i < sizeof(role_names) / sizeof(*role_names); i++) {
		if (word && strcmp(role_names[i], word) == 0) {
			*role = (enum wga_role)i;
			return true;
		}
	}
	return false;
}

static bool parse_services(struct wga_topo_host *h, const json_t *services)
{
	h->n_services = json_array_size(services);
	if (h->n_services > WGA_TOPO_SERVICES_MAX)
		return false;
	for (size_t i = 0; i < h->n_services; i++) {
		const char *s = json_string_value(json_array_get(services, i));

		if (!s || snprintf(h->services[i], sizeof(h->services[i]), "%s",
				   s) >= (int)sizeof(h->services[i]))
			return false;
	}
	return true;
}

static bool parse_host(struct wga_topo_host *h, const json_t *o, size_t networks)
{
	const char *mac = json_string_value(json_object_get(o, "mac"));
	uint8_t *b = h->mac;

	return networks > 0 && get(o, "name", h->name, sizeof(h->name)) &&
	       parse_role(json_string_value(json_object_get(o, "role")),
			  &h->role) &&
	       get_number(json_object_get(o, "network"),
			  (unsigned int)networks - 1, &h->network) &&
	       get_addr(o, "addr", &h->addr) && mac &&
	       sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &b[0], &b[1],
		      &b[2], &b[3], &b[4], &b[5]) == 6 &&
	       get(o, "image", h->image, sizeof(h->image)) &&
	       get_number(json_object_get(o, "memory_mib"), 1U << 24,
			  &h->memory_mib) &&
	       get(o, "version", h->version, sizeof(h->version)) &&
	       parse_services(h, json_object_get(o, "services"));
}

static bool parse(struct wga_mesh *m, const json_t *all)
{
	const json_t *networks = json_object_get(all, "networks");
	const json_t *hosts = json_object_get(all, "hosts");
	struct wga_topology *t = &m->topo;
	char backend[32];

	t->n_networks = json_array_size(networks);
	t->n_hosts = json_array_size(hosts);
	if (json_integer_value(json_object_get(all, "version")) !=
		    STATE_VERSION ||
	    t->n_networks > WGA_TOPO_NETWORKS_MAX ||
	    t->n_hosts > WGA_TOPO_HOSTS_MAX ||
	    !get(all, "backend", backend, sizeof(backend)) ||
	    !get(all, "uri", m->uri, sizeof(m->uri)) ||
	    !get(all, "name", t->name, sizeof(t->name)) ||
	    !get(all, "domain", t->domain, sizeof(t->domain)))
		return false;
	m->backend = wga_backend_find(backend);
	for (size_t i = 0; i < t->n_networks; i++)
		if (!parse_network(t, i, json_array_get(networks, i),
				   t->n_networks))
			return false;
	for (size_t i = 0; i < t->n_hosts; i++)
		if (!parse_host(&t->hosts[i], json_array_get(hosts, i),
				t->n_networks))
			return false;
	return m->backend != NULL;
}

int wga_state_parse(struct wga_mesh *m, const char *text, struct wga_err *err)
{
	json_t *all = json_loads(text, 0, NULL);
	bool good = all && parse(m, all);

	json_decref(all);
	if (good)
		return 0;
	return wga_err_set(err, "state",
			   "mesh.json in %s is damaged or of another version of wgaudit",
			   m->dir);
}
