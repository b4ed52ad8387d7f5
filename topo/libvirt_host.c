/* SPDX-License-Identifier: MIT */
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/command.h"
#include "topo/libvirt_internal.h"

#define POLL_MS		500
#define LOG_EVERY_MS	3000
#define STOP_MS		120000
#define PING_S		2

/* $1 name, $2 address, $3 version */
static const char settle[] =
	"set -e\n"
	"[ \"$(cat /etc/hostname 2>/dev/null)\" = \"$1\" ] || {\n"
	"	echo \"$1\" >/etc/hostname\n"
	"	hostname \"$1\"\n"
	"}\n"
	"[ ! -d \"/opt/wgaudit/$3\" ] || ln -sfn \"$3\" /opt/wgaudit/bin\n"
	"n=0\n"
	"until ip -4 -o addr | grep -qF \" $2/\"; do\n"
	"	n=$((n + 1))\n"
	"	[ $n -lt 150 ] || { echo \"it gets no lease for $2\" >&2; exit 1; }\n"
	"	sleep 0.5\n"
	"done\n";

static int cancelled(const struct wga_mesh *m, struct wga_err *err)
{
	if (!m->cancel || !*m->cancel)
		return 0;
	return wga_err_set(err, "interrupted", "interrupted");
}

/* has its kernel given up? That is seen at its console only. */
static bool has_crashed(virConnectPtr conn, const struct wga_topology *t,
			const struct wga_topo_host *host)
{
	static const char *const words[] = {
		"Kernel panic - not syncing", "You are in emergency mode",
		"Unable to mount root fs",
	};
	char *log = wga_lv_serial_log(conn, t, host, 200);
	bool crashed = false;

	for (size_t i = 0; log && i < sizeof(words) / sizeof(*words); i++)
		crashed |= strstr(log, words[i]) != NULL;
	free(log);
	return crashed;
}

static int with_log(const char *code, const char *what, virConnectPtr conn,
		    const struct wga_topology *t,
		    const struct wga_topo_host *host, struct wga_err *err)
{
	char *log = wga_lv_serial_log(conn, t, host, 4);

	wga_err_set(err, code, "%s: %s%s%.300s", host->name, what,
		    log ? "; last on its console: " : "", log ? log : "");
	free(log);
	return -1;
}

static bool runs_kvm(virDomainPtr dom)
{
	char *xml = virDomainGetXMLDesc(dom, 0);
	bool kvm = xml && strstr(xml, "<domain type='kvm'");

	free(xml);
	return kvm;
}

/* $WGAUDIT_BOOT_SECONDS, for machines that are slower still */
static unsigned int patience_s(virDomainPtr dom)
{
	const char *own = secure_getenv("WGAUDIT_BOOT_SECONDS");
	unsigned long s = own ? strtoul(own, NULL, 10) : 0;

	if (s > 0 && s <= 86400)
		return (unsigned int)s;
	return runs_kvm(dom) ? WGA_LV_BOOT_KVM_S : WGA_LV_BOOT_TCG_S;
}

/* a domain that was made a moment ago: until its agent answers */
static int wait_for_agent(struct wga_mesh *m, virDomainPtr dom,
			  const struct wga_topo_host *host, struct wga_err *err)
{
	virConnectPtr conn = virDomainGetConnect(dom);
	unsigned int limit_s = patience_s(dom);
	uint64_t end = wga_now_ms() + limit_s * 1000ULL;
	uint64_t look = wga_now_ms() + LOG_EVERY_MS;
	char what[160];

	while (!wga_lv_agent_ping(dom, PING_S)) {
		if (cancelled(m, err) < 0)
			return -1;
		if (virDomainIsActive(dom) != 1)
			return with_log("vm-crashed", "it ended while it booted",
					conn, &m->topo, host, err);
		if (wga_now_ms() >= look) {
			if (has_crashed(conn, &m->topo, host))
				return with_log("vm-crashed",
						"it crashed while it booted",
						conn, &m->topo, host, err);
			look = wga_now_ms() + LOG_EVERY_MS;
		}
		if (wga_now_ms() > end) {
			snprintf(what, sizeof(what),
				 "no guest agent after %u s; its image needs qemu-guest-agent",
				 limit_s);
			return with_log("no-agent", what, conn, &m->topo, host,
					err);
		}
		wga_sleep_ms(POLL_MS, m->cancel);
	}
	return 0;
}

static int settle_in(struct wga_mesh *m, virDomainPtr dom,
		     const struct wga_topo_host *host, struct wga_err *err)
{
	char addr[WGA_ADDR_STRLEN];
	struct wga_err why;
	const char *argv[] = {
		"sh", "-c", settle, "sh", host->name,
		wga_addr_format(&host->addr, addr),
		host->version[0] ? host->version : "current", NULL,
	};

	if (wga_lv_must(m, dom, "no-address", argv, &why) == 0)
		return 0;
	return with_log(why.code, why.text, virDomainGetConnect(dom), &m->topo,
			host, err);
}

int wga_lv_host_wait(struct wga_mesh *m, const struct wga_topo_host *host,
		     struct wga_err *err)
{
	virDomainPtr dom = wga_lv_domain(m, host, err);
	int ret;

	if (!dom)
		return -1;
	ret = wait_for_agent(m, dom, host, err);
	if (ret == 0)
		ret = settle_in(m, dom, host, err);
	virDomainFree(dom);
	return ret;
}

/* "x86_64": guests are of the kind of the machine that libvirt is on */
static void arch_of(virConnectPtr conn, char arch[static 33])
{
	virNodeInfo info;

	if (virNodeGetInfo(conn, &info) == 0)
		snprintf(arch, 33, "%.32s", info.model);
	else
		snprintf(arch, 33, "x86_64");
}

int wga_lv_host_boot(struct wga_mesh *m, virStoragePoolPtr pool,
		     const struct wga_topo_host *host, bool kvm,
		     const struct wga_progress *p, struct wga_err *err)
{
	virConnectPtr conn = virStoragePoolGetConnect(pool);
	struct wga_lv_files files;
	virDomainPtr dom;
	char arch[33], *xml;

	if (wga_lv_host_files(pool, &m->topo, host, &files, err) < 0)
		return -1;
	arch_of(conn, arch);
	xml = wga_lv_domain_xml(&m->topo, host, &files, arch, kvm);
	dom = xml ? virDomainCreateXML(conn, xml, 0) : NULL;
	free(xml);
	if (!dom)
		return wga_err_set(err, "vm-not-started",
				   "libvirt cannot start %s: %s", host->name,
				   wga_lv_why());
	virDomainFree(dom);
	wga_progress_tell(p, m, host, WGA_STAGE_CREATED);
	if (wga_lv_host_wait(m, host, err) < 0)
		return -1;
	wga_progress_tell(p, m, host, WGA_STAGE_BOOTED);
	return 0;
}

int wga_lv_host_stop(struct wga_mesh *m, const struct wga_topo_host *host,
		     enum wga_stop how, struct wga_err *err)
{
	struct wga_err why;
	virDomainPtr dom = wga_lv_domain(m, host, &why);
	uint64_t end = wga_now_ms() + STOP_MS;
	int ret = 0;

	if (!dom && strcmp(why.code, "host-down") == 0)
		return 0;
	if (!dom) {
		if (err)
			*err = why;
		return -1;
	}
	if (how == WGA_STOP_ORDERLY &&
	    virDomainShutdownFlags(dom, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT) < 0 &&
	    virDomainShutdown(dom) < 0)
		ret = wga_err_set(err, "cannot-stop", "%s cannot be shut down: %s",
				  host->name, wga_lv_why());
	while (ret == 0 && how == WGA_STOP_ORDERLY &&
	       virDomainIsActive(dom) == 1) {
		if (wga_now_ms() > end)
			ret = wga_err_set(err, "timeout",
					  "%s has not shut down after %d s",
					  host->name, STOP_MS / 1000);
		wga_sleep_ms(POLL_MS, NULL);
	}
	if (how == WGA_STOP_HARD && virDomainDestroy(dom) < 0 &&
	    virDomainIsActive(dom) == 1)
		ret = wga_err_set(err, "cannot-stop", "%s cannot be stopped: %s",
				  host->name, wga_lv_why());
	virDomainFree(dom);
	return ret;
}
