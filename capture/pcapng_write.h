/* SPDX-License-Identifier: MIT */
#ifndef WGA_PCAPNG_WRITE_H
#define WGA_PCAPNG_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/err.h"
#include "capture/frame.h"
#include "capture/source.h"

/*
 * Theory of operation
 *
 * Writes pcapng (draft-ietf-opsawg-pcapng) to one open file: a section header,
 * a description of each interface, packets, and at the end the statistics of
 * each interface. Only whole blocks are collected and written, so the file can
 * be read at any time. Where writing fails, what is left of a block is cut off
 * again: what was written before stays readable.
 */
struct wga_pcapng_writer;

/* Local option of an enhanced packet block: struct wga_trace as the program had
 * it in memory. Only in files that are still being written.
 */
#define WGA_PCAPNG_TRACE	0x8757
#define WGA_PCAPNG_TRACE_LEN	16

/* longest comment that is written, in bytes */
#define WGA_PCAPNG_COMMENT_MAX	1024

/**
 * struct wga_pcapng_loss - what an interface did not give
 * @drops:	frames that were dropped, as far as is known
 * @gone:	the interface went away for a while
 * @beats_sent, @beats_seen:	heartbeats
 * @damage:	why its frames ended early, or NULL
 */
struct wga_pcapng_loss {
	uint64_t drops;
	bool gone;
	uint64_t beats_sent, beats_seen;
	const char *damage;
};

/**
 * wga_pcapng_write_open() - begin a file
 * @out:	where the writer goes; release with wga_pcapng_write_close()
 * @fd:		open file, empty; owned by the writer, also after an error
 * @name:	for messages
 * @comment:	about the file, or NULL
 * @err:	"out-of-memory"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_pcapng_write_open(struct wga_pcapng_writer **out, int fd,
			  const char *name, const char *comment,
			  struct wga_err *err);

/**
 * wga_pcapng_write_iface() - describe the next interface
 * @name:	if_name
 * @link:	enum wga_link of its frames
 * @snaplen:	most bytes of a frame that are kept, 0: all
 * @filter:	what hid frames from it, or NULL
 * @err:	"write-failed", "out-of-memory"
 *
 * Return: 0, or -1 with @err set. Interfaces are numbered from 0.
 */
int wga_pcapng_write_iface(struct wga_pcapng_writer *w, const char *name,
			   uint16_t link, uint32_t snaplen, const char *filter,
			   struct wga_err *err);

/**
 * struct wga_pcapng_extras - what goes with a frame
 * @comments, @n:	comments
 * @trace:	WGA_PCAPNG_TRACE_LEN bytes, or NULL
 * @elided, @elided_len:	a comment of up to 65535 bytes, not terminated, or NULL
 */
struct wga_pcapng_extras {
	const char *const *comments;
	unsigned int n;
	const void *trace;
	const char *elided;
	size_t elided_len;
};

/**
 * wga_pcapng_write_frame() - add a frame
 * @iface:	its interface; @frame->iface is not looked at
 * @extras:	or NULL
 * @err:	"write-failed"
 *
 * Return: 0, or -1 with @err set; from then on every call fails.
 */
int wga_pcapng_write_frame(struct wga_pcapng_writer *w, unsigned int iface,
			   const struct wga_frame *frame,
			   const struct wga_pcapng_extras *extras,
			   struct wga_err *err);

/* a frame of the interface was seen, though it is not written */
void wga_pcapng_write_passed(struct wga_pcapng_writer *w, unsigned int iface,
			     const struct wga_frame *frame);

/**
 * wga_pcapng_write_stats() - add the statistics of an interface
 * @loss:	so far; a later one replaces it for readers
 */
int wga_pcapng_write_stats(struct wga_pcapng_writer *w, unsigned int iface,
			   const struct wga_pcapng_loss *loss,
			   struct wga_err *err);

/* hand all blocks to the kernel */
int wga_pcapng_write_flush(struct wga_pcapng_writer *w, struct wga_err *err);

/* length of the file, when all blocks so far are written */
uint64_t wga_pcapng_write_size(const struct wga_pcapng_writer *w);

/* frames written */
uint64_t wga_pcapng_write_frames(const struct wga_pcapng_writer *w);

/**
 * wga_pcapng_write_close() - end the file
 * @w:		writer or NULL
 * @err:	"write-failed"
 *
 * Return: 0, or -1 with @err set if a block could not be written, now or before.
 */
int wga_pcapng_write_close(struct wga_pcapng_writer *w, struct wga_err *err);

#endif /* WGA_PCAPNG_WRITE_H */
