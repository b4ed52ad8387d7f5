/* SPDX-License-Identifier: MIT */
/*
 * cli/feed.c between made-up files and made-up bridges: which bridges there
 * are, what they are called, who gets which frames, and which error is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/source.h"
#include "cli/feed.h"

/**
 * struct wga_source - a made-up file
 * @path:	its name
 * @names:	its interfaces
 * @n, @late:	how many there are, and how many of them are told of only at
 *		the end of the file
 * @frames:	number of frames; frame i is of interface i modulo @n - @late
 * @damage, @fails:	how it ends
 */
struct wga_source {
	const char *path;
	const char *const *names;
	unsigned int n, late;
	uint64_t frames;
	const char *damage;
	bool fails, ended, tells;
	uint64_t next;
	struct wga_source_iface *ifaces;
};

struct wga_bridge {
	char name[128];
	uint64_t frames, sum, last;
	uint64_t drops;
	const char *damage;
	struct wga_loss loss;
	char filter[32];
	unsigned int iface, losses;
};

struct wga_run {
	struct wga_bridge *bridges[WGA_FEED_MAX];
	size_t n;
};

static const char *const unnamed[] = { "" };
static const char *const two[] = { "eth0", "eth1" };
static const char *const odd[] = { "eth0", "", "eth0" };
static const char *const many[65] = { "x" };

static const struct wga_source files[] = {
	{ .path = "plain", .names = unnamed, .n = 1, .frames = 100 },
	{ .path = "-", .names = unnamed, .n = 1, .frames = 3 },
	{ .path = "two", .names = two, .n = 2, .frames = 100 },
	{ .path = "odd", .names = odd, .n = 3, .frames = 9 },
	{ .path = "idle", .names = two, .n = 2, .late = 1, .frames = 40 },
	{ .path = "silent", .names = two, .n = 1 },
	{ .path = "none" },
	{ .path = "cut", .names = two, .n = 2, .frames = 7, .damage = "cut at 9" },
	{ .path = "told", .names = two, .n = 2, .frames = 4, .tells = true },
	{ .path = "broken", .names = unnamed, .n = 1, .frames = 70, .fails = true },
	{ .path = "broken2", .names = unnamed, .n = 1, .fails = true },
	{ .path = "many", .names = many, .n = 65, .frames = 1 },
};

static unsigned int open_sources, live_bridges;

int wga_source_open(struct wga_source **out, const char *path,
		    struct wga_err *err)
{
	struct wga_source *src;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(files[i].path, path))
			continue;
		src = calloc(1, sizeof(*src));
		*src = files[i];
		src->ifaces = calloc(src->n + 1, sizeof(*src->ifaces));
		for (unsigned int j = 0; j < src->n; j++) {
			if (src->names[j])
				snprintf(src->ifaces[j].name, 64, "%s",
					 src->names[j]);
			src->ifaces[j].drops = 10 + j;
		}
		if (src->tells) {
			src->ifaces[1].gone = true;
			src->ifaces[1].beats_sent = 5;
			src->ifaces[1].beats_seen = 4;
			strcpy(src->ifaces[1].filter, "udp");
			strcpy(src->ifaces[0].damage, "disk full");
		}
		*out = src;
		open_sources++;
		return 0;
	}
	return wga_err_set(err, "no-such-file", "%s: no such file", path);
}

int wga_source_next(struct wga_source *src, struct wga_batch *batch,
		    struct wga_err *err)
{
	batch->count = 0;
	while (src->next < src->frames && batch->count < WGA_BATCH_MAX) {
		unsigned int iface = (unsigned int)(src->next % (src->n - src->late));

		batch->frame[batch->count++] = (struct wga_frame){
			.iface = (uint16_t)iface, .number = ++src->next,
		};
	}
	src->ended = !batch->count;
	if (src->ended && src->fails)
		return wga_err_set(err, "unreadable-file", "%s: broken",
				   src->path);
	return (int)batch->count;
}

const char *wga_source_damage(const struct wga_source *src)
{
	return src->damage;
}

int wga_source_open_shared(struct wga_source **out, const char *path,
			   struct wga_err *err)
{
	return wga_source_open(out, path, err);
}

const struct wga_source_iface *wga_source_ifaces(const struct wga_source *src,
						 unsigned int *count)
{
	*count = src->n - (src->ended ? 0 : src->late);
	return src->ifaces;
}

void wga_source_close(struct wga_source *src)
{
	if (!src)
		return;
	open_sources--;
	free(src->ifaces);
	free(src);
}

struct wga_bridge *wga_bridge_new(const struct wga_config *cfg,
				  const char *name, bool live)
{
	struct wga_bridge *br = calloc(1, sizeof(*br));

	(void)cfg;
	assert_false(live);
	snprintf(br->name, sizeof(br->name), "%s", name);
	br->iface = UINT32_MAX;
	__atomic_add_fetch(&live_bridges, 1, __ATOMIC_SEQ_CST);
	return br;
}

void wga_bridge_observe(struct wga_bridge *br, const struct wga_batch *batch)
{
	unsigned int i;

	assert_true(batch->count > 0);
	for (i = 0; i < batch->count; i++) {
		const struct wga_frame *f = &batch->frame[i];

		if (br->iface == UINT32_MAX)
			br->iface = f->iface;
		assert_int_equal(f->iface, br->iface);
		assert_true(f->number > br->last);
		br->last = f->number;
		br->sum += f->number;
		br->frames++;
	}
}

void wga_bridge_part(struct wga_bridge *br, unsigned int part,
		     unsigned int parts)
{
	(void)br;
	assert_int_equal(part, 0);
	assert_int_equal(parts, 1);
}

uint64_t wga_bridge_handed(const struct wga_bridge *br)
{
	return br->frames;
}

void wga_bridge_loss(struct wga_bridge *br, const struct wga_loss *loss)
{
	br->drops = loss->kernel_drops;
	br->damage = loss->damage;
	br->loss = *loss;
	snprintf(br->filter, sizeof(br->filter), "%s",
		 loss->filter ? loss->filter : "");
	br->losses++;
}

void wga_bridge_free(struct wga_bridge *br)
{
	live_bridges--;
	free(br);
}

int wga_run_add(struct wga_run *run, struct wga_bridge *br, struct wga_err *err)
{
	if (run->n == WGA_FEED_MAX) {
		wga_bridge_free(br);
		return wga_err_set(err, "too-many-bridges", "too many bridges");
	}
	run->bridges[run->n++] = br;
	return 0;
}

static int feed(struct wga_run *run, const char *const *paths,
		struct wga_err *err)
{
	char *argv[WGA_FEED_MAX + 2];
	size_t n = 0;
	int ret;

	while (paths[n]) {
		argv[n] = (char *)(uintptr_t)paths[n];
		n++;
	}
	*run = (struct wga_run){ 0 };
	ret = wga_feed_files(run, NULL, argv, n, err);
	assert_int_equal(open_sources, 0);
	assert_int_equal(live_bridges, run->n);
	return ret;
}

static void run_clear(struct wga_run *run)
{
	while (run->n)
		wga_bridge_free(run->bridges[--run->n]);
}

struct want {
	const char *name;
	uint64_t frames, drops;
};

static void gives(const char *const *paths, const struct want *want)
{
	struct wga_run run;
	struct wga_err err;
	size_t i;

	if (feed(&run, paths, &err) < 0)
		fail_msg("%s", err.text);
	for (i = 0; want[i].name; i++) {
		assert_true(i < run.n);
		assert_string_equal(run.bridges[i]->name, want[i].name);
		assert_int_equal(run.bridges[i]->frames, want[i].frames);
		assert_int_equal(run.bridges[i]->drops, want[i].drops);
		assert_int_equal(run.bridges[i]->losses, 1);
	}
	assert_int_equal(run.n, i);
	run_clear(&run);
}

#define PATHS(...)	((const char *const[]){ __VA_ARGS__, NULL })
#define WANT(...)	((const struct want[]){ __VA_ARGS__, { 0 } })

static void test_names(void **state)
{
	(void)state;
	gives(PATHS("plain"), WANT({ "plain", 100, 10 }));
	gives(PATHS("-"), WANT({ "standard input", 3, 10 }));
	gives(PATHS("two"), WANT({ "two:eth0", 50, 10 }, { "two:eth1", 50, 11 }));
	gives(PATHS("odd"), WANT({ "odd:eth0", 3, 10 }, { "odd:1", 3, 11 },
				 { "odd:eth0#2", 3, 12 }));
	gives(PATHS("plain", "two", "-"),
	      WANT({ "plain", 100, 10 }, { "two:eth0", 50, 10 },
		   { "two:eth1", 50, 11 }, { "standard input", 3, 10 }));
}

/* what has no frames is an input all the same */
static void test_silence(void **state)
{
	(void)state;
	gives(PATHS("idle"), WANT({ "idle", 40, 10 }, { "idle:eth1", 0, 11 }));
	gives(PATHS("silent"), WANT({ "silent", 0, 10 }));
	gives(PATHS("none"), WANT({ "none", 0, 0 }));
}

static void test_damage(void **state)
{
	struct wga_run run;
	struct wga_err err;

	(void)state;
	assert_int_equal(feed(&run, PATHS("plain", "cut"), &err), 0);
	assert_int_equal(run.n, 3);
	assert_null(run.bridges[0]->damage);
	assert_string_equal(run.bridges[1]->damage, "cut at 9");
	assert_string_equal(run.bridges[2]->damage, "cut at 9");
	run_clear(&run);
}

/* what a file tells of its interfaces' losses gets to their bridges */
static void test_told(void **state)
{
	struct wga_run run;
	struct wga_err err;

	(void)state;
	assert_int_equal(feed(&run, PATHS("plain", "told"), &err), 0);
	assert_int_equal(run.n, 3);
	assert_false(run.bridges[0]->loss.gone);
	assert_string_equal(run.bridges[0]->filter, "");
	assert_int_equal(run.bridges[0]->loss.heartbeats_sent, 0);
	assert_non_null(run.bridges[1]->damage);
	assert_false(run.bridges[1]->loss.gone);
	assert_string_equal(run.bridges[1]->filter, "");
	assert_null(run.bridges[2]->damage);
	assert_true(run.bridges[2]->loss.gone);
	assert_string_equal(run.bridges[2]->filter, "udp");
	assert_int_equal(run.bridges[2]->loss.heartbeats_sent, 5);
	assert_int_equal(run.bridges[2]->loss.heartbeats_seen, 4);
	run_clear(&run);
}

static void test_counted(void **state)
{
	char *paths[] = { (char *)(uintptr_t)"two", (char *)(uintptr_t)"none",
			  (char *)(uintptr_t)"odd" };
	struct wga_run run = { 0 };
	unsigned int bridges[3];
	struct wga_err err;

	(void)state;
	assert_int_equal(wga_feed_counted(&run, NULL, paths, 3, bridges, &err),
			 0);
	assert_int_equal(bridges[0], 2);
	assert_int_equal(bridges[1], 1);
	assert_int_equal(bridges[2], 3);
	run_clear(&run);
}

static void fails(const char *const *paths, const char *code,
		  const char *needle)
{
	struct wga_run run;
	struct wga_err err;

	assert_int_equal(feed(&run, paths, &err), -1);
	assert_string_equal(err.code, code);
	if (!strstr(err.text, needle))
		fail_msg("\"%s\" should be in: %s", needle, err.text);
	run_clear(&run);
}

static void test_errors(void **state)
{
	const char *paths[WGA_FEED_MAX + 2];
	char text[WGA_FEED_MAX + 1][16];
	size_t i;

	(void)state;
	fails(PATHS("plain", "gone"), "no-such-file", "gone");
	fails(PATHS("many"), "too-many-interfaces", "many");
	fails(PATHS("plain", "plain"), "usage", "plain is given twice");
	fails(PATHS("-", "plain", "-"), "usage", "standard input is given twice");
	for (i = 0; i < WGA_FEED_MAX + 1; i++) {
		snprintf(text[i], sizeof(text[i]), "f%zu", i);
		paths[i] = text[i];
	}
	paths[i] = NULL;
	fails(paths, "usage", "65 files");
}

/* the first file's error is told, however the threads go */
static void test_first_error(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		fails(PATHS("broken", "broken2"), "unreadable-file", "broken:");
		fails(PATHS("plain", "broken2", "broken", "two"),
		      "unreadable-file", "broken2:");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_first_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
