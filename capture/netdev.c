/* SPDX-License-Identifier: MIT */
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/netdev.h"

static int netdev_ioctl(unsigned long request, const char *name,
			struct ifreq *ifr)
{
	int fd, ret;

	if (strlen(name) >= sizeof(ifr->ifr_name))
		return -1;
	strcpy(ifr->ifr_name, name);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	ret = ioctl(fd, request, ifr);
	close(fd);
	return ret;
}

bool wga_netdev_is_bridge(const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr = { .ifr_data = (char *)&info };

	return netdev_ioctl(SIOCETHTOOL, name, &ifr) == 0 &&
	       strcmp(info.driver, "bridge") == 0;
}

unsigned int wga_netdev_bridges(char *buf, size_t size)
{
	struct if_nameindex *all = if_nameindex();
	unsigned int count = 0;
	size_t used = 0;

	buf[0] = '\0';
	if (!all)
		return 0;
	for (const struct if_nameindex *i = all; i->if_index; i++) {
		if (!wga_netdev_is_bridge(i->if_name))
			continue;
		if (used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%s",
						 count ? ", " : "", i->if_name);
		count++;
	}
	if_freenameindex(all);
	return count;
}

static bool has_carrier(const char *name)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = { .ifr_data = (char *)&link };

	/* what cannot tell is taken to have one */
	return netdev_ioctl(SIOCETHTOOL, name, &ifr) < 0 || link.data;
}

/* IFF_RUNNING lags up to a second behind the carrier, and a bridge that is new
 * has it without a carrier.
 */
enum wga_netdev_state wga_netdev_state(unsigned int ifindex)
{
	struct ifreq ifr = { 0 };
	char name[IF_NAMESIZE];

	if (!if_indextoname(ifindex, name) ||
	    netdev_ioctl(SIOCGIFFLAGS, name, &ifr) < 0)
		return WGA_NETDEV_GONE;
	if (!(ifr.ifr_flags & IFF_UP))
		return WGA_NETDEV_DOWN;
	return ifr.ifr_flags & IFF_RUNNING && has_carrier(name) ?
		WGA_NETDEV_RUNNING : WGA_NETDEV_NO_CARRIER;
}

int wga_netdev_mac(const char *name, uint8_t mac[static 6])
{
	struct ifreq ifr = { 0 };

	if (netdev_ioctl(SIOCGIFHWADDR, name, &ifr) < 0 ||
	    ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -1;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}

static bool netdev_address(const struct sockaddr *sa, struct wga_addr *out)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		*out = wga_addr_v4((const uint8_t *)&in.sin_addr);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		*out = wga_addr_v6(in6.sin6_addr.s6_addr);
		return true;
	}
	return false;
}

unsigned int wga_netdev_addresses(const char *name, struct wga_addr *out,
				  unsigned int max)
{
	unsigned int count = 0;
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return 0;
	for (const struct ifaddrs *i = all; i && count < max; i = i->ifa_next)
		if (i->ifa_addr && strcmp(i->ifa_name, name) == 0 &&
		    netdev_address(i->ifa_addr, &out[count]))
			count++;
	freeifaddrs(all);
	return count;
}
