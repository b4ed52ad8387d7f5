/* SPDX-License-Identifier: MIT */
/* Runs the built program with key files and registry commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/cli_run.h"

#define CAPTURE		"tests/golden/captures/join-direct/"
#define REGISTRY	CAPTURE "nodes.json"
#define NODE_KEYS	CAPTURE "node-private-keys.txt"
#define TLS_KEYS	CAPTURE "tls.keys"
#define FILE_A		CAPTURE "virbr-s.pcap"
#define KEY	"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"

/* the key files of the capture, for their owner only, and a file to fill */
static char dir[] = "/tmp/wgaudit-cli-keys-XXXXXX";
static char node_keys[64], tls_keys[64], other[64];
static char secrets[16384];

static void copy_private(const char *from, const char *to)
{
	size_t n, len = strlen(secrets);
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");

	assert_non_null(in);
	assert_non_null(out);
	n = fread(secrets + len, 1, sizeof(secrets) - len - 1, in);
	assert_int_equal(fwrite(secrets + len, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(to, 0600), 0);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(node_keys, sizeof(node_keys), "%s/node.keys", dir);
	snprintf(tls_keys, sizeof(tls_keys), "%s/tls.keys", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	strcpy(secrets, KEY "\n");
	copy_private(NODE_KEYS, node_keys);
	copy_private(TLS_KEYS, tls_keys);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(node_keys);
	unlink(tls_keys);
	unlink(other);
	return rmdir(dir);
}

static void fill(const char *text, mode_t mode)
{
	FILE *f = fopen(other, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(other, mode), 0);
}

/* no 12 hexadecimal digits in a row of any secret are in @text */
static void check_silent(const char *text)
{
	char part[13];
	size_t i;

	for (i = 0; i + 12 <= strlen(secrets); i++) {
		memcpy(part, secrets + i, 12);
		part[12] = '\0';
		if (strspn(part, "0123456789abcdefABCDEF") == 12 &&
		    strcasestr(text, part))
			fail_msg("a secret in: %.400s", text);
	}
}

static struct result run_silent(const char *const *args)
{
	struct result r = run(args);

	check_silent(r.out);
	check_silent(r.err);
	return r;
}

static void check_error(const char *const *args, const char *needle)
{
	struct result r = run_silent(args);

	assert_int_equal(r.status, 2);
	assert_string_equal(r.out, "");
	assert_int_equal(strncmp(r.err, "wgaudit: ", 9), 0);
	if (!strstr(r.err, needle))
		fail_msg("\"%s\" should be in: %s", needle, r.err);
	/* one line, without what a terminal would obey */
	assert_ptr_equal(strchr(r.err, '\n'), r.err + strlen(r.err) - 1);
	assert_null(strchr(r.err, '\033'));
}

static json_t *document(const struct result *r)
{
	json_t *doc = json_loads(r->out, 0, NULL);

	if (!doc)
		fail_msg("no JSON: %.200s", r->out);
	assert_string_equal(json_string_value(json_object_get(doc, "schema")),
			    "wgaudit/1");
	return doc;
}

static void check_json_error(const char *const *args, const char *code,
			     const char *needle)
{
	struct result r = run_silent(args);
	json_t *doc = document(&r), *error = json_object_get(doc, "error");
	const char *text;

	assert_int_equal(r.status, 2);
	assert_string_equal(r.err, "");
	assert_string_equal(json_string_value(json_object_get(error, "code")),
			    code);
	text = json_string_value(json_object_get(error, "text"));
	assert_non_null(text);
	if (!strstr(text, needle))
		fail_msg("\"%s\" should be in: %s", needle, text);
	json_decref(doc);
}

static void test_no_file(void **state)
{
	(void)state;
	check_error(ARGS("gate", "--node-keys", "/nonexistent/keys", FILE_A),
		    "/nonexistent/keys");
	check_error(ARGS("gate", "--tls-keys", "/nonexistent/keys", FILE_A),
		    "/nonexistent/keys");
	check_json_error(ARGS("gate", "--json", "--node-keys",
			      "/nonexistent/keys", FILE_A), "no-such-file",
			 "/nonexistent/keys");
	check_json_error(ARGS("gate", "--json", "--tls-keys", dir, FILE_A),
			 "unreadable-file", dir);
	check_error(ARGS("gate", FILE_A, "--node-keys"), "wants an argument");
}

static void test_bad_line(void **state)
{
	char line[160];

	(void)state;
	snprintf(line, sizeof(line), "%s line 2: ", other);
	fill("a privkey:" KEY "\nb privkey:" KEY "0\n", 0600);
	check_error(ARGS("gate", "--node-keys", other, FILE_A), line);
	fill("# keys\nprivkey:" KEY "\n", 0600);
	check_error(ARGS("gate", "--node-keys", other, FILE_A), line);
	fill("# keys\n" KEY " privkey:" KEY "\n", 0600);
	check_json_error(ARGS("gate", "--json", "--node-keys", other, FILE_A),
			 "bad-node-keys", line);
	fill("", 0600);
	check_error(ARGS("gate", "--node-keys", other, FILE_A), "no key in it");
	/* the two options mixed up */
	check_error(ARGS("gate", "--node-keys", tls_keys, FILE_A), tls_keys);
}

static void test_silent_when_private(void **state)
{
	struct result r = run_silent(ARGS("gate", "--node-keys", node_keys,
					  "--tls-keys", tls_keys, "--mesh",
					  REGISTRY, FILE_A));

	(void)state;
	assert_string_equal(r.err, "");
	assert_int_not_equal(r.status, 2);
	r = run_silent(ARGS("analyze", "--json", "--node-keys", node_keys,
			    "--tls-keys", tls_keys, FILE_A));
	assert_string_equal(r.err, "");
	assert_int_not_equal(r.status, 2);
}

static void check_warned(const struct result *r, const char *file)
{
	char line[200];
	const char *at;

	snprintf(line, sizeof(line),
		 "wgaudit: warning: %s can be read by others; chmod 600 %s\n",
		 file, file);
	at = strstr(r->err, line);
	if (!at)
		fail_msg("\"%s\" should be in: %s", line, r->err);
	assert_null(strstr(at + 1, line));
	assert_null(strstr(r->out, "warning"));
}

static void test_warns_when_shared(void **state)
{
	struct result r;
	json_t *doc;

	(void)state;
	assert_int_equal(chmod(node_keys, 0640), 0);
	assert_int_equal(chmod(tls_keys, 0604), 0);
	r = run_silent(ARGS("gate", "--node-keys", node_keys, "--node-keys",
			    node_keys, "--tls-keys", tls_keys, FILE_A));
	check_warned(&r, node_keys);
	check_warned(&r, tls_keys);
	assert_int_not_equal(r.status, 2);

	r = run_silent(ARGS("gate", "--json", "--node-keys", node_keys,
			    "--tls-keys", tls_keys, FILE_A));
	check_warned(&r, node_keys);
	check_warned(&r, tls_keys);
	doc = document(&r);
	assert_non_null(json_object_get(doc, "verdict"));
	json_decref(doc);
	assert_int_equal(chmod(node_keys, 0600), 0);
	assert_int_equal(chmod(tls_keys, 0600), 0);
}

static void test_unregistered(void **state)
{
	struct result r;

	(void)state;
	fill("stranger\033[2J privkey:" KEY "\n", 0600);
	/* wherever --mesh stands */
	r = run_silent(ARGS("gate", "--node-keys", other, "--node-keys",
			    node_keys, "--mesh", REGISTRY, FILE_A));
	assert_non_null(strstr(r.err, "warning: the node key of stranger\\x1b"));
	assert_null(strstr(r.err, "vm-a"));
	assert_ptr_equal(strchr(r.err, '\n'), r.err + strlen(r.err) - 1);
	r = run_silent(ARGS("gate", "--node-keys", other, "--headscale",
			    "cat " REGISTRY, FILE_A));
	assert_non_null(strstr(r.err, "stranger"));
	r = run_silent(ARGS("gate", "--node-keys", other, FILE_A));
	assert_string_equal(r.err, "");
}

/* a registry from before and one from after all nodes registered anew */
static void test_registered_anew(void **state)
{
	struct result r;

	(void)state;
	r = run_silent(ARGS("gate", "--node-keys", node_keys, "--mesh",
			    REGISTRY, "--headscale",
			    "sed 's/nodekey:..../nodekey:0000/' " REGISTRY,
			    FILE_A));
	assert_string_equal(r.err, "");
	r = run_silent(ARGS("gate", "--node-keys", node_keys, "--headscale",
			    "sed 's/nodekey:..../nodekey:0000/' " REGISTRY,
			    FILE_A));
	assert_non_null(strstr(r.err, "vm-a is of no node in the registry"));
}

static void test_headscale(void **state)
{
	struct result mesh = run(ARGS("analyze", "--json", "--mesh", REGISTRY,
				      FILE_A));
	struct result cmd = run(ARGS("analyze", "--json", "--headscale",
				     "echo noise >&2; cat " REGISTRY, FILE_A));

	(void)state;
	assert_int_equal(cmd.status, mesh.status);
	assert_string_equal(cmd.out, mesh.out);
	assert_string_equal(cmd.err, "");
}

static void test_headscale_errors(void **state)
{
	(void)state;
	check_error(ARGS("gate", "--headscale", "echo no such host >&2; exit 3",
			 FILE_A), "exit status 3: no such host");
	check_json_error(ARGS("gate", "--json", "--headscale", "exit 3",
			      FILE_A), "headscale-failed", "\"exit 3\"");
	check_error(ARGS("gate", "--headscale", "", FILE_A), "--headscale wants");
	check_error(ARGS("gate", "--headscale", "echo '[]'", FILE_A),
		    "no node with a node key");
	check_error(ARGS("gate", "--headscale", "printf '\\033[2J\\377\\0'; :",
			 FILE_A), "output of \"printf");
	check_json_error(ARGS("gate", "--json", "--headscale",
			      "printf '\\377\\376\\0\\1'; :", FILE_A),
			 "bad-registry", "output of \"printf");
	check_error(ARGS("gate", "--headscale",
			 "printf 'a\\033[2J\\377' >&2; exit 1", FILE_A),
		    "exit status 1: a\\x1b[2J\\xff");
}

/* a command is not run for a command line that is wrong, or for its help */
static void test_headscale_late(void **state)
{
	char cmd[128];
	struct result r;

	(void)state;
	unlink(other);
	snprintf(cmd, sizeof(cmd), "touch %s; cat " REGISTRY, other);
	check_error(ARGS("gate", "--headscale", cmd, FILE_A, "--bogus"),
		    "--bogus");
	r = run(ARGS("gate", "--headscale", cmd, "--help"));
	assert_int_equal(r.status, 0);
	assert_int_not_equal(access(other, F_OK), 0);
	r = run(ARGS("gate", "--headscale", cmd, FILE_A));
	assert_int_equal(access(other, F_OK), 0);
}

/* a policy names key files beside it, but no command: it is data */
static void test_policy(void **state)
{
	char touched[64], text[256];
	struct result r;

	(void)state;
	fill("node-keys: [node.keys]\ntls-keys: [tls.keys]\n", 0644);
	r = run_silent(ARGS("gate", "--policy", other, "--mesh", REGISTRY,
			    FILE_A));
	assert_string_equal(r.err, "");
	assert_int_not_equal(r.status, 2);
	r = run_silent(ARGS("policy", "check", other));
	assert_int_equal(r.status, 0);

	snprintf(touched, sizeof(touched), "%s/touched", dir);
	snprintf(text, sizeof(text), "headscale: \"touch %s\"\n", touched);
	fill(text, 0644);
	check_error(ARGS("gate", "--policy", other, FILE_A), "headscale");
	r = run_silent(ARGS("policy", "check", other));
	assert_int_not_equal(r.status, 0);
	assert_int_not_equal(access(touched, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_bad_line),
		cmocka_unit_test(test_silent_when_private),
		cmocka_unit_test(test_warns_when_shared),
		cmocka_unit_test(test_unregistered),
		cmocka_unit_test(test_registered_anew),
		cmocka_unit_test(test_headscale),
		cmocka_unit_test(test_headscale_errors),
		cmocka_unit_test(test_headscale_late),
		cmocka_unit_test(test_policy),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
