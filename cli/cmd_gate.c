/* SPDX-License-Identifier: MIT */
#include "cli/cmd_analyze.h"

static int gate_run(const struct wga_command *cmd, int argc, char **argv)
{
	return wga_analyze(cmd, true, argc, argv);
}

const struct wga_command wga_cmd_gate = {
	.name = "gate",
	.args = "FILE...",
	.summary = "analyze for CI: the verdict and its reasons only",
	.about = "Judges every frame of the capture files as analyze does, prints the verdict and\n"
		 "its reasons only, and exits with it.",
	.run = gate_run,
};
