/* SPDX-License-Identifier: MIT */
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topo/libvirt_internal.h"

/* kept until the process ends: there is no moment at which none is needed */
static pthread_mutex_t conn_lock = PTHREAD_MUTEX_INITIALIZER;
static virConnectPtr the_conn;
static char the_uri[256];

const char *wga_lv_why(void)
{
	const char *why = virGetLastErrorMessage();

	return why ? why : "no word of why";
}

/* libvirt prints errors unless it is told not to */
static void silent(void *arg, virErrorPtr error)
{
	(void)arg;
	(void)error;
}

static int cannot_reach(const char *uri, struct wga_err *err)
{
	const char *mend = "check the URI";

	if (strstr(uri, ":///system"))
		mend = geteuid() == 0 ?
			"start it (systemctl start libvirtd; apt-get install libvirt-daemon-system)" :
			"start it (systemctl start libvirtd), or try sudo";
	return wga_err_set(err, "no-libvirt", "no libvirt at %s: %s; %s",
			   *uri ? uri : "its default URI", wga_lv_why(), mend);
}

virConnectPtr wga_lv_conn(const struct wga_mesh *m, struct wga_err *err)
{
	const char *uri = m->uri;

	if (!*uri)
		uri = getenv("LIBVIRT_DEFAULT_URI");
	if (!uri || !*uri)
		uri = "qemu:///system";
	pthread_mutex_lock(&conn_lock);
	if (the_conn && (strcmp(the_uri, uri) != 0 ||
			 virConnectIsAlive(the_conn) != 1)) {
		virConnectClose(the_conn);
		the_conn = NULL;
	}
	if (!the_conn) {
		virSetErrorFunc(NULL, silent);
		the_conn = virConnectOpen(uri);
		snprintf(the_uri, sizeof(the_uri), "%s", uri);
	}
	if (!the_conn)
		cannot_reach(uri, err);
	pthread_mutex_unlock(&conn_lock);
	return the_conn;
}

bool wga_lv_is_local(virConnectPtr conn)
{
	char *uri = virConnectGetURI(conn);
	bool local = uri && strncmp(uri, "qemu:///", 8) == 0;

	free(uri);
	return local;
}

void wga_lv_name(const struct wga_topology *t, const char *part,
		 char buf[static WGA_LV_NAME])
{
	snprintf(buf, WGA_LV_NAME, "wga-%s%s%s", t->name, *part ? "-" : "",
		 part);
}

virDomainPtr wga_lv_domain(const struct wga_mesh *m,
			   const struct wga_topo_host *host,
			   struct wga_err *err)
{
	virConnectPtr conn = wga_lv_conn(m, err);
	char name[WGA_LV_NAME], *xml;
	virDomainPtr dom;
	bool ours;

	if (!conn)
		return NULL;
	wga_lv_name(&m->topo, host->name, name);
	dom = virDomainLookupByName(conn, name);
	xml = dom ? virDomainGetXMLDesc(dom, 0) : NULL;
	if (!xml) {
		if (dom)
			virDomainFree(dom);
		wga_err_set(err, "host-down", "%s is not up", host->name);
		return NULL;
	}
	ours = wga_lv_is_ours(xml, m->topo.name);
	free(xml);
	if (ours && virDomainIsActive(dom) == 1)
		return dom;
	virDomainFree(dom);
	if (ours)
		wga_err_set(err, "host-down", "%s is not up", host->name);
	else
		wga_err_set(err, "name-taken",
			    "libvirt has a domain %s that is not of this mesh; rename one of them",
			    name);
	return NULL;
}
