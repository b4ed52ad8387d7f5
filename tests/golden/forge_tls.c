/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/golden/forge.h"
#include "tests/golden/forge_msg.h"
#include "tests/golden/forge_run.h"
#include "tests/golden/forge_tls.h"

/* where a hello of forge_msg.h has its random and its cipher suite */
#define RANDOM_AT	11
#define SUITE_AT	76

void forge_tls_init(struct forge_tls *t, uint16_t suite, uint64_t seed)
{
	unsigned int i;

	*t = (struct forge_tls){ .seed = seed, .suite = suite };
	t->len = forge_seal_secret_len(suite);
	for (i = 0; i < WGA_KEYLOG_LABELS; i++)
		forge_fill(&t->seed, t->secret[i], t->len);
	forge_seal_use(&t->side[FORGE_TLS_CLIENT], suite,
		       t->secret[WGA_KEYLOG_CLIENT_HANDSHAKE]);
	forge_seal_use(&t->side[FORGE_TLS_SERVER], suite,
		       t->secret[WGA_KEYLOG_SERVER_HANDSHAKE]);
}

size_t forge_tls_hello(struct forge_tls *t, uint8_t *b, const char *sni)
{
	size_t n = forge_tls_client_hello(&t->seed, b, sni);

	memcpy(t->random, b + RANDOM_AT, sizeof(t->random));
	return n;
}

size_t forge_tls_answer(struct forge_tls *t, uint8_t *b)
{
	size_t n = forge_tls_server_hello(&t->seed, b);

	forge_put16(b + SUITE_AT, t->suite);
	return n;
}

size_t forge_tls_seal(struct forge_tls *t, bool from_client, uint8_t type,
		      const void *p, size_t len, uint8_t *b)
{
	return forge_seal(&t->side[from_client], type, p, len, 0, b);
}

/* Finished, behind EncryptedExtensions if it is the server's */
size_t forge_tls_finish(struct forge_tls *t, bool from_client, uint8_t *b)
{
	uint8_t flight[64] = { 8, 0, 0, 2, 0, 0 };
	size_t n = from_client ? 0 : 6, done = forge_tls_ccs(b);

	memcpy(flight + n, (const uint8_t[]){ 20, 0, 0, (uint8_t)t->len }, 4);
	n += 4;
	forge_fill(&t->seed, flight + n, t->len);
	n += t->len;
	done += forge_tls_seal(t, from_client, FORGE_TLS_HANDSHAKE, flight, n,
			       b + done);
	forge_seal_use(&t->side[from_client], t->suite,
		       t->secret[from_client ? WGA_KEYLOG_CLIENT_TRAFFIC :
					       WGA_KEYLOG_SERVER_TRAFFIC]);
	return done;
}

size_t forge_tls_update(struct forge_tls *t, bool from_client, uint8_t *b)
{
	size_t n = forge_tls_seal(t, from_client, FORGE_TLS_HANDSHAKE,
				  "\x18\0\0\x01\0", 5, b);

	forge_seal_update(&t->side[from_client]);
	return n;
}

static size_t put_hex(char *out, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", p[i]);
	return 2 * len;
}

void forge_tls_log(const struct forge_tls *t, struct wga_keylog **log)
{
	static const char *const labels[] = {
		[WGA_KEYLOG_CLIENT_HANDSHAKE] =
			"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
		[WGA_KEYLOG_SERVER_HANDSHAKE] =
			"SERVER_HANDSHAKE_TRAFFIC_SECRET",
		[WGA_KEYLOG_CLIENT_TRAFFIC] = "CLIENT_TRAFFIC_SECRET_0",
		[WGA_KEYLOG_SERVER_TRAFFIC] = "SERVER_TRAFFIC_SECRET_0",
	};
	char text[1024], path[32];
	struct wga_err err;
	size_t n = 0;
	bool shared;
	int fd;

	for (unsigned int i = 0; i < WGA_KEYLOG_LABELS; i++) {
		n += (size_t)sprintf(text + n, "%s ", labels[i]);
		n += put_hex(text + n, t->random, sizeof(t->random));
		text[n++] = ' ';
		n += put_hex(text + n, t->secret[i], t->len);
		text[n++] = '\n';
	}
	fd = forge_file(text, n, path);
	if (wga_keylog_load(log, path, &shared, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	close(fd);
}
