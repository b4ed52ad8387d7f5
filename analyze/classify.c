/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "analyze/join.h"
#include "analyze/opaque.h"

/* The address at which clouds serve metadata; link-local, so nobody's host */
static const uint8_t metadata[4] = { 169, 254, 169, 254 };

/* Declared infrastructure, unless it takes part in the mesh: then the strict
 * rules hold for it whatever was declared.
 */
static bool is_infra(const struct wga_join *j, const struct wga_addr *addr,
		     uint16_t port)
{
	const struct wga_config *cfg = j->cfg;
	size_t i;

	for (i = 0; i < cfg->n_infra; i++) {
		if (wga_addr_equal(&cfg->infra[i].addr, addr) &&
		    (!cfg->infra[i].port || cfg->infra[i].port == port))
			return !(wga_roles_get(j->roles, addr) &
				 WGA_ROLE_SPEAKER);
	}
	return false;
}

/* WGA_ROLE_HOST, WGA_ROLE_GATEWAY or 0 */
static unsigned int end_role(const struct wga_join *j, const struct wga_addr *a)
{
	unsigned int role = wga_roles_get(j->roles, a);

	if (role & WGA_ROLE_GATEWAY)
		return WGA_ROLE_GATEWAY;
	/* Overlay addresses are hosts of the mesh wherever they turn up; an
	 * unspecified one is a host that has no address yet.
	 */
	if ((role & WGA_ROLE_HOST) || wga_addr_is_overlay(a) ||
	    wga_addr_is_unspecified(a))
		return WGA_ROLE_HOST;
	return 0;
}

enum wga_scope wga_join_scope(const struct wga_join *j,
			      const struct wga_flow_key *key)
{
	unsigned int lo, hi;

	if (key->ethertype)
		return wga_roles_gateway_mac(j->roles, key->lo.b) ||
		       wga_roles_gateway_mac(j->roles, key->hi.b) ?
			WGA_SCOPE_GATEWAY : WGA_SCOPE_HOSTS;
	if (is_infra(j, &key->lo, key->port_lo) ||
	    is_infra(j, &key->hi, key->port_hi))
		return WGA_SCOPE_DECLARED;

	lo = end_role(j, &key->lo);
	hi = end_role(j, &key->hi);
	if (lo == WGA_ROLE_GATEWAY || hi == WGA_ROLE_GATEWAY)
		return WGA_SCOPE_GATEWAY;
	if (wga_addr_is_multicast(&key->lo))
		lo = hi;
	if (wga_addr_is_multicast(&key->hi))
		hi = lo;
	if (lo && hi)
		return WGA_SCOPE_HOSTS;
	return lo || hi ? WGA_SCOPE_EXTERNAL : WGA_SCOPE_UNKNOWN;
}

static bool is_server(const struct wga_join *j, const struct wga_addr *a)
{
	return wga_roles_get(j->roles, a) & WGA_ROLE_SERVER;
}

static bool is_derp(const struct wga_config *cfg, const struct wga_addr *a)
{
	size_t i;

	for (i = 0; i < cfg->n_derp; i++) {
		if (wga_addr_equal(&cfg->derp[i].addr, a))
			return true;
	}
	return false;
}

/* STUN is fine with a declared server and on a path of the mesh. */
static bool stun_fine(const struct wga_join *j, const struct wga_tuple *t)
{
	const uint32_t mesh = 1u << WGA_KIND_DISCO | 1u << WGA_KIND_WIREGUARD |
			      1u << WGA_KIND_RELAY;

	return is_server(j, &t->key.lo) || is_server(j, &t->key.hi) ||
	       (t->kinds & mesh);
}

/* The class that bytes have if they are in the clear or unknown */
static enum wga_class by_scope(enum wga_scope scope, enum wga_class strict)
{
	return scope == WGA_SCOPE_HOSTS ? strict : WGA_CLASS_EXTERNAL;
}

static enum wga_class kind_class(const struct wga_join *j,
				 const struct wga_tuple *t, enum wga_kind kind,
				 const struct wga_sum *sum);

/* An ICMP error is as good as what it quotes. The quoted flow may have been
 * seen itself; then all that was seen of it counts.
 */
static enum wga_class quote_class(const struct wga_join *j,
				  const struct wga_flow_key *quote)
{
	const struct wga_tuple *t = wga_join_find(j, quote);
	struct wga_tuple alone = { .key = *quote };
	enum wga_class worst = WGA_CLASS_COUNT, cls;
	struct wga_sum sum;
	unsigned int kind;

	alone.key.kind = 0;
	alone.kinds = 1u << quote->kind;
	if (quote->kind != WGA_KIND_CUT && quote->kind != WGA_KIND_TCP) {
		sum = (struct wga_sum){ 0 };
		worst = kind_class(j, &alone, (enum wga_kind)quote->kind, &sum);
		if (worst == WGA_CLASS_PLAINTEXT ||
		    worst == WGA_CLASS_UNEXPLAINED)
			return worst;
	}
	for (kind = 0; t && kind < WGA_KIND_COUNT; kind++) {
		if (!(t->kinds >> kind & 1) || kind == WGA_KIND_ICMP_ERROR)
			continue;
		wga_join_sum(j, t, (enum wga_kind)kind, &sum);
		cls = wga_join_class(j, t, (enum wga_kind)kind, &sum);
		if (cls == WGA_CLASS_PLAINTEXT || cls == WGA_CLASS_UNEXPLAINED)
			return cls;
		worst = cls;
	}
	if (worst == WGA_CLASS_COUNT)
		worst = by_scope(wga_join_scope(j, quote),
				 WGA_CLASS_UNEXPLAINED);
	if (worst == WGA_CLASS_UNEXPLAINED || worst == WGA_CLASS_EXTERNAL)
		return worst;
	return WGA_CLASS_HOUSEKEEPING;
}

static enum wga_class error_class(const struct wga_join *j,
				  const struct wga_tuple *t)
{
	enum wga_class worst = WGA_CLASS_HOUSEKEEPING, cls;
	uint32_t m;

	for (m = t->members; m; m = j->members[m - 1].next) {
		struct wga_flow_ref ref = wga_join_ref(j, m);
		const struct wga_flow_key *quote;

		if (ref.flow->key.kind != WGA_KIND_ICMP_ERROR ||
		    !ref.cold->aux)
			continue;
		quote = &ref.br->quotes[ref.cold->aux - 1];
		cls = quote_class(j, quote);
		/* from host to host no error has anything else to quote */
		if (cls == WGA_CLASS_EXTERNAL &&
		    wga_join_scope(j, &t->key) == WGA_SCOPE_HOSTS)
			cls = quote->kind == WGA_KIND_TEXT ?
				WGA_CLASS_PLAINTEXT : WGA_CLASS_UNEXPLAINED;
		if (cls == WGA_CLASS_PLAINTEXT || cls == WGA_CLASS_UNEXPLAINED)
			return cls;
		if (cls == WGA_CLASS_EXTERNAL)
			worst = cls;
	}
	return worst;
}

/* Is there something in the WireGuard of a DERP connection that is not random?
 */
static bool is_stream_biased(const struct wga_join *j, const struct wga_tuple *t)
{
	uint32_t m;

	for (m = t->members; m; m = j->members[m - 1].next) {
		struct wga_flow_ref ref = wga_join_ref(j, m);
		const struct wga_stream_slot *slot;

		if (ref.flow->key.kind != WGA_KIND_STREAM || !ref.cold->aux)
			continue;
		slot = ref.br->streams[ref.cold->aux - 1];
		if (wga_biased(slot->high, slot->opaque))
			return true;
	}
	return false;
}

static enum wga_class stream_class(const struct wga_join *j,
				   const struct wga_tuple *t)
{
	struct wga_stream_report r;
	enum wga_stream_kind kind;

	if (!wga_join_stream(j, t, &r, &kind))
		return WGA_CLASS_CONTROL;
	if (is_stream_biased(j, t))
		return WGA_CLASS_PLAINTEXT;
	return r.derp || kind == WGA_STREAM_DERP ? WGA_CLASS_DERP :
						   WGA_CLASS_CONTROL;
}

/* The same messages on several bridges prove no more than on one. */
static bool is_biased(const struct wga_sum *sum)
{
	unsigned int bridges = (unsigned int)__builtin_popcountll(sum->bridges);

	return bridges && wga_biased(sum->high / bridges, sum->opaque / bridges);
}

static enum wga_class kind_class(const struct wga_join *j,
				 const struct wga_tuple *t, enum wga_kind kind,
				 const struct wga_sum *sum)
{
	enum wga_scope scope = wga_join_scope(j, &t->key);
	enum wga_class cls;

	switch (kind) {
	case WGA_KIND_WIREGUARD:
	case WGA_KIND_RELAY:
		if (is_biased(sum))
			return WGA_CLASS_PLAINTEXT;
		return kind == WGA_KIND_RELAY ? WGA_CLASS_RELAY :
						WGA_CLASS_WIREGUARD;
	case WGA_KIND_DISCO:
		return WGA_CLASS_DISCO;
	case WGA_KIND_STUN:
		return stun_fine(j, t) ? WGA_CLASS_STUN :
			by_scope(scope, WGA_CLASS_PLAINTEXT);
	case WGA_KIND_HEARTBEAT:
		return WGA_CLASS_CANARY;
	case WGA_KIND_SELFTEST:
		/* as the text that it is; only a leak that is found is ours */
		cls = kind_class(j, t, WGA_KIND_TEXT, sum);
		return cls == WGA_CLASS_PLAINTEXT ? WGA_CLASS_CANARY : cls;
	case WGA_KIND_HOUSEKEEPING:
		return WGA_CLASS_HOUSEKEEPING;
	case WGA_KIND_SERVICE:
		return scope == WGA_SCOPE_GATEWAY ? WGA_CLASS_HOUSEKEEPING :
			by_scope(scope, WGA_CLASS_PLAINTEXT);
	case WGA_KIND_ECHO:
		/* small ones to a DERP server are tailscaled's own probe */
		if (t->key.port_lo && (is_derp(j->cfg, &t->key.lo) ||
				       is_derp(j->cfg, &t->key.hi)))
			return WGA_CLASS_HOUSEKEEPING;
		return by_scope(scope, WGA_CLASS_PLAINTEXT);
	case WGA_KIND_STREAM:
		return stream_class(j, t);
	case WGA_KIND_SPLICED:
		return WGA_CLASS_UNEXPLAINED;
	case WGA_KIND_SPLICED_TEXT:
		return WGA_CLASS_PLAINTEXT;
	case WGA_KIND_TCP:
	case WGA_KIND_TLS:
		/* the handshake of a connection that carried text, too */
		if (kind == WGA_KIND_TCP && t->kinds >> WGA_KIND_TEXT & 1)
			return by_scope(scope, WGA_CLASS_PLAINTEXT);
		return by_scope(scope, WGA_CLASS_UNEXPLAINED);
	case WGA_KIND_TEXT:
		return by_scope(scope, WGA_CLASS_PLAINTEXT);
	case WGA_KIND_OPAQUE:
		return by_scope(scope, WGA_CLASS_UNEXPLAINED);
	case WGA_KIND_FRAGMENT:
		return sum->text && scope == WGA_SCOPE_HOSTS ?
			WGA_CLASS_PLAINTEXT : WGA_CLASS_UNPARSED;
	case WGA_KIND_ICMP_ERROR:
	case WGA_KIND_CUT:
	case WGA_KIND_BAD:
	case WGA_KIND_COUNT:
		break;
	}
	return WGA_CLASS_UNPARSED;
}

enum wga_class wga_join_class(const struct wga_join *j,
			      const struct wga_tuple *t, enum wga_kind kind,
			      const struct wga_sum *sum)
{
	if (kind == WGA_KIND_ICMP_ERROR)
		return error_class(j, t);
	return kind_class(j, t, kind, sum);
}

bool wga_join_unknown(const struct wga_join *j, const struct wga_tuple *t)
{
	struct wga_addr meta = wga_addr_v4(metadata);
	const struct wga_addr *ends[] = { &t->key.lo, &t->key.hi };
	unsigned int i;

	switch (wga_join_scope(j, &t->key)) {
	case WGA_SCOPE_UNKNOWN:
		return true;
	case WGA_SCOPE_EXTERNAL:
		for (i = 0; i < 2; i++) {
			if (!end_role(j, ends[i]) && !wga_addr_is_multicast(ends[i]) &&
			    wga_addr_is_private(ends[i]) &&
			    !wga_addr_equal(ends[i], &meta))
				return true;
		}
		return false;
	default:
		return false;
	}
}
