/* SPDX-License-Identifier: MIT */
/*
 * The libvirt backend against libvirt's own test driver, which keeps networks,
 * domains and pools in this process; the guest agent is played here.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <libvirt/libvirt-qemu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topo/libvirt_internal.h"

#define URI	"test:///default"

static struct wga_mesh mesh;
static virConnectPtr conn;

/* what the agent is to say, in this order, and what it was asked */
static const char *const *replies;
static char asked[8][4096];
static size_t n_asked;

char *virDomainQemuAgentCommand(virDomainPtr domain, const char *cmd,
				int timeout, unsigned int flags)
{
	(void)domain;
	(void)timeout;
	(void)flags;
	assert_true(n_asked < 8);
	snprintf(asked[n_asked++], sizeof(asked[0]), "%s", cmd);
	return *replies ? strdup(*replies++) : NULL;
}

static int setup(void **state)
{
	(void)state;
	memset(&mesh, 0, sizeof(mesh));
	wga_topology_default(&mesh.topo);
	assert_int_equal(wga_topology_rename(&mesh.topo, "t", NULL), 0);
	strcpy(mesh.uri, URI);
	n_asked = 0;
	conn = virConnectOpen(URI);
	return conn ? 0 : -1;
}

static int teardown(void **state)
{
	int ret = wga_backend_libvirt.destroy(&mesh, NULL);

	(void)state;
	virConnectClose(conn);
	return ret;
}

static void assert_has(const char *xml, const char *what)
{
	if (!strstr(xml, what))
		fail_msg("no %s in\n%s", what, xml);
}

static void test_network_document(void **state)
{
	char *xml = wga_lv_network_xml(&mesh.topo, 0);

	(void)state;
	assert_non_null(xml);
	assert_has(xml, "<name>wga-t-a</name>");
	assert_has(xml, "<forward mode=\"open\"/>");
	assert_has(xml, "<bridge name=\"virbr-a\"");
	assert_has(xml, "<ip address=\"192.168.1.1\" prefix=\"24\">");
	assert_has(xml, "name=\"vm-a\" ip=\"192.168.1.10\"");
	assert_has(xml, "name=\"vm-c\" ip=\"192.168.1.11\"");
	assert_null(strstr(xml, "vm-b"));
	assert_null(strstr(xml, "<range"));
	assert_true(wga_lv_is_ours(xml, "t"));
	free(xml);
}

static void test_domain_document(void **state)
{
	struct wga_lv_files files = { "/p/a&b.qcow2", "", "", "/p/vm-a.log" };
	const struct wga_topo_host *h = wga_topology_host(&mesh.topo, "vm-a");
	char *xml = wga_lv_domain_xml(&mesh.topo, h, &files, "x86_64", false);

	(void)state;
	assert_has(xml, "<domain type=\"qemu\">");
	assert_has(xml, "<name>wga-t-vm-a</name>");
	assert_has(xml, "file=\"/p/a&amp;b.qcow2\"");
	assert_has(xml, "org.qemu.guest_agent.0");
	assert_has(xml, "<source network=\"wga-t-a\"/>");
	assert_has(xml, "<log file=\"/p/vm-a.log\"");
	assert_null(strstr(xml, "<kernel>"));
	assert_true(wga_lv_is_ours(xml, "t"));
	free(xml);
	strcpy(files.kernel, "/p/k&l");
	xml = wga_lv_domain_xml(&mesh.topo, h, &files, "x86_64", true);
	assert_has(xml, "<domain type=\"kvm\">");
	assert_has(xml, "<kernel>/p/k&amp;l</kernel>");
	assert_has(xml, "root=/dev/vda");
	assert_null(strstr(xml, "<initrd>"));
	free(xml);
}

static void test_mark(void **state)
{
	static const char head[] = "<domain><name>wga-t-x</name><metadata>";
	static const char tail[] = "</metadata></domain>";
	static const struct {
		const char *mark;
		bool ours;
	} rows[] = {
		{ "<w:mesh xmlns:w='" WGA_LV_NS "' name='t'/>", true },
		{ "<w:mesh xmlns:w='" WGA_LV_NS "' name='tt'/>", false },
		{ "<w:mesh xmlns:w='" WGA_LV_NS "'/>", false },
		{ "<w:mesh xmlns:w='https://example.org' name='t'/>", false },
		{ "<mesh name='t'/>", false },
		{ "<x><w:mesh xmlns:w='" WGA_LV_NS "' name='t'/></x>", false },
		{ "", false },
	};
	char xml[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(xml, sizeof(xml), "%s%s%s", head, rows[i].mark, tail);
		assert_int_equal(wga_lv_is_ours(xml, "t"), rows[i].ours);
	}
	assert_false(wga_lv_is_ours("<domain>", "t"));
	assert_false(wga_lv_is_ours("", "t"));
}

/* a domain that the test driver runs; @mark: of which mesh, or NULL */
static void make_domain(const char *name, const char *of)
{
	char xml[512], mark[128] = "";
	virDomainPtr dom;

	if (of)
		snprintf(mark, sizeof(mark),
			 "<metadata><w:mesh xmlns:w='" WGA_LV_NS "' name='%s'/></metadata>",
			 of);
	snprintf(xml, sizeof(xml),
		 "<domain type='test'><name>%s</name>%s<memory>1024</memory>"
		 "<os><type>hvm</type></os></domain>", name, mark);
	dom = virDomainCreateXML(conn, xml, 0);
	assert_non_null(dom);
	virDomainFree(dom);
}

static bool has_domain(const char *name)
{
	virDomainPtr dom = virDomainLookupByName(conn, name);
	bool up = dom && virDomainIsActive(dom) == 1;

	if (dom)
		virDomainFree(dom);
	return up;
}

static bool has_network(const char *name)
{
	virNetworkPtr net = virNetworkLookupByName(conn, name);
	bool up = net && virNetworkIsActive(net) == 1;

	if (net)
		virNetworkFree(net);
	return up;
}

static void remove_domain(const char *name)
{
	virDomainPtr dom = virDomainLookupByName(conn, name);

	assert_int_equal(virDomainDestroy(dom), 0);
	virDomainFree(dom);
}

static void test_removes_only_ours(void **state)
{
	(void)state;
	make_domain("wga-t-vm-a", "t");
	make_domain("wga-t-vm-b", NULL);
	make_domain("wga-u-vm-a", "u");
	mesh.networks_only = true;
	assert_int_equal(wga_backend_libvirt.create(&mesh, NULL, NULL), 0);
	assert_true(has_network("wga-t-a") && has_network("wga-t-s"));
	/* again: all is there */
	assert_int_equal(wga_backend_libvirt.create(&mesh, NULL, NULL), 0);

	assert_int_equal(wga_backend_libvirt.destroy(&mesh, NULL), 0);
	assert_false(has_domain("wga-t-vm-a"));
	assert_true(has_network("wga-t-a"));
	mesh.networks_only = false;
	assert_int_equal(wga_backend_libvirt.destroy(&mesh, NULL), 0);
	assert_false(has_network("wga-t-a") || has_network("wga-t-b") ||
		     has_network("wga-t-s"));
	assert_true(has_domain("wga-t-vm-b"));
	assert_true(has_domain("wga-u-vm-a"));
	assert_true(has_domain("test") && has_network("default"));
	remove_domain("wga-t-vm-b");
	remove_domain("wga-u-vm-a");
	/* nothing there is fine */
	assert_int_equal(wga_backend_libvirt.destroy(&mesh, NULL), 0);
}

static void test_names_that_are_taken(void **state)
{
	virNetworkPtr net = virNetworkCreateXML(conn,
		"<network><name>wga-t-b</name><bridge name='virbr-x'/></network>");
	struct wga_err err;

	(void)state;
	assert_non_null(net);
	mesh.networks_only = true;
	assert_int_equal(wga_backend_libvirt.create(&mesh, NULL, &err), -1);
	assert_string_equal(err.code, "name-taken");
	assert_non_null(strstr(err.text, "wga-t-b"));
	assert_false(has_network("wga-t-a"));
	assert_int_equal(virNetworkDestroy(net), 0);
	virNetworkFree(net);

	make_domain("wga-t-vm-a", NULL);
	assert_null(wga_lv_domain(&mesh, wga_topology_host(&mesh.topo, "vm-a"),
				  &err));
	assert_string_equal(err.code, "name-taken");
	remove_domain("wga-t-vm-a");
	assert_null(wga_lv_domain(&mesh, wga_topology_host(&mesh.topo, "vm-a"),
				  &err));
	assert_string_equal(err.code, "host-down");
}

/* rules on a machine that is not this one */
static void test_passages_elsewhere(void **state)
{
	struct wga_err err;

	(void)state;
	mesh.networks_only = true;
	mesh.topo.passage[0][1] = mesh.topo.passage[1][0] = WGA_PASSAGE_NO_UDP;
	assert_int_equal(wga_backend_libvirt.create(&mesh, NULL, &err), -1);
	assert_string_equal(err.code, "no-passage");
	assert_false(has_network("wga-t-a"));
}

static void test_what_is_missing(void **state)
{
	char dir[] = "/tmp/wga-image-XXXXXX", path[64];
	struct wga_lv_image image;
	struct wga_err err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("WGAUDIT_CACHE", dir, 1);
	assert_int_equal(wga_backend_libvirt.check(&mesh.topo, &err), -1);
	assert_string_equal(err.code, "no-image");
	assert_non_null(strstr(err.text, "topo/image/build"));

	snprintf(path, sizeof(path), "%s/disk.qcow2", dir);
	fclose(fopen(path, "w"));
	for (size_t i = 0; i < mesh.topo.n_hosts; i++)
		strcpy(mesh.topo.hosts[i].image, path);
	assert_int_equal(wga_backend_libvirt.check(&mesh.topo, &err), 0);
	assert_int_equal(wga_lv_image_find(&mesh.topo.hosts[0], &image, &err),
			 0);
	assert_string_equal(image.kernel, "");
	strcpy(mesh.topo.hosts[1].version, "/opt/mine");
	assert_int_equal(wga_backend_libvirt.check(&mesh.topo, &err), -1);
	assert_string_equal(err.code, "no-programs");
	unlink(path);
	rmdir(dir);
	unsetenv("WGAUDIT_CACHE");

	strcpy(mesh.uri, "nosuch:///system");
	assert_int_equal(wga_backend_libvirt.create(&mesh, NULL, &err), -1);
	assert_string_equal(err.code, "no-libvirt");
	strcpy(mesh.uri, URI);
}

/* ---- commands ---- */

static int run(struct wga_command_run *r, const char *const *says,
	       struct wga_err *err)
{
	memset(r, 0, sizeof(*r));
	r->argv = (const char *const[]){ "echo", "a b", NULL };
	r->in = r->out = r->err = -1;
	replies = says;
	n_asked = 0;
	return wga_backend_libvirt.run(&mesh, wga_topology_host(&mesh.topo,
								"vm-a"),
				       r, err);
}

static void forget(struct wga_command_run *r)
{
	free(r->output);
	free(r->errors);
}

#define STARTED	"{\"return\":{\"pid\":7}}"

static void test_command(void **state)
{
	struct wga_command_run r;
	struct wga_err err;
	json_t *args, *ask;

	(void)state;
	make_domain("wga-t-vm-a", "t");
	/* "out", and "err" before the script's "wga 3 3 -" */
	assert_int_equal(run(&r, (const char *const[]){
		STARTED, "{\"return\":{\"exited\":false}}",
		"{\"return\":{\"exited\":true,\"exitcode\":0,"
		"\"out-data\":\"b3V0\",\"err-data\":\"ZXJyCndnYSAzIDMgLQo=\"}}",
		NULL }, &err), 0);
	assert_int_equal(r.status, 3 << 8);
	assert_int_equal(r.output_len, 3);
	assert_string_equal(r.output, "out");
	assert_string_equal(r.errors, "err");
	ask = json_loads(asked[0], 0, NULL);
	args = json_object_get(json_object_get(ask, "arguments"), "arg");
	assert_string_equal(json_string_value(json_array_get(args, 5)), "a b");
	json_decref(ask);
	forget(&r);

	/* "wga missing" */
	assert_int_equal(run(&r, (const char *const[]){ STARTED,
		"{\"return\":{\"exited\":true,\"err-data\":\"d2dhIG1pc3NpbmcK\"}}",
		NULL }, &err), -1);
	assert_string_equal(err.code, "cannot-run");
	forget(&r);
	/* the script itself did not get to its end: no status, no success */
	assert_int_equal(run(&r, (const char *const[]){ STARTED,
		"{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":\"b3V0\"}}",
		NULL }, &err), -1);
	assert_string_equal(err.code, "cannot-run");
	forget(&r);
	assert_int_equal(run(&r, (const char *const[]){ NULL }, &err), -1);
	assert_string_equal(err.code, "no-agent");
	forget(&r);
	assert_int_equal(run(&r, (const char *const[]){ "nonsense", NULL },
			     &err), -1);
	assert_string_equal(err.code, "no-agent");
	forget(&r);
}

/* output that is longer than an answer is read from its file */
static void test_long_output(void **state)
{
	struct wga_command_run r;
	struct wga_err err;

	(void)state;
	make_domain("wga-t-vm-a", "t");
	/* "wga 0 2000000 /run/wgaudit-run.x"; then "abc" and "def" */
	assert_int_equal(run(&r, (const char *const[]){ STARTED,
		"{\"return\":{\"exited\":true,\"out-data\":\"YWJj\",\"err-data\":"
		"\"CndnYSAwIDIwMDAwMDAgL3J1bi93Z2F1ZGl0LXJ1bi54Cg==\"}}",
		"{\"return\":5}",
		"{\"return\":{\"count\":3,\"eof\":false,\"buf-b64\":\"YWJj\"}}",
		"{\"return\":{\"count\":3,\"eof\":true,\"buf-b64\":\"ZGVm\"}}",
		"{\"return\":{}}", STARTED, NULL }, &err), 0);
	assert_string_equal(r.output, "abcdef");
	assert_non_null(strstr(asked[2], "/run/wgaudit-run.x/out"));
	assert_non_null(strstr(asked[6], "-rf"));
	forget(&r);
	/* "wga 0 99999999 /run/wgaudit-run.x": no more than is bearable */
	assert_int_equal(run(&r, (const char *const[]){ STARTED,
		"{\"return\":{\"exited\":true,\"out-data\":\"YWJj\",\"err-data\":"
		"\"CndnYSAwIDk5OTk5OTk5IC9ydW4vd2dhdWRpdC1ydW4ueAo=\"}}",
		STARTED, NULL }, &err), -1);
	assert_string_equal(err.code, "too-much-output");
	forget(&r);
}

/* in chunks, of which the last gives it its name and mode */
static void test_copy(void **state)
{
	static const char done[] =
		"{\"return\":{\"exited\":true,\"err-data\":\"CndnYSAwIDAgLQo=\"}}";
	static const char failed[] =	/* "no room" and "wga 1 0 -" */
		"{\"return\":{\"exited\":true,\"err-data\":\"bm8gcm9vbQp3Z2EgMSAwIC0K\"}}";
	const struct wga_topo_host *h = wga_topology_host(&mesh.topo, "vm-a");
	const size_t len = (1 << 20) + 3;
	char *data = calloc(1, len);
	struct wga_err err;

	(void)state;
	make_domain("wga-t-vm-a", "t");
	replies = (const char *const[]){ STARTED, done, STARTED, done, NULL };
	assert_int_equal(wga_backend_libvirt.copy(&mesh, h, "/etc/x y", data,
						  len, 0640, &err), 0);
	assert_int_equal(n_asked, 4);
	assert_has(asked[0], "\"/etc/x y\",\"\",\"first\"");
	assert_has(asked[2], "\"/etc/x y\",\"0640\",\"more\"");
	assert_has(asked[2], "\"AAAA\"");
	n_asked = 0;
	replies = (const char *const[]){ STARTED, failed, NULL };
	assert_int_equal(wga_backend_libvirt.copy(&mesh, h, "/etc/x", data, 1,
						  0600, &err), -1);
	assert_string_equal(err.code, "cannot-copy");
	assert_has(err.text, "no room");
	n_asked = 0;
	replies = (const char *const[]){ STARTED, done, NULL };
	assert_int_equal(wga_backend_libvirt.copy(&mesh, h, "/etc/x", "", 0,
						  0600, &err), 0);
	assert_null(strstr(asked[0], "input-data"));
	free(data);
}

#define CASE(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_network_document),
		CASE(test_domain_document),
		CASE(test_mark),
		CASE(test_removes_only_ours),
		CASE(test_names_that_are_taken),
		CASE(test_passages_elsewhere),
		CASE(test_what_is_missing),
		CASE(test_command),
		CASE(test_long_output),
		CASE(test_copy),
	};

	/* what broken code would do to the firewall ends with this process */
	if (!geteuid() && unshare(CLONE_NEWNET))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
