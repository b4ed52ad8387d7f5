/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "analyze/handshake.h"
#include "analyze/mac1.h"
#include "analyze/node_keys.h"

/* Is the MAC1 of a message keyed with this very key? A node key is the static
 * key of WireGuard, so DERP's envelope must name the same one.
 */
static bool is_addressed(struct wga_bridge *br, const struct wga_wg_message *m,
			 const uint8_t key[static WGA_KEY_LEN])
{
	struct wga_mac1 *mac1 = wga_mac1_new(key);
	bool fits;

	if (!mac1) {
		br->broken = true;
		return true;
	}
	fits = wga_mac1_find(&mac1, 1, m->p, m->len) == 0;
	wga_mac1_free(mac1);
	return fits;
}

/* Are these keys of one registered node, which has or had both? */
static bool is_same_node(const struct wga_bridge *br, const uint8_t *key,
			 int node)
{
	return node >= 0 && wga_registry_key(br->cfg->registry, key) == node;
}

static void open_initiation(struct wga_bridge *br, struct wga_handshake *h,
			    const uint8_t *msg,
			    const struct wga_envelope *envelope)
{
	struct wga_opened opened;

	h->opening = (uint8_t)wga_node_keys_open(br->cfg->node_keys, msg,
						 &opened);
	if (h->opening != WGA_OPENING_DONE)
		return;
	h->initiator = wga_derp_endpoint(opened.initiator).addr;
	h->responder = wga_derp_endpoint(opened.responder).addr;
	h->initiator_node = wga_registry_key(br->cfg->registry,
					     opened.initiator);
	memcpy(h->tai64n, opened.tai64n, sizeof(h->tai64n));
	if (envelope && envelope->from &&
	    memcmp(envelope->from, opened.initiator, WGA_KEY_LEN) &&
	    !is_same_node(br, envelope->from, h->initiator_node))
		h->astray = true;
}

void wga_handshake_note(struct wga_bridge *br, const struct wga_wg_message *m,
			const struct wga_endpoint *from,
			const struct wga_endpoint *to,
			const struct wga_stamp *at,
			const struct wga_envelope *envelope)
{
	struct wga_handshake *h = wga_sessions_handshake(&br->sessions, m, from,
							 to, at);

	if (!h)
		return;
	h->node = wga_registry_mac1(br->cfg->registry, m->p, m->len);
	h->opening = WGA_OPENING_NO_KEY;
	if (m->type == WGA_WG_INITIATION)
		open_initiation(br, h, m->p, envelope);
	if (envelope && envelope->to && !is_addressed(br, m, envelope->to) &&
	    !is_same_node(br, envelope->to, h->node))
		h->astray = true;
}
