/* SPDX-License-Identifier: MIT */
#ifndef WGA_JUDGE_INTERNAL_H
#define WGA_JUDGE_INTERNAL_H

#include "analyze/join.h"

/* More flows than this are counted and judged, but not listed one by one. */
#define WGA_FLOWS_LISTED	10000
/* The same for pairs and sessions */
#define WGA_PAIRS_LISTED	4096

/**
 * struct wga_listing - a flow that will be listed, unless weightier ones come
 */
struct wga_listing {
	uint32_t tuple;
	uint8_t kind, cls;
	bool grave;
	uint64_t bytes;
};

/**
 * struct wga_pairs - pairs of hosts, found by their addresses
 */
struct wga_pairs {
	struct wga_pair_report *p;
	size_t n, room;
	struct wga_index index;
};

/**
 * struct wga_judge - a verdict in the making
 * @found:	by reason code
 * @what:	what the first of each code is about, for its sentence
 * @listing, @n_listing:	heap of the weightiest flows, the lightest on top
 * @flows:	how many flows there are
 * @sealed_records:	records of connections that keep to the law of DERP, but
 *		were not opened
 * @law_chance:	greatest chance that one of these does so by chance
 */
struct wga_judge {
	const struct wga_config *cfg;
	struct wga_join *j;
	struct wga_verdict *v;
	struct wga_found found[WGA_CODE_COUNT];
	char what[WGA_CODE_COUNT][200];
	struct wga_listing *listing;
	size_t n_listing, listing_room, flows;
	struct wga_pairs pairs;
	uint64_t data_messages, stream_records, sealed_records;
	double law_chance;
	bool broken;
};

/* the join of a run's bridges as they are now, or NULL when out of memory */
struct wga_join *wga_run_join(const struct wga_run *run);

/* Reasons that each frame of one kind of a tuple gives, a bit for each code */
uint32_t wga_judge_codes(const struct wga_join *j, const struct wga_tuple *t,
			 enum wga_kind kind, enum wga_class cls);

/* how the sentence of a reason begins */
const char *wga_judge_sentence(enum wga_code code);

/* Add to a reason; @fmt says what it is about if this is its earliest frame. */
void wga_judge_found(struct wga_judge *g, enum wga_code code, uint64_t count,
		     const struct wga_where *where, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Add something that is worth saying but no reason. */
void wga_judge_note(struct wga_judge *g, uint64_t count, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* judge_canary.c: which canaries were seen, and what could not be followed */
void wga_judge_canaries(struct wga_judge *g);

/* judge_proofs.c: sessions, handshakes and disco senders */
void wga_judge_proofs(struct wga_judge *g);
/* Was there any WireGuard, and all that was expected? */
void wga_judge_presence(struct wga_judge *g);

/* summary.c: flows and sessions of the verdict */
/* take a flow into the listing, and the pair of a violating one into the pairs */
void wga_summary_add(struct wga_judge *g, const struct wga_listing *l);
void wga_summary_flows(struct wga_judge *g);
void wga_summary_sessions(struct wga_judge *g);
/* "direct", "relay" or "derp" */
const char *wga_session_path(const struct wga_judge *g,
			     const struct wga_proof *p);

/* pairs.c: pairs of the verdict */
void wga_pairs_violation(struct wga_judge *g, const struct wga_addr *x,
			 const struct wga_addr *y);
void wga_summary_pairs(struct wga_judge *g);
/* were hosts of both names seen to exchange WireGuard data? */
bool wga_summary_pair_seen(const struct wga_judge *g, const char *a,
			   const char *b);

/* hosts.c: what ends are called */
void wga_end_set(const struct wga_judge *g, const struct wga_endpoint *at,
		 struct wga_flow_end *end);
void wga_session_end(const struct wga_judge *g, const struct wga_endpoint *at,
		     struct wga_flow_end *end);
void wga_summary_end(const struct wga_judge *g, const struct wga_flow_key *key,
		     bool hi, struct wga_flow_end *end);
/* name an address after the one node whose DERP connection came from there */
void wga_end_name_client(const struct wga_judge *g, struct wga_flow_end *end);
/* where a node of DERP is if that was seen, else the endpoint itself */
struct wga_endpoint wga_host_place(const struct wga_judge *g,
				   const struct wga_endpoint *at);
/* is this what the host at an endpoint is called, or its address? */
bool wga_host_is(const struct wga_judge *g, const struct wga_endpoint *at,
		 const char *name);
const char *wga_session_ends(const struct wga_judge *g,
			     const struct wga_session *session, char *buf,
			     size_t size);
/* "192.168.1.10:41641 (vm-a)" */
const char *wga_summary_ends(const struct wga_judge *g,
			     const struct wga_flow_key *key, char *buf,
			     size_t size);

#endif /* WGA_JUDGE_INTERNAL_H */
