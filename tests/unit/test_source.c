/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/source_build.h"

#define MICRO	0xa1b2c3d4
#define NANO	0xa1b23c4d

static void small_pcap(struct build *b)
{
	pcap_header(b, MICRO, 1);
	pcap_record(b, 1700000000, 1, 10, 60, 60);
	pcap_record(b, 1700000000, 2, 20, 0, 0);
	pcap_record(b, 1700000001, 999999, 30, 61, 1500);
}

static void assert_error(const void *data, size_t len, const char *code,
			 const char *text)
{
	struct capture c;

	capture_read(&c, data, len);
	assert_int_equal(c.ret, -1);
	assert_string_equal(c.err.code, code);
	assert_non_null(strstr(c.err.text, text));
	capture_free(&c);
}

static void pcap_variants(void **state)
{
	static const uint32_t magics[] = { MICRO, NANO };
	struct build b = { 0 };
	struct capture c;
	uint64_t unit;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		b.big_endian = i & 1;
		pcap_header(&b, magics[i >> 1], 1);
		pcap_record(&b, 1700000000, 123456, 7, 64, 64);
		pcap_record(&b, INT32_MAX, 5, 9, 33, 1514);
		capture_read(&c, b.data, b.len);
		assert_int_equal(c.ret, 0);
		assert_string_equal(c.damage, "");
		assert_int_equal(c.count, 2);
		unit = i >> 1 ? 1 : 1000;
		assert_int_equal(c.frame[0].time_ns,
				 1700000000 * UINT64_C(1000000000) + 123456 * unit);
		assert_int_equal(c.frame[1].time_ns,
				 INT32_MAX * UINT64_C(1000000000) + 5 * unit);
		assert_int_equal(c.frame[1].caplen, 33);
		assert_int_equal(c.frame[1].len, 1514);
		assert_int_equal(c.frame[1].data[32], 9 + 32);
		assert_int_equal(c.frame[1].link, WGA_LINK_ETHERNET);
		assert_int_equal(c.frame[1].iface, 0);
		assert_int_equal(c.iface_count, 1);
		assert_string_equal(c.iface[0].name, "");
		assert_int_equal(c.iface[0].has_drops, 0);
		assert_libpcap_agrees(&c, b.data, b.len);
		capture_free(&c);
		build_free(&b);
	}
}

/* libpcap takes these seconds for negative ones; the format says unsigned */
static void pcap_after_2038(void **state)
{
	struct build b = { 0 };
	struct capture c;

	(void)state;
	pcap_header(&b, NANO, 1);
	pcap_record(&b, UINT32_MAX, 999999999, 1, 20, 20);
	capture_read(&c, b.data, b.len);
	assert_int_equal(c.frame[0].time_ns, UINT64_C(4294967295999999999));
	capture_free(&c);
	build_free(&b);
}

static void pcap_links(void **state)
{
	static const struct {
		uint32_t file;
		int link;
	} links[] = {
		{ 1, WGA_LINK_ETHERNET }, { 12, WGA_LINK_RAW },
		{ 14, WGA_LINK_RAW }, { 101, WGA_LINK_RAW },
		{ 228, WGA_LINK_RAW }, { 229, WGA_LINK_RAW },
		{ 113, WGA_LINK_SLL }, { 276, WGA_LINK_SLL2 },
		{ 0x24000001, WGA_LINK_ETHERNET },	/* FCS of 4 bytes */
	};
	struct build b = { 0 };
	struct capture c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		pcap_header(&b, MICRO, links[i].file);
		pcap_record(&b, 1, 1, 1, 20, 20);
		capture_read(&c, b.data, b.len);
		assert_int_equal(c.count, 1);
		assert_int_equal(c.frame[0].link, links[i].link);
		assert_int_equal(c.iface[0].link, links[i].link);
		capture_free(&c);
		build_free(&b);
	}

	pcap_header(&b, MICRO, 127);
	assert_error(b.data, b.len, "unsupported-link-type",
		     "127 (IEEE802_11_RADIO)");
	build_free(&b);
	pcap_header(&b, MICRO, 60000);
	assert_error(b.data, b.len, "unsupported-link-type", "type 60000;");
	build_free(&b);
}

static void pcap_empty(void **state)
{
	struct build b = { 0 };
	struct capture c;

	(void)state;
	pcap_header(&b, MICRO, 1);
	capture_read(&c, b.data, b.len);
	assert_int_equal(c.ret, 0);
	assert_int_equal(c.count, 0);
	assert_string_equal(c.damage, "");
	capture_free(&c);
	build_free(&b);
}

/* every captured byte is handed out, whatever the length on the wire says */
static void pcap_caplen_above_len(void **state)
{
	struct build b = { 0 };
	struct capture c;

	(void)state;
	pcap_header(&b, MICRO, 1);
	pcap_record(&b, 1, 1, 1, 100, 20);
	pcap_record(&b, 1, 2, 2, 20, 20);
	capture_read(&c, b.data, b.len);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.frame[0].caplen, 100);
	assert_int_equal(c.frame[0].len, 100);
	assert_string_equal(c.damage, "");
	assert_libpcap_agrees(&c, b.data, b.len);
	capture_free(&c);
	build_free(&b);
}

static void pcap_cut_anywhere(void **state)
{
	static const size_t ends[] = { 24, 24 + 76, 24 + 76 + 16,
				       24 + 76 + 16 + 77 };
	struct build b = { 0 };
	struct capture c;
	size_t cut, whole;

	(void)state;
	small_pcap(&b);
	assert_int_equal(b.len, ends[3]);
	for (cut = 0; cut <= b.len; cut++) {
		capture_read(&c, b.data, cut);
		if (cut < 24) {
			assert_int_equal(c.ret, -1);
			assert_string_equal(c.err.code, "not-a-capture");
			continue;
		}
		for (whole = 0; whole < 3 && ends[whole + 1] <= cut; whole++)
			;
		assert_int_equal(c.ret, 0);
		assert_int_equal(c.count, whole);
		if (cut == ends[whole])
			assert_string_equal(c.damage, "");
		else
			assert_non_null(strstr(c.damage, "it ends"));
		capture_free(&c);
	}

	capture_read(&c, b.data, 110);
	assert_non_null(strstr(c.damage, "at byte 100, after frame 1"));
	capture_free(&c);
	build_free(&b);
}

static void pcap_length_nonsense(void **state)
{
	static const uint32_t lengths[] = { WGA_RECORD_MAX, 0x7fffffff,
					    0xfffffff0, UINT32_MAX };
	struct build b = { 0 };
	struct capture c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		small_pcap(&b);
		put32(&b, 1);
		put32(&b, 2);
		put32(&b, lengths[i]);
		put32(&b, lengths[i]);
		put_fill(&b, 0, 500);
		capture_read(&c, b.data, b.len);
		assert_int_equal(c.ret, 0);
		assert_int_equal(c.count, 3);
		assert_non_null(strstr(c.damage, "at byte 193, after frame 3"));
		assert_non_null(strstr(c.damage, "claims"));
		capture_free(&c);
		build_free(&b);
	}
}

static void pcap_version(void **state)
{
	struct build b = { 0 };

	(void)state;
	small_pcap(&b);
	b.data[4] = 3;
	assert_error(b.data, b.len, "not-a-capture", "version 3.4");
	b.data[4] = 2;
	b.data[6] = 3;
	assert_error(b.data, b.len, "not-a-capture", "version 2.3");
	build_free(&b);
}

/* any single byte wrong: no crash, and what was before it is unharmed */
static void pcap_flip_anywhere(void **state)
{
	struct build b = { 0 };
	struct capture c;
	size_t i;

	(void)state;
	small_pcap(&b);
	for (i = 0; i < b.len; i++) {
		b.data[i] ^= 0xff;
		capture_read(&c, b.data, b.len);
		if (i >= 100)
			assert_true(c.count >= 1 && c.frame[0].data[59] == 69);
		capture_free(&c);
		b.data[i] ^= 0xff;
	}
	build_free(&b);
}

/* records that run over blocks, and ones larger than a block and its headroom */
static void pcap_large_records(void **state)
{
	static const uint32_t sizes[] = { 60, 9000, 65536, 262144, 300, 1000000,
					  16000000, 1, 524288, 0, 786432 };
	size_t i, n = sizeof(sizes) / sizeof(sizes[0]), at = 24 + 16;
	struct build b = { 0 };
	struct capture c;

	(void)state;
	pcap_header(&b, NANO, 1);
	for (i = 0; i < 3 * n; i++)
		pcap_record(&b, 1, (uint32_t)i, (uint8_t)i, sizes[i % n],
			    sizes[i % n]);
	capture_read_fd(&c, memory_file(b.data, b.len), NULL);
	assert_int_equal(c.count, 3 * n);
	assert_string_equal(c.damage, "");
	for (i = 0; i < 3 * n; i++) {
		assert_int_equal(c.frame[i].time_ns, 1000000000 + i);
		assert_int_equal(c.frame[i].caplen, sizes[i % n]);
		assert_memory_equal(c.frame[i].data, b.data + at, sizes[i % n]);
		at += 16 + sizes[i % n];
	}
	capture_free(&c);
	build_free(&b);
}

/* many blocks: the thread's ring goes round, and frames stay what they are */
static void pcap_many_blocks(void **state)
{
	struct build b = { 0 };
	struct capture c;
	uint32_t i, n = 20000;

	(void)state;
	pcap_header(&b, MICRO, 1);
	for (i = 0; i < n; i++)
		pcap_record(&b, i, i, (uint8_t)i, 40 + i * 7919 % 1500, 1600);
	capture_read_fd(&c, memory_file(b.data, b.len),
			&(struct wga_bytes_options){ .ahead = true });
	assert_int_equal(c.count, n);
	assert_libpcap_agrees(&c, b.data, b.len);
	capture_free(&c);
	build_free(&b);
}

/* a source may be closed while its thread is ahead */
static void close_early(void **state)
{
	const struct wga_bytes_options opt = { .ahead = true };
	struct wga_source *src;
	struct build b = { 0 };
	struct wga_batch batch;
	struct wga_err err;
	int i;

	(void)state;
	pcap_header(&b, MICRO, 1);
	for (i = 0; i < 100; i++)
		pcap_record(&b, 1, 1, 1, 60000, 60000);
	for (i = 0; i < 3; i++) {
		assert_int_equal(wga_source_from_fd(&src,
						    memory_file(b.data, b.len),
						    "test", &opt, &err), 0);
		while (i && src->bytes.current < 2u * i)
			assert_true(wga_source_next(src, &batch, &err) > 0);
		wga_source_close(src);
	}
	wga_source_close(NULL);
	build_free(&b);
}

static void not_a_capture(void **state)
{
	static const char text[] = "Frame 1: 60 bytes on wire, but no capture\n";
	uint8_t noise[4096];
	uint32_t x = 12345;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(noise); i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24);
	}
	assert_error(noise, sizeof(noise), "not-a-capture", "begins with");
	assert_error(text, sizeof(text) - 1, "not-a-capture", "46 72 61 6d");
	assert_error("", 0, "not-a-capture", "is empty (0 bytes)");
	assert_error("ab", 2, "not-a-capture", "too short");
}

static void open_by_name(void **state)
{
	struct wga_source *src = NULL;
	struct build b = { 0 };
	struct wga_batch batch;
	struct wga_err err;
	char path[64];
	int fd;

	(void)state;
	small_pcap(&b);
	fd = memory_file(b.data, b.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(wga_source_open(&src, path, &err), 0);
	assert_int_equal(wga_source_next(src, &batch, &err), 3);
	wga_source_close(src);

	assert_int_equal(wga_source_open(&src, "/nonexistent.pcap", &err), -1);
	assert_string_equal(err.code, "no-such-file");
	assert_non_null(strstr(err.text, "/nonexistent.pcap"));
	assert_int_equal(wga_source_open(&src, "/", &err), -1);
	assert_string_equal(err.code, "not-a-capture");
	assert_non_null(strstr(err.text, "is a directory"));

	close(fd);
	build_free(&b);
}

/* reading /proc/self/mem at 0 fails with EIO */
static void read_error(void **state)
{
	struct wga_source *src = NULL;
	struct wga_err err;

	(void)state;
	assert_int_equal(wga_source_open(&src, "/proc/self/mem", &err), -1);
	assert_string_equal(err.code, "unreadable-file");
	assert_non_null(strstr(err.text, "Input/output error"));
}

/* a Unix socket whose other end closed without reading all gives ECONNRESET */
static void read_error_later(void **state)
{
	struct build b = { 0 };
	struct capture c;
	int fds[2];

	(void)state;
	small_pcap(&b);
	put32(&b, 5);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[1], b.data, b.len), b.len);
	assert_int_equal(write(fds[0], "x", 1), 1);
	close(fds[1]);
	capture_read_fd(&c, fds[0], NULL);
	assert_int_equal(c.ret, -1);
	assert_int_equal(c.count, 3);
	assert_string_equal(c.err.code, "unreadable-file");
	assert_non_null(strstr(c.err.text, "after frame 3: Connection reset"));
	assert_string_equal(c.damage, "");
	capture_free(&c);
	build_free(&b);
}

struct writer {
	int fd;
	const struct build *b;
};

/* in pieces, so that reads are short */
static void *writer_main(void *arg)
{
	struct writer *w = arg;
	size_t done = 0, n;

	while (done < w->b->len) {
		n = w->b->len - done < 1000 ? w->b->len - done : 1000;
		if (write(w->fd, w->b->data + done, n) != (ssize_t)n)
			break;
		done += n;
	}
	close(w->fd);
	return NULL;
}

static void standard_input(void **state)
{
	int fds[2], saved = dup(STDIN_FILENO), n, count = 0;
	struct build b = { 0 };
	struct wga_source *src;
	struct wga_batch batch;
	struct wga_err err;
	struct writer w;
	pthread_t thread;

	(void)state;
	pcap_header(&b, MICRO, 1);
	for (n = 0; n < 500; n++)
		pcap_record(&b, 1, (uint32_t)n, (uint8_t)n, 1400, 1400);
	assert_int_equal(pipe(fds), 0);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	w = (struct writer){ .fd = fds[1], .b = &b };
	assert_int_equal(pthread_create(&thread, NULL, writer_main, &w), 0);

	assert_int_equal(wga_source_open(&src, "-", &err), 0);
	while ((n = wga_source_next(src, &batch, &err)) > 0)
		count += n;
	assert_int_equal(n, 0);
	assert_int_equal(count, 500);
	assert_null(wga_source_damage(src));
	wga_source_close(src);

	pthread_join(thread, NULL);
	dup2(saved, STDIN_FILENO);
	close(saved);
	build_free(&b);
}

/* frames that a pipe's writer has sent are handed out while it pauses */
static void pipe_is_prompt(void **state)
{
	struct build b = { 0 };
	struct wga_source *src;
	struct wga_batch batch;
	struct wga_err err;
	int fds[2];

	(void)state;
	small_pcap(&b);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], b.data, b.len), b.len);
	assert_int_equal(wga_source_from_fd(&src, fds[0], "pipe", NULL, &err), 0);
	assert_int_equal(wga_source_next(src, &batch, &err), 3);
	close(fds[1]);
	assert_int_equal(wga_source_next(src, &batch, &err), 0);
	wga_source_close(src);
	build_free(&b);
}

static void add_gzip(struct build *out, const void *data, size_t len)
{
	z_stream z = { 0 };
	uint8_t *packed = malloc(len + 1024);

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8,
				      Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)len;
	z.next_out = packed;
	z.avail_out = (uInt)len + 1024;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	put_bytes(out, packed, z.total_out);
	deflateEnd(&z);
	free(packed);
}

static void add_zstd(struct build *out, const void *data, size_t len)
{
	size_t room = ZSTD_compressBound(len), n;
	uint8_t *packed = malloc(room);

	n = ZSTD_compress(packed, room, data, len, 3);
	assert_false(ZSTD_isError(n));
	put_bytes(out, packed, n);
	free(packed);
}

typedef void (*pack_fn)(struct build *out, const void *data, size_t len);
static const pack_fn packers[] = { add_gzip, add_zstd };

static void packed(void **state)
{
	static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0,
					     9, 9 };
	struct build b = { 0 }, z = { 0 };
	struct capture c, plain;
	int i;

	(void)state;
	small_pcap(&b);
	capture_read(&plain, b.data, b.len);
	for (i = 0; i < 4; i++) {
		if (i == 3)
			put_bytes(&z, skippable, sizeof(skippable));
		/* two members, parted inside a record */
		packers[i & 1](&z, b.data, 50);
		packers[i & 1](&z, b.data + 50, b.len - 50);
		capture_read(&c, z.data, z.len);
		assert_int_equal(c.ret, 0);
		assert_string_equal(c.damage, "");
		assert_int_equal(c.count, plain.count);
		assert_memory_equal(c.frame[2].data, plain.frame[2].data, 61);
		capture_free(&c);
		build_free(&z);
	}
	capture_free(&plain);
	build_free(&b);
}

/* cut or wrong anywhere: what could be unpacked, and the damage is told */
static void packed_damage(void **state)
{
	struct build b = { 0 }, z = { 0 };
	struct capture c;
	size_t cut;
	int i;

	(void)state;
	small_pcap(&b);
	for (i = 0; i < 2; i++) {
		packers[i](&z, b.data, 100);
		packers[i](&z, b.data + 100, b.len - 100);
		for (cut = 0; cut < z.len; cut++) {
			capture_read(&c, z.data, cut);
			if (c.ret == 0 && c.count != 1)
				assert_string_not_equal(c.damage, "");
			else if (c.ret < 0)
				assert_string_equal(c.err.code, "not-a-capture");
			capture_free(&c);

			/* how much comes before an error depends on the
			 * room that the decoder is given
			 */
			z.data[cut] ^= 0x55;
			capture_read_fd(&c, memory_file(z.data, z.len), NULL);
			capture_free(&c);
			z.data[cut] ^= 0x55;
		}

		assert_error(z.data, 11, "not-a-capture", "ends too early");

		/* the end of the first member is a good end, after it is not */
		z.len -= 3;
		capture_read(&c, z.data, z.len);
		assert_true(c.count >= 1);
		assert_non_null(strstr(c.damage, "ends too early"));
		capture_free(&c);
		build_free(&z);

		packers[i](&z, b.data, b.len);
		put_bytes(&z, "garbage", 7);
		capture_read(&c, z.data, z.len);
		assert_int_equal(c.count, 3);
		assert_non_null(strstr(c.damage, "is corrupt"));
		capture_free(&c);
		build_free(&z);

		packers[i](&z, b.data, 0);
		assert_error(z.data, z.len, "not-a-capture",
			     "empty once unpacked");
		build_free(&z);
		packers[i](&z, "hello world", 11);
		assert_error(z.data, z.len, "not-a-capture", "68 65 6c 6c");
		build_free(&z);
	}
	build_free(&b);
}

/* a record cut off inside well-packed data, and more blocks than the ring has */
static void packed_large(void **state)
{
	struct build b = { 0 }, z = { 0 };
	struct capture c;
	uint32_t i;
	int k;

	(void)state;
	pcap_header(&b, MICRO, 1);
	for (i = 0; i < 4000; i++)
		pcap_record(&b, i, i, (uint8_t)(i * i), 1400, 1400);
	for (k = 0; k < 2; k++) {
		packers[k](&z, b.data, b.len - 1);
		capture_read_fd(&c, memory_file(z.data, z.len),
				&(struct wga_bytes_options){ .ahead = true });
		assert_int_equal(c.count, 3999);
		assert_non_null(strstr(c.damage, "(unpacked)"));
		assert_non_null(strstr(c.damage, "it ends 1415 bytes"));
		capture_free(&c);
		build_free(&z);
	}
	build_free(&b);
}

static long resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size, resident;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
	fclose(f);
	return resident;
}

/* 300 MB of frames out of a few kB: the reader must not hold them */
static void memory_bounded(void **state)
{
	struct build b = { 0 }, z = { 0 };
	struct wga_source *src;
	struct wga_batch batch;
	struct wga_err err;
	uint64_t frames = 0;
	long before;
	int i, n;

	(void)state;
	pcap_header(&b, MICRO, 1);
	add_gzip(&z, b.data, b.len);
	build_free(&b);
	for (i = 0; i < 100; i++)
		pcap_record(&b, 1, 1, 1, 30000, 30000);
	for (i = 0; i < 100; i++)
		add_gzip(&z, b.data, b.len);

	before = resident_pages();
	assert_int_equal(wga_source_from_fd(&src, memory_file(z.data, z.len),
					    "test", NULL, &err), 0);
	while ((n = wga_source_next(src, &batch, &err)) > 0)
		frames += (uint64_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(frames, 10000);
	assert_true((resident_pages() - before) * sysconf(_SC_PAGESIZE) <
		    30 << 20);
	wga_source_close(src);
	build_free(&z);
	build_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_variants),
		cmocka_unit_test(pcap_after_2038),
		cmocka_unit_test(pcap_links),
		cmocka_unit_test(pcap_empty),
		cmocka_unit_test(pcap_caplen_above_len),
		cmocka_unit_test(pcap_cut_anywhere),
		cmocka_unit_test(pcap_length_nonsense),
		cmocka_unit_test(pcap_version),
		cmocka_unit_test(pcap_flip_anywhere),
		cmocka_unit_test(pcap_large_records),
		cmocka_unit_test(pcap_many_blocks),
		cmocka_unit_test(close_early),
		cmocka_unit_test(not_a_capture),
		cmocka_unit_test(open_by_name),
		cmocka_unit_test(read_error),
		cmocka_unit_test(read_error_later),
		cmocka_unit_test(standard_input),
		cmocka_unit_test(pipe_is_prompt),
		cmocka_unit_test(packed),
		cmocka_unit_test(packed_damage),
		cmocka_unit_test(packed_large),
		cmocka_unit_test(memory_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
