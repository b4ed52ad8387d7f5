/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/judge_internal.h"

/* More canaries than this are counted but not named. */
#define CANARIES_NAMED	16

/**
 * struct seen - a canary over all bridges
 * @form:	in its first frame
 */
struct seen {
	struct wga_found found;
	uint32_t canary;
	enum wga_canary_form form;
};

static void seen_add(struct seen *s, const struct wga_bridge *br)
{
	const struct wga_canary_hit *hit = &br->watch->hits[s->canary];
	struct wga_where w = wga_where_at(br, &hit->first);

	if (wga_found_add(&s->found, hit->frames, &w))
		s->form = hit->form;
}

static int by_first(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int order = wga_where_order(&x->found.first, &y->found.first);

	return order ? order : x->canary < y->canary ? -1 : 1;
}

/* "wgaudit-canary-7f3a" in base64, in 3 frames, first in virbr-a frame 7 */
static void seen_text(const struct wga_judge *g, const struct seen *s,
		      char *buf, size_t size)
{
	char shown[4 * WGA_CANARY_SHOWN + 4];

	wga_canary_show(g->cfg->canaries, s->canary, shown);
	snprintf(buf, size, "\"%s\" %s, in %" PRIu64 " frame%s, first in %s frame %" PRIu64,
		 shown, wga_canary_form_name(s->form), s->found.count,
		 s->found.count == 1 ? "" : "s", s->found.first.input,
		 s->found.first.frame);
}

static void tell(struct wga_judge *g, const struct seen *seen, size_t n)
{
	char text[sizeof(g->what[0])], *what = g->what[WGA_CODE_CANARY_SEEN];
	size_t i, len = 0;

	if (!n)
		return;
	if (n > 1)
		len = (size_t)sprintf(what, "%zu canaries, ", n);
	seen_text(g, &seen[0], what + len, sizeof(text) - len);
	for (i = 1; i < n && i < CANARIES_NAMED; i++) {
		seen_text(g, &seen[i], text, sizeof(text));
		wga_judge_note(g, seen[i].found.count, "canary seen: %s", text);
	}
}

static void judge_seen(struct wga_judge *g)
{
	size_t count = wga_canaries_count(g->cfg->canaries), i, b, n = 0;
	struct seen *seen = calloc(count, sizeof(*seen));

	if (!seen) {
		g->broken = true;
		return;
	}
	for (i = 0; i < count; i++) {
		seen[n] = (struct seen){ .canary = (uint32_t)i };
		for (b = 0; b < g->j->n; b++)
			seen_add(&seen[n], g->j->bridges[b]);
		n += seen[n].found.count > 0;
	}
	qsort(seen, n, sizeof(*seen), by_first);
	tell(g, seen, n);
	free(seen);
}

void wga_judge_canaries(struct wga_judge *g)
{
	uint64_t lost = 0, cut = 0;
	size_t b;

	if (!g->cfg->canaries)
		return;
	for (b = 0; b < g->j->n; b++) {
		const struct wga_bridge *br = g->j->bridges[b];
		const struct wga_mark *m = &br->marks[WGA_CODE_CANARY_SEEN];
		struct wga_where w = wga_where_at(br, &m->first);

		wga_judge_found(g, WGA_CODE_CANARY_SEEN, m->count, &w, "%s", "");
		wga_judge_found(g, WGA_CODE_CAPTURE_GAP, br->watch->broken, &w,
				"memory ran out while %s was searched for canaries",
				br->name);
		lost += br->watch->lost + br->fragments->unfinished;
		cut += br->marks[WGA_CODE_TRUNCATED_FRAMES].count;
	}
	judge_seen(g);
	if (lost)
		wga_judge_note(g, lost, "canaries could not be followed across "
			       "borders in %" PRIu64 " flow%s", lost,
			       lost == 1 ? "" : "s");
	if (cut)
		wga_judge_note(g, cut, "frames were cut, canaries could not be "
			       "looked for in what is missing");
}
