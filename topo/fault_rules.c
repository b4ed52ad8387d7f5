/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Each fault has a table of its own, wgaudit-NAME, in the bridge family (and in
 * netdev for answers by ICMP, which few kernels can give in a bridge). What
 * comes in by a port is taken in prerouting, before anything sees it on the
 * bridge; what goes out by it in postrouting, wherever it came from: another
 * port, or another bridge by way of this machine.
 *
 * A partition is cut where its frames come in, by the address they are for, so
 * it holds across bridges; and where a bridge forwards them from port to port,
 * so it holds for every protocol, also where addresses are not known.
 */
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/fault_ns.h"
#include "topo/fault_rules.h"

/* before everybody else's rules */
#define PRIORITY	"-450"
/* neighbour solicitation to redirect, RFC 4861: ARP's part in IPv6 */
#define ND		"133-137"

static const char *match(enum wga_fault_protocol p)
{
	switch (p) {
	case WGA_FAULT_UDP:
		return " meta l4proto udp";
	case WGA_FAULT_TCP:
		return " meta l4proto tcp";
	default:
		return "";
	}
}

struct rules {
	FILE *out;
	const struct wga_fault *f;
	const char *table;
};

static void chain(const struct rules *r, const char *name)
{
	fprintf(r->out,
		"add chain bridge %s %s { type filter hook %s priority " PRIORITY "; policy accept; }\n",
		r->table, name, name);
}

/* a rule of chain @chain for frames that match @what, @with after the count */
static void rule(const struct rules *r, const char *chain_name,
		 const char *what, const char *with, const char *comment)
{
	fprintf(r->out,
		"add rule bridge %s %s %s counter %s comment \"%s\"\n",
		r->table, chain_name, what, with, comment);
}

/* take frames of the protocol away that match @what */
static void cut(const struct rules *r, const char *chain_name, const char *what)
{
	const struct wga_fault *f = r->f;
	char text[400];

	if (f->protocol == WGA_FAULT_ICMP) {
		snprintf(text, sizeof(text), "%s ip protocol icmp", what);
		rule(r, chain_name, text, "drop", "drop");
		snprintf(text, sizeof(text), "%s icmpv6 type != " ND, what);
		rule(r, chain_name, text, "drop", "drop");
		return;
	}
	snprintf(text, sizeof(text), "%s%s", what, match(f->protocol));
	rule(r, chain_name, text, "drop", "drop");
}

static void allow(const struct rules *r, const char *chain_name,
		  const char *port, const char *what)
{
	char text[400];

	snprintf(text, sizeof(text), "%s %s", port, what);
	rule(r, chain_name, text, "accept", "allow");
}

/* who cannot ask for an address cannot answer either: address resolution is
 * let through where something is to get through
 */
static void allow_resolution(const struct rules *r, const char *chain_name,
			     const char *port)
{
	allow(r, chain_name, port, "ether type arp");
	allow(r, chain_name, port, "icmpv6 type " ND);
}

static const char *by_addr(const struct wga_addr *a, const char *dir,
			   char buf[static 80])
{
	char text[WGA_ADDR_STRLEN];

	snprintf(buf, 80, "%s %s %s", wga_addr_is_v4(a) ? "ip" : "ip6", dir,
		 wga_addr_format(a, text));
	return buf;
}

/* all frames of a port, but for those of the control server */
static void cut_port(const struct rules *r, const struct wga_fault_port *p)
{
	static const struct {
		const char *chain, *port, *peer;
	} ways[] = {
		{ "prerouting", "iifname", "daddr" },
		{ "postrouting", "oifname", "saddr" },
	};

	for (size_t i = 0; i < 2; i++) {
		char port[64], addr[80];

		snprintf(port, sizeof(port), "%s \"%s\"", ways[i].port,
			 p->link);
		if (wga_fault_has_addr(&r->f->control)) {
			allow_resolution(r, ways[i].chain, port);
			allow(r, ways[i].chain, port,
			      by_addr(&r->f->control, ways[i].peer, addr));
		}
		cut(r, ways[i].chain, port);
	}
}

static void lose_port(const struct rules *r, const struct wga_fault_port *p)
{
	char what[160], some[64] = "";

	if (r->f->loss < 10000)
		snprintf(some, sizeof(some), " numgen random mod 10000 < %u",
			 r->f->loss);
	snprintf(what, sizeof(what), "iifname \"%s\"%s", p->link, some);
	rule(r, "prerouting", what, "drop", "drop");
	snprintf(what, sizeof(what), "oifname \"%s\"%s", p->link, some);
	rule(r, "postrouting", what, "drop", "drop");
}

static void cut_pair(const struct rules *r, const struct wga_fault_port *from,
		     const struct wga_fault_port *to)
{
	char what[200], addr[80];

	if (wga_fault_has_addr(&to->addr)) {
		snprintf(what, sizeof(what), "iifname \"%s\" %s", from->link,
			 by_addr(&to->addr, "daddr", addr));
		if (r->f->one_way && !wga_addr_is_v4(&to->addr))
			allow(r, "prerouting", what, "icmpv6 type " ND);
		cut(r, "prerouting", what);
	}
	if (strcmp(from->bridge, to->bridge) != 0)
		return;
	snprintf(what, sizeof(what), "iifname \"%s\" oifname \"%s\"",
		 from->link, to->link);
	if (r->f->one_way)
		allow_resolution(r, "forward", what);
	cut(r, "forward", what);
}

static void cut_groups(const struct rules *r)
{
	const struct wga_fault *f = r->f;

	for (size_t i = 0; i < f->n_ports; i++)
		for (size_t k = 0; k < f->n_ports; k++) {
			if (f->ports[i].group == f->ports[k].group ||
			    (f->one_way && f->ports[i].group == 1))
				continue;
			cut_pair(r, &f->ports[i], &f->ports[k]);
		}
}

/* what comes from the host is answered where it comes in, what is for it has
 * passed that place already and vanishes
 */
static void reject_port(const struct rules *r, const struct wga_fault_port *p)
{
	static const char *const refused[] = {
		"ether type ip", "ether type ip6 meta l4proto != ipv6-icmp",
		"icmpv6 type != " ND,
	};
	char what[200];

	fprintf(r->out,
		"add table netdev %s { flags owner; }\n"
		"add chain netdev %s ingress { type filter hook ingress device \"%s\" priority " PRIORITY "; policy accept; }\n",
		r->table, r->table, p->link);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		fprintf(r->out,
			"add rule netdev %s ingress %s counter reject with icmpx admin-prohibited comment \"drop\"\n",
			r->table, refused[i]);
		snprintf(what, sizeof(what), "oifname \"%s\" %s", p->link,
			 refused[i]);
		rule(r, "postrouting", what, "drop", "drop");
	}
}

static void all_rules(const struct rules *r)
{
	const struct wga_fault *f = r->f;

	fprintf(r->out, "add table bridge %s { flags owner; }\n", r->table);
	chain(r, "prerouting");
	chain(r, "forward");
	chain(r, "postrouting");
	if (f->what == WGA_FAULT_PARTITION && !f->isolate) {
		cut_groups(r);
		return;
	}
	for (size_t i = 0; i < f->n_ports; i++) {
		if (f->what == WGA_FAULT_LOSS)
			lose_port(r, &f->ports[i]);
		else if (f->kind == WGA_FAULT_REJECT)
			reject_port(r, &f->ports[i]);
		else
			cut_port(r, &f->ports[i]);
	}
}

static const char *table_name(const struct wga_fault *f,
			      char buf[static WGA_FAULT_NAME_MAX + 16])
{
	snprintf(buf, WGA_FAULT_NAME_MAX + 16, "wgaudit-%s", f->name);
	return buf;
}

char *wga_fault_rules_text(const struct wga_fault *f)
{
	char table[WGA_FAULT_NAME_MAX + 16], *text = NULL;
	struct rules r = { .f = f, .table = table_name(f, table) };
	size_t len;

	r.out = open_memstream(&text, &len);
	if (!r.out)
		return NULL;
	all_rules(&r);
	if (fclose(r.out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

struct context {
	struct nft_ctx *nft;
	const char *commands;
};

static int new_context(void *arg, struct wga_err *err)
{
	struct nft_ctx **nft = arg;

	*nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (*nft && nft_ctx_buffer_error(*nft) == 0 &&
	    nft_ctx_buffer_output(*nft) == 0)
		return 0;
	return wga_err_set(err, "nftables", "cannot speak to nftables");
}

/* libnftables finds interfaces by name, so it must be in their namespace */
static int run_commands(void *arg, struct wga_err *err)
{
	struct context *c = arg;

	if (nft_run_cmd_from_buffer(c->nft, c->commands) == 0)
		return 0;
	return wga_err_set(err, "nftables", "%.400s",
			   nft_ctx_get_error_buffer(c->nft));
}

static int refused(const struct wga_fault *f, const struct wga_err *why,
		   struct wga_err *err)
{
	const char *needs = f->kind == WGA_FAULT_REJECT ?
		"CONFIG_NFT_REJECT_NETDEV and " :
		f->what == WGA_FAULT_LOSS ? "CONFIG_NFT_NUMGEN and " : "";
	char first[200];

	snprintf(first, sizeof(first), "%.*s",
		 (int)strcspn(why->text, "\n"), why->text);
	if (strstr(why->text, "Operation not permitted"))
		return wga_err_set(err, "no-permission",
				   "setting rules needs root; try sudo");
	if (strstr(why->text, "No such file") ||
	    strstr(why->text, "not supported"))
		return wga_err_set(err, "missing-feature",
				   "the kernel refuses the rules (%s): they need %sCONFIG_NF_TABLES_BRIDGE, and Linux 5.12 for tables with an owner",
				   first, needs);
	return wga_err_set(err, "nftables", "nftables refuses the rules: %s",
			   first);
}

int wga_fault_rules_put(const struct wga_fault *f, struct nft_ctx **nft,
			struct wga_err *err)
{
	char *text = wga_fault_rules_text(f);
	struct context c = { .commands = text };
	struct wga_err why;
	int ret;

	*nft = NULL;
	if (!text)
		return wga_err_set(err, "out-of-memory", "out of memory");
	ret = wga_fault_ns_call(&f->ns, new_context, &c.nft, err);
	if (ret == 0 && wga_fault_ns_call(&f->ns, run_commands, &c, &why) < 0)
		ret = strcmp(why.code, "nftables") == 0 ?
			refused(f, &why, err) :
			wga_err_set(err, why.code, "%s", why.text);
	free(text);
	if (ret == 0)
		*nft = c.nft;
	else if (c.nft)
		nft_ctx_free(c.nft);
	return ret;
}

/* of one line, if it is a rule that takes frames away */
static uint64_t line_packets(const char *line, size_t len)
{
	static const char count[] = "counter packets ";
	const char *is = memmem(line, len, count, sizeof(count) - 1);

	if (!is || !memmem(line, len, "comment \"drop\"", 14))
		return 0;
	return strtoull(is + sizeof(count) - 1, NULL, 10);
}

uint64_t wga_fault_rules_sum(const char *text)
{
	uint64_t sum = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		sum += line_packets(text, len);
		text += len + (text[len] != '\0');
	}
	return sum;
}

struct counting {
	const struct wga_fault *f;
	struct nft_ctx *nft;
	uint64_t dropped;
};

static uint64_t count_table(struct nft_ctx *nft, const char *family,
			    const char *table)
{
	char command[WGA_FAULT_NAME_MAX + 64];

	/* not as JSON: libnftables 1.0.6 uses what it has freed there */
	snprintf(command, sizeof(command), "list table %s %s", family, table);
	if (nft_run_cmd_from_buffer(nft, command) != 0)
		return 0;
	return wga_fault_rules_sum(nft_ctx_get_output_buffer(nft));
}

static int count_all(void *arg, struct wga_err *err)
{
	char table[WGA_FAULT_NAME_MAX + 16];
	struct counting *c = arg;
	struct nft_ctx *nft = c->nft;

	if (!nft && new_context(&nft, err) < 0)
		return -1;
	table_name(c->f, table);
	c->dropped = count_table(nft, "bridge", table);
	if (c->f->kind == WGA_FAULT_REJECT)
		c->dropped += count_table(nft, "netdev", table);
	if (!c->nft)
		nft_ctx_free(nft);
	return 0;
}

int wga_fault_rules_count(const struct wga_fault *f, struct nft_ctx *nft,
			  uint64_t *dropped, struct wga_err *err)
{
	struct counting c = { f, nft, 0 };

	*dropped = 0;
	if (wga_fault_ns_call(&f->ns, count_all, &c, err) < 0)
		return -1;
	*dropped = c.dropped;
	return 0;
}
