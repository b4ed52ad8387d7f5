/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/policy.h"

/* one key of each kind */
static const struct wga_policy_key keys[] = {
	{ "mesh", "FILE", WGA_OPTION_MANY | WGA_OPTION_PATH },
	{ "derp", "HOST:PORT", WGA_OPTION_MANY },
	{ "vm", "NAME=ADDR", WGA_OPTION_MANY | WGA_OPTION_MAP },
	{ "require", "LEVEL", 0 },
	{ "passive", NULL, 0 },
};

#define N_KEYS	(sizeof(keys) / sizeof(keys[0]))

/* what setters and messages rely on */
static void check(const struct wga_policy *p)
{
	struct wga_err err;
	size_t i;

	for (i = 0; i < p->n_entries; i++) {
		const struct wga_policy_entry *e = &p->entries[i];

		if (e->key >= N_KEYS || !e->value || !e->line)
			abort();
		if (!keys[e->key].arg && strcmp(e->value, "true") != 0 &&
		    strcmp(e->value, "false") != 0)
			abort();
		if (keys[e->key].flags & WGA_OPTION_MAP && !strchr(e->value, '='))
			abort();
	}
	for (i = 0; i < p->n_faults; i++) {
		if (!p->faults[i].line || !*p->faults[i].text ||
		    (i && p->faults[i].line < p->faults[i - 1].line))
			abort();
		wga_policy_fault_err(p, i, &err);
	}
	if (!p->n_entries && !p->n_faults)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_policy p;

	if (!wga_policy_parse(&p, "dir/policy.yaml", data, size, keys, N_KEYS,
			      NULL))
		check(&p);
	wga_policy_free(&p);
	return 0;
}
