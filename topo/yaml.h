/* SPDX-License-Identifier: MIT */
#ifndef WGA_YAML_H
#define WGA_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "capture/err.h"

/*
 * Theory of operation
 *
 * A YAML file of known form as a tree of values, each of which knows its place:
 * the path of keys that leads to it and the line it stands on. Every error is
 * "FILE:LINE: hosts.vm-a.role: what is wrong". A mapping of known keys is read
 * by a table of fields; keys that are not in it, and keys given twice, are
 * errors. The tree is walked as deep as the caller's form goes and no deeper,
 * so a file that refers to itself by aliases is harmless.
 */

#define WGA_YAML_PLACE_MAX	128

/**
 * struct wga_yaml - a file that was read
 * @path:	for errors; not owned
 * @code:	code of errors of its contents
 */
struct wga_yaml {
	const char *path, *code;
	yaml_document_t doc;
};

/**
 * struct wga_yaml_value - a value of it
 * @place:	"hosts.vm-a.role", "" for the whole file
 * @line:	from 1, of its key, or of itself in a list
 */
struct wga_yaml_value {
	struct wga_yaml *yaml;
	yaml_node_t *node;
	char place[WGA_YAML_PLACE_MAX];
	unsigned int line;
};

/**
 * struct wga_yaml_field - a key of a mapping and what takes its value
 * @set:	0, or -1 with @err set
 */
struct wga_yaml_field {
	const char *name;
	bool required;
	int (*set)(void *own, const struct wga_yaml_value *v,
		   struct wga_err *err);
};

/**
 * wga_yaml_load() - read a file
 * @y:		filled; wga_yaml_free() it unless -1 is returned
 * @path:	must live as long as @y
 * @code:	for errors of the contents; a literal
 * @err:	"no-such-file", "unreadable-file", "out-of-memory" or @code
 *
 * Return: 0, or -1 with @err set.
 */
int wga_yaml_load(struct wga_yaml *y, const char *path, const char *code,
		  struct wga_err *err);

/* the same of bytes in memory, as if they were in the file @path */
int wga_yaml_parse(struct wga_yaml *y, const char *path, const char *code,
		   const void *data, size_t size, struct wga_err *err);
void wga_yaml_free(struct wga_yaml *y);

/* the value that is the whole file */
struct wga_yaml_value wga_yaml_root(struct wga_yaml *y);

/* an error at a value; returns -1 */
int wga_yaml_fail(const struct wga_yaml_value *v, struct wga_err *err,
		  const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/**
 * wga_yaml_fields() - read a mapping of known keys
 * @fields, @n:	each is set at most once, in the order of the file
 * @own:	handed to the setters
 */
int wga_yaml_fields(const struct wga_yaml_value *v,
		    const struct wga_yaml_field *fields, size_t n, void *own,
		    struct wga_err *err);

/* the same of a mapping whose keys are names; the name is the place's last part
 * and handed to @set
 */
int wga_yaml_names(const struct wga_yaml_value *v,
		   int (*set)(void *own, const char *name,
			      const struct wga_yaml_value *v,
			      struct wga_err *err),
		   void *own, struct wga_err *err);

/* a list, item by item */
int wga_yaml_list(const struct wga_yaml_value *v,
		  int (*set)(void *own, const struct wga_yaml_value *v,
			     struct wga_err *err),
		  void *own, struct wga_err *err);

/* the text of a scalar, or NULL with @err set; it lives as long as the file */
const char *wga_yaml_text(const struct wga_yaml_value *v, struct wga_err *err);

/* text that must fit into @buf with its NUL */
int wga_yaml_copy(const struct wga_yaml_value *v, char *buf, size_t size,
		  struct wga_err *err);

/* a whole number from @min to @max, decimal */
int wga_yaml_number(const struct wga_yaml_value *v, unsigned int min,
		    unsigned int max, unsigned int *out, struct wga_err *err);

/* one of @n words: its index goes to @out */
int wga_yaml_word(const struct wga_yaml_value *v, const char *const *words,
		  size_t n, unsigned int *out, struct wga_err *err);

#endif /* WGA_YAML_H */
