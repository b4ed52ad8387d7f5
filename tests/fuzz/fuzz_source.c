/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The input is a file. It is read as files usually are, and again in blocks so
 * small that every record runs over them, with the reading thread; both must
 * give the same frames, each within what was read.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/source_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static int link_known(uint16_t link)
{
	return link == WGA_LINK_ETHERNET || link == WGA_LINK_RAW ||
	       link == WGA_LINK_SLL || link == WGA_LINK_SLL2;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * UINT64_C(0x100000001b3);
}

static uint64_t frame_check(uint64_t h, const struct wga_frame *f,
			    uint64_t number, unsigned int ifaces)
{
	uint32_t i;

	require(f->number == number);
	require(f->len >= f->caplen);
	require(f->iface < ifaces);
	require(link_known(f->link));
	for (i = 0; i < f->caplen; i++)
		h = mix(h, f->data[i]);
	require(f->elided || !f->elided_len);
	for (i = 0; i < f->elided_len; i++)
		h = mix(h, (uint8_t)f->elided[i]);
	return mix(mix(mix(h, f->len), f->time_ns), f->iface);
}

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	require(fd >= 0);
	require(!size || write(fd, data, size) == (ssize_t)size);
	require(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* a digest of all that was read; @packed is set if it went through a decoder */
static uint64_t read_all(int fd, const struct wga_bytes_options *opt,
			 int *packed)
{
	uint64_t h = 0, number = 0;
	struct wga_source *src;
	struct wga_batch batch;
	unsigned int i, ifaces;
	struct wga_err err;
	int n;

	if (wga_source_from_fd(&src, fd, "fuzz", opt, &err) < 0) {
		require(err.code[0] && err.text[0]);
		return 1;
	}
	*packed = src->bytes.in.packing != WGA_PACKING_NONE;
	while ((n = wga_source_next(src, &batch, &err)) > 0) {
		require(n == (int)batch.count && n <= WGA_BATCH_MAX);
		wga_source_ifaces(src, &ifaces);
		for (i = 0; i < batch.count; i++)
			h = frame_check(h, &batch.frame[i], ++number, ifaces);
	}
	require(n == 0 || err.code[0]);
	h = mix(mix(h, (uint64_t)n), wga_source_damage(src) != NULL);
	wga_source_close(src);
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_bytes_options small = { .block = 64, .ahead = true };
	int packed = 0;
	uint64_t usual, other;

	usual = read_all(file_of(data, size), NULL, &packed);
	if (size)
		small.block += data[size - 1];
	other = read_all(file_of(data, size), &small, &packed);
	/* what a decoder gives before an error depends on the room it has */
	require(packed || usual == other);
	return 0;
}
