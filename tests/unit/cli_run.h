/* SPDX-License-Identifier: MIT */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The built program, run with its output in memory. */

#define ARGS_MAX	12
#define ARGS(...)	((const char *const[]){ __VA_ARGS__, NULL })

struct result {
	int status;
	char out[1 << 18], err[4096];
};

static int sink(void)
{
	int fd = memfd_create("sink", 0);

	assert_true(fd >= 0);
	return fd;
}

static void drain(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
	close(fd);
}

static void child(const char *const *args, int out, int err)
{
	char *argv[ARGS_MAX + 2] = { (char *)(uintptr_t)"wgaudit" };
	int i, null = open("/dev/null", O_RDONLY);

	for (i = 0; i < ARGS_MAX && args[i]; i++)
		argv[i + 1] = (char *)(uintptr_t)args[i];
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execv(WGAUDIT, argv);
	_exit(127);
}

static struct result run_to(int out, const char *const *args)
{
	struct result r = { 0 };
	int err = sink(), status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		child(args, out, err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	r.status = WEXITSTATUS(status);
	drain(err, r.err, sizeof(r.err));
	drain(out, r.out, sizeof(r.out));
	return r;
}

static inline struct result run(const char *const *args)
{
	return run_to(sink(), args);
}

#endif /* CLI_RUN_H */
