/* SPDX-License-Identifier: MIT */
#ifndef WGA_NODE_KEYS_H
#define WGA_NODE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/registry.h"
#include "capture/err.h"

/*
 * Private node keys, with which handshake initiations are opened.
 */
struct wga_node_keys;

/**
 * wga_node_keys_load() - add the keys of a file
 * @keys:	*keys may be NULL, it is then made
 * @path:	lines `NAME privkey:HEX` (64 hex digits), '#' comments, empty lines
 * @shared:	set if users other than the owner may read the file
 * @err:	those of wga_secret_read(), "bad-node-keys" with file and line, and
 *		never a key in its text
 *
 * Return: 0, or -1 with @err set and *keys unchanged.
 */
int wga_node_keys_load(struct wga_node_keys **keys, const char *path,
		       bool *shared, struct wga_err *err);
void wga_node_keys_free(struct wga_node_keys *keys);

size_t wga_node_keys_count(const struct wga_node_keys *keys);
/* name and public key of a key */
const char *wga_node_keys_name(const struct wga_node_keys *keys, size_t i);
const uint8_t *wga_node_keys_public(const struct wga_node_keys *keys, size_t i);

enum wga_opening {
	WGA_OPENING_NO_KEY,	/* addressed to none of the keys (MAC1) */
	WGA_OPENING_DONE,
	WGA_OPENING_FORGED,	/* addressed to one of them, but not sealed to it */
};

/**
 * struct wga_opened - what an opened initiation says
 * @responder:	public key that it is addressed to
 * @initiator:	static public key of the initiator
 * @tai64n:	timestamp, 12 bytes that sort as time does (TAI64N)
 */
struct wga_opened {
	uint8_t responder[WGA_KEY_LEN];
	uint8_t initiator[WGA_KEY_LEN];
	uint8_t tai64n[12];
};

/**
 * wga_node_keys_open() - open a handshake initiation
 * @keys:	keys, or NULL for none
 * @msg:	the 148 bytes of it
 * @out:	filled for WGA_OPENING_DONE
 *
 * Noise IKpsk2 as WireGuard uses it (WireGuard paper, section 5.4.2;
 * wireguard-go device/noise-protocol.go, ConsumeMessageInitiation).
 */
enum wga_opening wga_node_keys_open(const struct wga_node_keys *keys,
				    const uint8_t msg[static 148],
				    struct wga_opened *out);

/* the time of a TAI64N timestamp as nanoseconds since the epoch (TAI is ahead
 * of UTC as WireGuard implementations do it: 2^62 + 10 s + seconds); 0 if it is
 * none
 */
uint64_t wga_tai64n_ns(const uint8_t tai64n[static 12]);

#endif /* WGA_NODE_KEYS_H */
