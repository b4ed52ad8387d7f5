/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "capture/netdev.h"
#include "topo/doctor_internal.h"
#include "topo/hostcheck.h"
#include "topo/mesh.h"
#include "topo/programs.h"

#define MIB			((uint64_t)1 << 20)
/* an image of a guest and the overlays of four */
#define DISK_MISSING_MIB	2048
#define DISK_WARNING_MIB	5120
/* Headscale and three clients in namespaces: measured, and as much again */
#define NAMESPACES_MIB		512
/* what is left to the machine itself beside its guests */
#define OWN_MIB			512

static const char sudo[] = "run with sudo";

void wga_doctor_privileges(const struct wga_doctor *d, struct wga_findings *out)
{
	static const struct {
		const char *name, *what, *mend;
		int bit;
		unsigned int needs;
	} list[] = {
		{ "cap-net-raw", "CAP_NET_RAW",
		  "run with sudo, or setcap cap_net_raw+ep wgaudit", CAP_NET_RAW,
		  WGA_NEED_CAPTURE },
		{ "cap-net-admin", "CAP_NET_ADMIN", sudo, CAP_NET_ADMIN,
		  WGA_NEED_NAMESPACES | WGA_NEED_FAULTS | WGA_NEED_LOSS },
		{ "cap-sys-admin", "CAP_SYS_ADMIN", sudo, CAP_SYS_ADMIN,
		  WGA_NEED_NAMESPACES },
	};
	char path[300], line[128];
	uint64_t have = 0;
	FILE *f;
	size_t i;

	snprintf(path, sizeof(path), "%s/proc/self/status", d->root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "CapEff: %lx", &have);
	if (f)
		fclose(f);
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bool there = have >> list[i].bit & 1;

		wga_finding_add(d, out, list[i].name, list[i].needs, there ?
				WGA_HEALTH_OK : WGA_HEALTH_MISSING,
				there ? "" : list[i].mend, "%s is %s",
				list[i].what, there ? "there" : "not held");
	}
}

void wga_doctor_bridges(const struct wga_doctor *d, struct wga_findings *out)
{
	char names[160], filter[8];
	unsigned int n = wga_netdev_bridges(names, sizeof(names));
	bool filtered = wga_doctor_line(d, "/proc/sys/net/bridge/bridge-nf-call-iptables",
					filter, sizeof(filter)) == 0 &&
			strcmp(filter, "0") != 0;

	if (n)
		wga_finding_add(d, out, "bridges", WGA_NEED_CAPTURE,
				WGA_HEALTH_OK, "", "%u to listen on: %s", n,
				names);
	else
		wga_finding_add(d, out, "bridges", WGA_NEED_CAPTURE,
				WGA_HEALTH_WARNING,
				"wgaudit topo up makes some; --netns NAME listens in another network namespace",
				"none to listen on in this network namespace");
	wga_finding_add(d, out, "bridge-nf-call-iptables", WGA_NEED_LIBVIRT |
			WGA_NEED_FAULTS, filtered ? WGA_HEALTH_WARNING :
			WGA_HEALTH_OK, filtered ?
			"sysctl -w net.bridge.bridge-nf-call-iptables=0" : "",
			filtered ? "is on: the machine's iptables rules drop frames within bridges, too" :
			"is off: iptables leaves frames within bridges alone");
}

/* What stands in the way of guests; namespaces keep to themselves. */
void wga_doctor_subnets(const struct wga_doctor *d, struct wga_findings *out)
{
	bool ours[WGA_TOPO_NETWORKS_MAX] = { false };
	struct wga_err err;
	struct wga_mesh m;
	size_t i;

	if (!(d->needs & WGA_NEED_LIBVIRT))
		return;
	if (wga_mesh_open(&m, d->topo->name, &err) == 0) {
		for (i = 0; i < d->topo->n_networks; i++)
			ours[i] = m.backend && !strcmp(m.backend->name, "libvirt");
		wga_mesh_close(&m);
	}
	if (wga_hostcheck(d->topo, ours, &err) == 0) {
		wga_finding_add(d, out, "subnets", WGA_NEED_LIBVIRT,
				WGA_HEALTH_OK, "",
				"the subnets and bridges of mesh %s are free",
				d->topo->name);
		return;
	}
	/* the sentence has the mend behind its semicolon */
	err.text[strcspn(err.text, ";")] = '\0';
	wga_finding_add(d, out, "subnets", WGA_NEED_LIBVIRT, WGA_HEALTH_MISSING,
			"change the topology (--file), or use --backend namespaces",
			"%.230s", err.text);
}

static uint64_t wanted_mib(const struct wga_topology *t)
{
	uint64_t sum = OWN_MIB;
	size_t i;

	for (i = 0; i < t->n_hosts; i++)
		sum += t->hosts[i].memory_mib;
	return sum;
}

static void tell_memory(const struct wga_doctor *d, struct wga_findings *out,
			const char *name, unsigned int need, uint64_t have,
			uint64_t want)
{
	bool enough = have >= want;

	wga_finding_add(d, out, name, need, enough ? WGA_HEALTH_OK :
			WGA_HEALTH_MISSING, enough ? "" :
			"end something, or give the hosts less memory in the topology",
			"%lu MiB are available, %lu are wanted",
			(unsigned long)have, (unsigned long)want);
}

void wga_doctor_memory(const struct wga_doctor *d, struct wga_findings *out)
{
	char path[300], line[128];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/meminfo", d->root);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		sscanf(line, "MemAvailable: %lu", &kib);
	fclose(f);
	tell_memory(d, out, "memory", WGA_NEED_LIBVIRT, kib / 1024,
		    wanted_mib(d->topo));
	tell_memory(d, out, "memory-namespaces", WGA_NEED_NAMESPACES,
		    kib / 1024, NAMESPACES_MIB);
}

/* the file system of a directory, or of where it would be made */
static int room_mib(char *path, uint64_t *mib)
{
	struct statvfs fs;
	char *slash;

	while (statvfs(path, &fs) < 0) {
		slash = strrchr(path, '/');
		if (errno != ENOENT || !slash)
			return -1;
		slash[slash == path] = '\0';
	}
	*mib = (uint64_t)fs.f_bavail * fs.f_frsize / MIB;
	return 0;
}

static void tell_disk(const struct wga_doctor *d, struct wga_findings *out,
		      const char *name, unsigned int need, const char *what,
		      const char *dir, uint64_t warn, uint64_t least)
{
	char path[300];
	uint64_t mib;

	snprintf(path, sizeof(path), "%s", dir);
	if (room_mib(path, &mib) < 0)
		wga_finding_add(d, out, name, need, WGA_HEALTH_WARNING, "",
				"%s: %s", dir, strerror(errno));
	else
		wga_finding_add(d, out, name, need, mib < least ?
				WGA_HEALTH_MISSING : mib < warn ?
				WGA_HEALTH_WARNING : WGA_HEALTH_OK, mib < warn ?
				"make room, or set WGAUDIT_CACHE to a directory elsewhere" : "",
				"%lu MiB are free for %s in %s",
				(unsigned long)mib, what, dir);
}

void wga_doctor_disk(const struct wga_doctor *d, struct wga_findings *out)
{
	const char *own = secure_getenv("WGAUDIT_CACHE");
	const char *xdg = secure_getenv("XDG_CACHE_HOME");
	const char *home = secure_getenv("HOME");
	char cache[256];

	if (own)
		snprintf(cache, sizeof(cache), "%s", own);
	else if (xdg)
		snprintf(cache, sizeof(cache), "%s/wgaudit", xdg);
	else
		snprintf(cache, sizeof(cache), "%s/.cache/wgaudit",
			 home ? home : "/root");
	tell_disk(d, out, "disk-cache", WGA_NEED_LIBVIRT, "images", cache,
		  DISK_WARNING_MIB, DISK_MISSING_MIB);
	tell_disk(d, out, "disk-images", WGA_NEED_LIBVIRT, "guests' disks",
		  "/var/lib/libvirt/images", DISK_WARNING_MIB, DISK_MISSING_MIB);
	tell_disk(d, out, "disk-state", WGA_NEED_NAMESPACES,
		  "the state of meshes", "/run", 64, 16);
}

static void tell_program(const struct wga_doctor *d, struct wga_findings *out,
			 const char *name, unsigned int needs,
			 enum wga_health without, const char *package,
			 const char *what_for)
{
	char mend[160], finding[32];

	snprintf(finding, sizeof(finding), "program-%s", name);
	if (wga_programs_in_path(name)) {
		wga_finding_add(d, out, finding, needs, WGA_HEALTH_OK, "",
				"%s is there", name);
		return;
	}
	snprintf(mend, sizeof(mend), "apt-get install %s", package);
	wga_finding_add(d, out, finding, needs, without, mend,
			"%s, which %s, is not there", name, what_for);
}

/* of PATH, else they are built from their sources by Go */
static void tell_peers(const struct wga_doctor *d, struct wga_findings *out)
{
	static const char *const list[] = {
		"headscale", "tailscale", "tailscaled",
	};
	const unsigned int needs = WGA_NEED_NAMESPACES | WGA_NEED_LIBVIRT;
	bool go = wga_programs_in_path("go");
	char name[32];
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bool there = wga_programs_in_path(list[i]);

		snprintf(name, sizeof(name), "program-%s", list[i]);
		wga_finding_add(d, out, name, needs, there || go ?
				WGA_HEALTH_OK : WGA_HEALTH_MISSING,
				there || go ? "" : "install it, or Go to build it (apt-get install golang)",
				"%s %s", list[i], there ? "is there" : go ?
				"is not in PATH and will be built by Go" :
				"is not in PATH, and there is no Go to build it");
	}
	wga_finding_add(d, out, "program-go", needs, go ? WGA_HEALTH_OK :
			WGA_HEALTH_WARNING, go ? "" : "apt-get install golang",
			go ? "go is there" :
			"go is not there: no pinned or older versions of the peers can be built");
}

void wga_doctor_programs(const struct wga_doctor *d, struct wga_findings *out)
{
	tell_peers(d, out);
	tell_program(d, out, "nginx", WGA_NEED_NAMESPACES, WGA_HEALTH_WARNING,
		     "nginx-light", "hosts with that service run");
	tell_program(d, out, "qemu-system-x86_64", WGA_NEED_LIBVIRT,
		     *d->uri ? WGA_HEALTH_WARNING : WGA_HEALTH_MISSING,
		     "qemu-system-x86", "runs the guests");
	tell_program(d, out, "qemu-img", WGA_NEED_LIBVIRT, WGA_HEALTH_MISSING,
		     "qemu-utils", "makes disks");
	tell_program(d, out, "mmdebstrap", WGA_NEED_LIBVIRT, WGA_HEALTH_WARNING,
		     "mmdebstrap", "builds the guest image the first time");
	tell_program(d, out, "virsh", WGA_NEED_LIBVIRT, WGA_HEALTH_WARNING,
		     "libvirt-clients", "is what topo console is");
}

static bool is_alive(const char *name)
{
	struct wga_mesh m;
	bool alive = false;
	size_t i;

	if (wga_mesh_open(&m, name, NULL) < 0)
		return false;
	for (i = 0; m.backend && i < m.topo.n_hosts && !alive; i++)
		alive = m.backend->alive(&m, &m.topo.hosts[i]);
	wga_mesh_close(&m);
	return alive;
}

/* a mesh has its state directory as long as anything of it is there */
static size_t tell_meshes(const struct wga_doctor *d, struct wga_findings *out,
			  const char *state)
{
	char mend[64];
	struct dirent *e;
	size_t n = 0;
	DIR *dir = opendir(state);

	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || strlen(e->d_name) > 8)
			continue;
		n++;
		snprintf(mend, sizeof(mend), "wgaudit topo down --name %.8s",
			 e->d_name);
		if (!*d->root && is_alive(e->d_name))
			wga_finding_add(d, out, "leftovers", WGA_NEED_NAMESPACES |
					WGA_NEED_LIBVIRT, WGA_HEALTH_OK, "",
					"mesh %s is up", e->d_name);
		else
			wga_finding_add(d, out, "leftovers", WGA_NEED_NAMESPACES |
					WGA_NEED_LIBVIRT, WGA_HEALTH_WARNING,
					mend, "something of mesh %s was left",
					e->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* is it wga-MESH-..., of a mesh that has a state directory? */
static bool has_mesh(const char *name, const char *state)
{
	size_t len = strcspn(name + 4, "-");
	char path[600];

	snprintf(path, sizeof(path), "%s/%.*s", state, (int)len, name + 4);
	return len && access(path, F_OK) == 0;
}

static size_t tell_namespaces(const struct wga_doctor *d,
			      struct wga_findings *out, const char *state)
{
	char path[300], mend[160];
	struct dirent *e;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/run/netns", d->root);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, "wga-", 4) != 0 ||
		    has_mesh(e->d_name, state))
			continue;
		n++;
		snprintf(mend, sizeof(mend), "ip netns delete %.100s",
			 e->d_name);
		wga_finding_add(d, out, "leftovers", WGA_NEED_NAMESPACES,
				WGA_HEALTH_WARNING, mend,
				"network namespace %.100s belongs to no mesh that is known",
				e->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

static size_t tell_links(const struct wga_doctor *d, struct wga_findings *out,
			 const char *state)
{
	struct wga_hostnet hn;
	char mend[64];
	size_t i, n = 0;

	if (wga_hostnet_read(&hn, NULL) < 0)
		hn.n_links = 0;
	for (i = 0; i < hn.n_links; i++) {
		if (strncmp(hn.links[i], "wga-", 4) != 0 ||
		    has_mesh(hn.links[i], state))
			continue;
		n++;
		snprintf(mend, sizeof(mend), "ip link delete %s", hn.links[i]);
		wga_finding_add(d, out, "leftovers", WGA_NEED_NAMESPACES |
				WGA_NEED_LIBVIRT, WGA_HEALTH_WARNING, mend,
				"link %s belongs to no mesh that is known",
				hn.links[i]);
	}
	wga_hostnet_free(&hn);
	return n;
}

void wga_doctor_leftovers(const struct wga_doctor *d, struct wga_findings *out)
{
	const char *own = *d->root ? NULL : secure_getenv("WGAUDIT_STATE");
	char state[300];
	size_t n;

	snprintf(state, sizeof(state), "%s%s", own ? "" : d->root,
		 own ? own : "/run/wgaudit");
	n = tell_meshes(d, out, state);
	n += tell_namespaces(d, out, state);
	n += tell_links(d, out, state);
	if (!n)
		wga_finding_add(d, out, "leftovers", WGA_NEED_NAMESPACES |
				WGA_NEED_LIBVIRT, WGA_HEALTH_OK, "",
				"nothing was left by an earlier mesh");
}
