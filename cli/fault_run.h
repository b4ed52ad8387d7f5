/* SPDX-License-Identifier: MIT */
#ifndef WGA_CLI_FAULT_RUN_H
#define WGA_CLI_FAULT_RUN_H

#include "cli/options.h"
#include "topo/fault.h"

/* tell on standard error that an orphan is being healed; @arg is not used */
void wga_fault_tell_orphan(void *arg, const struct wga_fault *f);

/**
 * wga_fault_run() - put a fault, hold it, heal it and say what it did
 * @f:		all but what the journal adds
 * @detach:	hold it in the background and return when it stands
 *
 * Return: exit status: 3 if it did not bite, 128+n if signal n ended it before
 * its time.
 */
int wga_fault_run(const struct wga_options *opt, const struct wga_fault *f,
		  bool detach);

#endif /* WGA_CLI_FAULT_RUN_H */
