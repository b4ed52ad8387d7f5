/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/registry.h"
#include "cli/headscale.h"

#define REGISTRY	"tests/golden/captures/join-direct/nodes.json"

static const struct wga_headscale_limits plenty = {
	.ms = 60000, .bytes = 1 << 20,
};
static const struct wga_headscale_limits hurry = {
	.ms = 200, .bytes = 1 << 20,
};
static const struct wga_headscale_limits one_second = {
	.ms = 1000, .bytes = 1 << 20,
};

static void fails(const char *cmd, const struct wga_headscale_limits *limits,
		  const char *needle)
{
	char *text = NULL;
	struct wga_err err;
	size_t len;

	assert_int_equal(wga_headscale_run(cmd, limits, &text, &len, &err), -1);
	assert_null(text);
	assert_string_equal(err.code, "headscale-failed");
	if (strlen(cmd) < 100 && !strstr(err.text, cmd))
		fail_msg("\"%s\" should be in: %s", cmd, err.text);
	if (!strstr(err.text, needle))
		fail_msg("\"%s\" should be in: %s", needle, err.text);
}

static void prints(const char *cmd, const char *want, size_t want_len)
{
	struct wga_err err;
	char *text;
	size_t len;

	if (wga_headscale_run(cmd, &plenty, &text, &len, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(len, want_len);
	assert_memory_equal(text, want, len);
	free(text);
}

static void test_output(void **state)
{
	(void)state;
	prints("echo one; echo two", "one\ntwo\n", 8);
	prints("true", "", 0);
	prints("printf 'a\\0b\\377'", "a\0b\377", 4);
	/* standard error is no output */
	prints("echo x >&2; echo y", "y\n", 2);
	/* standard input is empty */
	prints("cat; echo end", "end\n", 4);
	/* what the shell leaves behind may still print */
	prints("(sleep 0.2; echo late) & echo soon", "soon\nlate\n", 10);
	/* more than a pipe holds, on both */
	prints("head -c 300000 /dev/zero >&2; head -c 200000 /dev/zero | wc -c",
	       "200000\n", 7);
}

static void test_failure(void **state)
{
	(void)state;
	fails("exit 3", &plenty, "exit status 3");
	fails("echo one >&2; echo two >&2; exit 1", &plenty,
	      "exit status 1: two");
	fails("printf 'no end' >&2; exit 1", &plenty, "status 1: no end");
	fails("echo said >&2; echo >&2; exit 4", &plenty, "exit status 4: said");
	fails("/nonexistent/headscale nodes list", &plenty, "exit status 127");
	fails("kill -9 $$", &plenty, "ended by signal 9");
	/* output does not make up for it */
	fails("cat " REGISTRY "; exit 5", &plenty, "exit status 5");
}

static void test_long_errors(void **state)
{
	(void)state;
	fails("i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1",
	      &plenty, "exit status 1: line 1999");
	/* a last line that comes in two parts, behind more than is kept */
	fails("(printf '%01000d\\nabc' 0; sleep 0.2; printf '%060d' 0) >&2; exit 1",
	      &plenty, "exit status 1: abc000");
	fails("head -c 5000 /dev/zero | tr '\\0' x >&2; exit 1", &plenty,
	      "exit status 1: xxxx");
}

static void test_time(void **state)
{
	(void)state;
	fails("sleep 1000", &hurry, "killed after 0.2 s");
	fails("echo waiting >&2; sleep 1000", &one_second,
	      "killed after 1 s: waiting");
	fails("trap '' TERM INT; while :; do sleep 1; done", &hurry,
	      "killed after 0.2 s");
	/* the shell has ended, its child has not and holds the output */
	fails("sleep 1000 &", &hurry, "killed after 0.2 s");
	/* it prints without an end, but slowly */
	fails("while :; do echo x; sleep 0.05; done", &hurry,
	      "killed after 0.2 s");
}

static void test_size(void **state)
{
	const struct wga_headscale_limits small = { .ms = 60000, .bytes = 10 };
	struct wga_err err;
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(wga_headscale_run("printf 0123456789", &small, &text,
					   &len, &err), 0);
	assert_int_equal(len, 10);
	free(text);
	fails("printf 0123456789a", &small, "more than 10 bytes");
	fails("yes", &plenty, "more than 1048576 bytes");
}

/* does a process of that number run? What init has not yet reaped does not. */
static bool is_running(long pid)
{
	char path[64], state = 'Z';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(f);
	return state != 'Z' && state != 'X';
}

/* a signal takes effect some time after kill() returns */
static bool is_there(long pid)
{
	int tries;

	for (tries = 0; tries < 1000 && is_running(pid); tries++)
		usleep(10000);
	return is_running(pid);
}

/* Nothing is left behind: neither at the limit nor at the end. The number of
 * the process comes by a file, for the output of what is killed is lost.
 */
static void check_gone(const char *form, bool good)
{
	char path[] = "/tmp/wgaudit-pid-XXXXXX", cmd[160], digits[32] = "";
	int fd = mkstemp(path);
	char *text = NULL;
	struct wga_err err;
	size_t len;

	assert_true(fd >= 0);
	snprintf(cmd, sizeof(cmd), "sleep 1000 %s & echo $! >%s; %s",
		 good ? ">/dev/null 2>&1" : "", path, form);
	assert_int_equal(wga_headscale_run(cmd, good ? &plenty : &one_second,
					   &text, &len, &err), good ? 0 : -1);
	assert_true(read(fd, digits, sizeof(digits) - 1) > 0);
	assert_false(is_there(strtol(digits, NULL, 10)));
	free(text);
	close(fd);
	unlink(path);
}

static void test_nothing_left(void **state)
{
	(void)state;
	check_gone("wait", false);
	check_gone("exit 1", false);
	check_gone("true", true);
}

/* Ctrl-C takes the command along, and then the program itself, at once */
static void test_interrupted(void **state)
{
	const struct wga_headscale_limits hours = { .ms = 10000000 };
	char cmd[] = "kill -INT $PPID; exec sleep 10000", *text = NULL;
	struct wga_err err;
	int status;
	size_t len;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		alarm(60); /* should it wait for the command after all */
		wga_headscale_run(cmd, &hours, &text, &len, &err);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
}

static void noted(int sig)
{
	(void)sig;
}

/* the caller's signals stay as they were, and the command's are not blocked */
static void test_signals(void **state)
{
	struct sigaction action = { .sa_handler = SIG_IGN }, old, now;
	sigset_t mask;

	(void)state;
	assert_int_equal(sigaction(SIGCHLD, &action, &old), 0);
	prints("echo x", "x\n", 2);
	fails("exit 3", &plenty, "exit status 3");
	sigaction(SIGCHLD, &old, &now);
	assert_ptr_equal(now.sa_handler, SIG_IGN);

	action.sa_handler = noted;
	assert_int_equal(sigaction(SIGTERM, &action, &old), 0);
	fails("kill -TERM $$; sleep 1000", &plenty, "ended by signal 15");
	sigaction(SIGTERM, &old, NULL);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));
	assert_false(sigismember(&mask, SIGINT));
}

static void test_load(void **state)
{
	struct wga_config cfg;
	struct wga_err err;

	(void)state;
	wga_config_init(&cfg);
	assert_int_equal(wga_headscale_load(&cfg, "", &err), -1);
	assert_string_equal(err.code, "usage");
	assert_int_equal(wga_headscale_load(&cfg, " \t", &err), -1);
	assert_string_equal(err.code, "usage");
	assert_int_equal(wga_headscale_load(&cfg, "exit 7", &err), -1);
	assert_string_equal(err.code, "headscale-failed");
	assert_int_equal(wga_headscale_load(&cfg, "true", &err), -1);
	assert_string_equal(err.code, "bad-registry");
	assert_non_null(strstr(err.text, "output of \"true\""));
	assert_int_equal(wga_headscale_load(&cfg,
			 "head -c 3000 /dev/urandom", &err), -1);
	assert_string_equal(err.code, "bad-registry");
	assert_null(cfg.registry);
	assert_int_equal(wga_headscale_load(&cfg, "cat " REGISTRY, &err), 0);
	assert_int_equal(wga_registry_count(cfg.registry), 3);
	assert_int_equal(wga_headscale_load(&cfg, "cat " REGISTRY, &err), 0);
	assert_int_equal(wga_registry_count(cfg.registry), 3);
	wga_config_free(&cfg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_long_errors),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
