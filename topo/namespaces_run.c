/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "topo/command.h"
#include "topo/namespaces_internal.h"

#define SERVICE_S	20

char **wga_ns_environment(bool in_host)
{
	static const char *const kept[] = { "TERM", "LANG", "LC_ALL", "TZ" };
	const char *path = getenv("PATH");
	size_t room = 2048 + (path ? strlen(path) : 0), n = 0;
	char **env = malloc(8 * sizeof(*env) + room), *at;

	if (!env)
		return NULL;
	at = (char *)(env + 8);
	env[n++] = at;
	at += 1 + sprintf(at, "PATH=%s%s:/usr/sbin:/usr/bin:/sbin:/bin",
			  in_host ? WGA_NS_BIN ":" : "", path ? path : "");
	env[n++] = at;
	at += 1 + sprintf(at, "HOME=%s", in_host ? "/var/lib/root" : "/root");
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		const char *value = getenv(kept[i]);

		if (!value || strlen(value) > 64)
			continue;
		env[n++] = at;
		at += 1 + sprintf(at, "%s=%s", kept[i], value);
	}
	env[n] = NULL;
	return env;
}

static int not_there(const struct wga_topo_host *host, struct wga_err *err)
{
	if (host)
		return wga_err_set(err, "host-down", "%s is not up", host->name);
	return wga_err_set(err, "host-down", "the networks are not up");
}

int wga_ns_run(struct wga_mesh *m, const struct wga_topo_host *host,
	       struct wga_command_run *run, struct wga_err *err)
{
	struct wga_enter enter = { .fds = { -1, -1, -1 } };
	pid_t pid;
	int ret;

	run->output = run->errors = NULL;
	run->output_len = 0;
	if (host) {
		enter.fds[0] = wga_ns_init_open(m, host, &pid);
		enter.flags[0] = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID |
				 CLONE_NEWUTS | CLONE_NEWIPC;
		enter.pid_ns = true;
	} else {
		enter.fds[0] = wga_ns_open(m, NULL);
		enter.flags[0] = CLONE_NEWNET;
	}
	if (enter.fds[0] < 0)
		return not_there(host, err);
	enter.env = wga_ns_environment(host != NULL);
	ret = enter.env ? wga_command_run(run, &enter, m->cancel, err) :
			  wga_err_set(err, "out-of-memory", "out of memory");
	free((void *)enter.env);
	close(enter.fds[0]);
	return ret;
}

/* as the host sees the path: links in it never lead out */
static int open_in(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* the directory of @path, made if need be; @base: what is left of it */
static int open_parent(int root, const char *path, const char **base)
{
	int dir = open_in(root, "/", O_PATH | O_DIRECTORY), next;
	char part[256], so_far[512];
	const char *slash;
	size_t len;

	while (*path == '/')
		path++;
	*base = path;
	for (const char *p = path; dir >= 0 && (slash = strchr(p, '/'));
	     p = slash + 1) {
		len = (size_t)(slash - path);
		if (len >= sizeof(so_far) || slash - p >= (int)sizeof(part)) {
			errno = ENAMETOOLONG;
			close(dir);
			return -1;
		}
		memcpy(so_far, path, len);
		so_far[len] = '\0';
		memcpy(part, p, (size_t)(slash - p));
		part[slash - p] = '\0';
		mkdirat(dir, part, 0755);
		next = open_in(root, so_far, O_PATH | O_DIRECTORY);
		close(dir);
		dir = next;
		*base = slash + 1;
	}
	return dir;
}

static int write_in(int dir, const char *base, const void *data, size_t len,
		    unsigned int mode)
{
	char temporary[300];
	int fd, bad;

	snprintf(temporary, sizeof(temporary), ".%.255s.new", base);
	unlinkat(dir, temporary, 0);
	fd = openat(dir, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	bad = (len > 0 && write(fd, data, len) != (ssize_t)len) ||
	      fchmod(fd, mode) < 0;
	if (close(fd) < 0 || bad || renameat(dir, temporary, dir, base) < 0) {
		bad = errno;
		unlinkat(dir, temporary, 0);
		errno = bad;
		return -1;
	}
	return 0;
}

int wga_ns_copy(struct wga_mesh *m, const struct wga_topo_host *host,
		const char *path, const void *data, size_t len,
		unsigned int mode, struct wga_err *err)
{
	const char *base = path;
	int pidfd, root, dir, ret = 0;
	char name[64];
	pid_t pid;

	pidfd = wga_ns_init_open(m, host, &pid);
	if (pidfd < 0)
		return not_there(host, err);
	snprintf(name, sizeof(name), "/proc/%d/root", (int)pid);
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	dir = root < 0 ? -1 : open_parent(root, path, &base);
	if (dir < 0 || write_in(dir, base, data, len, mode) < 0)
		ret = wga_err_set(err, "cannot-copy",
				  "cannot write %s in %s: %s", path, host->name,
				  strerror(errno));
	if (dir >= 0)
		close(dir);
	if (root >= 0)
		close(root);
	close(pidfd);
	return ret;
}

static int ask(const char *path, const char *words, char *reply, size_t size)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = SERVICE_S };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    send(fd, words, strlen(words), MSG_NOSIGNAL) > 0)
		n = recv(fd, reply, size - 1, 0);
	close(fd);
	if (n <= 0)
		return -1;
	reply[n] = '\0';
	return 0;
}

int wga_ns_service(struct wga_mesh *m, const struct wga_topo_host *host,
		   const char *name, enum wga_service_verb verb,
		   struct wga_err *err)
{
	static const char *const verbs[] = {
		[WGA_SERVICE_START] = "start",
		[WGA_SERVICE_STOP] = "stop",
		[WGA_SERVICE_RESTART] = "restart",
		[WGA_SERVICE_CHECK] = "check",
	};
	char path[WGA_NS_PATH], words[64], reply[256];
	pid_t pid;
	int pidfd = wga_ns_init_open(m, host, &pid);

	if (pidfd < 0)
		return not_there(host, err);
	close(pidfd);
	snprintf(words, sizeof(words), "%s %s", verbs[verb], name);
	if (ask(wga_ns_host_path(m, host, "control", path), words, reply,
		sizeof(reply)) < 0)
		return wga_err_set(err, "service", "%s does not %s %s: %s",
				   host->name, verbs[verb], name,
				   strerror(errno));
	if (strcmp(reply, "ok") != 0 && verb == WGA_SERVICE_CHECK)
		return wga_err_set(err, "service", "%s %s", name, reply);
	if (strcmp(reply, "ok") != 0)
		return wga_err_set(err, "service", "%s cannot %s %s: %s",
				   host->name, verbs[verb], name, reply);
	return 0;
}
