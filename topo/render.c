/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "topo/provision.h"

/* Headscale 0.23 and later (config-example.yaml of its sources). Nothing in it
 * may look outside: no DERP map, no check for updates, no ACME, no upstream DNS.
 * The embedded DERP is told its address, for a region without one is looked up
 * by name. It also serves STUN.
 */
static const char headscale_yaml[] =
	"# written by wgaudit\n"
	"server_url: https://" WGA_CONTROL_NAME ":%u\n"
	"listen_addr: 0.0.0.0:%u\n"
	"metrics_listen_addr: 127.0.0.1:9090\n"
	"grpc_listen_addr: 127.0.0.1:50443\n"
	"grpc_allow_insecure: false\n"
	"tls_cert_path: " WGA_PATH_CERT "\n"
	"tls_key_path: " WGA_PATH_KEY "\n"
	"noise:\n"
	"  private_key_path: /var/lib/headscale/noise_private.key\n"
	"prefixes:\n"
	"  v4: 100.64.0.0/10\n"
	"  v6: fd7a:115c:a1e0::/48\n"
	"  allocation: sequential\n"
	"derp:\n"
	"  server:\n"
	"    enabled: true\n"
	"    region_id: 999\n"
	"    region_code: wgaudit\n"
	"    region_name: wgaudit\n"
	"    verify_clients: true\n"
	"    stun_listen_addr: 0.0.0.0:%u\n"
	"    private_key_path: /var/lib/headscale/derp_server_private.key\n"
	"    automatically_add_embedded_derp_region: true\n"
	"    ipv4: %s\n"
	"  urls: []\n"
	"  paths: []\n"
	"  auto_update_enabled: false\n"
	"disable_check_updates: true\n"
	"ephemeral_node_inactivity_timeout: 30m\n"
	"database:\n"
	"  type: sqlite\n"
	"  sqlite:\n"
	"    path: /var/lib/headscale/db.sqlite\n"
	"    write_ahead_log: true\n"
	"log:\n"
	"  level: info\n"
	"  format: text\n"
	"policy:\n"
	"  mode: file\n"
	"  path: \"\"\n"
	"dns:\n"
	"  magic_dns: true\n"
	"  base_domain: %s\n"
	"  override_local_dns: false\n"
	"  nameservers:\n"
	"    global: []\n"
	"  search_domains: []\n"
	"  extra_records: []\n"
	"unix_socket: /run/headscale/headscale.sock\n"
	"unix_socket_permission: \"0770\"\n"
	"logtail:\n"
	"  enabled: false\n"
	"randomize_client_port: false\n";

char *wga_provision_headscale(const struct wga_topology *t)
{
	const struct wga_topo_host *server = wga_topology_server(t);
	char addr[WGA_ADDR_STRLEN], *text;

	return asprintf(&text, headscale_yaml, WGA_CONTROL_PORT,
			WGA_CONTROL_PORT, WGA_STUN_PORT,
			wga_addr_format(&server->addr, addr),
			t->domain) < 0 ? NULL : text;
}

/* no names of other hosts: those are MagicDNS's to tell */
char *wga_provision_hosts(const struct wga_topology *t,
			  const struct wga_topo_host *host)
{
	char addr[WGA_ADDR_STRLEN], *text;

	wga_addr_format(&wga_topology_server(t)->addr, addr);
	return asprintf(&text,
			"127.0.0.1 localhost\n"
			"127.0.1.1 %s\n"
			"::1 localhost ip6-localhost ip6-loopback\n"
			"%s " WGA_CONTROL_NAME "\n",
			host->name, addr) < 0 ? NULL : text;
}

char *wga_provision_nginx(const struct wga_topo_host *host,
			  const struct wga_addr *mesh_addr)
{
	char addr[WGA_ADDR_STRLEN], *text;

	return asprintf(&text,
			"# written by wgaudit\n"
			"user root;\n"
			"worker_processes 1;\n"
			"pid /run/nginx.pid;\n"
			"error_log stderr;\n"
			"events {\n"
			"}\n"
			"http {\n"
			"	access_log off;\n"
			"	client_body_temp_path /run/nginx-body;\n"
			"	proxy_temp_path /run/nginx-proxy;\n"
			"	fastcgi_temp_path /run/nginx-fastcgi;\n"
			"	uwsgi_temp_path /run/nginx-uwsgi;\n"
			"	scgi_temp_path /run/nginx-scgi;\n"
			"	server {\n"
			"		listen %s:80;\n"
			"		location / {\n"
			"			default_type text/plain;\n"
			"			return 200 \"hello from %s\\n\";\n"
			"		}\n"
			"	}\n"
			"}\n",
			wga_addr_format(mesh_addr, addr), host->name) < 0 ?
		NULL : text;
}
