/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "topo/fault.h"

const char *const wga_fault_commands[WGA_FAULT_COMMANDS] = {
	[WGA_FAULT_LINK] = "link",
	[WGA_FAULT_FLAP] = "flap",
	[WGA_FAULT_PARTITION] = "partition",
	[WGA_FAULT_LOSS] = "loss",
};

const char *const wga_fault_kinds[WGA_FAULT_KINDS] = {
	[WGA_FAULT_TAP] = "tap",
	[WGA_FAULT_CARRIER] = "carrier",
	[WGA_FAULT_DROP] = "drop",
	[WGA_FAULT_REJECT] = "reject",
};

const char *const wga_fault_protocols[WGA_FAULT_PROTOCOLS] = {
	[WGA_FAULT_ANY] = "any",
	[WGA_FAULT_UDP] = "udp",
	[WGA_FAULT_TCP] = "tcp",
	[WGA_FAULT_ICMP] = "icmp",
};

int wga_fault_word(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

bool wga_fault_has_addr(const struct wga_addr *a)
{
	static const struct wga_addr none;

	return memcmp(a->b, none.b, sizeof(none.b)) != 0;
}

bool wga_fault_link_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '/' || *c == '"' ||
		    *c == '\\')
			return false;
	return *name;
}

bool wga_fault_by_state(const struct wga_fault *f)
{
	return (f->what == WGA_FAULT_LINK || f->what == WGA_FAULT_FLAP) &&
	       (f->kind == WGA_FAULT_TAP || f->kind == WGA_FAULT_CARRIER);
}

void wga_fault_free(struct wga_fault *f)
{
	free(f->links);
	f->links = NULL;
	f->n_links = 0;
}

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct wga_fault_time wga_fault_now(void)
{
	return (struct wga_fault_time){
		.mono_ms = clock_ms(CLOCK_MONOTONIC),
		.wall_ms = clock_ms(CLOCK_REALTIME),
	};
}

/* names become file names and names of tables: letters, digits and dashes */
static void append(char *name, size_t room, const char *word)
{
	size_t len = strlen(name);

	if (len + 1 < room)
		name[len++] = '-';
	for (; *word && len + 1 < room; word++)
		name[len++] = (*word >= 'a' && *word <= 'z') ||
			      (*word >= 'A' && *word <= 'Z') ||
			      (*word >= '0' && *word <= '9') ? *word : '-';
	name[len] = '\0';
}

void wga_fault_name(struct wga_fault *f,
		    bool (*taken)(void *arg, const char *name), void *arg)
{
	/* leave room for a number */
	const size_t room = sizeof(f->name) - 8;
	char base[sizeof(f->name)];

	snprintf(f->name, sizeof(f->name), "%s",
		 f->isolate ? "isolate" : wga_fault_commands[f->what]);
	for (size_t i = 0; i < f->n_ports; i++)
		append(f->name, room, f->ports[i].host);
	memcpy(base, f->name, sizeof(base));
	for (unsigned int n = 2; taken(arg, f->name) && n < 1000; n++)
		snprintf(f->name, sizeof(f->name), "%.*s-%u", (int)room, base,
			 n);
}
