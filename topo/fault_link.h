/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_LINK_H
#define WGA_FAULT_LINK_H

#include "topo/fault.h"

/**
 * wga_fault_link_near() - the host side of a port
 * @l:		filled, with what would be lost if it went down
 * @err:	"already-down" and what wga_fault_link_read() says
 */
int wga_fault_link_near(const struct wga_fault_ns *ns,
			const struct wga_fault_port *p,
			struct wga_fault_link *l, struct wga_err *err);

/**
 * wga_fault_link_far() - the host's own end of a port: the other end of a veth,
 * or the network card of a libvirt domain
 * @uri:	of libvirt
 * @err:	as above, and "no-far-end" if there is neither, or it is in a
 *		namespace that cannot be seen
 */
int wga_fault_link_far(const struct wga_fault_ns *ns, const char *uri,
		       const struct wga_fault_port *p,
		       struct wga_fault_link *l, struct wga_err *err);

/**
 * wga_fault_link_set() - take a link down, or up with what it has lost
 * @err:	"netlink"
 *
 * A link that is not there any more, or another of its name, is left alone;
 * that is no error.
 */
int wga_fault_link_set(const struct wga_fault_link *l, bool up,
		       struct wga_err *err);

/* are they the same link? */
bool wga_fault_link_same(const struct wga_fault_link *a,
			 const struct wga_fault_link *b);

/**
 * wga_fault_link_frames() - frames that have come in by a port
 *
 * Return: 0, or -1 with @err set ("no-such-port").
 */
int wga_fault_link_frames(const struct wga_fault_ns *ns,
			  const struct wga_fault_port *p, uint64_t *frames,
			  struct wga_err *err);

/**
 * struct wga_link_watch - sees the state of a link change
 * @sock:	hears the link events of its namespace
 * @index:	the link
 * @carrier:	it had carrier when the watch began, so it will have it again
 */
struct wga_link_watch {
	struct nl_sock *sock;
	const struct wga_fault_link *link;
	bool carrier;
};

int wga_link_watch_open(struct wga_link_watch *w,
			const struct wga_fault_link *l, struct wga_err *err);
void wga_link_watch_close(struct wga_link_watch *w);

/* forget the events that have been heard so far */
void wga_link_watch_drain(struct wga_link_watch *w);

/**
 * wga_link_watch_wait() - wait until the link's event has come
 * @up:		up and able to carry frames, or down
 * @ms:		how long
 * @at:		when it came
 *
 * Return: true if it came.
 */
bool wga_link_watch_wait(struct wga_link_watch *w, bool up, int ms,
			 struct wga_fault_time *at);

#endif /* WGA_FAULT_LINK_H */
