/* SPDX-License-Identifier: MIT */
#ifndef WGA_TOPO_STATUS_H
#define WGA_TOPO_STATUS_H

#include <jansson.h>
#include <stdio.h>

#include "report/report.h"
#include "topo/mesh.h"

/* `schema` of the documents of wgaudit topo */
#define WGA_TOPO_SCHEMA	"wgaudit-topo/1"

/**
 * wga_topo_status_text() - a table of the hosts of a mesh
 * @status:	one for each host
 *
 * Return: 0, or -1 if the stream failed.
 */
int wga_topo_status_text(FILE *out, struct wga_mesh *m,
			 const struct wga_host_status *status,
			 const struct wga_render_options *opt);

/* the same as one JSON document */
int wga_topo_status_json(FILE *out, struct wga_mesh *m,
			 const struct wga_host_status *status);

/* {name, domain, networks, passage}: what a topology is to look like */
json_t *wga_topo_mesh_json(const struct wga_topology *t);

#endif /* WGA_TOPO_STATUS_H */
