/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topo/libvirt_internal.h"

#define POOL_ROOT	"/var/lib/libvirt/images"
#define LOG_TAIL	65536U

/* ---- images ---- */

static bool join_path(char *buf, size_t size, const char *dir, size_t len,
		      const char *name)
{
	return snprintf(buf, size, "%.*s/%s", (int)len, dir, name) < (int)size;
}

/* what is directly booted lies beside disk.qcow2, as topo/image/build makes it */
static void find_kernel(struct wga_lv_image *image)
{
	const char *slash = strrchr(image->disk, '/');
	size_t len = slash ? (size_t)(slash - image->disk) : 0;

	if (!slash || strcmp(slash, "/disk.qcow2") != 0)
		return;
	if (!join_path(image->kernel, sizeof(image->kernel), image->disk, len,
		       "vmlinuz") || access(image->kernel, R_OK) < 0)
		image->kernel[0] = '\0';
	if (!image->kernel[0] ||
	    !join_path(image->initrd, sizeof(image->initrd), image->disk, len,
		       "initrd") || access(image->initrd, R_OK) < 0)
		image->initrd[0] = '\0';
}

bool wga_lv_cache_dir(char *buf, size_t size)
{
	const char *own = secure_getenv("WGAUDIT_CACHE");
	const char *xdg = secure_getenv("XDG_CACHE_HOME");
	const char *home = secure_getenv("HOME");

	if (own && *own)
		return snprintf(buf, size, "%s", own) < (int)size;
	if (xdg && *xdg)
		return snprintf(buf, size, "%s/wgaudit", xdg) < (int)size;
	return home && snprintf(buf, size, "%s/.cache/wgaudit", home) < (int)size;
}

int wga_lv_image_find(const struct wga_topo_host *host,
		      struct wga_lv_image *image, struct wga_err *err)
{
	char cache[200];

	memset(image, 0, sizeof(*image));
	if (host->image[0])
		snprintf(image->disk, sizeof(image->disk), "%s", host->image);
	else if (!wga_lv_cache_dir(cache, sizeof(cache)) ||
		 snprintf(image->disk, sizeof(image->disk),
			  "%s/images/guest/disk.qcow2", cache) >=
		 (int)sizeof(image->disk))
		return wga_err_set(err, "no-image",
				   "no directory for the guest image; set WGAUDIT_CACHE");
	if (access(image->disk, R_OK) < 0)
		return wga_err_set(err, "no-image",
				   host->image[0] ?
				   "%s: its image %s cannot be read; name another one" :
				   "%s: there is no guest image %s; topo/image/build makes it, or name an image in the topology file",
				   host->name, image->disk);
	find_kernel(image);
	return 0;
}

/* name in the pool: the same for the same file */
static void volume_name(const char *path, const char *suffix, char name[64])
{
	uint64_t hash = 0xcbf29ce484222325;	/* FNV-1a */

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * 0x100000001b3;
	snprintf(name, 64, "image-%016llx.%s", (unsigned long long)hash,
		 suffix);
}

static int read_more(virStreamPtr stream, char *data, size_t len, void *arg)
{
	ssize_t n = read(*(int *)arg, data, len);

	(void)stream;
	return (int)n;
}

static int send_file(virConnectPtr conn, virStorageVolPtr vol, int fd)
{
	virStreamPtr stream = virStreamNew(conn, 0);
	int ret = -1;

	if (stream && virStorageVolUpload(vol, stream, 0, 0, 0) == 0 &&
	    virStreamSendAll(stream, read_more, &fd) == 0)
		ret = virStreamFinish(stream);
	if (stream)
		virStreamFree(stream);
	return ret;
}

static virStorageVolPtr make_volume(virStoragePoolPtr pool, char *xml,
				    struct wga_err *err)
{
	virStorageVolPtr vol = xml ? virStorageVolCreateXML(pool, xml, 0) : NULL;

	if (!vol)
		wga_err_set(err, "storage",
			    "libvirt cannot make a disk in its pool %s: %s",
			    virStoragePoolGetName(pool),
			    xml ? wga_lv_why() : "out of memory");
	free(xml);
	return vol;
}

static int upload(virStoragePoolPtr pool, const char *path, const char *suffix,
		  struct wga_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	virStorageVolPtr vol;
	char name[64];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return wga_err_set(err, "no-image", "%s cannot be read", path);
	}
	volume_name(path, suffix, name);
	vol = virStorageVolLookupByName(pool, name);
	if (vol) {
		virStorageVolDelete(vol, 0);
		virStorageVolFree(vol);
	}
	vol = make_volume(pool, wga_lv_volume_xml(name,
			  (unsigned long long)st.st_size, NULL), err);
	if (!vol) {
		close(fd);
		return -1;
	}
	if (send_file(virStoragePoolGetConnect(pool), vol, fd) < 0)
		ret = wga_err_set(err, "storage", "cannot send %s to libvirt: %s",
				  path, wga_lv_why());
	virStorageVolFree(vol);
	close(fd);
	return ret;
}

/* path of a volume; "" and -1 if there is none of that name */
static int volume_path(virStoragePoolPtr pool, const char *name, char *buf,
		       size_t size)
{
	virStorageVolPtr vol = virStorageVolLookupByName(pool, name);
	char *path = vol ? virStorageVolGetPath(vol) : NULL;
	int fits = path && snprintf(buf, size, "%s", path) < (int)size;

	if (!fits)
		buf[0] = '\0';
	free(path);
	if (vol)
		virStorageVolFree(vol);
	return fits ? 0 : -1;
}

static bool has_disk(virStoragePoolPtr pool, const struct wga_topo_host *host)
{
	char name[64], path[512];

	snprintf(name, sizeof(name), "%s.qcow2", host->name);
	return volume_path(pool, name, path, sizeof(path)) == 0;
}

/* has a host up to @end, or any later one with a disk, the same image? */
static bool have_image(virStoragePoolPtr pool, const struct wga_topology *t,
		       size_t host)
{
	for (size_t i = 0; i < t->n_hosts; i++)
		if (strcmp(t->hosts[i].image, t->hosts[host].image) == 0 &&
		    (i < host || has_disk(pool, &t->hosts[i])))
			return true;
	return false;
}

int wga_lv_images_upload(virStoragePoolPtr pool, const struct wga_topology *t,
			 struct wga_err *err)
{
	struct wga_lv_image image;

	for (size_t i = 0; i < t->n_hosts; i++) {
		if (have_image(pool, t, i))
			continue;
		if (wga_lv_image_find(&t->hosts[i], &image, err) < 0 ||
		    upload(pool, image.disk, "qcow2", err) < 0)
			return -1;
		if (image.kernel[0] &&
		    upload(pool, image.kernel, "vmlinuz", err) < 0)
			return -1;
		if (image.initrd[0] &&
		    upload(pool, image.initrd, "initrd", err) < 0)
			return -1;
	}
	return 0;
}

/* ---- pools ---- */

static int pool_error(const char *what, const char *name, struct wga_err *err)
{
	return wga_err_set(err, "storage", "libvirt cannot %s its pool %s: %s",
			   what, name, wga_lv_why());
}

const char *wga_lv_pool_dir(const struct wga_topology *t,
			    char buf[static WGA_LV_DIR])
{
	char name[WGA_LV_NAME];

	wga_lv_name(t, "", name);
	snprintf(buf, WGA_LV_DIR, POOL_ROOT "/%s", name);
	return buf;
}

/* one of this name may be somebody else's: then its directory is another */
static bool pool_is_ours(virStoragePoolPtr pool, const struct wga_topology *t)
{
	char *xml = virStoragePoolGetXMLDesc(pool, 0);
	char want[WGA_LV_DIR + 16], dir[WGA_LV_DIR];
	bool ours;

	snprintf(want, sizeof(want), "<path>%s</path>",
		 wga_lv_pool_dir(t, dir));
	ours = xml && strstr(xml, want);
	free(xml);
	return ours;
}

static virStoragePoolPtr define_pool(virConnectPtr conn,
				     const struct wga_topology *t)
{
	virStoragePoolPtr pool;
	char dir[WGA_LV_DIR], name[WGA_LV_NAME], *xml;

	wga_lv_name(t, "", name);
	xml = wga_lv_pool_xml(name, wga_lv_pool_dir(t, dir));
	pool = xml ? virStoragePoolDefineXML(conn, xml, 0) : NULL;
	free(xml);
	return pool;
}

virStoragePoolPtr wga_lv_pool_make(virConnectPtr conn,
				   const struct wga_topology *t,
				   struct wga_err *err)
{
	char name[WGA_LV_NAME];
	virStoragePoolPtr pool;

	wga_lv_name(t, "", name);
	pool = virStoragePoolLookupByName(conn, name);
	if (pool && !pool_is_ours(pool, t)) {
		wga_err_set(err, "name-taken",
			    "libvirt has a storage pool %s that is not ours; rename the mesh",
			    name);
		virStoragePoolFree(pool);
		return NULL;
	}
	if (!pool)
		pool = define_pool(conn, t);
	if (!pool) {
		pool_error("define", name, err);
		return NULL;
	}
	if (virStoragePoolIsActive(pool) == 1 ? virStoragePoolRefresh(pool, 0) :
	    virStoragePoolBuild(pool, 0) || virStoragePoolCreate(pool, 0)) {
		pool_error("start", name, err);
		virStoragePoolFree(pool);
		return NULL;
	}
	return pool;
}

int wga_lv_host_files(virStoragePoolPtr pool, const struct wga_topology *t,
		      const struct wga_topo_host *host,
		      struct wga_lv_files *files, struct wga_err *err)
{
	struct wga_lv_image image;
	char name[64], base[512], dir[WGA_LV_DIR];
	virStorageVolPtr vol;

	if (wga_lv_image_find(host, &image, err) < 0)
		return -1;
	memset(files, 0, sizeof(*files));
	volume_name(image.kernel, "vmlinuz", name);
	volume_path(pool, name, files->kernel, sizeof(files->kernel));
	volume_name(image.initrd, "initrd", name);
	volume_path(pool, name, files->initrd, sizeof(files->initrd));
	snprintf(files->log, sizeof(files->log), "%s/%s.log",
		 wga_lv_pool_dir(t, dir), host->name);
	snprintf(name, sizeof(name), "%s.qcow2", host->name);
	if (volume_path(pool, name, files->disk, sizeof(files->disk)) == 0)
		return 0;
	volume_name(image.disk, "qcow2", name);
	if (volume_path(pool, name, base, sizeof(base)) < 0)
		return wga_err_set(err, "storage", "%s is not in the pool %s",
				   image.disk, virStoragePoolGetName(pool));
	snprintf(name, sizeof(name), "%s.qcow2", host->name);
	vol = make_volume(pool, wga_lv_volume_xml(name, 0, base), err);
	if (!vol)
		return -1;
	virStorageVolFree(vol);
	return volume_path(pool, name, files->disk, sizeof(files->disk));
}

static int empty_pool(virStoragePoolPtr pool)
{
	virStorageVolPtr *vols = NULL;
	int n, failed = 0;

	virStoragePoolRefresh(pool, 0);
	n = virStoragePoolListAllVolumes(pool, &vols, 0);
	for (int i = 0; i < n; i++) {
		if (virStorageVolDelete(vols[i], 0) < 0)
			failed = -1;
		virStorageVolFree(vols[i]);
	}
	free(vols);
	return n < 0 ? -1 : failed;
}

int wga_lv_pool_remove(virConnectPtr conn, const struct wga_topology *t,
		       struct wga_err *err)
{
	char name[WGA_LV_NAME];
	virStoragePoolPtr pool;
	int ret = 0;

	wga_lv_name(t, "", name);
	pool = virStoragePoolLookupByName(conn, name);
	if (!pool)
		return 0;
	if (!pool_is_ours(pool, t)) {
		virStoragePoolFree(pool);
		return 0;
	}
	/* only one that is active can be emptied; one whose directory was
	 * never made cannot be activated
	 */
	if (virStoragePoolIsActive(pool) == 1 ||
	    virStoragePoolCreate(pool, 0) == 0) {
		if (empty_pool(pool) < 0)
			ret = pool_error("empty", name, err);
		else if (virStoragePoolDestroy(pool) < 0 ||
			 virStoragePoolDelete(pool, 0) < 0)
			ret = pool_error("remove", name, err);
	}
	if (ret == 0 && virStoragePoolUndefine(pool) < 0)
		ret = pool_error("undefine", name, err);
	virStoragePoolFree(pool);
	return ret;
}

/* ---- logs ---- */

struct tail {
	char *data;
	size_t len;
};

static int keep_tail(virStreamPtr stream, const char *data, size_t len,
		     void *arg)
{
	struct tail *t = arg;
	size_t drop;

	(void)stream;
	if (len >= LOG_TAIL) {
		memcpy(t->data, data + len - LOG_TAIL, LOG_TAIL);
		t->len = LOG_TAIL;
		return (int)len;
	}
	drop = t->len + len > LOG_TAIL ? t->len + len - LOG_TAIL : 0;
	memmove(t->data, t->data + drop, t->len - drop);
	memcpy(t->data + t->len - drop, data, len);
	t->len += len - drop;
	return (int)len;
}

static void fetch(virConnectPtr conn, const struct wga_topology *t,
		  const char *name, struct tail *tail)
{
	virStreamPtr stream = virStreamNew(conn, 0);
	virStoragePoolPtr pool;
	virStorageVolPtr vol = NULL;
	char pool_name[WGA_LV_NAME];

	wga_lv_name(t, "", pool_name);
	pool = virStoragePoolLookupByName(conn, pool_name);
	if (pool) {
		virStoragePoolRefresh(pool, 0);
		vol = virStorageVolLookupByName(pool, name);
		virStoragePoolFree(pool);
	}
	if (stream && vol &&
	    virStorageVolDownload(vol, stream, 0, 0, 0) == 0 &&
	    virStreamRecvAll(stream, keep_tail, tail) == 0)
		virStreamFinish(stream);
	if (vol)
		virStorageVolFree(vol);
	if (stream)
		virStreamFree(stream);
}

static void read_tail(const char *path, struct tail *tail)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		off_t from = st.st_size > (off_t)LOG_TAIL ?
			st.st_size - (off_t)LOG_TAIL : 0;

		n = pread(fd, tail->data, LOG_TAIL, from);
		tail->len = n > 0 ? (size_t)n : 0;
	}
	close(fd);
}

/* printable text in lines, without what a terminal is told between them */
static void clean(struct tail *tail)
{
	size_t n = 0;

	for (size_t i = 0; i < tail->len; i++) {
		unsigned char c = (unsigned char)tail->data[i];

		if (c == 0x1b) {	/* ESC X, or ESC [ ... @ to ~ */
			if (++i < tail->len && tail->data[i] == '[')
				while (++i < tail->len && tail->data[i] < '@')
					;
			continue;
		}
		if (c == '\n' && n > 0 && tail->data[n - 1] == '\n')
			continue;
		if (c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f))
			tail->data[n++] = (char)c;
	}
	while (n > 0 && tail->data[n - 1] == '\n')
		n--;
	tail->data[n] = '\0';
	tail->len = n;
}

char *wga_lv_serial_log(virConnectPtr conn, const struct wga_topology *t,
			const struct wga_topo_host *host, size_t lines)
{
	struct tail tail = { .data = malloc(LOG_TAIL + 1) };
	char dir[WGA_LV_DIR], name[64], path[512], *at;

	if (!tail.data)
		return NULL;
	snprintf(name, sizeof(name), "%s.log", host->name);
	snprintf(path, sizeof(path), "%s/%s", wga_lv_pool_dir(t, dir), name);
	if (wga_lv_is_local(conn))
		read_tail(path, &tail);
	if (tail.len == 0)
		fetch(conn, t, name, &tail);
	clean(&tail);
	if (tail.len == 0) {
		free(tail.data);
		return NULL;
	}
	for (at = tail.data + tail.len; at > tail.data; at--)
		if (at[-1] == '\n' && lines-- == 1)
			break;
	memmove(tail.data, at, (size_t)(tail.data + tail.len - at) + 1);
	return tail.data;
}
