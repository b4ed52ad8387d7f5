/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/derp_nodes.h"
#include "analyze/flow.h"

/* WireGuard's own; any would do but 0, which means no endpoint */
#define NODE_PORT	51820
/* More keys than this are a flood, not a mesh. */
#define NODES_MAX	((size_t)1 << 20)

static const uint8_t discard_only[8] = { 0x01, 0x00 };

void wga_derp_nodes_init(struct wga_derp_nodes *t)
{
	memset(t, 0, sizeof(*t));
	wga_hash_seed(t->seed);
}

void wga_derp_nodes_free(struct wga_derp_nodes *t)
{
	free(t->n);
	wga_index_free(&t->index);
}

struct wga_endpoint wga_derp_endpoint(const uint8_t key[static WGA_KEY_LEN])
{
	struct wga_endpoint at = { .port = NODE_PORT };
	uint8_t hash[crypto_generichash_BYTES_MIN];

	crypto_generichash(hash, sizeof(hash), key, WGA_KEY_LEN, NULL, 0);
	memcpy(at.addr.b, discard_only, 8);
	memcpy(at.addr.b + 8, hash, 8);
	return at;
}

bool wga_derp_is_node(const struct wga_addr *addr)
{
	return !memcmp(addr->b, discard_only, sizeof(discard_only));
}

static bool node_is(const void *items, uint32_t item, const void *key)
{
	const struct wga_derp_node *n = (const struct wga_derp_node *)items + item;

	return wga_addr_equal(&n->at.addr, key);
}

const struct wga_derp_node *
wga_derp_nodes_find(const struct wga_derp_nodes *t, const struct wga_addr *addr)
{
	uint64_t hash = wga_hash(addr, sizeof(*addr), t->seed);
	uint32_t i = wga_index_find(&t->index, hash, node_is, t->n, addr);

	return i == WGA_INDEX_NONE ? NULL : &t->n[i];
}

/* The node of a key, made if need be. NULL when out of memory, or when another
 * key has the same address, which does not happen by chance.
 */
static struct wga_derp_node *node_get(struct wga_derp_nodes *t,
				      const uint8_t *key)
{
	struct wga_endpoint at = wga_derp_endpoint(key);
	uint64_t hash = wga_hash(&at.addr, sizeof(at.addr), t->seed);
	uint32_t i = wga_index_find(&t->index, hash, node_is, t->n, &at.addr);
	struct wga_derp_node *n;

	if (i != WGA_INDEX_NONE)
		return memcmp(t->n[i].key, key, WGA_KEY_LEN) ? NULL : &t->n[i];
	n = wga_room(t->n, t->count, &t->room, sizeof(*n), NODES_MAX);
	if (!n)
		return NULL;
	t->n = n;
	if (wga_index_add(&t->index, hash, t->count))
		return NULL;
	n += t->count++;
	*n = (struct wga_derp_node){ .at = at };
	memcpy(n->key, key, WGA_KEY_LEN);
	return n;
}

static int client_order(const struct wga_endpoint *a,
			const struct wga_endpoint *b)
{
	int order = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	return order ? order : (int)a->port - (int)b->port;
}

static void note_client(struct wga_derp_node *n,
			const struct wga_endpoint *client, uint64_t time_ns)
{
	if (n->client.port && (n->client_ns < time_ns ||
			       (n->client_ns == time_ns &&
				client_order(&n->client, client) <= 0)))
		return;
	n->client = *client;
	n->client_ns = time_ns;
}

struct wga_endpoint wga_derp_nodes_see(struct wga_derp_nodes *t,
				       const uint8_t key[static WGA_KEY_LEN],
				       const struct wga_endpoint *client,
				       uint64_t time_ns)
{
	struct wga_derp_node *n = node_get(t, key);

	if (!n) {
		t->broken = true;
		return (struct wga_endpoint){ 0 };
	}
	if (client)
		note_client(n, client, time_ns);
	return n->at;
}

int wga_derp_nodes_join(struct wga_derp_nodes *t,
			const struct wga_derp_nodes *more)
{
	uint32_t i;

	for (i = 0; i < more->count; i++) {
		const struct wga_derp_node *n = &more->n[i];

		wga_derp_nodes_see(t, n->key, n->client.port ? &n->client : NULL,
				   n->client_ns);
	}
	return t->broken ? -1 : 0;
}
