/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "topo/command.h"

#define RUN(...)	((const char *const[]){ __VA_ARGS__, NULL })

static int run(struct wga_command_run *r, const char *const *argv,
	       uint64_t timeout_ms, struct wga_err *err)
{
	const struct wga_enter here = { .fds = { -1, -1, -1 }, .env = environ };

	*r = (struct wga_command_run){ .argv = argv, .in = -1, .out = -1,
				       .err = -1, .timeout_ms = timeout_ms };
	return wga_command_run(r, &here, NULL, err);
}

static void test_output(void **state)
{
	struct wga_command_run r;

	(void)state;
	assert_int_equal(run(&r, RUN("sh", "-c", "echo out; echo bad >&2; exit 7"),
			     0, NULL), 0);
	assert_int_equal(WEXITSTATUS(r.status), 7);
	assert_string_equal(r.output, "out\n");
	assert_int_equal(r.output_len, 4);
	assert_string_equal(r.errors, "bad\n");
	wga_command_free(&r);
}

static void test_much_output(void **state)
{
	struct wga_command_run r;

	(void)state;
	assert_int_equal(run(&r, RUN("sh", "-c", "yes 0123456 | head -n 100000"),
			     0, NULL), 0);
	assert_int_equal(r.output_len, 800000);
	wga_command_free(&r);
}

static void test_no_input(void **state)
{
	struct wga_command_run r;

	(void)state;
	assert_int_equal(run(&r, RUN("cat"), 0, NULL), 0);
	assert_int_equal(r.output_len, 0);
	wga_command_free(&r);
}

static void test_signal(void **state)
{
	struct wga_command_run r;

	(void)state;
	assert_int_equal(run(&r, RUN("sh", "-c", "kill -TERM $$"), 0, NULL), 0);
	assert_true(WIFSIGNALED(r.status));
	assert_int_equal(WTERMSIG(r.status), SIGTERM);
	wga_command_free(&r);
}

static void test_no_such_program(void **state)
{
	struct wga_command_run r;
	struct wga_err err;

	(void)state;
	assert_int_equal(run(&r, RUN("wga-no-such-program"), 0, &err), -1);
	assert_string_equal(err.code, "cannot-run");
	assert_non_null(strstr(err.text, "wga-no-such-program"));
	wga_command_free(&r);
}

static void test_timeout(void **state)
{
	struct wga_command_run r;
	struct wga_err err;

	(void)state;
	assert_int_equal(run(&r, RUN("sh", "-c", "echo early; exec sleep 1000"),
			     300, &err), -1);
	assert_string_equal(err.code, "timeout");
	assert_true(WIFSIGNALED(r.status));
	wga_command_free(&r);
}

static void test_cancel(void **state)
{
	const struct wga_enter here = { .fds = { -1, -1, -1 }, .env = environ };
	struct wga_command_run r = { .argv = RUN("sleep", "1000"),
				     .in = -1, .out = -1, .err = -1 };
	volatile sig_atomic_t cancel = 1;
	struct wga_err err;

	(void)state;
	assert_int_equal(wga_command_run(&r, &here, &cancel, &err), -1);
	assert_string_equal(err.code, "interrupted");
	wga_command_free(&r);
	assert_int_equal(wga_sleep_ms(100000, &cancel), -1);
}

/* who is left behind with the pipes open is not waited for */
static void test_left_behind(void **state)
{
	struct wga_command_run r;

	(void)state;
	assert_int_equal(run(&r, RUN("sh", "-c", "sleep 30 & echo $!"), 0,
			     NULL), 0);
	assert_int_equal(WEXITSTATUS(r.status), 0);
	kill((pid_t)atoi(r.output), SIGKILL);
	wga_command_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_much_output),
		cmocka_unit_test(test_no_input),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_no_such_program),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
