/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/source_build.h"

void put_bytes(struct build *b, const void *data, size_t len)
{
	while (b->room < b->len + len) {
		b->room = b->room ? 2 * b->room : 1024;
		b->data = realloc(b->data, b->room);
		assert_non_null(b->data);
	}
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void put_fill(struct build *b, uint8_t seed, size_t len)
{
	uint8_t chunk[256];
	size_t i, n;

	for (i = 0; i < sizeof(chunk); i++)
		chunk[i] = (uint8_t)(seed + i);
	for (; len; len -= n) {
		n = len < sizeof(chunk) ? len : sizeof(chunk);
		put_bytes(b, chunk, n);
	}
}

static void put_number(struct build *b, uint64_t v, unsigned int size)
{
	unsigned int i, at;
	uint8_t byte;

	for (i = 0; i < size; i++) {
		at = b->big_endian ? size - 1 - i : i;
		byte = (uint8_t)(v >> (8 * at));
		put_bytes(b, &byte, 1);
	}
}

void put16(struct build *b, uint16_t v)
{
	put_number(b, v, 2);
}

void put32(struct build *b, uint32_t v)
{
	put_number(b, v, 4);
}

void put64(struct build *b, uint64_t v)
{
	put_number(b, v, 8);
}

static void put_pad(struct build *b)
{
	static const uint8_t zero[4];

	put_bytes(b, zero, -b->len % 4);
}

void build_free(struct build *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

void pcap_header(struct build *b, uint32_t magic, uint32_t linktype)
{
	put32(b, magic);
	put16(b, 2);
	put16(b, 4);
	put32(b, 0);
	put32(b, 0);
	put32(b, 262144);
	put32(b, linktype);
}

void pcap_record(struct build *b, uint32_t s, uint32_t frac, uint8_t seed,
		 uint32_t caplen, uint32_t len)
{
	put32(b, s);
	put32(b, frac);
	put32(b, caplen);
	put32(b, len);
	put_fill(b, seed, caplen);
}

size_t block_begin(struct build *b, uint32_t type)
{
	size_t at = b->len;

	put32(b, type);
	put32(b, 0);
	return at;
}

void block_end(struct build *b, size_t at)
{
	struct build len = { .big_endian = b->big_endian };

	put_pad(b);
	put32(b, (uint32_t)(b->len + 4 - at));
	put32(&len, (uint32_t)(b->len - at));
	memcpy(b->data + at + 4, len.data, 4);
	build_free(&len);
}

void option(struct build *b, uint16_t code, const void *data, uint16_t len)
{
	put16(b, code);
	put16(b, len);
	put_bytes(b, data, len);
	put_pad(b);
}

void option64(struct build *b, uint16_t code, uint64_t v)
{
	put16(b, code);
	put16(b, 8);
	put64(b, v);
}

void shb(struct build *b)
{
	size_t at = block_begin(b, 0x0a0d0d0a);

	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put64(b, UINT64_MAX);
	block_end(b, at);
}

void idb(struct build *b, uint16_t link, uint32_t snaplen, const char *name,
	 uint8_t tsresol)
{
	size_t at = block_begin(b, 1);

	put16(b, link);
	put16(b, 0);
	put32(b, snaplen);
	if (name)
		option(b, 2, name, (uint16_t)strlen(name));
	if (tsresol)
		option(b, 9, &tsresol, 1);
	if (name || tsresol)
		put32(b, 0);
	block_end(b, at);
}

size_t epb_begin(struct build *b, uint32_t iface, uint64_t time, uint8_t seed,
		 uint32_t caplen, uint32_t len)
{
	size_t at = block_begin(b, 6);

	put32(b, iface);
	put32(b, (uint32_t)(time >> 32));
	put32(b, (uint32_t)time);
	put32(b, caplen);
	put32(b, len);
	put_fill(b, seed, caplen);
	put_pad(b);
	return at;
}

void epb(struct build *b, uint32_t iface, uint64_t time, uint8_t seed,
	 uint32_t caplen, uint32_t len)
{
	block_end(b, epb_begin(b, iface, time, seed, caplen, len));
}

int memory_file(const void *data, size_t len)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	if (len)
		assert_int_equal(write(fd, data, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void frame_keep(struct capture *c, const struct wga_frame *f)
{
	struct wga_frame *kept;
	uint8_t *data = malloc(f->caplen + 1);

	c->frame = reallocarray(c->frame, c->count + 1, sizeof(*c->frame));
	assert_non_null(c->frame);
	assert_non_null(data);
	memcpy(data, f->data, f->caplen);
	kept = &c->frame[c->count++];
	*kept = *f;
	kept->data = data;
	assert_int_equal(f->number, c->count);
	assert_true(f->len >= f->caplen);
}

void capture_read_fd(struct capture *c, int fd,
		     const struct wga_bytes_options *opt)
{
	const struct wga_source_iface *iface;
	struct wga_source *src = NULL;
	struct wga_batch batch;
	int i;

	memset(c, 0, sizeof(*c));
	c->ret = wga_source_from_fd(&src, fd, "test", opt, &c->err);
	if (c->ret < 0) {
		assert_null(src);
		return;
	}
	while ((c->ret = wga_source_next(src, &batch, &c->err)) > 0) {
		assert_int_equal(c->ret, batch.count);
		for (i = 0; i < c->ret; i++)
			frame_keep(c, &batch.frame[i]);
	}
	/* an end or an error stays one */
	assert_int_equal(wga_source_next(src, &batch, &c->err), c->ret);

	iface = wga_source_ifaces(src, &c->iface_count);
	assert_true(c->iface_count <= 16);
	if (c->iface_count)
		memcpy(c->iface, iface, c->iface_count * sizeof(*iface));
	if (wga_source_damage(src))
		snprintf(c->damage, sizeof(c->damage), "%s",
			 wga_source_damage(src));
	wga_source_close(src);
}

static void assert_same(const struct capture *a, const struct capture *b)
{
	const struct wga_frame *f, *g;
	size_t i;

	assert_int_equal(a->ret, b->ret);
	assert_string_equal(a->err.code, b->err.code);
	assert_string_equal(a->err.text, b->err.text);
	assert_string_equal(a->damage, b->damage);
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->iface_count, b->iface_count);
	for (i = 0; i < a->iface_count; i++) {
		assert_string_equal(a->iface[i].name, b->iface[i].name);
		assert_int_equal(a->iface[i].drops, b->iface[i].drops);
	}
	for (i = 0; i < a->count; i++) {
		f = &a->frame[i];
		g = &b->frame[i];
		assert_int_equal(f->caplen, g->caplen);
		assert_int_equal(f->len, g->len);
		assert_int_equal(f->link, g->link);
		assert_int_equal(f->iface, g->iface);
		assert_int_equal(f->time_ns, g->time_ns);
		assert_memory_equal(f->data, g->data, f->caplen);
	}
}

static bool pipe_with(int fds[2], const void *data, size_t len)
{
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if (len && fcntl(fds[1], F_SETPIPE_SZ, len) < (int)len) {
		close(fds[0]);
		close(fds[1]);
		return false;
	}
	if (len)
		assert_int_equal(write(fds[1], data, len), len);
	close(fds[1]);
	return true;
}

void capture_read(struct capture *c, const void *data, size_t len)
{
	static const struct wga_bytes_options opts[] = {
		{ .ahead = true },
		{ .block = 100 },
		{ .block = 64, .ahead = true },
		{ .block = 10 },
		{ .block = 1 },
	};
	struct capture other;
	int fds[2];
	size_t i;

	capture_read_fd(c, memory_file(data, len), NULL);
	for (i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
		capture_read_fd(&other, memory_file(data, len), &opts[i]);
		assert_same(c, &other);
		capture_free(&other);
	}
	if (!pipe_with(fds, data, len))
		return;
	capture_read_fd(&other, fds[0], NULL);
	assert_same(c, &other);
	capture_free(&other);
}

void capture_free(struct capture *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		free((void *)c->frame[i].data);
	free(c->frame);
	memset(c, 0, sizeof(*c));
}

void assert_libpcap_agrees(const struct capture *c, const void *data, size_t len)
{
	FILE *file = fdopen(memory_file(data, len), "rb");
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct pcap_pkthdr *h;
	const u_char *bytes;
	size_t i = 0;
	pcap_t *p;

	p = pcap_fopen_offline_with_tstamp_precision(file,
						     PCAP_TSTAMP_PRECISION_NANO,
						     errbuf);
	assert_string_equal(errbuf, "");
	while (pcap_next_ex(p, &h, &bytes) == 1) {
		assert_true(i < c->count);
		assert_int_equal(c->frame[i].caplen, h->caplen);
		assert_int_equal(c->frame[i].len,
				 h->len > h->caplen ? h->len : h->caplen);
		assert_int_equal(c->frame[i].time_ns,
				 (uint64_t)h->ts.tv_sec * 1000000000 +
				 (uint64_t)h->ts.tv_usec);
		assert_memory_equal(c->frame[i].data, bytes, h->caplen);
		i++;
	}
	assert_int_equal(i, c->count);
	pcap_close(p);
}
