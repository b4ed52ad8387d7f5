/* SPDX-License-Identifier: MIT */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/fault_vm.h"

#define X(s)	((const xmlChar *)(s))

/* its errors are asked for, not printed */
static void silent(void *arg, virErrorPtr e)
{
	(void)arg;
	(void)e;
}

static int no_libvirt(const char *what, struct wga_err *err)
{
	const char *why = virGetLastErrorMessage();

	return wga_err_set(err, "no-libvirt", "%s: %s", what,
			   why ? why : "libvirt does not say why");
}

static virConnectPtr connect_to(const char *uri, struct wga_err *err)
{
	virConnectPtr conn;

	virSetErrorFunc(NULL, silent);
	conn = virConnectOpen(*uri ? uri : NULL);
	if (!conn)
		no_libvirt("cannot ask libvirt for the domain of the port", err);
	return conn;
}

static xmlNode *child(xmlNode *of, const char *name)
{
	for (xmlNode *n = of ? of->children : NULL; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE && xmlStrEqual(n->name, X(name)))
			return n;
	return NULL;
}

static bool attribute_is(xmlNode *n, const char *name, const char *value)
{
	xmlChar *have = n ? xmlGetProp(n, X(name)) : NULL;
	bool is = have && xmlStrEqual(have, X(value));

	xmlFree(have);
	return is;
}

/* the description of the card that is on @tap, in @doc, or NULL */
static xmlNode *card_of(virDomainPtr dom, const char *tap, xmlDoc **doc)
{
	char *text = virDomainGetXMLDesc(dom, 0);
	xmlNode *n;

	*doc = text ? xmlReadMemory(text, (int)strlen(text), "domain", NULL,
				    XML_PARSE_NONET) : NULL;
	free(text);
	n = child(*doc ? xmlDocGetRootElement(*doc) : NULL, "devices");
	for (n = n ? n->children : NULL; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE &&
		    xmlStrEqual(n->name, X("interface")) &&
		    attribute_is(child(n, "target"), "dev", tap))
			return n;
	return NULL;
}

/* Return: true if it is the domain of the port */
static bool take(virDomainPtr dom, const char *tap, struct wga_fault_link *l,
		 bool *down)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	xmlNode *card;
	xmlDoc *doc;

	card = card_of(dom, tap, &doc);
	if (card && virDomainGetUUIDString(dom, uuid) == 0) {
		snprintf(l->domain, sizeof(l->domain), "%s", uuid);
		*down = attribute_is(child(card, "link"), "state", "down");
	}
	xmlFreeDoc(doc);
	return *l->domain;
}

int wga_fault_vm_find(const char *uri, const char *tap,
		      struct wga_fault_link *l, struct wga_err *err)
{
	virConnectPtr conn = connect_to(uri, err);
	virDomainPtr *all = NULL;
	bool down = false;
	int n;

	if (!conn)
		return -1;
	l->domain[0] = '\0';
	snprintf(l->uri, sizeof(l->uri), "%s", uri);
	n = virConnectListAllDomains(conn, &all, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	for (int i = 0; i < n; i++) {
		if (!*l->domain)
			take(all[i], tap, l, &down);
		virDomainFree(all[i]);
	}
	free(all);
	virConnectClose(conn);
	if (!*l->domain)
		return wga_err_set(err, "no-far-end",
				   "no domain of libvirt has its network card on %s, so its carrier cannot be taken; --kind tap, drop or reject can do without",
				   tap);
	return down ? wga_err_set(err, "already-down",
				  "libvirt says that the link on %s is down already, by no fault of wgaudit; virsh domif-setlink",
				  tap) : 0;
}

static char *with_state(xmlDoc *doc, xmlNode *card, bool up)
{
	xmlNode *state = child(card, "link");
	xmlBuffer *out = xmlBufferCreate();
	char *text = NULL;

	if (!state)
		state = xmlNewChild(card, NULL, X("link"), NULL);
	if (state && xmlSetProp(state, X("state"), X(up ? "up" : "down")) &&
	    out && xmlNodeDump(out, doc, card, 0, 0) > 0)
		text = strdup((const char *)xmlBufferContent(out));
	xmlBufferFree(out);
	return text;
}

static int set_card(virDomainPtr dom, const struct wga_fault_link *l, bool up,
		    struct wga_err *err)
{
	xmlNode *card;
	xmlDoc *doc;
	char *text;
	int ret = 0;

	card = card_of(dom, l->link, &doc);
	text = card ? with_state(doc, card, up) : NULL;
	/* without the card there is nothing to set */
	if (card && !text)
		ret = wga_err_set(err, "out-of-memory", "out of memory");
	else if (card && virDomainUpdateDeviceFlags(dom, text,
						    VIR_DOMAIN_AFFECT_LIVE) < 0)
		ret = no_libvirt("cannot set the link of a domain", err);
	free(text);
	xmlFreeDoc(doc);
	return ret;
}

int wga_fault_vm_set(const struct wga_fault_link *l, bool up,
		     struct wga_err *err)
{
	virConnectPtr conn = connect_to(l->uri, err);
	virDomainPtr dom;
	int ret = 0;

	if (!conn)
		return -1;
	dom = virDomainLookupByUUIDString(conn, l->domain);
	if (dom)
		ret = set_card(dom, l, up, err);
	else if (virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
		ret = no_libvirt("cannot find the domain of a link", err);
	if (dom)
		virDomainFree(dom);
	virConnectClose(conn);
	return ret;
}
