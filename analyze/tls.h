/* SPDX-License-Identifier: MIT */
#ifndef WGA_TLS_H
#define WGA_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/stream.h"

/*
 * Theory of operation
 *
 * TLS (RFC 5246, RFC 8446) as seen from outside: a chain of records. Before
 * the keys are there the records are clear and are read to the last byte;
 * text has no place in them except where a name belongs (SNI, ALPN, the
 * certificates of TLS 1.2). After that only ciphertext may come, and which
 * record types are left is known: with TLS 1.3 application data, with TLS 1.2
 * all types once ChangeCipherSpec was sent.
 *
 * The caller cuts the stream into records and judges ciphertext; this file
 * says which record may stand where, and reads the clear ones.
 */

#define WGA_TLS_HEADER		5
#define WGA_TLS_BODY_MAX	(16384 + 256)

/* versions as on the wire */
#define WGA_TLS_12	0x0303
#define WGA_TLS_13	0x0304

/* type in the first byte of a record */
enum wga_tls_type {
	WGA_TLS_CCS = 20,
	WGA_TLS_ALERT = 21,
	WGA_TLS_HANDSHAKE = 22,
	WGA_TLS_DATA = 23,
};

enum wga_tls_phase {
	WGA_TLS_HELLO,	/* the hello of this side is expected */
	WGA_TLS_CLEAR,	/* it was read; clear records may still come */
	WGA_TLS_KEYED,	/* TLS 1.2 after ChangeCipherSpec */
	WGA_TLS_JOINED,	/* the beginning was not seen */
};

/**
 * struct wga_tls - what both sides of a connection share
 * @version:	as the server selected; 0: not known
 * @retry:	the server asked for a second ClientHello
 * @blind:	the beginning of one side is missing, so that what the other
 *		side may do is not fully known
 * @early:	the client may send data before the handshake is over (0-RTT)
 * @suite:	cipher suite that the server selected
 * @random:	of the ClientHello; a second one repeats it (RFC 8446, 4.1.2)
 * @sni:	server name of the ClientHello, shortened to fit
 */
struct wga_tls {
	uint16_t version, suite;
	bool retry, blind, early;
	uint8_t random[32];
	char sni[44];
};

/**
 * struct wga_tls_side - one direction; starts as zeros
 * @phase:	enum wga_tls_phase
 * @hellos:	ClientHellos or ServerHellos read
 * @ccs:	ChangeCipherSpec records
 * @data:	application data was sent
 * @head, @have, @left:	clear handshake message of TLS 1.2 that is being read:
 *		its first bytes, how many of them, what is left of its body
 * @clear:	bytes of such messages
 */
struct wga_tls_side {
	uint8_t phase, hellos, ccs, have;
	bool data;
	uint8_t head[4];
	uint32_t left, clear;
};

/**
 * wga_tls_header_fits() - can these be the first bytes of a record?
 * @p, @len:	what there is of it; WGA_TLS_HEADER bytes and more say it all
 */
bool wga_tls_header_fits(const uint8_t *p, size_t len);

/* length of a record from its header, header included */
size_t wga_tls_record_length(const uint8_t p[static WGA_TLS_HEADER]);

/**
 * wga_tls_join() - get in step where a record with this beginning is
 * @tls, @side:	connection and direction
 * @p, @len:	the record, as far as it is there
 */
void wga_tls_join(struct wga_tls *tls, struct wga_tls_side *side,
		  bool from_client, const uint8_t *p, size_t len);

/* may a record with this header come next? */
bool wga_tls_may_follow(const struct wga_tls *tls,
			const struct wga_tls_side *side, bool from_client,
			const uint8_t p[static WGA_TLS_HEADER]);

/* is its body ciphertext? */
bool wga_tls_is_opaque(const struct wga_tls_side *side,
		       const uint8_t p[static WGA_TLS_HEADER]);

/**
 * wga_tls_record() - take in a whole record that may follow
 *
 * Return: WGA_SEGMENT_FINE, or what is wrong with a clear record. The bodies
 * of opaque ones are not looked at.
 */
enum wga_segment wga_tls_record(struct wga_tls *tls, struct wga_tls_side *side,
				bool from_client, const uint8_t *p, size_t len);

#endif /* WGA_TLS_H */
