/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/evidence_internal.h"

static_assert(sizeof(struct wga_trace) == WGA_PCAPNG_TRACE_LEN,
	      "a trace is what is written of it");

#define SNAPLEN	262144

/**
 * struct wga_evidence_live
 * @failed:	what kept frames from being written; code[0] is 0 if nothing did
 * @told:	that has been told
 */
struct wga_evidence_live {
	const struct wga_evidence_options *opt;
	struct wga_ring *ring;
	struct wga_err failed;
	bool told;
	struct wga_evidence_notes notes;
	struct wga_elision elision;
};

static char *tmp_name(const char *path, struct wga_err *err)
{
	char *tmp;

	if (asprintf(&tmp, "%s.tmp", path) >= 0)
		return tmp;
	wga_err_set(err, "out-of-memory", "cannot write %s: out of memory",
		    path);
	return NULL;
}

/* The self-test is not written, so neither shows that it failed. */
static const char *blindness(const struct wga_verdict *v)
{
	for (size_t i = 0; i < v->n_reasons; i++) {
		if (v->reasons[i].code == WGA_CODE_BLIND)
			return "a leak made on purpose was not found in this capture (blind)";
	}
	return NULL;
}

/* Will there be a way to replace the file at the end? */
static int try_replacing(const char *path, struct wga_err *err)
{
	static const struct wga_ring_options none;
	char *tmp = tmp_name(path, err);
	int fd = tmp ? wga_ring_create(tmp, &none, err) : -1;

	if (fd >= 0) {
		close(fd);
		unlink(tmp);
	}
	free(tmp);
	return fd < 0 ? -1 : 0;
}

int wga_evidence_live_open(struct wga_evidence_live **out,
			   const struct wga_evidence_options *opt,
			   const struct wga_evidence_port *ports, size_t n,
			   struct wga_err *err)
{
	const struct wga_ring_options how = {
		.path = opt->path, .size = opt->size, .files = opt->files,
	};
	struct wga_evidence_live *ev;
	int ret = 0;

	/* too large a file is an error like a full disk, not a death */
	signal(SIGXFSZ, SIG_IGN);
	if (try_replacing(opt->path, err) < 0)
		return -1;
	ev = calloc(1, sizeof(*ev));
	if (!ev)
		return wga_err_set(err, "out-of-memory", "out of memory");
	ev->opt = opt;
	ret = wga_ring_open(&ev->ring, &how,
			    "wgaudit: the frames as they were captured, not judged yet",
			    err);
	for (size_t i = 0; i < n && ret == 0; i++)
		ret = wga_ring_iface(ev->ring, ports[i].name, WGA_LINK_ETHERNET,
				     SNAPLEN, ports[i].filter, err);
	if (ret == 0)
		ret = wga_ring_flush(ev->ring, err);
	if (ret < 0) {
		wga_evidence_live_free(ev);
		return -1;
	}
	*out = ev;
	return 0;
}

void wga_evidence_live_batch(struct wga_evidence_live *ev, unsigned int port,
			     const struct wga_batch *batch,
			     const struct wga_trace *trace)
{
	for (unsigned int i = 0; i < batch->count; i++) {
		const struct wga_pcapng_extras extras = { .trace = &trace[i] };

		if (ev->failed.code[0] ||
		    wga_ring_frame(ev->ring, port, &batch->frame[i], &extras,
				   &ev->failed) < 0)
			return;
	}
}

void wga_evidence_live_loss(struct wga_evidence_live *ev, unsigned int port,
			    const struct wga_loss *loss)
{
	const struct wga_pcapng_loss so_far = {
		.drops = loss->kernel_drops, .gone = loss->gone,
		.beats_sent = loss->heartbeats_sent,
		.beats_seen = loss->heartbeats_seen,
	};

	if (!ev->failed.code[0])
		(void)wga_ring_loss(ev->ring, port, &so_far, &ev->failed);
}

const char *wga_evidence_live_flush(struct wga_evidence_live *ev)
{
	if (!ev->failed.code[0])
		(void)wga_ring_flush(ev->ring, &ev->failed);
	if (!ev->failed.code[0] || ev->told)
		return NULL;
	ev->told = true;
	return ev->failed.text;
}

void wga_evidence_live_close(struct wga_evidence_live *ev)
{
	struct wga_err err;

	if (wga_ring_close(ev->ring, &err) < 0 && !ev->failed.code[0])
		ev->failed = err;
}

/**
 * struct rewrite - a file that is gone over
 * @blind:	why its frames prove less than they seem to, or NULL
 */
struct rewrite {
	const struct wga_evidence_options *opt;
	const char *path, *title, *blind;
	struct wga_review *review;
	struct wga_evidence_notes *notes;
	struct wga_elision *elision;
	struct wga_source *src;
	struct wga_pcapng_writer *w;
	int input[64];
	unsigned int n;
};

static int strange(const struct rewrite *rw, struct wga_err *err)
{
	return wga_err_set(err, "changed-input",
			   "%s changed while it was written; it is left as it is",
			   rw->path);
}

static int copy_ifaces(struct rewrite *rw, struct wga_err *err)
{
	const struct wga_source_iface *ifaces;
	char what[256];
	unsigned int n;

	ifaces = wga_source_ifaces(rw->src, &n);
	if (n > sizeof(rw->input) / sizeof(rw->input[0]))
		return strange(rw, err);
	for (; rw->n < n; rw->n++) {
		const struct wga_source_iface *ifc = &ifaces[rw->n];

		rw->input[rw->n] = wga_review_input(rw->review, ifc->name);
		if (wga_pcapng_write_iface(rw->w, ifc->name, ifc->link, SNAPLEN,
					   wga_evidence_filter(rw->opt,
							       ifc->filter, what,
							       sizeof(what)),
					   err) < 0)
			return -1;
	}
	return 0;
}

static int copy_frame(struct rewrite *rw, const struct wga_frame *frame,
		      struct wga_err *err)
{
	struct wga_pcapng_extras extras = { 0 };
	struct wga_reviewed seen;
	struct wga_trace trace;

	if (!frame->trace)
		return strange(rw, err);
	memcpy(&trace, frame->trace, sizeof(trace));
	if (wga_review_trace(rw->review, rw->input[frame->iface], &trace, &seen))
		return strange(rw, err);
	if (!wga_evidence_keeps(rw->opt, &seen)) {
		wga_pcapng_write_passed(rw->w, frame->iface, frame);
		return 0;
	}
	wga_evidence_comment(rw->review, &seen, rw->notes);
	extras.comments = rw->notes->p;
	extras.n = rw->notes->n;
	return wga_pcapng_write_frame(rw->w, frame->iface,
		wga_evidence_frame(rw->opt, &seen, frame, rw->elision, &extras),
		&extras, err);
}

static int copy_all(struct rewrite *rw, struct wga_err *err)
{
	const struct wga_source_iface *ifaces;
	struct wga_batch batch;
	unsigned int i, n;
	int got;

	while ((got = wga_source_next(rw->src, &batch, err)) > 0) {
		if (copy_ifaces(rw, err) < 0)
			return -1;
		for (i = 0; i < batch.count; i++) {
			if (copy_frame(rw, &batch.frame[i], err) < 0)
				return -1;
		}
	}
	if (got < 0 || copy_ifaces(rw, err) < 0)
		return -1;
	if (wga_source_damage(rw->src))
		return strange(rw, err);
	ifaces = wga_source_ifaces(rw->src, &n);
	for (i = 0; i < n; i++) {
		struct wga_pcapng_loss loss = wga_evidence_loss(
			&ifaces[i], rw->blind);

		if (wga_pcapng_write_stats(rw->w, i, &loss, err) < 0)
			return -1;
	}
	return 0;
}

static int rewrite_to(struct rewrite *rw, const char *tmp, int fd,
		      struct wga_err *err)
{
	struct wga_err at_close;
	int ret;

	if (wga_pcapng_write_open(&rw->w, fd, tmp, rw->title, err) < 0)
		return -1;
	ret = wga_source_open(&rw->src, rw->path, err);
	if (ret == 0)
		ret = copy_all(rw, err);
	wga_source_close(rw->src);
	if (wga_pcapng_write_close(rw->w, &at_close) < 0 && ret == 0) {
		*err = at_close;
		ret = -1;
	}
	if (ret == 0 && rename(tmp, rw->path) < 0)
		ret = wga_err_set(err, "write-failed",
				  "cannot rename %s to %s: %s", tmp, rw->path,
				  strerror(errno));
	return ret;
}

static int rewrite(struct rewrite *rw, struct wga_err *err)
{
	static const struct wga_ring_options none;
	char *tmp = tmp_name(rw->path, err);
	int fd = tmp ? wga_ring_create(tmp, &none, err) : -1, ret = -1;

	if (fd >= 0) {
		ret = rewrite_to(rw, tmp, fd, err);
		if (ret < 0)
			unlink(tmp);
	}
	free(tmp);
	return ret;
}

int wga_evidence_live_end(struct wga_evidence_live *ev,
			  const struct wga_run *run, struct wga_verdict *v,
			  struct wga_err *err)
{
	char title[WGA_PCAPNG_COMMENT_MAX];
	struct wga_review *review;
	const char *const *paths;
	int ret = 0;
	size_t n;

	wga_evidence_note(v, wga_ring_removed(ev->ring));
	if (ev->failed.code[0]) {
		*err = ev->failed;
		return -1;
	}
	review = wga_review_new(run, v, err);
	if (!review)
		return -1;
	wga_evidence_title(ev->opt, v, title, sizeof(title));
	paths = wga_ring_paths(ev->ring, &n);
	for (size_t i = 0; i < n && ret == 0; i++) {
		struct rewrite rw = {
			.opt = ev->opt, .path = paths[i], .title = title,
			.review = review, .notes = &ev->notes,
			.elision = &ev->elision,
			.blind = blindness(v),
		};

		ret = rewrite(&rw, err);
	}
	wga_review_free(review);
	return ret;
}

void wga_evidence_live_free(struct wga_evidence_live *ev)
{
	if (!ev)
		return;
	wga_ring_free(ev->ring);
	wga_elision_end(&ev->elision);
	free(ev);
}
