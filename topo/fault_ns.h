/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_NS_H
#define WGA_FAULT_NS_H

#include "topo/fault.h"

/**
 * wga_fault_ns_open() - open a network namespace that is known by its cookie
 * @ns:		@path is tried first, then this process's own, those that are
 *		named, and those of all processes; the cookie decides
 *
 * Return: descriptor, or -1 if there is none any more (or none to be seen).
 */
int wga_fault_ns_open(const struct wga_fault_ns *ns);

/**
 * wga_fault_ns_find() - know a network namespace
 * @ns:		filled
 * @path:	of its file, "" for the one that this process is in
 * @err:	"no-such-netns"
 */
int wga_fault_ns_find(struct wga_fault_ns *ns, const char *path,
		      struct wga_err *err);

/**
 * wga_fault_ns_call() - call a function within a namespace
 * @fn:		returns 0, or -1 with @err set
 * @err:	"netns-gone" if the namespace is not there any more
 */
int wga_fault_ns_call(const struct wga_fault_ns *ns,
		      int (*fn)(void *arg, struct wga_err *err), void *arg,
		      struct wga_err *err);

/**
 * wga_fault_ns_each() - all network namespaces that can be seen
 * @fn:		gets a descriptor and the path it was opened by ("" if that is
 *		no lasting name); true ends the search
 *
 * Namespaces come more than once if they have several names or processes.
 *
 * Return: true if @fn ended it.
 */
bool wga_fault_ns_each(bool (*fn)(void *arg, int fd, const char *path),
		       void *arg);

#endif /* WGA_FAULT_NS_H */
