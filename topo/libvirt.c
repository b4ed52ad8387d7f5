/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <dirent.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/netdev.h"
#include "topo/command.h"
#include "topo/hostcheck.h"
#include "topo/libvirt_internal.h"
#include "topo/passage.h"

#define PARALLEL	4
#define WATCH_MS	100
#define ALIVE_S		5

static int check(const struct wga_topology *t, struct wga_err *err)
{
	struct wga_lv_image image;

	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct wga_topo_host *h = &t->hosts[i];

		if (wga_lv_image_find(h, &image, err) < 0)
			return -1;
		if (strchr(h->version, '/'))
			return wga_err_set(err, "no-programs",
					   "%s: a directory of this machine (%s) is not in its VM; put the programs into its image, below /opt/wgaudit, and name that",
					   h->name, h->version);
	}
	return 0;
}

/* ---- passages ---- */

static bool has_passages(const struct wga_topology *t)
{
	for (size_t i = 0; i < t->n_networks; i++)
		for (size_t k = 0; k < i; k++)
			if (t->passage[i][k] != WGA_PASSAGE_OPEN)
				return true;
	return false;
}

/* the namespace with the machine's own interfaces is one not to be touched */
static bool has_hardware(void)
{
	DIR *dir = opendir("/sys/class/net");
	struct dirent *e;
	char path[300];
	bool found = !dir;

	while (dir && !found && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/class/net/%.255s/device",
			 e->d_name);
		found = e->d_name[0] != '.' && access(path, F_OK) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

static int check_passages(virConnectPtr conn, const struct wga_topology *t,
			  struct wga_err *err)
{
	if (!has_passages(t))
		return 0;
	if (!wga_lv_is_local(conn))
		return wga_err_set(err, "no-passage",
				   "passages that are not open need firewall rules on the machine of libvirt, which is not this one; leave them open, or run wgaudit there");
	if (has_hardware())
		return wga_err_set(err, "no-passage",
				   "passages that are not open need firewall rules, and this is the machine's own network namespace; run libvirtd and wgaudit in one of their own, or use --backend namespaces");
	return 0;
}

/* ---- networks ---- */

/* Return: 1 if it is there and ours, 0 if it is not there, -1 with @err set */
static int find_network(virConnectPtr conn, const struct wga_topology *t,
			size_t network, struct wga_err *err)
{
	char name[WGA_LV_NAME], *xml;
	virNetworkPtr net;
	int found = 0;

	wga_lv_name(t, t->networks[network].name, name);
	net = virNetworkLookupByName(conn, name);
	if (!net)
		return 0;
	xml = virNetworkGetXMLDesc(net, 0);
	if (xml)
		found = wga_lv_is_ours(xml, t->name) ? 1 :
			wga_err_set(err, "name-taken",
				    "libvirt has a network %s that is not of this mesh; rename one of them",
				    name);
	free(xml);
	virNetworkFree(net);
	return found;
}

static int make_network(virConnectPtr conn, const struct wga_topology *t,
			size_t network, struct wga_err *err)
{
	char *xml = wga_lv_network_xml(t, network);
	virNetworkPtr net = xml ? virNetworkCreateXML(conn, xml) : NULL;
	const char *why = wga_lv_why();

	free(xml);
	if (net) {
		virNetworkFree(net);
		return 0;
	}
	return wga_err_set(err, strstr(why, "already in use") ?
			   "subnet-in-use" : "no-network",
			   "libvirt cannot make network %s (%s): %s",
			   t->networks[network].name,
			   t->networks[network].bridge, why);
}

static int make_networks(virConnectPtr conn, const struct wga_mesh *m,
			 struct wga_err *err)
{
	const struct wga_topology *t = &m->topo;
	bool there[WGA_TOPO_NETWORKS_MAX] = { false };

	for (size_t i = 0; i < t->n_networks; i++) {
		int found = find_network(conn, t, i, err);

		if (found < 0)
			return -1;
		there[i] = found;
	}
	if (wga_lv_is_local(conn) && wga_hostcheck(t, there, err) < 0)
		return -1;
	for (size_t i = 0; i < t->n_networks; i++)
		if (!there[i] && make_network(conn, t, i, err) < 0)
			return -1;
	return has_passages(t) ? wga_passages_set(t, err) : 0;
}

/* ---- hosts ---- */

/**
 * struct boots - what the threads share that boot hosts
 * @m:		a copy, that the threads may be stopped by
 * @stop:	one has failed, or the user wants it to end
 * @todo:	hosts to be booted, by index
 */
struct boots {
	struct wga_mesh m;
	const struct wga_progress *progress;
	virStoragePoolPtr pool;
	bool kvm;
	volatile sig_atomic_t stop;
	pthread_mutex_t lock;
	size_t todo[WGA_TOPO_HOSTS_MAX];
	size_t n_todo, next, running;
	bool failed;
	struct wga_err err;
};

static void boot_failed(struct boots *b, const struct wga_topo_host *host,
			const struct wga_err *err)
{
	pthread_mutex_lock(&b->lock);
	if (!b->failed)
		b->err = *err;
	b->failed = true;
	b->stop = 1;
	pthread_mutex_unlock(&b->lock);
	wga_progress_tell(b->progress, &b->m, host, WGA_STAGE_FAILED);
}

static void *boot_some(void *arg)
{
	struct boots *b = arg;
	struct wga_err err;

	for (;;) {
		const struct wga_topo_host *host = NULL;

		pthread_mutex_lock(&b->lock);
		if (!b->stop && b->next < b->n_todo)
			host = &b->m.topo.hosts[b->todo[b->next++]];
		else
			b->running--;
		pthread_mutex_unlock(&b->lock);
		if (!host)
			return NULL;
		if (wga_lv_host_boot(&b->m, b->pool, host, b->kvm, b->progress,
				     &err) < 0)
			boot_failed(b, host, &err);
	}
}

static int boot_all(struct boots *b, const struct wga_mesh *m,
		    struct wga_err *err)
{
	pthread_t threads[PARALLEL];
	size_t n = 0, running;

	pthread_mutex_lock(&b->lock);
	while (n < PARALLEL && n < b->n_todo &&
	       pthread_create(&threads[n], NULL, boot_some, b) == 0)
		n++;
	b->running = running = n;
	pthread_mutex_unlock(&b->lock);
	if (n == 0 && b->n_todo > 0)
		return wga_err_set(err, "out-of-memory", "cannot start a thread");
	while (running > 0) {
		wga_sleep_ms(WATCH_MS, NULL);
		if (m->cancel && *m->cancel)
			b->stop = 1;
		pthread_mutex_lock(&b->lock);
		running = b->running;
		pthread_mutex_unlock(&b->lock);
	}
	while (n > 0)
		pthread_join(threads[--n], NULL);
	if (b->failed && err)
		*err = b->err;
	if (!b->failed && b->stop)
		return wga_err_set(err, "interrupted", "interrupted");
	return b->failed ? -1 : 0;
}

/* which hosts do not run */
static int find_missing(struct wga_mesh *m, struct boots *b,
			struct wga_err *err)
{
	struct wga_err why;

	for (size_t i = 0; i < m->topo.n_hosts; i++) {
		virDomainPtr dom = wga_lv_domain(m, &m->topo.hosts[i], &why);

		if (dom) {
			virDomainFree(dom);
			continue;
		}
		if (strcmp(why.code, "host-down") != 0) {
			if (err)
				*err = why;
			return -1;
		}
		m->made[i] = true;
		b->todo[b->n_todo++] = i;
	}
	return 0;
}

static int prepare(struct boots *b, virConnectPtr conn, struct wga_err *err)
{
	struct wga_topo_host *first = &b->m.topo.hosts[b->todo[0]];
	struct wga_lv_files files;

	if (wga_lv_images_upload(b->pool, &b->m.topo, err) < 0 ||
	    wga_lv_host_files(b->pool, &b->m.topo, first, &files, err) < 0)
		return -1;
	b->kvm = wga_lv_kvm_works(conn, files.kernel);
	return 0;
}

static int make_hosts(struct wga_mesh *m, virConnectPtr conn,
		      const struct wga_progress *p, struct wga_err *err)
{
	struct boots *b = calloc(1, sizeof(*b));
	int ret = -1;

	if (!b)
		return wga_err_set(err, "out-of-memory", "out of memory");
	b->m = *m;
	b->m.cancel = &b->stop;
	b->progress = p;
	pthread_mutex_init(&b->lock, NULL);
	if (find_missing(m, b, err) == 0)
		ret = 0;
	if (ret == 0 && b->n_todo > 0) {
		b->pool = wga_lv_pool_make(conn, &m->topo, err);
		if (!b->pool || prepare(b, conn, err) < 0 ||
		    boot_all(b, m, err) < 0)
			ret = -1;
		if (b->pool)
			virStoragePoolFree(b->pool);
	}
	pthread_mutex_destroy(&b->lock);
	free(b);
	return ret;
}

static int create(struct wga_mesh *m, const struct wga_progress *p,
		  struct wga_err *err)
{
	virConnectPtr conn = wga_lv_conn(m, err);

	if (!conn || check_passages(conn, &m->topo, err) < 0 ||
	    make_networks(conn, m, err) < 0)
		return -1;
	return m->networks_only ? 0 : make_hosts(m, conn, p, err);
}

/* boots it if it does not run */
static int start(struct wga_mesh *m, const struct wga_topo_host *host,
		 struct wga_err *err)
{
	virConnectPtr conn = wga_lv_conn(m, err);
	virDomainPtr dom = wga_lv_domain(m, host, NULL);
	struct wga_lv_files files;
	virStoragePoolPtr pool;
	int ret;

	if (!conn)
		return -1;
	if (dom) {
		virDomainFree(dom);
		return wga_lv_host_wait(m, host, err);
	}
	pool = wga_lv_pool_make(conn, &m->topo, err);
	if (!pool)
		return -1;
	ret = wga_lv_host_files(pool, &m->topo, host, &files, err);
	if (ret == 0)
		ret = wga_lv_host_boot(m, pool, host,
				       wga_lv_kvm_works(conn, files.kernel),
				       NULL, err);
	virStoragePoolFree(pool);
	return ret;
}

/* ---- the end of it ---- */

static int remove_domains(virConnectPtr conn, const struct wga_topology *t,
			  struct wga_err *err)
{
	virDomainPtr *doms = NULL;
	int n = virConnectListAllDomains(conn, &doms, 0), ret = 0;

	for (int i = 0; i < n; i++) {
		char *xml = virDomainGetXMLDesc(doms[i], 0);

		if (xml && wga_lv_is_ours(xml, t->name) &&
		    virDomainDestroy(doms[i]) < 0 &&
		    virDomainIsActive(doms[i]) == 1)
			ret = wga_err_set(err, "cannot-stop",
					  "%s cannot be stopped: %s",
					  virDomainGetName(doms[i]),
					  wga_lv_why());
		free(xml);
		virDomainFree(doms[i]);
	}
	free(doms);
	return n < 0 ? wga_err_set(err, "no-libvirt",
				   "libvirt does not list its domains: %s",
				   wga_lv_why()) : ret;
}

static int remove_networks(virConnectPtr conn, const struct wga_topology *t,
			   struct wga_err *err)
{
	virNetworkPtr *nets = NULL;
	int n = virConnectListAllNetworks(conn, &nets, 0), ret = 0;

	for (int i = 0; i < n; i++) {
		char *xml = virNetworkGetXMLDesc(nets[i], 0);

		if (xml && wga_lv_is_ours(xml, t->name) &&
		    virNetworkDestroy(nets[i]) < 0 &&
		    virNetworkIsActive(nets[i]) == 1)
			ret = wga_err_set(err, "no-network",
					  "network %s cannot be removed: %s",
					  virNetworkGetName(nets[i]),
					  wga_lv_why());
		free(xml);
		virNetworkFree(nets[i]);
	}
	free(nets);
	return n < 0 ? wga_err_set(err, "no-libvirt",
				   "libvirt does not list its networks: %s",
				   wga_lv_why()) : ret;
}

/* is a QEMU of this mesh running that libvirt has left behind? */
static bool has_guests(const struct wga_topology *t)
{
	char word[64], path[64], line[4096];
	DIR *proc = opendir("/proc");
	struct dirent *e;
	bool found = false;

	snprintf(word, sizeof(word), "guest=wga-%s-", t->name);
	while (proc && !found && (e = readdir(proc))) {
		FILE *f;
		size_t n;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/cmdline", e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		n = fread(line, 1, sizeof(line), f);
		fclose(f);
		found = memmem(line, n, word, strlen(word)) != NULL;
	}
	if (proc)
		closedir(proc);
	return found;
}

/* If libvirt is gone with all that it had, as when the namespace it lived in has
 * ended, then nothing is left to be removed.
 */
static bool all_gone(const struct wga_mesh *m)
{
	char dir[WGA_LV_DIR];

	if (*m->uri && !strstr(m->uri, ":///"))
		return false;
	for (size_t i = 0; i < m->topo.n_networks; i++)
		if (wga_netdev_is_bridge(m->topo.networks[i].bridge))
			return false;
	return !has_guests(&m->topo) &&
	       access(wga_lv_pool_dir(&m->topo, dir), F_OK) < 0;
}

static int destroy(struct wga_mesh *m, struct wga_err *err)
{
	virConnectPtr conn = wga_lv_conn(m, err);

	if (!conn)
		return all_gone(m) ? 0 : -1;
	if (remove_domains(conn, &m->topo, err) < 0 ||
	    wga_lv_pool_remove(conn, &m->topo, err) < 0)
		return -1;
	if (m->networks_only)
		return 0;
	if (remove_networks(conn, &m->topo, err) < 0)
		return -1;
	if (check_passages(conn, &m->topo, NULL) == 0 &&
	    has_passages(&m->topo))
		return wga_passages_clear(&m->topo, err);
	return 0;
}

/* ---- looking ---- */

static bool alive(struct wga_mesh *m, const struct wga_topo_host *host)
{
	virDomainPtr dom = wga_lv_domain(m, host, NULL);
	bool answers = dom && wga_lv_agent_ping(dom, ALIVE_S);

	if (dom)
		virDomainFree(dom);
	return answers;
}

/* the journal has more to say than the console, while somebody can be asked */
static char *last_lines(struct wga_mesh *m, const struct wga_topo_host *host,
			size_t lines)
{
	virConnectPtr conn = wga_lv_conn(m, NULL);
	char number[24], *text = NULL;
	struct wga_command_run run = {
		.argv = (const char *const[]){ "journalctl", "-q", "-b",
			"--no-pager", "-o", "short-monotonic", "-n", number,
			NULL },
		.in = -1, .out = -1, .err = -1, .timeout_ms = 20000,
	};

	if (!conn)
		return NULL;
	snprintf(number, sizeof(number), "%zu", lines);
	if (alive(m, host) && wga_lv_run(m, host, &run, NULL) == 0 &&
	    run.status == 0 && run.output_len > 0) {
		text = run.output;
		run.output = NULL;
		if (text[run.output_len - 1] == '\n')
			text[run.output_len - 1] = '\0';
	}
	wga_command_free(&run);
	return text ? text : wga_lv_serial_log(conn, &m->topo, host, lines);
}

/* guests are bridged where libvirt is, which is where we have to be started */
static const char *netns(struct wga_mesh *m)
{
	m->netns[0] = '\0';
	return m->netns;
}

const struct wga_backend wga_backend_libvirt = {
	.name = "libvirt",
	.check = check,
	.create = create,
	.destroy = destroy,
	.start = start,
	.stop = wga_lv_host_stop,
	.run = wga_lv_run,
	.copy = wga_lv_copy,
	.service = wga_lv_service,
	.alive = alive,
	.log = last_lines,
	.netns = netns,
};
