/* SPDX-License-Identifier: MIT */
#ifndef WGA_TS2021_H
#define WGA_TS2021_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * ts2021 is Noise (IK, 25519, ChaCha20-Poly1305, BLAKE2s) over an upgraded
 * HTTP connection. The client's handshake travels in a header of the request;
 * after the 101 the server answers with one response frame, or with one error
 * frame in the clear, and from then on both sides send record frames only:
 * 04, length (2 bytes), ciphertext. The chain is followed to the last byte.
 */

#define WGA_TS2021_HEADER	3

/**
 * struct wga_ts2021_side - one direction; starts as zeros
 * @frames:	a frame was read (the first of a server is special)
 * @error:	the server sent an error in the clear
 */
struct wga_ts2021_side {
	bool frames, error;
};

/* is this header value a handshake of the client? */
bool wga_ts2021_handshake(const char *base64, size_t len);

/**
 * wga_ts2021_header_fits() - can these be the first bytes of the next frame?
 * @p, @len:	what there is of it
 */
bool wga_ts2021_header_fits(const struct wga_ts2021_side *side,
			    bool from_client, const uint8_t *p, size_t len);

/* length of a frame from its header, header included */
size_t wga_ts2021_frame_length(const uint8_t p[static WGA_TS2021_HEADER]);

/* is the body of this frame ciphertext? Only an error is not. */
bool wga_ts2021_is_opaque(const uint8_t p[static WGA_TS2021_HEADER]);

/* take in a whole frame whose header fits */
void wga_ts2021_frame(struct wga_ts2021_side *side,
		      const uint8_t p[static WGA_TS2021_HEADER]);

#endif /* WGA_TS2021_H */
