/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "topo/topology_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* an error has a text that names the file; what was taken is consistent */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_topology t;
	struct wga_err err;
	size_t i;

	if (wga_topology_parse(&t, "input", data, size, &err) < 0) {
		if (strncmp(err.text, "input:", 6) != 0)
			abort();
		return 0;
	}
	if (wga_topology_check(&t, &err) < 0 || !wga_topology_server(&t))
		abort();
	for (i = 0; i < t.n_hosts; i++) {
		if (wga_topology_host(&t, t.hosts[i].name) != &t.hosts[i])
			abort();
	}
	return 0;
}
