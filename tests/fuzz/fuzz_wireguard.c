/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The input is a UDP payload. Messages found in it cover all of it; a refusal
 * leaves none behind. What was found is taken in twice: the second time every
 * data message is known, and two tables that saw the same do not disagree.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_cover(const struct wga_wg_messages *out, struct wga_view v)
{
	const uint8_t *p = v.p;
	size_t i;

	require(out->n > 0);
	for (i = 0; i < out->n; i++) {
		const struct wga_wg_message *m = &out->m[i];

		require(m->p == p);
		require(m->type == p[0] && m->type >= 1 && m->type <= 4);
		require(m->type != WGA_WG_DATA || m->len >= WGA_WG_DATA_MIN);
		require(m->high <= m->len);
		p += m->len;
	}
	require(p == v.p + v.len);
}

static void take_in(struct wga_sessions *t, const struct wga_wg_messages *out)
{
	static const struct wga_endpoint a = { { { 1 } }, 1 }, b = { { { 2 } }, 2 };
	struct wga_stamp at = { 1, 1 };
	size_t i;

	for (i = 0; i < out->n; i++) {
		if (out->m[i].type == WGA_WG_DATA)
			wga_sessions_data(t, &out->m[i], &a, &b, &at);
		else if (out->m[i].type != WGA_WG_COOKIE)
			wga_sessions_handshake(t, &out->m[i], &a, &b, &at);
	}
}

static void check_sessions(const struct wga_wg_messages *out)
{
	struct wga_sessions t[2];
	uint32_t i, k;

	for (k = 0; k < 2; k++) {
		wga_sessions_init(&t[k]);
		take_in(&t[k], out);
	}
	require(t[0].n == t[1].n && t[0].n_handshakes == t[1].n_handshakes);
	for (i = 0; i < t[0].n; i++) {
		struct wga_session *s = &t[0].s[i];

		require(s->receiver == t[1].s[i].receiver);
		require(s->counter_min <= s->counter_first);
		require(s->counter_first <= s->counter_max);
		require(s->messages <= out->n && s->size <= WGA_WINDOW_MAX);
		if (!s->reused)
			require(!wga_session_conflict(s, &t[1].s[i]));
	}
	take_in(&t[0], out);
	for (i = 0; i < t[0].n; i++) {
		if (!t[1].s[i].reused && !t[1].s[i].stale && !t[0].s[i].stale)
			require(t[0].s[i].messages == t[1].s[i].messages);
	}
	for (k = 0; k < 2; k++)
		wga_sessions_free(&t[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_wg_messages out = { 0 };
	struct wga_view v = { NULL, size };
	enum wga_wg_answer answer;
	uint8_t *copy = malloc(size ? size : 1);

	require(copy != NULL);
	memcpy(copy, data, size);
	v.p = copy;
	answer = wga_wg_parse(v, &out);
	require((answer == WGA_WG_NOT) == !wga_wg_looks_like(&v));
	if (answer == WGA_WG_YES) {
		check_cover(&out, v);
		check_sessions(&out);
	} else {
		require(out.n == 0);
	}
	free(out.m);
	free(copy);
	return 0;
}
