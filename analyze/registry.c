/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The history of a mesh: snapshots that are loaded one after the other add up.
 * A node is known again by a node key it has or had, by its machine key, which
 * outlives a new registration, or by its id where machine keys do not speak
 * against that. Node keys (by which WireGuard and DERP know it) and disco keys
 * (made anew at each start) are kept beside the nodes, all there ever were.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/mac1.h"
#include "analyze/registry_internal.h"

/* a key that a node has or had */
struct known_key {
	uint8_t key[WGA_KEY_LEN];
	size_t node;
};

struct wga_registry {
	struct wga_node *nodes;
	size_t n_nodes;
	struct known_key *keys;
	struct wga_mac1 **mac1; /* by node key */
	size_t n_keys;
	struct known_key *disco;
	size_t n_disco;
};

void wga_registry_free(struct wga_registry *reg)
{
	size_t i;

	if (!reg)
		return;
	for (i = 0; i < reg->n_keys; i++)
		wga_mac1_free(reg->mac1[i]);
	free(reg->mac1);
	free(reg->keys);
	free(reg->nodes);
	free(reg->disco);
	free(reg);
}

bool wga_key_is_set(const uint8_t key[static WGA_KEY_LEN])
{
	static const uint8_t none[WGA_KEY_LEN];

	return memcmp(key, none, sizeof(none)) != 0;
}

static int add_disco(struct wga_registry *reg, const uint8_t *key, size_t node)
{
	struct known_key *grown;

	grown = reallocarray(reg->disco, reg->n_disco + 1, sizeof(*grown));
	if (!grown)
		return -1;
	reg->disco = grown;
	memcpy(grown[reg->n_disco].key, key, WGA_KEY_LEN);
	grown[reg->n_disco++].node = node;
	return 0;
}

static int add_key(struct wga_registry *reg, const uint8_t *key, size_t node)
{
	struct wga_mac1 **mac1, *state;
	struct known_key *grown;

	if (!wga_key_is_set(key) || wga_registry_key(reg, key) >= 0)
		return 0;
	grown = reallocarray(reg->keys, reg->n_keys + 1, sizeof(*grown));
	if (!grown)
		return -1;
	reg->keys = grown;
	mac1 = reallocarray(reg->mac1, reg->n_keys + 1,
			    sizeof(struct wga_mac1 *));
	if (!mac1)
		return -1;
	reg->mac1 = mac1;
	state = wga_mac1_new(key);
	if (!state)
		return -1;
	memcpy(grown[reg->n_keys].key, key, WGA_KEY_LEN);
	grown[reg->n_keys].node = node;
	mac1[reg->n_keys++] = state;
	return 0;
}

void wga_node_overlay(struct wga_node *node, const struct wga_addr *addr)
{
	size_t i;

	for (i = 0; i < node->n_overlay; i++) {
		if (wga_addr_equal(&node->overlay[i], addr))
			return;
	}
	if (node->n_overlay < sizeof(node->overlay) / sizeof(node->overlay[0]))
		node->overlay[node->n_overlay++] = *addr;
}

/* Is it the same node, registered anew? */
static bool is_again(const struct wga_node *a, const struct wga_node *b)
{
	if (wga_key_is_set(a->machine_key) && wga_key_is_set(b->machine_key))
		return !memcmp(a->machine_key, b->machine_key, WGA_KEY_LEN);
	return a->id[0] && !strcmp(a->id, b->id) &&
	       wga_key_is_set(a->node_key) && wga_key_is_set(b->node_key);
}

/* index of a node that is there already, or the number of nodes */
static size_t find_node(const struct wga_registry *reg,
			const struct wga_node *node)
{
	int known = -1;
	size_t i;

	if (wga_key_is_set(node->node_key))
		known = wga_registry_key(reg, node->node_key);
	if (known >= 0)
		return (size_t)known;
	for (i = 0; i < reg->n_nodes; i++) {
		if (is_again(&reg->nodes[i], node))
			break;
	}
	return i;
}

static int append_node(struct wga_registry *reg, const struct wga_node *node)
{
	struct wga_node *nodes;

	nodes = reallocarray(reg->nodes, reg->n_nodes + 1, sizeof(*nodes));
	if (!nodes)
		return -1;
	reg->nodes = nodes;
	nodes[reg->n_nodes++] = *node;
	return 0;
}

/* a node that is there already takes the new name, addresses and keys */
int wga_registry_add(struct wga_registry *reg, const struct wga_node *node)
{
	size_t i, at = find_node(reg, node);
	struct wga_node *known;

	if (at == reg->n_nodes && append_node(reg, node) < 0)
		return -1;
	known = &reg->nodes[at];
	memcpy(known->name, node->name, sizeof(known->name));
	memcpy(known->id, node->id, sizeof(known->id));
	for (i = 0; i < node->n_overlay; i++)
		wga_node_overlay(known, &node->overlay[i]);
	if (wga_key_is_set(node->machine_key))
		memcpy(known->machine_key, node->machine_key, WGA_KEY_LEN);
	if (wga_key_is_set(node->node_key))
		memcpy(known->node_key, node->node_key, WGA_KEY_LEN);
	if (add_key(reg, node->node_key, at) < 0)
		return -1;
	if (!wga_key_is_set(node->disco_key))
		return 0;
	memcpy(known->disco_key, node->disco_key, WGA_KEY_LEN);
	return add_disco(reg, node->disco_key, at);
}

struct wga_registry *wga_registry_copy(const struct wga_registry *old)
{
	struct wga_registry *reg = calloc(1, sizeof(*reg));
	int ret = reg ? 0 : -1;
	size_t i;

	for (i = 0; !ret && old && i < old->n_nodes; i++)
		ret = append_node(reg, &old->nodes[i]);
	for (i = 0; !ret && old && i < old->n_keys; i++)
		ret = add_key(reg, old->keys[i].key, old->keys[i].node);
	for (i = 0; !ret && old && i < old->n_disco; i++)
		ret = add_disco(reg, old->disco[i].key, old->disco[i].node);
	if (!ret)
		return reg;
	wga_registry_free(reg);
	return NULL;
}

static int disco_order(const void *a, const void *b)
{
	const struct known_key *x = a, *y = b;
	int order = memcmp(x->key, y->key, sizeof(x->key));

	if (order)
		return order;
	return (x->node > y->node) - (x->node < y->node);
}

void wga_registry_settle(struct wga_registry *reg)
{
	size_t i, kept = 0;

	if (!reg->n_disco)
		return;
	qsort(reg->disco, reg->n_disco, sizeof(*reg->disco), disco_order);
	for (i = 1; i < reg->n_disco; i++) {
		if (disco_order(&reg->disco[kept], &reg->disco[i]))
			reg->disco[++kept] = reg->disco[i];
	}
	reg->n_disco = kept + 1;
}

size_t wga_registry_count(const struct wga_registry *reg)
{
	return reg->n_nodes;
}

const struct wga_node *wga_registry_node(const struct wga_registry *reg, size_t i)
{
	return &reg->nodes[i];
}

int wga_registry_key(const struct wga_registry *reg,
		     const uint8_t key[static WGA_KEY_LEN])
{
	size_t i;

	for (i = 0; reg && i < reg->n_keys; i++) {
		if (!memcmp(reg->keys[i].key, key, WGA_KEY_LEN))
			return (int)reg->keys[i].node;
	}
	return -1;
}

int wga_registry_disco(const struct wga_registry *reg,
		       const uint8_t key[static WGA_KEY_LEN])
{
	size_t low = 0, high;

	if (!reg)
		return -1;
	high = reg->n_disco;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(reg->disco[mid].key, key, WGA_KEY_LEN) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == reg->n_disco || memcmp(reg->disco[low].key, key, WGA_KEY_LEN))
		return -1;
	return (int)reg->disco[low].node;
}

int wga_registry_mac1(const struct wga_registry *reg, const uint8_t *msg,
		      size_t len)
{
	int i = reg ? wga_mac1_find(reg->mac1, reg->n_keys, msg, len) : -1;

	return i < 0 ? -1 : (int)reg->keys[i].node;
}
