/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topo/fault.h"

#define JOURNAL_VERSION	1
#define NAME_CHARS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

static json_t *addr_json(const struct wga_addr *a)
{
	char text[WGA_ADDR_STRLEN];

	return json_string(wga_fault_has_addr(a) ? wga_addr_format(a, text) : "");
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *ns_json(const struct wga_fault_ns *ns)
{
	return json_pack("{s:s, s:o}", "path", ns->path, "cookie",
			 number(ns->cookie));
}

static json_t *port_json(const struct wga_fault_port *p)
{
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", p->mac[0],
		 p->mac[1], p->mac[2], p->mac[3], p->mac[4], p->mac[5]);
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o}",
			 "host", p->host, "link", p->link, "bridge", p->bridge,
			 "index", number(p->index), "mac", mac,
			 "addr", addr_json(&p->addr),
			 "group", number(p->group));
}

static json_t *route_json(const struct wga_fault_route *r)
{
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "ipv6", r->family == AF_INET6,
			 "to", addr_json(&r->to), "prefix", number(r->prefix),
			 "via", addr_json(&r->via),
			 "source", addr_json(&r->source),
			 "table", number(r->table),
			 "protocol", number(r->protocol),
			 "scope", number(r->scope), "flags", number(r->flags),
			 "metric", number(r->metric));
}

static json_t *link_json(const struct wga_fault_link *l)
{
	json_t *routes = json_array(), *addrs = json_array();

	for (size_t i = 0; i < l->n_routes; i++)
		json_array_append_new(routes, route_json(&l->routes[i]));
	for (size_t i = 0; i < l->n_addrs; i++)
		json_array_append_new(addrs, json_pack(
			"{s:o, s:o, s:o}",
			"addr", addr_json(&l->addrs[i].addr),
			"prefix", number(l->addrs[i].prefix),
			"flags", number(l->addrs[i].flags)));
	return json_pack("{s:o, s:s, s:o, s:s, s:s, s:o, s:o}",
			 "ns", ns_json(&l->ns), "link", l->link,
			 "index", number(l->index), "domain", l->domain,
			 "uri", l->uri,
			 "routes", routes, "addrs", addrs);
}

char *wga_fault_format(const struct wga_fault *f)
{
	json_t *ports = json_array(), *links = json_array(), *all;
	char *text;

	for (size_t i = 0; i < f->n_ports; i++)
		json_array_append_new(ports, port_json(&f->ports[i]));
	for (size_t i = 0; i < f->n_links; i++)
		json_array_append_new(links, link_json(&f->links[i]));
	all = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:o}",
			"version", JOURNAL_VERSION, "name", f->name,
			"what", wga_fault_commands[f->what],
			"kind", wga_fault_kinds[f->kind], "mesh", f->mesh,
			"protocol", wga_fault_protocols[f->protocol],
			"control", addr_json(&f->control));
	if (all)
		json_object_update_new(all, json_pack(
			"{s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			"one_way", f->one_way, "isolate", f->isolate,
			"detached", f->detached, "held", f->held,
			"loss", number(f->loss),
			"delay_us", number(f->delay_us),
			"rate", number(f->rate),
			"duration_ms", number(f->duration_ms),
			"up_ms", number(f->up_ms),
			"jitter_ms", number(f->jitter_ms),
			"count", number(f->count), "seed", number(f->seed)));
	if (all)
		json_object_update_new(all, json_pack(
			"{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			"uri", f->uri, "pid", number((uint64_t)f->pid),
			"started", number(f->started),
			"began_ms", number(f->began_ms),
			"began_mono_ms", number(f->began_mono_ms),
			"ns", ns_json(&f->ns), "ports", ports,
			"links", links));
	text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	json_decref(all);
	return text;
}

static bool get(const json_t *o, const char *key, char *buf, size_t size)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && snprintf(buf, size, "%s", s) < (int)size;
}

static bool get_addr(const json_t *o, const char *key, struct wga_addr *a)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (s && !*s) {
		memset(a, 0, sizeof(*a));
		return true;
	}
	return s && wga_addr_parse(s, a, NULL) == 0;
}

static bool get_number(const json_t *o, const char *key, uint64_t max,
		       uint64_t *out)
{
	const json_t *n = json_object_get(o, key);
	json_int_t value = json_integer_value(n);

	*out = (uint64_t)value;
	return json_is_integer(n) && value >= 0 && *out <= max;
}

static bool get_uint(const json_t *o, const char *key, unsigned int max,
		     unsigned int *out)
{
	uint64_t n;

	if (!get_number(o, key, max, &n))
		return false;
	*out = (unsigned int)n;
	return true;
}

static bool get_word(const json_t *o, const char *key, const char *const *words,
		     size_t n, int *out)
{
	const char *s = json_string_value(json_object_get(o, key));

	*out = s ? wga_fault_word(words, n, s) : -1;
	return *out >= 0;
}

static bool get_bool(const json_t *o, const char *key, bool *out)
{
	const json_t *b = json_object_get(o, key);

	*out = json_is_true(b);
	return json_is_boolean(b);
}

static bool get_link(const json_t *o, const char *key, char buf[static 16])
{
	return get(o, key, buf, 16) && wga_fault_link_name(buf);
}

static bool parse_ns(const json_t *o, struct wga_fault_ns *ns)
{
	return get(o, "path", ns->path, sizeof(ns->path)) &&
	       get_number(o, "cookie", INT64_MAX, &ns->cookie);
}

static bool parse_port(const json_t *o, struct wga_fault_port *p)
{
	char mac[18];
	uint8_t *b = p->mac;

	return get(o, "host", p->host, sizeof(p->host)) &&
	       get_link(o, "link", p->link) &&
	       get_link(o, "bridge", p->bridge) &&
	       get_uint(o, "index", INT32_MAX, &p->index) &&
	       get(o, "mac", mac, sizeof(mac)) &&
	       sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &b[0], &b[1],
		      &b[2], &b[3], &b[4], &b[5]) == 6 &&
	       get_addr(o, "addr", &p->addr) &&
	       get_uint(o, "group", 1, &p->group);
}

static bool parse_route(const json_t *o, struct wga_fault_route *r)
{
	uint64_t metric;
	bool ipv6;

	if (!get_bool(o, "ipv6", &ipv6) || !get_addr(o, "to", &r->to) ||
	    !get_uint(o, "prefix", ipv6 ? 128 : 32, &r->prefix) ||
	    !get_addr(o, "via", &r->via) ||
	    !get_addr(o, "source", &r->source) ||
	    !get_uint(o, "table", UINT32_MAX, &r->table) ||
	    !get_uint(o, "protocol", 255, &r->protocol) ||
	    !get_uint(o, "scope", 255, &r->scope) ||
	    !get_uint(o, "flags", UINT32_MAX, &r->flags) ||
	    !get_number(o, "metric", UINT32_MAX, &metric))
		return false;
	r->family = ipv6 ? AF_INET6 : AF_INET;
	r->metric = (uint32_t)metric;
	return true;
}

static bool parse_link(const json_t *o, struct wga_fault_link *l)
{
	const json_t *routes = json_object_get(o, "routes");
	const json_t *addrs = json_object_get(o, "addrs");

	l->n_routes = json_array_size(routes);
	l->n_addrs = json_array_size(addrs);
	if (!parse_ns(json_object_get(o, "ns"), &l->ns) ||
	    !get_link(o, "link", l->link) ||
	    !get_uint(o, "index", INT32_MAX, &l->index) ||
	    !get(o, "domain", l->domain, sizeof(l->domain)) ||
	    !get(o, "uri", l->uri, sizeof(l->uri)) ||
	    l->n_routes > WGA_FAULT_ROUTES_MAX ||
	    l->n_addrs > WGA_FAULT_ROUTES_MAX)
		return false;
	for (size_t i = 0; i < l->n_routes; i++)
		if (!parse_route(json_array_get(routes, i), &l->routes[i]))
			return false;
	for (size_t i = 0; i < l->n_addrs; i++) {
		const json_t *a = json_array_get(addrs, i);

		if (!get_addr(a, "addr", &l->addrs[i].addr) ||
		    !get_uint(a, "prefix", 128, &l->addrs[i].prefix) ||
		    !get_uint(a, "flags", UINT32_MAX, &l->addrs[i].flags))
			return false;
	}
	return true;
}

static bool parse_links(const json_t *links, struct wga_fault *f)
{
	size_t n = json_array_size(links);

	if (n > WGA_FAULT_LINKS_MAX)
		return false;
	if (n == 0)
		return json_is_array(links);
	f->links = calloc(n, sizeof(*f->links));
	if (!f->links)
		return false;
	for (f->n_links = 0; f->n_links < n; f->n_links++)
		if (!parse_link(json_array_get(links, f->n_links),
				&f->links[f->n_links]))
			return false;
	return true;
}

static bool parse_words(const json_t *o, struct wga_fault *f)
{
	int what, kind, protocol;

	if (!get(o, "name", f->name, sizeof(f->name)) || !*f->name ||
	    f->name[strspn(f->name, NAME_CHARS)] ||
	    !get(o, "mesh", f->mesh, sizeof(f->mesh)) ||
	    !get(o, "uri", f->uri, sizeof(f->uri)) ||
	    !get_word(o, "what", wga_fault_commands, WGA_FAULT_COMMANDS,
		      &what) ||
	    !get_word(o, "kind", wga_fault_kinds, WGA_FAULT_KINDS, &kind) ||
	    !get_word(o, "protocol", wga_fault_protocols, WGA_FAULT_PROTOCOLS,
		      &protocol))
		return false;
	f->what = (enum wga_fault_command)what;
	f->kind = (enum wga_fault_kind)kind;
	f->protocol = (enum wga_fault_protocol)protocol;
	return get_bool(o, "one_way", &f->one_way) &&
	       get_bool(o, "isolate", &f->isolate) &&
	       get_bool(o, "detached", &f->detached) &&
	       get_bool(o, "held", &f->held) &&
	       get_addr(o, "control", &f->control);
}

static bool parse_numbers(const json_t *o, struct wga_fault *f)
{
	uint64_t pid;

	if (!get_number(o, "pid", INT32_MAX, &pid))
		return false;
	f->pid = (pid_t)pid;
	return get_uint(o, "loss", 10000, &f->loss) &&
	       get_number(o, "delay_us", INT64_MAX, &f->delay_us) &&
	       get_number(o, "rate", INT64_MAX, &f->rate) &&
	       get_number(o, "duration_ms", INT64_MAX, &f->duration_ms) &&
	       get_number(o, "up_ms", INT64_MAX, &f->up_ms) &&
	       get_number(o, "jitter_ms", INT64_MAX, &f->jitter_ms) &&
	       get_number(o, "count", INT64_MAX, &f->count) &&
	       get_number(o, "seed", INT64_MAX, &f->seed) &&
	       get_number(o, "started", INT64_MAX, &f->started) &&
	       get_number(o, "began_ms", INT64_MAX, &f->began_ms) &&
	       get_number(o, "began_mono_ms", INT64_MAX, &f->began_mono_ms);
}

static bool parse(const json_t *o, struct wga_fault *f)
{
	const json_t *ports = json_object_get(o, "ports");

	f->n_ports = json_array_size(ports);
	if (json_integer_value(json_object_get(o, "version")) !=
		    JOURNAL_VERSION ||
	    f->n_ports == 0 || f->n_ports > WGA_FAULT_PORTS_MAX ||
	    !parse_words(o, f) || !parse_numbers(o, f) ||
	    !parse_ns(json_object_get(o, "ns"), &f->ns))
		return false;
	for (size_t i = 0; i < f->n_ports; i++)
		if (!parse_port(json_array_get(ports, i), &f->ports[i]))
			return false;
	return parse_links(json_object_get(o, "links"), f);
}

int wga_fault_parse(struct wga_fault *f, const char *text, size_t len,
		    struct wga_err *err)
{
	json_t *all = json_loadb(text, len, 0, NULL);
	bool good;

	memset(f, 0, sizeof(*f));
	good = all && parse(all, f);
	json_decref(all);
	if (good)
		return 0;
	wga_fault_free(f);
	return wga_err_set(err, "bad-journal",
			   "it is damaged or of another version of wgaudit");
}
