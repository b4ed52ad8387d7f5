/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "report/term.h"

const char *wga_term_clean(const char *src, char *buf, size_t size)
{
	size_t n = 0;

	for (; *src; src++) {
		unsigned char c = (unsigned char)*src;
		bool plain = c >= 0x20 && c < 0x7f;

		if (size - n <= (plain ? 1 : 4))
			break;
		if (plain)
			buf[n++] = (char)c;
		else
			n += (size_t)snprintf(buf + n, size - n, "\\x%02x", c);
	}
	buf[n] = '\0';
	return buf;
}

const char *wga_term_end(const struct wga_flow_end *end, char *buf, size_t size)
{
	char addr[WGA_ADDR_STRLEN], port[8] = "", name[4 * sizeof(end->name)];
	bool v6 = end->has_addr && !wga_addr_is_v4(&end->addr) && end->port;
	bool named;

	wga_term_clean(end->name, name, sizeof(name));
	if (!end->has_addr) {
		snprintf(buf, size, "%s", *name ? name : "-");
		return buf;
	}
	wga_addr_format(&end->addr, addr);
	if (end->port)
		snprintf(port, sizeof(port), ":%u", end->port);
	named = *name && strcmp(name, addr) != 0;
	snprintf(buf, size, "%s%s%s%s%s%s", named ? name : "",
		 named ? " " : "", v6 ? "[" : "", addr, v6 ? "]" : "", port);
	return buf;
}

const char *wga_term_bytes(double bytes, char buf[static 16])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	size_t unit = 0;

	/* 999.5 would be written as 1000 */
	while (bytes >= 999.5 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		bytes /= 1000;
		unit++;
	}
	snprintf(buf, 16, "%.*f %s", unit && bytes < 9.95 ? 1 : 0, bytes,
		 units[unit]);
	return buf;
}

const char *wga_term_color(enum wga_outcome outcome, bool color)
{
	static const char *const colors[] = {
		[WGA_PASS] = WGA_TERM_GREEN,
		[WGA_VIOLATION] = WGA_TERM_RED,
		[WGA_INCONCLUSIVE] = WGA_TERM_YELLOW,
	};

	return color ? colors[outcome] : "";
}

const char *wga_term_class_color(enum wga_class cls, bool color)
{
	bool bad = cls == WGA_CLASS_PLAINTEXT || cls == WGA_CLASS_UNEXPLAINED;

	return bad ? wga_term_color(WGA_VIOLATION, color) : "";
}
