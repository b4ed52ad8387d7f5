/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Each setter reads one option as the user wrote it, checks it whole and only
 * then lets an array grow. What cannot mean anything (a server at 0.0.0.0, a
 * canary so short that ciphertext contains it by chance) is refused here: a
 * declaration that silently matches nothing, or everything, would make the
 * verdict rest on it.
 */
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/canary.h"
#include "analyze/config.h"
#include "analyze/keylog.h"
#include "analyze/node_keys.h"
#include "analyze/registry_internal.h"

void wga_config_init(struct wga_config *cfg)
{
	*cfg = (struct wga_config){ .require = WGA_EVIDENCE_BOUND };
}

void wga_config_free(struct wga_config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->n_warnings; i++)
		free(cfg->warnings[i]);
	free(cfg->warnings);
	wga_canaries_free(cfg->canaries);
	free(cfg->derp);
	free(cfg->control);
	free(cfg->infra);
	free(cfg->gateways);
	free(cfg->vms);
	free(cfg->expect);
	wga_registry_free(cfg->registry);
	wga_node_keys_free(cfg->node_keys);
	wga_keylog_free(cfg->keylog);
	*cfg = (struct wga_config){ 0 };
}

static int no_memory(struct wga_err *err)
{
	return wga_err_set(err, "out-of-memory", "out of memory");
}

/* add a warning that is not there yet */
__attribute__((format(printf, 3, 4)))
static int warn(struct wga_config *cfg, struct wga_err *err, const char *fmt, ...)
{
	char **grown, *text;
	va_list ap;
	size_t i;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return no_memory(err);
	for (i = 0; i < cfg->n_warnings; i++) {
		if (!strcmp(cfg->warnings[i], text)) {
			free(text);
			return 0;
		}
	}
	grown = reallocarray(cfg->warnings, cfg->n_warnings + 1, sizeof(char *));
	if (!grown) {
		free(text);
		return no_memory(err);
	}
	cfg->warnings = grown;
	grown[cfg->n_warnings++] = text;
	return 0;
}

/* an address that one host can have */
static int check_host(const struct wga_addr *addr, const char *option,
		      const char *arg, struct wga_err *err)
{
	if (wga_addr_is_unspecified(addr) || wga_addr_is_multicast(addr))
		return wga_err_set(err, "usage",
				   "--%s %s: not the address of a host", option,
				   arg);
	return 0;
}

static int add_endpoint(struct wga_endpoint **list, size_t *n,
			const struct wga_endpoint *ep, struct wga_err *err)
{
	struct wga_endpoint *grown;
	size_t i;

	for (i = 0; i < *n; i++) {
		if (wga_addr_equal(&(*list)[i].addr, &ep->addr) &&
		    (*list)[i].port == ep->port)
			return 0;
	}
	grown = reallocarray(*list, *n + 1, sizeof(*grown));
	if (!grown)
		return no_memory(err);
	grown[(*n)++] = *ep;
	*list = grown;
	return 0;
}

/* Digits and dots, and whatever else inet_aton() takes for an address, are no
 * name: the resolver would read "10.1" as 10.0.0.1.
 */
static bool is_name(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *last = dot ? dot + 1 : host;

	if (!*host || strpbrk(host, ":[]/%@ \t"))
		return false;
	return last[strspn(last, "0123456789")] &&
	       strncasecmp(last, "0x", 2) != 0;
}

static struct wga_addr addr_of(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;
		uint8_t b[4];

		memcpy(b, &in->sin_addr, sizeof(b));
		return wga_addr_v4(b);
	}
	return wga_addr_v6(((const struct sockaddr_in6 *)(const void *)sa)
			   ->sin6_addr.s6_addr);
}

/* every address that @host has, each with @port */
static int add_resolved(struct wga_endpoint **list, size_t *n,
			const char *option, const char *host, uint16_t port,
			struct wga_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found, *ai;
	int ret;

	ret = getaddrinfo(host, NULL, &hints, &found);
	if (ret)
		return wga_err_set(err, "usage",
				   "--%s: host name \"%s\" does not resolve (%s); give its address instead",
				   option, host, gai_strerror(ret));

	for (ai = found; ai && !ret; ai = ai->ai_next) {
		struct wga_endpoint ep = { .port = port };

		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		ep.addr = addr_of(ai->ai_addr);
		ret = check_host(&ep.addr, option, host, err);
		if (!ret)
			ret = add_endpoint(list, n, &ep, err);
	}
	freeaddrinfo(found);
	return ret;
}

/* HOST:PORT of a server, HOST being an address or a name */
static int add_server(struct wga_endpoint **list, size_t *n, const char *option,
		      const char *arg, struct wga_err *err)
{
	const char *colon = strrchr(arg, ':');
	struct wga_endpoint ep;
	char host[256], probe[32];

	if (!wga_endpoint_parse(arg, true, &ep, NULL)) {
		if (check_host(&ep.addr, option, arg, err) < 0)
			return -1;
		return add_endpoint(list, n, &ep, err);
	}

	/* the port is read by the same rules, behind an address that is right */
	snprintf(probe, sizeof(probe), "1.1.1.1%s", colon ? colon : "");
	if (!colon || colon - arg >= (ptrdiff_t)sizeof(host) ||
	    wga_endpoint_parse(probe, true, &ep, NULL) < 0)
		return wga_err_set(err, "usage",
				   "--%s wants HOST:PORT or [ADDR6]:PORT, not \"%s\"",
				   option, arg);

	snprintf(host, sizeof(host), "%.*s", (int)(colon - arg), arg);
	if (!is_name(host))
		return wga_err_set(err, "usage",
				   "--%s %s: neither an IP address nor a host name before the port (IPv6 is written [ADDR6]:PORT)",
				   option, arg);
	return add_resolved(list, n, option, host, ep.port, err);
}

int wga_config_derp(struct wga_config *cfg, const char *arg, struct wga_err *err)
{
	return add_server(&cfg->derp, &cfg->n_derp, "derp", arg, err);
}

int wga_config_control(struct wga_config *cfg, const char *arg,
		       struct wga_err *err)
{
	return add_server(&cfg->control, &cfg->n_control, "control", arg, err);
}

int wga_config_infra(struct wga_config *cfg, const char *arg,
		     struct wga_err *err)
{
	struct wga_endpoint ep;

	if (wga_endpoint_parse(arg, false, &ep, NULL) < 0)
		return wga_err_set(err, "usage",
				   "--infra wants ADDR, ADDR:PORT or [ADDR6]:PORT, not \"%s\"",
				   arg);
	if (check_host(&ep.addr, "infra", arg, err) < 0)
		return -1;
	return add_endpoint(&cfg->infra, &cfg->n_infra, &ep, err);
}

int wga_config_gateway(struct wga_config *cfg, const char *arg,
		       struct wga_err *err)
{
	struct wga_addr addr, *grown;

	if (wga_addr_parse(arg, &addr, NULL) < 0)
		return wga_err_set(err, "usage",
				   "--gateway wants an IP address, not \"%s\"",
				   arg);
	if (check_host(&addr, "gateway", arg, err) < 0)
		return -1;
	grown = reallocarray(cfg->gateways, cfg->n_gateways + 1, sizeof(*grown));
	if (!grown)
		return no_memory(err);
	grown[cfg->n_gateways++] = addr;
	cfg->gateways = grown;
	return 0;
}

/* a name that fits its field and is not empty */
static bool name_set(char *dst, size_t size, const char *name, size_t len)
{
	if (!len || len >= size)
		return false;
	memcpy(dst, name, len);
	dst[len] = '\0';
	return true;
}

int wga_config_vm(struct wga_config *cfg, const char *arg, struct wga_err *err)
{
	const char *eq = strchr(arg, '=');
	struct wga_vm vm, *grown;
	size_t i;

	if (!eq || !name_set(vm.name, sizeof(vm.name), arg, (size_t)(eq - arg)) ||
	    wga_addr_parse(eq + 1, &vm.addr, NULL) < 0)
		return wga_err_set(err, "usage",
				   "--vm wants NAME=ADDR, a name of at most %zu bytes and an IP address, not \"%s\"",
				   sizeof(vm.name) - 1, arg);
	if (check_host(&vm.addr, "vm", arg, err) < 0)
		return -1;

	for (i = 0; i < cfg->n_vms; i++) {
		if (!wga_addr_equal(&cfg->vms[i].addr, &vm.addr))
			continue;
		if (!strcmp(cfg->vms[i].name, vm.name))
			return 0;
		return wga_err_set(err, "usage",
				   "--vm %s: that address was given to %s before",
				   arg, cfg->vms[i].name);
	}
	grown = reallocarray(cfg->vms, cfg->n_vms + 1, sizeof(*grown));
	if (!grown)
		return no_memory(err);
	grown[cfg->n_vms++] = vm;
	cfg->vms = grown;
	return 0;
}

/* one end of a pair; an address is written the way reports write it */
static bool end_set(char dst[static 64], const char *name, size_t len)
{
	struct wga_addr addr;

	if (!name_set(dst, 64, name, len))
		return false;
	if (!wga_addr_parse(dst, &addr, NULL))
		wga_addr_format(&addr, dst);
	return true;
}

int wga_config_expect(struct wga_config *cfg, const char *arg,
		      struct wga_err *err)
{
	const char *comma = strchr(arg, ',');
	struct wga_expect pair, *grown;

	if (!comma || strchr(comma + 1, ',') ||
	    !end_set(pair.a, arg, (size_t)(comma - arg)) ||
	    !end_set(pair.b, comma + 1, strlen(comma + 1)))
		return wga_err_set(err, "usage",
				   "--expect-pair wants two names or addresses A,B, not \"%s\"",
				   arg);
	if (!strcmp(pair.a, pair.b))
		return wga_err_set(err, "usage",
				   "--expect-pair %s: a pair is two different hosts",
				   arg);
	grown = reallocarray(cfg->expect, cfg->n_expect + 1, sizeof(*grown));
	if (!grown)
		return no_memory(err);
	grown[cfg->n_expect++] = pair;
	cfg->expect = grown;
	return 0;
}

int wga_config_require(struct wga_config *cfg, const char *arg,
		       struct wga_err *err)
{
	int level = wga_evidence_find(arg);

	if (level < WGA_EVIDENCE_BOUND)
		return wga_err_set(err, "usage",
				   "--require wants bound, identified or opened, not \"%s\"",
				   arg);
	cfg->require = (enum wga_evidence)level;
	return 0;
}

int wga_config_trust_elided(struct wga_config *cfg, const char *arg,
			    struct wga_err *err)
{
	(void)arg;
	(void)err;
	cfg->trust_elided = true;
	return 0;
}

int wga_config_accept(struct wga_config *cfg, const char *arg,
		      struct wga_err *err)
{
	int i, code = wga_code_find(arg);
	char list[320] = "";
	size_t len = 0;

	if (code >= 0 &&
	    wga_code_severity((enum wga_code)code) == WGA_INCONCLUSIVE) {
		cfg->accept[code] = true;
		return 0;
	}

	for (i = 0; i < WGA_CODE_COUNT && len < sizeof(list); i++) {
		if (wga_code_severity((enum wga_code)i) != WGA_INCONCLUSIVE)
			continue;
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
					len ? ", " : "",
					wga_code_name((enum wga_code)i));
	}
	return wga_err_set(err, "usage",
			   "--accept \"%.64s\": %s; what can be accepted: %s",
			   arg, code < 0 ? "no such code" :
			   "a violation cannot be accepted", list);
}

int wga_config_mesh(struct wga_config *cfg, const char *path,
		    struct wga_err *err)
{
	return wga_registry_load(&cfg->registry, path, err);
}

int wga_config_mesh_text(struct wga_config *cfg, const char *text, size_t len,
			 const char *name, struct wga_err *err)
{
	return wga_registry_parse(&cfg->registry, text, len, name, err);
}

static int warn_shared(struct wga_config *cfg, const char *path,
		       struct wga_err *err)
{
	return warn(cfg, err, "%s can be read by others; chmod 600 %s", path,
		    path);
}

int wga_config_node_keys(struct wga_config *cfg, const char *path,
			 struct wga_err *err)
{
	bool shared;

	if (wga_node_keys_load(&cfg->node_keys, path, &shared, err) < 0)
		return -1;
	return shared ? warn_shared(cfg, path, err) : 0;
}

int wga_config_tls_keys(struct wga_config *cfg, const char *path,
			struct wga_err *err)
{
	bool shared;

	if (wga_keylog_load(&cfg->keylog, path, &shared, err) < 0)
		return -1;
	if (!wga_keylog_count(cfg->keylog) &&
	    warn(cfg, err, "%s: no TLS 1.3 secrets in it", path) < 0)
		return -1;
	return shared ? warn_shared(cfg, path, err) : 0;
}

int wga_config_check(struct wga_config *cfg, struct wga_err *err)
{
	const struct wga_node_keys *keys = cfg->node_keys;
	size_t i;

	for (i = 0; cfg->registry && i < wga_node_keys_count(keys); i++) {
		if (wga_registry_key(cfg->registry,
				     wga_node_keys_public(keys, i)) >= 0)
			continue;
		if (warn(cfg, err,
			 "the node key of %s is of no node in the registry: one of them is old",
			 wga_node_keys_name(keys, i)) < 0)
			return -1;
	}
	return 0;
}
