/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/yaml.h"

/* nothing that is read here is this large: a wrong file, or an endless one; and
 * libyaml takes time by the square of what is nested
 */
#define BYTES_MAX	((size_t)32 << 10)
/* of text from the file in an error */
#define QUOTE_MAX	60

static int fail_at(const struct wga_yaml *y, size_t line, const char *place,
		   struct wga_err *err, const char *text)
{
	return wga_err_set(err, y->code, "%s:%zu: %s%s%s", y->path, line, place,
			   *place ? ": " : "", text);
}

int wga_yaml_fail(const struct wga_yaml_value *v, struct wga_err *err,
		  const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail_at(v->yaml, v->line, v->place, err, text);
}

static int out_of_memory(struct wga_err *err)
{
	return wga_err_set(err, "out-of-memory", "out of memory");
}

static int parser_fail(const struct wga_yaml *y, const yaml_parser_t *parser,
		       struct wga_err *err)
{
	char text[200];

	if (parser->error == YAML_MEMORY_ERROR)
		return out_of_memory(err);
	snprintf(text, sizeof(text), "this is not YAML: %s%s%s",
		 parser->problem ? parser->problem : "unknown problem",
		 parser->context ? ", " : "",
		 parser->context ? parser->context : "");
	return fail_at(y, parser->problem_mark.line + 1, "", err, text);
}

/* what follows the first document must be the end */
static int parse_end(const struct wga_yaml *y, yaml_parser_t *parser,
		     struct wga_err *err)
{
	yaml_document_t more;
	yaml_node_t *root;
	size_t line;

	if (!yaml_parser_load(parser, &more))
		return parser_fail(y, parser, err);
	root = yaml_document_get_root_node(&more);
	line = more.start_mark.line + 1;
	yaml_document_delete(&more);
	return root ? fail_at(y, line, "", err,
			      "a second document; one is wanted") : 0;
}

static int parse_documents(struct wga_yaml *y, yaml_parser_t *parser,
			   struct wga_err *err)
{
	if (!yaml_parser_load(parser, &y->doc))
		return parser_fail(y, parser, err);
	if (!yaml_document_get_root_node(&y->doc))
		fail_at(y, 1, "", err, "the file is empty");
	else if (parse_end(y, parser, err) == 0)
		return 0;
	yaml_document_delete(&y->doc);
	return -1;
}

int wga_yaml_parse(struct wga_yaml *y, const char *path, const char *code,
		   const void *data, size_t size, struct wga_err *err)
{
	yaml_parser_t parser;
	int ret;

	*y = (struct wga_yaml){ .path = path, .code = code };
	if (size > BYTES_MAX)
		return fail_at(y, 1, "", err, "larger than 32 KiB");
	if (!yaml_parser_initialize(&parser))
		return out_of_memory(err);
	yaml_parser_set_input_string(&parser, data, size);
	ret = parse_documents(y, &parser, err);
	yaml_parser_delete(&parser);
	return ret;
}

int wga_yaml_load(struct wga_yaml *y, const char *path, const char *code,
		  struct wga_err *err)
{
	FILE *f = fopen(path, "re");
	char *data = NULL;
	size_t size;
	int ret;

	if (!f)
		return wga_err_set(err, errno == ENOENT ? "no-such-file" :
				   "unreadable-file", "%s: %s", path,
				   strerror(errno));
	data = malloc(BYTES_MAX + 1);
	if (!data) {
		fclose(f);
		return out_of_memory(err);
	}
	size = fread(data, 1, BYTES_MAX + 1, f);
	if (ferror(f))
		ret = wga_err_set(err, "unreadable-file", "%s: %s", path,
				  strerror(errno));
	else
		ret = wga_yaml_parse(y, path, code, data, size, err);
	fclose(f);
	free(data);
	return ret;
}

void wga_yaml_free(struct wga_yaml *y)
{
	yaml_document_delete(&y->doc);
}

struct wga_yaml_value wga_yaml_root(struct wga_yaml *y)
{
	yaml_node_t *root = yaml_document_get_root_node(&y->doc);

	return (struct wga_yaml_value){
		.yaml = y, .node = root,
		.line = (unsigned int)root->start_mark.line + 1,
	};
}

/* text of a node that must be a scalar without zero bytes, or NULL */
static const char *scalar(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE ||
	    strlen(text) != node->data.scalar.length)
		return NULL;
	return text;
}

/* the key of a pair, and its value with its place; NULL with @err set */
static const char *pair(const struct wga_yaml_value *v,
			const yaml_node_pair_t *p, struct wga_yaml_value *value,
			struct wga_err *err)
{
	yaml_document_t *doc = &v->yaml->doc;
	yaml_node_t *key = yaml_document_get_node(doc, p->key);
	const char *name = scalar(key);

	*value = *v;
	value->line = (unsigned int)key->start_mark.line + 1;
	if (!name || !*name) {
		wga_yaml_fail(value, err, "wants a key here, as text");
		return NULL;
	}
	snprintf(value->place, sizeof(value->place), "%.*s%s%.*s",
		 QUOTE_MAX, v->place, *v->place ? "." : "", QUOTE_MAX, name);
	value->node = yaml_document_get_node(doc, p->value);
	return name;
}

static int twice(const struct wga_yaml_value *v, const yaml_node_pair_t *at,
		 const struct wga_yaml_value *value, const char *name,
		 struct wga_err *err)
{
	const yaml_node_pair_t *p;

	for (p = v->node->data.mapping.pairs.start; p < at; p++) {
		const yaml_node_t *key =
			yaml_document_get_node(&v->yaml->doc, p->key);

		if (strcmp(scalar(key), name) == 0)
			return wga_yaml_fail(value, err,
					     "was given in line %zu already",
					     key->start_mark.line + 1);
	}
	return 0;
}

static const char *kind(const struct wga_yaml_value *v)
{
	switch (v->node->type) {
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a mapping";
	default:
		return "one value";
	}
}

int wga_yaml_names(const struct wga_yaml_value *v,
		   int (*set)(void *own, const char *name,
			      const struct wga_yaml_value *v,
			      struct wga_err *err),
		   void *own, struct wga_err *err)
{
	const yaml_node_pair_t *p;
	struct wga_yaml_value value;
	const char *name;

	if (v->node->type != YAML_MAPPING_NODE)
		return wga_yaml_fail(v, err,
				     "wants a mapping, KEY: VALUE, not %s",
				     kind(v));
	for (p = v->node->data.mapping.pairs.start;
	     p < v->node->data.mapping.pairs.top; p++) {
		name = pair(v, p, &value, err);
		if (!name || twice(v, p, &value, name, err) < 0 ||
		    set(own, name, &value, err) < 0)
			return -1;
	}
	return 0;
}

/**
 * struct fields - a mapping of known keys that is being read
 * @seen:	by field
 */
struct fields {
	const struct wga_yaml_field *field;
	size_t n;
	void *own;
	uint64_t seen;
};

static int unknown_key(const struct fields *f, const struct wga_yaml_value *v,
		       struct wga_err *err)
{
	char known[240] = "";
	size_t i, used = 0;

	for (i = 0; i < f->n && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used,
					 "%s%s", i ? ", " : "",
					 f->field[i].name);
	return wga_yaml_fail(v, err, "unknown key; known here: %s", known);
}

static int set_field(void *own, const char *name,
		     const struct wga_yaml_value *v, struct wga_err *err)
{
	struct fields *f = own;
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (strcmp(f->field[i].name, name) == 0) {
			f->seen |= UINT64_C(1) << i;
			return f->field[i].set(f->own, v, err);
		}
	}
	return unknown_key(f, v, err);
}

int wga_yaml_fields(const struct wga_yaml_value *v,
		    const struct wga_yaml_field *fields, size_t n, void *own,
		    struct wga_err *err)
{
	struct fields f = { .field = fields, .n = n, .own = own };
	size_t i;

	if (wga_yaml_names(v, set_field, &f, err) < 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (fields[i].required && !(f.seen & UINT64_C(1) << i))
			return wga_yaml_fail(v, err, "%s is missing",
					     fields[i].name);
	}
	return 0;
}

int wga_yaml_list(const struct wga_yaml_value *v,
		  int (*set)(void *own, const struct wga_yaml_value *v,
			     struct wga_err *err),
		  void *own, struct wga_err *err)
{
	struct wga_yaml_value item = *v;
	const yaml_node_item_t *i;

	if (v->node->type != YAML_SEQUENCE_NODE)
		return wga_yaml_fail(v, err, "wants a list, not %s", kind(v));
	for (i = v->node->data.sequence.items.start;
	     i < v->node->data.sequence.items.top; i++) {
		item.node = yaml_document_get_node(&v->yaml->doc, *i);
		item.line = (unsigned int)item.node->start_mark.line + 1;
		if (set(own, &item, err) < 0)
			return -1;
	}
	return 0;
}

/* nothing, or one of the words that YAML has for that */
static bool is_null(const yaml_node_t *node, const char *text)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	size_t i;

	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

const char *wga_yaml_text(const struct wga_yaml_value *v, struct wga_err *err)
{
	const char *text;

	if (v->node->type != YAML_SCALAR_NODE) {
		wga_yaml_fail(v, err, "wants one value, not %s", kind(v));
		return NULL;
	}
	text = scalar(v->node);
	if (!text)
		wga_yaml_fail(v, err, "holds a zero byte");
	else if (is_null(v->node, text))
		wga_yaml_fail(v, err, "has no value");
	else
		return text;
	return NULL;
}

int wga_yaml_copy(const struct wga_yaml_value *v, char *buf, size_t size,
		  struct wga_err *err)
{
	const char *text = wga_yaml_text(v, err);

	if (!text)
		return -1;
	if (strlen(text) >= size)
		return wga_yaml_fail(v, err,
				     "\"%.*s...\" is too long, at most %zu characters",
				     QUOTE_MAX, text, size - 1);
	strcpy(buf, text);
	return 0;
}

int wga_yaml_number(const struct wga_yaml_value *v, unsigned int min,
		    unsigned int max, unsigned int *out, struct wga_err *err)
{
	const char *text = wga_yaml_text(v, err);
	size_t digits;
	unsigned long n;

	if (!text)
		return -1;
	digits = strspn(text, "0123456789");
	n = digits && digits < 10 && !text[digits] ? strtoul(text, NULL, 10) :
						     ULONG_MAX;
	if (n < min || n > max)
		return wga_yaml_fail(v, err,
				     "wants a number from %u to %u, not \"%.*s\"",
				     min, max, QUOTE_MAX, text);
	*out = (unsigned int)n;
	return 0;
}

int wga_yaml_word(const struct wga_yaml_value *v, const char *const *words,
		  size_t n, unsigned int *out, struct wga_err *err)
{
	const char *text = wga_yaml_text(v, err);
	char known[160] = "";
	size_t i, used = 0;

	if (!text)
		return -1;
	for (i = 0; i < n; i++) {
		if (strcmp(words[i], text) == 0) {
			*out = (unsigned int)i;
			return 0;
		}
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used,
						 sizeof(known) - used, "%s%s",
						 i ? ", " : "", words[i]);
	}
	return wga_yaml_fail(v, err, "wants one of %s, not \"%.*s\"", known,
			     QUOTE_MAX, text);
}
