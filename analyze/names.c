/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/verdict.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const class_names[] = {
	[WGA_CLASS_WIREGUARD] = "wireguard",
	[WGA_CLASS_DISCO] = "disco",
	[WGA_CLASS_RELAY] = "relay",
	[WGA_CLASS_DERP] = "derp",
	[WGA_CLASS_CONTROL] = "control",
	[WGA_CLASS_STUN] = "stun",
	[WGA_CLASS_HOUSEKEEPING] = "housekeeping",
	[WGA_CLASS_CANARY] = "canary",
	[WGA_CLASS_EXTERNAL] = "external",
	[WGA_CLASS_PLAINTEXT] = "plaintext",
	[WGA_CLASS_UNEXPLAINED] = "unexplained",
	[WGA_CLASS_UNPARSED] = "unparsed",
};
static_assert(COUNT(class_names) == WGA_CLASS_COUNT, "every class has a name");

static const char *const evidence_names[] = {
	[WGA_EVIDENCE_NONE] = "none",
	[WGA_EVIDENCE_SHAPE] = "shape",
	[WGA_EVIDENCE_BOUND] = "bound",
	[WGA_EVIDENCE_IDENTIFIED] = "identified",
	[WGA_EVIDENCE_OPENED] = "opened",
};
static_assert(COUNT(evidence_names) == WGA_EVIDENCE_COUNT,
	      "every level has a name");

static const char *const outcome_names[] = {
	[WGA_PASS] = "pass",
	[WGA_VIOLATION] = "violation",
	[WGA_INCONCLUSIVE] = "inconclusive",
};
static_assert(COUNT(outcome_names) == WGA_INCONCLUSIVE + 1,
	      "every outcome has a name");

static const struct {
	const char *name;
	enum wga_outcome severity;
} codes[] = {
	[WGA_CODE_PLAINTEXT] = { "plaintext", WGA_VIOLATION },
	[WGA_CODE_UNEXPLAINED] = { "unexplained", WGA_VIOLATION },
	[WGA_CODE_OVERLAY_ON_UNDERLAY] =
		{ "overlay-on-underlay", WGA_VIOLATION },
	[WGA_CODE_CANARY_SEEN] = { "canary-seen", WGA_VIOLATION },
	[WGA_CODE_SPLICED] = { "spliced", WGA_VIOLATION },
	[WGA_CODE_COUNTER_REUSE] = { "counter-reuse", WGA_VIOLATION },
	[WGA_CODE_UNREGISTERED_PEER] = { "unregistered-peer", WGA_VIOLATION },
	[WGA_CODE_NO_ENCRYPTED_TRAFFIC] =
		{ "no-encrypted-traffic", WGA_INCONCLUSIVE },
	[WGA_CODE_MISSING_PAIR] = { "missing-pair", WGA_INCONCLUSIVE },
	[WGA_CODE_WEAK_EVIDENCE] = { "weak-evidence", WGA_INCONCLUSIVE },
	[WGA_CODE_LATE_START] = { "late-start", WGA_INCONCLUSIVE },
	[WGA_CODE_KERNEL_DROPS] = { "kernel-drops", WGA_INCONCLUSIVE },
	[WGA_CODE_CAPTURE_GAP] = { "capture-gap", WGA_INCONCLUSIVE },
	[WGA_CODE_TRUNCATED_FRAMES] = { "truncated-frames", WGA_INCONCLUSIVE },
	[WGA_CODE_TRUNCATED_FILE] = { "truncated-file", WGA_INCONCLUSIVE },
	[WGA_CODE_UNPARSED_FRAMES] = { "unparsed-frames", WGA_INCONCLUSIVE },
	[WGA_CODE_UNKNOWN_HOST] = { "unknown-host", WGA_INCONCLUSIVE },
	[WGA_CODE_FILTERED] = { "filtered", WGA_INCONCLUSIVE },
	[WGA_CODE_BLIND] = { "blind", WGA_INCONCLUSIVE },
};
static_assert(COUNT(codes) == WGA_CODE_COUNT, "every code has a name");

const char *wga_class_name(enum wga_class cls)
{
	return class_names[cls];
}

const char *wga_evidence_name(enum wga_evidence evidence)
{
	return evidence_names[evidence];
}

const char *wga_outcome_name(enum wga_outcome outcome)
{
	return outcome_names[outcome];
}

const char *wga_code_name(enum wga_code code)
{
	return codes[code].name;
}

enum wga_outcome wga_code_severity(enum wga_code code)
{
	return codes[code].severity;
}

int wga_code_find(const char *name)
{
	int i;

	for (i = 0; i < WGA_CODE_COUNT; i++) {
		if (!strcmp(codes[i].name, name))
			return i;
	}
	return -1;
}

int wga_evidence_find(const char *name)
{
	int i;

	for (i = 0; i < WGA_EVIDENCE_COUNT; i++) {
		if (!strcmp(evidence_names[i], name))
			return i;
	}
	return -1;
}

int wga_verdict_note(struct wga_verdict *v, uint64_t count, const char *text)
{
	struct wga_note *n = realloc(v->notes, (v->n_notes + 1) * sizeof(*n));

	if (!n)
		return -1;
	v->notes = n;
	n += v->n_notes++;
	n->count = count;
	snprintf(n->text, sizeof(n->text), "%s", text);
	return 0;
}

void wga_verdict_free(struct wga_verdict *v)
{
	if (!v)
		return;
	free(v->reasons);
	free(v->inputs);
	free(v->flows);
	free(v->sessions);
	free(v->pairs);
	free(v->expects);
	free(v->notes);
	free(v);
}
