/* SPDX-License-Identifier: MIT */
#ifndef WGA_UNPACK_H
#define WGA_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <zlib.h>
#include <zstd.h>

enum wga_packing {
	WGA_PACKING_NONE,
	WGA_PACKING_GZIP,
	WGA_PACKING_ZSTD,
};

/**
 * struct wga_unpack - a file's bytes, unpacked
 * @fd:		where the packed bytes come from; not owned
 * @packing:	what the first bytes say
 * @error:	errno of a failed read, sticky
 * @damage:	why the packed data ended before its end, or ""
 * @in:		packed bytes; of a plain file, those looked at to find @packing
 * @in_offset:	file offset of the end of @in
 * @in_member:	inside a gzip member or zstd frame: the file must not end here
 * @pending:	the decoder may hold output that did not fit
 */
struct wga_unpack {
	int fd;
	enum wga_packing packing;
	int error;
	char damage[160];

	uint8_t *in;
	size_t in_pos, in_len;
	uint64_t in_offset;
	bool eof;
	bool in_member;
	bool pending;
	bool gzip_ready;
	z_stream gzip;
	ZSTD_DStream *zstd;
};

/**
 * wga_unpack_open() - find out how a file is packed
 * @u:		filled; release with wga_unpack_close(), also after an error
 * @fd:		open file, at its start
 *
 * Return: 0, or -1 with @u->error set.
 */
int wga_unpack_open(struct wga_unpack *u, int fd);

/**
 * wga_unpack_read() - read unpacked bytes
 * @u:		state
 * @dst:	where they go
 * @size:	room at @dst, > 0
 *
 * Return: number of bytes, 0 at the end (see @u->damage), -1 on a read error
 * (see @u->error).
 */
ssize_t wga_unpack_read(struct wga_unpack *u, uint8_t *dst, size_t size);

void wga_unpack_close(struct wga_unpack *u);

#endif /* WGA_UNPACK_H */
