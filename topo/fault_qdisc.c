/* SPDX-License-Identifier: MIT */
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/netem.h>
#include <netlink/route/qdisc/tbf.h>
#include <netlink/route/tc.h>
#include <string.h>

#include "topo/fault_nl.h"
#include "topo/fault_ns.h"
#include "topo/fault_qdisc.h"

/* major number by which ours is known again: "WG" */
#define HANDLE		TC_HANDLE(0x5747, 0)
#define INNER		TC_HANDLE(0x5748, 0)
#define QUEUE_PACKETS	10000
/* what tbf lets through at once, and keeps waiting at most */
#define BURST_BYTES	(64 * 1024)
#define WAIT_US		(200 * 1000)

static void qdisc_put(struct rtnl_qdisc **q)
{
	rtnl_qdisc_put(*q);
}

#define NL_QDISC	__attribute__((cleanup(qdisc_put))) struct rtnl_qdisc

/* the port's own queueing, NULL if it has none */
static struct rtnl_qdisc *root_of(struct nl_sock *s, unsigned int index)
{
	NL_CACHE *all = NULL;

	return rtnl_qdisc_alloc_cache(s, &all) < 0 ? NULL :
	       rtnl_qdisc_get_by_parent(all, (int)index, TC_H_ROOT);
}

static int check(void *arg, struct wga_err *err)
{
	const struct wga_fault *f = arg;
	NL_SOCK *s = wga_nl_connect(err);
	NL_QDISC *root = NULL;

	if (!s)
		return -1;
	root = root_of(s, f->ports[0].index);
	/* the kernel gives the default ones no number */
	if (!root || rtnl_tc_get_handle(TC_CAST(root)) == 0)
		return 0;
	return wga_err_set(err, "already-in-place",
			   "%s has a queueing already (%s); tc qdisc del dev %s root removes it",
			   f->ports[0].link, rtnl_tc_get_kind(TC_CAST(root)),
			   f->ports[0].link);
}

int wga_fault_qdisc_check(const struct wga_fault *f, struct wga_err *err)
{
	return wga_fault_ns_call(&f->ns, check, (void *)f, err);
}

static int add(struct nl_sock *s, const struct wga_fault *f, const char *kind,
	       uint32_t handle, uint32_t parent, struct wga_err *err)
{
	NL_QDISC *q = rtnl_qdisc_alloc();
	int e = q ? 0 : -NLE_NOMEM;

	if (q) {
		rtnl_tc_set_ifindex(TC_CAST(q), (int)f->ports[0].index);
		rtnl_tc_set_handle(TC_CAST(q), handle);
		rtnl_tc_set_parent(TC_CAST(q), parent);
		e = rtnl_tc_set_kind(TC_CAST(q), kind);
	}
	if (e == 0 && strcmp(kind, "netem") == 0) {
		rtnl_netem_set_delay(q, (int)f->delay_us);
		rtnl_netem_set_limit(q, QUEUE_PACKETS);
	} else if (e == 0) {
		rtnl_qdisc_tbf_set_rate(q, (int)f->rate, BURST_BYTES, 0);
		e = rtnl_qdisc_tbf_set_limit_by_latency(q, WAIT_US);
	}
	if (e == 0)
		e = rtnl_qdisc_add(s, q, NLM_F_CREATE | NLM_F_EXCL);
	if (e == -NLE_OBJ_NOTFOUND)
		return wga_err_set(err, "missing-feature",
				   "the kernel has no %s (CONFIG_NET_SCH_%s), which %s needs; modprobe sch_%s, or do without",
				   kind, *kind == 'n' ? "NETEM" : "TBF",
				   *kind == 'n' ? "--delay" : "--rate", kind);
	return e < 0 ? wga_nl_fail("set the queueing of", f->ports[0].link, e,
				   err) : 0;
}

static int remove_ours(struct nl_sock *s, const struct wga_fault *f,
		       struct wga_err *err)
{
	NL_QDISC *root = root_of(s, f->ports[0].index);
	int e;

	if (!root || rtnl_tc_get_handle(TC_CAST(root)) != HANDLE)
		return 0;
	e = rtnl_qdisc_delete(s, root);
	return e < 0 ? wga_nl_fail("remove the queueing of", f->ports[0].link,
				   e, err) : 0;
}

static int put(void *arg, struct wga_err *err)
{
	const struct wga_fault *f = arg;
	NL_SOCK *s = wga_nl_connect(err);
	bool both = f->delay_us && f->rate;

	if (!s)
		return -1;
	if (f->delay_us &&
	    add(s, f, "netem", HANDLE, TC_H_ROOT, err) < 0)
		return -1;
	if (f->rate && add(s, f, "tbf", both ? INNER : HANDLE,
			   both ? HANDLE | 1 : TC_H_ROOT, err) < 0) {
		remove_ours(s, f, NULL);
		return -1;
	}
	return 0;
}

int wga_fault_qdisc_put(const struct wga_fault *f, struct wga_err *err)
{
	return wga_fault_ns_call(&f->ns, put, (void *)f, err);
}

static int remove_root(void *arg, struct wga_err *err)
{
	NL_SOCK *s = wga_nl_connect(err);

	return s ? remove_ours(s, arg, err) : -1;
}

int wga_fault_qdisc_remove(const struct wga_fault *f, struct wga_err *err)
{
	struct wga_err why;

	if (wga_fault_ns_call(&f->ns, remove_root, (void *)f, &why) == 0 ||
	    strcmp(why.code, "netns-gone") == 0)
		return 0;
	if (err)
		*err = why;
	return -1;
}

struct count {
	const struct wga_fault *f;
	uint64_t *packets;
};

static int count(void *arg, struct wga_err *err)
{
	struct count *c = arg;
	NL_SOCK *s = wga_nl_connect(err);
	NL_QDISC *root = NULL;

	if (!s)
		return -1;
	root = root_of(s, c->f->ports[0].index);
	*c->packets = root && rtnl_tc_get_handle(TC_CAST(root)) == HANDLE ?
		rtnl_tc_get_stat(TC_CAST(root), RTNL_TC_PACKETS) : 0;
	return 0;
}

int wga_fault_qdisc_count(const struct wga_fault *f, uint64_t *packets,
			  struct wga_err *err)
{
	struct count c = { f, packets };

	return wga_fault_ns_call(&f->ns, count, &c, err);
}
