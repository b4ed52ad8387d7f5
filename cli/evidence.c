/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/evidence_internal.h"
#include "cli/feed.h"

void wga_evidence_comment(const struct wga_review *r,
			  const struct wga_reviewed *seen,
			  struct wga_evidence_notes *notes)
{
	unsigned int code;

	notes->n = 0;
	for (code = 0; seen->codes >> code; code++) {
		char *text = notes->text[notes->n];

		if (!(seen->codes >> code & 1))
			continue;
		wga_review_text(r, seen, (enum wga_code)code, text,
				WGA_EVIDENCE_COMMENT);
		notes->p[notes->n++] = text;
	}
}

bool wga_evidence_keeps(const struct wga_evidence_options *opt,
			const struct wga_reviewed *seen)
{
	unsigned int code;

	if (seen->selftest)
		return false;
	if (opt->only != WGA_WRITE_VIOLATIONS || seen->first)
		return true;
	for (code = 0; seen->codes >> code; code++) {
		if ((seen->codes >> code & 1) &&
		    wga_code_severity((enum wga_code)code) == WGA_VIOLATION)
			return true;
	}
	return false;
}

const struct wga_frame *
wga_evidence_frame(const struct wga_evidence_options *opt,
		   const struct wga_reviewed *seen,
		   const struct wga_frame *frame, struct wga_elision *e,
		   struct wga_pcapng_extras *extras)
{
	if (opt->only == WGA_WRITE_HEADERS && wga_reviewed_quiet(seen) &&
	    wga_elide(e, frame))
		frame = &e->frame;
	if (frame->elided_len && frame->caplen < frame->len) {
		extras->elided = frame->elided;
		extras->elided_len = frame->elided_len;
	}
	return frame;
}

void wga_evidence_title(const struct wga_evidence_options *opt,
			const struct wga_verdict *v, char *buf, size_t size)
{
	size_t i, n;

	static const char *const only[] = {
		[WGA_WRITE_ALL] = "",
		[WGA_WRITE_VIOLATIONS] =
			"; violating frames and the first of each reason only",
		[WGA_WRITE_HEADERS] =
			"; without the ciphertext of WireGuard that gave no reason",
	};

	snprintf(buf, size, "wgaudit: %s%s", wga_outcome_name(v->outcome),
		 only[opt->only]);
	for (i = 0; i < v->n_reasons; i++) {
		n = strlen(buf);
		snprintf(buf + n, size - n, "; %s (%" PRIu64 ")%s",
			 wga_code_name(v->reasons[i].code), v->reasons[i].count,
			 v->reasons[i].accepted ? " accepted" : "");
	}
}

const char *wga_evidence_filter(const struct wga_evidence_options *opt,
				const char *filter, char *buf, size_t size)
{
	static const char selection[] = "wgaudit --write-only violations";
	bool ours = opt->only == WGA_WRITE_VIOLATIONS;

	if (!ours && !*filter)
		return NULL;
	snprintf(buf, size, "%s%s%s", filter, ours && *filter ? "; " : "",
		 ours && !strstr(filter, selection) ? selection : "");
	return buf;
}

struct wga_pcapng_loss
wga_evidence_loss(const struct wga_source_iface *ifc, const char *damage)
{
	return (struct wga_pcapng_loss){
		.drops = ifc->drops, .gone = ifc->gone,
		.beats_sent = ifc->beats_sent, .beats_seen = ifc->beats_seen,
		.damage = damage ? damage :
			  ifc->damage[0] ? ifc->damage : NULL,
	};
}

/**
 * struct input - a file on its second reading
 * @path, @base:	name; number of its first bridge in the run
 * @bridges:	how many it has
 * @batch, @at:	frames in hand, and the next of them
 * @iface, @input:	by its interfaces: number in the evidence and in the review
 * @n:		interfaces met so far
 */
struct input {
	const char *path;
	size_t base;
	unsigned int bridges;
	struct wga_source *src;
	struct wga_batch batch;
	unsigned int at;
	unsigned int iface[WGA_FEED_MAX];
	int input[WGA_FEED_MAX];
	unsigned int n;
};

/**
 * struct pass - the second reading
 * @n_ifaces:	interfaces of the evidence so far
 */
struct pass {
	const struct wga_evidence_options *opt;
	const struct wga_run *run;
	const struct wga_verdict *v;
	struct input *inputs;
	size_t n;
	unsigned int n_ifaces;
	struct wga_review *review;
	struct wga_ring *ring;
	struct wga_evidence_notes notes;
	struct wga_elision elision;
};

static int changed(const struct input *in, struct wga_err *err)
{
	return wga_err_set(err, "changed-input",
			   "%s changed while it was read; the evidence does not show what was judged",
			   in->path);
}

/* the name of a file without folder and endings */
static void stem(const char *path, char *buf, size_t size)
{
	static const char *const endings[] = {
		".gz", ".zst", ".pcap", ".pcapng", ".cap",
	};
	const char *slash = strrchr(path, '/');
	size_t i;

	snprintf(buf, size, "%s", slash && slash[1] ? slash + 1 : path);
	for (i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		size_t n = strlen(buf), m = strlen(endings[i]);

		if (n > m && !strcmp(buf + n - m, endings[i]))
			buf[n - m] = '\0';
	}
}

static int add_iface(struct pass *p, struct input *in, const char *name,
		     uint16_t link, const char *filter, struct wga_err *err)
{
	const char *bridge = wga_run_name(p->run, in->base + in->n);
	char file[64], what[256];

	if (in->n == in->bridges || !bridge)
		return changed(in, err);
	in->input[in->n] = wga_review_input(p->review, bridge);
	in->iface[in->n++] = p->n_ifaces++;
	stem(in->path, file, sizeof(file));
	return wga_ring_iface(p->ring, *name ? name : file, link, 0,
			      wga_evidence_filter(p->opt, filter, what,
						  sizeof(what)), err);
}

/* describe the interfaces that the file has told of by now */
static int add_ifaces(struct pass *p, struct input *in, struct wga_err *err)
{
	const struct wga_source_iface *ifaces;
	unsigned int n;

	ifaces = wga_source_ifaces(in->src, &n);
	while (in->n < n) {
		const struct wga_source_iface *ifc = &ifaces[in->n];

		if (add_iface(p, in, ifc->name, ifc->link, ifc->filter, err) < 0)
			return -1;
	}
	return 0;
}

static int refill(struct pass *p, struct input *in, struct wga_err *err)
{
	in->at = 0;
	if (wga_source_next(in->src, &in->batch, err) < 0)
		return -1;
	return add_ifaces(p, in, err);
}

static int open_inputs(struct pass *p, struct wga_err *err)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		struct input *in = &p->inputs[i];

		if (wga_source_open(&in->src, in->path, err) < 0 ||
		    refill(p, in, err) < 0)
			return -1;
		if (!in->n && in->bridges && !in->batch.count &&
		    add_iface(p, in, "", WGA_LINK_ETHERNET, "", err) < 0)
			return -1;
	}
	return 0;
}

/* the file whose next frame is the earliest, or NULL at the end of all */
static struct input *next_input(struct pass *p)
{
	struct input *best = NULL, *in;

	for (in = p->inputs; in < p->inputs + p->n; in++) {
		if (in->at < in->batch.count &&
		    (!best || in->batch.frame[in->at].time_ns <
			      best->batch.frame[best->at].time_ns))
			best = in;
	}
	return best;
}

static int write_frame(struct pass *p, const struct input *in,
		       const struct wga_frame *frame, struct wga_err *err)
{
	unsigned int iface = in->iface[frame->iface];
	struct wga_pcapng_extras extras = { 0 };
	struct wga_reviewed seen;

	if (wga_review_frame(p->review, in->input[frame->iface], frame, &seen))
		return changed(in, err);
	if (!wga_evidence_keeps(p->opt, &seen)) {
		wga_ring_passed(p->ring, iface, frame);
		return 0;
	}
	wga_evidence_comment(p->review, &seen, &p->notes);
	extras.comments = p->notes.p;
	extras.n = p->notes.n;
	frame = wga_evidence_frame(p->opt, &seen, frame, &p->elision, &extras);
	return wga_ring_frame(p->ring, iface, frame, &extras, err);
}

static int write_frames(struct pass *p, struct wga_err *err)
{
	struct input *in;

	while ((in = next_input(p))) {
		if (write_frame(p, in, &in->batch.frame[in->at], err) < 0)
			return -1;
		if (++in->at == in->batch.count && refill(p, in, err) < 0)
			return -1;
	}
	if (!wga_review_agrees(p->review))
		return changed(&p->inputs[0], err);
	return 0;
}

static int write_losses(struct pass *p, struct wga_err *err)
{
	size_t i;
	unsigned int k, n;

	for (i = 0; i < p->n; i++) {
		struct input *in = &p->inputs[i];
		const struct wga_source_iface *ifaces =
			wga_source_ifaces(in->src, &n);

		for (k = 0; k < n && k < in->n; k++) {
			struct wga_pcapng_loss loss = wga_evidence_loss(
				&ifaces[k], wga_source_damage(in->src));

			if (wga_ring_loss(p->ring, in->iface[k], &loss, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* the inputs, as files that must not be written over */
static struct stat *avoided(char *const *paths, size_t n)
{
	struct stat *avoid = calloc(n + 1, sizeof(*avoid));
	size_t i;

	for (i = 0; avoid && i < n; i++) {
		if (stat(paths[i], &avoid[i]) < 0)
			memset(&avoid[i], 0, sizeof(avoid[i]));
	}
	return avoid;
}

static int pass_run(struct pass *p, const struct stat *avoid,
		    struct wga_err *err)
{
	const struct wga_ring_options how = {
		.path = p->opt->path, .size = p->opt->size,
		.files = p->opt->files, .avoid = avoid, .n_avoid = p->n,
	};
	struct wga_err at_close;
	char title[WGA_PCAPNG_COMMENT_MAX];
	int ret;

	/* too large a file is an error like a full disk, not a death */
	signal(SIGXFSZ, SIG_IGN);
	p->review = wga_review_new(p->run, p->v, err);
	if (!p->review)
		return -1;
	wga_evidence_title(p->opt, p->v, title, sizeof(title));
	if (wga_ring_open(&p->ring, &how, title, err) < 0)
		return -1;
	ret = open_inputs(p, err);
	if (ret == 0)
		ret = write_frames(p, err);
	if (ret == 0)
		ret = write_losses(p, err);
	if (wga_ring_close(p->ring, &at_close) < 0 && ret == 0) {
		*err = at_close;
		ret = -1;
	}
	return ret;
}

int wga_evidence_files(const struct wga_evidence_options *opt,
		       const struct wga_run *run, struct wga_verdict *v,
		       char *const *paths, size_t n,
		       const unsigned int *bridges, struct wga_err *err)
{
	struct pass *p = calloc(1, sizeof(*p));
	struct input *inputs = calloc(n, sizeof(*inputs));
	struct stat *avoid = avoided(paths, n);
	size_t i, base = 0;
	int ret = -1;

	if (p && inputs && avoid) {
		*p = (struct pass){
			.opt = opt, .run = run, .v = v, .inputs = inputs, .n = n,
		};
		for (i = 0; i < n; i++) {
			inputs[i].path = paths[i];
			inputs[i].base = base;
			inputs[i].bridges = bridges[i];
			base += bridges[i];
		}
		ret = pass_run(p, avoid, err);
		if (p->ring)
			wga_evidence_note(v, wga_ring_removed(p->ring));
		for (i = 0; i < n; i++)
			wga_source_close(inputs[i].src);
		wga_elision_end(&p->elision);
		wga_ring_free(p->ring);
		wga_review_free(p->review);
	} else {
		wga_err_set(err, "out-of-memory", "out of memory");
	}
	free(p);
	free(inputs);
	free(avoid);
	return ret;
}

void wga_evidence_note(struct wga_verdict *v, uint64_t removed)
{
	if (removed)
		(void)wga_verdict_note(v, removed, "frames were judged, but the "
				       "ring of evidence files let go of them");
}

int wga_evidence_check(const struct wga_evidence_options *opt,
		       char *const *paths, size_t n, struct wga_err *err)
{
	const char *slash = strrchr(opt->path, '/');
	struct stat in, out;
	bool there = stat(opt->path, &out) == 0;
	char folder[4096] = ".";
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(paths[i], "-") || (stat(paths[i], &in) == 0 &&
		    !S_ISREG(in.st_mode) && !S_ISDIR(in.st_mode)))
			return wga_err_set(err, "usage",
					   "--write reads its inputs twice, which %s does not allow; save it to a file first",
					   strcmp(paths[i], "-") ? paths[i] :
					   "standard input");
		if (there && stat(paths[i], &in) == 0 &&
		    in.st_dev == out.st_dev && in.st_ino == out.st_ino)
			return wga_err_set(err, "usage",
					   "--write %s would write over an input",
					   opt->path);
	}
	if (there && !S_ISREG(out.st_mode))
		return wga_err_set(err, "usage",
				   "--write %s: that is no regular file",
				   opt->path);
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s/",
			 (int)(slash - opt->path), opt->path);
	if (there && !opt->size ? access(opt->path, W_OK) :
				  access(folder, W_OK))
		return wga_err_set(err, "write-failed", "cannot write %s: %s",
				   opt->path, strerror(errno));
	return 0;
}
