/* SPDX-License-Identifier: MIT */
#ifndef WGA_STREAM_INTERNAL_H
#define WGA_STREAM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/derp.h"
#include "analyze/http.h"
#include "analyze/http_inside.h"
#include "analyze/reassembly.h"
#include "analyze/stream.h"
#include "analyze/stream_judge.h"
#include "analyze/tls.h"
#include "analyze/ts2021.h"

enum wga_proto {
	WGA_PROTO_NONE,	/* not known yet */
	WGA_PROTO_TLS,
	WGA_PROTO_HTTP,
	WGA_PROTO_TS2021,
	WGA_PROTO_DERP,
};

enum wga_step {
	WGA_STEP_LATE,	/* the beginning was not seen, and no record yet */
	WGA_STEP_START,	/* the first byte comes next */
	WGA_STEP_IN,	/* in step with the records */
	WGA_STEP_LOST,	/* a hole has hidden where the next record begins */
	WGA_STEP_BROKEN,	/* foreign bytes stood where a record should */
};

/**
 * struct wga_side - one direction of a connection
 * @r:		reassembly
 * @unit, @unit_len, @unit_room:	record or frame that is being gathered;
 *		while not in step the last bytes, to find text across segments
 * @headless:	length of the rest of a ciphertext whose beginning was judged
 *		or lost already; @unit gathers it
 * @head, @head_len, @head_age:	the first bytes sent, to compare what may be
 *		sent again; kept for some segments
 * @fed:	bytes that came in order
 * @opaque_from:	of these, where ciphertext begins
 * @sum:	what the ciphertext shows as a whole
 * @isn:	sequence number of the SYN, if @syn
 * @gap:	bytes are missing
 */
struct wga_side {
	struct wga_reassembly r;
	uint8_t *unit, *head;
	uint32_t unit_len, unit_room, headless;
	uint32_t isn;
	uint16_t head_len, head_age;
	uint64_t fed, opaque_from;
	struct wga_judge_sum sum;
	union {
		struct wga_tls_side tls;
		struct wga_ts2021_side ts2021;
		struct wga_derp_side derp;
		struct wga_http_body body;
	};
	uint8_t proto, step;
	bool syn, gap, closed;
};

enum { WGA_SIDE_SERVER, WGA_SIDE_CLIENT };

struct wga_opening;

/**
 * struct wga_stream - a connection
 * @side:	by WGA_SIDE_*
 * @tls, @law, @derp_ends:	what both sides share
 * @opening:	what is inside TLS, while it can be opened
 * @records:	application data records, and frames of ciphertext
 * @exchange:	what the client asked for, if @asked; inside TLS too
 * @fast_start:	the server does not answer in HTTP
 * @bodyless:	the answer has no body
 * @answered:	an answer was read
 * @error:	a ts2021 server sent its error in the clear
 * @inside:	it is what was inside another one: it has neither TCP nor TLS
 * @mute:	a protocol that is allowed but not read
 * @derp, @late, @gap, @spliced:	found before, in earlier connections on
 *		the same ports too
 * @broke, @unbound:	the same of the law of DERP: it was broken, or not kept
 * @opened:	TLS was opened
 * @shut:	ciphertext was not opened, or there was something beside TLS, or
 *		something inside was not explained
 */
struct wga_stream {
	const struct wga_keylog *keylog;
	wga_stream_packet packet;
	void *arg;
	struct wga_side side[2];
	struct wga_tls tls;
	struct wga_derp_law law;
	struct wga_derp derp_ends;
	struct wga_opening *opening;
	uint64_t records;
	uint8_t kind, exchange;
	bool asked, fast_start, bodyless, answered, error;
	bool inside, mute;
	bool derp, late, gap, spliced, broke, unbound, opened, shut;
};

/* bytes before a piece that are judged together with it */
#define WGA_TAIL	240

/* Take in the next bytes of a direction: get in step, cut them, judge them. */
enum wga_segment wga_stream_feed(struct wga_stream *st, bool from_client,
				 const uint8_t *p, size_t len);

/* Cut bytes into units and judge these, as long as they are in step. */
enum wga_segment wga_stream_units(struct wga_stream *st, bool from_client,
				  const uint8_t *p, size_t len);

/* These bytes, and any that wait, are not the beginning of a unit. */
enum wga_segment wga_stream_break(struct wga_stream *st, bool from_client,
				  const uint8_t *p, size_t len);

/* may this be asked in the clear of what the server was declared to be? */
bool wga_stream_may_ask(const struct wga_stream *st,
			enum wga_http_exchange exchange);

/* length of the header of a unit, or the limit of a head in HTTP */
size_t wga_unit_header(const struct wga_side *s);

/* have @room bytes at @unit, counted as taken */
bool wga_unit_reserve(struct wga_side *s, size_t room);

/* @n bytes are missing; stay in step if they are all ciphertext of one unit */
void wga_stream_skip(struct wga_stream *st, bool from_client, uint32_t n);

/* Judge the ciphertext that waits for the rest of its unit, and let it go. */
enum wga_segment wga_stream_park(struct wga_stream *st, bool from_client);

/* Is what waits in @unit clear, so that it means nothing before it is whole? */
bool wga_stream_waits_clear(const struct wga_stream *st, bool from_client);

/* the same as park, but nothing changes: for a report */
enum wga_segment wga_stream_peek(const struct wga_stream *st, bool from_client);

void wga_stream_drop_unit(struct wga_side *s);

void wga_side_clear(struct wga_side *s);

/* The server has said hello: get ready to open what follows, if it can be. */
void wga_opening_begin(struct wga_stream *st);

/* are the records of this side opened? */
bool wga_opening_due(const struct wga_stream *st, bool from_client);

/* Open the next record and judge what is inside. */
enum wga_segment wga_opening_record(struct wga_stream *st, bool from_client,
				    const uint8_t *p, size_t len);

/* Nothing more comes from a side: judge what waits inside. */
enum wga_segment wga_opening_close(struct wga_stream *st, bool from_client);

/* what waits inside, as wga_stream_peek() */
enum wga_segment wga_opening_peek(const struct wga_stream *st,
				  bool from_client);

/* Does more wait inside than the first part of a packet of the mesh? */
bool wga_opening_waits(const struct wga_stream *st, bool from_client);

/* The records are no longer in step with their keys: never open any more. */
void wga_opening_stop(struct wga_stream *st);
void wga_opening_free(struct wga_stream *st);

#endif /* WGA_STREAM_INTERNAL_H */
