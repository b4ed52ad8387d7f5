/* SPDX-License-Identifier: MIT */
#ifndef WGA_LIBVIRT_INTERNAL_H
#define WGA_LIBVIRT_INTERNAL_H

#include <libvirt/libvirt.h>

#include "topo/mesh.h"

/*
 * Theory of operation
 *
 * All that a mesh needs is made through one connection to libvirt, so it works
 * the same for a daemon on this machine and on another one:
 *
 *	pool wga-MESH		a directory of its own beside libvirt's images
 *		image-HASH.qcow2, .vmlinuz, .initrd	uploaded guest images
 *		HOST.qcow2				what a host changes
 *		HOST.log				its serial console
 *	network wga-MESH-NETWORK, transient
 *	domain wga-MESH-HOST, transient
 *
 * Domains and networks carry an element in their metadata that names the mesh.
 * Only what carries it is ever removed, so a domain of the same name that
 * somebody else made is left alone. Pools have no metadata; ours is told by its
 * name and by the directory of the same name that it must have.
 *
 * Commands in guests go through the QEMU guest agent, which is the one way in
 * that needs neither network nor keys.
 */

#define WGA_LV_NS	"https://wgaudit.invalid/libvirt/1"
#define WGA_LV_NAME	96
#define WGA_LV_DIR	160

/* a host's guest image, as files on this machine; "" for none */
struct wga_lv_image {
	char disk[256], kernel[256], initrd[256];
};

/* paths of a host's files, as libvirt's machine sees them */
struct wga_lv_files {
	char disk[512], kernel[512], initrd[512], log[512];
};

/* what libvirt has said last in this thread */
const char *wga_lv_why(void);

/* libvirt_conn.c: the connection of a mesh, one for all of the process, which
 * must not be closed; "no-libvirt" if there is none to be had
 */
virConnectPtr wga_lv_conn(const struct wga_mesh *m, struct wga_err *err);
/* is libvirt on this machine, as far as its URI tells? */
bool wga_lv_is_local(virConnectPtr conn);
/* wga-MESH-PART, or wga-MESH if @part is "" */
void wga_lv_name(const struct wga_topology *t, const char *part,
		 char buf[static WGA_LV_NAME]);
/* the domain of a host; "host-down" if it does not run, "name-taken" if it is
 * somebody else's
 */
virDomainPtr wga_lv_domain(const struct wga_mesh *m,
			   const struct wga_topo_host *host,
			   struct wga_err *err);

/* libvirt_xml.c: documents to be released with free(); NULL without memory */
char *wga_lv_network_xml(const struct wga_topology *t, size_t network);
char *wga_lv_domain_xml(const struct wga_topology *t,
			const struct wga_topo_host *host,
			const struct wga_lv_files *files, const char *arch,
			bool kvm);
/* a domain that resets at once, and is gone then, if KVM works */
char *wga_lv_probe_xml(const char *name, const char *kernel);
char *wga_lv_pool_xml(const char *name, const char *dir);
/* @backing: path of the image, or NULL for a raw file of @size bytes */
char *wga_lv_volume_xml(const char *name, unsigned long long size,
			const char *backing);
/* is this domain or network one of this mesh (of any, if @mesh is NULL)? */
bool wga_lv_is_ours(const char *xml, const char *mesh);

/* libvirt_storage.c: ~/.cache/wgaudit or what is set instead */
bool wga_lv_cache_dir(char *buf, size_t size);
/* "no-image" with how to get one */
int wga_lv_image_find(const struct wga_topo_host *host,
		      struct wga_lv_image *image, struct wga_err *err);
/* the pool of a mesh, made and started if need be */
virStoragePoolPtr wga_lv_pool_make(virConnectPtr conn,
				   const struct wga_topology *t,
				   struct wga_err *err);
/* upload what is not there; half an image is told by no disk being made of it */
int wga_lv_images_upload(virStoragePoolPtr pool, const struct wga_topology *t,
			 struct wga_err *err);
/* where its files are; its disk is made if need be */
int wga_lv_host_files(virStoragePoolPtr pool, const struct wga_topology *t,
		      const struct wga_topo_host *host,
		      struct wga_lv_files *files, struct wga_err *err);
const char *wga_lv_pool_dir(const struct wga_topology *t,
			    char buf[static WGA_LV_DIR]);
int wga_lv_pool_remove(virConnectPtr conn, const struct wga_topology *t,
		       struct wga_err *err);
/* the end of a host's serial console: free() it, NULL if there is nothing */
char *wga_lv_serial_log(virConnectPtr conn, const struct wga_topology *t,
			const struct wga_topo_host *host, size_t lines);

/* libvirt_agent.c */
bool wga_lv_agent_ping(virDomainPtr dom, int timeout_s);
int wga_lv_run(struct wga_mesh *m, const struct wga_topo_host *host,
	       struct wga_command_run *run, struct wga_err *err);
int wga_lv_copy(struct wga_mesh *m, const struct wga_topo_host *host,
		const char *path, const void *data, size_t len,
		unsigned int mode, struct wga_err *err);
/* run a command that has to succeed; else @err with @code and what it said */
int wga_lv_must(struct wga_mesh *m, virDomainPtr dom, const char *code,
		const char *const *argv, struct wga_err *err);
int wga_lv_service(struct wga_mesh *m, const struct wga_topo_host *host,
		   const char *name, enum wga_service_verb verb,
		   struct wga_err *err);

/* libvirt_host.c */

/* longest time that a guest gets to boot */
#define WGA_LV_BOOT_KVM_S	120
#define WGA_LV_BOOT_TCG_S	400

/* boot, and wait until commands can be run and it has its address */
int wga_lv_host_boot(struct wga_mesh *m, virStoragePoolPtr pool,
		     const struct wga_topo_host *host, bool kvm,
		     const struct wga_progress *p, struct wga_err *err);
/* the same without booting: of a host that runs */
int wga_lv_host_wait(struct wga_mesh *m, const struct wga_topo_host *host,
		     struct wga_err *err);
int wga_lv_host_stop(struct wga_mesh *m, const struct wga_topo_host *host,
		     enum wga_stop how, struct wga_err *err);

/* libvirt_kvm.c: does hardware virtualization work there? Finding out takes
 * some seconds, once in a boot of the machine. @kernel: path of one there, or ""
 */
bool wga_lv_kvm_works(virConnectPtr conn, const char *kernel);

#endif /* WGA_LIBVIRT_INTERNAL_H */
