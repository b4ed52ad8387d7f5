/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "analyze/judge_internal.h"
#include "analyze/packet.h"

/* Name of the host at an endpoint: declared, or the registered node that
 * speaks from there; a registered node is also known by its address alone.
 */
static const char *address_name(const struct wga_judge *g,
			     const struct wga_endpoint *at)
{
	const struct wga_proofs *pr = g->j->proofs;
	int node = wga_proofs_node(pr, at);
	size_t i;

	for (i = 0; i < g->cfg->n_vms; i++) {
		if (wga_addr_equal(&g->cfg->vms[i].addr, &at->addr))
			return g->cfg->vms[i].name;
	}
	for (i = 0; node < 0 && i < pr->n_identities; i++) {
		if (wga_addr_equal(&pr->identities[i].at.addr, &at->addr) &&
		    !pr->identities[i].contested)
			node = pr->identities[i].node;
	}
	return node >= 0 ? wga_registry_node(pr->registry, (size_t)node)->name :
			   "";
}

static const struct wga_derp_node *derp_node(const struct wga_judge *g,
					     const struct wga_endpoint *at)
{
	if (!wga_derp_is_node(&at->addr))
		return NULL;
	return wga_derp_nodes_find(&g->j->proofs->derp, &at->addr);
}

/* the one address at which a registered node was seen; NULL if none or several */
static const struct wga_addr *node_address(const struct wga_proofs *pr, int node)
{
	const struct wga_addr *found = NULL;
	size_t i;

	for (i = 0; node >= 0 && i < pr->n_identities; i++) {
		const struct wga_identity *id = &pr->identities[i];

		if (id->node != node || id->contested ||
		    wga_derp_is_node(&id->at.addr))
			continue;
		if (found && !wga_addr_equal(found, &id->at.addr))
			return NULL;
		found = &id->at.addr;
	}
	return found;
}

struct wga_endpoint wga_host_place(const struct wga_judge *g,
				   const struct wga_endpoint *at)
{
	const struct wga_derp_node *n = derp_node(g, at);
	const struct wga_addr *addr;

	if (!n)
		return *at;
	if (n->client.port)
		return (struct wga_endpoint){ .addr = n->client.addr };
	addr = node_address(g->j->proofs,
			    wga_registry_key(g->cfg->registry, n->key));
	return addr ? (struct wga_endpoint){ .addr = *addr } : *at;
}

/* Name of a node of DERP: as it is registered, as its host was declared, else
 * the beginning of its key
 */
static void node_name(const struct wga_judge *g, const struct wga_derp_node *n,
		      char *buf, size_t size)
{
	int node = wga_registry_key(g->cfg->registry, n->key);
	const char *name = "";

	if (node >= 0)
		name = wga_registry_node(g->cfg->registry, (size_t)node)->name;
	else if (n->client.port)
		name = address_name(g, &n->client);
	if (*name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "nodekey:%02x%02x%02x%02x\u2026", n->key[0],
			 n->key[1], n->key[2], n->key[3]);
}

/* A node of DERP has an address only where it was seen at one. */
void wga_end_set(const struct wga_judge *g, const struct wga_endpoint *at,
		 struct wga_flow_end *end)
{
	const struct wga_derp_node *n = derp_node(g, at);
	struct wga_endpoint place = wga_host_place(g, at);

	*end = (struct wga_flow_end){
		.addr = place.addr, .port = place.port,
		.has_addr = !n || !wga_derp_is_node(&place.addr),
	};
	if (n)
		node_name(g, n, end->name, sizeof(end->name));
	else
		snprintf(end->name, sizeof(end->name), "%s",
			 address_name(g, at));
}

void wga_end_name_client(const struct wga_judge *g, struct wga_flow_end *end)
{
	const struct wga_derp_nodes *nodes = &g->j->proofs->derp;
	const struct wga_derp_node *found = NULL;
	uint32_t i;

	for (i = 0; i < nodes->count; i++) {
		const struct wga_derp_node *n = &nodes->n[i];

		if (!n->client.port ||
		    !wga_addr_equal(&n->client.addr, &end->addr))
			continue;
		if (found)
			return;
		found = n;
	}
	if (found)
		node_name(g, found, end->name, sizeof(end->name));
}

void wga_session_end(const struct wga_judge *g, const struct wga_endpoint *at,
		     struct wga_flow_end *end)
{
	if (at->port) {
		wga_end_set(g, at, end);
		return;
	}
	*end = (struct wga_flow_end){ 0 };
	snprintf(end->name, sizeof(end->name), "a node that DERP did not name");
}

void wga_summary_end(const struct wga_judge *g, const struct wga_flow_key *key,
		     bool hi, struct wga_flow_end *end)
{
	struct wga_endpoint at = {
		hi ? key->hi : key->lo, hi ? key->port_hi : key->port_lo,
	};
	const uint8_t *m = at.addr.b;

	if (key->ethertype) {
		*end = (struct wga_flow_end){ 0 };
		snprintf(end->name, sizeof(end->name),
			 "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
			 m[3], m[4], m[5]);
		return;
	}
	if (key->proto != WGA_PROTO_UDP && key->proto != WGA_PROTO_TCP)
		at.port = 0;
	wga_end_set(g, &at, end);
}

static const char *end_text(const struct wga_flow_end *end, char *buf,
			    size_t size)
{
	char addr[WGA_ADDR_STRLEN];
	bool v6 = !wga_addr_is_v4(&end->addr);

	if (!end->has_addr)
		return end->name;
	wga_addr_format(&end->addr, addr);
	if (end->port)
		snprintf(buf, size, v6 ? "[%s]:%u" : "%s:%u", addr, end->port);
	else
		snprintf(buf, size, "%s", addr);
	if (end->name[0]) {
		size_t n = strlen(buf);

		snprintf(buf + n, size - n, " (%.30s)", end->name);
	}
	return buf;
}

const char *wga_summary_ends(const struct wga_judge *g,
			     const struct wga_flow_key *key, char *buf,
			     size_t size)
{
	struct wga_flow_end a, b;
	char x[96], y[96];

	wga_summary_end(g, key, false, &a);
	wga_summary_end(g, key, true, &b);
	snprintf(buf, size, "%s and %s", end_text(&a, x, sizeof(x)),
		 end_text(&b, y, sizeof(y)));
	return buf;
}

const char *wga_session_ends(const struct wga_judge *g,
			     const struct wga_session *session, char *buf,
			     size_t size)
{
	struct wga_flow_end a, b;
	char x[96], y[96];

	wga_session_end(g, &session->from, &a);
	wga_session_end(g, &session->to, &b);
	snprintf(buf, size, "%s and %s", end_text(&a, x, sizeof(x)),
		 end_text(&b, y, sizeof(y)));
	return buf;
}

bool wga_host_is(const struct wga_judge *g, const struct wga_endpoint *at,
		 const char *name)
{
	struct wga_endpoint place = wga_host_place(g, at);
	struct wga_flow_end end;
	struct wga_addr addr;
	struct wga_err err;
	size_t i;

	for (i = 0; i < g->cfg->n_vms; i++) {
		if (!strcmp(g->cfg->vms[i].name, name) &&
		    wga_addr_equal(&g->cfg->vms[i].addr, &place.addr))
			return true;
	}
	wga_end_set(g, at, &end);
	if (!strcmp(end.name, name))
		return true;
	return !wga_addr_parse(name, &addr, &err) &&
	       !wga_derp_is_node(&addr) && wga_addr_equal(&addr, &place.addr);
}
