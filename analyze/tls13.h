/* SPDX-License-Identifier: MIT */
#ifndef WGA_TLS13_H
#define WGA_TLS13_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * One direction of a TLS 1.3 connection (RFC 8446, section 5.2), opened record
 * by record with the traffic secrets of a key log. Records must be handed in in
 * order and without a gap: nonces count them. Handshake messages are followed
 * inside, also when they are split over records or share one: after Finished
 * come the application keys, after KeyUpdate the next generation (section 7.2).
 */
struct wga_tls13;

/* cipher suites (RFC 8446, appendix B.4) */
#define WGA_TLS13_AES_128_GCM_SHA256	0x1301
#define WGA_TLS13_AES_256_GCM_SHA384	0x1302
#define WGA_TLS13_CHACHA20_SHA256	0x1303

/**
 * wga_tls13_new() - begin one direction
 * @suite:	as the server selected
 * @handshake, @traffic:	secrets of this direction
 * @len:	their length, that of the suite's hash
 *
 * Return: NULL for another suite, another length, or when out of memory. Keys
 * are held as analyze/secret.h says.
 */
struct wga_tls13 *wga_tls13_new(uint16_t suite, const uint8_t *handshake,
				const uint8_t *traffic, size_t len);
void wga_tls13_free(struct wga_tls13 *t);

/* inner content types (section 5.1) */
enum wga_tls13_type {
	WGA_TLS13_ALERT = 21,
	WGA_TLS13_HANDSHAKE = 22,
	WGA_TLS13_DATA = 23,
};

/**
 * wga_tls13_open() - open the next record of type application data
 * @t:		direction
 * @record, @len:	the whole record, header included
 * @out:	room for @len bytes
 * @out_len:	length of the content, without padding and type
 * @type:	inner type
 *
 * Return: 0; -1 if the record is not sealed with the key that is due, or if its
 * handshake messages are not as they must be. After -1 the direction stays
 * where it was.
 */
int wga_tls13_open(struct wga_tls13 *t, const uint8_t *record, size_t len,
		   uint8_t *out, size_t *out_len, enum wga_tls13_type *type);

/* is the handshake of this direction over (Finished seen)? */
bool wga_tls13_established(const struct wga_tls13 *t);

#endif /* WGA_TLS13_H */
