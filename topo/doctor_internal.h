/* SPDX-License-Identifier: MIT */
#ifndef WGA_DOCTOR_INTERNAL_H
#define WGA_DOCTOR_INTERNAL_H

#include "topo/doctor.h"

/**
 * wga_finding_add() - note how something is
 * @mend:	"" if nothing needs to be done
 * @fmt:	printf format of the text
 *
 * What nothing that is examined needs is not noted.
 */
void wga_finding_add(const struct wga_doctor *d, struct wga_findings *out,
		     const char *name, unsigned int needs,
		     enum wga_health health, const char *mend,
		     const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));

/**
 * wga_doctor_child() - examine in a child that can be killed
 * @name:	of the finding if it does not answer within d->limit_ms, or dies
 */
void wga_doctor_child(const struct wga_doctor *d, struct wga_findings *out,
		      const char *name, unsigned int needs,
		      void (*examine)(const struct wga_doctor *d,
				      struct wga_findings *out));

/* doctor_host.c: what files, links and PATH tell */
void wga_doctor_privileges(const struct wga_doctor *d, struct wga_findings *out);
void wga_doctor_bridges(const struct wga_doctor *d, struct wga_findings *out);
void wga_doctor_subnets(const struct wga_doctor *d, struct wga_findings *out);
void wga_doctor_memory(const struct wga_doctor *d, struct wga_findings *out);
void wga_doctor_disk(const struct wga_doctor *d, struct wga_findings *out);
void wga_doctor_programs(const struct wga_doctor *d, struct wga_findings *out);
void wga_doctor_leftovers(const struct wga_doctor *d, struct wga_findings *out);

/* doctor_kernel.c: what shows when it is tried, and versions */
void wga_doctor_probes(const struct wga_doctor *d, struct wga_findings *out);
void wga_doctor_kvm(const struct wga_doctor *d, struct wga_findings *out);
void wga_doctor_libnl(const struct wga_doctor *d, struct wga_findings *out);

/* doctor_libvirt.c: the daemon and who takes care of its orphans */
void wga_doctor_reaper(const struct wga_doctor *d, struct wga_findings *out);
void wga_doctor_libvirt(const struct wga_doctor *d, struct wga_findings *out);

/* the first line of a file under d->root, without its end; -1 if there is none */
int wga_doctor_line(const struct wga_doctor *d, const char *path, char *buf,
		    size_t size);

#endif /* WGA_DOCTOR_INTERNAL_H */
