/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "analyze/services.h"

/* A ping as Tailscale 1.96.0 seals it (tailscale disco/disco.go), from A to B */
static const char ping_hex[] =
	"5453f09f92ac"
	"07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"
	"b79c88f11d79eae2b461cf4f12e245a446f0eaf9ac73417e"
	"a1332a7b094b3e78e8be5d7f2832cc2ea3ac85e908550b569e96bf2c59e5d8ba"
	"e47e04fd67d12f542c261f4bf4f704475219d2ab942046231d09afd9224f";
static const char private_b[] =
	"60666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828344";
static const char private_a[] =
	"0002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f60";

#define PING_LEN	124
#define NONCE_OFFSET	(WGA_DISCO_KEY_OFFSET + crypto_box_PUBLICKEYBYTES)
#define BOX_OFFSET	(NONCE_OFFSET + crypto_box_NONCEBYTES)
#define CLEAR_LEN	(PING_LEN - BOX_OFFSET - crypto_box_MACBYTES)

static size_t unhex(uint8_t *out, size_t room, const char *hex)
{
	size_t n = 0;

	assert_int_equal(sodium_hex2bin(out, room, hex, strlen(hex), NULL, &n,
					NULL), 0);
	return n;
}

static void test_ping(void **state)
{
	uint8_t ping[PING_LEN], a[32], b[32], public[32], clear[CLEAR_LEN];
	struct wga_view v = { ping, sizeof(ping) };
	unsigned int i;

	(void)state;
	assert_int_equal(unhex(ping, sizeof(ping), ping_hex), sizeof(ping));
	unhex(a, sizeof(a), private_a);
	unhex(b, sizeof(b), private_b);
	assert_true(wga_disco_looks_like(&v));
	assert_true(wga_disco_check(v, false));

	/* the sender is where its public key is looked for */
	assert_int_equal(crypto_scalarmult_base(public, a), 0);
	assert_memory_equal(ping + WGA_DISCO_KEY_OFFSET, public, 32);
	assert_int_equal(crypto_box_open_easy(clear, ping + BOX_OFFSET,
					      sizeof(ping) - BOX_OFFSET,
					      ping + NONCE_OFFSET, public, b),
			 0);
	assert_int_equal(clear[0], 1);
	assert_int_equal(clear[1], 0);
	for (i = 0; i < 12; i++)
		assert_int_equal(clear[2 + i], i + 1);
}

static void test_other(void **state)
{
	uint8_t ping[PING_LEN];
	struct wga_view v = { ping, sizeof(ping) };

	(void)state;
	unhex(ping, sizeof(ping), ping_hex);
	ping[5] ^= 1;
	assert_false(wga_disco_looks_like(&v));
	ping[5] ^= 1;
	memset(ping + BOX_OFFSET, 'a', sizeof(ping) - BOX_OFFSET);
	assert_false(wga_disco_check(v, false));
	unhex(ping, sizeof(ping), ping_hex);
	v.len--;
	assert_false(wga_disco_check(v, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
