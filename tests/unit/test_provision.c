/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "topo/nodes.h"
#include "topo/pki.h"
#include "topo/provision.h"

static void has(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (!at)
		fail_msg("lacks: %s", line);
	assert_true(at == text || at[-1] == '\n');
}

/* nothing in it may look outside */
static void test_headscale(void **state)
{
	struct wga_topology t;
	char *text;

	(void)state;
	wga_topology_default(&t);
	text = wga_provision_headscale(&t);
	assert_non_null(text);
	has(text, "server_url: https://headscale.internal:443\n");
	has(text, "listen_addr: 0.0.0.0:443\n");
	has(text, "    enabled: true\n");
	has(text, "    ipv4: 192.168.100.10\n");
	has(text, "    stun_listen_addr: 0.0.0.0:3478\n");
	has(text, "  urls: []\n");
	has(text, "  auto_update_enabled: false\n");
	has(text, "disable_check_updates: true\n");
	has(text, "  magic_dns: true\n");
	has(text, "    global: []\n");
	has(text, "  type: sqlite\n");
	assert_non_null(strstr(text, t.domain));
	/* Headscale refuses a server below its own domain */
	assert_null(strstr(WGA_CONTROL_NAME, t.domain));
	assert_null(strstr(text, "tailscale.com"));
	assert_null(strstr(text, "letsencrypt"));
	free(text);
}

static void test_hosts(void **state)
{
	struct wga_topology t;
	char *text;

	(void)state;
	wga_topology_default(&t);
	text = wga_provision_hosts(&t, wga_topology_host(&t, "vm-a"));
	has(text, "192.168.100.10 headscale.internal\n");
	has(text, "127.0.1.1 vm-a\n");
	/* names of clients are for MagicDNS to tell */
	assert_null(strstr(text, "vm-b"));
	free(text);
}

static void test_nginx(void **state)
{
	struct wga_topology t;
	struct wga_addr a;
	char *text;

	(void)state;
	wga_topology_default(&t);
	wga_addr_parse("100.64.0.7", &a, NULL);
	text = wga_provision_nginx(wga_topology_host(&t, "vm-b"), &a);
	assert_non_null(strstr(text, "listen 100.64.0.7:80;"));
	/* no other listener */
	assert_null(strstr(strstr(text, "listen ") + 1, "listen "));
	assert_non_null(strstr(text, "hello from vm-b"));
	free(text);
}

static const char snake[] =
	"[{\"id\":1,\"given_name\":\"vm-b\",\"online\":true,"
	"\"ip_addresses\":[\"fd7a:115c:a1e0::1\",\"100.64.0.1\"]},"
	"{\"id\":2,\"given_name\":\"stranger\",\"online\":true,"
	"\"ip_addresses\":[\"100.64.0.9\"]},"
	"{\"id\":3,\"given_name\":\"vm-c\",\"ip_addresses\":[\"100.64.0.3\"]}]";
static const char camel[] =
	"[{\"id\":\"1\",\"givenName\":\"vm-b\",\"online\":true,"
	"\"ipAddresses\":[\"100.64.0.1\"]}]";

static void test_nodes(void **state)
{
	struct wga_host_status status[WGA_TOPO_HOSTS_MAX] = { 0 };
	char text[WGA_ADDR_STRLEN];
	struct wga_topology t;
	struct wga_err err;
	size_t b, c;

	(void)state;
	wga_topology_default(&t);
	b = (size_t)(wga_topology_host(&t, "vm-b") - t.hosts);
	c = (size_t)(wga_topology_host(&t, "vm-c") - t.hosts);
	assert_int_equal(wga_nodes_read(&t, snake, status, &err), 0);
	assert_true(status[b].joined && status[b].online);
	assert_true(status[c].joined && !status[c].online);
	assert_string_equal(wga_addr_format(&status[b].mesh_addr, text),
			    "100.64.0.1");
	assert_false(status[0].joined);
	memset(status, 0, sizeof(status));
	assert_int_equal(wga_nodes_read(&t, camel, status, &err), 0);
	assert_true(status[b].joined && status[b].online);
	assert_false(status[c].joined);
	assert_int_equal(wga_nodes_read(&t, "null\n", status, &err), 0);
	assert_int_equal(wga_nodes_read(&t, "{}", status, &err), -1);
	assert_string_equal(err.code, "bad-output");
	assert_int_equal(wga_nodes_read(&t, "", status, &err), -1);
}

#define SELF	"\"Version\":\"1.94.1-t0123\",\"Self\":{\"Online\":true," \
		"\"TailscaleIPs\":[\"100.64.0.2\",\"fd7a:115c:a1e0::2\"]}"

static void test_client(void **state)
{
	struct wga_host_status status = { 0 };
	struct wga_client_state s;
	struct wga_topology t;
	struct wga_err err;
	size_t b, c;

	(void)state;
	wga_topology_default(&t);
	b = (size_t)(wga_topology_host(&t, "vm-b") - t.hosts);
	c = (size_t)(wga_topology_host(&t, "vm-c") - t.hosts);
	assert_int_equal(wga_client_read(&t,
		"{\"BackendState\":\"Running\"," SELF ",\"Peer\":{"
		"\"nodekey:1\":{\"HostName\":\"x\",\"DNSName\":\"vm-b.mesh.internal.\","
		"\"CurAddr\":\"10.0.0.10:41641\",\"Relay\":\"wgaudit\",\"Active\":true},"
		"\"nodekey:2\":{\"HostName\":\"vm-c\",\"DNSName\":\"\",\"CurAddr\":\"\","
		"\"Relay\":\"wgaudit\",\"Active\":true}}}", &s, &status, &err), 0);
	assert_true(s.running && s.online && !s.wants_login);
	assert_int_equal(s.peers, 1U << b | 1U << c);
	assert_string_equal(status.version, "1.94.1");
	assert_string_equal(status.path[b], "direct");
	assert_string_equal(status.path[c], "derp");

	/* known, but nothing can be sent to it yet */
	assert_int_equal(wga_client_read(&t,
		"{\"BackendState\":\"Running\"," SELF ",\"Peer\":{"
		"\"nodekey:1\":{\"DNSName\":\"vm-b.mesh.internal.\",\"Relay\":\"\"}}}",
		&s, &status, &err), 0);
	assert_int_equal(s.peers, 0);
	assert_string_equal(status.path[b], "-");

	assert_int_equal(wga_client_read(&t,
		"{\"BackendState\":\"NeedsLogin\",\"Peer\":null}", &s, NULL,
		&err), 0);
	assert_true(s.wants_login && !s.running && !s.online);
	/* starting is neither: a key must not be spent on it */
	assert_int_equal(wga_client_read(&t, "{\"BackendState\":\"Starting\"}",
					 &s, NULL, &err), 0);
	assert_false(s.wants_login || s.running);
	assert_int_equal(wga_client_read(&t, "[]", &s, NULL, &err), -1);
	assert_string_equal(err.code, "bad-output");
}

static X509 *cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(x);
	return x;
}

static int verify(const char *ca, const char *server, const char *host,
		  const char *ip)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *root = cert(ca), *leaf = cert(server);
	int good;

	X509_STORE_add_cert(store, root);
	X509_STORE_CTX_init(ctx, store, leaf, NULL);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx),
				    X509_V_FLAG_X509_STRICT);
	if (host)
		X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx),
					    host, 0);
	if (ip)
		X509_VERIFY_PARAM_set1_ip_asc(X509_STORE_CTX_get0_param(ctx),
					      ip);
	good = X509_verify_cert(ctx) == 1;
	X509_free(root);
	X509_free(leaf);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return good;
}

static void test_pki(void **state)
{
	struct wga_pki pki, other;
	struct wga_addr a;
	struct wga_err err;

	(void)state;
	wga_addr_parse("192.168.100.10", &a, NULL);
	assert_int_equal(wga_pki_make_ca(&pki, "mesh", &err), 0);
	assert_int_equal(wga_pki_make_server(&pki, "headscale.internal", &a,
					     &err), 0);
	assert_int_equal(wga_pki_make_ca(&other, "mesh", &err), 0);
	assert_true(verify(pki.ca_cert, pki.server_cert, "headscale.internal",
			   "192.168.100.10"));
	assert_false(verify(pki.ca_cert, pki.server_cert, "other.internal",
			    NULL));
	assert_false(verify(pki.ca_cert, pki.server_cert, NULL, "10.0.0.1"));
	assert_false(verify(other.ca_cert, pki.server_cert, NULL, NULL));
	/* what the CA has signed cannot sign */
	assert_false(verify(pki.server_cert, pki.ca_cert, NULL, NULL));
	free(other.ca_cert);
	other.ca_cert = strdup("no certificate");
	assert_int_equal(wga_pki_make_server(&other, "x", &a, &err), -1);
	assert_string_equal(err.code, "pki");
	wga_pki_free(&pki);
	wga_pki_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headscale),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_nginx),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_pki),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
