/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * One loop waits for the command's output, its end, the time limit and signals
 * to ourselves. It is over when standard output is closed and the shell has
 * ended: a process that the shell left behind may still be printing. The group
 * is killed while the shell is not yet reaped, for until then its number
 * cannot belong to anyone else.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/headscale.h"

#define CODE		"headscale-failed"

extern char **environ;

enum { FD_OUT, FD_ERR, FD_EXIT, FD_SIGNAL, FD_COUNT };

/**
 * struct job - a command that is running
 * @fd:		what is waited for; fd -1 once it is over
 * @text, @len, @room:	its standard output so far
 * @tail, @tail_len:	the end of its standard error, with room for a NUL
 */
struct job {
	const char *cmd;
	const struct wga_headscale_limits *limits;
	pid_t pid;
	struct pollfd fd[FD_COUNT];
	char *text;
	size_t len, room;
	char tail[1024 + 1];
	size_t tail_len;
};

/* the last line of standard error that is not empty */
static const char *last_line(struct job *job)
{
	size_t end = job->tail_len, start;

	while (end && strchr(" \t\r\n", job->tail[end - 1]))
		end--;
	for (start = end; start && job->tail[start - 1] != '\n'; start--)
		;
	job->tail[end] = '\0';
	return job->tail + start;
}

static int job_error(struct job *job, const char *what, struct wga_err *err)
{
	const char *said = last_line(job);

	return wga_err_set(err, CODE, "--headscale \"%.160s\": %s%s%.200s",
			   job->cmd, what, *said ? ": " : "", said);
}

static int job_errno(struct job *job, const char *what,
		     struct wga_err *err)
{
	char text[160];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
	return job_error(job, text, err);
}

static void close_fd(struct pollfd *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* @out, @err_fd: writing ends for the command */
static int spawn(struct job *job, int out, int err_fd, const sigset_t *mask)
{
	char *argv[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c",
			 (char *)(uintptr_t)job->cmd, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int ret;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	ret = posix_spawn_file_actions_addopen(&files, STDIN_FILENO,
					       "/dev/null", O_RDONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, out,
						       STDOUT_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, err_fd,
						       STDERR_FILENO);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
				 POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, mask);
	if (!ret)
		ret = posix_spawn(&job->pid, "/bin/sh", &files, &attr, argv,
				  environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	errno = ret;
	return ret ? -1 : 0;
}

static int job_start(struct job *job, const sigset_t *before,
		     const sigset_t *blocked, struct wga_err *err)
{
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, ret;

	ret = pipe2(out, O_CLOEXEC) || pipe2(errors, O_CLOEXEC) ||
	      spawn(job, out[1], errors[1], before);
	if (ret)
		job_errno(job, "cannot be run", err);
	job->fd[FD_OUT].fd = out[0];
	job->fd[FD_ERR].fd = errors[0];
	if (out[1] >= 0)
		close(out[1]);
	if (errors[1] >= 0)
		close(errors[1]);
	if (ret)
		return -1;

	fcntl(errors[0], F_SETFL, O_NONBLOCK);
	job->fd[FD_EXIT].fd = pidfd_open(job->pid, 0);
	job->fd[FD_SIGNAL].fd = signalfd(-1, blocked, SFD_CLOEXEC);
	if (job->fd[FD_EXIT].fd < 0 || job->fd[FD_SIGNAL].fd < 0)
		return job_errno(job, "cannot be waited for", err);
	return 0;
}

static int take_output(struct job *job, struct wga_err *err)
{
	char what[80], *grown;
	ssize_t n;

	if (job->len == job->room) {
		size_t room = job->room ? job->room * 2 : 65536;

		grown = realloc(job->text, room);
		if (!grown)
			return wga_err_set(err, "out-of-memory",
					   "out of memory");
		job->text = grown;
		job->room = room;
	}
	n = read(job->fd[FD_OUT].fd, job->text + job->len, job->room - job->len);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0)
		return job_errno(job, "cannot read its output", err);
	if (!n)
		close_fd(&job->fd[FD_OUT]);
	job->len += (size_t)n;
	if (job->len <= job->limits->bytes)
		return 0;
	snprintf(what, sizeof(what), "killed after printing more than %zu bytes",
		 job->limits->bytes);
	return job_error(job, what, err);
}

/* all of standard error that is there now; its end is kept */
static void take_errors(struct job *job)
{
	char chunk[sizeof(job->tail) - 1];
	ssize_t n;

	while (job->fd[FD_ERR].fd >= 0) {
		size_t keep, len;

		n = read(job->fd[FD_ERR].fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_fd(&job->fd[FD_ERR]);
			return;
		}
		len = (size_t)n;
		keep = sizeof(chunk) - len;
		if (keep > job->tail_len)
			keep = job->tail_len;
		memmove(job->tail, job->tail + job->tail_len - keep, keep);
		memcpy(job->tail + keep, chunk, len);
		job->tail_len = keep + len;
	}
}

static int job_wait(struct job *job, struct wga_err *err)
{
	uint64_t end = now_ms() + job->limits->ms;
	char what[64];

	while (job->fd[FD_OUT].fd >= 0 || job->fd[FD_EXIT].fd >= 0) {
		uint64_t now = now_ms();

		if (now >= end) {
			take_errors(job);
			snprintf(what, sizeof(what), "killed after %g s",
				 job->limits->ms / 1000.0);
			return job_error(job, what, err);
		}
		if (poll(job->fd, FD_COUNT, (int)(end - now)) < 0 &&
		    errno != EINTR)
			return job_errno(job, "cannot be waited for", err);
		if (job->fd[FD_SIGNAL].revents)
			return job_error(job, "interrupted", err);
		if (job->fd[FD_ERR].revents)
			take_errors(job);
		if (job->fd[FD_OUT].revents && take_output(job, err) < 0)
			return -1;
		if (job->fd[FD_EXIT].revents)
			close_fd(&job->fd[FD_EXIT]);
	}
	take_errors(job);
	return 0;
}

static int job_status(struct job *job, int status, struct wga_err *err)
{
	char what[40];

	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status))
		snprintf(what, sizeof(what), "exit status %d",
			 WEXITSTATUS(status));
	else
		snprintf(what, sizeof(what), "ended by signal %d",
			 WTERMSIG(status));
	return job_error(job, what, err);
}

static int job_run(struct job *job, const sigset_t *before,
		   const sigset_t *blocked, struct wga_err *err)
{
	int i, ret, status = 0;

	ret = job_start(job, before, blocked, err);
	if (!ret)
		ret = job_wait(job, err);
	if (job->pid > 0) {
		kill(-job->pid, SIGKILL);
		while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	for (i = 0; i < FD_COUNT; i++)
		close_fd(&job->fd[i]);
	return ret < 0 ? -1 : job_status(job, status, err);
}

int wga_headscale_run(const char *cmd,
		      const struct wga_headscale_limits *limits, char **text,
		      size_t *len, struct wga_err *err)
{
	struct job job = { .cmd = cmd, .limits = limits };
	struct sigaction normal = { .sa_handler = SIG_DFL }, child;
	sigset_t before, blocked;
	int i, ret;

	for (i = 0; i < FD_COUNT; i++)
		job.fd[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	sigaddset(&blocked, SIGQUIT);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigaction(SIGCHLD, &normal, &child); /* ignored, it would take the status */

	ret = job_run(&job, &before, &blocked, err);
	sigaction(SIGCHLD, &child, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (ret < 0) {
		free(job.text);
		return -1;
	}
	*text = job.text;
	*len = job.len;
	return 0;
}

int wga_headscale_load(struct wga_config *cfg, const char *cmd,
		       struct wga_err *err)
{
	static const struct wga_headscale_limits limits = {
		.ms = 30000, .bytes = (size_t)64 << 20,
	};
	char name[192], *text;
	size_t len;
	int ret;

	if (!cmd[strspn(cmd, " \t\n")])
		return wga_err_set(err, "usage",
				   "--headscale wants a command that prints the node registry");
	if (wga_headscale_run(cmd, &limits, &text, &len, err) < 0)
		return -1;
	snprintf(name, sizeof(name), "output of \"%.160s\"", cmd);
	ret = wga_config_mesh_text(cfg, text, len, name, err);
	free(text);
	return ret;
}
