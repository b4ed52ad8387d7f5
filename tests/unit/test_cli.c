/* SPDX-License-Identifier: MIT */
/* Runs the built program: usage, errors, where they go, and exit statuses. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "analyze/verdict.h"
#include "tests/unit/cli_run.h"

#define REGISTRY	"tests/golden/captures/join-direct/nodes.json"
#define NO_FILE		"/nonexistent/file.pcap"

/* a text error: status 2, nothing on standard output, these words */
static void check_error(const char *const *args, const char *needle)
{
	struct result r = run(args);

	assert_int_equal(r.status, 2);
	assert_string_equal(r.out, "");
	assert_int_equal(strncmp(r.err, "wgaudit: ", 9), 0);
	if (!strstr(r.err, needle))
		fail_msg("\"%s\" should be in: %s", needle, r.err);
}

/* the same under --json: the document on standard output, nothing else */
static void check_json_error(const char *const *args, const char *code,
			     const char *needle)
{
	struct result r = run(args);
	json_t *doc = json_loads(r.out, 0, NULL), *error;

	assert_int_equal(r.status, 2);
	assert_string_equal(r.err, "");
	assert_non_null(doc);
	assert_string_equal(json_string_value(json_object_get(doc, "schema")),
			    "wgaudit/1");
	error = json_object_get(doc, "error");
	assert_string_equal(json_string_value(json_object_get(error, "code")),
			    code);
	if (!strstr(json_string_value(json_object_get(error, "text")), needle))
		fail_msg("\"%s\" should be in: %s", needle, r.out);
	json_decref(doc);
}

static void test_help(void **state)
{
	static const char *const commands[] = {
		"capture", "analyze", "gate", "policy",
	};
	struct result all = run(ARGS("--help")), r;
	size_t i;

	(void)state;
	assert_int_equal(all.status, 0);
	assert_string_equal(all.err, "");
	assert_string_equal(run(ARGS("help")).out, all.out);
	assert_string_equal(run(ARGS("-h")).out, all.out);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_non_null(strstr(all.out, commands[i]));
		r = run(ARGS(commands[i], "--help"));
		assert_int_equal(r.status, 0);
		assert_string_equal(r.err, "");
		assert_string_equal(run(ARGS("help", commands[i])).out, r.out);
		assert_string_equal(run(ARGS(commands[i], "-h")).out, r.out);
		assert_non_null(strstr(r.out, commands[i]));
		assert_non_null(strstr(r.out, "--expect-pair A,B"));
		assert_non_null(strstr(r.out, "--json"));
	}
}

/* no command is no pass: CI must not go green on it */
static void test_no_command(void **state)
{
	struct result r = run((const char *const[]){ NULL });

	(void)state;
	assert_int_equal(r.status, 2);
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, run(ARGS("--help")).out);
}

static void test_version(void **state)
{
	struct result r = run(ARGS("--version"));

	(void)state;
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "wgaudit " WGA_VERSION "\n");
}

static void test_unknown_command(void **state)
{
	(void)state;
	check_error(ARGS("analyse", "x.pcap"), "unknown command \"analyse\"");
	check_error(ARGS("analyse", "x.pcap"), "did you mean \"analyze\"");
	check_error(ARGS("gat"), "did you mean \"gate\"");
	check_error(ARGS("captrue"), "did you mean \"capture\"");
	check_error(ARGS(""), "unknown command \"\"");
	check_error(ARGS("a-very-long-word-that-is-no-command-of-this-program"),
		    "unknown command");
	check_error(ARGS("help", "gait"), "did you mean \"gate\"");
	check_error(ARGS("--bogus"), "unknown option --bogus");
	check_json_error(ARGS("analyse", "--json"), "usage", "analyze");
}

/* what is missing depends on the machine, that it is told does not */
static void test_doctor(void **state)
{
	const char *const *all = ARGS("doctor", "--json", "--connect",
				      "test:///default");
	size_t i, missing = 0;
	json_t *doc, *check, *commands;
	struct result r;

	(void)state;
	r = run(all);
	doc = json_loads(r.out, 0, NULL);
	assert_non_null(doc);
	assert_string_equal(r.err, "");
	assert_string_equal(json_string_value(json_object_get(doc, "schema")),
			    "wgaudit-doctor/1");
	json_array_foreach(json_object_get(doc, "checks"), i, check) {
		const char *status = json_string_value(json_object_get(check,
								"status"));

		commands = json_object_get(check, "commands");
		assert_true(json_array_size(commands) > 0);
		if (!strcmp(status, "ok"))
			assert_true(json_is_null(json_object_get(check, "mend")));
		missing += !strcmp(status, "missing");
	}
	assert_true(i > 20);
	assert_int_equal(json_integer_value(json_object_get(doc, "missing")),
			 missing);
	assert_int_equal(r.status, missing ? 1 : 0);
	json_decref(doc);
	/* only what the command needs */
	r = run(ARGS("doctor", "capture"));
	assert_non_null(strstr(r.out, "cap-net-raw"));
	assert_null(strstr(r.out, "libvirt"));
	check_error(ARGS("doctor", "analyze"), "needs nothing of the machine");
	check_error(ARGS("doctor", "--backend", "x"), "libvirt or namespaces");
	check_error(ARGS("doctor", "--file", NO_FILE), "No such file");
	check_error(ARGS("doctor", "--name", "A"), "cannot be a mesh's name");
}

static void test_unknown_option(void **state)
{
	static const char *const later[] = {
		"--html",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		check_error(ARGS("analyze", later[i], "x"), later[i]);
		check_json_error(ARGS("gate", later[i], "--json"), "usage",
				 later[i]);
	}
	check_error(ARGS("analyze", "-q"), "unknown option -q");
	check_error(ARGS("analyze", "--bogus=1", "x.pcap"),
		    "unknown option --bogus;");
	check_error(ARGS("analyze", "--json=1", "x.pcap"),
		    "--json takes no argument");
	check_error(ARGS("analyze", "x.pcap", "--derp"),
		    "--derp wants an argument");
	check_error(ARGS("analyze", "\033[2J", "--\033[2J"), "\\x1b[2J");
}

/* the first error counts, wherever --json stands, and help comes too late */
static void test_order(void **state)
{
	(void)state;
	check_json_error(ARGS("analyze", "--json", "--bogus", NO_FILE), "usage",
			 "--bogus");
	check_json_error(ARGS("analyze", "--bogus", NO_FILE, "--json"), "usage",
			 "--bogus");
	check_json_error(ARGS("analyze", "--derp", "x", "--bogus", "--json"),
			 "usage", "--derp");
	check_error(ARGS("analyze", "--bogus", "--help"), "--bogus");
	check_error(ARGS("analyze", "--canary", "--json", "--bogus"), "--bogus");
	check_error(ARGS("analyze", "--bogus", "--mesh", "/nonexistent"),
		    "--bogus");
}

static void test_bad_values(void **state)
{
	(void)state;
	check_error(ARGS("analyze", "--derp", "1.2.3.4", NO_FILE), "HOST:PORT");
	check_error(ARGS("analyze", "--control", "10.1:443", NO_FILE), "10.1");
	check_error(ARGS("analyze", "--infra", "x", NO_FILE), "--infra");
	check_error(ARGS("analyze", "--vm", "x", NO_FILE), "NAME=ADDR");
	check_error(ARGS("analyze", "--gateway", "x", NO_FILE), "--gateway");
	check_error(ARGS("analyze", "--canary", "x", NO_FILE), "too short");
	check_error(ARGS("analyze", "--canary-file", "/nonexistent", NO_FILE),
		    "/nonexistent");
	check_error(ARGS("analyze", "--require", "shape", NO_FILE), "identified");
	check_error(ARGS("analyze", "--expect-pair", "a", NO_FILE), "A,B");
	check_error(ARGS("analyze", "--color", "red", NO_FILE), "always");
	check_error(ARGS("analyze", "--accept", "plaintext", NO_FILE),
		    "cannot be accepted");
	check_error(ARGS("analyze", "--accept", "x", NO_FILE), "late-start");
	check_error(ARGS("analyze", "--mesh", "/nonexistent.json", NO_FILE),
		    "/nonexistent.json");
	check_json_error(ARGS("gate", "--json", "--mesh", "/dev/null", NO_FILE),
			 "bad-registry", "/dev/null");
}

static void test_good_values(void **state)
{
	(void)state;
	/* all is well but for the file */
	check_error(ARGS("analyze", "--derp=192.168.100.10:443", "--control",
			 "192.168.100.10:443", "--mesh", REGISTRY, "--require",
			 "identified", "--accept=late-start", NO_FILE), NO_FILE);
	check_error(ARGS("gate", "--infra", "10.0.0.1", "--vm", "a=10.0.0.2",
			 "--gateway", "10.0.0.1", "--canary", "CANARY",
			 "--expect-pair", "a,b", NO_FILE), NO_FILE);
}

static void test_files(void **state)
{
	(void)state;
	check_error(ARGS("analyze"), "at least one FILE");
	check_error(ARGS("gate"), "at least one FILE");
	check_json_error(ARGS("gate", "--json"), "usage", "at least one FILE");
	check_error(ARGS("analyze", NO_FILE), NO_FILE);
	check_json_error(ARGS("analyze", NO_FILE, "--json"), "no-such-file",
			 NO_FILE);
	check_error(ARGS("analyze", "-", "-"), "standard input is given twice");
	check_error(ARGS("analyze", REGISTRY, "./" REGISTRY), "is given twice");
	check_error(ARGS("analyze", "--", "--json"), "--json");
}

/* lines that each begin so and then have @len random characters; no two alike */
static void check_canaries(const char *out, size_t count, const char *prefix)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t n = 0, len = strlen(prefix);
	const char *line, *end, *before = NULL;

	for (line = out; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		assert_int_equal(end - line, len + 26);
		assert_memory_equal(line, prefix, len);
		assert_int_equal(strspn(line, allowed), len + 26);
		assert_true(!before || strncmp(line, before, len + 26));
		before = line;
		n++;
	}
	assert_int_equal(n, count);
}

static void test_canary(void **state)
{
	struct result r = run(ARGS("canary")), again;
	json_t *doc;

	(void)state;
	assert_int_equal(r.status, 2);
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, run(ARGS("canary", "--help")).out);
	assert_string_equal(r.err, run(ARGS("help", "canary")).out);
	assert_int_equal(run(ARGS("canary", "--help")).status, 0);
	assert_null(strstr(r.err, "--derp"));

	r = run(ARGS("canary", "new"));
	assert_int_equal(r.status, 0);
	check_canaries(r.out, 1, "wgaudit-canary-");
	again = run(ARGS("canary", "new"));
	assert_string_not_equal(r.out, again.out);
	r = run(ARGS("canary", "new", "--count", "50", "--prefix", "0-my-lab"));
	check_canaries(r.out, 50, "0-my-lab");
	r = run(ARGS("canary", "new", "--prefix",
		     "abcdefghij-abcdefghij-abcdefghij-abcd"));
	check_canaries(r.out, 1, "abcdefghij-abcdefghij-abcdefghij-abcd");
	r = run(ARGS("canary", "new", "--count=2", "--json"));
	doc = json_loads(r.out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(doc, "canaries")), 2);
	json_decref(doc);

	check_error(ARGS("canary", "old"), "\"new\"");
	check_error(ARGS("canary", "new", "more"), "more");
	check_error(ARGS("canary", "new", "--count", "0"), "--count");
	check_error(ARGS("canary", "new", "--count", "10001"), "--count");
	check_error(ARGS("canary", "new", "--count", "-1"), "--count");
	check_error(ARGS("canary", "new", "--count", "1x"), "--count");
	check_error(ARGS("canary", "new", "--prefix", "seven-7"), "--prefix");
	check_error(ARGS("canary", "new", "--prefix", "-leading-"), "--prefix");
	check_error(ARGS("canary", "new", "--prefix", "Upper-case"), "--prefix");
	check_error(ARGS("canary", "new", "--prefix",
			 "abcdefghij-abcdefghij-abcdefghij-abcde"), "--prefix");
	check_error(ARGS("canary", "new", "--derp", "1.2.3.4:1"), "--derp");
	check_json_error(ARGS("canary", "x", "--json"), "usage", "new");
}

static void test_stdout_full(void **state)
{
	struct result r = { 0 };
	int full = open("/dev/full", O_WRONLY), err = sink(), status;
	pid_t pid;

	(void)state;
	assert_true(full >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		child(ARGS("--help"), full, err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
	drain(err, r.err, sizeof(r.err));
	assert_non_null(strstr(r.err, "standard output"));
	close(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_no_command),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_unknown_command),
		cmocka_unit_test(test_doctor),
		cmocka_unit_test(test_unknown_option),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_good_values),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_canary),
		cmocka_unit_test(test_stdout_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
