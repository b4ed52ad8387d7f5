/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * All files are opened first, so that a wrong name is told at once. Then as
 * many threads as there are processors take one file after the other and fill
 * that file's bridges, which nobody else touches. Only when all have ended are
 * the bridges added to the run, in the order of the command line. After an
 * error no thread goes on with a later file; earlier ones are read on, so
 * which error is told does not depend on the threads.
 *
 * One large file is read by several threads, each for a part of its flows.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/source.h"
#include "cli/feed.h"

#define THREADS_MAX	16
/* More threads do not help: each reads the whole file. */
#define PARTS_MAX	4
/* Smaller files are read before a thread has started. */
#define PARTS_SIZE	((off_t)32 << 20)

/**
 * struct feed_file - one file and what it yields, or a part of that
 * @part:	which part
 * @bridges:	one per interface seen so far
 */
struct feed_file {
	const char *path;
	unsigned int part;
	struct wga_source *src;
	struct wga_bridge *bridges[WGA_FEED_MAX];
	unsigned int n_bridges;
	struct wga_err err;
};

/**
 * struct feed - the work that threads share
 * @files, @n:	files, or the parts of one file
 * @parts:	parts, 1 if each file is read once
 * @next:	first file that no thread has taken
 * @failed:	first file with an error, or @n
 */
struct feed {
	const struct wga_config *cfg;
	struct feed_file *files;
	size_t n;
	unsigned int parts;
	atomic_size_t next, failed;
};

static const char *shown(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

static bool name_taken(const struct wga_source_iface *ifaces, unsigned int i)
{
	unsigned int j;

	for (j = 0; j < i; j++) {
		if (!strcmp(ifaces[j].name, ifaces[i].name))
			return true;
	}
	return false;
}

/* FILE, FILE:INTERFACE, or FILE:NUMBER where that says nothing or not enough */
static char *bridge_name(const char *path,
			 const struct wga_source_iface *ifaces, unsigned int n,
			 unsigned int i)
{
	char *name;
	int ret;

	if (n < 2)
		return strdup(shown(path));
	if (!ifaces[i].name[0])
		ret = asprintf(&name, "%s:%u", shown(path), i);
	else if (name_taken(ifaces, i))
		ret = asprintf(&name, "%s:%s#%u", shown(path), ifaces[i].name, i);
	else
		ret = asprintf(&name, "%s:%s", shown(path), ifaces[i].name);
	return ret < 0 ? NULL : name;
}

static int add_bridge(struct feed_file *file, const struct feed *feed,
		      const struct wga_source_iface *ifaces, unsigned int n)
{
	char *name;

	if (file->n_bridges == WGA_FEED_MAX)
		return wga_err_set(&file->err, "too-many-interfaces",
				   "%s: more than %d interfaces",
				   shown(file->path), WGA_FEED_MAX);
	name = bridge_name(file->path, ifaces, n, file->n_bridges);
	if (name)
		file->bridges[file->n_bridges] = wga_bridge_new(feed->cfg, name,
								false);
	free(name);
	if (!file->bridges[file->n_bridges])
		return wga_err_set(&file->err, "out-of-memory",
				   "%s: out of memory", shown(file->path));
	wga_bridge_part(file->bridges[file->n_bridges++], file->part,
			feed->parts);
	return 0;
}

/* a bridge for each interface that the file has told of by now */
static int add_bridges(struct feed_file *file, const struct feed *feed)
{
	const struct wga_source_iface *ifaces;
	unsigned int n;

	ifaces = wga_source_ifaces(file->src, &n);
	while (file->n_bridges < n) {
		if (add_bridge(file, feed, ifaces, n) < 0)
			return -1;
	}
	return 0;
}

static bool one_iface(const struct wga_batch *batch)
{
	unsigned int i;

	for (i = 1; i < batch->count; i++) {
		if (batch->frame[i].iface != batch->frame[0].iface)
			return false;
	}
	return true;
}

/* hand each frame to the bridge of its interface, keeping their order */
static void observe(struct feed_file *file, const struct wga_batch *batch)
{
	struct wga_batch part;
	unsigned int b, i;

	if (file->n_bridges == 1 || one_iface(batch)) {
		wga_bridge_observe(file->bridges[batch->frame[0].iface], batch);
		return;
	}
	for (b = 0; b < file->n_bridges; b++) {
		part.count = 0;
		for (i = 0; i < batch->count; i++) {
			if (batch->frame[i].iface == b)
				part.frame[part.count++] = batch->frame[i];
		}
		if (part.count)
			wga_bridge_observe(file->bridges[b], &part);
	}
}

/* what a file says is missing from an interface */
static void told_loss(const struct wga_source_iface *ifc, const char *damage,
		      struct wga_loss *loss)
{
	*loss = (struct wga_loss){
		.kernel_drops = ifc->drops, .gone = ifc->gone,
		.heartbeats_sent = ifc->beats_sent,
		.heartbeats_seen = ifc->beats_seen,
		.filter = ifc->filter[0] ? ifc->filter : NULL,
		.damage = damage ? damage :
			  ifc->damage[0] ? ifc->damage : NULL,
	};
}

static void tell_loss(struct feed_file *file)
{
	const struct wga_source_iface *ifaces;
	const char *damage = wga_source_damage(file->src);
	struct wga_loss loss = { .damage = damage };
	unsigned int n, i;

	ifaces = wga_source_ifaces(file->src, &n);
	for (i = 0; i < file->n_bridges; i++) {
		if (i < n)
			told_loss(&ifaces[i], damage, &loss);
		wga_bridge_loss(file->bridges[i], &loss);
	}
}

static int read_file(struct feed *feed, size_t at)
{
	struct feed_file *file = &feed->files[at];
	struct wga_batch batch;
	int n;

	while ((n = wga_source_next(file->src, &batch, &file->err)) > 0) {
		if (atomic_load(&feed->failed) < at)
			return 0;
		if (add_bridges(file, feed) < 0)
			return -1;
		observe(file, &batch);
	}
	if (n < 0 || add_bridges(file, feed) < 0)
		return -1;
	if (!file->n_bridges && add_bridge(file, feed, NULL, 0) < 0)
		return -1;
	tell_loss(file);
	return 0;
}

static void note_failure(struct feed *feed, size_t at)
{
	size_t first = atomic_load(&feed->failed);

	while (at < first &&
	       !atomic_compare_exchange_weak(&feed->failed, &first, at))
		;
}

static void *work(void *arg)
{
	struct feed *feed = arg;
	size_t at;

	while ((at = atomic_fetch_add(&feed->next, 1)) < feed->n) {
		if (atomic_load(&feed->failed) < at)
			break;
		if (read_file(feed, at) < 0)
			note_failure(feed, at);
	}
	return NULL;
}

/* this thread works too, so reading goes on where no other can be had */
static void work_in_threads(struct feed *feed)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[THREADS_MAX];
	size_t n = 0;

	while (n + 1 < feed->n && (long)n + 1 < cpus && n < THREADS_MAX &&
	       !pthread_create(&threads[n], NULL, work, feed))
		n++;
	work(feed);
	while (n)
		pthread_join(threads[--n], NULL);
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (!strcmp(a, b))
		return true;
	if ((strcmp(a, "-") ? stat(a, &x) : fstat(STDIN_FILENO, &x)) < 0 ||
	    (strcmp(b, "-") ? stat(b, &y) : fstat(STDIN_FILENO, &y)) < 0)
		return false;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int check_paths(char *const *paths, size_t n, struct wga_err *err)
{
	size_t i, j;

	if (n > WGA_FEED_MAX)
		return wga_err_set(err, "usage",
				   "%zu files are more than the %d that one run can join",
				   n, WGA_FEED_MAX);
	for (i = 1; i < n; i++) {
		for (j = 0; j < i; j++) {
			if (same_file(paths[i], paths[j]))
				return wga_err_set(err, "usage",
						   "%s is given twice (first as %s); its frames would be counted twice",
						   shown(paths[i]),
						   shown(paths[j]));
		}
	}
	return 0;
}

static int open_files(struct feed *feed, char *const *paths,
		      struct wga_err *err)
{
	size_t i;

	for (i = 0; i < feed->n; i++) {
		struct feed_file *file = &feed->files[i];
		int ret;

		file->path = paths[i / feed->parts];
		file->part = (unsigned int)(i % feed->parts);
		ret = feed->parts > 1 ?
			wga_source_open_shared(&file->src, file->path, err) :
			wga_source_open(&file->src, file->path, err);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* How many threads are to share a file? */
static unsigned int file_parts(char *const *paths, size_t n)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct stat st;

	if (n != 1 || cpus < 2 || !strcmp(paths[0], "-") ||
	    stat(paths[0], &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size < PARTS_SIZE)
		return 1;
	return cpus < PARTS_MAX ? (unsigned int)cpus : PARTS_MAX;
}

/* Parts that have not read the same frames do not make a whole: the file grew
 * or was cut meanwhile.
 */
static void check_parts(struct feed *feed)
{
	const struct wga_loss loss = {
		.damage = "it changed while it was read",
	};
	struct feed_file *first = &feed->files[0];
	unsigned int b, i;
	bool same = true;

	for (i = 1; i < feed->parts; i++) {
		struct feed_file *file = &feed->files[i];

		same = same && file->n_bridges == first->n_bridges;
		for (b = 0; same && b < first->n_bridges; b++)
			same = wga_bridge_handed(file->bridges[b]) ==
			       wga_bridge_handed(first->bridges[b]);
	}
	if (!same)
		wga_bridge_loss(first->bridges[0], &loss);
}

/* the run owns a bridge from the call on, whatever it returns */
static int add_to_run(struct feed *feed, struct wga_run *run,
		      struct wga_err *err)
{
	size_t i;
	unsigned int b;

	for (i = 0; i < feed->n; i++) {
		struct feed_file *file = &feed->files[i];

		for (b = 0; b < file->n_bridges; b++) {
			struct wga_bridge *br = file->bridges[b];

			file->bridges[b] = NULL;
			if (wga_run_add(run, br, err) < 0)
				return -1;
		}
	}
	return 0;
}

static void free_files(struct feed *feed)
{
	size_t i;
	unsigned int b;

	for (i = 0; i < feed->n; i++) {
		wga_source_close(feed->files[i].src);
		for (b = 0; b < feed->files[i].n_bridges; b++) {
			if (feed->files[i].bridges[b])
				wga_bridge_free(feed->files[i].bridges[b]);
		}
	}
	free(feed->files);
}

int wga_feed_files(struct wga_run *run, const struct wga_config *cfg,
		   char *const *paths, size_t n, struct wga_err *err)
{
	return wga_feed_counted(run, cfg, paths, n, NULL, err);
}

int wga_feed_counted(struct wga_run *run, const struct wga_config *cfg,
		     char *const *paths, size_t n, unsigned int *bridges,
		     struct wga_err *err)
{
	struct feed feed = { .cfg = cfg };
	size_t failed, i;
	int ret;

	if (check_paths(paths, n, err) < 0)
		return -1;
	feed.parts = file_parts(paths, n);
	feed.n = n * feed.parts;
	feed.files = calloc(feed.n, sizeof(*feed.files));
	if (!feed.files)
		return wga_err_set(err, "out-of-memory", "out of memory");
	atomic_init(&feed.next, 0);
	atomic_init(&feed.failed, feed.n);

	ret = open_files(&feed, paths, err);
	if (!ret) {
		work_in_threads(&feed);
		failed = atomic_load(&feed.failed);
		if (failed < feed.n) {
			*err = feed.files[failed].err;
			ret = -1;
		} else {
			check_parts(&feed);
			for (i = 0; bridges && i < n; i++)
				bridges[i] = feed.files[i].n_bridges;
			ret = add_to_run(&feed, run, err);
		}
	}
	free_files(&feed);
	return ret;
}
