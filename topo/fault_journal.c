/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topo/fault_journal.h"
#include "topo/state.h"

#define FILE_MAX	(1U << 20)
#define FAULTS_MAX	256

static int failed(const char *what, const char *path, struct wga_err *err)
{
	return wga_err_set(err, errno == EACCES || errno == EPERM ?
			   "no-permission" : "state", "cannot %s %s: %s%s",
			   what, path, strerror(errno),
			   errno == EACCES ? "; try sudo" : "");
}

static int make_dirs(const char *dir, struct wga_err *err)
{
	if (mkdir(wga_state_root(), 0755) < 0 && errno != EEXIST)
		return failed("make", wga_state_root(), err);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return failed("make", dir, err);
	return 0;
}

/* Return: 1 locked, 0 there is none (any more), -1 with @err set */
static int try_lock(struct wga_journal *j, struct wga_err *err)
{
	struct stat held, named;

	j->fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (j->fd < 0)
		return errno == ENOENT ? 0 : failed("open", j->dir, err);
	while (flock(j->fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			failed("lock", j->dir, err);
			close(j->fd);
			j->fd = -1;
			return -1;
		}
	if (fstat(j->fd, &held) == 0 && stat(j->dir, &named) == 0 &&
	    held.st_ino == named.st_ino && held.st_dev == named.st_dev)
		return 1;
	close(j->fd);
	j->fd = -1;
	return 0;
}

static int lock_dir(struct wga_journal *j, bool make, struct wga_err *err)
{
	int got = 0;

	if (snprintf(j->dir, sizeof(j->dir), "%s/" WGA_STATE_FAULTS,
		     wga_state_root()) >=
	    (int)sizeof(j->dir))
		return wga_err_set(err, "state", "%s is too long a path",
				   wga_state_root());
	for (int i = 0; i < 100 && got == 0; i++) {
		if (make && make_dirs(j->dir, err) < 0)
			return -1;
		got = try_lock(j, err);
		if (got == 0 && !make && access(j->dir, F_OK) < 0)
			return 0;
	}
	return got == 0 ? wga_err_set(err, "state", "cannot lock %s", j->dir) :
			  got < 0 ? -1 : 0;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

/* NUL-terminated, free() it */
static char *read_file(int dir, const char *name, size_t *len)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *text = fd < 0 ? NULL : malloc(FILE_MAX + 1);
	ssize_t n = 0;

	*len = 0;
	while (text && *len < FILE_MAX &&
	       (n = read(fd, text + *len, FILE_MAX - *len)) > 0)
		*len += (size_t)n;
	if (fd >= 0)
		close(fd);
	if (text)
		text[*len] = '\0';
	return text;
}

static int read_one(struct wga_journal *j, const char *name,
		    struct wga_err *err)
{
	struct wga_fault *grown, f;
	struct wga_err why = { .text = "it cannot be read" };
	char *text;
	size_t len;
	int ret;

	text = read_file(j->fd, name, &len);
	ret = text ? wga_fault_parse(&f, text, len, &why) : -1;
	free(text);
	if (ret == 0 && (strncmp(f.name, name, strlen(f.name)) != 0 ||
			 strcmp(name + strlen(f.name), ".json") != 0)) {
		wga_fault_free(&f);
		ret = wga_err_set(&why, "bad-journal", "it is of another fault");
	}
	if (ret < 0)
		return wga_err_set(err, "bad-journal",
				   "%s/%s: %s; what it stands for must be undone by hand, then remove it",
				   j->dir, name, why.text);
	grown = j->n < FAULTS_MAX ?
		realloc(j->faults, (j->n + 1) * sizeof(*grown)) : NULL;
	if (!grown) {
		wga_fault_free(&f);
		return wga_err_set(err, "out-of-memory",
				   "too many faults stand in %s", j->dir);
	}
	j->faults = grown;
	j->faults[j->n++] = f;
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct wga_fault *x = a, *y = b;

	if (x->began_mono_ms != y->began_mono_ms)
		return x->began_mono_ms < y->began_mono_ms ? -1 : 1;
	return strcmp(x->name, y->name);
}

static DIR *list(const struct wga_journal *j)
{
	int fd = openat(j->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static int read_all(struct wga_journal *j, struct wga_err *err)
{
	DIR *dir = list(j);
	struct dirent *e;
	int ret = 0;

	if (!dir)
		return failed("read", j->dir, err);
	while (ret == 0 && (e = readdir(dir))) {
		if (ends_in(e->d_name, ".json"))
			ret = read_one(j, e->d_name, err);
		else if (ends_in(e->d_name, ".new"))
			/* never renamed, so nothing has been done for it */
			unlinkat(j->fd, e->d_name, 0);
	}
	closedir(dir);
	if (j->n > 1)
		qsort(j->faults, j->n, sizeof(*j->faults), by_age);
	return ret;
}

int wga_journal_open(struct wga_journal *j, bool make, struct wga_err *err)
{
	*j = (struct wga_journal){ .fd = -1 };
	if (lock_dir(j, make, err) < 0)
		return -1;
	if (j->fd >= 0 && read_all(j, err) < 0) {
		wga_journal_close(j);
		return -1;
	}
	return 0;
}

void wga_journal_close(struct wga_journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		wga_fault_free(&j->faults[i]);
	free(j->faults);
	j->faults = NULL;
	j->n = 0;
	if (j->fd < 0)
		return;
	if (rmdir(j->dir) == 0)
		rmdir(wga_state_root());
	close(j->fd);
	j->fd = -1;
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

static int write_file(struct wga_journal *j, const char *name, const char *end,
		      const char *text, struct wga_err *err)
{
	char new[WGA_FAULT_NAME_MAX + 8], old[WGA_FAULT_NAME_MAX + 8];
	int fd, bad;

	snprintf(new, sizeof(new), "%s.new", name);
	snprintf(old, sizeof(old), "%s%s", name, end);
	fd = openat(j->fd, new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
		    O_NOFOLLOW, 0600);
	if (fd < 0)
		return failed("write into", j->dir, err);
	bad = write_all(fd, text, strlen(text)) < 0 || fsync(fd) < 0;
	if (close(fd) < 0 || bad || renameat(j->fd, new, j->fd, old) < 0 ||
	    fsync(j->fd) < 0) {
		failed("write into", j->dir, err);
		unlinkat(j->fd, new, 0);
		return -1;
	}
	return 0;
}

int wga_journal_write(struct wga_journal *j, const struct wga_fault *f,
		      struct wga_err *err)
{
	char *text = wga_fault_format(f);
	int ret;

	if (!text)
		return wga_err_set(err, "out-of-memory", "out of memory");
	ret = write_file(j, f->name, ".json", text, err);
	free(text);
	return ret;
}

int wga_journal_remove(struct wga_journal *j, const char *name,
		       struct wga_err *err)
{
	char file[WGA_FAULT_NAME_MAX + 8];

	if (j->fd < 0)
		return 0;
	snprintf(file, sizeof(file), "%s.json", name);
	if (unlinkat(j->fd, file, 0) < 0 && errno != ENOENT)
		return failed("remove from", j->dir, err);
	fsync(j->fd);
	return 0;
}

const struct wga_fault *wga_journal_find(const struct wga_journal *j,
					 const char *name)
{
	for (size_t i = 0; i < j->n; i++)
		if (strcmp(j->faults[i].name, name) == 0)
			return &j->faults[i];
	return NULL;
}

bool wga_journal_taken(void *arg, const char *name)
{
	return wga_journal_find(arg, name) != NULL;
}

int wga_journal_keep_end(struct wga_journal *j, const char *name,
			 const char *text, struct wga_err *err)
{
	return write_file(j, name, ".ended", text, err);
}

void wga_journal_ends(struct wga_journal *j,
		      bool (*fn)(void *arg, const char *name,
				 const char *text), void *arg)
{
	DIR *dir = j->fd < 0 ? NULL : list(j);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char name[sizeof(e->d_name)], *text;
		size_t len;

		if (!ends_in(e->d_name, ".ended"))
			continue;
		text = read_file(j->fd, e->d_name, &len);
		snprintf(name, sizeof(name), "%.*s",
			 (int)(strlen(e->d_name) - strlen(".ended")),
			 e->d_name);
		if (text && fn(arg, name, text))
			unlinkat(j->fd, e->d_name, 0);
		free(text);
	}
	if (dir)
		closedir(dir);
}

uint64_t wga_journal_started(pid_t pid)
{
	char path[64], text[1024], *at;
	unsigned long long started;
	ssize_t n;
	char state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* the name is in brackets and can hold anything, see proc(5) */
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			  &state, &started) != 2 ||
	    state == 'Z' || state == 'X')
		return 0;
	return started;
}

bool wga_journal_orphan(const struct wga_fault *f)
{
	return f->pid <= 0 || wga_journal_started(f->pid) != f->started;
}
