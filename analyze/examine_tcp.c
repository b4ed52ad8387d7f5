/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/derp_sessions.h"
#include "analyze/examine.h"
#include "analyze/opaque.h"
#include "analyze/services.h"

static bool endpoint_in(const struct wga_endpoint *list, size_t n,
			const struct wga_addr *addr, uint16_t port)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (list[i].port == port && wga_addr_equal(&list[i].addr, addr))
			return true;
	}
	return false;
}

/* Was this endpoint declared as a server whose connections are followed? */
static bool server_kind(const struct wga_config *cfg,
			const struct wga_addr *addr, uint16_t port,
			enum wga_stream_kind *kind)
{
	bool derp = endpoint_in(cfg->derp, cfg->n_derp, addr, port);
	bool control = endpoint_in(cfg->control, cfg->n_control, addr, port);
	size_t i;

	if (derp || control) {
		*kind = !control ? WGA_STREAM_DERP :
			!derp ? WGA_STREAM_CONTROL : WGA_STREAM_SHARED;
		return true;
	}
	for (i = 0; port == 80 && i < cfg->n_control; i++) {
		if (wga_addr_equal(&cfg->control[i].addr, addr)) {
			*kind = WGA_STREAM_PORT80;
			return true;
		}
	}
	return false;
}

bool wga_examine_is_server(const struct wga_config *cfg,
			   const struct wga_addr *addr, uint16_t port)
{
	enum wga_stream_kind kind;

	return server_kind(cfg, addr, port, &kind);
}

static struct wga_stream_slot *stream_new(struct wga_bridge *br,
					  enum wga_stream_kind kind)
{
	struct wga_stream_slot *slot, **streams;

	streams = wga_room(br->streams, br->n_streams, &br->stream_room,
			   sizeof(*streams), UINT32_MAX / 2);
	if (!streams)
		return NULL;
	br->streams = streams;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	slot->bridge = br;
	slot->kind = kind;
	slot->stream = wga_stream_new(kind, br->cfg->keylog, wga_derp_take,
				      slot);
	if (!slot->stream) {
		free(slot);
		return NULL;
	}
	br->streams[br->n_streams++] = slot;
	slot->number = br->n_streams;
	return slot;
}

/* The stream of a connection hangs on its flow of kind STREAM. */
static struct wga_stream_slot *stream_get(struct wga_bridge *br,
					  const struct wga_item *item,
					  enum wga_stream_kind kind,
					  bool from_client)
{
	struct wga_flow_cold *cold;
	struct wga_stream_slot *slot;
	bool is_new;
	uint32_t i;

	i = wga_flow_get(br->flows, &item->key,
			 wga_flow_hash(br->flows, &item->key), &is_new);
	if (i == UINT32_MAX)
		return NULL;
	cold = wga_flow_cold_at(br->flows, i);
	if (cold->aux)
		return br->streams[cold->aux - 1];
	slot = stream_new(br, kind);
	if (!slot)
		return NULL;
	wga_item_ends(item, from_client ? &slot->client : &slot->server,
		      from_client ? &slot->server : &slot->client);
	cold->aux = br->n_streams;
	return slot;
}

static void examine_stream(struct wga_bridge *br, const struct wga_packet *pkt,
			   const uint8_t *h, struct wga_view v,
			   enum wga_stream_kind kind, bool from_client,
			   struct wga_item *item)
{
	struct wga_stream_slot *slot;

	wga_item_set(item, pkt, wga_be16(h), wga_be16(h + 2), WGA_KIND_STREAM);
	slot = stream_get(br, item, kind, from_client);
	if (!slot) {
		br->broken = true;
		item->key.kind = WGA_KIND_BAD;
		return;
	}
	switch (wga_stream_segment(slot->stream, from_client, wga_be32(h + 4),
				   h[13], v.p, v.len)) {
	case WGA_SEGMENT_FINE:
		break;
	case WGA_SEGMENT_TEXT:
		item->key.kind = WGA_KIND_SPLICED_TEXT;
		break;
	case WGA_SEGMENT_FOREIGN:
		item->key.kind = WGA_KIND_SPLICED;
		break;
	}
}

/* Does a segment begin like a TLS record, and is it not text in disguise? */
static bool tls_looks_like(struct wga_view v)
{
	if (v.len < 6 || v.p[0] < 20 || v.p[0] > 23 || v.p[1] != 3 ||
	    v.p[2] > 4 || wga_be16(v.p + 3) > 16384 + 256)
		return false;
	return v.p[0] != 23 || wga_examine_content(wga_view_skip(v, 5)) !=
		WGA_KIND_TEXT;
}

/* Options whose bytes are numbers (MSS, window scale, SACK, timestamps) may
 * look like anything; others must not look like text, nor what follows the end.
 */
static bool options_are_text(const uint8_t *p, size_t len)
{
	size_t i = 0, n;

	while (i < len && p[i]) {
		if (p[i] == 1) {
			i++;
			continue;
		}
		n = i + 1 < len ? p[i + 1] : 0;
		if (n < 2 || n > len - i)
			break;
		if (!(p[i] == 2 && n == 4) && !(p[i] == 3 && n == 3) &&
		    !(p[i] == 4 && n == 2) && !(p[i] == 8 && n == 10) &&
		    !(p[i] == 5 && n % 8 == 2) && wga_readable(p + i + 2, n - 2))
			return true;
		i += n;
	}
	return i < len && wga_readable(p + i, len - i);
}

static void watch_segment(struct wga_bridge *br, const struct wga_packet *pkt,
			  const uint8_t *h, struct wga_view v, size_t hlen)
{
	struct wga_item item = { 0 };

	wga_item_set(&item, pkt, wga_be16(h), wga_be16(h + 2), (enum wga_kind)0);
	wga_watch_tcp(br->watch, &item.key, item.dir, h, v,
		      v.len + hlen < pkt->wire_len);
}

void wga_examine_tcp(struct wga_bridge *br, const struct wga_packet *pkt,
		     struct wga_item *item)
{
	const uint8_t *h = wga_view_at(&pkt->payload, 0, 20);
	bool cut = pkt->payload.len < pkt->wire_len, from_client = true;
	enum wga_stream_kind stream;
	struct wga_view v = { 0 };
	enum wga_kind kind;
	size_t hlen;

	if (!h) {
		wga_item_set(item, pkt, 0, 0, pkt->wire_len < 20 ?
			     WGA_KIND_BAD : WGA_KIND_CUT);
		return;
	}
	hlen = (size_t)(h[12] >> 4) * 4;
	if (hlen < 20 || hlen > pkt->wire_len) {
		wga_item_set(item, pkt, wga_be16(h), wga_be16(h + 2),
			     WGA_KIND_BAD);
		return;
	}
	if (hlen <= pkt->payload.len)
		v = wga_view_skip(pkt->payload, hlen);
	if (br->watch)
		watch_segment(br, pkt, h, v, hlen);
	if (hlen <= pkt->payload.len && options_are_text(h + 20, hlen - 20)) {
		wga_item_set(item, pkt, wga_be16(h), wga_be16(h + 2),
			     WGA_KIND_TEXT);
		return;
	}
	if (cut && pkt->wire_len > hlen) {
		/* what is clear in a hello or an upgrade is not judged cut */
		kind = wga_readable(v.p, v.len) &&
		       !wga_examine_is_server(br->cfg, &pkt->dst, wga_be16(h + 2)) &&
		       !wga_examine_is_server(br->cfg, &pkt->src, wga_be16(h)) ?
			WGA_KIND_TEXT : WGA_KIND_CUT;
		wga_item_set(item, pkt, wga_be16(h), wga_be16(h + 2), kind);
		return;
	}

	if (server_kind(br->cfg, &pkt->dst, wga_be16(h + 2), &stream) ||
	    (from_client = false,
	     server_kind(br->cfg, &pkt->src, wga_be16(h), &stream))) {
		examine_stream(br, pkt, h, v, stream, from_client, item);
		return;
	}
	if (v.len == 0)
		kind = WGA_KIND_TCP;
	else if (tls_looks_like(v))
		kind = WGA_KIND_TLS;
	else
		kind = wga_examine_content(v);
	wga_item_set(item, pkt, wga_be16(h), wga_be16(h + 2), kind);
}
