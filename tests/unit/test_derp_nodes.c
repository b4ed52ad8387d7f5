/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/derp_sessions.h"
#include "analyze/node_keys.h"
#include "analyze/registry_internal.h"
#include "analyze/roles.h"
#include "bridge_build.h"
#include "tests/golden/forge_noise.h"

#define INDEX_A	0xaaaa0001u
#define INDEX_B	0xbbbb0001u

static uint8_t key_a[WGA_KEY_LEN], key_b[WGA_KEY_LEN];
static const uint64_t second = 1000000000;

static struct wga_endpoint client(uint8_t host, uint16_t port)
{
	return (struct wga_endpoint){ small_host(host), port };
}

static void test_endpoints(void **state)
{
	struct wga_endpoint a = wga_derp_endpoint(key_a), other;
	struct wga_addr near = small_addr("0100:0:0:1::1");
	struct wga_addr host = small_host(1);

	(void)state;
	assert_true(wga_derp_is_node(&a.addr));
	assert_int_not_equal(a.port, 0);
	other = wga_derp_endpoint(key_a);
	assert_true(wga_endpoint_equal(&a, &other));
	key_a[31] ^= 1;
	other = wga_derp_endpoint(key_a);
	key_a[31] ^= 1;
	assert_false(wga_addr_equal(&a.addr, &other.addr));
	assert_false(wga_derp_is_node(&near));
	assert_false(wga_derp_is_node(&host));
}

static void test_table(void **state)
{
	struct wga_endpoint one = client(1, 10), two = client(2, 20), at;
	struct wga_endpoint a = wga_derp_endpoint(key_a);
	struct wga_derp_nodes t, u;
	const struct wga_derp_node *n;

	(void)state;
	wga_derp_nodes_init(&t);
	wga_derp_nodes_init(&u);
	at = wga_derp_nodes_see(&t, key_a, NULL, 1);
	assert_true(wga_endpoint_equal(&at, &a));
	n = wga_derp_nodes_find(&t, &at.addr);
	assert_memory_equal(n->key, key_a, WGA_KEY_LEN);
	assert_int_equal(n->client.port, 0);
	wga_derp_nodes_see(&t, key_b, NULL, 1);
	assert_int_equal(t.count, 2);

	/* the first connection stays, in whatever order they come */
	wga_derp_nodes_see(&t, key_a, &two, 9);
	wga_derp_nodes_see(&t, key_a, &one, 5);
	wga_derp_nodes_see(&t, key_a, &two, 7);
	wga_derp_nodes_see(&t, key_a, NULL, 2);
	n = wga_derp_nodes_find(&t, &at.addr);
	assert_true(wga_endpoint_equal(&n->client, &one));
	assert_int_equal(t.count, 2);

	wga_derp_nodes_see(&u, key_a, &two, 4);
	wga_derp_nodes_see(&u, key_b, NULL, 4);
	assert_int_equal(wga_derp_nodes_join(&t, &u), 0);
	n = wga_derp_nodes_find(&t, &at.addr);
	assert_true(wga_endpoint_equal(&n->client, &two));
	assert_int_equal(t.count, 2);
	assert_null(wga_derp_nodes_find(&t, &one.addr));
	wga_derp_nodes_free(&t);
	wga_derp_nodes_free(&u);
}

/* a bridge with connections of nodes a and b */
struct relay {
	struct wga_config cfg;
	struct wga_bridge *br;
	struct wga_stream_slot a, b;
	uint64_t seed;
};

static void relay_init(struct relay *r)
{
	memset(r, 0, sizeof(*r));
	wga_config_init(&r->cfg);
	r->br = wga_bridge_new(&r->cfg, "br", false);
	assert_non_null(r->br);
	r->br->now = (struct wga_stamp){ 1, second };
	r->a = (struct wga_stream_slot){ .bridge = r->br, .number = 1,
					 .client = client(1, 10) };
	r->b = (struct wga_stream_slot){ .bridge = r->br, .number = 2,
					 .client = client(2, 20) };
	r->seed = 3;
}

static void relay_free(struct relay *r)
{
	wga_bridge_free(r->br);
	wga_config_free(&r->cfg);
}

static bool take(struct wga_stream_slot *slot, bool from_client,
		 const uint8_t *own, const uint8_t *peer, const uint8_t *p,
		 size_t len)
{
	const struct wga_derp_packet pkt = {
		.from_client = from_client, .client = own, .peer = peer,
		.p = p, .len = len,
	};

	slot->bridge->now.frame++;
	slot->bridge->now.time_ns += 1000;
	return wga_derp_take(slot, &pkt);
}

/* from a to b, on both connections */
static void pass(struct relay *r, const uint8_t *p, size_t len)
{
	assert_true(take(&r->a, true, key_a, key_b, p, len));
	assert_true(take(&r->b, false, key_b, key_a, p, len));
}

static void test_one_message(void **state)
{
	struct wga_endpoint a = wga_derp_endpoint(key_a);
	struct wga_endpoint b = wga_derp_endpoint(key_b);
	struct wga_session *s;
	struct relay r;
	uint8_t m[128];

	(void)state;
	relay_init(&r);
	pass(&r, m, forge_wg_data(&r.seed, m, INDEX_B, 0, sizeof(m)));
	pass(&r, m, forge_wg_data(&r.seed, m, INDEX_B, 1, sizeof(m)));
	assert_int_equal(r.br->sessions.n, 1);
	s = &r.br->sessions.s[0];
	assert_true(wga_endpoint_equal(&s->from, &a));
	assert_true(wga_endpoint_equal(&s->to, &b));
	assert_int_equal(s->messages, 2);
	assert_int_equal(s->reused, 0);
	assert_int_equal(s->n_places, 1);
	assert_int_equal(s->via[0], 1);
	assert_int_equal(s->via[1], 2);
	assert_int_equal(s->via[2], 0);
	assert_int_equal(r.br->derp.count, 2);
	{
		struct wga_roles *roles = wga_roles_new(&r.cfg, &r.br, 1);

		/* a key is no host */
		assert_non_null(roles);
		assert_int_equal(wga_roles_get(roles, &a.addr), 0);
		wga_roles_free(roles);
	}

	/* the other way, and a counter used again */
	assert_true(take(&r.a, false, key_a, key_b, m,
			 forge_wg_data(&r.seed, m, INDEX_A, 0, sizeof(m))));
	assert_int_equal(r.br->sessions.n, 2);
	assert_true(wga_endpoint_equal(&r.br->sessions.s[1].to, &a));
	pass(&r, m, forge_wg_data(&r.seed, m, INDEX_B, 1, sizeof(m)));
	assert_true(r.br->sessions.s[0].reused > 0);
	relay_free(&r);
}

/* more connections than are remembered */
static void test_many_connections(void **state)
{
	struct relay r;
	uint8_t m[128];
	uint32_t i;

	(void)state;
	relay_init(&r);
	forge_wg_data(&r.seed, m, INDEX_B, 0, sizeof(m));
	for (i = 1; i <= WGA_VIA_MAX; i++) {
		r.a.number = i;
		assert_true(take(&r.a, true, key_a, key_b, m, sizeof(m)));
	}
	assert_false(r.br->sessions.s[0].via_more);
	r.a.number = i;
	assert_true(take(&r.a, true, key_a, key_b, m, sizeof(m)));
	assert_true(r.br->sessions.s[0].via_more);
	relay_free(&r);
}

static void test_unknown_client(void **state)
{
	struct wga_endpoint b = wga_derp_endpoint(key_b);
	struct relay r;
	uint8_t m[148];

	(void)state;
	relay_init(&r);
	assert_true(take(&r.a, true, NULL, key_b, m,
			 forge_wg_data(&r.seed, m, INDEX_B, 0, 128)));
	assert_int_equal(r.br->sessions.s[0].from.port, 0);
	assert_true(wga_endpoint_equal(&r.br->sessions.s[0].to, &b));
	/* whom it is for cannot be held against its envelope */
	assert_true(take(&r.a, false, NULL, key_b, m,
			 forge_wg_init(&r.seed, m, INDEX_B, key_b)));
	assert_int_equal(r.br->sessions.h[0].to.port, 0);
	assert_false(r.br->sessions.h[0].astray);
	assert_int_equal(r.br->derp.count, 1);
	relay_free(&r);
}

/* MAC1 must be keyed with the key that the envelope names. */
static void test_astray(void **state)
{
	struct relay r;
	uint8_t m[148];

	(void)state;
	relay_init(&r);
	pass(&r, m, forge_wg_init(&r.seed, m, INDEX_A, key_b));
	assert_int_equal(r.br->sessions.n_handshakes, 1);
	assert_int_equal(r.br->sessions.h[0].count, 2);
	assert_false(r.br->sessions.h[0].astray);
	assert_true(take(&r.b, true, key_b, key_a, m,
			 forge_wg_response(&r.seed, m, INDEX_B, INDEX_A,
					   key_a)));
	assert_false(r.br->sessions.h[1].astray);
	assert_true(take(&r.b, true, key_b, key_a, m,
			 forge_wg_response(&r.seed, m, INDEX_B, INDEX_A,
					   key_b)));
	assert_true(r.br->sessions.h[2].astray);
	relay_free(&r);
}

static void load_keys(struct relay *r, const uint8_t key[WGA_KEY_LEN])
{
	char text[100] = "x privkey:", path[32];
	bool shared;
	size_t i;
	int fd;

	for (i = 0; i < WGA_KEY_LEN; i++)
		sprintf(text + 10 + 2 * i, "%02x", key[i]);
	fd = forge_file(text, strlen(text), path);
	assert_int_equal(wga_node_keys_load(&r->cfg.node_keys, path, &shared,
					    NULL), 0);
	close(fd);
}

/* a snapshot in which the node with this machine key has this node key */
static void load_node(struct relay *r, char machine,
		      const uint8_t key[WGA_KEY_LEN])
{
	char text[400];
	size_t i, n;

	n = (size_t)sprintf(text, "[{\"name\": \"%c\", \"machine_key\": "
			    "\"mkey:", machine);
	for (i = 0; i < 64; i++)
		text[n++] = machine;
	n += (size_t)sprintf(text + n, "\", \"node_key\": \"nodekey:");
	for (i = 0; i < WGA_KEY_LEN; i++)
		n += (size_t)sprintf(text + n, "%02x", key[i]);
	n += (size_t)sprintf(text + n, "\"}]");
	assert_int_equal(wga_registry_parse(&r->cfg.registry, text, n, "nodes",
					    NULL), 0);
}

/* Envelope and handshake may name two keys of one node, which was registered
 * anew, but not keys of two nodes.
 */
static void test_two_keys(void **state)
{
	uint8_t private[2][WGA_KEY_LEN], a2[WGA_KEY_LEN], b2[WGA_KEY_LEN];
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct forge_noise n = { .sender = INDEX_A };
		struct relay r;
		uint8_t m[148];
		bool same = i == 1 || i == 3;

		relay_init(&r);
		forge_fill(&r.seed, private[0], WGA_KEY_LEN);
		forge_fill(&r.seed, private[1], WGA_KEY_LEN);
		forge_noise_public(private[0], a2);
		forge_noise_public(private[1], b2);
		load_keys(&r, private[1]);
		load_node(&r, 'a', key_a);
		load_node(&r, 'b', key_b);
		load_node(&r, same ? 'a' : 'c', a2);
		load_node(&r, same ? 'b' : 'd', b2);
		memcpy(n.responder, b2, WGA_KEY_LEN);
		memcpy(n.initiator, private[0], WGA_KEY_LEN);
		forge_fill(&r.seed, n.ephemeral, WGA_KEY_LEN);
		/* first the sender's key is another one, then the receiver's */
		assert_true(take(&r.a, true, i < 2 ? key_a : a2,
				 i < 2 ? b2 : key_b, m,
				 forge_noise_init(&n, m)));
		assert_int_equal(r.br->sessions.h[0].opening, WGA_OPENING_DONE);
		assert_int_equal(r.br->sessions.h[0].astray, !same);
		relay_free(&r);
	}
}

static void test_packets(void **state)
{
	struct relay r;
	uint8_t m[148], large[1501];

	(void)state;
	relay_init(&r);
	assert_true(take(&r.a, true, key_a, key_b, m,
			 forge_disco(&r.seed, m, key_a, 98)));
	assert_true(take(&r.a, true, key_a, key_b, large,
			 forge_disco(&r.seed, large, key_a, 1500)));
	assert_false(take(&r.a, true, key_a, key_b, large,
			  forge_disco(&r.seed, large, key_a, 1501)));
	assert_true(take(&r.a, true, key_a, key_b, m,
			 forge_wg_cookie(&r.seed, m, INDEX_B)));
	forge_fill(&r.seed, m, sizeof(m));
	m[0] = 9;
	assert_false(take(&r.a, true, key_a, key_b, m, sizeof(m)));
	/* nothing of it is a session or names a node */
	assert_int_equal(r.br->sessions.n, 0);
	assert_int_equal(r.br->sessions.n_handshakes, 0);
	relay_free(&r);
}

/* Nobody speaks WireGuard from such an address. */
static void test_discard_only(void **state)
{
	static const char *const from[] = { "fd00::1", "0100::1" };
	struct wga_config cfg;
	unsigned int i;

	(void)state;
	wga_config_init(&cfg);
	for (i = 0; i < 2; i++) {
		struct wga_bridge *br;
		struct small s;
		uint8_t m[148];

		small_init(&s);
		forge_start(&s.p, m, forge_wg_init(&s.seed, m, 1, key_a));
		forge_udp(&s.p, 41641, 41641);
		small_ip(&s, 1, 2, from[i], "fd00::2", FORGE_PROTO_UDP);
		br = small_bridge(&s, &cfg, "br");
		assert_non_null(br);
		assert_int_equal(br->sessions.n_handshakes, !i);
		assert_int_equal(wga_flow_at(br->flows, 0)->key.kind ==
				 WGA_KIND_WIREGUARD, !i);
		wga_bridge_free(br);
	}
	wga_config_free(&cfg);
}

int main(void)
{
	uint64_t seed = 11;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_one_message),
		cmocka_unit_test(test_many_connections),
		cmocka_unit_test(test_unknown_client),
		cmocka_unit_test(test_astray),
		cmocka_unit_test(test_two_keys),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_discard_only),
	};

	forge_fill(&seed, key_a, sizeof(key_a));
	forge_fill(&seed, key_b, sizeof(key_b));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
