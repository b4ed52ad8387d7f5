/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The text format of Prometheus, version 0.0.4, for node_exporter's textfile
 * collector: no timestamps on samples, each family once with HELP and TYPE.
 * All is gauges, for each run begins anew: a counter must only grow. Classes,
 * codes and outcomes are there with 0 too, so that a rule never meets a series
 * that is absent because nothing has happened yet.
 *
 * After an error there are no such zeros, which would look like a clean run:
 * only wgaudit_up 0, the exit status, the outcomes (none holds) and the error's
 * code are written.
 */
#include <inttypes.h>

#include "report/report.h"
#include "report/total.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static void family(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# HELP wgaudit_%s %s\n# TYPE wgaudit_%s gauge\n", name,
		help, name);
}

static void single(FILE *out, const char *name, const char *help,
		   uint64_t value)
{
	family(out, name, help);
	fprintf(out, "wgaudit_%s %" PRIu64 "\n", name, value);
}

static void seconds(FILE *out, const char *name, const char *help, uint64_t ns)
{
	family(out, name, help);
	fprintf(out, "wgaudit_%s %" PRIu64 ".%09u\n", name, ns / 1000000000,
		(unsigned int)(ns % 1000000000));
}

/* A label's value: printable ASCII, what else there is as \xHH, and so the
 * backslash itself: two names never become one series.
 */
static void put_label(FILE *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"')
			fputs("\\\"", out);
		else if (c >= 0x20 && c < 0x7f && c != '\\')
			fputc(c, out);
		else
			fprintf(out, "\\\\x%02x", c);
	}
}

/* @outcome: -1 if there is none */
static void put_run(FILE *out, int outcome, const struct wga_render_run *run)
{
	static const enum wga_outcome all[] = {
		WGA_PASS, WGA_VIOLATION, WGA_INCONCLUSIVE,
	};
	size_t i;

	family(out, "build_info", "Version of wgaudit; always 1.");
	fputs("wgaudit_build_info{version=\"" WGA_VERSION "\"} 1\n", out);
	single(out, "up", "Whether the last run came to a verdict.",
	       outcome >= 0);
	single(out, "exit_status",
	       "Exit status of the last run: 0 pass, 1 violation, 2 error, 3 inconclusive.",
	       (uint64_t)run->status);
	seconds(out, "run_timestamp_seconds", "When the last run ended.",
		run->end_ns);
	seconds(out, "run_duration_seconds", "How long the last run took.",
		run->end_ns > run->start_ns ? run->end_ns - run->start_ns : 0);
	family(out, "verdict", "Whether this is the verdict of the last run.");
	for (i = 0; i < COUNT(all); i++)
		fprintf(out, "wgaudit_verdict{outcome=\"%s\"} %d\n",
			wga_outcome_name(all[i]), outcome == (int)all[i]);
}

static void put_code(FILE *out, const char *name, enum wga_code code,
		     uint64_t value)
{
	fprintf(out, "wgaudit_%s{code=\"%s\",severity=\"%s\"} %" PRIu64 "\n",
		name, wga_code_name(code),
		wga_outcome_name(wga_code_severity(code)), value);
}

static void put_codes(FILE *out, const struct wga_verdict *v)
{
	const struct wga_reason *r;
	int i;

	family(out, "reasons",
	       "Frames, sessions or inputs that a reason holds for, accepted or not.");
	for (i = 0; i < WGA_CODE_COUNT; i++) {
		r = wga_total_reason(v, (enum wga_code)i);
		put_code(out, "reasons", (enum wga_code)i, r ? r->count : 0);
	}
	family(out, "reason_accepted",
	       "Whether a reason stands but was accepted by name.");
	for (i = 0; i < WGA_CODE_COUNT; i++) {
		if (wga_code_severity((enum wga_code)i) == WGA_VIOLATION)
			continue;
		r = wga_total_reason(v, (enum wga_code)i);
		put_code(out, "reason_accepted", (enum wga_code)i,
			 r && r->accepted);
	}
}

static void put_classes(FILE *out, const struct wga_verdict *v)
{
	int i;

	family(out, "frames", "Frames of a class.");
	for (i = 0; i < WGA_CLASS_COUNT; i++)
		fprintf(out, "wgaudit_frames{class=\"%s\"} %" PRIu64 "\n",
			wga_class_name((enum wga_class)i), v->classes[i].frames);
	family(out, "bytes", "Bytes on the wire in frames of a class.");
	for (i = 0; i < WGA_CLASS_COUNT; i++)
		fprintf(out, "wgaudit_bytes{class=\"%s\"} %" PRIu64 "\n",
			wga_class_name((enum wga_class)i), v->classes[i].bytes);
	single(out, "wireguard_messages",
	       "WireGuard messages, of which a frame can hold several.",
	       v->classes[WGA_CLASS_WIREGUARD].messages);
}

/* The run tells inputs of one name apart, so no series stands twice. */
static void put_inputs(FILE *out, const struct wga_verdict *v)
{
	size_t i;

	family(out, "kernel_drops",
	       "Frames of an input that were lost before they could be judged.");
	for (i = 0; i < v->n_inputs; i++) {
		fputs("wgaudit_kernel_drops{input=\"", out);
		put_label(out, v->inputs[i].name);
		fprintf(out, "\"} %" PRIu64 "\n", v->inputs[i].kernel_drops);
	}
}

/* An input without a frame has no time, and 0 would be 1970. */
static void put_times(FILE *out, const struct wga_verdict *v)
{
	struct wga_total sum = wga_total_of(v);

	if (!sum.first_ns)
		return;
	seconds(out, "capture_first_timestamp_seconds",
		"Time of the first frame.", sum.first_ns);
	seconds(out, "capture_last_timestamp_seconds",
		"Time of the last frame.", sum.last_ns);
}

static int render_verdict(FILE *out, const struct wga_verdict *v,
			  const struct wga_render_options *opt)
{
	put_run(out, (int)v->outcome, &opt->run);
	put_codes(out, v);
	put_classes(out, v);
	put_inputs(out, v);
	put_times(out, v);
	return ferror(out) ? -1 : 0;
}

static int render_error(FILE *out, const struct wga_err *err,
			const struct wga_render_options *opt)
{
	put_run(out, -1, &opt->run);
	family(out, "error_info", "Why the last run failed; always 1.");
	fputs("wgaudit_error_info{code=\"", out);
	put_label(out, err->code);
	fputs("\"} 1\n", out);
	return ferror(out) ? -1 : 0;
}

const struct wga_renderer wga_render_prometheus = {
	.name = "prometheus",
	.verdict = render_verdict,
	.error = render_error,
};
