/* SPDX-License-Identifier: MIT */
#ifndef WGA_STREAM_H
#define WGA_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * A TCP connection to a declared DERP or control server is followed to its
 * last byte. Segments come in as the bridge saw them; wga_stream puts each
 * direction in order and hands it to a parser that must be able to say what
 * every byte is: a TLS record, a ts2021 frame, a DERP frame, an HTTP upgrade.
 * TLS 1.3 whose secrets are known is opened, and what is inside explained too.
 * The answer is per segment, so that the frame that holds foreign bytes is the
 * frame that is named.
 */
struct wga_stream;

enum wga_stream_kind {
	WGA_STREAM_CONTROL,	/* declared control server, its declared port */
	WGA_STREAM_DERP,	/* declared DERP server, its declared port */
	WGA_STREAM_SHARED,	/* both, at one address and port */
	WGA_STREAM_PORT80,	/* TCP 80 of a control server's address */
};

/* what a segment turned out to be */
enum wga_segment {
	WGA_SEGMENT_FINE,	/* explained, or nothing in it */
	WGA_SEGMENT_TEXT,	/* holds readable bytes where none may be */
	WGA_SEGMENT_FOREIGN,	/* holds bytes that are not of the protocol */
};

/**
 * struct wga_stream_report - what was learnt about a connection so far
 * @derp:	it carries DERP: the upgrade was read, or the record lengths
 *		follow its law (facts: client to server N+54, 6 mod 16)
 * @late:	it began before the capture and could not be brought in step
 * @gap:	bytes are missing in mid-stream
 * @spliced:	foreign bytes were found
 * @opened:	it is TLS, all its ciphertext up to now was opened, and every
 *		byte of what was inside is explained
 * @bound:	not opened, but enough of its records obey the law of DERP
 * @broke:	not opened, declared to be DERP alone, and enough of its records
 *		break that law
 * @law_chance:	at most how likely records of random lengths would obey the
 *		law as well (wga_derp_law_chance)
 * @records:	TLS application data records, both directions
 * @detail:	"TLS 1.3, SNI headscale.lab", "ts2021 over HTTP", …
 */
struct wga_stream_report {
	bool derp, late, gap, spliced, opened, bound, broke;
	double law_chance;
	uint64_t records;
	char detail[80];
};

/**
 * struct wga_derp_packet - a packet found inside DERP
 * @from_client:	direction of the connection
 * @opened:	the connection is TLS and was opened
 * @client:	node key of the client, as its ClientInfo says; NULL: not seen
 * @peer:	key of the other node, as the frame names it (destination of
 *		SendPacket, source of RecvPacket)
 * @p, @len:	the packet
 */
struct wga_derp_packet {
	bool from_client, opened;
	const uint8_t *client, *peer;
	const uint8_t *p;
	size_t len;
};

/**
 * wga_stream_packet() - take in a packet found inside DERP
 * @arg:	as given to wga_stream_new()
 * @pkt:	the packet; not kept
 *
 * Return: true if it is WireGuard or disco, false if it does not belong there.
 */
typedef bool (*wga_stream_packet)(void *arg, const struct wga_derp_packet *pkt);

struct wga_keylog;

/**
 * wga_stream_new() - follow a connection
 * @kind:	what its server was declared to be
 * @keylog:	secrets to open its TLS with, or NULL; must outlive the stream
 * @packet, @arg:	called for each packet in DERP, clear or opened
 *
 * Return: the stream, or NULL when out of memory.
 */
struct wga_stream *wga_stream_new(enum wga_stream_kind kind,
				  const struct wga_keylog *keylog,
				  wga_stream_packet packet, void *arg);

/**
 * wga_stream_segment() - judge one TCP segment
 * @st:		the stream
 * @from_client:	sent by the side that is not the declared server
 * @seq:	sequence number of the first byte (of SYN itself for a SYN)
 * @flags:	TCP flags byte
 * @p, @len:	payload
 */
enum wga_segment wga_stream_segment(struct wga_stream *st, bool from_client,
				    uint32_t seq, uint8_t flags,
				    const uint8_t *p, size_t len);

/**
 * wga_stream_report() - what is known now; @final also counts holes that
 * were never filled as gaps
 */
void wga_stream_report(const struct wga_stream *st, bool final,
		       struct wga_stream_report *out);

void wga_stream_free(struct wga_stream *st);

#endif /* WGA_STREAM_H */
