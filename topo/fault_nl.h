/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_NL_H
#define WGA_FAULT_NL_H

#include <netlink/addr.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>

#include "capture/addr.h"
#include "capture/err.h"

static inline void wga_nl_sock_free(struct nl_sock **s)
{
	nl_socket_free(*s);
}

static inline void wga_nl_link_put(struct rtnl_link **l)
{
	rtnl_link_put(*l);
}

static inline void wga_nl_addr_put(struct nl_addr **a)
{
	nl_addr_put(*a);
}

static inline void wga_nl_cache_free(struct nl_cache **c)
{
	nl_cache_free(*c);
}

#define NL_SOCK		__attribute__((cleanup(wga_nl_sock_free))) struct nl_sock
#define NL_LINK		__attribute__((cleanup(wga_nl_link_put))) struct rtnl_link
#define NL_ADDR		__attribute__((cleanup(wga_nl_addr_put))) struct nl_addr
#define NL_CACHE	__attribute__((cleanup(wga_nl_cache_free))) struct nl_cache

/* a route socket of the namespace that the calling thread is in, or NULL */
struct nl_sock *wga_nl_connect(struct wga_err *err);

/* "netlink": cannot @what @name, and why; Return: -1 */
int wga_nl_fail(const char *what, const char *name, int nl,
		struct wga_err *err);

/* ours and theirs; @out of a family of neither sort is all zero */
struct nl_addr *wga_nl_addr(const struct wga_addr *a, unsigned int prefix);
struct wga_addr wga_nl_to_addr(const struct nl_addr *a, int family);

#endif /* WGA_FAULT_NL_H */
