/* SPDX-License-Identifier: MIT */
#ifndef WGA_DERP_SESSIONS_H
#define WGA_DERP_SESSIONS_H

#include "analyze/bridge_internal.h"

/**
 * wga_derp_take() - take in a packet that DERP carries, clear or opened
 * @arg:	struct wga_stream_slot of the connection
 * @pkt:	the packet
 *
 * WireGuard becomes sessions between the nodes that the frame names.
 *
 * Return: true if it is WireGuard or disco, false if it does not belong there.
 */
bool wga_derp_take(void *arg, const struct wga_derp_packet *pkt);

#endif /* WGA_DERP_SESSIONS_H */
