/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The first byte chooses a protocol, the second flavours it; the rest is a
 * payload. What is recognised is recognised to its last byte: with one more
 * byte behind it, it is not that protocol any more.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/services.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t flavour;

static bool netbios(struct wga_view v)
{
	return wga_netbios_check(v, flavour & 1 ? 137 : 138);
}

static bool disco(struct wga_view v)
{
	return wga_disco_check(v, flavour & 1);
}

static struct wga_packet packet(struct wga_view v)
{
	static const uint8_t stp[6] = { 1, 0x80, 0xc2 };
	static const uint16_t types[] = {
		WGA_ETHERTYPE_ARP, WGA_ETHERTYPE_LLDP, 7, 38, 39, 105,
	};
	struct wga_packet pkt = { .payload = v, .wire_len = v.len };

	pkt.has_mac = true;
	memcpy(pkt.dst_mac, stp, 6);
	pkt.ethertype = types[flavour % 6];
	pkt.ttl = flavour & 1 ? 1 : 255;
	if (flavour & 2) {
		pkt.dst = wga_addr_v4((const uint8_t[4]){ 224, 0, 0, 251 });
	} else {
		pkt.dst.b[0] = 0xff;
		pkt.dst.b[1] = 2;
		pkt.dst.b[15] = 0xfb;
	}
	return pkt;
}

static bool link_layer(struct wga_view v)
{
	struct wga_packet pkt = packet(v);

	return wga_link_check(&pkt);
}

static bool igmp(struct wga_view v)
{
	struct wga_packet pkt = packet(v);

	return wga_igmp_check(&pkt);
}

static bool neighbour(struct wga_view v)
{
	struct wga_packet pkt = packet(v);

	return wga_neighbour_check(&pkt);
}

static const uint16_t ports[] = {
	53, 67, 68, 123, 137, 138, 546, 547, 1900, 3702, 5350, 5351, 5353, 5355,
};

static bool multicast(struct wga_view v)
{
	struct wga_packet pkt = packet(v);

	return wga_multicast_check(&pkt, ports[flavour / 14 % 14],
				   ports[flavour % 14], v);
}

static bool service(struct wga_view v)
{
	return wga_service_check(ports[flavour / 14 % 14], ports[flavour % 14], v);
}

static bool (*const checks[])(struct wga_view v) = {
	wga_dns_check, wga_ntp_check, wga_portmap_check, wga_ssdp_check,
	wga_dhcp_check, wga_dhcpv6_check, netbios, wga_wsd_check, wga_stun_check,
	disco, link_layer, igmp, neighbour, multicast, service,
};

/* in memory of just that size */
static bool fits(bool (*check)(struct wga_view v), const uint8_t *p, size_t len,
		 size_t more)
{
	uint8_t *copy = malloc(len + more ? len + more : 1);
	bool ok;

	if (!copy)
		abort();
	memcpy(copy, p, len);
	memset(copy + len, 'x', more);
	ok = check((struct wga_view){ copy, len + more });
	free(copy);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool (*check)(struct wga_view v);

	if (size < 2)
		return 0;
	check = checks[data[0] % (sizeof(checks) / sizeof(*checks))];
	flavour = data[1];
	if (fits(check, data + 2, size - 2, 0) &&
	    fits(check, data + 2, size - 2, 1))
		abort();
	return 0;
}
