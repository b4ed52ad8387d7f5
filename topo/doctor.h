/* SPDX-License-Identifier: MIT */
#ifndef WGA_DOCTOR_H
#define WGA_DOCTOR_H

#include <stddef.h>
#include <stdint.h>

#include "capture/err.h"
#include "topo/topology.h"

/*
 * Theory of operation
 *
 * What this machine lacks for each command. Files of /proc and the like are
 * read; what only shows when it is tried (bridges, nftables, netem, tun) is
 * tried by a child in a network namespace that ends with it, so the machine's
 * own links and rules are never touched. Whatever could hang (a file system, a
 * daemon) is asked by a child too, which is killed when its time is over: that
 * is then what is told.
 */

/* what needs it */
enum {
	WGA_NEED_CAPTURE = 1U << 0,
	WGA_NEED_NAMESPACES = 1U << 1,	/* topo --backend namespaces */
	WGA_NEED_LIBVIRT = 1U << 2,	/* topo --backend libvirt */
	WGA_NEED_FAULTS = 1U << 3,	/* link, flap, partition */
	WGA_NEED_LOSS = 1U << 4,
	WGA_NEED_ALL = (1U << 5) - 1,
};

enum wga_health {
	WGA_HEALTH_OK,
	WGA_HEALTH_WARNING,	/* works, but not as well, or needs a look */
	WGA_HEALTH_MISSING,	/* what needs it cannot work */
};

/**
 * struct wga_finding - one prerequisite
 * @name:	stable word, "kvm"
 * @needs:	WGA_NEED_* that need it
 * @text:	what is there, or not
 * @mend:	what to do, "" if there is nothing to do
 */
struct wga_finding {
	char name[32];
	enum wga_health health;
	unsigned int needs;
	char text[240];
	char mend[200];
};

#define WGA_FINDINGS_MAX	64

struct wga_findings {
	struct wga_finding list[WGA_FINDINGS_MAX];
	size_t n;
};

/**
 * struct wga_doctor - what to examine
 * @root:	put before /proc, /run and /dev, for tests; "" is this machine
 * @topo:	whose subnets, memory and services are wanted
 * @uri:	libvirt connection, or ""
 * @needs:	WGA_NEED_*: examine what these need
 * @limit_ms:	for each thing that could hang
 */
struct wga_doctor {
	const char *root;
	const struct wga_topology *topo;
	const char *uri;
	unsigned int needs;
	unsigned int limit_ms;
};

/* examine all of it, in a fixed order */
void wga_doctor_examine(const struct wga_doctor *d, struct wga_findings *out);

/* "ok", "warning", "missing" */
const char *wga_health_name(enum wga_health health);

/* the word for the lowest WGA_NEED_* in @needs, which is taken out; or NULL */
const char *wga_need_next(unsigned int *needs);

#endif /* WGA_DOCTOR_H */
