/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/node_keys_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* an error tells nothing that could be a part of a key */
static void check_silent(const char *text)
{
	size_t run = 0;

	for (; *text; text++) {
		run = strchr("0123456789abcdefABCDEF", *text) ? run + 1 : 0;
		if (run > 8)
			abort();
	}
}

/* whatever was read has names, and takes itself in once more unchanged */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_node_keys *keys = NULL;
	const char *text = (const char *)data;
	struct wga_err err;
	size_t i, n;

	if (wga_node_keys_parse(&keys, text, size, "input", &err) < 0) {
		if (keys)
			abort();
		check_silent(err.text);
		return 0;
	}
	n = wga_node_keys_count(keys);
	if (!n)
		abort();
	for (i = 0; i < n; i++) {
		size_t len = strlen(wga_node_keys_name(keys, i));

		if (!len || len > 63)
			abort();
	}
	if (wga_node_keys_parse(&keys, text, size, "input", &err) < 0 ||
	    wga_node_keys_count(keys) != n)
		abort();
	wga_node_keys_free(keys);
	return 0;
}
