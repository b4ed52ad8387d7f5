/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "capture/selftest.h"

enum {
	AT_SOURCE = 6,
	AT_TYPE = 12,
	AT_IP = 14,
	AT_IP_SOURCE = AT_IP + 12,
	AT_UDP = AT_IP + 20,
	AT_TEXT = AT_UDP + 8,
	UDP_LEN = 8 + WGA_SELFTEST_TEXT,
	TOKEN_LEN = 16,
};

/* one end, its MAC address included */
struct end {
	uint8_t mac[6], addr[4];
	uint16_t port;
};

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 1071; @len is even */
static uint32_t add_up(uint32_t sum, const uint8_t *p, unsigned int len)
{
	for (unsigned int i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

static uint16_t checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void make_end(struct end *e)
{
	randombytes_buf(e->mac, sizeof(e->mac));
	e->mac[0] = (uint8_t)((e->mac[0] & 0xfc) | 2);
	e->addr[0] = 198;
	e->addr[1] = (uint8_t)(18 + randombytes_uniform(2));
	e->addr[2] = (uint8_t)randombytes_uniform(256);
	/* neither a network's own address nor its broadcast address */
	e->addr[3] = (uint8_t)(1 + randombytes_uniform(254));
	/* RFC 6335: dynamic ports, at which no service is expected */
	e->port = (uint16_t)(49152 + randombytes_uniform(65536 - 49152));
}

/* RFC 791 */
static void put_ip(uint8_t *ip, const struct end *from, const struct end *to)
{
	ip[0] = 0x45;
	put16(ip + 2, 20 + UDP_LEN);
	put16(ip + 4, (uint16_t)randombytes_uniform(65536));
	ip[6] = 0x40; /* do not fragment */
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, from->addr, 4);
	memcpy(ip + 16, to->addr, 4);
	put16(ip + 10, checksum(add_up(0, ip, 20)));
}

/* RFC 768; the text is there already */
static void put_udp(uint8_t *udp, const uint8_t *addresses,
		    const struct end *from, const struct end *to)
{
	uint16_t sum;

	put16(udp, from->port);
	put16(udp + 2, to->port);
	put16(udp + 4, UDP_LEN);
	sum = checksum(add_up(add_up(17 + UDP_LEN, addresses, 8), udp, UDP_LEN));
	put16(udp + 6, sum ? sum : 0xffff);
}

static void put_text(uint8_t *text, const char *token)
{
	char line[WGA_SELFTEST_TEXT + 1];

	snprintf(line, sizeof(line), "%-*s", WGA_SELFTEST_TEXT, "");
	memcpy(text, line, WGA_SELFTEST_TEXT);
	snprintf(line, sizeof(line), "wgaudit self-test %s", token);
	memcpy(text, line, strlen(line));
}

static void make_frame(uint8_t *frame, const struct end *from,
		       const struct end *to, const char *token)
{
	memset(frame, 0, WGA_SELFTEST_LEN);
	memcpy(frame, to->mac, 6);
	memcpy(frame + AT_SOURCE, from->mac, 6);
	put16(frame + AT_TYPE, 0x0800);
	put_text(frame + AT_TEXT, token);
	put_ip(frame + AT_IP, from, to);
	put_udp(frame + AT_UDP, frame + AT_IP_SOURCE, from, to);
}

void wga_selftest_make(struct wga_selftest *st)
{
	char hex[2 * TOKEN_LEN + 1];
	uint8_t token[TOKEN_LEN];
	struct end a, b;

	make_end(&a);
	do {
		make_end(&b);
	} while (!memcmp(a.addr, b.addr, 4) || !memcmp(a.mac, b.mac, 6));
	st->a = (struct wga_endpoint){ wga_addr_v4(a.addr), a.port };
	st->b = (struct wga_endpoint){ wga_addr_v4(b.addr), b.port };
	for (int i = 0; i < WGA_SELFTEST_ALL; i += WGA_SELFTEST_FRAMES) {
		randombytes_buf(token, sizeof(token));
		sodium_bin2hex(hex, sizeof(hex), token, sizeof(token));
		make_frame(st->frame[i], &a, &b, hex);
		make_frame(st->frame[i + 1], &b, &a, hex);
	}
}

int wga_selftest_find(const struct wga_selftest *st, const uint8_t *data,
		      uint32_t len)
{
	if (len != WGA_SELFTEST_LEN)
		return -1;
	for (int i = 0; i < WGA_SELFTEST_ALL; i++)
		if (!memcmp(st->frame[i], data, WGA_SELFTEST_LEN))
			return i;
	return -1;
}
