/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Reads what `headscale nodes list -o json` prints, in both spellings. A load
 * builds a new registry out of the old one's nodes and the file's, and takes
 * the old one's place only when all went well.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/registry_internal.h"

/* a node takes about 1200 bytes of JSON */
#define FILE_MAX	((size_t)64 << 20)

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

/* "nodekey:HEX", "discokey:HEX" or "mkey:HEX"; absent, null and "" leave it zero */
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
		wga_node_overlay(node, &addr);
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

/* a number, or since 0.30 a string; without one the node just has none */
static void read_id(const json_t *obj, struct wga_node *node)
{
	const json_t *id = json_object_get(obj, "id");

	if (json_is_integer(id))
		snprintf(node->id, sizeof(node->id), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(id));
	else if (json_is_string(id) &&
		 json_string_length(id) < sizeof(node->id))
		snprintf(node->id, sizeof(node->id), "%s",
			 json_string_value(id));
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
		     node->disco_key) < 0 ||
	    read_key(r, obj, "machine_key", "machineKey", "mkey:",
		     node->machine_key) < 0)
		return -1;
	read_id(obj, node);
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
		if (wga_registry_add(reg, &node) < 0)
			return wga_err_set(err, "out-of-memory",
					   "%s: out of memory", file);
		keys += wga_key_is_set(node.node_key);
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

	fresh = wga_registry_copy(*reg);
	if (!fresh)
		return wga_err_set(err, "out-of-memory", "%s: out of memory",
				   name);
	if (read_nodes(fresh, list, name, err) < 0)
		return -1;
	wga_registry_settle(fresh);
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
