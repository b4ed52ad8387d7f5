/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "report/report.h"
#include "report/term.h"

#define T0	UINT64_C(1795321145123456789) /* 2026-11-22 04:19:05 UTC */
#define SECOND	UINT64_C(1000000000)

static struct wga_flow_end ip_end(uint8_t last, uint16_t port, const char *name)
{
	const uint8_t b[4] = { 192, 168, 1, last };
	struct wga_flow_end end = {
		.addr = wga_addr_v4(b), .port = port, .has_addr = true,
	};

	snprintf(end.name, sizeof(end.name), "%s", name);
	return end;
}

/* a verdict with one of everything; arrays belong to the caller's frame */
struct sample {
	struct wga_verdict v;
	struct wga_reason reasons[2];
	struct wga_input_report inputs[2];
	struct wga_flow_report flows[3];
	struct wga_session_report sessions[1];
	struct wga_pair_report pairs[1];
	struct wga_note notes[2];
};

static void sample_flows(struct sample *s)
{
	s->flows[0] = (struct wga_flow_report){
		.cls = WGA_CLASS_WIREGUARD, .evidence = WGA_EVIDENCE_BOUND,
		.protocol = "udp", .a = ip_end(10, 41641, "vm-a"),
		.b = ip_end(11, 41641, "vm-c"), .bridges = 3, .frames = 100,
		.bytes = 50000, .first_ns = T0, .last_ns = T0 + 2 * SECOND,
		.first = { "a.pcap", false, 1, T0 },
	};
	s->flows[1] = (struct wga_flow_report){
		.cls = WGA_CLASS_PLAINTEXT, .protocol = "tcp",
		.a = ip_end(10, 40000, "vm-a"), .b = ip_end(11, 80, ""),
		.bridges = 2, .frames = 12, .bytes = 1800,
		.first_ns = T0 + SECOND, .last_ns = T0 + SECOND,
		.first = { "br1", true, 41, T0 + SECOND }, .detail = "HTTP request",
	};
	s->flows[2] = (struct wga_flow_report){
		.cls = WGA_CLASS_HOUSEKEEPING, .protocol = "arp",
		.a = { .name = "52:54:00:00:00:0a" }, .b = { .name = "" },
		.bridges = 1, .frames = 2, .bytes = 84, .first_ns = T0,
		.last_ns = T0, .first = { "a.pcap", false, 3, T0 },
	};
}

static void sample_init(struct sample *s)
{
	*s = (struct sample){
		.reasons = {
			{ .code = WGA_CODE_LATE_START, .accepted = true,
			  .count = 1, .text = "a session began before" },
			{ .code = WGA_CODE_PLAINTEXT, .count = 12,
			  .text = "readable frames between hosts",
			  .first = { "br1", true, 41, T0 + SECOND } },
		},
		.inputs = {
			{ .name = "a.pcap", .frames = 52, .bytes = 26000,
			  .first_ns = T0, .last_ns = T0 + 2 * SECOND },
			{ .name = "br1", .live = true, .frames = 62,
			  .bytes = 25884, .kernel_drops = 7,
			  .first_ns = T0 + SECOND, .last_ns = T0 + 3 * SECOND },
		},
		.sessions = {
			{ .initiator = ip_end(10, 41641, "vm-a"),
			  .responder = ip_end(11, 41641, "vm-c"),
			  .evidence = WGA_EVIDENCE_BOUND, .messages = 120,
			  .first_ns = T0, .last_ns = T0 + SECOND,
			  .path = "direct", .detail = "handshake seen" },
		},
		.pairs = {
			{ .a = ip_end(10, 0, "vm-a"), .b = ip_end(11, 0, "vm-c"),
			  .direct = 120, .derp = 4, .outcome = WGA_PASS },
		},
		.notes = {
			{ .count = 2, .text = "TLS records were not opened" },
			{ .count = 0, .text = "no registry was given" },
		},
	};
	sample_flows(s);
	s->v = (struct wga_verdict){
		.outcome = WGA_VIOLATION,
		.reasons = s->reasons, .n_reasons = 2,
		.inputs = s->inputs, .n_inputs = 2,
		.flows = s->flows, .n_flows = 3,
		.sessions = s->sessions, .n_sessions = 1,
		.pairs = s->pairs, .n_pairs = 1,
		.notes = s->notes, .n_notes = 2,
	};
	s->v.classes[WGA_CLASS_WIREGUARD] =
		(struct wga_class_sum){ 100, 50000, 120 };
	s->v.classes[WGA_CLASS_PLAINTEXT] = (struct wga_class_sum){ 12, 1800, 0 };
	s->v.classes[WGA_CLASS_HOUSEKEEPING] = (struct wga_class_sum){ 2, 84, 0 };
}

/* what a renderer writes; the caller frees it */
static char *render(const struct wga_renderer *r, const struct wga_verdict *v,
		    const struct wga_render_options *opt)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(r->verdict(out, v, opt), 0);
	fclose(out);
	return text;
}

static const struct wga_render_options plain = { 0 };

static void check_text(const struct wga_verdict *v,
		       const struct wga_render_options *opt, const char *want)
{
	char *got = render(&wga_render_text, v, opt);

	assert_string_equal(got, want);
	free(got);
}

#define BRIEF_TEXT \
	"VIOLATION (accepted: late-start): 114 frames (52 kB) of 2 inputs, 3.000 s from 2026-11-22 04:19:05 UTC, 7 lost\n" \
	"  plaintext (12): readable frames between hosts\n" \
	"      first: bridge br1 frame 41, 04:19:06.123456789 UTC\n" \
	"  late-start (1), accepted: a session began before\n"

static void test_text_full(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	check_text(&s.v, &plain, BRIEF_TEXT
		"\n"
		"Inputs\n"
		"          52 frames     26 kB  a.pcap\n"
		"          62 frames     26 kB  br1, 7 lost\n"
		"\n"
		"Frames by class\n"
		"  wireguard            100     50 kB  120 messages\n"
		"  housekeeping           2      84 B\n"
		"  plaintext             12    1.8 kB\n"
		"  sum                  114\n"
		"\n"
		"Flows\n"
		"  class         evidence    protocol  a                        b                            frames     bytes  what was seen\n"
		"  plaintext     -           tcp       vm-a 192.168.1.10:40000  192.168.1.11:80                  12    1.8 kB  HTTP request\n"
		"  wireguard     bound       udp       vm-a 192.168.1.10:41641  vm-c 192.168.1.11:41641         100     50 kB  -\n"
		"  housekeeping  -           arp       52:54:00:00:00:0a        -                                 2      84 B  -\n"
		"\n"
		"WireGuard sessions\n"
		"  bound       direct         120 messages  vm-a 192.168.1.10:41641 -> vm-c 192.168.1.11:41641  handshake seen\n"
		"\n"
		"Pairs of hosts, WireGuard messages by path\n"
		"  pass          direct 120, derp 4, relay 0  vm-a 192.168.1.10 - vm-c 192.168.1.11\n"
		"\n"
		"What the verdict rests on, and what was not judged\n"
		"  TLS records were not opened (2)\n"
		"  no registry was given\n");
}

static void test_text_brief(void **state)
{
	struct wga_render_options brief = { .brief = true };
	struct sample s;

	(void)state;
	sample_init(&s);
	check_text(&s.v, &brief, BRIEF_TEXT);
}

static void test_text_outcomes(void **state)
{
	struct wga_render_options brief = { .brief = true };
	struct wga_verdict v = { .outcome = WGA_PASS };

	(void)state;
	check_text(&v, &brief, "PASS: 0 frames (0 B) of 0 inputs\n");
	v.outcome = WGA_INCONCLUSIVE;
	check_text(&v, &brief, "INCONCLUSIVE: 0 frames (0 B) of 0 inputs\n");
	brief.color = true;
	check_text(&v, &brief, WGA_TERM_YELLOW "INCONCLUSIVE" WGA_TERM_RESET
		   ": 0 frames (0 B) of 0 inputs\n");
	v.outcome = WGA_PASS;
	check_text(&v, &brief, WGA_TERM_GREEN "PASS" WGA_TERM_RESET
		   ": 0 frames (0 B) of 0 inputs\n");
}

static void test_text_color(void **state)
{
	struct wga_render_options opt = { .color = true };
	struct sample s;
	char *got;

	(void)state;
	sample_init(&s);
	got = render(&wga_render_text, &s.v, &opt);
	assert_non_null(strstr(got, WGA_TERM_RED "VIOLATION" WGA_TERM_RESET));
	assert_non_null(strstr(got, WGA_TERM_RED "plaintext" WGA_TERM_RESET));
	assert_non_null(strstr(got, WGA_TERM_RED "plaintext   " WGA_TERM_RESET));
	assert_null(strstr(got, WGA_TERM_RED "wireguard"));
	free(got);
	got = render(&wga_render_text, &s.v, &plain);
	assert_null(strchr(got, '\033'));
	free(got);
}

/* violating flows are shown even when they come after many others */
static void test_text_many_flows(void **state)
{
	static struct wga_flow_report flows[60];
	struct wga_verdict v = { .flows = flows, .n_flows = 60 };
	char *got, *line;
	size_t i, lines = 0;

	(void)state;
	for (i = 0; i < 60; i++)
		flows[i] = (struct wga_flow_report){
			.cls = i == 59 ? WGA_CLASS_UNEXPLAINED : WGA_CLASS_STUN,
			.protocol = "udp", .a = ip_end(10, 1, ""),
			.b = ip_end(11, 2, ""),
		};
	got = render(&wga_render_text, &v, &plain);
	for (line = strstr(got, "  unexplained   -"); line;
	     line = strstr(line + 1, "\n  stun "))
		lines++;
	assert_int_equal(lines, 40);
	assert_non_null(strstr(got, "  and 20 more (--json has all)\n"));
	free(got);
}

/* whatever captures and files hold, nothing but plain text comes out */
static void poison(struct sample *s)
{
	static const char bad[] = "\033]0;x\a\r\n\t\x9b" "2J\x7f\xc2\x9b\xe2\x80\xae";

	sample_init(s);
	s->inputs[0].name = s->inputs[1].name = bad;
	s->flows[0].first.input = s->reasons[1].first.input = bad;
	snprintf(s->reasons[0].text, sizeof(s->reasons[0].text), "%s", bad);
	snprintf(s->flows[0].detail, sizeof(s->flows[0].detail), "%s", bad);
	snprintf(s->flows[0].protocol, sizeof(s->flows[0].protocol), "%s", bad);
	snprintf(s->flows[0].a.name, sizeof(s->flows[0].a.name), "%s", bad);
	snprintf(s->flows[2].a.name, sizeof(s->flows[2].a.name), "%s", bad);
	snprintf(s->sessions[0].detail, sizeof(s->sessions[0].detail), "%s", bad);
	snprintf(s->sessions[0].initiator.name, 64, "%s", bad);
	snprintf(s->pairs[0].b.name, sizeof(s->pairs[0].b.name), "%s", bad);
	snprintf(s->notes[0].text, sizeof(s->notes[0].text), "%s", bad);
}

static void check_harmless(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c != '\n' && (c < 0x20 || c > 0x7e))
			fail_msg("byte 0x%02x came out", c);
	}
}

static void test_text_poison(void **state)
{
	struct wga_err err = { .code = "usage", .text = "no \033[2J file" };
	struct sample s;
	char *got;
	size_t len;
	FILE *out;

	(void)state;
	poison(&s);
	got = render(&wga_render_text, &s.v, &plain);
	check_harmless(got);
	assert_non_null(strstr(got, "\\x1b]0;x\\x07\\x0d\\x0a\\x09\\x9b"));
	free(got);

	out = open_memstream(&got, &len);
	assert_int_equal(wga_render_text.error(out, &err, &plain), 0);
	fclose(out);
	assert_string_equal(got, "wgaudit: no \\x1b[2J file\n");
	free(got);
}

static void test_clean_fits(void **state)
{
	char buf[8];

	(void)state;
	assert_string_equal(wga_term_clean("abcdefghij", buf, sizeof(buf)),
			    "abcdefg");
	assert_string_equal(wga_term_clean("abc\001\002", buf, sizeof(buf)),
			    "abc\\x01");
	assert_string_equal(wga_term_clean("abcd\001", buf, sizeof(buf)), "abcd");
	assert_string_equal(wga_term_clean("", buf, sizeof(buf)), "");
}

static void test_bytes(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(wga_term_bytes(0, buf), "0 B");
	assert_string_equal(wga_term_bytes(999, buf), "999 B");
	assert_string_equal(wga_term_bytes(1000, buf), "1.0 kB");
	assert_string_equal(wga_term_bytes(9960, buf), "10 kB");
	assert_string_equal(wga_term_bytes(999499, buf), "999 kB");
	assert_string_equal(wga_term_bytes(999500, buf), "1.0 MB");
	assert_string_equal(wga_term_bytes(1.8e19, buf), "18000 PB");
}

static json_t *render_json(const struct wga_verdict *v)
{
	char *text = render(&wga_render_json, v, &plain);
	json_error_t where;
	json_t *doc = json_loads(text, JSON_REJECT_DUPLICATES, &where);

	if (!doc)
		fail_msg("line %d: %s in %s", where.line, where.text, text);
	check_harmless(text);
	free(text);
	return doc;
}

static void check_str(const json_t *obj, const char *key, const char *want)
{
	const json_t *value = json_object_get(obj, key);

	if (!want) {
		assert_true(json_is_null(value));
		return;
	}
	if (!json_is_string(value))
		fail_msg("%s is no string", key);
	assert_string_equal(json_string_value(value), want);
}

static void check_int(const json_t *obj, const char *key, json_int_t want)
{
	const json_t *value = json_object_get(obj, key);

	if (!json_is_integer(value))
		fail_msg("%s is no integer", key);
	assert_int_equal(json_integer_value(value), want);
}

static json_t *at(const json_t *doc, const char *key, size_t i)
{
	json_t *element = json_array_get(json_object_get(doc, key), i);

	if (!element)
		fail_msg("no %s[%zu]", key, i);
	return element;
}

/* exactly these keys, in this order */
static void check_keys(const json_t *obj, const char *const *keys)
{
	void *iter = json_object_iter((json_t *)(uintptr_t)obj);

	for (; *keys; keys++) {
		assert_non_null(iter);
		assert_string_equal(json_object_iter_key(iter), *keys);
		iter = json_object_iter_next((json_t *)(uintptr_t)obj, iter);
	}
	assert_null(iter);
}

static void test_json_verdict(void **state)
{
	struct sample s;
	json_t *doc, *reason;

	(void)state;
	sample_init(&s);
	doc = render_json(&s.v);
	check_keys(doc, (const char *const[]){
		"schema", "verdict", "reasons", "accepted", "capture", "classes",
		"flows", "sessions", "pairs", "notes", NULL,
	});
	check_str(doc, "schema", "wgaudit/1");
	check_str(doc, "verdict", "violation");

	reason = at(doc, "reasons", 0);
	check_keys(reason, (const char *const[]){
		"code", "severity", "count", "text", "accepted", "first", NULL,
	});
	check_str(reason, "code", "late-start");
	check_str(reason, "severity", "inconclusive");
	assert_true(json_is_true(json_object_get(reason, "accepted")));
	assert_true(json_is_null(json_object_get(reason, "first")));
	reason = at(doc, "reasons", 1);
	check_str(reason, "severity", "violation");
	check_int(reason, "count", 12);
	assert_true(json_is_false(json_object_get(reason, "accepted")));
	reason = json_object_get(reason, "first");
	check_keys(reason, (const char *const[]){
		"bridge", "frame", "time", NULL,
	});
	check_str(reason, "bridge", "br1");
	check_int(reason, "frame", 41);
	check_str(reason, "time", "1795321146.123456789");

	assert_int_equal(json_array_size(json_object_get(doc, "accepted")), 1);
	assert_string_equal(json_string_value(at(doc, "accepted", 0)),
			    "late-start");
	json_decref(doc);
}

static void test_json_capture(void **state)
{
	struct sample s;
	json_t *doc, *capture, *input;

	(void)state;
	sample_init(&s);
	doc = render_json(&s.v);
	capture = json_object_get(doc, "capture");
	check_keys(capture, (const char *const[]){
		"inputs", "frames", "bytes", "kernel_drops", "first_time",
		"last_time", "duration_s", NULL,
	});
	check_int(capture, "frames", 114);
	check_int(capture, "bytes", 51884);
	check_int(capture, "kernel_drops", 7);
	check_str(capture, "first_time", "1795321145.123456789");
	check_str(capture, "last_time", "1795321148.123456789");
	assert_true(json_real_value(json_object_get(capture, "duration_s")) == 3);
	input = at(capture, "inputs", 1);
	check_keys(input, (const char *const[]){
		"name", "frames", "bytes", "kernel_drops", "first_time",
		"last_time", NULL,
	});
	check_str(input, "name", "br1");
	check_int(input, "kernel_drops", 7);
	json_decref(doc);
}

static void test_json_classes(void **state)
{
	struct sample s;
	json_t *doc, *classes;
	int i;

	(void)state;
	sample_init(&s);
	doc = render_json(&s.v);
	classes = json_object_get(doc, "classes");
	assert_int_equal(json_object_size(classes), WGA_CLASS_COUNT);
	for (i = 0; i < WGA_CLASS_COUNT; i++) {
		const char *name = wga_class_name((enum wga_class)i);
		json_t *c = json_object_get(classes, name);

		check_int(c, "frames", (json_int_t)s.v.classes[i].frames);
		check_int(c, "bytes", (json_int_t)s.v.classes[i].bytes);
		assert_int_equal(json_object_size(c),
				 i == WGA_CLASS_WIREGUARD ? 3 : 2);
	}
	check_int(json_object_get(classes, "wireguard"), "messages", 120);
	json_decref(doc);
}

static void test_json_flows(void **state)
{
	struct sample s;
	json_t *doc, *flow, *bridges;

	(void)state;
	sample_init(&s);
	doc = render_json(&s.v);
	flow = at(doc, "flows", 0);
	check_keys(flow, (const char *const[]){
		"class", "evidence", "protocol", "a", "b", "bridges", "frames",
		"bytes", "first_time", "last_time", "first_frame", "first",
		"detail", NULL,
	});
	check_str(flow, "evidence", "bound");
	check_str(json_object_get(flow, "a"), "addr", "192.168.1.10");
	check_int(json_object_get(flow, "a"), "port", 41641);
	check_str(json_object_get(flow, "a"), "name", "vm-a");
	bridges = json_object_get(flow, "bridges");
	assert_int_equal(json_array_size(bridges), 2);
	assert_string_equal(json_string_value(json_array_get(bridges, 1)), "br1");

	flow = at(doc, "flows", 1);
	bridges = json_object_get(flow, "bridges");
	assert_int_equal(json_array_size(bridges), 1);
	assert_string_equal(json_string_value(json_array_get(bridges, 0)), "br1");
	check_str(flow, "evidence", NULL);
	check_str(flow, "detail", "HTTP request");
	check_int(flow, "first_frame", 41);
	check_str(json_object_get(flow, "first"), "bridge", "br1");
	check_str(json_object_get(flow, "b"), "name", NULL);

	flow = at(doc, "flows", 2);
	check_str(json_object_get(flow, "a"), "addr", NULL);
	check_str(json_object_get(flow, "a"), "port", NULL);
	check_str(json_object_get(flow, "a"), "name", "52:54:00:00:00:0a");
	check_str(flow, "detail", NULL);
	check_str(json_object_get(flow, "first"), "file", "a.pcap");
	json_decref(doc);
}

static void test_json_rest(void **state)
{
	struct sample s;
	json_t *doc, *element;

	(void)state;
	sample_init(&s);
	doc = render_json(&s.v);
	element = at(doc, "sessions", 0);
	check_keys(element, (const char *const[]){
		"initiator", "responder", "evidence", "messages", "first_time",
		"last_time", "path", "detail", NULL,
	});
	check_str(json_object_get(element, "responder"), "name", "vm-c");
	check_str(element, "path", "direct");
	check_int(element, "messages", 120);

	element = at(doc, "pairs", 0);
	check_keys(element, (const char *const[]){
		"a", "b", "direct", "derp", "relay", "verdict", NULL,
	});
	check_int(element, "direct", 120);
	check_int(element, "derp", 4);
	check_str(element, "verdict", "pass");

	element = at(doc, "notes", 0);
	check_int(element, "count", 2);
	check_str(element, "text", "TLS records were not opened");
	json_decref(doc);
}

static void test_json_empty(void **state)
{
	struct wga_input_report in = { .name = "empty.pcap" };
	struct wga_reason reason = {
		.code = WGA_CODE_TRUNCATED_FILE, .count = 1, .text = "cut",
		.first = { .input = "empty.pcap" },
	};
	struct wga_verdict v = {
		.outcome = WGA_INCONCLUSIVE, .inputs = &in, .n_inputs = 1,
		.reasons = &reason, .n_reasons = 1,
	};
	json_t *doc, *capture, *first;

	(void)state;
	doc = render_json(&v);
	check_str(doc, "verdict", "inconclusive");
	capture = json_object_get(doc, "capture");
	check_str(capture, "first_time", NULL);
	check_str(capture, "last_time", NULL);
	assert_true(json_real_value(json_object_get(capture, "duration_s")) == 0);
	assert_int_equal(json_array_size(json_object_get(doc, "flows")), 0);
	assert_int_equal(json_array_size(json_object_get(doc, "accepted")), 0);
	first = json_object_get(at(doc, "reasons", 0), "first");
	check_str(first, "file", "empty.pcap");
	check_str(first, "frame", NULL);
	check_str(first, "time", NULL);
	json_decref(doc);
}

/* bytes that are no UTF-8 must not break the document */
static void test_json_poison(void **state)
{
	struct sample s;
	json_t *doc;

	(void)state;
	poison(&s);
	doc = render_json(&s.v);
	assert_non_null(strstr(json_string_value(json_object_get(
		at(doc, "notes", 0), "text")), "\\x9b"));
	json_decref(doc);

	/* a cut in the middle of a character, as snprintf() makes it */
	snprintf(s.notes[0].text, sizeof(s.notes[0].text), "f\xc3\xbcr");
	snprintf(s.notes[1].text, sizeof(s.notes[1].text), "f\xc3");
	doc = render_json(&s.v);
	check_str(at(doc, "notes", 0), "text", "f\xc3\xbcr");
	check_str(at(doc, "notes", 1), "text", "f\\xc3");
	json_decref(doc);
}

static void test_json_error(void **state)
{
	struct wga_err err = { .code = "not-a-capture", .text = "x: \"y\"" };
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(wga_render_json.error(out, &err, &plain), 0);
	fclose(out);
	assert_string_equal(text,
		"{\"schema\": \"wgaudit/1\", \"error\": {\"code\": \"not-a-capture\", \"text\": \"x: \\\"y\\\"\"}}\n");
	free(text);
}

/* a verdict that stands although something failed afterwards */
static void test_json_flawed(void **state)
{
	struct wga_err err = { .code = "write-failed", .text = "no room" };
	struct wga_render_options opt = { .error = &err };
	struct sample s;
	json_t *doc;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	sample_init(&s);
	assert_int_equal(wga_render_json.verdict(out, &s.v, &opt), 0);
	fclose(out);
	doc = json_loads(text, 0, NULL);
	assert_non_null(doc);
	assert_string_equal("write-failed", json_string_value(json_object_get(
		json_object_get(doc, "error"), "code")));
	assert_non_null(json_object_get(doc, "verdict"));
	json_decref(doc);
	free(text);
}

static void test_full_disk(void **state)
{
	const struct wga_renderer *renderers[] = {
		&wga_render_text, &wga_render_json, &wga_render_jsonl,
		&wga_render_junit, &wga_render_sarif, &wga_render_prometheus,
	};
	struct sample s;
	size_t i;

	(void)state;
	sample_init(&s);
	for (i = 0; i < sizeof(renderers) / sizeof(renderers[0]); i++) {
		FILE *out = fopen("/dev/full", "w");

		assert_non_null(out);
		setvbuf(out, NULL, _IONBF, 0);
		assert_int_equal(renderers[i]->verdict(out, &s.v, &plain), -1);
		fclose(out);
	}
}

static char *draw(const struct wga_verdict *now, const struct wga_verdict *before,
		  const struct wga_render_options *opt, unsigned int *lines)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	wga_live_table(out, now, before, 2, opt, lines);
	fclose(out);
	return text;
}

static void test_table(void **state)
{
	struct wga_render_options opt = { .width = 100 };
	struct sample old, new;
	unsigned int lines = 0;
	char *got;

	(void)state;
	sample_init(&old);
	sample_init(&new);
	old.flows[0] = new.flows[1]; /* the order may differ between redraws */
	old.flows[1] = new.flows[0];
	new.flows[0].frames += 50;
	new.flows[0].bytes += 4000;
	new.flows[1].frames += 3;
	got = draw(&new.v, &old.v, &opt, &lines);
	assert_string_equal(got,
		"\rviolation so far: 114 frames, 52 kB, 7 lost; late-start (1), plaintext (12)\033[K\n"
		"class        evidence   a                      b                       frames/s   bytes/s    bytes\033[K\n"
		"wireguard    bound      vm-a                   vm-c                        25.0    2.0 kB    54 kB\033[K\n"
		"plaintext    -          vm-a                   192.168.1.11:80              1.5       0 B   1.8 kB\033[K\n"
		"housekeeping -          52:54:00:00:00:0a      -                            0.0       0 B     84 B\033[K\n"
		"\033[J");
	assert_int_equal(lines, 5);
	free(got);

	got = draw(&new.v, &old.v, &opt, &lines);
	assert_int_equal(strncmp(got, "\033[5A\r", 5), 0);
	free(got);
}

/* the busiest comes first, and UDP is not taken for TCP of the same ends */
static void test_table_rates(void **state)
{
	struct wga_render_options opt = { .width = 80 };
	struct wga_flow_report old[2], new[3];
	struct wga_verdict before = { .flows = old, .n_flows = 2 };
	struct wga_verdict now = { .flows = new, .n_flows = 3 };
	unsigned int lines = 0;
	struct sample s;
	char *got;

	(void)state;
	sample_init(&s);
	old[0] = new[0] = s.flows[2];
	old[1] = new[1] = new[2] = s.flows[1];
	snprintf(new[2].protocol, sizeof(new[2].protocol), "udp");
	old[1].frames = 10;
	new[1].frames = 16;
	new[2].frames = 8;
	got = draw(&now, &before, &opt, &lines);
	assert_non_null(strstr(got,
		"bytes\033[K\n"
		"plaintext    -          vm-a         192.168.1.11       4.0     900 B   1.8 kB\033[K\n"
		"plaintext    -          vm-a         192.168.1.11       3.0       0 B   1.8 kB\033[K\n"
		"housekeeping -          52:54:00:00: -                  0.0       0 B     84 B\033[K\n"));
	free(got);
}

static void check_lines(const char *text, size_t width, unsigned int lines)
{
	const char *end;

	for (; (end = strchr(text, '\n')); text = end + 1, lines--) {
		/* without "\r" of the first and CLEAR_LINE of every line */
		if ((size_t)(end - text) - 3 - (*text == '\r') >= width)
			fail_msg("too wide: %.*s", (int)(end - text), text);
	}
	assert_int_equal(lines, 0);
}

static void test_table_fits(void **state)
{
	static struct wga_flow_report flows[25];
	struct wga_render_options opt = { 0 };
	struct sample s;
	unsigned int lines, i;
	char *got;

	(void)state;
	poison(&s);
	for (i = 0; i < 25; i++) {
		flows[i] = s.flows[0];
		flows[i].a.port = (uint16_t)i;
		flows[i].frames = i;
	}
	s.v.flows = flows;
	s.v.n_flows = 25;
	for (opt.width = 20; opt.width < 300; opt.width += 31) {
		lines = 0;
		got = draw(&s.v, NULL, &opt, &lines);
		assert_int_equal(lines, 23);
		check_lines(got, opt.width, lines);
		assert_non_null(strstr(got, "and 5 more"));
		free(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_full),
		cmocka_unit_test(test_text_brief),
		cmocka_unit_test(test_text_outcomes),
		cmocka_unit_test(test_text_color),
		cmocka_unit_test(test_text_many_flows),
		cmocka_unit_test(test_text_poison),
		cmocka_unit_test(test_clean_fits),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_json_verdict),
		cmocka_unit_test(test_json_capture),
		cmocka_unit_test(test_json_classes),
		cmocka_unit_test(test_json_flows),
		cmocka_unit_test(test_json_rest),
		cmocka_unit_test(test_json_empty),
		cmocka_unit_test(test_json_poison),
		cmocka_unit_test(test_json_error),
		cmocka_unit_test(test_json_flawed),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_rates),
		cmocka_unit_test(test_table_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
