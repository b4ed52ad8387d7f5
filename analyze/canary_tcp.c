/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * See canary_watch.h. A piece is a run of bytes of one direction: all of them
 * if there are no more than two edges, else its two edges. Where a segment or
 * what is known beside it is shorter than an edge, they make a piece together,
 * so of any bytes that stand together, a piece has as many as matter. When all
 * pieces are in use, the oldest goes whose neighbours were both seen; if there
 * is none, the oldest, and then something was missed.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/canary_watch.h"

#define PIECES		8
#define WAYS		8
#define SETS_MAX	4096

#define FLAG_FIN	0x01
#define FLAG_SYN	0x02
#define FLAG_RST	0x04

/**
 * struct piece - a run of bytes
 * @seq, @len:	where it is
 * @before, @behind:	the bytes on that side of it were seen
 * @age:	order of arrival; 0 if unused
 */
struct piece {
	uint64_t age;
	uint32_t seq, len;
	bool before, behind;
};

/**
 * struct way - one direction
 * @data:	two edges for each piece
 */
struct way {
	struct piece pieces[PIECES];
	uint8_t data[];
};

/**
 * struct conn - a connection
 * @used:	when it last had payload; 0 if the place is free
 * @lost:	counted as not followed
 * @closed:	by FIN or RST
 */
struct conn {
	struct wga_flow_key key;
	uint64_t used;
	struct way *way[2];
	bool lost, closed;
};

/**
 * struct wga_watch_tcp - all connections
 * @clock:	counts segments
 */
struct wga_watch_tcp {
	size_t edge, sets;
	uint64_t clock;
	struct conn conns[];
};

/* what a function here works on */
struct side {
	struct way *way;
	size_t edge;
};

static size_t way_size(size_t edge)
{
	return sizeof(struct way) + PIECES * 2 * edge;
}

struct wga_watch_tcp *wga_watch_tcp_new(size_t edge)
{
	size_t each = WAYS * (sizeof(struct conn) + 2 * way_size(edge));
	struct wga_watch_tcp *t;
	size_t sets = 1;

	while (sets < SETS_MAX && 2 * sets * each <= WGA_WATCH_BYTES)
		sets *= 2;
	t = calloc(1, sizeof(*t) + sets * WAYS * sizeof(t->conns[0]));
	if (!t)
		return NULL;
	t->edge = edge;
	t->sets = sets;
	return t;
}

static void conn_clear(struct conn *c)
{
	free(c->way[0]);
	free(c->way[1]);
	memset(c, 0, sizeof(*c));
}

void wga_watch_tcp_free(struct wga_watch_tcp *t)
{
	size_t i;

	for (i = 0; t && i < t->sets * WAYS; i++) {
		if (t->conns[i].used)
			conn_clear(&t->conns[i]);
	}
	free(t);
}

static void conn_lost(struct wga_watch *w, struct conn *c)
{
	w->lost += !c->lost;
	c->lost = true;
}

static struct conn *conn_get(struct wga_watch *w, const struct wga_flow_key *key)
{
	static const uint64_t seed[2] = { 0x63616e617279, 0x746370 };
	struct wga_watch_tcp *t = w->tcp;
	size_t set = wga_hash(key, sizeof(*key), seed) & (t->sets - 1);
	struct conn *c, *old = &t->conns[set * WAYS];

	for (c = old; c < &t->conns[(set + 1) * WAYS]; c++) {
		if (c->used && wga_flow_key_equal(&c->key, key))
			return c;
		if (c->used < old->used)
			old = c;
	}
	if (old->used && !old->closed)
		conn_lost(w, old);
	conn_clear(old);
	old->key = *key;
	return old;
}

static uint8_t *piece_data(const struct side *s, const struct piece *p)
{
	return s->way->data + (size_t)(p - s->way->pieces) * 2 * s->edge;
}

/* bytes of a piece from an offset on, as far as they are kept together */
static struct wga_view piece_from(const struct side *s, const struct piece *p,
				  uint32_t off)
{
	const uint8_t *data = piece_data(s, p);
	size_t tail = p->len > 2 * s->edge ? p->len - s->edge : 0;

	if (!tail)
		return wga_view_head((struct wga_view){ data + off,
							p->len - off }, s->edge);
	if (off >= tail)
		return (struct wga_view){ data + s->edge + (off - tail),
					  p->len - off };
	if (off < s->edge)
		return (struct wga_view){ data + off, s->edge - off };
	return (struct wga_view){ 0 };
}

/* bytes of a piece up to an offset */
static struct wga_view piece_upto(const struct side *s, const struct piece *p,
				  uint32_t off)
{
	const uint8_t *data = piece_data(s, p);
	size_t tail = p->len > 2 * s->edge ? p->len - s->edge : 0;

	if (!tail)
		return wga_view_tail((struct wga_view){ data, off }, s->edge);
	if (off > tail)
		return (struct wga_view){ data + s->edge, off - tail };
	if (off <= s->edge)
		return (struct wga_view){ data, off };
	return (struct wga_view){ 0 };
}

/* is the byte at @seq, or the one before it, in this piece? */
static bool piece_has(const struct piece *p, uint32_t seq)
{
	return p->age && seq - p->seq < p->len;
}

static bool same_ending(struct wga_view a, struct wga_view b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	return !n || !memcmp(a.p + a.len - n, b.p + b.len - n, n);
}

static bool same_beginning(struct wga_view a, struct wga_view b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	return !n || !memcmp(a.p, b.p, n);
}

/**
 * struct around - what is known on one side of a segment: usually one thing,
 * more if retransmissions differ. The first is the longest.
 */
struct around {
	struct wga_view v[PIECES];
	unsigned int n;
};

static void around_add(struct around *a, struct wga_view v,
		       bool (*same)(struct wga_view a, struct wga_view b))
{
	unsigned int i;

	for (i = 0; i < a->n && !same(a->v[i], v); i++)
		;
	if (i == a->n)
		a->v[a->n++] = v;
	else if (a->v[i].len < v.len)
		a->v[i] = v;
	if (i && i < a->n && a->v[i].len > a->v[0].len) {
		v = a->v[0];
		a->v[0] = a->v[i];
		a->v[i] = v;
	}
}

static void look_around(const struct side *s, uint32_t seq, uint32_t len,
			struct around *before, struct around *behind)
{
	unsigned int i;

	before->n = behind->n = 0;
	for (i = 0; i < PIECES; i++) {
		const struct piece *p = &s->way->pieces[i];

		if (piece_has(p, seq - 1))
			around_add(before, piece_upto(s, p, seq - p->seq),
				   same_ending);
		if (piece_has(p, seq + len))
			around_add(behind, piece_from(s, p, seq + len - p->seq),
				   same_beginning);
	}
	/* at least nothing is known */
	before->v[0] = before->n ? before->v[0] : (struct wga_view){ 0 };
	behind->v[0] = behind->n ? behind->v[0] : (struct wga_view){ 0 };
	before->n += !before->n;
	behind->n += !behind->n;
}

/**
 * struct fresh - a new piece
 * @p:		what is known of it
 * @data:	its bytes, as struct way keeps them
 */
struct fresh {
	struct piece p;
	const uint8_t *data;
};

/* Is all of @p also in the new piece, and the same? */
static bool is_within(const struct side *s, const struct piece *p,
		      const struct fresh *new)
{
	uint32_t off = p->seq - new->p.seq;
	const uint8_t *data = piece_data(s, p);
	size_t edge = s->edge, tail = new->p.len - edge;

	if (!p->age || off > new->p.len || p->len > new->p.len - off)
		return false;
	if (p->len > 2 * edge)
		return p->len == new->p.len &&
		       !memcmp(new->data, data, 2 * edge);
	if (new->p.len <= 2 * edge || off + p->len <= edge)
		return !memcmp(new->data + off, data, p->len);
	return off >= tail &&
	       !memcmp(new->data + edge + (off - tail), data, p->len);
}

/* A place for a new piece. What it makes needless goes, and leaves it what it
 * knew of its sides.
 */
static struct piece *piece_place(const struct side *s, struct fresh *new,
				 bool *missed)
{
	struct piece *p, *place = NULL, *oldest = NULL;
	unsigned int i;

	for (i = 0; i < PIECES; i++) {
		p = &s->way->pieces[i];
		if (is_within(s, p, new)) {
			new->p.before |= p->before && p->seq == new->p.seq;
			new->p.behind |= p->behind && p->seq + p->len ==
						      new->p.seq + new->p.len;
			p->age = 0;
		}
	}
	for (i = 0; i < PIECES; i++) {
		p = &s->way->pieces[i];
		if (!p->age)
			return p;
		if (!oldest || p->age < oldest->age)
			oldest = p;
		if (p->before && p->behind && (!place || p->age < place->age))
			place = p;
	}
	*missed |= !place;
	return place ? place : oldest;
}

static void relate(struct piece *a, const struct piece *b)
{
	a->before |= piece_has(b, a->seq - 1);
	a->behind |= piece_has(b, a->seq + a->len);
}

/* Returns false if something that was not joined had to go. */
static bool piece_keep(const struct side *s, struct fresh *new)
{
	struct piece *place;
	bool missed = false;
	unsigned int i;

	for (i = 0; i < PIECES; i++) {
		relate(&new->p, &s->way->pieces[i]);
		relate(&s->way->pieces[i], &new->p);
	}
	place = piece_place(s, new, &missed);
	*place = new->p;
	memcpy(piece_data(s, place), new->data, new->p.len < 2 * s->edge ?
						new->p.len : 2 * s->edge);
	return !missed;
}

static size_t put(uint8_t *to, struct wga_view v)
{
	if (v.len)
		memcpy(to, v.p, v.len);
	return v.len;
}

/* The bytes of a new piece: all, or its two edges */
static void lay_out(uint8_t *to, size_t edge, struct wga_view before,
		    struct wga_view v, struct wga_view behind)
{
	size_t n = put(to, before);

	if (before.len + v.len + behind.len <= 2 * edge) {
		n += put(to + n, v);
		put(to + n, behind);
		return;
	}
	if (n < edge && v.len < edge - n) {
		n += put(to + n, v);
		put(to + n, wga_view_head(behind, edge - n));
	} else {
		put(to + n, wga_view_head(v, edge - n));
	}
	n = behind.len;
	put(to + 2 * edge - n, behind);
	if (n < edge && v.len < edge - n) {
		n += put(to + 2 * edge - n - v.len, v);
		before = wga_view_tail(before, edge - n);
		put(to + 2 * edge - n - before.len, before);
	} else {
		v = wga_view_tail(v, edge - n);
		put(to + 2 * edge - n - v.len, v);
	}
}

/* Search a segment between what is known around it, and keep it. What stands
 * beside it is kept with it if there are few bytes of one or the other.
 */
static bool segment(struct wga_watch *w, const struct side *s, uint32_t seq,
		    struct wga_view v, bool first)
{
	struct wga_view none = { 0 }, left, right;
	struct around before, behind;
	struct fresh new;
	unsigned int i, k;

	look_around(s, seq, (uint32_t)v.len, &before, &behind);
	for (i = 0; i < before.n; i++) {
		for (k = 0; k < behind.n; k++)
			wga_watch_join(w, before.v[i], v, behind.v[k]);
	}
	left = before.v[0];
	right = behind.v[0];
	if (v.len >= s->edge && left.len == s->edge)
		left = none;
	if (v.len >= s->edge && right.len == s->edge)
		right = none;
	lay_out(w->room, s->edge, left, v, right);
	new = (struct fresh){
		.p = { .age = w->tcp->clock, .before = first,
		       .seq = seq - (uint32_t)left.len,
		       .len = (uint32_t)(left.len + v.len + right.len) },
		.data = w->room,
	};
	return piece_keep(s, &new);
}

void wga_watch_tcp(struct wga_watch *w, const struct wga_flow_key *key,
		   uint8_t dir, const uint8_t *h, struct wga_view v, bool cut)
{
	uint32_t seq = wga_be32(h + 4);
	struct side s = { .edge = w->edge };
	bool first = false;
	struct conn *c;

	if (!v.len && !cut && !(h[13] & (FLAG_SYN | FLAG_FIN | FLAG_RST)))
		return;
	c = conn_get(w, key);
	c->used = ++w->tcp->clock;
	if (h[13] & FLAG_SYN) {
		/* a new connection between the same ports */
		free(c->way[dir]);
		c->way[dir] = NULL;
		c->closed = false;
		seq++;
	}
	if (h[13] & (FLAG_FIN | FLAG_RST))
		c->closed = true;
	if (cut)
		conn_lost(w, c);
	if (!v.len)
		return;
	if (!c->way[dir]) {
		c->way[dir] = calloc(1, way_size(w->edge));
		first = true;
	}
	s.way = c->way[dir];
	if (!s.way)
		w->broken = true;
	else if (!segment(w, &s, seq, v, first))
		conn_lost(w, c);
}
