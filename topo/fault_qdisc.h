/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_QDISC_H
#define WGA_FAULT_QDISC_H

#include "topo/fault.h"

/**
 * wga_fault_qdisc_check() - can the port be given a queueing of ours?
 * @err:	"already-in-place" if it has one that somebody has set
 */
int wga_fault_qdisc_check(const struct wga_fault *f, struct wga_err *err);

/**
 * wga_fault_qdisc_put() - delay what goes to the host, or limit its rate
 * @f:		@delay_us, @rate
 * @err:	"missing-feature" if the kernel has no netem (delay) or tbf (rate)
 *
 * It stays when the process ends: wga_fault_qdisc_remove().
 */
int wga_fault_qdisc_put(const struct wga_fault *f, struct wga_err *err);

/* only ours is removed; the kernel's default is back then */
int wga_fault_qdisc_remove(const struct wga_fault *f, struct wga_err *err);

/* packets that have gone through our queueing */
int wga_fault_qdisc_count(const struct wga_fault *f, uint64_t *packets,
			  struct wga_err *err);

#endif /* WGA_FAULT_QDISC_H */
