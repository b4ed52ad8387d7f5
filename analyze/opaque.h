/* SPDX-License-Identifier: MIT */
#ifndef WGA_OPAQUE_H
#define WGA_OPAQUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * Ciphertext cannot be told from random bytes, so what claims to be ciphertext
 * must look random. One pass over the bytes takes a digest (so that two
 * messages can be told apart later) and counts what random bytes do not show:
 * high bits out of balance, zero bytes, bytes that repeat or step, and runs of
 * printable text. Each limit is set so that random bytes of any length reach
 * it less than once in 10^11 pieces. Compressed data passes; nothing short of
 * decryption finds it. docs/classification.md has the arithmetic.
 */

/**
 * struct wga_scan - what one pass over a piece of bytes yields
 * @digest:	keyed digest of bytes and length (not cryptographic)
 * @high:	bytes >= 0x80
 * @zero:	bytes equal to zero
 * @echo:	bytes that repeat or step as the ones before them did
 * @text_run:	longest run of printable ASCII and white space; exact from 24
 *		up, below that it may read 0
 * @text:	the run is one that random bytes do not show
 * @periodic:	a part of it repeats what stands up to 31 bytes before
 */
struct wga_scan {
	uint64_t digest;
	uint32_t high, zero, echo;
	uint32_t text_run;
	bool text, periodic;
};

/**
 * wga_scan_bytes() - one pass over bytes
 * @p, @len:	the bytes
 * @scan:	filled
 *
 * Digests can be compared within one process only: their key is random.
 */
void wga_scan_bytes(const uint8_t *p, size_t len, struct wga_scan *scan);

/* do these counts, taken from @len bytes, fit random bytes? */
bool wga_scan_opaque(const struct wga_scan *scan, size_t len);

/* scan and judge in one call */
bool wga_opaque(const uint8_t *p, size_t len);

/**
 * wga_biased() - do the high bits of many pieces together lean to one side?
 * @high:	bytes >= 0x80
 * @total:	bytes
 *
 * Finds text that is too thin in each piece to be found there.
 */
bool wga_biased(uint64_t high, uint64_t total);

/**
 * wga_readable() - would a person call this text?
 *
 * For bytes that make no claim to be ciphertext: three quarters of them are
 * printable, or there is a run of 16 printable ones (8 in up to 64 bytes).
 */
bool wga_readable(const uint8_t *p, size_t len);

/* readable, or not even random: wga_readable() or not wga_opaque() */
bool wga_plain(const uint8_t *p, size_t len);

#endif /* WGA_OPAQUE_H */
