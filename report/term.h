/* SPDX-License-Identifier: MIT */
#ifndef WGA_TERM_H
#define WGA_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/verdict.h"

/*
 * Theory of operation
 *
 * Names and details come from captures and files that anybody may have made.
 * Whatever a person reads goes through wga_term_clean() first, and the columns
 * of tables are laid out on what it returns.
 */

#define WGA_TERM_BOLD		"\033[1m"
#define WGA_TERM_RED		"\033[1;31m"
#define WGA_TERM_GREEN		"\033[1;32m"
#define WGA_TERM_YELLOW		"\033[1;33m"
#define WGA_TERM_RESET		"\033[0m"

/**
 * wga_term_clean() - make a string harmless to a terminal
 * @src:	any bytes
 * @buf, @size:	where it goes, cut to fit
 *
 * Printable ASCII stays, every other byte becomes \xHH.
 *
 * Return: @buf.
 */
const char *wga_term_clean(const char *src, char *buf, size_t size);

/* "NAME ADDR:PORT", whatever of it is known, clean; returns @buf */
const char *wga_term_end(const struct wga_flow_end *end, char *buf, size_t size);

/* "999 B", "1.5 kB", "12 MB"; returns @buf */
const char *wga_term_bytes(double bytes, char buf[static 16]);

/* escape sequence of an outcome, "" without colour */
const char *wga_term_color(enum wga_outcome outcome, bool color);

/* escape sequence of a class: red where it is a violation, "" without colour */
const char *wga_term_class_color(enum wga_class cls, bool color);

#endif /* WGA_TERM_H */
