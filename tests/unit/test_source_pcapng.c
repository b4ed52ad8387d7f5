/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "tests/unit/source_build.h"

#define S	UINT64_C(1000000000)

static void read_clean(struct capture *c, const struct build *b)
{
	capture_read(c, b->data, b->len);
	assert_int_equal(c->ret, 0);
	assert_string_equal(c->damage, "");
}

/* the frames before the damage are there, and the damage is told */
static void assert_damage(struct build *b, size_t frames, const char *text)
{
	struct capture c;

	capture_read(&c, b->data, b->len);
	assert_int_equal(c.ret, 0);
	assert_int_equal(c.count, frames);
	assert_non_null(strstr(c.damage, text));
	capture_free(&c);
	build_free(b);
}

static void start(struct build *b)
{
	shb(b);
	idb(b, 1, 262144, "eth0", 0);
	epb(b, 0, 1000000, 5, 61, 1500);
}

static void both_byte_orders(void **state)
{
	struct build b = { 0 };
	struct capture c;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		b.big_endian = i;
		start(&b);
		epb(&b, 0, 1700000000123456, 9, 64, 64);
		read_clean(&c, &b);
		assert_int_equal(c.count, 2);
		assert_int_equal(c.frame[0].caplen, 61);
		assert_int_equal(c.frame[0].len, 1500);
		assert_int_equal(c.frame[0].time_ns, S);
		assert_int_equal(c.frame[0].link, WGA_LINK_ETHERNET);
		assert_int_equal(c.frame[1].data[63], 9 + 63);
		assert_int_equal(c.frame[1].time_ns, 1700000000 * S + 123456000);
		assert_int_equal(c.iface_count, 1);
		assert_string_equal(c.iface[0].name, "eth0");
		assert_int_equal(c.iface[0].has_drops, 0);
		assert_libpcap_agrees(&c, b.data, b.len);
		capture_free(&c);
		build_free(&b);
	}
}

static void time_resolutions(void **state)
{
	static const struct {
		uint64_t units;
		uint64_t ns;
		uint8_t resol;
		bool libpcap;
	} times[] = {
		{ 1700000000, 1700000000 * S, 0x80, true },
		{ 1700000000123, 1700000000123 * UINT64_C(1000000), 3, true },
		{ 1700000000123456, 1700000000123456 * UINT64_C(1000), 6, true },
		{ 1700000000123456789, 1700000000123456789, 9, true },
		{ UINT64_MAX, UINT64_MAX, 9, false },
		{ 12345678901234, 12345678901, 12, true },
		{ UINT64_MAX, 184467440, 20, false },
		{ UINT64_MAX, 1, 28, false },
		{ UINT64_MAX, 0, 29, false },
		{ UINT64_MAX, 0, 127, false },
		{ UINT64_MAX, UINT64_MAX, 3, false },
		{ UINT64_MAX, UINT64_MAX, 0x80, false },
		{ (3 << 20) + (1 << 19), 3 * S + S / 2, 0x80 | 20, true },
		{ UINT64_C(1700000000) << 32 | 1u << 31, 1700000000 * S + S / 2,
		  0x80 | 32, true },
		{ UINT64_C(1) << 63, S / 2, 0x80 | 64, false },
		{ UINT64_MAX, S - 1, 0x80 | 64, false },
		{ UINT64_MAX, 0, 0x80 | 127, false },
	};
	struct build b = { 0 };
	struct capture c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		shb(&b);
		idb(&b, 1, 0, NULL, times[i].resol);
		epb(&b, 0, times[i].units, 1, 20, 20);
		read_clean(&c, &b);
		assert_int_equal(c.frame[0].time_ns, times[i].ns);
		if (times[i].libpcap)
			assert_libpcap_agrees(&c, b.data, b.len);
		capture_free(&c);
		build_free(&b);
	}
}

static void time_offsets(void **state)
{
	static const struct {
		int64_t offset;
		uint64_t units;
		uint64_t ns;
	} times[] = {
		{ 1700000000, 5, 1700000000 * S + 5000 },
		{ -2, 3000001, 1 * S + 1000 },
		{ -4, 3000001, 0 },
		{ INT64_MIN, UINT64_MAX, 0 },
		{ INT64_MAX, 1, UINT64_MAX },
	};
	struct build b = { 0 };
	struct capture c;
	size_t i, at;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		shb(&b);
		at = block_begin(&b, 1);
		put16(&b, 1);
		put16(&b, 0);
		put32(&b, 0);
		option64(&b, 14, (uint64_t)times[i].offset);
		block_end(&b, at);
		epb(&b, 0, times[i].units, 1, 20, 20);
		read_clean(&c, &b);
		assert_int_equal(c.frame[0].time_ns, times[i].ns);
		capture_free(&c);
		build_free(&b);
	}
}

static void two_interfaces(void **state)
{
	struct build b = { 0 };
	struct capture c;

	(void)state;
	shb(&b);
	idb(&b, 1, 262144, "virbr-a", 9);
	idb(&b, 228, 0, "tun0", 6);
	epb(&b, 1, 2, 0x45, 40, 40);
	epb(&b, 0, 2, 1, 60, 60);
	read_clean(&c, &b);
	assert_int_equal(c.iface_count, 2);
	assert_string_equal(c.iface[1].name, "tun0");
	assert_int_equal(c.iface[1].link, WGA_LINK_RAW);
	assert_int_equal(c.frame[0].iface, 1);
	assert_int_equal(c.frame[0].link, WGA_LINK_RAW);
	assert_int_equal(c.frame[0].time_ns, 2000);
	assert_int_equal(c.frame[1].iface, 0);
	assert_int_equal(c.frame[1].time_ns, 2);
	capture_free(&c);
	build_free(&b);
}

/* two interfaces of one section stay two, even if they share a name */
static void same_name_in_section(void **state)
{
	struct build b = { 0 };
	struct capture c;

	(void)state;
	for (int i = 0; i < 2; i++) {
		shb(&b);
		idb(&b, 1, 0, "eth0", 0);
		idb(&b, 1, 0, "eth0", 0);
		epb(&b, 1, 1, 1, 20, 20);
		epb(&b, 0, 1, 1, 20, 20);
	}
	read_clean(&c, &b);
	assert_int_equal(c.iface_count, 2);
	assert_int_equal(c.frame[2].iface, 1);
	assert_int_equal(c.frame[3].iface, 0);
	capture_free(&c);
	build_free(&b);
}

static void sections(void **state)
{
	struct build b = { 0 };
	struct capture c;

	(void)state;
	start(&b);
	b.big_endian = true;
	shb(&b);
	idb(&b, 1, 0, NULL, 3);
	idb(&b, 1, 0, "eth0", 9);
	epb(&b, 0, 1, 1, 20, 20);
	epb(&b, 1, 1, 1, 20, 20);
	b.big_endian = false;
	shb(&b);
	idb(&b, 101, 0, "eth0", 0);
	idb(&b, 1, 0, NULL, 0);
	epb(&b, 0, 1, 1, 20, 20);
	epb(&b, 1, 1, 1, 20, 20);

	read_clean(&c, &b);
	assert_int_equal(c.count, 5);
	assert_int_equal(c.iface_count, 4);
	assert_int_equal(c.frame[0].iface, 0);
	assert_int_equal(c.frame[1].iface, 1);	/* no name: a new one */
	assert_int_equal(c.frame[1].time_ns, 1000000);
	assert_int_equal(c.frame[2].iface, 0);	/* eth0 again */
	assert_int_equal(c.frame[2].time_ns, 1);
	assert_int_equal(c.frame[3].iface, 2);	/* eth0, but of another link type */
	assert_int_equal(c.frame[3].link, WGA_LINK_RAW);
	assert_int_equal(c.frame[4].iface, 3);
	capture_free(&c);

	/* interfaces end with their section */
	shb(&b);
	epb(&b, 0, 1, 1, 20, 20);
	assert_damage(&b, 5, "does not describe");
}

static void names(void **state)
{
	static const char odd[] = "br\n\x1b[2J\xff\"";
	struct build b = { 0 };
	struct capture c;
	char name[201];

	(void)state;
	memset(name, 'n', 200);
	name[200] = '\0';
	shb(&b);
	idb(&b, 1, 0, name, 0);
	idb(&b, 1, 0, odd, 0);
	shb(&b);
	name[199] = 'm';
	idb(&b, 1, 0, name, 0);
	name[199] = 'n';
	idb(&b, 1, 0, name, 0);
	read_clean(&c, &b);
	assert_int_equal(c.iface_count, 3);
	assert_int_equal(strlen(c.iface[0].name), 63);
	assert_string_equal(c.iface[1].name, "br??[2J?\"");
	capture_free(&c);
	build_free(&b);
}

static void simple_packets(void **state)
{
	static const struct {
		uint32_t snaplen, len, caplen;
	} packets[] = { { 0, 61, 61 }, { 64, 61, 61 }, { 64, 1500, 64 },
			{ 61, 64, 61 }, { 262144, 0, 0 } };
	struct build b = { 0 };
	struct capture c;
	size_t i, at;

	(void)state;
	for (i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		shb(&b);
		idb(&b, 1, packets[i].snaplen, NULL, 0);
		at = block_begin(&b, 3);
		put32(&b, packets[i].len);
		put_fill(&b, 3, packets[i].caplen);
		block_end(&b, at);
		read_clean(&c, &b);
		assert_int_equal(c.count, 1);
		assert_int_equal(c.frame[0].caplen, packets[i].caplen);
		assert_int_equal(c.frame[0].len, packets[i].len);
		assert_int_equal(c.frame[0].time_ns, 0);
		if (packets[i].snaplen >= 64 || !packets[i].snaplen)
			assert_libpcap_agrees(&c, b.data, b.len);
		capture_free(&c);
		build_free(&b);
	}
}

static void simple_packet_damage(void **state)
{
	static const uint32_t lengths[] = { 60, 65, 5000, UINT32_MAX };
	struct build b = { 0 };
	size_t i, at;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		start(&b);
		at = block_begin(&b, 3);
		put32(&b, lengths[i]);
		put_fill(&b, 3, 64);
		block_end(&b, at);
		assert_damage(&b, 1, "room for 64");
	}
	shb(&b);
	at = block_begin(&b, 3);
	put32(&b, 4);
	put32(&b, 4);
	block_end(&b, at);
	assert_damage(&b, 0, "interface 0");
}

static void obsolete_packets(void **state)
{
	static const uint16_t drops[] = { 3, 0xffff, 4 };
	struct build b = { 0 };
	struct capture c;
	size_t i, at;

	(void)state;
	shb(&b);
	idb(&b, 1, 0, NULL, 0);
	for (i = 0; i < 3; i++) {
		at = block_begin(&b, 2);
		put16(&b, 0);
		put16(&b, drops[i]);
		put32(&b, 1);
		put32(&b, 7);
		put32(&b, 21);
		put32(&b, 22);
		put_fill(&b, 50, 21);
		block_end(&b, at);
	}
	read_clean(&c, &b);
	assert_int_equal(c.count, 3);
	assert_int_equal(c.frame[2].caplen, 21);
	assert_int_equal(c.frame[2].len, 22);
	assert_int_equal(c.frame[2].data[20], 70);
	assert_int_equal(c.frame[2].time_ns, ((UINT64_C(1) << 32) + 7) * 1000);
	assert_true(c.iface[0].has_drops);
	assert_int_equal(c.iface[0].drops, 7);
	assert_libpcap_agrees(&c, b.data, b.len);
	capture_free(&c);
	build_free(&b);
}

/* filters and losses as other programs, or nobody, would write them */
static void filters_and_losses(void **state)
{
	static const char *const comments[] = {
		"wgaudit loss: heartbeats 9 of 4", "wgaudit loss: heartbeats x",
		"wgaudit loss: damaged: \x1b[31mred", "wgaudit loss: ", "hello",
		"wgaudit loss: interface went away, or so",
	};
	struct build b = { 0 };
	struct capture c;
	size_t at;

	(void)state;
	shb(&b);
	for (unsigned int i = 0; i < 3; i++) {
		static const char *const filter[] = { "\0tcp port 1", "\1\0\0\0", "\0" };
		static const uint16_t len[] = { 11, 4, 1 };

		at = block_begin(&b, 1);
		put16(&b, 1);
		put16(&b, 0);
		put32(&b, 0);
		option(&b, 11, filter[i], len[i]);
		put32(&b, 0);
		block_end(&b, at);
	}
	at = block_begin(&b, 5);
	put32(&b, 0);
	put64(&b, 0);
	for (size_t i = 0; i < sizeof(comments) / sizeof(comments[0]); i++)
		option(&b, 1, comments[i], (uint16_t)strlen(comments[i]));
	put32(&b, 0);
	block_end(&b, at);
	capture_read(&c, b.data, b.len);
	assert_int_equal(c.iface_count, 3);
	assert_string_equal(c.iface[0].filter, "tcp port 1");
	assert_string_equal(c.iface[1].filter, "a BPF program");
	assert_string_equal(c.iface[2].filter, "");
	assert_int_equal(c.iface[0].beats_sent, 4);
	assert_int_equal(c.iface[0].beats_seen, 4);
	assert_false(c.iface[0].gone);
	assert_string_equal(c.iface[0].damage, "?[31mred");
	capture_free(&c);
	build_free(&b);
}

/* Several that do not agree, as in files that were joined: the worst one holds. */
static void losses_joined(void **state)
{
	static const struct {
		const char *comment[2];
		uint64_t seen, sent;
		const char *damage;
	} rows[] = {
		{ { "heartbeats 5 of 9", "heartbeats 99 of 99" }, 5, 9, "" },
		{ { "heartbeats 99 of 99", "heartbeats 5 of 9" }, 5, 9, "" },
		{ { "heartbeats 4 of 4", "heartbeats 7 of 7" }, 7, 7, "" },
		{ { "damaged: ", "heartbeats 1 of 1" }, 1, 1,
		  "it tells of a loss that is not known here: \"damaged: \"" },
		{ { "frames 7", "interface slept" }, 0, 0,
		  "it tells of a loss that is not known here: \"frames 7\"" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct build b = { 0 };
		struct capture c;
		size_t at;

		shb(&b);
		at = block_begin(&b, 1);
		put16(&b, 1);
		put16(&b, 0);
		put32(&b, 0);
		option(&b, 11, "\0tcp", 4);
		option(&b, 11, "\0", 1);
		option(&b, 11, "", 0);
		put32(&b, 0);
		block_end(&b, at);
		for (unsigned int k = 0; k < 2; k++) {
			at = block_begin(&b, 5);
			put32(&b, 0);
			put64(&b, 0);
			snprintf(text, sizeof(text), "wgaudit loss: %s",
				 rows[i].comment[k]);
			option(&b, 1, text, (uint16_t)strlen(text));
			put32(&b, 0);
			block_end(&b, at);
		}
		capture_read(&c, b.data, b.len);
		assert_int_equal(c.iface[0].beats_seen, rows[i].seen);
		assert_int_equal(c.iface[0].beats_sent, rows[i].sent);
		assert_string_equal(c.iface[0].damage, rows[i].damage);
		assert_string_equal(c.iface[0].filter, "tcp");
		capture_free(&c);
		build_free(&b);
	}
}

static void isb(struct build *b, uint32_t iface, uint64_t ifdrop, uint64_t osdrop)
{
	size_t at = block_begin(b, 5);

	put32(b, iface);
	put64(b, 0);
	option64(b, 4, 1000000);	/* isb_ifrecv */
	option64(b, 5, ifdrop);
	option64(b, 7, osdrop);
	put32(b, 0);
	block_end(b, at);
}

static void epb_dropped(struct build *b, uint32_t iface, uint64_t drops)
{
	static const uint32_t flags = 1;
	size_t at = epb_begin(b, iface, 1, 1, 21, 21);

	option(b, 1, "a comment", 9);
	option(b, 2, &flags, 4);
	option64(b, 4, drops);
	block_end(b, at);
}

static void drops(void **state)
{
	struct build b = { 0 };
	struct capture c;
	size_t at;

	(void)state;
	shb(&b);
	idb(&b, 1, 0, "a", 0);
	idb(&b, 1, 0, "b", 0);
	idb(&b, 1, 0, "c", 0);
	idb(&b, 1, 0, "d", 0);
	isb(&b, 0, 1, 2);	/* a running count */
	isb(&b, 0, 5, 6);
	isb(&b, 0, 0, 1);
	epb_dropped(&b, 1, 4);
	epb_dropped(&b, 1, 5);
	isb(&b, 1, 2, 0);
	isb(&b, 2, 0, 0);
	at = block_begin(&b, 5);	/* d: statistics that tell no drops */
	put32(&b, 3);
	put64(&b, 0);
	option64(&b, 4, 77);
	block_end(&b, at);
	read_clean(&c, &b);
	assert_int_equal(c.iface[0].drops, 11);
	assert_int_equal(c.iface[1].drops, 9);
	assert_true(c.iface[2].has_drops);
	assert_int_equal(c.iface[2].drops, 0);
	assert_false(c.iface[3].has_drops);
	capture_free(&c);

	/* the next section counts from zero; the sum does not wrap */
	shb(&b);
	idb(&b, 1, 0, "b", 0);
	idb(&b, 1, 0, "a", 0);
	isb(&b, 0, UINT64_MAX, UINT64_MAX);
	isb(&b, 1, 0, 1);
	read_clean(&c, &b);
	assert_int_equal(c.iface_count, 4);
	assert_int_equal(c.iface[0].drops, 12);
	assert_int_equal(c.iface[1].drops, UINT64_MAX);
	capture_free(&c);
	build_free(&b);
}

static void skipped_blocks(void **state)
{
	static const uint32_t types[] = { 4, 10, 0xbad, 0x40000bad, 0x80000001 };
	struct build b = { 0 };
	struct capture c;
	size_t i, at;

	(void)state;
	start(&b);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		at = block_begin(&b, types[i]);
		put_fill(&b, 0, i * 40);
		block_end(&b, at);
	}
	at = block_begin(&b, 0x99);
	put_fill(&b, 0, 2000000);
	block_end(&b, at);
	epb(&b, 0, 2, 2, 20, 20);
	read_clean(&c, &b);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.frame[1].number, 2);
	capture_free(&c);
	build_free(&b);
}

static void unsupported_link(void **state)
{
	struct build b = { 0 };
	struct capture c;

	(void)state;
	shb(&b);
	idb(&b, 1, 0, "eth0", 0);
	idb(&b, 105, 0, "wlan0", 0);
	epb(&b, 0, 1, 1, 20, 20);
	epb(&b, 0, 1, 2, 20, 20);
	read_clean(&c, &b);	/* an interface without frames harms nobody */
	capture_free(&c);

	epb(&b, 1, 1, 3, 20, 20);
	epb(&b, 0, 1, 4, 20, 20);
	capture_read(&c, b.data, b.len);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.ret, -1);
	assert_string_equal(c.err.code, "unsupported-link-type");
	assert_non_null(strstr(c.err.text, "105 (IEEE802_11)"));
	assert_string_equal(c.damage, "");
	capture_free(&c);
	build_free(&b);
}

static void lengths_wrong(void **state)
{
	static const uint32_t lengths[] = { 0, 4, 8, 11, 12, 28, 33, 34, 35,
					    0x1000004, 0xfffffffc };
	struct build b = { 0 };
	size_t i, at;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		start(&b);
		at = b.len;
		epb(&b, 0, 1, 1, 20, 20);
		memcpy(b.data + at + 4, &lengths[i], 4);
		assert_damage(&b, 1, "claims");
	}

	start(&b);
	epb(&b, 0, 1, 1, 20, 20);
	b.data[b.len - 4] += 4;
	assert_damage(&b, 1, "two lengths differ: 52 and 56");

	start(&b);
	at = b.len;
	epb(&b, 0, 1, 1, 20, 20);
	epb(&b, 0, 1, 1, 20, 20);
	b.data[at + 4] -= 4;
	assert_damage(&b, 1, "two lengths differ");
}

static void caplen_beyond_block(void **state)
{
	static const uint32_t caplens[] = { 21, 24, 25, 1000, 0xfffffffd,
					    UINT32_MAX };
	struct build b = { 0 };
	size_t i, at;

	(void)state;
	for (i = 0; i < sizeof(caplens) / sizeof(caplens[0]); i++) {
		start(&b);
		at = b.len;
		epb(&b, 0, 1, 1, 20, 20);
		epb(&b, 0, 1, 1, 20, 20);
		memcpy(b.data + at + 20, &caplens[i], 4);
		assert_damage(&b, 1, "room for 20");
	}
}

static void caplen_above_len(void **state)
{
	struct build b = { 0 };
	struct capture c;

	(void)state;
	start(&b);
	epb(&b, 0, 1, 1, 100, 20);
	read_clean(&c, &b);
	assert_int_equal(c.frame[1].caplen, 100);
	assert_int_equal(c.frame[1].len, 100);
	capture_free(&c);
	build_free(&b);
}

static void options_wrong(void **state)
{
	struct build b = { 0 };
	size_t at;

	(void)state;
	/* in an interface description: too long, then of a wrong length */
	shb(&b);
	at = b.len;
	idb(&b, 1, 0, "eth0", 0);
	b.data[at + 18] = 9;
	assert_damage(&b, 0, "option");
	shb(&b);
	at = b.len;
	idb(&b, 1, 0, NULL, 9);
	b.data[at + 18] = 2;
	assert_damage(&b, 0, "option");

	/* behind a packet: the frame itself is whole */
	start(&b);
	at = epb_begin(&b, 0, 1, 1, 20, 20);
	put16(&b, 4);
	put16(&b, 9);
	put64(&b, 1);
	block_end(&b, at);
	assert_damage(&b, 2, "option");
	start(&b);
	at = epb_begin(&b, 0, 1, 1, 20, 20);
	put16(&b, 4);
	put16(&b, 4);
	put32(&b, 1);
	block_end(&b, at);
	assert_damage(&b, 2, "option");

	/* in statistics */
	start(&b);
	at = block_begin(&b, 5);
	put32(&b, 0);
	put64(&b, 0);
	put16(&b, 5);
	put16(&b, 8);
	put32(&b, 0);
	block_end(&b, at);
	assert_damage(&b, 1, "option");
	start(&b);
	isb(&b, 1, 0, 0);
	assert_damage(&b, 1, "interface 1");
}

static void header_wrong(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *text;
	} wrong[] = {
		{ 4, 24, "claims 24" }, { 4, 30, "claims 30" },
		{ 8, 0, "neither pcap nor pcapng" },
		{ 12, 2, "version 2.0" }, { 14, 1, "version 1.1" },
		{ 24, 32, "two lengths differ" }, { 7, 1, "claims" },
	};
	struct build b = { 0 };
	struct capture c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		start(&b);
		b.data[wrong[i].at] = wrong[i].value;
		capture_read(&c, b.data, b.len);
		assert_int_equal(c.ret, -1);
		assert_string_equal(c.err.code, "not-a-capture");
		assert_non_null(strstr(c.err.text, wrong[i].text));
		capture_free(&c);
		build_free(&b);
	}

	/* the same in a later section is damage */
	start(&b);
	i = b.len;
	shb(&b);
	b.data[i + 12] = 2;
	assert_damage(&b, 1, "version 2.0");
	start(&b);
	i = b.len;
	shb(&b);
	b.data[i + 8] = 0;
	assert_damage(&b, 1, "no byte order");
}

static void mixed_file(struct build *b, size_t *ends, size_t *count)
{
	size_t n = 0, at;

	shb(b);
	ends[n++] = b->len;
	idb(b, 1, 64, "eth0", 9);
	ends[n++] = b->len;
	epb(b, 0, 5, 1, 33, 64);
	ends[n++] = b->len;
	epb_dropped(b, 0, 2);
	ends[n++] = b->len;
	at = block_begin(b, 3);
	put32(b, 20);
	put_fill(b, 1, 20);
	block_end(b, at);
	ends[n++] = b->len;
	isb(b, 0, 1, 2);
	ends[n++] = b->len;
	b->big_endian = true;
	shb(b);
	ends[n++] = b->len;
	idb(b, 276, 64, NULL, 0x94);
	ends[n++] = b->len;
	epb(b, 0, 5, 1, 33, 64);
	ends[n++] = b->len;
	*count = n;
}

static void cut_anywhere(void **state)
{
	/* how many frames the first n + 1 blocks hold */
	static const size_t frames[] = { 0, 0, 1, 2, 3, 3, 3, 3, 4 };
	struct build b = { 0 };
	struct capture c;
	size_t ends[16], cut, n, i;

	(void)state;
	mixed_file(&b, ends, &n);
	for (cut = 0; cut <= b.len; cut++) {
		capture_read(&c, b.data, cut);
		if (cut < ends[0]) {
			assert_int_equal(c.ret, -1);
			assert_string_equal(c.err.code, "not-a-capture");
			continue;
		}
		for (i = 0; i + 1 < n && ends[i + 1] <= cut; i++)
			;
		assert_int_equal(c.ret, 0);
		assert_int_equal(c.count, frames[i]);
		if (cut == ends[i])
			assert_string_equal(c.damage, "");
		else
			assert_non_null(strstr(c.damage, "it ends"));
		capture_free(&c);
	}
	build_free(&b);
}

static void flip_anywhere(void **state)
{
	struct build b = { 0 };
	struct capture c;
	size_t ends[16], n, i;

	(void)state;
	mixed_file(&b, ends, &n);
	for (i = 0; i < b.len; i++) {
		b.data[i] ^= 0xff;
		capture_read(&c, b.data, b.len);
		capture_free(&c);
		b.data[i] ^= 0xff;
	}
	build_free(&b);
}

static void large_blocks(void **state)
{
	static const uint32_t sizes[] = { 60, 9001, 65536, 262144, 1000003,
					  16000000, 0, 524288 };
	size_t i, n = sizeof(sizes) / sizeof(sizes[0]);
	struct build b = { 0 };
	struct capture c;

	(void)state;
	shb(&b);
	idb(&b, 1, 0, NULL, 9);
	for (i = 0; i < 2 * n; i++)
		epb(&b, 0, i, (uint8_t)i, sizes[i % n], sizes[i % n]);
	capture_read_fd(&c, memory_file(b.data, b.len), NULL);
	assert_int_equal(c.count, 2 * n);
	assert_string_equal(c.damage, "");
	for (i = 0; i < 2 * n; i++) {
		assert_int_equal(c.frame[i].time_ns, i);
		assert_int_equal(c.frame[i].caplen, sizes[i % n]);
		if (sizes[i % n])
			assert_int_equal(c.frame[i].data[sizes[i % n] - 1],
					 (uint8_t)(i + (sizes[i % n] - 1) % 256));
	}
	capture_free(&c);
	build_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_byte_orders),
		cmocka_unit_test(time_resolutions),
		cmocka_unit_test(time_offsets),
		cmocka_unit_test(two_interfaces),
		cmocka_unit_test(same_name_in_section),
		cmocka_unit_test(sections),
		cmocka_unit_test(names),
		cmocka_unit_test(simple_packets),
		cmocka_unit_test(simple_packet_damage),
		cmocka_unit_test(obsolete_packets),
		cmocka_unit_test(drops),
		cmocka_unit_test(filters_and_losses),
		cmocka_unit_test(losses_joined),
		cmocka_unit_test(skipped_blocks),
		cmocka_unit_test(unsupported_link),
		cmocka_unit_test(lengths_wrong),
		cmocka_unit_test(caplen_beyond_block),
		cmocka_unit_test(caplen_above_len),
		cmocka_unit_test(options_wrong),
		cmocka_unit_test(header_wrong),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(flip_anywhere),
		cmocka_unit_test(large_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
