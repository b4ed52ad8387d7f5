/* SPDX-License-Identifier: MIT */
#ifndef WGA_KEYLOG_H
#define WGA_KEYLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/err.h"

/*
 * TLS 1.3 traffic secrets of connections, by client random, from a key log in
 * NSS format (RFC 9850; SSLKEYLOGFILE of crypto/tls, OpenSSL, browsers).
 */
struct wga_keylog;

#define WGA_KEYLOG_SECRET_MAX	48

enum wga_keylog_label {
	WGA_KEYLOG_CLIENT_HANDSHAKE,	/* CLIENT_HANDSHAKE_TRAFFIC_SECRET */
	WGA_KEYLOG_SERVER_HANDSHAKE,	/* SERVER_HANDSHAKE_TRAFFIC_SECRET */
	WGA_KEYLOG_CLIENT_TRAFFIC,	/* CLIENT_TRAFFIC_SECRET_0 */
	WGA_KEYLOG_SERVER_TRAFFIC,	/* SERVER_TRAFFIC_SECRET_0 */
	WGA_KEYLOG_LABELS
};

/**
 * struct wga_keylog_secrets - of one connection
 * @len:	length of the secrets (32 or 48), by label; 0: not in the log.
 *		All that are there have the same.
 */
struct wga_keylog_secrets {
	uint8_t secret[WGA_KEYLOG_LABELS][WGA_KEYLOG_SECRET_MAX];
	uint8_t len[WGA_KEYLOG_LABELS];
};

/**
 * wga_keylog_load() - add the secrets of a file
 * @log:	*log may be NULL, it is then made
 * @path:	key log; other labels (TLS 1.2 too), comments and empty lines are
 *		skipped
 * @shared:	whether its mode gives anything to users other than the owner
 * @err:	those of wga_secret_read(), "bad-key-log" with file and line, and
 *		never a secret in its text
 *
 * A last line that is cut short is skipped: the log may still be written. The
 * same secret may come again, another one for the same use may not. A file
 * that is no key log at all adds nothing; wga_keylog_count() tells.
 *
 * Return: 0, or -1 with @err set and *log unchanged. After 0 what was found in
 * *log before is gone: look it up again.
 */
int wga_keylog_load(struct wga_keylog **log, const char *path, bool *shared,
		    struct wga_err *err);

/* wipe and release; @log may be NULL */
void wga_keylog_free(struct wga_keylog *log);

/* connections that the log has secrets of; @log may be NULL */
size_t wga_keylog_count(const struct wga_keylog *log);

/* the secrets of a connection, or NULL; @log may be NULL */
const struct wga_keylog_secrets *
wga_keylog_find(const struct wga_keylog *log, const uint8_t random[static 32]);

#endif /* WGA_KEYLOG_H */
