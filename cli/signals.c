/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stddef.h>

#include "cli/signals.h"

void wga_signal_catch(int sig, void (*handler)(int), int flags)
{
	const struct sigaction act = {
		.sa_handler = handler, .sa_flags = flags,
	};
	struct sigaction was;

	if (sigaction(sig, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
		sigaction(sig, &act, NULL);
}
