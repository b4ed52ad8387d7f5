/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "topo/fault.h"
#include "topo/fault_nl.h"

struct nl_sock *wga_nl_connect(struct wga_err *err)
{
	struct nl_sock *s = nl_socket_alloc();

	if (s && nl_connect(s, NETLINK_ROUTE) == 0)
		return s;
	nl_socket_free(s);
	wga_err_set(err, "netlink", "cannot open a netlink socket");
	return NULL;
}

int wga_nl_fail(const char *what, const char *name, int nl,
		struct wga_err *err)
{
	return wga_err_set(err, nl == -NLE_PERM ? "no-permission" : "netlink",
			   "cannot %s %s: %s%s", what, name, nl_geterror(nl),
			   nl == -NLE_PERM ? "; try sudo" : "");
}

struct nl_addr *wga_nl_addr(const struct wga_addr *a, unsigned int prefix)
{
	struct nl_addr *out = wga_addr_is_v4(a) ?
		nl_addr_build(AF_INET, a->b + 12, 4) :
		nl_addr_build(AF_INET6, a->b, 16);

	if (out)
		nl_addr_set_prefixlen(out, (int)prefix);
	return out;
}

struct wga_addr wga_nl_to_addr(const struct nl_addr *a, int family)
{
	struct wga_addr none = { 0 };
	uint8_t b[16] = { 0 };
	unsigned int len = a ? nl_addr_get_len(a) : 0;

	if (!a || len > sizeof(b))
		return none;
	/* a default route's destination has no bytes */
	if (len > 0)
		memcpy(b, nl_addr_get_binary_addr(a), len);
	return family == AF_INET ? wga_addr_v4(b) : wga_addr_v6(b);
}
