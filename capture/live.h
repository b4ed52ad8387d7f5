/* SPDX-License-Identifier: MIT */
#ifndef WGA_LIVE_H
#define WGA_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/addr.h"
#include "capture/err.h"
#include "capture/frame.h"
#include "capture/selftest.h"

/*
 * Theory of operation
 *
 * One libpcap handle per bridge, opened with privilege, then read without.
 * Own heartbeat frames (EtherType 0x88B5, IEEE 802 local experimental) go out
 * on the bridge through a packet socket at the start, each second and at the
 * end, and must come back through the very handle that the frames come
 * through: a handle that is deaf, filtered or overrun cannot look healthy.
 *
 * The frames of a self-test (selftest.h) go out the same way, but they look
 * like what they are a test for. The bridge does not know their MAC addresses,
 * so it sends them on to every port; it learns none from frames that are its
 * host's own, and guests take no frames of other MAC addresses.
 */
struct wga_live;

/**
 * struct wga_live_options - how to listen
 * @filter:	BPF expression (pcap-filter(7)), or NULL. Heartbeats pass it.
 * @passive:	send nothing
 * @selftest:	send a synthetic leak at the start and at the end
 * @ring_bytes:	size of the kernel's ring; 0 means 64 MiB
 */
struct wga_live_options {
	const char *filter;
	bool passive;
	bool selftest;
	uint32_t ring_bytes;
};

typedef void (*wga_live_fn)(void *arg, const struct wga_batch *batch);

/**
 * wga_live_open() - listen on a bridge
 * @out:	where the handle goes; release with wga_live_close()
 * @bridge:	name of a bridge interface
 * @opt:	options
 * @err:	"no-such-bridge", "not-a-bridge" (both list the bridges there
 *		are), "no-permission", "bad-filter", "capture-failed"
 *
 * Return: 0, or -1 with @err set.
 */
int wga_live_open(struct wga_live **out, const char *bridge,
		  const struct wga_live_options *opt, struct wga_err *err);

/* file descriptor to poll for frames */
int wga_live_fd(const struct wga_live *live);

/**
 * wga_live_dispatch() - hand out what has arrived, without waiting
 * @fn, @arg:	called with batches; views die when it returns
 *
 * Return: number of frames, or -1 with @err set ("interface-gone" when the
 * bridge went away: what was captured stays valid).
 */
int wga_live_dispatch(struct wga_live *live, wga_live_fn fn, void *arg,
		      struct wga_err *err);

/**
 * wga_live_heartbeat() - send a heartbeat, look after drops and the interface
 *
 * Call at the start, each second and at the end, when passive too. While the
 * bridge has no carrier (no port is up) nothing is sent: it could not return.
 * The frames that begin the self-test go out before the first heartbeat.
 */
void wga_live_heartbeat(struct wga_live *live);

/**
 * wga_live_finish() - send the last heartbeat, and what ends the self-test
 *
 * Call at the end instead of wga_live_heartbeat(). Once wga_live_settled(), the
 * frames of the self-test have been handed out, or will never be.
 */
void wga_live_finish(struct wga_live *live);

/* the self-test of this bridge, or NULL if there is none */
const struct wga_selftest *wga_live_selftest(const struct wga_live *live);

/* the last heartbeat sent has come back: all before it has been handed out */
bool wga_live_settled(const struct wga_live *live);

/**
 * struct wga_live_stats - what is known about completeness
 * @drops:	kernel's count of frames it had no room for, plus the interface's
 * @sent, @seen:	heartbeats put on the bridge and found again
 * @gone:	the bridge went away, or was down for a while
 * @leaked:	phases of the self-test whose frames were sent
 */
struct wga_live_stats {
	uint64_t drops;
	uint64_t sent, seen;
	bool gone;
	bool leaked[WGA_SELFTEST_PHASES];
};

void wga_live_stats(struct wga_live *live, struct wga_live_stats *out);

/* the bridge's own addresses (its gateway addresses); returns the count, <= max */
unsigned int wga_live_addresses(const struct wga_live *live,
				struct wga_addr *out, unsigned int max);

void wga_live_close(struct wga_live *live);

/**
 * wga_heartbeat_check() - is this one of our heartbeat frames?
 * @data, @len:	a whole Ethernet frame
 *
 * The frame is 60 bytes: destination 01:80:c2:00:00:0f, EtherType 0x88B5,
 * "wgaudit\0", version 1, run id[16], sequence u64 BE, SipHash-2-4 of all before it
 * under a fixed key, zero padding. Anything else of that EtherType is no heartbeat.
 */
bool wga_heartbeat_check(const uint8_t *data, uint32_t len);

/* drop root: keep no capability, become the invoking or the nobody user */
int wga_privileges_drop(struct wga_err *err);

#endif /* WGA_LIVE_H */
