/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/judge_internal.h"
#include "analyze/review.h"

/**
 * struct reviewed_kind - one kind of a tuple
 * @known:	the rest is filled in
 */
struct reviewed_kind {
	uint32_t codes;
	uint8_t cls;
	bool known;
};

/**
 * struct point - a frame that a reason is about
 */
struct point {
	int input;
	uint64_t frame;
	enum wga_code code;
	bool first;
};

/**
 * struct piece - see struct wga_piece
 */
struct piece {
	int input;
	uint64_t frame;
	const struct wga_flow_key *key;
};

/**
 * struct wga_review
 * @g:		holds what naming the ends of a flow takes
 * @fresh:	by bridge of the join: bridges that see the frames again
 * @start:	by tuple: the first of its kinds in @kinds
 * @points, @pieces:	in order of input and frame
 * @frames:	reviewed, by class
 */
struct wga_review {
	struct wga_judge g;
	const struct wga_verdict *v;
	struct wga_bridge **fresh;
	uint32_t *start;
	struct reviewed_kind *kinds;
	struct point *points;
	size_t n_points;
	struct piece *pieces;
	size_t n_pieces;
	uint64_t frames[WGA_CLASS_COUNT];
};

int wga_review_input(const struct wga_review *r, const char *name)
{
	const struct wga_join *j = r->g.j;
	size_t i;

	for (i = 0; i < j->n; i++) {
		if (!strcmp(j->bridges[i]->name, name))
			return (int)j->input[i];
	}
	return -1;
}

static int place_order(int a, uint64_t frame_a, int b, uint64_t frame_b)
{
	if (a != b)
		return a < b ? -1 : 1;
	return frame_a < frame_b ? -1 : frame_a > frame_b;
}

static int by_point(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return place_order(x->input, x->frame, y->input, y->frame);
}

static int by_piece(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return place_order(x->input, x->frame, y->input, y->frame);
}

static int make_points(struct wga_review *r)
{
	const struct wga_proofs *pr = r->g.j->proofs;
	size_t i;

	r->points = calloc(pr->n_points + r->v->n_reasons + 1,
			   sizeof(*r->points));
	if (!r->points || pr->points_lost)
		return -1;
	for (i = 0; i < pr->n_points; i++) {
		const struct wga_point *p = &pr->points[i];

		r->points[r->n_points++] = (struct point){
			wga_review_input(r, p->where.input), p->where.frame,
			p->code, false,
		};
	}
	for (i = 0; i < r->v->n_reasons; i++) {
		const struct wga_reason *reason = &r->v->reasons[i];

		if (!reason->first.input)
			continue;
		r->points[r->n_points++] = (struct point){
			wga_review_input(r, reason->first.input),
			reason->first.frame, reason->code, true,
		};
	}
	qsort(r->points, r->n_points, sizeof(*r->points), by_point);
	return 0;
}

static int make_pieces(struct wga_review *r)
{
	const struct wga_join *j = r->g.j;
	size_t b, i, total = 0;

	for (b = 0; b < j->n; b++)
		total += j->bridges[b]->n_pieces;
	r->pieces = calloc(total + 1, sizeof(*r->pieces));
	if (!r->pieces)
		return -1;
	for (b = 0; b < j->n; b++) {
		for (i = 0; i < j->bridges[b]->n_pieces; i++) {
			const struct wga_piece *s = &j->bridges[b]->pieces[i];

			r->pieces[r->n_pieces++] = (struct piece){
				(int)j->input[b], s->frame, &s->key,
			};
		}
	}
	qsort(r->pieces, r->n_pieces, sizeof(*r->pieces), by_piece);
	return 0;
}

static int make_kinds(struct wga_review *r)
{
	const struct wga_join *j = r->g.j;
	uint32_t i, total = 0;

	r->start = calloc(j->n_tuples + (size_t)1, sizeof(*r->start));
	if (!r->start)
		return -1;
	for (i = 0; i < j->n_tuples; i++) {
		r->start[i] = total;
		total += (uint32_t)__builtin_popcount(j->tuples[i].kinds);
	}
	r->kinds = calloc(total + (size_t)1, sizeof(*r->kinds));
	return r->kinds ? 0 : -1;
}

/* A bridge that sees what another saw, before its first frame. The same flows
 * must get the same keys: hashes need its seed.
 */
static struct wga_bridge *fresh_new(const struct wga_config *cfg,
				    const struct wga_bridge *br)
{
	struct wga_bridge *fresh = wga_bridge_new(cfg, br->name, br->live);
	size_t i;

	if (!fresh)
		return NULL;
	wga_bridge_part(fresh, br->part, br->parts);
	memcpy(fresh->seed, br->seed, sizeof(br->seed));
	for (i = 0; i < br->n_leaks; i++) {
		if (wga_bridge_selftest(fresh, &br->leaks[i].test,
					br->leaks[i].own) < 0) {
			wga_bridge_free(fresh);
			return NULL;
		}
	}
	return fresh;
}

static int make_fresh(struct wga_review *r)
{
	const struct wga_join *j = r->g.j;
	size_t i;

	r->fresh = calloc(j->n + 1, sizeof(*r->fresh));
	if (!r->fresh)
		return -1;
	for (i = 0; i < j->n; i++) {
		r->fresh[i] = fresh_new(j->cfg, j->bridges[i]);
		if (!r->fresh[i])
			return -1;
	}
	return 0;
}

struct wga_review *wga_review_new(const struct wga_run *run,
				  const struct wga_verdict *v,
				  struct wga_err *err)
{
	struct wga_review *r = calloc(1, sizeof(*r));

	if (r) {
		r->v = v;
		r->g.j = wga_run_join(run);
	}
	if (r && r->g.j)
		r->g.cfg = r->g.j->cfg;
	if (!r || !r->g.j || make_points(r) || make_pieces(r) ||
	    make_kinds(r) || make_fresh(r)) {
		wga_review_free(r);
		wga_err_set(err, "out-of-memory",
			    "out of memory while going through the frames again");
		return NULL;
	}
	return r;
}

void wga_review_free(struct wga_review *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; r->fresh && i < r->g.j->n; i++)
		wga_bridge_free(r->fresh[i]);
	free(r->fresh);
	free(r->start);
	free(r->kinds);
	free(r->points);
	free(r->pieces);
	wga_join_free(r->g.j);
	free(r);
}

/* What was judged of one kind of a tuple, or NULL if there was none */
static const struct reviewed_kind *find_kind(struct wga_review *r,
					     const struct wga_flow_key *key,
					     const struct wga_tuple **tuple)
{
	const struct wga_tuple *t = wga_join_find(r->g.j, key);
	enum wga_kind kind = (enum wga_kind)key->kind;
	struct reviewed_kind *k;
	struct wga_sum sum;
	enum wga_class cls;

	if (!t || !(t->kinds >> kind & 1))
		return NULL;
	*tuple = t;
	k = &r->kinds[r->start[t - r->g.j->tuples] + (uint32_t)
		      __builtin_popcount(t->kinds & ((1u << kind) - 1))];
	if (!k->known) {
		wga_join_sum(r->g.j, t, kind, &sum);
		cls = wga_join_class(r->g.j, t, kind, &sum);
		k->cls = (uint8_t)cls;
		k->codes = wga_judge_codes(r->g.j, t, kind, cls);
		k->known = true;
	}
	return k;
}

static const struct wga_flow_key *piece_key(const struct wga_review *r,
					      int input, uint64_t frame,
					      const struct wga_flow_key *key)
{
	const struct piece like = { .input = input, .frame = frame };
	const struct piece *s = NULL;

	if (key->kind == WGA_KIND_FRAGMENT && r->n_pieces)
		s = bsearch(&like, r->pieces, r->n_pieces, sizeof(like),
			    by_piece);
	return s ? s->key : key;
}

static void add_points(const struct wga_review *r, int input, uint64_t frame,
		       struct wga_reviewed *out)
{
	const struct point like = { .input = input, .frame = frame };
	size_t lo = 0, hi = r->n_points;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_point(&r->points[mid], &like) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < r->n_points && !by_point(&r->points[lo], &like); lo++) {
		out->codes |= 1u << r->points[lo].code;
		out->first |= r->points[lo].first;
	}
}

static int look_up(struct wga_review *r, int input, uint64_t frame,
		   const struct wga_flow_key *key, uint32_t codes,
		   struct wga_reviewed *out)
{
	const struct reviewed_kind *k;
	const struct wga_tuple *t;

	k = find_kind(r, piece_key(r, input, frame, key), &t);
	if (!k)
		return -1;
	*out = (struct wga_reviewed){
		.cls = (enum wga_class)k->cls, .codes = k->codes | codes,
		.selftest = key->kind == WGA_KIND_SELFTEST &&
			    k->cls == WGA_CLASS_CANARY,
		.flow = &t->key,
	};
	add_points(r, input, frame, out);
	r->frames[out->cls]++;
	return 0;
}

int wga_review_frame(struct wga_review *r, int input,
		     const struct wga_frame *frame, struct wga_reviewed *out)
{
	const struct wga_join *j = r->g.j;
	struct wga_item item;
	size_t i;

	for (i = 0; i < j->n; i++) {
		struct wga_bridge *br = r->fresh[i];

		if ((int)j->input[i] != input)
			continue;
		br->scratch.n = 0;
		if (!wga_examine(br, frame, &item))
			continue;
		return look_up(r, input, frame->number, &item.key, item.codes,
			       out);
	}
	return -1;
}

int wga_review_trace(struct wga_review *r, int input,
		     const struct wga_trace *trace, struct wga_reviewed *out)
{
	const struct wga_join *j = r->g.j;
	size_t i = 0;

	while (i < j->n && (int)j->input[i] != input)
		i++;
	if (i == j->n || trace->flow >= wga_flow_count(j->bridges[i]->flows) ||
	    trace->codes >> WGA_CODE_COUNT)
		return -1;
	return look_up(r, input, trace->frame,
		       &wga_flow_at(j->bridges[i]->flows, trace->flow)->key,
		       trace->codes, out);
}

const char *wga_review_text(const struct wga_review *r,
			    const struct wga_reviewed *seen,
			    enum wga_code code, char *buf, size_t size)
{
	const struct wga_flow_key *key = seen->flow;
	char ends[180];

	snprintf(buf, size, "%s: %s — %s%s",
		 wga_outcome_name(wga_code_severity(code)), wga_code_name(code),
		 wga_judge_sentence(code),
		 wga_summary_ends(&r->g, key, ends, sizeof(ends)));
	return buf;
}

bool wga_review_agrees(const struct wga_review *r)
{
	unsigned int i;

	for (i = 0; i < WGA_CLASS_COUNT; i++) {
		if (r->frames[i] != r->v->classes[i].frames)
			return false;
	}
	return true;
}
