/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <netlink/route/link/veth.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "topo/fault_link.h"
#include "topo/fault_nl.h"
#include "topo/fault_ns.h"
#include "topo/fault_route.h"
#include "topo/fault_vm.h"

/* Return: 0 if the link is still that of @l; 1 if it is gone */
static int get_link(struct nl_sock *s, const struct wga_fault_link *l,
		    struct rtnl_link **out)
{
	if (rtnl_link_get_kernel(s, (int)l->index, NULL, out) < 0)
		return 1;
	if (strcmp(rtnl_link_get_name(*out), l->link) == 0)
		return 0;
	rtnl_link_put(*out);
	*out = NULL;
	return 1;
}

static int read_link(void *arg, struct wga_err *err)
{
	struct wga_fault_link *l = arg;
	NL_SOCK *s = wga_nl_connect(err);
	NL_LINK *link = NULL;

	if (!s)
		return -1;
	if (get_link(s, l, &link))
		return wga_err_set(err, "no-such-port", "no link %s", l->link);
	if (!(rtnl_link_get_flags(link) & IFF_UP))
		return wga_err_set(err, "already-down",
				   "%s is down already, by no fault of wgaudit; ip link set %s up",
				   l->link, l->link);
	return wga_fault_routes_read(s, l, err);
}

int wga_fault_link_near(const struct wga_fault_ns *ns,
			const struct wga_fault_port *p,
			struct wga_fault_link *l, struct wga_err *err)
{
	memset(l, 0, sizeof(*l));
	l->ns = *ns;
	l->index = p->index;
	snprintf(l->link, sizeof(l->link), "%s", p->link);
	return wga_fault_ns_call(ns, read_link, l, err);
}

/* looking for the other end of a veth: @s hears where the port is */
struct far {
	const struct wga_fault_port *port;
	struct wga_fault_link *link;
	struct nl_sock *s;
	int32_t nsid;
	bool here, tap;
};

static int find_far(void *arg, struct wga_err *err)
{
	struct far *f = arg;
	NL_LINK *link = NULL;
	int peer;

	f->s = wga_nl_connect(err);
	if (!f->s)
		return -1;
	if (rtnl_link_get_kernel(f->s, (int)f->port->index, NULL, &link) < 0)
		return wga_err_set(err, "no-such-port", "no link %s",
				   f->port->link);
	peer = rtnl_link_get_link(link);
	f->tap = rtnl_link_get_type(link) &&
		 strcmp(rtnl_link_get_type(link), "tun") == 0;
	if (f->tap)
		return 0;
	if (!rtnl_link_is_veth(link) || peer <= 0)
		return wga_err_set(err, "no-far-end",
				   "%s is neither veth nor tap, so its carrier cannot be taken from here; --kind tap, drop or reject can do without",
				   f->port->link);
	nl_socket_disable_auto_ack(f->s);
	f->here = rtnl_link_get_link_netnsid(link, &f->nsid) < 0;
	f->link->index = (unsigned int)peer;
	return 0;
}

static int take_nsid(struct nl_msg *msg, void *arg)
{
	struct nlattr *a = nlmsg_find_attr(nlmsg_hdr(msg),
					   sizeof(struct rtgenmsg), NETNSA_NSID);

	if (a && nla_len(a) == 4)
		*(int32_t *)arg = nla_get_s32(a);
	return NL_OK;
}

/* the number by which the port's namespace knows that of @fd, or -1 */
static int32_t nsid_of(struct nl_sock *s, int fd)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETNSID, 0);
	struct rtgenmsg g = { .rtgen_family = AF_UNSPEC };
	int32_t nsid = -1;

	if (!msg || nlmsg_append(msg, &g, sizeof(g), NLMSG_ALIGNTO) < 0 ||
	    nla_put_u32(msg, NETNSA_FD, (uint32_t)fd) < 0) {
		nlmsg_free(msg);
		return -1;
	}
	nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, take_nsid, &nsid);
	if (nl_send_auto(s, msg) >= 0)
		nl_recvmsgs_default(s);
	nlmsg_free(msg);
	return nsid;
}

static int name_far(void *arg, struct wga_err *err)
{
	struct wga_fault_link *l = arg;
	NL_SOCK *s = wga_nl_connect(err);
	NL_LINK *link = NULL;

	if (!s)
		return -1;
	if (rtnl_link_get_kernel(s, (int)l->index, NULL, &link) < 0)
		return wga_err_set(err, "no-far-end", "no link %u", l->index);
	snprintf(l->link, sizeof(l->link), "%s", rtnl_link_get_name(link));
	return 0;
}

static bool is_far(void *arg, int fd, const char *path)
{
	struct far *f = arg;
	char by_fd[64];

	if (nsid_of(f->s, fd) != f->nsid)
		return false;
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	if (wga_fault_ns_find(&f->link->ns, by_fd, NULL) < 0)
		return false;
	snprintf(f->link->ns.path, sizeof(f->link->ns.path), "%s", path);
	return true;
}

int wga_fault_link_far(const struct wga_fault_ns *ns, const char *uri,
		       const struct wga_fault_port *p,
		       struct wga_fault_link *l, struct wga_err *err)
{
	struct far f = { p, l, NULL, -1, false, false };
	int ret;

	memset(l, 0, sizeof(*l));
	ret = wga_fault_ns_call(ns, find_far, &f, err);
	if (ret == 0 && f.tap) {
		nl_socket_free(f.s);
		/* its host side cannot be down: it would carry nothing */
		return wga_fault_link_near(ns, p, l, err) < 0 ? -1 :
		       wga_fault_vm_find(uri, p->link, l, err);
	}
	if (ret == 0 && f.here)
		l->ns = *ns;
	else if (ret == 0 && !wga_fault_ns_each(is_far, &f))
		ret = wga_err_set(err, "no-far-end",
				  "the namespace of the other end of %s cannot be seen from here",
				  p->link);
	nl_socket_free(f.s);
	if (ret < 0 || wga_fault_ns_call(&l->ns, name_far, l, err) < 0)
		return -1;
	return wga_fault_ns_call(&l->ns, read_link, l, err);
}

struct set {
	const struct wga_fault_link *link;
	bool up;
};

static int set_link(void *arg, struct wga_err *err)
{
	const struct set *set = arg;
	NL_SOCK *s = wga_nl_connect(err);
	NL_LINK *old = NULL, *change = NULL;
	int e;

	if (!s)
		return -1;
	if (get_link(s, set->link, &old))
		return 0;
	change = rtnl_link_alloc();
	if (!change)
		return wga_err_set(err, "out-of-memory", "out of memory");
	if (set->up)
		rtnl_link_set_flags(change, IFF_UP);
	else
		rtnl_link_unset_flags(change, IFF_UP);
	e = rtnl_link_change(s, old, change, 0);
	if (e < 0)
		return wga_nl_fail(set->up ? "set up" : "set down",
				   set->link->link, e, err);
	return set->up ? wga_fault_routes_restore(s, set->link, err) : 0;
}

int wga_fault_link_set(const struct wga_fault_link *l, bool up,
		       struct wga_err *err)
{
	struct set set = { l, up };
	struct wga_err why;

	if (*l->domain)
		return wga_fault_vm_set(l, up, err);
	if (wga_fault_ns_call(&l->ns, set_link, &set, &why) == 0 ||
	    strcmp(why.code, "netns-gone") == 0)
		return 0;
	if (err)
		*err = why;
	return -1;
}

bool wga_fault_link_same(const struct wga_fault_link *a,
			 const struct wga_fault_link *b)
{
	return strcmp(a->domain, b->domain) == 0 &&
	       a->ns.cookie == b->ns.cookie && a->index == b->index &&
	       strcmp(a->link, b->link) == 0;
}

struct frames {
	const struct wga_fault_port *port;
	uint64_t *frames;
};

static int read_frames(void *arg, struct wga_err *err)
{
	struct frames *f = arg;
	NL_SOCK *s = wga_nl_connect(err);
	NL_LINK *link = NULL;

	if (!s)
		return -1;
	if (rtnl_link_get_kernel(s, (int)f->port->index, NULL, &link) < 0)
		return wga_err_set(err, "no-such-port",
				   "%s is not there any more", f->port->link);
	*f->frames = rtnl_link_get_stat(link, RTNL_LINK_RX_PACKETS);
	return 0;
}

int wga_fault_link_frames(const struct wga_fault_ns *ns,
			  const struct wga_fault_port *p, uint64_t *frames,
			  struct wga_err *err)
{
	struct frames f = { p, frames };

	return wga_fault_ns_call(ns, read_frames, &f, err);
}

static int open_watch(void *arg, struct wga_err *err)
{
	struct wga_link_watch *w = arg;
	NL_LINK *link = NULL;

	w->sock = wga_nl_connect(err);
	if (!w->sock)
		return -1;
	if (rtnl_link_get_kernel(w->sock, (int)w->link->index, NULL, &link) < 0)
		return wga_err_set(err, "no-such-port",
				   "%s is not there any more", w->link->link);
	w->carrier = rtnl_link_get_flags(link) & IFF_RUNNING;
	nl_socket_disable_seq_check(w->sock);
	nl_socket_set_buffer_size(w->sock, 1 << 20, 0);
	if (nl_socket_add_membership(w->sock, RTNLGRP_LINK) < 0 ||
	    nl_socket_set_nonblocking(w->sock) < 0)
		return wga_err_set(err, "netlink", "cannot hear link events");
	return 0;
}

int wga_link_watch_open(struct wga_link_watch *w,
			const struct wga_fault_link *l, struct wga_err *err)
{
	*w = (struct wga_link_watch){ .link = l };
	if (wga_fault_ns_call(&l->ns, open_watch, w, err) == 0)
		return 0;
	wga_link_watch_close(w);
	return -1;
}

void wga_link_watch_close(struct wga_link_watch *w)
{
	nl_socket_free(w->sock);
	w->sock = NULL;
}

struct seen {
	struct wga_link_watch *watch;
	bool up, seen;
	struct wga_fault_time *at;
};

static int take_event(struct nl_msg *msg, void *arg)
{
	struct seen *seen = arg;
	const struct ifinfomsg *i = nlmsg_data(nlmsg_hdr(msg));
	unsigned int want = IFF_UP | (seen->watch->carrier ? IFF_RUNNING : 0);

	if (nlmsg_hdr(msg)->nlmsg_type != RTM_NEWLINK || seen->seen ||
	    i->ifi_index != (int)seen->watch->link->index)
		return NL_OK;
	seen->seen = seen->up ? (i->ifi_flags & want) == want :
				!(i->ifi_flags & IFF_UP);
	if (seen->seen)
		*seen->at = wga_fault_now();
	return NL_OK;
}

void wga_link_watch_drain(struct wga_link_watch *w)
{
	struct wga_fault_time at;
	struct seen seen = { w, false, true, &at };

	nl_socket_modify_cb(w->sock, NL_CB_VALID, NL_CB_CUSTOM, take_event,
			    &seen);
	while (nl_recvmsgs_default(w->sock) >= 0)
		;
}

/* newer kernels settle the link's state before they answer */
static int ask(void *arg, struct wga_err *err)
{
	struct wga_link_watch *w = arg;
	NL_SOCK *s = wga_nl_connect(err);
	NL_LINK *link = NULL;

	if (s)
		rtnl_link_get_kernel(s, (int)w->link->index, NULL, &link);
	return 0;
}

bool wga_link_watch_wait(struct wga_link_watch *w, bool up, int ms,
			 struct wga_fault_time *at)
{
	uint64_t end = wga_fault_now().mono_ms + (uint64_t)ms, now;
	struct seen seen = { w, up, false, at };
	struct pollfd p = { .fd = nl_socket_get_fd(w->sock), .events = POLLIN };

	nl_socket_modify_cb(w->sock, NL_CB_VALID, NL_CB_CUSTOM, take_event,
			    &seen);
	if (up && w->carrier)
		wga_fault_ns_call(&w->link->ns, ask, w, NULL);
	while (!seen.seen && (now = wga_fault_now().mono_ms) < end) {
		if (poll(&p, 1, (int)(end - now)) > 0)
			nl_recvmsgs_default(w->sock);
	}
	return seen.seen;
}
