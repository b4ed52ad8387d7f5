/* SPDX-License-Identifier: MIT */
/* Runs the built program: wgaudit seal and verify as a script sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "seal_build.h"

static char out[8192], err[8192];

static int setup(void **state)
{
	if (seal_setup(state) < 0)
		return -1;
	put_text("d/a", "alpha");
	put_text("d/sub/b", "beta");
	return setenv("XDG_CONFIG_HOME", "/dev/null/config", 1);
}

static void slurp(const char *path, char *buf, size_t size)
{
	size_t len;
	char *text = get_file(path, &len);

	snprintf(buf, size, "%s", text);
	free(text);
}

/* the exit status of wgaudit with these words of a shell */
static int run(const char *words)
{
	char line[1024];
	int status;

	snprintf(line, sizeof(line), "'%s' %s >out 2>err", WGAUDIT, words);
	status = system(line);
	assert_true(WIFEXITED(status));
	slurp("out", out, sizeof(out));
	slurp("err", err, sizeof(err));
	return WEXITSTATUS(status);
}

static void check_run(const char *words, int status, const char *in_out,
		      const char *in_err)
{
	int got = run(words);

	if (got != status || !strstr(out, in_out) || !strstr(err, in_err))
		fail_msg("%s: %d\n%s%s", words, got, out, err);
	if (!*in_out)
		assert_string_equal(out, "");
	if (!*in_err)
		assert_string_equal(err, "");
}

/* the member called @key of the document's only other member @what */
static json_t *member(const char *what, const char *key, json_t **doc)
{
	*doc = json_loads(out, 0, NULL);
	assert_non_null(*doc);
	assert_string_equal(json_string_value(json_object_get(*doc, "schema")),
			    "wgaudit/1");
	return json_object_get(json_object_get(*doc, what), key);
}

static void check_json(const char *what, const char *key, const char *value)
{
	json_t *doc, *got = member(what, key, &doc);

	assert_string_equal(json_string_value(got), value);
	json_decref(doc);
}

static void test_round(void **state)
{
	(void)state;
	check_run("seal --new-key k", 0, "new key in k", "");
	check_run("seal d --key k --note run=7", 0, "SEALED: 2 files in d", "");
	check_run("verify d --key k.pub", 0, ", as required", "");
	check_run("verify d/", 0, "SIGNER NOT CHECKED", "");
	assert_non_null(strstr(out, "INTACT: 2 files"));
	assert_non_null(strstr(out, "run: 7"));
	check_run("seal d --key k", 2, "", "sealed already");
	check_run("seal d --key k --force", 0, "SEALED", "");
	put_text("d/a", "alphA");
	check_run("verify d --key k.pub", 1, "changed: a (has other bytes)", "");
	put_text("d/c", "");
	assert_int_equal(unlink("d/sub/b"), 0);
	check_run("verify d", 1, "TAMPERED: 3 findings", "");
	assert_non_null(strstr(out, "added: c"));
	assert_non_null(strstr(out, "missing: sub/b"));
}

static void test_other_key(void **state)
{
	(void)state;
	assert_int_equal(run("seal --new-key k"), 0);
	assert_int_equal(run("seal --new-key k2"), 0);
	assert_int_equal(run("seal d --key k2"), 0);
	check_run("verify d --key k.pub", 1, "other-key", "");
	assert_non_null(strstr(out, "not the required signer"));
	assert_null(strstr(out, "INTACT"));
	check_run("verify d --key k2.pub", 0, "INTACT", "");
}

static void test_json(void **state)
{
	json_t *doc, *got;

	(void)state;
	assert_int_equal(run("seal --new-key k --json"), 0);
	check_json("new_key", "file", "k");
	assert_int_equal(run("seal d --key k --json"), 0);
	check_json("seal", "directory", "d");
	assert_int_equal(run("verify d --json"), 0);
	check_json("verify", "result", "intact");
	got = member("verify", "signer_checked", &doc);
	assert_true(json_is_false(got));
	json_decref(doc);
	assert_int_equal(run("verify d --key k.pub --json"), 0);
	got = member("verify", "signer_checked", &doc);
	assert_true(json_is_true(got));
	json_decref(doc);

	put_text("d/\xff\n", "");
	put_text("d/a", "alph");
	assert_int_equal(run("verify d --json"), 1);
	check_json("verify", "result", "tampered");
	got = member("verify", "findings", &doc);
	assert_int_equal(json_array_size(got), 2);
	assert_string_equal(json_string_value(json_object_get(
			json_array_get(got, 0), "path")), "a");
	assert_string_equal(json_string_value(json_object_get(
			json_array_get(got, 1), "path_base64")), "/wo=");
	json_decref(doc);

	put_text("d/wgaudit-seal.sig", "x");
	assert_int_equal(run("verify d --json"), 1);
	check_json("verify", "result", "tampered");
	assert_int_equal(run("verify nowhere --json"), 2);
	check_json("error", "code", "no-such-directory");
	assert_string_equal(err, "");
	assert_int_equal(run("seal d --json"), 2);
	check_json("error", "code", "unwritable-file");
}

static void test_usage(void **state)
{
	(void)state;
	check_run("seal", 2, "", "one DIR");
	check_run("seal a b", 2, "", "one DIR");
	check_run("verify", 2, "", "one DIR");
	check_run("verify d d", 2, "", "one DIR");
	check_run("verify d", 2, "", "is not sealed");
	check_run("seal --new-key k d", 2, "", "--new-key");
	check_run("seal --new-key k --key k", 2, "", "--new-key");
	check_run("seal --mesh x d", 2, "", "unknown option --mesh");
	check_run("verify --derp x d", 2, "", "unknown option --derp");
	check_run("seal --new-key k", 0, "k", "");
	check_run("seal --new-key k", 2, "", "never overwritten");
	check_run("seal --key k.pub d", 2, "", "public key");
	check_run("verify --key k d", 2, "", "secret key");
	check_run("verify --key nokey d", 2, "", "nokey");
	check_run("seal --key k --note x d", 2, "", "KEY=VALUE");
	check_run("seal --help", 0, "usage: wgaudit seal", "");
	assert_null(strstr(out, "--expect-pair"));
	check_run("verify --help", 0, "usage: wgaudit verify", "");
	assert_null(strstr(out, "What is declared"));
	check_run("--help", 0, "  verify", "");
	check_run("verfy d", 2, "", "did you mean \"verify\"");
}

static void test_own_key(void **state)
{
	char dir[128];
	struct stat st;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/cfg", seal_top);
	setenv("XDG_CONFIG_HOME", dir, 1);
	check_run("seal d", 0, "SEALED", "made a new key");
	assert_int_equal(stat("cfg/wgaudit/seal.key", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat("cfg/wgaudit", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	check_run("seal d --force", 0, "SEALED", "");
	check_run("verify d --key cfg/wgaudit/seal.key.pub", 0, "INTACT", "");

	/* a relative one is invalid, and does not count */
	setenv("XDG_CONFIG_HOME", "cfg2", 1);
	setenv("HOME", seal_top, 1);
	check_run("seal d --force", 0, "SEALED", "/.config/wgaudit/seal.key");
	unsetenv("XDG_CONFIG_HOME");
	check_run("seal d --force", 0, "SEALED", "");
	unsetenv("HOME");
	check_run("seal d --force", 2, "", "--key FILE");
}

static void test_shared_key(void **state)
{
	(void)state;
	assert_int_equal(run("seal --new-key k"), 0);
	assert_int_equal(chmod("k", 0644), 0);
	check_run("seal d --key k", 0, "SEALED", "others can read");
}

static void test_full(void **state)
{
	char line[256];

	(void)state;
	assert_int_equal(run("seal --new-key k"), 0);
	assert_int_equal(run("seal d --key k"), 0);
	snprintf(line, sizeof(line), "'%s' verify d >/dev/full 2>err", WGAUDIT);
	assert_int_equal(WEXITSTATUS(system(line)), 2);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, seal_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round),
		TEST(test_other_key),
		TEST(test_json),
		TEST(test_usage),
		TEST(test_own_key),
		TEST(test_shared_key),
		TEST(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
