/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "analyze/derp.h"
#include "analyze/opaque.h"

/* frame types (tailscale derp/derp.go) */
enum {
	SERVER_KEY = 0x01,
	CLIENT_INFO = 0x02,
	SERVER_INFO = 0x03,
	SEND_PACKET = 0x04,
	RECV_PACKET = 0x05,
	KEEP_ALIVE = 0x06,
	NOTE_PREFERRED = 0x07,
	PEER_GONE = 0x08,
	PEER_PRESENT = 0x09,
	FORWARD_PACKET = 0x0a,
	WATCH_CONNS = 0x10,
	CLOSE_PEER = 0x11,
	PING = 0x12,
	PONG = 0x13,
	HEALTH = 0x14,
	RESTARTING = 0x15,
};

#define KEY	WGA_DERP_KEY
#define NONCE	24
#define TAG	16
#define PACKET_MAX	65536
#define INFO_MAX	8192	/* a box of some JSON */
#define HEALTH_MAX	1024	/* clear text of the server */

enum { CLIENT = 1, SERVER = 2, BOTH = 3 };

/* who may send a frame, and how long its body is */
struct rule {
	uint8_t from;
	uint32_t min, max;
};

static const struct rule rules[] = {
	[SERVER_KEY] = { SERVER, 8 + KEY, 8 + KEY },
	[CLIENT_INFO] = { CLIENT, KEY + NONCE + TAG + 2, INFO_MAX },
	[SERVER_INFO] = { SERVER, NONCE + TAG + 2, INFO_MAX },
	[SEND_PACKET] = { CLIENT, KEY + 1, KEY + PACKET_MAX },
	[RECV_PACKET] = { SERVER, KEY + 1, KEY + PACKET_MAX },
	[KEEP_ALIVE] = { SERVER, 0, 0 },
	[NOTE_PREFERRED] = { CLIENT, 1, 1 },
	[PEER_GONE] = { SERVER, KEY + 1, KEY + 1 },
	[PEER_PRESENT] = { SERVER, KEY, KEY + 16 + 2 + 1 },
	[FORWARD_PACKET] = { CLIENT, 2 * KEY + 1, 2 * KEY + PACKET_MAX },
	[WATCH_CONNS] = { CLIENT, 0, 0 },
	[CLOSE_PEER] = { CLIENT, KEY, KEY },
	[PING] = { BOTH, 8, 8 },
	[PONG] = { BOTH, 8, 8 },
	[HEALTH] = { SERVER, 0, HEALTH_MAX },
	[RESTARTING] = { SERVER, 8, 8 },
};

static const uint8_t server_key_magic[8] = {
	'D', 'E', 'R', 'P', 0xf0, 0x9f, 0x94, 0x91,
};

size_t wga_derp_frame_length(const uint8_t p[static WGA_DERP_HEADER])
{
	return WGA_DERP_HEADER + ((size_t)p[1] << 24 | (size_t)p[2] << 16 |
				  (size_t)p[3] << 8 | p[4]);
}

static bool type_fits(const struct wga_derp_side *side, bool from_client,
		      uint8_t type)
{
	if (type >= sizeof(rules) / sizeof(rules[0]) ||
	    !(rules[type].from & (from_client ? CLIENT : SERVER)))
		return false;
	if (side->frames == 0)
		return type == (from_client ? CLIENT_INFO : SERVER_KEY);
	if (side->frames == 1 && !from_client)
		return type == SERVER_INFO;
	return type != CLIENT_INFO && type != SERVER_KEY && type != SERVER_INFO;
}

bool wga_derp_header_fits(const struct wga_derp_side *side, bool from_client,
			  const uint8_t *p, size_t len)
{
	size_t body;

	if (len && !type_fits(side, from_client, p[0]))
		return false;
	if (len < WGA_DERP_HEADER)
		return (len < 2 || p[1] == 0) && (len < 3 || p[2] <= 1);

	body = wga_derp_frame_length(p) - WGA_DERP_HEADER;
	return body >= rules[p[0]].min && body <= rules[p[0]].max;
}

/* Why a body is not accepted: because it can be read, or just so */
static enum wga_segment refuse(const uint8_t *p, size_t len)
{
	struct wga_scan scan;

	wga_scan_bytes(p, len, &scan);
	return scan.text || (len < 64 && wga_readable(p, len)) ?
	       WGA_SEGMENT_TEXT : WGA_SEGMENT_FOREIGN;
}

static enum wga_segment opaque_part(const uint8_t *p, size_t len)
{
	return wga_opaque(p, len) ? WGA_SEGMENT_FINE : refuse(p, len);
}

/* keys of nodes before the packet, then the packet */
static enum wga_segment packet_body(const struct wga_derp *derp,
				    const uint8_t *p, size_t len, size_t keys,
				    bool from_client, wga_stream_packet packet,
				    void *arg)
{
	enum wga_segment ret = opaque_part(p, keys);
	struct wga_derp_packet pkt;

	if (ret != WGA_SEGMENT_FINE)
		return ret;
	/* of source and destination the destination comes last */
	pkt = (struct wga_derp_packet){
		.from_client = from_client, .opened = derp->opened,
		.client = derp->named ? derp->client : NULL,
		.peer = p + keys - KEY, .p = p + keys, .len = len - keys,
	};
	if (packet && packet(arg, &pkt))
		return WGA_SEGMENT_FINE;
	return wga_readable(p + keys, len - keys) ? WGA_SEGMENT_TEXT :
						    WGA_SEGMENT_FOREIGN;
}

static enum wga_segment client_info(struct wga_derp *derp, const uint8_t *p,
				    size_t len)
{
	memcpy(derp->client, p, KEY);
	derp->named = true;
	return opaque_part(p, len);
}

static bool health_fits(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] == 0x7f)
			return false;
	return true;
}

static enum wga_segment check(bool ok)
{
	return ok ? WGA_SEGMENT_FINE : WGA_SEGMENT_FOREIGN;
}

enum wga_segment wga_derp_frame(struct wga_derp *derp,
				struct wga_derp_side *side, bool from_client,
				const uint8_t *p, size_t len,
				wga_stream_packet packet, void *arg)
{
	uint8_t type = p[0];

	p += WGA_DERP_HEADER;
	len -= WGA_DERP_HEADER;
	if (side->frames < 2)
		side->frames++;

	switch (type) {
	case SERVER_KEY:
		if (memcmp(p, server_key_magic, sizeof(server_key_magic)))
			return refuse(p, len);
		return opaque_part(p + 8, KEY);
	case CLIENT_INFO:
		return client_info(derp, p, len);
	case SERVER_INFO:
	case CLOSE_PEER:
		return opaque_part(p, len);
	case SEND_PACKET:
	case RECV_PACKET:
		return packet_body(derp, p, len, KEY, from_client, packet,
				   arg);
	case FORWARD_PACKET:
		return packet_body(derp, p, len, 2 * KEY, from_client, packet,
				   arg);
	case NOTE_PREFERRED:
		return check(p[0] <= 1);
	case PEER_GONE:
		return p[KEY] <= 1 ? opaque_part(p, KEY) : refuse(p, len);
	case PEER_PRESENT:
		if (len != KEY && len != KEY + 18 && len != KEY + 19)
			return refuse(p, len);
		return opaque_part(p, KEY);
	case HEALTH:
		return check(health_fits(p, len));
	case RESTARTING:
		/* milliseconds, below three days */
		return check(p[0] < 0x10 && p[4] < 0x10);
	default:
		return WGA_SEGMENT_FINE;
	}
}

/* Lengths of records in TLS 1.3: a type byte and a tag are added. */
#define SEALED		17
#define PACKET_SEALED	(WGA_DERP_HEADER + KEY + SEALED)

/* so many records must count before the law can be called broken */
#define BROKEN_LEAST	16

static bool is_tiny(size_t body)
{
	return body == WGA_DERP_HEADER + 1 + SEALED || /* NotePreferred */
	       body == WGA_DERP_HEADER + 8 + SEALED;   /* Ping, Pong */
}

static bool obeys(size_t body)
{
	static const uint8_t fixed[] = {
		148, 92, 64,	/* WireGuard handshake messages */
		124, 110,	/* disco ping, pong */
	};
	size_t i;

	if (is_tiny(body))
		return true;
	for (i = 0; i < sizeof(fixed); i++)
		if (body == fixed[i] + (size_t)PACKET_SEALED)
			return true;
	return body >= 32 + PACKET_SEALED && (body - PACKET_SEALED) % 16 == 0;
}

/* Disco messages that list endpoints: too many lengths to count as evidence,
 * but no reason for doubt either. So are an alert and a KeyUpdate.
 */
static bool is_neutral(size_t body)
{
	static const uint16_t base[] = { 80, 204, 208 };
	size_t i;

	if (body == 2 + SEALED || body == 5 + SEALED)
		return true;
	for (i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
		size_t least = base[i] + (size_t)PACKET_SEALED;

		if (body >= least && (body - least) % 18 == 0 &&
		    body - least <= 16 * 18)
			return true;
	}
	return false;
}

/* Is this length new? It is not from now on. */
static bool is_new_length(struct wga_derp_law *law, size_t body)
{
	size_t i = body % WGA_DERP_LAW_LENGTHS;
	bool seen = law->seen[i / 8] >> i % 8 & 1;

	law->seen[i / 8] |= (uint8_t)(1 << i % 8);
	return !seen;
}

static void count(struct wga_derp_law *law, size_t body)
{
	if (obeys(body)) {
		law->tiny += is_tiny(body);
		law->obey++;
		law->obey_lengths += is_new_length(law, body);
	} else if (!is_neutral(body)) {
		law->other++;
		law->other_lengths += is_new_length(law, body);
	}
}

void wga_derp_law_add(struct wga_derp_law *law, size_t body)
{
	/* ClientInfo: key, nonce, tag and {"version":2,"CanAckPings":true} */
	const size_t info = WGA_DERP_HEADER + KEY + NONCE + TAG + 32 + SEALED;
	uint32_t i = law->records;

	if (law->records < UINT32_MAX)
		law->records++;
	if (law->fresh && i == 0) {
		/* Finished, of SHA-256 or SHA-384 */
		law->intro = body == 36 + SEALED || body == 52 + SEALED;
	} else if (law->fresh && i == 1) {
		law->intro = law->intro && body >= 80 && body <= 420;
	} else if (law->fresh && i == 2) {
		law->intro = law->intro && body >= info && body <= info + 120;
	} else {
		count(law, body);
	}
}

static bool mostly_obeyed(const struct wga_derp_law *law)
{
	uint64_t total = (uint64_t)law->obey + law->other;

	return (uint64_t)law->obey * 10 >= total * 9;
}

bool wga_derp_law_holds(const struct wga_derp_law *law)
{
	if (law->fresh && (!law->intro || law->records < 4))
		return false;
	return mostly_obeyed(law) && (law->obey >= 8 || law->tiny);
}

double wga_derp_law_chance(const struct wga_derp_law *law)
{
	const double p = 1.0 / 12;
	double k = law->obey_lengths, n = k + law->other_lengths, a = k / n, d;

	if (k <= n * p)
		return 1;
	d = a * log(a / p);
	if (a < 1)
		d += (1 - a) * log((1 - a) / (1 - p));
	return exp(-n * d);
}

bool wga_derp_law_binds(const struct wga_derp_law *law)
{
	if (law->fresh && !law->intro)
		return false;
	return mostly_obeyed(law) &&
	       wga_derp_law_chance(law) < WGA_DERP_LAW_BOUND;
}

bool wga_derp_law_broken(const struct wga_derp_law *law)
{
	uint64_t total = (uint64_t)law->obey + law->other;

	return law->fresh && total >= BROKEN_LEAST &&
	       (uint64_t)law->obey * 2 < total;
}
