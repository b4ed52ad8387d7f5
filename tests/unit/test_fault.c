/* SPDX-License-Identifier: MIT */
/* Faults without a network: schedules, names, the journal's format, rules as
 * text and their counters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/fault_options.h"
#include "cli/fault_report.h"
#include "topo/fault_journal.h"
#include "topo/fault_rules.h"
#include "topo/fault_schedule.h"
#include "topo/nearest.h"

static struct wga_addr addr(const char *text)
{
	struct wga_addr a;

	assert_int_equal(wga_addr_parse(text, &a, NULL), 0);
	return a;
}

static struct wga_fault_port port(const char *host, const char *bridge,
				  const char *address, unsigned int group)
{
	struct wga_fault_port p = { .index = 7, .group = group,
				    .mac = { 0x52, 0x54, 0, 1, 2, 3 } };

	snprintf(p.host, sizeof(p.host), "%s", host);
	snprintf(p.link, sizeof(p.link), "p-%s", host);
	snprintf(p.bridge, sizeof(p.bridge), "%s", bridge);
	if (address)
		p.addr = addr(address);
	return p;
}

static struct wga_fault partition(void)
{
	struct wga_fault f = { .name = "partition-a-b",
			       .what = WGA_FAULT_PARTITION,
			       .kind = WGA_FAULT_DROP, .n_ports = 2 };

	f.ports[0] = port("a", "br0", "192.168.1.2", 0);
	f.ports[1] = port("b", "br0", "192.168.1.3", 1);
	return f;
}

static void test_schedule(void **state)
{
	struct wga_schedule s;

	(void)state;
	wga_schedule_begin(&s, 100, 50, 0, 1);
	assert_int_equal(wga_schedule_down(&s), 100);
	assert_int_equal(wga_schedule_up(&s), 50);

	/* by hand from SplitMix64: its first three outputs of seed 0 are
	 * e220a8397b1dcdaf, 6e789e6aa1b965f4, 06c45d188009454f
	 */
	wga_schedule_begin(&s, 100, 50, 10, 0);
	assert_int_equal(wga_schedule_down(&s),
			 90 + UINT64_C(0xe220a8397b1dcdaf) % 21);
	assert_int_equal(wga_schedule_up(&s),
			 40 + UINT64_C(0x6e789e6aa1b965f4) % 21);
	assert_int_equal(wga_schedule_down(&s),
			 90 + UINT64_C(0x06c45d188009454f) % 21);
}

static void test_schedule_bounds(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;
	struct wga_schedule s;

	(void)state;
	wga_schedule_begin(&s, 5, 5, 20, 42);
	for (int i = 0; i < 10000; i++) {
		uint64_t ms = wga_schedule_down(&s);

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	/* never not at all */
	assert_int_equal(least, 1);
	assert_int_equal(most, 25);
}

static bool taken(void *arg, const char *name)
{
	return strcmp(name, arg) == 0;
}

static void test_names(void **state)
{
	struct wga_fault f = partition();

	(void)state;
	wga_fault_name(&f, taken, "");
	assert_string_equal(f.name, "partition-a-b");
	wga_fault_name(&f, taken, "partition-a-b");
	assert_string_equal(f.name, "partition-a-b-2");
	f.isolate = true;
	f.n_ports = 1;
	snprintf(f.ports[0].host, sizeof(f.ports[0].host), "../x;\"\n");
	wga_fault_name(&f, taken, "");
	assert_string_equal(f.name, "isolate----x---");
	f.isolate = false;
	f.n_ports = WGA_FAULT_PORTS_MAX;
	for (size_t i = 0; i < f.n_ports; i++)
		f.ports[i] = port("a-name-that-is-rather-long", "br0", NULL, 0);
	wga_fault_name(&f, taken, "");
	assert_true(strlen(f.name) < sizeof(f.name) - 8);
}

static void fill_link(struct wga_fault *f)
{
	struct wga_fault_link *l;

	f->links = calloc(1, sizeof(*f->links));
	assert_non_null(f->links);
	f->n_links = 1;
	l = f->links;
	snprintf(l->ns.path, sizeof(l->ns.path), "/run/netns/x");
	l->ns.cookie = 77;
	snprintf(l->link, sizeof(l->link), "eth0");
	l->index = 2;
	l->n_routes = 2;
	l->routes[0] = (struct wga_fault_route){
		.family = AF_INET, .to = addr("0.0.0.0"), .table = 254,
		.via = addr("10.5.0.1"), .protocol = 3, .metric = 100,
	};
	l->routes[1] = (struct wga_fault_route){
		.family = AF_INET6, .prefix = 64, .to = addr("fd01::"),
		.source = addr("fd00::3"), .table = 254, .scope = 253,
		.protocol = 3, .flags = 4, .metric = UINT32_MAX,
	};
	l->n_addrs = 1;
	l->addrs[0].addr = addr("fd00::3");
	l->addrs[0].prefix = 64;
	l->addrs[0].flags = 2;
}

/* what is written is what is read, and writes the same again */
static void test_journal(void **state)
{
	struct wga_fault f = partition(), g;
	char *text, *again;

	(void)state;
	f.ns.cookie = 12;
	f.one_way = f.held = true;
	f.protocol = WGA_FAULT_ICMP;
	f.control = addr("192.168.100.2");
	f.loss = 10000;
	f.seed = INT64_MAX;
	f.pid = 123;
	f.started = 456;
	f.began_ms = 1700000000123;
	fill_link(&f);
	text = wga_fault_format(&f);
	assert_non_null(text);
	assert_int_equal(wga_fault_parse(&g, text, strlen(text), NULL), 0);
	again = wga_fault_format(&g);
	assert_string_equal(text, again);
	assert_int_equal(g.n_links, 1);
	assert_memory_equal(f.links, g.links, sizeof(*f.links));
	assert_int_equal(g.protocol, WGA_FAULT_ICMP);
	assert_true(g.held && g.one_way && !g.isolate && !g.detached);
	assert_true(wga_addr_equal(&g.control, &f.control));
	wga_fault_free(&f);
	wga_fault_free(&g);
	free(text);
	free(again);
}

/* @old in the text of a good fault becomes @new, and is refused */
static void refuse(const char *old, const char *new)
{
	struct wga_fault f = partition(), g;
	struct wga_err err;
	char *text, *at, changed[8192];

	fill_link(&f);
	text = wga_fault_format(&f);
	assert_non_null(text);
	at = strstr(text, old);
	if (!at)
		fail_msg("no %s in %s", old, text);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text,
		 new, at + strlen(old));
	assert_int_equal(wga_fault_parse(&g, changed, strlen(changed), &err),
			 -1);
	assert_string_equal(err.code, "bad-journal");
	wga_fault_free(&f);
	free(text);
}

static void test_journal_damaged(void **state)
{
	(void)state;
	refuse("\"version\": 1", "\"version\": 2");
	refuse("\"partition-a-b\"", "\"../etc\"");
	refuse("\"partition-a-b\"", "\"\"");
	refuse("\"what\": \"partition\"", "\"what\": \"divide\"");
	refuse("\"kind\": \"drop\"", "\"kind\": 3");
	refuse("\"link\": \"p-a\"", "\"link\": \"p a\"");
	refuse("\"link\": \"p-a\"", "\"link\": \"p\\\"a\"");
	refuse("\"link\": \"p-a\"", "\"link\": \"a-link-name-of-16\"");
	refuse("\"group\": 1", "\"group\": 2");
	refuse("\"group\": 1", "\"group\": -1");
	refuse("\"pid\": 0", "\"pid\": 99999999999");
	refuse("\"mac\": \"52:", "\"mac\": \"x2:");
	refuse("\"held\": false", "\"held\": 0");
	refuse("\"prefix\": 64", "\"prefix\": 129");
	refuse("\"10.5.0.1\"", "\"10.5.0.256\"");
	refuse("\"loss\": 0", "\"loss\": 10001");
	refuse("\"links\": [", "\"links\": 0, \"other\": [");
	refuse("{", "");
}

static bool forget(void *arg, const char *name, const char *text)
{
	assert_string_equal(name, "partition-a-b");
	assert_string_equal(text, "{}");
	++*(int *)arg;
	return true;
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/faults/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* the directory comes with the first fault and goes with the last */
static void test_journal_dir(void **state)
{
	char top[] = "/tmp/wgaudit-test-XXXXXX", dir[64];
	struct wga_fault f = partition();
	struct wga_journal j;
	int ends = 0;

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/run", top);
	setenv("WGAUDIT_STATE", dir, 1);
	assert_int_equal(wga_journal_open(&j, false, NULL), 0);
	assert_int_equal(j.n, 0);
	wga_journal_close(&j);
	assert_int_equal(access(dir, F_OK), -1);

	f.held = true;
	assert_int_equal(wga_journal_open(&j, true, NULL), 0);
	assert_int_equal(wga_journal_write(&j, &f, NULL), 0);
	f.held = false;
	assert_int_equal(wga_journal_write(&j, &f, NULL), 0);
	wga_journal_close(&j);
	/* what was cut short has done nothing yet */
	put_file(dir, "flap-b.new", "{");

	assert_int_equal(wga_journal_open(&j, false, NULL), 0);
	assert_int_equal(j.n, 1);
	assert_false(j.faults[0].held);
	assert_true(wga_journal_taken(&j, "partition-a-b"));
	assert_false(wga_journal_taken(&j, "flap-b"));
	assert_int_equal(wga_journal_remove(&j, "partition-a-b", NULL), 0);
	assert_int_equal(wga_journal_remove(&j, "partition-a-b", NULL), 0);
	assert_int_equal(wga_journal_keep_end(&j, "partition-a-b", "{}", NULL),
			 0);
	wga_journal_close(&j);

	assert_int_equal(wga_journal_open(&j, false, NULL), 0);
	assert_int_equal(j.n, 0);
	wga_journal_ends(&j, forget, &ends);
	wga_journal_close(&j);
	assert_int_equal(ends, 1);
	assert_int_equal(access(dir, F_OK), -1);
	unsetenv("WGAUDIT_STATE");
	assert_int_equal(rmdir(top), 0);
}

/* nothing is healed by a journal that cannot be read, and it says which file */
static void test_journal_unreadable(void **state)
{
	char top[] = "/tmp/wgaudit-test-XXXXXX", path[128];
	struct wga_fault f = partition();
	struct wga_journal j;
	struct wga_err err;
	char *text;

	(void)state;
	assert_non_null(mkdtemp(top));
	setenv("WGAUDIT_STATE", top, 1);
	snprintf(path, sizeof(path), "%s/faults", top);
	assert_int_equal(mkdir(path, 0700), 0);
	put_file(top, "x.json", "{}");
	assert_int_equal(wga_journal_open(&j, false, &err), -1);
	assert_string_equal(err.code, "bad-journal");
	assert_non_null(strstr(err.text, "/faults/x.json: "));
	/* of another name than the file's */
	text = wga_fault_format(&f);
	put_file(top, "x.json", text);
	free(text);
	assert_int_equal(wga_journal_open(&j, false, &err), -1);
	assert_non_null(strstr(err.text, "another fault"));
	snprintf(path, sizeof(path), "%s/faults/x.json", top);
	assert_int_equal(unlink(path), 0);
	/* the empty journal goes with who looked at it */
	assert_int_equal(wga_journal_open(&j, false, &err), 0);
	wga_journal_close(&j);
	unsetenv("WGAUDIT_STATE");
	assert_int_equal(access(top, F_OK), -1);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void has(const struct wga_fault *f, const char *what, size_t times)
{
	char *text = wga_fault_rules_text(f);

	assert_non_null(text);
	if (count(text, what) != times)
		fail_msg("\"%s\" is not %zu times in\n%s", what, times, text);
	free(text);
}

static void test_rules(void **state)
{
	struct wga_fault f = partition();

	(void)state;
	has(&f, "flags owner", 1);
	has(&f, "table bridge wgaudit-partition-a-b ", 1);
	has(&f, "iifname \"p-a\" ip daddr 192.168.1.3 ", 1);
	has(&f, "iifname \"p-b\" ip daddr 192.168.1.2 ", 1);
	has(&f, "forward iifname \"p-a\" oifname \"p-b\" ", 1);
	has(&f, " counter ", 4);
	has(&f, "accept comment", 0);

	f.one_way = true;
	has(&f, "ip daddr 192.168.1.2", 0);
	has(&f, "iifname \"p-b\"", 0);
	has(&f, "drop comment \"drop\"", 2);
	has(&f, "ether type arp counter accept", 1);
	f.ports[1].addr = addr("fd00::3");
	has(&f, "ip6 daddr fd00::3 icmpv6 type 133-137 counter accept", 1);
	f.ports[1].addr = addr("192.168.1.3");

	/* across bridges there is no forwarding from port to port */
	f.one_way = false;
	snprintf(f.ports[1].bridge, sizeof(f.ports[1].bridge), "br1");
	has(&f, "oifname", 0);
	has(&f, "drop comment \"drop\"", 2);

	f.protocol = WGA_FAULT_UDP;
	has(&f, "meta l4proto udp counter drop", 2);
	f.protocol = WGA_FAULT_ICMP;
	has(&f, "ip protocol icmp counter drop", 2);
	has(&f, "icmpv6 type != 133-137 counter drop", 2);
}

static void test_rules_isolate(void **state)
{
	struct wga_fault f = partition();

	(void)state;
	f.isolate = true;
	f.n_ports = 1;
	has(&f, "drop comment \"drop\"", 2);
	has(&f, "accept comment", 0);
	f.control = addr("fd00::1");
	has(&f, "prerouting iifname \"p-a\" ip6 daddr fd00::1 counter accept", 1);
	has(&f, "postrouting oifname \"p-a\" ip6 saddr fd00::1 counter accept",
	    1);
}

static void test_rules_loss(void **state)
{
	struct wga_fault f = partition();

	(void)state;
	f.what = WGA_FAULT_LOSS;
	f.n_ports = 1;
	f.loss = 25;
	has(&f, "numgen random mod 10000 < 25 counter drop", 2);
	f.loss = 10000;
	has(&f, "numgen", 0);
	has(&f, "drop comment", 2);
}

static void test_rules_sum(void **state)
{
	(void)state;
	assert_int_equal(wga_fault_rules_sum(""), 0);
	assert_int_equal(wga_fault_rules_sum(
		"table bridge x {\n"
		"  iifname \"a\" counter packets 7 bytes 9 drop comment \"drop\"\n"
		"  iifname \"a\" counter packets 90 bytes 9 accept comment \"allow\"\n"
		"  oifname \"a\" counter packets 5 bytes 9 reject comment \"drop\"\n"
		"  oifname \"a\" drop comment \"drop\"\n}"), 12);
}

static void test_orphans(void **state)
{
	struct wga_fault f = { .pid = getpid() };

	(void)state;
	f.started = wga_journal_started(f.pid);
	assert_true(f.started > 0);
	assert_false(wga_journal_orphan(&f));
	/* another process of the same number */
	f.started--;
	assert_true(wga_journal_orphan(&f));
	f.pid = 0;
	assert_true(wga_journal_orphan(&f));
}

static struct wga_fault_result judged(const struct wga_fault *f,
				      uint64_t dropped, uint64_t arrived)
{
	struct wga_fault_result r = { .dropped = dropped, .arrived = arrived };

	wga_fault_judge(f, &r);
	return r;
}

static void test_bite(void **state)
{
	struct wga_fault f = partition();
	struct wga_outage o[2] = { { .down_seen = true }, { 0 } };
	struct wga_fault_result r = { .outages = o, .n = 1 };

	(void)state;
	assert_int_equal(judged(&f, 1, 0).bite, WGA_BITE_YES);
	assert_int_equal(judged(&f, 0, 1).bite, WGA_BITE_NO);
	assert_int_equal(judged(&f, 0, 0).bite, WGA_BITE_UNTRIED);
	f.what = WGA_FAULT_FLAP;
	f.kind = WGA_FAULT_TAP;
	wga_fault_judge(&f, &r);
	assert_int_equal(r.bite, WGA_BITE_YES);
	/* one of two is not enough, nor is none at all */
	r.n = 2;
	wga_fault_judge(&f, &r);
	assert_int_equal(r.bite, WGA_BITE_NO);
	r.n = 0;
	wga_fault_judge(&f, &r);
	assert_int_equal(r.bite, WGA_BITE_NO);
}

static void test_amounts(void **state)
{
	unsigned int loss;
	uint64_t rate;

	(void)state;
	assert_int_equal(wga_fault_loss_parse("20%", &loss, NULL), 0);
	assert_int_equal(loss, 2000);
	assert_int_equal(wga_fault_loss_parse("0.01%", &loss, NULL), 0);
	assert_int_equal(loss, 1);
	assert_int_equal(wga_fault_loss_parse("100", &loss, NULL), 0);
	assert_int_equal(loss, 10000);
	assert_int_equal(wga_fault_loss_parse("0%", &loss, NULL), 0);
	assert_int_equal(loss, 0);
	/* too little to be any */
	assert_int_equal(wga_fault_loss_parse("0.001%", &loss, NULL), -1);
	assert_int_equal(wga_fault_loss_parse("100.1%", &loss, NULL), -1);
	assert_int_equal(wga_fault_loss_parse("-1%", &loss, NULL), -1);
	assert_int_equal(wga_fault_loss_parse("nan", &loss, NULL), -1);
	assert_int_equal(wga_fault_loss_parse("2 %", &loss, NULL), -1);
	assert_int_equal(wga_fault_rate_parse("10mbit", &rate, NULL), 0);
	assert_int_equal(rate, 1250000);
	assert_int_equal(wga_fault_rate_parse("18gbit", &rate, NULL), -1);
	assert_int_equal(wga_fault_rate_parse("10", &rate, NULL), -1);
	assert_int_equal(wga_fault_rate_parse("0mbit", &rate, NULL), -1);
}

static void test_nearest(void **state)
{
	(void)state;
	assert_int_equal(wga_word_distance("vm-b", "vm-b"), 0);
	assert_int_equal(wga_word_distance("vmb", "vm-b"), 1);
	assert_int_equal(wga_word_distance("", "vm-b"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedule),
		cmocka_unit_test(test_schedule_bounds),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_journal_damaged),
		cmocka_unit_test(test_journal_dir),
		cmocka_unit_test(test_journal_unreadable),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_rules_isolate),
		cmocka_unit_test(test_rules_loss),
		cmocka_unit_test(test_rules_sum),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_bite),
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
