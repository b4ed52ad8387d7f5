/* SPDX-License-Identifier: MIT */
#ifndef WGA_CANARY_INTERNAL_H
#define WGA_CANARY_INTERNAL_H

#include "analyze/canary.h"

/* takes a needle; returns 0, or -1 to stop */
typedef int (*wga_needle_fn)(void *arg, enum wga_canary_form form,
			     const uint8_t *p, size_t len);

/**
 * wga_canary_forms() - all needles of a canary
 * @p, @len:	the canary
 * @take:	called for each; the same bytes may come several times
 *
 * Return: 0, or -1 if @take did.
 */
int wga_canary_forms(const uint8_t *p, size_t len, wga_needle_fn take,
		     void *arg);

#endif /* WGA_CANARY_INTERNAL_H */
