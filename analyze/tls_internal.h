/* SPDX-License-Identifier: MIT */
#ifndef WGA_TLS_INTERNAL_H
#define WGA_TLS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/tls.h"

/* a run of printable bytes that random ones do not show */
bool wga_tls_has_text(const uint8_t *p, size_t len);

/* Bodies of ClientHello and ServerHello, read to the last byte; what they say
 * goes into @tls.
 */
enum wga_segment wga_tls_client_hello(struct wga_tls *tls, const uint8_t *p,
				      size_t len);
enum wga_segment wga_tls_server_hello(struct wga_tls *tls, const uint8_t *p,
				      size_t len);

#endif /* WGA_TLS_INTERNAL_H */
