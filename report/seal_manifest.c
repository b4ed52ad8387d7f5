/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/seal.h"
#include "report/seal_manifest.h"

#define BASE64		sodium_base64_VARIANT_ORIGINAL
#define HEX_LEN		(2 * WGA_SEAL_HASH_LEN)
#define SIGN_TEXT	sodium_base64_ENCODED_LEN(WGA_SEAL_SIGN_LEN, BASE64)
#define KEY_LINE	WGA_SEAL_SCHEMA " ed25519\nkey "
#define SIGN_LINE	"\nsignature "
/* without a NUL */
#define SIGNATURE_LEN	(strlen(KEY_LINE) + WGA_SEAL_PUBLIC_TEXT - 1 + \
			 strlen(SIGN_LINE) + SIGN_TEXT - 1 + 1)

static int no_memory(struct wga_err *err)
{
	return wga_err_set(err, "out-of-memory", "out of memory");
}

static json_t *base64_json(const char *bytes)
{
	size_t len = strlen(bytes), room;
	json_t *value = NULL;
	char *text;

	room = sodium_base64_encoded_len(len, BASE64);
	text = malloc(room);
	if (text)
		value = json_string(sodium_bin2base64(text, room,
					(const uint8_t *)bytes, len, BASE64));
	free(text);
	return value;
}

int wga_seal_json_bytes(json_t *obj, const char *key, const char *bytes)
{
	json_t *value = json_string(bytes);
	char base64[32];

	if (value)
		return json_object_set_new(obj, key, value);
	snprintf(base64, sizeof(base64), "%s_base64", key);
	return json_object_set_new(obj, base64, base64_json(bytes));
}

/* the date of a file may be before 1970 or far away */
static json_t *time_json(const struct timespec *ts)
{
	char text[64] = "", whole[96];
	struct tm tm;

	if (!gmtime_r(&ts->tv_sec, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return json_null();
	snprintf(whole, sizeof(whole), "%s.%09ldZ", text, ts->tv_nsec);
	return json_string(whole);
}

static json_t *file_json(const struct wga_seal_file *f)
{
	char hex[HEX_LEN + 1];
	json_t *obj = json_object();
	int ret;

	ret = wga_seal_json_bytes(obj, "path", f->path);
	if (f->type == WGA_SEAL_LINK) {
		ret |= json_object_set_new(obj, "type", json_string("symlink"));
		ret |= wga_seal_json_bytes(obj, "target", f->target);
	} else {
		sodium_bin2hex(hex, sizeof(hex), f->hash, sizeof(f->hash));
		ret |= json_object_set_new(obj, "type", json_string("file"));
		ret |= json_object_set_new(obj, "size",
					   json_integer((json_int_t)f->size));
		ret |= json_object_set_new(obj, "mtime", time_json(&f->mtime));
		ret |= json_object_set_new(obj, "sha256", json_string(hex));
	}
	if (!ret)
		return obj;
	json_decref(obj);
	return NULL;
}

/* write a value and drop it */
static int put(FILE *out, json_t *value)
{
	int ret = value ? json_dumpf(value, out, JSON_ENSURE_ASCII |
				     JSON_ENCODE_ANY) : -1;

	json_decref(value);
	return ret;
}

static int put_all(FILE *out, const json_t *doc,
		   const struct wga_seal_tree *tree)
{
	static const char *const keys[] = {
		"host", "time", "options", "verdict",
	};

	fputs("{\"schema\": \"" WGA_SEAL_SCHEMA "\",\n \"tool\": \"wgaudit "
	      WGA_VERSION "\"", out);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		fprintf(out, ",\n \"%s\": ", keys[i]);
		if (put(out, json_incref(json_object_get(doc, keys[i]))) < 0)
			return -1;
	}
	fputs(",\n \"files\": [", out);
	for (size_t i = 0; i < tree->n; i++) {
		fputs(i ? ",\n  " : "\n  ", out);
		if (put(out, file_json(&tree->file[i])) < 0)
			return -1;
	}
	fputs("]}\n", out);
	return ferror(out) ? -1 : 0;
}

int wga_seal_manifest_write(const json_t *doc,
			    const struct wga_seal_tree *tree, char **text,
			    size_t *len, struct wga_err *err)
{
	FILE *out;
	int ret;

	*text = NULL;
	out = open_memstream(text, len);
	if (!out)
		return no_memory(err);
	ret = put_all(out, doc, tree);
	if (fclose(out) || ret < 0) {
		free(*text);
		*text = NULL;
		return no_memory(err);
	}
	return 0;
}

/* the bytes of @key or @key_base64, of which there must be one; NULL if not */
static char *take_bytes(const json_t *obj, const char *key)
{
	const json_t *plain = json_object_get(obj, key), *coded;
	size_t len, n;
	char name[32], *bytes;

	snprintf(name, sizeof(name), "%s_base64", key);
	coded = json_object_get(obj, name);
	if (!plain == !coded || !json_is_string(plain ? plain : coded))
		return NULL;
	if (plain)
		return strdup(json_string_value(plain));
	len = json_string_length(coded);
	bytes = calloc(1, len + 1);
	if (bytes && !sodium_base642bin((uint8_t *)bytes, len,
					json_string_value(coded), len, NULL, &n,
					NULL, BASE64) && !memchr(bytes, '\0', n))
		return bytes;
	free(bytes);
	return NULL;
}

/* Below the sealed directory, spelled in the one way that a walk spells it */
static bool is_path(const char *path)
{
	const char *part = path;

	if (!strcmp(path, WGA_SEAL_MANIFEST) ||
	    !strcmp(path, WGA_SEAL_SIGNATURE))
		return false;
	for (;;) {
		size_t n = strcspn(part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		if (!part[n])
			return true;
		part += n + 1;
	}
}

static bool is_hex(const char *s)
{
	return s && strlen(s) == HEX_LEN &&
	       strspn(s, "0123456789abcdef") == HEX_LEN;
}

/* returns what is wrong, or NULL */
static const char *parse_content(struct wga_seal_file *f, const json_t *obj)
{
	const char *type = json_string_value(json_object_get(obj, "type"));
	const char *hex = json_string_value(json_object_get(obj, "sha256"));
	const json_t *size = json_object_get(obj, "size");
	size_t n;

	if (type && !strcmp(type, "symlink")) {
		f->type = WGA_SEAL_LINK;
		f->target = take_bytes(obj, "target");
		return f->target ? NULL : "a symbolic link has no target";
	}
	if (!type || strcmp(type, "file"))
		return "a file is of no known type";
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return "a file has no size";
	if (!is_hex(hex))
		return "a file has no SHA-256";
	f->size = (uint64_t)json_integer_value(size);
	sodium_hex2bin(f->hash, sizeof(f->hash), hex, HEX_LEN, NULL, &n, NULL);
	return NULL;
}

static const char *parse_files(struct wga_seal_tree *tree, const json_t *files)
{
	const char *before = NULL, *wrong;
	const json_t *obj;
	size_t i;

	if (!json_is_array(files))
		return "there is no list of files";
	json_array_foreach(files, i, obj) {
		struct wga_seal_file *f = wga_seal_tree_add(tree);

		if (!f)
			return "there are more files than memory";
		f->path = take_bytes(obj, "path");
		if (!f->path)
			return "a file has no path";
		if (!is_path(f->path))
			return "a path leads out of the directory";
		if (before && strcmp(before, f->path) >= 0)
			return "the files are not in order";
		before = f->path;
		wrong = parse_content(f, obj);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static const char *check_verdict(const json_t *verdict)
{
	const json_t *reasons = json_object_get(verdict, "reasons"), *code;
	size_t i;

	if (json_is_null(verdict))
		return NULL;
	if (!json_is_string(json_object_get(verdict, "outcome")) ||
	    !json_is_array(reasons))
		return "the verdict is none";
	json_array_foreach(reasons, i, code)
		if (!json_is_string(code))
			return "a reason of the verdict is no word";
	return NULL;
}

static const char *check_head(const json_t *doc)
{
	static const char *const texts[] = { "tool", "host", "time" };
	const json_t *options = json_object_get(doc, "options");

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!json_is_string(json_object_get(doc, texts[i])))
			return "tool, host or time is missing";
	if (!json_is_object(options))
		return "there are no options";
	for (void *at = json_object_iter((json_t *)(uintptr_t)options); at;
	     at = json_object_iter_next((json_t *)(uintptr_t)options, at))
		if (!json_is_string(json_object_iter_value(at)))
			return "an option is no text";
	return check_verdict(json_object_get(doc, "verdict"));
}

int wga_seal_manifest_parse(struct wga_seal_manifest *m, const char *text,
			    size_t len, struct wga_err *err)
{
	const char *schema, *wrong;
	json_error_t bad;

	*m = (struct wga_seal_manifest){ 0 };
	m->doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &bad);
	if (!m->doc)
		return wga_err_set(err, "bad-manifest", "%s, line %d: %s",
				   WGA_SEAL_MANIFEST, bad.line, bad.text);
	schema = json_string_value(json_object_get(m->doc, "schema"));
	if (!schema || strcmp(schema, WGA_SEAL_SCHEMA))
		return wga_err_set(err, "unknown-schema",
				   "%s has schema \"%.40s\"; this version of wgaudit knows \"%s\"",
				   WGA_SEAL_MANIFEST, schema ? schema : "",
				   WGA_SEAL_SCHEMA);
	wrong = check_head(m->doc);
	if (!wrong)
		wrong = parse_files(&m->tree, json_object_get(m->doc, "files"));
	if (wrong)
		return wga_err_set(err, "bad-manifest", "%s: %s",
				   WGA_SEAL_MANIFEST, wrong);
	return 0;
}

void wga_seal_manifest_free(struct wga_seal_manifest *m)
{
	json_decref(m->doc);
	wga_seal_tree_free(&m->tree);
	m->doc = NULL;
}

char *wga_seal_signature_write(const struct wga_seal_signature *s)
{
	char key[WGA_SEAL_PUBLIC_TEXT], sign[SIGN_TEXT], *text;

	sodium_bin2base64(sign, sizeof(sign), s->sign, sizeof(s->sign), BASE64);
	if (asprintf(&text, KEY_LINE "%s" SIGN_LINE "%s\n",
		     wga_seal_key_text(s->public, key), sign) < 0)
		return NULL;
	return text;
}

int wga_seal_signature_parse(struct wga_seal_signature *s, const char *text,
			     size_t len)
{
	const char *key = text + strlen(KEY_LINE);
	const char *sign = key + WGA_SEAL_PUBLIC_TEXT - 1 + strlen(SIGN_LINE);
	char *again;
	size_t n, k;
	int ret;

	if (len != SIGNATURE_LEN ||
	    sodium_base642bin(s->public, sizeof(s->public), key,
			      WGA_SEAL_PUBLIC_TEXT - 1, NULL, &k, NULL,
			      BASE64) || k != sizeof(s->public) ||
	    sodium_base642bin(s->sign, sizeof(s->sign), sign, SIGN_TEXT - 1,
			      NULL, &n, NULL, BASE64) || n != sizeof(s->sign))
		return -1;
	again = wga_seal_signature_write(s);
	ret = again && !memcmp(again, text, len) ? 0 : -1;
	free(again);
	return ret;
}
