/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "topo/command.h"
#include "topo/programs.h"

static const char *const programs[] = { "headscale", "tailscale", "tailscaled" };

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static bool in_dir(const char *dir, size_t len, const char *name)
{
	char path[512];

	return len > 0 && snprintf(path, sizeof(path), "%.*s/%s", (int)len,
				   dir, name) < (int)sizeof(path) &&
	       access(path, X_OK) == 0;
}

/* the directory of PATH that has it, as @len bytes; NULL if none does */
static const char *path_dir(const char *name, size_t *len)
{
	static const char system[] = "/usr/sbin:/usr/bin:/sbin:/bin";
	const char *lists[] = { getenv("PATH"), system };

	for (size_t i = 0; i < COUNT(lists); i++) {
		for (const char *p = lists[i]; p && *p;
		     p += *len + (p[*len] == ':')) {
			*len = strcspn(p, ":");
			if (in_dir(p, *len, name))
				return p;
		}
	}
	return NULL;
}

bool wga_programs_in_path(const char *name)
{
	size_t len;

	return path_dir(name, &len) != NULL;
}

static bool all_in(const char *dir, const char **missing)
{
	for (size_t i = 0; i < COUNT(programs); i++) {
		*missing = programs[i];
		if (!in_dir(dir, strlen(dir), programs[i]))
			return false;
	}
	return true;
}

/* Their directory if they share one, for it may be where a host does not look.
 * Return: false if PATH lacks one of them.
 */
static bool find_in_path(char *dir, size_t size)
{
	const char *first = NULL, *p;
	bool same = true;
	size_t len;

	for (size_t i = 0; i < COUNT(programs); i++) {
		p = path_dir(programs[i], &len);
		if (!p)
			return false;
		first = first ? first : p;
		same = same && p == first;
	}
	len = strcspn(first, ":");
	if (same && *first == '/' && len < size)
		snprintf(dir, size, "%.*s", (int)len, first);
	return true;
}

static int build(const char *version, char *dir, size_t size,
		 struct wga_err *err)
{
	const char *peers = secure_getenv("WGAUDIT_PEERS"), *missing;
	const struct wga_enter here = { .fds = { -1, -1, -1 }, .env = environ };
	struct wga_command_run run = { .in = -1, .out = -1, .err = 2 };
	char script[512];
	int ret;

	snprintf(script, sizeof(script), "%s/build",
		 peers ? peers : WGA_PEERS_DIR);
	if (access(script, X_OK) < 0)
		return wga_err_set(err, "no-programs",
				   "headscale, tailscale and tailscaled are not in PATH, and there is no %s to build them",
				   script);
	run.argv = (const char *const[]){ script, version, NULL };
	ret = wga_command_run(&run, &here, NULL, err);
	if (ret == 0 && (run.status != 0 || !run.output))
		ret = wga_err_set(err, "no-programs",
				  "%s %s failed; see above", script, version);
	if (ret == 0) {
		run.output[strcspn(run.output, "\n")] = '\0';
		if (snprintf(dir, size, "%s", run.output) >= (int)size ||
		    !all_in(dir, &missing))
			ret = wga_err_set(err, "no-programs",
					  "%s %s printed no directory of programs",
					  script, version);
	}
	wga_command_free(&run);
	return ret;
}

int wga_programs_find(const char *version, char *dir, size_t size,
		      struct wga_err *err)
{
	const char *missing;

	dir[0] = '\0';
	if (*version == '/') {
		if (snprintf(dir, size, "%s", version) >= (int)size)
			return wga_err_set(err, "no-programs",
					   "%s is too long a path", version);
		return all_in(dir, &missing) ? 0 :
			wga_err_set(err, "no-programs", "there is no %s in %s",
				    missing, version);
	}
	if ((!*version || strcmp(version, "current") == 0)) {
		if (find_in_path(dir, size))
			return 0;
		version = "current";
	}
	return build(version, dir, size, err);
}
