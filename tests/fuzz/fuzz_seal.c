/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The input is a manifest, and it is a signature. A manifest that is taken has
 * only paths below its directory, in order, and says the same when it has been
 * written and read once more. A signature that is taken is written back to the
 * very same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "report/seal_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_path(const char *path)
{
	require(path[0] && path[0] != '/' && path[strlen(path) - 1] != '/');
	require(strcmp(path, "..") && strncmp(path, "../", 3));
	require(!strstr(path, "/../") && !strstr(path, "//"));
	require(strlen(path) < 3 ||
		strcmp(path + strlen(path) - 3, "/.."));
}

static void check_same(const struct wga_seal_tree *a,
		       const struct wga_seal_tree *b)
{
	require(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct wga_seal_file *f = &a->file[i], *g = &b->file[i];

		check_path(f->path);
		require(!i || strcmp(a->file[i - 1].path, f->path) < 0);
		require(f->type == g->type && f->size == g->size);
		require(!strcmp(f->path, g->path));
		require(!memcmp(f->hash, g->hash, sizeof(f->hash)));
		require(!f->target == !g->target);
		require(!f->target || !strcmp(f->target, g->target));
	}
}

static void manifest(const char *text, size_t size)
{
	struct wga_seal_manifest m, again;
	struct wga_err err;
	char *written;
	size_t len;

	if (wga_seal_manifest_parse(&m, text, size, &err) == 0) {
		require(!wga_seal_manifest_write(m.doc, &m.tree, &written, &len,
						 &err));
		require(!wga_seal_manifest_parse(&again, written, len, &err));
		check_same(&m.tree, &again.tree);
		wga_seal_manifest_free(&again);
		free(written);
	}
	wga_seal_manifest_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct wga_seal_signature s;
	char *written;

	manifest(text, size);
	if (wga_seal_signature_parse(&s, text, size) == 0) {
		written = wga_seal_signature_write(&s);
		require(written && strlen(written) == size);
		require(!memcmp(written, text, size));
		free(written);
	}
	return 0;
}
