/* SPDX-License-Identifier: MIT */
#ifndef WGA_NAMESPACES_INTERNAL_H
#define WGA_NAMESPACES_INTERNAL_H

#include <sys/types.h>

#include "topo/mesh.h"

/*
 * Theory of operation
 *
 * Two kinds of namespaces, all of them named under /run/netns as `ip netns`
 * names them: wga-MESH-net holds the bridges and routes between them;
 * wga-MESH-HOST is a host's. A host also has mount, PID, UTS and IPC namespaces
 * of its own and a first process (namespaces_init.c) that runs its services;
 * when that ends, the kernel ends everything else in the host.
 *
 * Nothing is ever changed outside: links, addresses, rules and sysctls are set
 * by threads that have entered a namespace of ours, mounts are made by the
 * first process in its own mount namespace. What exists outside are the names
 * under /run/netns, which follow from the topology, and the first processes,
 * which hold a lock on a file in the state directory: who holds it is the first
 * process, and whoever does not is not, so no process id is ever written down
 * and none can be mistaken. A first process changes nothing before it is told
 * to go, and ends if who made it is gone by then.
 *
 * In the state directory, for each host:
 *
 *	hosts/HOST/init		the lock
 *	hosts/HOST/control	socket of the first process
 *	hosts/HOST/log		what its services say
 *	hosts/HOST/etc, var-lib	its /etc and /var/lib, kept over reboots
 *	hosts/HOST/services	names of services to start at boot
 */

#define WGA_NS_PATH	256

/* state directory's path for a host: @buf of WGA_NS_PATH bytes */
const char *wga_ns_host_path(const struct wga_mesh *m,
			     const struct wga_topo_host *host, const char *name,
			     char buf[static WGA_NS_PATH]);

/* file that names a namespace, of the networks if @host is NULL */
const char *wga_ns_name_path(const struct wga_mesh *m,
			     const struct wga_topo_host *host,
			     char buf[static WGA_NS_PATH]);

/* the namespace of that name: descriptor, or -1 if there is none */
int wga_ns_open(const struct wga_mesh *m, const struct wga_topo_host *host);

/* take a name away; fine if there is none */
int wga_ns_unname(const struct wga_mesh *m, const struct wga_topo_host *host,
		  struct wga_err *err);

/**
 * wga_ns_within() - call a function on a thread that is in a network namespace
 * @fd:		the namespace; -1: a new one
 * @fn:		returns 0, or -1 with @err set
 *
 * It is not called if the namespace could not be entered.
 */
int wga_ns_within(int fd, int (*fn)(void *arg, struct wga_err *err), void *arg,
		  struct wga_err *err);

/* namespaces_net.c */
int wga_ns_networks_make(const struct wga_mesh *m, struct wga_err *err);
int wga_ns_link_make(const struct wga_mesh *m, const struct wga_topo_host *host,
		     struct wga_err *err);
/* The kernel removes it with the host's namespace, but some time later. */
int wga_ns_link_remove(const struct wga_mesh *m,
		       const struct wga_topo_host *host, struct wga_err *err);

/* name of a host's port on its bridge; @buf of 16 bytes */
const char *wga_ns_port(const struct wga_mesh *m,
			const struct wga_topo_host *host, char buf[static 16]);

/* namespaces_host.c: the first process, as a pidfd and in @pid, or -1 */
int wga_ns_init_open(const struct wga_mesh *m, const struct wga_topo_host *host,
		     pid_t *pid);
int wga_ns_host_start(struct wga_mesh *m, const struct wga_topo_host *host,
		      struct wga_err *err);
int wga_ns_host_stop(struct wga_mesh *m, const struct wga_topo_host *host,
		     enum wga_stop how, struct wga_err *err);
/* end all processes in the networks' namespace, kindly first */
void wga_ns_net_clear(const struct wga_mesh *m);

/* namespaces_run.c */
int wga_ns_run(struct wga_mesh *m, const struct wga_topo_host *host,
	       struct wga_command_run *run, struct wga_err *err);
int wga_ns_copy(struct wga_mesh *m, const struct wga_topo_host *host,
		const char *path, const void *data, size_t len,
		unsigned int mode, struct wga_err *err);
int wga_ns_service(struct wga_mesh *m, const struct wga_topo_host *host,
		   const char *name, enum wga_service_verb verb,
		   struct wga_err *err);

/* the environment of commands and services in a host: free() it, once */
char **wga_ns_environment(bool in_host);

/* namespaces_init.c: descriptors that the first process is started with; files
 * that it writes are opened before it makes the machine's filesystem read-only
 */
enum {
	WGA_NS_FD_PARENT = 3,	/* socket to who made it */
	WGA_NS_FD_LOCK,
	WGA_NS_FD_LOG,
	WGA_NS_FD_SERVICES,	/* directory */
	WGA_NS_FD_END
};

/* where a host sees its own programs and the machine's /etc */
#define WGA_NS_BIN	"/run/wgaudit/bin"
#define WGA_NS_ETC	"/run/wgaudit/etc"

#endif /* WGA_NAMESPACES_INTERNAL_H */
