/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/golden/forge_run.h"
#include "tests/golden/program.h"

/* The program itself: exit status and JSON, on real and on forged files. */


static void test_real_captures(void **state)
{
	static const struct {
		const char *folder;
		int status;
	} rows[] = {
		{ "join-direct", PASS }, { "late-start", UNSURE },
		{ "plaintext-leak", FOUND }, { "relay", UNSURE },
		{ "leave", UNSURE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char file[3][128], nodes[128];

		snprintf(nodes, sizeof(nodes), ROOT "%s/nodes.json", rows[i].folder);
		for (unsigned int j = 0; j < 3; j++)
			snprintf(file[j], sizeof(file[j]), ROOT "%s/virbr-%c.pcap",
				 rows[i].folder, "abs"[j]);
		expect_status(rows[i].status, (const char *const[]){
			"gate", "--mesh", nodes, SERVER_OPTIONS, file[0], file[1],
			file[2], NULL });
		expect_status(rows[i].status, (const char *const[]){
			"analyze", "--mesh", nodes, SERVER_OPTIONS, file[2],
			file[1], file[0], NULL });
	}
}

static void test_json_of_a_leak(void **state)
{
	json_t *doc, *reason, *first, *capture, *value;
	json_int_t frames = 0;
	const char *name;

	(void)state;
	doc = expect_json(FOUND, (const char *const[]){
		"analyze", "--json", SERVER_OPTIONS,
		"--mesh", ROOT "plaintext-leak/nodes.json",
		ROOT "plaintext-leak/virbr-a.pcap",
		ROOT "plaintext-leak/virbr-b.pcap",
		ROOT "plaintext-leak/virbr-s.pcap", NULL });
	assert_string_equal(json_string_value(json_object_get(doc, "verdict")),
			    "violation");
	reason = json_array_get(json_object_get(doc, "reasons"), 0);
	assert_string_equal(json_string_value(json_object_get(reason, "code")),
			    "plaintext");
	assert_string_equal(json_string_value(json_object_get(reason, "severity")),
			    "violation");
	first = json_object_get(reason, "first");
	assert_non_null(strstr(json_string_value(json_object_get(first, "file")),
			       "plaintext-leak/virbr-"));
	assert_true(json_integer_value(json_object_get(first, "frame")) > 0);
	assert_true(json_is_string(json_object_get(first, "time")));
	json_object_foreach(json_object_get(doc, "classes"), name, value)
		frames += json_integer_value(json_object_get(value, "frames"));
	capture = json_object_get(doc, "capture");
	assert_int_equal(frames, json_integer_value(json_object_get(capture, "frames")));
	assert_int_equal(frames, 64 + 56 + 18);
	assert_int_equal(json_array_size(json_object_get(capture, "inputs")), 3);
	json_decref(doc);
}

static void test_forged(void **state)
{
	struct forge_mesh *m = malloc(sizeof(*m));
	char path[32];
	struct result r;
	int fd;

	(void)state;
	assert_non_null(m);
	forge_mesh_init(m, 1);
	forge_mesh_baseline(m);
	fd = forge_pcap(&m->bridge[0], path);
	expect_status(PASS, (const char *const[]){
		"gate", SERVER_OPTIONS, path, NULL });
	r = run_with(fd, (const char *const[]){
		"gate", SERVER_OPTIONS, "-", NULL });
	assert_int_equal(r.status, PASS);
	result_free(&r);

	/* the last frame loses its last byte: in the file, then on the wire */
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 1), 0);
	expect_status(UNSURE, (const char *const[]){
		"gate", SERVER_OPTIONS, path, NULL });
	expect_status(PASS, (const char *const[]){
		"gate", "--accept", "truncated-file", SERVER_OPTIONS, path, NULL });
	close(fd);

	forge_mesh_text(m, VM_A, VM_C, "the password is hunter2");
	fd = forge_pcap(&m->bridge[0], path);
	expect_status(FOUND, (const char *const[]){
		"gate", SERVER_OPTIONS, path, NULL });
	expect_status(FOUND, (const char *const[]){
		"gate", "--accept", "no-encrypted-traffic", SERVER_OPTIONS, path,
		NULL });
	expect_status(ERROR, (const char *const[]){
		"gate", "--accept", "plaintext", SERVER_OPTIONS, path, NULL });
	close(fd);
	forge_mesh_free(m);
	free(m);
}

static void test_empty_capture(void **state)
{
	struct forge f;
	char path[32];
	json_t *doc;
	int fd;

	(void)state;
	forge_init(&f);
	fd = forge_pcap(&f, path);
	doc = expect_json(UNSURE, (const char *const[]){
		"analyze", "--json", path, NULL });
	assert_string_equal(json_string_value(json_object_get(json_array_get(
		json_object_get(doc, "reasons"), 0), "code")),
		"no-encrypted-traffic");
	json_decref(doc);
	close(fd);
}

static void expect_error(const char *const args[])
{
	json_t *doc = expect_json(ERROR, args), *error;

	error = json_object_get(doc, "error");
	assert_true(json_is_string(json_object_get(error, "code")));
	assert_true(json_is_string(json_object_get(error, "text")));
	json_decref(doc);
}

static void test_no_capture(void **state)
{
	uint8_t noise[4096], head[24] = {
		0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, [16] = 0xff, 0xff, [20] = 105,
	};
	uint64_t seed = 42;
	char path[32];
	int fd;

	(void)state;
	forge_fill(&seed, noise, sizeof(noise));
	fd = forge_file(noise, sizeof(noise), path);
	expect_status(ERROR, (const char *const[]){ "gate", path, NULL });
	expect_error((const char *const[]){ "gate", "--json", path, NULL });
	close(fd);

	fd = forge_file(NULL, 0, path);
	expect_status(ERROR, (const char *const[]){ "gate", path, NULL });
	close(fd);

	/* 802.11 cannot be judged */
	fd = forge_file(head, sizeof(head), path);
	expect_error((const char *const[]){ "gate", "--json", path, NULL });
	close(fd);

	expect_error((const char *const[]){
		"gate", "--json", ROOT "no-such-file.pcap", NULL });
	expect_status(ERROR, (const char *const[]){ "gate", NULL });
	/* a good file beside it does not help */
	expect_status(ERROR, (const char *const[]){
		"gate", SERVER_OPTIONS, ROOT "join-direct/virbr-a.pcap",
		ROOT "README.md", NULL });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_captures),
		cmocka_unit_test(test_json_of_a_leak),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_empty_capture),
		cmocka_unit_test(test_no_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
