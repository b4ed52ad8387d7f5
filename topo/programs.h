/* SPDX-License-Identifier: MIT */
#ifndef WGA_PROGRAMS_H
#define WGA_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/err.h"

/**
 * wga_programs_find() - where headscale, tailscale and tailscaled are
 * @version:	"current": those of PATH if all are there, else the pinned ones;
 *		"older": the pinned older ones; else a directory
 * @dir, @size:	their directory, "" if they are in several of PATH
 * @err:	"no-programs" with what to install
 *
 * Pinned ones are built by tests/peers/build of the source tree, or by
 * $WGAUDIT_PEERS/build; the first time that takes minutes.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_programs_find(const char *version, char *dir, size_t size,
		      struct wga_err *err);

/* is there a program of this name in PATH, or in the system's directories? */
bool wga_programs_in_path(const char *name);

#endif /* WGA_PROGRAMS_H */
