/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/evidence.h"

int wga_endpoint_order(const struct wga_endpoint *a,
		       const struct wga_endpoint *b)
{
	int order = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	return order ? order : (int)a->port - (int)b->port;
}

static int by_endpoint(const void *a, const void *b)
{
	const struct wga_identity *x = a, *y = b;

	return wga_endpoint_order(&x->at, &y->at);
}

static int by_path(const void *a, const void *b)
{
	const struct wga_disco_path *x = a, *y = b;
	int order = wga_endpoint_order(&x->lo, &y->lo);

	return order ? order : wga_endpoint_order(&x->hi, &y->hi);
}

static struct wga_disco_path disco_path(const struct wga_endpoint *from,
					const struct wga_endpoint *to,
					unsigned int *dir)
{
	*dir = wga_endpoint_order(from, to) > 0;
	return *dir ? (struct wga_disco_path){ .lo = *to, .hi = *from } :
		      (struct wga_disco_path){ .lo = *from, .hi = *to };
}

/* All disco of the run by path, equal paths made one */
static void join_paths(struct wga_proofs *pr, struct wga_bridge *const *bridges,
		       size_t n)
{
	size_t b, i, out = 0;
	unsigned int dir;

	for (b = 0; b < n; b++) {
		for (i = 0; i < bridges[b]->n_discos; i++) {
			const struct wga_disco_peer *d = &bridges[b]->discos[i];
			struct wga_disco_path p = disco_path(&d->from, &d->to,
							     &dir);

			p.ping[dir] = d->pings;
			p.pong[dir] = d->pongs;
			pr->paths[pr->n_paths++] = p;
		}
	}
	if (!pr->n_paths)
		return;
	qsort(pr->paths, pr->n_paths, sizeof(*pr->paths), by_path);
	for (i = 1; i < pr->n_paths; i++) {
		struct wga_disco_path *to = &pr->paths[out], *p = &pr->paths[i];

		if (by_path(to, p)) {
			pr->paths[++out] = *p;
			continue;
		}
		for (dir = 0; dir < 2; dir++) {
			to->ping[dir] |= p->ping[dir];
			to->pong[dir] |= p->pong[dir];
		}
	}
	pr->n_paths = out + 1;
}

/* Every endpoint that a disco key or a MAC1 gives to a node, once each */
static void join_identities(struct wga_proofs *pr,
			    struct wga_bridge *const *bridges, size_t n)
{
	size_t b, i, out = 0;

	for (b = 0; b < n; b++) {
		for (i = 0; i < bridges[b]->n_discos; i++) {
			const struct wga_disco_peer *d = &bridges[b]->discos[i];
			int node = wga_registry_disco(pr->registry, d->key);

			if (node >= 0)
				pr->identities[pr->n_identities++] =
					(struct wga_identity){ d->from, node };
		}
	}
	for (i = 0; i < pr->n_handshakes; i++) {
		const struct wga_handshake *h = &pr->handshakes[i];

		if (h->node >= 0 && h->to.port)
			pr->identities[pr->n_identities++] =
				(struct wga_identity){ h->to, h->node };
	}
	if (!pr->n_identities)
		return;
	qsort(pr->identities, pr->n_identities, sizeof(*pr->identities),
	      by_endpoint);
	for (i = 1; i < pr->n_identities; i++) {
		struct wga_identity *to = &pr->identities[out];
		const struct wga_identity *id = &pr->identities[i];

		if (by_endpoint(to, id))
			pr->identities[++out] = *id;
		else if (to->node != id->node)
			to->node = -1;
	}
	pr->n_identities = out + 1;
}

int wga_proofs_node(const struct wga_proofs *pr, const struct wga_endpoint *at)
{
	struct wga_identity key = { .at = *at };
	const struct wga_identity *found = NULL;

	if (pr->n_identities)
		found = bsearch(&key, pr->identities, pr->n_identities,
				sizeof(key), by_endpoint);
	return found ? found->node : -1;
}

bool wga_proofs_path(const struct wga_proofs *pr, const struct wga_endpoint *a,
		     const struct wga_endpoint *b)
{
	const struct wga_disco_path *p = NULL;
	struct wga_disco_path key;
	unsigned int dir;

	key = disco_path(a, b, &dir);
	if (pr->n_paths)
		p = bsearch(&key, pr->paths, pr->n_paths, sizeof(key), by_path);
	return p && ((p->ping[0] && p->pong[1]) || (p->ping[1] && p->pong[0]));
}

/* From when until when registered disco keys were used at an address */
struct tenancy {
	struct wga_addr addr;
	int node;	/* -1 if several */
	uint64_t first_ns, last_ns;
};

static int by_addr(const void *a, const void *b)
{
	const struct tenancy *x = a, *y = b;

	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

static size_t join_tenancies(const struct wga_proofs *pr,
			     struct wga_bridge *const *bridges, size_t n,
			     struct tenancy *all)
{
	size_t b, i, total = 0, out = 0;

	for (b = 0; b < n; b++) {
		for (i = 0; i < bridges[b]->n_discos; i++) {
			const struct wga_disco_peer *d = &bridges[b]->discos[i];
			int node = wga_registry_disco(pr->registry, d->key);

			if (node >= 0)
				all[total++] = (struct tenancy){
					d->from.addr, node, d->first.time_ns,
					d->last_ns,
				};
		}
	}
	if (!total)
		return 0;
	qsort(all, total, sizeof(*all), by_addr);
	for (i = 1; i < total; i++) {
		struct tenancy *to = &all[out];

		if (by_addr(to, &all[i])) {
			all[++out] = all[i];
			continue;
		}
		if (to->node != all[i].node)
			to->node = -1;
		if (all[i].first_ns < to->first_ns)
			to->first_ns = all[i].first_ns;
		if (all[i].last_ns > to->last_ns)
			to->last_ns = all[i].last_ns;
	}
	return out + 1;
}

/* A disco key that is not registered, from an endpoint at which a registered
 * one is used too, is that node's key from before a restart: disco keys are
 * made anew at each start. The port may be new as well; then the address must
 * be one node's, and the keys must follow one another. From anywhere else it
 * is a stranger's.
 */
static bool is_renewed(const struct wga_proofs *pr,
		       const struct wga_disco_peer *d,
		       const struct tenancy *tenancies, size_t n)
{
	struct tenancy key = { .addr = d->from.addr };
	const struct tenancy *t = NULL;

	if (wga_proofs_node(pr, &d->from) >= 0)
		return true;
	if (n)
		t = bsearch(&key, tenancies, n, sizeof(key), by_addr);
	return t && t->node >= 0 && (d->last_ns < t->first_ns ||
				     d->first.time_ns > t->last_ns);
}

static void find_strangers(struct wga_proofs *pr,
			   struct wga_bridge *const *bridges, size_t n,
			   struct tenancy *tenancies)
{
	size_t b, i, n_tenancies;

	if (!pr->registry)
		return;
	n_tenancies = join_tenancies(pr, bridges, n, tenancies);
	for (b = 0; b < n; b++) {
		const struct wga_bridge *br = bridges[b];

		for (i = 0; i < br->n_discos; i++) {
			const struct wga_disco_peer *d = &br->discos[i];
			struct wga_where w = wga_where_at(br, &d->first);

			if (wga_registry_disco(pr->registry, d->key) >= 0)
				continue;
			if (is_renewed(pr, d, tenancies, n_tenancies))
				wga_found_add(&pr->renewed, 1, &w);
			else
				wga_proofs_found(pr, &pr->unregistered,
						 WGA_CODE_UNREGISTERED_PEER, 1,
						 &w);
		}
		for (i = 0; i < br->sessions.n_handshakes; i++) {
			const struct wga_handshake *h = &br->sessions.h[i];
			struct wga_where w = wga_where_at(br, &h->at);

			if (h->node < 0)
				wga_proofs_found(pr, &pr->unregistered,
						 WGA_CODE_UNREGISTERED_PEER, 1,
						 &w);
		}
	}
}

int wga_proofs_identify(struct wga_proofs *pr,
			struct wga_bridge *const *bridges, size_t n)
{
	struct tenancy *tenancies;
	size_t b, discos = 0;
	bool done;

	for (b = 0; b < n; b++)
		discos += bridges[b]->n_discos;
	pr->paths = calloc(discos + 1, sizeof(*pr->paths));
	pr->identities = calloc(discos + pr->n_handshakes + 1,
				sizeof(*pr->identities));
	tenancies = calloc(discos + 1, sizeof(*tenancies));
	done = pr->paths && pr->identities && tenancies;
	if (done) {
		join_paths(pr, bridges, n);
		join_identities(pr, bridges, n);
		find_strangers(pr, bridges, n, tenancies);
	}
	free(tenancies);
	return done ? 0 : -1;
}
