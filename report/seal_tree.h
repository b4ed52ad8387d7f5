/* SPDX-License-Identifier: MIT */
#ifndef WGA_SEAL_TREE_H
#define WGA_SEAL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "capture/err.h"

#define WGA_SEAL_HASH_LEN	32

/* what a name in a directory stands for */
enum wga_seal_type {
	WGA_SEAL_FILE,
	WGA_SEAL_LINK,		/* symbolic; never followed */
	WGA_SEAL_SPECIAL,	/* device, pipe, socket */
	WGA_SEAL_FOLDER,	/* listed only if it cannot be read */
};

/**
 * struct wga_seal_file - one file of a tree
 * @path:	below the tree's root, any bytes but NUL
 * @target:	of a symbolic link, else NULL
 * @error:	errno of why it could not be read, or 0
 * @unsteady:	it changed while it was read
 * @hash:	SHA-256 (FIPS 180-4) of a file's bytes
 * @dev, @ino, @ctime:	tell whether it is still the same; not for manifests
 */
struct wga_seal_file {
	char *path;
	char *target;
	enum wga_seal_type type;
	int error;
	bool unsteady;
	uint64_t size;
	uint8_t hash[WGA_SEAL_HASH_LEN];
	struct timespec mtime, ctime;
	dev_t dev;
	ino_t ino;
};

/**
 * struct wga_seal_tree - files, sorted by the bytes of their paths
 */
struct wga_seal_tree {
	struct wga_seal_file *file;
	size_t n, room;
};

/**
 * wga_seal_tree_read() - list all files below a directory
 * @tree:	filled; release with wga_seal_tree_free(), also after an error
 * @dir:	open directory, stays open
 * @name:	its name for errors
 * @hash:	also read each file
 * @err:	"unreadable-directory", "too-deep", "out-of-memory"
 *
 * The seal's own two files in @dir itself are left out, and directories are
 * not listed: an empty one holds nothing that could be wrong. What cannot be
 * read is listed with its error.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_seal_tree_read(struct wga_seal_tree *tree, int dir, const char *name,
		       bool hash, struct wga_err *err);

/* a new file at the end of the tree, all zeros; NULL when out of memory */
struct wga_seal_file *wga_seal_tree_add(struct wga_seal_tree *tree);

void wga_seal_tree_free(struct wga_seal_tree *tree);

/**
 * wga_seal_tree_moved() - did anything change between two readings?
 *
 * Return: path of the first file that did, or NULL.
 */
const char *wga_seal_tree_moved(const struct wga_seal_tree *before,
				const struct wga_seal_tree *after);

#endif /* WGA_SEAL_TREE_H */
