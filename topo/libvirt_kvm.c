/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * That /dev/kvm is there, and that libvirt offers KVM, does not mean that guests
 * run: within a virtual machine they may hang at their first instruction. So
 * a tiny domain is booted that resets by itself, and resetting ends it. Has it
 * not ended in time, KVM does not work. The answer holds until the machine
 * boots again, and is kept in the cache: BOOT-ID, name of libvirt's machine, and
 * yes or no.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topo/command.h"
#include "topo/libvirt_internal.h"
#include "topo/state.h"

#define PROBE_MS	20000
#define POLL_MS		100

/* "BOOT-ID MACHINE " */
static bool key_of(virConnectPtr conn, char *buf, size_t size)
{
	char *machine = virConnectGetHostname(conn), boot[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	bool good = false;

	if (f && machine && fscanf(f, "%63s", boot) == 1)
		good = snprintf(buf, size, "%s %s ", boot, machine) < (int)size;
	if (f)
		fclose(f);
	free(machine);
	return good;
}

static bool file_of(char *buf, size_t size)
{
	char dir[256];

	if (!wga_lv_cache_dir(dir, sizeof(dir)))
		return false;
	mkdir(dir, 0755);
	return snprintf(buf, size, "%s/kvm", dir) < (int)size;
}

/* Return: 1 yes, 0 no, -1 not known */
static int recall(const char *path, const char *key)
{
	char *text = wga_state_read(path, NULL);
	int known = -1;

	if (text && strncmp(text, key, strlen(key)) == 0) {
		const char *word = text + strlen(key);

		known = strcmp(word, "yes\n") == 0 ? 1 :
			strcmp(word, "no\n") == 0 ? 0 : -1;
	}
	free(text);
	return known;
}

static void remember(const char *path, const char *key, bool works)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s%s\n", key,
			 works ? "yes" : "no");

	wga_state_write(path, text, (size_t)n, 0644, NULL);
}

static bool offered(virConnectPtr conn)
{
	char *caps = virConnectGetDomainCapabilities(conn, NULL, NULL, NULL,
						     "kvm", 0);
	bool there = caps != NULL;

	free(caps);
	return there;
}

static bool probe(virConnectPtr conn, const char *kernel)
{
	uint64_t end = wga_now_ms() + PROBE_MS;
	char name[64], *xml;
	virDomainPtr dom;
	bool works = false;

	snprintf(name, sizeof(name), "wga-kvm-probe-%d", (int)getpid());
	xml = wga_lv_probe_xml(name, kernel);
	dom = xml ? virDomainCreateXML(conn, xml,
				       VIR_DOMAIN_START_AUTODESTROY) : NULL;
	free(xml);
	if (!dom)
		return false;
	while (!works && wga_now_ms() < end) {
		works = virDomainIsActive(dom) != 1;
		wga_sleep_ms(POLL_MS, NULL);
	}
	if (!works)
		virDomainDestroy(dom);
	virDomainFree(dom);
	return works;
}

bool wga_lv_kvm_works(virConnectPtr conn, const char *kernel)
{
	bool keep, works;
	char path[300], key[256];
	int known = -1;

	keep = file_of(path, sizeof(path)) && key_of(conn, key, sizeof(key));
	if (keep)
		known = recall(path, key);
	if (known >= 0)
		return known;
	works = offered(conn) && probe(conn, kernel);
	if (keep)
		remember(path, key, works);
	return works;
}
