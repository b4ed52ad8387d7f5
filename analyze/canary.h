/* SPDX-License-Identifier: MIT */
#ifndef WGA_CANARY_H
#define WGA_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * A canary is a text that must never be seen on the wire. It is looked for in
 * several forms; each makes needles, the bytes that stand in a frame if the
 * canary does. All needles of all canaries are found in one pass:
 *
 * The first w bytes of a needle are its window; w is the same for all, at most
 * the length of the shortest needle. A window holds w - 3 grams of four bytes.
 * Of any w bytes of a frame, one gram begins at every (w - 3)th place, so it is
 * enough to look at those: if the gram there is in no window at that distance
 * from its start, no needle covers it. Nearly all places end at a bit that is
 * not set. Where it is, the needles with that window are a range of the sorted
 * array, and a binary search tells which of them stand there.
 *
 * Thousands of canaries with one prefix have few windows, so they cost no more
 * than one; that is why `wgaudit canary new` gives them one.
 *
 * Chance: n random bytes hold a given needle of k bytes n / 256^k times. The
 * shortest needle has six bytes, 1 in 2^48.
 */

/* bytes of a canary, and of any needle: shorter ones turn up by chance */
#define WGA_CANARY_MIN		6
/* longer ones say no more, but what is kept of each flow grows with them */
#define WGA_CANARY_MAX		256
#define WGA_CANARIES_MAX	10000
/* percent-encoding makes three of each byte */
#define WGA_NEEDLE_MAX		((size_t)3 * WGA_CANARY_MAX)

enum wga_canary_form {
	WGA_CANARY_RAW,
	WGA_CANARY_HEX,
	WGA_CANARY_BASE64,
	WGA_CANARY_BASE64URL,
	WGA_CANARY_UTF16LE,
	WGA_CANARY_UTF16BE,
	WGA_CANARY_PERCENT,
	WGA_CANARY_FORMS
};

/**
 * struct wga_canaries - all canaries of a run, and the search for them
 */
struct wga_canaries;

/**
 * wga_canary_fn - a needle was found
 * @canary:	number of the canary, in sorted order
 * @at, @len:	where the needle stands
 */
typedef void (*wga_canary_fn)(void *arg, uint32_t canary,
			      enum wga_canary_form form, size_t at, size_t len);

/* returns NULL when out of memory */
struct wga_canaries *wga_canaries_new(void);
void wga_canaries_free(struct wga_canaries *c);

/**
 * wga_canaries_add() - add a canary; not once the search is compiled
 * @p, @len:	WGA_CANARY_MIN to WGA_CANARY_MAX bytes, copied
 *
 * Return: 0, or -1 when out of memory.
 */
int wga_canaries_add(struct wga_canaries *c, const void *p, size_t len);

/**
 * wga_canaries_compile() - make the search ready
 *
 * The canaries are sorted and those given twice are dropped, so that their
 * numbers do not depend on the order in which they were given. Any thread may
 * call this any number of times; only the first call does something.
 *
 * Return: 0, or -1 when out of memory.
 */
int wga_canaries_compile(struct wga_canaries *c);

/* how many there are, and the bytes of one */
size_t wga_canaries_count(const struct wga_canaries *c);
const uint8_t *wga_canaries_get(const struct wga_canaries *c, size_t i,
				size_t *len);

/* length of the longest needle (compiled) */
size_t wga_canaries_longest(const struct wga_canaries *c);

/**
 * wga_canaries_search() - find all needles in some bytes
 * @c:		compiled
 * @found:	called for each place where a needle stands
 */
void wga_canaries_search(const struct wga_canaries *c, const uint8_t *p,
			 size_t len, wga_canary_fn found, void *arg);

/* "base64" */
const char *wga_canary_form_name(enum wga_canary_form form);

#define WGA_CANARY_SHOWN	24

/**
 * wga_canary_show() - the canary for a person
 * @buf:	its first 24 bytes; those that are not printable ASCII as \xNN
 */
void wga_canary_show(const struct wga_canaries *c, size_t i,
		     char buf[static 4 * WGA_CANARY_SHOWN + 4]);

#endif /* WGA_CANARY_H */
