/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The input is a frame of the link type that its first byte chooses; the second
 * byte says how much of it was cut off. Whatever is read lies within the frame,
 * and what is an IP packet is one again when it stands in a quote. Its pieces go
 * to reassembly, whose datagrams hold what was put in.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/fragment.h"
#include "analyze/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void inside(const struct wga_view *v, const uint8_t *p, size_t len)
{
	if (v->len)
		require(v->p >= p && v->len <= len &&
			v->p + v->len <= p + len);
}

static void check(const struct wga_packet *pkt, const uint8_t *p, size_t len)
{
	inside(&pkt->payload, p, len);
	inside(&pkt->options, p, len);
	inside(&pkt->trailer, p, len);
	require(pkt->payload.len <= pkt->wire_len ||
		pkt->state == WGA_PACKET_BAD || pkt->state == WGA_PACKET_CUT);
	if (pkt->state == WGA_PACKET_IP) {
		require(pkt->has_addr);
		require(pkt->fragment == (pkt->frag_off || pkt->frag_more));
	}
	if (pkt->state == WGA_PACKET_OTHER)
		require(!pkt->has_addr);
}

/* Cut the bytes into pieces of a datagram: what comes out whole is the same. */
static void reassemble(const uint8_t *p, size_t len, uint8_t step)
{
	struct wga_fragments *f = calloc(1, sizeof(*f));
	struct wga_packet pkt = { .proto = 17, .fragment = true };
	enum wga_fragment_answer answer = WGA_FRAGMENT_PENDING;
	struct wga_datagram *d;
	size_t piece = (size_t)(step % 16 + 1) * 8, n = (len + piece - 1) / piece;
	size_t i;

	require(f != NULL);
	for (i = 0; i < n; i++) {
		/* an order that visits all of them */
		size_t k = step & 128 ? n - 1 - i : i, off = k * piece;

		pkt.frag_off = (uint32_t)off;
		pkt.frag_more = k + 1 < n;
		pkt.payload = (struct wga_view){
			p + off, len - off < piece ? len - off : piece,
		};
		require(answer == WGA_FRAGMENT_PENDING);
		answer = wga_fragment_add(f, &pkt, 1, &d);
	}
	if (n) {
		require(answer == WGA_FRAGMENT_WHOLE && d->total == len);
		require(!memcmp(d->data, p, len));
		require(wga_fragment_add(f, &pkt, 1, &d) == WGA_FRAGMENT_AGAIN);
	}
	wga_fragments_free(f);
	free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t links[] = {
		WGA_LINK_ETHERNET, WGA_LINK_RAW, WGA_LINK_SLL, WGA_LINK_SLL2, 0,
	};
	struct wga_packet pkt, quote = { 0 };
	struct wga_frame f = { 0 };
	size_t n;

	if (size < 2)
		return 0;
	n = size - 2;
	f.link = links[data[0] % 5];
	f.len = (uint32_t)n;
	n -= data[1] < n ? data[1] : n;
	f.caplen = (uint32_t)n;
	/* exactly as large as what was captured */
	f.data = malloc(n ? n : 1);
	require(f.data != NULL);
	memcpy((void *)f.data, data + 2, n);

	wga_packet_parse(&f, &pkt);
	check(&pkt, f.data, n);
	wga_packet_ip((struct wga_view){ f.data, n }, n, true, &quote);
	inside(&quote.payload, f.data, n);
	inside(&quote.options, f.data, n);
	inside(&quote.trailer, f.data, n);
	if (f.link == WGA_LINK_RAW && pkt.state == WGA_PACKET_IP)
		require(quote.state == WGA_PACKET_IP);
	if (n <= 4096)
		reassemble(f.data, n, data[1]);
	free((void *)f.data);
	return 0;
}
