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
 * ChangeCipherSpec and the clear hello are not records of this kind, and early
 * data is sealed with a secret that is not asked for here: it does not open.
 *
 * Secrets and IVs are held as analyze/secret.h says. What libcrypto makes of a
 * key lives in its own memory: wiped when it is freed, but not locked.
 */
struct wga_tls13;

/* cipher suites (RFC 8446, appendix B.4) */
#define WGA_TLS13_AES_128_GCM_SHA256	0x1301
#define WGA_TLS13_AES_256_GCM_SHA384	0x1302
#define WGA_TLS13_CHACHA20_SHA256	0x1303

/**
 * wga_tls13_new() - begin one direction
 * @suite:	as the server selected
 * @handshake, @traffic:	secrets of this direction; copied
 * @len:	their length, that of the suite's hash
 *
 * Return: NULL for another suite, another length, or when out of memory.
 */
struct wga_tls13 *wga_tls13_new(uint16_t suite, const uint8_t *handshake,
				const uint8_t *traffic, size_t len);

/* wipe and release; @t may be NULL */
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
 * @out:	room for @len bytes; not over @record
 * @out_len:	length of the content, without padding and type
 * @type:	inner type
 *
 * What opens keeps the rules of section 5: padding is zeros, an alert is one
 * message of two bytes, no other record comes between the parts of a handshake
 * message, messages come in an order that section 4 has and none is left half
 * or followed by more where the key changes, there is no data before Finished.
 *
 * Return: 0; -1 if the record is not sealed with the key that is due, breaks
 * such a rule, or when out of memory. After -1 the direction stays where it
 * was, and @out holds nothing of the record.
 */
int wga_tls13_open(struct wga_tls13 *t, const uint8_t *record, size_t len,
		   uint8_t *out, size_t *out_len, enum wga_tls13_type *type);

/* is the handshake of this direction over (Finished seen)? */
bool wga_tls13_established(const struct wga_tls13 *t);

#endif /* WGA_TLS13_H */
