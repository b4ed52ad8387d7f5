/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <linux/magic.h>
#include <unistd.h>

#include "topo/command.h"
#include "topo/namespaces.h"
#include "topo/namespaces_internal.h"
#include "topo/programs.h"
#include "topo/state.h"

#define NETNS_DIR	"/run/netns"
#define BOOT_MS		10000
#define ORDERLY_MS	15000
#define KILL_MS		10000

const char *wga_ns_host_path(const struct wga_mesh *m,
			     const struct wga_topo_host *host, const char *name,
			     char buf[static WGA_NS_PATH])
{
	snprintf(buf, WGA_NS_PATH, "%s/hosts/%s%s%s", m->dir, host->name,
		 *name ? "/" : "", name);
	return buf;
}

const char *wga_ns_name_path(const struct wga_mesh *m,
			     const struct wga_topo_host *host,
			     char buf[static WGA_NS_PATH])
{
	snprintf(buf, WGA_NS_PATH, NETNS_DIR "/wga-%s-%s", m->topo.name,
		 host ? host->name : "net");
	return buf;
}

int wga_ns_open(const struct wga_mesh *m, const struct wga_topo_host *host)
{
	char path[WGA_NS_PATH];
	struct statfs fs;
	int fd;

	fd = open(wga_ns_name_path(m, host, path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* without the mount it is an empty file */
	if (fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC)
		return fd;
	close(fd);
	return -1;
}

int wga_ns_unname(const struct wga_mesh *m, const struct wga_topo_host *host,
		  struct wga_err *err)
{
	char path[WGA_NS_PATH];

	wga_ns_name_path(m, host, path);
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	if (unlink(path) < 0 && errno != ENOENT)
		return wga_err_set(err, "namespace", "cannot remove %s: %s",
				   path, strerror(errno));
	return 0;
}

struct within {
	int fd;
	int (*fn)(void *arg, struct wga_err *err);
	void *arg;
	struct wga_err *err;
	int ret;
};

static void *within_thread(void *arg)
{
	struct within *w = arg;
	int entered = w->fd < 0 ? unshare(CLONE_NEWNET) :
				  setns(w->fd, CLONE_NEWNET);

	w->ret = entered < 0 ?
		wga_err_set(w->err, "namespace",
			    "cannot enter a network namespace: %s",
			    strerror(errno)) : w->fn(w->arg, w->err);
	return NULL;
}

int wga_ns_within(int fd, int (*fn)(void *arg, struct wga_err *err), void *arg,
		  struct wga_err *err)
{
	struct within w = { fd, fn, arg, err, -1 };
	pthread_t thread;

	if (pthread_create(&thread, NULL, within_thread, &w) != 0)
		return wga_err_set(err, "out-of-memory",
				   "cannot start a thread");
	pthread_join(thread, NULL);
	return w.ret;
}

static pid_t lock_holder(const struct wga_mesh *m,
			 const struct wga_topo_host *host)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[WGA_NS_PATH];
	int fd;

	fd = open(wga_ns_host_path(m, host, "init", path), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		lock.l_pid = 0;
	close(fd);
	return lock.l_pid;
}

int wga_ns_init_open(const struct wga_mesh *m, const struct wga_topo_host *host,
		     pid_t *pid)
{
	int fd;

	*pid = lock_holder(m, host);
	if (*pid <= 0)
		return -1;
	fd = pidfd_open(*pid, 0);
	/* had it ended in between, the id could be another's by now */
	if (fd >= 0 && lock_holder(m, host) != *pid) {
		close(fd);
		return -1;
	}
	return fd;
}

static int make_dir(const struct wga_mesh *m, const struct wga_topo_host *host,
		    const char *name, struct wga_err *err)
{
	char path[WGA_NS_PATH];

	wga_ns_host_path(m, host, name, path);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return wga_err_set(err, "state", "cannot make %s: %s", path,
				   strerror(errno));
	return 0;
}

static int make_file(const struct wga_mesh *m, const struct wga_topo_host *host,
		     const char *name, const char *text, struct wga_err *err)
{
	char path[WGA_NS_PATH];

	wga_ns_host_path(m, host, name, path);
	if (access(path, F_OK) == 0)
		return 0;
	return wga_state_write(path, text, strlen(text), 0644, err);
}

/* what a host has of its own from the start; all else in /etc is the machine's */
static int make_disk(const struct wga_mesh *m, const struct wga_topo_host *host,
		     struct wga_err *err)
{
	static const char *const dirs[] = {
		"", "services", "var-lib", "etc", "etc/default",
		"etc/headscale", "etc/nginx", "etc/wgaudit",
	};
	char text[256], path[WGA_NS_PATH];

	snprintf(path, sizeof(path), "%s/hosts", m->dir);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return wga_err_set(err, "state", "cannot make %s: %s", path,
				   strerror(errno));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (make_dir(m, host, dirs[i], err) < 0)
			return -1;
	snprintf(text, sizeof(text), "127.0.0.1 localhost\n127.0.1.1 %s\n",
		 host->name);
	if (make_file(m, host, "etc/hosts", text, err) < 0 ||
	    make_file(m, host, "etc/resolv.conf", "", err) < 0 ||
	    make_file(m, host, "etc/nsswitch.conf",
		      "passwd: files\ngroup: files\nhosts: files dns\n",
		      err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%s\n", host->name);
	return make_file(m, host, "etc/hostname", text, err);
}

static int open_kept(const struct wga_mesh *m, const struct wga_topo_host *host,
		     const char *name, int flags, struct wga_err *err)
{
	char path[WGA_NS_PATH];
	int fd;

	wga_ns_host_path(m, host, name, path);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		wga_err_set(err, "state", "cannot open %s: %s", path,
			    strerror(errno));
	return fd;
}

/* @fds: what becomes WGA_NS_FD_PARENT and those after it */
struct birth {
	char dir[WGA_NS_PATH], programs[256];
	const char *argv[7];
	char **env;
	int fds[WGA_NS_FD_END - WGA_NS_FD_PARENT];
};

static _Noreturn void born(const struct birth *b)
{
	const int n = WGA_NS_FD_END - WGA_NS_FD_PARENT;
	int high[WGA_NS_FD_END];

	/* out of the way of the numbers they are to get */
	for (int i = 0; i < n; i++)
		high[i] = fcntl(b->fds[i], F_DUPFD, WGA_NS_FD_END);
	for (int i = 0; i < n; i++)
		if (dup2(high[i], WGA_NS_FD_PARENT + i) < 0)
			_exit(126);
	close_range(WGA_NS_FD_END, ~0U, 0);
	execve("/proc/self/exe", (char *const *)b->argv, b->env);
	_exit(127);
}

/* as fork(), but into new namespaces; the child may only exec */
static pid_t clone_host(void)
{
	unsigned long flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID |
			      CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD;

	return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, 0UL);
}

static int open_kept_files(const struct wga_mesh *m,
			   const struct wga_topo_host *host, int *fds,
			   struct wga_err *err)
{
	fds[0] = open_kept(m, host, "init", O_RDWR | O_CREAT, err);
	fds[1] = open_kept(m, host, "log", O_WRONLY | O_APPEND | O_CREAT, err);
	fds[2] = open_kept(m, host, "services", O_RDONLY | O_DIRECTORY, err);
	return fds[0] < 0 || fds[1] < 0 || fds[2] < 0 ? -1 : 0;
}

static int spawn(const struct wga_mesh *m, const struct wga_topo_host *host,
		 int child_end, pid_t *pid, struct wga_err *err)
{
	struct birth b = { .fds = { child_end, -1, -1, -1 } };

	if (host->role != WGA_ROLE_PLAIN &&
	    wga_programs_find(host->version, b.programs, sizeof(b.programs),
			      err) < 0)
		return -1;
	wga_ns_host_path(m, host, "", b.dir);
	memcpy(b.argv, ((const char *[]){ "wgaudit", WGA_NAMESPACES_INIT,
					  m->topo.name, host->name, b.dir,
					  b.programs, NULL }),
	       sizeof(b.argv));
	b.env = wga_ns_environment(true);
	*pid = -1;
	if (b.env && open_kept_files(m, host, b.fds + 1, err) == 0) {
		*pid = clone_host();
		if (*pid == 0)
			born(&b);
		if (*pid < 0)
			wga_err_set(err, "namespace",
				    "cannot make namespaces for %s: %s",
				    host->name, strerror(errno));
	}
	free(b.env);
	for (int i = 1; i < WGA_NS_FD_END - WGA_NS_FD_PARENT; i++)
		if (b.fds[i] >= 0)
			close(b.fds[i]);
	return *pid < 0 ? -1 : 0;
}

/* the first process says a byte, or what went wrong */
static int hear(int fd, const struct wga_topo_host *host, struct wga_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[256];
	ssize_t n;

	if (poll(&p, 1, BOOT_MS) <= 0)
		return wga_err_set(err, "boot", "%s does not start", host->name);
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n == 1)
		return 0;
	text[n > 0 ? n : 0] = '\0';
	return wga_err_set(err, "boot", "%s cannot start: %s", host->name,
			   n > 0 ? text : "its first process has ended");
}

static int name_host(const struct wga_mesh *m, const struct wga_topo_host *host,
		     pid_t pid, struct wga_err *err)
{
	char path[WGA_NS_PATH], from[64];
	int fd;

	snprintf(from, sizeof(from), "/proc/%d/ns/net", (int)pid);
	fd = open(wga_ns_name_path(m, host, path),
		  O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd >= 0)
		close(fd);
	if (fd < 0 || mount(from, path, NULL, MS_BIND, NULL) < 0)
		return wga_err_set(err, "namespace", "cannot make %s: %s",
				   path, strerror(errno));
	return 0;
}

/* each step waits for the other's; see the theory of operation */
static int raise_host(const struct wga_mesh *m,
		      const struct wga_topo_host *host, int fd, pid_t pid,
		      struct wga_err *err)
{
	if (hear(fd, host, err) < 0 || name_host(m, host, pid, err) < 0 ||
	    wga_ns_link_make(m, host, err) < 0)
		return -1;
	if (send(fd, "g", 1, MSG_NOSIGNAL) != 1)
		return wga_err_set(err, "boot", "%s cannot start", host->name);
	return hear(fd, host, err);
}

int wga_ns_host_start(struct wga_mesh *m, const struct wga_topo_host *host,
		      struct wga_err *err)
{
	int pair[2], ret;
	pid_t pid;

	if (make_disk(m, host, err) < 0 || wga_ns_unname(m, host, err) < 0 ||
	    wga_ns_link_remove(m, host, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return wga_err_set(err, "boot", "no socket: %s",
				   strerror(errno));
	ret = spawn(m, host, pair[1], &pid, err);
	close(pair[1]);
	if (ret == 0) {
		ret = raise_host(m, host, pair[0], pid, err);
		if (ret < 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			wga_ns_unname(m, host, NULL);
		}
	}
	close(pair[0]);
	return ret;
}

static bool ended(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

int wga_ns_host_stop(struct wga_mesh *m, const struct wga_topo_host *host,
		     enum wga_stop how, struct wga_err *err)
{
	pid_t pid;
	int fd = wga_ns_init_open(m, host, &pid);
	bool gone = fd < 0;

	if (!gone && how == WGA_STOP_ORDERLY) {
		pidfd_send_signal(fd, SIGTERM, NULL, 0);
		gone = ended(fd, ORDERLY_MS);
	}
	if (!gone) {
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
		gone = ended(fd, KILL_MS);
	}
	if (fd >= 0) {
		waitid(P_PIDFD, (id_t)fd, NULL, WEXITED | WNOHANG);
		close(fd);
	}
	if (!gone)
		return wga_err_set(err, "namespace",
				   "process %d of %s does not end", (int)pid,
				   host->name);
	if (wga_ns_link_remove(m, host, err) < 0)
		return -1;
	return wga_ns_unname(m, host, err);
}

/* processes in the networks' namespace get @sig; Return: how many there are */
static unsigned int signal_net(const struct stat *ns, int sig)
{
	DIR *proc = opendir("/proc");
	unsigned int n = 0;
	struct dirent *e;

	while (proc && (e = readdir(proc))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		char path[64];
		struct stat st;
		int fd;

		if (pid <= 0 || pid == getpid())
			continue;
		fd = pidfd_open(pid, 0);
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
		if (fd >= 0 && stat(path, &st) == 0 &&
		    st.st_ino == ns->st_ino && st.st_dev == ns->st_dev) {
			pidfd_send_signal(fd, sig, NULL, 0);
			n++;
		}
		if (fd >= 0)
			close(fd);
	}
	if (proc)
		closedir(proc);
	return n;
}

void wga_ns_net_clear(const struct wga_mesh *m)
{
	int fd = wga_ns_open(m, NULL);
	struct stat ns;

	if (fd < 0)
		return;
	if (fstat(fd, &ns) == 0 && signal_net(&ns, SIGTERM) > 0) {
		for (int i = 0; i < 50 && signal_net(&ns, 0) > 0; i++)
			wga_sleep_ms(100, NULL);
		for (int i = 0; i < 10 && signal_net(&ns, SIGKILL) > 0; i++)
			wga_sleep_ms(20, NULL);
	}
	close(fd);
}
