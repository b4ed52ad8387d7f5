/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyze/reassembly.h"
#include "analyze/stream.h"
#include "stream_build.h"

#define FIN	0x01
#define SYN	0x02
#define RST	0x04
#define ACK	0x10

#define FINE	WGA_SEGMENT_FINE
#define TEXT	WGA_SEGMENT_TEXT
#define FOREIGN	WGA_SEGMENT_FOREIGN

static const char prose[] =
	"GET /secret?user=alice&password=hunter2 HTTP/1.1 Host: example.com "
	"Cookie: session=abcdef; and so on and so forth, for as long as it "
	"takes to fill the record that this is put into. ";

/**
 * struct conn - a connection under test
 * @next:	next sequence number by direction (0: server, 1: client)
 * @packets:	packets that clear DERP carried
 */
struct conn {
	struct wga_stream *st;
	uint32_t next[2];
	int packets;
	bool packets_fine;
};

static struct build o;

static bool on_packet(void *arg, const struct wga_derp_packet *pkt)
{
	struct conn *c = arg;

	(void)pkt;
	c->packets++;
	return c->packets_fine;
}

static void dial(struct conn *c, enum wga_stream_kind kind)
{
	*c = (struct conn){ .packets_fine = true };
	c->st = wga_stream_new(kind, NULL, on_packet, c);
	assert_non_null(c->st);
	/* both wrap soon */
	c->next[0] = 0xfffffff0;
	c->next[1] = 0xffffff00;
}

static void syn(struct conn *c)
{
	assert_int_equal(wga_stream_segment(c->st, true, c->next[1]++, SYN,
					    NULL, 0), FINE);
	assert_int_equal(wga_stream_segment(c->st, false, c->next[0]++,
					    SYN | ACK, NULL, 0), FINE);
}

/* a copy of its own, so that reads beyond it are found */
static enum wga_segment at(struct conn *c, bool from_client, uint32_t seq,
			   const void *p, size_t len)
{
	uint8_t *copy = test_malloc(len ? len : 1);
	enum wga_segment ret;

	memcpy(copy, p, len);
	ret = wga_stream_segment(c->st, from_client, seq, ACK, copy, len);
	test_free(copy);
	return ret;
}

static enum wga_segment say(struct conn *c, bool from_client, const void *p,
			    size_t len)
{
	enum wga_segment ret = at(c, from_client, c->next[from_client], p, len);

	c->next[from_client] += (uint32_t)len;
	return ret;
}

static enum wga_segment say_built(struct conn *c, bool from_client)
{
	enum wga_segment ret = say(c, from_client, o.b, o.n);

	o.n = 0;
	return ret;
}

static enum wga_segment say_text(struct conn *c, bool from_client,
				 const char *text)
{
	return say(c, from_client, text, strlen(text));
}

static enum wga_segment say_data(struct conn *c, bool from_client, size_t body)
{
	o.n = 0;
	put_data(&o, body);
	return say_built(c, from_client);
}

static struct wga_stream_report report(struct conn *c)
{
	struct wga_stream_report r;

	wga_stream_report(c->st, true, &r);
	return r;
}

static void hang_up(struct conn *c)
{
	wga_stream_free(c->st);
	c->st = NULL;
}

/* A TLS 1.3 connection up to its first application data */
static void greet(struct conn *c, enum wga_stream_kind kind)
{
	dial(c, kind);
	syn(c);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say_built(c, true), FINE);
	put_server_hello_record(&o, 0x0304);
	put_ccs(&o);
	put_data(&o, 400);
	assert_int_equal(say_built(c, false), FINE);
	put_ccs(&o);
	put_data(&o, 53);
	assert_int_equal(say_built(c, true), FINE);
}

static void expect(struct conn *c, bool late, bool gap, bool spliced)
{
	struct wga_stream_report r = report(c);

	assert_int_equal(r.late, late);
	assert_int_equal(r.gap, gap);
	assert_int_equal(r.spliced, spliced);
}

static void test_tls(void **state)
{
	struct conn c;
	int i;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	for (i = 0; i < 20; i++) {
		assert_int_equal(say_data(&c, true, 150), FINE);
		assert_int_equal(say_data(&c, false, 16384 + 17), FINE);
	}
	expect(&c, false, false, false);
	assert_int_equal(report(&c).records, 42);
	assert_string_equal(report(&c).detail, "TLS 1.3, SNI hs.test");
	/* lengths are those of DERP, but this server speaks none */
	assert_false(report(&c).derp);
	hang_up(&c);
}

static void test_derp_law(void **state)
{
	static const size_t bodies[] = { 122, 126, 23, 202 };
	struct conn c;
	size_t i;

	(void)state;
	greet(&c, WGA_STREAM_SHARED);
	for (i = 0; i < 4; i++) {
		assert_int_equal(report(&c).derp, i == 3);
		assert_int_equal(say_data(&c, true, bodies[i]), FINE);
	}
	assert_true(report(&c).derp);
	/* the next connection on these ports is another, but this one was */
	c.next[0] += 1000;
	c.next[1] += 1000;
	syn(&c);
	assert_true(report(&c).derp);
	hang_up(&c);

	dial(&c, WGA_STREAM_DERP);
	assert_true(report(&c).derp);
	hang_up(&c);

	/* a connection to the control server may have such records too */
	greet(&c, WGA_STREAM_SHARED);
	assert_int_equal(say_data(&c, true, 331), FINE);
	assert_int_equal(say_data(&c, true, 106), FINE);
	for (i = 0; i < 10; i++)
		assert_int_equal(say_data(&c, true, 150), FINE);
	assert_false(report(&c).derp);
	hang_up(&c);
}

/* Text in place of a body, whole or in part, is blamed on its segment. */
static void test_text_in_record(void **state)
{
	static const size_t lengths[] = { 17, 24, 40, 140 };
	struct conn c;
	size_t i, from;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		greet(&c, WGA_STREAM_CONTROL);
		o.n = 0;
		from = open_record(&o, 23);
		put(&o, "some words that are as long as a record, or they are "
		    "longer than that, which is fine as well, since what is "
		    "too long is cut off where it has to be..", lengths[i]);
		close_record(&o, from);
		put_data(&o, 30);
		assert_int_equal(say_built(&c, true), TEXT);
		/* one record is bad, the chain is not */
		assert_int_equal(say_data(&c, true, 60), FINE);
		expect(&c, false, false, true);
		hang_up(&c);
	}
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	from = open_record(&o, 23);
	put_random(&o, 700);
	put(&o, prose, 60);
	put_random(&o, 700);
	close_record(&o, from);
	assert_int_equal(say_built(&c, false), TEXT);
	o.n = 0;
	from = open_record(&o, 23);
	memset(o.b + o.n, 0, 200);
	o.n += 200;
	close_record(&o, from);
	assert_int_equal(say_built(&c, false), FOREIGN);
	hang_up(&c);
}

/* The same cut into segments of every small size */
static void test_text_in_pieces(void **state)
{
	struct conn c;
	size_t size, i, from, n;
	bool found;

	(void)state;
	for (size = 1; size < 40; size++) {
		greet(&c, WGA_STREAM_CONTROL);
		o.n = 0;
		from = open_record(&o, 23);
		put_random(&o, 40);
		put(&o, prose, 80);
		put_random(&o, 40);
		close_record(&o, from);
		found = false;
		for (i = 0; i < o.n; i += n) {
			n = o.n - i < size ? o.n - i : size;
			if (say(&c, true, o.b + i, n) != FINE) {
				/* not before the text is there */
				assert_true(i + n > 45 + 15);
				found = true;
			}
		}
		assert_true(found);
		assert_int_equal(say_data(&c, true, 100), FINE);
		hang_up(&c);
	}
}

/* A record that never ends is judged as far as it goes. */
static void test_unfinished(void **state)
{
	struct conn c;
	size_t from, n;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	from = open_record(&o, 23);
	put_random(&o, 1000);
	close_record(&o, from);
	assert_int_equal(say(&c, true, o.b, 500), FINE);
	expect(&c, false, false, false);
	assert_int_equal(wga_stream_segment(c.st, true, c.next[1], FIN | ACK,
					    NULL, 0), FINE);
	expect(&c, false, false, false);
	hang_up(&c);

	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	from = open_record(&o, 23);
	put_text(&o, prose);
	put_random(&o, 1000);
	close_record(&o, from);
	assert_int_equal(say(&c, true, o.b, 100), TEXT);
	hang_up(&c);

	/* too thin for a part, not for all there is */
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	from = open_record(&o, 23);
	put_random(&o, 12000);
	close_record(&o, from);
	for (n = from; n < o.n; n += 5)
		o.b[n] &= 0x7f;
	for (n = 0; n < 10000; n += 250)
		assert_int_equal(say(&c, true, o.b + n, 250), FINE);
	expect(&c, false, false, true);
	c.next[0] += 1000;
	c.next[1] += 100000;
	syn(&c);
	expect(&c, false, false, true);
	hang_up(&c);

	/* a hello that never ends says nothing, so nothing is proven */
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say(&c, true, o.b, 60), FINE);
	expect(&c, false, true, false);
	assert_int_not_equal(wga_stream_segment(c.st, true, c.next[1],
						FIN | ACK, NULL, 0), FINE);
	hang_up(&c);
}

/* Text that is too thin in each record is found in many. */
static void test_thin_text(void **state)
{
	struct conn c;
	bool found = false;
	size_t from;
	int i, j;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	for (i = 0; i < 60; i++) {
		o.n = 0;
		from = open_record(&o, 23);
		put_random(&o, 40);
		for (j = 0; j < 20; j++)
			o.b[o.n - 40 + 2 * (size_t)j] &= 0x7f;
		close_record(&o, from);
		found |= say_built(&c, true) != FINE;
	}
	assert_true(found);
	hang_up(&c);
}

static void test_inserted(void **state)
{
	struct conn c;
	size_t n;

	(void)state;
	for (n = 1; n <= 140; n++) {
		greet(&c, WGA_STREAM_CONTROL);
		assert_int_equal(say_data(&c, true, 100), FINE);
		assert_int_not_equal(say(&c, true, prose, n), FINE);
		/* a clean boundary ends it */
		assert_int_equal(say_data(&c, true, 100), FINE);
		expect(&c, false, false, true);
		hang_up(&c);
	}
	greet(&c, WGA_STREAM_CONTROL);
	assert_int_equal(say(&c, true, prose, 60), TEXT);
	/* ciphertext that begins nowhere does not */
	o.n = 0;
	put_random(&o, 300);
	assert_int_not_equal(say_built(&c, true), FINE);
	put_random(&o, 3);
	put_data(&o, 100);
	assert_int_not_equal(say_built(&c, true), FINE);
	assert_int_equal(say_data(&c, true, 100), FINE);
	/* bytes behind a record, in one segment with it */
	o.n = 0;
	put_data(&o, 100);
	put(&o, prose, 50);
	assert_int_equal(say_built(&c, true), TEXT);
	o.n = 0;
	put_data(&o, 100);
	put(&o, "\x17\x03\x03\x00\x05", 5);
	assert_int_equal(say_built(&c, true), FOREIGN);
	hang_up(&c);
}

static void test_not_tls(void **state)
{
	struct conn c;

	(void)state;
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	assert_int_equal(say_text(&c, true, "SSH-2.0-OpenSSH_9.2\r\n"), TEXT);
	assert_int_equal(say_text(&c, false, "SSH-2.0-OpenSSH_9.2\r\n"), TEXT);
	/* ciphertext without a hello resumes nothing, a hello does */
	assert_int_not_equal(say_data(&c, true, 100), FINE);
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say_built(&c, true), FINE);
	assert_string_equal(report(&c).detail, "TLS, SNI hs.test");
	hang_up(&c);
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	assert_int_equal(say_text(&c, true, "SSH-2.0-OpenSSH_9.2\r\n"), TEXT);
	o.n = 0;
	put_random(&o, 200);
	assert_int_equal(say_built(&c, true), FOREIGN);
	assert_string_equal(report(&c).detail, "not a known protocol");
	hang_up(&c);
	/* a server that answers TLS with something else */
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say_built(&c, true), FINE);
	assert_int_equal(say_text(&c, false, "HTTP/1.1 101 Switching"), TEXT);
	hang_up(&c);
	/* TLS text in the clear: handshake after the keys */
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_not_equal(say_built(&c, true), FINE);
	hang_up(&c);
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	o.n = 0;
	put_data(&o, 100);
	assert_int_not_equal(say_built(&c, true), FINE);
	hang_up(&c);
}

static void test_order(void **state)
{
	struct conn c;
	size_t ends[70], i, n = 0;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	for (i = 0; i < 50; i++) {
		put_data(&o, 20 + i * 3);
		ends[i] = o.n;
	}
	/* backwards, all but the first held */
	for (i = 50; i-- > 0;) {
		n = i ? ends[i - 1] : 0;
		assert_int_equal(at(&c, true, c.next[1] + (uint32_t)n, o.b + n,
				    ends[i] - n), FINE);
	}
	expect(&c, false, false, false);
	assert_int_equal(report(&c).records, 52);
	/* each once more, and all at once, and in other pieces */
	for (i = 0; i < 50; i++) {
		n = i ? ends[i - 1] : 0;
		assert_int_equal(at(&c, true, c.next[1] + (uint32_t)n, o.b + n,
				    ends[i] - n), FINE);
	}
	assert_int_equal(at(&c, true, c.next[1], o.b, o.n), FINE);
	for (i = 0; i + 300 < o.n; i += 77)
		assert_int_equal(at(&c, true, c.next[1] + (uint32_t)i, o.b + i,
				    300), FINE);
	/* a keep-alive probe, with its byte and without */
	assert_int_equal(at(&c, true, c.next[1] + (uint32_t)o.n - 1, "x", 1),
			 FINE);
	assert_int_equal(at(&c, true, c.next[1] + (uint32_t)o.n - 1, "", 0),
			 FINE);
	expect(&c, false, false, false);
	assert_int_equal(report(&c).records, 52);
	hang_up(&c);
}

static void test_foreign_copies(void **state)
{
	struct conn c;
	uint32_t seq;
	size_t n;
	int i;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	seq = c.next[1];
	o.n = 0;
	put_data(&o, 200);
	n = o.n;
	assert_int_equal(say(&c, true, o.b, n), FINE);
	/* the first bytes of a connection are kept, to compare any part */
	assert_int_equal(at(&c, true, seq + 20, o.b + 20, 100), FINE);
	o.b[90]++;
	assert_int_equal(at(&c, true, seq + 20, o.b + 20, 100), FOREIGN);
	o.n = 0;
	/* the same place, other bytes */
	assert_int_equal(at(&c, true, seq, prose, 150), TEXT);
	put_data(&o, 200);
	assert_int_equal(at(&c, true, seq, o.b, n), FOREIGN);
	/* one byte is a keep-alive probe only at the end */
	assert_int_equal(at(&c, true, c.next[1] - 1, "x", 1), FINE);
	assert_int_not_equal(at(&c, true, seq, "x", 1), FINE);
	/* the hello cannot be said again in other words */
	assert_int_not_equal(at(&c, true, 0xffffff01 + 60,
				"another.name.example.com", 24), FINE);

	/* much later a part cannot be compared, but text is text */
	for (i = 0; i < 40; i++)
		assert_int_equal(say_data(&c, true, 100), FINE);
	assert_int_equal(at(&c, true, seq + 20, o.b + 20, 80), FINE);
	assert_int_equal(at(&c, true, seq + 20, prose, 31), TEXT);
	assert_int_equal(at(&c, true, seq + 20, prose, 12), TEXT);
	hang_up(&c);

	/* a copy of what is held must be the same too */
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	put_data(&o, 200);
	assert_int_equal(at(&c, true, c.next[1] + 100, o.b, o.n), FINE);
	assert_int_equal(at(&c, true, c.next[1] + 100, o.b, o.n), FINE);
	o.b[50]++;
	assert_int_not_equal(at(&c, true, c.next[1] + 100, o.b, o.n), FINE);
	expect(&c, false, true, true);
	hang_up(&c);
}

/* A copy of a hello, cut differently: it holds a name, and it is the same. */
static void test_hello_again(void **state)
{
	struct conn c;
	uint32_t seq;

	(void)state;
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	seq = c.next[1];
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){
		.name = "a-server-name-of-some-length.example.com" });
	assert_int_equal(say(&c, true, o.b, o.n), FINE);
	assert_int_equal(at(&c, true, seq, o.b, o.n), FINE);
	assert_int_equal(at(&c, true, seq, o.b, o.n - 30), FINE);
	assert_int_equal(at(&c, true, seq + 80, o.b + 80, 70), FINE);
	o.b[120] ^= 1;
	assert_int_not_equal(at(&c, true, seq + 80, o.b + 80, 70), FINE);
	hang_up(&c);
}

static void test_hole(void **state)
{
	struct conn c;
	int i;

	(void)state;
	/* whole records are lost */
	greet(&c, WGA_STREAM_CONTROL);
	c.next[1] += 105;
	for (i = 0; i < 64; i++)
		assert_int_equal(say_data(&c, true, 50), FINE);
	expect(&c, false, true, false);
	assert_int_equal(report(&c).records, 2);
	/* more than can be held: go on behind the hole */
	for (i = 0; i < 64; i++)
		assert_int_equal(say_data(&c, true, 50), FINE);
	expect(&c, false, true, false);
	assert_int_equal(report(&c).records, 2 + 128);
	/* foreign bytes are found as before */
	assert_int_equal(say(&c, true, prose, 40), TEXT);
	hang_up(&c);
}

/* A hole within a record: its length is known, so is where the next begins. */
static void test_hole_in_record(void **state)
{
	struct conn c;
	size_t from;
	int i;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	from = open_record(&o, 23);
	put_random(&o, 16000);
	close_record(&o, from);
	put_data(&o, 70);
	assert_int_equal(say(&c, true, o.b, 1000), FINE);
	c.next[1] += 1000;
	assert_int_equal(say(&c, true, o.b + 2000, o.n - 2000), FINE);
	for (i = 0; i < 64; i++)
		assert_int_equal(say_data(&c, true, 50), FINE);
	expect(&c, false, true, false);
	assert_int_equal(report(&c).records, 2 + 1 + 1 + 64);
	/* a boundary is still known: a segment that begins elsewhere is not
	 * taken for the rest of something
	 */
	o.n = 0;
	put_random(&o, 100);
	assert_int_not_equal(say_built(&c, true), FINE);
	hang_up(&c);
}

/* Text behind a hole is seen when it comes, not when the hole is given up. */
static void test_text_ahead(void **state)
{
	struct conn c;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	c.next[1] += 105;
	assert_int_equal(say(&c, true, prose, 60), TEXT);
	hang_up(&c);
}

static void test_text_before_hole(void **state)
{
	struct conn c;
	size_t from;
	int i;

	(void)state;
	/* what is left of a cut record is judged */
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	from = open_record(&o, 23);
	put_random(&o, 300);
	put(&o, prose, 80);
	put_random(&o, 20);
	close_record(&o, from);
	assert_int_equal(say(&c, true, o.b, 100), FINE);
	c.next[1] += 100;
	assert_int_equal(say(&c, true, o.b + 200, o.n - 200), TEXT);
	hang_up(&c);

	/* a hole that ends where a record does */
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	put_data(&o, 500);
	assert_int_equal(say(&c, true, o.b, 100), FINE);
	c.next[1] += 405;
	for (i = 0; i < 70; i++)
		assert_int_equal(say_data(&c, true, 50), FINE);
	expect(&c, false, true, false);
	put_random(&o, 100);
	assert_int_not_equal(say_built(&c, true), FINE);
	hang_up(&c);
}

/* What cannot be kept for want of room is a gap, not a pass. */
static void test_no_room(void **state)
{
	size_t taken = 0;
	struct conn c;

	(void)state;
	while (wga_room_take(4096))
		taken += 4096;
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say_built(&c, true), FINE);
	expect(&c, false, false, false);
	put_server_hello_record(&o, 0x0304);
	put_data(&o, 5000);
	assert_int_equal(say(&c, false, o.b, 2000), FINE);
	expect(&c, false, true, false);
	assert_int_equal(say(&c, false, prose, 40), TEXT);
	hang_up(&c);
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	c.next[1] += 100;
	o.n = 0;
	put_data(&o, 5000);
	assert_int_equal(say_built(&c, true), FINE);
	expect(&c, false, true, false);
	hang_up(&c);
	wga_room_give(taken);
	assert_true(wga_room_take(taken));
	wga_room_give(taken);
}

static void test_big_segments(void **state)
{
	struct conn c;
	int i;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	for (i = 0; i < 3; i++)
		put_data(&o, 16384 + 17);
	assert_int_equal(say_built(&c, false), FINE);
	c.next[0] += 5000;
	for (i = 0; i < 6; i++) {
		o.n = 0;
		put_data(&o, 16384);
		put_data(&o, 16384);
		put_data(&o, 16384);
		assert_int_equal(say_built(&c, false), FINE);
	}
	expect(&c, false, true, false);
	assert_int_equal(report(&c).records, 2 + 3 + 18);
	hang_up(&c);
}

static void test_late(void **state)
{
	struct conn c;
	int i;

	(void)state;
	/* in step at once */
	dial(&c, WGA_STREAM_SHARED);
	assert_int_equal(say_data(&c, true, 30), FINE);
	assert_int_equal(say_data(&c, false, 1000), FINE);
	expect(&c, false, false, false);
	assert_true(report(&c).derp);
	assert_string_equal(report(&c).detail, "TLS, joined in mid-stream");
	assert_int_equal(say(&c, true, prose, 40), TEXT);
	hang_up(&c);

	/* the rest of a record first */
	dial(&c, WGA_STREAM_SHARED);
	o.n = 0;
	put_random(&o, 700);
	assert_int_equal(say_built(&c, true), FINE);
	expect(&c, true, false, false);
	put_data(&o, 900);
	put_data(&o, 1000);
	assert_int_equal(say(&c, true, o.b, 1200), FINE);
	expect(&c, false, false, false);
	hang_up(&c);

	/* text before that, in one piece or in many */
	dial(&c, WGA_STREAM_SHARED);
	assert_int_equal(say(&c, true, prose, 40), TEXT);
	hang_up(&c);
	dial(&c, WGA_STREAM_SHARED);
	{
		bool found = false;

		for (i = 0; i < 100; i++)
			found |= say(&c, true, prose + i, 1) != FINE;
		assert_true(found);
	}
	hang_up(&c);

	/* too little to judge before the first record */
	dial(&c, WGA_STREAM_SHARED);
	assert_int_equal(say(&c, true, "password", 8), FINE);
	assert_int_equal(say_data(&c, true, 100), FINE);
	expect(&c, true, false, false);
	hang_up(&c);

	/* the rest of a record, small records behind it, in one segment */
	dial(&c, WGA_STREAM_SHARED);
	o.n = 0;
	put_random(&o, 200);
	for (i = 0; i < 30; i++)
		put_data(&o, 30);
	assert_int_equal(say_built(&c, true), FINE);
	expect(&c, false, false, false);
	assert_int_equal(report(&c).records, 30);
	/* what came before that is not known, unless it is text */
	assert_int_equal(at(&c, true, 0xffffff00 - 50, prose, 50), TEXT);
	put_random(&o, 50);
	assert_int_equal(at(&c, true, 0xffffff00 - 50, o.b, 50), FINE);
	expect(&c, true, false, true);
	hang_up(&c);

	/* zeros are neither text nor ciphertext */
	dial(&c, WGA_STREAM_SHARED);
	memset(o.b, 0, 100);
	assert_int_equal(say(&c, true, o.b, 100), FOREIGN);
	hang_up(&c);

	/* a chain that breaks is none */
	dial(&c, WGA_STREAM_SHARED);
	o.n = 0;
	put_data(&o, 100);
	put_random(&o, 100);
	o.b[105] = 0x55;
	assert_int_equal(say_built(&c, true), FINE);
	expect(&c, true, false, false);
	hang_up(&c);
}

static void test_end(void **state)
{
	struct conn c;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	put_data(&o, 19);
	assert_int_equal(wga_stream_segment(c.st, true, c.next[1], FIN | ACK,
					    o.b, o.n), FINE);
	assert_int_equal(wga_stream_segment(c.st, true, c.next[1], FIN | ACK,
					    o.b, o.n), FINE);
	c.next[1] += (uint32_t)o.n;
	/* the other side may go on, this one not */
	assert_int_equal(say_data(&c, false, 400), FINE);
	assert_int_not_equal(say_data(&c, true, 400), FINE);
	assert_int_equal(at(&c, true, c.next[1], prose, 100), TEXT);
	hang_up(&c);

	/* what comes before the end may come after it */
	greet(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	put_data(&o, 400);
	assert_int_equal(wga_stream_segment(c.st, true,
					    c.next[1] + (uint32_t)o.n,
					    FIN | ACK, NULL, 0), FINE);
	expect(&c, false, true, false);
	assert_int_equal(say_built(&c, true), FINE);
	expect(&c, false, false, false);
	hang_up(&c);

	greet(&c, WGA_STREAM_CONTROL);
	assert_int_equal(wga_stream_segment(c.st, true, c.next[1], RST, NULL,
					    0), FINE);
	assert_int_equal(say_data(&c, false, 400), FINE);
	assert_int_not_equal(say_data(&c, true, 400), FINE);
	hang_up(&c);

	greet(&c, WGA_STREAM_CONTROL);
	assert_int_equal(wga_stream_segment(c.st, true, c.next[1], RST,
					    (const uint8_t *)prose, 40), TEXT);
	hang_up(&c);
}

/* the same ports again */
static void test_again(void **state)
{
	struct conn c;

	(void)state;
	greet(&c, WGA_STREAM_CONTROL);
	/* a SYN that is repeated begins nothing */
	wga_stream_segment(c.st, true, 0xffffff00, SYN, NULL, 0);
	wga_stream_segment(c.st, false, 0xfffffff0, SYN | ACK, NULL, 0);
	assert_int_equal(say_data(&c, true, 100), FINE);

	c.next[0] = 77;
	c.next[1] = 99;
	syn(&c);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say_built(&c, true), FINE);
	put_server_hello_record(&o, 0x0304);
	assert_int_equal(say_built(&c, false), FINE);
	expect(&c, false, false, false);

	/* nor does an answer to a SYN that was not seen go unnoticed */
	c.next[0] = 5000;
	wga_stream_segment(c.st, false, c.next[0]++, SYN | ACK, NULL, 0);
	put_server_hello_record(&o, 0x0304);
	assert_int_equal(say_built(&c, false), FINE);

	/* what was found in the first connection is not forgotten */
	c.next[1] = 4711;
	syn(&c);
	assert_int_equal(say(&c, true, prose, 50), TEXT);
	c.next[1] = 12345;
	syn(&c);
	expect(&c, false, false, true);
	/* a hole neither */
	c.next[1] += 100;
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say_built(&c, true), FINE);
	c.next[1] = 23456;
	syn(&c);
	expect(&c, false, true, true);
	hang_up(&c);
	dial(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	put_random(&o, 100);
	assert_int_equal(say_built(&c, true), FINE);
	syn(&c);
	expect(&c, true, false, false);
	hang_up(&c);
}

static void test_port80(void **state)
{
	struct conn c;

	(void)state;
	dial(&c, WGA_STREAM_PORT80);
	syn(&c);
	assert_int_equal(wga_stream_segment(c.st, true, c.next[1], RST, NULL,
					    0), FINE);
	expect(&c, false, false, false);
	assert_string_equal(report(&c).detail, "no data");
	hang_up(&c);

	dial(&c, WGA_STREAM_PORT80);
	syn(&c);
	assert_int_equal(say_text(&c, true, KEY_REQUEST), TEXT);
	hang_up(&c);
	dial(&c, WGA_STREAM_PORT80);
	syn(&c);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_not_equal(say_built(&c, true), FINE);
	hang_up(&c);
	dial(&c, WGA_STREAM_PORT80);
	syn(&c);
	assert_int_equal(say_text(&c, true, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
			 TEXT);
	hang_up(&c);
	/* nor does it join anything but ts2021 */
	dial(&c, WGA_STREAM_PORT80);
	assert_int_equal(say_data(&c, true, 100), FINE);
	expect(&c, true, false, false);
	hang_up(&c);
}

static void put_ts2021_frame(uint8_t type, size_t len)
{
	put_number(&o, type, 1);
	put_number(&o, (uint32_t)len, 2);
	put_random(&o, len);
}

static void upgrade_ts2021(struct conn *c, enum wga_stream_kind kind)
{
	dial(c, kind);
	syn(c);
	o.n = 0;
	put_text(&o, TS2021_REQUEST);
	put_ts2021_handshake(&o);
	put_text(&o, "\r\n\r\n");
	assert_int_equal(say_built(c, true), FINE);
}

static void test_ts2021(void **state)
{
	struct conn c;

	(void)state;
	upgrade_ts2021(&c, WGA_STREAM_PORT80);
	put_text(&o, TS2021_ANSWER);
	put_ts2021_frame(2, 48);
	assert_int_equal(say_built(&c, false), FINE);
	put_ts2021_frame(4, 25);
	put_ts2021_frame(4, 4096);
	assert_int_equal(say_built(&c, true), FINE);
	put_ts2021_frame(4, 600);
	assert_int_equal(say_built(&c, false), FINE);
	expect(&c, false, false, false);
	assert_string_equal(report(&c).detail, "ts2021 over HTTP");

	/* cut anywhere */
	put_ts2021_frame(4, 300);
	assert_int_equal(say(&c, true, o.b, 2), FINE);
	assert_int_equal(say(&c, true, o.b + 2, 200), FINE);
	assert_int_equal(say(&c, true, o.b + 202, o.n - 202), FINE);

	o.n = 0;
	put_number(&o, 4, 1);
	put_number(&o, 60, 2);
	put(&o, prose, 60);
	assert_int_equal(say_built(&c, true), TEXT);
	assert_int_equal(say_text(&c, true, "GET / HTTP/1.1\r\n\r\n"), TEXT);
	put_ts2021_frame(4, 40);
	put_ts2021_frame(4, 40);
	assert_int_equal(say_built(&c, true), FINE);
	put_ts2021_frame(4, 40);
	put_number(&o, 5, 3);
	assert_int_not_equal(say_built(&c, true), FINE);
	hang_up(&c);
}

static void test_ts2021_refused(void **state)
{
	struct conn c;

	(void)state;
	upgrade_ts2021(&c, WGA_STREAM_CONTROL);
	put_text(&o, TS2021_ANSWER);
	put_number(&o, 3, 1);
	put_number(&o, 20, 2);
	put_text(&o, "unsupported version!");
	assert_int_equal(say_built(&c, false), FINE);
	expect(&c, false, false, false);
	assert_string_equal(report(&c).detail,
			    "ts2021 over HTTP, error frame in the clear");
	put_ts2021_frame(4, 40);
	assert_int_not_equal(say_built(&c, false), FINE);
	hang_up(&c);

	upgrade_ts2021(&c, WGA_STREAM_CONTROL);
	put_text(&o, TS2021_ANSWER);
	put_number(&o, 3, 1);
	put_number(&o, 150, 2);
	put(&o, prose, 150);
	assert_int_equal(say_built(&c, false), TEXT);
	hang_up(&c);

	/* answers that are none */
	upgrade_ts2021(&c, WGA_STREAM_CONTROL);
	assert_int_equal(say_text(&c, false, "HTTP/1.1 404 Not Found\r\n\r\n"),
			 TEXT);
	hang_up(&c);
	upgrade_ts2021(&c, WGA_STREAM_CONTROL);
	assert_int_equal(say_text(&c, false, DERP_ANSWER), TEXT);
	hang_up(&c);
	dial(&c, WGA_STREAM_DERP);
	syn(&c);
	put_text(&o, TS2021_REQUEST);
	put_ts2021_handshake(&o);
	put_text(&o, "\r\n\r\n");
	assert_int_equal(say_built(&c, true), TEXT);
	hang_up(&c);
	/* an answer to a request that was not seen */
	dial(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	put_text(&o, TS2021_ANSWER);
	put_ts2021_frame(2, 48);
	assert_int_equal(say_built(&c, false), FINE);
	put_ts2021_frame(4, 48);
	assert_int_equal(say_built(&c, true), FINE);
	expect(&c, false, false, false);
	hang_up(&c);
	dial(&c, WGA_STREAM_PORT80);
	assert_int_equal(say_text(&c, false, KEY_ANSWER KEY_BODY), TEXT);
	hang_up(&c);
	/* an answer that nobody asked for */
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	assert_int_equal(say_text(&c, true, "POST /ts"), FINE);
	assert_int_equal(say_text(&c, false, TS2021_ANSWER), TEXT);
	hang_up(&c);
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say(&c, true, o.b, 50), FINE);
	assert_int_equal(say_text(&c, false, TS2021_ANSWER), TEXT);
	hang_up(&c);
}

static void test_ts2021_late(void **state)
{
	struct conn c;

	(void)state;
	dial(&c, WGA_STREAM_CONTROL);
	o.n = 0;
	put_ts2021_frame(4, 100);
	assert_int_equal(say(&c, true, o.b, o.n - 1), FINE);
	expect(&c, true, false, false);
	assert_int_equal(say(&c, true, o.b + o.n - 1, 1), FINE);
	o.n = 0;
	put_ts2021_frame(4, 100);
	put_ts2021_frame(4, 50);
	assert_int_equal(say_built(&c, true), FINE);
	expect(&c, false, false, false);
	assert_string_equal(report(&c).detail, "ts2021, joined in mid-stream");
	assert_int_equal(say(&c, true, prose, 50), TEXT);
	hang_up(&c);
}

/* A head may come in pieces, but only as long as it can still become one. */
static void test_http_pieces(void **state)
{
	static const char request[] = DERP_REQUEST;
	struct conn c;
	size_t i;

	(void)state;
	dial(&c, WGA_STREAM_DERP);
	syn(&c);
	for (i = 0; i < sizeof(request) - 1; i++) {
		expect(&c, false, i > 0, false);
		assert_int_equal(say(&c, true, request + i, 1), FINE);
	}
	expect(&c, false, false, false);
	hang_up(&c);

	/* or in the wrong order */
	dial(&c, WGA_STREAM_DERP);
	syn(&c);
	assert_int_equal(at(&c, true, c.next[1] + 30, request + 30,
			    sizeof(request) - 1 - 30), FINE);
	assert_int_equal(at(&c, true, c.next[1], request, 30), FINE);
	expect(&c, false, false, false);
	hang_up(&c);

	dial(&c, WGA_STREAM_DERP);
	syn(&c);
	assert_int_equal(say_text(&c, true, "GET /de"), FINE);
	assert_int_equal(say_text(&c, true, "mo HTTP/1.1"), TEXT);
	hang_up(&c);

	dial(&c, WGA_STREAM_DERP);
	syn(&c);
	assert_int_equal(say_text(&c, true, "GET /derp HTTP/1.1\r\nHost: "),
			 FINE);
	{
		enum wga_segment ret = FINE;

		for (i = 0; i < 10 && ret == FINE; i++)
			ret = say(&c, true, prose, 120);
		assert_int_equal(ret, TEXT);
		assert_true(i < 10);
	}
	hang_up(&c);

	dial(&c, WGA_STREAM_DERP);
	syn(&c);
	assert_int_equal(say_text(&c, true, "GET /derp HTTP/1.1\r\nX: "), FINE);
	{
		struct wga_stream_report r;

		wga_stream_report(c.st, false, &r);
		assert_false(r.gap);
	}
	assert_int_equal(wga_stream_segment(c.st, true, c.next[1], FIN | ACK,
					    NULL, 0), TEXT);
	hang_up(&c);
}

static void test_key(void **state)
{
	struct conn c;
	int i;

	(void)state;
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	for (i = 0; i < 2; i++) {
		assert_int_equal(say_text(&c, true, KEY_REQUEST), FINE);
		assert_int_equal(say_text(&c, false, KEY_ANSWER KEY_BODY), FINE);
	}
	/* it was answered */
	assert_int_equal(say_text(&c, false, KEY_ANSWER KEY_BODY), TEXT);
	hang_up(&c);

	dial(&c, WGA_STREAM_SHARED);
	syn(&c);
	assert_int_equal(say_text(&c, true, KEY_REQUEST), FINE);
	o.n = 0;
	put_text(&o, KEY_ANSWER KEY_BODY);
	o.b[o.n - 30] = 'x';
	assert_int_equal(say_built(&c, false), TEXT);
	hang_up(&c);

	/* answers to it, and then the upgrade on the same connection */
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	assert_int_equal(say_text(&c, true, KEY_REQUEST), FINE);
	assert_int_equal(say_text(&c, false, KEY_ANSWER), FINE);
	assert_int_equal(say_text(&c, false, KEY_BODY), FINE);
	put_text(&o, TS2021_REQUEST);
	put_ts2021_handshake(&o);
	put_text(&o, "\r\n\r\n");
	assert_int_equal(say_built(&c, true), FINE);
	put_text(&o, TS2021_ANSWER);
	put_ts2021_frame(2, 48);
	assert_int_equal(say_built(&c, false), FINE);
	expect(&c, false, false, false);
	hang_up(&c);

	dial(&c, WGA_STREAM_DERP);
	syn(&c);
	assert_int_equal(say_text(&c, true, KEY_REQUEST), TEXT);
	hang_up(&c);
}

static void put_introduction(bool client)
{
	if (client) {
		put_derp_header(&o, 2, 104);
		put_random(&o, 104);
		return;
	}
	put_derp_header(&o, 1, 40);
	put(&o, "DERP\xf0\x9f\x94\x91", 8);
	put_random(&o, 32);
	put_derp_header(&o, 3, 58);
	put_random(&o, 58);
}

static void test_clear_derp(void **state)
{
	struct conn c;
	size_t n;

	(void)state;
	dial(&c, WGA_STREAM_SHARED);
	syn(&c);
	assert_int_equal(say_text(&c, true, DERP_REQUEST), FINE);
	o.n = 0;
	put_text(&o, DERP_ANSWER);
	put_introduction(false);
	assert_int_equal(say_built(&c, false), FINE);
	put_introduction(true);
	assert_int_equal(say_built(&c, true), FINE);
	put_derp_header(&o, 4, 32 + 148);
	put_random(&o, 32 + 148);
	assert_int_equal(say(&c, true, o.b, 100), FINE);
	assert_int_equal(c.packets, 0);
	assert_int_equal(say(&c, true, o.b + 100, o.n - 100), FINE);
	assert_int_equal(c.packets, 1);
	o.n = 0;
	put_derp_header(&o, 5, 32 + 60000);
	put_random(&o, 32 + 60000);
	for (n = 0; n < o.n; n += 1448)
		assert_int_equal(say(&c, false, o.b + n, o.n - n < 1448 ?
				     o.n - n : 1448), FINE);
	assert_int_equal(c.packets, 2);
	expect(&c, false, false, false);
	assert_true(report(&c).derp);
	assert_string_equal(report(&c).detail, "DERP over HTTP");

	c.packets_fine = false;
	o.n = 0;
	put_derp_header(&o, 4, 32 + 60);
	put_random(&o, 32);
	put(&o, prose, 60);
	/* a known leak is known before the frame is whole */
	assert_int_equal(say(&c, true, o.b, o.n - 10), TEXT);
	assert_int_equal(say(&c, true, o.b + o.n - 10, 10), TEXT);
	o.n = 0;
	put_derp_header(&o, 0x44, 5);
	put_random(&o, 5);
	assert_int_not_equal(say_built(&c, true), FINE);
	hang_up(&c);

	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	assert_int_equal(say_text(&c, true, DERP_REQUEST), TEXT);
	hang_up(&c);

	/* in mid-stream: with a DERP server, not with a control server */
	o.n = 0;
	put_derp_header(&o, 4, 32 + 96);
	put_random(&o, 32 + 96);
	put_derp_header(&o, 7, 1);
	put_number(&o, 1, 1);
	dial(&c, WGA_STREAM_CONTROL);
	assert_int_equal(say(&c, true, o.b, o.n), FINE);
	assert_int_equal(c.packets, 0);
	expect(&c, true, false, false);
	hang_up(&c);
	dial(&c, WGA_STREAM_SHARED);
	assert_int_equal(say(&c, true, o.b, o.n), FINE);
	assert_int_equal(c.packets, 1);
	expect(&c, false, false, false);
	assert_true(report(&c).derp);
	assert_string_equal(report(&c).detail, "DERP, joined in mid-stream");
	hang_up(&c);
	dial(&c, WGA_STREAM_SHARED);
	assert_int_equal(say_data(&c, true, 150), FINE);
	assert_false(report(&c).derp);
	hang_up(&c);
}

static void test_fast_start(void **state)
{
	struct conn c;

	(void)state;
	dial(&c, WGA_STREAM_DERP);
	syn(&c);
	o.n = 0;
	put_text(&o, DERP_REQUEST);
	o.n -= 2;
	put_text(&o, "Derp-Fast-Start: 1\r\n\r\n");
	put_introduction(true);
	assert_int_equal(say_built(&c, true), FINE);
	put_introduction(false);
	assert_int_equal(say_built(&c, false), FINE);
	expect(&c, false, false, false);
	/* without it there is an answer first */
	c.next[0] = c.next[1] = 5;
	syn(&c);
	assert_int_equal(say_text(&c, true, DERP_REQUEST), FINE);
	o.n = 0;
	put_introduction(false);
	assert_int_not_equal(say_built(&c, false), FINE);
	hang_up(&c);
}

/* Certificates are clear and hold names; a late copy of them is no leak. */
static void test_certificate_again(void **state)
{
	struct conn c;
	uint32_t seq;
	size_t record, i;

	(void)state;
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say_built(&c, true), FINE);
	put_server_hello_record(&o, 0x0303);
	record = open_record(&o, 22);
	put(&o, "\x0b\0\x0f\xff\0\x0f\xfc\0\x0f\xf9\x30\x82\x0f\xf5", 14);
	put_random(&o, 3985);
	put(&o, prose, 100);
	close_record(&o, record);
	seq = c.next[0];
	for (i = 0; i + 100 < o.n; i += 100)
		assert_int_equal(say(&c, false, o.b + i, 100), FINE);
	assert_int_equal(say(&c, false, o.b + i, o.n - i), FINE);
	assert_int_equal(at(&c, false, seq + (uint32_t)o.n - 90,
			    o.b + o.n - 90, 80), FINE);
	hang_up(&c);
}

static void test_tls12(void **state)
{
	struct conn c;
	size_t record;

	(void)state;
	dial(&c, WGA_STREAM_CONTROL);
	syn(&c);
	o.n = 0;
	put_client_hello_record(&o, &(struct hello_options){ 0 });
	assert_int_equal(say_built(&c, true), FINE);
	put_server_hello_record(&o, 0x0303);
	record = open_record(&o, 22);
	put(&o, "\x0e\0\0\0", 4);
	close_record(&o, record);
	assert_int_equal(say_built(&c, false), FINE);
	record = open_record(&o, 22);
	put(&o, "\x10\0\0\x21\x20", 5);
	put_random(&o, 32);
	close_record(&o, record);
	put_ccs(&o);
	record = open_record(&o, 22);
	put_random(&o, 40);
	close_record(&o, record);
	assert_int_equal(say_built(&c, true), FINE);
	put_data(&o, 100);
	record = open_record(&o, 21);
	put_random(&o, 26);
	close_record(&o, record);
	assert_int_equal(say_built(&c, true), FINE);
	assert_string_equal(report(&c).detail, "TLS 1.2, SNI hs.test");
	/* an alert in the clear now is out of place */
	assert_int_not_equal(say(&c, true, "\x15\x03\x03\x00\x02\x01\x00", 7),
			     FINE);
	hang_up(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls12),
		cmocka_unit_test(test_certificate_again),
		cmocka_unit_test(test_derp_law),
		cmocka_unit_test(test_text_in_record),
		cmocka_unit_test(test_text_in_pieces),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_thin_text),
		cmocka_unit_test(test_inserted),
		cmocka_unit_test(test_not_tls),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_foreign_copies),
		cmocka_unit_test(test_hello_again),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_hole_in_record),
		cmocka_unit_test(test_text_ahead),
		cmocka_unit_test(test_text_before_hole),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_big_segments),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_port80),
		cmocka_unit_test(test_ts2021),
		cmocka_unit_test(test_ts2021_refused),
		cmocka_unit_test(test_ts2021_late),
		cmocka_unit_test(test_http_pieces),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_clear_derp),
		cmocka_unit_test(test_fast_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
