/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/join.h"
#include "analyze/packet.h"

static int by_name(const void *a, const void *b)
{
	const struct wga_bridge *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static struct wga_flow_key tuple_key(const struct wga_flow_key *key)
{
	struct wga_flow_key k = *key;

	k.kind = 0;
	return k;
}

static bool tuple_is(const void *items, uint32_t item, const void *key)
{
	const struct wga_tuple *t = (const struct wga_tuple *)items + item;

	return wga_flow_key_equal(&t->key, key);
}

struct wga_tuple *wga_join_find(const struct wga_join *j,
				const struct wga_flow_key *key)
{
	struct wga_flow_key k = tuple_key(key);
	uint32_t i = wga_index_find(&j->index, wga_hash(&k, sizeof(k), j->seed),
				    tuple_is, j->tuples, &k);

	return i == WGA_INDEX_NONE ? NULL : &j->tuples[i];
}

/**
 * struct joining - a flow on its way into its tuple
 */
struct joining {
	struct wga_flow_key key;
	uint64_t hash;
	uint32_t flow;
	uint8_t kind;
};

static int join_flow(struct wga_join *j, uint32_t bridge,
		     const struct joining *f)
{
	uint32_t i = wga_index_find(&j->index, f->hash, tuple_is, j->tuples,
				    &f->key);
	struct wga_tuple *t;

	if (i == WGA_INDEX_NONE) {
		i = j->n_tuples;
		if (wga_index_add(&j->index, f->hash, i))
			return -1;
		j->tuples[j->n_tuples++] = (struct wga_tuple){
			.key = f->key, .evidence = WGA_EVIDENCE_COUNT,
		};
	}
	t = &j->tuples[i];
	t->kinds |= 1u << f->kind;
	j->members[j->n_members++] = (struct wga_member){
		bridge, f->flow, t->members,
	};
	t->members = j->n_members;
	return 0;
}

/* The flows of a bridge, some at a time: as with frames (bridge.c), memory is
 * asked for before it is needed.
 */
static int join_bridge(struct wga_join *j, uint32_t bridge)
{
	const struct wga_flow_table *flows = j->bridges[bridge]->flows;
	uint32_t at = 0, count = wga_flow_count(flows);
	struct joining some[32];

	while (at < count) {
		unsigned int n = 0, i;

		for (; at < count && n < 32; at++) {
			const struct wga_flow *f = wga_flow_at(flows, at);

			if (!wga_flow_frames(flows, at))
				continue;
			some[n] = (struct joining){
				.key = tuple_key(&f->key), .flow = at,
				.kind = f->key.kind,
			};
			some[n].hash = wga_hash(&some[n].key,
						sizeof(some[n].key), j->seed);
			wga_index_prefetch(&j->index, some[n++].hash);
		}
		for (i = 0; i < n; i++) {
			if (join_flow(j, bridge, &some[i]))
				return -1;
		}
	}
	return 0;
}

static int join_flows(struct wga_join *j)
{
	uint64_t total = 0;
	uint32_t b;

	for (b = 0; b < j->n; b++)
		total += wga_flow_count(j->bridges[b]->flows);
	if (total > UINT32_MAX / 4)
		return -1;
	j->tuples = calloc(total + 1, sizeof(*j->tuples));
	j->members = calloc(total + 1, sizeof(*j->members));
	if (!j->tuples || !j->members || wga_index_reserve(&j->index, total))
		return -1;
	for (b = 0; b < j->n; b++) {
		if (join_bridge(j, b))
			return -1;
	}
	return 0;
}

/* The WireGuard of a tuple is as good as the worst session that used it. */
static void lower_evidence(struct wga_join *j, const struct wga_endpoint *from,
			   const struct wga_endpoint *to,
			   enum wga_evidence evidence)
{
	struct wga_flow_key key;
	struct wga_tuple *t;
	uint8_t dir;

	wga_key_set(&key, &from->addr, from->port, &to->addr, to->port,
		    WGA_PROTO_UDP, 0, &dir);
	t = wga_join_find(j, &key);
	if (t && evidence < t->evidence)
		t->evidence = evidence;
}

struct wga_join *wga_join_new(const struct wga_config *cfg,
			      struct wga_bridge *const *bridges, size_t n)
{
	struct wga_join *j = calloc(1, sizeof(*j));
	uint64_t start = UINT64_MAX;
	uint32_t i;

	if (!j)
		return NULL;
	j->cfg = cfg;
	j->n = n;
	wga_hash_seed(j->seed);
	j->bridges = calloc(n + 1, sizeof(*j->bridges));
	j->input = calloc(n + 1, sizeof(*j->input));
	if (!j->bridges || !j->input) {
		wga_join_free(j);
		return NULL;
	}
	if (n)
		memcpy(j->bridges, bridges, n * sizeof(*j->bridges));
	qsort(j->bridges, n, sizeof(*j->bridges), by_name);
	for (i = 0; i < n; i++) {
		wga_bridge_settle(j->bridges[i]);
		if (j->bridges[i]->handed && j->bridges[i]->first_ns < start)
			start = j->bridges[i]->first_ns;
		if (i && strcmp(j->bridges[i]->name, j->bridges[i - 1]->name))
			j->n_inputs++;
		j->input[i] = (unsigned int)j->n_inputs;
	}
	j->n_inputs += n > 0;

	j->roles = wga_roles_new(cfg, j->bridges, n);
	j->proofs = wga_proofs_new(cfg, j->bridges, n, start);
	if (!j->roles || !j->proofs || join_flows(j)) {
		wga_join_free(j);
		return NULL;
	}
	for (i = 0; i < j->proofs->n; i++) {
		const struct wga_proof *p = &j->proofs->p[i];
		uint8_t k;

		for (k = 0; k < p->s.n_places; k++)
			lower_evidence(j, &p->s.place[k].from,
				       &p->s.place[k].to, p->evidence);
	}
	return j;
}

void wga_join_free(struct wga_join *j)
{
	if (!j)
		return;
	free(j->bridges);
	free(j->input);
	wga_roles_free(j->roles);
	wga_proofs_free(j->proofs);
	free(j->tuples);
	wga_index_free(&j->index);
	free(j->members);
	free(j);
}

struct wga_flow_ref wga_join_ref(const struct wga_join *j, uint32_t number)
{
	const struct wga_member *m = &j->members[number - 1];
	const struct wga_bridge *br = j->bridges[m->bridge];

	return (struct wga_flow_ref){
		.br = br, .flow = wga_flow_at(br->flows, m->flow),
		.cold = wga_flow_cold_at(br->flows, m->flow),
	};
}

void wga_join_sum(const struct wga_join *j, const struct wga_tuple *t,
		  enum wga_kind kind, struct wga_sum *sum)
{
	uint32_t m;

	*sum = (struct wga_sum){ .first_ns = UINT64_MAX };
	for (m = t->members; m; m = j->members[m - 1].next) {
		const struct wga_member *member = &j->members[m - 1];
		struct wga_flow_ref ref = wga_join_ref(j, m);
		const struct wga_flow_cold *c = ref.cold;
		struct wga_where first;

		if (ref.flow->key.kind != kind)
			continue;
		first = wga_where_at(ref.br, &(struct wga_stamp){
			c->first_frame, c->first_ns });
		sum->frames += wga_flow_frames(ref.br->flows, member->flow);
		sum->bytes += ref.flow->bytes;
		sum->messages += c->messages;
		sum->high += c->high;
		sum->opaque += c->opaque;
		sum->bridges |= (uint64_t)1 << j->input[member->bridge];
		sum->text |= kind == WGA_KIND_FRAGMENT && c->aux;
		if (c->first_ns < sum->first_ns)
			sum->first_ns = c->first_ns;
		if (ref.flow->last_ns > sum->last_ns)
			sum->last_ns = ref.flow->last_ns;
		if (!sum->first.input ||
		    wga_where_order(&first, &sum->first) < 0)
			sum->first = first;
	}
}

bool wga_join_stream(const struct wga_join *j, const struct wga_tuple *t,
		     struct wga_stream_report *out, enum wga_stream_kind *kind)
{
	bool found = false;
	uint32_t m;

	*out = (struct wga_stream_report){ 0 };
	for (m = t->members; m; m = j->members[m - 1].next) {
		struct wga_flow_ref ref = wga_join_ref(j, m);
		const struct wga_stream_slot *slot;
		struct wga_stream_report r;

		if (ref.flow->key.kind != WGA_KIND_STREAM || !ref.cold->aux)
			continue;
		slot = ref.br->streams[ref.cold->aux - 1];
		wga_stream_report(slot->stream, true, &r);
		*kind = slot->kind;
		if (!found || r.records > out->records)
			memcpy(out->detail, r.detail, sizeof(out->detail));
		out->derp |= r.derp;
		out->late |= r.late;
		out->gap |= r.gap;
		out->spliced |= r.spliced;
		out->opened = r.opened && (!found || out->opened);
		if (r.bound && (!out->bound || r.law_chance < out->law_chance))
			out->law_chance = r.law_chance;
		out->bound |= r.bound;
		out->broke |= r.broke;
		if (r.records > out->records)
			out->records = r.records;
		found = true;
	}
	return found;
}

enum wga_evidence wga_join_evidence(const struct wga_join *j,
				    const struct wga_tuple *t,
				    enum wga_kind kind)
{
	struct wga_endpoint lo = { t->key.lo, t->key.port_lo };
	struct wga_endpoint hi = { t->key.hi, t->key.port_hi };

	if (kind == WGA_KIND_DISCO) {
		if (!wga_proofs_path(j->proofs, &lo, &hi))
			return WGA_EVIDENCE_SHAPE;
		return wga_proofs_node(j->proofs, &lo) >= 0 &&
		       wga_proofs_node(j->proofs, &hi) >= 0 ?
			WGA_EVIDENCE_IDENTIFIED : WGA_EVIDENCE_BOUND;
	}
	if (kind != WGA_KIND_WIREGUARD && kind != WGA_KIND_RELAY)
		return WGA_EVIDENCE_NONE;
	if (t->evidence != WGA_EVIDENCE_COUNT)
		return t->evidence;
	return wga_proofs_handshake(j->proofs, &lo, &hi);
}
