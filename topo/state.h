/* SPDX-License-Identifier: MIT */
#ifndef WGA_STATE_H
#define WGA_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/err.h"
#include "topo/mesh.h"

/*
 * Theory of operation
 *
 * What is known of a mesh between one command and the next lies in its state
 * directory, WGA_STATE_ROOT/NAME, for root alone. It is made before anything
 * else and removed after everything else:
 *
 *	lock		held (fcntl) by the one process that changes the mesh
 *	mesh.json	backend and topology; written whole before the backend is
 *			called, so all names that the backend will use follow
 *			from it
 *	...		whatever the backend and the provisioning keep
 *
 * Records of single steps are not needed: a backend derives the names of what
 * it makes from the topology alone, and removes whatever of that it finds.
 */

/* in the state root, not of a mesh: see fault_journal.h */
#define WGA_STATE_FAULTS	"faults"

/* $WGAUDIT_STATE, or /run/wgaudit */
const char *wga_state_root(void);

/**
 * wga_state_path() - a path in the state directory
 * @buf, @size:	room for it
 * @name:	"" for the directory itself
 *
 * Return: @buf.
 */
const char *wga_state_path(const struct wga_mesh *m, const char *name,
			   char *buf, size_t size);

/**
 * wga_state_lock() - become the one who changes this mesh
 * @m:		@topo.name set; @dir and @lock_fd are filled
 * @make:	make the directory if it is not there
 * @err:	"mesh-busy" naming the process, "no-such-mesh", "state"
 *
 * Return: 0, or -1 with @err set. The lock goes with the process.
 */
int wga_state_lock(struct wga_mesh *m, bool make, struct wga_err *err);
void wga_state_unlock(struct wga_mesh *m);

/* write mesh.json at once or not at all */
int wga_state_save(const struct wga_mesh *m, struct wga_err *err);

/**
 * wga_state_load() - read mesh.json of the mesh of this name
 * @m:		filled, all but the lock; @backend is NULL if the mesh was left
 *		before mesh.json was written
 * @err:	"no-such-mesh" naming those there are, "state" if it is damaged
 */
int wga_state_load(struct wga_mesh *m, const char *name, struct wga_err *err);

/* the topology and its backend as text, the same for the same: free() it */
char *wga_state_format(const struct wga_mesh *m);
int wga_state_parse(struct wga_mesh *m, const char *text, struct wga_err *err);

/* remove the state directory; the lock is given up with it */
int wga_state_remove(struct wga_mesh *m, struct wga_err *err);

/**
 * wga_state_names() - the meshes there are
 * @buf, @size:	"wga, other", cut at the end if there are too many
 *
 * Return: their number.
 */
size_t wga_state_names(char *buf, size_t size);

/* replace a file by a new one at once; directories above it must be there */
int wga_state_write(const char *path, const void *data, size_t len,
		    unsigned int mode, struct wga_err *err);
/* a file's contents with a NUL after them, free() it; NULL with errno set */
char *wga_state_read(const char *path, size_t *len);

/* remove a directory and all in it, on one filesystem, following no links */
int wga_state_remove_tree(const char *path, struct wga_err *err);

#endif /* WGA_STATE_H */
