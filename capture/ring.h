/* SPDX-License-Identifier: MIT */
#ifndef WGA_RING_H
#define WGA_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "capture/pcapng_write.h"

/*
 * Theory of operation
 *
 * One pcapng file, or a ring of them: when one has reached its size the next is
 * begun, and of too many the oldest is removed. Each is a whole file of its own:
 * interfaces are described again, and statistics count what happened since it
 * was begun. Files of a ring are named as dumpcap names them.
 */
struct wga_ring;

/**
 * struct wga_ring_options - where to write
 * @path:	file, or what the names of a ring's files are made of
 * @size:	begin a new file when one is so large; 0: never
 * @files:	keep at most so many; 0: all
 * @avoid, @n_avoid:	files that must not be written over
 */
struct wga_ring_options {
	const char *path;
	uint64_t size, files;
	const struct stat *avoid;
	size_t n_avoid;
};

/**
 * wga_ring_open() - begin the first file
 * @out:	where the ring goes; release with wga_ring_free()
 * @opt:	options; strings and @avoid must live on
 * @comment:	about the files, copied, or NULL
 * @err:	"write-failed", "usage" (a file to be avoided), "out-of-memory"
 *
 * What a file held before is lost.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_ring_open(struct wga_ring **out, const struct wga_ring_options *opt,
		  const char *comment, struct wga_err *err);

/* as wga_pcapng_write_iface(), for this file and those that follow */
int wga_ring_iface(struct wga_ring *ring, const char *name, uint16_t link,
		   uint32_t snaplen, const char *filter, struct wga_err *err);

/* as wga_pcapng_write_frame() */
int wga_ring_frame(struct wga_ring *ring, unsigned int iface,
		   const struct wga_frame *frame,
		   const struct wga_pcapng_extras *extras, struct wga_err *err);

/* as wga_pcapng_write_passed() */
void wga_ring_passed(struct wga_ring *ring, unsigned int iface,
		     const struct wga_frame *frame);

/**
 * wga_ring_loss() - say what an interface has not given since the beginning
 * @loss:	so far; its strings must live until wga_ring_close()
 *
 * Only drops are told while writing goes on, the rest when it ends.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_ring_loss(struct wga_ring *ring, unsigned int iface,
		  const struct wga_pcapng_loss *loss, struct wga_err *err);

/* hand all blocks to the kernel */
int wga_ring_flush(struct wga_ring *ring, struct wga_err *err);

/**
 * wga_ring_close() - end the last file
 *
 * Return: 0, or -1 with @err set if anything could not be written.
 */
int wga_ring_close(struct wga_ring *ring, struct wga_err *err);

/* names of the files there are, oldest first; they live as long as the ring */
const char *const *wga_ring_paths(const struct wga_ring *ring, size_t *n);

/* frames that went with removed files */
uint64_t wga_ring_removed(const struct wga_ring *ring);

void wga_ring_free(struct wga_ring *ring);

/**
 * wga_ring_create() - open a file to be written
 * @path:	made if it is not there; must be a regular file
 * @opt:	what to avoid
 *
 * Return: a descriptor of the empty file, or -1 with @err set.
 */
int wga_ring_create(const char *path, const struct wga_ring_options *opt,
		    struct wga_err *err);

#endif /* WGA_RING_H */
