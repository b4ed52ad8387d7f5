/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/evidence.h"

struct wga_where wga_where_at(const struct wga_bridge *br,
			      const struct wga_stamp *at)
{
	return (struct wga_where){
		.input = br->name, .live = br->live,
		.frame = at->frame, .time_ns = at->time_ns,
	};
}

int wga_where_order(const struct wga_where *a, const struct wga_where *b)
{
	int order;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	order = strcmp(a->input, b->input);
	if (order)
		return order;
	return a->frame < b->frame ? -1 : a->frame > b->frame;
}

bool wga_found_add(struct wga_found *f, uint64_t count,
		   const struct wga_where *where)
{
	bool first = count && (!f->count || (where && f->first.input &&
				wga_where_order(where, &f->first) < 0));

	if (first && where)
		f->first = *where;
	f->count += count;
	return first;
}

void wga_proofs_found(struct wga_proofs *pr, struct wga_found *f,
		      enum wga_code code, uint64_t count,
		      const struct wga_where *where)
{
	struct wga_point *points;

	wga_found_add(f, count, where);
	if (!count || !pr->keep_points)
		return;
	points = wga_room(pr->points, pr->n_points, &pr->point_room,
			  sizeof(*points), UINT32_MAX);
	if (!points) {
		pr->points_lost = true;
		return;
	}
	pr->points = points;
	pr->points[pr->n_points++] = (struct wga_point){ code, *where };
}

static int by_time(const void *a, const void *b)
{
	const struct wga_handshake *x = a, *y = b;

	if (x->at.time_ns != y->at.time_ns)
		return x->at.time_ns < y->at.time_ns ? -1 : 1;
	return memcmp(&x->digest, &y->digest, sizeof(x->digest));
}

/* One session on one bridge, while they are sorted together */
struct part {
	const struct wga_session *s;
	const struct wga_bridge *br;
};

static int by_session(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->s->receiver != y->s->receiver)
		return x->s->receiver < y->s->receiver ? -1 : 1;
	return memcmp(&x->s->dst, &y->s->dst, sizeof(x->s->dst));
}

static int by_session_bridge(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int order = by_session(a, b);

	return order ? order : strcmp(x->br->name, y->br->name);
}

/* Messages of a session, as the bridge saw them that saw most. Several parts of
 * one bridge saw different ones.
 */
static uint64_t most_messages(const struct part *parts, size_t n)
{
	uint64_t most = 0, here = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i && strcmp(parts[i].br->name, parts[i - 1].br->name))
			here = 0;
		here += parts[i].s->messages;
		if (here > most)
			most = here;
	}
	return most;
}

static bool is_elsewhere(const struct wga_session *s)
{
	return wga_endpoint_order(&s->last_from, &s->from) ||
	       wga_endpoint_order(&s->last_to, &s->to);
}

/* A move that only one of the bridges saw is a move all the same. */
static void join_places(struct wga_session *to, const struct wga_session *s)
{
	to->moved |= s->moved || wga_endpoint_order(&s->from, &to->from) ||
		     wga_endpoint_order(&s->to, &to->to);
	if (!is_elsewhere(s))
		return;
	to->moved |= is_elsewhere(to) &&
		     (wga_endpoint_order(&s->last_from, &to->last_from) ||
		      wga_endpoint_order(&s->last_to, &to->last_to));
	to->last_from = s->last_from;
	to->last_to = s->last_to;
}

static void join_session(struct wga_proof *p, const struct part *part)
{
	const struct wga_session *s = part->s;
	struct wga_session *to = &p->s;
	struct wga_where w = wga_where_at(part->br, &s->first);

	if (wga_where_order(&w, &p->where) < 0) {
		p->where = w;
		to->first = s->first;
		to->counter_first = s->counter_first;
	}
	if (s->last.time_ns > to->last.time_ns)
		to->last = s->last;
	if (s->counter_min < to->counter_min)
		to->counter_min = s->counter_min;
	if (s->counter_max > to->counter_max)
		to->counter_max = s->counter_max;
	to->odd += s->odd;
	to->stale += s->stale;
	to->reused += s->reused;
	to->blind |= s->blind;
	join_places(to, s);
}

/* Parts of one session on different bridges: a counter that carries different
 * bytes on two of them was used twice.
 */
static void join_parts(struct wga_proofs *pr, const struct part *parts, size_t n)
{
	struct wga_proof *p = &pr->p[pr->n++];
	size_t i, k;

	*p = (struct wga_proof){
		.s = *parts[0].s, .initiator = -1,
		.where = wga_where_at(parts[0].br, &parts[0].s->first),
	};
	for (i = 1; i < n; i++)
		join_session(p, &parts[i]);
	p->s.messages = most_messages(parts, n);
	for (i = 0; i < n; i++) {
		struct wga_where w = wga_where_at(parts[i].br, &parts[i].s->reuse);

		wga_proofs_found(pr, &pr->reuse, WGA_CODE_COUNTER_REUSE,
				 parts[i].s->reused, &w);
		for (k = 0; k < i; k++) {
			uint64_t found = wga_session_conflict(parts[i].s,
							      parts[k].s);

			wga_proofs_found(pr, &pr->reuse,
					 WGA_CODE_COUNTER_REUSE, found,
					 &p->where);
			p->s.reused += found;
		}
	}
}

static int join_sessions(struct wga_proofs *pr,
			 struct wga_bridge *const *bridges, size_t n)
{
	struct part *parts;
	size_t b, total = 0, from, i;
	uint32_t k;

	for (b = 0; b < n; b++)
		total += bridges[b]->sessions.n;
	parts = calloc(total + 1, sizeof(*parts));
	pr->p = calloc(total + 1, sizeof(*pr->p));
	if (!parts || !pr->p) {
		free(parts);
		return -1;
	}
	for (b = 0, i = 0; b < n; b++) {
		for (k = 0; k < bridges[b]->sessions.n; k++)
			parts[i++] = (struct part){ &bridges[b]->sessions.s[k],
						    bridges[b] };
	}
	qsort(parts, total, sizeof(*parts), by_session_bridge);
	for (i = 1, from = 0; i <= total; i++) {
		if (i < total && !by_session(&parts[i], &parts[from]))
			continue;
		join_parts(pr, &parts[from], i - from);
		from = i;
	}
	free(parts);
	return 0;
}

static int join_handshakes(struct wga_proofs *pr,
			   struct wga_bridge *const *bridges, size_t n)
{
	size_t b, total = 0;

	for (b = 0; b < n; b++)
		total += bridges[b]->sessions.n_handshakes;
	pr->handshakes = calloc(total + 1, sizeof(*pr->handshakes));
	if (!pr->handshakes)
		return -1;
	for (b = 0; b < n; b++) {
		const struct wga_sessions *s = &bridges[b]->sessions;

		if (s->n_handshakes)
			memcpy(pr->handshakes + pr->n_handshakes, s->h,
			       s->n_handshakes * sizeof(*s->h));
		pr->n_handshakes += s->n_handshakes;
	}
	qsort(pr->handshakes, pr->n_handshakes, sizeof(*pr->handshakes), by_time);
	return 0;
}

/* Does this handshake name the index of this direction? The receiver of the
 * data chose it: it was the sender of an initiation or response with that
 * index, or the response was sent back to it. Inside DERP addresses are not
 * known, there the index alone has to do.
 */
static bool handshake_names(const struct wga_handshake *h,
			    const struct wga_session *s, int *initiator)
{
	if (h->sender == s->receiver &&
	    (!h->from.port || wga_addr_equal(&h->from.addr, &s->dst))) {
		*initiator = h->type == WGA_WG_INITIATION;
		return true;
	}
	if (h->type == WGA_WG_RESPONSE && h->receiver == s->receiver &&
	    (!h->to.port || wga_addr_equal(&h->to.addr, &s->dst))) {
		*initiator = 1;
		return true;
	}
	return false;
}

/* index of the first handshake at or after a time */
static size_t handshake_from(const struct wga_proofs *pr, uint64_t time_ns)
{
	size_t lo = 0, hi = pr->n_handshakes;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pr->handshakes[mid].at.time_ns < time_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct wga_handshake *find_handshake(const struct wga_proofs *pr,
						  const struct wga_session *s,
						  int *initiator)
{
	uint64_t t = s->first.time_ns;
	size_t i = handshake_from(pr, t > WGA_SESSION_AGE_NS ?
				      t - WGA_SESSION_AGE_NS : 0);

	for (; i < pr->n_handshakes && pr->handshakes[i].at.time_ns <= t; i++) {
		if (handshake_names(&pr->handshakes[i], s, initiator))
			return &pr->handshakes[i];
	}
	return NULL;
}

/* What a session must not show, whatever binds it */
static const char *session_fault(const struct wga_session *s, uint64_t born_ns)
{
	if (s->reused)
		return "a counter was used twice";
	if (s->stale)
		return "counters go back further than a receiver accepts";
	if (s->odd)
		return "message lengths that Tailscale does not send";
	if (s->blind)
		return "too many sessions at once to watch its counters";
	if (s->last.time_ns - born_ns > WGA_SESSION_AGE_NS)
		return "the session is older than 180 s";
	return NULL;
}

static void judge_session(const struct wga_proofs *pr, struct wga_proof *p,
			  uint64_t run_start_ns)
{
	const struct wga_session *s = &p->s;
	const struct wga_handshake *h = find_handshake(pr, s, &p->initiator);
	const char *fault = session_fault(s, h ? h->at.time_ns :
						 s->first.time_ns);

	p->evidence = WGA_EVIDENCE_SHAPE;
	if (fault) {
		p->why = fault;
		return;
	}
	if (!h && s->counter_min > WGA_FIRST_COUNTERS) {
		p->late = s->first.time_ns - run_start_ns < WGA_SESSION_AGE_NS;
		p->why = p->late ? "began before the capture" :
			"its first messages and its handshake were not seen";
		return;
	}
	if (!h && (s->moved || !wga_proofs_path(pr, &s->from, &s->to) ||
		   !wga_proofs_path(pr, &s->last_from, &s->last_to))) {
		p->why = "neither a handshake nor disco on this path was seen";
		return;
	}
	p->evidence = WGA_EVIDENCE_BOUND;
	p->why = h ? "index named by a handshake" :
		     "path confirmed by disco, seen from its first counters";
	if (wga_proofs_node(pr, &s->from) >= 0 &&
	    wga_proofs_node(pr, &s->to) >= 0 &&
	    wga_proofs_node(pr, &s->from) != wga_proofs_node(pr, &s->to))
		p->evidence = WGA_EVIDENCE_IDENTIFIED;
}

enum wga_evidence wga_proofs_handshake(const struct wga_proofs *pr,
				       const struct wga_endpoint *a,
				       const struct wga_endpoint *b)
{
	bool nodes = wga_proofs_node(pr, a) >= 0 && wga_proofs_node(pr, b) >= 0;
	bool init = false, response = false;
	size_t i;

	for (i = 0; i < pr->n_handshakes; i++) {
		const struct wga_handshake *h = &pr->handshakes[i];
		bool forth = !wga_endpoint_order(&h->from, a) &&
			     !wga_endpoint_order(&h->to, b);
		bool back = !wga_endpoint_order(&h->from, b) &&
			    !wga_endpoint_order(&h->to, a);

		if (!forth && !back)
			continue;
		init |= h->type == WGA_WG_INITIATION;
		response |= h->type == WGA_WG_RESPONSE;
		if (pr->registry && h->node < 0)
			return WGA_EVIDENCE_SHAPE;
	}
	if (!(init && response) && !wga_proofs_path(pr, a, b) &&
	    !(pr->registry && (init || response)))
		return WGA_EVIDENCE_SHAPE;
	return nodes ? WGA_EVIDENCE_IDENTIFIED : WGA_EVIDENCE_BOUND;
}

static int by_start(const void *a, const void *b)
{
	const struct wga_proof *x = a, *y = b;
	int order = wga_where_order(&x->where, &y->where);

	if (order)
		return order;
	return x->s.receiver < y->s.receiver ? -1 : x->s.receiver > y->s.receiver;
}

/* The other direction of a session is taken to be the one back between the same
 * ends that began next after this one. It serves to list sessions as people
 * think of them; no evidence rests on it.
 */
static void pair_sessions(struct wga_proofs *pr)
{
	const uint64_t near = 10 * (uint64_t)1000000000;
	uint32_t i, k;

	qsort(pr->p, pr->n, sizeof(*pr->p), by_start);
	for (i = 0; i < pr->n; i++) {
		struct wga_proof *p = &pr->p[i];

		for (k = i + 1; !p->partner && k < pr->n && k < i + 4096; k++) {
			struct wga_proof *q = &pr->p[k];

			if (q->s.first.time_ns - p->s.first.time_ns > near)
				break;
			if (q->partner || wga_endpoint_order(&q->s.from, &p->s.to) ||
			    wga_endpoint_order(&q->s.to, &p->s.from))
				continue;
			p->partner = k + 1;
			q->partner = i + 1;
		}
	}
}

struct wga_proofs *wga_proofs_new(const struct wga_config *cfg,
				  struct wga_bridge *const *bridges, size_t n,
				  uint64_t run_start_ns)
{
	struct wga_proofs *pr = calloc(1, sizeof(*pr));
	uint32_t i;

	if (!pr)
		return NULL;
	pr->registry = cfg->registry;
	pr->keep_points = cfg->review;
	if (join_handshakes(pr, bridges, n) || join_sessions(pr, bridges, n) ||
	    wga_proofs_identify(pr, bridges, n)) {
		wga_proofs_free(pr);
		return NULL;
	}
	for (i = 0; i < pr->n; i++)
		judge_session(pr, &pr->p[i], run_start_ns);
	pair_sessions(pr);
	return pr;
}

void wga_proofs_free(struct wga_proofs *pr)
{
	if (!pr)
		return;
	free(pr->p);
	free(pr->paths);
	free(pr->identities);
	free(pr->handshakes);
	free(pr->points);
	free(pr);
}
