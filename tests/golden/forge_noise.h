/* SPDX-License-Identifier: MIT */
#ifndef FORGE_NOISE_H
#define FORGE_NOISE_H

#include <stdint.h>

#include "tests/golden/forge_msg.h"

/*
 * Handshake initiations that are really sealed, by an initiator that shares
 * nothing with the code under test: libcrypto alone.
 */

/**
 * struct forge_noise - an initiation that is to be made
 * @sender:	sender index
 * @responder:	public key that it is addressed to
 * @initiator, @ephemeral:	private keys
 * @fake_initiator, @fake_ephemeral:	NULL, or public keys to show instead,
 *		of low order: what they share with anyone is taken to be zeros
 * @time_ns:	time in it, nanoseconds since the epoch
 */
struct forge_noise {
	uint32_t sender;
	uint8_t responder[FORGE_KEY_LEN];
	uint8_t initiator[FORGE_KEY_LEN], ephemeral[FORGE_KEY_LEN];
	const uint8_t *fake_initiator, *fake_ephemeral;
	uint64_t time_ns;
};

/* the public key of a private one */
void forge_noise_public(const uint8_t priv[FORGE_KEY_LEN],
			uint8_t pub[FORGE_KEY_LEN]);

/* write the FORGE_INIT_LEN bytes of it, MAC1 too; MAC2 is zero */
size_t forge_noise_init(const struct forge_noise *n, uint8_t *b);

#endif /* FORGE_NOISE_H */
