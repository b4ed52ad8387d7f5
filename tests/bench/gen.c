/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Writes the capture files of the benchmark. "small" and "imix" are UDP frames
 * between 253 hosts of one bridge, each of a flow drawn at random, so that
 * neither caches nor order help. "mesh" replays a recorded capture: each replay
 * is later in time, and its ephemeral ports, WireGuard sockets and WireGuard
 * indices are replaced by new ones, in all messages of GSO frames and in what
 * ICMP quotes. Flows and sessions are thereby new, as in a mesh that runs for
 * long, and stay valid. Checksums of replayed segments are left alone: what a
 * bridge shows of them is not filled in either (offload). MAC1 of handshakes
 * no longer fits, so a replay is judged without a registry.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden/forge_run.h"

/* as many as a libvirt network of its usual size holds */
#define HOSTS	253
#define PORTS	512

static void write_header(FILE *out)
{
	const uint32_t head[6] = { 0xa1b23c4d, 4u << 16 | 2, 0, 0, 262144, 1 };

	fwrite(head, sizeof(head), 1, out);
}

static void write_frame(FILE *out, uint64_t time_ns, const uint8_t *data,
			uint32_t caplen, uint32_t len)
{
	const uint32_t rec[4] = {
		(uint32_t)(time_ns / 1000000000),
		(uint32_t)(time_ns % 1000000000), caplen, len,
	};

	fwrite(rec, sizeof(rec), 1, out);
	fwrite(data, caplen, 1, out);
}

struct flow {
	uint16_t src, dst, sport, dport;
};

static void host_address(uint16_t host, uint8_t mac[6], uint8_t ip[4])
{
	memcpy(mac, "\x52\x54\0\0", 4);
	forge_put16(mac + 4, host);
	memcpy(ip, "\xc0\xa8\x7a", 3);
	ip[3] = (uint8_t)(host + 2);
}

/* frames of 64, 594 and 1514 bytes as 7:4:1, or all of 64 */
static size_t frame_size(bool imix, uint64_t random)
{
	unsigned int r = (unsigned int)(random % 12);

	if (!imix || r < 7)
		return 64;
	return r < 11 ? 594 : 1514;
}

static int write_random(FILE *out, bool imix, uint64_t frames, size_t n_flows)
{
	struct flow *flows = calloc(n_flows, sizeof(*flows));
	struct forge_packet *p = malloc(sizeof(*p));
	uint64_t seed = 1, bytes = 0, now = 1795321140000000000;
	uint8_t noise[4096];

	if (!flows || !p)
		return -1;
	for (size_t i = 0; i < n_flows; i++) {
		uint64_t r = forge_random(&seed);

		flows[i] = (struct flow){
			.src = (uint16_t)(r % HOSTS),
			.dst = (uint16_t)((r >> 16) % (HOSTS - 1)),
			.sport = (uint16_t)(r >> 32 | 1024),
			.dport = (uint16_t)(r >> 48 | 1024),
		};
		flows[i].dst = (uint16_t)(flows[i].dst + (flows[i].dst >= flows[i].src));
	}
	forge_fill(&seed, noise, sizeof(noise));
	write_header(out);
	for (uint64_t i = 0; i < frames; i++) {
		uint64_t r = forge_random(&seed);
		const struct flow *f = &flows[(r >> 32) % n_flows];
		uint8_t smac[6], dmac[6], sip[4], dip[4];
		size_t size = frame_size(imix, r & 0xffff);

		host_address(f->src, smac, sip);
		host_address(f->dst, dmac, dip);
		forge_start(p, noise + (r >> 16) % 2048, size - 42);
		forge_udp(p, f->sport, f->dport);
		p->l4 = 0; /* no UDP checksum */
		forge_ipv4(p, sip, dip, FORGE_PROTO_UDP, 64);
		forge_ethernet(p, smac, dmac, FORGE_ETH_IPV4);
		write_frame(out, now, forge_bytes(p), (uint32_t)p->len,
			    (uint32_t)p->len);
		now += 1000;
		bytes += p->len;
	}
	printf("%" PRIu64 " %" PRIu64 "\n", frames, bytes);
	free(flows);
	free(p);
	return 0;
}

/**
 * struct port - an ephemeral port of a host, and its stand-in in this replay
 */
struct port {
	uint8_t ip[4];
	uint8_t protocol;
	uint16_t old, new;
};

/**
 * struct replay - one pass over the recording
 * @next:	last port that was handed out
 * @mask:	what WireGuard indices are changed by
 */
struct replay {
	struct port port[PORTS];
	size_t n;
	uint16_t next;
	uint32_t mask;
};

static bool is_service(uint16_t port)
{
	static const uint16_t services[] = { 1900, 3478, 5351, 5353, 5355 };

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (port == services[i])
			return true;
	return port < 1024;
}

static void rewrite_port(struct replay *r, const uint8_t ip[4], uint8_t protocol,
			 uint8_t *at)
{
	uint16_t old = (uint16_t)(at[0] << 8 | at[1]);
	size_t i;

	if (is_service(old))
		return;
	for (i = 0; i < r->n; i++)
		if (r->port[i].old == old && r->port[i].protocol == protocol &&
		    !memcmp(r->port[i].ip, ip, 4))
			break;
	if (i == r->n) {
		if (r->n == PORTS)
			return;
		r->next = r->next == 65535 ? 32768 : (uint16_t)(r->next + 1);
		r->port[i] = (struct port){
			.protocol = protocol, .old = old, .new = r->next,
		};
		memcpy(r->port[i].ip, ip, 4);
		r->n++;
	}
	forge_put16(at, r->port[i].new);
}

static void rewrite_index(const struct replay *r, uint8_t *at)
{
	for (unsigned int i = 0; i < 4; i++)
		at[i] ^= (uint8_t)(r->mask >> 8 * i);
}

/* where the second message of a GSO frame begins; @len if there is none */
static size_t stride(const uint8_t *p, size_t len)
{
	uint8_t head[16];

	memcpy(head, p, sizeof(head));
	for (unsigned int i = 8; i < 16 && !++head[i]; i++)
		;
	for (size_t s = 32; s + sizeof(head) <= len; s += 16)
		if (!memcmp(p + s, head, sizeof(head)))
			return s;
	return len;
}

static void rewrite_wireguard(const struct replay *r, uint8_t *p, size_t len)
{
	static const uint8_t zero[3];

	if (len < 32 || memcmp(p + 1, zero, 3))
		return;
	if ((p[0] == 1 && len == FORGE_INIT_LEN) ||
	    (p[0] == 3 && len == FORGE_COOKIE_LEN)) {
		rewrite_index(r, p + 4);
	} else if (p[0] == 2 && len == FORGE_RESPONSE_LEN) {
		rewrite_index(r, p + 4);
		rewrite_index(r, p + 8);
	} else if (p[0] == 4) {
		size_t s = stride(p, len);

		for (size_t at = 0; at + 32 <= len; at += s)
			rewrite_index(r, p + at + 4);
	}
}

static void rewrite_ip(struct replay *r, uint8_t *ip, size_t len)
{
	size_t head = (ip[0] & 15u) * 4;
	uint8_t *l4 = ip + head;

	if (len < head + 8 || ip[0] >> 4 != 4)
		return;
	if (ip[9] == FORGE_PROTO_ICMP && l4[0] == 3 && len >= head + 8 + 28) {
		rewrite_ip(r, l4 + 8, len - head - 8);
		return;
	}
	if (ip[9] != FORGE_PROTO_TCP && ip[9] != FORGE_PROTO_UDP)
		return;
	rewrite_port(r, ip + 12, ip[9], l4);
	rewrite_port(r, ip + 16, ip[9], l4 + 2);
	if (ip[9] == FORGE_PROTO_UDP)
		rewrite_wireguard(r, l4 + 8, len - head - 8);
}

static int write_mesh(FILE *out, uint64_t target, const char *path)
{
	struct forge f;
	struct wga_err err;
	struct replay *r = calloc(1, sizeof(*r));
	uint8_t *copy = malloc(262144);
	uint64_t frames = 0, bytes = 0, seed = 7, shift = 0, span;

	forge_init(&f);
	if (!r || !copy)
		return -1;
	if (forge_load(&f, path, &err) < 0 || !f.n) {
		fprintf(stderr, "%s: %s\n", path, f.n ? err.text : "no frames");
		return -1;
	}
	span = f.frames[f.n - 1].time_ns - f.frames[0].time_ns + 1000000000;
	r->next = 32768;
	write_header(out);
	while (bytes < target) {
		for (size_t i = 0; i < f.n; i++) {
			const struct forge_frame *fr = &f.frames[i];

			memcpy(copy, fr->data, fr->caplen);
			if (fr->caplen > 34 && copy[12] == 8 && copy[13] == 0)
				rewrite_ip(r, copy + 14, fr->caplen - 14);
			write_frame(out, fr->time_ns + shift, copy, fr->caplen,
				    fr->len);
			bytes += fr->len;
		}
		frames += f.n;
		shift += span;
		r->n = 0;
		r->mask = (uint32_t)forge_random(&seed);
	}
	printf("%" PRIu64 " %" PRIu64 "\n", frames, bytes);
	forge_free(&f);
	free(copy);
	free(r);
	return 0;
}

static int usage(void)
{
	fputs("usage: bench_gen small|imix FILE FRAMES FLOWS\n"
	      "       bench_gen mesh FILE BYTES RECORDING\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	FILE *out;
	int rc;

	if (argc != 5)
		return usage();
	out = fopen(argv[2], "wb");
	if (!out) {
		perror(argv[2]);
		return 2;
	}
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	if (!strcmp(argv[1], "mesh"))
		rc = write_mesh(out, strtoull(argv[3], NULL, 10), argv[4]);
	else if (!strcmp(argv[1], "small") || !strcmp(argv[1], "imix"))
		rc = write_random(out, argv[1][0] == 'i',
				  strtoull(argv[3], NULL, 10),
				  strtoul(argv[4], NULL, 10));
	else
		rc = -1;
	if (fclose(out) || rc) {
		fprintf(stderr, "bench_gen: %s was not written\n", argv[2]);
		return rc ? usage() : 2;
	}
	return 0;
}
