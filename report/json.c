/* SPDX-License-Identifier: MIT */
#include "report/json_parts.h"
#include "report/report.h"

static int put_lists(FILE *out, const struct wga_verdict *v)
{
	if (wga_json_put_array(out, "flows", v, v->n_flows, wga_json_flow,
			       "\n") < 0)
		return -1;
	fputs(",\n ", out);
	if (wga_json_put_array(out, "sessions", v, v->n_sessions,
			       wga_json_session, "\n") < 0)
		return -1;
	fputs(",\n ", out);
	if (wga_json_put_array(out, "pairs", v, v->n_pairs, wga_json_pair,
			       "\n") < 0)
		return -1;
	fputs(",\n ", out);
	return wga_json_put_array(out, "notes", v, v->n_notes, wga_json_note,
				  "\n");
}

/* the document is the same for gate: a script takes from it what it wants */
static int render_verdict(FILE *out, const struct wga_verdict *v,
			  const struct wga_render_options *opt)
{
	fputs("{\"schema\": \"" WGA_JSON_SCHEMA "\",\n ", out);
	if (opt->error) {
		fputs("\"error\": ", out);
		if (wga_json_put(out, wga_json_error(opt->error)) < 0)
			return -1;
		fputs(",\n ", out);
	}
	if (wga_json_put_summary(out, v, "\n") < 0)
		return -1;
	fputs(",\n ", out);
	if (put_lists(out, v) < 0)
		return -1;
	fputs("}\n", out);
	return ferror(out) ? -1 : 0;
}

static int render_error(FILE *out, const struct wga_err *err,
			const struct wga_render_options *opt)
{
	(void)opt;
	if (wga_json_put(out, json_pack("{s:s, s:o}", "schema", WGA_JSON_SCHEMA,
					"error", wga_json_error(err))) < 0)
		return -1;
	fputc('\n', out);
	return ferror(out) ? -1 : 0;
}

const struct wga_renderer wga_render_json = {
	.name = "json",
	.verdict = render_verdict,
	.error = render_error,
};
