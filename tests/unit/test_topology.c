/* SPDX-License-Identifier: MIT */
/* The topology: what a file may say, every error with its line, every rule
 * firing and not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "topo/hostcheck.h"
#include "topo/topology_internal.h"

/* a small file that is right; its lines are counted on below */
#define GOOD								\
	"networks:\n"							/* 1 */ \
	"  a:\n"							/* 2 */ \
	"    bridge: br-a\n"						/* 3 */ \
	"    subnet: 192.168.7.0/24\n"					/* 4 */ \
	"  b:\n"							/* 5 */ \
	"    bridge: br-b\n"						/* 6 */ \
	"    subnet: 10.7.0.0/16\n"					/* 7 */ \
	"    gateway: 10.7.3.3\n"					/* 8 */ \
	"passage:\n"							/* 9 */ \
	"  - between: [a, b]\n"						/* 10 */ \
	"    pass: no-udp\n"						/* 11 */ \
	"hosts:\n"							/* 12 */ \
	"  s:\n"							/* 13 */ \
	"    role: server\n"						/* 14 */ \
	"    network: b\n"						/* 15 */ \
	"    address: 10.7.0.9\n"					/* 16 */ \
	"  c:\n"							/* 17 */ \
	"    role: client\n"						/* 18 */ \
	"    network: a\n"						/* 19 */ \
	"    address: 192.168.7.2\n"					/* 20 */ \
	"    memory: 1024\n"						/* 21 */ \
	"    version: older\n"						/* 22 */ \
	"    services: [nginx]\n"					/* 23 */ \
	"name: lab2\n"							/* 24 */ \
	"domain: x.example\n"						/* 25 */

static int parse(struct wga_topology *t, const char *text, struct wga_err *err)
{
	return wga_topology_parse(t, "dir/f.yaml", text, strlen(text), err);
}

static void test_default(void **state)
{
	struct wga_topology t;
	struct wga_err err;

	(void)state;
	memset(&t, 0xee, sizeof(t));
	wga_topology_default(&t);
	assert_int_equal(wga_topology_check(&t, &err), 0);
	assert_string_equal(wga_topology_server(&t)->name, "server");
	assert_int_equal(wga_topology_host(&t, "vm-b")->network, 1);
	assert_string_equal(wga_topology_host(&t, "vm-b")->services[0], "nginx");
	assert_null(wga_topology_host(&t, "vm-d"));
	assert_string_equal(wga_passage_name(WGA_PASSAGE_NO_UDP), "no-udp");
	assert_string_equal(wga_role_name(WGA_ROLE_PLAIN), "plain");
}

/* the example is the default, word for word; only lines tell them apart */
static void test_example(void **state)
{
	struct wga_topology t, built_in;
	struct wga_err err;
	size_t i;

	(void)state;
	wga_topology_default(&built_in);
	if (wga_topology_load(&t, "docs/topology-example.yaml", &err) < 0)
		fail_msg("%s", err.text);
	for (i = 0; i < t.n_networks; i++) {
		assert_true(t.networks[i].line > 0);
		t.networks[i].line = 0;
	}
	for (i = 0; i < t.n_hosts; i++) {
		assert_true(t.hosts[i].line > 0);
		t.hosts[i].line = 0;
	}
	assert_memory_equal(&t, &built_in, sizeof(t));
}

static void test_good(void **state)
{
	struct wga_topology t;
	struct wga_err err;
	char text[WGA_ADDR_STRLEN];

	(void)state;
	if (parse(&t, GOOD, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(t.name, "lab2");
	assert_string_equal(t.domain, "x.example");
	assert_int_equal(t.n_networks, 2);
	assert_int_equal(t.networks[1].prefix, 16);
	assert_string_equal(wga_addr_format(&t.networks[0].gateway, text),
			    "192.168.7.1");
	assert_string_equal(wga_addr_format(&t.networks[1].gateway, text),
			    "10.7.3.3");
	assert_int_equal(t.passage[0][1], WGA_PASSAGE_NO_UDP);
	assert_int_equal(t.passage[1][0], WGA_PASSAGE_NO_UDP);
	assert_int_equal(t.passage[0][0], WGA_PASSAGE_OPEN);
	assert_int_equal(t.n_hosts, 2);
	assert_int_equal(t.hosts[0].memory_mib, WGA_TOPO_MEMORY_MIB);
	assert_string_equal(t.hosts[0].version, "current");
	assert_int_equal(t.hosts[1].memory_mib, 1024);
	assert_string_equal(t.hosts[1].version, "older");
	assert_int_equal(t.hosts[1].line, 17);
	assert_int_equal(t.networks[1].line, 5);
}

/* the good file with @from replaced by @to */
static char *edit(const char *from, const char *to)
{
	const char *at = strstr(GOOD, from);
	char *text;

	assert_non_null(at);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(at - GOOD), GOOD, to,
			     at + strlen(from)) > 0);
	return text;
}

static void refuse(const char *from, const char *to, const char *error)
{
	struct wga_err err = { 0 };
	struct wga_topology t;
	char *text = edit(from, to);

	if (parse(&t, text, &err) == 0)
		fail_msg("taken: \"%s\"", to);
	assert_string_equal(err.code, "bad-topology");
	if (!strstr(err.text, error))
		fail_msg("\"%s\" should be in: %s", error, err.text);
	free(text);
}

static void take(const char *from, const char *to, struct wga_topology *t)
{
	struct wga_err err = { 0 };
	char *text = edit(from, to);

	if (parse(t, text, &err) < 0)
		fail_msg("%s: %s", to, err.text);
	free(text);
}

static void test_form(void **state)
{
	static const struct { const char *from, *to, *error; } bad[] = {
		{ "name: lab2", "nme: lab2",
		  "dir/f.yaml:24: nme: unknown key; known here: name, domain, networks, passage, hosts" },
		{ "    gateway", "    gatway",
		  "dir/f.yaml:8: networks.b.gatway: unknown key; known here: bridge, subnet, gateway" },
		{ "    memory", "    ram",
		  "dir/f.yaml:21: hosts.c.ram: unknown key" },
		{ "    pass:", "    allow:", "dir/f.yaml:11: passage.allow: unknown key" },
		{ "domain: x", "name: x",
		  "dir/f.yaml:25: name: was given in line 24 already" },
		{ "    memory: 1024", "    role: plain",
		  "dir/f.yaml:21: hosts.c.role: was given in line 18 already" },
		{ "  b:\n    b", "  a:\n    b",
		  "dir/f.yaml:5: networks.a: was given in line 2 already" },
		{ "    address: 10.7.0.9\n", "",
		  "dir/f.yaml:13: hosts.s: address is missing" },
		{ "    bridge: br-b\n", "", "dir/f.yaml:5: networks.b: bridge is missing" },
		{ "    pass: no-udp\n", "", "dir/f.yaml:10: passage: pass is missing" },
		{ "networks:", "nets:", "dir/f.yaml:1: nets: unknown key" },
		{ "hosts:\n  s:\n", "hosts:\n  s: []\n  t:\n",
		  "dir/f.yaml:13: hosts.s: wants a mapping, KEY: VALUE, not a list" },
		{ "name: lab2", "name: [lab2]",
		  "dir/f.yaml:24: name: wants one value, not a list" },
		{ "name: lab2", "name: {a: b}",
		  "dir/f.yaml:24: name: wants one value, not a mapping" },
		{ "name: lab2", "name:", "dir/f.yaml:24: name: has no value" },
		{ "name: lab2", "name: ~", "dir/f.yaml:24: name: has no value" },
		{ "name: lab2", "name: \"a\\0b\"",
		  "dir/f.yaml:24: name: holds a zero byte" },
		{ "name: lab2", "\"na\\0me\": lab2",
		  "dir/f.yaml:24: wants a key here, as text" },
		{ "name: lab2", "? [a, b]\n: lab2",
		  "dir/f.yaml:24: wants a key here, as text" },
		{ "name: lab2", "name: lab345678",
		  "dir/f.yaml:24: name: \"lab345678...\" is too long, at most 8" },
		{ "role: client", "role: guest",
		  "dir/f.yaml:18: hosts.c.role: wants one of server, client, plain, not \"guest\"" },
		{ "no-udp", "some",
		  "dir/f.yaml:11: passage.pass: wants one of open, no-udp, isolated, not \"some\"" },
		{ "network: a", "network: c",
		  "dir/f.yaml:19: hosts.c.network: there is no network \"c\"; there are a, b" },
		{ "[a, b]", "[a, c]",
		  "dir/f.yaml:10: passage.between: there is no network \"c\"" },
		{ "[a, b]", "[a, b, a]", "dir/f.yaml:10: passage.between: wants two networks" },
		{ "[a, b]", "[a]", "dir/f.yaml:10: passage.between: wants two different" },
		{ "[a, b]", "[a, a]", "dir/f.yaml:10: passage.between: wants two different" },
		{ "[a, b]", "a", "dir/f.yaml:10: passage.between: wants a list, not one value" },
		{ "    pass: no-udp\n",
		  "    pass: no-udp\n  - between: [b, a]\n    pass: open\n",
		  "dir/f.yaml:12: passage.between: this pair was given in line 10" },
		{ "192.168.7.0/24", "192.168.7.0",
		  "dir/f.yaml:4: networks.a.subnet: wants a subnet as" },
		{ "192.168.7.0/24", "/24", "dir/f.yaml:4: networks.a.subnet: wants a subnet as" },
		{ "192.168.7.0/24", "192.168.7.0/",
		  "dir/f.yaml:4: networks.a.subnet: wants a subnet as" },
		{ "192.168.7.0/24", "192.168.7.0/240",
		  "dir/f.yaml:4: networks.a.subnet: wants a subnet as" },
		{ "192.168.7.0/24", "192.168.7.0/2x",
		  "dir/f.yaml:4: networks.a.subnet: wants a subnet as" },
		{ "192.168.7.0/24", "fd00::/64",
		  "dir/f.yaml:4: networks.a.subnet: wants an IPv4 subnet" },
		{ "10.7.3.3", "10.7.3", "dir/f.yaml:8: networks.b.gateway: wants an IPv4" },
		{ "10.7.0.9", "fd00::9", "dir/f.yaml:16: hosts.s.address: wants an IPv4" },
		{ "memory: 1024", "memory: 10G",
		  "dir/f.yaml:21: hosts.c.memory: wants a number from 256 to 65536, not \"10G\"" },
		{ "memory: 1024", "memory: 255", "dir/f.yaml:21: hosts.c.memory: wants a number" },
		{ "memory: 1024", "memory: 65537", "dir/f.yaml:21: hosts.c.memory: wants a number" },
		{ "memory: 1024", "memory: -1", "dir/f.yaml:21: hosts.c.memory: wants a number" },
		{ "memory: 1024", "memory: 18446744073709552640",
		  "dir/f.yaml:21: hosts.c.memory: wants a number" },
		{ "[nginx]", "nginx", "dir/f.yaml:23: hosts.c.services: wants a list" },
		{ "[nginx]", "[apache]",
		  "dir/f.yaml:23: hosts.c.services: unknown service \"apache\"; known: nginx" },
		{ "[nginx]", "[[nginx]]",
		  "dir/f.yaml:23: hosts.c.services: wants one value, not a list" },
		{ "[nginx]", "[a, b, c, d, e, f, g, h, i]",
		  "dir/f.yaml:23: hosts.c.services: more than 8 services" },
		{ "name: lab2", "name: [", "dir/f.yaml:26: this is not YAML: did not find" },
		{ "name: lab2", "name: *x", "dir/f.yaml:24: this is not YAML" },
		{ "name: lab2", "---\nname: lab2", "dir/f.yaml:24: a second document" },
		{ "name: lab2", "name: l\x01", "this is not YAML" },
		{ "  a:\n", "  a-name-that-has-thirty-two-chars:\n",
		  "dir/f.yaml:2: networks.a-name-that-has-thirty-two-chars: a network's name has at most 31" },
		{ "  c:\n", "  a-name-that-has-thirty-two-chars:\n",
		  "dir/f.yaml:17: hosts.a-name-that-has-thirty-two-chars: a host's name has at most 31" },
		{ "br-a", "bridge-of-16-chr",
		  "dir/f.yaml:3: networks.a.bridge: \"bridge-of-16-chr...\" is too long, at most 15" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(bad[i].from, bad[i].to, bad[i].error);
}

static void refuse_all(const char *text, const char *error)
{
	struct wga_topology t;
	struct wga_err err;

	assert_int_equal(parse(&t, text, &err), -1);
	assert_string_equal(err.code, "bad-topology");
	assert_string_equal(err.text, error);
}

static void test_no_form(void **state)
{
	(void)state;
	refuse_all("", "dir/f.yaml:1: the file is empty");
	refuse_all("# no more\n", "dir/f.yaml:1: the file is empty");
	refuse_all("\n- a\n", "dir/f.yaml:2: wants a mapping, KEY: VALUE, not a list");
	refuse_all("hello", "dir/f.yaml:1: wants a mapping, KEY: VALUE, not one value");
	refuse_all("name: x\n", "dir/f.yaml:1: networks is missing");
	refuse_all("networks: {}\nhosts: {}\n",
		   "dir/f.yaml:1: networks: 1 to 16 networks are wanted");
}

static void test_too_many(void **state)
{
	char text[8192] = "networks:\n";
	struct wga_topology t;
	struct wga_err err;
	size_t i, n = strlen(text);

	(void)state;
	for (i = 0; i < 17; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "  n%zu: {bridge: b%zu, subnet: 10.%zu.0.0/24}\n",
				      i, i, i);
	snprintf(text + n, sizeof(text) - n, "hosts: {}\n");
	assert_int_equal(parse(&t, text, &err), -1);
	assert_string_equal(err.text, "dir/f.yaml:18: networks.n16: more than 16 networks");

	n = (size_t)snprintf(text, sizeof(text),
			     "networks: {n: {bridge: b, subnet: 10.0.0.0/24}}\nhosts:\n");
	for (i = 0; i < 33; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "  h%zu: {role: client, network: n, address: 10.0.0.%zu}\n",
				      i, i + 10);
	assert_int_equal(parse(&t, text, &err), -1);
	assert_string_equal(err.text, "dir/f.yaml:35: hosts.h32: more than 32 hosts");
}

/* what makes no sense, each with the line of the key that says so */
static void test_rules(void **state)
{
	static const struct { const char *from, *to, *error; } bad[] = {
		{ "name: lab2", "name: Lab", "dir/f.yaml:24: name: \"Lab\" cannot" },
		{ "name: lab2", "name: a-b", "dir/f.yaml:24: name: \"a-b\" cannot" },
		{ "name: lab2", "name: ''", "dir/f.yaml:24: name: \"\" cannot" },
		{ "x.example", "x..example", "dir/f.yaml:25: domain: \"x..example\" is no" },
		{ "x.example", "x.example.", "dir/f.yaml:25: domain:" },
		{ "x.example", "X.example", "dir/f.yaml:25: domain:" },
		{ "x.example", "-x.example", "dir/f.yaml:25: domain:" },
		{ "x.example", "x-.example", "dir/f.yaml:25: domain:" },
		{ "  a:\n", "  A: {bridge: x, subnet: 10.8.0.0/24}\n  a:\n",
		  "dir/f.yaml:2: networks.A: cannot be a network's" },
		{ "br-a", "br/a", "dir/f.yaml:3: networks.a.bridge: \"br/a\" cannot" },
		{ "br-a", "-a", "dir/f.yaml:3: networks.a.bridge:" },
		{ "br-a", "'..'", "dir/f.yaml:3: networks.a.bridge:" },
		{ "br-a", "''", "dir/f.yaml:3: networks.a.bridge:" },
		{ "br-b", "br-a", "dir/f.yaml:6: networks.b.bridge: br-a is the bridge of network a" },
		{ "192.168.7.0/24", "192.168.7.1/24",
		  "dir/f.yaml:4: networks.a.subnet: is an address within a subnet; the subnet is 192.168.7.0/24" },
		{ "192.168.7.0/24", "192.168.7.0/30",
		  "dir/f.yaml:4: networks.a.subnet: /30 is no size" },
		{ "192.168.7.0/24", "0.0.0.0/7", "dir/f.yaml:4: networks.a.subnet: /7 is no size" },
		{ "192.168.7.0/24", "100.64.0.0/16",
		  "dir/f.yaml:4: networks.a.subnet: overlaps 100.64.0.0/10, where mesh" },
		{ "192.168.7.0/24", "100.127.255.0/24", "overlaps 100.64.0.0/10" },
		{ "192.168.7.0/24", "100.0.0.0/8", "overlaps 100.64.0.0/10" },
		{ "192.168.7.0/24", "127.1.0.0/16", "overlaps 127.0.0.0/8" },
		{ "192.168.7.0/24", "169.254.9.0/24", "overlaps 169.254.0.0/16" },
		{ "192.168.7.0/24", "0.1.0.0/16", "overlaps 0.0.0.0/8" },
		{ "192.168.7.0/24", "239.1.0.0/16", "overlaps 224.0.0.0/3" },
		{ "10.7.0.0/16", "192.168.0.0/16",
		  "dir/f.yaml:7: networks.b.subnet: overlaps 192.168.7.0/24 of network a" },
		{ "10.7.0.0/16", "192.168.7.128/25", "dir/f.yaml:7: networks.b.subnet: overlaps" },
		{ "10.7.3.3", "10.8.0.1",
		  "dir/f.yaml:8: networks.b.gateway: 10.8.0.1 is not in the subnet 10.7.0.0/16" },
		{ "10.7.3.3", "10.7.0.0", "dir/f.yaml:8: networks.b.gateway: 10.7.0.0 is the first or last" },
		{ "10.7.3.3", "10.7.255.255", "dir/f.yaml:8: networks.b.gateway: 10.7.255.255 is the first or last" },
		{ "  c:\n", "  c_d:\n", "dir/f.yaml:17: hosts.c_d: cannot be a host's name" },
		{ "  c:\n", "  c-:\n", "dir/f.yaml:17: hosts.c-: cannot be a host's name" },
		{ "  c:\n", "  net:\n", "dir/f.yaml:17: hosts.net: cannot be" },
		{ "192.168.7.2", "192.168.8.2",
		  "dir/f.yaml:20: hosts.c.address: 192.168.8.2 is not in 192.168.7.0/24 of network a" },
		{ "192.168.7.2", "192.168.7.0", "dir/f.yaml:20: hosts.c.address: 192.168.7.0 is the first" },
		{ "192.168.7.2", "192.168.7.255", "dir/f.yaml:20: hosts.c.address: 192.168.7.255 is the first" },
		{ "192.168.7.2", "192.168.7.1",
		  "dir/f.yaml:20: hosts.c.address: 192.168.7.1 is the gateway of network a" },
		{ "    network: a\n    address: 192.168.7.2", "    network: b\n    address: 10.7.0.9",
		  "dir/f.yaml:20: hosts.c.address: 10.7.0.9 is the address of s already" },
		{ "older", "1.94.1", "dir/f.yaml:22: hosts.c.version: wants current, older or a directory" },
		{ "[nginx]", "[nginx, nginx]", "dir/f.yaml:23: hosts.c.services: nginx is named twice" },
		{ "role: client", "role: plain",
		  "dir/f.yaml:23: hosts.c.services: only clients have a mesh address" },
		{ "role: client", "role: server", "only clients have a mesh address" },
		{ "role: server", "role: client", "dir/f.yaml:1: hosts: no host has the role server" },
		{ "no-udp", "isolated",
		  "dir/f.yaml:19: hosts.c.network: a is isolated from b, where the server is" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(bad[i].from, bad[i].to, bad[i].error);
}

/* the nearest to each rule that is still right */
static void test_no_rules(void **state)
{
	static const char *const good[][2] = {
		{ "name: lab2", "name: lab45678" },
		{ "name: lab2\n", "" },
		{ "x.example", "x" },
		{ "x.example", "a-1.x.example" },
		{ "br-a", "Bridge_15.chars" },
		{ "192.168.7.0/24", "192.168.7.0/29" },
		{ "10.7.0.0/16", "10.0.0.0/8" },
		{ "10.7.0.0/16", "10.7.0.0/22" },
		{ "10.7.3.3", "10.7.0.1" },
		{ "10.7.3.3", "10.7.255.254" },
		{ "192.168.7.2", "192.168.7.254" },
		{ "older", "current" },
		{ "older", "/opt/programs" },
		{ "[nginx]", "[]" },
		{ "memory: 1024", "memory: 256" },
		{ "memory: 1024", "memory: 65536" },
		{ "no-udp", "open" },
		{ "passage:\n  - between: [a, b]\n    pass: no-udp\n", "passage: []\n" },
		{ "  a:\n", "  a-name-that-has-thirty-two-char: {bridge: x, subnet: 10.8.0.0/24}\n  a:\n" },
		{ "  c:\n", "  p: {role: plain, network: a, address: 192.168.7.3}\n  c:\n" },
		{ "  c:\n", "  a-name-that-has-thirty-two-char:\n" },
	};
	struct wga_topology t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		take(good[i][0], good[i][1], &t);
}

/* isolated networks are fine where the server can be reached from both */
static void test_isolated_clients(void **state)
{
	struct wga_topology t;
	struct wga_err err;

	(void)state;
	wga_topology_default(&t);
	t.passage[0][1] = t.passage[1][0] = WGA_PASSAGE_ISOLATED;
	assert_int_equal(wga_topology_check(&t, &err), 0);
}

/* rules that no file can break, but a caller can; and without a file's lines */
static void test_check(void **state)
{
	struct wga_topology good, t;
	struct wga_err err;

	(void)state;
	wga_topology_default(&good);
	t = good;
	t.passage[0][1] = WGA_PASSAGE_NO_UDP;
	assert_int_equal(wga_topology_check(&t, &err), -1);
	assert_non_null(strstr(err.text, "b to a is not what a to b is"));
	t = good;
	t.passage[1][1] = WGA_PASSAGE_NO_UDP;
	assert_int_equal(wga_topology_check(&t, &err), -1);
	assert_non_null(strstr(err.text, "within a network"));
	t = good;
	t.passage[0][1] = t.passage[1][0] = 3;
	assert_int_equal(wga_topology_check(&t, &err), -1);
	t = good;
	t.hosts[1].role = 3;
	assert_int_equal(wga_topology_check(&t, &err), -1);
	t = good;
	t.hosts[1].network = 3;
	assert_int_equal(wga_topology_check(&t, &err), -1);
	assert_string_equal(err.text, "hosts.vm-a.network: there is no such network");
	t = good;
	t.hosts[1].line = 9;
	t.hosts[1].memory_mib = 0;
	assert_int_equal(wga_topology_check(&t, &err), -1);
	assert_string_equal(err.text,
			    "line 9: hosts.vm-a.memory: wants 256 to 65536 (MiB), not 0");
	t = good;
	memcpy(t.hosts[3].mac, t.hosts[1].mac, 6);
	assert_int_equal(wga_topology_check(&t, &err), -1);
	assert_string_equal(err.text, "hosts.vm-c: has the MAC address of vm-a");
	t = good;
	strcpy(t.hosts[3].name, "vm-a");
	assert_int_equal(wga_topology_check(&t, &err), -1);
	assert_string_equal(err.text, "hosts.vm-a: two hosts have this name");
	t = good;
	strcpy(t.networks[1].name, "a");
	assert_int_equal(wga_topology_check(&t, &err), -1);
	assert_string_equal(err.text, "networks.a: two networks have this name");
	t = good;
	t.hosts[2].role = WGA_ROLE_SERVER;
	t.hosts[2].n_services = 0;
	assert_int_equal(wga_topology_check(&t, &err), -1);
	assert_non_null(strstr(err.text, "hosts.vm-b.role: server is the server already"));
	t = good;
	t.n_hosts = 1;
	assert_int_equal(wga_topology_check(&t, &err), -1);
	assert_string_equal(err.text, "hosts: no host has the role client; at least one must");
	t = good;
	t.n_hosts = WGA_TOPO_HOSTS_MAX + 1;
	assert_int_equal(wga_topology_check(&t, &err), -1);
}

/* paths are relative to the file; a bare word is no path */
static void test_paths(void **state)
{
	struct wga_topology t;
	char cwd[200], want[256];

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(want, sizeof(want), "%s/dir/../bin", cwd);
	take("older", "../bin", &t);
	assert_string_equal(t.hosts[1].version, want);
	snprintf(want, sizeof(want), "%s/dir/x.qcow2", cwd);
	take("memory: 1024", "image: x.qcow2", &t);
	assert_string_equal(t.hosts[1].image, want);
	take("memory: 1024", "image: /x.qcow2", &t);
	assert_string_equal(t.hosts[1].image, "/x.qcow2");
}

static void test_long_path(void **state)
{
	char to[400] = "version: /";

	(void)state;
	memset(to + 10, 'x', 256);
	refuse("version: older", to, "dir/f.yaml:22: hosts.c.version: the path is too long");
}

/* MAC addresses are the same each time, differ, and change with the name */
static void test_macs(void **state)
{
	struct wga_topology t, u;
	struct wga_err err;
	size_t i, j;

	(void)state;
	wga_topology_default(&t);
	u = t;
	assert_int_equal(wga_topology_rename(&u, "other", &err), 0);
	assert_string_equal(u.name, "other");
	for (i = 0; i < t.n_hosts; i++) {
		assert_memory_equal(t.hosts[i].mac, "\x52\x54\x00", 3);
		assert_memory_not_equal(t.hosts[i].mac, u.hosts[i].mac, 6);
		for (j = 0; j < i; j++)
			assert_memory_not_equal(t.hosts[i].mac, t.hosts[j].mac, 6);
	}
	/* one MAC that is wanted twice is had twice by none */
	strcpy(u.hosts[1].name, u.hosts[0].name);
	wga_topology_macs(&u);
	assert_memory_not_equal(u.hosts[0].mac, u.hosts[1].mac, 6);
	assert_int_equal(wga_topology_rename(&u, "", &err), -1);
	assert_int_equal(wga_topology_rename(&u, "ninechars", &err), -1);
	assert_int_equal(wga_topology_rename(&u, "a-b", &err), -1);
	assert_string_equal(err.code, "usage");
	assert_string_equal(u.name, "other");
}

static void test_files(void **state)
{
	struct wga_topology t;
	struct wga_err err;
	char path[] = "/tmp/wga-topology-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(wga_topology_load(&t, "/nonexistent/t.yaml", &err), -1);
	assert_string_equal(err.code, "no-such-file");
	assert_int_equal(wga_topology_load(&t, "/", &err), -1);
	assert_string_equal(err.code, "unreadable-file");
	assert_int_equal(ftruncate(fd, 32769), 0);
	assert_int_equal(wga_topology_load(&t, path, &err), -1);
	assert_string_equal(err.code, "bad-topology");
	assert_non_null(strstr(err.text, "larger than 32 KiB"));
	assert_int_equal(ftruncate(fd, 32768), 0);
	assert_int_equal(wga_topology_load(&t, path, &err), -1);
	assert_null(strstr(err.text, "larger"));
	close(fd);
	unlink(path);
}

static void test_hostnet(void **state)
{
	char links[][16] = { "lo", "eth0", "virbr-b" };
	struct wga_host_range ranges[] = {
		{ "lo", wga_topo_addr(0x7f000001), 8, false },
		{ "eth0", wga_topo_addr(0x0a010203), 24, false },
		{ "eth0", wga_topo_addr(0x0a010000), 16, true },
	};
	struct wga_hostnet hn = { links, 2, ranges, 3 };
	bool ours[WGA_TOPO_NETWORKS_MAX] = { false };
	struct wga_topology t;
	struct wga_err err;

	(void)state;
	wga_topology_default(&t);
	assert_int_equal(wga_hostnet_check(&hn, &t, NULL, &err), 0);
	hn.n_links = 3;
	assert_int_equal(wga_hostnet_check(&hn, &t, NULL, &err), -1);
	assert_string_equal(err.code, "bridge-taken");
	assert_non_null(strstr(err.text, "virbr-b already, which network b"));
	/* it may be ours, with its address and route */
	ours[1] = true;
	assert_int_equal(wga_hostnet_check(&hn, &t, ours, &err), 0);
	ranges[1] = (struct wga_host_range){
		"virbr-b", t.networks[1].gateway, 24, false,
	};
	assert_int_equal(wga_hostnet_check(&hn, &t, ours, &err), 0);
	/* but not the subnet of another of our networks */
	ranges[1].addr = wga_topo_addr(0xc0a80105);
	strcpy(ranges[1].link, "eth0");
	assert_int_equal(wga_hostnet_check(&hn, &t, ours, &err), -1);
	assert_string_equal(err.code, "subnet-in-use");
	assert_non_null(strstr(err.text,
		"192.168.1.0/24 of network a is in use here: eth0 has 192.168.1.5/24"));
	/* a route that holds the subnet, one within it, and neighbours of it */
	ranges[1] = (struct wga_host_range){
		"tun0", wga_topo_addr(0xc0a80000), 16, true,
	};
	assert_int_equal(wga_hostnet_check(&hn, &t, ours, &err), -1);
	assert_non_null(strstr(err.text, "tun0 has a route to 192.168.0.0/16"));
	ranges[1].addr = wga_topo_addr(0xc0a80180);
	ranges[1].prefix = 32;
	assert_int_equal(wga_hostnet_check(&hn, &t, ours, &err), -1);
	ranges[1].addr = wga_topo_addr(0xc0a80200);
	ranges[1].prefix = 24;
	assert_int_equal(wga_hostnet_check(&hn, &t, ours, &err), 0);
	ranges[1].addr = wga_topo_addr(0xc0a800ff);
	ranges[1].prefix = 32;
	assert_int_equal(wga_hostnet_check(&hn, &t, ours, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_no_form),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_no_rules),
		cmocka_unit_test(test_isolated_clients),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_macs),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_hostnet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
