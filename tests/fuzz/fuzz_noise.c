/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/node_keys_internal.h"
#include "analyze/noise.h"
#include "tests/golden/forge_noise.h"

#define LEN	FORGE_INIT_LEN
#define KEY	"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t priv[32] = {
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
};

static uint8_t pub[32], sealed[LEN];
static struct wga_node_keys *keys;

static void prepare(void)
{
	static const char text[] = "a privkey:" KEY;
	struct forge_noise n = {
		.sender = 1, .initiator = { 9 }, .ephemeral = { 8 },
		.time_ns = 1000000007,
	};

	forge_noise_public(priv, pub);
	memcpy(n.responder, pub, sizeof(pub));
	forge_noise_init(&n, sealed);
	if (wga_node_keys_parse(&keys, text, strlen(text), "key", NULL) < 0)
		abort();
}

static bool any(const uint8_t *p, size_t from, size_t upto)
{
	while (from < upto && !p[from])
		from++;
	return from < upto;
}

/* The input is what is changed in a good initiation: any change to what is
 * sealed, and only that, must close it. What follows is opened as it stands.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t change[LEN] = { 0 }, msg[LEN], initiator[32], when[12] = { 0 };
	struct wga_opened out;
	bool opens;
	size_t i;

	if (!keys)
		prepare();
	memcpy(change, data, size < LEN ? size : LEN);
	for (i = 0; i < LEN; i++)
		msg[i] = sealed[i] ^ change[i];

	opens = wga_noise_open_initiation(priv, pub, msg, initiator, when);
	if (opens == (any(change, 0, 4) || any(change, 8, 116)))
		abort();
	if (wga_node_keys_open(keys, msg, &out) !=
	    (any(change, 0, 132) ? WGA_OPENING_NO_KEY : WGA_OPENING_DONE))
		abort();
	if (opens && wga_tai64n_ns(when) != 1000000007)
		abort();

	if (size >= 2 * LEN)
		wga_noise_open_initiation(priv, pub, data + LEN, initiator,
					  when);
	if (size >= sizeof(when))
		wga_tai64n_ns(data);
	return 0;
}
