/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/pcapng_write.h"
#include "capture/ring.h"
#include "tests/unit/source_build.h"

static uint8_t bytes[300000];

static struct wga_frame frame_of(size_t len, uint64_t time_ns)
{
	return (struct wga_frame){
		.data = bytes, .caplen = (uint32_t)len, .len = (uint32_t)len,
		.link = WGA_LINK_ETHERNET, .time_ns = time_ns,
	};
}

/* a file of this writer; *out is another descriptor of it */
static struct wga_pcapng_writer *begin(int *out, const char *comment)
{
	int fd = memfd_create("evidence", MFD_CLOEXEC);
	struct wga_pcapng_writer *w;
	struct wga_err err;

	assert_true(fd >= 0);
	*out = dup(fd);
	assert_int_equal(wga_pcapng_write_open(&w, fd, "evidence", comment,
					       &err), 0);
	return w;
}

static uint8_t *slurp(int fd, size_t *len)
{
	uint8_t *data;

	*len = (size_t)lseek(fd, 0, SEEK_END);
	data = malloc(*len + 1);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, *len, 0), *len);
	return data;
}

/* read it with our reader, and with libpcap too */
static void read_back(int fd, struct capture *c)
{
	size_t len;
	uint8_t *data = slurp(fd, &len);

	capture_read(c, data, len);
	if (c->ret == 0 && c->iface_count < 2)
		assert_libpcap_agrees(c, data, len);
	free(data);
	close(fd);
}

static void test_frames(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 4, 60, 1500, 65549, 262144 };
	const size_t n = sizeof(sizes) / sizeof(sizes[0]);
	const uint64_t start = UINT64_C(1795321164671298123);
	struct wga_pcapng_writer *w;
	struct capture c;
	struct wga_err err;
	int fd;

	(void)state;
	w = begin(&fd, "a comment");
	assert_int_equal(wga_pcapng_write_iface(w, "virbr-a", WGA_LINK_ETHERNET,
						262144, NULL, &err), 0);
	for (size_t i = 0; i < n; i++) {
		struct wga_frame f = frame_of(sizes[i], start + i);

		f.len += i == 5 ? 40 : 0;
		assert_int_equal(wga_pcapng_write_frame(w, 0, &f, NULL, &err), 0);
	}
	assert_int_equal(wga_pcapng_write_frames(w), n);
	assert_int_equal(wga_pcapng_write_close(w, &err), 0);

	read_back(fd, &c);
	assert_int_equal(c.ret, 0);
	assert_string_equal(c.damage, "");
	assert_int_equal(c.count, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(c.frame[i].caplen, sizes[i]);
		assert_int_equal(c.frame[i].len, sizes[i] + (i == 5 ? 40 : 0));
		assert_int_equal(c.frame[i].time_ns, start + i);
		assert_memory_equal(c.frame[i].data, bytes, sizes[i]);
	}
	assert_int_equal(c.iface_count, 1);
	assert_string_equal(c.iface[0].name, "virbr-a");
	assert_string_equal(c.iface[0].filter, "");
	assert_false(c.iface[0].has_drops);
	capture_free(&c);
}

/* interfaces, filter, statistics and losses come back */
static void test_losses(void **state)
{
	const struct wga_pcapng_loss lost = {
		.drops = 7, .gone = true, .beats_sent = 9, .beats_seen = 6,
		.damage = "its disk broke",
	}, less = { .drops = 3 }, none = { 0 };
	struct wga_frame f = frame_of(60, 5);
	struct wga_pcapng_writer *w;
	struct capture c;
	struct wga_err err;
	int fd;

	(void)state;
	w = begin(&fd, NULL);
	wga_pcapng_write_iface(w, "br-a", WGA_LINK_ETHERNET, 0, NULL, &err);
	wga_pcapng_write_iface(w, "br-b", WGA_LINK_RAW, 0, "udp port 9", &err);
	wga_pcapng_write_iface(w, "", WGA_LINK_SLL2, 0, NULL, &err);
	wga_pcapng_write_frame(w, 1, &f, NULL, &err);
	wga_pcapng_write_passed(w, 1, &f);
	wga_pcapng_write_stats(w, 0, &less, &err);
	wga_pcapng_write_stats(w, 0, &lost, &err);
	wga_pcapng_write_stats(w, 1, &none, &err);
	assert_int_equal(wga_pcapng_write_frames(w), 1);
	assert_int_equal(wga_pcapng_write_close(w, &err), 0);

	read_back(fd, &c);
	assert_int_equal(c.iface_count, 3);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.frame[0].iface, 1);
	assert_int_equal(c.iface[0].drops, 7);
	assert_true(c.iface[0].gone);
	assert_int_equal(c.iface[0].beats_sent, 9);
	assert_int_equal(c.iface[0].beats_seen, 6);
	assert_string_equal(c.iface[0].damage, "its disk broke");
	assert_string_equal(c.iface[1].filter, "udp port 9");
	assert_int_equal(c.iface[1].link, WGA_LINK_RAW);
	assert_true(c.iface[1].has_drops);
	assert_int_equal(c.iface[1].drops, 0);
	assert_false(c.iface[1].gone);
	assert_string_equal(c.iface[1].damage, "");
	assert_string_equal(c.iface[2].name, "");
	assert_int_equal(c.iface[2].beats_sent, 0);
	capture_free(&c);
}

/* comments and traces do not get into the way of the frames */
static void test_extras(void **state)
{
	char longer[3 * WGA_PCAPNG_COMMENT_MAX];
	const char *comments[] = { "violation: plaintext", "", longer };
	const uint64_t trace[2] = { 1, 2 };
	const struct wga_pcapng_extras extras = { comments, 3, trace, NULL, 0 };
	struct wga_frame f = frame_of(61, 5);
	struct wga_pcapng_writer *w;
	struct capture c;
	struct wga_err err;
	uint8_t *data;
	size_t len;
	int fd;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	w = begin(&fd, longer);
	wga_pcapng_write_iface(w, longer, WGA_LINK_ETHERNET, 0, longer, &err);
	wga_pcapng_write_frame(w, 0, &f, &extras, &err);
	wga_pcapng_write_frame(w, 0, &f, NULL, &err);
	assert_int_equal(wga_pcapng_write_close(w, &err), 0);
	data = slurp(fd, &len);
	assert_non_null(memmem(data, len, "violation: plaintext", 20));
	assert_non_null(memmem(data, len, trace, sizeof(trace)));
	free(data);
	read_back(fd, &c);
	assert_int_equal(c.count, 2);
	assert_string_equal(c.damage, "");
	capture_free(&c);
}

/* What was left out of a frame is told to its reader, unless that is told twice. */
static void test_elided(void **state)
{
	static char most[65535];
	const char *const twice[] = { "wgaudit elided 1: x", "other" };
	const char *const others[] = { "wgaudit elide", "Wgaudit elided 1: x" };
	const struct wga_pcapng_extras rows[] = {
		{ .elided = "wgaudit elided 1: abc?", .elided_len = 21 },
		{ .elided = most, .elided_len = sizeof(most) },
		{ .comments = twice, .n = 2 },
		{ .comments = twice, .n = 2, .elided = twice[0], .elided_len = 19 },
		{ .comments = others, .n = 2 },
		{ 0 },
	};
	const size_t n = sizeof(rows) / sizeof(rows[0]);
	struct wga_pcapng_writer *w;
	struct wga_source *src;
	struct wga_batch batch;
	struct wga_err err;
	int fd;

	(void)state;
	memset(most, 'x', sizeof(most));
	memcpy(most, "wgaudit elided 1: ", 18);
	w = begin(&fd, NULL);
	wga_pcapng_write_iface(w, "br", WGA_LINK_ETHERNET, 0, NULL, &err);
	for (size_t i = 0; i < n; i++) {
		struct wga_frame f = frame_of(61 + i, 5);

		wga_pcapng_write_frame(w, 0, &f, &rows[i], &err);
	}
	assert_int_equal(wga_pcapng_write_close(w, &err), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(wga_source_from_fd(&src, fd, "e", NULL, &err), 0);
	assert_int_equal(wga_source_next(src, &batch, &err), n);
	assert_null(wga_source_damage(src));
	for (size_t i = 0; i < n; i++) {
		const struct wga_frame *f = &batch.frame[i];

		assert_int_equal(f->caplen, 61 + i);
		assert_int_equal(f->elided != NULL, i < 4);
		assert_int_equal(f->elided_len, i == 2 ? 19 : i == 3 ? 0 :
				 rows[i].elided_len);
		if (f->elided_len)
			assert_memory_equal(f->elided, i == 2 ? twice[0] :
					    rows[i].elided, f->elided_len);
	}
	wga_source_close(src);
}

/* before it is closed, what was flushed is a whole file */
static void test_flushed(void **state)
{
	struct wga_frame f = frame_of(1000, 5);
	struct wga_pcapng_writer *w;
	struct capture c;
	struct wga_err err;
	uint8_t *data;
	size_t len;
	int fd;

	(void)state;
	w = begin(&fd, NULL);
	wga_pcapng_write_iface(w, "a", WGA_LINK_ETHERNET, 0, NULL, &err);
	wga_pcapng_write_frame(w, 0, &f, NULL, &err);
	assert_int_equal(wga_pcapng_write_flush(w, &err), 0);
	wga_pcapng_write_frame(w, 0, &f, NULL, &err);
	data = slurp(fd, &len);
	assert_int_equal(wga_pcapng_write_size(w), len + 1000 + 32);
	capture_read(&c, data, len);
	assert_string_equal(c.damage, "");
	assert_int_equal(c.count, 1);
	capture_free(&c);
	free(data);
	assert_int_equal(wga_pcapng_write_close(w, &err), 0);
	close(fd);
}

/* Write 40 frames to a file that takes @limit bytes. */
static int write_limited(rlim_t limit, int *fd, struct wga_err *err)
{
	struct rlimit old, now;
	struct wga_frame f = frame_of(997, 5);
	struct wga_pcapng_writer *w;
	const struct wga_pcapng_loss lost = { .drops = 4 };
	int ret = 0;

	w = begin(fd, NULL);
	wga_pcapng_write_iface(w, "a", WGA_LINK_ETHERNET, 0, NULL, err);
	wga_pcapng_write_iface(w, "b", WGA_LINK_ETHERNET, 0, NULL, err);
	wga_pcapng_write_stats(w, 1, &lost, err);
	assert_int_equal(wga_pcapng_write_flush(w, err), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	now = (struct rlimit){ limit, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	for (unsigned int i = 0; i < 40 && ret == 0; i++) {
		ret = wga_pcapng_write_frame(w, i % 2, &f, NULL, err);
		if (ret == 0 && i % 20 == 19)
			ret = wga_pcapng_write_flush(w, err);
	}
	if (ret < 0) {
		struct wga_err again;

		assert_int_equal(wga_pcapng_write_frame(w, 0, &f, NULL, &again),
				 -1);
		assert_string_equal(again.text, err->text);
	}
	if (wga_pcapng_write_close(w, err) < 0)
		ret = -1;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	return ret;
}

/* Wherever the disk is full, the file ends with a whole block, and mostly says
 * that its end is missing.
 */
static void test_full(void **state)
{
	unsigned int told = 0, all = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t limit = 600; limit < 41000; limit += 373) {
		struct wga_err err = { 0 };
		struct capture c;
		size_t len;
		uint8_t *data;
		int fd;

		assert_int_equal(write_limited(limit, &fd, &err), -1);
		assert_string_equal(err.code, "write-failed");
		assert_non_null(strstr(err.text, "can be read"));
		data = slurp(fd, &len);
		assert_true(len <= limit);
		capture_read(&c, data, len);
		assert_int_equal(c.ret, 0);
		assert_string_equal(c.damage, "");
		assert_int_equal(c.iface_count, 2);
		assert_int_equal(c.iface[1].drops, 4);
		all++;
		told += !strncmp(c.iface[0].damage, "writing failed", 14);
		if (limit > 20000) {
			assert_true(c.count >= (limit - 19000) / 1100);
			assert_true(c.iface[0].damage[0]);
		}
		capture_free(&c);
		free(data);
		close(fd);
	}
	assert_true(told * 2 > all);
}

static char folder[] = "/tmp/wgaudit-ring-XXXXXX";

static void remove_folder(void)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	assert_int_equal(rmdir(folder), 0);
}

static void test_ring(void **state)
{
	char path[64];
	struct wga_ring_options opt = { .path = path, .size = 5000, .files = 3 };
	struct wga_pcapng_loss lost = { .drops = 2 };
	struct wga_frame f = frame_of(1000, 5);
	const char *const *paths;
	struct wga_ring *ring;
	struct wga_err err;
	uint64_t left = 0;
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.b.pcapng", folder);
	assert_int_equal(wga_ring_open(&ring, &opt, "x", &err), 0);
	assert_int_equal(wga_ring_iface(ring, "br-a", WGA_LINK_ETHERNET, 0,
					"udp", &err), 0);
	for (unsigned int i = 0; i < 42; i++) {
		if (i == 41)
			lost.drops = 5;
		assert_int_equal(wga_ring_loss(ring, 0, &lost, &err), 0);
		assert_int_equal(wga_ring_frame(ring, 0, &f, NULL, &err), 0);
	}
	lost.gone = true;
	assert_int_equal(wga_ring_loss(ring, 0, &lost, &err), 0);
	assert_int_equal(wga_ring_close(ring, &err), 0);
	paths = wga_ring_paths(ring, &n);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		struct capture c;
		unsigned int number, date;
		int end = 0;

		assert_int_equal(sscanf(paths[i] + strlen(folder),
					"/a.b_%5u_20%12u.pcapng%n", &number,
					&date, &end) >= 1, 1);
		assert_int_equal(number, 7 + i);
		read_back(open(paths[i], O_RDONLY), &c);
		assert_string_equal(c.damage, "");
		assert_string_equal(c.iface[0].name, "br-a");
		assert_string_equal(c.iface[0].filter, "udp");
		assert_int_equal(c.iface[0].gone, i == 2);
		/* each file tells of its own drops */
		assert_int_equal(c.iface[0].drops, i == 2 ? 3 : 0);
		left += c.count;
		capture_free(&c);
	}
	assert_int_equal(wga_ring_removed(ring) + left, 42);
	wga_ring_free(ring);
	remove_folder();
}

static void test_avoided(void **state)
{
	static char other[] = "/tmp/wgaudit-ring-XXXXXX";
	char path[64];
	struct stat st;
	struct wga_ring_options opt = { .path = path, .avoid = &st,
					.n_avoid = 1 };
	struct wga_ring *ring;
	struct wga_err err;
	int fd = mkstemp(other);

	(void)state;
	assert_int_equal(write(fd, "input", 5), 5);
	assert_int_equal(fstat(fd, &st), 0);
	snprintf(path, sizeof(path), "%s", other);
	assert_int_equal(wga_ring_open(&ring, &opt, NULL, &err), -1);
	assert_string_equal(err.code, "usage");
	assert_int_equal(lseek(fd, 0, SEEK_END), 5);
	opt.n_avoid = 0;
	assert_int_equal(wga_ring_open(&ring, &opt, NULL, &err), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	wga_ring_free(ring);
	close(fd);
	unlink(other);
	snprintf(path, sizeof(path), "/nowhere/at/all");
	assert_int_equal(wga_ring_open(&ring, &opt, NULL, &err), -1);
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
	snprintf(path, sizeof(path), "/dev/null");
	assert_int_equal(wga_ring_open(&ring, &opt, NULL, &err), -1);
	assert_non_null(strstr(err.text, "no regular file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_extras),
		cmocka_unit_test(test_elided),
		cmocka_unit_test(test_flushed),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_avoided),
	};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
