/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The stream is read in blocks that stay in the processor's cache. The window
 * [pos, end) that parsers see lies in the current block. When a record runs
 * over the block's end, its beginning is copied in front of the next block's
 * bytes, into the headroom, so that it is contiguous and the kernel still
 * copies to aligned addresses. A record too large for that is collected in the
 * spill buffer, and the window then continues with the tail of the block that
 * the record ended in.
 *
 * With read-ahead, a thread fills a ring of blocks. It only writes bytes of
 * blocks that the window has left, and never headroom, so the two sides meet
 * once per block. Without, there is a single block and no thread.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bytes.h"

#define PAGE	((size_t)4096)

/* read at least @min bytes unless the stream ends; errors are sticky in @b->in */
static void block_fill(struct wga_bytes *b, struct wga_block *block, size_t min)
{
	ssize_t n;

	block->len = 0;
	do {
		n = wga_unpack_read(&b->in, block->data + block->len,
				    b->block_size - block->len);
		if (n > 0)
			block->len += (size_t)n;
	} while (n > 0 && block->len < min);
}

static void *reader_main(void *arg)
{
	struct wga_bytes *b = arg;
	struct wga_block *block;
	bool end = false;

	while (!end) {
		pthread_mutex_lock(&b->lock);
		while (b->filled - b->taken == WGA_BLOCKS && !b->stop)
			pthread_cond_wait(&b->can_fill, &b->lock);
		end = b->stop;
		block = &b->block[b->filled % WGA_BLOCKS];
		pthread_mutex_unlock(&b->lock);
		if (end)
			break;

		block_fill(b, block, b->block_size);
		end = !block->len;

		pthread_mutex_lock(&b->lock);
		b->filled++;
		pthread_cond_signal(&b->can_take);
		pthread_mutex_unlock(&b->lock);
	}
	return NULL;
}

/* signals are for the threads that expect them */
static int reader_start(struct wga_bytes *b)
{
	sigset_t all, old;
	int ret;

	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->can_take, NULL);
	pthread_cond_init(&b->can_fill, NULL);

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&b->thread, NULL, reader_main, b);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

static void reader_stop(struct wga_bytes *b)
{
	pthread_mutex_lock(&b->lock);
	b->stop = true;
	pthread_cond_signal(&b->can_fill);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	pthread_cond_destroy(&b->can_fill);
	pthread_cond_destroy(&b->can_take);
	pthread_mutex_destroy(&b->lock);
}

static int blocks_alloc(struct wga_bytes *b, unsigned int count)
{
	size_t stride = b->headroom + b->block_size;
	unsigned int i;

	b->memory = aligned_alloc(PAGE, (count * stride + PAGE - 1) & ~(PAGE - 1));
	if (!b->memory)
		return -1;
	for (i = 0; i < count; i++)
		b->block[i].data = b->memory + i * stride + b->headroom;
	b->pos = b->end = b->block[0].data;
	b->tail = b->tail_end = b->end;
	return 0;
}

int wga_bytes_open(struct wga_bytes *b, int fd,
		   const struct wga_bytes_options *opt)
{
	memset(b, 0, sizeof(*b));
	b->block_size = opt->block ? opt->block : WGA_BLOCK_SIZE;
	b->headroom = b->block_size / 2;

	if (wga_unpack_open(&b->in, fd) < 0) {
		errno = b->in.error;
		return -1;
	}
	if (blocks_alloc(b, opt->ahead ? WGA_BLOCKS : 1) < 0)
		return -1;
	/* where no thread is to be had, reading works without */
	b->ahead = opt->ahead && !reader_start(b);
	return 0;
}

/* the block that block_take() will give */
static struct wga_block *block_next(struct wga_bytes *b)
{
	return &b->block[b->ahead ? b->current % WGA_BLOCKS : 0];
}

/* leave the current block and get the next one, for @min more bytes if possible */
static void block_take(struct wga_bytes *b, size_t min)
{
	struct wga_block *block = block_next(b);

	if (!b->ahead) {
		block_fill(b, block, min);
	} else {
		pthread_mutex_lock(&b->lock);
		b->taken = b->current;
		pthread_cond_signal(&b->can_fill);
		while (b->filled == b->current)
			pthread_cond_wait(&b->can_take, &b->lock);
		pthread_mutex_unlock(&b->lock);
		b->current++;
	}

	b->tail = block->data;
	b->tail_end = block->data + block->len;
	b->at_end = !block->len;
}

/* the whole tail becomes the window, with @left bytes of the old one before it */
static void window_set(struct wga_bytes *b, size_t left)
{
	b->pos = b->tail - left;
	b->end = b->tail_end;
	b->end_offset += (uint64_t)(b->tail_end - b->tail);
	b->tail = b->tail_end;
}

static int spill_reserve(struct wga_bytes *b, size_t need)
{
	size_t left = wga_bytes_left(b);
	uint8_t *grown;

	if (need > b->spill_size) {
		grown = malloc(need);
		if (!grown)
			return -1;
		memcpy(grown, b->pos, left);
		free(b->spill);
		b->spill = grown;
		b->spill_size = need;
	} else {
		memmove(b->spill, b->pos, left);
	}
	b->pos = b->spill;
	b->end = b->spill + left;
	return 0;
}

/* the window becomes the spill buffer, with exactly @need bytes if possible */
static int spill_collect(struct wga_bytes *b, size_t need)
{
	size_t left, n;

	if (spill_reserve(b, need) < 0)
		return -1;
	while ((left = wga_bytes_left(b)) < need && !b->at_end) {
		n = (size_t)(b->tail_end - b->tail);
		if (!n) {
			block_take(b, 1);
			continue;
		}
		if (n > need - left)
			n = need - left;
		memcpy(b->spill + left, b->tail, n);
		b->tail += n;
		b->end += n;
		b->end_offset += n;
	}
	return 0;
}

/* put @left bytes of the window in front of the next block */
static void window_carry(struct wga_bytes *b, size_t left, size_t need)
{
	uint8_t *front = block_next(b)->data - left;

	memmove(front, b->pos, left);
	block_take(b, need - left);
	window_set(b, left);
}

int wga_bytes_more(struct wga_bytes *b, size_t need)
{
	bool tail;
	size_t left;

	while ((left = wga_bytes_left(b)) < need && !b->at_end) {
		tail = b->tail < b->tail_end;
		if (tail && !left)
			window_set(b, 0);
		else if (!tail && left <= b->headroom &&
			 need - left <= b->block_size)
			window_carry(b, left, need);
		else if (spill_collect(b, need) < 0)
			return -1;
	}
	if (left >= need || !b->in.error)
		return 0;
	errno = b->in.error;
	return -1;
}

const char *wga_bytes_damage(const struct wga_bytes *b)
{
	return b->in.damage[0] ? b->in.damage : NULL;
}

void wga_bytes_close(struct wga_bytes *b)
{
	if (b->ahead)
		reader_stop(b);
	free(b->memory);
	free(b->spill);
	wga_unpack_close(&b->in);
	memset(b, 0, sizeof(*b));
}
