/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/seal.h"
#include "report/term.h"

#define SCHEMA	"wgaudit/1"

static const char *const kinds[] = {
	[WGA_SEAL_CHANGED] = "changed",
	[WGA_SEAL_MISSING] = "missing",
	[WGA_SEAL_ADDED] = "added",
	[WGA_SEAL_OTHER_KEY] = "other-key",
	[WGA_SEAL_UNREADABLE] = "unreadable",
};

static void put_clean(FILE *out, const char *s)
{
	size_t room = 4 * strlen(s) + 1;
	char *clean = malloc(room);

	fputs(clean ? wga_term_clean(s, clean, room) : "?", out);
	free(clean);
}

/* write a document and drop it */
static int put(FILE *out, json_t *doc)
{
	int ret = doc ? json_dumpf(doc, out, JSON_ENSURE_ASCII | JSON_INDENT(1)) :
			-1;

	json_decref(doc);
	fputc('\n', out);
	return ret < 0 || ferror(out) ? -1 : 0;
}

/* a text that need not be UTF-8, as text cleaning writes it then */
static json_t *text_json(const char *s)
{
	json_t *text = json_string(s);
	char clean[1024];

	return text ? text :
	       json_string(wga_term_clean(s, clean, sizeof(clean)));
}

/* @doc is NULL where there is no manifest */
static json_t *head_json(const json_t *doc, const char *key)
{
	json_t *value = json_object_get(doc, key);

	return value ? json_incref(value) : json_null();
}

static json_t *key_json(const uint8_t public[WGA_SEAL_PUBLIC_LEN])
{
	char text[WGA_SEAL_PUBLIC_TEXT];

	return json_string(wga_seal_key_text(public, text));
}

int wga_seal_write_new_key(FILE *out, const char *path,
			   const uint8_t public[WGA_SEAL_PUBLIC_LEN], bool json)
{
	char text[WGA_SEAL_PUBLIC_TEXT];

	if (json)
		return put(out, json_pack("{s:s, s:{s:o, s:o}}", "schema",
					  SCHEMA, "new_key", "file",
					  text_json(path), "key",
					  key_json(public)));
	fputs("new key in ", out);
	put_clean(out, path);
	fputs(", its public half in ", out);
	put_clean(out, path);
	fprintf(out, ".pub\n  %s\n", wga_seal_key_text(public, text));
	return ferror(out) ? -1 : 0;
}

static void put_verdict(FILE *out, const json_t *verdict)
{
	const json_t *reasons = json_object_get(verdict, "reasons"), *code;
	const char *outcome;
	size_t i;

	outcome = json_string_value(json_object_get(verdict, "outcome"));
	if (!outcome)
		return;
	fputs("  verdict: ", out);
	put_clean(out, outcome);
	json_array_foreach(reasons, i, code) {
		fputs(i ? ", " : " (", out);
		put_clean(out, json_string_value(code));
	}
	fputs(i ? ")\n" : "\n", out);
}

static void put_options(FILE *out, const json_t *options)
{
	json_t *all = (json_t *)(uintptr_t)options;

	for (void *at = json_object_iter(all); at;
	     at = json_object_iter_next(all, at)) {
		fputs("  ", out);
		put_clean(out, json_object_iter_key(at));
		fputs(": ", out);
		put_clean(out, json_string_value(json_object_iter_value(at)));
		fputc('\n', out);
	}
}

int wga_seal_write_sealed(FILE *out, const char *dir,
			  const struct wga_seal_key *key,
			  const struct wga_seal_manifest *m, bool json)
{
	char text[WGA_SEAL_PUBLIC_TEXT];

	if (json)
		return put(out, json_pack(
			"{s:s, s:{s:o, s:I, s:o, s:o, s:o, s:o, s:o}}",
			"schema", SCHEMA, "seal", "directory", text_json(dir),
			"files", (json_int_t)m->tree.n, "signer",
			key_json(key->public), "host",
			head_json(m->doc, "host"), "time",
			head_json(m->doc, "time"), "options",
			head_json(m->doc, "options"), "verdict",
			head_json(m->doc, "verdict")));
	fprintf(out, "SEALED: %zu file%s in ", m->tree.n,
		m->tree.n == 1 ? "" : "s");
	put_clean(out, dir);
	fputc('\n', out);
	put_verdict(out, json_object_get(m->doc, "verdict"));
	put_options(out, json_object_get(m->doc, "options"));
	fprintf(out, "  signed by %s\n", wga_seal_key_text(key->public, text));
	return ferror(out) ? -1 : 0;
}

static const char *result(const struct wga_seal_report *r)
{
	return r->tampered ? "tampered" : r->n ? "unreadable" : "intact";
}

static json_t *findings_json(const struct wga_seal_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n; i++) {
		const struct wga_seal_finding *f = &r->finding[i];
		json_t *obj = json_pack("{s:s, s:o}", "kind", kinds[f->kind],
					"text", text_json(f->what));

		if (wga_seal_json_bytes(obj, "path", f->path) < 0 ||
		    json_array_append_new(list, obj) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *report_json(const struct wga_seal_report *r)
{
	const json_t *doc = r->manifest.doc;

	return json_pack("{s:s, s:{s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}}",
			 "schema", SCHEMA, "verify", "result", result(r),
			 "directory", text_json(r->dir), "files",
			 doc ? json_integer((json_int_t)r->manifest.tree.n) :
			 json_null(), "signer", r->has_signer ?
			 key_json(r->signature.public) : json_null(),
			 "signer_checked", (int)r->checked, "tool",
			 head_json(doc, "tool"), "host", head_json(doc, "host"),
			 "time", head_json(doc, "time"), "options",
			 head_json(doc, "options"), "verdict",
			 head_json(doc, "verdict"), "findings",
			 findings_json(r));
}

static void put_headline(FILE *out, const struct wga_seal_report *r)
{
	if (r->tampered)
		fprintf(out, "TAMPERED: %zu finding%s in ", r->n,
			r->n == 1 ? "" : "s");
	else if (r->n)
		fprintf(out, "UNREADABLE: %zu file%s in ", r->n,
			r->n == 1 ? "" : "s");
	else
		fprintf(out, "INTACT: %zu file%s in ", r->manifest.tree.n,
			r->manifest.tree.n == 1 ? "" : "s");
	put_clean(out, r->dir);
	fputc('\n', out);
}

static void put_seal(FILE *out, const struct wga_seal_report *r)
{
	const json_t *doc = r->manifest.doc;
	char text[WGA_SEAL_PUBLIC_TEXT];

	if (doc) {
		fputs("  sealed ", out);
		put_clean(out, json_string_value(json_object_get(doc, "time")));
		fputs(" on ", out);
		put_clean(out, json_string_value(json_object_get(doc, "host")));
		fputs(" by ", out);
		put_clean(out, json_string_value(json_object_get(doc, "tool")));
		fputc('\n', out);
		put_verdict(out, json_object_get(doc, "verdict"));
		put_options(out, json_object_get(doc, "options"));
	}
	/* who signed what does not fit its signature is anybody's guess */
	if (!r->has_signer || !doc)
		return;
	fprintf(out, "  signed by %s", wga_seal_key_text(r->signature.public,
							 text));
	fputs(r->checked ? ", as required\n" : r->wanted ?
	      ", which is not the required signer\n" :
	      ": SIGNER NOT CHECKED, anybody could have sealed this; --key FILE.pub requires a signer\n",
	      out);
}

static int put_report(FILE *out, const struct wga_seal_report *r)
{
	put_headline(out, r);
	for (size_t i = 0; i < r->n; i++) {
		const struct wga_seal_finding *f = &r->finding[i];

		fprintf(out, "  %s: ", kinds[f->kind]);
		put_clean(out, f->path);
		if (*f->what) {
			fputs(" (", out);
			put_clean(out, f->what);
			fputc(')', out);
		}
		fputc('\n', out);
	}
	put_seal(out, r);
	return ferror(out) ? -1 : 0;
}

int wga_seal_write_report(FILE *out, const struct wga_seal_report *report,
			  bool json)
{
	return json ? put(out, report_json(report)) : put_report(out, report);
}
