/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A load copies the log into a new one, adds the file's lines to that, and lets
 * it take the old one's place only when all went well. All connections share
 * one array of locked memory (analyze/secret.h); client randoms are no secrets,
 * so the index over them is ordinary memory.
 */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/flow.h"
#include "analyze/index.h"
#include "analyze/keylog_internal.h"
#include "analyze/secret.h"

#define RANDOM_LEN	32
#define ROOM_MIN	64
#define CONNS_MAX	((size_t)1 << 24)

struct conn {
	uint8_t random[RANDOM_LEN];
	struct wga_keylog_secrets secrets;
};

struct wga_keylog {
	struct conn *conns;
	size_t n, room;
	struct wga_index index;
	uint64_t seed[2];
};

static const char *const labels[] = {
	[WGA_KEYLOG_CLIENT_HANDSHAKE] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
	[WGA_KEYLOG_SERVER_HANDSHAKE] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
	[WGA_KEYLOG_CLIENT_TRAFFIC] = "CLIENT_TRAFFIC_SECRET_0",
	[WGA_KEYLOG_SERVER_TRAFFIC] = "SERVER_TRAFFIC_SECRET_0",
};
static_assert(sizeof(labels) / sizeof(labels[0]) == WGA_KEYLOG_LABELS,
	      "every label has a name");

/**
 * struct line - one line of the file
 * @p, @len:	what is left to read of it
 * @ended:	it has its newline, so nothing of it is missing
 */
struct line {
	const char *p;
	size_t len;
	bool ended;
};

/**
 * struct entry - what a line says; wiped after use
 */
struct entry {
	enum wga_keylog_label label;
	uint8_t random[RANDOM_LEN];
	uint8_t secret[WGA_KEYLOG_SECRET_MAX];
	size_t len;
};

enum kind {
	LINE_OTHER,	/* nothing for us */
	LINE_ENTRY,
	LINE_CUT,	/* as far as it goes it is an entry */
	LINE_BAD,
};

void wga_keylog_free(struct wga_keylog *log)
{
	if (!log)
		return;
	wga_secret_free(log->conns);
	wga_index_free(&log->index);
	free(log);
}

static void keylog_cleanup(struct wga_keylog **log)
{
	wga_keylog_free(*log);
}

static bool conn_is(const void *items, uint32_t item, const void *key)
{
	const struct conn *conns = items;

	return !memcmp(conns[item].random, key, RANDOM_LEN);
}

static struct conn *conn_find(const struct wga_keylog *log,
			      const uint8_t random[static RANDOM_LEN])
{
	uint64_t hash = wga_hash(random, RANDOM_LEN, log->seed);
	uint32_t i = wga_index_find(&log->index, hash, conn_is, log->conns,
				    random);

	return i == WGA_INDEX_NONE ? NULL : &log->conns[i];
}

/* Move to a larger array; the old one is wiped. */
static int keylog_grow(struct wga_keylog *log, size_t room)
{
	struct conn *grown;

	if (room > CONNS_MAX)
		return -1;
	grown = wga_secret_alloc(room * sizeof(*grown));
	if (!grown)
		return -1;
	if (log->n)
		memcpy(grown, log->conns, log->n * sizeof(*grown));
	wga_secret_free(log->conns);
	log->conns = grown;
	log->room = room;
	return 0;
}

static struct conn *conn_add(struct wga_keylog *log,
			     const uint8_t random[static RANDOM_LEN])
{
	uint64_t hash = wga_hash(random, RANDOM_LEN, log->seed);
	struct conn *c;

	if ((log->n == log->room && keylog_grow(log, 2 * log->room)) ||
	    wga_index_add(&log->index, hash, (uint32_t)log->n))
		return NULL;
	c = &log->conns[log->n++];
	memcpy(c->random, random, RANDOM_LEN);
	return c;
}

/* A log with the same connections, or an empty one of NULL */
static struct wga_keylog *keylog_copy(const struct wga_keylog *old)
{
	__attribute__((cleanup(keylog_cleanup))) struct wga_keylog *log = NULL;
	struct wga_keylog *done;
	size_t i;

	log = calloc(1, sizeof(*log));
	if (!log || keylog_grow(log, old ? old->room : ROOM_MIN))
		return NULL;
	wga_hash_seed(log->seed);
	for (i = 0; old && i < old->n; i++) {
		struct conn *c = conn_add(log, old->conns[i].random);

		if (!c)
			return NULL;
		c->secrets = old->conns[i].secrets;
	}
	done = log;
	log = NULL;
	return done;
}

/* Cut the next line off; a carriage return belongs to its end. */
static struct line next_line(const char **p, const char *end)
{
	size_t left = (size_t)(end - *p);
	const char *nl = memchr(*p, '\n', left);
	struct line line = { *p, nl ? (size_t)(nl - *p) : left, nl != NULL };

	*p = nl ? nl + 1 : end;
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

static void skip(struct line *line, size_t n)
{
	line->p += n;
	line->len -= n;
}

/* Does the line begin with a label of ours? Reads it. */
static bool read_label(struct line *line, enum wga_keylog_label *label)
{
	size_t i, n;

	for (i = 0; i < WGA_KEYLOG_LABELS; i++) {
		n = strlen(labels[i]);
		if (line->len < n || memcmp(line->p, labels[i], n) ||
		    (line->len > n && line->p[n] != ' '))
			continue;
		skip(line, n);
		*label = (enum wga_keylog_label)i;
		return true;
	}
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Read a space and hex digits, at most @max bytes; says how many digits. */
static enum kind read_hex(struct line *line, uint8_t *out, size_t max,
			  size_t *digits)
{
	int value;

	*digits = 0;
	if (!line->len)
		return LINE_CUT;
	if (*line->p != ' ')
		return LINE_BAD;
	skip(line, 1);
	for (; line->len && (value = hex_digit(*line->p)) >= 0; skip(line, 1)) {
		if (*digits == 2 * max)
			return LINE_BAD;
		out[*digits / 2] = (uint8_t)(out[*digits / 2] << 4 | value);
		++*digits;
	}
	return LINE_ENTRY;
}

/* LABEL, client random and secret (RFC 9850, section 2), @e starts as zeros */
static enum kind read_entry(struct line line, struct entry *e)
{
	size_t digits;
	enum kind kind;

	if (!read_label(&line, &e->label))
		return LINE_OTHER;
	kind = read_hex(&line, e->random, sizeof(e->random), &digits);
	if (kind != LINE_ENTRY)
		return kind;
	if (digits != 2 * sizeof(e->random))
		return line.len ? LINE_BAD : LINE_CUT;
	kind = read_hex(&line, e->secret, sizeof(e->secret), &digits);
	if (kind != LINE_ENTRY)
		return kind;
	e->len = digits / 2;
	if (line.len)
		return LINE_BAD;
	return digits == 64 || digits == 96 ? LINE_ENTRY : LINE_CUT;
}

/* Are secrets of this length the only ones that the connection has? */
static bool length_fits(const struct wga_keylog_secrets *s, size_t len)
{
	size_t i;

	for (i = 0; i < WGA_KEYLOG_LABELS; i++) {
		if (s->len[i] && s->len[i] != len)
			return false;
	}
	return true;
}

static int out_of_memory(const char *name, struct wga_err *err)
{
	return wga_err_set(err, "out-of-memory", "%s: out of memory", name);
}

/*
 * A line that has no end yet (@ended) may be the first 32 bytes of 48. Where
 * the others of its connection do not tell, it could open nothing anyway.
 */
static int take_entry(struct wga_keylog *log, const struct entry *e, bool ended,
		      const char *name, size_t number, struct wga_err *err)
{
	struct conn *c = conn_find(log, e->random);
	struct wga_keylog_secrets *s;

	if (!ended && (!c || !length_fits(&c->secrets, e->len)))
		return 0;
	if (!c)
		c = conn_add(log, e->random);
	if (!c)
		return out_of_memory(name, err);
	s = &c->secrets;
	if (!length_fits(s, e->len))
		return wga_err_set(err, "bad-key-log", "%s:%zu: the secret is "
				   "not as long as others of its connection",
				   name, number);
	if (s->len[e->label] &&
	    sodium_memcmp(s->secret[e->label], e->secret, e->len))
		return wga_err_set(err, "bad-key-log",
				   "%s:%zu: a second, different %s of one "
				   "connection; were two logs mixed up?",
				   name, number, labels[e->label]);
	memcpy(s->secret[e->label], e->secret, e->len);
	s->len[e->label] = (uint8_t)e->len;
	return 0;
}

static int take_line(struct wga_keylog *log, struct line line, const char *name,
		     size_t number, struct wga_err *err)
{
	struct entry e = { 0 };
	int ret = 0;

	switch (read_entry(line, &e)) {
	case LINE_ENTRY:
		ret = take_entry(log, &e, line.ended, name, number, err);
		break;
	case LINE_CUT:
		if (!line.ended)
			break;
		/* fall through */
	case LINE_BAD:
		ret = wga_err_set(err, "bad-key-log", "%s:%zu: a key log has "
				  "%s, 64 hex digits, 64 or 96 hex digits here",
				  name, number, labels[e.label]);
		break;
	case LINE_OTHER:
		break;
	}
	sodium_memzero(&e, sizeof(e));
	return ret;
}

int wga_keylog_parse(struct wga_keylog **log, const char *text, size_t len,
		     const char *name, struct wga_err *err)
{
	__attribute__((cleanup(keylog_cleanup))) struct wga_keylog *fresh = NULL;
	const char *p = text, *end = text + len;
	size_t number = 0;

	fresh = keylog_copy(*log);
	if (!fresh)
		return out_of_memory(name, err);
	while (p < end) {
		struct line line = next_line(&p, end);

		if (take_line(fresh, line, name, ++number, err))
			return -1;
	}
	wga_keylog_free(*log);
	*log = fresh;
	fresh = NULL;
	return 0;
}

int wga_keylog_load(struct wga_keylog **log, const char *path, bool *shared,
		    struct wga_err *err)
{
	bool is_shared;
	size_t len;
	char *text;
	int ret;

	if (wga_secret_read(path, &text, &len, &is_shared, err) < 0)
		return -1;
	ret = wga_keylog_parse(log, text, len, path, err);
	wga_secret_free(text);
	if (!ret)
		*shared = is_shared;
	return ret;
}

size_t wga_keylog_count(const struct wga_keylog *log)
{
	return log ? log->n : 0;
}

const struct wga_keylog_secrets *
wga_keylog_find(const struct wga_keylog *log, const uint8_t random[static 32])
{
	const struct conn *c = log ? conn_find(log, random) : NULL;

	return c ? &c->secrets : NULL;
}
