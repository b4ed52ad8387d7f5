/* SPDX-License-Identifier: MIT */
#ifndef WGA_CLI_FAULT_REPORT_H
#define WGA_CLI_FAULT_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "topo/fault.h"

/* `schema` of every document about faults */
#define WGA_FAULT_SCHEMA	"wgaudit-fault/1"

/**
 * struct wga_outage - one time that a fault was in its place
 * @asked_ms:	how long it was to be, 0: until it is ended
 * @down, @up:	when it was
 * @down_seen, @up_seen:	by the link's own event, or rules were set
 * @ended:	@up is valid
 */
struct wga_outage {
	uint64_t asked_ms;
	struct wga_fault_time down, up;
	bool down_seen, up_seen, ended;
};

enum wga_bite {
	WGA_BITE_NO,		/* it did not bite: inconclusive */
	WGA_BITE_YES,
	WGA_BITE_UNTRIED,	/* nothing came by that it could have bitten */
};

/**
 * struct wga_fault_result - what a fault did
 * @outages, @n:	in order
 * @dropped, @delayed:	frames that it took away, or held back
 * @arrived:	frames that came in by its ports meanwhile
 * @bite, @why:	did it bite, and a sentence that says so
 * @seen_by:	"link-event", "libvirt" or "rules": whose times they are
 * @ended_by:	"time", or the name of a signal
 */
struct wga_fault_result {
	struct wga_outage *outages;
	size_t n;
	uint64_t dropped, delayed, arrived;
	enum wga_bite bite;
	char why[256];
	const char *seen_by, *ended_by;
};

/* decide @r->bite and @r->why */
void wga_fault_judge(const struct wga_fault *f, struct wga_fault_result *r);

/* "takes the link of vm-b down for 10 s"; returns @buf */
const char *wga_fault_sentence(const struct wga_fault *f, char *buf,
			       size_t size);

/* what it is, without what it did; new reference or NULL */
json_t *wga_fault_json(const struct wga_fault *f);
/* the document at its end */
json_t *wga_fault_result_json(const struct wga_fault *f,
			      const struct wga_fault_result *r);

/* one line for an outage's begin or end */
void wga_fault_say(const char *what, const struct wga_fault_time *t, bool seen,
		   bool by_state, uint64_t lasted_ms);

/* "10 s", "1.500 s", "2 h 3 min"; returns @buf */
const char *wga_fault_ms(uint64_t ms, char buf[static 32]);

/* print a document and drop it; Return: as fflush() */
int wga_fault_print(json_t *doc);

#endif /* WGA_CLI_FAULT_REPORT_H */
