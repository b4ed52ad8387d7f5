/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/judge_internal.h"
#include "analyze/packet.h"

#define BRIDGES_MAX	256
/* of which so many are no parts of others: verdicts have a bit for each input */
#define INPUTS_MAX	64
/* So many frames do not come within one nanosecond. */
#define TIMELESS	16

struct wga_run {
	const struct wga_config *cfg;
	struct wga_bridge *bridges[BRIDGES_MAX];
	size_t n;
};

struct wga_run *wga_run_new(const struct wga_config *cfg)
{
	struct wga_run *run = calloc(1, sizeof(*run));

	if (run)
		run->cfg = cfg;
	return run;
}

const char *wga_run_name(const struct wga_run *run, size_t i)
{
	return i < run->n ? run->bridges[i]->name : NULL;
}

struct wga_join *wga_run_join(const struct wga_run *run)
{
	return wga_join_new(run->cfg, run->bridges, run->n);
}

void wga_run_free(struct wga_run *run)
{
	size_t i;

	for (i = 0; run && i < run->n; i++)
		wga_bridge_free(run->bridges[i]);
	free(run);
}

static size_t inputs(const struct wga_run *run)
{
	size_t i, n = 0;

	for (i = 0; i < run->n; i++)
		n += !run->bridges[i]->part;
	return n;
}

static bool has_name(const struct wga_run *run, unsigned int part,
		     const char *name)
{
	size_t i;

	for (i = 0; i < run->n; i++) {
		if (run->bridges[i]->part == part &&
		    !strcmp(run->bridges[i]->name, name))
			return true;
	}
	return false;
}

/* Bridges are one input by their name, so only parts of one may share it. They
 * are named alike: those of each part come in the same order.
 */
static int name_apart(const struct wga_run *run, struct wga_bridge *br)
{
	char *name = NULL;
	unsigned int k;

	for (k = 2; has_name(run, br->part, name ? name : br->name); k++) {
		free(name);
		if (asprintf(&name, "%s#%u", br->name, k) < 0)
			return -1;
	}
	if (name) {
		free(br->name);
		br->name = name;
	}
	return 0;
}

int wga_run_add(struct wga_run *run, struct wga_bridge *br, struct wga_err *err)
{
	if (name_apart(run, br))
		return wga_err_set(err, "out-of-memory", "out of memory");
	if (run->n == BRIDGES_MAX ||
	    (!br->part && inputs(run) == INPUTS_MAX))
		return wga_err_set(err, "usage",
				   "%s: a run has at most %d bridges",
				   br->name, INPUTS_MAX);
	run->bridges[run->n++] = br;
	return 0;
}

int wga_run_merge(struct wga_run *run, struct wga_run *other,
		  struct wga_err *err)
{
	if (run->n + other->n > BRIDGES_MAX ||
	    inputs(run) + inputs(other) > INPUTS_MAX)
		return wga_err_set(err, "usage",
				   "a run has at most %d bridges", INPUTS_MAX);
	memcpy(run->bridges + run->n, other->bridges,
	       other->n * sizeof(*other->bridges));
	run->n += other->n;
	other->n = 0;
	wga_run_free(other);
	return 0;
}

void wga_judge_found(struct wga_judge *g, enum wga_code code, uint64_t count,
		     const struct wga_where *where, const char *fmt, ...)
{
	va_list ap;

	if (!wga_found_add(&g->found[code], count, where))
		return;
	va_start(ap, fmt);
	vsnprintf(g->what[code], sizeof(g->what[code]), fmt, ap);
	va_end(ap);
}

/* The same for a flow, whose ends are put into words only if need be */
static void found_flow(struct wga_judge *g, enum wga_code code, uint64_t count,
		       const struct wga_where *where,
		       const struct wga_flow_key *key)
{
	if (wga_found_add(&g->found[code], count, where))
		wga_summary_ends(g, key, g->what[code], sizeof(g->what[code]));
}

void wga_judge_note(struct wga_judge *g, uint64_t count, const char *fmt, ...)
{
	char text[sizeof(((struct wga_note *)0)->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (wga_verdict_note(g->v, count, text))
		g->broken = true;
}

/* What a frame of a bridge said by itself */
static void judge_marks(struct wga_judge *g, const struct wga_bridge *br)
{
	static const struct {
		enum wga_code code;
		const char *text;
	} marks[] = {
		{ WGA_CODE_OVERLAY_ON_UNDERLAY, "inside a tunnel or quote" },
		{ WGA_CODE_TRUNCATED_FRAMES, "first in" },
	};
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const struct wga_mark *m = &br->marks[marks[i].code];
		struct wga_where w = wga_where_at(br, &m->first);

		wga_judge_found(g, marks[i].code, m->count, &w, "%s %s",
				marks[i].text, br->name);
	}
}

/* Frames that were cut by --write-only headers: what was made of that */
static void judge_elided(struct wga_judge *g)
{
	char *what = g->what[WGA_CODE_TRUNCATED_FRAMES];
	char first[sizeof(g->what[0])];
	uint64_t elided = 0, distrusted = 0;
	size_t i;

	for (i = 0; i < g->j->n; i++) {
		elided += g->j->bridges[i]->elided;
		distrusted += g->j->bridges[i]->distrusted;
	}
	if (elided)
		wga_judge_note(g, elided, "messages were judged when they were "
			       "captured; their ciphertext was not kept");
	if (!distrusted)
		return;
	memcpy(first, what, sizeof(first));
	/* the name of a file may be cut, the mend never */
	snprintf(what, sizeof(first), "%" PRIu64 " elided messages; %s, %.70s",
		 distrusted, g->cfg->trust_elided ?
		 "canaries cannot be looked for in what was not kept" :
		 "verify the seal of the evidence, then give --trust-elided",
		 first);
}

/* What this part of a bridge could not take in */
static void judge_memory(struct wga_judge *g, const struct wga_bridge *br)
{
	struct wga_where w = { .input = br->name, .live = br->live };

	wga_judge_found(g, WGA_CODE_CAPTURE_GAP, br->broken ||
			br->sessions.overflow || br->derp.broken, &w,
			"memory ran out while %s was judged", br->name);
}

/* What is missing from a bridge's frames */
static void judge_loss(struct wga_judge *g, const struct wga_bridge *br)
{
	const struct wga_loss *l = &br->loss;
	struct wga_where w = { .input = br->name, .live = br->live };

	wga_judge_found(g, WGA_CODE_WEAK_EVIDENCE, br->handed >= TIMELESS &&
			br->first_ns == br->last_ns, &w,
			"all frames of %s have one time, so ages mean nothing",
			br->name);
	wga_judge_found(g, WGA_CODE_WEAK_EVIDENCE,
			br->timeless >= TIMELESS ? br->timeless : 0, &w,
			"frames of %s have no time, so ages mean nothing",
			br->name);
	wga_judge_found(g, WGA_CODE_KERNEL_DROPS, l->kernel_drops, &w,
			"on %s", br->name);
	wga_judge_found(g, WGA_CODE_TRUNCATED_FILE, l->damage != NULL, &w,
			"%s: %s", br->name, l->damage ? l->damage : "");
	wga_judge_found(g, WGA_CODE_FILTERED, l->filter != NULL, &w,
			"\"%s\" on %s", l->filter ? l->filter : "", br->name);
	wga_judge_found(g, WGA_CODE_CAPTURE_GAP, l->gone, &w,
			"%s went away during the capture", br->name);
	wga_judge_found(g, WGA_CODE_CAPTURE_GAP,
			l->heartbeats_sent - (l->heartbeats_seen <
			l->heartbeats_sent ? l->heartbeats_seen :
			l->heartbeats_sent), &w,
			"%" PRIu64 " of %" PRIu64 " heartbeats did not come back on %s",
			l->heartbeats_sent - l->heartbeats_seen,
			l->heartbeats_sent, br->name);
	wga_judge_found(g, WGA_CODE_CAPTURE_GAP, br->live && !l->passive &&
			!l->heartbeats_sent, &w,
			"no heartbeat was sent on %s", br->name);
	if (l->passive)
		wga_judge_note(g, 1, "%s: passive capture, completeness rests "
			       "on the kernel's counters alone", br->name);
}

/* How many frames of a phase of a bridge's own leak were found as violations */
static unsigned int leak_found(const struct wga_judge *g,
			       const struct wga_leak *leak, unsigned int phase)
{
	const unsigned int first = phase * WGA_SELFTEST_FRAMES;
	const struct wga_selftest *st = &leak->test;
	struct wga_flow_key key;
	const struct wga_tuple *t;
	struct wga_sum sum;
	unsigned int i, n = 0;
	uint8_t dir;

	wga_key_set(&key, &st->a.addr, st->a.port, &st->b.addr, st->b.port,
		    WGA_PROTO_UDP, 0, &dir);
	t = wga_join_find(g->j, &key);
	if (!t)
		return 0;
	wga_join_sum(g->j, t, WGA_KIND_SELFTEST, &sum);
	if (wga_join_class(g->j, t, WGA_KIND_SELFTEST, &sum) !=
	    WGA_CLASS_CANARY)
		return 0;
	for (i = first; i < first + WGA_SELFTEST_FRAMES; i++)
		n += leak->seen[i];
	return n;
}

/* The phases of a bridge's own leak; returns how many frames were found */
static uint64_t judge_leak(struct wga_judge *g, const struct wga_bridge *br,
			   const struct wga_leak *leak)
{
	static const char *const phases[] = { "start", "end" };
	const struct wga_loss *l = &br->loss;
	unsigned int i, n;
	uint64_t found = 0;
	size_t len;

	for (i = 0; i < WGA_SELFTEST_PHASES; i++) {
		n = leak_found(g, leak, i);
		found += n;
		if (!l->leak_due[i] || n == WGA_SELFTEST_FRAMES)
			continue;
		wga_found_add(&g->found[WGA_CODE_BLIND],
			      WGA_SELFTEST_FRAMES - n, NULL);
		len = strlen(g->what[WGA_CODE_BLIND]);
		snprintf(g->what[WGA_CODE_BLIND] + len,
			 sizeof(g->what[WGA_CODE_BLIND]) - len,
			 l->leaked[i] ? "%s%u of %d at the %s on %s" :
			 "%s%u of %d at the %s on %s, where they could not be sent",
			 len ? "; " : "", n, WGA_SELFTEST_FRAMES, phases[i],
			 br->name);
	}
	return found;
}

/* What leaks on purpose must be found, or what was not found proves nothing. */
static void judge_leaks(struct wga_judge *g)
{
	uint64_t found = 0, leaks = 0;
	size_t b, i;

	for (b = 0; b < g->j->n; b++) {
		const struct wga_bridge *br = g->j->bridges[b];

		for (i = 0; i < br->n_leaks; i++) {
			if (!br->leaks[i].own)
				continue;
			leaks++;
			found += judge_leak(g, br, &br->leaks[i]);
		}
	}
	if (leaks)
		wga_judge_note(g, found, "self-test: %" PRIu64 " synthetic leaks "
			       "found as violations", found);
}

/* Does this kind hold bytes that stand inside a protocol of the mesh? */
static bool is_spliced(const struct wga_tuple *t, enum wga_kind kind)
{
	const uint32_t mesh = 1u << WGA_KIND_WIREGUARD | 1u << WGA_KIND_RELAY |
			      1u << WGA_KIND_DISCO;

	if (kind == WGA_KIND_SPLICED || kind == WGA_KIND_SPLICED_TEXT)
		return true;
	return (kind == WGA_KIND_TEXT || kind == WGA_KIND_OPAQUE) &&
	       (t->kinds & mesh);
}

static bool is_grave(enum wga_class cls)
{
	return cls == WGA_CLASS_PLAINTEXT || cls == WGA_CLASS_UNEXPLAINED;
}

uint32_t wga_judge_codes(const struct wga_join *j, const struct wga_tuple *t,
			 enum wga_kind kind, enum wga_class cls)
{
	uint32_t codes = 0;

	if (cls == WGA_CLASS_PLAINTEXT)
		codes |= 1u << WGA_CODE_PLAINTEXT;
	if (cls == WGA_CLASS_UNEXPLAINED)
		codes |= 1u << WGA_CODE_UNEXPLAINED;
	if (is_grave(cls) && is_spliced(t, kind))
		codes |= 1u << WGA_CODE_SPLICED;
	if (!t->key.ethertype && (wga_addr_is_overlay(&t->key.lo) ||
				  wga_addr_is_overlay(&t->key.hi)))
		codes |= 1u << WGA_CODE_OVERLAY_ON_UNDERLAY;
	if (cls == WGA_CLASS_UNPARSED)
		codes |= 1u << WGA_CODE_UNPARSED_FRAMES;
	if (cls == WGA_CLASS_EXTERNAL && wga_join_unknown(j, t))
		codes |= 1u << WGA_CODE_UNKNOWN_HOST;
	return codes;
}

/* What the records of a connection to a DERP server are worth */
static void judge_derp(struct wga_judge *g, const struct wga_stream_report *r,
		       const struct wga_sum *sum, const char *ends)
{
	g->sealed_records += r->bound ? r->records : 0;
	if (r->bound && r->law_chance > g->law_chance)
		g->law_chance = r->law_chance;
	wga_judge_found(g, WGA_CODE_WEAK_EVIDENCE, r->broke, &sum->first,
			"the records of connection %s are not of the lengths "
			"that DERP has", ends);
	wga_judge_found(g, WGA_CODE_WEAK_EVIDENCE, !r->broke && r->records &&
			g->cfg->require == WGA_EVIDENCE_OPENED, &sum->first,
			"connection %s to a DERP server was not opened", ends);
}

static void judge_stream(struct wga_judge *g, const struct wga_tuple *t,
			 enum wga_class cls, const struct wga_sum *sum)
{
	struct wga_stream_report r;
	enum wga_stream_kind kind;
	char ends[180];

	if (!wga_join_stream(g->j, t, &r, &kind))
		return;
	g->stream_records += r.opened ? 0 : r.records;
	wga_summary_ends(g, &t->key, ends, sizeof(ends));
	if (cls == WGA_CLASS_DERP && !r.opened)
		judge_derp(g, &r, sum, ends);
	wga_judge_found(g, WGA_CODE_LATE_START, r.late, &sum->first,
			"connection %s could not be followed", ends);
	wga_judge_found(g, WGA_CODE_CAPTURE_GAP, r.gap, &sum->first,
			"bytes are missing in connection %s", ends);
}

static void judge_flow(struct wga_judge *g, struct wga_tuple *t,
		       enum wga_kind kind)
{
	struct wga_listing l;
	struct wga_class_sum *c;
	enum wga_class cls;
	struct wga_sum sum;
	uint32_t codes;
	int code;

	wga_join_sum(g->j, t, kind, &sum);
	cls = wga_join_class(g->j, t, kind, &sum);
	c = &g->v->classes[cls];
	c->frames += sum.frames;
	c->bytes += sum.bytes;
	if (cls == WGA_CLASS_WIREGUARD)
		c->messages += sum.messages;

	l = (struct wga_listing){
		.tuple = (uint32_t)(t - g->j->tuples), .kind = (uint8_t)kind,
		.cls = (uint8_t)cls, .grave = is_grave(cls), .bytes = sum.bytes,
	};
	wga_summary_add(g, &l);

	codes = wga_judge_codes(g->j, t, kind, cls);
	for (code = 0; codes >> code; code++) {
		if (codes >> code & 1)
			found_flow(g, (enum wga_code)code, sum.frames,
				   &sum.first, &t->key);
	}
	if (kind == WGA_KIND_STREAM)
		judge_stream(g, t, cls, &sum);
}

/* A tuple that carried only handshakes has no session to be judged by. */
static void judge_handshakes(struct wga_judge *g, const struct wga_tuple *t)
{
	enum wga_kind kind = t->kinds >> WGA_KIND_WIREGUARD & 1 ?
		WGA_KIND_WIREGUARD : WGA_KIND_RELAY;
	struct wga_sum sum;
	char ends[180];

	if (!(t->kinds >> kind & 1) || t->evidence != WGA_EVIDENCE_COUNT)
		return;
	wga_join_sum(g->j, t, kind, &sum);
	if (!sum.messages ||
	    wga_join_evidence(g->j, t, kind) >= g->cfg->require)
		return;
	wga_judge_found(g, WGA_CODE_WEAK_EVIDENCE, 1, &sum.first,
			"handshake %s that nothing confirms",
			wga_summary_ends(g, &t->key, ends, sizeof(ends)));
}

static void judge_flows(struct wga_judge *g)
{
	uint32_t i;
	int kind;

	for (i = 0; i < g->j->n_tuples; i++) {
		struct wga_tuple *t = &g->j->tuples[i];

		for (kind = 0; kind < WGA_KIND_COUNT; kind++) {
			if (t->kinds >> kind & 1)
				judge_flow(g, t, (enum wga_kind)kind);
		}
		judge_handshakes(g, t);
	}
}

/* Exemptions that were used, and what was not looked into */
static void judge_notes(struct wga_judge *g)
{
	const struct wga_class_sum *c = g->v->classes;

	if (g->stream_records)
		wga_judge_note(g, g->stream_records, "TLS records to DERP and "
			       "control servers followed but not opened");
	if (g->sealed_records)
		wga_judge_note(g, g->sealed_records, "of these in connections "
			       "whose record lengths are those of DERP; one "
			       "has them by chance with at most %.0e",
			       g->law_chance);
	if (c[WGA_CLASS_HOUSEKEEPING].frames)
		wga_judge_note(g, c[WGA_CLASS_HOUSEKEEPING].frames,
			       "housekeeping frames exempt (ARP, ND, DHCP, "
			       "multicast announcements, gateway services)");
	if (c[WGA_CLASS_EXTERNAL].frames)
		wga_judge_note(g, c[WGA_CLASS_EXTERNAL].frames,
			       "frames with ends outside the mesh not held to "
			       "its rules");
	if (c[WGA_CLASS_STUN].frames)
		wga_judge_note(g, c[WGA_CLASS_STUN].frames,
			       "STUN frames exempt (declared server or path of "
			       "the mesh)");
}

static const char *const sentences[WGA_CODE_COUNT] = {
	[WGA_CODE_PLAINTEXT] = "readable between hosts of the mesh: ",
	[WGA_CODE_UNEXPLAINED] = "not explained, between hosts of the mesh: ",
	[WGA_CODE_OVERLAY_ON_UNDERLAY] = "mesh addresses outside of the tunnel: ",
	[WGA_CODE_CANARY_SEEN] = "a canary's bytes in the clear: ",
	[WGA_CODE_SPLICED] = "foreign bytes inside a flow of the mesh: ",
	[WGA_CODE_COUNTER_REUSE] = "a session used one counter for different messages, ",
	[WGA_CODE_UNREGISTERED_PEER] = "disco or handshakes of no registered node, ",
	[WGA_CODE_NO_ENCRYPTED_TRAFFIC] = "",
	[WGA_CODE_MISSING_PAIR] = "no WireGuard data in both directions between ",
	[WGA_CODE_WEAK_EVIDENCE] = "WireGuard below the required evidence: ",
	[WGA_CODE_LATE_START] = "may have begun before the capture: ",
	[WGA_CODE_KERNEL_DROPS] = "frames were dropped before they could be judged, ",
	[WGA_CODE_CAPTURE_GAP] = "the capture has a gap: ",
	[WGA_CODE_TRUNCATED_FRAMES] = "frames were cut short, ",
	[WGA_CODE_TRUNCATED_FILE] = "the file ends early, ",
	[WGA_CODE_UNPARSED_FRAMES] = "frames that could not be judged: ",
	[WGA_CODE_UNKNOWN_HOST] = "the role of an end is not known (declare it): ",
	[WGA_CODE_FILTERED] = "a filter hid frames: ",
	[WGA_CODE_BLIND] = "a leak made on purpose was not found as one: ",
};

const char *wga_judge_sentence(enum wga_code code)
{
	return sentences[code];
}

static void judge_outcome(struct wga_judge *g)
{
	struct wga_verdict *v = g->v;
	bool violation = false, inconclusive = false;
	uint64_t frames = 0;
	int code;
	size_t i;

	v->reasons = calloc(WGA_CODE_COUNT, sizeof(*v->reasons));
	if (!v->reasons) {
		g->broken = true;
		return;
	}
	/* Of a capture without frames nothing can be accepted. */
	for (i = 0; i < v->n_inputs; i++)
		frames += v->inputs[i].frames;
	for (code = 0; code < WGA_CODE_COUNT; code++) {
		const struct wga_found *f = &g->found[code];
		bool grave = wga_code_severity((enum wga_code)code) ==
			     WGA_VIOLATION;
		struct wga_reason *r = &v->reasons[v->n_reasons];

		if (!f->count)
			continue;
		v->n_reasons++;
		r->code = (enum wga_code)code;
		r->count = f->count;
		r->accepted = !grave && g->cfg->accept[code] && frames;
		r->first = f->first;
		if (!f->first.frame)
			r->first.input = NULL;
		snprintf(r->text, sizeof(r->text), "%s%s", sentences[code],
			 g->what[code]);
		violation |= grave;
		inconclusive |= !grave && !r->accepted;
	}
	v->outcome = violation ? WGA_VIOLATION :
		     inconclusive ? WGA_INCONCLUSIVE : WGA_PASS;
}

/* Every frame that was handed in is a frame of one class, or nothing is proven. */
static void judge_account(struct wga_judge *g)
{
	uint64_t handed = 0, frames = 0;
	size_t i;

	for (i = 0; i < g->j->n; i++)
		handed += g->j->bridges[i]->part ? 0 : g->j->bridges[i]->handed;
	for (i = 0; i < WGA_CLASS_COUNT; i++)
		frames += g->v->classes[i].frames;
	wga_judge_found(g, WGA_CODE_CAPTURE_GAP, handed > frames ?
			handed - frames : frames - handed, NULL,
			"of %" PRIu64 " frames %" PRIu64 " were judged",
			handed, frames);
}

static void judge_inputs(struct wga_judge *g)
{
	const struct wga_join *j = g->j;
	size_t i;

	g->v->inputs = calloc(j->n_inputs + 1, sizeof(*g->v->inputs));
	if (!g->v->inputs) {
		g->broken = true;
		return;
	}
	g->v->n_inputs = j->n_inputs;
	for (i = 0; i < j->n; i++) {
		const struct wga_bridge *br = j->bridges[i];
		struct wga_input_report *in = &g->v->inputs[j->input[i]];

		in->name = br->name;
		in->live = br->live;
		in->frames += br->frames;
		in->bytes += br->bytes;
		if (br->handed && (!in->first_ns || br->first_ns < in->first_ns))
			in->first_ns = br->first_ns;
		if (br->last_ns > in->last_ns)
			in->last_ns = br->last_ns;
		judge_marks(g, br);
		judge_memory(g, br);
		if (br->part)
			continue;
		in->kernel_drops += br->loss.kernel_drops;
		judge_loss(g, br);
	}
	judge_elided(g);
}

static void judge_free(struct wga_judge *g)
{
	wga_index_free(&g->pairs.index);
	free(g->pairs.p);
	free(g->listing);
	free(g);
}

int wga_run_judge(const struct wga_run *run, struct wga_verdict **out,
		  struct wga_err *err)
{
	struct wga_judge *g = calloc(1, sizeof(*g));

	if (g) {
		g->cfg = run->cfg;
		g->v = calloc(1, sizeof(*g->v));
		g->j = wga_join_new(run->cfg, run->bridges, run->n);
	}
	if (g && g->v && g->j) {
		judge_inputs(g);
		judge_flows(g);
		judge_account(g);
		wga_judge_proofs(g);
		wga_judge_presence(g);
		judge_leaks(g);
		wga_judge_canaries(g);
		judge_notes(g);
		wga_summary_flows(g);
		wga_summary_sessions(g);
		wga_summary_pairs(g);
		judge_outcome(g);
	}
	if (!g || !g->v || !g->j || g->broken) {
		if (g) {
			wga_verdict_free(g->v);
			wga_join_free(g->j);
			judge_free(g);
		}
		return wga_err_set(err, "out-of-memory",
				   "out of memory while joining the bridges");
	}
	*out = g->v;
	wga_join_free(g->j);
	judge_free(g);
	return 0;
}
