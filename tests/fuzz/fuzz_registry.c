/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/registry_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* whatever was read can be walked, and takes itself in once more unchanged */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_registry *reg = NULL;
	uint8_t msg[148] = { 1 };
	struct wga_err err;
	size_t i, n;

	if (wga_registry_parse(&reg, (const char *)data, size, "input", &err) < 0)
		return 0;
	n = wga_registry_count(reg);
	for (i = 0; i < n; i++) {
		const struct wga_node *node = wga_registry_node(reg, i);
		static const uint8_t none[WGA_KEY_LEN];

		if (!memchr(node->name, '\0', sizeof(node->name)))
			abort();
		if (memcmp(node->disco_key, none, sizeof(none)) &&
		    wga_registry_disco(reg, node->disco_key) < 0)
			abort();
	}
	wga_registry_mac1(reg, msg, sizeof(msg));
	if (wga_registry_parse(&reg, (const char *)data, size, "input", &err) < 0 ||
	    wga_registry_count(reg) < n)
		abort();
	wga_registry_free(reg);
	return 0;
}
