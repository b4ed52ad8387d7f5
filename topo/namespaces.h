/* SPDX-License-Identifier: MIT */
#ifndef WGA_NAMESPACES_H
#define WGA_NAMESPACES_H

/* the word after which a program of ours becomes the first process of a host */
#define WGA_NAMESPACES_INIT	"topo-init"

/**
 * wga_namespaces_init_main() - be the first process of a host
 *
 * A program that uses the namespaces backend is started again (/proc/self/exe)
 * with WGA_NAMESPACES_INIT as its first argument, and then must call this.
 *
 * Return: exit status.
 */
int wga_namespaces_init_main(int argc, char **argv);

#endif /* WGA_NAMESPACES_H */
