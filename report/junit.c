/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * JUnit XML as Ant's junit task writes it and GitLab, Jenkins and GitHub's
 * actions read it. Every reason code is a test case, every time, so that a CI
 * system can show how each has fared over many runs; so is each pair that was
 * to have talked, and the run itself.
 *
 * A violation is a <failure>: the thing tested is wrong. What is inconclusive
 * is an <error>: the test could not be made. All of the above count both as
 * failed, and none of them has a third colour that is not green. An accepted
 * reason is <skipped>.
 *
 * Text is made printable ASCII first, as on a terminal: XML 1.0 has no way to
 * write most control characters, not even escaped.
 */
#include <inttypes.h>
#include <time.h>

#include "report/report.h"
#include "report/total.h"

#define CLASS_RUN	"wgaudit.run"
#define CLASS_PAIR	"wgaudit.expect-pair"

/**
 * struct counts - attributes of the suite, known before its cases are written
 */
struct counts {
	size_t tests, failures, errors, skipped;
};

static void put_text(FILE *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		switch (c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			if (c >= 0x20 && c < 0x7f)
				fputc(c, out);
			else
				fprintf(out, "\\x%02x", c);
		}
	}
}

static const char *class_of(enum wga_code code)
{
	return wga_code_severity(code) == WGA_VIOLATION ?
		"wgaudit.violation" : "wgaudit.inconclusive";
}

static struct counts count(const struct wga_verdict *v)
{
	struct counts n = { .tests = 1 + WGA_CODE_COUNT + v->n_expects };
	const struct wga_reason *missing =
		wga_total_reason(v, WGA_CODE_MISSING_PAIR);
	size_t i;

	for (i = 0; i < WGA_CODE_COUNT; i++) {
		const struct wga_reason *r =
			wga_total_reason(v, (enum wga_code)i);

		if (!r)
			continue;
		if (r->accepted)
			n.skipped++;
		else if (wga_code_severity(r->code) == WGA_VIOLATION)
			n.failures++;
		else
			n.errors++;
	}
	for (i = 0; i < v->n_expects; i++) {
		if (v->expects[i].seen)
			continue;
		if (missing && missing->accepted)
			n.skipped++;
		else
			n.errors++;
	}
	return n;
}

/* how long the run took, in seconds with six decimals */
static void put_took(FILE *out, const struct wga_render_run *run)
{
	uint64_t ns = run->end_ns > run->start_ns ?
		run->end_ns - run->start_ns : 0;

	fprintf(out, " time=\"%" PRIu64 ".%06u\"", ns / 1000000000,
		(unsigned int)(ns % 1000000000 / 1000));
}

static void put_counts(FILE *out, const char *element, const struct counts *n,
		       const struct wga_render_run *run)
{
	fprintf(out, "<%s name=\"wgaudit\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
		element, n->tests, n->failures, n->errors, n->skipped);
	put_took(out, run);
}

static void open_suite(FILE *out, const struct counts *n,
		       const struct wga_render_run *run)
{
	time_t start = (time_t)(run->start_ns / 1000000000);
	struct tm tm = { 0 };
	char when[40];

	gmtime_r(&start, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	put_counts(out, "testsuites", n, run);
	fputs(">\n ", out);
	put_counts(out, "testsuite", n, run);
	fprintf(out, " timestamp=\"%s\" hostname=\"", when);
	put_text(out, run->host ? run->host : "localhost");
	fputs("\">\n", out);
}

static void close_suite(FILE *out)
{
	fputs(" </testsuite>\n</testsuites>\n", out);
}

static void put_property(FILE *out, const char *name, const char *what,
			 uint64_t value)
{
	fprintf(out, "   <property name=\"%s%s\" value=\"%" PRIu64 "\"/>\n", name,
		what, value);
}

static void put_properties(FILE *out, const struct wga_verdict *v,
			   const struct wga_render_run *run)
{
	struct wga_total sum = wga_total_of(v);
	uint64_t span = wga_total_span(&sum);
	size_t i;

	fputs("  <properties>\n", out);
	fprintf(out, "   <property name=\"verdict\" value=\"%s\"/>\n",
		wga_outcome_name(v->outcome));
	put_property(out, "exit-status", "", (uint64_t)run->status);
	put_property(out, "frames", "", sum.frames);
	put_property(out, "bytes", "", sum.bytes);
	put_property(out, "kernel-drops", "", sum.kernel_drops);
	fprintf(out, "   <property name=\"duration\" value=\"%" PRIu64 ".%09u\"/>\n",
		span / 1000000000, (unsigned int)(span % 1000000000));
	for (i = 0; i < v->n_inputs; i++) {
		fputs("   <property name=\"input\" value=\"", out);
		put_text(out, v->inputs[i].name);
		fputs("\"/>\n", out);
	}
	for (i = 0; i < WGA_CLASS_COUNT; i++) {
		const char *name = wga_class_name((enum wga_class)i);

		put_property(out, "frames.", name, v->classes[i].frames);
		put_property(out, "bytes.", name, v->classes[i].bytes);
	}
	fputs("  </properties>\n", out);
}

static void open_case(FILE *out, const char *cls, const char *name,
		      const char *more)
{
	fprintf(out, "  <testcase classname=\"%s\" name=\"", cls);
	put_text(out, name);
	if (*more) {
		fputc(',', out);
		put_text(out, more);
	}
	fputs("\" time=\"0\"", out);
}

static void put_where(FILE *out, const struct wga_where *where)
{
	if (!where->input)
		return;
	fputs(where->live ? "first: bridge " : "first: ", out);
	put_text(out, where->input);
	fprintf(out, " frame %" PRIu64 ", %" PRIu64 ".%09u", where->frame,
		where->time_ns / 1000000000,
		(unsigned int)(where->time_ns % 1000000000));
}

static void put_reason(FILE *out, const struct wga_reason *r)
{
	const char *severity = wga_outcome_name(wga_code_severity(r->code));

	if (r->accepted)
		fputs("<skipped message=\"accepted: ", out);
	else
		fprintf(out, "<%s type=\"%s\" message=\"",
			wga_code_severity(r->code) == WGA_VIOLATION ?
			"failure" : "error", severity);
	fprintf(out, "(%" PRIu64 ") ", r->count);
	put_text(out, r->text);
	if (r->accepted) {
		fputs("\"/>", out);
		return;
	}
	fputs("\">", out);
	put_where(out, &r->first);
	fprintf(out, "</%s>", wga_code_severity(r->code) == WGA_VIOLATION ?
		"failure" : "error");
}

static void put_codes(FILE *out, const struct wga_verdict *v)
{
	int i;

	for (i = 0; i < WGA_CODE_COUNT; i++) {
		enum wga_code code = (enum wga_code)i;
		const struct wga_reason *r = wga_total_reason(v, code);

		open_case(out, class_of(code), wga_code_name(code), "");
		if (!r) {
			fputs("/>\n", out);
			continue;
		}
		fputc('>', out);
		put_reason(out, r);
		fputs("</testcase>\n", out);
	}
}

static void put_pairs(FILE *out, const struct wga_verdict *v)
{
	const struct wga_reason *r = wga_total_reason(v, WGA_CODE_MISSING_PAIR);
	size_t i;

	for (i = 0; i < v->n_expects; i++) {
		const struct wga_expect_report *e = &v->expects[i];

		open_case(out, CLASS_PAIR, e->a, e->b);
		if (e->seen)
			fputs("/>\n", out);
		else if (r && r->accepted)
			fputs("><skipped message=\"accepted: no WireGuard data in both directions\"/></testcase>\n",
			      out);
		else
			fputs("><error type=\"inconclusive\" message=\"no WireGuard data in both directions\"/></testcase>\n",
			      out);
	}
}

static void put_notes(FILE *out, const struct wga_verdict *v)
{
	size_t i;

	if (!v->n_notes)
		return;
	fputs("  <system-out>", out);
	for (i = 0; i < v->n_notes; i++) {
		put_text(out, v->notes[i].text);
		if (v->notes[i].count)
			fprintf(out, " (%" PRIu64 ")", v->notes[i].count);
		fputc('\n', out);
	}
	fputs("</system-out>\n", out);
}

static int render_verdict(FILE *out, const struct wga_verdict *v,
			  const struct wga_render_options *opt)
{
	struct counts n = count(v);

	open_suite(out, &n, &opt->run);
	put_properties(out, v, &opt->run);
	open_case(out, CLASS_RUN, "run", "");
	fputs("/>\n", out);
	put_codes(out, v);
	put_pairs(out, v);
	put_notes(out, v);
	close_suite(out);
	return ferror(out) ? -1 : 0;
}

/* nothing was judged, so there is one test case, and it is red */
static int render_error(FILE *out, const struct wga_err *err,
			const struct wga_render_options *opt)
{
	const struct counts n = { .tests = 1, .errors = 1 };

	open_suite(out, &n, &opt->run);
	open_case(out, CLASS_RUN, "run", "");
	fputs("><error type=\"", out);
	put_text(out, err->code);
	fputs("\" message=\"", out);
	put_text(out, err->text);
	fputs("\"/></testcase>\n", out);
	close_suite(out);
	return ferror(out) ? -1 : 0;
}

const struct wga_renderer wga_render_junit = {
	.name = "junit",
	.verdict = render_verdict,
	.error = render_error,
};
