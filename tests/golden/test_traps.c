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

#include "analyze/node_keys.h"
#include "tests/golden/forge_derp.h"
#include "tests/golden/forge_run.h"
#include "tests/golden/trap.h"

/*
 * Theory of operation
 *
 * Each row of the trap tables is judged with whole batches and again in
 * batches of one and of five, which must not change anything. What fires where is
 * kept: at the end every reason code must have fired in some row and stayed
 * away from some other.
 */

#define VIOLATIONS	0x7fu

static uint32_t fired, quiet;
static size_t elisions;

static const struct {
	const char *option;
	int (*set)(struct wga_config *cfg, const char *arg, struct wga_err *err);
} setters[] = {
	{ "--derp", wga_config_derp },
	{ "--control", wga_config_control },
	{ "--infra", wga_config_infra },
	{ "--gateway", wga_config_gateway },
	{ "--vm", wga_config_vm },
	{ "--expect-pair", wga_config_expect },
	{ "--canary", wga_config_canary },
	{ "--canary-file", wga_config_canary_file },
	{ "--require", wga_config_require },
	{ "--accept", wga_config_accept },
};

static void configure(struct wga_config *cfg, const char *option,
		      const char *arg)
{
	struct wga_err err = { 0 };

	for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
		if (strcmp(setters[i].option, option))
			continue;
		if (setters[i].set(cfg, arg, &err))
			fail_msg("%s %s: %s", option, arg, err.text);
		return;
	}
	fail_msg("no option %s", option);
}

static void configure_keys(struct wga_config *cfg, const enum forge_who *nodes,
			   size_t n)
{
	static const char *const names[] = { "vm-a", "vm-b", "vm-c" };
	struct wga_err err = { 0 };
	uint8_t key[FORGE_KEY_LEN];
	char text[3 * 100], path[32];
	size_t len = 0;
	bool shared;
	int fd, rc;

	for (size_t i = 0; i < n; i++) {
		forge_derp_private(nodes[i], key);
		len += (size_t)sprintf(text + len, "%s privkey:", names[i]);
		for (size_t k = 0; k < sizeof(key); k++)
			len += (size_t)sprintf(text + len, "%02x", key[k]);
		text[len++] = '\n';
	}
	fd = forge_file(text, len, path);
	rc = wga_node_keys_load(&cfg->node_keys, path, &shared, &err);
	close(fd);
	if (rc)
		fail_msg("node keys: %s", err.text);
}

static void configure_row(struct wga_config *cfg, const struct trap *t,
			  const struct forge_mesh *m)
{
	static const enum forge_who nodes[] = { VM_A, VM_B, VM_C };
	struct wga_err err = { 0 };

	wga_config_init(cfg);
	configure(cfg, "--derp", "192.168.100.10:443");
	configure(cfg, "--control", "192.168.100.10:443");
	for (size_t i = 0; t->options[i]; i += 2)
		configure(cfg, t->options[i], t->options[i + 1]);
	if (t->flags & TRAP_KEYS)
		configure_keys(cfg, nodes, 3);
	if (t->flags & TRAP_REGISTRY) {
		char path[32];
		int fd = forge_nodes(m, nodes, 3, path);
		int rc = wga_config_mesh(cfg, path, &err);

		close(fd);
		if (rc)
			fail_msg("registry: %s", err.text);
	}
}

static void build(struct forge_mesh *m, const struct trap *t)
{
	forge_mesh_init(m, t->flags & TRAP_TWO ? 2 : 1);
	if (t->flags & TRAP_KEYS)
		forge_derp_keys(m);
	if (t->before)
		t->before(m);
	if (!(t->flags & TRAP_EMPTY)) {
		forge_mesh_infrastructure(m);
		for (unsigned int i = 0; i < FORGE_SESSIONS; i++) {
			if (!(t->flags & TRAP_NO_DISCO))
				forge_mesh_disco(m, i);
			if (!(t->flags & TRAP_NO_HANDSHAKE))
				forge_mesh_handshake(m, i);
			if (!(t->flags & TRAP_NO_TALK))
				forge_mesh_talk(m, i);
		}
	}
	if (t->after)
		t->after(m);
}

static struct wga_verdict *judge(const struct forge_mesh *m,
				 const struct wga_config *cfg,
				 const struct trap *t, unsigned int batch,
				 bool swapped, unsigned int parts)
{
	static const char *const names[] = { "virbr-a", "virbr-b", "virbr-a" };
	const struct forge *const caps[] = {
		&m->bridge[0], &m->bridge[1], &m->bridge[0],
	};
	struct wga_err err = { 0 };
	struct wga_verdict *v = NULL;
	struct wga_run *run;

	forge_expect(t->flags & TRAP_SELFTEST ? trap_selftest() : NULL);
	run = forge_judge_parts(cfg, caps + swapped, names + swapped, m->bridges,
				t->loss, t->flags & TRAP_LIVE, batch, parts);
	if (wga_run_judge(run, &v, &err))
		fail_msg("%s: %s", t->name, err.text);
	if (forge_class_frames(v) != forge_input_frames(v) ||
	    forge_input_frames(v) != m->bridge[0].n +
	    (m->bridges == 2 ? m->bridge[1].n : 0)) {
		forge_print(v);
		fail_msg("%s: classes hold %llu frames, inputs %llu", t->name,
			 (unsigned long long)forge_class_frames(v),
			 (unsigned long long)forge_input_frames(v));
	}
	/* names of inputs live as long as the run: take what is compared now */
	for (size_t i = 0; i < v->n_reasons; i++)
		v->reasons[i].first.input = NULL;
	wga_run_free(run);
	return v;
}

static uint32_t codes_of(const struct wga_verdict *v)
{
	uint32_t codes = 0;

	for (size_t i = 0; i < v->n_reasons; i++)
		codes |= 1u << v->reasons[i].code;
	return codes;
}

static uint32_t classes_of(const struct wga_verdict *v)
{
	uint32_t classes = 0;

	for (unsigned int i = 0; i < WGA_CLASS_COUNT; i++)
		if (v->classes[i].frames)
			classes |= 1u << i;
	return classes;
}

static bool outcome_fits(enum trap_outcome want, enum wga_outcome got)
{
	switch (want) {
	case TRAP_PASS:
		return got == WGA_PASS;
	case TRAP_VIOLATION:
		return got == WGA_VIOLATION;
	case TRAP_INCONCLUSIVE:
		return got == WGA_INCONCLUSIVE;
	case TRAP_NOT_PASS:
		return got != WGA_PASS;
	case TRAP_NO_VIOLATION:
		return got != WGA_VIOLATION;
	}
	return false;
}

/* codes that the row does not name and that it must not show */
static uint32_t surplus(const struct trap *t, uint32_t codes)
{
	uint32_t named = t->all | t->any;

	switch (t->outcome) {
	case TRAP_VIOLATION:
		return codes & VIOLATIONS & ~named;
	case TRAP_PASS:
	case TRAP_INCONCLUSIVE:
		return codes & ~named;
	default:
		return 0;
	}
}

static const char *fault(const struct trap *t, const struct wga_verdict *v)
{
	uint32_t codes = codes_of(v), classes = classes_of(v);

	if (!outcome_fits(t->outcome, v->outcome))
		return "wrong outcome";
	if ((codes & t->all) != t->all)
		return "a reason is missing";
	if (t->any && !(codes & (t->any | t->all)))
		return "none of the reasons";
	if ((codes & t->none) || surplus(t, codes))
		return "a reason too many";
	if ((classes & t->classes) != t->classes)
		return "a class is empty";
	if (classes & t->no_classes)
		return "a class is not empty";
	return NULL;
}

static bool same(const struct wga_verdict *a, const struct wga_verdict *b)
{
	if (a->outcome != b->outcome || a->n_reasons != b->n_reasons)
		return false;
	for (size_t i = 0; i < a->n_reasons; i++)
		if (a->reasons[i].code != b->reasons[i].code ||
		    a->reasons[i].count != b->reasons[i].count ||
		    a->reasons[i].first.frame != b->reasons[i].first.frame)
			return false;
	return !memcmp(a->classes, b->classes, sizeof(a->classes));
}

/* What does a second look at the frames of a row say otherwise? */
static const char *review(const struct forge_mesh *m, struct wga_config *cfg,
			  const struct trap *t, unsigned int parts)
{
	static const char *const names[] = { "virbr-a", "virbr-b" };
	const struct forge *const caps[] = { &m->bridge[0], &m->bridge[1] };
	struct wga_verdict *v = NULL;
	struct wga_run *run;
	struct wga_err err;
	const char *why;

	cfg->review = true;
	run = forge_judge_parts(cfg, caps, names, m->bridges, t->loss,
				t->flags & TRAP_LIVE, WGA_BATCH_MAX, parts);
	if (wga_run_judge(run, &v, &err))
		fail_msg("%s: %s", t->name, err.text);
	why = forge_review(run, v, caps, names, m->bridges);
	if (!why)
		why = forge_review_traces(cfg, caps, names, m->bridges);
	wga_verdict_free(v);
	wga_run_free(run);
	cfg->review = false;
	return why;
}

/* Is the verdict on what evidence keeps of a row that of the row, @v, if it may be
 * believed, and never a pass if not?
 */
static const char *elided(const struct forge_mesh *m, struct wga_config *cfg,
			  const struct trap *t, const struct wga_verdict *v)
{
	static const char *const names[] = { "virbr-a", "virbr-b" };
	const struct forge *const caps[] = { &m->bridge[0], &m->bridge[1] };
	struct wga_verdict *whole = NULL, *less, *trusted;
	struct forge_mesh *kept = calloc(1, sizeof(*kept));
	struct wga_run *run;
	struct wga_err err;
	const char *why = NULL;
	size_t n;

	assert_non_null(kept);
	kept->bridges = m->bridges;
	cfg->review = true;
	run = forge_judge(cfg, caps, names, m->bridges, t->loss,
			  t->flags & TRAP_LIVE, WGA_BATCH_MAX);
	if (wga_run_judge(run, &whole, &err))
		fail_msg("%s: %s", t->name, err.text);
	n = forge_elide(run, whole, caps, names, m->bridges, kept->bridge);
	cfg->review = false;
	less = judge(kept, cfg, t, WGA_BATCH_MAX, false, 1);
	cfg->trust_elided = true;
	trusted = judge(kept, cfg, t, WGA_BATCH_MAX, false, 3);
	cfg->trust_elided = false;
	elisions += n;
	if (n && (less->outcome == WGA_PASS ||
		  !forge_has(less, WGA_CODE_TRUNCATED_FRAMES)))
		why = "elided frames pass without trust";
	else if (n && cfg->canaries ?
		 !forge_has(trusted, WGA_CODE_TRUNCATED_FRAMES) :
		 !same(v, trusted) || trusted->n_sessions != v->n_sessions ||
		 trusted->n_pairs != v->n_pairs || trusted->n_flows != v->n_flows)
		why = "elided frames are judged otherwise";
	if (why)
		forge_print(trusted);
	wga_verdict_free(whole);
	wga_verdict_free(less);
	wga_verdict_free(trusted);
	wga_run_free(run);
	forge_mesh_free(kept);
	free(kept);
	return why;
}

/* Return: 0 if the row holds */
static int run_row(const struct trap *t)
{
	static const unsigned int batches[] = { WGA_BATCH_MAX, 1, 5, WGA_BATCH_MAX };
	struct wga_verdict *first = NULL;
	struct forge_mesh *m = malloc(sizeof(*m));
	struct wga_config cfg;
	const char *why;

	assert_non_null(m);
	build(m, t);
	configure_row(&cfg, t, m);
	first = judge(m, &cfg, t, batches[0], false, 1);
	why = fault(t, first);
	for (unsigned int parts = 2;
	     parts < 5 && !why && !(t->flags & TRAP_WHOLE); parts++) {
		struct wga_verdict *again = judge(m, &cfg, t, batches[0], false,
						  parts);

		if (!same(first, again))
			why = "the number of parts matters";
		wga_verdict_free(again);
	}
	for (unsigned int i = 1; i < 4 && !why; i++) {
		bool swapped = i == 3;
		struct wga_verdict *again;

		if (swapped && (m->bridges == 1 || t->loss))
			break;
		again = judge(m, &cfg, t, batches[i], swapped, 1);
		if (!same(first, again))
			why = swapped ? "the order of bridges matters"
				      : "the size of batches matters";
		wga_verdict_free(again);
	}
	if (!why)
		why = review(m, &cfg, t, 1);
	if (!why)
		why = review(m, &cfg, t, 3);
	if (!why && !(t->flags & TRAP_WHOLE))
		why = elided(m, &cfg, t, first);
	if (why) {
		fprintf(stderr, "TRAP %s: %s\n", t->name, why);
		forge_print(first);
	}
	fired |= codes_of(first);
	quiet |= ~codes_of(first);
	wga_verdict_free(first);
	wga_config_free(&cfg);
	forge_mesh_free(m);
	free(m);
	return why ? 1 : 0;
}

static void run_table(const struct trap *table, size_t n)
{
	const char *only = getenv("TRAP");
	int failed = 0;

	for (size_t i = 0; i < n; i++)
		if (!only || strstr(table[i].name, only))
			failed += run_row(&table[i]);
	if (failed)
		fail_msg("%d of %zu rows failed", failed, n);
}

static void test_wire(void **state)
{
	(void)state;
	run_table(traps_wire, traps_wire_count);
}

static void test_clear(void **state)
{
	(void)state;
	run_table(traps_clear, traps_clear_count);
}

static void test_odd(void **state)
{
	(void)state;
	run_table(traps_odd, traps_odd_count);
}

static void test_covert(void **state)
{
	(void)state;
	run_table(traps_covert, traps_covert_count);
}

static void test_house(void **state)
{
	(void)state;
	run_table(traps_house, traps_house_count);
}

static void test_leak(void **state)
{
	(void)state;
	run_table(traps_leak, traps_leak_count);
}

static void test_tcp(void **state)
{
	(void)state;
	run_table(traps_tcp, traps_tcp_count);
}

static void test_record(void **state)
{
	(void)state;
	run_table(traps_record, traps_record_count);
}

static void test_wolf(void **state)
{
	(void)state;
	run_table(traps_wolf, traps_wolf_count);
}

static void test_canary(void **state)
{
	(void)state;
	run_table(traps_canary, traps_canary_count);
}

static void test_proof(void **state)
{
	(void)state;
	run_table(traps_proof, traps_proof_count);
}

/* runs last: it looks at what the tables did */
static void test_every_code(void **state)
{
	(void)state;
	if (getenv("TRAP"))
		skip();
	assert_true(elisions > 1000);
	for (unsigned int i = 0; i < WGA_CODE_COUNT; i++) {
		if (!(fired & 1u << i))
			fail_msg("no row fires %s", wga_code_name(i));
		if (!(quiet & 1u << i))
			fail_msg("every row fires %s", wga_code_name(i));
	}
}

/* a session with the right MAC1 is identified, and names its ends */
static void test_identified(void **state)
{
	static const struct trap row = { .name = "identified",
					 .flags = TRAP_REGISTRY };
	struct forge_mesh *m = malloc(sizeof(*m));
	struct wga_config cfg;
	struct wga_verdict *v;

	(void)state;
	assert_non_null(m);
	build(m, &row);
	configure_row(&cfg, &row, m);
	v = judge(m, &cfg, &row, WGA_BATCH_MAX, false, 1);
	assert_int_equal(v->outcome, WGA_PASS);
	assert_int_equal(v->n_sessions, FORGE_SESSIONS);
	for (size_t i = 0; i < v->n_sessions; i++) {
		const struct wga_session_report *s = &v->sessions[i];

		assert_int_equal(s->evidence, WGA_EVIDENCE_IDENTIFIED);
		assert_string_equal(s->path, "direct");
		assert_string_not_equal(s->initiator.name, "");
		assert_string_not_equal(s->responder.name, s->initiator.name);
	}
	wga_verdict_free(v);
	wga_config_free(&cfg);
	forge_mesh_free(m);
	free(m);
}

/* no violation can be accepted away, nor a code that does not exist */
static void test_accept(void **state)
{
	struct wga_config cfg;
	struct wga_err err;

	(void)state;
	wga_config_init(&cfg);
	assert_int_equal(wga_config_accept(&cfg, "plaintext", &err), -1);
	assert_int_equal(wga_config_accept(&cfg, "everything", &err), -1);
	assert_int_equal(wga_config_accept(&cfg, "late-start", &err), 0);
	wga_config_free(&cfg);
}

/* what is accepted stays in the list of reasons, marked */
static void test_accepted_is_listed(void **state)
{
	static const struct wga_loss loss = { .kernel_drops = 3 };
	static const struct trap row = {
		.name = "accepted", .loss = &loss,
		.options = { "--accept", "kernel-drops" },
	};
	struct forge_mesh *m = malloc(sizeof(*m));
	struct wga_config cfg;
	struct wga_verdict *v;
	bool listed = false;

	(void)state;
	assert_non_null(m);
	build(m, &row);
	configure_row(&cfg, &row, m);
	v = judge(m, &cfg, &row, WGA_BATCH_MAX, false, 1);
	assert_int_equal(v->outcome, WGA_PASS);
	for (size_t i = 0; i < v->n_reasons; i++)
		if (v->reasons[i].code == WGA_CODE_KERNEL_DROPS)
			listed = v->reasons[i].accepted;
	assert_true(listed);
	wga_verdict_free(v);
	wga_config_free(&cfg);
	forge_mesh_free(m);
	free(m);
}

static const char *reason_text(const struct wga_verdict *v, enum wga_code code)
{
	for (size_t i = 0; i < v->n_reasons; i++)
		if (v->reasons[i].code == code)
			return v->reasons[i].text;
	return "";
}

static unsigned int notes_with(const struct wga_verdict *v, const char *words)
{
	unsigned int n = 0;

	for (size_t i = 0; i < v->n_notes; i++)
		n += strstr(v->notes[i].text, words) != NULL;
	return n;
}

static void leak_canaries(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, VM_B, "736d616c6c2d626972642d31");
	forge_mesh_text(m, VM_A, VM_B, "a-canary-that-is-longer-than-shown");
	forge_mesh_text(m, VM_A, VM_C, "small-bird-1 a-canary-that-is-longer-"
				       "than-shown");
	/* a frame that was cut, of a connection */
	forge_tcp_send(m, &m->tls, true, "x", 1);
	m->bridge[0].frames[m->bridge[0].n - 2].caplen--;
}

/* which canaries were seen, in what form, how often, and where first: the same
 * in any order of bridges and any number of parts
 */
static void test_canary_text(void **state)
{
	static const struct trap row = {
		.name = "canary text", .flags = TRAP_TWO,
		.after = leak_canaries,
		.options = { "--canary", "a-canary-that-is-longer-than-shown",
			     "--canary", "small-bird-1",
			     "--canary", "not-to-be-seen" },
	};
	struct forge_mesh *m = malloc(sizeof(*m));
	struct wga_config cfg;
	char want[120];

	(void)state;
	assert_non_null(m);
	build(m, &row);
	configure_row(&cfg, &row, m);
	snprintf(want, sizeof(want), "2 canaries, \"small-bird-1\" in hex, in 3 "
		 "frames, first in virbr-b frame %zu", m->bridge[1].n - 1);
	for (unsigned int i = 0; i < 8; i++) {
		struct wga_verdict *v = judge(m, &cfg, &row, WGA_BATCH_MAX,
					      i & 1, 1 + i / 2);
		const char *text = reason_text(v, WGA_CODE_CANARY_SEEN);

		assert_int_equal(v->outcome, WGA_VIOLATION);
		if (!strstr(text, want))
			fail_msg("\"%s\" is not in: %s", want, text);
		assert_int_equal(notes_with(v, "canary seen: "
					       "\"a-canary-that-is-longer-...\" "
					       "as it is, in 3 frames"), 1);
		assert_int_equal(notes_with(v, "canary seen"), 1);
		assert_int_equal(notes_with(v, "in 1 flow"), 1);
		assert_int_equal(notes_with(v, "frames were cut"), 1);
		wga_verdict_free(v);
	}
	wga_config_free(&cfg);
	forge_mesh_free(m);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_covert),
		cmocka_unit_test(test_house),
		cmocka_unit_test(test_leak),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_wolf),
		cmocka_unit_test(test_canary),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_every_code),
		cmocka_unit_test(test_identified),
		cmocka_unit_test(test_canary_text),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_accepted_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
