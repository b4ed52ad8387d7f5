/* SPDX-License-Identifier: MIT */
#ifndef WGA_CMD_ANALYZE_H
#define WGA_CMD_ANALYZE_H

#include <stdbool.h>

#include "cli/cli.h"

/**
 * wga_analyze() - what analyze and gate do
 * @brief:	print the verdict and its reasons only
 *
 * Return: the exit status.
 */
int wga_analyze(const struct wga_command *cmd, bool brief, int argc,
		char **argv);

#endif /* WGA_CMD_ANALYZE_H */
