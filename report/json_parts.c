/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "report/json_parts.h"
#include "report/term.h"
#include "report/total.h"

json_t *wga_json_text(const char *s)
{
	json_t *text = json_string(s);
	char clean[1024];

	return text ? text : json_string(wga_term_clean(s, clean, sizeof(clean)));
}

static json_t *json_text_or_null(const char *s)
{
	return s && *s ? wga_json_text(s) : json_null();
}

json_t *wga_json_count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* seconds since the epoch with nine decimals, as a string */
json_t *wga_json_time(uint64_t ns)
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
			 wga_json_text(where->input), "frame",
			 where->frame ? wga_json_count(where->frame) : json_null(),
			 "time", wga_json_time(where->time_ns));
}

static json_t *json_end(const struct wga_flow_end *end)
{
	char addr[WGA_ADDR_STRLEN];

	return json_pack("{s:o, s:o, s:o}", "addr", end->has_addr ?
			 json_string(wga_addr_format(&end->addr, addr)) :
			 json_null(), "port",
			 end->port ? wga_json_count(end->port) : json_null(),
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
			 "count", wga_json_count(r->count), "text",
			 wga_json_text(r->text), "accepted", (int)r->accepted,
			 "first", json_where(&r->first));
}

static json_t *json_input(const struct wga_verdict *v, size_t i)
{
	const struct wga_input_report *in = &v->inputs[i];

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name",
			 wga_json_text(in->name), "frames", wga_json_count(in->frames),
			 "bytes", wga_json_count(in->bytes), "kernel_drops",
			 wga_json_count(in->kernel_drops), "first_time",
			 wga_json_time(in->first_ns), "last_time",
			 wga_json_time(in->last_ns));
}

static json_t *json_bridges(const struct wga_verdict *v, uint64_t set)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < v->n_inputs && i < 64; i++) {
		if (set >> i & 1)
			json_array_append_new(list, wga_json_text(v->inputs[i].name));
	}
	return list;
}

json_t *wga_json_flow(const struct wga_verdict *v, size_t i)
{
	const struct wga_flow_report *f = &v->flows[i];

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "class", wga_class_name(f->cls), "evidence",
			 json_evidence(f->evidence), "protocol",
			 wga_json_text(f->protocol), "a", json_end(&f->a), "b",
			 json_end(&f->b), "bridges", json_bridges(v, f->bridges),
			 "frames", wga_json_count(f->frames), "bytes",
			 wga_json_count(f->bytes), "first_time",
			 wga_json_time(f->first_ns), "last_time",
			 wga_json_time(f->last_ns), "first_frame",
			 f->first.frame ? wga_json_count(f->first.frame) :
			 json_null(), "first", json_where(&f->first), "detail",
			 json_text_or_null(f->detail));
}

json_t *wga_json_session(const struct wga_verdict *v, size_t i)
{
	const struct wga_session_report *s = &v->sessions[i];

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "initiator", json_end(&s->initiator), "responder",
			 json_end(&s->responder), "evidence",
			 json_evidence(s->evidence), "messages",
			 wga_json_count(s->messages), "first_time",
			 wga_json_time(s->first_ns), "last_time",
			 wga_json_time(s->last_ns), "path",
			 json_text_or_null(s->path), "detail",
			 json_text_or_null(s->detail));
}

json_t *wga_json_pair(const struct wga_verdict *v, size_t i)
{
	const struct wga_pair_report *p = &v->pairs[i];

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s}", "a", json_end(&p->a),
			 "b", json_end(&p->b), "direct", wga_json_count(p->direct),
			 "derp", wga_json_count(p->derp), "relay",
			 wga_json_count(p->relay), "verdict",
			 wga_outcome_name(p->outcome));
}

json_t *wga_json_note(const struct wga_verdict *v, size_t i)
{
	return json_pack("{s:o, s:o}", "count", wga_json_count(v->notes[i].count),
			 "text", wga_json_text(v->notes[i].text));
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
	json_t *obj = json_pack("{s:o, s:o}", "frames", wga_json_count(sum->frames),
				"bytes", wga_json_count(sum->bytes));

	if (cls == WGA_CLASS_WIREGUARD)
		json_object_set_new(obj, "messages", wga_json_count(sum->messages));
	return obj;
}

/* write a value and drop it */
int wga_json_put(FILE *out, json_t *value)
{
	int ret;

	if (!value)
		return -1;
	ret = json_dumpf(value, out, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	json_decref(value);
	return ret;
}

int wga_json_put_array(FILE *out, const char *key, const struct wga_verdict *v,
		       size_t n,
		       json_t *(*make)(const struct wga_verdict *, size_t),
		       const char *nl)
{
	size_t i;

	fprintf(out, "\"%s\": [", key);
	for (i = 0; i < n; i++) {
		fprintf(out, "%s%s  ", i ? "," : "", nl);
		if (wga_json_put(out, make(v, i)) < 0)
			return -1;
	}
	fputc(']', out);
	return 0;
}

static int put_capture(FILE *out, const struct wga_verdict *v, const char *nl)
{
	struct wga_total sum = wga_total_of(v);
	uint64_t span = wga_total_span(&sum);

	fprintf(out, ",%s \"capture\": {", nl);
	if (wga_json_put_array(out, "inputs", v, v->n_inputs, json_input, nl) < 0)
		return -1;
	fprintf(out, ",%s  \"frames\": %" PRIu64 ", \"bytes\": %" PRIu64
		", \"kernel_drops\": %" PRIu64 ",%s  \"first_time\": ", nl,
		sum.frames, sum.bytes, sum.kernel_drops, nl);
	if (wga_json_put(out, wga_json_time(sum.first_ns)) < 0)
		return -1;
	fputs(", \"last_time\": ", out);
	if (wga_json_put(out, wga_json_time(sum.last_ns)) < 0)
		return -1;
	fprintf(out, ", \"duration_s\": %" PRIu64 ".%09u}", span / 1000000000,
		(unsigned int)(span % 1000000000));
	return 0;
}

static int put_classes(FILE *out, const struct wga_verdict *v, const char *nl)
{
	int i;

	fprintf(out, ",%s \"classes\": {", nl);
	for (i = 0; i < WGA_CLASS_COUNT; i++) {
		enum wga_class cls = (enum wga_class)i;

		fprintf(out, "%s%s  \"%s\": ", i ? "," : "", nl,
			wga_class_name(cls));
		if (wga_json_put(out, json_class(cls, &v->classes[i])) < 0)
			return -1;
	}
	fputc('}', out);
	return 0;
}

int wga_json_put_summary(FILE *out, const struct wga_verdict *v, const char *nl)
{
	fprintf(out, "\"verdict\": \"%s\",%s ", wga_outcome_name(v->outcome),
		nl);
	if (wga_json_put_array(out, "reasons", v, v->n_reasons, json_reason,
			       nl) < 0)
		return -1;
	fprintf(out, ",%s \"accepted\": ", nl);
	if (wga_json_put(out, json_accepted(v)) < 0 ||
	    put_capture(out, v, nl) < 0)
		return -1;
	return put_classes(out, v, nl);
}

json_t *wga_json_error(const struct wga_err *err)
{
	return json_pack("{s:o, s:o}", "code", wga_json_text(err->code), "text",
			 wga_json_text(err->text));
}
