/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/evidence.h"
#include "analyze/node_keys.h"

/* A claim holds a little longer than it was seen: disco beats every 3 s. */
#define CLAIM_NS	(10 * (uint64_t)1000000000)

int wga_endpoint_order(const struct wga_endpoint *a,
		       const struct wga_endpoint *b)
{
	int order = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	return order ? order : (int)a->port - (int)b->port;
}

static int by_claim(const void *a, const void *b)
{
	const struct wga_identity *x = a, *y = b;
	int order = wga_endpoint_order(&x->at, &y->at);

	return order ? order : x->node - y->node;
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

static void claim(struct wga_proofs *pr, const struct wga_endpoint *at, int node,
		  uint64_t first_ns, uint64_t last_ns)
{
	if (node >= 0 && at->port)
		pr->identities[pr->n_identities++] = (struct wga_identity){
			.at = *at, .node = node,
			.first_ns = first_ns, .last_ns = last_ns,
		};
}

/* Every endpoint that a disco key, a MAC1, an opened initiation or DERP gives
 * to a node
 */
static void collect_claims(struct wga_proofs *pr,
			   struct wga_bridge *const *bridges, size_t n)
{
	size_t b, i;

	for (b = 0; b < n; b++) {
		for (i = 0; i < bridges[b]->n_discos; i++) {
			const struct wga_disco_peer *d = &bridges[b]->discos[i];

			claim(pr, &d->from,
			      wga_registry_disco(pr->registry, d->key),
			      d->first.time_ns, d->last_ns);
		}
	}
	for (i = 0; i < pr->n_handshakes; i++) {
		const struct wga_handshake *h = &pr->handshakes[i].h;

		claim(pr, &h->to, h->node, h->at.time_ns, h->at.time_ns);
		claim(pr, &h->from, h->initiator_node, h->at.time_ns,
		      h->at.time_ns);
	}
	for (i = 0; i < pr->derp.count; i++)
		claim(pr, &pr->derp.n[i].at,
		      wga_registry_key(pr->registry, pr->derp.n[i].key),
		      0, UINT64_MAX);
}

/* Nodes that claim one endpoint: one after the other is fine, it was given on;
 * at the same time it is nobody's.
 */
static void find_contested(struct wga_identity *id, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < i; k++) {
			if (id[i].first_ns <= id[k].last_ns &&
			    id[k].first_ns <= id[i].last_ns)
				id[i].contested = id[k].contested = true;
		}
	}
}

static void join_identities(struct wga_proofs *pr,
			    struct wga_bridge *const *bridges, size_t n)
{
	struct wga_identity *all = pr->identities;
	size_t i, from, out = 0;

	collect_claims(pr, bridges, n);
	if (!pr->n_identities)
		return;
	qsort(all, pr->n_identities, sizeof(*all), by_claim);
	for (i = 1; i < pr->n_identities; i++) {
		struct wga_identity *to = &all[out];

		if (by_claim(to, &all[i])) {
			all[++out] = all[i];
			continue;
		}
		if (all[i].first_ns < to->first_ns)
			to->first_ns = all[i].first_ns;
		if (all[i].last_ns > to->last_ns)
			to->last_ns = all[i].last_ns;
	}
	pr->n_identities = out + 1;
	for (i = 1, from = 0; i <= pr->n_identities; i++) {
		if (i < pr->n_identities &&
		    !wga_endpoint_order(&all[i].at, &all[from].at))
			continue;
		find_contested(&all[from], i - from);
		from = i;
	}
}

/* all that is known of an endpoint */
static const struct wga_identity *identities_at(const struct wga_proofs *pr,
						const struct wga_endpoint *at,
						size_t *n)
{
	size_t lo = 0, hi = pr->n_identities, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (wga_endpoint_order(&pr->identities[mid].at, at) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < pr->n_identities &&
	     !wga_endpoint_order(&pr->identities[end].at, at); end++)
		;
	*n = end - lo;
	return pr->identities + lo;
}

int wga_proofs_node(const struct wga_proofs *pr, const struct wga_endpoint *at)
{
	size_t n;
	const struct wga_identity *id = identities_at(pr, at, &n);

	return n == 1 ? id->node : -1;
}

int wga_proofs_node_at(const struct wga_proofs *pr,
		       const struct wga_endpoint *at, uint64_t first_ns,
		       uint64_t last_ns)
{
	size_t n, i;
	const struct wga_identity *id = identities_at(pr, at, &n), *found = NULL;

	if (n == 1)
		return id->node;
	for (i = 0; i < n; i++) {
		if (id[i].first_ns > last_ns + CLAIM_NS ||
		    (id[i].last_ns < first_ns &&
		     first_ns - id[i].last_ns > CLAIM_NS))
			continue;
		if (found || id[i].contested)
			return -1;
		found = &id[i];
	}
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

	if (wga_proofs_node_at(pr, &d->from, d->first.time_ns, d->last_ns) >= 0)
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
	}
}

/* Handshakes that are not what they claim to be, or for or by nobody who is
 * registered
 */
static void judge_sightings(struct wga_proofs *pr)
{
	size_t i;

	for (i = 0; i < pr->n_handshakes; i++) {
		const struct wga_sighting *s = &pr->handshakes[i];
		bool stranger = s->h.node < 0 ||
				(s->h.opening == WGA_OPENING_DONE &&
				 s->h.initiator_node < 0);

		wga_proofs_found(pr, &pr->forged, WGA_CODE_SPLICED, !s->again &&
				 s->h.opening == WGA_OPENING_FORGED, &s->where);
		wga_proofs_found(pr, &pr->astray, WGA_CODE_SPLICED,
				 s->h.astray, &s->where);
		wga_proofs_found(pr, &pr->unregistered,
				 WGA_CODE_UNREGISTERED_PEER, pr->registry &&
				 !s->again && stranger, &s->where);
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
	pr->identities = calloc(discos + 2 * pr->n_handshakes +
				pr->derp.count + 1, sizeof(*pr->identities));
	tenancies = calloc(discos + 1, sizeof(*tenancies));
	done = pr->paths && pr->identities && tenancies;
	if (done) {
		join_paths(pr, bridges, n);
		join_identities(pr, bridges, n);
		find_strangers(pr, bridges, n, tenancies);
		judge_sightings(pr);
	}
	free(tenancies);
	return done ? 0 : -1;
}
