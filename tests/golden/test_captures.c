/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/golden/forge_run.h"

/* The real captures: their verdicts, alone and joined in every order. */

#define ROOT	"tests/golden/captures/"
#define BRIDGES	3
#define CODE(x)	(1u << WGA_CODE_##x)
#define VIOLATIONS	0x7fu

static const char *const bridge_names[BRIDGES] = {
	"virbr-a", "virbr-b", "virbr-s",
};

static const char *const folders[] = {
	"join-direct", "late-start", "plaintext-leak", "relay", "leave",
};
#define FOLDERS	(sizeof(folders) / sizeof(folders[0]))

/* what a folder holds, read once */
struct recording {
	struct forge bridge[BRIDGES];
};

static struct recording recordings[FOLDERS];

static int load_all(void **state)
{
	char path[256];
	struct wga_err err;

	(void)state;
	for (size_t i = 0; i < FOLDERS; i++) {
		for (unsigned int j = 0; j < BRIDGES; j++) {
			snprintf(path, sizeof(path), ROOT "%s/%s.pcap",
				 folders[i], bridge_names[j]);
			forge_init(&recordings[i].bridge[j]);
			if (forge_load(&recordings[i].bridge[j], path, &err)) {
				fprintf(stderr, "%s\n", err.text);
				return -1;
			}
		}
	}
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < FOLDERS; i++)
		for (unsigned int j = 0; j < BRIDGES; j++)
			forge_free(&recordings[i].bridge[j]);
	return 0;
}

static struct recording *recording(const char *folder)
{
	for (size_t i = 0; i < FOLDERS; i++)
		if (!strcmp(folders[i], folder))
			return &recordings[i];
	fail_msg("no recording %s", folder);
	return NULL;
}

static void configure(struct wga_config *cfg, const char *folder)
{
	char path[256];
	struct wga_err err = { 0 };

	wga_config_init(cfg);
	if (wga_config_derp(cfg, "192.168.100.10:443", &err) ||
	    wga_config_control(cfg, "192.168.100.10:443", &err))
		fail_msg("%s", err.text);
	if (!folder)
		return;
	snprintf(path, sizeof(path), ROOT "%s/nodes.json", folder);
	if (wga_config_mesh(cfg, path, &err))
		fail_msg("%s", err.text);
}

static struct wga_verdict *judge_run(const struct wga_run *run)
{
	struct wga_verdict *v = NULL;
	struct wga_err err = { 0 };

	if (wga_run_judge(run, &v, &err))
		fail_msg("%s", err.text);
	assert_int_equal(forge_class_frames(v), forge_input_frames(v));
	return v;
}

static struct wga_run *read_bridges(const struct wga_config *cfg,
				    const struct recording *r,
				    const unsigned int *which, size_t n)
{
	const struct forge *caps[BRIDGES];
	const char *names[BRIDGES];

	for (size_t i = 0; i < n; i++) {
		caps[i] = &r->bridge[which[i]];
		names[i] = bridge_names[which[i]];
	}
	return forge_judge(cfg, caps, names, n, NULL, false, WGA_BATCH_MAX);
}

static uint32_t codes_of(const struct wga_verdict *v)
{
	uint32_t codes = 0;

	for (size_t i = 0; i < v->n_reasons; i++)
		codes |= 1u << v->reasons[i].code;
	return codes;
}

/**
 * struct expectation - what a recording must give
 * @all:	codes that must be there
 * @any:	codes that may be there, at least one of them or of @all unless
 *		both are empty; no other may
 */
struct expectation {
	const char *folder;
	const char *require;
	enum wga_outcome outcome;
	uint32_t all, any;
};

static const struct expectation expectations[] = {
	{ "join-direct", "bound", WGA_PASS, 0, 0 },
	{ "join-direct", "identified", WGA_PASS, 0, 0 },
	{ "late-start", "bound", WGA_INCONCLUSIVE, CODE(LATE_START),
	  CODE(WEAK_EVIDENCE) },
	{ "plaintext-leak", "bound", WGA_VIOLATION, CODE(PLAINTEXT),
	  CODE(UNEXPLAINED) | ~VIOLATIONS },
	{ "relay", "bound", WGA_INCONCLUSIVE, 0,
	  CODE(NO_ENCRYPTED_TRAFFIC) | CODE(WEAK_EVIDENCE) | CODE(LATE_START) },
	{ "leave", "bound", WGA_INCONCLUSIVE, 0,
	  CODE(NO_ENCRYPTED_TRAFFIC) | CODE(WEAK_EVIDENCE) | CODE(LATE_START) },
};

static bool check_expectation(const struct expectation *e)
{
	static const unsigned int all[BRIDGES] = { 0, 1, 2 };
	struct wga_config cfg;
	struct wga_err err;
	struct wga_run *run;
	struct wga_verdict *v;
	uint32_t codes;
	bool fits;

	configure(&cfg, e->folder);
	assert_int_equal(wga_config_require(&cfg, e->require, &err), 0);
	run = read_bridges(&cfg, recording(e->folder), all, BRIDGES);
	v = judge_run(run);
	codes = codes_of(v);
	fits = v->outcome == e->outcome && (codes & e->all) == e->all &&
	       (!(e->all | e->any) || (codes & (e->all | e->any))) &&
	       !(codes & ~(e->all | e->any));
	if (!fits) {
		fprintf(stderr, "CAPTURE %s --require %s\n", e->folder, e->require);
		forge_print(v);
	}
	wga_verdict_free(v);
	wga_run_free(run);
	wga_config_free(&cfg);
	return fits;
}

static void test_verdicts(void **state)
{
	unsigned int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++)
		failed += !check_expectation(&expectations[i]);
	assert_int_equal(failed, 0);
}

/* the relay without keys says that it proves nothing, or too little */
static void test_relay_is_not_silent(void **state)
{
	static const unsigned int all[BRIDGES] = { 0, 1, 2 };
	struct wga_config cfg;
	struct wga_run *run;
	struct wga_verdict *v;

	(void)state;
	configure(&cfg, "relay");
	run = read_bridges(&cfg, recording("relay"), all, BRIDGES);
	v = judge_run(run);
	assert_true(forge_has(v, WGA_CODE_NO_ENCRYPTED_TRAFFIC) ||
		    forge_has(v, WGA_CODE_WEAK_EVIDENCE));
	assert_true(v->classes[WGA_CLASS_DERP].frames > 0);
	wga_verdict_free(v);
	wga_run_free(run);
	wga_config_free(&cfg);
}

/* what each bridge alone may say; nothing passes that should not */
static void test_single_bridges(void **state)
{
	static const enum wga_outcome leak[BRIDGES] = {
		WGA_VIOLATION, WGA_VIOLATION, WGA_INCONCLUSIVE,
	};

	(void)state;
	for (size_t i = 0; i < FOLDERS; i++) {
		bool join = !strcmp(folders[i], "join-direct");
		bool leaks = !strcmp(folders[i], "plaintext-leak");
		struct wga_config cfg;

		configure(&cfg, folders[i]);
		for (unsigned int j = 0; j < BRIDGES; j++) {
			struct wga_run *run;
			struct wga_verdict *v;

			run = read_bridges(&cfg, &recordings[i], &j, 1);
			v = judge_run(run);
			if (v->outcome == WGA_PASS && (!join || j == 2))
				fail_msg("%s %s passes alone", folders[i],
					 bridge_names[j]);
			if (leaks)
				assert_int_equal(v->outcome, leak[j]);
			else
				assert_int_not_equal(v->outcome, WGA_VIOLATION);
			if (j == 2 && join)
				assert_true(forge_has(v, WGA_CODE_NO_ENCRYPTED_TRAFFIC));
			wga_verdict_free(v);
			wga_run_free(run);
		}
		wga_config_free(&cfg);
	}
}

static char *digest_of(const struct wga_run *run)
{
	struct wga_verdict *v = judge_run(run);
	char *digest = forge_digest(v);

	wga_verdict_free(v);
	assert_non_null(digest);
	return digest;
}

static void compare(const char *folder, const char *how, const char *want,
		    char *got)
{
	if (strcmp(want, got))
		fail_msg("%s, %s:\n%s\ninstead of\n%s", folder, how, got, want);
	free(got);
}

static const unsigned int orders[6][BRIDGES] = {
	{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
};

/* runs of one bridge each, merged in the given order; @tree joins the last two
 * first
 */
static struct wga_run *merged(const struct wga_config *cfg,
			      const struct recording *r,
			      const unsigned int order[BRIDGES], bool tree)
{
	struct wga_run *run[BRIDGES];
	struct wga_err err;

	for (unsigned int i = 0; i < BRIDGES; i++)
		run[i] = read_bridges(cfg, r, &order[i], 1);
	if (tree)
		assert_int_equal(wga_run_merge(run[1], run[2], &err), 0);
	assert_int_equal(wga_run_merge(run[0], run[1], &err), 0);
	if (!tree)
		assert_int_equal(wga_run_merge(run[0], run[2], &err), 0);
	return run[0];
}

static void check_orders(size_t folder, const struct wga_config *cfg)
{
	const struct recording *r = &recordings[folder];
	struct wga_run *run = read_bridges(cfg, r, orders[0], BRIDGES);
	char *want = digest_of(run);

	compare(folders[folder], "judged twice", want, digest_of(run));
	wga_run_free(run);
	for (unsigned int i = 0; i < 6; i++) {
		run = read_bridges(cfg, r, orders[i], BRIDGES);
		compare(folders[folder], "another order", want, digest_of(run));
		wga_run_free(run);
		run = merged(cfg, r, orders[i], false);
		compare(folders[folder], "merged", want, digest_of(run));
		wga_run_free(run);
		run = merged(cfg, r, orders[i], true);
		compare(folders[folder], "merged as a tree", want, digest_of(run));
		wga_run_free(run);
	}
	free(want);
}

static void test_orders(void **state)
{
	(void)state;
	for (size_t i = 0; i < FOLDERS; i++) {
		struct wga_config cfg;

		configure(&cfg, folders[i]);
		check_orders(i, &cfg);
		wga_config_free(&cfg);
	}
}

/* however many threads share a capture, the verdict is the same */
static void test_parts(void **state)
{
	const struct forge *caps[BRIDGES];

	(void)state;
	for (size_t i = 0; i < FOLDERS; i++) {
		struct wga_config cfg;
		struct wga_run *run;
		char *want;

		configure(&cfg, folders[i]);
		for (unsigned int j = 0; j < BRIDGES; j++)
			caps[j] = &recordings[i].bridge[j];
		run = forge_judge(&cfg, caps, bridge_names, BRIDGES, NULL,
				  false, WGA_BATCH_MAX);
		want = digest_of(run);
		wga_run_free(run);
		for (unsigned int parts = 2; parts <= 5; parts++) {
			run = forge_judge_parts(&cfg, caps, bridge_names,
						BRIDGES, NULL, false,
						WGA_BATCH_MAX, parts);
			compare(folders[i], "in parts", want, digest_of(run));
			wga_run_free(run);
		}
		free(want);
		wga_config_free(&cfg);
	}
}

/* a second look at each frame says what the verdict says */
static void test_review(void **state)
{
	(void)state;
	for (size_t i = 0; i < FOLDERS; i++) {
		const struct forge *caps[BRIDGES];
		struct wga_config cfg;

		for (unsigned int j = 0; j < BRIDGES; j++)
			caps[j] = &recordings[i].bridge[j];
		configure(&cfg, folders[i]);
		cfg.review = true;
		for (unsigned int parts = 1; parts < 4; parts++) {
			struct wga_run *run = forge_judge_parts(&cfg, caps,
				bridge_names, BRIDGES, NULL, false,
				WGA_BATCH_MAX, parts);
			struct wga_verdict *v = judge_run(run);
			const char *why = forge_review(run, v, caps,
						       bridge_names, BRIDGES);

			if (why)
				fail_msg("%s: %s", folders[i], why);
			/* nor can a frame be missing */
			if (parts == 1) {
				struct forge less = *caps[0];

				less.n--;
				assert_non_null(forge_review(run, v,
					(const struct forge *const[]){ &less,
					caps[1], caps[2] }, bridge_names,
					BRIDGES));
			}
			wga_verdict_free(v);
			wga_run_free(run);
		}
		assert_null(forge_review_traces(&cfg, caps, bridge_names,
						BRIDGES));
		wga_config_free(&cfg);
	}
}

/* a run grows: what was judged before must not stick */
static void test_judged_in_between(void **state)
{
	static const unsigned int all[BRIDGES] = { 0, 1, 2 };
	const struct recording *r = recording("join-direct");
	struct wga_config cfg;
	struct wga_run *whole, *grown;
	struct wga_err err;
	char *want;

	(void)state;
	configure(&cfg, "join-direct");
	whole = read_bridges(&cfg, r, all, BRIDGES);
	want = digest_of(whole);
	grown = read_bridges(&cfg, r, &all[2], 1);
	free(digest_of(grown));
	for (unsigned int i = 0; i < 2; i++) {
		struct wga_run *next = read_bridges(&cfg, r, &all[i], 1);

		assert_int_equal(wga_run_merge(grown, next, &err), 0);
		free(i == 0 ? digest_of(grown) : NULL);
	}
	compare("join-direct", "judged in between", want, digest_of(grown));
	wga_run_free(whole);
	wga_run_free(grown);
	free(want);
	wga_config_free(&cfg);
}

/* the registry of a recording, without one of its nodes */
static void configure_without(struct wga_config *cfg, const char *folder,
			      const char *node)
{
	char path[256], memory[32];
	json_error_t error;
	json_t *nodes, *item;
	struct wga_err err = { 0 };
	size_t i;
	char *text;
	int fd;

	configure(cfg, NULL);
	snprintf(path, sizeof(path), ROOT "%s/nodes.json", folder);
	nodes = json_load_file(path, 0, &error);
	assert_non_null(nodes);
	json_array_foreach(nodes, i, item) {
		if (!strcmp(json_string_value(json_object_get(item, "name")),
			    node)) {
			json_array_remove(nodes, i);
			break;
		}
	}
	text = json_dumps(nodes, 0);
	fd = forge_file(text, strlen(text), memory);
	if (wga_config_mesh(cfg, memory, &err))
		fail_msg("%s", err.text);
	close(fd);
	free(text);
	json_decref(nodes);
}

static void test_node_removed(void **state)
{
	static const char *const names[] = { "vm-a", "vm-b", "vm-c" };
	static const unsigned int all[BRIDGES] = { 0, 1, 2 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const struct forge *caps[BRIDGES];
		struct wga_config cfg;
		struct wga_run *run;
		struct wga_verdict *v;

		configure_without(&cfg, "join-direct", names[i]);
		cfg.review = true;
		run = read_bridges(&cfg, recording("join-direct"), all, BRIDGES);
		v = judge_run(run);
		assert_int_equal(v->outcome, WGA_VIOLATION);
		assert_int_equal(codes_of(v) & VIOLATIONS, CODE(UNREGISTERED_PEER));
		for (unsigned int j = 0; j < BRIDGES; j++)
			caps[j] = &recording("join-direct")->bridge[j];
		assert_null(forge_review(run, v, caps, bridge_names, BRIDGES));
		wga_verdict_free(v);
		wga_run_free(run);
		wga_config_free(&cfg);
	}
}

/* changes to a copy of join-direct */
struct change {
	const char *name;
	void (*apply)(struct recording *r);
	enum wga_outcome outcome;
	uint32_t any;
};

static const uint8_t vm_a[4] = { 192, 168, 1, 10 }, vm_b[4] = { 10, 0, 0, 10 };

/* That is before the first WireGuard data on virbr-a; of control connections
 * only the middle is left. What remains of the sessions is whole.
 */
static void first_200_dropped(struct recording *r)
{
	for (unsigned int j = 0; j < BRIDGES; j++)
		forge_drop(&r->bridge[j], 0, 200);
}

static bool is_from_vm_a(const struct forge_frame *fr)
{
	const uint8_t *d = fr->data;

	return fr->caplen >= 34 && !(d[0] & 1) && d[12] == 8 && d[13] == 0 &&
	       !memcmp(d + 26, vm_a, 4);
}

/* the first frame that vm-a sends to one host: always to the gateway */
static const struct forge_frame *from_vm_a(const struct forge *f)
{
	size_t i = 0;

	while (i < f->n && !is_from_vm_a(&f->frames[i]))
		i++;
	assert_true(i < f->n);
	return &f->frames[i];
}

static void insert_text(struct forge *f, size_t at, const uint8_t src[4],
			const uint8_t dst[4], uint16_t port)
{
	static const char text[] = "GET /secret HTTP/1.1\r\nHost: vm-b\r\n\r\n";
	const struct forge_frame *like = from_vm_a(f);
	struct forge_packet *p = malloc(sizeof(*p));

	assert_non_null(p);
	forge_start(p, text, sizeof(text) - 1);
	forge_udp(p, port, port);
	forge_ipv4(p, src, dst, FORGE_PROTO_UDP, 64);
	forge_ethernet(p, like->data + 6, like->data, FORGE_ETH_IPV4);
	forge_insert(f, at, forge_bytes(p), p->len);
	free(p);
}

static void text_inserted(struct recording *r)
{
	insert_text(&r->bridge[0], 400, vm_a, vm_b, 9999);
}

static void text_inserted_on_the_port(struct recording *r)
{
	insert_text(&r->bridge[0], 400, vm_a, vm_b, 41641);
}

static void text_inserted_first(struct recording *r)
{
	insert_text(&r->bridge[0], 24, vm_a, vm_b, 9999);
}

static void overlay_inserted(struct recording *r)
{
	insert_text(&r->bridge[0], 100, vm_a, (const uint8_t[4]){ 100, 64, 0, 2 },
		    9999);
}

/* the longest frame: a GSO frame of WireGuard */
static struct forge_frame *longest(struct forge *f)
{
	struct forge_frame *best = &f->frames[0];

	for (size_t i = 0; i < f->n; i++)
		if (f->frames[i].caplen > best->caplen)
			best = &f->frames[i];
	assert_true(best->caplen > 20000);
	return best;
}

/* begun in the middle of the 2 MB, when every session is running */
static void begun_late(struct recording *r)
{
	uint64_t when = longest(&r->bridge[0])->time_ns;

	for (unsigned int j = 0; j < BRIDGES; j++) {
		size_t n = 0;

		while (n < r->bridge[j].n && r->bridge[j].frames[n].time_ns < when)
			n++;
		forge_drop(&r->bridge[j], 0, n);
	}
}

static void text_in_gso(struct recording *r)
{
	struct forge_frame *fr = longest(&r->bridge[0]);

	memcpy(fr->data + 42 + 7 * 1312 + 500,
	       "the quick brown fox has the password of the lazy dog: hunter2",
	       61);
}

static void zeros_in_gso(struct recording *r)
{
	memset(longest(&r->bridge[0])->data + 42 + 7 * 1312 + 500, 0, 128);
}

/* one bit, on one of the two bridges that saw the message */
static void bit_flipped(struct recording *r)
{
	longest(&r->bridge[0])->data[42 + 7 * 1312 + 500] ^= 1;
}

static void bit_flipped_last_byte(struct recording *r)
{
	struct forge_frame *fr = longest(&r->bridge[1]);

	fr->data[fr->caplen - 1] ^= 0x80;
}

static void frame_cut(struct recording *r)
{
	longest(&r->bridge[0])->caplen = 60;
}

static const struct change changes[] = {
	{ "first 200 frames dropped", first_200_dropped, WGA_PASS, 0 },
	{ "begun late", begun_late, WGA_INCONCLUSIVE, CODE(LATE_START) },
	{ "text inserted", text_inserted, WGA_VIOLATION, CODE(PLAINTEXT) },
	{ "text inserted at the start", text_inserted_first, WGA_VIOLATION,
	  CODE(PLAINTEXT) },
	{ "text inserted on the port", text_inserted_on_the_port, WGA_VIOLATION,
	  CODE(PLAINTEXT) | CODE(SPLICED) },
	{ "overlay address inserted", overlay_inserted, WGA_VIOLATION,
	  CODE(OVERLAY_ON_UNDERLAY) },
	{ "text in a GSO frame", text_in_gso, WGA_VIOLATION,
	  CODE(PLAINTEXT) | CODE(SPLICED) },
	{ "zeros in a GSO frame", zeros_in_gso, WGA_VIOLATION,
	  CODE(PLAINTEXT) | CODE(SPLICED) },
	{ "one bit flipped on one bridge", bit_flipped, WGA_VIOLATION,
	  CODE(COUNTER_REUSE) },
	{ "one bit flipped in a last byte", bit_flipped_last_byte, WGA_VIOLATION,
	  CODE(COUNTER_REUSE) },
	{ "one frame cut", frame_cut, WGA_INCONCLUSIVE, CODE(TRUNCATED_FRAMES) },
};

static bool check_change(const struct change *c)
{
	static const unsigned int all[BRIDGES] = { 0, 1, 2 };
	struct recording copy = { 0 };
	struct wga_config cfg;
	struct wga_run *run;
	struct wga_verdict *v;
	bool fits;

	for (unsigned int j = 0; j < BRIDGES; j++) {
		const struct forge *f = &recording("join-direct")->bridge[j];

		forge_init(&copy.bridge[j]);
		for (size_t i = 0; i < f->n; i++)
			forge_insert(&copy.bridge[j], i, f->frames[i].data,
				     f->frames[i].caplen)->time_ns =
				f->frames[i].time_ns;
	}
	c->apply(&copy);
	configure(&cfg, "join-direct");
	run = read_bridges(&cfg, &copy, all, BRIDGES);
	v = judge_run(run);
	fits = v->outcome == c->outcome &&
	       (!c->any || (codes_of(v) & c->any));
	if (!fits) {
		fprintf(stderr, "CHANGE %s\n", c->name);
		forge_print(v);
	}
	wga_verdict_free(v);
	wga_run_free(run);
	wga_config_free(&cfg);
	for (unsigned int j = 0; j < BRIDGES; j++)
		forge_free(&copy.bridge[j]);
	return fits;
}

static void test_changes(void **state)
{
	unsigned int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		failed += !check_change(&changes[i]);
	assert_int_equal(failed, 0);
}

/* the JSON of each verdict keeps to the contract */
static void test_json(void **state)
{
	static const char *const keys[] = {
		"schema", "verdict", "reasons", "accepted", "capture", "classes",
		"flows", "sessions", "pairs",
	};
	static const unsigned int all[BRIDGES] = { 0, 1, 2 };

	(void)state;
	for (size_t i = 0; i < FOLDERS; i++) {
		struct wga_config cfg;
		struct wga_run *run;
		struct wga_verdict *v;
		json_t *doc, *classes, *value;
		json_int_t sum = 0;
		const char *name;

		configure(&cfg, folders[i]);
		run = read_bridges(&cfg, &recordings[i], all, BRIDGES);
		v = judge_run(run);
		doc = forge_json(v);
		assert_non_null(doc);
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (!json_object_get(doc, keys[k]))
				fail_msg("%s: no %s", folders[i], keys[k]);
		assert_string_equal(json_string_value(json_object_get(doc, "schema")),
				    "wgaudit/1");
		assert_string_equal(json_string_value(json_object_get(doc, "verdict")),
				    wga_outcome_name(v->outcome));
		classes = json_object_get(doc, "classes");
		assert_int_equal(json_object_size(classes), WGA_CLASS_COUNT);
		json_object_foreach(classes, name, value)
			sum += json_integer_value(json_object_get(value, "frames"));
		assert_int_equal(sum, json_integer_value(json_object_get(
			json_object_get(doc, "capture"), "frames")));
		json_decref(doc);
		wga_verdict_free(v);
		wga_run_free(run);
		wga_config_free(&cfg);
	}
}

/* Files in different folders may have one name, and interfaces of a file too.
 * They are inputs of their own all the same, in parts or not.
 */
static void test_same_names(void **state)
{
	static const char *const names[] = { "cap", "cap#2", "cap#3" };
	const struct recording *r = &recordings[0];
	struct wga_err err = { 0 };

	(void)state;
	for (unsigned int parts = 1; parts < 3; parts++) {
		struct wga_config cfg;
		struct wga_run *run;
		struct wga_verdict *v;

		configure(&cfg, folders[0]);
		run = wga_run_new(&cfg);
		for (unsigned int k = 0; k < BRIDGES * parts; k++) {
			unsigned int i = k % BRIDGES;
			struct wga_bridge *br = wga_bridge_new(&cfg, "cap",
							       false);

			wga_bridge_part(br, k / BRIDGES, parts);
			forge_feed(&r->bridge[i], br, WGA_BATCH_MAX);
			wga_bridge_loss(br, &(struct wga_loss){
				.kernel_drops = 5 - i });
			assert_int_equal(wga_run_add(run, br, &err), 0);
			assert_string_equal(wga_run_name(run, k), names[i]);
		}
		v = judge_run(run);
		assert_int_equal(v->n_inputs, BRIDGES);
		for (unsigned int i = 0; i < BRIDGES; i++) {
			const struct forge *f = &r->bridge[i];

			assert_string_equal(v->inputs[i].name, names[i]);
			assert_int_equal(v->inputs[i].frames, f->n);
			assert_int_equal(v->inputs[i].kernel_drops, 5 - i);
			assert_int_equal(v->inputs[i].first_ns,
					 f->frames[0].time_ns);
			assert_int_equal(v->inputs[i].last_ns,
					 f->frames[f->n - 1].time_ns);
		}
		wga_verdict_free(v);
		wga_run_free(run);
		wga_config_free(&cfg);
	}
}

/* Of a bridge in two parts one is forgotten. */
static void test_part_missing(void **state)
{
	const struct recording *r = &recordings[0];

	(void)state;
	for (unsigned int part = 0; part < 2; part++) {
		struct wga_err err = { 0 };
		struct wga_config cfg;
		struct wga_run *run;
		struct wga_verdict *v = NULL;

		configure(&cfg, folders[0]);
		run = wga_run_new(&cfg);
		for (unsigned int i = 0; i < BRIDGES; i++) {
			struct wga_bridge *br = wga_bridge_new(&cfg,
				bridge_names[i], false);

			wga_bridge_part(br, part, 2);
			forge_feed(&r->bridge[i], br, WGA_BATCH_MAX);
			assert_int_equal(wga_run_add(run, br, &err), 0);
		}
		assert_int_equal(wga_run_judge(run, &v, &err), 0);
		assert_int_not_equal(v->outcome, WGA_PASS);
		assert_true(forge_has(v, WGA_CODE_CAPTURE_GAP));
		wga_verdict_free(v);
		wga_run_free(run);
		wga_config_free(&cfg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_relay_is_not_silent),
		cmocka_unit_test(test_single_bridges),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_review),
		cmocka_unit_test(test_judged_in_between),
		cmocka_unit_test(test_node_removed),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_same_names),
		cmocka_unit_test(test_part_missing),
	};

	return cmocka_run_group_tests(tests, load_all, free_all);
}
