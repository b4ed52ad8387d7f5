/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The first byte chooses the link type and what is declared, the second how
 * many frames make a batch. The rest is frames, each behind two bytes: a length
 * of 12 bits, whether more was on the wire, which of two bridges saw it, and two
 * bits of time. The run must count each frame once, come to the same verdict in
 * either order of the bridges, and put the frames into the same classes when it
 * judges in parts.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/registry_internal.h"
#include "analyze/run.h"

#define FRAMES_MAX	256
#define PARTS		3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wga_frame frames[FRAMES_MAX];
static bool second[FRAMES_MAX];
static unsigned int n_frames;

static const char nodes[] =
	"[{\"id\": 1, \"name\": \"a\", \"ip_addresses\": [\"100.64.0.1\"], "
	"\"node_key\": \"nodekey:"
	"5714769d116bf76436ae74bc793d2c30ad1903c59ac5273805c7e2698b410c36\", "
	"\"disco_key\": \"discokey:"
	"07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c\"}]";

static void require(int condition)
{
	if (!condition)
		abort();
}

/* frames in memory of just their size */
static void frames_split(const uint8_t *p, size_t size, uint16_t link)
{
	uint64_t now = 1000000000;

	for (n_frames = 0; n_frames < FRAMES_MAX && size >= 2; n_frames++) {
		size_t n = (size_t)(p[0] | (p[1] & 15) << 8);
		struct wga_frame *f = &frames[n_frames];
		uint8_t flags = p[1] >> 4, *copy;

		p += 2;
		size -= 2;
		n = n < size ? n : size;
		copy = malloc(n ? n : 1);
		require(copy != NULL);
		memcpy(copy, p, n);
		p += n;
		size -= n;
		now += (uint64_t)(flags >> 2) * 50000000000 + 1000;
		second[n_frames] = flags & 2;
		*f = (struct wga_frame){
			.data = copy, .caplen = (uint32_t)n, .link = link,
			.len = (uint32_t)n + (flags & 1 ? 40 : 0),
			.time_ns = now,
		};
	}
}

static void frames_free(void)
{
	unsigned int i;

	for (i = 0; i < n_frames; i++)
		free((void *)frames[i].data);
}

static struct wga_bridge *bridge(const struct wga_config *cfg, bool which,
				 unsigned int part, unsigned int parts,
				 unsigned int batch_max)
{
	struct wga_bridge *br = wga_bridge_new(cfg, which ? "b" : "a", false);
	struct wga_batch batch = { 0 };
	uint64_t number = 0;
	unsigned int i;

	require(br != NULL);
	if (parts > 1)
		wga_bridge_part(br, part, parts);
	for (i = 0; i < n_frames; i++) {
		if (second[i] != which)
			continue;
		batch.frame[batch.count] = frames[i];
		batch.frame[batch.count++].number = ++number;
		if (batch.count == batch_max) {
			wga_bridge_observe(br, &batch);
			batch.count = 0;
		}
	}
	if (batch.count)
		wga_bridge_observe(br, &batch);
	return br;
}

/* the verdict over both bridges, in order or not, whole or in parts */
static struct wga_verdict *judge(const struct wga_config *cfg, bool swap,
				 unsigned int parts, unsigned int batch_max,
				 struct wga_run **out)
{
	struct wga_run *run = wga_run_new(cfg);
	struct wga_verdict *v, *again;
	struct wga_err err;
	unsigned int i, part;

	require(run != NULL);
	for (i = 0; i < 2; i++) {
		for (part = 0; part < parts; part++)
			require(!wga_run_add(run, bridge(cfg, i != swap, part,
							 parts, batch_max),
					     &err));
	}
	require(!wga_run_judge(run, &v, &err));
	require(!wga_run_judge(run, &again, &err));
	require(again->outcome == v->outcome);
	wga_verdict_free(again);
	*out = run;
	return v;
}

static void check_sums(const struct wga_verdict *v)
{
	uint64_t got = 0, bytes = 0, want = 0;
	unsigned int i;

	for (i = 0; i < WGA_CLASS_COUNT; i++) {
		got += v->classes[i].frames;
		bytes += v->classes[i].bytes;
	}
	for (i = 0; i < n_frames; i++)
		want += frames[i].len;
	require(got == n_frames);
	require(bytes == want);
	if (v->outcome == WGA_PASS) {
		require(!v->classes[WGA_CLASS_PLAINTEXT].frames);
		require(!v->classes[WGA_CLASS_UNEXPLAINED].frames);
		require(!v->classes[WGA_CLASS_UNPARSED].frames);
	}
}

/* Parts see the messages of a session that moves apart from each other, so they
 * may find other faults with it; never none.
 */
static void check_same(const struct wga_verdict *a, const struct wga_verdict *b,
		       bool exact)
{
	unsigned int i;

	require((a->outcome == WGA_PASS) == (b->outcome == WGA_PASS));
	for (i = 0; exact && i < a->n_reasons; i++) {
		require(a->n_reasons == b->n_reasons);
		require(a->reasons[i].code == b->reasons[i].code);
		require(a->reasons[i].count == b->reasons[i].count);
	}
	for (i = 0; i < WGA_CLASS_COUNT; i++) {
		require(a->classes[i].frames == b->classes[i].frames);
		require(a->classes[i].bytes == b->classes[i].bytes);
	}
}

static void declare(struct wga_config *cfg, uint8_t what)
{
	struct wga_err err;

	wga_config_init(cfg);
	if (what & 4)
		wga_config_derp(cfg, "10.0.0.3:443", &err);
	if (what & 8)
		wga_config_control(cfg, "10.0.0.3:443", &err);
	if (what & 16)
		wga_config_control(cfg, "10.0.0.4:80", &err);
	if (what & 32)
		wga_config_gateway(cfg, "10.0.0.1", &err);
	if (what & 64)
		wga_registry_parse(&cfg->registry, nodes, sizeof(nodes) - 1,
				   "nodes", &err);
	if (what & 128)
		wga_config_canary(cfg, "hunter2", &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t links[] = {
		WGA_LINK_ETHERNET, WGA_LINK_RAW, WGA_LINK_SLL, WGA_LINK_SLL2,
	};
	struct wga_verdict *v[3];
	struct wga_run *runs[3];
	struct wga_config cfg;
	unsigned int i;

	if (size < 2)
		return 0;
	declare(&cfg, data[0]);
	frames_split(data + 2, size - 2, links[data[0] & 3]);
	v[0] = judge(&cfg, false, 1, data[1] % WGA_BATCH_MAX + 1, &runs[0]);
	v[1] = judge(&cfg, true, 1, WGA_BATCH_MAX, &runs[1]);
	v[2] = judge(&cfg, false, PARTS, WGA_BATCH_MAX, &runs[2]);
	for (i = 0; i < 3; i++)
		check_sums(v[i]);
	check_same(v[0], v[1], true);
	check_same(v[0], v[2], false);
	for (i = 0; i < 3; i++) {
		wga_verdict_free(v[i]);
		wga_run_free(runs[i]);
	}
	frames_free();
	wga_config_free(&cfg);
	return 0;
}
