/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The first four bytes tell plain, gzip (RFC 1952) and zstd (RFC 8878) apart.
 * Plain bytes are read straight to where the caller wants them. Packed ones
 * pass through a small buffer and the library's streaming decoder; members and
 * frames may follow each other. What was decoded before an error is handed out,
 * then the error is remembered as damage.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd_errors.h>

#include "capture/unpack.h"

#define IN_SIZE		((size_t)128 * 1024)
#define MAGIC_LEN	4
/* windowBits of inflateInit2(): the largest window, gzip header wanted */
#define GZIP_WINDOW	(15 + 16)

static ssize_t read_some(struct wga_unpack *u, uint8_t *dst, size_t size)
{
	struct pollfd pfd = { .fd = u->fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		n = read(u->fd, dst, size);
		if (n >= 0)
			break;
		if (errno == EAGAIN)
			poll(&pfd, 1, -1);
		else if (errno != EINTR)
			break;
	}
	if (n < 0)
		u->error = errno;
	else if (n == 0)
		u->eof = true;
	else
		u->in_offset += (uint64_t)n;
	return n;
}

static enum wga_packing packing_of(const uint8_t *p, size_t len)
{
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const uint8_t skippable[] = { 0x2a, 0x4d, 0x18 };

	if (len >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8)
		return WGA_PACKING_GZIP;
	if (len < MAGIC_LEN)
		return WGA_PACKING_NONE;
	if (!memcmp(p, zstd, sizeof(zstd)) ||
	    ((p[0] & 0xf0) == 0x50 && !memcmp(p + 1, skippable, sizeof(skippable))))
		return WGA_PACKING_ZSTD;
	return WGA_PACKING_NONE;
}

static bool decoder_init(struct wga_unpack *u)
{
	switch (u->packing) {
	case WGA_PACKING_GZIP:
		u->gzip_ready = inflateInit2(&u->gzip, GZIP_WINDOW) == Z_OK;
		return u->gzip_ready;
	case WGA_PACKING_ZSTD:
		u->zstd = ZSTD_createDStream();
		return u->zstd != NULL;
	default:
		return true;
	}
}

int wga_unpack_open(struct wga_unpack *u, int fd)
{
	ssize_t n;

	memset(u, 0, sizeof(*u));
	u->fd = fd;
	u->in = malloc(IN_SIZE);
	if (!u->in) {
		u->error = ENOMEM;
		return -1;
	}

	while (u->in_len < MAGIC_LEN && !u->eof) {
		n = read_some(u, u->in + u->in_len, MAGIC_LEN - u->in_len);
		if (n < 0)
			return -1;
		u->in_len += (size_t)n;
	}

	u->packing = packing_of(u->in, u->in_len);
	if (!decoder_init(u)) {
		u->error = ENOMEM;
		return -1;
	}
	return 0;
}

static void damaged(struct wga_unpack *u, const char *what)
{
	snprintf(u->damage, sizeof(u->damage), "its %s data %s at byte %" PRIu64,
		 u->packing == WGA_PACKING_GZIP ? "gzip" : "zstd", what,
		 u->in_offset - (u->in_len - u->in_pos));
}

static size_t gzip_step(struct wga_unpack *u, uint8_t *dst, size_t size)
{
	z_stream *z = &u->gzip;
	uInt room = size < UINT_MAX ? (uInt)size : UINT_MAX;
	int ret;

	z->next_in = u->in + u->in_pos;
	z->avail_in = (uInt)(u->in_len - u->in_pos);
	z->next_out = dst;
	z->avail_out = room;

	ret = inflate(z, Z_NO_FLUSH);
	u->in_pos = u->in_len - z->avail_in;
	u->in_member = ret != Z_STREAM_END;
	u->pending = !z->avail_out;

	if (ret == Z_STREAM_END)
		ret = inflateReset(z);
	if (ret != Z_OK && ret != Z_BUF_ERROR)
		damaged(u, "is corrupt");
	return room - z->avail_out;
}

static size_t zstd_step(struct wga_unpack *u, uint8_t *dst, size_t size)
{
	ZSTD_inBuffer in = { .src = u->in, .size = u->in_len, .pos = u->in_pos };
	ZSTD_outBuffer out = { .dst = dst, .size = size };
	size_t ret;

	ret = ZSTD_decompressStream(u->zstd, &out, &in);
	u->in_pos = in.pos;
	u->in_member = ret != 0;
	u->pending = out.pos == out.size;

	if (ZSTD_isError(ret))
		damaged(u, ZSTD_getErrorCode(ret) ==
				ZSTD_error_frameParameter_windowTooLarge ?
			"needs too large a window" : "is corrupt");
	return out.pos;
}

static ssize_t read_packed(struct wga_unpack *u, uint8_t *dst, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (!done && !u->damage[0]) {
		if (u->in_pos == u->in_len && !(u->pending && u->in_member)) {
			n = u->eof ? 0 : read_some(u, u->in, IN_SIZE);
			if (n < 0)
				return -1;
			if (n == 0) {
				u->in_pos = u->in_len = 0;
				if (u->in_member)
					damaged(u, "ends too early");
				return 0;
			}
			u->in_pos = 0;
			u->in_len = (size_t)n;
		}
		done = u->packing == WGA_PACKING_GZIP ? gzip_step(u, dst, size) :
							zstd_step(u, dst, size);
	}
	return (ssize_t)done;
}

static ssize_t read_plain(struct wga_unpack *u, uint8_t *dst, size_t size)
{
	size_t n = u->in_len - u->in_pos;

	if (!n)
		return u->eof ? 0 : read_some(u, dst, size);
	if (n > size)
		n = size;
	memcpy(dst, u->in + u->in_pos, n);
	u->in_pos += n;
	return (ssize_t)n;
}

ssize_t wga_unpack_read(struct wga_unpack *u, uint8_t *dst, size_t size)
{
	if (u->error)
		return -1;
	if (u->packing == WGA_PACKING_NONE)
		return read_plain(u, dst, size);
	return read_packed(u, dst, size);
}

void wga_unpack_close(struct wga_unpack *u)
{
	if (u->gzip_ready)
		inflateEnd(&u->gzip);
	ZSTD_freeDStream(u->zstd);
	free(u->in);
	memset(u, 0, sizeof(*u));
}
