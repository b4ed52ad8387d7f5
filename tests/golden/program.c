/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/golden/program.h"

static char *slurp(int fd)
{
	off_t n = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)n + 1);

	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)n, 0), n);
	close(fd);
	return text;
}

struct result run_program(const char *path, int input, const char *const args[])
{
	int out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC);
	char *argv[ARGS + 2] = { (char *)(uintptr_t)path };
	struct result r = { .status = -1 };
	int status;
	pid_t pid;

	for (unsigned int i = 0; i < ARGS && args[i]; i++)
		argv[i + 1] = (char *)(uintptr_t)args[i];
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (input >= 0) {
			lseek(input, 0, SEEK_SET);
			dup2(input, STDIN_FILENO);
		}
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execvp(path, argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		r.status = WEXITSTATUS(status);
	r.out = slurp(out);
	r.err = slurp(err);
	return r;
}

struct result run_with(int input, const char *const args[])
{
	return run_program(WGAUDIT_BINARY, input, args);
}

void result_free(struct result *r)
{
	free(r->out);
	free(r->err);
}

void expect_status(int want, const char *const args[])
{
	struct result r = run_with(-1, args);

	if (r.status != want)
		fail_msg("%s %s: status %d instead of %d\n%s%s", args[0],
			 args[1] ? args[1] : "", r.status, want, r.out, r.err);
	result_free(&r);
}

json_t *expect_json(int want, const char *const args[])
{
	struct result r = run_with(-1, args);
	json_error_t error;
	json_t *doc = json_loads(r.out, JSON_REJECT_DUPLICATES, &error);

	if (r.status != want)
		fail_msg("%s: status %d instead of %d\n%s%s", args[0], r.status,
			 want, r.out, r.err);
	if (!doc)
		fail_msg("not JSON: %s\n%s", error.text, r.out);
	assert_string_equal(json_string_value(json_object_get(doc, "schema")),
			    "wgaudit/1");
	result_free(&r);
	return doc;
}
