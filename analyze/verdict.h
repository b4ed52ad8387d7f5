/* SPDX-License-Identifier: MIT */
#ifndef WGA_VERDICT_H
#define WGA_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/addr.h"

/* Frame classes; names by wga_class_name(). docs/classification.md says what
 * falls into each.
 */
enum wga_class {
	WGA_CLASS_WIREGUARD,
	WGA_CLASS_DISCO,
	WGA_CLASS_RELAY,
	WGA_CLASS_DERP,
	WGA_CLASS_CONTROL,
	WGA_CLASS_STUN,
	WGA_CLASS_HOUSEKEEPING,
	WGA_CLASS_CANARY,
	WGA_CLASS_EXTERNAL,
	WGA_CLASS_PLAINTEXT,
	WGA_CLASS_UNEXPLAINED,
	WGA_CLASS_UNPARSED,
	WGA_CLASS_COUNT
};

enum wga_evidence {
	WGA_EVIDENCE_NONE,
	WGA_EVIDENCE_SHAPE,
	WGA_EVIDENCE_BOUND,
	WGA_EVIDENCE_IDENTIFIED,
	WGA_EVIDENCE_OPENED,
	WGA_EVIDENCE_COUNT
};

enum wga_outcome {
	WGA_PASS,
	WGA_VIOLATION,
	WGA_INCONCLUSIVE,
};

/* Reason codes; names, severities by wga_code_name(), wga_code_severity() */
enum wga_code {
	/* violations */
	WGA_CODE_PLAINTEXT,
	WGA_CODE_UNEXPLAINED,
	WGA_CODE_OVERLAY_ON_UNDERLAY,
	WGA_CODE_CANARY_SEEN,
	WGA_CODE_SPLICED,
	WGA_CODE_COUNTER_REUSE,
	WGA_CODE_UNREGISTERED_PEER,
	/* inconclusive */
	WGA_CODE_NO_ENCRYPTED_TRAFFIC,
	WGA_CODE_MISSING_PAIR,
	WGA_CODE_WEAK_EVIDENCE,
	WGA_CODE_LATE_START,
	WGA_CODE_KERNEL_DROPS,
	WGA_CODE_CAPTURE_GAP,
	WGA_CODE_TRUNCATED_FRAMES,
	WGA_CODE_TRUNCATED_FILE,
	WGA_CODE_UNPARSED_FRAMES,
	WGA_CODE_UNKNOWN_HOST,
	WGA_CODE_FILTERED,
	WGA_CODE_BLIND,
	WGA_CODE_COUNT
};

/**
 * struct wga_where - a frame that can be looked up
 * @input:	file or bridge name; NULL if the thing has no frame
 * @live:	@input is a bridge, not a file
 * @frame:	1-based frame number in @input
 * @time_ns:	its time
 */
struct wga_where {
	const char *input;
	bool live;
	uint64_t frame;
	uint64_t time_ns;
};

/**
 * struct wga_reason - why the verdict is not a plain pass
 * @code:	what kind of reason
 * @accepted:	taken out by --accept
 * @count:	frames, sessions, flows or inputs it holds for
 * @text:	one sentence
 * @first:	first frame
 */
struct wga_reason {
	enum wga_code code;
	bool accepted;
	uint64_t count;
	char text[320];
	struct wga_where first;
};

/**
 * struct wga_input_report - what one input held
 * @name:	file or bridge
 * @frames, @bytes:	as counted on the wire (bytes by original length)
 * @kernel_drops:	frames lost before they could be judged
 * @first_ns, @last_ns:	time of first and last frame; 0 if none
 */
struct wga_input_report {
	const char *name;
	bool live;
	uint64_t frames, bytes;
	uint64_t kernel_drops;
	uint64_t first_ns, last_ns;
};

struct wga_class_sum {
	uint64_t frames, bytes;
	uint64_t messages; /* WGA_CLASS_WIREGUARD only */
};

/**
 * struct wga_flow_end - one end of a flow
 * @addr:	address; meaningless if !@has_addr
 * @port:	0 where the protocol has none
 * @has_addr:	false for frames without IP: @name then is a MAC address
 * @name:	name of the host or "" if none is known
 */
struct wga_flow_end {
	struct wga_addr addr;
	uint16_t port;
	bool has_addr;
	char name[64];
};

/**
 * struct wga_flow_report - frames of one class between two ends
 * @protocol:	"udp", "tcp", "icmp", "icmpv6", "arp", "ethertype 0x1234", …
 * @detail:	what was seen, for a person
 * @bridges:	bit i is set for input i of the verdict
 */
struct wga_flow_report {
	enum wga_class cls;
	enum wga_evidence evidence; /* NONE unless wireguard, disco, relay or derp */
	char protocol[24];
	struct wga_flow_end a, b;
	uint64_t bridges;
	uint64_t frames, bytes;
	uint64_t first_ns, last_ns;
	struct wga_where first;
	char detail[96];
};

/**
 * struct wga_session_report - one WireGuard session
 * @path:	"direct", "relay" or "derp"
 */
struct wga_session_report {
	struct wga_flow_end initiator, responder;
	enum wga_evidence evidence;
	uint64_t messages;
	uint64_t first_ns, last_ns;
	const char *path;
	char detail[96];
};

/**
 * struct wga_pair_report - what two hosts of the mesh exchanged
 * @direct, @relay, @derp:	WireGuard messages by path
 */
struct wga_pair_report {
	struct wga_flow_end a, b;
	uint64_t direct, relay, derp;
	enum wga_outcome outcome;
};

/**
 * struct wga_expect_report - a pair that was to have talked (--expect-pair)
 * @a, @b:	as declared
 * @seen:	WireGuard data went both ways
 */
struct wga_expect_report {
	char a[64], b[64];
	bool seen;
};

/**
 * struct wga_note - something counted that is no reason: exemptions used,
 * what was not judged, what the verdict rests on
 */
struct wga_note {
	uint64_t count;
	char text[240];
};

/**
 * struct wga_verdict - the result; owns everything it points to except
 * input names, which live as long as the run that was judged
 */
struct wga_verdict {
	enum wga_outcome outcome;
	struct wga_reason *reasons;
	size_t n_reasons;
	struct wga_input_report *inputs;
	size_t n_inputs;
	struct wga_class_sum classes[WGA_CLASS_COUNT];
	struct wga_flow_report *flows;
	size_t n_flows;
	struct wga_session_report *sessions;
	size_t n_sessions;
	struct wga_pair_report *pairs;
	size_t n_pairs;
	struct wga_expect_report *expects;
	size_t n_expects;
	struct wga_note *notes;
	size_t n_notes;
};

const char *wga_class_name(enum wga_class cls);
const char *wga_evidence_name(enum wga_evidence evidence);
const char *wga_outcome_name(enum wga_outcome outcome);
const char *wga_code_name(enum wga_code code);
/* WGA_VIOLATION or WGA_INCONCLUSIVE */
enum wga_outcome wga_code_severity(enum wga_code code);
/* the code called @name, or -1 */
int wga_code_find(const char *name);
/* the evidence level called @name, or -1 */
int wga_evidence_find(const char *name);

/* add a note, which is cut to fit; 0, or -1 when out of memory */
int wga_verdict_note(struct wga_verdict *v, uint64_t count, const char *text);

void wga_verdict_free(struct wga_verdict *v);

#endif /* WGA_VERDICT_H */
