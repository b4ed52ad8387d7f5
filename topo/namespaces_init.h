/* SPDX-License-Identifier: MIT */
#ifndef WGA_NAMESPACES_INIT_H
#define WGA_NAMESPACES_INIT_H

/**
 * wga_ns_root_make() - make the filesystem that a host sees
 * @dir:	the host's state directory
 * @programs:	directory to be seen at WGA_NS_BIN, or ""
 *
 * To be called in a mount namespace of one's own. All is the machine's and
 * read-only but /etc, /var/lib (kept in @dir), /run, /tmp and /dev/shm (empty at
 * each boot), /proc and /sys.
 *
 * Return: 0, or -1 with errno set.
 */
int wga_ns_root_make(const char *dir, const char *programs);

#endif /* WGA_NAMESPACES_INIT_H */
