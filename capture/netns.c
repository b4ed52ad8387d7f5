/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/netns.h"

#define NETNS_DIR	"/run/netns"

static int no_such(const char *name, struct wga_err *err)
{
	DIR *dir = opendir(NETNS_DIR);
	char names[256] = "";
	struct dirent *e;
	size_t len = 0;

	while (dir && (e = readdir(dir)) && len < sizeof(names)) {
		if (e->d_name[0] != '.')
			len += (size_t)snprintf(names + len,
						sizeof(names) - len, "%s%s",
						len ? ", " : "", e->d_name);
	}
	if (dir)
		closedir(dir);
	return wga_err_set(err, "no-such-netns",
			   "no network namespace is called '%s'; %s%s", name,
			   len ? "there are: " : "there is none in " NETNS_DIR,
			   names);
}

int wga_netns_enter(const char *name, struct wga_err *err)
{
	char path[512];
	int fd, e;

	if (!*name || *name == '.' || strchr(name, '/') ||
	    snprintf(path, sizeof(path), NETNS_DIR "/%s", name) >=
		    (int)sizeof(path))
		return no_such(name, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return no_such(name, err);
	e = fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (e == 0)
		return 0;
	if (e == EPERM || e == EACCES)
		return wga_err_set(err, "no-permission",
				   "root is needed to enter network namespace '%s'; try sudo",
				   name);
	return wga_err_set(err, "netns",
			   "cannot enter network namespace '%s': %s", name,
			   e == EINVAL ? "it is a name without a namespace" :
					 strerror(e));
}
