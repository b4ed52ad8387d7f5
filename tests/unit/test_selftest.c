/* SPDX-License-Identifier: MIT */
/* The synthetic leak: its frames, and what examination and verdict make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "analyze/run.h"
#include "capture/selftest.h"

#define START	0
#define END	WGA_SELFTEST_FRAMES
#define TEXT_AT	(WGA_SELFTEST_LEN - WGA_SELFTEST_TEXT)

static struct wga_config cfg;
static struct wga_selftest st;
static struct wga_run *run;
static struct wga_bridge *bridge;
static struct wga_verdict *verdict;
static uint64_t number;

static struct wga_bridge *add_bridge(const char *name)
{
	struct wga_bridge *br = wga_bridge_new(&cfg, name, true);

	assert_non_null(br);
	assert_int_equal(wga_run_add(run, br, NULL), 0);
	return br;
}

static int setup(void **state)
{
	(void)state;
	if (sodium_init() < 0)
		return -1;
	wga_config_init(&cfg);
	wga_selftest_make(&st);
	run = wga_run_new(&cfg);
	bridge = add_bridge("br-a");
	verdict = NULL;
	number = 0;
	return wga_bridge_selftest(bridge, &st, true);
}

static int teardown(void **state)
{
	(void)state;
	wga_verdict_free(verdict);
	wga_run_free(run);
	wga_config_free(&cfg);
	return 0;
}

static void observe_on(struct wga_bridge *br, const uint8_t *data,
		       uint32_t caplen, uint32_t len)
{
	struct wga_batch batch = { .count = 1 };

	number++;
	batch.frame[0] = (struct wga_frame){
		.data = data, .caplen = caplen, .len = len,
		.link = WGA_LINK_ETHERNET, .number = number,
		.time_ns = number * 1000000,
	};
	wga_bridge_observe(br, &batch);
}

static void observe(const uint8_t *frame)
{
	observe_on(bridge, frame, WGA_SELFTEST_LEN, WGA_SELFTEST_LEN);
}

static void observe_all(const struct wga_selftest *s)
{
	for (int i = 0; i < WGA_SELFTEST_ALL; i++)
		observe(s->frame[i]);
}

static void end_with(bool start_due, bool end_due)
{
	wga_bridge_loss(bridge, &(struct wga_loss){
		.heartbeats_sent = 1, .heartbeats_seen = 1,
		.leaked = { true, true }, .leak_due = { start_due, end_due },
	});
	wga_verdict_free(verdict);
	assert_int_equal(wga_run_judge(run, &verdict, NULL), 0);
}

static void end(void)
{
	end_with(true, true);
}

static const struct wga_reason *reason(enum wga_code code)
{
	for (size_t i = 0; i < verdict->n_reasons; i++)
		if (verdict->reasons[i].code == code)
			return &verdict->reasons[i];
	return NULL;
}

static uint64_t frames(enum wga_class cls)
{
	return verdict->classes[cls].frames;
}

static void check_note(unsigned int found)
{
	char text[80];

	snprintf(text, sizeof(text),
		 "self-test: %u synthetic leaks found as violations", found);
	for (size_t i = 0; i < verdict->n_notes; i++)
		if (!strcmp(verdict->notes[i].text, text)) {
			assert_true(verdict->notes[i].count == found);
			return;
		}
	fail_msg("no note: %s", text);
}

static void check_blind(uint64_t missing, const char *text)
{
	const struct wga_reason *r = reason(WGA_CODE_BLIND);

	assert_non_null(r);
	assert_true(r->count == missing);
	if (!strstr(r->text, text))
		fail_msg("\"%s\" should be in: %s", text, r->text);
	assert_int_not_equal(verdict->outcome, WGA_PASS);
}

/* RFC 1071 the slow way: the sum of all, the checksum included, is all ones */
static void check_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	assert_int_equal(sum, 0xffff);
}

static void check_frame(const struct wga_selftest *s, int i)
{
	const uint8_t *f = s->frame[i], *back = s->frame[i ^ 1];
	const uint8_t ends[] = { f[26], f[30] }, nets[] = { f[27], f[31] };

	/* unicast and locally administered */
	assert_int_equal(f[0] & 3, 2);
	assert_int_equal(f[6] & 3, 2);
	assert_int_equal(f[12] << 8 | f[13], 0x0800);
	assert_int_equal(f[14], 0x45);
	assert_int_equal(f[16] << 8 | f[17], WGA_SELFTEST_LEN - 14);
	assert_int_equal(f[23], 17);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(ends[k], 198);
		assert_int_equal(nets[k] & 0xfe, 18);
	}
	assert_true((f[34] & f[36]) >= 0xc0);
	assert_int_equal(f[38] << 8 | f[39], 8 + WGA_SELFTEST_TEXT);
	check_sum(0, f + 14, 20);
	check_sum(17 + 8 + WGA_SELFTEST_TEXT, f + 26, WGA_SELFTEST_LEN - 26);

	assert_memory_equal(f, back + 6, 6);
	assert_memory_equal(f + 26, back + 30, 4);
	assert_memory_equal(f + 34, back + 36, 2);
	assert_memory_equal(f + TEXT_AT, back + TEXT_AT, WGA_SELFTEST_TEXT);
	assert_memory_equal(f + TEXT_AT, "wgaudit self-test ", 18);
	for (int k = 0; k < 32; k++)
		assert_non_null(memchr("0123456789abcdef",
				       f[TEXT_AT + 18 + k], 16));
	for (int k = 50; k < WGA_SELFTEST_TEXT; k++)
		assert_int_equal(f[TEXT_AT + k], ' ');
}

static void test_frames(void **state)
{
	struct wga_selftest s;

	(void)state;
	for (int n = 0; n < 1000; n++) {
		wga_selftest_make(&s);
		for (int i = 0; i < WGA_SELFTEST_ALL; i++)
			check_frame(&s, i);
		assert_memory_equal(s.a.addr.b + 12, s.frame[0] + 26, 4);
		assert_memory_equal(s.b.addr.b + 12, s.frame[0] + 30, 4);
		assert_false(wga_addr_equal(&s.a.addr, &s.b.addr));
		assert_memory_not_equal(s.frame[0] + TEXT_AT,
					s.frame[END] + TEXT_AT,
					WGA_SELFTEST_TEXT);
		assert_memory_not_equal(s.frame[0] + TEXT_AT,
					st.frame[0] + TEXT_AT,
					WGA_SELFTEST_TEXT);
	}
}

/* neither readable nor anything else; no run of printable bytes by chance */
static void make_dark(uint8_t *frame)
{
	randombytes_buf(frame + TEXT_AT, WGA_SELFTEST_TEXT);
	for (int i = TEXT_AT; i < WGA_SELFTEST_LEN; i += 2)
		frame[i] |= 0x80;
}

/* no bit of it is free */
static void test_find(void **state)
{
	uint8_t frame[WGA_SELFTEST_LEN + 1] = { 0 };

	(void)state;
	for (int i = 0; i < WGA_SELFTEST_ALL; i++) {
		memcpy(frame, st.frame[i], WGA_SELFTEST_LEN);
		assert_int_equal(wga_selftest_find(&st, frame,
						   WGA_SELFTEST_LEN), i);
		assert_int_equal(wga_selftest_find(&st, frame, sizeof(frame)),
				 -1);
		for (uint32_t n = 0; n < WGA_SELFTEST_LEN; n++)
			assert_int_equal(wga_selftest_find(&st, frame, n), -1);
		for (int bit = 0; bit < 8 * WGA_SELFTEST_LEN; bit++) {
			frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(wga_selftest_find(&st, frame,
							   WGA_SELFTEST_LEN),
					 -1);
			frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void test_found(void **state)
{
	(void)state;
	observe_all(&st);
	end();
	assert_null(reason(WGA_CODE_BLIND));
	assert_null(reason(WGA_CODE_PLAINTEXT));
	assert_null(reason(WGA_CODE_UNKNOWN_HOST));
	assert_true(frames(WGA_CLASS_CANARY) == WGA_SELFTEST_ALL);
	assert_true(frames(WGA_CLASS_PLAINTEXT) == 0);
	/* it proves that leaks are found, not that anything was encrypted */
	assert_int_equal(verdict->n_reasons, 1);
	assert_non_null(reason(WGA_CODE_NO_ENCRYPTED_TRAFFIC));
	check_note(4);
}

/* Nobody's frames, as long as nobody says that a self-test was made */
static void test_not_ours(void **state)
{
	struct wga_selftest other;

	(void)state;
	wga_selftest_make(&other);
	observe_all(&other);
	end();
	assert_true(frames(WGA_CLASS_CANARY) == 0);
	assert_true(frames(WGA_CLASS_PLAINTEXT) == WGA_SELFTEST_ALL);
	assert_non_null(reason(WGA_CODE_PLAINTEXT));
	check_blind(4, "0 of 2 at the start on br-a; 0 of 2 at the end on br-a");
	check_note(0);
}

static void test_missing(void **state)
{
	(void)state;
	observe(st.frame[START]);
	observe(st.frame[START + 1]);
	end();
	check_blind(2, ": 0 of 2 at the end on br-a");
	check_note(2);
	observe(st.frame[END + 1]);
	end();
	check_blind(1, ": 1 of 2 at the end on br-a");
	check_note(3);
	observe(st.frame[END]);
	end();
	assert_null(reason(WGA_CODE_BLIND));
	check_note(4);
}

static void test_missing_start(void **state)
{
	(void)state;
	observe(st.frame[START]);
	observe(st.frame[END]);
	observe(st.frame[END + 1]);
	end();
	check_blind(1, ": 1 of 2 at the start on br-a");
	assert_true(frames(WGA_CLASS_CANARY) == 3);
}

/* one twice does not stand for one that is missing, nor is it ours */
static void test_replay(void **state)
{
	(void)state;
	observe(st.frame[START]);
	observe(st.frame[START]);
	observe(st.frame[END]);
	observe(st.frame[END + 1]);
	end();
	check_blind(1, ": 1 of 2 at the start on br-a");
	assert_true(frames(WGA_CLASS_CANARY) == 3);
	assert_true(frames(WGA_CLASS_PLAINTEXT) == 1);
	assert_int_equal(verdict->outcome, WGA_VIOLATION);
}

static void test_surplus(void **state)
{
	(void)state;
	observe_all(&st);
	observe(st.frame[END]);
	observe(st.frame[START + 1]);
	observe(st.frame[START + 1]);
	end();
	assert_null(reason(WGA_CODE_BLIND));
	assert_true(frames(WGA_CLASS_CANARY) == WGA_SELFTEST_ALL);
	assert_true(frames(WGA_CLASS_PLAINTEXT) == 3);
	assert_non_null(reason(WGA_CODE_PLAINTEXT));
	assert_true(reason(WGA_CODE_PLAINTEXT)->count == 3);
	assert_int_equal(verdict->outcome, WGA_VIOLATION);
}

/* other bytes between the same ends are judged as what they are */
static void test_same_ends(void **state)
{
	uint8_t frame[WGA_SELFTEST_LEN];

	(void)state;
	observe_all(&st);
	memcpy(frame, st.frame[START], sizeof(frame));
	frame[TEXT_AT + 20] ^= 1;
	observe(frame);
	make_dark(frame);
	observe(frame);
	end();
	assert_null(reason(WGA_CODE_BLIND));
	assert_true(frames(WGA_CLASS_CANARY) == WGA_SELFTEST_ALL);
	assert_true(frames(WGA_CLASS_PLAINTEXT) == 1);
	assert_true(frames(WGA_CLASS_UNEXPLAINED) == 1);
	assert_int_equal(verdict->outcome, WGA_VIOLATION);
}

/* the frame, but not all of it, or with something behind it */
static void test_almost(void **state)
{
	uint8_t longer[WGA_SELFTEST_LEN + 4] = { 0 };

	(void)state;
	memcpy(longer, st.frame[START], WGA_SELFTEST_LEN);
	observe_on(bridge, longer, sizeof(longer), sizeof(longer));
	observe_on(bridge, longer, WGA_SELFTEST_LEN, sizeof(longer));
	observe_on(bridge, longer, WGA_SELFTEST_LEN - 1, WGA_SELFTEST_LEN);
	observe(st.frame[START + 1]);
	observe(st.frame[END]);
	observe(st.frame[END + 1]);
	end();
	check_blind(1, ": 1 of 2 at the start on br-a");
	assert_true(frames(WGA_CLASS_CANARY) == 3);
}

/* a leak that examination does not find to be text, as if its rule was broken */
static void test_not_text(void **state)
{
	struct wga_selftest dark = st;
	struct wga_bridge *br = add_bridge("br-b");

	(void)state;
	for (int i = 0; i < WGA_SELFTEST_ALL; i++)
		make_dark(dark.frame[i]);
	assert_int_equal(wga_bridge_selftest(br, &dark, true), 0);
	for (int i = 0; i < WGA_SELFTEST_ALL; i++)
		observe_on(br, dark.frame[i], WGA_SELFTEST_LEN,
			   WGA_SELFTEST_LEN);
	wga_bridge_loss(br, &(struct wga_loss){
		.heartbeats_sent = 1, .heartbeats_seen = 1,
		.leaked = { true, true }, .leak_due = { true, true },
	});
	observe_all(&st);
	end();
	check_blind(4, ": 0 of 2 at the start on br-b; 0 of 2 at the end on br-b");
	check_note(4);
	assert_true(frames(WGA_CLASS_CANARY) == WGA_SELFTEST_ALL);
}

/* text, but not between hosts of the mesh: then it was not found as a leak */
static void test_not_hosts(void **state)
{
	char arg[80], addr[WGA_ADDR_STRLEN];

	(void)state;
	snprintf(arg, sizeof(arg), "%s", wga_addr_format(&st.a.addr, addr));
	assert_int_equal(wga_config_infra(&cfg, arg, NULL), 0);
	observe_all(&st);
	end();
	check_blind(4, "0 of 2 at the start");
	check_note(0);
	assert_true(frames(WGA_CLASS_CANARY) == 0);
	assert_true(frames(WGA_CLASS_EXTERNAL) == WGA_SELFTEST_ALL);
}

/* what has not been sent yet is not missing */
static void test_due(void **state)
{
	(void)state;
	end_with(false, false);
	assert_null(reason(WGA_CODE_BLIND));
	end_with(true, false);
	check_blind(2, ": 0 of 2 at the start on br-a");
	observe(st.frame[START]);
	observe(st.frame[START + 1]);
	end_with(true, false);
	assert_null(reason(WGA_CODE_BLIND));
}

static void test_not_sent(void **state)
{
	(void)state;
	wga_bridge_loss(bridge, &(struct wga_loss){
		.leak_due = { true, true },
	});
	assert_int_equal(wga_run_judge(run, &verdict, NULL), 0);
	check_blind(4, "at the end on br-a, where they could not be sent");
}

/* It went on to a bridge where it is expected, and to one where it is not. */
static void test_elsewhere(void **state)
{
	struct wga_bridge *linked = add_bridge("br-b");
	struct wga_bridge *other = add_bridge("br-c");

	(void)state;
	assert_int_equal(wga_bridge_selftest(linked, &st, false), 0);
	observe_all(&st);
	for (int i = 0; i < WGA_SELFTEST_ALL; i++)
		observe_on(linked, st.frame[i], WGA_SELFTEST_LEN,
			   WGA_SELFTEST_LEN);
	end();
	assert_null(reason(WGA_CODE_PLAINTEXT));
	assert_null(reason(WGA_CODE_BLIND));
	assert_true(frames(WGA_CLASS_CANARY) == 2 * WGA_SELFTEST_ALL);
	check_note(4);

	observe_on(other, st.frame[0], WGA_SELFTEST_LEN, WGA_SELFTEST_LEN);
	end();
	assert_non_null(reason(WGA_CODE_PLAINTEXT));
	assert_true(frames(WGA_CLASS_PLAINTEXT) == 1);
}

/* seen elsewhere only is not seen */
static void test_only_elsewhere(void **state)
{
	struct wga_bridge *linked = add_bridge("br-b");

	(void)state;
	assert_int_equal(wga_bridge_selftest(linked, &st, false), 0);
	for (int i = 0; i < WGA_SELFTEST_ALL; i++)
		observe_on(linked, st.frame[i], WGA_SELFTEST_LEN,
			   WGA_SELFTEST_LEN);
	end();
	check_blind(4, "0 of 2 at the start on br-a; 0 of 2 at the end on br-a");
}

static void test_accepted(void **state)
{
	(void)state;
	assert_int_equal(wga_config_accept(&cfg, "blind", NULL), 0);
	observe(st.frame[START]);
	end();
	assert_true(reason(WGA_CODE_BLIND)->accepted);
}

static void test_none(void **state)
{
	struct wga_bridge *br;

	(void)state;
	wga_run_free(run);
	run = wga_run_new(&cfg);
	br = add_bridge("br-a");
	observe_on(br, st.frame[0], WGA_SELFTEST_LEN, WGA_SELFTEST_LEN);
	assert_int_equal(wga_run_judge(run, &verdict, NULL), 0);
	assert_null(reason(WGA_CODE_BLIND));
	for (size_t i = 0; i < verdict->n_notes; i++)
		assert_null(strstr(verdict->notes[i].text, "self-test"));
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_frames),
		TEST(test_find),
		TEST(test_found),
		TEST(test_not_ours),
		TEST(test_missing),
		TEST(test_missing_start),
		TEST(test_replay),
		TEST(test_surplus),
		TEST(test_same_ends),
		TEST(test_almost),
		TEST(test_not_text),
		TEST(test_not_hosts),
		TEST(test_due),
		TEST(test_not_sent),
		TEST(test_elsewhere),
		TEST(test_only_elsewhere),
		TEST(test_accepted),
		TEST(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
