/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/elide.h"
#include "analyze/review.h"
#include "capture/source.h"
#include "report/report.h"
#include "tests/golden/forge_run.h"

static const struct wga_selftest *expected;

void forge_expect(const struct wga_selftest *st)
{
	expected = st;
}

static struct wga_frame frame_of(const struct forge *f, size_t i)
{
	const struct forge_frame *fr = &f->frames[i];

	return (struct wga_frame){
		.data = fr->data, .caplen = fr->caplen, .len = fr->len,
		.link = f->link, .time_ns = fr->time_ns, .number = i + 1,
		.elided = fr->elided,
		.elided_len = fr->elided ? strlen(fr->elided) : 0,
	};
}

void forge_feed(const struct forge *f, struct wga_bridge *br, unsigned int batch)
{
	struct wga_batch b = { 0 };

	assert(batch >= 1 && batch <= WGA_BATCH_MAX);
	for (size_t i = 0; i < f->n; i++) {
		b.frame[b.count++] = frame_of(f, i);
		if (b.count == batch || i + 1 == f->n) {
			wga_bridge_observe(br, &b);
			b.count = 0;
		}
	}
}

struct wga_run *forge_judge(const struct wga_config *cfg,
			    const struct forge *const caps[],
			    const char *const names[], size_t n,
			    const struct wga_loss *loss, bool live,
			    unsigned int batch)
{
	return forge_judge_parts(cfg, caps, names, n, loss, live, batch, 1);
}

struct wga_run *forge_judge_parts(const struct wga_config *cfg,
				  const struct forge *const caps[],
				  const char *const names[], size_t n,
				  const struct wga_loss *loss, bool live,
				  unsigned int batch, unsigned int parts)
{
	static const struct wga_loss none;
	struct wga_run *run = wga_run_new(cfg);
	struct wga_err err;

	assert(run);
	for (size_t k = 0; k < n * parts; k++) {
		size_t i = k / parts;
		struct wga_bridge *br = wga_bridge_new(cfg, names[i], live);
		int rc;

		assert(br);
		wga_bridge_part(br, (unsigned int)(k % parts), parts);
		rc = i == 0 && expected ?
			wga_bridge_selftest(br, expected, true) : 0;
		assert(rc == 0);
		forge_feed(caps[i], br, batch);
		wga_bridge_loss(br, i == 0 && loss ? loss : &none);
		rc = wga_run_add(run, br, &err);
		assert(rc == 0);
		(void)rc;
	}
	return run;
}

/* frames that show each code, against what the verdict counted */
static const char *check_counts(const struct wga_verdict *v,
				const uint64_t shown[static WGA_CODE_COUNT])
{
	static const uint32_t by_frame = 1u << WGA_CODE_PLAINTEXT |
		1u << WGA_CODE_UNEXPLAINED | 1u << WGA_CODE_OVERLAY_ON_UNDERLAY |
		1u << WGA_CODE_CANARY_SEEN | 1u << WGA_CODE_SPLICED |
		1u << WGA_CODE_TRUNCATED_FRAMES | 1u << WGA_CODE_UNPARSED_FRAMES |
		1u << WGA_CODE_UNKNOWN_HOST | 1u << WGA_CODE_UNREGISTERED_PEER;
	uint64_t want[WGA_CODE_COUNT] = { 0 };

	for (size_t i = 0; i < v->n_reasons; i++) {
		want[v->reasons[i].code] = v->reasons[i].count;
		if (v->reasons[i].first.input && !shown[v->reasons[i].code])
			return "the first frame of a reason does not show it";
	}
	for (unsigned int code = 0; code < WGA_CODE_COUNT; code++) {
		bool grave = wga_code_severity(code) == WGA_VIOLATION;

		if (by_frame >> code & 1 ? shown[code] != want[code] :
		    shown[code] > want[code] ||
		    (grave && !shown[code] != !want[code])) {
			fprintf(stderr, "\t%s: %" PRIu64 " frames, verdict %" PRIu64 "\n",
				wga_code_name(code), shown[code], want[code]);
			return "the review shows a reason more or less often";
		}
	}
	return NULL;
}

static void show(const struct wga_reviewed *seen,
		 uint64_t shown[static WGA_CODE_COUNT])
{
	for (unsigned int code = 0; code < WGA_CODE_COUNT; code++)
		shown[code] += seen->codes >> code & 1;
}

const char *forge_review(const struct wga_run *run, const struct wga_verdict *v,
			 const struct forge *const caps[],
			 const char *const names[], size_t n)
{
	uint64_t shown[WGA_CODE_COUNT] = { 0 };
	struct wga_err err;
	struct wga_review *r = wga_review_new(run, v, &err);
	const char *why = NULL;

	assert(r);
	for (size_t k = 0; k < n && !why; k++) {
		int input = wga_review_input(r, names[k]);

		for (size_t i = 0; i < caps[k]->n && !why; i++) {
			struct wga_frame frame = frame_of(caps[k], i);
			struct wga_reviewed seen;

			if (wga_review_frame(r, input, &frame, &seen))
				why = "a frame is strange to the review";
			else
				show(&seen, shown);
		}
	}
	if (!why && !wga_review_agrees(r))
		why = "the classes of the review are others";
	if (!why)
		why = check_counts(v, shown);
	wga_review_free(r);
	return why;
}

static void observe_traced(const struct forge *f, struct wga_bridge *br,
			   struct wga_trace *trace)
{
	for (size_t i = 0; i < f->n;) {
		struct wga_batch b = { 0 };

		for (; b.count < 7 && i + b.count < f->n; b.count++)
			b.frame[b.count] = frame_of(f, i + b.count);
		wga_bridge_observe_traced(br, &b, trace + i);
		i += b.count;
	}
}

const char *forge_review_traces(const struct wga_config *cfg,
				const struct forge *const caps[],
				const char *const names[], size_t n)
{
	uint64_t shown[WGA_CODE_COUNT] = { 0 };
	struct wga_trace *traces[8] = { 0 };
	struct wga_run *run = wga_run_new(cfg);
	struct wga_verdict *v = NULL;
	struct wga_review *r;
	struct wga_err err;
	const char *why = NULL;
	int rc = 0;

	assert(run && n <= 8);
	for (size_t k = 0; k < n; k++) {
		struct wga_bridge *br = wga_bridge_new(cfg, names[k], false);

		traces[k] = calloc(caps[k]->n + 1, sizeof(*traces[k]));
		assert(br && traces[k]);
		observe_traced(caps[k], br, traces[k]);
		rc |= wga_run_add(run, br, &err);
	}
	rc |= wga_run_judge(run, &v, &err);
	assert(!rc);
	r = wga_review_new(run, v, &err);
	assert(r);
	for (size_t k = 0; k < n; k++) {
		for (size_t i = caps[k]->n; i-- && !why;) {
			struct wga_reviewed seen;

			if (wga_review_trace(r, wga_review_input(r, names[k]),
					     &traces[k][i], &seen))
				why = "a trace is strange to the review";
			else
				show(&seen, shown);
		}
		free(traces[k]);
	}
	if (!why && !wga_review_agrees(r))
		why = "the classes of the traces are others";
	if (!why)
		why = check_counts(v, shown);
	wga_review_free(r);
	wga_verdict_free(v);
	wga_run_free(run);
	return why;
}

static bool keep_elided(struct forge *f, const struct wga_frame *frame,
			const struct wga_reviewed *seen, struct wga_elision *e)
{
	bool cut = wga_reviewed_quiet(seen) && wga_elide(e, frame);
	struct forge_frame *fr;

	assert(!cut || (seen->cls == WGA_CLASS_WIREGUARD && !seen->codes));
	fr = forge_insert(f, f->n, frame->data,
			  cut ? e->frame.caplen : frame->caplen);
	fr->len = frame->len;
	fr->time_ns = frame->time_ns;
	if (cut)
		fr->elided = strndup(e->text, e->frame.elided_len);
	return cut;
}

size_t forge_elide(const struct wga_run *run, const struct wga_verdict *v,
		   const struct forge *const caps[], const char *const names[],
		   size_t n, struct forge out[])
{
	struct wga_elision *e = calloc(1, sizeof(*e));
	struct wga_err err;
	struct wga_review *r = wga_review_new(run, v, &err);
	size_t elided = 0;

	assert(r && e);
	for (size_t k = 0; k < n; k++) {
		int input = wga_review_input(r, names[k]);

		forge_init(&out[k]);
		out[k].link = caps[k]->link;
		for (size_t i = 0; i < caps[k]->n; i++) {
			struct wga_frame frame = frame_of(caps[k], i);
			struct wga_reviewed seen;
			int rc = wga_review_frame(r, input, &frame, &seen);

			assert(!rc);
			elided += keep_elided(&out[k], &frame, &seen, e);
		}
	}
	wga_review_free(r);
	wga_elision_end(e);
	free(e);
	return elided;
}

int forge_load(struct forge *f, const char *path, struct wga_err *err)
{
	struct wga_source *src;
	struct wga_batch b;
	int n;

	if (wga_source_open(&src, path, err))
		return -1;
	while ((n = wga_source_next(src, &b, err)) > 0) {
		for (unsigned int i = 0; i < b.count; i++) {
			const struct wga_frame *in = &b.frame[i];
			struct forge_frame *out;

			out = forge_insert(f, f->n, in->data, in->caplen);
			out->len = in->len;
			out->time_ns = in->time_ns;
			f->now_ns = in->time_ns + 1000000;
			f->link = in->link;
		}
	}
	wga_source_close(src);
	return n;
}

static FILE *open_memory(char path[static 32], int *fd)
{
	FILE *out;

	*fd = memfd_create("forge", 0);
	assert(*fd >= 0);
	snprintf(path, 32, "/proc/self/fd/%d", *fd);
	out = fdopen(dup(*fd), "w");
	assert(out);
	return out;
}

int forge_file(const void *data, size_t len, char path[static 32])
{
	int fd;
	FILE *out = open_memory(path, &fd);

	if (len)
		fwrite(data, 1, len, out);
	fclose(out);
	return fd;
}

int forge_pcap(const struct forge *f, char path[static 32])
{
	const uint32_t head[6] = {
		0xa1b23c4d, 4u << 16 | 2, 0, 0, 262144, f->link,
	};
	int fd;
	FILE *out = open_memory(path, &fd);

	fwrite(head, sizeof(head), 1, out);
	for (size_t i = 0; i < f->n; i++) {
		const struct forge_frame *fr = &f->frames[i];
		const uint32_t rec[4] = {
			(uint32_t)(fr->time_ns / 1000000000),
			(uint32_t)(fr->time_ns % 1000000000),
			fr->caplen, fr->len,
		};

		fwrite(rec, sizeof(rec), 1, out);
		fwrite(fr->data, 1, fr->caplen, out);
	}
	fclose(out);
	return fd;
}

static void print_key(FILE *out, const char *name, const char *prefix,
		      const uint8_t *key)
{
	fprintf(out, "\"%s\": \"%s:", name, prefix);
	for (unsigned int i = 0; i < FORGE_KEY_LEN; i++)
		fprintf(out, "%02x", key[i]);
	fprintf(out, "\", ");
}

int forge_nodes(const struct forge_mesh *m, const enum forge_who *who, size_t n,
		char path[static 32])
{
	int fd;
	FILE *out = open_memory(path, &fd);

	fputs("[", out);
	for (size_t i = 0; i < n; i++) {
		const struct forge_host *h = &m->host[who[i]];

		fprintf(out, "%s{\"id\": %zu, ", i ? ", " : "", i + 1);
		print_key(out, "node_key", "nodekey", h->node_key);
		print_key(out, "disco_key", "discokey", h->disco_key);
		fprintf(out, "\"ip_addresses\": [\"100.64.0.%zu\"], "
			"\"name\": \"%s\", \"given_name\": \"%s\"}", i + 1,
			h->name, h->name);
	}
	fputs("]\n", out);
	fclose(out);
	return fd;
}

json_t *forge_json(const struct wga_verdict *v)
{
	const struct wga_render_options opt = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_error_t error;
	json_t *doc;

	assert(out);
	wga_render_json.verdict(out, v, &opt);
	fclose(out);
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!doc)
		fprintf(stderr, "not JSON: %s, line %d\n%s\n", error.text,
			error.line, text);
	free(text);
	return doc;
}

char *forge_digest(const struct wga_verdict *v)
{
	json_t *doc = forge_json(v), *part;
	char *text;

	assert(doc);
	part = json_pack("{sO?sO?sO?}", "verdict", json_object_get(doc, "verdict"),
			 "reasons", json_object_get(doc, "reasons"),
			 "classes", json_object_get(doc, "classes"));
	assert(part);
	text = json_dumps(part, JSON_SORT_KEYS | JSON_INDENT(1));
	json_decref(part);
	json_decref(doc);
	return text;
}

bool forge_has(const struct wga_verdict *v, enum wga_code code)
{
	for (size_t i = 0; i < v->n_reasons; i++)
		if (v->reasons[i].code == code)
			return true;
	return false;
}

uint64_t forge_class_frames(const struct wga_verdict *v)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < WGA_CLASS_COUNT; i++)
		sum += v->classes[i].frames;
	return sum;
}

uint64_t forge_input_frames(const struct wga_verdict *v)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < v->n_inputs; i++)
		sum += v->inputs[i].frames;
	return sum;
}

void forge_print(const struct wga_verdict *v)
{
	fprintf(stderr, "\tverdict %s\n", wga_outcome_name(v->outcome));
	for (size_t i = 0; i < v->n_reasons; i++)
		fprintf(stderr, "\t%s%s x%" PRIu64 ", first %s:%" PRIu64 ": %s\n",
			wga_code_name(v->reasons[i].code),
			v->reasons[i].accepted ? " (accepted)" : "",
			v->reasons[i].count,
			v->reasons[i].first.input ? v->reasons[i].first.input : "-",
			v->reasons[i].first.frame, v->reasons[i].text);
	for (unsigned int i = 0; i < WGA_CLASS_COUNT; i++)
		if (v->classes[i].frames)
			fprintf(stderr, "\t%s %" PRIu64, wga_class_name(i),
				v->classes[i].frames);
	fputc('\n', stderr);
}
