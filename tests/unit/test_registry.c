/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/mac1.h"
#include "analyze/registry_internal.h"

#define REAL_FILE	"tests/golden/captures/join-direct/nodes.json"

#define NODE_A	"b84e0775374e2ec65a5627ef8ae51d2f8d0b7c7d0182451890936122710b5a14"
#define NODE_B	"71a8fc9472cb9587edb6248a1b8c732605eab093c87ed6831e88bd6227e0ab2e"
#define DISCO_A	"25c2c36ba9875763053bb135e0a5187193c5a297ac95594bd1d56a45369c2026"
#define DISCO_B	"d0ca055eb94c0a797c69cd3559187d89f8e51b9da71bd2d6756bc79590104147"
#define DISCO_C	"4c353fa515a41b4d8a3e6be4c2cb9a29828a6208480c1c19fa73ef3f5f91b25f"
#define ZERO	"0000000000000000000000000000000000000000000000000000000000000000"

/* frame 365 of join-direct/virbr-a.pcap: the response of vm-c to vm-b */
#define RESPONSE \
	"020000004cc9e331b0806088bcf4ed7bd2082da4469caa6aff0bb0e0194c462e" \
	"6e8a1e174e1ba40684992f081dc07a51191acf9e61a7051b1c0572f85f531484" \
	"69f9fc7e450219deec4ee9ca00000000000000000000000000000000"

static const char snake[] =
	"[{\"id\": 1, \"node_key\": \"nodekey:" NODE_A "\","
	" \"disco_key\": \"discokey:" DISCO_A "\","
	" \"ip_addresses\": [\"100.64.0.1\", \"fd7a:115c:a1e0::1\"],"
	" \"name\": \"vm-a-host\", \"given_name\": \"vm-a\"},\n"
	" {\"id\": 2, \"node_key\": \"nodekey:" NODE_B "\","
	" \"disco_key\": \"discokey:" DISCO_B "\","
	" \"ip_addresses\": [\"100.64.0.2\"], \"name\": \"vm-b\"}]";

static const char camel[] =
	"{\"nodes\": [{\"id\": \"1\", \"nodeKey\": \"nodekey:" NODE_A "\","
	" \"discoKey\": \"discokey:" DISCO_A "\","
	" \"ipAddresses\": [\"100.64.0.1\", \"fd7a:115c:a1e0::1\"],"
	" \"name\": \"vm-a-host\", \"givenName\": \"vm-a\"},\n"
	" {\"id\": \"2\", \"nodeKey\": \"nodekey:" NODE_B "\","
	" \"discoKey\": \"discokey:" DISCO_B "\","
	" \"ipAddresses\": [\"100.64.0.2\"], \"name\": \"vm-b\"}]}";

static void from_hex(const char *hex, uint8_t *out)
{
	size_t i, n = strlen(hex) / 2;

	for (i = 0; i < n; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

static int disco(const struct wga_registry *reg, const char *hex)
{
	uint8_t key[WGA_KEY_LEN];

	from_hex(hex, key);
	return wga_registry_disco(reg, key);
}

static int parse(struct wga_registry **reg, const char *text,
		 struct wga_err *err)
{
	return wga_registry_parse(reg, text, strlen(text), "nodes.json", err);
}

static void parses(struct wga_registry **reg, const char *text)
{
	struct wga_err err;

	if (parse(reg, text, &err) < 0)
		fail_msg("%s", err.text);
}

static void check_both_nodes(const char *text)
{
	struct wga_registry *reg = NULL;
	const struct wga_node *node;
	uint8_t key[WGA_KEY_LEN];
	struct wga_addr addr;

	parses(&reg, text);
	assert_int_equal(wga_registry_count(reg), 2);
	node = wga_registry_node(reg, 0);
	assert_string_equal(node->name, "vm-a");
	from_hex(NODE_A, key);
	assert_memory_equal(node->node_key, key, sizeof(key));
	from_hex(DISCO_A, key);
	assert_memory_equal(node->disco_key, key, sizeof(key));
	assert_int_equal(node->n_overlay, 2);
	assert_int_equal(wga_addr_parse("fd7a:115c:a1e0::1", &addr, NULL), 0);
	assert_true(wga_addr_equal(&node->overlay[1], &addr));
	assert_string_equal(wga_registry_node(reg, 1)->name, "vm-b");
	assert_int_equal(disco(reg, DISCO_A), 0);
	assert_int_equal(disco(reg, DISCO_B), 1);
	assert_int_equal(disco(reg, DISCO_C), -1);
	wga_registry_free(reg);
}

static void test_snake_case(void **state)
{
	(void)state;
	check_both_nodes(snake);
}

static void test_camel_case(void **state)
{
	(void)state;
	check_both_nodes(camel);
}

/* Nodes that are offline, or whose key has expired, are still registered: what
 * they sent before is theirs. Other members of any type mean nothing.
 */
static void test_expired_and_offline(void **state)
{
	static const char text[] =
		"{\"nodes\": [{\"id\": \"18446744073709551615\", \"online\": false,"
		" \"machineKey\": \"mkey:" NODE_A "\","
		" \"nodeKey\": \"nodekey:" NODE_A "\","
		" \"discoKey\": \"discokey:" DISCO_A "\","
		" \"ipAddresses\": [\"100.64.0.1\", \"fd7a:115c:a1e0::1\"],"
		" \"name\": \"vm-a-host\", \"givenName\": \"vm-a\","
		" \"user\": {\"id\": \"1\", \"name\": \"lab\"},"
		" \"lastSeen\": \"2026-11-22T04:19:05.021Z\","
		" \"expiry\": \"2020-01-01T00:00:00Z\", \"preAuthKey\": null,"
		" \"registerMethod\": \"REGISTER_METHOD_AUTH_KEY\","
		" \"approvedRoutes\": [], \"tags\": [\"tag:x\"]},"
		" {\"id\": 2, \"online\": true,"
		" \"expiry\": {\"seconds\": -62135596800},"
		" \"node_key\": \"nodekey:" NODE_B "\","
		" \"disco_key\": \"discokey:" DISCO_B "\","
		" \"given_name\": null, \"name\": \"vm-b\"}]}";

	(void)state;
	check_both_nodes(text);
}

/* vm-b restarts: it has one node key and two disco keys */
static void test_disco_history(void **state)
{
	struct wga_registry *reg = NULL;

	(void)state;
	parses(&reg, snake);
	parses(&reg, "[{\"name\": \"vm-b2\", \"node_key\": \"nodekey:" NODE_B "\","
		     " \"disco_key\": \"discokey:" DISCO_C "\"}]");
	assert_int_equal(wga_registry_count(reg), 2);
	assert_int_equal(disco(reg, DISCO_A), 0);
	assert_int_equal(disco(reg, DISCO_B), 1);
	assert_int_equal(disco(reg, DISCO_C), 1);
	assert_string_equal(wga_registry_node(reg, 1)->name, "vm-b2");
	assert_int_equal(wga_registry_node(reg, 1)->n_overlay, 1);

	parses(&reg, snake);
	assert_int_equal(wga_registry_count(reg), 2);
	assert_int_equal(disco(reg, DISCO_C), 1);
	wga_registry_free(reg);
}

/* what is zero, null or empty is no key, and is found by nobody */
static int node_of(const struct wga_registry *reg, const char *hex)
{
	uint8_t key[WGA_KEY_LEN];

	from_hex(hex, key);
	return wga_registry_key(reg, key);
}

#define NODE(id, node, machine, disco) \
	"[{" id "\"name\": \"n\", \"node_key\": \"nodekey:" node "\"," \
	" \"machine_key\": \"" machine "\"," \
	" \"disco_key\": \"discokey:" disco "\"}]"

/* A node that is registered anew has another node key. */
static void test_registered_again(void **state)
{
	static const struct {
		const char *again;
		bool same;
	} rows[] = {
		{ NODE("\"id\": 1, ", NODE_B, "mkey:" DISCO_A, DISCO_B), true },
		/* the machine key counts more than the id */
		{ NODE("\"id\": 7, ", NODE_B, "mkey:" DISCO_A, DISCO_B), true },
		{ NODE("\"id\": 1, ", NODE_B, "mkey:" DISCO_C, DISCO_B), false },
		{ NODE("\"id\": 1, ", NODE_B, "", DISCO_B), true },
		{ NODE("\"id\": \"1\", ", NODE_B, "", DISCO_B), true },
		{ NODE("\"id\": 2, ", NODE_B, "", DISCO_B), false },
		{ NODE("", NODE_B, "", DISCO_B), false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wga_registry *reg = NULL;
		uint8_t key[WGA_KEY_LEN];

		parses(&reg, NODE("\"id\": 1, ", NODE_A, "mkey:" DISCO_A,
				  DISCO_A));
		parses(&reg, rows[i].again);
		assert_int_equal(wga_registry_count(reg), rows[i].same ? 1 : 2);
		assert_int_equal(node_of(reg, NODE_A), 0);
		assert_int_equal(node_of(reg, NODE_B), !rows[i].same);
		assert_int_equal(node_of(reg, DISCO_A), -1);
		assert_int_equal(disco(reg, DISCO_A), 0);
		assert_int_equal(disco(reg, DISCO_B), !rows[i].same);
		from_hex(rows[i].same ? NODE_B : NODE_A, key);
		assert_memory_equal(wga_registry_node(reg, 0)->node_key, key,
				    sizeof(key));
		/* the first snapshot again: nothing is lost, nothing added */
		parses(&reg, NODE("\"id\": 1, ", NODE_A, "mkey:" DISCO_A,
				  DISCO_A));
		assert_int_equal(wga_registry_count(reg), rows[i].same ? 1 : 2);
		assert_int_equal(node_of(reg, NODE_B), !rows[i].same);
		wga_registry_free(reg);
	}
	assert_int_equal(wga_registry_key(NULL, (uint8_t[WGA_KEY_LEN]){ 1 }), -1);
}

static void test_no_keys(void **state)
{
	struct wga_registry *reg = NULL;
	uint8_t msg[148] = { 1 };

	(void)state;
	parses(&reg, "[{\"node_key\": \"nodekey:" NODE_A "\", \"disco_key\": null},"
		     " {\"name\": \"x\", \"node_key\": \"nodekey:" ZERO "\","
		     "  \"disco_key\": \"discokey:" ZERO "\"},"
		     " {\"name\": \"\", \"node_key\": \"\", \"disco_key\": \"\"}]");
	assert_int_equal(wga_registry_count(reg), 3);
	assert_string_equal(wga_registry_node(reg, 0)->name, "node 1");
	assert_string_equal(wga_registry_node(reg, 2)->name, "node 3");
	assert_int_equal(disco(reg, ZERO), -1);
	assert_int_equal(wga_registry_mac1(reg, msg, sizeof(msg)), -1);
	wga_registry_free(reg);
}

static void test_names_are_cut(void **state)
{
	struct wga_registry *reg = NULL;

	(void)state;
	parses(&reg, "[{\"name\": \"0123456789012345678901234567890123456789"
		     "012345678901234567890123456789\","
		     " \"node_key\": \"nodekey:" NODE_A "\","
		     " \"ip_addresses\": [\"100.64.0.1\", \"100.64.0.2\","
		     " \"100.64.0.3\", \"100.64.0.4\", \"100.64.0.5\"]}]");
	assert_int_equal(strlen(wga_registry_node(reg, 0)->name), 63);
	assert_int_equal(wga_registry_node(reg, 0)->n_overlay, 4);
	wga_registry_free(reg);
}

static void refuses(const char *text, const char *needle)
{
	struct wga_registry *reg = NULL;
	struct wga_err err;

	/* into none, and into one that must stay as it was */
	assert_int_equal(parse(&reg, text, &err), -1);
	assert_null(reg);
	parses(&reg, snake);
	assert_int_equal(parse(&reg, text, &err), -1);
	assert_string_equal(err.code, "bad-registry");
	assert_non_null(strstr(err.text, "nodes.json"));
	if (!strstr(err.text, needle))
		fail_msg("\"%s\" should be in: %s", needle, err.text);
	assert_int_equal(wga_registry_count(reg), 2);
	assert_int_equal(disco(reg, DISCO_B), 1);
	assert_int_equal(disco(reg, DISCO_C), -1);
	wga_registry_free(reg);
}

static void test_refuses(void **state)
{
	(void)state;
	refuses("", "line 1");
	refuses("[\n{\"node_key\": \n}", "line 3");
	refuses("\"text\"", "line 1");
	refuses("{\"node\": []}", "\"nodes\"");
	refuses("[]", "no node with a node key");
	refuses("[{\"name\": \"a\"}]", "no node with a node key");
	refuses("[{\"node_key\": \"nodekey:" ZERO "\"}]", "no node with a node key");
	refuses("[1]", "node 1: entry is not an object");
	refuses("[{\"node_key\": \"nodekey:" NODE_A "\"}, {\"name\": \"b\","
		" \"node_key\": \"nodekey:12\"}]", "node 2 (b): node_key");
	refuses("[{\"nodeKey\": \"" NODE_A "\"}]", "nodeKey is not \"nodekey:\"");
	refuses("[{\"nodeKey\": 1}]", "nodeKey");
	refuses("[{\"node_key\": \"mkey:" NODE_A "\"}]", "node_key");
	refuses("[{\"node_key\": \"nodekey:" NODE_A "0\"}]", "node_key");
	/* a control character that differs from a digit in one bit */
	refuses("[{\"node_key\": \"nodekey:\\u0010" "84e0775374e2ec65a5627ef8"
		"ae51d2f8d0b7c7d0182451890936122710b5a14\"}]", "node_key");
	refuses("[{\"node_key\": \"nodekey:" NODE_A "\","
		" \"disco_key\": \"nodekey:" DISCO_C "\"}]", "disco_key");
	refuses("[{\"node_key\": \"nodekey:" NODE_A "\","
		" \"ip_addresses\": [\"here\"]}]", "ip_addresses");
	refuses("[{\"node_key\": \"nodekey:" NODE_A "\","
		" \"ipAddresses\": \"100.64.0.1\"}]", "ipAddresses");
	refuses("[{\"node_key\": \"nodekey:" NODE_A "\", \"given_name\": 7}]",
		"given_name");
	refuses("[{\"node_key\": \"nodekey:" NODE_A "\","
		" \"node_key\": \"nodekey:" NODE_B "\"}]", "line 1");
}

static void test_files(void **state)
{
	struct wga_registry *reg = NULL;
	struct wga_err err;

	(void)state;
	assert_int_equal(wga_registry_load(&reg, "/nonexistent/nodes.json", &err),
			 -1);
	assert_string_equal(err.code, "no-such-file");
	assert_non_null(strstr(err.text, "/nonexistent/nodes.json"));
	assert_int_equal(wga_registry_load(&reg, "/", &err), -1);
	assert_string_equal(err.code, "unreadable-file");
	assert_int_equal(wga_registry_load(&reg, "/dev/null", &err), -1);
	assert_string_equal(err.code, "bad-registry");
	assert_null(reg);

	assert_int_equal(wga_registry_load(&reg, REAL_FILE, &err), 0);
	assert_int_equal(wga_registry_count(reg), 3);
	assert_string_equal(wga_registry_node(reg, 2)->name, "vm-c");
	wga_registry_free(reg);
}

/* computed with wireguard-go's code */
static void test_mac1_vector(void **state)
{
	uint8_t pub[32], mac[16], msg[116] = { 1 };
	struct wga_mac1 *mac1;
	uint8_t i;

	(void)state;
	from_hex("5714769d116bf76436ae74bc793d2c30ad1903c59ac5273805c7e2698b410c36",
		 pub);
	from_hex("100cf29f0b7282056845aff85958df4a", mac);
	for (i = 4; i < sizeof(msg); i++)
		msg[i] = i;
	mac1 = wga_mac1_new(pub);
	assert_non_null(mac1);
	assert_true(wga_mac1_fits(mac1, msg, sizeof(msg), mac));
	/* the keyed state is not used up */
	assert_true(wga_mac1_fits(mac1, msg, sizeof(msg), mac));
	mac[15] ^= 1;
	assert_false(wga_mac1_fits(mac1, msg, sizeof(msg), mac));
	mac[15] ^= 1;
	msg[115] ^= 1;
	assert_false(wga_mac1_fits(mac1, msg, sizeof(msg), mac));
	wga_mac1_free(mac1);
	wga_mac1_free(NULL);
}

static void test_mac1_real(void **state)
{
	struct wga_registry *reg = NULL;
	uint8_t msg[149] = { 0 };

	(void)state;
	from_hex(RESPONSE, msg);
	parses(&reg, snake);
	assert_int_equal(wga_registry_mac1(reg, msg, 92), 1);
	assert_int_equal(wga_registry_mac1(reg, msg, 91), -1);
	assert_int_equal(wga_registry_mac1(reg, msg, 93), -1);
	assert_int_equal(wga_registry_mac1(reg, msg, 148), -1);
	assert_int_equal(wga_registry_mac1(reg, msg, 0), -1);
	msg[20] ^= 0x80;
	assert_int_equal(wga_registry_mac1(reg, msg, 92), -1);
	wga_registry_free(reg);

	/* and addressed to somebody who is not registered */
	msg[20] ^= 0x80;
	reg = NULL;
	parses(&reg, "[{\"node_key\": \"nodekey:" NODE_A "\"}]");
	assert_int_equal(wga_registry_mac1(reg, msg, 92), -1);
	wga_registry_free(reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snake_case),
		cmocka_unit_test(test_camel_case),
		cmocka_unit_test(test_expired_and_offline),
		cmocka_unit_test(test_disco_history),
		cmocka_unit_test(test_registered_again),
		cmocka_unit_test(test_no_keys),
		cmocka_unit_test(test_names_are_cut),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_mac1_vector),
		cmocka_unit_test(test_mac1_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
