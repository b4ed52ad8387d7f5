/* SPDX-License-Identifier: MIT */
#ifndef WGA_POLICY_H
#define WGA_POLICY_H

#include <stddef.h>

#include "capture/err.h"

/*
 * Theory of operation
 *
 * A policy is a YAML file that declares what options can declare: one mapping,
 * its keys named as the options. It is read into a list of entries, each an
 * option and the argument that the command line would have for it, with the
 * line it stands on. The setters of the options then take the arguments, so
 * what a value must look like is known in one place, and so are the keys: the
 * reader is told which there are.
 *
 * What is wrong is gathered, not told one by one: faults of the file, and
 * those that the setters find.
 */

/**
 * struct wga_policy_key - a key that a policy may have
 * @name:	of the option, and the key
 * @arg:	what its argument is called; NULL if it takes none: true or false
 * @flags:	WGA_OPTION_*
 */
struct wga_policy_key {
	const char *name, *arg;
	unsigned int flags;
};

/**
 * struct wga_policy_entry - something declared
 * @key:	index of its key
 * @value:	argument of the option; "true" or "false" where it takes none
 * @line:	where it stands, from 1
 */
struct wga_policy_entry {
	size_t key;
	char *value;
	unsigned int line;
};

/**
 * struct wga_policy_fault - something wrong
 * @key:	of the entry, or "" if there is none
 */
struct wga_policy_fault {
	unsigned int line;
	char code[32], key[64], text[400];
};

struct wga_policy {
	char *path;
	struct wga_policy_entry *entries;
	size_t n_entries;
	struct wga_policy_fault *faults;
	size_t n_faults;
};

/**
 * wga_policy_load() - read a policy
 * @p:		filled, also after -1; wga_policy_free() it
 * @path:	the file; relative paths in it are relative to its directory
 * @keys, @n:	what can be declared
 * @err:	"no-such-file", "read-failed", "out-of-memory"
 *
 * Return: 0, with what is wrong in p->faults; or -1 with @err set.
 */
int wga_policy_load(struct wga_policy *p, const char *path,
		    const struct wga_policy_key *keys, size_t n,
		    struct wga_err *err);

/* the same of bytes in memory, as if they were in the file @path */
int wga_policy_parse(struct wga_policy *p, const char *path, const void *data,
		     size_t size, const struct wga_policy_key *keys, size_t n,
		     struct wga_err *err);

/**
 * wga_policy_refuse() - note that a setter refused an entry
 * @name:	of its option
 * @why:	the setter's error
 *
 * Return: 0, or -1 when out of memory.
 */
int wga_policy_refuse(struct wga_policy *p, const struct wga_policy_entry *e,
		      const char *name, const struct wga_err *why);

/* "FILE:LINE: KEY: TEXT" of a fault, into @err; returns -1 */
int wga_policy_fault_err(const struct wga_policy *p, size_t i,
			 struct wga_err *err);

void wga_policy_free(struct wga_policy *p);

#endif /* WGA_POLICY_H */
