/* SPDX-License-Identifier: MIT */
/*
 * One object a line, made of the same parts as the JSON document: flows,
 * sessions, pairs, then the verdict, so that a reader which has the last line
 * has had everything.
 */
#include "report/json_parts.h"
#include "report/report.h"

static int put_line(FILE *out, const char *type, json_t *parts)
{
	json_t *line = json_pack("{s:s, s:s}", "schema", WGA_JSON_SCHEMA, "type",
				 type);
	int ret = -1;

	if (line && parts && !json_object_update(line, parts))
		ret = wga_json_put(out, json_incref(line));
	json_decref(line);
	json_decref(parts);
	fputc('\n', out);
	return ret;
}

static int put_lines(FILE *out, const char *type, const struct wga_verdict *v,
		     size_t n,
		     json_t *(*make)(const struct wga_verdict *, size_t))
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (put_line(out, type, make(v, i)) < 0)
			return -1;
	}
	return 0;
}

static int render_verdict(FILE *out, const struct wga_verdict *v,
			  const struct wga_render_options *opt)
{
	(void)opt;
	if (put_lines(out, "flow", v, v->n_flows, wga_json_flow) < 0 ||
	    put_lines(out, "session", v, v->n_sessions, wga_json_session) < 0 ||
	    put_lines(out, "pair", v, v->n_pairs, wga_json_pair) < 0)
		return -1;
	fputs("{\"schema\": \"" WGA_JSON_SCHEMA "\", \"type\": \"verdict\", ",
	      out);
	if (wga_json_put_summary(out, v, "") < 0)
		return -1;
	fputs(", ", out);
	if (wga_json_put_array(out, "notes", v, v->n_notes, wga_json_note,
			       "") < 0)
		return -1;
	fputs("}\n", out);
	return ferror(out) ? -1 : 0;
}

static int render_error(FILE *out, const struct wga_err *err,
			const struct wga_render_options *opt)
{
	(void)opt;
	if (put_line(out, "error", json_pack("{s:o}", "error",
					     wga_json_error(err))) < 0)
		return -1;
	return ferror(out) ? -1 : 0;
}

const struct wga_renderer wga_render_jsonl = {
	.name = "jsonl",
	.verdict = render_verdict,
	.error = render_error,
};
