/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "topo/nodes.h"

static_assert(WGA_TOPO_HOSTS_MAX <= 32, "a bit of peers for each host");

/* 0.30 writes camelCase, older ones snake_case */
static const json_t *either(const json_t *o, const char *snake,
			    const char *camel)
{
	const json_t *v = json_object_get(o, snake);

	return v ? v : json_object_get(o, camel);
}

static const struct wga_topo_host *host_named(const struct wga_topology *t,
					      const json_t *name)
{
	const char *text = json_string_value(name);

	return text ? wga_topology_host(t, text) : NULL;
}

/* the first IPv4 address of an array of strings */
static void first_v4(const json_t *array, struct wga_addr *out)
{
	size_t i;
	json_t *v;

	json_array_foreach(array, i, v) {
		struct wga_addr a;

		if (json_is_string(v) &&
		    wga_addr_parse(json_string_value(v), &a, NULL) == 0 &&
		    wga_addr_is_v4(&a)) {
			*out = a;
			return;
		}
	}
}

int wga_nodes_read(const struct wga_topology *t, const char *json,
		   struct wga_host_status *status, struct wga_err *err)
{
	json_t *all = json_loads(json, 0, NULL), *node;
	size_t i;

	/* no nodes are written as null */
	if (!all && strncmp(json, "null", 4) == 0)
		return 0;
	if (!json_is_array(all)) {
		json_decref(all);
		return wga_err_set(err, "bad-output",
				   "headscale nodes list prints no JSON array");
	}
	json_array_foreach(all, i, node) {
		const struct wga_topo_host *h =
			host_named(t, either(node, "given_name", "givenName"));

		if (!h)
			continue;
		status[h - t->hosts].joined = true;
		status[h - t->hosts].online =
			json_is_true(json_object_get(node, "online"));
		first_v4(either(node, "ip_addresses", "ipAddresses"),
			 &status[h - t->hosts].mesh_addr);
	}
	json_decref(all);
	return 0;
}

/* "vm-a.mesh.internal." names vm-a; HostName does not follow a rename */
static const struct wga_topo_host *peer_host(const struct wga_topology *t,
					     const json_t *peer)
{
	const char *dns = json_string_value(json_object_get(peer, "DNSName"));
	char label[WGA_TOPO_NAME_MAX];

	if (!dns || !*dns)
		return host_named(t, json_object_get(peer, "HostName"));
	snprintf(label, sizeof(label), "%.*s", (int)strcspn(dns, "."), dns);
	return wga_topology_host(t, label);
}

static bool says(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && *s;
}

static const char *path_of(const json_t *peer)
{
	if (says(peer, "CurAddr"))
		return "direct";
	if (says(peer, "PeerRelay"))
		return "relay";
	if (json_is_true(json_object_get(peer, "Active")) && says(peer, "Relay"))
		return "derp";
	return "-";
}

int wga_client_read(const struct wga_topology *t, const char *json,
		    struct wga_client_state *state,
		    struct wga_host_status *status, struct wga_err *err)
{
	json_t *all = json_loads(json, 0, NULL), *peer;
	const json_t *self = json_object_get(all, "Self");
	const char *backend, *version, *key;

	memset(state, 0, sizeof(*state));
	backend = json_string_value(json_object_get(all, "BackendState"));
	if (!backend) {
		json_decref(all);
		return wga_err_set(err, "bad-output",
				   "tailscale status prints no BackendState");
	}
	state->running = strcmp(backend, "Running") == 0;
	state->wants_login = strcmp(backend, "NeedsLogin") == 0 ||
			     strcmp(backend, "Stopped") == 0;
	state->online = json_is_true(json_object_get(self, "Online"));
	first_v4(json_object_get(self, "TailscaleIPs"), &state->addr);
	version = json_string_value(json_object_get(all, "Version"));
	if (status && version)
		snprintf(status->version, sizeof(status->version), "%.*s",
			 (int)strcspn(version, "-"), version);
	json_object_foreach(json_object_get(all, "Peer"), key, peer) {
		const struct wga_topo_host *h = peer_host(t, peer);

		if (!h)
			continue;
		/* before it has a relay nothing can be sent to it */
		if (says(peer, "Relay") || says(peer, "CurAddr"))
			state->peers |= 1U << (h - t->hosts);
		if (status)
			snprintf(status->path[h - t->hosts],
				 sizeof(status->path[0]), "%s", path_of(peer));
	}
	json_decref(all);
	return 0;
}
