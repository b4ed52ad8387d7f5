/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "report/json_parts.h"
#include "report/term.h"
#include "topo/doctor.h"

#define SCHEMA		"wgaudit-doctor/1"
#define LIMIT_MS	10000

struct doctor_args {
	const char *uri, *file, *name;
	unsigned int backends;
};

static int set_backend(void *own, const char *arg, struct wga_err *err)
{
	struct doctor_args *args = own;

	if (strcmp(arg, "libvirt") == 0)
		args->backends = WGA_NEED_LIBVIRT;
	else if (strcmp(arg, "namespaces") == 0)
		args->backends = WGA_NEED_NAMESPACES;
	else
		return wga_err_set(err, "usage",
				   "--backend wants libvirt or namespaces, not \"%s\"",
				   arg);
	return 0;
}

static int set_uri(void *own, const char *arg, struct wga_err *err)
{
	struct doctor_args *args = own;

	(void)err;
	args->uri = arg;
	return 0;
}

static int set_file(void *own, const char *arg, struct wga_err *err)
{
	struct doctor_args *args = own;

	(void)err;
	args->file = arg;
	return 0;
}

static int set_name(void *own, const char *arg, struct wga_err *err)
{
	struct doctor_args *args = own;

	(void)err;
	args->name = arg;
	return 0;
}

static const struct wga_option doctor_options[] = {
	{ .name = "backend", .arg = "KIND", .set = set_backend,
	  .help = "only what this one needs: libvirt or namespaces" },
	{ .name = "connect", .arg = "URI", .set = set_uri,
	  .help = "libvirt connection; else $LIBVIRT_DEFAULT_URI, or qemu:///system" },
	{ .name = "file", .arg = "FILE", .set = set_file,
	  .help = "topology (YAML); else the built-in one" },
	{ .name = "name", .arg = "NAME", .set = set_name,
	  .help = "of the mesh; else what the topology says" },
	{ 0 },
};

/* what a command needs; one that needs nothing of the machine is fine, too */
static int needs_of(const char *command, unsigned int backends,
		    unsigned int *needs, struct wga_err *err)
{
	static const struct {
		const char *name;
		unsigned int needs;
	} list[] = {
		{ "capture", WGA_NEED_CAPTURE },
		{ "topo", 0 },
		{ "run", WGA_NEED_CAPTURE | WGA_NEED_FAULTS | WGA_NEED_LOSS },
		{ "link", WGA_NEED_FAULTS },
		{ "flap", WGA_NEED_FAULTS },
		{ "partition", WGA_NEED_FAULTS },
		{ "loss", WGA_NEED_LOSS },
		{ "faults", WGA_NEED_FAULTS | WGA_NEED_LOSS },
		{ "heal", WGA_NEED_FAULTS | WGA_NEED_LOSS },
	};
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (strcmp(list[i].name, command) != 0)
			continue;
		*needs |= list[i].needs;
		/* all but capture act on a mesh */
		if (i)
			*needs |= backends;
		return 0;
	}
	return wga_err_set(err, "usage",
			   "\"%s\" needs nothing of the machine, or is no command; capture, topo, link, flap, partition, loss, faults, heal and run do",
			   command);
}

static json_t *finding_json(const struct wga_finding *f)
{
	unsigned int needs = f->needs;
	json_t *commands = json_array();
	const char *command;

	while ((command = wga_need_next(&needs)))
		json_array_append_new(commands, json_string(command));
	return json_pack("{s:o, s:s, s:o, s:o, s:o}", "name",
			 wga_json_text(f->name), "status",
			 wga_health_name(f->health), "text",
			 wga_json_text(f->text), "commands", commands, "mend",
			 *f->mend ? wga_json_text(f->mend) : json_null());
}

static void count(const struct wga_findings *found, size_t n[static 3])
{
	size_t i;

	for (i = 0; i < found->n; i++)
		n[found->list[i].health]++;
}

static int put_json(const struct wga_findings *found)
{
	size_t n[3] = { 0 }, i;
	json_t *list = json_array();
	int ret;

	count(found, n);
	for (i = 0; i < found->n; i++)
		json_array_append_new(list, finding_json(&found->list[i]));
	ret = wga_json_put(stdout, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}",
		"schema", SCHEMA, "status", wga_health_name(n[2] ?
		WGA_HEALTH_MISSING : n[1] ? WGA_HEALTH_WARNING : WGA_HEALTH_OK),
		"ok", wga_json_count(n[0]), "warning", wga_json_count(n[1]),
		"missing", wga_json_count(n[2]), "checks", list));
	putchar('\n');
	return ret;
}

static const char *color_of(enum wga_health health, bool color)
{
	if (!color)
		return "";
	return health == WGA_HEALTH_OK ? WGA_TERM_GREEN :
	       health == WGA_HEALTH_WARNING ? WGA_TERM_YELLOW : WGA_TERM_RED;
}

static void put_finding(const struct wga_finding *f, bool colored)
{
	const char *color = color_of(f->health, colored), *command;
	char clean[4 * sizeof(f->text)];
	unsigned int needs = f->needs;
	bool more = false;

	printf("%s%-7s%s  %-26s %s\n", color, wga_health_name(f->health),
	       *color ? WGA_TERM_RESET : "", f->name,
	       wga_term_clean(f->text, clean, sizeof(clean)));
	if (f->health == WGA_HEALTH_OK)
		return;
	printf("%37sneeded by: ", "");
	for (; (command = wga_need_next(&needs)); more = true)
		printf("%s%s", more ? ", " : "", command);
	putchar('\n');
	if (*f->mend)
		printf("%37smend: %s\n", "",
		       wga_term_clean(f->mend, clean, sizeof(clean)));
}

static int put_text(const struct wga_findings *found, bool colored)
{
	size_t n[3] = { 0 }, i;

	count(found, n);
	for (i = 0; i < found->n; i++)
		put_finding(&found->list[i], colored);
	printf("\n%zu ok, %zu warning%s, %zu missing\n", n[WGA_HEALTH_OK],
	       n[WGA_HEALTH_WARNING], n[WGA_HEALTH_WARNING] == 1 ? "" : "s",
	       n[WGA_HEALTH_MISSING]);
	return 0;
}

static int examine(const struct wga_options *opt, const struct doctor_args *args,
		   const struct wga_topology *t, unsigned int needs)
{
	const struct wga_doctor d = {
		.root = "", .topo = t, .uri = args->uri ? args->uri : "",
		.needs = needs, .limit_ms = LIMIT_MS,
	};
	struct wga_findings *found = calloc(1, sizeof(*found));
	size_t n[3] = { 0 };
	struct wga_err err;
	int ret;

	if (!found) {
		wga_err_set(&err, "out-of-memory", "out of memory");
		return wga_options_fail(opt, &err);
	}
	wga_doctor_examine(&d, found);
	count(found, n);
	ret = wga_outputs_machine(&opt->outputs) ? put_json(found) :
		put_text(found, opt->render.color);
	ret = wga_options_written(opt, ret, n[WGA_HEALTH_MISSING] ?
				  WGA_EXIT_VIOLATION : WGA_EXIT_PASS);
	free(found);
	return ret;
}

static int load(struct wga_topology *t, const struct doctor_args *args,
		struct wga_err *err)
{
	if (!args->file)
		wga_topology_default(t);
	else if (wga_topology_load(t, args->file, err) < 0)
		return -1;
	return args->name ? wga_topology_rename(t, args->name, err) : 0;
}

static int run_doctor(const struct wga_command *cmd, int argc, char **argv)
{
	struct doctor_args args = {
		.backends = WGA_NEED_LIBVIRT | WGA_NEED_NAMESPACES,
	};
	struct wga_options opt;
	struct wga_topology t;
	struct wga_err err;
	int first = wga_options_parse(&opt, cmd, &args, argc, argv), i, ret;
	unsigned int needs = 0;

	if (first < 0)
		return opt.status;
	ret = load(&t, &args, &err);
	for (i = first; i < argc && ret == 0; i++)
		ret = needs_of(argv[i], args.backends, &needs, &err);
	if (first == argc)
		needs = WGA_NEED_CAPTURE | WGA_NEED_FAULTS | WGA_NEED_LOSS |
			args.backends;
	ret = ret < 0 ? wga_options_fail(&opt, &err) :
			examine(&opt, &args, &t, needs);
	wga_options_free(&opt);
	return ret;
}

const struct wga_command wga_cmd_doctor = {
	.name = "doctor",
	.args = "[COMMAND...]",
	.summary = "what this machine lacks, and how to mend it",
	.about = "Examines what the commands need of this machine, or what the COMMANDs named need,\n"
		 "and tells of each thing whether it is there and how to mend it. Nothing is changed:\n"
		 "what must be tried is tried in a network namespace that ends with the trial. Exit\n"
		 "status 1 if something is missing.",
	.options = doctor_options,
	.undeclared = true,
	.run = run_doctor,
};
