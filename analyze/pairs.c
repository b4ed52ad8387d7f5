/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/judge_internal.h"

struct pair_key {
	struct wga_addr a, b;
};

static bool pair_is(const void *items, uint32_t item, const void *key)
{
	const struct wga_pair_report *p = (const struct wga_pair_report *)items + item;
	const struct pair_key *k = key;

	return wga_addr_equal(&p->a.addr, &k->a) &&
	       wga_addr_equal(&p->b.addr, &k->b);
}

/* The pair of two addresses; NULL when there are too many to be listed */
static struct wga_pair_report *pair_get(struct wga_judge *g,
					const struct wga_addr *x,
					const struct wga_addr *y)
{
	bool swap = memcmp(x, y, sizeof(*x)) > 0;
	struct pair_key key = { swap ? *y : *x, swap ? *x : *y };
	uint64_t hash = wga_hash(&key, sizeof(key), g->j->seed);
	struct wga_pairs *pairs = &g->pairs;
	uint32_t i = wga_index_find(&pairs->index, hash, pair_is, pairs->p, &key);
	struct wga_pair_report *p;

	if (i != WGA_INDEX_NONE)
		return &pairs->p[i];
	p = wga_room(pairs->p, pairs->n, &pairs->room, sizeof(*p),
		     WGA_PAIRS_LISTED);
	if (p)
		pairs->p = p;
	if (!p || wga_index_add(&pairs->index, hash, (uint32_t)pairs->n))
		return NULL;
	p = &pairs->p[pairs->n++];
	*p = (struct wga_pair_report){ .outcome = WGA_PASS };
	p->a.addr = key.a;
	p->b.addr = key.b;
	return p;
}

void wga_pairs_violation(struct wga_judge *g, const struct wga_addr *x,
			 const struct wga_addr *y)
{
	struct wga_pair_report *p = pair_get(g, x, y);

	if (p)
		p->outcome = WGA_VIOLATION;
}

static int by_addresses(const void *a, const void *b)
{
	const struct wga_pair_report *x = a, *y = b;
	int order = memcmp(&x->a.addr, &y->a.addr, sizeof(x->a.addr));

	if (!order)
		order = memcmp(&x->b.addr, &y->b.addr, sizeof(x->b.addr));
	if (!order)
		order = strcmp(x->a.name, y->a.name);
	return order ? order : strcmp(x->b.name, y->b.name);
}

/* an end so far is an address only, perhaps one that stands for a node */
static void end_name(const struct wga_judge *g, struct wga_flow_end *end)
{
	struct wga_endpoint at = { .addr = end->addr };

	wga_end_set(g, &at, end);
	if (!end->name[0])
		wga_end_name_client(g, end);
}

void wga_summary_pairs(struct wga_judge *g)
{
	const struct wga_proofs *pr = g->j->proofs;
	uint32_t i;
	size_t k;

	for (i = 0; i < pr->n; i++) {
		const struct wga_proof *proof = &pr->p[i];
		struct wga_endpoint from, to;
		struct wga_pair_report *p;

		if (!proof->s.from.port || !proof->s.to.port)
			continue;
		from = wga_host_place(g, &proof->s.from);
		to = wga_host_place(g, &proof->s.to);
		if (wga_addr_equal(&from.addr, &to.addr)) {
			/* one address of several nodes, as behind a NAT */
			from = proof->s.from;
			to = proof->s.to;
		}
		p = pair_get(g, &from.addr, &to.addr);
		if (!p)
			continue;
		if (wga_proof_is_derp(proof))
			p->derp += proof->s.messages;
		else if (!strcmp(wga_session_path(g, proof), "relay"))
			p->relay += proof->s.messages;
		else
			p->direct += proof->s.messages;
		if (proof->evidence < g->cfg->require &&
		    p->outcome == WGA_PASS)
			p->outcome = WGA_INCONCLUSIVE;
	}
	for (k = 0; k < g->pairs.n; k++) {
		end_name(g, &g->pairs.p[k].a);
		end_name(g, &g->pairs.p[k].b);
	}
	if (g->pairs.n)
		qsort(g->pairs.p, g->pairs.n, sizeof(*g->pairs.p), by_addresses);
	g->v->pairs = g->pairs.p;
	g->v->n_pairs = g->pairs.n;
	g->pairs.p = NULL;
}

bool wga_summary_pair_seen(const struct wga_judge *g, const char *a,
			   const char *b)
{
	const struct wga_proofs *pr = g->j->proofs;
	bool forth = false, back = false;
	uint32_t i;

	for (i = 0; i < pr->n; i++) {
		const struct wga_session *s = &pr->p[i].s;

		forth = forth || (wga_host_is(g, &s->from, a) &&
				  wga_host_is(g, &s->to, b));
		back = back || (wga_host_is(g, &s->from, b) &&
				wga_host_is(g, &s->to, a));
	}
	return forth && back;
}
