/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/golden/forge_run.h"
#include "tests/golden/program.h"

/*
 * Evidence files of the program. They go to a folder that is removed again; what
 * is judged of them must be what was judged of the captures. Run with the word
 * tshark, it asks tshark and capinfos instead, if there are any.
 */

static char folder[] = "/tmp/wgaudit-evidence-XXXXXX";
static char file[64];	/* in that folder */

static const char *const names[] = {
	"join-direct", "late-start", "plaintext-leak", "relay", "leave",
};
#define NAMES	(sizeof(names) / sizeof(names[0]))

/* the three bridges of a recording and its registry */
struct recording {
	char path[3][128], nodes[128];
};

static struct recording recording(const char *name)
{
	struct recording r;

	snprintf(r.nodes, sizeof(r.nodes), ROOT "%s/nodes.json", name);
	for (unsigned int j = 0; j < 3; j++)
		snprintf(r.path[j], sizeof(r.path[j]), ROOT "%s/virbr-%c.pcap",
			 name, "abs"[j]);
	return r;
}

static void empty_folder(void)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/e.pcapng", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	empty_folder();
	return rmdir(folder);
}

/* verdict, classes, and code and count of each reason */
static char *digest(json_t *doc)
{
	json_t *out = json_object(), *reasons = json_array(), *r;
	char *text;
	size_t i;

	json_array_foreach(json_object_get(doc, "reasons"), i, r)
		json_array_append_new(reasons, json_pack("[O,O]",
			json_object_get(r, "code"), json_object_get(r, "count")));
	json_object_set_new(out, "reasons", reasons);
	json_object_set(out, "verdict", json_object_get(doc, "verdict"));
	json_object_set(out, "classes", json_object_get(doc, "classes"));
	text = json_dumps(out, JSON_SORT_KEYS | JSON_INDENT(1));
	json_decref(out);
	assert_non_null(text);
	return text;
}

static int status_of(json_t *doc)
{
	const char *verdict = json_string_value(json_object_get(doc, "verdict"));

	return !strcmp(verdict, "pass") ? PASS :
	       !strcmp(verdict, "violation") ? FOUND : UNSURE;
}

static bool has_reason(json_t *doc, const char *code)
{
	json_t *r;
	size_t i;

	json_array_foreach(json_object_get(doc, "reasons"), i, r)
		if (!strcmp(json_string_value(json_object_get(r, "code")), code))
			return true;
	return false;
}

/* what is judged of the evidence is what @doc says; both are released */
static void assert_same(const char *what, json_t *doc, json_t *again)
{
	char *want = digest(doc), *got = digest(again);

	if (strcmp(want, got))
		fail_msg("%s: the evidence is judged otherwise\n%s\n%s", what,
			 want, got);
	free(want);
	free(got);
	json_decref(doc);
	json_decref(again);
}

static json_t *judge_json(const struct result *r)
{
	json_error_t error;
	json_t *doc = json_loads(r->out, 0, &error);

	if (!doc)
		fail_msg("no JSON: %s\n%s%s", error.text, r->out, r->err);
	assert_int_equal(status_of(doc), r->status);
	return doc;
}

static void test_same_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct recording r = recording(names[i]);
		struct result res = run_with(-1, (const char *const[]){
			"gate", "--json", "--mesh", r.nodes, SERVER_OPTIONS,
			"--write", file, r.path[0], r.path[1], r.path[2], NULL });
		json_t *doc = judge_json(&res), *again;

		again = expect_json(res.status, (const char *const[]){
			"analyze", "--json", "--mesh", r.nodes, SERVER_OPTIONS,
			file, NULL });
		assert_int_equal(json_array_size(json_object_get(json_object_get(
			again, "capture"), "inputs")), 3);
		assert_same(names[i], doc, again);
		result_free(&res);
	}
}

/* evidence of evidence, over the older file, is the same once more */
static void test_again(void **state)
{
	struct recording r = recording("join-direct");
	char other[64];
	struct stat a, b;

	(void)state;
	snprintf(other, sizeof(other), "%s/other.pcapng", folder);
	expect_status(PASS, (const char *const[]){
		"gate", SERVER_OPTIONS, "--write", file, r.path[0], r.path[1],
		r.path[2], NULL });
	expect_status(PASS, (const char *const[]){
		"gate", SERVER_OPTIONS, "--write", other, file, NULL });
	expect_status(PASS, (const char *const[]){
		"gate", SERVER_OPTIONS, "--write", other, file, NULL });
	assert_int_equal(stat(file, &a), 0);
	assert_int_equal(stat(other, &b), 0);
	assert_int_equal(a.st_size, b.st_size);
	assert_int_equal(b.st_mode & 0777, 0600);
}

static void test_violations_only(void **state)
{
	struct recording r = recording("plaintext-leak");
	json_t *doc, *cls;

	(void)state;
	expect_status(FOUND, (const char *const[]){
		"gate", "--mesh", r.nodes, SERVER_OPTIONS, "--write", file,
		"--write-only", "violations", r.path[0], r.path[1], r.path[2],
		NULL });
	doc = expect_json(FOUND, (const char *const[]){
		"gate", "--json", SERVER_OPTIONS, file, NULL });
	assert_true(has_reason(doc, "plaintext"));
	assert_true(has_reason(doc, "filtered"));
	cls = json_object_get(doc, "classes");
	assert_int_equal(24, json_integer_value(json_object_get(json_object_get(
		cls, "plaintext"), "frames")));
	assert_int_equal(25, json_integer_value(json_object_get(
		json_object_get(doc, "capture"), "frames")));
	json_decref(doc);

	/* what is left of a capture without violations never passes */
	r = recording("join-direct");
	expect_status(PASS, (const char *const[]){
		"gate", SERVER_OPTIONS, "--write", file, "--write-only",
		"violations", r.path[0], r.path[1], r.path[2], NULL });
	doc = expect_json(UNSURE, (const char *const[]){
		"gate", "--json", SERVER_OPTIONS, file, NULL });
	assert_true(has_reason(doc, "filtered"));
	json_decref(doc);
}

/* the document without what may differ: names, notes and the order of flows of
 * equal weight; released
 */
static char *everything(json_t *doc)
{
	json_t *flows = json_object_get(doc, "flows"), *sorted = json_object(), *f;
	static const char *const keep[] = {
		"verdict", "reasons", "classes", "sessions", "pairs",
	};
	static const char *const files[] = {
		"/all.pcapng", "/cut.pcapng", "/new.pcapng",
	};
	json_t *out = json_object();
	char *text, *p;
	size_t i;

	json_array_foreach(flows, i, f) {
		text = json_dumps(f, JSON_SORT_KEYS);
		json_object_set_new(sorted, text, json_true());
		free(text);
	}
	assert_int_equal(json_object_size(sorted), json_array_size(flows));
	json_object_set_new(out, "flows", sorted);
	for (i = 0; i < sizeof(keep) / sizeof(*keep); i++)
		json_object_set(out, keep[i], json_object_get(doc, keep[i]));
	text = json_dumps(out, JSON_SORT_KEYS | JSON_INDENT(1));
	json_decref(out);
	json_decref(doc);
	assert_non_null(text);
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		while ((p = strstr(text, files[i])))
			memcpy(p, "/the", 4);
	}
	return text;
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static bool has_note(json_t *doc, const char *needle)
{
	json_t *note;
	size_t i;

	json_array_foreach(json_object_get(doc, "notes"), i, note)
		if (strstr(json_string_value(json_object_get(note, "text")),
			   needle))
			return true;
	return false;
}

/* Evidence without ciphertext says all that the whole evidence says: flows,
 * sessions, pairs, reasons with their first frames.
 */
static void test_headers(void **state)
{
	char all[64], cut[64], again[64];
	json_t *doc;

	(void)state;
	snprintf(all, sizeof(all), "%s/all.pcapng", folder);
	snprintf(cut, sizeof(cut), "%s/cut.pcapng", folder);
	snprintf(again, sizeof(again), "%s/new.pcapng", folder);
	for (size_t i = 0; i < NAMES; i++) {
		struct recording r = recording(names[i]);
		struct result res = run_with(-1, (const char *const[]){
			"gate", "--mesh", r.nodes, SERVER_OPTIONS, "--write",
			all, r.path[0], r.path[1], r.path[2], NULL });
		const int status = res.status;
		const bool talks = i < 3;
		char *want, *got;

		result_free(&res);
		expect_status(status, (const char *const[]){
			"gate", "--mesh", r.nodes, SERVER_OPTIONS, "--write",
			cut, "--write-only", "headers", r.path[0], r.path[1],
			r.path[2], NULL });
		if (i < 2)
			assert_true(size_of(cut) * 4 < size_of(all));
		want = everything(expect_json(status, (const char *const[]){
			"analyze", "--json", "--mesh", r.nodes, SERVER_OPTIONS,
			all, NULL }));
		doc = expect_json(status, (const char *const[]){
			"analyze", "--json", "--mesh", r.nodes, SERVER_OPTIONS,
			"--trust-elided", cut, NULL });
		assert_int_equal(has_note(doc, "ciphertext was not kept"), talks);
		got = everything(doc);
		assert_string_equal(want, got);
		free(got);

		/* not believed: never a pass, and it says what to do */
		doc = expect_json(status == PASS ? UNSURE : status,
				  (const char *const[]){
			"analyze", "--json", "--mesh", r.nodes, SERVER_OPTIONS,
			cut, NULL });
		assert_int_equal(has_reason(doc, "truncated-frames"), talks);
		assert_false(has_note(doc, "ciphertext was not kept"));
		json_decref(doc);
		doc = expect_json(status == PASS ? UNSURE : status,
				  (const char *const[]){
			"analyze", "--json", "--mesh", r.nodes, SERVER_OPTIONS,
			"--trust-elided", "--canary", "canary-8d1f", cut, NULL });
		assert_int_equal(has_reason(doc, "truncated-frames"), talks);
		json_decref(doc);

		/* evidence of it keeps what it says, believed or not */
		for (unsigned int k = 0; k < 4; k++) {
			static const char *const only[] = { "all", "headers" };

			res = run_with(-1, (const char *const[]){
				"gate", "--mesh", r.nodes, SERVER_OPTIONS,
				"--write", again, "--write-only", only[k & 1],
				cut, k & 2 ? "--trust-elided" : NULL, NULL });
			assert_int_equal(res.status, k & 2 || status != PASS ?
					 status : UNSURE);
			result_free(&res);
			doc = expect_json(status, (const char *const[]){
				"analyze", "--json", "--mesh", r.nodes,
				SERVER_OPTIONS, "--trust-elided", again, NULL });
			got = everything(doc);
			assert_string_equal(want, got);
			free(got);
		}
		free(want);
	}
	unlink(all);
	unlink(cut);
	unlink(again);
}

/* The same with keys: data that also went through DERP was opened there whole. */
static void test_headers_opened(void **state)
{
	char all[64], cut[64], tls[128], nodes[128];

	(void)state;
	snprintf(all, sizeof(all), "%s/all.pcapng", folder);
	snprintf(cut, sizeof(cut), "%s/cut.pcapng", folder);
	for (size_t i = 0; i < NAMES; i++) {
		struct recording r = recording(names[i]);
		struct result res;
		char *want, *got;
		int status = PASS;

		snprintf(tls, sizeof(tls), ROOT "%s/tls.keys", names[i]);
		snprintf(nodes, sizeof(nodes), ROOT "%s/node-private-keys.txt",
			 names[i]);
		for (unsigned int k = 0; k < 2; k++) {
			res = run_with(-1, (const char *const[]){
				"gate", "--mesh", r.nodes, SERVER_OPTIONS,
				"--tls-keys", tls, "--node-keys", nodes,
				"--write", k ? cut : all, "--write-only",
				k ? "headers" : "all", r.path[0], r.path[1],
				r.path[2], NULL });
			status = res.status;
			assert_int_not_equal(status, ERROR);
			result_free(&res);
		}
		want = everything(expect_json(status, (const char *const[]){
			"analyze", "--json", "--mesh", r.nodes, SERVER_OPTIONS,
			"--tls-keys", tls, "--node-keys", nodes, all, NULL }));
		got = everything(expect_json(status, (const char *const[]){
			"analyze", "--json", "--mesh", r.nodes, SERVER_OPTIONS,
			"--tls-keys", tls, "--node-keys", nodes,
			"--trust-elided", cut, NULL }));
		assert_string_equal(want, got);
		free(want);
		free(got);
	}
	unlink(all);
	unlink(cut);
}

/* One bridge is whole and another is not: they are joined all the same. */
static void test_headers_joined(void **state)
{
	struct recording r = recording("join-direct");

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct result res = run_with(-1, (const char *const[]){
			"gate", SERVER_OPTIONS, "--write", file, "--write-only",
			"headers", r.path[i], NULL });
		result_free(&res);
		expect_status(PASS, (const char *const[]){
			"gate", "--mesh", r.nodes, SERVER_OPTIONS,
			"--trust-elided", file, r.path[!i], r.path[2], NULL });
		expect_status(UNSURE, (const char *const[]){
			"gate", "--mesh", r.nodes, SERVER_OPTIONS, file,
			r.path[!i], r.path[2], NULL });
	}
}

/* A capture that is not whole does not become whole by being written. */
static void test_losses_stay(void **state)
{
	struct forge_mesh *m = malloc(sizeof(*m));
	struct result res;
	char path[32];
	int fd;

	(void)state;
	assert_non_null(m);
	forge_mesh_init(m, 1);
	forge_mesh_baseline(m);
	forge_cut(&m->bridge[0], 1000);
	fd = forge_pcap(&m->bridge[0], path);
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 1), 0);
	res = run_with(-1, (const char *const[]){
		"gate", "--json", SERVER_OPTIONS, "--write", file, path, NULL });
	json_t *doc = judge_json(&res);

	assert_int_equal(res.status, UNSURE);
	assert_true(has_reason(doc, "truncated-file"));
	assert_true(has_reason(doc, "truncated-frames"));
	assert_same("cut", doc, expect_json(UNSURE, (const char *const[]){
		"gate", "--json", SERVER_OPTIONS, file, NULL }));
	result_free(&res);
	close(fd);
	forge_mesh_free(m);
	free(m);
}

/* large enough for several threads to share the first reading */
static void test_large(void **state)
{
	struct forge_mesh *m = malloc(sizeof(*m));
	struct result res;
	char path[32];
	int fd;

	(void)state;
	assert_non_null(m);
	forge_mesh_init(m, 1);
	forge_mesh_baseline(m);
	for (unsigned int i = 0; i < 750; i++) {
		forge_mesh_gso(m, i % FORGE_SESSIONS, i / 4 % 2, 36, 1312);
		if (i % 100 == 0)
			forge_mesh_text(m, VM_A, VM_C, "the password is hunter2");
	}
	fd = forge_pcap(&m->bridge[0], path);
	assert_true(lseek(fd, 0, SEEK_END) > 32 << 20);
	res = run_with(-1, (const char *const[]){
		"gate", "--json", SERVER_OPTIONS, "--write", file, path, NULL });
	assert_int_equal(res.status, FOUND);
	assert_same("large", judge_json(&res),
		    expect_json(FOUND, (const char *const[]){
			"gate", "--json", SERVER_OPTIONS, file, NULL }));
	result_free(&res);
	close(fd);
	forge_mesh_free(m);
	free(m);
}

static void expect_refusal(const char *needle, const char *const args[])
{
	struct result r = run_with(-1, args);

	if (r.status != ERROR || !strstr(r.err, needle) || *r.out)
		fail_msg("status %d, not \"%s\": %s%s", r.status, needle, r.err,
			 r.out);
	result_free(&r);
}

static void test_refusals(void **state)
{
	static const char capture[] = ROOT "leave/virbr-a.pcap";
	struct stat before, after;
	char other[64], fifo[64];

	(void)state;
	empty_folder();
	snprintf(other, sizeof(other), "%s/link.pcap", folder);
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(stat(capture, &before), 0);
	expect_refusal("standard input", (const char *const[]){
		"gate", "--write", file, "-", NULL });
	assert_int_equal(mkfifo(fifo, 0600), 0);
	expect_refusal("save it to a file first", (const char *const[]){
		"gate", "--write", file, fifo, NULL });
	expect_refusal("write over an input", (const char *const[]){
		"gate", "--write", capture, capture, NULL });
	assert_int_equal(symlink("/dev/null", other), 0);
	expect_refusal("no regular file", (const char *const[]){
		"gate", "--write", other, capture, NULL });
	expect_refusal("/nowhere/x", (const char *const[]){
		"gate", "--write", "/nowhere/x", capture, NULL });
	expect_refusal("all, headers or violations", (const char *const[]){
		"gate", "--write", file, "--write-only", "some", capture, NULL });
	expect_refusal("want --write", (const char *const[]){
		"gate", "--write-size", "1M", capture, NULL });
	expect_refusal("--write-files wants --write-size", (const char *const[]){
		"gate", "--write", file, "--write-files", "2", capture, NULL });
	static const char *const sizes[] = { "", "M", "1000", "-1M", "1T", "5kk",
					     "99999999999999999999", " 1M" };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		expect_refusal("from 4k up", (const char *const[]){
			"gate", "--write", file, "--write-size", sizes[i],
			capture, NULL });
	assert_int_equal(stat(capture, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(access(file, F_OK), -1);
}

static void test_ring(void **state)
{
	struct recording r = recording("join-direct");
	struct dirent *e;
	unsigned int n = 0;
	json_t *doc, *note;
	bool told = false;
	size_t i;
	DIR *d;

	(void)state;
	empty_folder();
	doc = expect_json(PASS, (const char *const[]){
		"gate", "--json", SERVER_OPTIONS, "--write", file,
		"--write-size", "100k", "--write-files", "3", r.path[0],
		r.path[1], r.path[2], NULL });
	json_array_foreach(json_object_get(doc, "notes"), i, note)
		told |= strstr(json_string_value(json_object_get(note, "text")),
			       "ring") != NULL;
	assert_true(told);
	json_decref(doc);
	d = opendir(folder);
	assert_non_null(d);
	while ((e = readdir(d))) {
		unsigned int number;
		char path[400];
		int end = 0;

		if (e->d_name[0] == '.')
			continue;
		n++;
		if (sscanf(e->d_name, "e_%5u_%*14[0-9].pcapng%n", &number,
			   &end) != 1 || e->d_name[end] || number < 10)
			fail_msg("named %s", e->d_name);
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		expect_status(UNSURE, (const char *const[]){
			"gate", SERVER_OPTIONS, path, NULL });
	}
	closedir(d);
	assert_int_equal(n, 3);
	empty_folder();
}

/* No room: the verdict is printed, the error beside it, and what was written says
 * that it is not all.
 */
static void test_no_room(void **state)
{
	struct recording r = recording("join-direct");
	struct rlimit old;
	struct result res;
	json_t *doc;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){
		300000, old.rlim_max }), 0);
	res = run_with(-1, (const char *const[]){
		"gate", "--json", SERVER_OPTIONS, "--write", file, r.path[0],
		r.path[1], r.path[2], NULL });
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(res.status, ERROR);
	doc = json_loads(res.out, 0, NULL);
	assert_string_equal("pass", json_string_value(json_object_get(doc,
								      "verdict")));
	assert_string_equal("write-failed", json_string_value(json_object_get(
		json_object_get(doc, "error"), "code")));
	json_decref(doc);
	result_free(&res);
	doc = expect_json(UNSURE, (const char *const[]){
		"gate", "--json", SERVER_OPTIONS, file, NULL });
	assert_true(has_reason(doc, "truncated-file"));
	json_decref(doc);
}

static bool have(const char *tool)
{
	struct result r = run_program(tool, -1,
				      (const char *const[]){ "--version", NULL });
	bool there = r.status == 0;

	result_free(&r);
	return there;
}

/* nothing on standard error but who it is run by */
static void assert_silent(const char *err)
{
	if (*err && (strncmp(err, "Running as user", 15) ||
		     strchr(err, '\n')[1]))
		fail_msg("a complaint: %s", err);
}

static uint64_t count_in(const char *text, const char *needle)
{
	uint64_t n = 0;

	for (; (text = strstr(text, needle)); text += strlen(needle))
		n++;
	return n;
}

/* tshark and capinfos read it, and show a comment on each frame of a reason */
static void test_tshark(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct recording r = recording(names[i]);
		struct result res = run_with(-1, (const char *const[]){
			"gate", "--json", "--mesh", r.nodes, SERVER_OPTIONS,
			"--write", file, r.path[0], r.path[1], r.path[2], NULL });
		json_t *doc = judge_json(&res), *reason;
		char text[80];
		size_t k;

		result_free(&res);
		res = run_program("capinfos", -1, (const char *const[]){ file, NULL });
		assert_int_equal(res.status, 0);
		assert_silent(res.err);
		assert_non_null(strstr(res.out, "Name = virbr-a"));
		assert_non_null(strstr(res.out, "Name = virbr-s"));
		assert_non_null(strstr(res.out, "wgaudit"));
		result_free(&res);

		res = run_program("tshark", -1, (const char *const[]){
			"-n", "-r", file, "-T", "fields", "-e", "frame.number",
			"-e", "frame.comment", NULL });
		assert_int_equal(res.status, 0);
		assert_silent(res.err);
		assert_int_equal(count_in(res.out, "\n"), json_integer_value(
			json_object_get(json_object_get(doc, "capture"), "frames")));
		json_array_foreach(json_object_get(doc, "reasons"), k, reason) {
			const char *code = json_string_value(
				json_object_get(reason, "code"));
			json_int_t count = json_integer_value(
				json_object_get(reason, "count"));

			snprintf(text, sizeof(text), "violation: %s ", code);
			if (!strcmp(code, "plaintext"))
				assert_int_equal(count_in(res.out, text), count);
			else if (!json_is_null(json_object_get(reason, "first")))
				assert_true(count_in(res.out, code) > 0);
		}
		if (json_array_size(json_object_get(doc, "reasons")) == 0)
			assert_int_equal(count_in(res.out, ":"), 0);
		assert_int_equal(count_in(res.out, "elided"), 0);
		result_free(&res);
		json_decref(doc);
	}
}

/* They also read frames that were cut, and say so. */
static void test_tshark_headers(void **state)
{
	struct recording r = recording("join-direct");
	struct result res;

	(void)state;
	expect_status(PASS, (const char *const[]){
		"gate", SERVER_OPTIONS, "--write", file, "--write-only",
		"headers", r.path[0], r.path[1], r.path[2], NULL });
	res = run_program("capinfos", -1, (const char *const[]){ file, NULL });
	assert_int_equal(res.status, 0);
	assert_silent(res.err);
	result_free(&res);
	res = run_program("tshark", -1, (const char *const[]){
		"-n", "-r", file, "-Y",
		"frame.comment contains \"wgaudit elided 1\" && wg.type == 4 && "
		"wg.counter >= 0 && frame.cap_len == 74 && !_ws.malformed", NULL });
	assert_int_equal(res.status, 0);
	assert_silent(res.err);
	assert_true(count_in(res.out, "\n") > 200);
	result_free(&res);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_verdict),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_violations_only),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_headers_opened),
		cmocka_unit_test(test_headers_joined),
		cmocka_unit_test(test_losses_stay),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_refusals),
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_tshark),
		cmocka_unit_test(test_tshark_headers),
	};

	if (argc < 2 || strcmp(argv[1], "tshark"))
		return cmocka_run_group_tests(tests, make_folder, remove_folder);
	if (!have("tshark") || !have("capinfos")) {
		puts("skipped: no tshark or no capinfos");
		return 77;
	}
	return cmocka_run_group_tests(others, make_folder, remove_folder);
}
