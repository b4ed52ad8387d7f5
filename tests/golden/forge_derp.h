/* SPDX-License-Identifier: MIT */
#ifndef FORGE_DERP_H
#define FORGE_DERP_H

#include "tests/golden/forge_mesh.h"

/*
 * DERP without TLS, between hosts of the mesh and its server. What is in it
 * reaches the code under test as it would from TLS that was opened, except
 * that the connection does not count as opened.
 */

/* private node key of a host; forge_derp_keys() gives hosts the public ones */
void forge_derp_private(enum forge_who who, uint8_t key[FORGE_KEY_LEN]);
void forge_derp_keys(struct forge_mesh *m);

/* open the connection of a host: upgrade, keys, infos */
void forge_derp_open(struct forge_mesh *m, struct forge_tcp *t,
		     enum forge_who client);
/* a packet of the client to @peer, or to the client from @peer */
void forge_derp_send(struct forge_mesh *m, struct forge_tcp *t, bool from_client,
		     const uint8_t peer[FORGE_KEY_LEN], const void *packet,
		     size_t len);
/* a packet from the client of one connection to that of another */
void forge_derp_pass(struct forge_mesh *m, struct forge_tcp *from,
		     struct forge_tcp *to, const void *packet, size_t len);

#endif /* FORGE_DERP_H */
