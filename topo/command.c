/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Between fork() and exec() in a process with threads only async-signal-safe
 * calls are allowed, so all that needs memory is made before. A PID namespace
 * holds only the children of who entered it: then there is a process between
 * us and the command, which waits for it and passes its status on. Each dies
 * with its parent (PR_SET_PDEATHSIG), so nothing outlives us.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "topo/command.h"

#define COLLECT_MAX	(64U << 20)
#define POLL_MS		50

/* where in the child it failed; the parent makes a sentence of it */
struct failure {
	enum { FAILED_ENTER, FAILED_FORK, FAILED_EXEC } at;
	int error;
};

struct collector {
	int fd;
	char *data;
	size_t len, room;
};

uint64_t wga_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int wga_sleep_ms(uint64_t ms, const volatile sig_atomic_t *cancel)
{
	uint64_t end = wga_now_ms() + ms, now;

	while (!(cancel && *cancel) && (now = wga_now_ms()) < end) {
		uint64_t left = end - now < POLL_MS ? end - now : POLL_MS;
		struct timespec t = { .tv_nsec = (long)left * 1000000 };

		nanosleep(&t, NULL);
	}
	return cancel && *cancel ? -1 : 0;
}

void wga_command_free(struct wga_command_run *run)
{
	free(run->output);
	free(run->errors);
	run->output = NULL;
	run->errors = NULL;
	run->output_len = 0;
}

static _Noreturn void child_fail(int report, int at)
{
	struct failure f = { .at = at, .error = errno };

	if (write(report, &f, sizeof(f)) < 0)
		_exit(126);
	_exit(127);
}

/* exit as the command did, so that wait(2) tells the same of us */
static _Noreturn void pass_on(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			_exit(127);
	if (WIFSIGNALED(status)) {
		prctl(PR_SET_DUMPABLE, 0);
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

/* keyboard signals go to the whole foreground group: the command decides */
static void leave_signals_to_the_command(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
}

static _Noreturn void child(const struct wga_command_run *run,
			    const struct wga_enter *enter, const int io[3],
			    int report)
{
	sigset_t none;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 3; i++)
		if (dup2(io[i], i) < 0)
			child_fail(report, FAILED_EXEC);
	for (size_t i = 0; i < 3 && enter->fds[i] >= 0; i++)
		if (setns(enter->fds[i], enter->flags[i]) < 0)
			child_fail(report, FAILED_ENTER);
	if (enter->pid_ns) {
		pid = fork();
		if (pid < 0)
			child_fail(report, FAILED_FORK);
		if (pid > 0) {
			close_range(3, ~0U, 0);
			close(0);
			close(1);
			close(2);
			leave_signals_to_the_command();
			pass_on(pid);
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	environ = (char **)enter->env;
	execvp(run->argv[0], (char *const *)run->argv);
	child_fail(report, FAILED_EXEC);
}

/* Return: bytes read, 0 at the end */
static ssize_t collect(struct collector *c)
{
	ssize_t n;

	if (c->room - c->len < 4096) {
		size_t room = c->room ? 2 * c->room : 16384;
		char *data = room <= COLLECT_MAX ? realloc(c->data, room) : NULL;

		if (!data)
			return 0;
		c->data = data;
		c->room = room;
	}
	n = read(c->fd, c->data + c->len, c->room - c->len - 1);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : 0;
	c->len += (size_t)n;
	c->data[c->len] = '\0';
	return n;
}

static int too_long(const struct wga_command_run *run, uint64_t end,
		    const volatile sig_atomic_t *cancel, struct wga_err *err)
{
	if (cancel && *cancel)
		return wga_err_set(err, "interrupted", "%s was interrupted",
				   run->argv[0]);
	if (end && wga_now_ms() >= end)
		return wga_err_set(err, "timeout",
				   "%s has not ended after %llu ms",
				   run->argv[0],
				   (unsigned long long)run->timeout_ms);
	return 0;
}

/* until the child has ended, or time is up; what it wrote by then is read */
static int attend(struct wga_command_run *run, pid_t pid, int pidfd,
		  struct collector c[2], const volatile sig_atomic_t *cancel,
		  struct wga_err *err)
{
	uint64_t end = run->timeout_ms ? wga_now_ms() + run->timeout_ms : 0;
	bool ended = false;

	for (;;) {
		struct pollfd p[3] = {
			{ .fd = c[0].fd, .events = POLLIN },
			{ .fd = c[1].fd, .events = POLLIN },
			{ .fd = ended ? -1 : pidfd, .events = POLLIN },
		};
		int n = poll(p, 3, ended ? 0 : POLL_MS);

		for (int i = 0; i < 2; i++) {
			if (n > 0 && p[i].fd >= 0 && p[i].revents &&
			    collect(&c[i]) == 0) {
				close(c[i].fd);
				c[i].fd = -1;
			}
		}
		/* descendants that hold the pipes are not waited for */
		if (ended && n <= 0)
			return 0;
		if (!ended && waitpid(pid, &run->status, WNOHANG) == pid)
			ended = true;
		if (!ended && too_long(run, end, cancel, err) < 0)
			return -1;
	}
}

/* Return: -1 if it had to be killed */
static int attend_or_kill(struct wga_command_run *run, pid_t pid,
			  struct collector c[2],
			  const volatile sig_atomic_t *cancel,
			  struct wga_err *err)
{
	int pidfd = pidfd_open(pid, 0), ret;

	ret = attend(run, pid, pidfd, c, cancel, err);
	if (ret < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &run->status, 0);
	}
	if (pidfd >= 0)
		close(pidfd);
	return ret;
}

/* @io: the command's descriptors; @ours: our ends of pipes, or -1 */
static int make_io(const struct wga_command_run *run, int null, int io[3],
		   int ours[2])
{
	int p[2];

	io[0] = run->in >= 0 ? run->in : null;
	for (int i = 0; i < 2; i++) {
		int given = i == 0 ? run->out : run->err;

		ours[i] = -1;
		io[i + 1] = given;
		if (given >= 0)
			continue;
		if (pipe2(p, O_CLOEXEC) < 0)
			return -1;
		ours[i] = p[0];
		io[i + 1] = p[1];
	}
	return 0;
}

static int told(const struct wga_command_run *run, int report,
		struct wga_err *err)
{
	static const char *const what[] = {
		[FAILED_ENTER] = "cannot enter the host to run",
		[FAILED_FORK] = "cannot start",
		[FAILED_EXEC] = "cannot run",
	};
	struct failure f;

	if (read(report, &f, sizeof(f)) != sizeof(f))
		return 0;
	return wga_err_set(err, "cannot-run", "%s %s: %s", what[f.at],
			   run->argv[0], strerror(f.error));
}

static int start(struct wga_command_run *run, const struct wga_enter *enter,
		 int null, pid_t *pid, int ours[2], int *report,
		 struct wga_err *err)
{
	int io[3] = { -1, -1, -1 }, p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return wga_err_set(err, "cannot-run", "no pipe: %s",
				   strerror(errno));
	*report = p[0];
	*pid = make_io(run, null, io, ours) < 0 ? -1 : fork();
	if (*pid == 0)
		child(run, enter, io, p[1]);
	if (*pid < 0)
		wga_err_set(err, "cannot-run", "cannot start %s: %s",
			    run->argv[0], strerror(errno));
	close(p[1]);
	for (int i = 0; i < 2; i++)
		if (ours[i] >= 0)
			close(io[i + 1]);
	return *pid < 0 ? -1 : 0;
}

int wga_command_run(struct wga_command_run *run, const struct wga_enter *enter,
		    const volatile sig_atomic_t *cancel, struct wga_err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), ours[2] = { -1, -1 };
	struct collector c[2] = { { .fd = -1 }, { .fd = -1 } };
	int report = -1, ret;
	pid_t pid = -1;

	run->output = run->errors = NULL;
	run->output_len = 0;
	ret = start(run, enter, null, &pid, ours, &report, err);
	if (ret == 0) {
		c[0].fd = ours[0];
		c[1].fd = ours[1];
		ret = attend_or_kill(run, pid, c, cancel, err);
		fcntl(report, F_SETFL, O_NONBLOCK);
		if (ret == 0)
			ret = told(run, report, err);
	}
	for (int i = 0; i < 2; i++)
		if (c[i].fd >= 0)
			close(c[i].fd);
	if (report >= 0)
		close(report);
	if (null >= 0)
		close(null);
	run->output = c[0].data;
	run->output_len = c[0].len;
	run->errors = c[1].data;
	return ret;
}
