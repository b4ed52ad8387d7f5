/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/keylog_internal.h"

#define KNOWN \
	"CLIENT_TRAFFIC_SECRET_0 " \
	"3131313131313131313131313131313131313131313131313131313131313131 " \
	"3232323232323232323232323232323232323232323232323232323232323232\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_secrets(const struct wga_keylog_secrets *s)
{
	size_t i, len = 0;

	for (i = 0; s && i < WGA_KEYLOG_LABELS; i++) {
		if (!s->len[i])
			continue;
		require(s->len[i] == 32 || s->len[i] == WGA_KEYLOG_SECRET_MAX);
		require(!len || len == s->len[i]);
		len = s->len[i];
	}
}

/* A log that is refused changes nothing, one that is taken fits twice. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wga_keylog_secrets *s;
	struct wga_keylog *log = NULL;
	struct wga_err err = { 0 };
	uint8_t random[32];
	size_t n;

	memset(random, 0x31, sizeof(random));
	require(!wga_keylog_parse(&log, KNOWN, strlen(KNOWN), "known", &err));
	if (wga_keylog_parse(&log, (const char *)data, size, "input", &err)) {
		require(wga_keylog_count(log) == 1);
		require(!strcmp(err.code, "bad-key-log"));
		require(memchr(err.text, '\0', sizeof(err.text)) != NULL);
	}
	n = wga_keylog_count(log);
	require(n >= 1);
	s = wga_keylog_find(log, random);
	require(s && s->len[WGA_KEYLOG_CLIENT_TRAFFIC] == 32);
	require(s->secret[WGA_KEYLOG_CLIENT_TRAFFIC][31] == 0x32);
	check_secrets(s);
	memset(random, 0x11, sizeof(random));
	check_secrets(wga_keylog_find(log, random));
	if (!err.code[0]) {
		require(!wga_keylog_parse(&log, (const char *)data, size,
					  "input", &err));
		require(wga_keylog_count(log) == n);
	}
	wga_keylog_free(log);
	return 0;
}
