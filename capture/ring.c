/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/ring.h"

/* dumpcap counts to there and starts over (ringbuffer.h) */
#define NUMBER_MAX	100000

/**
 * struct ring_iface - an interface of all files
 * @loss:	since the beginning
 * @before:	drops that earlier files tell of
 */
struct ring_iface {
	char *name, *filter;
	uint16_t link;
	uint32_t snaplen;
	struct wga_pcapng_loss loss;
	uint64_t before;
};

/**
 * struct wga_ring
 * @w:		writer of the last file, or NULL
 * @paths, @frames, @n:	the files there are, and what each holds
 * @number:	files begun so far
 * @failed:	code[0] is 0 unless something could not be written
 */
struct wga_ring {
	struct wga_ring_options opt;
	char *comment;
	struct wga_pcapng_writer *w;
	struct ring_iface *ifaces;
	unsigned int n_ifaces;
	char **paths;
	uint64_t *frames;
	size_t n;
	uint64_t number, removed;
	struct wga_err failed;
};

static bool is_avoided(const struct wga_ring_options *opt,
		       const struct stat *st)
{
	size_t i;

	for (i = 0; i < opt->n_avoid; i++) {
		if (opt->avoid[i].st_dev == st->st_dev &&
		    opt->avoid[i].st_ino == st->st_ino)
			return true;
	}
	return false;
}

int wga_ring_create(const char *path, const struct wga_ring_options *opt,
		    struct wga_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	struct stat st;
	int ret = 0;

	if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS))
		return wga_err_set(err, "write-failed",
				   "cannot create %s as user %u: %s; name a directory that this user may write to",
				   path, (unsigned int)geteuid(),
				   strerror(errno));
	if (fd < 0)
		return wga_err_set(err, "write-failed", "cannot create %s: %s",
				   path, strerror(errno));
	if (fstat(fd, &st) < 0)
		ret = wga_err_set(err, "write-failed", "cannot write %s: %s",
				  path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		ret = wga_err_set(err, "usage",
				  "%s is no regular file, evidence cannot go there",
				  path);
	else if (is_avoided(opt, &st))
		ret = wga_err_set(err, "usage",
				  "%s is an input, it cannot be written over",
				  path);
	else if (ftruncate(fd, 0) < 0)
		ret = wga_err_set(err, "write-failed", "cannot write %s: %s",
				  path, strerror(errno));
	if (ret == 0)
		return fd;
	close(fd);
	return -1;
}

/* FILE_00001_20261122120000.pcapng, the time being local */
static char *ring_name(const struct wga_ring *ring)
{
	const char *path = ring->opt.path, *base = strrchr(path, '/');
	const char *dot = strrchr(base ? base : path, '.');
	time_t now = time(NULL);
	char when[32] = "";
	struct tm tm;
	char *name;

	if (!ring->opt.size)
		return strdup(path);
	if (!dot)
		dot = path + strlen(path);
	if (localtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y%m%d%H%M%S", &tm);
	if (asprintf(&name, "%.*s_%05" PRIu64 "_%s%s", (int)(dot - path), path,
		     (ring->number + 1) % NUMBER_MAX, when, dot) < 0)
		return NULL;
	return name;
}

static int no_memory(const struct wga_ring *ring, struct wga_err *err)
{
	return wga_err_set(err, "out-of-memory",
			   "cannot write %s: out of memory", ring->opt.path);
}

static int describe(struct wga_ring *ring, const struct ring_iface *ifc,
		    struct wga_err *err)
{
	return wga_pcapng_write_iface(ring->w, ifc->name, ifc->link,
				      ifc->snaplen, ifc->filter, err);
}

static int remove_oldest(struct wga_ring *ring, struct wga_err *err)
{
	if (unlink(ring->paths[0]) < 0 && errno != ENOENT)
		return wga_err_set(err, "write-failed", "cannot remove %s: %s",
				   ring->paths[0], strerror(errno));
	ring->removed += ring->frames[0];
	free(ring->paths[0]);
	ring->n--;
	memmove(ring->paths, ring->paths + 1, ring->n * sizeof(*ring->paths));
	memmove(ring->frames, ring->frames + 1, ring->n * sizeof(*ring->frames));
	return 0;
}

static int begin_file(struct wga_ring *ring, struct wga_err *err)
{
	uint64_t *frames = reallocarray(ring->frames, ring->n + 1,
					sizeof(*frames));
	char **paths, *path;
	unsigned int i;
	int fd;

	if (frames)
		ring->frames = frames;
	paths = reallocarray(ring->paths, ring->n + 1, sizeof(*paths));
	if (paths)
		ring->paths = paths;
	path = ring_name(ring);
	if (!frames || !paths || !path) {
		free(path);
		return no_memory(ring, err);
	}
	fd = wga_ring_create(path, &ring->opt, err);
	if (fd < 0) {
		free(path);
		return -1;
	}
	ring->number++;
	ring->paths[ring->n] = path;
	ring->frames[ring->n++] = 0;
	if (wga_pcapng_write_open(&ring->w, fd, path, ring->comment, err) < 0)
		return -1;
	for (i = 0; i < ring->n_ifaces; i++) {
		if (describe(ring, &ring->ifaces[i], err) < 0)
			return -1;
	}
	if (ring->opt.files && ring->n > ring->opt.files)
		return remove_oldest(ring, err);
	return 0;
}

static int end_file(struct wga_ring *ring, bool last, struct wga_err *err)
{
	struct wga_err at_close;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ring->n_ifaces && ret == 0; i++) {
		struct ring_iface *ifc = &ring->ifaces[i];
		struct wga_pcapng_loss loss = { 0 };

		if (last)
			loss = ifc->loss;
		loss.drops = ifc->loss.drops - ifc->before;
		ifc->before = ifc->loss.drops;
		ret = wga_pcapng_write_stats(ring->w, i, &loss, err);
	}
	ring->frames[ring->n - 1] = wga_pcapng_write_frames(ring->w);
	if (wga_pcapng_write_close(ring->w, &at_close) < 0 && ret == 0) {
		*err = at_close;
		ret = -1;
	}
	ring->w = NULL;
	return ret;
}

/* what went wrong once is told by every later call */
static int settle(struct wga_ring *ring, int ret, struct wga_err *err)
{
	if (ret < 0 && !ring->failed.code[0])
		ring->failed = *err;
	return ret;
}

static bool is_failed(const struct wga_ring *ring, struct wga_err *err)
{
	if (ring->failed.code[0])
		*err = ring->failed;
	return ring->failed.code[0];
}

int wga_ring_open(struct wga_ring **out, const struct wga_ring_options *opt,
		  const char *comment, struct wga_err *err)
{
	struct wga_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return wga_err_set(err, "out-of-memory",
				   "cannot write %s: out of memory", opt->path);
	ring->opt = *opt;
	if (comment)
		ring->comment = strdup(comment);
	if (comment && !ring->comment) {
		no_memory(ring, err);
		wga_ring_free(ring);
		return -1;
	}
	if (begin_file(ring, err) < 0) {
		wga_ring_free(ring);
		return -1;
	}
	*out = ring;
	return 0;
}

int wga_ring_iface(struct wga_ring *ring, const char *name, uint16_t link,
		   uint32_t snaplen, const char *filter, struct wga_err *err)
{
	struct ring_iface *ifaces, *ifc;

	if (is_failed(ring, err))
		return -1;
	ifaces = reallocarray(ring->ifaces, ring->n_ifaces + 1,
			      sizeof(*ifaces));
	if (!ifaces)
		return settle(ring, no_memory(ring, err), err);
	ring->ifaces = ifaces;
	ifc = &ifaces[ring->n_ifaces++];
	*ifc = (struct ring_iface){
		.name = strdup(name), .filter = filter ? strdup(filter) : NULL,
		.link = link, .snaplen = snaplen,
	};
	if (!ifc->name || (filter && !ifc->filter))
		return settle(ring, no_memory(ring, err), err);
	return settle(ring, describe(ring, ifc, err), err);
}

static int frame_add(struct wga_ring *ring, unsigned int iface,
		     const struct wga_frame *frame,
		     const struct wga_pcapng_extras *extras,
		     struct wga_err *err)
{
	if (ring->opt.size &&
	    wga_pcapng_write_size(ring->w) >= ring->opt.size &&
	    (end_file(ring, false, err) < 0 || begin_file(ring, err) < 0))
		return -1;
	return wga_pcapng_write_frame(ring->w, iface, frame, extras, err);
}

int wga_ring_frame(struct wga_ring *ring, unsigned int iface,
		   const struct wga_frame *frame,
		   const struct wga_pcapng_extras *extras, struct wga_err *err)
{
	if (is_failed(ring, err))
		return -1;
	return settle(ring, frame_add(ring, iface, frame, extras, err), err);
}

void wga_ring_passed(struct wga_ring *ring, unsigned int iface,
		     const struct wga_frame *frame)
{
	if (ring->w)
		wga_pcapng_write_passed(ring->w, iface, frame);
}

int wga_ring_loss(struct wga_ring *ring, unsigned int iface,
		  const struct wga_pcapng_loss *loss, struct wga_err *err)
{
	struct ring_iface *ifc = &ring->ifaces[iface];
	const struct wga_pcapng_loss now = { .drops = loss->drops - ifc->before };
	bool grown = loss->drops > ifc->loss.drops;

	assert(iface < ring->n_ifaces);
	ifc->loss = *loss;
	if (is_failed(ring, err))
		return -1;
	if (!grown)
		return 0;
	return settle(ring, wga_pcapng_write_stats(ring->w, iface, &now, err),
		      err);
}

int wga_ring_flush(struct wga_ring *ring, struct wga_err *err)
{
	if (is_failed(ring, err))
		return -1;
	return settle(ring, wga_pcapng_write_flush(ring->w, err), err);
}

int wga_ring_close(struct wga_ring *ring, struct wga_err *err)
{
	int ret = 0;

	if (ring->w)
		ret = settle(ring, end_file(ring, true, err), err);
	return is_failed(ring, err) ? -1 : ret;
}

const char *const *wga_ring_paths(const struct wga_ring *ring, size_t *n)
{
	*n = ring->n;
	return (const char *const *)ring->paths;
}

uint64_t wga_ring_removed(const struct wga_ring *ring)
{
	return ring->removed;
}

void wga_ring_free(struct wga_ring *ring)
{
	struct wga_err unused;
	unsigned int i;
	size_t k;

	if (!ring)
		return;
	wga_pcapng_write_close(ring->w, &unused);
	for (i = 0; i < ring->n_ifaces; i++) {
		free(ring->ifaces[i].name);
		free(ring->ifaces[i].filter);
	}
	for (k = 0; k < ring->n; k++)
		free(ring->paths[k]);
	free(ring->ifaces);
	free(ring->paths);
	free(ring->frames);
	free(ring->comment);
	free(ring);
}
