/* SPDX-License-Identifier: MIT */
#ifndef WGA_TOPO_PTY_H
#define WGA_TOPO_PTY_H

#include <signal.h>

#include "topo/mesh.h"

/**
 * wga_topo_pty() - run a command in a host on a terminal of its own
 * @argv:	makes its standard input its controlling terminal
 * @cancel:	set when the command is to be killed; also by SIGTERM and SIGHUP
 *		while this runs
 *
 * Standard input and output must be a terminal. It is raw while this runs, so
 * every key goes to the command, and what it is then is what it was before.
 *
 * Return: status as wait(2) gives it, or -1 with @err set.
 */
int wga_topo_pty(struct wga_mesh *m, const struct wga_topo_host *host,
		 const char *const *argv, volatile sig_atomic_t *cancel,
		 struct wga_err *err);

#endif /* WGA_TOPO_PTY_H */
