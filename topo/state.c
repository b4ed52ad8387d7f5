/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topo/state.h"

#define STATE_FILE_MAX	(1U << 20)

const char *wga_state_root(void)
{
	const char *root = secure_getenv("WGAUDIT_STATE");

	return root && *root == '/' ? root : "/run/wgaudit";
}

const char *wga_state_path(const struct wga_mesh *m, const char *name,
			   char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", m->dir, *name ? "/" : "", name);
	return buf;
}

static int name_dir(struct wga_mesh *m, struct wga_err *err)
{
	const char *name = m->topo.name;

	/* it becomes part of a path that is removed at the end */
	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789")])
		return wga_err_set(err, "usage",
				   "\"%s\" cannot be the name of a mesh: 1 to 8 of a-z and 0-9",
				   name);
	if (strcmp(name, WGA_STATE_FAULTS) == 0)
		return wga_err_set(err, "usage",
				   "\"%s\" is the name of no mesh: faults are kept there",
				   name);
	if (snprintf(m->dir, sizeof(m->dir), "%s/%s", wga_state_root(),
		     name) >= (int)sizeof(m->dir))
		return wga_err_set(err, "state", "%s is too long a path",
				   wga_state_root());
	return 0;
}

static int make_dirs(struct wga_mesh *m, struct wga_err *err)
{
	if (mkdir(wga_state_root(), 0755) < 0 && errno != EEXIST)
		return wga_err_set(err, "state", "cannot make %s: %s",
				   wga_state_root(), strerror(errno));
	if (mkdir(m->dir, 0700) < 0 && errno != EEXIST)
		return wga_err_set(err, "state", "cannot make %s: %s", m->dir,
				   strerror(errno));
	return 0;
}

static int no_such_mesh(const char *name, struct wga_err *err)
{
	char names[256];

	if (wga_state_names(names, sizeof(names)) == 0)
		return wga_err_set(err, "no-such-mesh",
				   "no mesh \"%s\" is up, nor any other; wgaudit topo up makes one",
				   name);
	return wga_err_set(err, "no-such-mesh",
			   "no mesh \"%s\" is up; there are: %s", name, names);
}

/* Return: 1 locked, 0 the file was removed in between, -1 with @err set */
static int try_lock(struct wga_mesh *m, const char *path, struct wga_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat held, named;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return wga_err_set(err, "state", "cannot open %s: %s", path,
				   strerror(errno));
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
			lock.l_pid = 0;
		close(fd);
		return wga_err_set(err, "mesh-busy",
				   "process %d is bringing mesh %s up or down; wait for it or end it",
				   (int)lock.l_pid, m->topo.name);
	}
	if (fstat(fd, &held) == 0 && stat(path, &named) == 0 &&
	    held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
		m->lock_fd = fd;
		return 1;
	}
	close(fd);
	return 0;
}

int wga_state_lock(struct wga_mesh *m, bool make, struct wga_err *err)
{
	char path[256];
	int got;

	if (name_dir(m, err) < 0)
		return -1;
	wga_state_path(m, "lock", path, sizeof(path));
	for (int i = 0; i < 100; i++) {
		if (make && make_dirs(m, err) < 0)
			return -1;
		if (!make && access(m->dir, F_OK) < 0)
			return no_such_mesh(m->topo.name, err);
		got = try_lock(m, path, err);
		if (got != 0)
			return got < 0 ? -1 : 0;
	}
	return wga_err_set(err, "state", "cannot lock %s", path);
}

void wga_state_unlock(struct wga_mesh *m)
{
	if (m->lock_fd > 0)
		close(m->lock_fd);
	m->lock_fd = -1;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int wga_state_write(const char *path, const void *data, size_t len,
		    unsigned int mode, struct wga_err *err)
{
	char temporary[512];
	int fd, failed;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >=
	    (int)sizeof(temporary))
		return wga_err_set(err, "state", "too long a path: %s", path);
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return wga_err_set(err, "state", "cannot make %s: %s",
				   temporary, strerror(errno));
	failed = write_all(fd, data, len) < 0 || fchmod(fd, mode) < 0;
	if (close(fd) < 0 || failed || rename(temporary, path) < 0) {
		wga_err_set(err, "state", "cannot write %s: %s", path,
			    strerror(errno));
		unlink(temporary);
		return -1;
	}
	return 0;
}

char *wga_state_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *data;
	size_t n;

	if (!f)
		return NULL;
	data = malloc(STATE_FILE_MAX + 1);
	if (!data) {
		fclose(f);
		return NULL;
	}
	n = fread(data, 1, STATE_FILE_MAX, f);
	if (ferror(f)) {
		free(data);
		fclose(f);
		errno = EIO;
		return NULL;
	}
	fclose(f);
	data[n] = '\0';
	if (len)
		*len = n;
	return data;
}

int wga_state_save(const struct wga_mesh *m, struct wga_err *err)
{
	char path[256], *text = wga_state_format(m);
	int ret;

	if (!text)
		return wga_err_set(err, "out-of-memory", "out of memory");
	ret = wga_state_write(wga_state_path(m, "mesh.json", path, sizeof(path)),
			      text, strlen(text), 0600, err);
	free(text);
	return ret;
}

int wga_state_load(struct wga_mesh *m, const char *name, struct wga_err *err)
{
	char path[256], *text;
	int ret;

	*m = (struct wga_mesh){ .lock_fd = -1 };
	if (snprintf(m->topo.name, sizeof(m->topo.name), "%s", name) >=
	    (int)sizeof(m->topo.name))
		return no_such_mesh(name, err);
	if (name_dir(m, err) < 0)
		return -1;
	if (access(m->dir, F_OK) < 0)
		return no_such_mesh(name, err);
	text = wga_state_read(wga_state_path(m, "mesh.json", path,
					     sizeof(path)), NULL);
	if (!text && errno == ENOENT)
		return 0;
	if (!text)
		return wga_err_set(err, "state", "cannot read %s: %s", path,
				   strerror(errno));
	ret = wga_state_parse(m, text, err);
	free(text);
	if (ret == 0 && strcmp(m->topo.name, name) != 0)
		return wga_err_set(err, "state", "%s is about another mesh, %s",
				   path, m->topo.name);
	return ret;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int wga_state_remove_tree(const char *path, struct wga_err *err)
{
	if (nftw(path, remove_entry, 16, FTW_PHYS | FTW_MOUNT | FTW_DEPTH) < 0 &&
	    errno != ENOENT)
		return wga_err_set(err, "state", "cannot remove %s: %s", path,
				   strerror(errno));
	return 0;
}

int wga_state_remove(struct wga_mesh *m, struct wga_err *err)
{
	int ret = wga_state_remove_tree(m->dir, err);

	wga_state_unlock(m);
	rmdir(wga_state_root());	/* the last one out */
	return ret;
}

size_t wga_state_names(char *buf, size_t size)
{
	DIR *dir = opendir(wga_state_root());
	struct dirent *e;
	size_t n = 0, len = 0;

	if (size > 0)
		buf[0] = '\0';
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || e->d_type != DT_DIR ||
		    strcmp(e->d_name, WGA_STATE_FAULTS) == 0)
			continue;
		if (len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s",
						n ? ", " : "", e->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}
