/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_BUILD_H
#define SOURCE_BUILD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "capture/source_internal.h"

/* capture files, written byte by byte */
struct build {
	uint8_t *data;
	size_t len;
	size_t room;
	bool big_endian;
};

void put_bytes(struct build *b, const void *data, size_t len);
void put_fill(struct build *b, uint8_t seed, size_t len);
void put16(struct build *b, uint16_t v);
void put32(struct build *b, uint32_t v);
void put64(struct build *b, uint64_t v);
void build_free(struct build *b);

void pcap_header(struct build *b, uint32_t magic, uint32_t linktype);
/* the bytes are seed, seed + 1, ... */
void pcap_record(struct build *b, uint32_t s, uint32_t frac, uint8_t seed,
		 uint32_t caplen, uint32_t len);

/* @return offset of the block, for block_end() */
size_t block_begin(struct build *b, uint32_t type);
void block_end(struct build *b, size_t at);
void option(struct build *b, uint16_t code, const void *data, uint16_t len);
void option64(struct build *b, uint16_t code, uint64_t v);
void shb(struct build *b);
/* @tsresol 0 means no such option, @name NULL as well */
void idb(struct build *b, uint16_t link, uint32_t snaplen, const char *name,
	 uint8_t tsresol);
size_t epb_begin(struct build *b, uint32_t iface, uint64_t time, uint8_t seed,
		 uint32_t caplen, uint32_t len);
void epb(struct build *b, uint32_t iface, uint64_t time, uint8_t seed,
	 uint32_t caplen, uint32_t len);

/* what a source gave, in full */
struct capture {
	int ret;
	struct wga_err err;
	struct wga_frame *frame;
	size_t count;
	struct wga_source_iface iface[16];
	unsigned int iface_count;
	char damage[320];
};

/* an open file with these bytes that nobody else sees */
int memory_file(const void *data, size_t len);

/* reads from a file and a pipe, in blocks large and tiny, with and without a
 * thread, and fails the test where these differ
 */
void capture_read(struct capture *c, const void *data, size_t len);
void capture_read_fd(struct capture *c, int fd,
		     const struct wga_bytes_options *opt);
void capture_free(struct capture *c);

/* libpcap reads the same frames from these bytes */
void assert_libpcap_agrees(const struct capture *c, const void *data, size_t len);

#endif /* SOURCE_BUILD_H */
