/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/canary.h"
#include "analyze/config.h"
#include "analyze/node_keys.h"
#include "analyze/registry.h"

#define CAPTURES	"tests/golden/captures/join-direct/"

/* vm-a and vm-c of that mesh, without vm-b */
static const char two_nodes[] =
	"[{\"name\": \"vm-a\", \"node_key\": \"nodekey:"
	"b84e0775374e2ec65a5627ef8ae51d2f8d0b7c7d0182451890936122710b5a14\"},"
	" {\"name\": \"vm-c\", \"node_key\": \"nodekey:"
	"92d6e1cf44331ff5cfbd201bbef0b7b245d467397dc32bb0889890bc0bcccb04\"}]";

typedef int (*setter)(struct wga_config *cfg, const char *arg,
		      struct wga_err *err);

static void refuses(setter set, const char *const *args)
{
	struct wga_config cfg;
	struct wga_err err;

	wga_config_init(&cfg);
	for (; *args; args++) {
		if (!set(&cfg, *args, &err))
			fail_msg("\"%s\" should be refused", *args);
		assert_string_equal(err.code, "usage");
		if (!strstr(err.text, *args))
			fail_msg("\"%s\" should be named in: %s", *args, err.text);
	}
	wga_config_free(&cfg);
}

static void takes(struct wga_config *cfg, setter set, const char *arg)
{
	struct wga_err err;

	if (set(cfg, arg, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_defaults(void **state)
{
	struct wga_config cfg;
	int i;

	(void)state;
	wga_config_init(&cfg);
	assert_int_equal(cfg.require, WGA_EVIDENCE_BOUND);
	for (i = 0; i < WGA_CODE_COUNT; i++)
		assert_false(cfg.accept[i]);
	assert_null(cfg.registry);
	wga_config_free(&cfg);
}

static void test_servers(void **state)
{
	static const uint8_t v4[4] = { 192, 168, 100, 10 };
	struct wga_addr addr = wga_addr_v4(v4);
	struct wga_config cfg;

	(void)state;
	wga_config_init(&cfg);
	takes(&cfg, wga_config_derp, "192.168.100.10:443");
	takes(&cfg, wga_config_derp, "192.168.100.10:443");
	takes(&cfg, wga_config_derp, "[fd00::1]:8443");
	takes(&cfg, wga_config_control, "192.168.100.10:443");
	assert_int_equal(cfg.n_derp, 2);
	assert_int_equal(cfg.n_control, 1);
	assert_true(wga_addr_equal(&cfg.derp[0].addr, &addr));
	assert_int_equal(cfg.derp[0].port, 443);
	assert_int_equal(cfg.derp[1].port, 8443);
	assert_true(wga_addr_equal(&cfg.control[0].addr, &addr));

	takes(&cfg, wga_config_infra, "192.168.100.10");
	takes(&cfg, wga_config_infra, "192.168.100.10:53");
	takes(&cfg, wga_config_infra, "fd00::1");
	assert_int_equal(cfg.n_infra, 3);
	assert_int_equal(cfg.infra[0].port, 0);
	assert_int_equal(cfg.infra[1].port, 53);

	takes(&cfg, wga_config_gateway, "192.168.1.1");
	takes(&cfg, wga_config_gateway, "fe80::1");
	assert_int_equal(cfg.n_gateways, 2);
	wga_config_free(&cfg);
}

static void test_server_names(void **state)
{
	struct wga_config cfg;
	size_t i;

	(void)state;
	wga_config_init(&cfg);
	takes(&cfg, wga_config_derp, "localhost:443");
	assert_true(cfg.n_derp >= 1);
	for (i = 0; i < cfg.n_derp; i++)
		assert_int_equal(cfg.derp[i].port, 443);
	wga_config_free(&cfg);
}

/* a label longer than the DNS allows is unknown without asking the network */
#define NO_HOST	"no-such-host-0123456789012345678901234567890123456789012345678901234"

static void test_name_unknown(void **state)
{
	struct wga_config cfg;
	struct wga_err err;

	(void)state;
	wga_config_init(&cfg);
	assert_int_equal(wga_config_derp(&cfg, NO_HOST ":443", &err),
			 -1);
	assert_string_equal(err.code, "usage");
	assert_non_null(strstr(err.text, NO_HOST));
	assert_non_null(strstr(err.text, "give its address"));
	assert_int_equal(cfg.n_derp, 0);
	wga_config_free(&cfg);
}

static void test_servers_refused(void **state)
{
	(void)state;
	refuses(wga_config_derp, (const char *const[]){
		"", "host", "192.168.100.10", "192.168.100.10:", "host:0",
		"host:65536", "host:https", "0.0.0.0:443", "255.255.255.255:443",
		"224.0.0.1:443", "[::]:443", NULL,
	});
	/* what the resolver would take for an address */
	refuses(wga_config_control, (const char *const[]){
		"10.1", "fd00::1", NULL,
	});
	refuses(wga_config_infra, (const char *const[]){
		"", "host", "10.0.0.1:0", "0.0.0.0", "ff02::1", NULL,
	});
	refuses(wga_config_gateway, (const char *const[]){
		"", "host", "10.0.0.1:80", "0.0.0.0", "224.0.0.1", NULL,
	});
}

/* inet_aton() reads "10.1" as 10.0.0.1: nobody who declares that means it */
static void test_half_addresses(void **state)
{
	static const char *const args[] = {
		"10.1:443", "10:443", "192.168.100.300:443", "0x7f000001:443",
		"127.0.0.0x1:443", "fd00::1:443", "[fd00::1:443", "%lo:1",
	};
	struct wga_config cfg;
	struct wga_err err;
	size_t i;

	(void)state;
	wga_config_init(&cfg);
	for (i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		assert_int_equal(wga_config_derp(&cfg, args[i], &err), -1);
		assert_string_equal(err.code, "usage");
		if (!strstr(err.text, "neither an IP address nor a host name"))
			fail_msg("%s: %s", args[i], err.text);
	}
	assert_int_equal(cfg.n_derp, 0);
	wga_config_free(&cfg);
}

static void test_vms(void **state)
{
	struct wga_config cfg;
	struct wga_err err;

	(void)state;
	wga_config_init(&cfg);
	takes(&cfg, wga_config_vm, "vm-a=192.168.1.10");
	takes(&cfg, wga_config_vm, "vm-a=fd00::10");
	takes(&cfg, wga_config_vm, "vm-a=192.168.1.10");
	assert_int_equal(cfg.n_vms, 2);
	assert_string_equal(cfg.vms[1].name, "vm-a");

	assert_int_equal(wga_config_vm(&cfg, "vm-b=192.168.1.10", &err), -1);
	assert_non_null(strstr(err.text, "vm-a"));
	assert_int_equal(cfg.n_vms, 2);
	wga_config_free(&cfg);

	refuses(wga_config_vm, (const char *const[]){
		"", "vm-a", "=10.0.0.1", "vm-a=", "vm-a=host", "vm-a=0.0.0.0",
		"vm-a=10.0.0.1:80",
		"0123456789012345678901234567890123456789012345678901234567890123=10.0.0.1",
		NULL,
	});
}

static void test_pairs(void **state)
{
	struct wga_config cfg;

	(void)state;
	wga_config_init(&cfg);
	takes(&cfg, wga_config_expect, "vm-a,vm-b");
	takes(&cfg, wga_config_expect, "fd00:0:0::1,::ffff:10.0.0.1");
	assert_int_equal(cfg.n_expect, 2);
	assert_string_equal(cfg.expect[0].a, "vm-a");
	assert_string_equal(cfg.expect[0].b, "vm-b");
	assert_string_equal(cfg.expect[1].a, "fd00::1");
	assert_string_equal(cfg.expect[1].b, "10.0.0.1");
	wga_config_free(&cfg);

	refuses(wga_config_expect, (const char *const[]){
		"", "vm-a", "vm-a,", ",vm-b", "vm-a,vm-a", "a,b,c",
		"fd00::1,fd00:0::1", NULL,
	});
}

static void test_canaries(void **state)
{
	struct wga_config cfg;

	(void)state;
	wga_config_init(&cfg);
	takes(&cfg, wga_config_canary, "CANARY");
	takes(&cfg, wga_config_canary, "a longer one, with blanks");
	assert_int_equal(wga_canaries_count(cfg.canaries), 2);
	wga_config_free(&cfg);
	refuses(wga_config_canary, (const char *const[]){ "", "short", NULL });
}

/* a file with these bytes, as --canary-file; Return: 0 or -1 */
static int canary_file(struct wga_config *cfg, const char *text, size_t len,
		       struct wga_err *err)
{
	char path[32];
	int fd = memfd_create("canaries", 0), ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	wga_config_init(cfg);
	*err = (struct wga_err){ 0 };
	ret = wga_config_canary_file(cfg, path, err);
	close(fd);
	return ret;
}

#define CANARY_FILE(text)	canary_file(&cfg, text, sizeof(text) - 1, &err)

static void test_canary_file(void **state)
{
	struct wga_config cfg;
	struct wga_err err;
	size_t len;

	(void)state;
	assert_int_equal(CANARY_FILE("# what\n\nsecond one\r\n\r\n"
				     "first one\n# x\nthird one"), 0);
	assert_int_equal(wga_canaries_compile(cfg.canaries), 0);
	assert_int_equal(wga_canaries_count(cfg.canaries), 3);
	assert_memory_equal(wga_canaries_get(cfg.canaries, 0, &len),
			    "first one", 9);
	assert_int_equal(len, 9);
	wga_canaries_get(cfg.canaries, 1, &len);
	assert_int_equal(len, 10);
	wga_config_free(&cfg);

	assert_int_equal(CANARY_FILE("good enough\n#\nshort\n"), -1);
	assert_non_null(strstr(err.text, "line 3: \"short\" is too short"));
	wga_config_free(&cfg);
	assert_int_equal(CANARY_FILE("good enough\nwith\0inside\n"), -1);
	assert_string_equal(err.code, "bad-canary-file");
	assert_non_null(strstr(err.text, "line 2"));
	wga_config_free(&cfg);
	assert_int_equal(CANARY_FILE("# nothing\n\n"), -1);
	assert_string_equal(err.code, "bad-canary-file");
	wga_config_free(&cfg);
	assert_int_equal(wga_config_canary_file(&cfg, "/nonexistent", &err), -1);
	assert_string_equal(err.code, "no-such-file");
	assert_int_equal(wga_config_canary_file(&cfg, "/", &err), -1);
	assert_string_equal(err.code, "unreadable-file");
	wga_config_free(&cfg);
}

/* lengths and numbers at their limits */
static void test_canary_limits(void **state)
{
	char text[WGA_CANARY_MAX + 2];
	struct wga_config cfg;
	struct wga_err err;

	(void)state;
	wga_config_init(&cfg);
	memset(text, 'x', sizeof(text));
	text[WGA_CANARY_MAX + 1] = '\0';
	assert_int_equal(wga_config_canary(&cfg, text, &err), -1);
	assert_non_null(strstr(err.text, "257 bytes"));
	text[WGA_CANARY_MAX] = '\0';
	assert_int_equal(wga_config_canary(&cfg, text, &err), 0);
	for (int i = 1; i < WGA_CANARIES_MAX; i++) {
		snprintf(text, sizeof(text), "canary %d", i);
		assert_int_equal(wga_config_canary(&cfg, text, &err), 0);
	}
	assert_int_equal(wga_config_canary(&cfg, "one more", &err), -1);
	assert_non_null(strstr(err.text, "10000"));
	wga_config_free(&cfg);
}

static void test_require(void **state)
{
	struct wga_config cfg;

	(void)state;
	wga_config_init(&cfg);
	takes(&cfg, wga_config_require, "opened");
	assert_int_equal(cfg.require, WGA_EVIDENCE_OPENED);
	takes(&cfg, wga_config_require, "identified");
	takes(&cfg, wga_config_require, "bound");
	assert_int_equal(cfg.require, WGA_EVIDENCE_BOUND);
	wga_config_free(&cfg);
	refuses(wga_config_require, (const char *const[]){
		"", "none", "shape", "BOUND", NULL,
	});
}

static void test_accept(void **state)
{
	struct wga_config cfg;
	struct wga_err err;
	int i;

	(void)state;
	for (i = 0; i < WGA_CODE_COUNT; i++) {
		enum wga_code code = (enum wga_code)i;
		int ret;

		wga_config_init(&cfg);
		ret = wga_config_accept(&cfg, wga_code_name(code), &err);
		if (wga_code_severity(code) == WGA_INCONCLUSIVE) {
			assert_int_equal(ret, 0);
			assert_true(cfg.accept[i]);
		} else {
			assert_int_equal(ret, -1);
			assert_false(cfg.accept[i]);
			assert_non_null(strstr(err.text, "cannot be accepted"));
		}
		wga_config_free(&cfg);
	}
	wga_config_init(&cfg);
	assert_int_equal(wga_config_accept(&cfg, "late", &err), -1);
	assert_string_equal(err.code, "usage");
	for (i = 0; i < WGA_CODE_COUNT; i++) {
		if (wga_code_severity((enum wga_code)i) == WGA_INCONCLUSIVE)
			assert_non_null(strstr(err.text,
					       wga_code_name((enum wga_code)i)));
	}
	wga_config_free(&cfg);
}

static void copy_private(const char *from, const char *to)
{
	char buf[16384];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	n = fread(buf, 1, sizeof(buf), in);
	assert_int_equal(fwrite(buf, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(to, 0600), 0);
}

static void test_key_files(void **state)
{
	static const struct {
		const char *name;
		int (*load)(struct wga_config *cfg, const char *path,
			    struct wga_err *err);
	} files[] = {
		{ "node-private-keys.txt", wga_config_node_keys },
		{ "tls.keys", wga_config_tls_keys },
	};
	char dir[] = "/tmp/wgaudit-config-XXXXXX", from[96], copy[96];
	struct wga_config cfg;
	struct wga_err err;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < 2; i++) {
		wga_config_init(&cfg);
		snprintf(from, sizeof(from), CAPTURES "%s", files[i].name);
		snprintf(copy, sizeof(copy), "%s/%s", dir, files[i].name);
		copy_private(from, copy);
		assert_int_equal(files[i].load(&cfg, copy, &err), 0);
		assert_int_equal(cfg.n_warnings, 0);
		assert_true(i ? !!cfg.keylog : wga_node_keys_count(cfg.node_keys) == 3);

		/* once per file */
		assert_int_equal(chmod(copy, 0604), 0);
		assert_int_equal(files[i].load(&cfg, copy, &err), 0);
		assert_int_equal(files[i].load(&cfg, copy, &err), 0);
		assert_int_equal(cfg.n_warnings, 1);
		assert_non_null(strstr(cfg.warnings[0], "chmod 600"));
		assert_non_null(strstr(cfg.warnings[0], copy));

		assert_int_equal(unlink(copy), 0);
		assert_int_equal(files[i].load(&cfg, copy, &err), -1);
		assert_string_equal(err.code, "no-such-file");
		wga_config_free(&cfg);
		assert_null(cfg.warnings);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* a key log that says nothing is likely the wrong file */
static void test_key_log_empty(void **state)
{
	struct wga_config cfg;
	struct wga_err err;

	(void)state;
	wga_config_init(&cfg);
	assert_int_equal(wga_config_tls_keys(&cfg, "/dev/null", &err), 0);
	assert_true(cfg.n_warnings > 0);
	assert_non_null(strstr(cfg.warnings[0], "no TLS 1.3 secrets"));
	wga_config_free(&cfg);
}

static void test_unregistered_keys(void **state)
{
	struct wga_config cfg;
	struct wga_err err;
	size_t i;

	(void)state;
	wga_config_init(&cfg);
	assert_int_equal(wga_config_node_keys(&cfg, CAPTURES "node-private-keys.txt",
					      &err), 0);
	i = cfg.n_warnings;
	/* without a registry there is nothing to compare with */
	assert_int_equal(wga_config_check(&cfg, &err), 0);
	assert_int_equal(cfg.n_warnings, i);
	assert_int_equal(wga_config_mesh_text(&cfg, two_nodes, strlen(two_nodes),
					      "two", &err), 0);
	assert_int_equal(wga_config_check(&cfg, &err), 0);
	assert_int_equal(cfg.n_warnings, i + 1);
	assert_non_null(strstr(cfg.warnings[i], "vm-b "));

	assert_int_equal(wga_config_mesh_text(&cfg, "[", 1, "half", &err), -1);
	assert_non_null(strstr(err.text, "half"));
	assert_int_equal(wga_registry_count(cfg.registry), 2);
	wga_config_free(&cfg);

	wga_config_init(&cfg);
	assert_int_equal(wga_config_node_keys(&cfg, CAPTURES "node-private-keys.txt",
					      &err), 0);
	assert_int_equal(wga_config_mesh(&cfg, CAPTURES "nodes.json", &err), 0);
	assert_int_equal(wga_config_check(&cfg, &err), 0);
	assert_int_equal(cfg.n_warnings, i);
	wga_config_free(&cfg);
}

static void test_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < WGA_CLASS_COUNT; i++)
		assert_non_null(wga_class_name((enum wga_class)i));
	for (i = 0; i < WGA_EVIDENCE_COUNT; i++)
		assert_int_equal(wga_evidence_find(
			wga_evidence_name((enum wga_evidence)i)), i);
	for (i = 0; i < WGA_CODE_COUNT; i++)
		assert_int_equal(wga_code_find(wga_code_name((enum wga_code)i)), i);
	assert_int_equal(wga_code_find("nothing"), -1);
	assert_int_equal(wga_evidence_find("nothing"), -1);
	assert_int_equal(wga_code_severity(WGA_CODE_UNREGISTERED_PEER),
			 WGA_VIOLATION);
	assert_int_equal(wga_code_severity(WGA_CODE_NO_ENCRYPTED_TRAFFIC),
			 WGA_INCONCLUSIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_server_names),
		cmocka_unit_test(test_name_unknown),
		cmocka_unit_test(test_servers_refused),
		cmocka_unit_test(test_half_addresses),
		cmocka_unit_test(test_vms),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_canaries),
		cmocka_unit_test(test_canary_file),
		cmocka_unit_test(test_canary_limits),
		cmocka_unit_test(test_require),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_key_files),
		cmocka_unit_test(test_key_log_empty),
		cmocka_unit_test(test_unregistered_keys),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
