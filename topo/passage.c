/* SPDX-License-Identifier: MIT */
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>

#include "topo/passage.h"

static size_t passage_rule(const struct wga_topology *t, size_t i, size_t k,
			   char *buf, size_t size)
{
	static const char *const what[] = {
		[WGA_PASSAGE_NO_UDP] = "meta l4proto udp drop",
		[WGA_PASSAGE_ISOLATED] = "drop",
	};
	int n;

	if (i == k || t->passage[i][k] == WGA_PASSAGE_OPEN)
		return 0;
	n = snprintf(buf, size,
		     "add rule inet wga_%s passages iifname \"%s\" oifname \"%s\" %s\n",
		     t->name, t->networks[i].bridge, t->networks[k].bridge,
		     what[t->passage[i][k]]);
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static int apply(const char *rules, struct wga_err *err)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	int ret = 0;

	if (!nft)
		return wga_err_set(err, "out-of-memory", "out of memory");
	nft_ctx_buffer_error(nft);
	nft_ctx_buffer_output(nft);
	if (nft_run_cmd_from_buffer(nft, rules) != 0)
		ret = wga_err_set(err, "nftables",
				  "cannot set what may pass between networks: %s",
				  nft_ctx_get_error_buffer(nft));
	nft_ctx_free(nft);
	return ret;
}

/* add before delete, for there may be none */
#define CLEAR	"add table inet wga_%s\n" \
		"delete table inet wga_%s\n"
#define BEGIN	CLEAR \
		"add table inet wga_%s\n" \
		"add chain inet wga_%s passages { type filter hook forward priority 0; }\n"

int wga_passages_set(const struct wga_topology *t, struct wga_err *err)
{
	static const size_t room = 512 + WGA_TOPO_NETWORKS_MAX *
					 WGA_TOPO_NETWORKS_MAX * 160;
	char *rules = malloc(room);
	size_t len;
	int ret;

	if (!rules)
		return wga_err_set(err, "out-of-memory", "out of memory");
	len = (size_t)snprintf(rules, room, BEGIN, t->name, t->name, t->name,
			       t->name);
	for (size_t i = 0; i < t->n_networks; i++)
		for (size_t k = 0; k < t->n_networks; k++)
			len += passage_rule(t, i, k, rules + len, room - len);
	ret = apply(rules, err);
	free(rules);
	return ret;
}

int wga_passages_clear(const struct wga_topology *t, struct wga_err *err)
{
	char rules[128];

	snprintf(rules, sizeof(rules), CLEAR, t->name, t->name);
	return apply(rules, err);
}
