/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capture/pcapng_write.h"

#define BUFFER_SIZE	((size_t)1 << 20)
/* what is given up so that a full disk takes the statistics */
#define END_ROOM	((size_t)8192)

enum {
	BLOCK_SHB = 0x0a0d0d0a,
	BLOCK_IDB = 1,
	BLOCK_ISB = 5,
	BLOCK_EPB = 6,
};

enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_SHB_HARDWARE = 2,
	OPT_SHB_OS = 3,
	OPT_SHB_USERAPPL = 4,
	OPT_IF_NAME = 2,
	OPT_IF_TSRESOL = 9,
	OPT_IF_FILTER = 11,
	OPT_ISB_STARTTIME = 2,
	OPT_ISB_ENDTIME = 3,
	OPT_ISB_IFRECV = 4,
	OPT_ISB_IFDROP = 5,
	OPT_ISB_OSDROP = 7,
};

/**
 * struct iface - an interface of the file
 * @seen:	frames, written or passed
 * @first_ns, @last_ns:	their times
 * @drops:	as the latest statistics tell
 */
struct iface {
	uint64_t seen, first_ns, last_ns, drops;
};

/**
 * struct wga_pcapng_writer
 * @buf, @len, @room:	whole blocks that wait, and the one that is being made
 * @at:		start of that one
 * @written:	length of the file
 * @safe, @mid:	ends of blocks in the file: at least END_ROOM before its end, and
 *		what will be that soon; 0 while there is none
 * @failed:	what kept a block from being written; code[0] is 0 if nothing did
 */
struct wga_pcapng_writer {
	int fd;
	char *name;
	uint8_t *buf;
	size_t len, room, at;
	uint64_t written, safe, mid, frames;
	struct iface *ifaces;
	unsigned int n_ifaces;
	struct wga_err failed;
};

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static int fail(struct wga_pcapng_writer *w, struct wga_err *err,
		const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int fail(struct wga_pcapng_writer *w, struct wga_err *err,
		const char *fmt, ...)
{
	char text[sizeof(w->failed.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	wga_err_set(&w->failed, "write-failed", "%s", text);
	*err = w->failed;
	return -1;
}

/* Room for a block of at most @n bytes; the buffer has been flushed if need be. */
static int block_begin(struct wga_pcapng_writer *w, uint32_t type, size_t n,
		       struct wga_err *err)
{
	uint8_t *grown;

	if (w->failed.code[0]) {
		*err = w->failed;
		return -1;
	}
	if (w->len + n > w->room && wga_pcapng_write_flush(w, err) < 0)
		return -1;
	if (n > w->room) {
		grown = realloc(w->buf, n);
		if (!grown)
			return fail(w, err, "cannot write %s: out of memory",
				    w->name);
		w->buf = grown;
		w->room = n;
	}
	w->at = w->len;
	memcpy(w->buf + w->len, &type, 4);
	w->len += 8;
	return 0;
}

static void put(struct wga_pcapng_writer *w, const void *p, size_t n)
{
	if (n)
		memcpy(w->buf + w->len, p, n);
	w->len += n;
	for (; n % 4; n++)
		w->buf[w->len++] = 0;
}

static void put32(struct wga_pcapng_writer *w, uint32_t v)
{
	put(w, &v, 4);
}

/* times are two halves, the upper one first, in either byte order */
static void put_time(struct wga_pcapng_writer *w, uint64_t ns)
{
	put32(w, (uint32_t)(ns >> 32));
	put32(w, (uint32_t)ns);
}

static void put_option(struct wga_pcapng_writer *w, uint16_t code,
		       const void *p, size_t n)
{
	const uint16_t head[2] = { code, (uint16_t)n };

	put(w, head, 4);
	put(w, p, n);
}

/* room that a text takes as an option */
static size_t text_size(const char *text)
{
	return 4 + padded(strnlen(text, WGA_PCAPNG_COMMENT_MAX));
}

static void put_text(struct wga_pcapng_writer *w, uint16_t code,
		     const char *text)
{
	put_option(w, code, text, strnlen(text, WGA_PCAPNG_COMMENT_MAX));
}

static void put_time_option(struct wga_pcapng_writer *w, uint16_t code,
			    uint64_t ns)
{
	const uint32_t halves[2] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	put_option(w, code, halves, sizeof(halves));
}

static void block_end(struct wga_pcapng_writer *w)
{
	uint32_t len = (uint32_t)(w->len - w->at + 4);

	memcpy(w->buf + w->at + 4, &len, 4);
	put32(w, len);
}

static void put_section(struct wga_pcapng_writer *w, const char *comment)
{
	static const char program[] = "wgaudit " WGA_VERSION;
	const int64_t length = -1;
	const uint16_t version[2] = { 1, 0 };
	char os[WGA_PCAPNG_COMMENT_MAX], hardware[WGA_PCAPNG_COMMENT_MAX];
	struct utsname host;

	put32(w, 0x1a2b3c4d);
	put(w, version, sizeof(version));
	put(w, &length, sizeof(length));
	if (uname(&host) == 0) {
		snprintf(os, sizeof(os), "%s %s", host.sysname, host.release);
		snprintf(hardware, sizeof(hardware), "%s", host.machine);
		put_text(w, OPT_SHB_HARDWARE, hardware);
		put_text(w, OPT_SHB_OS, os);
	}
	put_text(w, OPT_SHB_USERAPPL, program);
	if (comment)
		put_text(w, OPT_COMMENT, comment);
	put32(w, OPT_END);
	block_end(w);
}

int wga_pcapng_write_open(struct wga_pcapng_writer **out, int fd,
			  const char *name, const char *comment,
			  struct wga_err *err)
{
	struct wga_pcapng_writer *w = calloc(1, sizeof(*w));

	if (w) {
		w->fd = fd;
		w->room = BUFFER_SIZE;
		w->buf = malloc(w->room);
		w->name = strdup(name);
	}
	if (!w || !w->buf || !w->name) {
		if (w) {
			free(w->buf);
			free(w->name);
		}
		free(w);
		close(fd);
		return wga_err_set(err, "out-of-memory",
				   "cannot write %s: out of memory", name);
	}
	(void)block_begin(w, BLOCK_SHB, 4 * WGA_PCAPNG_COMMENT_MAX, err);
	put_section(w, comment);
	*out = w;
	return 0;
}

int wga_pcapng_write_iface(struct wga_pcapng_writer *w, const char *name,
			   uint16_t link, uint32_t snaplen, const char *filter,
			   struct wga_err *err)
{
	const uint16_t head[2] = { link, 0 };
	char text[WGA_PCAPNG_COMMENT_MAX];
	const uint8_t nanoseconds = 9;
	struct iface *ifaces;

	ifaces = reallocarray(w->ifaces, w->n_ifaces + 1, sizeof(*ifaces));
	if (!ifaces)
		return fail(w, err, "cannot write %s: out of memory", w->name);
	w->ifaces = ifaces;
	w->ifaces[w->n_ifaces++] = (struct iface){ 0 };
	if (block_begin(w, BLOCK_IDB, 4 * WGA_PCAPNG_COMMENT_MAX, err) < 0)
		return -1;
	put(w, head, sizeof(head));
	put32(w, snaplen);
	if (name[0])
		put_text(w, OPT_IF_NAME, name);
	put_option(w, OPT_IF_TSRESOL, &nanoseconds, 1);
	if (filter) {
		/* its first byte says that it is text */
		snprintf(text, sizeof(text), "%c%s", 1, filter);
		text[0] = 0;
		put_option(w, OPT_IF_FILTER, text, 1 + strlen(text + 1));
	}
	put32(w, OPT_END);
	block_end(w);
	return 0;
}

void wga_pcapng_write_passed(struct wga_pcapng_writer *w, unsigned int iface,
			     const struct wga_frame *frame)
{
	struct iface *ifc = &w->ifaces[iface];

	assert(iface < w->n_ifaces);
	if (!ifc->seen++ || frame->time_ns < ifc->first_ns)
		ifc->first_ns = frame->time_ns;
	if (frame->time_ns > ifc->last_ns)
		ifc->last_ns = frame->time_ns;
}

int wga_pcapng_write_frame(struct wga_pcapng_writer *w, unsigned int iface,
			   const struct wga_frame *frame,
			   const struct wga_pcapng_extras *extras,
			   struct wga_err *err)
{
	static const struct wga_pcapng_extras none;
	size_t size = 32 + padded(frame->caplen);
	unsigned int i;

	if (!extras)
		extras = &none;
	for (i = 0; i < extras->n; i++)
		size += text_size(extras->comments[i]);
	size += extras->trace ? 4 + WGA_PCAPNG_TRACE_LEN : 0;
	size += extras->elided ? 4 + padded(extras->elided_len) : 0;
	size += 4;
	if (block_begin(w, BLOCK_EPB, size, err) < 0)
		return -1;
	wga_pcapng_write_passed(w, iface, frame);

	put32(w, iface);
	put_time(w, frame->time_ns);
	put32(w, frame->caplen);
	put32(w, frame->len);
	put(w, frame->data, frame->caplen);
	for (i = 0; i < extras->n; i++)
		put_text(w, OPT_COMMENT, extras->comments[i]);
	if (extras->trace)
		put_option(w, WGA_PCAPNG_TRACE, extras->trace,
			   WGA_PCAPNG_TRACE_LEN);
	if (extras->elided)
		put_option(w, OPT_COMMENT, extras->elided, extras->elided_len);
	if (extras->n || extras->trace || extras->elided)
		put32(w, OPT_END);
	block_end(w);
	w->frames++;
	return 0;
}

static void put_loss(struct wga_pcapng_writer *w,
		     const struct wga_pcapng_loss *loss)
{
	char text[WGA_PCAPNG_COMMENT_MAX];

	if (loss->gone)
		put_text(w, OPT_COMMENT, WGA_SOURCE_LOSS "interface went away");
	if (loss->beats_sent) {
		snprintf(text, sizeof(text), WGA_SOURCE_LOSS "heartbeats %"
			 PRIu64 " of %" PRIu64, loss->beats_seen,
			 loss->beats_sent);
		put_text(w, OPT_COMMENT, text);
	}
	if (loss->damage) {
		snprintf(text, sizeof(text), WGA_SOURCE_LOSS "damaged: %s",
			 loss->damage);
		put_text(w, OPT_COMMENT, text);
	}
}

int wga_pcapng_write_stats(struct wga_pcapng_writer *w, unsigned int iface,
			   const struct wga_pcapng_loss *loss,
			   struct wga_err *err)
{
	struct iface *ifc = &w->ifaces[iface];
	const uint64_t received = ifc->seen + loss->drops, none = 0;

	assert(iface < w->n_ifaces);
	if (block_begin(w, BLOCK_ISB, 4 * WGA_PCAPNG_COMMENT_MAX, err) < 0)
		return -1;
	ifc->drops = loss->drops;
	put32(w, iface);
	put_time(w, ifc->last_ns);
	put_time_option(w, OPT_ISB_STARTTIME, ifc->first_ns);
	put_time_option(w, OPT_ISB_ENDTIME, ifc->last_ns);
	put_option(w, OPT_ISB_IFRECV, &received, 8);
	put_option(w, OPT_ISB_IFDROP, &none, 8);
	put_option(w, OPT_ISB_OSDROP, &loss->drops, 8);
	put_loss(w, loss);
	put32(w, OPT_END);
	block_end(w);
	return 0;
}

/* bytes of the blocks that lie wholly within the first @n of the buffer */
static size_t whole_blocks(const struct wga_pcapng_writer *w, size_t n)
{
	size_t at = 0;
	uint32_t len;

	for (;; at += len) {
		if (n - at < 8)
			return at;
		memcpy(&len, w->buf + at + 4, 4);
		if (len > n - at)
			return at;
	}
}

/* Cut the file to @keep bytes and end it as is proper. Returns false if there is
 * no room for that.
 */
static bool end_early(struct wga_pcapng_writer *w, uint64_t keep, int error)
{
	char text[160];
	struct wga_err unused;
	unsigned int i;

	snprintf(text, sizeof(text), "writing failed: %s", strerror(error));
	(void)!ftruncate(w->fd, (off_t)keep);
	w->written = keep;
	w->len = 0;
	for (i = 0; i < w->n_ifaces && w->len < w->room / 2; i++) {
		const struct wga_pcapng_loss loss = {
			.drops = w->ifaces[i].drops, .damage = text,
		};

		(void)wga_pcapng_write_stats(w, i, &loss, &unused);
	}
	if (pwrite(w->fd, w->buf, w->len, (off_t)keep) == (ssize_t)w->len)
		return true;
	(void)!ftruncate(w->fd, (off_t)keep);
	return false;
}

/* After a failure: what is no whole block goes, and if need be some more, so
 * that the file can say that its end is missing.
 */
static int give_up(struct wga_pcapng_writer *w, size_t done, int error,
		   struct wga_err *err)
{
	size_t less = whole_blocks(w, done > END_ROOM ? done - END_ROOM : 0);
	uint64_t whole = w->written + whole_blocks(w, done);
	uint64_t safe = less ? w->written + less : w->safe;

	if (!end_early(w, whole, error) && safe)
		(void)end_early(w, safe, error);
	w->len = 0;
	return fail(w, err, "cannot write %s: %s; its first %" PRIu64
		    " bytes are kept and can be read", w->name,
		    strerror(error), w->written);
}

/* @done bytes more are written, those of the buffer. */
static void note_written(struct wga_pcapng_writer *w, size_t done)
{
	uint64_t before = w->written;

	w->written += done;
	if (done >= END_ROOM) {
		w->safe = w->mid = before + whole_blocks(w, done - END_ROOM);
	} else if (w->written - w->mid >= END_ROOM) {
		w->safe = w->mid;
		w->mid = before;
	}
}

int wga_pcapng_write_flush(struct wga_pcapng_writer *w, struct wga_err *err)
{
	size_t done = 0;
	ssize_t n;

	if (w->failed.code[0]) {
		*err = w->failed;
		return -1;
	}
	while (done < w->len) {
		n = pwrite(w->fd, w->buf + done, w->len - done,
			   (off_t)(w->written + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return give_up(w, done, n ? errno : ENOSPC, err);
		done += (size_t)n;
	}
	note_written(w, done);
	w->len = 0;
	return 0;
}

uint64_t wga_pcapng_write_size(const struct wga_pcapng_writer *w)
{
	return w->written + w->len;
}

uint64_t wga_pcapng_write_frames(const struct wga_pcapng_writer *w)
{
	return w->frames;
}

int wga_pcapng_write_close(struct wga_pcapng_writer *w, struct wga_err *err)
{
	int ret;

	if (!w)
		return 0;
	ret = wga_pcapng_write_flush(w, err);
	if (close(w->fd) < 0 && ret == 0)
		ret = wga_err_set(err, "write-failed", "cannot write %s: %s",
				  w->name, strerror(errno));
	free(w->buf);
	free(w->name);
	free(w->ifaces);
	free(w);
	return ret;
}
