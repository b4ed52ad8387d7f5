/* SPDX-License-Identifier: MIT */
#include "analyze/derp_sessions.h"
#include "analyze/handshake.h"
#include "analyze/opaque.h"
#include "analyze/services.h"

/* magic, key, nonce and a box around type and version; in DERP all types occur */
#define DISCO_MIN	80
/* CallMeMaybe with more endpoints than anybody has; what DERP would take is
 * not what Tailscale sends
 */
#define DISCO_MAX	1500

/* The ends of a packet, all zero where it is not known who that is */
static void packet_ends(struct wga_stream_slot *slot,
			const struct wga_derp_packet *pkt,
			struct wga_endpoint *from, struct wga_endpoint *to)
{
	struct wga_bridge *br = slot->bridge;
	struct wga_endpoint client = { 0 }, peer;

	if (pkt->client)
		client = wga_derp_nodes_see(&br->derp, pkt->client,
					    &slot->client, br->now.time_ns);
	peer = wga_derp_nodes_see(&br->derp, pkt->peer, NULL, br->now.time_ns);
	*from = pkt->from_client ? client : peer;
	*to = pkt->from_client ? peer : client;
}

static void take_message(struct wga_stream_slot *slot,
			 const struct wga_derp_packet *pkt,
			 const struct wga_wg_message *m,
			 const struct wga_endpoint *from,
			 const struct wga_endpoint *to)
{
	const struct wga_envelope envelope = {
		.from = pkt->from_client ? pkt->client : pkt->peer,
		.to = pkt->from_client ? pkt->peer : pkt->client,
	};
	struct wga_bridge *br = slot->bridge;

	if (m->type == WGA_WG_DATA) {
		if (wga_sessions_data(&br->sessions, m, from, to, &br->now)) {
			slot->high += m->high;
			slot->opaque += m->len - WGA_WG_DATA_HEADER;
		}
		wga_sessions_via(&br->sessions, m, to, slot->number);
	} else if (m->type != WGA_WG_COOKIE) {
		wga_handshake_note(br, m, from, to, &br->now, &envelope);
	}
}

bool wga_derp_take(void *arg, const struct wga_derp_packet *pkt)
{
	struct wga_stream_slot *slot = arg;
	struct wga_bridge *br = slot->bridge;
	struct wga_view v = { pkt->p, pkt->len };
	struct wga_endpoint from, to;
	size_t first = br->scratch.n, i;

	if (wga_disco_looks_like(&v))
		return v.len >= DISCO_MIN && v.len <= DISCO_MAX &&
		       wga_opaque(v.p + WGA_DISCO_KEY_OFFSET,
				  v.len - WGA_DISCO_KEY_OFFSET);
	if (wga_wg_parse(v, &br->scratch) != WGA_WG_YES)
		return false;
	packet_ends(slot, pkt, &from, &to);
	for (i = first; i < br->scratch.n; i++)
		take_message(slot, pkt, &br->scratch.m[i], &from, &to);
	br->scratch.n = first;
	return true;
}
