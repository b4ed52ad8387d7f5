/* SPDX-License-Identifier: MIT */
#ifndef WGA_PKI_H
#define WGA_PKI_H

#include "capture/addr.h"
#include "capture/err.h"

/**
 * struct wga_pki - a private CA and what it has signed, as PEM text
 *
 * Every member is to be released by wga_pki_free(), which also erases keys.
 */
struct wga_pki {
	char *ca_cert, *ca_key;
	char *server_cert, *server_key;
};

/* make a CA of this mesh (P-256, 1 year); Return: 0, or -1 with @err set */
int wga_pki_make_ca(struct wga_pki *pki, const char *mesh, struct wga_err *err);

/**
 * wga_pki_make_server() - a certificate for a server, signed by the CA
 * @pki:	@ca_cert and @ca_key set; @server_cert and @server_key are filled
 * @name:	DNS name
 * @addr:	its address, named in the certificate too
 *
 * Return: 0, or -1 with @err set.
 */
int wga_pki_make_server(struct wga_pki *pki, const char *name,
			const struct wga_addr *addr, struct wga_err *err);

void wga_pki_free(struct wga_pki *pki);

#endif /* WGA_PKI_H */
