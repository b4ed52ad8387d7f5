/* SPDX-License-Identifier: MIT */
#ifndef FORGE_SEAL_H
#define FORGE_SEAL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * The sending half of one direction of TLS 1.3, for tests of what opens it: it
 * seals what it is told to, right or wrong, and changes keys when it is told
 * to. Keys come from OpenSSL's own TLS13-KDF, not from the code under test.
 */

/* header, type and tag of a record */
#define FORGE_SEAL_MORE	(5 + 1 + 16)

/**
 * struct forge_seal - one direction
 * @suite:	a cipher suite of analyze/tls13.h
 * @secret, @len:	traffic secret in use
 * @seq:	number of the next record
 * @outer:	type in the clear, that of application data as a rule
 */
struct forge_seal {
	uint16_t suite;
	uint8_t secret[48];
	size_t len;
	uint64_t seq;
	uint8_t outer;
};

/* length of a suite's secrets */
size_t forge_seal_secret_len(uint16_t suite);

/* seal with this secret from now on */
void forge_seal_use(struct forge_seal *s, uint16_t suite, const uint8_t *secret);
/* go on with the next generation, as after KeyUpdate */
void forge_seal_update(struct forge_seal *s);

/**
 * forge_seal() - seal a record
 * @type:	inner type
 * @pad:	zeros behind it
 * @out:	room for @len + @pad + FORGE_SEAL_MORE
 *
 * Return: length of the record.
 */
size_t forge_seal(struct forge_seal *s, uint8_t type, const void *content,
		  size_t len, size_t pad, uint8_t *out);

#endif /* FORGE_SEAL_H */
