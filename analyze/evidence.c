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

/* ends that one session is looked for at; more have its index by chance */
#define PATHS_MAX	64

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
 * one bridge saw different ones, but inside DERP the same ones on connections
 * of sender and receiver.
 */
static uint64_t most_messages(const struct part *parts, size_t n)
{
	bool derp = wga_derp_is_node(&parts[0].s->dst);
	uint64_t most = 0, here = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (derp || (i && strcmp(parts[i].br->name,
					 parts[i - 1].br->name)))
			here = 0;
		here += parts[i].s->messages;
		if (here > most)
			most = here;
	}
	return most;
}

/* A move that only one of the bridges saw is a move all the same. */
static void join_places(struct wga_session *to, const struct wga_session *s)
{
	uint8_t i;

	for (i = 0; i < s->n_places; i++)
		wga_session_place(to, &s->place[i]);
	to->places_more |= s->places_more;
}

/* Did all that one bridge saw of it travel in connections whose TLS was opened
 * and held nothing but what belongs into DERP?
 */
static bool is_carried(const struct part *part)
{
	const struct wga_session *s = part->s;
	struct wga_stream_report r;
	unsigned int i;

	if (!s->via[0] || s->via_more)
		return false;
	for (i = 0; i < WGA_VIA_MAX && s->via[i]; i++) {
		wga_stream_report(part->br->streams[s->via[i] - 1]->stream,
				  true, &r);
		if (!r.opened || r.spliced)
			return false;
	}
	return true;
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
	p->carried = p->carried && is_carried(part);
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
		.carried = is_carried(&parts[0]),
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

static struct part *join_sessions(struct wga_proofs *pr,
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
		return NULL;
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
		pr->p[pr->n - 1].part = from;
		pr->p[pr->n - 1].parts = i - from;
		from = i;
	}
	return parts;
}

/* counters that two paths of a session carried with different bytes */
static uint64_t parts_conflict(const struct part *parts,
			       const struct wga_proof *p,
			       const struct wga_proof *q)
{
	uint64_t found = 0;
	size_t i, k;

	for (i = p->part; i < p->part + p->parts; i++) {
		for (k = q->part; k < q->part + q->parts; k++)
			found += wga_session_conflict(parts[i].s, parts[k].s);
	}
	return found;
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

/* Is it known that these are different nodes? DERP names nodes by their keys, of
 * which one may have had several; an address is a node's if it shows that.
 */
static bool is_other(const struct wga_proofs *pr, const struct wga_endpoint *a,
		     const struct wga_endpoint *b, const struct wga_session *s)
{
	uint64_t from = s->first.time_ns, to = s->last.time_ns;
	bool derp = wga_derp_is_node(&a->addr) && wga_derp_is_node(&b->addr);
	int x, y;

	if (!wga_endpoint_order(a, b))
		return false;
	x = wga_proofs_node_at(pr, a, from, to);
	y = wga_proofs_node_at(pr, b, from, to);
	return x >= 0 && y >= 0 ? x != y : derp;
}

/* Addresses roam, but only one node sends in a direction of a session, and it is
 * one of the two that the handshake is between.
 */
static bool is_intruded(const struct wga_proofs *pr, const struct wga_session *s,
			const struct wga_sighting *h)
{
	uint8_t i, k;

	for (i = 0; i < s->n_places; i++) {
		const struct wga_endpoint *from = &s->place[i].from;

		if (h && is_other(pr, from, &h->h.from, s) &&
		    is_other(pr, from, &h->h.to, s))
			return true;
		for (k = 0; k < i; k++) {
			if (is_other(pr, from, &s->place[k].from, s))
				return true;
		}
	}
	return s->places_more && wga_derp_is_node(&s->dst);
}

/* The registered node at an end of a session. Its endpoint may have been another
 * node's before or after: then who was there at that time.
 */
static int node_then(const struct wga_proofs *pr, const struct wga_session *s,
		     const struct wga_endpoint *at, uint64_t time_ns)
{
	int node = wga_proofs_node_at(pr, at, s->first.time_ns,
				      s->last.time_ns);

	return node >= 0 ? node : wga_proofs_node_at(pr, at, time_ns, time_ns);
}

/* Both ends are registered nodes, the same ones wherever they moved. Who sends
 * must have been there first and last. Senders go on for a while to where a
 * node was: a receiver's endpoint is judged by when the session came there.
 */
static bool session_nodes(const struct wga_proofs *pr,
			  const struct wga_session *s, int *from, int *to)
{
	const struct wga_place *began = &s->place[0];
	uint8_t i;

	*from = node_then(pr, s, &began->from, began->first_ns);
	*to = node_then(pr, s, &began->to, began->first_ns);
	for (i = 0; i < s->n_places; i++) {
		const struct wga_place *p = &s->place[i];

		if (node_then(pr, s, &p->from, p->first_ns) != *from ||
		    node_then(pr, s, &p->from, p->last_ns) != *from)
			return false;
		if (wga_endpoint_order(&p->to, &began->to) &&
		    node_then(pr, s, &p->to, p->first_ns) != *to)
			return false;
	}
	return *from >= 0 && *to >= 0 && *from != *to && !s->places_more;
}

/* Did disco confirm every path that it took? */
static bool session_paths(const struct wga_proofs *pr,
			  const struct wga_session *s)
{
	uint8_t i;

	for (i = 0; i < s->n_places; i++) {
		if (!wga_proofs_path(pr, &s->place[i].from, &s->place[i].to))
			return false;
	}
	return !s->places_more;
}

/* The last rung, for an identified session: what was opened of its handshake,
 * or of what carried it. What was opened and does not fit stands against it.
 */
static void judge_opened(const struct wga_proofs *pr, struct wga_proof *p,
			 const struct wga_sighting *h, int from, int to)
{
	enum wga_initiation got = WGA_INITIATION_UNSEEN;
	bool back = p->initiator == 1;

	if (h)
		got = wga_proofs_initiation(pr,
			back ? p->s.receiver : h->h.receiver,
			h->h.at.time_ns, back ? to : from, back ? from : to,
			&p->off_s);
	if (got == WGA_INITIATION_OPENED ||
	    (p->carried && got < WGA_INITIATION_FALLS)) {
		p->evidence = WGA_EVIDENCE_OPENED;
		p->lacks = NULL;
		p->why = got ? "carried by DERP that was opened" :
			       "its initiation was opened";
		return;
	}
	p->lacks = wga_initiation_text(got);
}

static void judge_session(const struct wga_proofs *pr, struct wga_proof *p,
			  uint64_t run_start_ns)
{
	const struct wga_session *s = &p->s;
	const struct wga_sighting *h = wga_proofs_binding(pr, s, &p->initiator);
	const char *fault = session_fault(s, h ? h->h.at.time_ns :
						 s->first.time_ns);
	int from, to;

	p->evidence = WGA_EVIDENCE_SHAPE;
	p->handshake = h ? h->h.digest : 0;
	if (!fault && is_intruded(pr, s, h))
		fault = "another node sent in it";
	if (fault) {
		p->why = p->lacks = fault;
		return;
	}
	if (!h && s->counter_min > WGA_FIRST_COUNTERS) {
		p->late = s->first.time_ns - run_start_ns < WGA_SESSION_AGE_NS;
		p->why = p->late ? "may have begun before the capture, or in DERP" :
			"its first messages and its handshake were not seen";
		p->lacks = p->why;
		return;
	}
	if (!h && !session_paths(pr, s)) {
		p->why = "neither a handshake nor disco on this path was seen";
		p->lacks = p->why;
		return;
	}
	p->evidence = WGA_EVIDENCE_BOUND;
	p->why = h ? "index named by a handshake" :
		     "path confirmed by disco, seen from its first counters";
	p->lacks = "not every end is a registered node";
	if (!session_nodes(pr, s, &from, &to))
		return;
	if (h && !wga_proofs_between(pr, h, from, to)) {
		p->lacks = "its handshake is between other nodes";
		return;
	}
	p->evidence = WGA_EVIDENCE_IDENTIFIED;
	judge_opened(pr, p, h, from, to);
}

/* A session that went from DERP to a direct path, or back, has one row of
 * counters all the same.
 */
static void judge_paths(struct wga_proofs *pr, const struct part *parts)
{
	uint32_t i, k;

	for (i = 0; i < pr->n; i++) {
		for (k = i + 1; k < pr->n && k < i + PATHS_MAX &&
		     pr->p[k].s.receiver == pr->p[i].s.receiver; k++) {
			struct wga_proof *p = &pr->p[i], *q = &pr->p[k];
			uint64_t found;

			if (!p->handshake || p->handshake != q->handshake ||
			    p->initiator != q->initiator)
				continue;
			found = parts_conflict(parts, p, q);
			wga_proofs_found(pr, &pr->reuse,
					 WGA_CODE_COUNTER_REUSE, found,
					 &q->where);
			if (!found)
				continue;
			p->evidence = q->evidence = WGA_EVIDENCE_SHAPE;
			p->why = q->why = p->lacks = q->lacks =
				"a counter was used twice";
		}
	}
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

static int join_nodes(struct wga_proofs *pr, struct wga_bridge *const *bridges,
		      size_t n)
{
	size_t b;

	wga_derp_nodes_init(&pr->derp);
	for (b = 0; b < n; b++) {
		if (wga_derp_nodes_join(&pr->derp, &bridges[b]->derp))
			return -1;
	}
	return 0;
}

struct wga_proofs *wga_proofs_new(const struct wga_config *cfg,
				  struct wga_bridge *const *bridges, size_t n,
				  uint64_t run_start_ns)
{
	struct wga_proofs *pr = calloc(1, sizeof(*pr));
	struct part *parts = NULL;
	uint32_t i;

	if (!pr)
		return NULL;
	pr->registry = cfg->registry;
	pr->keep_points = cfg->review;
	if (!join_nodes(pr, bridges, n) && !wga_proofs_sightings(pr, bridges, n))
		parts = join_sessions(pr, bridges, n);
	if (!parts || wga_proofs_identify(pr, bridges, n)) {
		free(parts);
		wga_proofs_free(pr);
		return NULL;
	}
	for (i = 0; i < pr->n; i++)
		judge_session(pr, &pr->p[i], run_start_ns);
	judge_paths(pr, parts);
	free(parts);
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
	wga_derp_nodes_free(&pr->derp);
	free(pr);
}
