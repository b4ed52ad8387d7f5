/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A heartbeat frame leaves no room for anything but itself: every byte of its
 * 60 is fixed, random per capture, counted, or a tag over the others. So the
 * frames that are excused as the tool's own cannot be used to carry much else,
 * and nothing else of the EtherType is excused with them. The tag's key is
 * public: it keeps accidents out, not an attacker who can inject frames.
 *
 *	 0  destination 01:80:c2:00:00:0f, which no bridge forwards
 *	 6  source
 *	12  EtherType 0x88b5, IEEE 802 local experimental 1
 *	14  "wgaudit\0"
 *	22  version, 1
 *	23  id
 *	39  sequence, big endian
 *	47  SipHash-2-4 of bytes 0 to 46
 *	55  zeros
 */
#include <string.h>

#include <sodium.h>

#include "capture/heartbeat.h"
#include "capture/live.h"

enum {
	AT_SOURCE = 6,
	AT_TYPE = 12,
	AT_MAGIC = 14,
	AT_VERSION = 22,
	AT_ID = 23,
	AT_SEQUENCE = 39,
	AT_TAG = 47,
	AT_PADDING = AT_TAG + crypto_shorthash_BYTES,
};

static const uint8_t destination[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0f };
static const uint8_t magic[8] = "wgaudit";
static const uint8_t version = 1;
static const uint8_t key[crypto_shorthash_KEYBYTES] = "wgaudit canary 1";

void wga_heartbeat_build(uint8_t out[static WGA_HEARTBEAT_LEN],
			 const uint8_t source[static 6],
			 const struct wga_heartbeat *beat)
{
	memset(out, 0, WGA_HEARTBEAT_LEN);
	memcpy(out, destination, sizeof(destination));
	memcpy(out + AT_SOURCE, source, 6);
	out[AT_TYPE] = WGA_HEARTBEAT_TYPE >> 8;
	out[AT_TYPE + 1] = WGA_HEARTBEAT_TYPE & 0xff;
	memcpy(out + AT_MAGIC, magic, sizeof(magic));
	out[AT_VERSION] = version;
	memcpy(out + AT_ID, beat->id, sizeof(beat->id));
	for (unsigned int i = 0; i < 8; i++)
		out[AT_SEQUENCE + i] = (uint8_t)(beat->sequence >> (56 - 8 * i));
	crypto_shorthash(out + AT_TAG, out, AT_TAG, key);
}

bool wga_heartbeat_read(const uint8_t *data, uint32_t len,
			struct wga_heartbeat *beat)
{
	static const uint8_t zeros[WGA_HEARTBEAT_LEN - AT_PADDING];
	uint8_t tag[crypto_shorthash_BYTES];

	if (len != WGA_HEARTBEAT_LEN ||
	    data[AT_TYPE] != WGA_HEARTBEAT_TYPE >> 8 ||
	    data[AT_TYPE + 1] != (WGA_HEARTBEAT_TYPE & 0xff) ||
	    memcmp(data, destination, sizeof(destination)) != 0 ||
	    memcmp(data + AT_MAGIC, magic, sizeof(magic)) != 0 ||
	    data[AT_VERSION] != version ||
	    memcmp(data + AT_PADDING, zeros, sizeof(zeros)) != 0)
		return false;
	crypto_shorthash(tag, data, AT_TAG, key);
	if (memcmp(data + AT_TAG, tag, sizeof(tag)) != 0)
		return false;

	memcpy(beat->id, data + AT_ID, sizeof(beat->id));
	beat->sequence = 0;
	for (unsigned int i = 0; i < 8; i++)
		beat->sequence = beat->sequence << 8 | data[AT_SEQUENCE + i];
	return true;
}

bool wga_heartbeat_check(const uint8_t *data, uint32_t len)
{
	struct wga_heartbeat beat;

	return wga_heartbeat_read(data, len, &beat);
}
