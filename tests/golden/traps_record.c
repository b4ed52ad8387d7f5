/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "tests/golden/trap.h"

/* What the capture itself lacks, and what the user asked for. */

#define CANARY	"wgaudit-canary-7f3a9c"

static const struct wga_loss whole = { 0 };
static const struct wga_loss drops = { .kernel_drops = 1 };
static const struct wga_loss gone = { .gone = true };
static const struct wga_loss beats = {
	.heartbeats_sent = 5, .heartbeats_seen = 5,
};
static const struct wga_loss beat_missing = {
	.heartbeats_sent = 5, .heartbeats_seen = 4,
};
static const struct wga_loss no_beats = { 0 };
static const struct wga_loss passive = { .passive = true };
static const struct wga_loss filtered = {
	.passive = true, .filter = "udp or arp",
};
static const struct wga_loss damaged = {
	.damage = "the file ends in the middle of a frame, at offset 4711",
};

static const struct wga_loss leaked = {
	.heartbeats_sent = 5, .heartbeats_seen = 5,
	.leaked = { true, true }, .leak_due = { true, true },
};

const struct wga_selftest *trap_selftest(void)
{
	static struct wga_selftest st;

	if (!st.a.port && sodium_init() >= 0)
		wga_selftest_make(&st);
	return &st;
}

static void leak_frame(struct forge_mesh *m, int i)
{
	forge_insert(&m->bridge[0], m->bridge[0].n, trap_selftest()->frame[i],
		     WGA_SELFTEST_LEN);
}

static void leak_start(struct forge_mesh *m)
{
	leak_frame(m, 0);
	leak_frame(m, 1);
}

static void leak_end(struct forge_mesh *m)
{
	leak_frame(m, 2);
	leak_frame(m, 3);
}

static void leak_end_half(struct forge_mesh *m)
{
	leak_frame(m, 3);
}

static void leak_again(struct forge_mesh *m)
{
	leak_end(m);
	leak_frame(m, 0);
}

static void leak_bent(struct forge_mesh *m)
{
	leak_end(m);
	m->bridge[0].frames[m->bridge[0].n - 1].data[WGA_SELFTEST_LEN - 1] = '.';
}

static void arp_only(struct forge_mesh *m)
{
	forge_mesh_arp(m, VM_A, VM_C, false, NULL, 0);
	forge_mesh_arp(m, VM_C, VM_A, true, NULL, 0);
}

static void one_time(struct forge_mesh *m)
{
	for (size_t i = 1; i < m->bridge[0].n; i++)
		m->bridge[0].frames[i].time_ns = m->bridge[0].frames[0].time_ns;
}

/* as of simple packet blocks, which have none */
static void no_times(struct forge_mesh *m)
{
	for (size_t i = 1; i < m->bridge[0].n; i++)
		m->bridge[0].frames[i].time_ns = 0;
	m->bridge[0].frames[0].time_ns = 1;
}

static void all_cut(struct forge_mesh *m)
{
	forge_cut(&m->bridge[0], 60);
}

static void one_cut(struct forge_mesh *m)
{
	forge_mesh_data(m, AC, 0, 1312);
	m->bridge[0].frames[m->bridge[0].n - 1].caplen = 60;
}

/* cut in the last byte of a message */
static void one_cut_late(struct forge_mesh *m)
{
	forge_mesh_data(m, AC, 0, 1312);
	m->bridge[0].frames[m->bridge[0].n - 1].caplen--;
}

static void canary_between_hosts(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, VM_C, "token=" CANARY "\n");
}

static void canary_to_the_internet(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, PUBLIC, CANARY);
}

/* in the body of a WireGuard message, at its very end */
static void canary_in_wireguard(struct forge_mesh *m)
{
	struct forge_session *s = &m->session[AC];
	uint8_t b[1312];

	forge_wg_data(&m->seed, b, s->index[1], s->counter[0]++, sizeof(b));
	memcpy(b + sizeof(b) - strlen(CANARY), CANARY, strlen(CANARY));
	forge_mesh_magic(m, VM_A, VM_C, b, sizeof(b));
}

static void canary_in_arp(struct forge_mesh *m)
{
	forge_mesh_arp(m, VM_A, VM_C, false, CANARY, strlen(CANARY));
}

static void canary_almost(struct forge_mesh *m)
{
	forge_mesh_text(m, VM_A, PUBLIC, "wgaudit-canary-7f3a9d");
}

static void first_frames_gone(struct forge_mesh *m)
{
	/* all up to and with the handshakes */
	struct forge *f = &m->bridge[0];
	size_t last = 0;

	for (size_t i = 0; i < f->n; i++)
		if (f->frames[i].caplen == 14 + 28 + FORGE_RESPONSE_LEN)
			last = i;
	forge_drop(f, 0, last + 10);
}

const struct trap traps_record[] = {
	{ .name = "no frame at all", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_EMPTY, .all = CODE(NO_ENCRYPTED_TRAFFIC) },
	{ .name = "no frame at all, two bridges", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_EMPTY | TRAP_TWO, .all = CODE(NO_ENCRYPTED_TRAFFIC) },
	{ .name = "ARP only", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_EMPTY, .all = CODE(NO_ENCRYPTED_TRAFFIC),
	  .after = arp_only },
	{ .name = "no WireGuard, but disco", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_NO_HANDSHAKE | TRAP_NO_TALK,
	  .all = CODE(NO_ENCRYPTED_TRAFFIC) },
	{ .name = "the beginning is missing", .outcome = TRAP_NOT_PASS,
	  .after = first_frames_gone },

	{ .name = "whole", .outcome = TRAP_PASS, .loss = &whole },
	{ .name = "one kernel drop", .outcome = TRAP_INCONCLUSIVE,
	  .all = CODE(KERNEL_DROPS), .loss = &drops },
	{ .name = "one kernel drop, accepted", .outcome = TRAP_PASS,
	  .all = CODE(KERNEL_DROPS), .loss = &drops,
	  .options = { "--accept", "kernel-drops" } },
	{ .name = "one kernel drop, another code accepted",
	  .outcome = TRAP_INCONCLUSIVE, .all = CODE(KERNEL_DROPS),
	  .loss = &drops, .options = { "--accept", "capture-gap" } },
	{ .name = "the bridge went away", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_LIVE, .all = CODE(CAPTURE_GAP), .loss = &gone },
	{ .name = "all heartbeats seen", .outcome = TRAP_PASS,
	  .flags = TRAP_LIVE, .loss = &beats },
	{ .name = "a heartbeat is missing", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_LIVE, .all = CODE(CAPTURE_GAP), .loss = &beat_missing },
	{ .name = "live without any heartbeat", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_LIVE, .all = CODE(CAPTURE_GAP), .loss = &no_beats },
	{ .name = "passive", .outcome = TRAP_PASS, .flags = TRAP_LIVE,
	  .loss = &passive },
	{ .name = "filtered", .outcome = TRAP_INCONCLUSIVE, .flags = TRAP_LIVE,
	  .all = CODE(FILTERED), .loss = &filtered },
	{ .name = "self-test", .outcome = TRAP_PASS,
	  .flags = TRAP_LIVE | TRAP_WHOLE | TRAP_SELFTEST,
	  .classes = CLASS(CANARY), .no_classes = CLASS(PLAINTEXT),
	  .before = leak_start, .after = leak_end, .loss = &leaked },
	{ .name = "self-test without its end", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_LIVE | TRAP_WHOLE | TRAP_SELFTEST, .all = CODE(BLIND),
	  .before = leak_start, .loss = &leaked },
	{ .name = "self-test with half its end", .outcome = TRAP_INCONCLUSIVE,
	  .flags = TRAP_LIVE | TRAP_WHOLE | TRAP_SELFTEST, .all = CODE(BLIND),
	  .before = leak_start, .after = leak_end_half, .loss = &leaked },
	{ .name = "self-test, accepted", .outcome = TRAP_PASS,
	  .flags = TRAP_LIVE | TRAP_WHOLE | TRAP_SELFTEST, .all = CODE(BLIND),
	  .loss = &leaked, .options = { "--accept", "blind" } },
	{ .name = "self-test and a frame of it again",
	  .outcome = TRAP_VIOLATION,
	  .flags = TRAP_LIVE | TRAP_WHOLE | TRAP_SELFTEST,
	  .all = CODE(PLAINTEXT), .none = CODE(BLIND),
	  .before = leak_start, .after = leak_again, .loss = &leaked },
	{ .name = "self-test with another byte", .outcome = TRAP_VIOLATION,
	  .flags = TRAP_LIVE | TRAP_WHOLE | TRAP_SELFTEST,
	  .all = CODE(PLAINTEXT) | CODE(BLIND),
	  .before = leak_start, .after = leak_bent, .loss = &leaked },
	{ .name = "self-test of somebody else", .outcome = TRAP_VIOLATION,
	  .flags = TRAP_LIVE, .all = CODE(PLAINTEXT), .none = CODE(BLIND),
	  .before = leak_start, .after = leak_end, .loss = &beats },
	{ .name = "damaged file", .outcome = TRAP_INCONCLUSIVE,
	  .all = CODE(TRUNCATED_FILE), .loss = &damaged },

	{ .name = "all frames of one time", .outcome = TRAP_INCONCLUSIVE,
	  .all = CODE(WEAK_EVIDENCE), .after = one_time },
	{ .name = "no time but that of one frame",
	  .outcome = TRAP_INCONCLUSIVE, .all = CODE(WEAK_EVIDENCE),
	  .after = no_times },

	{ .name = "all frames cut at 60", .outcome = TRAP_INCONCLUSIVE,
	  .all = CODE(TRUNCATED_FRAMES),
	  .any = CODE(WEAK_EVIDENCE) | CODE(LATE_START) |
		 CODE(NO_ENCRYPTED_TRAFFIC) | CODE(UNPARSED_FRAMES),
	  .after = all_cut },
	{ .name = "one frame cut at 60", .outcome = TRAP_INCONCLUSIVE,
	  .all = CODE(TRUNCATED_FRAMES), .any = CODE(UNPARSED_FRAMES),
	  .after = one_cut },
	{ .name = "one byte cut", .outcome = TRAP_INCONCLUSIVE,
	  .all = CODE(TRUNCATED_FRAMES), .any = CODE(UNPARSED_FRAMES),
	  .after = one_cut_late },

	{ .name = "canary between hosts", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .any = CODE(PLAINTEXT),
	  .after = canary_between_hosts, .options = { "--canary", CANARY } },
	{ .name = "canary to the internet", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .after = canary_to_the_internet,
	  .options = { "--canary", CANARY } },
	{ .name = "canary in a WireGuard message", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .any = CODE(PLAINTEXT) | CODE(SPLICED),
	  .after = canary_in_wireguard, .options = { "--canary", CANARY } },
	{ .name = "canary behind an ARP packet", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .any = CODE(PLAINTEXT) | CODE(UNEXPLAINED),
	  .after = canary_in_arp, .options = { "--canary", CANARY } },
	{ .name = "second canary of two", .outcome = TRAP_VIOLATION,
	  .all = CODE(CANARY_SEEN), .after = canary_to_the_internet,
	  .options = { "--canary", "never-there", "--canary", CANARY } },
	{ .name = "almost a canary", .outcome = TRAP_PASS,
	  .after = canary_almost, .options = { "--canary", CANARY } },
	{ .name = "canary, undeclared", .outcome = TRAP_PASS,
	  .after = canary_to_the_internet },

	{ .name = "the pair talked", .outcome = TRAP_PASS,
	  .options = { "--vm", "vm-a=192.168.1.10", "--vm", "vm-c=192.168.1.11",
		       "--expect-pair", "vm-a,vm-c" } },
	{ .name = "the pair talked, named by the registry",
	  .outcome = TRAP_PASS, .flags = TRAP_REGISTRY,
	  .options = { "--expect-pair", "vm-b,vm-a" } },
	{ .name = "the pair did not talk", .outcome = TRAP_INCONCLUSIVE,
	  .all = CODE(MISSING_PAIR),
	  .options = { "--vm", "vm-a=192.168.1.10", "--vm", "vm-d=192.168.1.12",
		       "--expect-pair", "vm-a,vm-d" } },
	{ .name = "a pair of which one is not known",
	  .outcome = TRAP_INCONCLUSIVE, .all = CODE(MISSING_PAIR),
	  .options = { "--vm", "vm-a=192.168.1.10",
		       "--expect-pair", "vm-a,vm-z" } },
};
const size_t traps_record_count = sizeof(traps_record) / sizeof(traps_record[0]);
