/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/outputs.h"

/* each time another run has been faster with the same file */
#define TRIES_MAX	1000

/**
 * struct page - a rendering in memory
 */
struct page {
	char *text;
	size_t size;
};

static int fail(struct wga_err *err, const char *path, const char *why)
{
	return wga_err_set(err, "write-failed", "cannot write %s: %s", path, why);
}

static const struct wga_renderer *screen_of(const struct wga_outputs *o)
{
	return o->screen ? o->screen : &wga_render_text;
}

bool wga_outputs_machine(const struct wga_outputs *o)
{
	return screen_of(o) != &wga_render_text;
}

int wga_outputs_add(struct wga_outputs *o, const struct wga_renderer *r,
		    const char *path, struct wga_err *err)
{
	size_t i;

	if (!*path)
		return wga_err_set(err, "usage", "--%s wants a file name",
				   r->name);
	if (!strcmp(path, "-")) {
		if (o->screen && o->screen != r)
			return wga_err_set(err, "usage",
					   "--%s and --%s both want standard output",
					   o->screen->name, r->name);
		o->screen = r;
		return 0;
	}
	for (i = 0; i < o->n; i++) {
		if (!strcmp(o->file[i].path, path))
			return wga_err_set(err, "usage",
					   "--%s %s: --%s writes that file",
					   r->name, path,
					   o->file[i].renderer->name);
	}
	if (o->n == WGA_OUTPUTS_MAX)
		return wga_err_set(err, "usage",
				   "at most %d files can be written",
				   WGA_OUTPUTS_MAX);
	o->file[o->n++] = (struct wga_output){ r, path };
	return 0;
}

/* --junit a.pcap b.pcap: a capture is not to be lost to a slip of the pen */
static bool is_capture(const char *path)
{
	static const uint8_t magic[][4] = {
		{ 0x0a, 0x0d, 0x0d, 0x0a }, { 0xa1, 0xb2, 0xc3, 0xd4 },
		{ 0xd4, 0xc3, 0xb2, 0xa1 }, { 0xa1, 0xb2, 0x3c, 0x4d },
		{ 0x4d, 0x3c, 0xb2, 0xa1 }, { 0x28, 0xb5, 0x2f, 0xfd },
		{ 0x1f, 0x8b, 0x08, 0x00 }, { 0x1f, 0x8b, 0x08, 0x08 },
	};
	uint8_t head[4];
	FILE *f = fopen(path, "re");
	size_t i, n;

	if (!f)
		return false;
	n = fread(head, 1, sizeof(head), f);
	fclose(f);
	for (i = 0; n == sizeof(head) && i < sizeof(magic) / sizeof(*magic); i++) {
		if (!memcmp(head, magic[i], sizeof(head)))
			return true;
	}
	return false;
}

static bool is_stdout(const struct stat *st)
{
	struct stat out;

	return !fstat(STDOUT_FILENO, &out) && out.st_dev == st->st_dev &&
	       out.st_ino == st->st_ino;
}

/**
 * place() - where a file really is, and whether it can be replaced
 * @real:	PATH_MAX bytes: the path without symbolic links
 * @device:	set if it is no regular file, to be written to as it is
 *
 * Return: 0, or -1 with @err set.
 */
static int place(const char *path, char real[static PATH_MAX], bool *device,
		 struct wga_err *err)
{
	struct stat st;

	*device = false;
	if (stat(path, &st) < 0) {
		if (errno != ENOENT)
			return fail(err, path, strerror(errno));
		if (strlen(path) >= PATH_MAX)
			return fail(err, path, strerror(ENAMETOOLONG));
		strcpy(real, path);
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return fail(err, path, strerror(EISDIR));
	*device = !S_ISREG(st.st_mode);
	if (*device)
		return 0;
	if (is_stdout(&st))
		return wga_err_set(err, "usage",
				   "%s is where standard output goes; write - instead",
				   path);
	if (is_capture(path))
		return wga_err_set(err, "usage",
				   "%s is a capture file and will not be overwritten",
				   path);
	if (!realpath(path, real))
		return fail(err, path, strerror(errno));
	return 0;
}

/* "DIR/.NAME.wgaudit" for "DIR/NAME" */
static int temporary_name(const char *real, char name[static PATH_MAX])
{
	const char *slash = strrchr(real, '/');
	const char *base = slash ? slash + 1 : real;
	int n = snprintf(name, PATH_MAX, "%.*s.%s.wgaudit", (int)(base - real),
			 real, base);

	if (n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

/* Is this still the file of that name, or has its writer renamed it? Neither
 * may it be a second name of a file that somebody else put there.
 */
static bool still_named(int fd, const char *name)
{
	struct stat a, b;

	return !fstat(fd, &a) && !lstat(name, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino && S_ISREG(a.st_mode) && a.st_nlink == 1;
}

static int close_failed(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

/* the temporary file, empty and locked; -1 with errno set */
static int open_temporary(const char *name)
{
	int fd, tries;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		fd = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
			  O_CLOEXEC, 0666);
		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX) < 0)
			return close_failed(fd);
		if (still_named(fd, name))
			return ftruncate(fd, 0) ? close_failed(fd) : fd;
		close(fd);
	}
	errno = EBUSY;
	return -1;
}

static int write_all(int fd, const struct page *page)
{
	size_t done = 0;

	while (done < page->size) {
		ssize_t n = write(fd, page->text + done, page->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

static int replace(const char *real, const struct page *page)
{
	char name[PATH_MAX];
	int fd, saved;

	if (temporary_name(real, name) < 0)
		return -1;
	fd = open_temporary(name);
	if (fd < 0)
		return -1;
	if (!write_all(fd, page) && !fsync(fd) && !rename(name, real))
		return close(fd);
	saved = errno;
	unlink(name);
	errno = saved;
	return close_failed(fd);
}

static int write_device(const char *path, const struct page *page)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return write_all(fd, page) ? close_failed(fd) : close(fd);
}

static int write_file(const char *path, const struct page *page,
		      struct wga_err *err)
{
	char real[PATH_MAX];
	bool device;

	if (place(path, real, &device, err) < 0)
		return -1;
	if ((device ? write_device(path, page) : replace(real, page)) < 0)
		return fail(err, path, strerror(errno));
	return 0;
}

int wga_outputs_check(const struct wga_outputs *o, struct wga_err *err)
{
	char real[PATH_MAX];
	bool device;
	size_t i;

	for (i = 0; i < o->n; i++) {
		const char *path = o->file[i].path;

		if (place(path, real, &device, err) < 0)
			return -1;
		if (faccessat(AT_FDCWD, device ? path : dirname(real), device ?
			      W_OK : W_OK | X_OK, AT_EACCESS) < 0)
			return wga_err_set(err, "write-failed",
					   "cannot write %s as user %u: %s%s",
					   path, geteuid(), device ? "" :
					   "its directory: ", strerror(errno));
	}
	return 0;
}

/* renders into memory: a verdict or, if there is none, an error */
static int render(const struct wga_renderer *r, const struct wga_verdict *v,
		  const struct wga_err *what,
		  const struct wga_render_options *opt, struct page *page)
{
	FILE *out;
	int ret;

	*page = (struct page){ 0 };
	out = open_memstream(&page->text, &page->size);
	if (!out)
		return -1;
	ret = v ? r->verdict(out, v, opt) : r->error(out, what, opt);
	if (fclose(out))
		ret = -1;
	return ret;
}

static int write_rendering(const struct wga_output *to,
			   const struct wga_verdict *v,
			   const struct wga_err *what,
			   const struct wga_render_options *opt,
			   struct wga_err *err)
{
	struct page page;
	int ret;

	if (render(to->renderer, v, what, opt, &page) < 0)
		ret = fail(err, to->path, "out of memory");
	else
		ret = write_file(to->path, &page, err);
	free(page.text);
	return ret;
}

int wga_outputs_verdict(const struct wga_outputs *o, const struct wga_verdict *v,
			const struct wga_render_options *opt,
			struct wga_err *err)
{
	size_t i;

	for (i = 0; i < o->n; i++) {
		if (write_rendering(&o->file[i], v, NULL, opt, err) < 0)
			return -1;
	}
	if (screen_of(o)->verdict(stdout, v, opt) < 0 || fflush(stdout))
		return wga_err_set(err, "write-failed",
				   "cannot write the verdict to standard output");
	return 0;
}

void wga_outputs_error(const struct wga_outputs *o, const struct wga_err *err,
		       const struct wga_render_options *opt)
{
	FILE *out = wga_outputs_machine(o) ? stdout : stderr;
	struct wga_err other;
	size_t i;

	if (screen_of(o)->error(out, err, opt) < 0 || fflush(out))
		wga_render_text.error(stderr, err, opt);
	for (i = 0; i < o->n; i++) {
		/* what is written about is not told twice */
		if (write_rendering(&o->file[i], NULL, err, opt, &other) < 0 &&
		    strcmp(err->code, "write-failed") != 0 &&
		    strcmp(err->text, other.text) != 0)
			wga_render_text.error(stderr, &other, opt);
	}
}
