/* SPDX-License-Identifier: MIT */
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topo/fault_ns.h"
#include "topo/fault_place.h"
#include "topo/fault_qdisc.h"
#include "topo/fault_rules.h"

#define EVENT_MS	1000

static bool by_rules(const struct wga_fault *f)
{
	return !wga_fault_by_state(f) &&
	       (f->what != WGA_FAULT_LOSS || f->loss > 0);
}

static bool by_qdisc(const struct wga_fault *f)
{
	return f->delay_us || f->rate;
}

static bool same_ports(const struct wga_fault *a, const struct wga_fault *b)
{
	if (a->ns.cookie != b->ns.cookie || a->n_ports != b->n_ports)
		return false;
	for (size_t i = 0; i < a->n_ports; i++)
		if (a->ports[i].index != b->ports[i].index ||
		    a->ports[i].group != b->ports[i].group)
			return false;
	return true;
}

static int check_against(const struct wga_fault *f, const struct wga_journal *j,
			 struct wga_err *err)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct wga_fault *g = &j->faults[i];

		if (g->what == f->what && g->kind == f->kind &&
		    g->protocol == f->protocol && g->one_way == f->one_way &&
		    g->isolate == f->isolate && same_ports(f, g))
			return wga_err_set(err, "already-in-place",
					   "%s stands already, held by process %d; wgaudit heal %s ends it",
					   g->name, (int)g->pid, g->name);
	}
	return 0;
}

/* a link that others hold down is remembered as the first of them found it */
static const struct wga_fault_link *
known_link(const struct wga_journal *j, const struct wga_fault_ns *ns,
	   const struct wga_fault_port *p, enum wga_fault_kind kind)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct wga_fault *f = &j->faults[i];

		for (size_t k = 0; k < f->n_links && f->kind == kind; k++)
			if (f->ns.cookie == ns->cookie && f->held &&
			    f->ports[k].index == p->index)
				return &f->links[k];
	}
	return NULL;
}

static int remember_links(struct wga_fault *f, const struct wga_journal *j,
			  struct wga_err *err)
{
	if (!wga_fault_by_state(f))
		return 0;
	f->links = calloc(f->n_ports, sizeof(*f->links));
	if (!f->links)
		return wga_err_set(err, "out-of-memory", "out of memory");
	for (; f->n_links < f->n_ports; f->n_links++) {
		const struct wga_fault_port *p = &f->ports[f->n_links];
		struct wga_fault_link *l = &f->links[f->n_links];
		const struct wga_fault_link *known =
			known_link(j, &f->ns, p, f->kind);

		if (known)
			*l = *known;
		else if ((f->kind == WGA_FAULT_TAP ?
			  wga_fault_link_near(&f->ns, p, l, err) :
			  wga_fault_link_far(&f->ns, f->uri, p, l, err)) < 0)
			return -1;
	}
	return 0;
}

/* in the locked journal */
static int prepare(struct wga_fault *f, struct wga_journal *j,
		   struct wga_err *err)
{
	if (check_against(f, j, err) < 0 || remember_links(f, j, err) < 0)
		return -1;
	return by_qdisc(f) ? wga_fault_qdisc_check(f, err) : 0;
}

int wga_fault_check(const struct wga_fault *f, struct wga_err *err)
{
	struct wga_fault copy = *f;
	struct wga_journal j;
	int ret;

	if (geteuid() != 0)
		return wga_err_set(err, "no-permission",
				   "faults need root; try sudo");
	copy.links = NULL;
	copy.n_links = 0;
	if (wga_journal_open(&j, false, err) < 0)
		return -1;
	ret = prepare(&copy, &j, err);
	wga_fault_free(&copy);
	wga_journal_close(&j);
	return ret;
}

static uint64_t frames_now(const struct wga_fault *f)
{
	uint64_t sum = 0, n;

	for (size_t i = 0; i < f->n_ports; i++)
		if (wga_fault_link_frames(&f->ns, &f->ports[i], &n, NULL) == 0)
			sum += n;
	return sum;
}

uint64_t wga_fault_tried(const struct wga_placed *p)
{
	uint64_t now = frames_now(&p->fault);

	/* a port that is gone has taken its count along */
	return now > p->frames ? now - p->frames : 0;
}

static int begin_locked(struct wga_placed *p, struct wga_journal *j,
			struct wga_err *err)
{
	struct wga_fault *f = &p->fault;
	struct wga_fault_time now = wga_fault_now();

	if (prepare(f, j, err) < 0)
		return -1;
	wga_fault_name(f, wga_journal_taken, j);
	f->pid = getpid();
	f->started = wga_journal_started(f->pid);
	f->began_ms = now.wall_ms;
	f->began_mono_ms = now.mono_ms;
	if (f->started == 0)
		return wga_err_set(err, "state",
				   "/proc does not tell when this process began");
	return wga_journal_write(j, f, err);
}

int wga_fault_begin(struct wga_placed *p, struct wga_err *err)
{
	struct wga_journal j;
	int ret;

	if (wga_journal_open(&j, true, err) < 0)
		return -1;
	ret = begin_locked(p, &j, err);
	wga_journal_close(&j);
	p->frames = frames_now(&p->fault);
	if (ret == 0 && p->fault.n_links > 0 &&
	    wga_link_watch_open(&p->watch, &p->fault.links[0], err) < 0) {
		wga_fault_end(p, NULL, NULL);
		return -1;
	}
	if (ret < 0)
		wga_fault_free(&p->fault);
	return ret;
}

/* is there another fault that holds this link down? */
static bool held_by_other(const struct wga_journal *j, const char *name,
			  const struct wga_fault_link *l)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct wga_fault *f = &j->faults[i];

		if (!f->held || strcmp(f->name, name) == 0)
			continue;
		for (size_t k = 0; k < f->n_links; k++)
			if (wga_fault_link_same(&f->links[k], l))
				return true;
	}
	return false;
}

static int links_down(struct wga_placed *p, struct wga_journal *j, bool *held,
		      struct wga_err *err)
{
	struct wga_fault *f = &p->fault;

	f->held = true;
	*held = false;
	if (wga_journal_write(j, f, err) < 0)
		return -1;
	wga_link_watch_drain(&p->watch);
	for (size_t i = 0; i < f->n_links; i++) {
		*held |= held_by_other(j, f->name, &f->links[i]);
		if (wga_fault_link_set(&f->links[i], false, err) < 0)
			return -1;
	}
	return 0;
}

/* all are tried, and the first error is told */
static int links_up(const struct wga_fault *f, const struct wga_journal *j,
		    bool *held, struct wga_err *err)
{
	int ret = 0;

	*held = false;
	for (size_t i = 0; i < f->n_links; i++) {
		if (held_by_other(j, f->name, &f->links[i]))
			*held = true;
		else if (wga_fault_link_set(&f->links[i], true,
					    ret ? NULL : err) < 0)
			ret = -1;
	}
	return ret;
}

static int rules_down(struct wga_placed *p, struct wga_err *err)
{
	struct wga_journal j;
	int ret;

	/* the queueing outlives the process, so the journal is written again
	 * to say that it is there
	 */
	if (wga_journal_open(&j, true, err) < 0)
		return -1;
	p->fault.held = true;
	ret = wga_journal_write(&j, &p->fault, err);
	wga_journal_close(&j);
	if (ret == 0 && by_qdisc(&p->fault))
		ret = wga_fault_qdisc_put(&p->fault, err);
	if (ret == 0 && by_rules(&p->fault))
		ret = wga_fault_rules_put(&p->fault, &p->nft, err);
	return ret;
}

/* the card of a domain has no events here: libvirt has set it, or failed to */
static bool event(struct wga_placed *p, bool up, struct wga_fault_time *at)
{
	return *p->fault.links[0].domain ||
	       wga_link_watch_wait(&p->watch, up, EVENT_MS, at);
}

int wga_fault_down(struct wga_placed *p, struct wga_fault_time *at, bool *seen,
		   struct wga_err *err)
{
	struct wga_journal j;
	bool held;
	int ret;

	*seen = true;
	if (!wga_fault_by_state(&p->fault)) {
		ret = rules_down(p, err);
		*at = wga_fault_now();
		return ret;
	}
	if (wga_journal_open(&j, true, err) < 0)
		return -1;
	ret = links_down(p, &j, &held, err);
	wga_journal_close(&j);
	*at = wga_fault_now();
	if (ret == 0)
		*seen = !held && event(p, false, at);
	return ret;
}

static int rules_up(struct wga_placed *p, struct wga_err *err)
{
	uint64_t n = 0;
	int ret = 0;

	if (p->nft) {
		wga_fault_rules_count(&p->fault, p->nft, &n, NULL);
		p->dropped += n;
		nft_ctx_free(p->nft);
		p->nft = NULL;
	}
	if (by_qdisc(&p->fault)) {
		n = 0;
		wga_fault_qdisc_count(&p->fault, &n, NULL);
		p->delayed += n;
		ret = wga_fault_qdisc_remove(&p->fault, err);
	}
	return ret;
}

int wga_fault_up(struct wga_placed *p, struct wga_fault_time *at, bool *seen,
		 struct wga_err *err)
{
	struct wga_journal j;
	bool held = false;
	int ret;

	*seen = true;
	if (!wga_fault_by_state(&p->fault)) {
		ret = rules_up(p, err);
		*at = wga_fault_now();
		return ret;
	}
	if (wga_journal_open(&j, true, err) < 0)
		return -1;
	wga_link_watch_drain(&p->watch);
	ret = links_up(&p->fault, &j, &held, err);
	if (ret == 0) {
		p->fault.held = false;
		ret = wga_journal_write(&j, &p->fault, err);
	}
	wga_journal_close(&j);
	*at = wga_fault_now();
	if (ret == 0)
		*seen = !held && event(p, true, at);
	return ret;
}

int wga_fault_end(struct wga_placed *p, const char *end, struct wga_err *err)
{
	struct wga_fault *f = &p->fault;
	struct wga_journal j;
	bool held;
	int ret;

	if (wga_journal_open(&j, true, err) < 0)
		return -1;
	ret = rules_up(p, err);
	if (f->held && links_up(f, &j, &held, ret ? NULL : err) < 0)
		ret = -1;
	/* what could not be undone stays in the journal, for heal */
	if (ret == 0)
		ret = wga_journal_remove(&j, f->name, err);
	if (ret == 0 && end)
		ret = wga_journal_keep_end(&j, f->name, end, err);
	wga_journal_close(&j);
	wga_link_watch_close(&p->watch);
	wga_fault_free(f);
	return ret;
}

int wga_fault_undo(struct wga_journal *j, const struct wga_fault *f,
		   struct wga_err *err)
{
	bool held;

	if (f->held && links_up(f, j, &held, err) < 0)
		return -1;
	if (by_qdisc(f) && wga_fault_qdisc_remove(f, err) < 0)
		return -1;
	return wga_journal_remove(j, f->name, err);
}

int wga_fault_undo_orphans(void (*told)(void *arg, const struct wga_fault *f),
			   void *arg, struct wga_err *err)
{
	struct wga_journal j;
	int ret;

	if (wga_journal_open(&j, false, err) < 0)
		return -1;
	ret = 0;
	for (size_t i = 0; i < j.n && ret == 0; i++) {
		if (!wga_journal_orphan(&j.faults[i]))
			continue;
		if (told)
			told(arg, &j.faults[i]);
		ret = wga_fault_undo(&j, &j.faults[i], err);
		/* it holds nothing down any more */
		if (ret == 0)
			j.faults[i].held = false;
	}
	wga_journal_close(&j);
	return ret;
}
