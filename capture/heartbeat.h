/* SPDX-License-Identifier: MIT */
#ifndef WGA_HEARTBEAT_H
#define WGA_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#define WGA_HEARTBEAT_LEN	60
#define WGA_HEARTBEAT_TYPE	0x88b5
#define WGA_HEARTBEAT_ID_LEN	16

/**
 * struct wga_heartbeat - what tells one heartbeat from another
 * @id:		random, one per capture handle
 * @sequence:	from 1 up
 */
struct wga_heartbeat {
	uint8_t id[WGA_HEARTBEAT_ID_LEN];
	uint64_t sequence;
};

/**
 * wga_heartbeat_build() - write a heartbeat frame
 * @out:	the frame
 * @source:	MAC address it is sent from
 * @beat:	identity and sequence
 */
void wga_heartbeat_build(uint8_t out[static WGA_HEARTBEAT_LEN],
			 const uint8_t source[static 6],
			 const struct wga_heartbeat *beat);

/**
 * wga_heartbeat_read() - take a heartbeat frame apart
 * @data, @len:	a whole Ethernet frame
 * @beat:	filled if it is one
 *
 * Return: true if it is a heartbeat frame, whoever sent it.
 */
bool wga_heartbeat_read(const uint8_t *data, uint32_t len,
			struct wga_heartbeat *beat);

#endif /* WGA_HEARTBEAT_H */
