/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/node_keys_internal.h"
#include "analyze/noise.h"
#include "tests/golden/forge.h"
#include "tests/golden/forge_noise.h"

#define CAPTURES	"tests/golden/captures/"
#define HEX_A	"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define HEX_B	"60666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828344"
#define HEX_ZERO	"0000000000000000000000000000000000000000000000000000000000000000"
#define TIME_NS	UINT64_C(1795321146654311424)

/* Initiations of the recorded mesh, taken out of its DERP connections with the
 * TLS key log, and what another implementation (Python's hashlib and
 * cryptography) says is in them.
 */
static const struct {
	const char *folder, *from, *to;
	uint64_t time_ns;
	const char *hex;
} real[] = {
	{ "join-direct", "vm-a", "vm-b", UINT64_C(1795321146654311424),
	  "010000002fc6290abb373550bed63fc88412ba5627cd5aae616d017ef9c3149e"
	  "d52fe3c71ae6b508d626659322e6d6f0dd09913d64d454d9c9e80c5f6c88feb4"
	  "da34c7c7bbda3c785275503deb06a1c1259e21573f1588bb18234b68ee7d4bf7"
	  "02fc90e28b7cd92b43f46a3dcce7174a4ed2ac8af463ad2251c034167937fe9c"
	  "a7bd395b00000000000000000000000000000000" },
	{ "join-direct", "vm-a", "vm-c", UINT64_C(1795321147872415232),
	  "010000006515a6c68af3e73df65619c8cb200660a934b8a82590c9d0c897cf71"
	  "a3dfb38f485d8d35378ecc438f849db1bdb39e065b6cb0a9367e9495ef6d4a02"
	  "d402ed845ed56d101c0e54791ea4ec54a02554496efbbc5498ff8a5447f24ee6"
	  "8d32f60fc29f245e27436a08a13dffb23d50c7f27046559650fb55d791df9718"
	  "fb6628e400000000000000000000000000000000" },
	{ "join-direct", "vm-b", "vm-c", UINT64_C(1795321149083886080),
	  "01000000b08060888eea456b8f8e5311169a29f6c81572cca20bdad7f4dbd420"
	  "c249e0a0c4a59061886d0a3b3450b5680aecf4cf57991d966f21af0e15833e98"
	  "e8804d1b04121c2d1c6926e048405a7cbc2ef51c9dff8b02b5dafdf8af5c6a29"
	  "d32a3f1b7ac175f68d8effcfa74d29e06fa971f125b6fb015f34b871f90efb50"
	  "0f0bf3ac00000000000000000000000000000000" },
	{ "relay", "vm-a", "vm-b", UINT64_C(1795321201234881024),
	  "01000000b793f0c21090a53db2e9a3ac415e3df2409195c24ae4146ed7050cf0"
	  "ff23afd705e6c3662d1f25d912104a55658f4db4bc5c6b40cd056132fba564eb"
	  "478ca85d638a5969fd69160db5d0cf7b8879f3874c83bb57d00771d4ba47d274"
	  "a8c58cc2045611bb60208e951ba0ee5958b1b0c557384c1f4c1629b7128babdc"
	  "fe7a6caf00000000000000000000000000000000" },
};

static void from_hex(const char *hex, uint8_t *out)
{
	size_t i, n = strlen(hex) / 2;

	for (i = 0; i < n; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

static int parse(struct wga_node_keys **keys, const char *text,
		 struct wga_err *err)
{
	return wga_node_keys_parse(keys, text, strlen(text), "keys.txt", err);
}

static struct wga_node_keys *parsed(const char *text)
{
	struct wga_node_keys *keys = NULL;
	struct wga_err err;

	if (parse(&keys, text, &err) < 0)
		fail_msg("%s", err.text);
	return keys;
}

static struct wga_node_keys *loaded(const char *folder)
{
	struct wga_node_keys *keys = NULL;
	struct wga_err err;
	char path[128];
	bool shared;

	snprintf(path, sizeof(path), CAPTURES "%s/node-private-keys.txt",
		 folder);
	if (wga_node_keys_load(&keys, path, &shared, &err) < 0)
		fail_msg("%s", err.text);
	return keys;
}

static void check_named(const struct wga_node_keys *keys, const uint8_t *pub,
			const char *name)
{
	size_t i;

	for (i = 0; i < wga_node_keys_count(keys); i++) {
		if (memcmp(wga_node_keys_public(keys, i), pub, WGA_KEY_LEN))
			continue;
		assert_string_equal(wga_node_keys_name(keys, i), name);
		return;
	}
	fail_msg("no key of %s", name);
}

static void test_real(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(real) / sizeof(real[0]); i++) {
		struct wga_node_keys *keys = loaded(real[i].folder);
		uint8_t msg[148];
		struct wga_opened out;

		from_hex(real[i].hex, msg);
		assert_int_equal(wga_node_keys_open(keys, msg, &out),
				 WGA_OPENING_DONE);
		check_named(keys, out.initiator, real[i].from);
		check_named(keys, out.responder, real[i].to);
		assert_int_equal(wga_tai64n_ns(out.tai64n), real[i].time_ns);
		wga_node_keys_free(keys);
	}
}

/* the keys of the recorded nodes are those of its registry */
static void test_public(void **state)
{
	struct wga_node_keys *keys = loaded("join-direct");
	struct wga_registry *reg = NULL;
	struct wga_err err;
	size_t i;

	(void)state;
	assert_int_equal(wga_registry_load(&reg, CAPTURES "join-direct/nodes.json",
					   &err), 0);
	assert_int_equal(wga_node_keys_count(keys), wga_registry_count(reg));
	for (i = 0; i < wga_registry_count(reg); i++) {
		const struct wga_node *node = wga_registry_node(reg, i);

		check_named(keys, node->node_key, node->name);
	}
	wga_registry_free(reg);
	wga_node_keys_free(keys);
}

/* an initiation from B to A */
static void forge(struct forge_noise *n, uint8_t msg[static 148])
{
	uint64_t seed = 7;
	uint8_t a[32];

	*n = (struct forge_noise){ .sender = 0x11223344, .time_ns = TIME_NS };
	from_hex(HEX_A, a);
	from_hex(HEX_B, n->initiator);
	forge_noise_public(a, n->responder);
	forge_fill(&seed, n->ephemeral, sizeof(n->ephemeral));
	forge_noise_init(n, msg);
}

static void test_forged_right(void **state)
{
	struct wga_node_keys *keys = parsed("b privkey:" HEX_B "\n"
					    "a privkey:" HEX_A "\n");
	struct forge_noise n;
	struct wga_opened out;
	uint8_t msg[148];

	(void)state;
	forge(&n, msg);
	assert_int_equal(wga_node_keys_open(keys, msg, &out), WGA_OPENING_DONE);
	check_named(keys, out.responder, "a");
	check_named(keys, out.initiator, "b");
	assert_int_equal(wga_tai64n_ns(out.tai64n), TIME_NS);
	wga_node_keys_free(keys);
}

/* what the receiver can check: all up to MAC1; sender index and MAC1 are not
 * sealed, so whoever knows the public key can set them
 */
static void test_tampered(void **state)
{
	struct wga_node_keys *keys = parsed("a privkey:" HEX_A);
	struct forge_noise n;
	struct wga_opened out, before;
	uint8_t msg[148];
	size_t i;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	out = before;
	forge(&n, msg);
	for (i = 0; i < 132 * 8; i++) {
		const uint8_t bit = (uint8_t)(1 << i % 8);
		enum wga_opening got;

		msg[i / 8] ^= bit;
		assert_int_equal(wga_node_keys_open(keys, msg, &out),
				 WGA_OPENING_NO_KEY);
		forge_wg_mac1(n.responder, msg, 116, msg + 116);
		if (i / 8 < 4 || (i / 8 >= 8 && i / 8 < 116)) {
			got = wga_node_keys_open(keys, msg, &out);
			assert_int_equal(got, i / 8 ? WGA_OPENING_FORGED :
					 WGA_OPENING_NO_KEY);
			assert_memory_equal(&out, &before, sizeof(out));
		}
		forge_noise_init(&n, msg);
	}
	wga_node_keys_free(keys);
}

static void test_not_for_us(void **state)
{
	struct wga_node_keys *keys = parsed("b privkey:" HEX_B);
	struct forge_noise n;
	struct wga_opened out;
	uint8_t msg[148];
	uint64_t seed = 3;

	(void)state;
	forge(&n, msg);
	assert_int_equal(wga_node_keys_open(keys, msg, &out),
			 WGA_OPENING_NO_KEY);
	assert_int_equal(wga_node_keys_open(NULL, msg, &out),
			 WGA_OPENING_NO_KEY);
	/* addressed to B with the right MAC1, but sealed to A, or to nobody */
	forge_noise_public(n.initiator, n.responder);
	forge_wg_mac1(n.responder, msg, 116, msg + 116);
	assert_int_equal(wga_node_keys_open(keys, msg, &out),
			 WGA_OPENING_FORGED);
	forge_wg_init(&seed, msg, 1, n.responder);
	assert_int_equal(wga_node_keys_open(keys, msg, &out),
			 WGA_OPENING_FORGED);
	wga_node_keys_free(keys);
}

/* Points of small order (RFC 7748, section 6.1): with them anyone could seal
 * an initiation without any private key.
 */
static void test_low_order(void **state)
{
	static const char *const points[] = {
		HEX_ZERO,
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000080",
	};
	struct wga_node_keys *keys = parsed("a privkey:" HEX_A);
	struct forge_noise n;
	struct wga_opened out;
	uint8_t msg[148], point[32];
	size_t i;

	(void)state;
	forge(&n, msg);
	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		from_hex(points[i], point);
		n.fake_initiator = point;
		n.fake_ephemeral = NULL;
		forge_noise_init(&n, msg);
		assert_int_equal(wga_node_keys_open(keys, msg, &out),
				 WGA_OPENING_FORGED);
		n.fake_initiator = NULL;
		n.fake_ephemeral = point;
		forge_noise_init(&n, msg);
		assert_int_equal(wga_node_keys_open(keys, msg, &out),
				 WGA_OPENING_FORGED);
	}
	wga_node_keys_free(keys);
}

static void test_tai64n(void **state)
{
	static const struct {
		const char *hex;
		uint64_t ns;
	} times[] = {
		{ "400000006b026d4427000000", TIME_NS },
		{ "400000000000000a00000001", 1 },
		{ "400000000000000b3b9ac9ff", UINT64_C(1999999999) },
		{ "400000000000000b3b9aca00", 0 },	/* a whole second of ns */
		{ "400000000000000900000001", 0 },	/* before 1970 */
		{ "000000006b026d4427000000", 0 },
		{ "40000004ffffffff00000000", 0 },	/* after 2554 */
		{ "ffffffffffffffffffffffff", 0 },
		{ "000000000000000000000000", 0 },
	};
	uint8_t t[12];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		from_hex(times[i].hex, t);
		assert_int_equal(wga_tai64n_ns(t), times[i].ns);
	}
}

static void test_parse(void **state)
{
	struct wga_node_keys *keys = parsed(
		"# keys\n\n  \t\r\n"
		"  a \t privkey:" HEX_A "  # the first\r\n"
		"\t# b\n"
		"bb privkey:60666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F8081828344\n"
		"again privkey:" HEX_A);
	struct wga_err err;
	uint8_t priv[32], pub[32];

	(void)state;
	assert_int_equal(wga_node_keys_count(keys), 2);
	assert_string_equal(wga_node_keys_name(keys, 0), "a");
	assert_string_equal(wga_node_keys_name(keys, 1), "bb");
	from_hex(HEX_B, priv);
	forge_noise_public(priv, pub);
	assert_memory_equal(wga_node_keys_public(keys, 1), pub, 32);

	/* more files add up; what is known adds nothing */
	assert_int_equal(parse(&keys, "x privkey:" HEX_A, &err), 0);
	assert_int_equal(wga_node_keys_count(keys), 2);
	assert_int_equal(parse(&keys, "c privkey:ff" HEX_B, &err), -1);
	assert_int_equal(wga_node_keys_count(keys), 2);
	assert_int_equal(parse(&keys, "c privkey:ff0304050607080900000000000000"
			       "0000000000000000000000000000000000\n", &err), 0);
	assert_int_equal(wga_node_keys_count(keys), 3);
	check_named(keys, pub, "bb");
	assert_string_equal(wga_node_keys_name(keys, 2), "c");
	wga_node_keys_free(keys);
	wga_node_keys_free(NULL);
	assert_int_equal(wga_node_keys_count(NULL), 0);
}

/* no error has more of a key in it than four digits in a row could be */
static void check_silent(const char *text, const char *said)
{
	char part[7];
	size_t i;

	for (i = 0; i + 6 <= strlen(text); i++) {
		memcpy(part, text + i, 6);
		part[6] = '\0';
		if (strspn(part, "0123456789abcdefABCDEF") == 6 &&
		    strstr(said, part))
			fail_msg("%s: tells %s", said, part);
	}
}

static void test_parse_errors(void **state)
{
	static const struct {
		const char *text, *needle;
	} bad[] = {
		{ "", "no key in it" },
		{ "# nothing\n\n", "no key in it" },
		{ "a", "line 1: not a name" },
		{ "a privkey:" HEX_A "\nb", "line 2: not a name" },
		{ "\na privkey:" HEX_A "0\n", "line 2: not a name" },
		{ "\n\na privkey:0" HEX_A "\n", "line 3: not a name" },
		{ "a privkey:" HEX_A "00\n", "line 1: not a name" },
		{ "a " HEX_A, "line 1: not a name" },
		{ "a nodekey:" HEX_A, "line 1: not a name" },
		{ "a privkey:g102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
		  "line 1: not a name" },
		{ "privkey:" HEX_A, "a name must stand" },
		{ "privkey:" HEX_A " a", "a name must stand" },
		{ HEX_A HEX_B, "at most 63 bytes" },
		{ "a privkey:" HEX_A " " HEX_B, "more than" },
		{ "a privkey:" HEX_ZERO, "zeros" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wga_node_keys *keys = NULL;
		struct wga_err err;

		assert_int_equal(parse(&keys, bad[i].text, &err), -1);
		assert_null(keys);
		assert_string_equal(err.code, "bad-node-keys");
		if (!strstr(err.text, bad[i].needle) ||
		    strncmp(err.text, "keys.txt", 8))
			fail_msg("\"%s\" should be in: %s", bad[i].needle,
				 err.text);
		check_silent(bad[i].text, err.text);
	}
}

static void test_nul(void **state)
{
	static const char text[] = "a\0b privkey:" HEX_A;
	struct wga_node_keys *keys = NULL;
	struct wga_err err;

	(void)state;
	assert_int_equal(wga_node_keys_parse(&keys, text, sizeof(text) - 1, "k",
					     &err), -1);
	assert_null(keys);
}

static void test_file(void **state)
{
	char path[] = "/tmp/wgaudit-keys-XXXXXX";
	static const char text[] = "a privkey:" HEX_A "\n";
	struct wga_node_keys *keys = NULL;
	struct wga_err err;
	bool shared = true;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(wga_node_keys_load(&keys, path, &shared, &err), 0);
	assert_false(shared);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(wga_node_keys_load(&keys, path, &shared, &err), 0);
	assert_true(shared);
	assert_int_equal(wga_node_keys_count(keys), 1);
	unlink(path);
	close(fd);
	assert_int_equal(wga_node_keys_load(&keys, path, &shared, &err), -1);
	assert_string_equal(err.code, "no-such-file");
	assert_non_null(strstr(err.text, path));
	assert_int_equal(wga_node_keys_count(keys), 1);
	wga_node_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_forged_right),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_not_for_us),
		cmocka_unit_test(test_low_order),
		cmocka_unit_test(test_tai64n),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
