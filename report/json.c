/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The document can hold hundreds of thousands of flows, so it never exists as
 * a whole: what is outermost is written by hand, one element of an array at a
 * time is made, written on its own line and dropped. Everything is escaped to
 * ASCII, and bytes that are no UTF-8 are written as text cleaning writes them.
 */
#include <inttypes.h>
#include <jansson.h>

#include "report/report.h"
#include "report/term.h"
#include "report/total.h"

#define SCHEMA	"wgaudit/1"

static json_t *json_text(const char *s)
{
	json_t *text = json_string(s);
	char clean[1024];

	return text ? text : json_string(wga_term_clean(s, clean, sizeof(clean)));
}

static json_t *json_text_or_null(const char *s)
{
	return s && *s ? json_text(s) : json_null();
}

static json_t *json_count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* seconds since the epoch with nine decimals, as a string */
static json_t *json_time(uint64_t ns)
{
	if (!ns)
		return json_null();
	return json_sprintf("%" PRIu64 ".%09u", ns / 1000000000,
			    (unsigned int)(ns % 1000000000));
}

static json_t *json_where(const struct wga_where *where)
{
	if (!where->input)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", where->live ? "bridge" : "file",
			 json_text(where->input), "frame",
			 where->frame ? json_count(where->frame) : json_null(),
			 "time", json_time(where->time_ns));
}

static json_t *json_end(const struct wga_flow_end *end)
{
	char addr[WGA_ADDR_STRLEN];

	return json_pack("{s:o, s:o, s:o}", "addr", end->has_addr ?
			 json_string(wga_addr_format(&end->addr, addr)) :
			 json_null(), "port",
			 end->port ? json_count(end->port) : json_null(),
			 "name", json_text_or_null(end->name));
}

static json_t *json_evidence(enum wga_evidence evidence)
{
	if (evidence == WGA_EVIDENCE_NONE)
		return json_null();
	return json_string(wga_evidence_name(evidence));
}

static json_t *json_reason(const struct wga_verdict *v, size_t i)
{
	const struct wga_reason *r = &v->reasons[i];

	return json_pack("{s:s, s:s, s:o, s:o, s:b, s:o}", "code",
			 wga_code_name(r->code), "severity",
			 wga_outcome_name(wga_code_severity(r->code)),
			 "count", json_count(r->count), "text",
			 json_text(r->text), "accepted", (int)r->accepted,
			 "first", json_where(&r->first));
}

static json_t *json_input(const struct wga_verdict *v, size_t i)
{
	const struct wga_input_report *in = &v->inputs[i];

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name",
			 json_text(in->name), "frames", json_count(in->frames),
			 "bytes", json_count(in->bytes), "kernel_drops",
			 json_count(in->kernel_drops), "first_time",
			 json_time(in->first_ns), "last_time",
			 json_time(in->last_ns));
}

static json_t *json_bridges(const struct wga_verdict *v, uint64_t set)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < v->n_inputs && i < 64; i++) {
		if (set >> i & 1)
			json_array_append_new(list, json_text(v->inputs[i].name));
	}
	return list;
}

static json_t *json_flow(const struct wga_verdict *v, size_t i)
{
	const struct wga_flow_report *f = &v->flows[i];

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "class", wga_class_name(f->cls), "evidence",
			 json_evidence(f->evidence), "protocol",
			 json_text(f->protocol), "a", json_end(&f->a), "b",
			 json_end(&f->b), "bridges", json_bridges(v, f->bridges),
			 "frames", json_count(f->frames), "bytes",
			 json_count(f->bytes), "first_time",
			 json_time(f->first_ns), "last_time",
			 json_time(f->last_ns), "first_frame",
			 f->first.frame ? json_count(f->first.frame) :
			 json_null(), "first", json_where(&f->first), "detail",
			 json_text_or_null(f->detail));
}

static json_t *json_session(const struct wga_verdict *v, size_t i)
{
	const struct wga_session_report *s = &v->sessions[i];

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "initiator", json_end(&s->initiator), "responder",
			 json_end(&s->responder), "evidence",
			 json_evidence(s->evidence), "messages",
			 json_count(s->messages), "first_time",
			 json_time(s->first_ns), "last_time",
			 json_time(s->last_ns), "path",
			 json_text_or_null(s->path), "detail",
			 json_text_or_null(s->detail));
}

static json_t *json_pair(const struct wga_verdict *v, size_t i)
{
	const struct wga_pair_report *p = &v->pairs[i];

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s}", "a", json_end(&p->a),
			 "b", json_end(&p->b), "direct", json_count(p->direct),
			 "derp", json_count(p->derp), "relay",
			 json_count(p->relay), "verdict",
			 wga_outcome_name(p->outcome));
}

static json_t *json_note(const struct wga_verdict *v, size_t i)
{
	return json_pack("{s:o, s:o}", "count", json_count(v->notes[i].count),
			 "text", json_text(v->notes[i].text));
}

static json_t *json_accepted(const struct wga_verdict *v)
{
	json_t *list = json_array();
	bool listed[WGA_CODE_COUNT] = { false };
	size_t i;

	for (i = 0; i < v->n_reasons; i++) {
		enum wga_code code = v->reasons[i].code;

		if (!v->reasons[i].accepted || listed[code])
			continue;
		listed[code] = true;
		json_array_append_new(list, json_string(wga_code_name(code)));
	}
	return list;
}

static json_t *json_class(enum wga_class cls, const struct wga_class_sum *sum)
{
	json_t *obj = json_pack("{s:o, s:o}", "frames", json_count(sum->frames),
				"bytes", json_count(sum->bytes));

	if (cls == WGA_CLASS_WIREGUARD)
		json_object_set_new(obj, "messages", json_count(sum->messages));
	return obj;
}

/* write a value and drop it */
static int put(FILE *out, json_t *value)
{
	int ret;

	if (!value)
		return -1;
	ret = json_dumpf(value, out, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	json_decref(value);
	return ret;
}

static int put_array(FILE *out, const char *key, const struct wga_verdict *v,
		     size_t n, json_t *(*make)(const struct wga_verdict *, size_t))
{
	size_t i;

	fprintf(out, "\"%s\": [", key);
	for (i = 0; i < n; i++) {
		fputs(i ? ",\n  " : "\n  ", out);
		if (put(out, make(v, i)) < 0)
			return -1;
	}
	fputc(']', out);
	return 0;
}

static int put_capture(FILE *out, const struct wga_verdict *v)
{
	struct wga_total sum = wga_total_of(v);
	uint64_t span = wga_total_span(&sum);

	fputs(" \"capture\": {", out);
	if (put_array(out, "inputs", v, v->n_inputs, json_input) < 0)
		return -1;
	fprintf(out, ",\n  \"frames\": %" PRIu64 ", \"bytes\": %" PRIu64
		", \"kernel_drops\": %" PRIu64 ",\n  \"first_time\": ",
		sum.frames, sum.bytes, sum.kernel_drops);
	if (put(out, json_time(sum.first_ns)) < 0)
		return -1;
	fputs(", \"last_time\": ", out);
	if (put(out, json_time(sum.last_ns)) < 0)
		return -1;
	fprintf(out, ", \"duration_s\": %" PRIu64 ".%09u},\n",
		span / 1000000000, (unsigned int)(span % 1000000000));
	return 0;
}

static int put_classes(FILE *out, const struct wga_verdict *v)
{
	int i;

	fputs(" \"classes\": {", out);
	for (i = 0; i < WGA_CLASS_COUNT; i++) {
		enum wga_class cls = (enum wga_class)i;

		fprintf(out, "%s\n  \"%s\": ", i ? "," : "", wga_class_name(cls));
		if (put(out, json_class(cls, &v->classes[i])) < 0)
			return -1;
	}
	fputs("},\n ", out);
	return 0;
}

static int put_lists(FILE *out, const struct wga_verdict *v)
{
	if (put_array(out, "flows", v, v->n_flows, json_flow) < 0)
		return -1;
	fputs(",\n ", out);
	if (put_array(out, "sessions", v, v->n_sessions, json_session) < 0)
		return -1;
	fputs(",\n ", out);
	if (put_array(out, "pairs", v, v->n_pairs, json_pair) < 0)
		return -1;
	fputs(",\n ", out);
	return put_array(out, "notes", v, v->n_notes, json_note);
}

/* the document is the same for gate: a script takes from it what it wants */
static int render_verdict(FILE *out, const struct wga_verdict *v,
			  const struct wga_render_options *opt)
{
	(void)opt;
	fprintf(out, "{\"schema\": \"" SCHEMA "\",\n \"verdict\": \"%s\",\n ",
		wga_outcome_name(v->outcome));
	if (put_array(out, "reasons", v, v->n_reasons, json_reason) < 0)
		return -1;
	fputs(",\n \"accepted\": ", out);
	if (put(out, json_accepted(v)) < 0 || (fputs(",\n", out) < 0) ||
	    put_capture(out, v) < 0 || put_classes(out, v) < 0 ||
	    put_lists(out, v) < 0)
		return -1;
	fputs("}\n", out);
	return ferror(out) ? -1 : 0;
}

static int render_error(FILE *out, const struct wga_err *err,
			const struct wga_render_options *opt)
{
	(void)opt;
	if (put(out, json_pack("{s:s, s:{s:o, s:o}}", "schema", SCHEMA, "error",
			       "code", json_text(err->code), "text",
			       json_text(err->text))) < 0)
		return -1;
	fputc('\n', out);
	return ferror(out) ? -1 : 0;
}

const struct wga_renderer wga_render_json = {
	.name = "json",
	.verdict = render_verdict,
	.error = render_error,
};
