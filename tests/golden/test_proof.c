/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/evidence.h"
#include "analyze/keylog.h"
#include "analyze/node_keys.h"
#include "tests/golden/forge_derp.h"
#include "tests/golden/forge_run.h"

/*
 * The real captures with their keys: what opening DERP and handshakes proves,
 * from all bridges and from some of them, in any order and in parts.
 */

#define ROOT	"tests/golden/captures/"
#define BRIDGES	3
#define ALL	7u
#define CODE(x)	(1u << WGA_CODE_##x)
#define VIOLATIONS	0x7fu

enum { TLS = 1, NODES = 2, BOTH = 3 };

static const char *const bridge_names[BRIDGES] = {
	"virbr-a", "virbr-b", "virbr-s",
};

#define ROAM	"../captures-new/roam"

static const char *const folders[] = {
	"join-direct", "late-start", "plaintext-leak", "relay", "leave", ROAM,
};
#define FOLDERS	(sizeof(folders) / sizeof(folders[0]))

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

static size_t folder_index(const char *folder)
{
	for (size_t i = 0; i < FOLDERS; i++)
		if (!strcmp(folders[i], folder))
			return i;
	fail_msg("no recording %s", folder);
	return 0;
}

static const char *in_folder(char path[static 256], const char *folder,
			     const char *file)
{
	snprintf(path, 256, ROOT "%s/%s", folder, file);
	return path;
}

static void configure(struct wga_config *cfg, const char *folder,
		      unsigned int keys, const char *require)
{
	struct wga_err err = { 0 };
	char path[256];
	bool shared;

	wga_config_init(cfg);
	if (wga_config_derp(cfg, "192.168.100.10:443", &err) ||
	    wga_config_control(cfg, "192.168.100.10:443", &err) ||
	    wga_config_mesh(cfg, in_folder(path, folder, "nodes.json"), &err) ||
	    wga_config_require(cfg, require, &err) ||
	    ((keys & TLS) &&
	     wga_keylog_load(&cfg->keylog, in_folder(path, folder, "tls.keys"),
			     &shared, &err)) ||
	    ((keys & NODES) &&
	     wga_node_keys_load(&cfg->node_keys,
				in_folder(path, folder,
					  "node-private-keys.txt"),
				&shared, &err)))
		fail_msg("%s: %s", folder, err.text);
}

/* one run over the bridges in @order, as many as are set in @which */
static struct wga_run *read_bridges(const struct wga_config *cfg,
				    const struct recording *r,
				    unsigned int which,
				    const unsigned int order[BRIDGES],
				    unsigned int parts)
{
	const struct forge *caps[BRIDGES];
	const char *names[BRIDGES];
	size_t n = 0;

	for (unsigned int i = 0; i < BRIDGES; i++) {
		if (!(which >> order[i] & 1))
			continue;
		caps[n] = &r->bridge[order[i]];
		names[n++] = bridge_names[order[i]];
	}
	return forge_judge_parts(cfg, caps, names, n, NULL, false,
				 WGA_BATCH_MAX, parts);
}

static const unsigned int orders[6][BRIDGES] = {
	{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
};

static struct wga_verdict *judge_run(const struct wga_run *run)
{
	struct wga_verdict *v = NULL;
	struct wga_err err = { 0 };

	if (wga_run_judge(run, &v, &err))
		fail_msg("%s", err.text);
	assert_int_equal(forge_class_frames(v), forge_input_frames(v));
	return v;
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
 * @any:	codes that may be there too
 */
struct expectation {
	const char *folder;
	unsigned int keys, which;
	const char *require;
	enum wga_outcome outcome;
	uint32_t all, any;
};

static const struct expectation expectations[] = {
	{ "join-direct", BOTH, ALL, "opened", WGA_PASS, 0, 0 },
	{ "join-direct", TLS, ALL, "opened", WGA_INCONCLUSIVE,
	  CODE(WEAK_EVIDENCE), 0 },
	{ "join-direct", NODES, ALL, "opened", WGA_INCONCLUSIVE,
	  CODE(WEAK_EVIDENCE), 0 },
	{ "join-direct", 0, ALL, "opened", WGA_INCONCLUSIVE,
	  CODE(WEAK_EVIDENCE), 0 },
	{ "join-direct", TLS, ALL, "identified", WGA_PASS, 0, 0 },
	{ "join-direct", BOTH, ALL, "bound", WGA_PASS, 0, 0 },
	{ "relay", TLS, ALL, "bound", WGA_PASS, 0, 0 },
	{ "relay", TLS, ALL, "identified", WGA_PASS, 0, 0 },
	{ "relay", BOTH, ALL, "opened", WGA_PASS, 0, 0 },
	{ "relay", TLS, ALL, "opened", WGA_PASS, 0, 0 },
	{ "relay", NODES, ALL, "bound", WGA_INCONCLUSIVE,
	  CODE(NO_ENCRYPTED_TRAFFIC), CODE(LATE_START) },
	{ "relay", 0, ALL, "bound", WGA_INCONCLUSIVE,
	  CODE(NO_ENCRYPTED_TRAFFIC), CODE(LATE_START) },
	{ "plaintext-leak", BOTH, ALL, "bound", WGA_VIOLATION,
	  CODE(PLAINTEXT), ~VIOLATIONS },
	{ "late-start", BOTH, ALL, "bound", WGA_INCONCLUSIVE,
	  CODE(LATE_START), 0 },
	{ "leave", BOTH, ALL, "bound", WGA_INCONCLUSIVE, 0, ~VIOLATIONS },
	{ "leave", TLS, ALL, "bound", WGA_INCONCLUSIVE, 0, ~VIOLATIONS },
	{ ROAM, BOTH, ALL, "opened", WGA_PASS, 0, 0 },
	{ ROAM, TLS, ALL, "identified", WGA_PASS, 0, 0 },
	{ ROAM, 0, ALL, "identified", WGA_PASS, 0, 0 },
	{ ROAM, TLS, ALL, "opened", WGA_INCONCLUSIVE, CODE(WEAK_EVIDENCE), 0 },
};

static bool check(const struct expectation *e)
{
	struct wga_config cfg;
	struct wga_run *run;
	struct wga_verdict *v;
	uint32_t codes;
	bool fits;

	configure(&cfg, e->folder, e->keys, e->require);
	run = read_bridges(&cfg, &recordings[folder_index(e->folder)], e->which,
			   orders[0], 1);
	v = judge_run(run);
	codes = codes_of(v);
	fits = v->outcome == e->outcome && (codes & e->all) == e->all &&
	       !(codes & ~(e->all | e->any));
	if (!fits) {
		fprintf(stderr, "CAPTURE %s keys %u bridges %u --require %s\n",
			e->folder, e->keys, e->which, e->require);
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
		failed += !check(&expectations[i]);
	assert_int_equal(failed, 0);
}

/* Some of the bridges are enough where they show the sessions: the bridge of
 * one end, or for a relayed session any.
 */
static void test_some_bridges(void **state)
{
	(void)state;
	for (size_t i = 0; i < FOLDERS; i++) {
		bool leaks = !strcmp(folders[i], "plaintext-leak");
		bool relay = !strcmp(folders[i], "relay");
		bool join = !strcmp(folders[i], "join-direct");
		bool roam = !strcmp(folders[i], ROAM);

		for (unsigned int which = 1; which < ALL; which++) {
			bool server_only = which == 4;
			/* vm-a asks a name server on virbr-b */
			bool stranger = (which & 3) == 1;
			enum wga_outcome want = relay ||
				(roam && !stranger) || (join && !server_only) ?
				WGA_PASS : leaks && !server_only ?
				WGA_VIOLATION : WGA_INCONCLUSIVE;
			struct wga_config cfg;
			struct wga_run *run;
			struct wga_verdict *v;

			configure(&cfg, folders[i], BOTH, "opened");
			run = read_bridges(&cfg, &recordings[i], which,
					   orders[0], 1);
			v = judge_run(run);
			if (v->outcome != want)
				fail_msg("%s, bridges %u: %s", folders[i],
					 which, wga_outcome_name(v->outcome));
			wga_verdict_free(v);
			wga_run_free(run);
			wga_config_free(&cfg);
		}
	}
}

/* the verdict but for inputs and flows, which are listed in any order */
static char *digest_of(const struct wga_run *run)
{
	struct wga_verdict *v = judge_run(run);
	json_t *doc = forge_json(v);
	char *digest;

	assert_non_null(doc);
	json_object_del(doc, "capture");
	json_object_del(doc, "flows");
	digest = json_dumps(doc, JSON_SORT_KEYS | JSON_INDENT(1));
	json_decref(doc);
	wga_verdict_free(v);
	assert_non_null(digest);
	return digest;
}

static void test_orders_and_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < FOLDERS; i++) {
		struct wga_config cfg;
		char *want = NULL;

		configure(&cfg, folders[i], BOTH, "opened");
		for (unsigned int k = 0; k < 12; k++) {
			struct wga_run *run = read_bridges(&cfg, &recordings[i],
				ALL, orders[k % 6], k < 6 ? 1 : k - 4);
			char *got = digest_of(run);

			if (want && strcmp(want, got))
				fail_msg("%s, order %u:\n%s\ninstead of\n%s",
					 folders[i], k, got, want);
			if (!want)
				want = got;
			else
				free(got);
			wga_run_free(run);
		}
		free(want);
		wga_config_free(&cfg);
	}
}

static struct wga_verdict *judge_folder(struct wga_config *cfg,
					struct wga_run **run,
					const char *folder, unsigned int keys)
{
	configure(cfg, folder, keys, "bound");
	*run = read_bridges(cfg, &recordings[folder_index(folder)], ALL,
			    orders[0], 1);
	return judge_run(*run);
}

/* relayed sessions and pairs are listed by names and underlay addresses */
static void test_relay_report(void **state)
{
	const struct wga_addr a = wga_addr_v4((const uint8_t[4]){ 192, 168, 1, 10 });
	const struct wga_addr b = wga_addr_v4((const uint8_t[4]){ 10, 0, 0, 10 });
	struct wga_config cfg;
	struct wga_run *run;
	struct wga_verdict *v = judge_folder(&cfg, &run, "relay", TLS);
	const struct wga_session_report *s = v->sessions;
	const struct wga_pair_report *p = v->pairs;

	(void)state;
	assert_int_equal(v->n_sessions, 1);
	assert_string_equal(s->path, "derp");
	assert_int_equal(s->evidence, WGA_EVIDENCE_OPENED);
	assert_string_equal(s->initiator.name, "vm-a");
	assert_string_equal(s->responder.name, "vm-b");
	assert_true(s->initiator.has_addr && s->responder.has_addr);
	assert_true(wga_addr_equal(&s->initiator.addr, &a));
	assert_true(wga_addr_equal(&s->responder.addr, &b));
	assert_int_equal(v->n_pairs, 1);
	assert_int_equal(p->derp, s->messages);
	assert_int_equal(p->direct + p->relay, 0);
	assert_true(wga_addr_equal(&p->a.addr, &b));
	assert_true(wga_addr_equal(&p->b.addr, &a));
	for (size_t i = 0; i < v->n_flows; i++)
		if (v->flows[i].cls == WGA_CLASS_DERP)
			assert_int_equal(v->flows[i].evidence,
					 WGA_EVIDENCE_OPENED);
	wga_verdict_free(v);
	wga_run_free(run);
	wga_config_free(&cfg);
}

/* Without keys the relay says how much there is that keys would open. */
static void test_sealed_relay(void **state)
{
	struct wga_config cfg;
	struct wga_run *run;
	struct wga_verdict *v = judge_folder(&cfg, &run, "relay", 0);
	bool said = false, noted = false;

	(void)state;
	assert_int_equal(v->n_sessions, 0);
	for (size_t i = 0; i < v->n_reasons; i++)
		said |= v->reasons[i].code == WGA_CODE_NO_ENCRYPTED_TRAFFIC &&
			strstr(v->reasons[i].text, "--tls-keys") != NULL;
	for (size_t i = 0; i < v->n_notes; i++)
		noted |= strstr(v->notes[i].text, "by chance") != NULL;
	for (size_t i = 0; i < v->n_flows; i++)
		if (v->flows[i].cls == WGA_CLASS_DERP)
			assert_int_equal(v->flows[i].evidence,
					 WGA_EVIDENCE_BOUND);
	assert_true(said);
	assert_true(noted);
	wga_verdict_free(v);
	wga_run_free(run);
	wga_config_free(&cfg);
}

/* one bridge of the relay, with all keys */
static struct wga_bridge *relay_bridge(struct wga_config *cfg)
{
	struct wga_bridge *br;

	configure(cfg, "relay", BOTH, "bound");
	br = wga_bridge_new(cfg, "virbr-a", false);
	assert_non_null(br);
	forge_feed(&recordings[folder_index("relay")].bridge[0], br,
		   WGA_BATCH_MAX);
	return br;
}

/* An initiation between the same nodes, a second before, with this timestamp
 * in the last byte but three; the one that was there is to be like it.
 */
static void add_initiation(struct wga_bridge *br, uint8_t time)
{
	const struct wga_handshake *real = NULL;
	struct wga_wg_message m = { .type = WGA_WG_INITIATION, .digest = 1 };
	struct wga_handshake copy, *h;
	struct wga_stamp at;

	for (size_t i = 0; i < br->sessions.n_handshakes; i++)
		if (br->sessions.h[i].opening == WGA_OPENING_DONE)
			real = &br->sessions.h[i];
	assert_non_null(real);
	copy = *real;
	at = (struct wga_stamp){ copy.at.frame, copy.at.time_ns - 1000000000 };
	h = wga_sessions_handshake(&br->sessions, &m, &copy.from, &copy.to, &at);
	assert_non_null(h);
	copy.sender = 1;
	copy.digest = 1;
	copy.at = at;
	copy.tai64n[8] = time;
	*h = copy;
}

/* What was opened of the handshake stands against a session, even if all that
 * carried it was opened too.
 */
static void test_carried_but_falls(void **state)
{
	static const uint8_t times[] = { 0, 0xff };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		enum wga_evidence least = WGA_EVIDENCE_OPENED;
		struct wga_config cfg;
		struct wga_bridge *br = relay_bridge(&cfg);
		struct wga_proofs *pr;

		add_initiation(br, times[i]);
		pr = wga_proofs_new(&cfg, &br, 1, br->first_ns);
		assert_non_null(pr);
		assert_true(pr->n > 0);
		for (uint32_t k = 0; k < pr->n; k++) {
			assert_true(pr->p[k].carried);
			if (pr->p[k].evidence < least)
				least = pr->p[k].evidence;
		}
		assert_int_equal(least, i ? WGA_EVIDENCE_IDENTIFIED :
					    WGA_EVIDENCE_OPENED);
		wga_proofs_free(pr);
		wga_bridge_free(br);
		wga_config_free(&cfg);
	}
}

/* A connection that one of its bridges could not open is not opened. */
static void test_opened_on_all_bridges(void **state)
{
	const struct recording *r = &recordings[folder_index("relay")];
	const struct forge *caps[2] = { &r->bridge[0], NULL };
	struct forge late;
	struct wga_config cfg;
	struct wga_run *run;
	struct wga_verdict *v;
	size_t derp = 0;

	(void)state;
	forge_init(&late);
	for (size_t i = 0; i < r->bridge[2].n; i++)
		forge_insert(&late, i, r->bridge[2].frames[i].data,
			     r->bridge[2].frames[i].caplen)->time_ns =
			r->bridge[2].frames[i].time_ns;
	forge_drop(&late, 0, late.n / 2);
	caps[1] = &late;
	configure(&cfg, "relay", TLS, "opened");
	for (unsigned int swap = 0; swap < 2; swap++) {
		const char *names[2] = { swap ? "z" : "a", "m" };

		run = forge_judge(&cfg, caps, names, 2, NULL, false,
				  WGA_BATCH_MAX);
		v = judge_run(run);
		assert_int_equal(v->outcome, WGA_INCONCLUSIVE);
		for (size_t i = 0; i < v->n_flows; i++) {
			if (v->flows[i].cls != WGA_CLASS_DERP)
				continue;
			assert_int_not_equal(v->flows[i].evidence,
					     WGA_EVIDENCE_OPENED);
			derp++;
		}
		wga_verdict_free(v);
		wga_run_free(run);
	}
	assert_true(derp > 0);
	wga_config_free(&cfg);
	forge_free(&late);
}

static void pass_message(struct forge_mesh *m, struct forge_tcp *from,
			 struct forge_tcp *to, uint32_t receiver)
{
	uint8_t b[96];

	forge_derp_pass(m, from, to, b,
			forge_wg_data(&m->seed, b, receiver, 0, sizeof(b)));
}

/* Two nodes behind one address are a pair all the same. */
static void test_one_address(void **state)
{
	struct forge_mesh *m = malloc(sizeof(*m));
	const struct forge *cap;
	const char *name = "virbr-a";
	struct forge_tcp a, b;
	struct wga_config cfg;
	struct wga_run *run;
	struct wga_verdict *v;

	(void)state;
	assert_non_null(m);
	for (unsigned int nat = 0; nat < 2; nat++) {
		const struct wga_pair_report *p;

		forge_mesh_init(m, 1);
		cap = &m->bridge[0];
		if (nat)
			memcpy(m->host[VM_C].ip, m->host[VM_A].ip, 4);
		forge_derp_open(m, &a, VM_A);
		forge_derp_open(m, &b, VM_C);
		pass_message(m, &a, &b, 1);
		pass_message(m, &b, &a, 2);
		configure(&cfg, "relay", 0, "bound");
		run = forge_judge(&cfg, &cap, &name, 1, NULL, false, 1);
		v = judge_run(run);
		assert_int_equal(v->n_pairs, 1);
		p = &v->pairs[0];
		assert_int_equal(p->derp, 2);
		assert_true(p->a.has_addr && p->b.has_addr);
		assert_int_equal(wga_addr_equal(&p->a.addr, &p->b.addr), nat);
		assert_int_equal(strncmp(p->a.name, "nodekey:", 8), 0);
		assert_int_equal(strncmp(p->b.name, "nodekey:", 8), 0);
		assert_string_not_equal(p->a.name, p->b.name);
		assert_int_equal(v->n_sessions, 1);
		assert_true(v->sessions[0].initiator.has_addr);
		wga_verdict_free(v);
		wga_run_free(run);
		wga_config_free(&cfg);
		forge_mesh_free(m);
	}
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_some_bridges),
		cmocka_unit_test(test_orders_and_parts),
		cmocka_unit_test(test_relay_report),
		cmocka_unit_test(test_sealed_relay),
		cmocka_unit_test(test_carried_but_falls),
		cmocka_unit_test(test_opened_on_all_bridges),
		cmocka_unit_test(test_one_address),
	};

	return cmocka_run_group_tests(tests, load_all, free_all);
}
