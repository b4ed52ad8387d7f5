/* SPDX-License-Identifier: MIT */
#ifndef WGA_MESH_H
#define WGA_MESH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/err.h"
#include "topo/topology.h"

/*
 * Theory of operation
 *
 * A mesh is a topology that a backend has brought up, or is bringing up. What
 * must be known to take it down again is written to its state directory,
 * /run/wgaudit/NAME, before it is done, so that any later process can finish or
 * undo what another began, also after kill -9. Backends make machines and run
 * commands in them; what makes a mesh of machines (CA, Headscale's
 * configuration, keys, joins) is common to all and stands above them
 * (provision.h).
 */
struct wga_mesh;

/* stages of a host on its way up, in order */
enum wga_stage {
	WGA_STAGE_WAITING,
	WGA_STAGE_CREATED,	/* domain defined, namespace there */
	WGA_STAGE_BOOTED,	/* commands can be run */
	WGA_STAGE_SERVING,	/* headscale or tailscaled runs */
	WGA_STAGE_JOINED,	/* client: registered and online */
	WGA_STAGE_READY,
	WGA_STAGE_FAILED,
};

/**
 * struct wga_progress - told while a mesh comes up
 * @stage:	host @host (index into the topology) has reached @stage, @ms
 *		milliseconds after up began; called from any thread, one at a time
 */
struct wga_progress {
	void (*stage)(void *arg, size_t host, enum wga_stage stage, uint64_t ms);
	void *arg;
};

/**
 * struct wga_command_run - a command in a host
 * @argv:	NULL-terminated; argv[0] is looked for in the host's PATH
 * @in, @out, @err:	descriptors that the command gets as they are, or -1: no
 *		input; output and errors are collected
 * @timeout_ms:	0: none; when it is over the command is killed and the run
 *		fails with "timeout"
 * @status:	exit status as wait(2) gives it
 * @output, @output_len:	collected standard output, NUL-terminated, release with
 *		free(); also set when the run fails
 * @errors:	collected standard error, release with free(); likewise
 */
struct wga_command_run {
	const char *const *argv;
	int in, out, err;
	uint64_t timeout_ms;
	int status;
	char *output;
	size_t output_len;
	char *errors;
};

/* Names of services are those of their systemd units: "headscale", "tailscaled",
 * "nginx". What has been started is started again when its host boots.
 */
enum wga_service_verb {
	WGA_SERVICE_START,
	WGA_SERVICE_STOP,
	WGA_SERVICE_RESTART,
	WGA_SERVICE_CHECK,	/* an error if it has failed, or does so again and again */
};

/* how a host is stopped */
enum wga_stop {
	WGA_STOP_ORDERLY,	/* as poweroff does: services end first */
	WGA_STOP_HARD,		/* as if the plug were pulled */
};

/**
 * struct wga_backend - where machines come from
 *
 * All but @name may be called from several threads at once for different hosts,
 * @create, @destroy and @check only from one.
 *
 * @name:	"libvirt" or "namespaces"
 * @check:	is all there that this topology needs on this machine (subnets and
 *		names that are taken, missing programs)? touches nothing
 * @create:	make the networks, then (unless m->networks_only) the hosts, in
 *		parallel, until commands can be run in all of them; repairs what
 *		is missing and leaves alone what is there. Sets made[] of the
 *		hosts that it had to make.
 * @destroy:	remove all that is ours (with m->networks_only: all but the
 *		networks); fine if nothing or half of it is there
 * @start:	boot a host that was stopped, with its state kept; waits until
 *		commands can be run
 * @stop:	stop a host and keep its state
 * @run:	run a command in a host, or with host NULL where the bridges are;
 *		-1 with @err only if it could not be run or took too long
 * @copy:	put a file into a host, directories above it included, replacing
 *		what is there at once (rename)
 * @service:	start, stop, restart or check a service of a host
 * @alive:	is the host there and able to run commands?
 * @log:	the last lines of what the host has logged (serial console or
 *		services), NUL-terminated, release with free(); NULL if nothing
 * @port:	name of the port of its bridge that a host hangs on, or NULL if it
 *		is to be known by the host's MAC, as libvirt's are (fe:...)
 * @netns:	where capture has to listen: name of a network namespace (a path
 *		under /run/netns) or "" for the current one
 */
struct wga_backend {
	const char *name;
	int (*check)(const struct wga_topology *t, struct wga_err *err);
	int (*create)(struct wga_mesh *m, const struct wga_progress *p,
		      struct wga_err *err);
	int (*destroy)(struct wga_mesh *m, struct wga_err *err);
	int (*start)(struct wga_mesh *m, const struct wga_topo_host *host,
		     struct wga_err *err);
	int (*stop)(struct wga_mesh *m, const struct wga_topo_host *host,
		    enum wga_stop how, struct wga_err *err);
	int (*run)(struct wga_mesh *m, const struct wga_topo_host *host,
		   struct wga_command_run *run, struct wga_err *err);
	int (*copy)(struct wga_mesh *m, const struct wga_topo_host *host,
		    const char *path, const void *data, size_t len,
		    unsigned int mode, struct wga_err *err);
	int (*service)(struct wga_mesh *m, const struct wga_topo_host *host,
		       const char *name, enum wga_service_verb verb,
		       struct wga_err *err);
	bool (*alive)(struct wga_mesh *m, const struct wga_topo_host *host);
	char *(*log)(struct wga_mesh *m, const struct wga_topo_host *host,
		     size_t lines);
	const char *(*port)(const struct wga_mesh *m,
			    const struct wga_topo_host *host,
			    char buf[static 16]);
	const char *(*netns)(struct wga_mesh *m);
};

extern const struct wga_backend wga_backend_namespaces;
extern const struct wga_backend wga_backend_libvirt;

/* the backend of this name that this build has, or NULL */
const struct wga_backend *wga_backend_find(const char *name);

/**
 * struct wga_mesh - a mesh that is up, or on its way
 * @topo:	what it is to look like
 * @backend:	where its machines come from
 * @uri:	libvirt connection (libvirt only)
 * @networks_only: up makes no hosts, down leaves the networks; so that a capture
 *		can begin before the first host and end after the last
 * @dir:	state directory; set by wga_mesh_up() and wga_mesh_open()
 * @made:	by host: made anew by the last create()
 * @began_ms:	CLOCK_MONOTONIC when up began, for wga_progress_tell()
 * @cancel:	becomes true when the user wants up to end and roll back, or NULL
 * @lock_fd:	the state directory's lock, or -1
 * @netns:	room for what the backend's netns() returns
 * @priv:	the backend's own
 */
struct wga_mesh {
	struct wga_topology topo;
	const struct wga_backend *backend;
	char uri[256];
	bool networks_only;
	char dir[128];
	bool made[WGA_TOPO_HOSTS_MAX];
	uint64_t began_ms;
	const volatile sig_atomic_t *cancel;
	int lock_fd;
	char netns[64];
	void *priv;
};

/**
 * wga_progress_tell() - for backends: host @host has reached @stage
 * @p:		may be NULL
 *
 * Safe to call from any thread.
 */
void wga_progress_tell(const struct wga_progress *p, const struct wga_mesh *m,
		       const struct wga_topo_host *host, enum wga_stage stage);

/**
 * wga_mesh_up() - bring a mesh up, or repair what is missing of it
 * @m:		@topo, @backend, @uri and @networks_only set, the rest zero
 * @p:		told of each step, or NULL
 * @err:	"mesh-busy" if another process is at it, "other-topology" if a mesh
 *		of this name is up that looks otherwise, and what a backend says
 *
 * Failing half way rolls back what this call made, and @err says at which host
 * and stage, with the last lines of that host's log.
 *
 * Return: 0, or -1 with @err set; wga_mesh_close() in both cases.
 */
int wga_mesh_up(struct wga_mesh *m, const struct wga_progress *p,
		struct wga_err *err);

/* take a mesh down; safe at any time, and when there is none */
int wga_mesh_down(struct wga_mesh *m, struct wga_err *err);

/**
 * wga_mesh_power() - stop a host, start it, or both, with its state kept
 * @m:		from wga_mesh_open()
 * @err:	"mesh-busy", and what the backend says
 *
 * A client that was stopped rejoins by itself when it is started.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_mesh_power(struct wga_mesh *m, const struct wga_topo_host *host,
		   bool stop, enum wga_stop how, bool start,
		   struct wga_err *err);

/**
 * wga_mesh_open() - the mesh of a name that is up (or half up)
 * @m:		filled from the state directory; release with wga_mesh_close()
 * @name:	of the topology
 * @err:	"no-such-mesh", naming those there are
 */
int wga_mesh_open(struct wga_mesh *m, const char *name, struct wga_err *err);
void wga_mesh_close(struct wga_mesh *m);

/**
 * struct wga_host_status - what is known of a host
 * @alive:	commands can be run in it
 * @joined:	Headscale knows a node of its name
 * @online:	Headscale's word
 * @mesh_addr:	mesh address (IPv4), if @joined
 * @version:	of tailscaled, or of headscale on the server; "" if not known
 * @path:	by peer (index of host): "direct", "derp", "relay", "-"
 */
struct wga_host_status {
	bool alive, joined, online;
	struct wga_addr mesh_addr;
	char version[32];
	char path[WGA_TOPO_HOSTS_MAX][8];
};

/* @status: one for each host of the topology */
int wga_mesh_status(struct wga_mesh *m, struct wga_host_status *status,
		    struct wga_err *err);

#endif /* WGA_MESH_H */
