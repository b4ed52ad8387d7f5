/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/evidence.h"
#include "analyze/node_keys.h"
#include "analyze/registry_internal.h"
#include "bridge_build.h"

#define BRIDGES	2
#define SECOND	UINT64_C(1000000000)
#define INDEX_A	0xaaaa0001u	/* the initiator's, host 1 */
#define INDEX_B	0xbbbb0001u	/* the responder's, host 2 */

static struct small s[BRIDGES];
static struct wga_bridge *br[BRIDGES];
static struct wga_config cfg;
static struct wga_proofs *pr;
static uint8_t keys[5][FORGE_KEY_LEN], discos[5][FORGE_KEY_LEN];
static uint64_t start;

static int setup(void **state)
{
	uint64_t seed = 7;
	unsigned int i;

	(void)state;
	for (i = 0; i < BRIDGES; i++)
		small_init(&s[i]);
	for (i = 0; i < 5; i++) {
		forge_fill(&seed, keys[i], FORGE_KEY_LEN);
		forge_fill(&seed, discos[i], FORGE_KEY_LEN);
	}
	s[1].seed = 99;
	start = s[0].f.now_ns;
	wga_config_init(&cfg);
	return 0;
}

static void forget(void)
{
	unsigned int i;

	wga_proofs_free(pr);
	pr = NULL;
	for (i = 0; i < BRIDGES; i++) {
		wga_bridge_free(br[i]);
		br[i] = NULL;
		small_init(&s[i]);
	}
	s[1].seed = 99;
}

static int teardown(void **state)
{
	unsigned int i;

	(void)state;
	forget();
	for (i = 0; i < BRIDGES; i++)
		forge_free(&s[i].f);
	wga_config_free(&cfg);
	return 0;
}

/* Registers hosts 1 to @n. */
static void registry(unsigned int n)
{
	static const char *const fields[] = { "node_key", "disco_key" };
	static const char *const prefixes[] = { "nodekey", "discokey" };
	char text[4000];
	size_t len = 0;
	unsigned int i, k, byte;

	text[len++] = '[';
	for (i = 1; i <= n; i++) {
		len += (size_t)sprintf(text + len, "%s{\"id\": %u",
				       i > 1 ? "," : "", i);
		for (k = 0; k < 2; k++) {
			const uint8_t *key = k ? discos[i] : keys[i];

			len += (size_t)sprintf(text + len, ", \"%s\": \"%s:",
					       fields[k], prefixes[k]);
			for (byte = 0; byte < FORGE_KEY_LEN; byte++)
				len += (size_t)sprintf(text + len, "%02x",
						       key[byte]);
			text[len++] = '"';
		}
		len += (size_t)sprintf(text + len, ", \"ip_addresses\": "
				       "[\"100.64.0.%u\"], \"name\": \"vm%u\"}",
				       i, i);
	}
	text[len++] = ']';
	assert_int_equal(wga_registry_parse(&cfg.registry, text, len, "nodes",
					    NULL), 0);
}

static void build(void)
{
	unsigned int i;

	for (i = 0; i < BRIDGES; i++) {
		br[i] = small_bridge(&s[i], &cfg, i ? "b" : "a");
		assert_non_null(br[i]);
	}
}

static void prove(void)
{
	if (!br[0])
		build();
	pr = wga_proofs_new(&cfg, br, BRIDGES, start);
	assert_non_null(pr);
}

static void wait_s(uint64_t seconds)
{
	unsigned int i;

	for (i = 0; i < BRIDGES; i++)
		s[i].f.now_ns += seconds * SECOND;
}

static void init(struct small *on)
{
	uint8_t b[148];

	small_udp(on, 1, 2, b, forge_wg_init(&on->seed, b, INDEX_A, keys[2]));
}

static void response(struct small *on)
{
	uint8_t b[92];

	small_udp(on, 2, 1, b, forge_wg_response(&on->seed, b, INDEX_B, INDEX_A,
						 keys[1]));
}

static void data_len(struct small *on, uint8_t from, uint64_t counter,
		     size_t len)
{
	uint8_t b[2000];

	small_udp(on, from, 3 - from, b,
		  forge_wg_data(&on->seed, b, from == 1 ? INDEX_B : INDEX_A,
				counter, len));
}

static void data(struct small *on, uint8_t from, uint64_t counter)
{
	data_len(on, from, counter, 96);
}

static void disco(struct small *on, uint8_t from, uint8_t to, size_t len)
{
	uint8_t b[124];

	small_udp(on, from, to, b, forge_disco(&on->seed, b, discos[from], len));
}

static void ping_pong(struct small *on)
{
	disco(on, 1, 2, FORGE_PING_LEN);
	disco(on, 2, 1, FORGE_PONG_LEN);
}

static void test_handshake_binds(void **state)
{
	(void)state;
	init(&s[0]);
	response(&s[0]);
	data(&s[0], 1, 0);
	data(&s[0], 2, 0);
	prove();
	assert_int_equal(pr->n, 2);
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	assert_int_equal(pr->p[0].initiator, 0);
	assert_int_equal(pr->p[1].evidence, WGA_EVIDENCE_BOUND);
	assert_int_equal(pr->p[1].initiator, 1);
	/* they are two sides of one session */
	assert_int_equal(pr->p[0].partner, 2);
	assert_int_equal(pr->p[1].partner, 1);
	forget();

	/* a response alone names both indices */
	response(&s[0]);
	data(&s[0], 1, 100);
	data(&s[0], 2, 100);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	assert_int_equal(pr->p[1].evidence, WGA_EVIDENCE_BOUND);
	assert_int_equal(pr->p[1].initiator, 1);
	forget();

	/* an initiation alone only its sender's */
	init(&s[0]);
	data(&s[0], 1, 0);
	data(&s[0], 2, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	assert_int_equal(pr->p[1].evidence, WGA_EVIDENCE_BOUND);
}

static void test_handshake_elsewhere(void **state)
{
	uint8_t b[148];

	(void)state;
	/* on another bridge */
	response(&s[1]);
	s[0].f.now_ns = s[1].f.now_ns;
	data(&s[0], 1, 100);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	forget();

	/* too late */
	data(&s[0], 1, 0);
	wait_s(1);
	response(&s[0]);
	data(&s[0], 1, 1);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	forget();

	/* by somebody else, with the same indices */
	small_udp(&s[0], 3, 4, b, forge_wg_response(&s[0].seed, b, INDEX_B,
						    INDEX_A, keys[1]));
	data(&s[0], 1, 0);
	data(&s[0], 2, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	assert_int_equal(pr->p[1].evidence, WGA_EVIDENCE_SHAPE);
	forget();

	/* with other indices */
	small_udp(&s[0], 2, 1, b, forge_wg_response(&s[0].seed, b, INDEX_B + 1,
						    INDEX_A + 1, keys[1]));
	data(&s[0], 1, 0);
	data(&s[0], 2, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	assert_int_equal(pr->p[1].evidence, WGA_EVIDENCE_SHAPE);
	forget();

	/* too long ago */
	response(&s[0]);
	wait_s(182);
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	forget();

	/* not too long ago, among many others */
	response(&s[0]);
	{
		unsigned int i;

		for (i = 0; i < 40; i++) {
			wait_s(4);
			small_udp(&s[0], 3, 4, b,
				  forge_wg_init(&s[0].seed, b, i, keys[1]));
		}
	}
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
}

static void test_age(void **state)
{
	(void)state;
	response(&s[0]);
	data(&s[0], 1, 0);
	wait_s(180);
	data(&s[0], 1, 1);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	forget();

	response(&s[0]);
	data(&s[0], 1, 0);
	wait_s(181);
	data(&s[0], 1, 1);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	forget();

	/* the age counts from the handshake, and over all bridges */
	response(&s[0]);
	wait_s(100);
	data(&s[0], 1, 0);
	wait_s(82);
	data(&s[1], 1, 1);
	prove();
	assert_int_equal(pr->n, 1);
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
}

static void test_disco_binds(void **state)
{
	(void)state;
	ping_pong(&s[0]);
	data(&s[0], 1, 8);
	data(&s[0], 2, 8);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	assert_int_equal(pr->p[1].evidence, WGA_EVIDENCE_BOUND);
	assert_int_equal(pr->p[0].initiator, -1);
	forget();

	/* not from its first counters; perhaps because the capture is young */
	ping_pong(&s[0]);
	data(&s[0], 1, 9);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	assert_true(pr->p[0].late);
	forget();
	ping_pong(&s[0]);
	wait_s(181);
	data(&s[0], 1, 9);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	assert_false(pr->p[0].late);
	forget();

	/* the first counter may come second, or on the other bridge */
	ping_pong(&s[0]);
	data(&s[0], 1, 9);
	data(&s[1], 1, 3);
	prove();
	assert_int_equal(pr->n, 1);
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	forget();

	/* nobody answers */
	disco(&s[0], 1, 2, FORGE_PING_LEN);
	disco(&s[0], 2, 1, FORGE_PING_LEN);
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	assert_false(pr->p[0].late);
	forget();
	/* or to somebody else */
	disco(&s[0], 1, 2, FORGE_PING_LEN);
	disco(&s[0], 2, 3, FORGE_PONG_LEN);
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	forget();
	/* or to itself */
	disco(&s[0], 1, 2, FORGE_PING_LEN);
	disco(&s[0], 1, 2, FORGE_PONG_LEN);
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
	forget();
	/* the other way round, each half on another bridge */
	disco(&s[0], 2, 1, FORGE_PING_LEN);
	disco(&s[1], 1, 2, FORGE_PONG_LEN);
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	forget();
	/* nothing at all */
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
}

/* host 1 goes on from host 3's address */
static void data_moved(struct small *on, uint8_t from, uint64_t counter)
{
	uint8_t b[96];

	small_udp(on, from, 2, b, forge_wg_data(&on->seed, b, INDEX_B, counter,
						sizeof(b)));
}

static void test_moved(void **state)
{
	unsigned int order, confirmed;

	(void)state;
	for (confirmed = 0; confirmed < 2; confirmed++) {
		/* one move, between paths that disco knows or does not */
		ping_pong(&s[0]);
		disco(&s[0], 3, 2, FORGE_PING_LEN);
		if (confirmed)
			disco(&s[0], 2, 3, FORGE_PONG_LEN);
		data(&s[0], 1, 0);
		data_moved(&s[0], 3, 1);
		prove();
		assert_int_equal(pr->p[0].evidence, confirmed ?
				 WGA_EVIDENCE_BOUND : WGA_EVIDENCE_SHAPE);
		forget();
		/* seen by one of two bridges only, whichever comes first */
		for (order = 0; order < 2; order++) {
			struct small *one = &s[order], *two = &s[!order];

			ping_pong(one);
			disco(one, 3, 2, FORGE_PING_LEN);
			if (confirmed)
				disco(one, 2, 3, FORGE_PONG_LEN);
			data(one, 1, 0);
			two->f.now_ns = one->f.now_ns;
			data(two, 1, 5);
			data_moved(one, 3, 1);
			prove();
			assert_int_equal(pr->n, 1);
			assert_int_equal(pr->p[0].evidence, confirmed ?
					 WGA_EVIDENCE_BOUND :
					 WGA_EVIDENCE_SHAPE);
			forget();
		}
	}

	/* there and back, between two paths that are confirmed */
	ping_pong(&s[0]);
	disco(&s[0], 3, 2, FORGE_PING_LEN);
	disco(&s[0], 2, 3, FORGE_PONG_LEN);
	data(&s[0], 1, 0);
	data_moved(&s[0], 3, 1);
	data(&s[0], 1, 2);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	forget();

	/* bridges that do not agree where it began */
	ping_pong(&s[0]);
	disco(&s[0], 3, 2, FORGE_PING_LEN);
	disco(&s[0], 2, 3, FORGE_PONG_LEN);
	data(&s[0], 1, 0);
	data_moved(&s[1], 3, 1);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	forget();

	/* a path in the middle that is confirmed or not */
	for (confirmed = 0; confirmed < 2; confirmed++) {
		ping_pong(&s[0]);
		disco(&s[0], 3, 2, FORGE_PING_LEN);
		if (confirmed)
			disco(&s[0], 2, 3, FORGE_PONG_LEN);
		disco(&s[0], 0, 2, FORGE_PING_LEN);
		disco(&s[0], 2, 0, FORGE_PONG_LEN);
		data(&s[0], 1, 0);
		data_moved(&s[0], 3, 1);
		data_moved(&s[0], 0, 2);
		data(&s[0], 1, 3);
		prove();
		assert_int_equal(pr->p[0].evidence, confirmed ?
				 WGA_EVIDENCE_BOUND : WGA_EVIDENCE_SHAPE);
		forget();
	}

	/* with a handshake none of it matters */
	response(&s[0]);
	data(&s[0], 1, 0);
	data_moved(&s[0], 3, 1);
	data(&s[0], 1, 2);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
}

static void test_faults(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		response(&s[0]);
		data(&s[0], 1, 10000);
		if (i == 1)
			data_len(&s[0], 1, 10001, 97);
		if (i == 2)
			data(&s[0], 1, 10000 - 8192);
		if (i == 3)
			data(&s[0], 1, 10000);
		if (i == 4)
			data_len(&s[0], 1, 10001, 1600);
		prove();
		assert_int_equal(pr->p[0].evidence, i ? WGA_EVIDENCE_SHAPE :
							WGA_EVIDENCE_BOUND);
		assert_int_equal(pr->reuse.count, i == 3);
		if (i == 3) {
			assert_string_equal(pr->reuse.first.input, "a");
			assert_int_equal(pr->reuse.first.frame, 3);
		}
		forget();
	}
}

static void test_reuse_across(void **state)
{
	(void)state;
	/* the same bytes on two bridges are one message */
	response(&s[0]);
	data(&s[0], 1, 5);
	s[1].seed = s[0].seed;
	s[1].f.now_ns = s[0].f.now_ns;
	data(&s[0], 1, 6);
	data(&s[1], 1, 6);
	prove();
	assert_int_equal(pr->reuse.count, 0);
	assert_int_equal(pr->n, 1);
	assert_int_equal(pr->p[0].s.messages, 2);
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	forget();

	/* others are not */
	response(&s[0]);
	data(&s[0], 1, 5);
	data(&s[1], 1, 5);
	prove();
	assert_int_equal(pr->reuse.count, 1);
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
}

static void test_identified(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i <= 3; i++) {
		/* nobody, one, two, all of them registered */
		if (i)
			registry(i);
		ping_pong(&s[0]);
		init(&s[0]);
		response(&s[0]);
		data(&s[0], 1, 0);
		prove();
		assert_int_equal(pr->p[0].evidence, i < 2 ? WGA_EVIDENCE_BOUND :
				 WGA_EVIDENCE_IDENTIFIED);
		/* with one of two: its MAC1 and the other's disco key */
		assert_int_equal(pr->unregistered.count, i == 1 ? 2 : 0);
		forget();
		wga_registry_free(cfg.registry);
		cfg.registry = NULL;
	}

	/* by MAC1 alone */
	registry(2);
	init(&s[0]);
	response(&s[0]);
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_IDENTIFIED);
	{
		struct wga_endpoint a = { small_host(1), 41641 };
		struct wga_endpoint b = { small_host(2), 41641 };
		struct wga_endpoint c = { small_host(2), 41642 };

		assert_int_equal(wga_proofs_node(pr, &a), 0);
		assert_int_equal(wga_proofs_node(pr, &b), 1);
		assert_int_equal(wga_proofs_node(pr, &c), -1);
	}
	forget();

	/* an endpoint that two nodes claim is nobody's */
	ping_pong(&s[0]);
	response(&s[0]);
	memcpy(discos[2], discos[1], FORGE_KEY_LEN);
	disco(&s[0], 2, 1, FORGE_PONG_LEN);
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	forget();
	/* and both ends must not be the same node */
	disco(&s[0], 1, 2, FORGE_PING_LEN);
	disco(&s[0], 2, 1, FORGE_PONG_LEN);
	data(&s[0], 1, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
}

static void disco_port(struct small *on, const uint8_t *key, uint16_t port)
{
	uint8_t b[124];

	forge_start(&on->p, b, forge_disco(&on->seed, b, key, 124));
	forge_udp(&on->p, port, 41641);
	small_ip(on, 1, 2, "10.0.0.1", "10.0.0.2", FORGE_PROTO_UDP);
}

static void test_strangers(void **state)
{
	static const uint8_t *old;
	unsigned int i;

	(void)state;
	registry(2);
	old = discos[3];
	/* a key from before a restart: same endpoint, or same address and the
	 * keys follow one another; a stranger's otherwise
	 */
	for (i = 0; i < 5; i++) {
		if (i < 3)
			disco_port(&s[0], old, i ? 1234 : 41641);
		if (i == 1)
			wait_s(5);
		if (i == 2)
			disco_port(&s[0], discos[1], 41641);
		if (i == 2)
			disco_port(&s[0], old, 1234);
		if (i != 4)
			disco_port(&s[0], discos[1], 41641);
		if (i >= 3)
			disco_port(&s[0], old, 999);
		prove();
		assert_int_equal(pr->renewed.count, i != 2 && i != 4);
		assert_int_equal(pr->unregistered.count, i == 2 || i == 4);
		forget();
	}
	/* a handshake to nobody who is registered */
	{
		uint8_t b[148];

		small_udp(&s[0], 1, 2, b, forge_wg_init(&s[0].seed, b, 1,
							keys[3]));
	}
	prove();
	assert_int_equal(pr->unregistered.count, 1);
	assert_int_equal(pr->unregistered.first.frame, 1);
}

/* An endpoint that is given on belongs to one node after the other. */
static void test_given_on(void **state)
{
	const struct wga_endpoint b = { small_host(2), 41641 };

	(void)state;
	registry(3);
	/* host 3's key from host 2's address, after host 2's */
	ping_pong(&s[0]);
	response(&s[0]);
	data(&s[0], 1, 0);
	wait_s(60);
	memcpy(discos[2], discos[3], FORGE_KEY_LEN);
	ping_pong(&s[0]);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_IDENTIFIED);
	assert_int_equal(wga_proofs_node(pr, &b), -1);
	assert_int_equal(wga_proofs_node_at(pr, &b, start, start + SECOND), 1);
	assert_int_equal(wga_proofs_node_at(pr, &b, start + 60 * SECOND,
					    start + 70 * SECOND), 2);
	assert_int_equal(wga_proofs_node_at(pr, &b, start, start + 70 * SECOND),
			 -1);
	/* who was there between them cannot be said */
	assert_int_equal(wga_proofs_node_at(pr, &b, start + 20 * SECOND,
					    start + 21 * SECOND), -1);
	assert_int_equal(pr->unregistered.count, 0);
}

/* Who was there at the same time as another is not known, even before. */
static void test_contested(void **state)
{
	const struct wga_endpoint b = { small_host(2), 41641 };
	uint8_t other[FORGE_KEY_LEN], own[FORGE_KEY_LEN];

	(void)state;
	registry(3);
	memcpy(own, discos[2], sizeof(own));
	memcpy(other, discos[3], sizeof(other));
	ping_pong(&s[0]);
	wait_s(60);
	memcpy(discos[2], other, sizeof(other));
	ping_pong(&s[0]);
	wait_s(60);
	memcpy(discos[2], own, sizeof(own));
	ping_pong(&s[0]);
	prove();
	assert_int_equal(wga_proofs_node_at(pr, &b, start, start + SECOND), -1);
	assert_int_equal(wga_proofs_node_at(pr, &b, start + 60 * SECOND,
					    start + 61 * SECOND), -1);
	assert_int_equal(wga_proofs_node_at(pr, &b, start + 120 * SECOND,
					    start + 121 * SECOND), -1);
}

/* A session that went on from elsewhere must be the same node's there. */
static void test_moved_identity(void **state)
{
	unsigned int known;

	(void)state;
	registry(2);
	for (known = 0; known < 2; known++) {
		ping_pong(&s[0]);
		response(&s[0]);
		data(&s[0], 1, 0);
		if (known) {
			uint8_t b[124];

			small_udp(&s[0], 3, 2, b,
				  forge_disco(&s[0].seed, b, discos[1], 124));
		}
		data_moved(&s[0], 3, 1);
		prove();
		assert_int_equal(pr->p[0].evidence, known ?
				 WGA_EVIDENCE_IDENTIFIED : WGA_EVIDENCE_BOUND);
		forget();
	}
}

/* host @from goes on to host 3's address, where host 2 may be now */
static void data_to_new(struct small *on, uint8_t from, uint64_t counter)
{
	uint8_t b[96];

	small_udp(on, from, 3, b, forge_wg_data(&on->seed, b, INDEX_B, counter,
						sizeof(b)));
}

/* The receiver moves, and the handshake was with its old address. */
static void test_moved_receiver(void **state)
{
	const uint8_t *key;
	uint8_t b[124];
	unsigned int i;

	(void)state;
	/* disco confirms the new path: with its sender, not at all, with
	 * another host
	 */
	for (i = 0; i < 3; i++) {
		ping_pong(&s[0]);
		response(&s[0]);
		wait_s(20);
		disco(&s[0], i == 2 ? 4 : 1, 3, FORGE_PING_LEN);
		if (i != 1)
			disco(&s[0], 3, i == 2 ? 4 : 1, FORGE_PONG_LEN);
		data_to_new(&s[0], i == 2 ? 4 : 1, 100);
		prove();
		assert_int_equal(pr->p[0].evidence, i ? WGA_EVIDENCE_SHAPE :
				 WGA_EVIDENCE_BOUND);
		forget();
	}

	/* it is the same node by its disco key, nobody, another one */
	registry(3);
	for (i = 0; i < 3; i++) {
		key = i ? discos[3] : discos[2];
		ping_pong(&s[0]);
		response(&s[0]);
		wait_s(20);
		if (i != 1)
			small_udp(&s[0], 3, 1, b,
				  forge_disco(&s[0].seed, b, key, 124));
		data_to_new(&s[0], 1, 100);
		prove();
		assert_int_equal(pr->p[0].evidence, i ? WGA_EVIDENCE_SHAPE :
				 WGA_EVIDENCE_IDENTIFIED);
		forget();
	}

	/* the same one, until another one takes over */
	ping_pong(&s[0]);
	response(&s[0]);
	for (i = 2; i < 4; i++) {
		wait_s(30);
		small_udp(&s[0], 3, 1, b,
			  forge_disco(&s[0].seed, b, discos[i], 124));
		data_to_new(&s[0], 1, 100 + i);
	}
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_IDENTIFIED);
	forget();

	/* another one, and the path is confirmed */
	ping_pong(&s[0]);
	response(&s[0]);
	wait_s(20);
	disco(&s[0], 1, 3, FORGE_PING_LEN);
	disco(&s[0], 3, 1, FORGE_PONG_LEN);
	data_to_new(&s[0], 1, 100);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
}

/* There is a limit to how often it may move, on any bridge. */
static void test_moved_often(void **state)
{
	const uint8_t last = 1 + WGA_PLACES_MAX;
	unsigned int more;
	uint8_t i, b[124];

	(void)state;
	for (more = 0; more < 2; more++) {
		ping_pong(&s[0]);
		data(&s[0], 1, 1);
		data(&s[1], 1, 0);
		for (i = 3; i <= last + more; i++) {
			small_udp(&s[1], i, 2, b,
				  forge_disco(&s[1].seed, b, discos[1],
					      FORGE_PING_LEN));
			disco(&s[1], 2, i, FORGE_PONG_LEN);
			data_moved(&s[1], i, i);
		}
		prove();
		assert_int_equal(pr->p[0].evidence, more ?
				 WGA_EVIDENCE_SHAPE : WGA_EVIDENCE_BOUND);
		forget();
	}
}

/* Another node takes over an address within the life of a session. */
static void test_taken_over(void **state)
{
	uint8_t b[124];

	(void)state;
	registry(3);
	/* the sender's, when it had left */
	ping_pong(&s[0]);
	response(&s[0]);
	data(&s[0], 1, 0);
	wait_s(20);
	small_udp(&s[0], 3, 2, b, forge_disco(&s[0].seed, b, discos[1], 124));
	data_moved(&s[0], 3, 1);
	wait_s(20);
	small_udp(&s[0], 1, 2, b, forge_disco(&s[0].seed, b, discos[3], 124));
	data_moved(&s[0], 3, 2);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_IDENTIFIED);
	forget();

	/* the sender's, which the session still comes from */
	ping_pong(&s[0]);
	response(&s[0]);
	data(&s[0], 1, 0);
	wait_s(40);
	small_udp(&s[0], 1, 2, b, forge_disco(&s[0].seed, b, discos[3], 124));
	data(&s[0], 1, 1);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_BOUND);
	forget();

	/* the receiver's, to which the sender still sends */
	ping_pong(&s[0]);
	response(&s[0]);
	data(&s[0], 1, 0);
	wait_s(40);
	small_udp(&s[0], 2, 1, b, forge_disco(&s[0].seed, b, discos[3], 124));
	data(&s[0], 1, 1);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_IDENTIFIED);
	forget();

	/* the same, from where the sender is by then */
	ping_pong(&s[0]);
	response(&s[0]);
	data(&s[0], 1, 0);
	wait_s(40);
	small_udp(&s[0], 2, 1, b, forge_disco(&s[0].seed, b, discos[3], 124));
	small_udp(&s[0], 3, 2, b, forge_disco(&s[0].seed, b, discos[1], 124));
	data_moved(&s[0], 3, 1);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_IDENTIFIED);
}

/* The same bytes are one message, as old as its first sighting. */
static void test_sightings(void **state)
{
	uint8_t b[148];
	size_t len;

	(void)state;
	registry(1);
	len = forge_wg_init(&s[0].seed, b, INDEX_A, keys[3]);
	s[1].f.now_ns = s[0].f.now_ns + 5 * SECOND;
	small_udp(&s[1], 1, 2, b, len);
	small_udp(&s[0], 1, 2, b, len);
	small_udp(&s[0], 1, 3, b, len);
	prove();
	assert_int_equal(pr->n_handshakes, 2);
	assert_int_equal(pr->handshakes[0].h.at.time_ns, start);
	assert_int_equal(pr->handshakes[1].h.at.time_ns, start);
	assert_int_equal(pr->handshakes[0].h.count, 2);
	assert_false(pr->handshakes[0].again);
	assert_true(pr->handshakes[1].again);
	/* and one stranger */
	assert_int_equal(pr->unregistered.count, 1);
	assert_string_equal(pr->unregistered.first.input, "a");
	forget();

	/* so what is sent again later binds nothing */
	small_udp(&s[0], 1, 2, b, len);
	wait_s(182);
	small_udp(&s[0], 1, 2, b, len);
	data(&s[0], 2, 0);
	prove();
	assert_int_equal(pr->p[0].evidence, WGA_EVIDENCE_SHAPE);
}

/* an initiation that was taken in otherwise, at the start, with host 1's index */
static struct wga_handshake *add_initiation(const struct wga_endpoint *from,
					    const struct wga_endpoint *to)
{
	struct wga_wg_message m = {
		.type = WGA_WG_INITIATION, .sender = INDEX_A, .digest = 1,
	};
	struct wga_stamp at = { 1, start };

	return wga_sessions_handshake(&br[0]->sessions, &m, from, to, &at);
}

/* Inside DERP the index has to do, unless the nodes are others. */
static void test_bound_by_derp(void **state)
{
	static const struct {
		unsigned int from;	/* host whose key DERP names, 0: none */
		enum wga_evidence evidence;
	} rows[] = {
		{ 1, WGA_EVIDENCE_IDENTIFIED },
		{ 3, WGA_EVIDENCE_SHAPE },
		{ 0, WGA_EVIDENCE_IDENTIFIED },
	};
	size_t i;

	(void)state;
	registry(3);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wga_endpoint from = { 0 }, to;

		ping_pong(&s[0]);
		data(&s[0], 2, 100);
		build();
		if (rows[i].from)
			from = wga_derp_nodes_see(&br[0]->derp,
						  keys[rows[i].from], NULL, 1);
		to = wga_derp_nodes_see(&br[0]->derp, keys[2], NULL, 1);
		assert_non_null(add_initiation(&from, &to));
		prove();
		assert_int_equal(pr->p[0].evidence, rows[i].evidence);
		forget();
	}
}

/* The initiation must be between the very nodes of the session. */
static void test_initiation_nodes(void **state)
{
	static const struct {
		int initiator, responder;
		enum wga_evidence evidence;
	} rows[] = {
		{ 0, 1, WGA_EVIDENCE_OPENED },
		{ 2, 1, WGA_EVIDENCE_IDENTIFIED },
		{ 0, 2, WGA_EVIDENCE_IDENTIFIED },
		{ 1, 0, WGA_EVIDENCE_IDENTIFIED },
		{ -1, 1, WGA_EVIDENCE_IDENTIFIED },
	};
	size_t i;

	(void)state;
	registry(3);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wga_endpoint nowhere = { 0 };
		struct wga_handshake *h;
		uint64_t tai = start / SECOND + (UINT64_C(1) << 62) + 10;
		unsigned int k;

		ping_pong(&s[0]);
		response(&s[0]);
		data(&s[0], 1, 100);
		data(&s[0], 2, 100);
		build();
		h = add_initiation(&nowhere, &nowhere);
		assert_non_null(h);
		h->opening = WGA_OPENING_DONE;
		h->initiator_node = rows[i].initiator;
		h->node = rows[i].responder;
		for (k = 0; k < 8; k++)
			h->tai64n[k] = (uint8_t)(tai >> (56 - 8 * k));
		prove();
		assert_int_equal(pr->p[0].evidence, rows[i].evidence);
		assert_int_equal(pr->p[1].evidence, rows[i].evidence);
		assert_int_equal(pr->p[0].lacks == NULL, i == 0);
		forget();
	}
}

/* tuples that carried handshakes only */
static void test_handshake_alone(void **state)
{
	struct wga_endpoint a = { small_host(1), 41641 };
	struct wga_endpoint b = { small_host(2), 41641 };
	struct wga_endpoint c = { small_host(3), 41641 };
	uint8_t ping[124];
	unsigned int i;

	(void)state;
	init(&s[0]);
	prove();
	assert_int_equal(wga_proofs_handshake(pr, &a, &b), WGA_EVIDENCE_SHAPE);
	assert_int_equal(wga_proofs_handshake(pr, &a, &c), WGA_EVIDENCE_SHAPE);
	forget();
	init(&s[0]);
	response(&s[1]);
	prove();
	assert_int_equal(wga_proofs_handshake(pr, &a, &b), WGA_EVIDENCE_BOUND);
	assert_int_equal(wga_proofs_handshake(pr, &b, &a), WGA_EVIDENCE_BOUND);
	assert_int_equal(wga_proofs_handshake(pr, &a, &c), WGA_EVIDENCE_SHAPE);
	forget();
	init(&s[0]);
	ping_pong(&s[0]);
	prove();
	assert_int_equal(wga_proofs_handshake(pr, &a, &b), WGA_EVIDENCE_BOUND);
	forget();

	registry(2);
	init(&s[0]);
	prove();
	assert_int_equal(wga_proofs_handshake(pr, &a, &b), WGA_EVIDENCE_BOUND);
	forget();
	init(&s[0]);
	ping_pong(&s[0]);
	prove();
	assert_int_equal(wga_proofs_handshake(pr, &a, &b),
			 WGA_EVIDENCE_IDENTIFIED);
	forget();
	/* another node takes the address over afterwards, or has it too */
	for (i = 0; i < 2; i++) {
		init(&s[0]);
		ping_pong(&s[0]);
		wait_s(i ? 0 : 60);
		small_udp(&s[0], 2, 1, ping,
			  forge_disco(&s[0].seed, ping, discos[1], 124));
		prove();
		assert_int_equal(wga_proofs_handshake(pr, &a, &b), i ?
				 WGA_EVIDENCE_BOUND : WGA_EVIDENCE_IDENTIFIED);
		forget();
	}
	memcpy(keys[2], keys[3], FORGE_KEY_LEN);
	init(&s[0]);
	response(&s[0]);
	prove();
	assert_int_equal(wga_proofs_handshake(pr, &a, &b), WGA_EVIDENCE_SHAPE);
}

static void test_pairs(void **state)
{
	uint8_t b[96];

	(void)state;
	data(&s[0], 1, 0);
	wait_s(11);
	data(&s[0], 2, 0);
	prove();
	assert_int_equal(pr->p[0].partner, 0);
	assert_int_equal(pr->p[1].partner, 0);
	forget();
	/* another one between other ends does not fit */
	data(&s[0], 1, 0);
	small_udp(&s[0], 3, 1, b, forge_wg_data(&s[0].seed, b, 5, 0, 96));
	data(&s[0], 2, 0);
	prove();
	assert_int_equal(pr->n, 3);
	assert_int_equal(pr->p[0].partner, 3);
	assert_int_equal(pr->p[1].partner, 0);
	assert_int_equal(pr->p[2].partner, 1);
}

/* A live capture says again and again what is missing so far. */
static void test_loss_said_again(void **state)
{
	const struct wga_loss loss = { .filter = "udp", .damage = "cut" };

	(void)state;
	br[0] = wga_bridge_new(&cfg, "br0", true);
	wga_bridge_loss(br[0], &loss);
	wga_bridge_loss(br[0], &loss);
	assert_string_equal(br[0]->loss.filter, "udp");
	assert_string_equal(br[0]->loss.damage, "cut");
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_handshake_binds),
		TEST(test_handshake_elsewhere),
		TEST(test_age),
		TEST(test_disco_binds),
		TEST(test_moved),
		TEST(test_given_on),
		TEST(test_contested),
		TEST(test_moved_identity),
		TEST(test_moved_receiver),
		TEST(test_moved_often),
		TEST(test_taken_over),
		TEST(test_sightings),
		TEST(test_bound_by_derp),
		TEST(test_initiation_nodes),
		TEST(test_faults),
		TEST(test_reuse_across),
		TEST(test_identified),
		TEST(test_strangers),
		TEST(test_handshake_alone),
		TEST(test_pairs),
		TEST(test_loss_said_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
