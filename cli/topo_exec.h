/* SPDX-License-Identifier: MIT */
#ifndef WGA_TOPO_EXEC_H
#define WGA_TOPO_EXEC_H

#include "topo/mesh.h"

/*
 * Ways into a host. Each returns the exit status that wgaudit then has, 128+n if
 * signal n ended the command, or -1 with @err set if it could not be run.
 */

/* a command with our standard input, output and error; @timeout_ms 0: no limit */
int wga_topo_exec(struct wga_mesh *m, const struct wga_topo_host *host,
		  const char *const *argv, uint64_t timeout_ms,
		  struct wga_err *err);

/* a command, or a shell if @argv is empty, with a terminal of its own if we
 * have one
 */
int wga_topo_ssh(struct wga_mesh *m, const struct wga_topo_host *host,
		 const char *const *argv, uint64_t timeout_ms,
		 struct wga_err *err);

/* what the host has logged; where it has a console, that */
int wga_topo_console(struct wga_mesh *m, const struct wga_topo_host *host,
		     const char *const *argv, uint64_t timeout_ms,
		     struct wga_err *err);

#endif /* WGA_TOPO_EXEC_H */
