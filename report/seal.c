/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "report/seal.h"
#include "report/seal_internal.h"
#include "report/term.h"

#define VERDICT		"verdict.json"
#define VERDICT_SCHEMA	"wgaudit/1"
#define CLEAN_LEN	300

int wga_seal_open(const char *dir, struct wga_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENOTDIR)
		return wga_err_set(err, "no-such-directory",
				   "there is no directory %s", dir);
	return wga_err_set(err, "unreadable-directory", "%s: %s", dir,
			   strerror(errno));
}

static int read_all(int fd, size_t size, char *text, size_t *len)
{
	size_t n = 0;
	ssize_t got;

	/* to its end, though it may be longer or shorter by now */
	while (n < size) {
		got = read(fd, text + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*len = n;
	return 0;
}

static int read_open(int fd, const char *name, char **text, size_t *len,
		     struct wga_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		errno = ELOOP;
		return 1;
	}
	if (st.st_size > WGA_SEAL_SIZE_MAX)
		return wga_err_set(err, "too-large",
				   "%s has more than %u bytes", name,
				   (unsigned int)WGA_SEAL_SIZE_MAX);
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return wga_err_set(err, "out-of-memory", "out of memory");
	if (read_all(fd, (size_t)st.st_size + 1, *text, len) == 0)
		return 0;
	free(*text);
	*text = NULL;
	return wga_err_set(err, "unreadable-file", "%s: %s", name,
			   strerror(errno));
}

int wga_seal_slurp(int dir, const char *name, char **text, size_t *len,
		   struct wga_err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
			O_NOCTTY | O_CLOEXEC), ret;

	*text = NULL;
	*len = 0;
	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
		return 1;
	if (fd < 0)
		return wga_err_set(err, "unreadable-file", "%s: %s", name,
				   strerror(errno));
	ret = read_open(fd, name, text, len, err);
	close(fd);
	return ret;
}

/* outcome and reason codes of a verdict, or of the error there was instead */
static json_t *verdict_of(const json_t *doc)
{
	const json_t *reasons = json_object_get(doc, "reasons"), *reason;
	const json_t *error = json_object_get(doc, "error");
	const char *schema, *outcome;
	json_t *codes;
	bool bad = false;
	size_t i;

	schema = json_string_value(json_object_get(doc, "schema"));
	outcome = json_string_value(json_object_get(doc, "verdict"));
	if (!schema || strcmp(schema, VERDICT_SCHEMA))
		return NULL;
	if (json_is_object(error) &&
	    json_is_string(json_object_get(error, "code")))
		return json_pack("{s:s, s:[O]}", "outcome", "error", "reasons",
				 json_object_get(error, "code"));
	if (!outcome || !json_is_array(reasons))
		return NULL;
	codes = json_array();
	json_array_foreach(reasons, i, reason) {
		json_t *code = json_object_get(reason, "code");

		bad |= !json_is_string(code) || json_array_append(codes, code);
	}
	if (bad) {
		json_decref(codes);
		return NULL;
	}
	return json_pack("{s:s, s:o}", "outcome", outcome, "reasons", codes);
}

static int read_verdict(int dir, json_t **out, struct wga_err *err)
{
	json_t *doc;
	char *text;
	size_t len;
	int ret = wga_seal_slurp(dir, VERDICT, &text, &len, err);

	if (ret < 0)
		return -1;
	if (ret > 0) {
		*out = json_null();
		return 0;
	}
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	*out = verdict_of(doc);
	json_decref(doc);
	free(text);
	if (!*out)
		return wga_err_set(err, "bad-verdict",
				   "%s is no verdict of wgaudit (schema " VERDICT_SCHEMA "); give it another name if it is something else",
				   VERDICT);
	return 0;
}

static bool take_note(json_t *notes, const char *note)
{
	const char *is = strchr(note, '=');
	size_t n = is ? (size_t)(is - note) : 0;
	char key[256] = "";

	if (!n || n >= sizeof(key))
		return false;
	memcpy(key, note, n);
	return !json_object_get(notes, key) &&
	       !json_object_set_new(notes, key, json_string(is + 1));
}

static int read_notes(const struct wga_seal_options *opt, json_t **out,
		      struct wga_err *err)
{
	*out = json_object();
	for (size_t i = 0; i < opt->n_notes; i++)
		if (!take_note(*out, opt->notes[i]))
			return wga_err_set(err, "usage",
					   "a note is KEY=VALUE in UTF-8, and each KEY is given once: \"%.100s\" is not",
					   opt->notes[i]);
	return 0;
}

static json_t *host_name(void)
{
	char name[256] = "", clean[1024];
	json_t *text;

	if (gethostname(name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	text = json_string(name);
	return text ? text :
	       json_string(wga_term_clean(name, clean, sizeof(clean)));
}

static json_t *time_now(void)
{
	time_t now = time(NULL);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static int make_head(const struct wga_seal_options *opt, int dir, json_t **doc,
		     struct wga_err *err)
{
	json_t *options = NULL, *verdict = NULL;

	if (read_notes(opt, &options, err) < 0 ||
	    read_verdict(dir, &verdict, err) < 0) {
		json_decref(options);
		return -1;
	}
	*doc = json_pack("{s:o, s:o, s:o, s:o}", "host", host_name(), "time",
			 time_now(), "options", options, "verdict", verdict);
	if (!*doc)
		return wga_err_set(err, "out-of-memory", "out of memory");
	return 0;
}

static int unfit(struct wga_err *err, const char *code,
		 const struct wga_seal_options *opt, const char *path,
		 const char *why)
{
	char clean[CLEAN_LEN];

	return wga_err_set(err, code, "%.100s/%s %s", opt->dir,
			   wga_term_clean(path, clean, sizeof(clean)), why);
}

static int check_file(const struct wga_seal_options *opt,
		      const struct wga_seal_file *f, struct wga_err *err)
{
	if (f->error)
		return unfit(err, "unreadable-file", opt, f->path,
			     strerror(f->error));
	if (f->unsteady)
		return unfit(err, "file-changed", opt, f->path,
			     "changed while it was sealed");
	if (f->type == WGA_SEAL_SPECIAL)
		return unfit(err, "special-file", opt, f->path,
			     "is a device, pipe or socket, which cannot be sealed");
	if (f->dev == opt->key->dev && f->ino == opt->key->ino)
		return unfit(err, "secret-in-directory", opt, f->path,
			     "is the secret key; keep it elsewhere");
	return 0;
}

static int read_tree(const struct wga_seal_options *opt, int dir,
		     struct wga_seal_tree *tree, struct wga_err *err)
{
	if (wga_seal_tree_read(tree, dir, opt->dir, true, err) < 0)
		return -1;
	if (!tree->n)
		return wga_err_set(err, "empty-directory",
				   "%s has no files that could be sealed",
				   opt->dir);
	for (size_t i = 0; i < tree->n; i++)
		if (check_file(opt, &tree->file[i], err) < 0)
			return -1;
	return 0;
}

/* Once all is read: files that were read first may have changed since. */
static int read_again(const struct wga_seal_options *opt, int dir,
		      const struct wga_seal_tree *tree, struct wga_err *err)
{
	struct wga_seal_tree now;
	const char *moved;
	int ret = wga_seal_tree_read(&now, dir, opt->dir, false, err);

	if (ret == 0) {
		moved = wga_seal_tree_moved(tree, &now);
		if (moved)
			ret = unfit(err, "file-changed", opt, moved,
				    "changed while it was sealed");
	}
	wga_seal_tree_free(&now);
	return ret;
}

static int write_file(const struct wga_seal_options *opt, int dir,
		      const char *name, const char *text, size_t len,
		      struct wga_err *err)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
			O_CLOEXEC, 0644);
	size_t done = 0;
	ssize_t n = 0;

	while (fd >= 0 && n >= 0 && done < len) {
		n = write(fd, text + done, len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 0;
	}
	if (fd >= 0 && n >= 0 && fsync(fd) == 0 && close(fd) == 0)
		return 0;
	return wga_err_set(err, "unwritable-file", "%s/%s: %s", opt->dir, name,
			   strerror(errno));
}

static void unlink_seal(int dir)
{
	unlinkat(dir, WGA_SEAL_MANIFEST, 0);
	unlinkat(dir, WGA_SEAL_SIGNATURE, 0);
}

static int write_seal(const struct wga_seal_options *opt, int dir,
		      const char *text, size_t len, struct wga_err *err)
{
	struct wga_seal_signature s;
	char *sign;
	int ret;

	memcpy(s.public, opt->key->public, sizeof(s.public));
	crypto_sign_detached(s.sign, NULL, (const uint8_t *)text, len,
			     opt->key->secret);
	sign = wga_seal_signature_write(&s);
	if (!sign)
		return wga_err_set(err, "out-of-memory", "out of memory");
	if (opt->force)
		unlink_seal(dir);
	ret = write_file(opt, dir, WGA_SEAL_MANIFEST, text, len, err);
	if (ret == 0) {
		ret = write_file(opt, dir, WGA_SEAL_SIGNATURE, sign,
				 strlen(sign), err);
		if (ret < 0)
			unlink_seal(dir);
	}
	free(sign);
	return ret;
}

static int seal_open(const struct wga_seal_options *opt, int dir,
		     struct wga_seal_manifest *m, struct wga_err *err)
{
	char *text = NULL;
	size_t len = 0;
	int ret;

	if (!opt->force &&
	    (!faccessat(dir, WGA_SEAL_MANIFEST, F_OK, AT_SYMLINK_NOFOLLOW) ||
	     !faccessat(dir, WGA_SEAL_SIGNATURE, F_OK, AT_SYMLINK_NOFOLLOW)))
		return wga_err_set(err, "sealed",
				   "%s is sealed already; --force seals it as it is now",
				   opt->dir);
	if (read_tree(opt, dir, &m->tree, err) < 0 ||
	    make_head(opt, dir, &m->doc, err) < 0 ||
	    read_again(opt, dir, &m->tree, err) < 0 ||
	    wga_seal_manifest_write(m->doc, &m->tree, &text, &len, err) < 0)
		return -1;
	if (len > WGA_SEAL_SIZE_MAX)
		ret = wga_err_set(err, "too-large",
				  "%s has more files than a seal can hold",
				  opt->dir);
	else
		ret = write_seal(opt, dir, text, len, err);
	free(text);
	return ret;
}

int wga_seal(const struct wga_seal_options *opt, struct wga_seal_manifest *m,
	     struct wga_err *err)
{
	int dir, ret;

	*m = (struct wga_seal_manifest){ 0 };
	dir = wga_seal_open(opt->dir, err);
	if (dir < 0)
		return -1;
	ret = seal_open(opt, dir, m, err);
	close(dir);
	return ret;
}
