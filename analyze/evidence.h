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
 * age are as they must be); identified (both ends are registered nodes);
 * opened (its initiation was opened with a node key, or it travelled in DERP
 * whose TLS was opened). A handshake may be on another bridge than the data it
 * binds, or inside DERP while the data goes direct. Sessions inside DERP are
 * between endpoints that stand for nodes (derp_nodes.h).
 */

/* REJECT_AFTER_TIME (WireGuard paper, section 6.1), and a second for frames
 * that were under way
 */
#define WGA_SESSION_AGE_NS	(181 * (uint64_t)1000000000)
/* A session seen from this counter on was seen from its beginning. */
#define WGA_FIRST_COUNTERS	8
/* The time in a handshake may be so far off the capture's clock: guests set
 * their clocks from the network, if at all.
 */
#define WGA_FRESH_NS	(600 * (uint64_t)1000000000)

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
 * @part, @parts:	its parts on the bridges, while proofs are made
 * @where:	its first frame
 * @evidence:	what was reached
 * @late:	it may have begun before the capture
 * @why:	what it rests on, or for shape what keeps it from more
 * @lacks:	what keeps it from more, NULL for opened
 * @off_s:	if not 0: by how many seconds the handshake's time is off
 * @initiator:	-1 unknown, 0 the receiver of this direction is the
 *		responder, 1 it is the initiator
 * @partner:	index + 1 of what seems to be the other direction
 * @handshake:	digest of the message that names its index, or 0
 * @carried:	all of it travelled in DERP that was opened to the last byte
 */
struct wga_proof {
	struct wga_session s;
	size_t part, parts;
	struct wga_where where;
	enum wga_evidence evidence;
	bool late, carried;
	const char *why, *lacks;
	int64_t off_s;
	int initiator;
	uint32_t partner;
	uint64_t handshake;
};

/* did it travel inside DERP? */
static inline bool wga_proof_is_derp(const struct wga_proof *p)
{
	return wga_derp_is_node(&p->s.from.addr) ||
	       wga_derp_is_node(&p->s.to.addr);
}

/* @lacks with its number, written to @buf if need be */
const char *wga_proof_lacks(const struct wga_proof *p, char *buf, size_t size);

/**
 * struct wga_sighting - a handshake message between two ends, over all bridges
 * @h:		its time is when these bytes were first seen anywhere
 * @where:	the first frame that had it
 * @again:	the same bytes stand before it in the list, between other ends
 * @falls:	opened, and its timestamp does not rise over what the initiator
 *		sent to this responder before
 */
struct wga_sighting {
	struct wga_handshake h;
	struct wga_where where;
	bool again, falls;
};

/**
 * struct wga_identity - what registered node speaks from an endpoint
 * @first_ns, @last_ns:	from when until when it was seen to
 * @contested:	another one did so at the same time
 */
struct wga_identity {
	struct wga_endpoint at;
	int node;
	uint64_t first_ns, last_ns;
	bool contested;
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
 * @derp:	nodes that DERP named
 * @forged:	initiations that name a node whose key is at hand, but are not
 *		sealed to it
 * @astray:	handshakes inside DERP for or by another node than it names
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
	struct wga_sighting *handshakes;
	size_t n_handshakes;
	struct wga_derp_nodes derp;
	struct wga_found reuse, unregistered, renewed, forged, astray;
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

/* registered node at an endpoint, or -1 if there is none or not always the same */
int wga_proofs_node(const struct wga_proofs *pr, const struct wga_endpoint *at);

/* registered node at an endpoint at a time: -1 if another may have been there */
int wga_proofs_node_at(const struct wga_proofs *pr,
		       const struct wga_endpoint *at, uint64_t first_ns,
		       uint64_t last_ns);

/* did a ping of one side get the pong of the other, on these very ports? */
bool wga_proofs_path(const struct wga_proofs *pr, const struct wga_endpoint *a,
		     const struct wga_endpoint *b);

/* sightings.c: bring the handshakes of all bridges together; 0, or -1 when out
 * of memory
 */
int wga_proofs_sightings(struct wga_proofs *pr,
			 struct wga_bridge *const *bridges, size_t n);

/* the message that names the index of a direction, and whose index it is; NULL
 * if none was seen in time
 */
const struct wga_sighting *wga_proofs_binding(const struct wga_proofs *pr,
					      const struct wga_session *s,
					      int *initiator);

/* is nobody else known to have been at an end of a handshake? */
bool wga_proofs_between(const struct wga_proofs *pr,
			const struct wga_sighting *h, int from, int to);

/* what an initiation that was looked for gave, from good to bad */
enum wga_initiation {
	WGA_INITIATION_OPENED,
	WGA_INITIATION_UNSEEN,
	WGA_INITIATION_SEALED,	/* no node key opens it */
	WGA_INITIATION_OFF,	/* its time is far from the capture's */
	WGA_INITIATION_FALLS,	/* its time does not rise */
	WGA_INITIATION_TWICE,	/* more than one response to it was seen */
	WGA_INITIATION_OTHERS,	/* between other nodes than the session */
	WGA_INITIATION_FORGED,	/* not sealed to the node it names */
};

/**
 * wga_proofs_initiation() - was an initiation opened, and says what it must?
 * @index:	index of the initiator
 * @upto_ns:	when the session went on from it
 * @initiator, @responder:	registered nodes it must name
 * @off_s:	for WGA_INITIATION_OFF: by how many seconds
 */
enum wga_initiation wga_proofs_initiation(const struct wga_proofs *pr,
					  uint32_t index, uint64_t upto_ns,
					  int initiator, int responder,
					  int64_t *off_s);

/* why it is no proof, NULL for WGA_INITIATION_OPENED */
const char *wga_initiation_text(enum wga_initiation i);

/* evidence of a tuple that carried handshakes but no data */
enum wga_evidence wga_proofs_handshake(const struct wga_proofs *pr,
				       const struct wga_endpoint *a,
				       const struct wga_endpoint *b);

#endif /* WGA_EVIDENCE_H */
