/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "topo/state.h"

static char root[] = "/tmp/wga-state-XXXXXX";

static int setup(void **state)
{
	char path[64];

	(void)state;
	strcpy(root, "/tmp/wga-state-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s/run", root);
	return setenv("WGAUDIT_STATE", path, 1);
}

static int teardown(void **state)
{
	(void)state;
	return wga_state_remove_tree(root, NULL);
}

static void make(struct wga_mesh *m)
{
	memset(m, 0, sizeof(*m));
	wga_topology_default(&m->topo);
	strcpy(m->topo.name, "mesh");
	m->backend = &wga_backend_namespaces;
	m->lock_fd = -1;
}

static void test_kept_whole(void **state)
{
	struct wga_mesh m, again;
	char *text, *other;

	(void)state;
	make(&m);
	m.topo.passage[0][1] = WGA_PASSAGE_NO_UDP;
	m.topo.passage[1][0] = WGA_PASSAGE_ISOLATED;
	snprintf(m.uri, sizeof(m.uri), "qemu+ssh://host/system");
	assert_int_equal(wga_state_lock(&m, true, NULL), 0);
	assert_int_equal(wga_state_save(&m, NULL), 0);
	assert_int_equal(wga_state_load(&again, m.topo.name, NULL), 0);
	assert_ptr_equal(again.backend, m.backend);
	assert_string_equal(again.uri, m.uri);
	assert_string_equal(again.dir, m.dir);
	assert_int_equal(again.topo.passage[0][1], WGA_PASSAGE_NO_UDP);
	assert_int_equal(again.topo.passage[1][0], WGA_PASSAGE_ISOLATED);
	assert_memory_equal(again.topo.hosts[1].mac, m.topo.hosts[1].mac, 6);
	text = wga_state_format(&m);
	other = wga_state_format(&again);
	assert_string_equal(text, other);
	free(text);
	free(other);
	assert_int_equal(wga_state_remove(&m, NULL), 0);
	assert_int_equal(access(m.dir, F_OK), -1);
}

static void test_none(void **state)
{
	struct wga_mesh m;
	struct wga_err err;

	(void)state;
	make(&m);
	assert_int_equal(wga_state_lock(&m, false, &err), -1);
	assert_string_equal(err.code, "no-such-mesh");
	assert_int_equal(wga_state_load(&m, "mesh", &err), -1);
	assert_string_equal(err.code, "no-such-mesh");
	assert_int_equal(wga_mesh_down(&m, &err), 0);
}

/* the names of those there are help who mistyped one */
static void test_names(void **state)
{
	struct wga_mesh m, other;
	struct wga_err err;

	(void)state;
	make(&m);
	assert_int_equal(wga_state_lock(&m, true, NULL), 0);
	assert_int_equal(wga_state_load(&other, "nosuch", &err), -1);
	assert_non_null(strstr(err.text, m.topo.name));
	wga_state_unlock(&m);
}

/* names become paths that are removed */
static void test_bad_names(void **state)
{
	static const char *const bad[] = { "", "..", "a/b", ".", "A", "a-b" };
	struct wga_mesh m;
	struct wga_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make(&m);
		strcpy(m.topo.name, bad[i]);
		assert_int_equal(wga_state_lock(&m, true, &err), -1);
		assert_string_equal(err.code, "usage");
		assert_int_equal(wga_state_load(&m, bad[i], &err), -1);
	}
	assert_int_equal(wga_state_load(&m, "muchtoolong", &err), -1);
}

static void test_left_before_it_was_written(void **state)
{
	struct wga_mesh m, found;

	(void)state;
	make(&m);
	assert_int_equal(wga_state_lock(&m, true, NULL), 0);
	wga_state_unlock(&m);
	assert_int_equal(wga_state_load(&found, m.topo.name, NULL), 0);
	assert_null(found.backend);
	assert_int_equal(wga_mesh_down(&m, NULL), 0);
	assert_int_equal(access(m.dir, F_OK), -1);
}

static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "{\"version\": 2}", "{\"version\": 1}",
	};
	struct wga_mesh m, found;
	struct wga_err err;
	char path[256], *text, *cut;

	(void)state;
	make(&m);
	assert_int_equal(wga_state_lock(&m, true, NULL), 0);
	wga_state_path(&m, "mesh.json", path, sizeof(path));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(wga_state_write(path, bad[i], strlen(bad[i]),
						 0600, NULL), 0);
		assert_int_equal(wga_state_load(&found, m.topo.name, &err), -1);
		assert_string_equal(err.code, "state");
	}
	text = wga_state_format(&m);
	/* a host of a network that is not there */
	cut = strstr(text, "\"network\": 2");
	assert_non_null(cut);
	cut[strlen("\"network\": ")] = '3';
	assert_int_equal(wga_state_parse(&found, text, &err), -1);
	free(text);
	/* another mesh's file */
	text = wga_state_format(&m);
	cut = strstr(text, "\"name\": \"mesh\"");
	assert_non_null(cut);
	memcpy(cut + strlen("\"name\": \""), "hsem", 4);
	wga_state_write(path, text, strlen(text), 0600, NULL);
	free(text);
	assert_int_equal(wga_state_load(&found, "mesh", &err), -1);
	wga_state_unlock(&m);
}

static void test_busy(void **state)
{
	struct wga_mesh m, mine;
	struct wga_err err;
	int go[2], ready[2], status;
	char c, pid_text[32];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(ready), 0);
	make(&m);
	mine = m;
	pid = fork();
	if (pid == 0) {
		int got = wga_state_lock(&m, true, NULL);

		close(go[1]);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) < 0)
			_exit(2);
		_exit(got != 0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(wga_state_lock(&mine, true, &err), -1);
	assert_string_equal(err.code, "mesh-busy");
	snprintf(pid_text, sizeof(pid_text), "process %d ", (int)pid);
	assert_non_null(strstr(err.text, pid_text));
	assert_int_equal(wga_mesh_down(&mine, &err), -1);
	assert_string_equal(err.code, "mesh-busy");
	close(go[1]);
	close(go[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* the lock went with the process */
	assert_int_equal(wga_state_lock(&mine, true, &err), 0);
	wga_state_unlock(&mine);
	close(ready[0]);
	close(ready[1]);
}

/* a host's /etc is full of links to the machine's */
static void test_links_are_not_followed(void **state)
{
	char outside[64], file[80], inside[64], link[80];
	struct stat st;
	int fd;

	(void)state;
	snprintf(outside, sizeof(outside), "%s/outside", root);
	snprintf(file, sizeof(file), "%s/kept", outside);
	snprintf(inside, sizeof(inside), "%s/inside", root);
	snprintf(link, sizeof(link), "%s/link", inside);
	assert_int_equal(mkdir(outside, 0700), 0);
	assert_int_equal(mkdir(inside, 0700), 0);
	assert_int_equal(symlink(outside, link), 0);
	fd = open(file, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(wga_state_remove_tree(inside, NULL), 0);
	assert_int_equal(stat(inside, &st), -1);
	assert_int_equal(stat(file, &st), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept_whole, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_before_it_was_written,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links_are_not_followed,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
