/* SPDX-License-Identifier: MIT */
#ifndef WGA_HEADSCALE_H
#define WGA_HEADSCALE_H

#include <stddef.h>

#include "analyze/config.h"
#include "capture/err.h"

/**
 * struct wga_headscale_limits - what a command may take
 * @ms:		time until it is killed, milliseconds
 * @bytes:	of standard output
 */
struct wga_headscale_limits {
	unsigned int ms;
	size_t bytes;
};

/**
 * wga_headscale_run() - run a command and take its standard output
 * @cmd:	for /bin/sh -c; standard input is empty
 * @limits:	when it is given up
 * @text:	what it printed; release with free()
 * @len:	bytes of it
 * @err:	"headscale-failed" with the command, how it ended and the last line
 *		of its standard error; "out-of-memory"
 *
 * The command gets a process group of its own, and what is left of that group
 * is killed in every case. SIGINT, SIGTERM, SIGHUP and SIGQUIT end it and then
 * take effect here.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_headscale_run(const char *cmd,
		      const struct wga_headscale_limits *limits, char **text,
		      size_t *len, struct wga_err *err);

/**
 * wga_headscale_load() - add the nodes that a command prints (--headscale CMD)
 * @cfg:	what was declared; its registry grows
 * @cmd:	as for wga_headscale_run(), within 30 s and 64 MiB
 * @err:	those of wga_headscale_run(), "bad-registry", "usage"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_headscale_load(struct wga_config *cfg, const char *cmd,
		       struct wga_err *err);

#endif /* WGA_HEADSCALE_H */
