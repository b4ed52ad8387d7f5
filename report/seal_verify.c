/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/seal_internal.h"
#include "report/term.h"

static int find(struct wga_seal_report *r, enum wga_seal_finding_kind kind,
		const char *path, struct wga_err *err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static int find(struct wga_seal_report *r, enum wga_seal_finding_kind kind,
		const char *path, struct wga_err *err, const char *fmt, ...)
{
	struct wga_seal_finding *f;
	va_list ap;

	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 16;

		f = reallocarray(r->finding, room, sizeof(*f));
		if (!f)
			return wga_err_set(err, "out-of-memory",
					   "out of memory");
		r->finding = f;
		r->room = room;
	}
	f = &r->finding[r->n];
	*f = (struct wga_seal_finding){ .kind = kind, .path = strdup(path) };
	if (!f->path)
		return wga_err_set(err, "out-of-memory", "out of memory");
	r->n++;
	r->tampered |= kind != WGA_SEAL_UNREADABLE;
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
	return 0;
}

static const char *type_name(enum wga_seal_type type)
{
	switch (type) {
	case WGA_SEAL_FILE:
		return "a file";
	case WGA_SEAL_LINK:
		return "a symbolic link";
	case WGA_SEAL_FOLDER:
		return "a directory";
	case WGA_SEAL_SPECIAL:
		break;
	}
	return "a device, pipe or socket";
}

/* a file that is there and in the manifest */
static int compare(struct wga_seal_report *r, const struct wga_seal_file *was,
		   const struct wga_seal_file *is, struct wga_err *err)
{
	char a[80], b[80];

	if (is->error)
		return find(r, WGA_SEAL_UNREADABLE, is->path, err, "%s",
			    strerror(is->error));
	if (is->type != was->type)
		return find(r, WGA_SEAL_CHANGED, is->path, err,
			    "is %s, was %s", type_name(is->type),
			    type_name(was->type));
	if (is->type == WGA_SEAL_LINK) {
		if (!is->unsteady && !strcmp(is->target, was->target))
			return 0;
		return find(r, WGA_SEAL_CHANGED, is->path, err,
			    "points to %s, pointed to %s",
			    wga_term_clean(is->target, a, sizeof(a)),
			    wga_term_clean(was->target, b, sizeof(b)));
	}
	if (is->size != was->size)
		return find(r, WGA_SEAL_CHANGED, is->path, err,
			    "has %" PRIu64 " bytes, had %" PRIu64, is->size,
			    was->size);
	if (memcmp(is->hash, was->hash, sizeof(is->hash)))
		return find(r, WGA_SEAL_CHANGED, is->path, err,
			    "has other bytes");
	if (is->unsteady)
		return find(r, WGA_SEAL_CHANGED, is->path, err,
			    "changed while it was read");
	return 0;
}

/* Is it below a directory that cannot be read? Then it may be there. */
static bool is_hidden(const struct wga_seal_tree *is, const char *path)
{
	for (size_t i = 0; i < is->n; i++) {
		const struct wga_seal_file *f = &is->file[i];
		size_t len = strlen(f->path);

		if (f->type == WGA_SEAL_FOLDER &&
		    !strncmp(path, f->path, len) && path[len] == '/')
			return true;
	}
	return false;
}

static int find_missing(struct wga_seal_report *r,
			const struct wga_seal_tree *is, const char *path,
			struct wga_err *err)
{
	if (is_hidden(is, path))
		return 0;
	return find(r, WGA_SEAL_MISSING, path, err, "%s", "");
}

static int find_added(struct wga_seal_report *r, const struct wga_seal_file *is,
		      struct wga_err *err)
{
	if (is->type == WGA_SEAL_FOLDER)
		return find(r, WGA_SEAL_UNREADABLE, is->path, err, "%s",
			    strerror(is->error));
	return find(r, WGA_SEAL_ADDED, is->path, err, "%s", "");
}

/* both lists are sorted */
static int compare_trees(struct wga_seal_report *r,
			 const struct wga_seal_tree *was,
			 const struct wga_seal_tree *is, struct wga_err *err)
{
	size_t i = 0, k = 0;
	int order, ret = 0;

	while (ret == 0 && (i < was->n || k < is->n)) {
		if (i == was->n)
			order = 1;
		else if (k == is->n)
			order = -1;
		else
			order = strcmp(was->file[i].path, is->file[k].path);
		if (order == 0)
			ret = compare(r, &was->file[i++], &is->file[k++], err);
		else if (order < 0)
			ret = find_missing(r, is, was->file[i++].path, err);
		else
			ret = find_added(r, &is->file[k++], err);
	}
	return ret;
}

static int verify_files(struct wga_seal_report *r, int dir, struct wga_err *err)
{
	struct wga_seal_tree is;
	int ret = wga_seal_tree_read(&is, dir, r->dir, true, err);

	if (ret == 0)
		ret = compare_trees(r, &r->manifest.tree, &is, err);
	wga_seal_tree_free(&is);
	return ret;
}

/**
 * struct seal_text - the two files of a seal
 * @state:	what wga_seal_slurp() said
 * @error:	errno if that was 1
 */
struct seal_text {
	char *text;
	size_t len;
	int state, error;
};

static int slurp(struct seal_text *t, int dir, const char *name,
		 struct wga_err *err)
{
	t->state = wga_seal_slurp(dir, name, &t->text, &t->len, err);
	t->error = t->state > 0 ? errno : 0;
	return t->state < 0 ? -1 : 0;
}

/* one of the files is there, this one is not, or is none */
static int find_absent(struct wga_seal_report *r, const struct seal_text *t,
		       const char *name, struct wga_err *err)
{
	if (!t->state)
		return 0;
	if (t->error == ENOENT)
		return find(r, WGA_SEAL_MISSING, name, err, "%s", "");
	return find(r, WGA_SEAL_CHANGED, name, err, "is no regular file");
}

static int verify_signer(struct wga_seal_report *r, const uint8_t *signer,
			 struct wga_err *err)
{
	char is[WGA_SEAL_PUBLIC_TEXT], want[WGA_SEAL_PUBLIC_TEXT];

	r->has_signer = true;
	if (!signer)
		return 0;
	if (!memcmp(signer, r->signature.public, WGA_SEAL_PUBLIC_LEN)) {
		r->checked = true;
		return 0;
	}
	return find(r, WGA_SEAL_OTHER_KEY, WGA_SEAL_SIGNATURE, err,
		    "signed by %s, not by %s",
		    wga_seal_key_text(r->signature.public, is),
		    wga_seal_key_text(signer, want));
}

static int verify_texts(struct wga_seal_report *r, int dir,
			const struct seal_text *doc,
			const struct seal_text *sign, const uint8_t *signer,
			struct wga_err *err)
{
	if (doc->error == ENOENT && sign->error == ENOENT)
		return wga_err_set(err, "no-seal", "%s is not sealed: it has no "
				   WGA_SEAL_MANIFEST, r->dir);
	if (doc->state || sign->state)
		return find_absent(r, doc, WGA_SEAL_MANIFEST, err) |
		       find_absent(r, sign, WGA_SEAL_SIGNATURE, err);
	if (wga_seal_signature_parse(&r->signature, sign->text, sign->len) < 0)
		return find(r, WGA_SEAL_CHANGED, WGA_SEAL_SIGNATURE, err,
			    "is not as wgaudit writes it");
	if (verify_signer(r, signer, err) < 0)
		return -1;
	if (crypto_sign_verify_detached(r->signature.sign,
					(const uint8_t *)doc->text, doc->len,
					r->signature.public)) {
		r->checked = false;
		return find(r, WGA_SEAL_CHANGED, WGA_SEAL_MANIFEST, err,
			    "does not fit its signature: it was changed, or "
			    WGA_SEAL_SIGNATURE " was");
	}
	if (wga_seal_manifest_parse(&r->manifest, doc->text, doc->len, err) < 0)
		return -1;
	return verify_files(r, dir, err);
}

int wga_seal_verify(const char *dir, const uint8_t *signer,
		    struct wga_seal_report *r, struct wga_err *err)
{
	struct seal_text doc = { 0 }, sign = { 0 };
	int fd, ret = -1;

	*r = (struct wga_seal_report){
		.dir = dir, .wanted = signer != NULL,
	};
	if (sodium_init() < 0)
		return wga_err_set(err, "bad-key",
				   "libsodium does not work on this host");
	fd = wga_seal_open(dir, err);
	if (fd < 0)
		return -1;
	if (slurp(&doc, fd, WGA_SEAL_MANIFEST, err) == 0 &&
	    slurp(&sign, fd, WGA_SEAL_SIGNATURE, err) == 0)
		ret = verify_texts(r, fd, &doc, &sign, signer, err);
	free(doc.text);
	free(sign.text);
	close(fd);
	return ret;
}

void wga_seal_report_free(struct wga_seal_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->finding[i].path);
	free(r->finding);
	wga_seal_manifest_free(&r->manifest);
	*r = (struct wga_seal_report){ 0 };
}
