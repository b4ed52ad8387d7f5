/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The handshake messages of all bridges. The same bytes are one message however
 * often they are seen: routed, relayed, or on several bridges. It is as old as
 * its first sighting, so bytes that are sent again later bind nothing.
 *
 * An initiation that a node key opens names its initiator's static key and
 * holds a timestamp, which a responder takes only if it is greater than all
 * that this initiator sent before (WireGuard paper, section 5.1). So it must
 * rise here too; and be near the capture's clock, or it is from another day.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/evidence.h"
#include "analyze/node_keys.h"

static int by_bytes(const void *a, const void *b)
{
	const struct wga_sighting *x = a, *y = b;
	int order;

	if (x->h.digest != y->h.digest)
		return x->h.digest < y->h.digest ? -1 : 1;
	order = wga_endpoint_order(&x->h.from, &y->h.from);
	if (!order)
		order = wga_endpoint_order(&x->h.to, &y->h.to);
	return order ? order : wga_where_order(&x->where, &y->where);
}

static int by_time(const void *a, const void *b)
{
	const struct wga_sighting *x = a, *y = b;

	if (x->h.at.time_ns != y->h.at.time_ns)
		return x->h.at.time_ns < y->h.at.time_ns ? -1 : 1;
	return by_bytes(a, b);
}

/* One message: keep one sighting between each two ends, all with the time of
 * the first. Returns how many are kept.
 */
static size_t join_message(struct wga_sighting *s, size_t n)
{
	struct wga_where first = s->where;
	size_t i, kept = 0;

	for (i = 1; i < n; i++) {
		struct wga_sighting *to = &s[kept];

		if (wga_where_order(&s[i].where, &first) < 0)
			first = s[i].where;
		if (wga_endpoint_order(&to->h.from, &s[i].h.from) ||
		    wga_endpoint_order(&to->h.to, &s[i].h.to)) {
			s[++kept] = s[i];
			continue;
		}
		to->h.count += s[i].h.count;
	}
	for (i = 0; i <= kept; i++) {
		s[i].h.at.time_ns = first.time_ns;
		s[i].again = i > 0;
	}
	s->where = first;
	return kept + 1;
}

static void join_messages(struct wga_proofs *pr)
{
	struct wga_sighting *s = pr->handshakes;
	size_t from, i, n, kept = 0;

	qsort(s, pr->n_handshakes, sizeof(*s), by_bytes);
	for (from = 0; from < pr->n_handshakes; from = i) {
		for (i = from + 1; i < pr->n_handshakes &&
		     s[i].h.digest == s[from].h.digest; i++)
			;
		n = join_message(&s[from], i - from);
		memmove(&s[kept], &s[from], n * sizeof(*s));
		kept += n;
	}
	pr->n_handshakes = kept;
	qsort(s, kept, sizeof(*s), by_time);
}

/* opened initiations, by whose they are and to whom, then as they are listed */
static int by_nodes(const void *a, const void *b)
{
	const struct wga_sighting *x = *(struct wga_sighting *const *)a;
	const struct wga_sighting *y = *(struct wga_sighting *const *)b;
	int order = memcmp(&x->h.initiator, &y->h.initiator,
			   sizeof(x->h.initiator));

	if (!order)
		order = memcmp(&x->h.responder, &y->h.responder,
			       sizeof(x->h.responder));
	return order ? order : by_time(x, y);
}

static bool same_nodes(const struct wga_sighting *a,
		       const struct wga_sighting *b)
{
	return wga_addr_equal(&a->h.initiator, &b->h.initiator) &&
	       wga_addr_equal(&a->h.responder, &b->h.responder);
}

static int find_falling(struct wga_proofs *pr)
{
	struct wga_sighting **opened;
	const struct wga_sighting *top = NULL, *last = NULL;
	size_t i, n = 0;

	opened = calloc(pr->n_handshakes + 1, sizeof(struct wga_sighting *));
	if (!opened)
		return -1;
	for (i = 0; i < pr->n_handshakes; i++) {
		if (pr->handshakes[i].h.opening == WGA_OPENING_DONE)
			opened[n++] = &pr->handshakes[i];
	}
	qsort(opened, n, sizeof(struct wga_sighting *), by_nodes);
	for (i = 0; i < n; i++) {
		struct wga_sighting *s = opened[i];

		if (last && s->h.digest == last->h.digest) {
			s->falls = last->falls;
			continue;
		}
		if (!top || !same_nodes(top, s) ||
		    memcmp(s->h.tai64n, top->h.tai64n,
			   sizeof(s->h.tai64n)) > 0)
			top = s;
		else
			s->falls = true;
		last = s;
	}
	free(opened);
	return 0;
}

int wga_proofs_sightings(struct wga_proofs *pr,
			 struct wga_bridge *const *bridges, size_t n)
{
	size_t b, i, total = 0;

	for (b = 0; b < n; b++)
		total += bridges[b]->sessions.n_handshakes;
	pr->handshakes = calloc(total + 1, sizeof(*pr->handshakes));
	if (!pr->handshakes)
		return -1;
	for (b = 0; b < n; b++) {
		const struct wga_sessions *s = &bridges[b]->sessions;

		for (i = 0; i < s->n_handshakes; i++)
			pr->handshakes[pr->n_handshakes++] =
				(struct wga_sighting){
					.h = s->h[i],
					.where = wga_where_at(bridges[b],
							      &s->h[i].at),
				};
	}
	join_messages(pr);
	return find_falling(pr);
}

/* Registered node that data of a session goes to: at least when it began, if
 * another one came to that endpoint later.
 */
static int receiving_node(const struct wga_proofs *pr,
			  const struct wga_session *s)
{
	uint64_t t = s->first.time_ns;
	int node = wga_proofs_node_at(pr, &s->to, t, s->last.time_ns);

	return node >= 0 ? node : wga_proofs_node_at(pr, &s->to, t, t);
}

/* Can an end of a handshake be where data of its session goes to? It can at the
 * same address or node of DERP. Between an address and a node of DERP the index
 * has to do, unless they are known to be different nodes; so it has where DERP
 * did not say who it was. From one address to another a node can move: it must
 * be known to be the same one, or disco must have confirmed the new path with
 * the very host of the handshake's other end.
 */
static bool may_be_at(const struct wga_proofs *pr,
		      const struct wga_sighting *h,
		      const struct wga_endpoint *end,
		      const struct wga_endpoint *other,
		      const struct wga_session *s)
{
	bool derp = wga_derp_is_node(&end->addr);
	uint64_t t = h->h.at.time_ns;
	int a, b;

	if (!end->port || !s->to.port)
		return true;
	if (wga_addr_equal(&end->addr, &s->dst))
		return true;
	if (derp && wga_derp_is_node(&s->dst))
		return false;
	a = wga_proofs_node_at(pr, end, t, t);
	b = receiving_node(pr, s);
	if (a >= 0 && b >= 0)
		return a == b;
	return derp != wga_derp_is_node(&s->dst) ||
	       (wga_addr_equal(&other->addr, &s->from.addr) &&
		wga_proofs_path(pr, &s->from, &s->to));
}

/* Does this handshake name the index of this direction? The receiver of the
 * data chose it: it was the sender of an initiation or response with that
 * index, or the response was sent back to it.
 */
static bool handshake_names(const struct wga_proofs *pr,
			    const struct wga_sighting *h,
			    const struct wga_session *s, int *initiator)
{
	if (h->h.sender == s->receiver &&
	    may_be_at(pr, h, &h->h.from, &h->h.to, s)) {
		*initiator = h->h.type == WGA_WG_INITIATION;
		return true;
	}
	if (h->h.type == WGA_WG_RESPONSE && h->h.receiver == s->receiver &&
	    may_be_at(pr, h, &h->h.to, &h->h.from, s)) {
		*initiator = 1;
		return true;
	}
	return false;
}

/* index of the first handshake that is not too old to count at a time */
static size_t handshake_from(const struct wga_proofs *pr, uint64_t time_ns)
{
	uint64_t from = time_ns > WGA_SESSION_AGE_NS ?
		time_ns - WGA_SESSION_AGE_NS : 0;
	size_t lo = 0, hi = pr->n_handshakes;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pr->handshakes[mid].h.at.time_ns < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct wga_sighting *wga_proofs_binding(const struct wga_proofs *pr,
					      const struct wga_session *s,
					      int *initiator)
{
	uint64_t t = s->first.time_ns;
	size_t i = handshake_from(pr, t);

	for (; i < pr->n_handshakes && pr->handshakes[i].h.at.time_ns <= t; i++) {
		if (handshake_names(pr, &pr->handshakes[i], s, initiator))
			return &pr->handshakes[i];
	}
	return NULL;
}

bool wga_proofs_between(const struct wga_proofs *pr,
			const struct wga_sighting *h, int from, int to)
{
	uint64_t t = h->h.at.time_ns;
	int a = wga_proofs_node_at(pr, &h->h.from, t, t);
	int b = wga_proofs_node_at(pr, &h->h.to, t, t);

	return (a < 0 || a == from || a == to) &&
	       (b < 0 || b == from || b == to) && (a < 0 || a != b);
}

/* by how much the time in an initiation is off the capture's clock */
static int64_t clock_off(const struct wga_handshake *h)
{
	return (int64_t)(wga_tai64n_ns(h->tai64n) - h->at.time_ns);
}

static enum wga_initiation judge_initiation(const struct wga_sighting *s,
					    int initiator, int responder,
					    int64_t *off_s)
{
	const struct wga_handshake *h = &s->h;
	int64_t off;

	if (h->opening == WGA_OPENING_NO_KEY)
		return WGA_INITIATION_SEALED;
	if (h->opening == WGA_OPENING_FORGED)
		return WGA_INITIATION_FORGED;
	if (h->astray || h->initiator_node < 0 ||
	    h->initiator_node != initiator || h->node != responder)
		return WGA_INITIATION_OTHERS;
	if (s->falls)
		return WGA_INITIATION_FALLS;
	off = clock_off(h);
	if (off <= (int64_t)WGA_FRESH_NS && off >= -(int64_t)WGA_FRESH_NS)
		return WGA_INITIATION_OPENED;
	*off_s = off / 1000000000;
	return WGA_INITIATION_OFF;
}

/* WireGuard answers an initiation once: it takes no other one of that time, and
 * so not the same one either. Of two responses one is by somebody else, and
 * nothing tells which.
 */
static bool is_answered_twice(const struct wga_proofs *pr, uint32_t index,
			      uint64_t upto_ns)
{
	const struct wga_sighting *first = NULL;
	size_t i = handshake_from(pr, upto_ns);

	for (; i < pr->n_handshakes && pr->handshakes[i].h.at.time_ns <=
	     upto_ns + WGA_SESSION_AGE_NS; i++) {
		const struct wga_sighting *s = &pr->handshakes[i];

		if (s->h.type != WGA_WG_RESPONSE || s->h.receiver != index)
			continue;
		if (first && first->h.digest != s->h.digest)
			return true;
		first = s;
	}
	return false;
}

enum wga_initiation wga_proofs_initiation(const struct wga_proofs *pr,
					  uint32_t index, uint64_t upto_ns,
					  int initiator, int responder,
					  int64_t *off_s)
{
	enum wga_initiation worst = WGA_INITIATION_UNSEEN, got;
	bool opened = false;
	size_t i = handshake_from(pr, upto_ns);

	for (; i < pr->n_handshakes &&
	     pr->handshakes[i].h.at.time_ns <= upto_ns; i++) {
		const struct wga_sighting *s = &pr->handshakes[i];

		if (s->h.type != WGA_WG_INITIATION || s->h.sender != index)
			continue;
		got = judge_initiation(s, initiator, responder, off_s);
		opened |= got == WGA_INITIATION_OPENED;
		if (got > worst)
			worst = got;
	}
	if (worst < WGA_INITIATION_TWICE && is_answered_twice(pr, index, upto_ns))
		return WGA_INITIATION_TWICE;
	return opened && worst < WGA_INITIATION_FALLS ?
		WGA_INITIATION_OPENED : worst;
}

const char *wga_initiation_text(enum wga_initiation i)
{
	static const char *const texts[] = {
		[WGA_INITIATION_OPENED] = NULL,
		[WGA_INITIATION_UNSEEN] = "its initiation was not seen",
		[WGA_INITIATION_SEALED] = "no node key opens its initiation",
		[WGA_INITIATION_OFF] = "handshake time is off the capture's clock",
		[WGA_INITIATION_FALLS] = "the time in its initiation does not rise",
		[WGA_INITIATION_TWICE] = "its initiation was answered twice",
		[WGA_INITIATION_OTHERS] = "its initiation is between other nodes",
		[WGA_INITIATION_FORGED] = "its initiation is not sealed to the node it names",
	};

	return texts[i];
}

const char *wga_proof_lacks(const struct wga_proof *p, char *buf, size_t size)
{
	if (p->lacks != wga_initiation_text(WGA_INITIATION_OFF))
		return p->lacks;
	snprintf(buf, size, "handshake time is %" PRId64
		 " s off the capture's clock", p->off_s);
	return buf;
}

/* what a handshake between two ends is worth if nothing followed it there */
static bool is_opened(const struct wga_proofs *pr, const struct wga_sighting *s)
{
	uint64_t t = s->h.at.time_ns;
	int from = wga_proofs_node_at(pr, &s->h.from, t, t);
	int to = wga_proofs_node_at(pr, &s->h.to, t, t);
	int64_t off;

	if (s->h.type == WGA_WG_INITIATION)
		return judge_initiation(s, from, to, &off) ==
		       WGA_INITIATION_OPENED;
	return wga_proofs_initiation(pr, s->h.receiver, t, to, from, &off) ==
	       WGA_INITIATION_OPENED;
}

static bool are_nodes(const struct wga_proofs *pr, const struct wga_sighting *s)
{
	uint64_t t = s->h.at.time_ns;

	return wga_proofs_node_at(pr, &s->h.from, t, t) >= 0 &&
	       wga_proofs_node_at(pr, &s->h.to, t, t) >= 0;
}

enum wga_evidence wga_proofs_handshake(const struct wga_proofs *pr,
				       const struct wga_endpoint *a,
				       const struct wga_endpoint *b)
{
	bool init = false, response = false, nodes = true, opened = true;
	size_t i;

	for (i = 0; i < pr->n_handshakes; i++) {
		const struct wga_sighting *s = &pr->handshakes[i];
		bool forth = !wga_endpoint_order(&s->h.from, a) &&
			     !wga_endpoint_order(&s->h.to, b);
		bool back = !wga_endpoint_order(&s->h.from, b) &&
			    !wga_endpoint_order(&s->h.to, a);

		if (!forth && !back)
			continue;
		init |= s->h.type == WGA_WG_INITIATION;
		response |= s->h.type == WGA_WG_RESPONSE;
		if (pr->registry && s->h.node < 0)
			return WGA_EVIDENCE_SHAPE;
		nodes = nodes && are_nodes(pr, s);
		opened = opened && is_opened(pr, s);
	}
	if (!(init && response) && !wga_proofs_path(pr, a, b) &&
	    !(pr->registry && (init || response)))
		return WGA_EVIDENCE_SHAPE;
	if (!init && !response)
		nodes = wga_proofs_node(pr, a) >= 0 &&
			wga_proofs_node(pr, b) >= 0;
	if (!nodes)
		return WGA_EVIDENCE_BOUND;
	return opened && (init || response) ? WGA_EVIDENCE_OPENED :
					      WGA_EVIDENCE_IDENTIFIED;
}
