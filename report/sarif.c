/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * SARIF 2.1.0 (OASIS, 27 March 2020). Every reason code is a rule, each reason
 * that stands is a result: violations are errors, inconclusive reasons warnings
 * and accepted ones notes that carry a suppression (3.27.23). A result has the
 * first frame as its location: a capture file is an artifact, a live bridge
 * or an interface in a file is a logical location. There is no region, for
 * text lines and columns mean nothing in a capture; frame number and time are
 * properties. A reason that holds for the whole run, such as no encrypted
 * traffic, is located at all inputs: a result without a location is not shown
 * by the readers there are.
 *
 * An error of the run is a notification of an invocation that was not
 * successful (3.20.14, 3.20.21). It is a result too, of a rule of its own:
 * readers that only count results would else take it for a clean run.
 */
#include <string.h>
#include <time.h>

#include "report/code_text.h"
#include "report/json_parts.h"
#include "report/report.h"

#define RULE_ERROR	"run-failed"
#define SARIF_SCHEMA	"https://json.schemastore.org/sarif-2.1.0.json"

/* RFC 3986: bytes that a path may hold as they are */
static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("/-._~", c));
}

/* a file URI of an absolute path, else a relative reference */
static json_t *uri_of(const char *path, size_t len)
{
	char *uri = NULL;
	size_t size, i;
	json_t *value;
	FILE *f = open_memstream(&uri, &size);

	if (!f)
		return NULL;
	if (len && *path == '/')
		fputs("file://", f);
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)path[i];

		fprintf(f, is_plain(c) ? "%c" : "%%%02X", c);
	}
	value = fclose(f) ? NULL : json_string(uri);
	free(uri);
	return value;
}

/* How much of an input's name is the path of a file: it may also tell of an
 * interface in it. 0 if none is, as of standard input.
 */
static size_t path_length(const struct wga_render_run *run, const char *name)
{
	size_t i, best = 0;

	for (i = 0; i < run->n_paths; i++) {
		size_t len = strlen(run->paths[i]);

		if (len > best && !strncmp(run->paths[i], name, len) &&
		    (!name[len] || name[len] == ':' || name[len] == '#'))
			best = len;
	}
	return best;
}

static json_t *logical(const char *name, const char *kind)
{
	return json_pack("[{s:o, s:s}]", "name", wga_json_text(name), "kind",
			 kind);
}

/* where an input is, without a frame */
static json_t *input_location(const struct wga_render_run *run,
			      const char *name, bool live)
{
	size_t len = live ? 0 : path_length(run, name);
	json_t *location = json_object();

	if (len)
		json_object_set_new(location, "physicalLocation",
				    json_pack("{s:{s:o}}", "artifactLocation",
					      "uri", uri_of(name, len)));
	if (!len || name[len])
		json_object_set_new(location, "logicalLocations",
				    logical(len ? name + len + 1 : name,
					    live ? "bridge" :
					    len ? "interface" : "stream"));
	return location;
}

static json_t *frame_location(const struct wga_render_run *run,
			      const struct wga_where *where)
{
	json_t *location = input_location(run, where->input, where->live);

	if (where->frame)
		json_object_set_new(location, "properties", json_pack(
			"{s:o, s:o}", "frame", wga_json_count(where->frame),
			"time", wga_json_time(where->time_ns)));
	return location;
}

static json_t *locations(const struct wga_render_run *run,
			 const struct wga_verdict *v,
			 const struct wga_reason *r)
{
	json_t *list = json_array();
	size_t i;

	if (r->first.input) {
		json_array_append_new(list, frame_location(run, &r->first));
		return list;
	}
	for (i = 0; i < v->n_inputs; i++)
		json_array_append_new(list, input_location(run,
			v->inputs[i].name, v->inputs[i].live));
	return list;
}

static const char *level_of(enum wga_code code)
{
	return wga_code_severity(code) == WGA_VIOLATION ? "error" : "warning";
}

static json_t *result(const struct wga_render_run *run,
		      const struct wga_verdict *v, const struct wga_reason *r)
{
	json_t *obj = json_pack("{s:s, s:i, s:s, s:{s:o}, s:o, s:{s:o, s:s}}",
		"ruleId", wga_code_name(r->code), "ruleIndex", (int)r->code,
		"level", r->accepted ? "note" : level_of(r->code),
		"message", "text", wga_json_text(r->text),
		"locations", locations(run, v, r),
		"properties", "count", wga_json_count(r->count),
		"severity", wga_outcome_name(wga_code_severity(r->code)));

	if (obj && r->accepted)
		json_object_set_new(obj, "suppressions", json_pack(
			"[{s:s, s:s, s:s+}]", "kind", "external", "status",
			"accepted", "justification", "--accept ",
			wga_code_name(r->code)));
	return obj;
}

static json_t *rule(const char *id, const struct wga_code_text *text,
		    const char *level, const char *tag)
{
	return json_pack("{s:s, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:[s]}}", "id",
			 id, "shortDescription", "text", text->about, "help",
			 "text", text->help, "defaultConfiguration", "level",
			 level, "properties", "tags", tag);
}

/* in the order of the codes: ruleIndex of a result is its code */
static json_t *rules(void)
{
	static const struct wga_code_text failed = {
		"The run came to no verdict.",
		"Mend what the message says, and run again: nothing was judged.",
	};
	json_t *list = json_array();
	int i;

	for (i = 0; i < WGA_CODE_COUNT; i++) {
		enum wga_code code = (enum wga_code)i;

		json_array_append_new(list, rule(wga_code_name(code),
			wga_code_text(code), level_of(code),
			wga_outcome_name(wga_code_severity(code))));
	}
	json_array_append_new(list, rule(RULE_ERROR, &failed, "error",
					 "error"));
	return list;
}

static json_t *utc(uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm = { 0 };
	char text[40];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%03uZ", text,
			    (unsigned int)(ns % 1000000000 / 1000000));
}

/* The command line is left out: it can hold a canary. */
static json_t *invocation(const struct wga_render_run *run,
			  const struct wga_err *err)
{
	json_t *obj = json_pack("{s:b, s:i, s:o, s:o}", "executionSuccessful",
				!err, "exitCode", run->status,
				"startTimeUtc", utc(run->start_ns),
				"endTimeUtc", utc(run->end_ns));

	if (obj && run->host)
		json_object_set_new(obj, "machine", wga_json_text(run->host));
	if (obj && err)
		json_object_set_new(obj, "toolExecutionNotifications", json_pack(
			"[{s:s, s:{s:o}, s:{s:o}}]", "level", "error",
			"descriptor", "id", wga_json_text(err->code),
			"message", "text", wga_json_text(err->text)));
	return obj;
}

/* each file once, however many of its interfaces are inputs */
static json_t *artifacts(const struct wga_render_run *run)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < run->n_paths; i++) {
		if (!strcmp(run->paths[i], "-"))
			continue;
		json_array_append_new(list, json_pack(
			"{s:{s:o}, s:[s]}", "location", "uri",
			uri_of(run->paths[i], strlen(run->paths[i])),
			"roles", "analysisTarget"));
	}
	return list;
}

/* takes @run; writes the log that holds it */
static int put_log(FILE *out, json_t *run)
{
	json_t *log = json_pack("{s:s, s:s, s:[o]}", "$schema", SARIF_SCHEMA,
				"version", "2.1.0", "runs", run);
	int ret;

	if (!log)
		return -1;
	ret = json_dumpf(log, out, JSON_ENSURE_ASCII | JSON_INDENT(1));
	json_decref(log);
	fputc('\n', out);
	return ret < 0 || ferror(out) ? -1 : 0;
}

/* takes @results */
static json_t *tool_run(const struct wga_render_run *run,
			const struct wga_err *err, json_t *results)
{
	return json_pack("{s:{s:{s:s, s:s, s:o}}, s:[o], s:o}", "tool",
			 "driver", "name", "wgaudit", "version", WGA_VERSION,
			 "rules", rules(), "invocations", invocation(run, err),
			 "results", results);
}

static int render_verdict(FILE *out, const struct wga_verdict *v,
			  const struct wga_render_options *opt)
{
	json_t *results = json_array(), *run;
	size_t i;

	for (i = 0; i < v->n_reasons; i++) {
		if (json_array_append_new(results, result(&opt->run, v,
							  &v->reasons[i])) < 0) {
			json_decref(results);
			return -1;
		}
	}
	run = tool_run(&opt->run, NULL, results);
	if (!run)
		return -1;
	json_object_set_new(run, "artifacts", artifacts(&opt->run));
	json_object_set_new(run, "properties", json_pack(
		"{s:s}", "verdict", wga_outcome_name(v->outcome)));
	return put_log(out, run);
}

static int render_error(FILE *out, const struct wga_err *err,
			const struct wga_render_options *opt)
{
	json_t *results = json_pack("[{s:s, s:i, s:s, s:{s:o}, s:[{s:o}]}]",
		"ruleId", RULE_ERROR, "ruleIndex", (int)WGA_CODE_COUNT,
		"level", "error", "message", "text", wga_json_text(err->text),
		"locations", "logicalLocations", logical("wgaudit", "tool"));

	return put_log(out, tool_run(&opt->run, err, results));
}

const struct wga_renderer wga_render_sarif = {
	.name = "sarif",
	.verdict = render_verdict,
	.error = render_error,
};
