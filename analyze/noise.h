/* SPDX-License-Identifier: MIT */
#ifndef WGA_NOISE_H
#define WGA_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#define WGA_NOISE_KEY_LEN	32
#define WGA_NOISE_TIME_LEN	12
#define WGA_NOISE_INITIATION_LEN	148

/**
 * wga_noise_open_initiation() - open a WireGuard handshake initiation
 * @priv:	static private key of the responder
 * @pub:	its public key
 * @msg:	the initiation
 * @initiator:	static public key of the initiator
 * @tai64n:	when it was made
 *
 * Noise IKpsk2, first message, as its responder reads it (WireGuard paper,
 * section 5.4.2; wireguard-go device/noise-protocol.go,
 * ConsumeMessageInitiation). Sealed are the ephemeral key and both
 * ciphertexts, and the type with its reserved bytes must be right; sender
 * index, MAC1 and MAC2 are not part of Noise.
 *
 * Return: true with @initiator and @tai64n filled; false when it was not
 * sealed to @pub, or a public key in it has low order, and they stay as they
 * were.
 */
bool wga_noise_open_initiation(const uint8_t priv[static WGA_NOISE_KEY_LEN],
			       const uint8_t pub[static WGA_NOISE_KEY_LEN],
			       const uint8_t msg[static WGA_NOISE_INITIATION_LEN],
			       uint8_t initiator[static WGA_NOISE_KEY_LEN],
			       uint8_t tai64n[static WGA_NOISE_TIME_LEN]);

#endif /* WGA_NOISE_H */
