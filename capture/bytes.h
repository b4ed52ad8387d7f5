/* SPDX-License-Identifier: MIT */
#ifndef WGA_BYTES_H
#define WGA_BYTES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/unpack.h"

#define WGA_BLOCK_SIZE	((size_t)512 * 1024)
#define WGA_BLOCKS	4

/**
 * struct wga_bytes_options - how to read
 * @block:	size of a block, 0 for the usual; small ones are for tests
 * @ahead:	read ahead in a thread; only for what never blocks for long
 */
struct wga_bytes_options {
	size_t block;
	bool ahead;
};

/**
 * struct wga_block - a part of the stream
 * @data:	its bytes; there is room for headroom bytes in front of them
 * @len:	number of bytes; 0 ends the stream
 */
struct wga_block {
	uint8_t *data;
	size_t len;
};

/**
 * struct wga_bytes - a window that slides over a stream of bytes
 * @pos:	next byte; callers advance it up to @end
 * @end:	end of the window
 * @end_offset:	offset of @end in the (unpacked) stream
 * @at_end:	nothing comes after @end
 * @tail:	bytes of the current block that the window has not reached yet
 * @spill:	holds what is too large for a block and its headroom
 * @filled:	number of blocks that the reading thread has filled so far
 * @taken:	number of blocks that the window has left behind
 */
struct wga_bytes {
	const uint8_t *pos;
	const uint8_t *end;
	uint64_t end_offset;
	bool at_end;

	const uint8_t *tail;
	const uint8_t *tail_end;
	uint8_t *spill;
	size_t spill_size;

	struct wga_unpack in;
	size_t block_size;
	size_t headroom;
	uint8_t *memory;
	struct wga_block block[WGA_BLOCKS];
	unsigned int current;

	bool ahead;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t can_take;
	pthread_cond_t can_fill;
	uint64_t filled;
	uint64_t taken;
	bool stop;
};

/**
 * wga_bytes_open() - open a stream; @b must not move afterwards
 * @b:		filled; release with wga_bytes_close(), also after an error
 * @fd:		open file, at its start; not owned
 * @opt:	how to read
 *
 * Return: 0, or -1 with errno set.
 */
int wga_bytes_open(struct wga_bytes *b, int fd,
		   const struct wga_bytes_options *opt);

/**
 * wga_bytes_more() - have at least so many bytes in the window
 * @b:		stream
 * @need:	number of bytes from @b->pos on
 *
 * The window may move: pointers into it die. Fewer bytes than @need are there
 * afterwards only if the stream ended.
 *
 * Return: 0, or -1 with errno set on a read error.
 */
int wga_bytes_more(struct wga_bytes *b, size_t need);

static inline size_t wga_bytes_left(const struct wga_bytes *b)
{
	return (size_t)(b->end - b->pos);
}

/* offset of @b->pos in the (unpacked) stream */
static inline uint64_t wga_bytes_offset(const struct wga_bytes *b)
{
	return b->end_offset - wga_bytes_left(b);
}

/* why the packed data ended early, or NULL; to be asked once @b->at_end is set */
const char *wga_bytes_damage(const struct wga_bytes *b);

void wga_bytes_close(struct wga_bytes *b);

#endif /* WGA_BYTES_H */
