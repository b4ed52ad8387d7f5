/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A directory is walked by descriptors: every name is opened relative to the
 * open directory that it was found in and never through a symbolic link, so
 * nobody can lead the walk out of the tree by swapping names under it. Files
 * are read in pieces; one that is not the same before and after is unsteady.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/seal.h"
#include "report/seal_tree.h"

#define PIECE		(256U << 10)
/* each level keeps a directory open */
#define DEPTH_MAX	200

struct walk {
	struct wga_seal_tree *tree;
	const char *name;
	uint8_t *piece; /* NULL: do not read the files */
	struct wga_err *err;
};

static int walk_folder(struct walk *w, int fd, const char *prefix,
		       unsigned int depth);

struct wga_seal_file *wga_seal_tree_add(struct wga_seal_tree *tree)
{
	if (tree->n == tree->room) {
		size_t room = tree->room ? 2 * tree->room : 64;
		struct wga_seal_file *file;

		file = reallocarray(tree->file, room, sizeof(*file));
		if (!file)
			return NULL;
		tree->file = file;
		tree->room = room;
	}
	memset(&tree->file[tree->n], 0, sizeof(*tree->file));
	return &tree->file[tree->n++];
}

void wga_seal_tree_free(struct wga_seal_tree *tree)
{
	for (size_t i = 0; i < tree->n; i++) {
		free(tree->file[i].path);
		free(tree->file[i].target);
	}
	free(tree->file);
	*tree = (struct wga_seal_tree){ 0 };
}

static int no_memory(struct wga_err *err)
{
	return wga_err_set(err, "out-of-memory", "out of memory");
}

static void note_stat(struct wga_seal_file *f, const struct stat *st)
{
	f->size = (uint64_t)st->st_size;
	f->mtime = st->st_mtim;
	f->ctime = st->st_ctim;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const struct wga_seal_file *a,
		      const struct wga_seal_file *b)
{
	return a->type == b->type && a->size == b->size && a->dev == b->dev &&
	       a->ino == b->ino && same_time(&a->mtime, &b->mtime) &&
	       same_time(&a->ctime, &b->ctime);
}

static bool is_steady(const struct wga_seal_file *f, int fd)
{
	struct wga_seal_file now = { .type = f->type };
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	note_stat(&now, &st);
	return same_file(f, &now);
}

/* returns 0, or the errno of what went wrong */
static int hash_open(struct wga_seal_file *f, int fd, uint8_t *piece)
{
	crypto_hash_sha256_state state;
	uint64_t size = 0;
	ssize_t n;

	f->unsteady = !is_steady(f, fd);
	crypto_hash_sha256_init(&state);
	/* not endlessly where somebody keeps writing */
	while (size <= f->size) {
		n = read(fd, piece, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			break;
		crypto_hash_sha256_update(&state, piece,
					  (unsigned long long)n);
		size += (uint64_t)n;
	}
	crypto_hash_sha256_final(&state, f->hash);
	f->unsteady |= size != f->size || !is_steady(f, fd);
	return 0;
}

/* O_NONBLOCK: a pipe that took the file's place must not be waited for */
static void hash_file(struct walk *w, int dir, const char *name,
		      struct wga_seal_file *f)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
			O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		f->error = errno;
		return;
	}
	f->error = hash_open(f, fd, w->piece);
	close(fd);
}

static int read_target(int dir, const char *name, struct wga_seal_file *f,
		       struct wga_err *err)
{
	size_t room = f->size + 2;
	ssize_t n;

	f->target = malloc(room);
	if (!f->target)
		return no_memory(err);
	n = readlinkat(dir, name, f->target, room);
	if (n < 0)
		f->error = errno;
	/* as long as the room: it grew since it was looked at */
	f->unsteady = n == (ssize_t)room;
	f->target[n > 0 && !f->unsteady ? n : 0] = '\0';
	f->size = 0;
	return 0;
}

/* @path is taken over */
static int list(struct walk *w, char *path, struct wga_seal_file **out)
{
	struct wga_seal_file *f = wga_seal_tree_add(w->tree);

	if (!f) {
		free(path);
		return no_memory(w->err);
	}
	f->path = path;
	*out = f;
	return 0;
}

static int take_folder(struct walk *w, int dir, const char *name, char *path,
		       unsigned int depth)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
			O_CLOEXEC), error = errno, ret;
	struct wga_seal_file *f;

	if (fd < 0) {
		if (list(w, path, &f) < 0)
			return -1;
		f->type = WGA_SEAL_FOLDER;
		f->error = error;
		return 0;
	}
	ret = walk_folder(w, fd, path, depth + 1);
	free(path);
	return ret;
}

static int take(struct walk *w, int dir, const char *name, char *path,
		unsigned int depth)
{
	struct wga_seal_file *f;
	struct stat st;
	int error = 0;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		error = errno;
	else if (S_ISDIR(st.st_mode))
		return take_folder(w, dir, name, path, depth);
	if (list(w, path, &f) < 0)
		return -1;
	f->error = error;
	if (error)
		return 0;
	note_stat(f, &st);
	if (S_ISLNK(st.st_mode)) {
		f->type = WGA_SEAL_LINK;
		return read_target(dir, name, f, w->err);
	}
	f->type = S_ISREG(st.st_mode) ? WGA_SEAL_FILE : WGA_SEAL_SPECIAL;
	if (f->type == WGA_SEAL_FILE && w->piece)
		hash_file(w, dir, name, f);
	return 0;
}

static bool is_skipped(const char *name, unsigned int depth)
{
	return !strcmp(name, ".") || !strcmp(name, "..") ||
	       (depth == 0 && (!strcmp(name, WGA_SEAL_MANIFEST) ||
			       !strcmp(name, WGA_SEAL_SIGNATURE)));
}

static int walk_entries(struct walk *w, DIR *d, const char *prefix,
			unsigned int depth)
{
	struct dirent *entry;
	char *path;

	while (errno = 0, (entry = readdir(d))) {
		if (is_skipped(entry->d_name, depth))
			continue;
		if (asprintf(&path, "%s%s%s", prefix, *prefix ? "/" : "",
			     entry->d_name) < 0)
			return no_memory(w->err);
		if (take(w, dirfd(d), entry->d_name, path, depth) < 0)
			return -1;
	}
	if (errno)
		return wga_err_set(w->err, "unreadable-directory",
				   "%s%s%s: %s", w->name, *prefix ? "/" : "",
				   prefix, strerror(errno));
	return 0;
}

/* @fd is taken over */
static int walk_folder(struct walk *w, int fd, const char *prefix,
		       unsigned int depth)
{
	DIR *d = NULL;
	int ret;

	if (depth <= DEPTH_MAX)
		d = fdopendir(fd);
	if (!d) {
		close(fd);
		if (depth > DEPTH_MAX)
			return wga_err_set(w->err, "too-deep",
					   "%s: directories are nested deeper than %d",
					   w->name, DEPTH_MAX);
		return no_memory(w->err);
	}
	ret = walk_entries(w, d, prefix, depth);
	closedir(d);
	return ret;
}

static int by_path(const void *a, const void *b)
{
	const struct wga_seal_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int wga_seal_tree_read(struct wga_seal_tree *tree, int dir, const char *name,
		       bool hash, struct wga_err *err)
{
	struct walk w = { .tree = tree, .name = name, .err = err };
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;

	*tree = (struct wga_seal_tree){ 0 };
	if (fd < 0)
		return wga_err_set(err, "unreadable-directory", "%s: %s", name,
				   strerror(errno));
	if (hash) {
		w.piece = malloc(PIECE);
		if (!w.piece) {
			close(fd);
			return no_memory(err);
		}
	}
	ret = walk_folder(&w, fd, "", 0);
	free(w.piece);
	if (tree->n)
		qsort(tree->file, tree->n, sizeof(*tree->file), by_path);
	return ret;
}

const char *wga_seal_tree_moved(const struct wga_seal_tree *before,
				const struct wga_seal_tree *after)
{
	size_t i;

	for (i = 0; i < before->n && i < after->n; i++) {
		const struct wga_seal_file *a = &before->file[i];
		const struct wga_seal_file *b = &after->file[i];
		int order = strcmp(a->path, b->path);

		if (order)
			return order < 0 ? a->path : b->path;
		if (!same_file(a, b))
			return a->path;
	}
	if (i < before->n)
		return before->file[i].path;
	return i < after->n ? after->file[i].path : NULL;
}
