/* SPDX-License-Identifier: MIT */
/* What doctor makes of a machine, by a directory that looks like one. */
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "topo/doctor_internal.h"

static char root[64];
static struct wga_topology topo;
static struct wga_findings found;
static struct wga_doctor doctor = {
	.root = root, .topo = &topo, .uri = "", .needs = WGA_NEED_ALL,
	.limit_ms = 10000,
};

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/wga-doctor-XXXXXX");
	wga_topology_default(&topo);
	doctor.root = root;
	doctor.needs = WGA_NEED_ALL;
	doctor.limit_ms = 10000;
	doctor.uri = "";
	found.n = 0;
	return mkdtemp(root) ? 0 : -1;
}

static int unlink_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(root, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* a file below the root, with the directories above it */
static void put(const char *path, const char *text)
{
	char full[300], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = strchr(full + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const struct wga_finding *find(const char *name)
{
	size_t i;

	for (i = 0; i < found.n; i++) {
		if (strcmp(found.list[i].name, name) == 0)
			return &found.list[i];
	}
	return NULL;
}

static void check(const char *name, enum wga_health health, const char *text,
		  const char *mend)
{
	const struct wga_finding *f = find(name);

	assert_non_null(f);
	if (f->health != health || !strstr(f->text, text) ||
	    !strstr(f->mend, mend) || (!*mend && *f->mend))
		fail_msg("%s: %s: %s (%s)", name, wga_health_name(f->health),
			 f->text, f->mend);
	found.n = 0;
}

static void test_reaper(void **state)
{
	(void)state;
	/* nothing is known without the first process */
	wga_doctor_reaper(&doctor, &found);
	assert_int_equal(found.n, 0);
	put("/proc/1/stat", "1 (systemd) S 0 1 1");
	wga_doctor_reaper(&doctor, &found);
	check("reaper", WGA_HEALTH_OK, "systemd reaps what libvirtd leaves", "");
	put("/proc/1/stat", "1 (my init) S 0 1 1");
	wga_doctor_reaper(&doctor, &found);
	check("reaper", WGA_HEALTH_WARNING, "the first process is my init", "tini -s");
	/* a subreaper between the two */
	put("/proc/20/stat", "20 (libvirtd) S 7 1 1");
	wga_doctor_reaper(&doctor, &found);
	check("reaper", WGA_HEALTH_WARNING, "may not reap what libvirtd", "tini -s");
	put("/proc/7/stat", "7 (tini) S 1 1 1");
	wga_doctor_reaper(&doctor, &found);
	check("reaper", WGA_HEALTH_OK, "tini reaps what libvirtd leaves", "");
	/* whatever reaps in theory: there they are */
	put("/proc/30/stat", "30 (qemu-system-x86) Z 1 1 1");
	put("/proc/31/stat", "31 (qemu) S (x) Z 1 1 1");
	put("/proc/32/stat", "32 (qemu-system-x86) S 1 1 1");
	put("/proc/self", "no process");
	wga_doctor_reaper(&doctor, &found);
	check("reaper", WGA_HEALTH_WARNING, "2 QEMU processes have ended", "tini -s");
	/* a name that looks like more, a line that is none */
	put("/proc/30/stat", "30 (a) Z) S 1 1 1");
	put("/proc/31/stat", "31 no process");
	wga_doctor_reaper(&doctor, &found);
	check("reaper", WGA_HEALTH_OK, "tini", "");
}

static void test_privileges(void **state)
{
	(void)state;
	put("/proc/self/status", "Name:\tx\nCapEff:\t0000000000002000\n");
	wga_doctor_privileges(&doctor, &found);
	assert_int_equal(found.n, 3);
	assert_int_equal(find("cap-net-raw")->health, WGA_HEALTH_OK);
	assert_int_equal(find("cap-net-admin")->health, WGA_HEALTH_MISSING);
	check("cap-sys-admin", WGA_HEALTH_MISSING, "CAP_SYS_ADMIN is not held", "sudo");
	put("/proc/self/status", "CapEff:\t0000000000201000\n");
	wga_doctor_privileges(&doctor, &found);
	assert_int_equal(find("cap-net-admin")->health, WGA_HEALTH_OK);
	check("cap-sys-admin", WGA_HEALTH_OK, "CAP_SYS_ADMIN is there", "");
	/* what nothing needs is not told */
	doctor.needs = WGA_NEED_CAPTURE;
	wga_doctor_privileges(&doctor, &found);
	assert_int_equal(found.n, 1);
	check("cap-net-raw", WGA_HEALTH_MISSING, "", "setcap");
}

static void test_bridge_filter(void **state)
{
	static const char path[] = "/proc/sys/net/bridge/bridge-nf-call-iptables";

	(void)state;
	wga_doctor_bridges(&doctor, &found);
	check("bridge-nf-call-iptables", WGA_HEALTH_OK, "is off", "");
	put(path, "1\n");
	wga_doctor_bridges(&doctor, &found);
	check("bridge-nf-call-iptables", WGA_HEALTH_WARNING, "is on", "sysctl -w");
	put(path, "0\n");
	wga_doctor_bridges(&doctor, &found);
	check("bridge-nf-call-iptables", WGA_HEALTH_OK, "is off", "");
}

static void test_memory(void **state)
{
	(void)state;
	/* four hosts of 512 MiB and 512 of the machine's own */
	put("/proc/meminfo", "MemTotal: 9 kB\nMemAvailable: 2621440 kB\n");
	wga_doctor_memory(&doctor, &found);
	check("memory", WGA_HEALTH_OK, "2560 MiB are available, 2560 are wanted", "");
	put("/proc/meminfo", "MemTotal: 9 kB\nMemAvailable: 2621439 kB\n");
	wga_doctor_memory(&doctor, &found);
	assert_int_equal(find("memory-namespaces")->health, WGA_HEALTH_OK);
	check("memory", WGA_HEALTH_MISSING, "2559 MiB", "less memory");
	put("/proc/meminfo", "MemAvailable: 500000 kB\n");
	wga_doctor_memory(&doctor, &found);
	check("memory-namespaces", WGA_HEALTH_MISSING, "488 MiB", "end something");
}

static void test_kvm(void **state)
{
	(void)state;
	wga_doctor_kvm(&doctor, &found);
	check("kvm", WGA_HEALTH_WARNING, "cannot be opened", "kvm_intel");
	put("/dev/kvm", "this is none");
	wga_doctor_kvm(&doctor, &found);
	check("kvm", WGA_HEALTH_WARNING, "does not answer as KVM", "kvm_intel");
}

static void test_leftovers(void **state)
{
	(void)state;
	wga_doctor_leftovers(&doctor, &found);
	check("leftovers", WGA_HEALTH_OK, "nothing was left", "");
	put("/run/netns/other", "");
	put("/run/netns/wga-old-vm-a", "");
	wga_doctor_leftovers(&doctor, &found);
	assert_int_equal(found.n, 1);
	check("leftovers", WGA_HEALTH_WARNING, "wga-old-vm-a belongs to no mesh",
	      "ip netns delete wga-old-vm-a");
	/* it belongs to one: that one is named, once */
	put("/run/wgaudit/old/mesh.json", "{}");
	wga_doctor_leftovers(&doctor, &found);
	assert_int_equal(found.n, 1);
	check("leftovers", WGA_HEALTH_WARNING, "something of mesh old was left",
	      "wgaudit topo down --name old");
}

static volatile pid_t *hung;

static void hang(const struct wga_doctor *d, struct wga_findings *out)
{
	(void)d;
	(void)out;
	*hung = getpid();
	for (;;)
		pause();
}

static void die(const struct wga_doctor *d, struct wga_findings *out)
{
	(void)d;
	(void)out;
	raise(SIGKILL);
}

/* more than a pipe holds at once */
static void tell_much(const struct wga_doctor *d, struct wga_findings *out)
{
	size_t i;

	for (i = 0; i < 2 * WGA_FINDINGS_MAX; i++)
		wga_finding_add(d, out, "one", WGA_NEED_LOSS, WGA_HEALTH_OK, "",
				"number %zu", i);
}

/* dead by now, whether or not it was waited for */
static void check_gone(pid_t pid)
{
	int i;

	for (i = 0; i < 1000 && waitpid(pid, NULL, WNOHANG) == 0; i++)
		usleep(10000);
	assert_int_equal(kill(pid, 0), -1);
}

static void test_child(void **state)
{
	(void)state;
	wga_doctor_child(&doctor, &found, "much", WGA_NEED_LOSS, tell_much);
	assert_int_equal(found.n, WGA_FINDINGS_MAX);
	assert_string_equal(found.list[WGA_FINDINGS_MAX - 1].text, "number 63");
	found.n = 0;
	wga_doctor_child(&doctor, &found, "died", WGA_NEED_LOSS, die);
	check("died", WGA_HEALTH_WARNING, "ended by signal 9", "");
	doctor.limit_ms = 300;
	hung = mmap(NULL, sizeof(*hung), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(hung, MAP_FAILED);
	wga_doctor_child(&doctor, &found, "hung", WGA_NEED_LOSS, hang);
	if (*hung)
		check_gone(*hung);
	munmap((void *)(uintptr_t)hung, sizeof(*hung));
	check("hung", WGA_HEALTH_MISSING, "no answer within", "hangs");
}

static void test_libvirt(void **state)
{
	(void)state;
	doctor.uri = "test:///default";
	wga_doctor_child(&doctor, &found, "libvirt", WGA_NEED_LIBVIRT,
			 wga_doctor_libvirt);
	assert_non_null(find("libvirt-version"));
	check("libvirt", WGA_HEALTH_OK, "test:///default answers", "");
	doctor.uri = "qemu+unix:///system?socket=/nonexistent/socket";
	wga_doctor_child(&doctor, &found, "libvirt", WGA_NEED_LIBVIRT,
			 wga_doctor_libvirt);
	check("libvirt", WGA_HEALTH_MISSING, "does not answer", "start libvirtd");
}

/* what is tried is told, one way or the other, and nothing is left here */
static void test_probes(void **state)
{
	static const char *const all[] = {
		"bridge", "veth", "netem", "tun", "nft-inet", "nft-bridge",
		"nft-owner", "nft-numgen",
	};
	size_t i;

	(void)state;
	wga_doctor_child(&doctor, &found, "probes", WGA_NEED_NAMESPACES,
			 wga_doctor_probes);
	assert_true(found.n > 0);
	if (found.list[0].health == WGA_HEALTH_MISSING) {
		assert_string_equal(found.list[0].name, "network-namespaces");
		return;
	}
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_non_null(find(all[i]));
	doctor.needs = WGA_NEED_CAPTURE;
	found.n = 0;
	wga_doctor_child(&doctor, &found, "probes", WGA_NEED_NAMESPACES,
			 wga_doctor_probes);
	assert_int_equal(found.n, 0);
}

static void test_names(void **state)
{
	unsigned int needs = WGA_NEED_CAPTURE | WGA_NEED_LOSS;

	(void)state;
	assert_string_equal(wga_need_next(&needs), "capture");
	assert_string_equal(wga_need_next(&needs), "loss");
	assert_null(wga_need_next(&needs));
}

#define DOCTOR_TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCTOR_TEST(test_reaper),
		DOCTOR_TEST(test_privileges),
		DOCTOR_TEST(test_bridge_filter),
		DOCTOR_TEST(test_memory),
		DOCTOR_TEST(test_kvm),
		DOCTOR_TEST(test_leftovers),
		DOCTOR_TEST(test_child),
		DOCTOR_TEST(test_libvirt),
		DOCTOR_TEST(test_probes),
		DOCTOR_TEST(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
