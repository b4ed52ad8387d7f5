/* SPDX-License-Identifier: MIT */
#ifndef WGA_WIREGUARD_H
#define WGA_WIREGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/view.h"

/*
 * Theory of operation
 *
 * A UDP payload is taken for WireGuard only if it is one message, or several
 * back to back as UDP segmentation offload leaves them in one captured frame
 * (equal lengths, the last may be shorter), and nothing else to the last byte.
 * What the messages claim to be ciphertext must look like it. Format:
 * WireGuard paper, section 5.4; wireguard-go device/noise-protocol.go.
 */

enum wga_wg_type {
	WGA_WG_INITIATION = 1,
	WGA_WG_RESPONSE = 2,
	WGA_WG_COOKIE = 3,
	WGA_WG_DATA = 4,
};

#define WGA_WG_INITIATION_LEN	148
#define WGA_WG_RESPONSE_LEN	92
#define WGA_WG_COOKIE_LEN	64
#define WGA_WG_DATA_HEADER	16
#define WGA_WG_DATA_MIN		32

/**
 * struct wga_wg_message - one message
 * @type:	enum wga_wg_type
 * @sender:	sender index (1, 2)
 * @receiver:	receiver index (2, 3, 4)
 * @counter:	counter (4)
 * @len:	length of the message
 * @high:	bytes >= 0x80 among the @len - 16 bytes of ciphertext (4)
 * @digest:	of the whole message
 * @p:		the message, valid as long as the frame; NULL if it was elided
 */
struct wga_wg_message {
	uint8_t type;
	uint32_t sender, receiver;
	uint64_t counter;
	uint32_t len;
	uint32_t high;
	uint64_t digest;
	const uint8_t *p;
};

/**
 * struct wga_wg_messages - messages of a batch of frames
 * @m, @n, @room:	array that grows; release with free()
 */
struct wga_wg_messages {
	struct wga_wg_message *m;
	size_t n, room;
};

enum wga_wg_answer {
	WGA_WG_NOT,		/* does not begin like WireGuard */
	WGA_WG_YES,		/* all of it is WireGuard, messages are appended */
	WGA_WG_SPLICED,		/* begins with a good message, holds foreign bytes */
	WGA_WG_SPLICED_TEXT,	/* the same, and they are readable */
	WGA_WG_FAKE,		/* a WireGuard header before bytes that are none */
	WGA_WG_FAKE_TEXT,	/* the same, and they are readable */
};

/**
 * wga_wg_data_header() - read the header of a data message
 * @p:		its first WGA_WG_DATA_HEADER bytes
 * @len:	length of the message
 * @m:		filled, but for what comes of the ciphertext
 *
 * Return: false if no data message has this header and length.
 */
bool wga_wg_data_header(const uint8_t *p, size_t len, struct wga_wg_message *m);

/* can a payload of this length be a single message? */
bool wga_wg_single(size_t len);

/* does it begin with the first four bytes of a message? */
static inline bool wga_wg_looks_like(const struct wga_view *v)
{
	return v->len >= 4 && v->p[0] >= 1 && v->p[0] <= 4 && v->p[1] == 0 &&
	       v->p[2] == 0 && v->p[3] == 0;
}

/**
 * wga_wg_parse() - judge a whole UDP payload
 * @v:		the payload
 * @out:	messages are appended, only if the answer is WGA_WG_YES
 *
 * Out of memory reads as WGA_WG_FAKE: never better than the truth.
 */
enum wga_wg_answer wga_wg_parse(struct wga_view v, struct wga_wg_messages *out);

#endif /* WGA_WIREGUARD_H */
