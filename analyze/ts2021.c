/* SPDX-License-Identifier: MIT */
#include <sodium.h>

#include "analyze/opaque.h"
#include "analyze/ts2021.h"

/* frame types (tailscale control/controlbase/messages.go) */
enum {
	INITIATION = 1,
	RESPONSE = 2,
	ERROR = 3,
	RECORD = 4,
};

#define HANDSHAKE_LEN	101
#define HANDSHAKE_BODY	96
#define RESPONSE_BODY	48
#define RECORD_MAX	4096
#define RECORD_MIN	17	/* one byte and its tag */
#define ERROR_MAX	128	/* it is clear text: no room for more */

bool wga_ts2021_handshake(const char *base64, size_t len)
{
	uint8_t b[HANDSHAKE_LEN];
	size_t n;

	if (sodium_base642bin(b, sizeof(b), base64, len, NULL, &n, NULL,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    n != HANDSHAKE_LEN)
		return false;
	/* protocol version (that of the client), type, length, Noise message */
	return b[0] < 0x10 && b[2] == INITIATION &&
	       b[3] == 0 && b[4] == HANDSHAKE_BODY &&
	       wga_opaque(b + 5, HANDSHAKE_BODY);
}

size_t wga_ts2021_frame_length(const uint8_t p[static WGA_TS2021_HEADER])
{
	return WGA_TS2021_HEADER + ((size_t)p[1] << 8 | p[2]);
}

bool wga_ts2021_is_opaque(const uint8_t p[static WGA_TS2021_HEADER])
{
	return p[0] != ERROR;
}

static bool type_fits(const struct wga_ts2021_side *side, bool from_client,
		      uint8_t type)
{
	if (side->error)
		return false;
	if (from_client || side->frames)
		return type == RECORD;
	return type == RESPONSE || type == ERROR;
}

bool wga_ts2021_header_fits(const struct wga_ts2021_side *side,
			    bool from_client, const uint8_t *p, size_t len)
{
	size_t body;

	if (len && !type_fits(side, from_client, p[0]))
		return false;
	if (len < WGA_TS2021_HEADER)
		return len < 2 || p[1] <= RECORD_MAX >> 8;

	body = wga_ts2021_frame_length(p) - WGA_TS2021_HEADER;
	switch (p[0]) {
	case RESPONSE:
		return body == RESPONSE_BODY;
	case ERROR:
		return body <= ERROR_MAX;
	default:
		return body >= RECORD_MIN && body <= RECORD_MAX;
	}
}

void wga_ts2021_frame(struct wga_ts2021_side *side,
		      const uint8_t p[static WGA_TS2021_HEADER])
{
	side->frames = true;
	if (p[0] == ERROR)
		side->error = true;
}
