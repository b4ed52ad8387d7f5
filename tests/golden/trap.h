/* SPDX-License-Identifier: MIT */
#ifndef TRAP_H
#define TRAP_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/run.h"
#include "analyze/verdict.h"
#include "tests/golden/forge_mesh.h"

/*
 * Theory of operation
 *
 * A trap is a healthy mesh with one thing changed, and what the verdict on it
 * must be. Reasons are strict: a violation reason that the row does not name
 * fails it, and where the row is no violation so does an inconclusive one.
 * test_traps.c runs the rows of all tables.
 */
enum trap_outcome {
	TRAP_PASS,
	TRAP_VIOLATION,
	TRAP_INCONCLUSIVE,
	TRAP_NOT_PASS,		/* either of the two above */
	TRAP_NO_VIOLATION,
};

enum trap_flags {
	TRAP_EMPTY = 1,		/* no healthy mesh around it */
	TRAP_NO_DISCO = 2,
	TRAP_NO_HANDSHAKE = 4,
	TRAP_NO_TALK = 8,	/* nor any WireGuard data */
	TRAP_TWO = 16,		/* both bridges are captured */
	TRAP_REGISTRY = 32,	/* with a registry of vm-a, vm-b, vm-c */
	TRAP_LIVE = 64,		/* as if from a live interface */
	TRAP_WHOLE = 128,	/* about a limit that each part has for itself */
	TRAP_SELFTEST = 256,	/* virbr-a expects a synthetic leak */
	TRAP_KEYS = 1024,	/* with private node keys of vm-a, vm-b, vm-c */
};

#define CODE(x)		(1u << WGA_CODE_##x)
#define CLASS(x)	(1u << WGA_CLASS_##x)

/**
 * struct trap - one row
 * @name:	what is tested
 * @outcome, @flags:	see above
 * @all:	codes that must all be there
 * @any:	codes of which one must be there, and others may
 * @none:	codes that must not be there
 * @classes:	classes that must hold frames
 * @no_classes:	classes that must hold none
 * @before, @after:	change made before and after the healthy mesh
 * @options:	pairs of option and argument, as on the command line
 * @loss:	what is missing from virbr-a
 */
struct trap {
	const char *name;
	enum trap_outcome outcome;
	unsigned int flags;
	uint32_t all, any, none;
	uint32_t classes, no_classes;
	void (*before)(struct forge_mesh *m);
	void (*after)(struct forge_mesh *m);
	const char *options[9];
	const struct wga_loss *loss;
};

/* the synthetic leak, always the same one */
const struct wga_selftest *trap_selftest(void);

extern const struct trap traps_wire[], traps_clear[], traps_odd[],
	traps_covert[], traps_house[], traps_leak[], traps_tcp[],
	traps_record[], traps_wolf[], traps_canary[], traps_proof[];
extern const size_t traps_wire_count, traps_clear_count, traps_odd_count,
	traps_covert_count, traps_house_count, traps_leak_count,
	traps_tcp_count, traps_record_count, traps_wolf_count,
	traps_canary_count, traps_proof_count;

#endif /* TRAP_H */
