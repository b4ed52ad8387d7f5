/* SPDX-License-Identifier: MIT */
#ifndef WGA_CLI_FAULT_HEAL_H
#define WGA_CLI_FAULT_HEAL_H

#include "cli/options.h"
#include "topo/fault.h"

/**
 * wga_fault_heal_link() - heal what wgaudit link has put on a port
 * @f:		@ns and @ports[0] say which
 *
 * What was healed is written.
 *
 * Return: how many faults there were, or -1 with @err set.
 */
int wga_fault_heal_link(const struct wga_options *opt,
			const struct wga_fault *f, struct wga_err *err);

#endif /* WGA_CLI_FAULT_HEAL_H */
