/* SPDX-License-Identifier: MIT */
#ifndef WGA_JOIN_H
#define WGA_JOIN_H

#include "analyze/bridge_internal.h"
#include "analyze/evidence.h"
#include "analyze/roles.h"

/*
 * Theory of operation
 *
 * Flows of all bridges, brought together by their ends. A tuple is what the
 * flows of all kinds between two ends have in common; it knows which kinds
 * there are, so that a TCP handshake can be judged by what the connection
 * carried, and text on a WireGuard port by the sessions beside it. Then each
 * kind gets its class from what it is and who its ends are.
 */

/**
 * struct wga_member - a flow of a bridge
 * @next:	index + 1 of the next member of the tuple, or 0
 */
struct wga_member {
	uint32_t bridge, flow, next;
};

/**
 * struct wga_tuple - two ends
 * @key:	with kind 0
 * @kinds:	bit for each enum wga_kind that was seen
 * @members:	index + 1 of the first
 * @evidence:	least evidence of the WireGuard here; COUNT while none is known
 */
struct wga_tuple {
	struct wga_flow_key key;
	uint32_t kinds;
	uint32_t members;
	enum wga_evidence evidence;
};

/**
 * struct wga_sum - the flows of one kind of a tuple, over all bridges
 * @high, @opaque:	see struct wga_flow_cold
 * @bridges:	bit for each input
 * @first:	first frame
 */
struct wga_sum {
	uint64_t frames, bytes, messages, high, opaque;
	uint64_t bridges;
	uint64_t first_ns, last_ns;
	struct wga_where first;
	bool text;
};

/* who the ends of a tuple are to each other */
enum wga_scope {
	WGA_SCOPE_HOSTS,	/* both hosts of the mesh, or all of a network */
	WGA_SCOPE_GATEWAY,	/* one is a gateway */
	WGA_SCOPE_DECLARED,	/* one is declared infrastructure */
	WGA_SCOPE_EXTERNAL,	/* one is no host of the mesh */
	WGA_SCOPE_UNKNOWN,	/* neither is */
};

/**
 * struct wga_join - the whole run
 * @bridges, @n:	sorted by name; parts of a bridge have the same
 * @input:	by bridge, the number of its name
 * @n_inputs:	different names
 */
struct wga_join {
	const struct wga_config *cfg;
	struct wga_bridge **bridges;
	size_t n;
	unsigned int *input;
	size_t n_inputs;
	struct wga_roles *roles;
	struct wga_proofs *proofs;
	struct wga_tuple *tuples;
	uint32_t n_tuples;
	struct wga_index index;
	struct wga_member *members;
	uint32_t n_members;
	uint64_t seed[2];
};

/**
 * wga_join_new() - join the bridges of a run
 *
 * Return: NULL when out of memory.
 */
struct wga_join *wga_join_new(const struct wga_config *cfg,
			      struct wga_bridge *const *bridges, size_t n);
void wga_join_free(struct wga_join *j);

/* the tuple of two ends, or NULL */
struct wga_tuple *wga_join_find(const struct wga_join *j,
				const struct wga_flow_key *key);

/**
 * struct wga_flow_ref - what a member stands for
 */
struct wga_flow_ref {
	const struct wga_bridge *br;
	const struct wga_flow *flow;
	const struct wga_flow_cold *cold;
};

/* the member that has this number (as in @members and @next) */
struct wga_flow_ref wga_join_ref(const struct wga_join *j, uint32_t number);

/* sum up one kind of a tuple */
void wga_join_sum(const struct wga_join *j, const struct wga_tuple *t,
		  enum wga_kind kind, struct wga_sum *sum);

enum wga_scope wga_join_scope(const struct wga_join *j,
			      const struct wga_flow_key *key);

/**
 * wga_join_class() - the class of one kind of a tuple
 * @j:		join
 * @t:		tuple
 * @kind:	one of its kinds
 * @sum:	its sum
 */
enum wga_class wga_join_class(const struct wga_join *j,
			      const struct wga_tuple *t, enum wga_kind kind,
			      const struct wga_sum *sum);

/* for class external: is the role of an end unknown, though it should not be? */
bool wga_join_unknown(const struct wga_join *j, const struct wga_tuple *t);

/* what the followed connection of a tuple turned out to be, over all bridges */
bool wga_join_stream(const struct wga_join *j, const struct wga_tuple *t,
		     struct wga_stream_report *out, enum wga_stream_kind *kind);

/* evidence of a tuple with WireGuard, disco or relay */
enum wga_evidence wga_join_evidence(const struct wga_join *j,
				    const struct wga_tuple *t,
				    enum wga_kind kind);

#endif /* WGA_JOIN_H */
