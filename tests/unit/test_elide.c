/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/elide.h"
#include "analyze/judge_internal.h"
#include "bridge_build.h"

/* what is kept of the plainest frame: Ethernet, IPv4, UDP, and of a message */
#define KEPT		(14 + 20 + 8 + 32)

static struct wga_elision e;
static struct wga_wg_messages out;
static struct small s;
static struct wga_config cfg;
static uint8_t b[66000];

static int setup(void **state)
{
	(void)state;
	small_init(&s);
	wga_config_init(&cfg);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	forge_free(&s.f);
	wga_config_free(&cfg);
	wga_elision_end(&e);
	free(out.m);
	out = (struct wga_wg_messages){ 0 };
	return 0;
}

/* frame number @i of what was built */
static struct wga_frame built(size_t i)
{
	const struct forge_frame *fr = &s.f.frames[i];

	return (struct wga_frame){
		.data = fr->data, .caplen = fr->caplen, .len = fr->len,
		.link = s.f.link, .number = i + 1, .time_ns = fr->time_ns,
	};
}

static struct wga_frame latest(void)
{
	return built(s.f.n - 1);
}

static bool elide_latest(void)
{
	struct wga_frame f = latest();

	return wga_elide(&e, &f);
}

static size_t gso(unsigned int count, size_t stride, size_t last)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		forge_wg_data(&s.seed, b + i * stride, 7, 100 + i,
			      i + 1 == count ? last : stride);
	return (count - 1) * stride + last;
}

/* a frame with a copy of these bytes and this comment, read back */
static bool read_copy(const struct wga_frame *f, const char *text, size_t len)
{
	uint8_t *data = malloc(f->caplen ? f->caplen : 1);
	char *comment = malloc(len ? len : 1);
	struct wga_frame copy = *f;
	struct wga_packet pkt;
	size_t before = out.n;
	bool fine;

	assert_true(data && comment);
	memcpy(data, f->data, f->caplen);
	memcpy(comment, text, len);
	copy.data = data;
	copy.elided = comment;
	copy.elided_len = len;
	wga_packet_parse(&copy, &pkt);
	fine = wga_elided_read(&copy, &pkt, &out);
	if (!fine)
		assert_int_equal(out.n, before);
	free(data);
	free(comment);
	return fine;
}

static bool reads(const char *text)
{
	return read_copy(&e.frame, text, strlen(text));
}

/* The latest frame is elided, and what is read of it is what was in it. */
static void assert_elided(size_t kept, unsigned int messages)
{
	struct wga_frame f = latest();
	struct wga_wg_messages whole = { 0 };
	struct wga_packet pkt;
	size_t i;

	assert_true(elide_latest());
	assert_int_equal(e.frame.caplen, kept);
	assert_int_equal(e.frame.len, f.len);
	assert_int_equal(e.frame.time_ns, f.time_ns);
	assert_int_equal(e.frame.number, f.number);
	assert_ptr_equal(e.frame.data, f.data);
	assert_int_equal(strlen(e.text), e.frame.elided_len);
	wga_packet_parse(&f, &pkt);
	assert_int_equal(wga_wg_parse(wga_view_skip(pkt.payload, 8), &whole),
			 WGA_WG_YES);
	out.n = 0;
	assert_true(read_copy(&e.frame, e.text, e.frame.elided_len));
	assert_int_equal(whole.n, messages);
	assert_int_equal(out.n, messages);
	for (i = 0; i < messages; i++) {
		assert_int_equal(out.m[i].type, WGA_WG_DATA);
		assert_int_equal(out.m[i].receiver, whole.m[i].receiver);
		assert_int_equal(out.m[i].counter, whole.m[i].counter);
		assert_int_equal(out.m[i].len, whole.m[i].len);
		assert_int_equal(out.m[i].high, whole.m[i].high);
		assert_int_equal(out.m[i].digest,
				 wga_elided_digest(&whole.m[i]));
		assert_null(out.m[i].p);
	}
	free(whole.m);
}

static void test_round_trip(void **state)
{
	static const uint16_t links[] = {
		WGA_LINK_RAW, WGA_LINK_SLL, WGA_LINK_SLL2,
	};
	static const size_t header[] = { 0, 16, 20 };
	unsigned int i;

	(void)state;
	small_udp(&s, 1, 2, b, gso(1, 0, 1312));
	assert_elided(KEPT, 1);
	small_udp(&s, 1, 2, b, gso(1, 0, 96));
	assert_elided(KEPT, 1);
	small_udp(&s, 1, 2, b, gso(40, 1312, 1312));
	assert_elided(KEPT, 40);
	small_udp(&s, 1, 2, b, gso(40, 1312, 32));
	assert_elided(KEPT, 40);
	small_udp(&s, 1, 2, b, gso(2, 1312, 48));
	assert_elided(KEPT, 2);

	forge_start(&s.p, b, gso(3, 1280, 1280));
	forge_udp(&s.p, 41641, 41641);
	small_ip(&s, 1, 2, "fd00::1", "fd00::2", FORGE_PROTO_UDP);
	assert_elided(KEPT + 20, 3);
	forge_start(&s.p, b, gso(3, 1280, 1280));
	forge_udp(&s.p, 41641, 41641);
	forge_ipv4(&s.p, (uint8_t[]){ 10, 0, 0, 1 }, (uint8_t[]){ 10, 0, 0, 2 },
		   FORGE_PROTO_UDP, 64);
	forge_vlan(&s.p, 7, FORGE_ETH_IPV4);
	small_emit(&s, 1, 2, FORGE_ETH_VLAN);
	assert_elided(KEPT + 4, 3);
	for (i = 0; i < 3; i++) {
		forge_free(&s.f);
		small_init(&s);
		small_udp(&s, 1, 2, b, gso(2, 1312, 1312));
		forge_relink(&s.f, links[i]);
		assert_elided(KEPT - 14 + header[i], 2);
	}
}

/* The form of the comment, which files that exist have; the digests are those of
 * Python's hashlib.blake2b(m, digest_size=16, key=b"wgaudit elided 1").
 */
static void test_form(void **state)
{
	static const char one[] = "wgaudit elided 1: 96,45,"
		"5d51fdfae3cedf083d259cc883e26c20";
	static const char two[] = ";96,47,"
		"1c70d46fdd82d003b143b106df10d897,"
		"04000000070000000600000000000000";
	unsigned int i;

	(void)state;
	memset(b, 0, 192);
	for (i = 0; i < 192; i++)
		b[i] = (uint8_t)(i * i * i + 77 * i + (i >> 3) * 29);
	memcpy(b, "\4\0\0\0\7\0\0\0\5\0\0\0\0\0\0\0", 16);
	memcpy(b + 96, "\4\0\0\0\7\0\0\0\6\0\0\0\0\0\0\0", 16);
	small_udp(&s, 1, 2, b, 192);
	assert_true(elide_latest());
	assert_memory_equal(e.text, one, strlen(one));
	assert_string_equal(e.text + strlen(one), two);
}

static void fragment(bool more, size_t offset)
{
	forge_start(&s.p, b, gso(1, 0, 1312));
	forge_udp(&s.p, 41641, 41641);
	forge_ipv4_fragment(&s.p, (uint8_t[]){ 10, 0, 0, 1 },
			    (uint8_t[]){ 10, 0, 0, 2 }, FORGE_PROTO_UDP, 64, 9,
			    offset, more);
	small_emit(&s, 1, 2, FORGE_ETH_IPV4);
}

/* frames that are kept whole */
static void test_left_alone(void **state)
{
	static const uint8_t peer[FORGE_KEY_LEN] = { 9 };
	struct forge_frame *fr;
	size_t n;

	(void)state;
	small_udp(&s, 1, 2, b, forge_wg_init(&s.seed, b, 1, peer));
	assert_false(elide_latest());
	small_udp(&s, 1, 2, b, forge_wg_response(&s.seed, b, 1, 2, peer));
	assert_false(elide_latest());
	small_udp(&s, 1, 2, b, forge_wg_cookie(&s.seed, b, 1));
	assert_false(elide_latest());
	small_udp(&s, 1, 2, b, forge_disco(&s.seed, b, peer, FORGE_PING_LEN));
	assert_false(elide_latest());
	/* nothing is saved */
	small_udp(&s, 1, 2, b, gso(1, 0, 32));
	assert_false(elide_latest());
	small_udp(&s, 1, 2, b, gso(20, 64, 64));
	assert_false(elide_latest());
	/* no option has that much room */
	small_udp(&s, 1, 2, b, gso(1000, 64, 64));
	assert_false(elide_latest());
	/* readable */
	n = gso(1, 0, 1312);
	memset(b + 100, 'x', 200);
	small_udp(&s, 1, 2, b, n);
	assert_false(elide_latest());
	/* parts of datagrams */
	fragment(true, 0);
	assert_false(elide_latest());
	fragment(false, 8);
	assert_false(elide_latest());
	/* a tunnel */
	forge_start(&s.p, b, gso(1, 0, 1312));
	forge_udp(&s.p, 41641, 41641);
	forge_ipv4(&s.p, (uint8_t[]){ 10, 0, 0, 1 }, (uint8_t[]){ 10, 0, 0, 2 },
		   FORGE_PROTO_UDP, 64);
	small_ip(&s, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_IPIP);
	assert_false(elide_latest());
	/* to a group */
	forge_start(&s.p, b, gso(1, 0, 1312));
	forge_udp(&s.p, 41641, 41641);
	small_ip(&s, 1, 2, "10.0.0.1", "224.0.0.9", FORGE_PROTO_UDP);
	assert_false(elide_latest());
	/* bytes behind the packet */
	small_udp(&s, 1, 2, b, gso(1, 0, 1312));
	assert_true(elide_latest());
	n = s.f.frames[s.f.n - 1].len;
	fr = forge_insert(&s.f, s.f.n, s.f.frames[s.f.n - 1].data, n);
	fr->len = (uint32_t)n + 4;
	fr->data = realloc(fr->data, n + 4);
	memset(fr->data + n, 0, 4);
	fr->caplen = fr->len;
	assert_false(elide_latest());
	/* what was cut before */
	fr->caplen = (uint32_t)n;
	assert_false(elide_latest());
	fr->len = (uint32_t)n;
	assert_true(elide_latest());
}

/* the comment of a frame of two messages, in parts */
struct parts {
	char one[64], two[100];
};

static void make_parts(struct parts *p)
{
	const char *semi, *begin = e.text + strlen("wgaudit elided 1: ");

	small_udp(&s, 1, 2, b, gso(2, 1312, 160));
	assert_true(elide_latest());
	semi = strchr(e.text, ';');
	assert_non_null(semi);
	snprintf(p->one, sizeof(p->one), "%.*s", (int)(semi - begin), begin);
	snprintf(p->two, sizeof(p->two), "%s", semi + 1);
}

/* Every text but the one that was written is refused. */
static void test_text(void **state)
{
	static const char *const heads[] = {
		"", "wgaudit elided 1:", "wgaudit elided 2: ", "wgaudit elided 1:  ",
		"Wgaudit elided 1: ", "wgaudit elided 10: ", " wgaudit elided 1: ",
	};
	char text[400], other[800];
	struct parts p;
	size_t i, n;

	(void)state;
	make_parts(&p);
	snprintf(text, sizeof(text), "wgaudit elided 1: %s;%s", p.one, p.two);
	assert_true(reads(text));
	for (i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		snprintf(other, sizeof(other), "%s%s;%s", heads[i], p.one, p.two);
		assert_false(reads(other));
	}
	for (i = 0; i < strlen(text); i++)
		assert_false(read_copy(&e.frame, text, i));
	/* a zero byte, more messages, spaces, line ends */
	assert_false(read_copy(&e.frame, text, strlen(text) + 1));
	static const char *const tails[] = { ";", " ", "\n", ",", "0", "a" };
	for (i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		snprintf(other, sizeof(other), "%s%s", text, tails[i]);
		assert_false(reads(other));
	}
	snprintf(other, sizeof(other), "%s;%s", text, p.two);
	assert_false(reads(other));
	snprintf(other, sizeof(other), "wgaudit elided 1: %s", p.one);
	assert_false(reads(other));
	snprintf(other, sizeof(other), "wgaudit elided 1: %s;%s", p.two, p.two);
	assert_false(reads(other));
	snprintf(other, sizeof(other), "wgaudit elided 1: %s;%s", p.one, p.one);
	assert_false(reads(other));
	/* other characters for the same */
	for (i = 0; i < strlen(text); i++) {
		memcpy(other, text, sizeof(text));
		n = strlen("wgaudit elided 1: ");
		if (other[i] >= 'a' && other[i] <= 'f' && i > n)
			other[i] = (char)(other[i] - 'a' + 'A');
		else
			other[i] = (char)(other[i] + 128);
		assert_false(reads(other));
	}
}

/* Numbers are read in one way, and must fit. */
static void test_numbers(void **state)
{
	static const struct {
		const char *numbers;
		bool fine;
	} rows[] = {
		{ "1312,640", true }, { "1312,648", true },
		{ "01312,640", false }, { "1312,0640", false },
		{ "+1312,640", false }, { "1312,-1", false },
		{ " 1312,640", false }, { "1312, 640", false },
		{ "1312,", false }, { ",640", false }, { "1312,640,", false },
		{ "1311,640", false }, { "1313,640", false },
		{ "1296,640", false }, { "1312,0", false },
		{ "1312,400", false }, { "1312,1296", false },
		{ "1312,1297", false }, { "1312,65535", false },
		{ "66848,640", false }, { "131200,640", false },
		{ "4294968608,640", false }, { "0,0", false }, { "31,8", false },
		{ "16,0", false },
	};
	char text[200];
	size_t i;

	(void)state;
	small_udp(&s, 1, 2, b, gso(1, 0, 1312));
	assert_true(elide_latest());
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "wgaudit elided 1: %s,"
			 "000102030405060708090a0b0c0d0e0f", rows[i].numbers);
		if (reads(text) != rows[i].fine)
			fail_msg("%s", text);
	}
	/* no message is that long */
	small_udp(&s, 1, 2, b, gso(2, 9264, 32));
	assert_true(elide_latest());
	assert_false(reads("wgaudit elided 1: 9296,4640,"
			   "000102030405060708090a0b0c0d0e0f"));
	assert_true(reads("wgaudit elided 1: 9264,4640,"
			  "000102030405060708090a0b0c0d0e0f;32,8,"
			  "000102030405060708090a0b0c0d0e0f,"
			  "04000000070000006500000000000000"));
	/* more high bytes than bytes */
	assert_true(reads("wgaudit elided 1: 9264,4640,"
			  "000102030405060708090a0b0c0d0e0f;32,16,"
			  "000102030405060708090a0b0c0d0e0f,"
			  "04000000070000006500000000000000"));
	assert_false(reads("wgaudit elided 1: 9264,4640,"
			   "000102030405060708090a0b0c0d0e0f;32,17,"
			   "000102030405060708090a0b0c0d0e0f,"
			   "04000000070000006500000000000000"));
	/* a longer one behind a shorter, and more behind the shorter one */
	assert_false(reads("wgaudit elided 1: 32,8,"
			   "000102030405060708090a0b0c0d0e0f;9264,4640,"
			   "000102030405060708090a0b0c0d0e0f,"
			   "04000000070000006500000000000000"));
	small_udp(&s, 1, 2, b, gso(3, 1312, 1312));
	assert_true(elide_latest());
	assert_false(reads("wgaudit elided 1: 1968,990,"
			   "000102030405060708090a0b0c0d0e0f;984,480,"
			   "000102030405060708090a0b0c0d0e0f,"
			   "04000000070000006500000000000000;984,480,"
			   "000102030405060708090a0b0c0d0e0f,"
			   "04000000070000006600000000000000"));
}

/* Headers of messages must be those of data. */
static void test_headers(void **state)
{
	static const struct {
		const char *header;
		bool fine;
	} rows[] = {
		{ "04000000070000006500000000000000", true },
		{ "04000000080000000000000000000000", true },
		{ "01000000070000006500000000000000", false },
		{ "05000000070000006500000000000000", false },
		{ "04010000070000006500000000000000", false },
		{ "04000001070000006500000000000000", false },
		{ "04000000070000006500000000000100", false },
		{ "0400000007000000650000000000000", false },
		{ "040000000700000065000000000000000", false },
		{ "0400000007000000650000000000000g", false },
		{ "04000000070000006500000000 00000", false },
	};
	uint8_t *udp;
	char text[300];
	size_t i;

	(void)state;
	small_udp(&s, 1, 2, b, gso(2, 1312, 1312));
	assert_true(elide_latest());
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "wgaudit elided 1: 1312,640,"
			 "000102030405060708090a0b0c0d0e0f;1312,640,"
			 "000102030405060708090a0b0c0d0e0f,%s", rows[i].header);
		if (reads(text) != rows[i].fine)
			fail_msg("%s", text);
	}
	/* the header that is in the frame */
	udp = s.f.frames[s.f.n - 1].data + 14 + 20;
	assert_true(reads(e.text));
	udp[8] = 1;
	assert_false(reads(e.text));
	udp[8] = 4;
	udp[10] = 1;
	assert_false(reads(e.text));
	udp[10] = 0;
	udp[23] = 1;
	assert_false(reads(e.text));
	udp[23] = 0;
	assert_true(reads(e.text));
}

/* The frame must be cut just there, and be nothing but UDP to one host. */
static void test_frame(void **state)
{
	struct wga_packet pkt;
	struct wga_frame f;
	uint8_t *ip, *eth;
	uint32_t i;

	(void)state;
	small_udp(&s, 1, 2, b, gso(2, 1312, 1312));
	assert_true(elide_latest());
	eth = s.f.frames[s.f.n - 1].data;
	ip = eth + 14;
	for (i = 0; i <= e.frame.len; i++) {
		f = e.frame;
		f.caplen = i;
		assert_int_equal(read_copy(&f, e.text, strlen(e.text)),
				 i == KEPT);
	}
	for (i = 0; i < 4000; i++) {
		f = e.frame;
		f.len = i < f.caplen ? f.caplen : i;
		assert_int_equal(read_copy(&f, e.text, strlen(e.text)),
				 i == e.frame.len);
	}
	f = e.frame;
	f.elided = NULL;
	wga_packet_parse(&f, &pkt);
	assert_false(wga_elided_read(&f, &pkt, &out));
	ip[9] = FORGE_PROTO_TCP;
	assert_false(reads(e.text));
	ip[9] = FORGE_PROTO_UDP;
	ip[6] = 0x20;
	assert_false(reads(e.text));
	ip[6] = 0;
	ip[7] = 1;
	assert_false(reads(e.text));
	ip[7] = 0;
	ip[16] = 224;
	assert_false(reads(e.text));
	ip[16] = 10;
	eth[0] |= 1;
	assert_false(reads(e.text));
	eth[0] &= 0xfe;
	ip[3]--;
	assert_false(reads(e.text));
	ip[3]++;
	ip[20 + 5]--;
	assert_false(reads(e.text));
	ip[20 + 5] += 2;
	assert_false(reads(e.text));
	ip[20 + 5]--;
	eth[12] = 0x86;
	assert_false(reads(e.text));
	eth[12] = 8;
	assert_true(reads(e.text));
}

/* --- on bridges ------------------------------------------------------- */

/* Elide the frames that were built, from @from on, for good. */
static void elide_built(size_t from)
{
	size_t i;

	for (i = from; i < s.f.n; i++) {
		struct wga_frame f = built(i);

		if (!wga_elide(&e, &f))
			continue;
		s.f.frames[i].caplen = e.frame.caplen;
		s.f.frames[i].elided = strdup(e.text);
	}
}

static struct wga_bridge *observed(const char *name)
{
	struct wga_bridge *br = small_bridge(&s, &cfg, name);

	assert_non_null(br);
	small_init(&s);
	return br;
}

static uint32_t frames_of(const struct wga_bridge *br, enum wga_kind kind)
{
	uint32_t i, frames = 0;

	for (i = 0; i < wga_flow_count(br->flows); i++)
		if (wga_flow_at(br->flows, i)->key.kind == kind)
			frames += wga_flow_at(br->flows, i)->frames;
	return frames;
}

static void talk(void)
{
	small_udp(&s, 1, 2, b, gso(1, 0, 1312));
	forge_wg_data(&s.seed, b, 7, 200, 1312);
	small_udp(&s, 1, 2, b, 1312);
	forge_wg_data(&s.seed, b, 7, 201, 32);
	small_udp(&s, 1, 2, b, 32);
}

static void test_trust(void **state)
{
	struct wga_bridge *br;
	struct wga_err err;

	(void)state;
	talk();
	elide_built(0);
	br = observed("x");
	assert_int_equal(br->distrusted, 2);
	assert_int_equal(br->elided, 0);
	assert_int_equal(br->marks[WGA_CODE_TRUNCATED_FRAMES].count, 2);
	assert_int_equal(frames_of(br, WGA_KIND_CUT), 2);
	assert_int_equal(frames_of(br, WGA_KIND_WIREGUARD), 1);
	wga_bridge_free(br);

	cfg.trust_elided = true;
	talk();
	elide_built(0);
	br = observed("x");
	assert_int_equal(br->distrusted, 0);
	assert_int_equal(br->elided, 2);
	assert_int_equal(br->marks[WGA_CODE_TRUNCATED_FRAMES].count, 0);
	assert_int_equal(frames_of(br, WGA_KIND_WIREGUARD), 3);
	assert_int_equal(br->sessions.n, 1);
	assert_int_equal(br->sessions.s[0].messages, 3);
	wga_bridge_free(br);

	/* what is not there cannot be searched */
	assert_int_equal(wga_config_canary(&cfg, "canary-1", &err), 0);
	talk();
	elide_built(0);
	br = observed("x");
	assert_int_equal(br->distrusted, 2);
	assert_int_equal(br->elided, 0);
	assert_int_equal(br->marks[WGA_CODE_TRUNCATED_FRAMES].count, 2);
	wga_bridge_free(br);
}

/* A comment that does not fit is none: the frame was cut, whoever is trusted. */
static void test_misfit(void **state)
{
	struct wga_bridge *br;

	(void)state;
	cfg.trust_elided = true;
	talk();
	elide_built(0);
	s.f.frames[0].elided[strlen(s.f.frames[0].elided) - 1] = 'x';
	s.f.frames[1].elided[0] = 'x';
	br = observed("x");
	assert_int_equal(br->elided, 0);
	assert_int_equal(br->distrusted, 0);
	assert_int_equal(br->marks[WGA_CODE_TRUNCATED_FRAMES].count, 2);
	assert_int_equal(frames_of(br, WGA_KIND_CUT), 2);
	wga_bridge_free(br);
}

/* Random bytes that are kept may look like text. */
static void test_text_kept(void **state)
{
	struct wga_bridge *br;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		cfg.trust_elided = i == 1;
		forge_wg_data(&s.seed, b, 7, 5, 1312);
		memcpy(b + 18, "hunter2 hunter2", 13);
		small_udp(&s, 1, 2, b, 1312);
		elide_built(0);
		assert_non_null(s.f.frames[0].elided);
		if (i == 2)
			s.f.frames[0].elided[0] = 'x';
		br = observed("x");
		assert_int_equal(frames_of(br, i == 0 ? WGA_KIND_CUT :
					   i == 1 ? WGA_KIND_WIREGUARD :
					   WGA_KIND_TEXT), 1);
		wga_bridge_free(br);
	}
}

/* Frames that are whole are judged by what they hold. */
static void test_whole(void **state)
{
	struct wga_bridge *br;
	struct wga_frame f;
	char *text;

	(void)state;
	cfg.trust_elided = true;
	talk();
	f = built(0);
	assert_true(wga_elide(&e, &f));
	text = strdup(e.text);
	memset(s.f.frames[0].data + KEPT, 'x', 1280);
	s.f.frames[0].elided = text;
	br = observed("x");
	assert_int_equal(br->elided, 0);
	assert_int_equal(br->marks[WGA_CODE_TRUNCATED_FRAMES].count, 0);
	assert_int_equal(frames_of(br, WGA_KIND_TEXT), 1);
	wga_bridge_free(br);
}

/* One message is one, elided or not; two of one counter are two. */
static void test_reuse(void **state)
{
	struct wga_bridge *br[2];
	uint64_t seed;
	unsigned int i;

	(void)state;
	cfg.trust_elided = true;
	forge_wg_data(&s.seed, b, 7, 5, 1312);
	small_udp(&s, 1, 2, b, 1312);
	elide_built(0);
	small_udp(&s, 1, 2, b, 1312);
	small_udp(&s, 1, 2, b, 1312);
	elide_built(2);
	br[0] = observed("a");
	assert_int_equal(br[0]->sessions.s[0].messages, 1);
	assert_int_equal(br[0]->sessions.s[0].reused, 0);
	wga_bridge_free(br[0]);

	/* one byte is another, behind what was kept */
	for (i = 0; i < 4; i++) {
		forge_wg_data(&s.seed, b, 7, 5, 1312);
		small_udp(&s, 1, 2, b, 1312);
		if (i & 1)
			elide_built(0);
		b[1000] ^= 1;
		small_udp(&s, 1, 2, b, 1312);
		if (i & 2)
			elide_built(1);
		br[0] = observed("a");
		assert_int_equal(br[0]->sessions.s[0].reused, 1);
		wga_bridge_free(br[0]);
	}

	/* on two bridges, one of them whole */
	for (i = 0; i < 4; i++) {
		seed = s.seed;
		small_udp(&s, 1, 2, b, forge_wg_data(&s.seed, b, 7, 5, 1312));
		if (i & 1)
			elide_built(0);
		br[0] = observed("a");
		s.seed = seed;
		forge_wg_data(&s.seed, b, 7, 5, 1312);
		b[700] ^= i & 2 ? 4 : 0;
		small_udp(&s, 1, 2, b, 1312);
		br[1] = observed("b");
		assert_int_equal(wga_session_conflict(&br[0]->sessions.s[0],
						      &br[1]->sessions.s[0]),
				 i & 2 ? 1 : 0);
		wga_bridge_free(br[0]);
		wga_bridge_free(br[1]);
	}
}

/* --- in words --------------------------------------------------------- */

/* the verdict on what was built, and nothing else */
static struct wga_verdict *judged(struct wga_run **run)
{
	struct wga_verdict *v;
	struct wga_err err;

	*run = wga_run_new(&cfg);
	assert_non_null(*run);
	assert_int_equal(wga_run_add(*run, observed("a file with a name that "
		"is so long that not all of it has room in the sentence about "
		"frames that were cut short, which must not lose its mend"),
		&err), 0);
	assert_int_equal(wga_run_judge(*run, &v, &err), 0);
	return v;
}

static const char *truncated(const struct wga_verdict *v)
{
	for (size_t i = 0; i < v->n_reasons; i++)
		if (v->reasons[i].code == WGA_CODE_TRUNCATED_FRAMES)
			return v->reasons[i].text;
	return NULL;
}

static bool noted(const struct wga_verdict *v)
{
	for (size_t i = 0; i < v->n_notes; i++)
		if (strstr(v->notes[i].text, "ciphertext was not kept"))
			return v->notes[i].count == 2;
	return false;
}

static void test_words(void **state)
{
	struct wga_verdict *v;
	struct wga_run *run;
	struct wga_err err;

	(void)state;
	talk();
	elide_built(0);
	v = judged(&run);
	assert_int_equal(v->outcome, WGA_INCONCLUSIVE);
	assert_non_null(strstr(truncated(v), "2 elided messages; verify the seal "
			       "of the evidence, then give --trust-elided, "
			       "first in a file"));
	assert_false(noted(v));
	wga_verdict_free(v);
	wga_run_free(run);

	cfg.trust_elided = true;
	talk();
	elide_built(0);
	v = judged(&run);
	assert_null(truncated(v));
	assert_true(noted(v));
	wga_verdict_free(v);
	wga_run_free(run);

	/* frames that are cut for other reasons are no matter of trust */
	talk();
	forge_cut(&s.f, 100);
	v = judged(&run);
	assert_non_null(truncated(v));
	assert_null(strstr(truncated(v), "elided"));
	assert_false(noted(v));
	wga_verdict_free(v);
	wga_run_free(run);

	assert_int_equal(wga_config_canary(&cfg, "canary-1", &err), 0);
	talk();
	elide_built(0);
	v = judged(&run);
	assert_int_equal(v->outcome, WGA_INCONCLUSIVE);
	assert_non_null(strstr(truncated(v), "canaries cannot be looked for"));
	assert_false(noted(v));
	wga_verdict_free(v);
	wga_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_form, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trust, setup, teardown),
		cmocka_unit_test_setup_teardown(test_misfit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reuse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_words, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
