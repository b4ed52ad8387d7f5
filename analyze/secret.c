/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/secret.h"

/* a key log of a hundred thousand connections */
#define FILE_MAX	((size_t)64 << 20)
#define FILE_ROOM	((size_t)65536)

void *wga_secret_alloc(size_t size)
{
	const size_t unit = alignof(max_align_t);
	void *p;

	/* libsodium puts the end of an allocation at the end of a page */
	if (size > PTRDIFF_MAX - unit || sodium_init() < 0)
		return NULL;
	size = (size + unit - 1) / unit * unit;
	p = sodium_malloc(size);
	if (p)
		memset(p, 0, size);
	return p;
}

void wga_secret_free(void *p)
{
	sodium_free(p);
}

static int file_error(const char *path, struct wga_err *err)
{
	return wga_err_set(err, errno == ENOENT ? "no-such-file" :
			   "unreadable-file", "%s: %s", path, strerror(errno));
}

static void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* where the text goes; @room does not count the NUL */
struct text {
	char *p;
	size_t len, room;
};

static void text_cleanup(struct text *t)
{
	wga_secret_free(t->p);
}

static int text_grow(struct text *t, size_t room)
{
	char *grown = wga_secret_alloc(room + 1);

	if (!grown)
		return -1;
	if (t->p)
		memcpy(grown, t->p, t->len);
	wga_secret_free(t->p);
	t->p = grown;
	t->room = room;
	return 0;
}

static int file_read(int fd, const char *path, struct text *t,
		     struct wga_err *err)
{
	ssize_t n;

	for (;;) {
		if (t->len > FILE_MAX)
			return wga_err_set(err, "unreadable-file",
					   "%s: larger than any key file", path);
		if (t->len == t->room && text_grow(t, 2 * t->room))
			return wga_err_set(err, "out-of-memory",
					   "%s: out of memory", path);
		n = read(fd, t->p + t->len, t->room - t->len);
		if (n == 0)
			return 0;
		if (n > 0)
			t->len += (size_t)n;
		else if (errno != EINTR)
			return file_error(path, err);
	}
}

int wga_secret_read(const char *path, char **text, size_t *len, bool *shared,
		    struct wga_err *err)
{
	__attribute__((cleanup(fd_cleanup))) int fd = -1;
	__attribute__((cleanup(text_cleanup))) struct text t = { 0 };
	size_t room = FILE_ROOM;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return file_error(path, err);
	/* one byte more than a file has shows its end without growing */
	if (S_ISREG(st.st_mode) && (size_t)st.st_size <= FILE_MAX)
		room = (size_t)st.st_size + 1;
	if (text_grow(&t, room))
		return wga_err_set(err, "out-of-memory", "%s: out of memory",
				   path);
	if (file_read(fd, path, &t, err) < 0)
		return -1;
	t.p[t.len] = '\0';
	*text = t.p;
	*len = t.len;
	*shared = st.st_mode & 077;
	t.p = NULL;
	return 0;
}
