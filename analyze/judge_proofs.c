/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/judge_internal.h"

static const char *first_input(const struct wga_found *f)
{
	return f->first.input ? f->first.input : "";
}

static void judge_session(struct wga_judge *g, const struct wga_proof *p)
{
	char ends[180], lacks[80];

	g->data_messages += p->s.messages;
	if (p->evidence >= g->cfg->require)
		return;
	wga_judge_found(g, p->late ? WGA_CODE_LATE_START :
			WGA_CODE_WEAK_EVIDENCE, 1, &p->where,
			"session %08x %s%s%s", p->s.receiver,
			wga_session_ends(g, &p->s, ends, sizeof(ends)),
			p->late ? "" : ": ", p->late ? "" :
			wga_proof_lacks(p, lacks, sizeof(lacks)));
}

void wga_judge_proofs(struct wga_judge *g)
{
	const struct wga_proofs *pr = g->j->proofs;
	uint32_t i;

	for (i = 0; i < pr->n; i++)
		judge_session(g, &pr->p[i]);
	wga_judge_found(g, WGA_CODE_COUNTER_REUSE, pr->reuse.count,
			&pr->reuse.first, "first in %s",
			first_input(&pr->reuse));
	wga_judge_found(g, WGA_CODE_UNREGISTERED_PEER, pr->unregistered.count,
			&pr->unregistered.first, "first in %s; nodes that "
			"started after the registry was taken are in a later "
			"one", first_input(&pr->unregistered));
	wga_judge_found(g, WGA_CODE_SPLICED, pr->forged.count,
			&pr->forged.first, "a handshake that is not sealed to "
			"the node it is addressed to, first in %s",
			first_input(&pr->forged));
	wga_judge_found(g, WGA_CODE_SPLICED, pr->astray.count,
			&pr->astray.first, "a handshake for or by another node "
			"than DERP names, first in %s",
			first_input(&pr->astray));
	if (pr->renewed.count)
		wga_judge_note(g, pr->renewed.count, "disco senders with a key "
			       "that is not registered any more, from an "
			       "endpoint of a registered node (restarted)");
}

static void judge_expected(struct wga_judge *g)
{
	struct wga_verdict *v = g->v;
	size_t i;

	v->expects = calloc(g->cfg->n_expect + 1, sizeof(*v->expects));
	if (!v->expects) {
		g->broken = true;
		return;
	}
	for (i = 0; i < g->cfg->n_expect; i++) {
		const struct wga_expect *e = &g->cfg->expect[i];
		struct wga_expect_report *r = &v->expects[v->n_expects++];

		memcpy(r->a, e->a, sizeof(r->a));
		memcpy(r->b, e->b, sizeof(r->b));
		r->seen = wga_summary_pair_seen(g, e->a, e->b);
		if (!r->seen)
			wga_judge_found(g, WGA_CODE_MISSING_PAIR, 1, NULL,
					"%s and %s", e->a, e->b);
	}
}

void wga_judge_presence(struct wga_judge *g)
{
	if (!g->data_messages && g->sealed_records)
		wga_judge_found(g, WGA_CODE_NO_ENCRYPTED_TRAFFIC, 1, NULL,
				"no WireGuard data was seen, directly or in an "
				"opened relay; a relay carried %" PRIu64
				" records that could not be opened, which "
				"--tls-keys would", g->sealed_records);
	else if (!g->data_messages)
		wga_judge_found(g, WGA_CODE_NO_ENCRYPTED_TRAFFIC, 1, NULL,
				"no WireGuard data was seen, directly or in "
				"an opened relay");
	judge_expected(g);
}
