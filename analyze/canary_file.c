/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/canary.h"
#include "analyze/config.h"

/* @where: how to name the canary in an error, "--canary" or "FILE line N" */
static int add(struct wga_config *cfg, const char *p, size_t len,
	       const char *where, struct wga_err *err)
{
	if (len < WGA_CANARY_MIN)
		return wga_err_set(err, "usage",
				   "%s \"%.*s\" is too short: ciphertext holds fewer than %d given bytes by chance",
				   where, (int)len, p, WGA_CANARY_MIN);
	if (len > WGA_CANARY_MAX)
		return wga_err_set(err, "usage",
				   "%s \"%.32s...\" has %zu bytes, more than the %d that are looked for; a part of it will do",
				   where, p, len, WGA_CANARY_MAX);
	if (wga_canaries_count(cfg->canaries) >= WGA_CANARIES_MAX)
		return wga_err_set(err, "usage", "%s: more than %d canaries",
				   where, WGA_CANARIES_MAX);
	if (!cfg->canaries)
		cfg->canaries = wga_canaries_new();
	if (!cfg->canaries || wga_canaries_add(cfg->canaries, p, len))
		return wga_err_set(err, "out-of-memory", "out of memory");
	return 0;
}

int wga_config_canary(struct wga_config *cfg, const char *arg,
		      struct wga_err *err)
{
	return add(cfg, arg, strlen(arg), "--canary", err);
}

static int add_line(struct wga_config *cfg, const char *path,
		    unsigned long number, const char *p, size_t len,
		    struct wga_err *err)
{
	char where[300];

	if (len && p[len - 1] == '\n')
		len--;
	if (len && p[len - 1] == '\r')
		len--;
	if (!len || p[0] == '#')
		return 0;
	snprintf(where, sizeof(where), "%.250s line %lu:", path, number);
	if (memchr(p, '\0', len))
		return wga_err_set(err, "bad-canary-file",
				   "%s a NUL byte; a canary file is text, one canary a line",
				   where);
	return add(cfg, p, len, where, err);
}

int wga_config_canary_file(struct wga_config *cfg, const char *path,
			   struct wga_err *err)
{
	FILE *f = fopen(path, "re");
	size_t before = wga_canaries_count(cfg->canaries), room = 0;
	unsigned long number = 0;
	char *line = NULL;
	ssize_t n;
	int ret = 0;

	if (!f)
		return wga_err_set(err, errno == ENOENT ? "no-such-file" :
				   "unreadable-file", "--canary-file %s: %s",
				   path, strerror(errno));
	errno = 0;
	while (!ret && (n = getline(&line, &room, f)) >= 0)
		ret = add_line(cfg, path, ++number, line, (size_t)n, err);
	if (!ret && ferror(f))
		ret = wga_err_set(err, "unreadable-file",
				  "--canary-file %s: %s", path, strerror(errno));
	/* a file that looks for nothing is a mistake */
	if (!ret && wga_canaries_count(cfg->canaries) == before)
		ret = wga_err_set(err, "bad-canary-file",
				  "--canary-file %s holds no canary", path);
	free(line);
	fclose(f);
	return ret;
}
