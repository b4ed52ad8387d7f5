/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "report/report.h"
#include "report/term.h"
#include "report/total.h"

#define ROWS_MAX	40
#define END_LEN		320
#define END_WIDE	72

/* as much of a name or detail as the report structures can hold, escaped */
#define CLEAN_LEN	1300

static void put_clean(FILE *out, const char *s)
{
	char clean[CLEAN_LEN];

	fputs(wga_term_clean(s, clean, sizeof(clean)), out);
}

static struct tm utc(uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm = { 0 };

	gmtime_r(&seconds, &tm);
	return tm;
}

/* "virbr-a.pcap frame 41, 12:04:05.123456789 UTC" */
static void put_where(FILE *out, const struct wga_where *where)
{
	struct tm tm = utc(where->time_ns);

	if (where->live)
		fputs("bridge ", out);
	put_clean(out, where->input);
	if (where->frame)
		fprintf(out, " frame %" PRIu64, where->frame);
	if (!where->time_ns)
		return;
	fprintf(out, ", %02d:%02d:%02d.%09u UTC", tm.tm_hour, tm.tm_min,
		tm.tm_sec, (unsigned int)(where->time_ns % 1000000000));
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static const char *reset(const struct wga_render_options *opt)
{
	return opt->color ? WGA_TERM_RESET : "";
}

static void put_accepted(FILE *out, const struct wga_verdict *v)
{
	const char *lead = " (accepted: ";
	size_t i;

	for (i = 0; i < v->n_reasons; i++) {
		if (!v->reasons[i].accepted)
			continue;
		fprintf(out, "%s%s", lead, wga_code_name(v->reasons[i].code));
		lead = ", ";
	}
	if (*lead == ',')
		fputc(')', out);
}

static void put_headline(FILE *out, const struct wga_verdict *v,
			 const struct wga_render_options *opt)
{
	static const char *const words[] = {
		[WGA_PASS] = "PASS",
		[WGA_VIOLATION] = "VIOLATION",
		[WGA_INCONCLUSIVE] = "INCONCLUSIVE",
	};
	struct wga_total sum = wga_total_of(v);
	struct tm tm = utc(sum.first_ns);
	char bytes[16];

	fprintf(out, "%s%s%s", wga_term_color(v->outcome, opt->color),
		words[v->outcome], reset(opt));
	put_accepted(out, v);
	fprintf(out, ": %" PRIu64 " frame%s (%s) of %zu input%s", sum.frames,
		plural(sum.frames), wga_term_bytes((double)sum.bytes, bytes),
		v->n_inputs, plural(v->n_inputs));
	if (sum.first_ns)
		fprintf(out, ", %.3f s from %d-%02d-%02d %02d:%02d:%02d UTC",
			(double)wga_total_span(&sum) / 1e9, tm.tm_year + 1900,
			tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
	if (sum.kernel_drops)
		fprintf(out, ", %" PRIu64 " lost", sum.kernel_drops);
	fputc('\n', out);
}

static void put_reason(FILE *out, const struct wga_reason *r,
		       const struct wga_render_options *opt)
{
	enum wga_outcome severity = wga_code_severity(r->code);

	fprintf(out, "  %s%s%s (%" PRIu64 ")%s: ",
		wga_term_color(r->accepted ? WGA_PASS : severity, opt->color),
		wga_code_name(r->code), reset(opt), r->count,
		r->accepted ? ", accepted" : "");
	put_clean(out, r->text);
	fputc('\n', out);
	if (!r->first.input)
		return;
	fputs("      first: ", out);
	put_where(out, &r->first);
	fputc('\n', out);
}

/* violations first, what was accepted last */
static void put_reasons(FILE *out, const struct wga_verdict *v,
			const struct wga_render_options *opt)
{
	int rank, pass;
	size_t i;

	for (pass = 0; pass < 3; pass++) {
		for (i = 0; i < v->n_reasons; i++) {
			const struct wga_reason *r = &v->reasons[i];

			rank = wga_code_severity(r->code) != WGA_VIOLATION;
			if ((r->accepted ? 2 : rank) == pass)
				put_reason(out, r, opt);
		}
	}
}

static void put_inputs(FILE *out, const struct wga_verdict *v)
{
	char bytes[16];
	size_t i;

	fputs("\nInputs\n", out);
	for (i = 0; i < v->n_inputs; i++) {
		const struct wga_input_report *in = &v->inputs[i];

		fprintf(out, "  %10" PRIu64 " frames  %8s  ", in->frames,
			wga_term_bytes((double)in->bytes, bytes));
		put_clean(out, in->name);
		if (in->kernel_drops)
			fprintf(out, ", %" PRIu64 " lost", in->kernel_drops);
		fputc('\n', out);
	}
}

static void put_classes(FILE *out, const struct wga_verdict *v,
			const struct wga_render_options *opt)
{
	uint64_t sum = 0;
	char bytes[16];
	int i;

	fputs("\nFrames by class\n", out);
	for (i = 0; i < WGA_CLASS_COUNT; i++) {
		const struct wga_class_sum *c = &v->classes[i];
		enum wga_class cls = (enum wga_class)i;
		const char *color = wga_term_class_color(cls, opt->color);

		if (!c->frames)
			continue;
		sum += c->frames;
		fprintf(out, "  %s%-12s%s  %10" PRIu64 "  %8s", color,
			wga_class_name(cls), *color ? reset(opt) : "",
			c->frames, wga_term_bytes((double)c->bytes, bytes));
		if (cls == WGA_CLASS_WIREGUARD)
			fprintf(out, "  %" PRIu64 " message%s", c->messages,
				plural(c->messages));
		fputc('\n', out);
	}
	fprintf(out, "  %-12s  %10" PRIu64 "\n", "sum", sum);
}

static bool is_violating(const struct wga_flow_report *f)
{
	return f->cls == WGA_CLASS_PLAINTEXT || f->cls == WGA_CLASS_UNEXPLAINED;
}

/* the flows to show: violating ones first, else in the order of the verdict */
static size_t pick_flows(const struct wga_verdict *v,
			 const struct wga_flow_report *picked[static ROWS_MAX])
{
	size_t i, n = 0;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < v->n_flows && n < ROWS_MAX; i++) {
			if (is_violating(&v->flows[i]) == (pass == 0))
				picked[n++] = &v->flows[i];
		}
	}
	return n;
}

static const char *evidence(enum wga_evidence level)
{
	return level == WGA_EVIDENCE_NONE ? "-" : wga_evidence_name(level);
}

/* width of a column once @text is in it; a name of no sane length sticks out */
static int wider(int width, const char *text)
{
	int len = (int)strlen(text);

	return len > width && len <= END_WIDE ? len : width;
}

static void put_more(FILE *out, size_t all, size_t shown)
{
	if (all > shown)
		fprintf(out, "  and %zu more (--json has all)\n", all - shown);
}

static void put_flows(FILE *out, const struct wga_verdict *v,
		      const struct wga_render_options *opt)
{
	const struct wga_flow_report *picked[ROWS_MAX];
	size_t i, n = pick_flows(v, picked);
	char a[END_LEN], b[END_LEN], bytes[16];
	int wide_a = 1, wide_b = 1;

	if (!n)
		return;
	for (i = 0; i < n; i++) {
		wide_a = wider(wide_a, wga_term_end(&picked[i]->a, a, sizeof(a)));
		wide_b = wider(wide_b, wga_term_end(&picked[i]->b, b, sizeof(b)));
	}
	fprintf(out, "\nFlows\n  %-12s  %-10s  %-8s  %-*s  %-*s  %10s  %8s  %s\n",
		"class", "evidence", "protocol", wide_a, "a", wide_b, "b",
		"frames", "bytes", "what was seen");
	for (i = 0; i < n; i++) {
		const struct wga_flow_report *f = picked[i];
		const char *color = wga_term_class_color(f->cls, opt->color);
		char protocol[4 * sizeof(f->protocol)];

		fprintf(out, "  %s%-12s%s  %-10s  %-8s  %-*s  %-*s  %10" PRIu64 "  %8s  ",
			color, wga_class_name(f->cls), *color ? reset(opt) : "",
			evidence(f->evidence),
			wga_term_clean(f->protocol, protocol, sizeof(protocol)),
			wide_a, wga_term_end(&f->a, a, sizeof(a)),
			wide_b, wga_term_end(&f->b, b, sizeof(b)), f->frames,
			wga_term_bytes((double)f->bytes, bytes));
		put_clean(out, *f->detail ? f->detail : "-");
		fputc('\n', out);
	}
	put_more(out, v->n_flows, n);
}

static void put_sessions(FILE *out, const struct wga_verdict *v)
{
	size_t i, n = v->n_sessions < ROWS_MAX ? v->n_sessions : ROWS_MAX;
	char a[END_LEN], b[END_LEN];

	if (!n)
		return;
	fputs("\nWireGuard sessions\n", out);
	for (i = 0; i < n; i++) {
		const struct wga_session_report *s = &v->sessions[i];

		fprintf(out, "  %-10s  %-6s  %10" PRIu64 " message%s  %s -> %s",
			evidence(s->evidence), s->path ? s->path : "-",
			s->messages, s->messages == 1 ? " " : "s",
			wga_term_end(&s->initiator, a, sizeof(a)),
			wga_term_end(&s->responder, b, sizeof(b)));
		if (*s->detail) {
			fputs("  ", out);
			put_clean(out, s->detail);
		}
		fputc('\n', out);
	}
	put_more(out, v->n_sessions, n);
}

static void put_pairs(FILE *out, const struct wga_verdict *v,
		      const struct wga_render_options *opt)
{
	size_t i, n = v->n_pairs < ROWS_MAX ? v->n_pairs : ROWS_MAX;
	char a[END_LEN], b[END_LEN];

	if (!n)
		return;
	fputs("\nPairs of hosts, WireGuard messages by path\n", out);
	for (i = 0; i < n; i++) {
		const struct wga_pair_report *p = &v->pairs[i];

		fprintf(out, "  %s%-12s%s  direct %" PRIu64 ", derp %" PRIu64
			", relay %" PRIu64 "  %s - %s\n",
			wga_term_color(p->outcome, opt->color),
			wga_outcome_name(p->outcome), reset(opt), p->direct,
			p->derp, p->relay, wga_term_end(&p->a, a, sizeof(a)),
			wga_term_end(&p->b, b, sizeof(b)));
	}
	put_more(out, v->n_pairs, n);
}

static void put_notes(FILE *out, const struct wga_verdict *v)
{
	size_t i;

	if (!v->n_notes)
		return;
	fputs("\nWhat the verdict rests on, and what was not judged\n", out);
	for (i = 0; i < v->n_notes; i++) {
		fputs("  ", out);
		put_clean(out, v->notes[i].text);
		if (v->notes[i].count)
			fprintf(out, " (%" PRIu64 ")", v->notes[i].count);
		fputc('\n', out);
	}
}

static int render_verdict(FILE *out, const struct wga_verdict *v,
			  const struct wga_render_options *opt)
{
	put_headline(out, v, opt);
	put_reasons(out, v, opt);
	if (!opt->brief) {
		put_inputs(out, v);
		put_classes(out, v, opt);
		put_flows(out, v, opt);
		put_sessions(out, v);
		put_pairs(out, v, opt);
		put_notes(out, v);
	}
	return ferror(out) ? -1 : 0;
}

static int render_error(FILE *out, const struct wga_err *err,
			const struct wga_render_options *opt)
{
	char clean[4 * sizeof(err->text)];

	(void)opt;
	fprintf(out, "wgaudit: %s\n",
		wga_term_clean(err->text, clean, sizeof(clean)));
	return ferror(out) ? -1 : 0;
}

const struct wga_renderer wga_render_text = {
	.name = "text",
	.verdict = render_verdict,
	.error = render_error,
};
