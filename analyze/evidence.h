/* SPDX-License-Identifier: MIT */
#ifndef WGA_EVIDENCE_H
#define WGA_EVIDENCE_H

#include "analyze/bridge_internal.h"

/*
 * Theory of operation
 *
 * What all bridges of a run together prove about WireGuard. Each direction of
 * a session is joined over the bridges that saw it and climbs the ladder of
 * the contract: shape; bound (a handshake named its index, or disco confirmed
 * its path and it was seen from its first counters; and counters, lengths and
 * age are as they must be); identified (both ends are registered nodes). A
 * handshake may be on another bridge than the data it binds.
 */

/* REJECT_AFTER_TIME (WireGuard paper, section 6.1), and a second for frames
 * that were under way
 */
#define WGA_SESSION_AGE_NS	(181 * (uint64_t)1000000000)
/* A session seen from this counter on was seen from its beginning. */
#define WGA_FIRST_COUNTERS	8

/**
 * struct wga_found - a reason, where it was first seen, and how often
 */
struct wga_found {
	uint64_t count;
	struct wga_where first;
};

/* Order of frames over all inputs: by time, and by name and number where that
 * is equal, so that it does not depend on the order of the inputs.
 */
int wga_where_order(const struct wga_where *a, const struct wga_where *b);

/* count more, at @where; true if that is now the earliest frame */
bool wga_found_add(struct wga_found *f, uint64_t count,
		   const struct wga_where *where);

/* a frame of a bridge as others may look it up */
struct wga_where wga_where_at(const struct wga_bridge *br,
			      const struct wga_stamp *at);

/**
 * struct wga_proof - one direction of a session over all bridges
 * @s:		joined; its window belongs to the bridge that saw it first
 * @where:	its first frame
 * @evidence:	what was reached
 * @late:	it may have begun before the capture
 * @why:	what keeps it from more, or what it rests on
 * @initiator:	-1 unknown, 0 the receiver of this direction is the
 *		responder, 1 it is the initiator
 * @partner:	index + 1 of what seems to be the other direction
 */
struct wga_proof {
	struct wga_session s;
	struct wga_where where;
	enum wga_evidence evidence;
	bool late;
	const char *why;
	int initiator;
	uint32_t partner;
};

/**
 * struct wga_identity - what registered node speaks from an endpoint
 * @node:	its index, or -1 if two claim it
 */
struct wga_identity {
	struct wga_endpoint at;
	int node;
};

/**
 * struct wga_disco_path - disco between two endpoints, in order of address
 * @ping, @pong:	by direction, 0 from @lo to @hi
 */
struct wga_disco_path {
	struct wga_endpoint lo, hi;
	bool ping[2], pong[2];
};

/**
 * struct wga_point - a frame that a reason of the proofs is about
 */
struct wga_point {
	enum wga_code code;
	struct wga_where where;
};

/**
 * struct wga_proofs - the result
 * @p, @n:	sessions, in order of their first frames
 * @handshakes, @n_handshakes:	of all bridges, in time order
 * @renewed:	disco keys that are not registered (any more or yet), from
 *		endpoints of a registered node, or its address at other times
 * @points, @n_points, @point_room:	for a review: where counters were first
 *		reused, and what strangers sent first
 * @keep_points, @points_lost:	they are wanted; memory ran out for some
 */
struct wga_proofs {
	const struct wga_registry *registry;
	struct wga_proof *p;
	uint32_t n;
	struct wga_identity *identities;
	size_t n_identities;
	struct wga_disco_path *paths;
	size_t n_paths;
	struct wga_handshake *handshakes;
	size_t n_handshakes;
	struct wga_found reuse, unregistered, renewed;
	struct wga_point *points;
	size_t n_points, point_room;
	bool keep_points, points_lost;
};

/* returns NULL when out of memory */
struct wga_proofs *wga_proofs_new(const struct wga_config *cfg,
				  struct wga_bridge *const *bridges, size_t n,
				  uint64_t run_start_ns);
void wga_proofs_free(struct wga_proofs *pr);

/* count @count more in @f; if that is any, @where is a point of the reason */
void wga_proofs_found(struct wga_proofs *pr, struct wga_found *f,
		      enum wga_code code, uint64_t count,
		      const struct wga_where *where);

/* order by address, then port */
int wga_endpoint_order(const struct wga_endpoint *a,
		       const struct wga_endpoint *b);

/* identity.c: who speaks from where, along which paths, and which senders of
 * disco or handshakes are strangers; 0, or -1 when out of memory
 */
int wga_proofs_identify(struct wga_proofs *pr,
			struct wga_bridge *const *bridges, size_t n);

/* registered node at an endpoint, or -1 */
int wga_proofs_node(const struct wga_proofs *pr, const struct wga_endpoint *at);

/* did a ping of one side get the pong of the other, on these very ports? */
bool wga_proofs_path(const struct wga_proofs *pr, const struct wga_endpoint *a,
		     const struct wga_endpoint *b);

/* evidence of a tuple that carried handshakes but no data */
enum wga_evidence wga_proofs_handshake(const struct wga_proofs *pr,
				       const struct wga_endpoint *a,
				       const struct wga_endpoint *b);

#endif /* WGA_EVIDENCE_H */
