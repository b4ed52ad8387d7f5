/* SPDX-License-Identifier: MIT */
/* wgaudit topo as a script sees it, over a mesh that is none (topo_fake.c). */
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

static char out[16384], err[4096], dir[] = "/tmp/wga-topo-cli-XXXXXX";

static void slurp(const char *name, char *buf, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	buf[fread(buf, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* what a shell says of these words, with @env before them */
static int run(const char *env, const char *words)
{
	char line[1024];
	int status;

	snprintf(line, sizeof(line), "{ %s '%s' topo %s; } >%s/out 2>%s/err",
		 env, TOPO_FAKE, words, dir, dir);
	status = system(line);
	assert_true(WIFEXITED(status));
	slurp("out", out, sizeof(out));
	slurp("err", err, sizeof(err));
	return WEXITSTATUS(status);
}

static void check(const char *env, const char *words, int status,
		  const char *in_out, const char *in_err)
{
	int got = run(env, words);

	if (got != status || !strstr(out, in_out) || !strstr(err, in_err))
		fail_msg("%s: %d\n%s%s", words, got, out, err);
	if (!*in_out)
		assert_string_equal(out, "");
	if (!*in_err)
		assert_string_equal(err, "");
}

static json_t *document(void)
{
	json_t *doc = json_loads(out, 0, NULL);

	assert_non_null(doc);
	assert_string_equal(json_string_value(json_object_get(doc, "schema")),
			    "wgaudit-topo/1");
	return doc;
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const files[] = { "out", "err" };
	char path[64];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static void test_usage(void **state)
{
	(void)state;
	check("", "--help", 0, "--backend KIND", "");
	check("", "", 2, "", "topo wants up, down");
	check("", "upp", 2, "", "topo has no \"upp\"");
	check("", "up now", 2, "", "the form is: wgaudit topo [OPTION...] up\n");
	check("", "exec vm-a", 2, "", "exec HOST -- CMD [ARG...]");
	check("", "ssh", 2, "", "ssh HOST");
	check("", "console vm-a now", 2, "", "console HOST");
	check("", "up --backend docker", 2, "", "--backend wants libvirt or namespaces");
	check("", "up --name a-b", 2, "", "\"a-b\" cannot be a mesh's name");
	check("", "up --file /nonexistent.yaml", 2, "", "/nonexistent.yaml: No such file");
	check("", "up --file LICENSE", 2, "", "LICENSE:");
	check("", "status --networks-only", 2, "", "--networks-only is for up and down");
	check("", "up --timeout 1s", 2, "", "--timeout is for exec");
	check("", "exec --timeout no vm-a -- true", 2, "", "no");
	check("", "up --backend namespaces --connect qemu:///system", 2, "",
	      "--connect is for --backend libvirt");
	check("", "up", 2, "", "was built without libvirt");
	check("", "up --derp 10.0.0.1:443", 2, "", "unknown option --derp");
}

static void test_up(void **state)
{
	json_t *doc;

	(void)state;
	check("", "up --backend namespaces", 0, "     0.1 s  server               created\n"
	      "    12.3 s  server               ready\nmesh mesh is up after",
	      "up mesh namespaces 4 0\n");
	check("", "up --backend namespaces --name x --networks-only", 0,
	      "mesh x is up, its networks only,", "up x namespaces 4 1\n");
	check("", "up --backend namespaces --file docs/topology-example.yaml", 0,
	      "is up", "up mesh namespaces 4 0");
	assert_int_equal(run("", "up --backend namespaces --json"), 0);
	doc = document();
	assert_string_equal(json_string_value(json_object_get(doc, "done")), "up");
	json_decref(doc);
	assert_non_null(strstr(err, "12.3 s  server               ready"));
}

/* the host's last lines stand below, and a signal's status is 128 + n */
static void test_up_fails(void **state)
{
	json_t *doc;

	(void)state;
	check("FAKE=bad-up", "up --backend namespaces", 2,
	      "2.0 s  server               failed\n",
	      "wgaudit: server: no; the last it logged:\n    al\\x1bpha\n    beta\n");
	assert_int_equal(run("FAKE=bad-up", "up --backend namespaces --json"), 2);
	doc = json_loads(out, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(
		json_object_get(doc, "error"), "code")), "service");
	json_decref(doc);
	check("FAKE=slow-up", "up --backend namespaces", 130, "created",
	      "wgaudit: interrupted; what was made until then is gone again\n");
	/* what a shell has ignored in its background stays ignored */
	check("trap '' INT; FAKE=slow-up", "up --backend namespaces", 2,
	      "created", "wgaudit: server: 0\n");
}

static void test_down(void **state)
{
	(void)state;
	check("FAKE_MESH=mesh", "down", 0, "mesh mesh is down\n", "down mesh 0\n");
	check("FAKE_MESH=mesh", "down --networks-only", 0, "its networks are left",
	      "down mesh 1\n");
	/* also where there seems to be none: half a mesh may be left */
	check("FAKE_MESH=other", "down", 0, "no mesh mesh was up\n", "down mesh 0\n");
	check("FAKE=bad-down", "down", 2, "", "busy");
}

static void test_status(void **state)
{
	json_t *doc, *host;

	(void)state;
	check("", "status", 2, "", "no mesh mesh is up");
	check("FAKE_MESH=mesh", "status", 0,
	      "host    role    address         mesh address  online  agent  version  paths\n"
	      "server  server  192.168.100.10  -             -       yes    -        -\n"
	      "vm-a    client  192.168.1.10    100.64.0.9    yes     yes    1.94.1   vm-b derp\n",
	      "");
	check("FAKE_MESH=mesh", "status", 0,
	      "vm-c    client  192.168.1.11    -             no      no     -        -\n\n"
	      "bridges: virbr-a, virbr-b, virbr-s, in network namespace wga-fake-net\n", "");
	check("FAKE_MESH=mesh", "status --color always", 0, "\033[1;31mvm-c", "");
	check("FAKE_MESH=mesh", "status --backend libvirt", 2, "",
	      "mesh mesh is up on namespaces, not on libvirt");
	check("FAKE_MESH=mesh FAKE=no-backend", "status", 2, "", "left half made");
	check("FAKE_MESH=mesh FAKE=bad-status", "status", 2, "", "no answer");
	assert_int_equal(run("FAKE_MESH=mesh", "status --json"), 0);
	doc = document();
	assert_int_equal(json_array_size(json_object_get(doc, "hosts")), 4);
	host = json_array_get(json_object_get(doc, "hosts"), 2);
	assert_string_equal(json_string_value(json_object_get(host, "mesh_address")),
			    "100.64.0.9");
	assert_string_equal(json_string_value(json_object_get(
		json_object_get(host, "paths"), "vm-a")), "derp");
	assert_true(json_is_true(json_object_get(host, "online")));
	host = json_array_get(json_object_get(doc, "hosts"), 3);
	assert_true(json_is_null(json_object_get(host, "mesh_address")));
	assert_true(json_is_false(json_object_get(host, "agent")));
	json_decref(doc);
}

static void test_check(void **state)
{
	(void)state;
	check("", "check --backend namespaces", 0,
	      "built-in topology: good: 3 networks, 4 hosts\n", "");
	check("", "check --backend namespaces --file docs/topology-example.yaml",
	      0, "docs/topology-example.yaml: good", "");
	check("FAKE=bad-check", "check --backend namespaces", 2, "", "a subnet is in use");
	/* what is up is in its own way, and that is well */
	check("FAKE=bad-check FAKE_MESH=mesh", "check --backend namespaces", 0,
	      "it is up", "");
}

static void test_exec(void **state)
{
	(void)state;
	check("echo in | FAKE_MESH=mesh", "exec vm-a -- sh -c 'cat; echo no >&2; exit 7'",
	      7, "in\n", "no\n");
	check("FAKE_MESH=mesh", "exec vm-a -- sh -c 'kill -TERM $$'", 143, "", "");
	check("FAKE_MESH=mesh", "exec vm-a -- echo --json --name x", 0,
	      "--json --name x\n", "");
	check("FAKE_MESH=mesh", "exec vm-x -- true", 2, "", "mesh mesh has no host \"vm-x\"");
	check("FAKE_MESH=mesh", "exec vm-c -- true", 2, "", "vm-c is not up");
	check("FAKE_MESH=mesh", "exec --timeout 500ms vm-a -- true", 2, "", "after 500 ms");
	check("", "exec vm-a -- true", 2, "", "no mesh mesh is up");
	/* without a terminal it is exec */
	check("FAKE_MESH=mesh", "ssh vm-a -- sh -c 'exit 5'", 5, "", "");
	check("echo exit 6 | FAKE_MESH=mesh", "ssh vm-a", 6, "", "");
	check("FAKE_MESH=mesh", "console vm-a", 0, "one\nt\\x1bwo\n", "");
	check("FAKE_MESH=mesh", "console vm-b", 2, "", "vm-b has logged nothing");
}

static void test_power(void **state)
{
	(void)state;
	check("FAKE_MESH=mesh", "stop vm-a", 0, "vm-a stop", "");
	check("FAKE_MESH=mesh", "start vm-a", 0, "vm-a start", "");
	check("FAKE_MESH=mesh", "reboot vm-a", 0, "vm-a stop start", "");
	check("FAKE_MESH=mesh", "reboot vm-c", 2, "", "busy");
	check("FAKE_MESH=mesh", "stop vm-x", 2, "",
	      "mesh mesh has no host \"vm-x\"");
	check("FAKE_MESH=mesh", "stop", 2, "", "topo [OPTION...] stop HOST");
	check("", "stop vm-a", 2, "", "no mesh mesh is up");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_up),
		cmocka_unit_test(test_up_fails),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_power),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
