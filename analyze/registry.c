/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A load builds a new registry out of the old one's nodes and the file's, and
 * takes the old one's place only when all went well. Nodes are known by their
 * node key. Disco keys change with every start of a node, so they are kept as
 * a history beside the nodes, sorted for look-up by key.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/mac1.h"
#include "analyze/registry_internal.h"

/* a node takes about 1200 bytes of JSON */
#define FILE_MAX	((size_t)64 << 20)

struct disco {
	uint8_t key[WGA_KEY_LEN];
	size_t node;
};

struct wga_registry {
	struct wga_node *nodes;
	struct wga_mac1 **mac1; /* NULL for nodes without a node key */
	size_t n_nodes;
	struct disco *disco;
	size_t n_disco;
};

void wga_registry_free(struct wga_registry *reg)
{
	size_t i;

	if (!reg)
		return;
	for (i = 0; i < reg->n_nodes; i++)
		wga_mac1_free(reg->mac1[i]);
	free(reg->mac1);
	free(reg->nodes);
	free(reg->disco);
	free(reg);
}

static void registry_cleanup(struct wga_registry **reg)
{
	wga_registry_free(*reg);
}

static void json_cleanup(json_t **json)
{
	json_decref(*json);
}

static void text_cleanup(char **text)
{
	free(*text);
}

static bool key_is_set(const uint8_t key[static WGA_KEY_LEN])
{
	static const uint8_t none[WGA_KEY_LEN];

	return memcmp(key, none, sizeof(none)) != 0;
}

static int add_disco(struct wga_registry *reg, const uint8_t *key, size_t node)
{
	struct disco *grown;

	grown = reallocarray(reg->disco, reg->n_disco + 1, sizeof(*grown));
	if (!grown)
		return -1;
	reg->disco = grown;
	memcpy(grown[reg->n_disco].key, key, WGA_KEY_LEN);
	grown[reg->n_disco++].node = node;
	return 0;
}

static void add_overlay(struct wga_node *node, const struct wga_addr *addr)
{
	size_t i;

	for (i = 0; i < node->n_overlay; i++) {
		if (wga_addr_equal(&node->overlay[i], addr))
			return;
	}
	if (node->n_overlay < sizeof(node->overlay) / sizeof(node->overlay[0]))
		node->overlay[node->n_overlay++] = *addr;
}

/* index of the node with this node key, or the number of nodes */
static size_t find_node(const struct wga_registry *reg, const uint8_t *key)
{
	size_t i;

	for (i = 0; i < reg->n_nodes; i++) {
		if (key_is_set(key) &&
		    !memcmp(reg->nodes[i].node_key, key, WGA_KEY_LEN))
			break;
	}
	return i;
}

static int append_node(struct wga_registry *reg, const struct wga_node *node)
{
	struct wga_mac1 **mac1, *state = NULL;
	struct wga_node *nodes;

	nodes = reallocarray(reg->nodes, reg->n_nodes + 1, sizeof(*nodes));
	if (!nodes)
		return -1;
	reg->nodes = nodes;
	mac1 = reallocarray(reg->mac1, reg->n_nodes + 1, sizeof(*mac1));
	if (!mac1)
		return -1;
	reg->mac1 = mac1;
	if (key_is_set(node->node_key)) {
		state = wga_mac1_new(node->node_key);
		if (!state)
			return -1;
	}
	nodes[reg->n_nodes] = *node;
	mac1[reg->n_nodes++] = state;
	return 0;
}

/* a node that is there already takes the new name, address and disco key */
static int add_node(struct wga_registry *reg, const struct wga_node *node)
{
	size_t i, at = find_node(reg, node->node_key);
	struct wga_node *known;

	if (at == reg->n_nodes && append_node(reg, node) < 0)
		return -1;
	known = &reg->nodes[at];
	memcpy(known->name, node->name, sizeof(known->name));
	for (i = 0; i < node->n_overlay; i++)
		add_overlay(known, &node->overlay[i]);
	if (!key_is_set(node->disco_key))
		return 0;
	memcpy(known->disco_key, node->disco_key, WGA_KEY_LEN);
	return add_disco(reg, node->disco_key, at);
}

static struct wga_registry *registry_copy(const struct wga_registry *old)
{
	struct wga_registry *reg = calloc(1, sizeof(*reg));
	int ret = reg ? 0 : -1;
	size_t i;

	for (i = 0; !ret && old && i < old->n_nodes; i++)
		ret = append_node(reg, &old->nodes[i]);
	for (i = 0; !ret && old && i < old->n_disco; i++)
		ret = add_disco(reg, old->disco[i].key, old->disco[i].node);
	if (!ret)
		return reg;
	wga_registry_free(reg);
	return NULL;
}

static int disco_order(const void *a, const void *b)
{
	const struct disco *x = a, *y = b;
	int order = memcmp(x->key, y->key, sizeof(x->key));

	if (order)
		return order;
	return (x->node > y->node) - (x->node < y->node);
}

/* sort the history and drop what is listed twice */
static void disco_settle(struct wga_registry *reg)
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

/**
 * struct reading - where in the file we are, for errors
 * @file:	its name
 * @index:	position in the list of nodes, from 1
 * @name:	name of the node, "" while unknown
 */
struct reading {
	const char *file;
	size_t index;
	const char *name;
	struct wga_err *err;
};

static int node_error(const struct reading *r, const char *key,
		      const char *what)
{
	return wga_err_set(r->err, "bad-registry", "%s: node %zu%s%s%s: %s %s",
			   r->file, r->index, *r->name ? " (" : "", r->name,
			   *r->name ? ")" : "", key, what);
}

/* the member under either spelling, and which one it was; null is none */
static const json_t *member(const json_t *obj, const char *snake,
			    const char *camel, const char **key)
{
	const json_t *value = json_object_get(obj, snake);

	*key = value ? snake : camel;
	if (!value)
		value = json_object_get(obj, camel);
	return json_is_null(value) ? NULL : value;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool hex_read(const char *text, uint8_t out[static WGA_KEY_LEN])
{
	size_t i;

	if (strlen(text) != 2 * WGA_KEY_LEN)
		return false;
	for (i = 0; i < WGA_KEY_LEN; i++) {
		int hi = hex_digit(text[2 * i]), lo = hex_digit(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* "nodekey:HEX" or "discokey:HEX"; absent, null and "" leave it zero */
static int read_key(const struct reading *r, const json_t *obj,
		    const char *snake, const char *camel, const char *prefix,
		    uint8_t out[static WGA_KEY_LEN])
{
	const char *key, *text;
	const json_t *value = member(obj, snake, camel, &key);
	size_t skip = strlen(prefix);

	if (!value)
		return 0;
	text = json_string_value(value);
	if (text && !*text)
		return 0;
	if (!text || strncmp(text, prefix, skip) ||
	    !hex_read(text + skip, out)) {
		char what[80];

		snprintf(what, sizeof(what),
			 "is not \"%s\" and 64 hexadecimal digits", prefix);
		return node_error(r, key, what);
	}
	return 0;
}

static int read_addresses(const struct reading *r, const json_t *obj,
			  struct wga_node *node)
{
	const char *key;
	const json_t *list = member(obj, "ip_addresses", "ipAddresses", &key);
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return node_error(r, key, "is not a list of addresses");
	for (i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		struct wga_addr addr;

		if (!text || wga_addr_parse(text, &addr, NULL) < 0)
			return node_error(r, key, "holds what is no IP address");
		add_overlay(node, &addr);
	}
	return 0;
}

static int read_name(const struct reading *r, const json_t *obj,
		     struct wga_node *node)
{
	const char *key;
	const json_t *given = member(obj, "given_name", "givenName", &key);

	if (given && !json_is_string(given))
		return node_error(r, key, "is not a string");
	if (!given || !json_string_length(given))
		given = member(obj, "name", "name", &key);
	if (given && !json_is_string(given))
		return node_error(r, key, "is not a string");
	if (given && json_string_length(given))
		snprintf(node->name, sizeof(node->name), "%s",
			 json_string_value(given));
	else
		snprintf(node->name, sizeof(node->name), "node %zu", r->index);
	return 0;
}

static int read_node(struct reading *r, const json_t *obj,
		     struct wga_node *node)
{
	*node = (struct wga_node){ 0 };
	if (!json_is_object(obj))
		return node_error(r, "entry", "is not an object");
	if (read_name(r, obj, node) < 0)
		return -1;
	r->name = node->name;
	if (read_key(r, obj, "node_key", "nodeKey", "nodekey:",
		     node->node_key) < 0 ||
	    read_key(r, obj, "disco_key", "discoKey", "discokey:",
		     node->disco_key) < 0)
		return -1;
	return read_addresses(r, obj, node);
}

static int read_nodes(struct wga_registry *reg, const json_t *list,
		      const char *file, struct wga_err *err)
{
	size_t i, keys = 0;

	for (i = 0; i < json_array_size(list); i++) {
		struct reading r = {
			.file = file, .index = i + 1, .name = "", .err = err,
		};
		struct wga_node node;

		if (read_node(&r, json_array_get(list, i), &node) < 0)
			return -1;
		if (add_node(reg, &node) < 0)
			return wga_err_set(err, "out-of-memory",
					   "%s: out of memory", file);
		keys += key_is_set(node.node_key);
	}
	if (!keys)
		return wga_err_set(err, "bad-registry",
				   "%s: no node with a node key in it; it should be the output of `headscale nodes list -o json`",
				   file);
	return 0;
}

int wga_registry_parse(struct wga_registry **reg, const char *text, size_t len,
		       const char *name, struct wga_err *err)
{
	__attribute__((cleanup(registry_cleanup))) struct wga_registry *fresh = NULL;
	__attribute__((cleanup(json_cleanup))) json_t *root = NULL;
	const json_t *list;
	json_error_t where;

	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return wga_err_set(err, "bad-registry", "%s line %d: %s", name,
				   where.line, where.text);
	list = json_is_object(root) ? json_object_get(root, "nodes") : root;
	if (!json_is_array(list))
		return wga_err_set(err, "bad-registry",
				   "%s line 1: neither a list of nodes nor an object with \"nodes\"; it should be the output of `headscale nodes list -o json`",
				   name);

	fresh = registry_copy(*reg);
	if (!fresh)
		return wga_err_set(err, "out-of-memory", "%s: out of memory",
				   name);
	if (read_nodes(fresh, list, name, err) < 0)
		return -1;
	disco_settle(fresh);
	wga_registry_free(*reg);
	*reg = fresh;
	fresh = NULL;
	return 0;
}

static int file_error(const char *path, struct wga_err *err)
{
	return wga_err_set(err, errno == ENOENT ? "no-such-file" :
			   "unreadable-file", "%s: %s", path, strerror(errno));
}

/* all of an open file; the caller frees *text also after an error */
static int file_read(FILE *f, const char *path, char **text, size_t *len,
		     struct wga_err *err)
{
	size_t room = 0, n;
	char *grown;

	*len = 0;
	do {
		if (*len == FILE_MAX)
			return wga_err_set(err, "bad-registry",
					   "%s: larger than any registry", path);
		if (*len == room) {
			room = room ? room * 2 : 65536;
			grown = realloc(*text, room);
			if (!grown)
				return wga_err_set(err, "out-of-memory",
						   "%s: out of memory", path);
			*text = grown;
		}
		errno = 0;
		n = fread(*text + *len, 1, room - *len, f);
		*len += n;
	} while (n);
	return ferror(f) ? file_error(path, err) : 0;
}

int wga_registry_load(struct wga_registry **reg, const char *path,
		      struct wga_err *err)
{
	__attribute__((cleanup(text_cleanup))) char *text = NULL;
	FILE *f = fopen(path, "re");
	size_t len;
	int ret;

	if (!f)
		return file_error(path, err);
	ret = file_read(f, path, &text, &len, err);
	fclose(f);
	if (ret < 0)
		return -1;
	return wga_registry_parse(reg, text, len, path, err);
}

size_t wga_registry_count(const struct wga_registry *reg)
{
	return reg->n_nodes;
}

const struct wga_node *wga_registry_node(const struct wga_registry *reg, size_t i)
{
	return &reg->nodes[i];
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
	return reg ? wga_mac1_find(reg->mac1, reg->n_nodes, msg, len) : -1;
}
