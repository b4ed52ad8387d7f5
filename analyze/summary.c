/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/judge_internal.h"
#include "analyze/packet.h"

/* Name of the host at an endpoint: declared, or the registered node that
 * speaks from there; a registered node is also known by its address alone.
 */
static const char *host_name(const struct wga_judge *g,
			     const struct wga_endpoint *at)
{
	const struct wga_proofs *pr = g->j->proofs;
	int node = wga_proofs_node(pr, at);
	size_t i;

	for (i = 0; i < g->cfg->n_vms; i++) {
		if (wga_addr_equal(&g->cfg->vms[i].addr, &at->addr))
			return g->cfg->vms[i].name;
	}
	for (i = 0; node < 0 && i < pr->n_identities; i++) {
		if (wga_addr_equal(&pr->identities[i].at.addr, &at->addr))
			node = pr->identities[i].node;
	}
	return node >= 0 ? wga_registry_node(pr->registry, (size_t)node)->name :
			   "";
}

static void end_set(const struct wga_judge *g, const struct wga_endpoint *at,
		    struct wga_flow_end *end)
{
	*end = (struct wga_flow_end){
		.addr = at->addr, .port = at->port, .has_addr = true,
	};
	snprintf(end->name, sizeof(end->name), "%s", host_name(g, at));
}

void wga_summary_end(const struct wga_judge *g, const struct wga_flow_key *key,
		     bool hi, struct wga_flow_end *end)
{
	struct wga_endpoint at = {
		hi ? key->hi : key->lo, hi ? key->port_hi : key->port_lo,
	};
	const uint8_t *m = at.addr.b;

	if (key->ethertype) {
		*end = (struct wga_flow_end){ 0 };
		snprintf(end->name, sizeof(end->name),
			 "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
			 m[3], m[4], m[5]);
		return;
	}
	if (key->proto != WGA_PROTO_UDP && key->proto != WGA_PROTO_TCP)
		at.port = 0;
	end_set(g, &at, end);
}

static const char *end_text(const struct wga_flow_end *end, char *buf,
			    size_t size)
{
	char addr[WGA_ADDR_STRLEN];
	bool v6 = !wga_addr_is_v4(&end->addr);

	if (!end->has_addr)
		return end->name;
	wga_addr_format(&end->addr, addr);
	if (end->port)
		snprintf(buf, size, v6 ? "[%s]:%u" : "%s:%u", addr, end->port);
	else
		snprintf(buf, size, "%s", addr);
	if (end->name[0]) {
		size_t n = strlen(buf);

		snprintf(buf + n, size - n, " (%.30s)", end->name);
	}
	return buf;
}

const char *wga_summary_ends(const struct wga_judge *g,
			     const struct wga_flow_key *key, char *buf,
			     size_t size)
{
	struct wga_flow_end a, b;
	char x[96], y[96];

	wga_summary_end(g, key, false, &a);
	wga_summary_end(g, key, true, &b);
	snprintf(buf, size, "%s and %s", end_text(&a, x, sizeof(x)),
		 end_text(&b, y, sizeof(y)));
	return buf;
}

/* Violations first, then by bytes; the rest is for an order that is always the
 * same.
 */
static int weight_order(const struct wga_judge *g, const struct wga_listing *x,
			const struct wga_listing *y)
{
	int order;

	if (x->grave != y->grave)
		return x->grave ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	order = memcmp(&g->j->tuples[x->tuple].key, &g->j->tuples[y->tuple].key,
		       sizeof(struct wga_flow_key));
	return order ? order : (int)x->kind - (int)y->kind;
}

/* Let the flow at @i of the heap sink to where all above it are lighter. */
static void heap_sink(struct wga_judge *g, size_t i, size_t n)
{
	struct wga_listing moved = g->listing[i];
	size_t below;

	for (; (below = 2 * i + 1) < n; i = below) {
		if (below + 1 < n && weight_order(g, &g->listing[below + 1],
						  &g->listing[below]) > 0)
			below++;
		if (weight_order(g, &g->listing[below], &moved) <= 0)
			break;
		g->listing[i] = g->listing[below];
	}
	g->listing[i] = moved;
}

static void heap_rise(struct wga_judge *g, size_t i)
{
	struct wga_listing moved = g->listing[i];

	for (; i && weight_order(g, &moved, &g->listing[(i - 1) / 2]) > 0;
	     i = (i - 1) / 2)
		g->listing[i] = g->listing[(i - 1) / 2];
	g->listing[i] = moved;
}

static void list_flow(struct wga_judge *g, const struct wga_listing *l)
{
	struct wga_listing *listing;

	g->flows++;
	if (g->n_listing == WGA_FLOWS_LISTED) {
		if (weight_order(g, l, &g->listing[0]) < 0) {
			g->listing[0] = *l;
			heap_sink(g, 0, g->n_listing);
		}
		return;
	}
	listing = wga_room(g->listing, g->n_listing, &g->listing_room,
			   sizeof(*listing), WGA_FLOWS_LISTED);
	if (!listing) {
		g->broken = true;
		return;
	}
	g->listing = listing;
	g->listing[g->n_listing] = *l;
	heap_rise(g, g->n_listing++);
}

static const char *protocol(const struct wga_flow_key *key, char *buf,
			    size_t size)
{
	switch (key->ethertype) {
	case 0:
		break;
	case 1:
		return "802.3";
	case WGA_ETHERTYPE_ARP:
		return "arp";
	case WGA_ETHERTYPE_LLDP:
		return "lldp";
	default:
		snprintf(buf, size, "ethertype 0x%04x", key->ethertype);
		return buf;
	}
	switch (key->proto) {
	case WGA_PROTO_UDP:
		return "udp";
	case WGA_PROTO_TCP:
		return "tcp";
	case WGA_PROTO_ICMP:
		return "icmp";
	case WGA_PROTO_ICMPV6:
		return "icmpv6";
	case WGA_PROTO_IGMP:
		return "igmp";
	case WGA_PROTO_GRE:
		return "gre";
	default:
		snprintf(buf, size, "ip protocol %u", key->proto);
		return buf;
	}
}

static const char *const kind_texts[WGA_KIND_COUNT] = {
	[WGA_KIND_WIREGUARD] = "WireGuard",
	[WGA_KIND_DISCO] = "disco",
	[WGA_KIND_RELAY] = "peer relay",
	[WGA_KIND_STUN] = "STUN",
	[WGA_KIND_HEARTBEAT] = "heartbeat",
	[WGA_KIND_SELFTEST] = "synthetic leak, found as text",
	[WGA_KIND_HOUSEKEEPING] = "housekeeping",
	[WGA_KIND_SERVICE] = "DNS, NTP, DHCP or port mapping",
	[WGA_KIND_ECHO] = "ICMP echo",
	[WGA_KIND_ICMP_ERROR] = "ICMP error",
	[WGA_KIND_TCP] = "TCP without payload",
	[WGA_KIND_TLS] = "TLS with an undeclared server",
	[WGA_KIND_STREAM] = "followed connection",
	[WGA_KIND_SPLICED] = "foreign bytes inside",
	[WGA_KIND_SPLICED_TEXT] = "readable bytes inside",
	[WGA_KIND_TEXT] = "readable",
	[WGA_KIND_OPAQUE] = "neither readable nor known",
	[WGA_KIND_FRAGMENT] = "fragments of datagrams that are not whole",
	[WGA_KIND_CUT] = "cut too short",
	[WGA_KIND_BAD] = "malformed",
};

static void flow_report(const struct wga_judge *g, const struct wga_listing *l,
			struct wga_flow_report *f)
{
	const struct wga_tuple *t = &g->j->tuples[l->tuple];
	enum wga_kind kind = (enum wga_kind)l->kind;
	struct wga_stream_report stream;
	enum wga_stream_kind unused;
	struct wga_sum sum;
	char buf[24];

	wga_join_sum(g->j, t, kind, &sum);
	f->cls = (enum wga_class)l->cls;
	f->evidence = wga_join_evidence(g->j, t, kind);
	snprintf(f->protocol, sizeof(f->protocol), "%s",
		 protocol(&t->key, buf, sizeof(buf)));
	wga_summary_end(g, &t->key, false, &f->a);
	wga_summary_end(g, &t->key, true, &f->b);
	f->bridges = sum.bridges;
	f->frames = sum.frames;
	f->bytes = sum.bytes;
	f->first_ns = sum.first_ns;
	f->last_ns = sum.last_ns;
	f->first = sum.first;
	if (kind == WGA_KIND_STREAM &&
	    wga_join_stream(g->j, t, &stream, &unused) && stream.detail[0])
		snprintf(f->detail, sizeof(f->detail), "%s", stream.detail);
	else if (f->cls == WGA_CLASS_PLAINTEXT && kind == WGA_KIND_WIREGUARD)
		snprintf(f->detail, sizeof(f->detail),
			 "WireGuard headers before bytes that are not random");
	else
		snprintf(f->detail, sizeof(f->detail), "%s", kind_texts[kind]);
}

void wga_summary_flows(struct wga_judge *g)
{
	size_t n;

	if (!g->n_listing)
		return;
	if (g->flows > g->n_listing)
		wga_judge_note(g, g->flows - g->n_listing, "smaller flows "
			       "judged and counted but not listed");
	g->v->flows = calloc(g->n_listing, sizeof(*g->v->flows));
	if (!g->v->flows) {
		g->broken = true;
		return;
	}
	/* the lightest that is left is always on top */
	for (n = g->n_listing; n; n--) {
		flow_report(g, &g->listing[0], &g->v->flows[n - 1]);
		g->listing[0] = g->listing[n - 1];
		heap_sink(g, 0, n - 1);
	}
	g->v->n_flows = g->n_listing;
}

static const char *session_path(const struct wga_judge *g,
				const struct wga_proof *p)
{
	const struct wga_tuple *t;
	struct wga_flow_key key;
	uint8_t dir;

	wga_key_set(&key, &p->s.from.addr, p->s.from.port, &p->s.to.addr,
		    p->s.to.port, WGA_PROTO_UDP, 0, &dir);
	t = wga_join_find(g->j, &key);
	return t && t->kinds >> WGA_KIND_RELAY & 1 ? "relay" : "direct";
}

static void session_report(const struct wga_judge *g, const struct wga_proof *p,
			   struct wga_session_report *s)
{
	const struct wga_proof *q = p->partner ?
		&g->j->proofs->p[p->partner - 1] : NULL;
	bool from_initiator = p->initiator != 1;

	end_set(g, from_initiator ? &p->s.from : &p->s.to, &s->initiator);
	end_set(g, from_initiator ? &p->s.to : &p->s.from, &s->responder);
	s->evidence = p->evidence;
	s->messages = p->s.messages;
	s->first_ns = p->s.first.time_ns;
	s->last_ns = p->s.last.time_ns;
	s->path = session_path(g, p);
	if (q) {
		s->messages += q->s.messages;
		if (q->evidence < s->evidence)
			s->evidence = q->evidence;
		if (q->s.last.time_ns > s->last_ns)
			s->last_ns = q->s.last.time_ns;
	}
	snprintf(s->detail, sizeof(s->detail), "%s",
		 q && q->evidence < p->evidence ? q->why : p->why);
}

void wga_summary_sessions(struct wga_judge *g)
{
	const struct wga_proofs *pr = g->j->proofs;
	uint32_t i;

	g->v->sessions = calloc((pr->n < WGA_FLOWS_LISTED ? pr->n :
				 WGA_FLOWS_LISTED) + 1,
				sizeof(*g->v->sessions));
	if (!g->v->sessions) {
		g->broken = true;
		return;
	}
	for (i = 0; i < pr->n && g->v->n_sessions < WGA_FLOWS_LISTED; i++) {
		if (!pr->p[i].partner || pr->p[i].partner > i + 1)
			session_report(g, &pr->p[i],
				       &g->v->sessions[g->v->n_sessions++]);
	}
}

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
	end_set(g, &(struct wga_endpoint){ .addr = key.a }, &p->a);
	end_set(g, &(struct wga_endpoint){ .addr = key.b }, &p->b);
	return p;
}

void wga_summary_add(struct wga_judge *g, const struct wga_listing *l)
{
	const struct wga_flow_key *key = &g->j->tuples[l->tuple].key;
	struct wga_pair_report *p;

	list_flow(g, l);
	if (!l->grave || key->ethertype)
		return;
	p = pair_get(g, &key->lo, &key->hi);
	if (p)
		p->outcome = WGA_VIOLATION;
}

static int by_addresses(const void *a, const void *b)
{
	const struct wga_pair_report *x = a, *y = b;
	int order = memcmp(&x->a.addr, &y->a.addr, sizeof(x->a.addr));

	return order ? order : memcmp(&x->b.addr, &y->b.addr,
				      sizeof(x->b.addr));
}

void wga_summary_pairs(struct wga_judge *g)
{
	const struct wga_proofs *pr = g->j->proofs;
	uint32_t i;

	for (i = 0; i < pr->n; i++) {
		const struct wga_proof *proof = &pr->p[i];
		struct wga_pair_report *p;

		p = pair_get(g, &proof->s.from.addr, &proof->s.to.addr);
		if (!p)
			continue;
		if (!strcmp(session_path(g, proof), "relay"))
			p->relay += proof->s.messages;
		else
			p->direct += proof->s.messages;
		if (proof->evidence < g->cfg->require &&
		    p->outcome == WGA_PASS)
			p->outcome = WGA_INCONCLUSIVE;
	}
	if (g->pairs.n)
		qsort(g->pairs.p, g->pairs.n, sizeof(*g->pairs.p), by_addresses);
	g->v->pairs = g->pairs.p;
	g->v->n_pairs = g->pairs.n;
	g->pairs.p = NULL;
}

static bool is_called(const struct wga_judge *g, const struct wga_endpoint *at,
		      const char *name)
{
	struct wga_addr addr;
	struct wga_err err;
	size_t i;

	for (i = 0; i < g->cfg->n_vms; i++) {
		if (!strcmp(g->cfg->vms[i].name, name) &&
		    wga_addr_equal(&g->cfg->vms[i].addr, &at->addr))
			return true;
	}
	if (!strcmp(host_name(g, at), name))
		return true;
	return !wga_addr_parse(name, &addr, &err) &&
	       wga_addr_equal(&addr, &at->addr);
}

bool wga_summary_pair_seen(const struct wga_judge *g, const char *a,
			   const char *b)
{
	const struct wga_proofs *pr = g->j->proofs;
	bool forth = false, back = false;
	uint32_t i;

	for (i = 0; i < pr->n; i++) {
		const struct wga_session *s = &pr->p[i].s;

		forth = forth || (is_called(g, &s->from, a) &&
				  is_called(g, &s->to, b));
		back = back || (is_called(g, &s->from, b) &&
				is_called(g, &s->to, a));
	}
	return forth && back;
}
