/* SPDX-License-Identifier: MIT */
/*
 * Formats: https://libvirt.org/formatdomain.html, formatnetwork.html,
 * formatstorage.html (libvirt 9.0).
 */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/libvirt_internal.h"

#define TEXT(s)	((const xmlChar *)(s))

static xmlNode *node(xmlNode *parent, const char *name)
{
	return xmlNewChild(parent, NULL, TEXT(name), NULL);
}

__attribute__((format(printf, 3, 4)))
static void attr(xmlNode *n, const char *name, const char *fmt, ...)
{
	char value[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	xmlNewProp(n, TEXT(name), TEXT(value));
}

/* an element with one attribute */
static xmlNode *node_with(xmlNode *parent, const char *name, const char *key,
			  const char *value)
{
	xmlNode *n = node(parent, name);

	attr(n, key, "%s", value);
	return n;
}

/* an element with text */
__attribute__((format(printf, 3, 4)))
static xmlNode *node_text(xmlNode *parent, const char *name,
			  const char *fmt, ...)
{
	char value[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	return xmlNewTextChild(parent, NULL, TEXT(name), TEXT(value));
}

static xmlNode *root_node(const char *name)
{
	xmlDoc *doc = xmlNewDoc(TEXT("1.0"));
	xmlNode *root = xmlNewNode(NULL, TEXT(name));

	xmlDocSetRootElement(doc, root);
	return root;
}

static char *text_of(xmlNode *root)
{
	xmlChar *dump = NULL;
	char *text;

	xmlDocDumpFormatMemory(root->doc, &dump, NULL, 1);
	text = dump ? strdup((char *)dump) : NULL;
	xmlFree(dump);
	xmlFreeDoc(root->doc);
	return text;
}

static void mark(xmlNode *root, const char *mesh)
{
	xmlNode *n = node(node(root, "metadata"), "mesh");

	xmlSetNs(n, xmlNewNs(n, TEXT(WGA_LV_NS), TEXT("wga")));
	attr(n, "name", "%s", mesh);
}

bool wga_lv_is_ours(const char *xml, const char *mesh)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR |
				    XML_PARSE_NOWARNING);
	xmlXPathContext *ctx = doc ? xmlXPathNewContext(doc) : NULL;
	xmlXPathObject *found = NULL;
	bool ours = false;

	if (ctx && xmlXPathRegisterNs(ctx, TEXT("wga"), TEXT(WGA_LV_NS)) == 0)
		found = xmlXPathEvalExpression(TEXT("/*/metadata/wga:mesh/@name"),
					       ctx);
	if (found && found->nodesetval && found->nodesetval->nodeNr == 1) {
		xmlChar *name = xmlNodeGetContent(found->nodesetval->nodeTab[0]);

		ours = !mesh || (name && strcmp((char *)name, mesh) == 0);
		xmlFree(name);
	}
	xmlXPathFreeObject(found);
	xmlXPathFreeContext(ctx);
	xmlFreeDoc(doc);
	return ours;
}

static void mac_attr(xmlNode *n, const char *name, const uint8_t mac[6])
{
	attr(n, name, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
	     mac[3], mac[4], mac[5]);
}

/* Leases are by MAC alone: no range that could run dry. */
char *wga_lv_network_xml(const struct wga_topology *t, size_t network)
{
	const struct wga_topo_network *net = &t->networks[network];
	xmlNode *root = root_node("network"), *n, *ip, *dhcp;
	char name[WGA_LV_NAME], addr[WGA_ADDR_STRLEN];

	wga_lv_name(t, net->name, name);
	node_text(root, "name", "%s", name);
	mark(root, t->name);
	node_with(root, "forward", "mode", "open");
	n = node_with(root, "bridge", "name", net->bridge);
	attr(n, "stp", "off");
	attr(n, "delay", "0");
	node_with(root, "dns", "enable", "no");
	ip = node_with(root, "ip", "address",
		       wga_addr_format(&net->gateway, addr));
	attr(ip, "prefix", "%u", net->prefix);
	dhcp = node(ip, "dhcp");
	for (size_t i = 0; i < t->n_hosts; i++) {
		if (t->hosts[i].network != network)
			continue;
		n = node(dhcp, "host");
		mac_attr(n, "mac", t->hosts[i].mac);
		attr(n, "name", "%s", t->hosts[i].name);
		attr(n, "ip", "%s", wga_addr_format(&t->hosts[i].addr, addr));
	}
	return text_of(root);
}

static void os_part(xmlNode *root, const struct wga_topo_host *host,
		    const struct wga_lv_files *files, const char *arch)
{
	bool x86 = strcmp(arch, "x86_64") == 0;
	xmlNode *os = node(root, "os"), *features;

	attr(node_text(os, "type", "hvm"), "arch", "%s", arch);
	if (*files->kernel) {
		node_text(os, "kernel", "%s", files->kernel);
		if (*files->initrd)
			node_text(os, "initrd", "%s", files->initrd);
		node_text(os, "cmdline",
			  "root=/dev/vda rw console=%s systemd.hostname=%s",
			  x86 ? "ttyS0" : "ttyAMA0", host->name);
	}
	features = node(root, "features");
	node(features, "acpi");
	if (x86)
		node(features, "apic");
}

static void ends_part(xmlNode *root, const char *on_reboot)
{
	node_text(root, "on_poweroff", "destroy");
	node_text(root, "on_reboot", "%s", on_reboot);
	node_text(root, "on_crash", "destroy");
}

/* The page cache of the machine is trusted: a guest's hard stop loses nothing,
 * and nobody wants a mesh back after a power cut.
 */
static void disk_part(xmlNode *devices, const char *path)
{
	xmlNode *disk = node_with(devices, "disk", "type", "file"), *n;

	attr(disk, "device", "disk");
	n = node_with(disk, "driver", "name", "qemu");
	attr(n, "type", "qcow2");
	attr(n, "cache", "unsafe");
	node_with(disk, "source", "file", path);
	n = node_with(disk, "target", "dev", "vda");
	attr(n, "bus", "virtio");
}

static void devices_part(xmlNode *root, const struct wga_topology *t,
			 const struct wga_topo_host *host,
			 const struct wga_lv_files *files)
{
	xmlNode *devices = node(root, "devices"), *n;
	char network[WGA_LV_NAME];

	disk_part(devices, files->disk);
	n = node_with(devices, "interface", "type", "network");
	mac_attr(node(n, "mac"), "address", host->mac);
	wga_lv_name(t, t->networks[host->network].name, network);
	node_with(n, "source", "network", network);
	node_with(n, "model", "type", "virtio");
	n = node_with(devices, "serial", "type", "pty");
	attr(node_with(n, "log", "file", files->log), "append", "off");
	n = node_with(devices, "channel", "type", "unix");
	n = node_with(n, "target", "type", "virtio");
	attr(n, "name", "org.qemu.guest_agent.0");
	n = node_with(devices, "rng", "model", "virtio");
	attr(node_text(n, "backend", "/dev/urandom"), "model", "random");
	node_with(devices, "memballoon", "model", "none");
	attr(node_with(devices, "controller", "type", "usb"), "model", "none");
}

char *wga_lv_domain_xml(const struct wga_topology *t,
			const struct wga_topo_host *host,
			const struct wga_lv_files *files, const char *arch,
			bool kvm)
{
	xmlNode *root = root_node("domain");
	char name[WGA_LV_NAME];

	attr(root, "type", kvm ? "kvm" : "qemu");
	wga_lv_name(t, host->name, name);
	node_text(root, "name", "%s", name);
	mark(root, t->name);
	attr(node_text(root, "memory", "%u", host->memory_mib), "unit", "MiB");
	node_text(root, "vcpu", "1");
	os_part(root, host, files, arch);
	if (kvm)
		node_with(root, "cpu", "mode", "host-passthrough");
	ends_part(root, "restart");
	devices_part(root, t, host, files);
	return text_of(root);
}

/* A kernel that has no root panics and resets; without a kernel the firmware
 * resets, for there is nothing to boot from.
 */
char *wga_lv_probe_xml(const char *name, const char *kernel)
{
	xmlNode *root = root_node("domain"), *os, *devices, *features;

	attr(root, "type", "kvm");
	node_text(root, "name", "%s", name);
	mark(root, "kvm-probe");
	attr(node_text(root, "memory", "256"), "unit", "MiB");
	node_text(root, "vcpu", "1");
	os = node(root, "os");
	node_text(os, "type", "hvm");
	if (*kernel) {
		node_text(os, "kernel", "%s", kernel);
		node_text(os, "cmdline", "console=ttyS0 panic=-1");
	}
	node_with(os, "bios", "rebootTimeout", "0");
	features = node(root, "features");
	node(features, "acpi");
	node(features, "apic");
	node_with(root, "cpu", "mode", "host-passthrough");
	ends_part(root, "destroy");
	devices = node(root, "devices");
	node_with(devices, "memballoon", "model", "none");
	attr(node_with(devices, "controller", "type", "usb"), "model", "none");
	return text_of(root);
}

char *wga_lv_pool_xml(const char *name, const char *dir)
{
	xmlNode *root = root_node("pool"), *target;

	attr(root, "type", "dir");
	node_text(root, "name", "%s", name);
	target = node(root, "target");
	node_text(target, "path", "%s", dir);
	node_text(node(target, "permissions"), "mode", "0711");
	return text_of(root);
}

char *wga_lv_volume_xml(const char *name, unsigned long long size,
			const char *backing)
{
	xmlNode *root = root_node("volume"), *n;

	node_text(root, "name", "%s", name);
	if (!backing)
		attr(node_text(root, "capacity", "%llu", size), "unit", "B");
	attr(node_text(root, "allocation", "0"), "unit", "B");
	n = node(root, "target");
	node_with(n, "format", "type", backing ? "qcow2" : "raw");
	if (backing) {
		n = node(root, "backingStore");
		node_text(n, "path", "%s", backing);
		node_with(n, "format", "type", "qcow2");
	} else {
		/* many guests read an image, whoever their QEMU runs as */
		node_text(node(n, "permissions"), "mode", "0644");
	}
	return text_of(root);
}
