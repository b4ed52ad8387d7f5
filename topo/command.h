/* SPDX-License-Identifier: MIT */
#ifndef WGA_COMMAND_H
#define WGA_COMMAND_H

#include <signal.h>

#include "capture/err.h"
#include "topo/mesh.h"

/**
 * struct wga_enter - where a command is to run
 * @fds:	descriptors for setns(2), in this order, -1 ends them
 * @flags:	the namespaces to enter by each
 * @pid_ns:	one of them is a PID namespace: only children are in it
 * @env:	the environment, NULL-terminated
 */
struct wga_enter {
	int fds[3];
	int flags[3];
	bool pid_ns;
	char *const *env;
};

/**
 * wga_command_run() - run a command and wait for its end
 * @run:	the command
 * @enter:	where
 * @cancel:	becomes true when it is to be killed, or NULL
 * @err:	"cannot-run", "timeout", "interrupted"; names the command
 *
 * The command is killed when the calling thread or process is. Safe in threads.
 *
 * Return: 0 if it ran, however it ended, or -1 with @err set.
 */
int wga_command_run(struct wga_command_run *run, const struct wga_enter *enter,
		    const volatile sig_atomic_t *cancel, struct wga_err *err);

/* release what a run has collected */
void wga_command_free(struct wga_command_run *run);

/* milliseconds of CLOCK_MONOTONIC */
uint64_t wga_now_ms(void);

/* Return: -1 if it was cancelled while it slept */
int wga_sleep_ms(uint64_t ms, const volatile sig_atomic_t *cancel);

#endif /* WGA_COMMAND_H */
