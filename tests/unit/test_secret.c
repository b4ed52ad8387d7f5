/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/secret.h"

struct fixture {
	char dir[32];
	char path[64];
};

static int setup(void **state)
{
	static struct fixture f;

	strcpy(f.dir, "/tmp/wga-secret-XXXXXX");
	if (!mkdtemp(f.dir))
		return -1;
	snprintf(f.path, sizeof(f.path), "%s/keys", f.dir);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	return rmdir(f->dir);
}

static void write_file(const char *path, const void *p, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void gives_zeroed_memory(void **state)
{
	size_t size, i;

	(void)state;
	for (size = 0; size < 20000; size = size * 2 + 1) {
		uint8_t *p = wga_secret_alloc(size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		wga_secret_free(p);
	}
	wga_secret_free(NULL);
	assert_null(wga_secret_alloc(SIZE_MAX));
	assert_null(wga_secret_alloc(SIZE_MAX / 2));
}

/* How the mapping of @p is marked: does its VmFlags line have this word? */
static int has_flag(const void *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	int inside = 0, ret = -1;
	uintptr_t low, high;
	char line[512];

	while (f && ret < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
			inside = low <= (uintptr_t)p && (uintptr_t)p < high;
		else if (inside && !strncmp(line, "VmFlags:", 8))
			ret = strstr(line, flag) != NULL;
	}
	if (f)
		fclose(f);
	return ret;
}

static void keeps_out_of_core_dumps(void **state)
{
	void *p = wga_secret_alloc(100);

	(void)state;
	assert_non_null(p);
	assert_int_not_equal(has_flag(p, " dd"), 0);
	wga_secret_free(p);
}

/* in a child, for the limit and the crash stay there */
static int in_child(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL);
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void use_without_locking(void)
{
	struct rlimit none = { 0, 0 };
	void *p;

	if (setrlimit(RLIMIT_MEMLOCK, &none))
		_exit(1);
	p = wga_secret_alloc(100000);
	if (!p || !has_flag(p, " dd"))
		_exit(2);
	memset(p, 1, 100000);
	wga_secret_free(p);
}

static void works_where_nothing_can_be_locked(void **state)
{
	(void)state;
	assert_int_equal(in_child(use_without_locking), 0);
}

static void read_behind_the_end(void)
{
	volatile uint8_t *p = wga_secret_alloc(32);

	_exit(p[32]);
}

static void read_after_free(void)
{
	volatile uint8_t *p = wga_secret_alloc(32);

	p[0] = 1;
	wga_secret_free((void *)p);
	_exit(p[0]);
}

static void is_guarded_and_gone_after_free(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(in_child(read_behind_the_end)), SIGSEGV);
	assert_int_equal(WTERMSIG(in_child(read_after_free)), SIGSEGV);
}

static void read_is(const char *path, const void *want, size_t want_len,
		    bool want_shared)
{
	struct wga_err err;
	bool shared = !want_shared;
	char *text;
	size_t len;

	if (wga_secret_read(path, &text, &len, &shared, &err))
		fail_msg("%s", err.text);
	assert_int_equal(len, want_len);
	if (len)
		assert_memory_equal(text, want, len);
	assert_int_equal(text[len], 0);
	assert_int_equal(shared, want_shared);
	wga_secret_free(text);
}

static void reads_files(void **state)
{
	struct fixture *f = *state;
	char *large = malloc(300001);

	assert_non_null(large);
	memset(large, 'k', 300001);
	write_file(f->path, "", 0);
	chmod(f->path, 0600);
	read_is(f->path, "", 0, false);
	write_file(f->path, "a\0b\n", 4);
	read_is(f->path, "a\0b\n", 4, false);
	write_file(f->path, large, 300001);
	read_is(f->path, large, 300001, false);
	free(large);
}

static void says_who_may_read(void **state)
{
	static const mode_t open_to_others[] = {
		0640, 0604, 0644, 0666, 0660, 0620, 0602, 0610, 0601,
	};
	struct fixture *f = *state;
	size_t i;

	write_file(f->path, "x", 1);
	for (i = 0; i < sizeof(open_to_others) / sizeof(open_to_others[0]); i++) {
		chmod(f->path, open_to_others[i]);
		read_is(f->path, "x", 1, true);
	}
	chmod(f->path, 0700);
	read_is(f->path, "x", 1, false);
	chmod(f->path, 0400);
	read_is(f->path, "x", 1, false);
}

static void reads_pipes(void **state)
{
	struct fixture *f = *state;
	char *large = malloc(200000);
	int status;
	pid_t pid;

	assert_non_null(large);
	memset(large, 'p', 200000);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		FILE *out = fopen(f->path, "w");

		_exit(!out || fwrite(large, 1, 200000, out) != 200000 ||
		      fclose(out));
	}
	read_is(f->path, large, 200000, false);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(large);
}

static void fails(const char *path, const char *code)
{
	char *text = (char *)&text;
	size_t len = 77;
	bool shared = true;
	struct wga_err err = { 0 };

	assert_int_equal(wga_secret_read(path, &text, &len, &shared, &err), -1);
	assert_string_equal(err.code, code);
	assert_non_null(strstr(err.text, path));
	assert_ptr_equal(text, &text);
	assert_int_equal(len, 77);
	assert_true(shared);
}

static void says_what_cannot_be_read(void **state)
{
	struct fixture *f = *state;

	fails(f->path, "no-such-file");
	fails(f->dir, "unreadable-file");
	fails("/dev/zero", "unreadable-file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_zeroed_memory),
		cmocka_unit_test(keeps_out_of_core_dumps),
		cmocka_unit_test(works_where_nothing_can_be_locked),
		cmocka_unit_test(is_guarded_and_gone_after_free),
		cmocka_unit_test_setup_teardown(reads_files, setup, teardown),
		cmocka_unit_test_setup_teardown(says_who_may_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(reads_pipes, setup, teardown),
		cmocka_unit_test_setup_teardown(says_what_cannot_be_read, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
