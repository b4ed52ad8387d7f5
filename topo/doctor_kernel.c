/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/tc.h>
#include <netlink/version.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "topo/doctor_internal.h"

#define LOOPBACK	1	/* its index in every network namespace */

/* the owner flag is since Linux 5.12 */
#define NFT_OWNER	"add table inet wga_probe_owner { flags owner; }"
#define NFT_BRIDGE	"add table bridge wga_probe\n" \
			"add chain bridge wga_probe c { type filter hook forward priority 0; }"
#define NFT_INET	"add table inet wga_probe\n" \
			"add chain inet wga_probe c { type filter hook forward priority 0; }"
#define NFT_NUMGEN	"add table inet wga_numgen\n" \
			"add chain inet wga_numgen c { type filter hook forward priority 0; }\n" \
			"add rule inet wga_numgen c numgen random mod 100 < 10 drop"

/* a network namespace that is gone with this process */
static int enter_new(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	return errno == EPERM ? unshare(CLONE_NEWUSER | CLONE_NEWNET) : -1;
}

static void tell(const struct wga_doctor *d, struct wga_findings *out,
		 const char *name, unsigned int needs, int ret,
		 const char *what, const char *mend)
{
	if (ret < 0)
		wga_finding_add(d, out, name, needs, WGA_HEALTH_MISSING, mend,
				"the kernel makes no %s: %s", what,
				nl_geterror(ret));
	else
		wga_finding_add(d, out, name, needs, WGA_HEALTH_OK, "",
				"the kernel makes a %s", what);
}

static int add_netem(struct nl_sock *sock)
{
	struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();
	int ret;

	if (!qdisc)
		return -NLE_NOMEM;
	rtnl_tc_set_ifindex(TC_CAST(qdisc), LOOPBACK);
	rtnl_tc_set_parent(TC_CAST(qdisc), TC_H_ROOT);
	ret = rtnl_tc_set_kind(TC_CAST(qdisc), "netem");
	if (ret >= 0)
		ret = rtnl_qdisc_add(sock, qdisc, NLM_F_CREATE);
	rtnl_qdisc_put(qdisc);
	return ret;
}

static void probe_links(const struct wga_doctor *d, struct wga_findings *out)
{
	const unsigned int lab = WGA_NEED_NAMESPACES;
	struct nl_sock *sock = nl_socket_alloc();
	int ret;

	if (!sock || nl_connect(sock, NETLINK_ROUTE) < 0) {
		wga_finding_add(d, out, "netlink", lab | WGA_NEED_FAULTS,
				WGA_HEALTH_MISSING, "",
				"no netlink socket could be made");
		nl_socket_free(sock);
		return;
	}
	ret = rtnl_link_bridge_add(sock, "wga-probe");
	tell(d, out, "bridge", lab, ret, "bridge", "load the module bridge");
	ret = rtnl_link_veth_add(sock, "wga-probe0", "wga-probe1", getpid());
	tell(d, out, "veth", lab, ret, "veth pair", "load the module veth");
	ret = add_netem(sock);
	if (ret < 0)
		wga_finding_add(d, out, "netem", WGA_NEED_LOSS,
				WGA_HEALTH_WARNING,
				"load the module sch_netem, or take a kernel that has it",
				"the kernel has no netem (%s): delay and jitter cannot be put, loss can by nftables",
				nl_geterror(ret));
	else
		wga_finding_add(d, out, "netem", WGA_NEED_LOSS, WGA_HEALTH_OK,
				"", "the kernel has netem");
	nl_socket_free(sock);
}

static void probe_tun(const struct wga_doctor *d, struct wga_findings *out)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strcpy(ifr.ifr_name, "wga-probe-tun");
	if (fd < 0)
		wga_finding_add(d, out, "tun", WGA_NEED_NAMESPACES,
				WGA_HEALTH_MISSING, errno == EACCES ?
				"run with sudo" :
				"modprobe tun, or give the container /dev/net/tun",
				"/dev/net/tun cannot be opened: %s",
				strerror(errno));
	else if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		wga_finding_add(d, out, "tun", WGA_NEED_NAMESPACES,
				WGA_HEALTH_MISSING, "load the module tun",
				"/dev/net/tun makes no link: %s",
				strerror(errno));
	else
		wga_finding_add(d, out, "tun", WGA_NEED_NAMESPACES,
				WGA_HEALTH_OK, "",
				"/dev/net/tun makes links");
	if (fd >= 0)
		close(fd);
}

static bool nft(const char *rules)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	bool done;

	if (!ctx)
		return false;
	nft_ctx_buffer_error(ctx);
	nft_ctx_buffer_output(ctx);
	done = nft_run_cmd_from_buffer(ctx, rules) == 0;
	nft_ctx_free(ctx);
	return done;
}

static void probe_nft(const struct wga_doctor *d, struct wga_findings *out)
{
	static const struct {
		const char *name, *rules, *what, *mend;
		unsigned int needs;
	} list[] = {
		{ "nft-inet", NFT_INET, "nftables for IPv4 and IPv6",
		  "take a kernel with CONFIG_NF_TABLES_INET",
		  WGA_NEED_NAMESPACES | WGA_NEED_FAULTS },
		{ "nft-bridge", NFT_BRIDGE, "nftables for bridges",
		  "take a kernel with CONFIG_NF_TABLES_BRIDGE",
		  WGA_NEED_FAULTS },
		{ "nft-owner", NFT_OWNER,
		  "tables that vanish with their owner",
		  "take Linux 5.12 or newer", WGA_NEED_FAULTS },
		{ "nft-numgen", NFT_NUMGEN, "random drops (numgen)",
		  "take a kernel with CONFIG_NFT_NUMGEN", WGA_NEED_LOSS },
	};
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bool there = nft(list[i].rules);

		wga_finding_add(d, out, list[i].name, list[i].needs, there ?
				WGA_HEALTH_OK : WGA_HEALTH_MISSING,
				there ? "" : list[i].mend, "the kernel has %s%s",
				there ? "" : "no ", list[i].what);
	}
}

void wga_doctor_probes(const struct wga_doctor *d, struct wga_findings *out)
{
	if (enter_new() < 0) {
		wga_finding_add(d, out, "network-namespaces",
				WGA_NEED_NAMESPACES | WGA_NEED_FAULTS |
				WGA_NEED_LOSS, WGA_HEALTH_MISSING,
				errno == EPERM ? "run with sudo" :
				"take a kernel with CONFIG_NET_NS",
				"no network namespace could be made, so bridges, nftables and netem were not tried: %s",
				strerror(errno));
		return;
	}
	wga_finding_add(d, out, "network-namespaces", WGA_NEED_NAMESPACES,
			WGA_HEALTH_OK, "", "network namespaces can be made");
	probe_links(d, out);
	probe_tun(d, out);
	probe_nft(d, out);
}

void wga_doctor_kvm(const struct wga_doctor *d, struct wga_findings *out)
{
	static const char slow[] =
		"load kvm_intel or kvm_amd, and turn virtualisation on in the firmware or for this virtual machine";
	char path[300];
	int fd, version;

	snprintf(path, sizeof(path), "%s/dev/kvm", d->root);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		wga_finding_add(d, out, "kvm", WGA_NEED_LIBVIRT,
				WGA_HEALTH_WARNING, errno == EACCES ?
				"add the user to the group kvm" : slow,
				"/dev/kvm cannot be opened, guests will be emulated, which is slow: %s",
				strerror(errno));
		return;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	close(fd);
	if (version == KVM_API_VERSION)
		wga_finding_add(d, out, "kvm", WGA_NEED_LIBVIRT, WGA_HEALTH_OK,
				"", "/dev/kvm answers, API %d; whether guests run on it shows at the first start",
				version);
	else
		wga_finding_add(d, out, "kvm", WGA_NEED_LIBVIRT,
				WGA_HEALTH_WARNING, slow,
				"/dev/kvm does not answer as KVM does, guests will be emulated, which is slow");
}

/* RTNL_BRIDGE_ISOLATED came with 3.11 (libnl afafe78a) */
void wga_doctor_libnl(const struct wga_doctor *d, struct wga_findings *out)
{
	bool old = nl_ver_maj < 3 || (nl_ver_maj == 3 && nl_ver_min < 11);

	wga_finding_add(d, out, "libnl", WGA_NEED_FAULTS, old ?
			WGA_HEALTH_WARNING : WGA_HEALTH_OK, old ?
			"nothing: the attribute is written without it" : "",
			"libnl %d.%d.%d%s", nl_ver_maj, nl_ver_min, nl_ver_mic,
			old ? " cannot isolate a bridge's port (3.11 can)" : "");
}
