/* SPDX-License-Identifier: MIT */
#ifndef WGA_PASSAGE_H
#define WGA_PASSAGE_H

#include "topo/topology.h"

/**
 * wga_passages_set() - enforce what may pass between the networks
 * @t:		the topology, whose bridges are in the current network namespace
 * @err:	"nftables"
 *
 * The rules are in a table of the mesh's own, which is replaced as a whole.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_passages_set(const struct wga_topology *t, struct wga_err *err);

/* remove that table; fine if there is none */
int wga_passages_clear(const struct wga_topology *t, struct wga_err *err);

#endif /* WGA_PASSAGE_H */
