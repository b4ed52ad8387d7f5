/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_H
#define WGA_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/addr.h"
#include "capture/err.h"
#include "topo/topology.h"

/*
 * Theory of operation
 *
 * A fault is put on ports, the host sides of the links that hosts hang on, and
 * needs no help from the hosts. There are two sorts, by what heals them:
 *
 * - Rules of nftables stand in a table that its process owns: when the process
 *   ends, however it ends, the kernel removes them.
 * - The state of a link and its queueing stay when the process is gone. What
 *   they were before is written to the journal (fault_journal.h) and is on the
 *   disk before anything is changed.
 *
 * Every fault is in the journal, whatever its sort, with the process that holds
 * it. A fault whose process is gone is an orphan: the next command that reads
 * the journal undoes it. Undoing is setting things to what they were, so it can
 * be begun again wherever it was cut short.
 *
 * Several faults can hold one link down. The journal is the count: a link goes
 * up when the last fault is healed that holds it, whichever that is, and to the
 * state that the first one found.
 *
 * The parts: fault_target.c finds ports, fault_link.c sets the state of links
 * and sees it change, fault_rules.c writes rules and reads their counters,
 * fault_qdisc.c delays, fault_place.c puts a fault in its place and takes it
 * away, fault_journal.c remembers.
 */

#define WGA_FAULT_PORTS_MAX	WGA_TOPO_HOSTS_MAX
#define WGA_FAULT_LINKS_MAX	(2 * WGA_FAULT_PORTS_MAX)
#define WGA_FAULT_ROUTES_MAX	32
#define WGA_FAULT_NAME_MAX	80

enum wga_fault_command {
	WGA_FAULT_LINK,
	WGA_FAULT_FLAP,
	WGA_FAULT_PARTITION,
	WGA_FAULT_LOSS,
	WGA_FAULT_COMMANDS
};

/* how a link is taken down; partition and loss are WGA_FAULT_DROP */
enum wga_fault_kind {
	WGA_FAULT_TAP,		/* host side down */
	WGA_FAULT_CARRIER,	/* the host's own end down */
	WGA_FAULT_DROP,		/* frames vanish */
	WGA_FAULT_REJECT,	/* packets are answered by ICMP */
	WGA_FAULT_KINDS
};

enum wga_fault_protocol {
	WGA_FAULT_ANY,
	WGA_FAULT_UDP,
	WGA_FAULT_TCP,
	WGA_FAULT_ICMP,
	WGA_FAULT_PROTOCOLS
};

/* their words, on the command line and in the journal */
extern const char *const wga_fault_commands[WGA_FAULT_COMMANDS];
extern const char *const wga_fault_kinds[WGA_FAULT_KINDS];
extern const char *const wga_fault_protocols[WGA_FAULT_PROTOCOLS];

/* index of @word among @n words, or -1 */
int wga_fault_word(const char *const *words, size_t n, const char *word);

/**
 * struct wga_fault_ns - a network namespace
 * @path:	file that names it, or "" if it has none that is known
 * @cookie:	the kernel's number for it, used once per boot
 */
struct wga_fault_ns {
	char path[128];
	uint64_t cookie;
};

/**
 * struct wga_fault_port - where a host hangs on its bridge
 * @host:	its name, or that of the port if it has none
 * @link, @index:	the port
 * @bridge:	the bridge that it is on
 * @mac:	of the host, all zero if not known
 * @addr:	of the host, all zero if not known
 * @group:	of a partition, 0 or 1
 */
struct wga_fault_port {
	char host[WGA_TOPO_NAME_MAX];
	char link[16];
	char bridge[16];
	unsigned int index;
	uint8_t mac[6];
	struct wga_addr addr;
	unsigned int group;
};

/**
 * struct wga_fault_route - a route that the kernel forgets with its link
 * @family:	AF_INET or AF_INET6
 * @to, @prefix:	where to; @via, @source: all zero if there are none
 * @table, @protocol, @scope, @flags:	as in rtnetlink(7); flags of the hop
 * @metric:	its priority
 */
struct wga_fault_route {
	int family;
	struct wga_addr to, via, source;
	unsigned int prefix, table, protocol, scope, flags;
	uint32_t metric;
};

/* an address of IPv6; @flags: IFA_F_* that it was given */
struct wga_fault_address {
	struct wga_addr addr;
	unsigned int prefix, flags;
};

/**
 * struct wga_fault_link - a link that a fault takes down, as it was before
 * @ns, @link, @index:	where it is
 * @domain, @uri:	UUID of the libvirt domain whose card on @link it is, or "":
 *		then it is @link itself
 * @routes:	those through it that do not come back by themselves
 * @addrs:	addresses of IPv6 that do not either
 */
struct wga_fault_link {
	struct wga_fault_ns ns;
	char link[16];
	unsigned int index;
	char domain[40], uri[256];
	struct wga_fault_route routes[WGA_FAULT_ROUTES_MAX];
	size_t n_routes;
	struct wga_fault_address addrs[WGA_FAULT_ROUTES_MAX];
	size_t n_addrs;
};

/**
 * struct wga_fault - a fault, as it is in the journal
 * @name:	tells it from others
 * @what:	the command that put it
 * @mesh:	that its hosts belong to, or ""
 * @uri:	of libvirt, "" for its own choice
 * @ns:		where its ports are
 * @ports:	what it is on
 * @one_way:	partition: from group 0 to group 1 alone
 * @isolate:	partition: group 0 from everything
 * @control:	control server that stays reachable, all zero if none
 * @loss:	in units of 0.01 %, to 10000
 * @delay_us:	microseconds, 0: none
 * @rate:	bytes a second, 0: as fast as can be
 * @duration_ms:	how long, 0: until it is healed; of a flap: each time down
 * @up_ms, @jitter_ms, @count, @seed:	flap, see fault_schedule.h
 * @pid, @started:	who holds it; clock ticks from boot to its start
 * @detached:	its end is kept for who asks later
 * @began_ms:	wall clock, since the epoch
 * @began_mono_ms:	CLOCK_MONOTONIC
 * @held:	its links are to be down now
 * @links, @n_links:	links of which it sets the state, as they were; allocated
 */
struct wga_fault {
	char name[WGA_FAULT_NAME_MAX];
	enum wga_fault_command what;
	enum wga_fault_kind kind;
	char mesh[9];
	char uri[256];
	struct wga_fault_ns ns;
	struct wga_fault_port ports[WGA_FAULT_PORTS_MAX];
	size_t n_ports;
	bool one_way, isolate;
	enum wga_fault_protocol protocol;
	struct wga_addr control;
	unsigned int loss;
	uint64_t delay_us, rate;
	uint64_t duration_ms, up_ms, jitter_ms, count, seed;
	pid_t pid;
	uint64_t started;
	bool detached;
	uint64_t began_ms, began_mono_ms;
	bool held;
	struct wga_fault_link *links;
	size_t n_links;
};

/* has the bytes of an address been set? */
bool wga_fault_has_addr(const struct wga_addr *a);

/* can a link of this name be in rules and in the journal? ASCII without blanks,
 * quotes and slashes
 */
bool wga_fault_link_name(const char *name);

/* does the fault take links down by their state, not by rules? */
bool wga_fault_by_state(const struct wga_fault *f);

/* release @f->links */
void wga_fault_free(struct wga_fault *f);

/* a moment on both clocks, milliseconds */
struct wga_fault_time {
	uint64_t mono_ms, wall_ms;
};

struct wga_fault_time wga_fault_now(void);

/**
 * wga_fault_format() - a fault as JSON text
 *
 * Return: text, release with free(), or NULL without memory.
 */
char *wga_fault_format(const struct wga_fault *f);

/**
 * wga_fault_parse() - read what wga_fault_format() wrote
 * @f:		filled, release with wga_fault_free(); nothing needs to be
 *		released after -1
 * @text, @len:	a journal file, maybe damaged
 * @err:	"bad-journal"
 */
int wga_fault_parse(struct wga_fault *f, const char *text, size_t len,
		    struct wga_err *err);

/**
 * wga_fault_name() - name a fault after what it does: "flap-vm-b"
 * @taken:	is there one of this name?
 */
void wga_fault_name(struct wga_fault *f,
		    bool (*taken)(void *arg, const char *name), void *arg);

#endif /* WGA_FAULT_H */
