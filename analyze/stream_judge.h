/* SPDX-License-Identifier: MIT */
#ifndef WGA_STREAM_JUDGE_H
#define WGA_STREAM_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/stream.h"

/*
 * Theory of operation
 *
 * What bytes of a stream look like. Bodies of records are many, so a limit for
 * them must be one that random bytes practically never reach. Pieces whose
 * place in a record is not known are rare; for these the limits are lower.
 */

/* of fewer bytes nothing can be said */
#define WGA_JUDGE_LEAST	12

/* a run of printable bytes that random ones show once in 10^13 places */
#define WGA_JUDGE_RUN	31

/**
 * struct wga_judge_sum - what the bodies of one direction show together
 * @high, @total:	high bytes, and all bytes
 */
struct wga_judge_sum {
	uint64_t high, total;
};

/* what to call bytes that may not be there: TEXT or FOREIGN */
enum wga_segment wga_judge_refuse(const uint8_t *p, size_t len);

/* the body of a record; text may be too thin to be found in one alone */
enum wga_segment wga_judge_body(struct wga_judge_sum *sum, const uint8_t *p,
				size_t len);

/* the part of a body that is there so far */
enum wga_segment wga_judge_cut(const uint8_t *p, size_t len);

/* bytes that should be ciphertext, though it is not known of which record */
enum wga_segment wga_judge_piece(const uint8_t *p, size_t len);

/* a run of text */
bool wga_judge_has_run(const uint8_t *p, size_t len);

/* mostly text, as far as so many bytes tell */
bool wga_judge_printed(const uint8_t *p, size_t len);

#endif /* WGA_STREAM_JUDGE_H */
