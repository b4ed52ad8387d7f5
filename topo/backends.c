/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "topo/mesh.h"

static const struct wga_backend *const backends[] = {
	&wga_backend_libvirt,
	&wga_backend_namespaces,
};

const struct wga_backend *wga_backend_find(const char *name)
{
	for (size_t i = 0; i < sizeof(backends) / sizeof(*backends); i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	return NULL;
}
