/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/judge_internal.h"
#include "analyze/packet.h"

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

void wga_summary_add(struct wga_judge *g, const struct wga_listing *l)
{
	const struct wga_flow_key *key = &g->j->tuples[l->tuple].key;

	list_flow(g, l);
	if (l->grave && !key->ethertype)
		wga_pairs_violation(g, &key->lo, &key->hi);
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
	    wga_join_stream(g->j, t, &stream, &unused) && stream.detail[0]) {
		snprintf(f->detail, sizeof(f->detail), "%s", stream.detail);
		if (f->cls == WGA_CLASS_DERP)
			f->evidence = stream.opened ? WGA_EVIDENCE_OPENED :
				      stream.bound ? WGA_EVIDENCE_BOUND :
						     WGA_EVIDENCE_NONE;
	}
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

const char *wga_session_path(const struct wga_judge *g,
			     const struct wga_proof *p)
{
	const struct wga_tuple *t;
	struct wga_flow_key key;
	uint8_t dir;

	if (wga_proof_is_derp(p))
		return "derp";
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
	const struct wga_proof *worse = q && q->evidence < p->evidence ? q : p;
	bool from_initiator = p->initiator != 1;
	char buf[80];

	wga_session_end(g, from_initiator ? &p->s.from : &p->s.to,
			&s->initiator);
	wga_session_end(g, from_initiator ? &p->s.to : &p->s.from,
			&s->responder);
	s->evidence = worse->evidence;
	s->messages = p->s.messages;
	s->first_ns = p->s.first.time_ns;
	s->last_ns = p->s.last.time_ns;
	s->path = wga_session_path(g, p);
	if (q) {
		s->messages += q->s.messages;
		if (q->s.last.time_ns > s->last_ns)
			s->last_ns = q->s.last.time_ns;
	}
	if (worse->evidence == WGA_EVIDENCE_IDENTIFIED)
		snprintf(s->detail, sizeof(s->detail), "%s; %s", worse->why,
			 wga_proof_lacks(worse, buf, sizeof(buf)));
	else
		snprintf(s->detail, sizeof(s->detail), "%s", worse->why);
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
