/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/frame.h"
#include "tests/golden/forge.h"

#define ETHERNET_LEN	14

void forge_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void forge_put32(uint8_t *p, uint32_t v)
{
	forge_put16(p, (uint16_t)(v >> 16));
	forge_put16(p + 2, (uint16_t)v);
}

void forge_put32le(uint8_t *p, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

void forge_put64le(uint8_t *p, uint64_t v)
{
	forge_put32le(p, (uint32_t)v);
	forge_put32le(p + 4, (uint32_t)(v >> 32));
}

void forge_init(struct forge *f)
{
	*f = (struct forge){
		.link = WGA_LINK_ETHERNET,
		.now_ns = 1795321140000000000,
	};
}

void forge_free(struct forge *f)
{
	forge_drop(f, 0, f->n);
	free(f->frames);
	memset(f, 0, sizeof(*f));
}

struct forge_frame *forge_insert(struct forge *f, size_t at, const uint8_t *data,
				 size_t len)
{
	struct forge_frame *fr;

	assert(at <= f->n);
	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 256;
		f->frames = realloc(f->frames, f->room * sizeof(*f->frames));
		assert(f->frames);
	}
	fr = &f->frames[at];
	memmove(fr + 1, fr, (f->n - at) * sizeof(*fr));
	f->n++;

	fr->data = malloc(len ? len : 1);
	assert(fr->data);
	memcpy(fr->data, data, len);
	fr->caplen = fr->len = (uint32_t)len;
	fr->elided = NULL;
	fr->time_ns = at + 1 < f->n ? fr[1].time_ns : f->now_ns;
	return fr;
}

void forge_add(struct forge *f, const struct forge_packet *p)
{
	forge_insert(f, f->n, p->buf + p->off, p->len);
	f->now_ns += 1000000;
}

void forge_drop(struct forge *f, size_t at, size_t count)
{
	assert(at + count <= f->n);
	for (size_t i = at; i < at + count; i++) {
		free(f->frames[i].data);
		free(f->frames[i].elided);
	}
	if (!count)
		return;
	memmove(f->frames + at, f->frames + at + count,
		(f->n - at - count) * sizeof(*f->frames));
	f->n -= count;
}

void forge_cut(struct forge *f, uint32_t snaplen)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->frames[i].caplen > snaplen)
			f->frames[i].caplen = snaplen;
}

static size_t link_header(uint8_t *h, uint16_t link, const uint8_t *eth)
{
	memset(h, 0, 20);
	if (link == WGA_LINK_SLL) {
		forge_put16(h, 4);
		forge_put16(h + 2, 1);
		forge_put16(h + 4, 6);
		memcpy(h + 6, eth + 6, 6);
		memcpy(h + 14, eth + 12, 2);
		return 16;
	}
	if (link == WGA_LINK_SLL2) {
		memcpy(h, eth + 12, 2);
		forge_put32(h + 4, 7);
		forge_put16(h + 8, 1);
		h[10] = 4;
		h[11] = 6;
		memcpy(h + 12, eth + 6, 6);
		return 20;
	}
	return 0;
}

void forge_relink(struct forge *f, uint16_t link)
{
	for (size_t i = 0; i < f->n; i++) {
		struct forge_frame *fr = &f->frames[i];
		uint16_t type = (uint16_t)(fr->data[12] << 8 | fr->data[13]);
		uint8_t header[20];
		size_t n = link_header(header, link, fr->data);
		uint8_t *data;

		if (link == WGA_LINK_RAW && type != FORGE_ETH_IPV4 &&
		    type != FORGE_ETH_IPV6) {
			forge_drop(f, i--, 1);
			continue;
		}
		data = malloc(n + fr->caplen);
		assert(data);
		memcpy(data, header, n);
		memcpy(data + n, fr->data + ETHERNET_LEN,
		       fr->caplen - ETHERNET_LEN);
		free(fr->data);
		fr->data = data;
		fr->caplen = (uint32_t)(fr->caplen - ETHERNET_LEN + n);
		fr->len = (uint32_t)(fr->len - ETHERNET_LEN + n);
	}
	f->link = link;
}

uint64_t forge_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void forge_fill(uint64_t *seed, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t r = forge_random(seed);

		memcpy(p + i, &r, len - i < 8 ? len - i : 8);
	}
}

void forge_start(struct forge_packet *p, const void *payload, size_t len)
{
	assert(len <= FORGE_ROOM);
	p->off = FORGE_HEADROOM;
	p->len = 0;
	p->l4 = 0;
	forge_append(p, payload, len);
}

void forge_append(struct forge_packet *p, const void *data, size_t len)
{
	assert(p->off + p->len + len <= sizeof(p->buf));
	if (len)
		memcpy(p->buf + p->off + p->len, data, len);
	p->len += len;
}

uint8_t *forge_push(struct forge_packet *p, size_t len)
{
	assert(p->off >= len);
	p->off -= len;
	p->len += len;
	memset(p->buf + p->off, 0, len);
	return p->buf + p->off;
}

uint8_t *forge_bytes(struct forge_packet *p)
{
	return p->buf + p->off;
}

static uint32_t sum_bytes(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Fills the checksum of the open segment, which begins at @h. */
static void finish_segment(struct forge_packet *p, uint8_t *h,
			   const uint8_t *src, const uint8_t *dst,
			   size_t addr_len, uint8_t protocol)
{
	size_t at = protocol == FORGE_PROTO_UDP ? 6 :
		    protocol == FORGE_PROTO_TCP ? 16 : 2;
	uint32_t sum = protocol + (uint32_t)p->l4;
	uint16_t value;

	if (!p->l4 || (protocol != FORGE_PROTO_UDP &&
		       protocol != FORGE_PROTO_TCP &&
		       protocol != FORGE_PROTO_ICMPV6))
		return;
	sum = sum_bytes(sum, src, addr_len);
	sum = sum_bytes(sum, dst, addr_len);
	value = sum_fold(sum_bytes(sum, h, p->l4));
	if (!value && protocol == FORGE_PROTO_UDP)
		value = 0xffff;
	forge_put16(h + at, value);
	p->l4 = 0;
}

void forge_udp(struct forge_packet *p, uint16_t sport, uint16_t dport)
{
	uint8_t *h = forge_push(p, 8);

	forge_put16(h, sport);
	forge_put16(h + 2, dport);
	forge_put16(h + 4, (uint16_t)p->len);
	p->l4 = p->len;
}

void forge_tcp(struct forge_packet *p, uint16_t sport, uint16_t dport,
	       uint32_t seq, uint32_t ack, uint8_t flags)
{
	uint8_t *h = forge_push(p, 20);

	forge_put16(h, sport);
	forge_put16(h + 2, dport);
	forge_put32(h + 4, seq);
	forge_put32(h + 8, ack);
	h[12] = 5 << 4;
	h[13] = flags;
	forge_put16(h + 14, 64240);
	p->l4 = p->len;
}

void forge_icmp(struct forge_packet *p, uint8_t type, uint8_t code, uint32_t rest)
{
	uint8_t *h = forge_push(p, 8);

	h[0] = type;
	h[1] = code;
	forge_put32(h + 4, rest);
	forge_put16(h + 2, sum_fold(sum_bytes(0, h, p->len)));
	p->l4 = 0;
}

void forge_icmpv6(struct forge_packet *p, uint8_t type, uint8_t code,
		  uint32_t rest)
{
	uint8_t *h = forge_push(p, 8);

	h[0] = type;
	h[1] = code;
	forge_put32(h + 4, rest);
	p->l4 = p->len;
}

void forge_vxlan(struct forge_packet *p, uint32_t vni)
{
	uint8_t *h = forge_push(p, 8);

	h[0] = 0x08;
	forge_put32(h + 4, vni << 8);
}

void forge_geneve(struct forge_packet *p, bool control, uint16_t protocol,
		  uint32_t vni)
{
	uint8_t *h = forge_push(p, 8);

	h[1] = control ? 0x80 : 0;
	forge_put16(h + 2, protocol);
	forge_put32(h + 4, vni << 8);
}

void forge_gre(struct forge_packet *p, uint16_t ethertype)
{
	uint8_t *h = forge_push(p, 4);

	forge_put16(h + 2, ethertype);
}

static uint8_t *push_ipv4(struct forge_packet *p, const uint8_t src[4],
			  const uint8_t dst[4], uint8_t protocol, uint8_t ttl,
			  size_t options)
{
	uint8_t *h = forge_push(p, 20 + options);

	h[0] = (uint8_t)(0x40 | (20 + options) / 4);
	forge_put16(h + 2, (uint16_t)p->len);
	forge_put16(h + 6, 0x4000);
	h[8] = ttl;
	h[9] = protocol;
	memcpy(h + 12, src, 4);
	memcpy(h + 16, dst, 4);
	return h;
}

static void finish_ipv4(uint8_t *h)
{
	forge_put16(h + 10, 0);
	forge_put16(h + 10, sum_fold(sum_bytes(0, h, (h[0] & 15u) * 4)));
}

void forge_ipv4_options(struct forge_packet *p, const uint8_t src[4],
			const uint8_t dst[4], uint8_t protocol, uint8_t ttl,
			const uint8_t *options, size_t len)
{
	uint8_t *h;

	assert(len % 4 == 0 && len <= 40);
	finish_segment(p, p->buf + p->off, src, dst, 4, protocol);
	h = push_ipv4(p, src, dst, protocol, ttl, len);
	if (len)
		memcpy(h + 20, options, len);
	finish_ipv4(h);
}

void forge_ipv4(struct forge_packet *p, const uint8_t src[4],
		const uint8_t dst[4], uint8_t protocol, uint8_t ttl)
{
	forge_ipv4_options(p, src, dst, protocol, ttl, NULL, 0);
}

void forge_ipv4_fragment(struct forge_packet *p, const uint8_t src[4],
			 const uint8_t dst[4], uint8_t protocol, uint8_t ttl,
			 uint16_t id, size_t offset, bool more)
{
	uint8_t *h = push_ipv4(p, src, dst, protocol, ttl, 0);

	assert(offset % 8 == 0);
	forge_put16(h + 4, id);
	forge_put16(h + 6, (uint16_t)((more ? 0x2000 : 0) | offset / 8));
	finish_ipv4(h);
}

void forge_ipv6_chain(struct forge_packet *p, const uint8_t src[16],
		      const uint8_t dst[16], uint8_t next, uint8_t hops,
		      uint8_t protocol)
{
	uint8_t *h;

	finish_segment(p, p->buf + p->off + (p->len - p->l4), src, dst, 16,
		       protocol);
	h = forge_push(p, 40);
	h[0] = 0x60;
	forge_put16(h + 4, (uint16_t)(p->len - 40));
	h[6] = next;
	h[7] = hops;
	memcpy(h + 8, src, 16);
	memcpy(h + 24, dst, 16);
}

void forge_ipv6(struct forge_packet *p, const uint8_t src[16],
		const uint8_t dst[16], uint8_t next, uint8_t hops)
{
	forge_ipv6_chain(p, src, dst, next, hops, next);
}

void forge_ipv6_extension(struct forge_packet *p, uint8_t next)
{
	uint8_t *h = forge_push(p, 8);

	h[0] = next;
	h[2] = 1; /* PadN */
	h[3] = 4;
}

void forge_ipv6_fragment(struct forge_packet *p, uint8_t next, uint32_t id,
			 size_t offset, bool more)
{
	uint8_t *h = forge_push(p, 8);

	h[0] = next;
	forge_put16(h + 2, (uint16_t)(offset | (more ? 1 : 0)));
	forge_put32(h + 4, id);
	p->l4 = 0;
}

void forge_vlan(struct forge_packet *p, uint16_t vid, uint16_t inner)
{
	uint8_t *h = forge_push(p, 4);

	forge_put16(h, vid);
	forge_put16(h + 2, inner);
}

void forge_ethernet(struct forge_packet *p, const uint8_t src[6],
		    const uint8_t dst[6], uint16_t type)
{
	uint8_t *h = forge_push(p, ETHERNET_LEN);

	memcpy(h, dst, 6);
	memcpy(h + 6, src, 6);
	forge_put16(h + 12, type);
}
