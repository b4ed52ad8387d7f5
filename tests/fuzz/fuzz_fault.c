/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "topo/fault.h"
#include "topo/fault_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* what is read from a journal writes the same again, and can become rules */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_fault f, g;
	struct wga_err err;
	char *text, *again, *rules;

	if (wga_fault_parse(&f, (const char *)data, size, &err) < 0)
		return 0;
	if (f.n_ports == 0 || strchr(f.name, '/'))
		abort();
	text = wga_fault_format(&f);
	if (!text || wga_fault_parse(&g, text, strlen(text), &err) < 0)
		abort();
	again = wga_fault_format(&g);
	rules = wga_fault_rules_text(&f);
	if (!again || !rules || strcmp(text, again) != 0)
		abort();
	wga_fault_rules_sum(rules);
	wga_fault_free(&f);
	wga_fault_free(&g);
	free(text);
	free(again);
	free(rules);
	return 0;
}
