/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_VM_H
#define WGA_FAULT_VM_H

#include "topo/fault.h"

/**
 * wga_fault_vm_find() - the far end of a tap: the network card of a domain
 * @uri:	libvirt connection, "" for libvirt's own choice
 * @tap:	the port
 * @l:		@domain and @uri are filled
 * @err:	"no-far-end" if no domain has it, "already-down", "no-libvirt"
 */
int wga_fault_vm_find(const char *uri, const char *tap,
		      struct wga_fault_link *l, struct wga_err *err);

/* set the link of the card; a domain that is gone is no error */
int wga_fault_vm_set(const struct wga_fault_link *l, bool up,
		     struct wga_err *err);

#endif /* WGA_FAULT_VM_H */
