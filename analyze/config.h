/* SPDX-License-Identifier: MIT */
#ifndef WGA_CONFIG_H
#define WGA_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/addr.h"
#include "analyze/verdict.h"
#include "capture/err.h"

struct wga_canaries;
struct wga_keylog;
struct wga_node_keys;
struct wga_registry;

/**
 * struct wga_vm - a declared host of the mesh (--vm NAME=ADDR)
 */
struct wga_vm {
	char name[64];
	struct wga_addr addr;
};

/**
 * struct wga_expect - a pair that must have talked (--expect-pair A,B)
 */
struct wga_expect {
	char a[64], b[64];
};

/**
 * struct wga_config - all that the user declared; must not change once frames
 * are observed, and must outlive bridges and run
 * @derp, @control, @infra:	declared endpoints (port 0: any, infra only)
 * @gateways:	declared gateway addresses
 * @canaries:	what must never be seen, or NULL
 * @registry:	the node registry, or NULL
 * @node_keys:	private node keys that open initiations, or NULL
 * @keylog:	TLS secrets that open DERP and control connections, or NULL
 * @require:	least evidence for WireGuard traffic
 * @accept:	inconclusive codes that are taken out by name
 * @trust_elided:	believe comments on what was left out of frames (elide.h)
 * @review:	the frames will be gone through again (review.h): remember what
 *		that takes
 * @warnings:	sentences about what was declared, for whoever prints
 */
struct wga_config {
	struct wga_endpoint *derp, *control, *infra;
	size_t n_derp, n_control, n_infra;
	struct wga_addr *gateways;
	size_t n_gateways;
	struct wga_vm *vms;
	size_t n_vms;
	struct wga_expect *expect;
	size_t n_expect;
	struct wga_canaries *canaries;
	struct wga_registry *registry;
	struct wga_node_keys *node_keys;
	struct wga_keylog *keylog;
	enum wga_evidence require;
	bool accept[WGA_CODE_COUNT];
	bool trust_elided;
	bool review;
	char **warnings;
	size_t n_warnings;
};

void wga_config_init(struct wga_config *cfg);
void wga_config_free(struct wga_config *cfg);

/* Each takes what the user wrote and returns 0, or -1 with @err set ("usage").
 * wga_config_mesh() may be called for several registries; their nodes add up.
 */
int wga_config_derp(struct wga_config *cfg, const char *arg, struct wga_err *err);
int wga_config_control(struct wga_config *cfg, const char *arg, struct wga_err *err);
int wga_config_infra(struct wga_config *cfg, const char *arg, struct wga_err *err);
int wga_config_gateway(struct wga_config *cfg, const char *arg, struct wga_err *err);
int wga_config_vm(struct wga_config *cfg, const char *arg, struct wga_err *err);
int wga_config_expect(struct wga_config *cfg, const char *arg, struct wga_err *err);
int wga_config_canary(struct wga_config *cfg, const char *arg, struct wga_err *err);
/* a canary a line; empty lines and those that begin with '#' are skipped; also
 * "no-such-file", "unreadable-file", "bad-canary-file"
 */
int wga_config_canary_file(struct wga_config *cfg, const char *path, struct wga_err *err);
int wga_config_require(struct wga_config *cfg, const char *arg, struct wga_err *err);
int wga_config_accept(struct wga_config *cfg, const char *arg, struct wga_err *err);
int wga_config_mesh(struct wga_config *cfg, const char *path, struct wga_err *err);
/* takes no argument */
int wga_config_trust_elided(struct wga_config *cfg, const char *arg,
			    struct wga_err *err);

/**
 * wga_config_mesh_text() - wga_config_mesh() of a registry in memory
 * @text, @len:	what a file would hold
 * @name:	what errors call it
 */
int wga_config_mesh_text(struct wga_config *cfg, const char *text, size_t len,
			 const char *name, struct wga_err *err);

/* Key files; several add up. One that others can read earns a warning. */
int wga_config_node_keys(struct wga_config *cfg, const char *path,
			 struct wga_err *err);
int wga_config_tls_keys(struct wga_config *cfg, const char *path,
			struct wga_err *err);

/**
 * wga_config_check() - look for what is odd once everything is declared
 *
 * Warns about node keys that are of no node of the registry, if there is one.
 *
 * Return: 0, or -1 with @err set (out of memory).
 */
int wga_config_check(struct wga_config *cfg, struct wga_err *err);

#endif /* WGA_CONFIG_H */
