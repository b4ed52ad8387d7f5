/* SPDX-License-Identifier: MIT */
#ifndef WGA_ELIDE_H
#define WGA_ELIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/packet.h"
#include "analyze/wireguard.h"
#include "capture/frame.h"

/*
 * Theory of operation
 *
 * Of WireGuard data that was judged, the verdict needs no ciphertext: of each
 * message its header, its length, how many of its bytes have the high bit set,
 * and a digest that tells it from another one with the same counter. An elided
 * frame keeps its first bytes, up to 32 of its first message, which no message is
 * shorter than; and a comment of its packet block has the rest:
 *
 *	wgaudit elided 1: LEN,HIGH,DIGEST;LEN,HIGH,DIGEST,HEADER;...
 *
 * with a part for each message: its length and the number of its bytes >= 0x80
 * behind the header, in decimal; BLAKE2b of the whole message, 16 bytes under the
 * key "wgaudit elided 1"; and from the second message on its 16 bytes of header.
 * Both in lower case hexadecimal. 1 is the version of this form.
 *
 * Anybody can write such a comment. It is believed only with
 * wga_config.trust_elided, and only if it fits the frame to the byte: one form
 * for one meaning, so a frame that was elided is read as what it was, or is
 * merely a frame that was cut.
 *
 * Digests must last, so their key is known, and 16 bytes are what keeps two
 * messages of one digest from being made. Sessions compare a shorter digest of
 * that one, under the key of the process (opaque.h); where elided frames are
 * believed this holds for all data messages, so that a session that is whole on
 * one bridge and elided on another is still one.
 */

/* longest comment, as an option of pcapng can have it */
#define WGA_ELIDED_MAX	65535

/**
 * struct wga_elision - a frame that is to be cut; starts as zeros
 * @frame:	the frame with fewer bytes; its bytes are those of the whole one,
 *		and its comment is @text
 * @text:	the comment
 * @whole, @again:	room for its messages
 */
struct wga_elision {
	struct wga_frame frame;
	char text[WGA_ELIDED_MAX + 1];
	struct wga_wg_messages whole, again;
};

/**
 * wga_elide() - leave out the ciphertext of a frame
 * @e:		filled
 * @frame:	a whole frame that was judged to be nothing but WireGuard
 *
 * Frames are left alone in tunnels and fragments, with handshakes among their
 * messages, with bytes behind the IP packet, where nothing would be saved, and
 * where for whatever reason the messages could not be read back as they are.
 *
 * Return: true if there now is a shorter frame.
 */
bool wga_elide(struct wga_elision *e, const struct wga_frame *frame);

/* release what @e holds */
void wga_elision_end(struct wga_elision *e);

/**
 * wga_elided_read() - read the messages of an elided frame
 * @frame:	a frame
 * @pkt:	the same, parsed
 * @out:	messages are appended; they have no bytes
 *
 * Return: false if the frame is not cut, its comment is none of ours, or does not
 * fit it; then nothing is appended.
 */
bool wga_elided_read(const struct wga_frame *frame,
		     const struct wga_packet *pkt, struct wga_wg_messages *out);

/* digest of a whole data message, to be compared with those of elided ones */
uint64_t wga_elided_digest(const struct wga_wg_message *m);

#endif /* WGA_ELIDE_H */
