/* SPDX-License-Identifier: MIT */
#ifndef WGA_HANDSHAKE_H
#define WGA_HANDSHAKE_H

#include "analyze/bridge_internal.h"

/**
 * struct wga_envelope - node keys that DERP's frame names; NULL: not known
 */
struct wga_envelope {
	const uint8_t *from, *to;
};

/**
 * wga_handshake_note() - take in an initiation or response of a bridge
 * @br:		the bridge
 * @m:		the message
 * @from, @to, @at:	as for wga_sessions_handshake()
 * @envelope:	where it was inside DERP, else NULL
 *
 * Finds out whom it is addressed to, opens it if a node key does, and holds it
 * against its envelope.
 */
void wga_handshake_note(struct wga_bridge *br, const struct wga_wg_message *m,
			const struct wga_endpoint *from,
			const struct wga_endpoint *to,
			const struct wga_stamp *at,
			const struct wga_envelope *envelope);

#endif /* WGA_HANDSHAKE_H */
