/* SPDX-License-Identifier: MIT */
#ifndef FORGE_TLS_H
#define FORGE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/keylog.h"
#include "tests/golden/forge_seal.h"

/*
 * Theory of operation
 *
 * A TLS 1.3 connection whose secrets are known, written record by record: the
 * hellos of forge_msg.h, the shortest handshake there is (that of a resumed
 * session), and whatever is to be sealed. A key log in a memfd goes with it.
 */

enum { FORGE_TLS_SERVER, FORGE_TLS_CLIENT };

/* inner types of records */
enum {
	FORGE_TLS_ALERT = 21,
	FORGE_TLS_HANDSHAKE = 22,
	FORGE_TLS_DATA = 23,
};

/**
 * struct forge_tls - a connection
 * @random:	of the ClientHello, once that is written
 * @secret:	by enum wga_keylog_label, @len bytes each
 * @side:	who seals the next record, by FORGE_TLS_*
 */
struct forge_tls {
	uint64_t seed;
	uint16_t suite;
	uint8_t random[32];
	uint8_t secret[WGA_KEYLOG_LABELS][WGA_KEYLOG_SECRET_MAX];
	size_t len;
	struct forge_seal side[2];
};

/* @suite: of analyze/tls13.h; another @seed makes another connection */
void forge_tls_init(struct forge_tls *t, uint16_t suite, uint64_t seed);

/* Each writes records and returns their length. */
size_t forge_tls_hello(struct forge_tls *t, uint8_t *b, const char *sni);
size_t forge_tls_answer(struct forge_tls *t, uint8_t *b);
/* ChangeCipherSpec and the rest of a side's handshake; its keys change then */
size_t forge_tls_finish(struct forge_tls *t, bool from_client, uint8_t *b);
size_t forge_tls_seal(struct forge_tls *t, bool from_client, uint8_t type,
		      const void *p, size_t len, uint8_t *b);
/* KeyUpdate; the keys change then */
size_t forge_tls_update(struct forge_tls *t, bool from_client, uint8_t *b);

/* add what opens the connection to a log, which may be NULL */
void forge_tls_log(const struct forge_tls *t, struct wga_keylog **log);

#endif /* FORGE_TLS_H */
