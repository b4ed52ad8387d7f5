/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_RULES_H
#define WGA_FAULT_RULES_H

#include "topo/fault.h"

struct nft_ctx;

/**
 * wga_fault_rules_text() - what nftables is told
 * @f:		a fault that works by rules
 *
 * One transaction; every rule that takes frames away counts them and has a
 * comment that begins with "drop", those that let some through "allow".
 *
 * Return: text, release with free(), or NULL without memory.
 */
char *wga_fault_rules_text(const struct wga_fault *f);

/**
 * wga_fault_rules_put() - set the rules of a fault
 * @nft:	owns the tables from now on: nft_ctx_free() heals, and so does the
 *		end of the process
 * @err:	"missing-feature" naming what the kernel lacks, "nftables"
 */
int wga_fault_rules_put(const struct wga_fault *f, struct nft_ctx **nft,
			struct wga_err *err);

/**
 * wga_fault_rules_count() - frames that the rules of a fault have taken away
 * @nft:	of the process that owns them, or NULL for any other's
 * @dropped:	so far; 0 if it has no rules now
 *
 * Return: 0, or -1 with @err set.
 */
int wga_fault_rules_count(const struct wga_fault *f, struct nft_ctx *nft,
			  uint64_t *dropped, struct wga_err *err);

/* sum of the counters of rules whose comment is "drop", in what nft lists */
uint64_t wga_fault_rules_sum(const char *text);

#endif /* WGA_FAULT_RULES_H */
