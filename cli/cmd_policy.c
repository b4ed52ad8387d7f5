/* SPDX-License-Identifier: MIT */
/*
 * wgaudit policy check FILE: all that is wrong with a policy, not the first
 * thing only. wgaudit policy show FILE [OPTION...]: what stands in effect with
 * these options, and where each of it comes from. Both take every option that
 * a run takes, those of capture too.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "report/json_parts.h"
#include "report/term.h"

static void put_json(json_t *doc)
{
	wga_json_put(stdout, doc);
	putchar('\n');
}

static json_t *fault_json(const struct wga_policy *p, size_t i)
{
	const struct wga_policy_fault *f = &p->faults[i];

	return json_pack("{s:o, s:i, s:o, s:s, s:o}", "file",
			 wga_json_text(p->path), "line", (int)f->line, "key",
			 *f->key ? wga_json_text(f->key) : json_null(), "code",
			 f->code, "text", wga_json_text(f->text));
}

/* the error that --json has for everything, and beside it all there are */
static void tell_faults_json(const struct wga_policy *p)
{
	json_t *list = json_array();
	struct wga_err err;
	size_t i;

	wga_policy_fault_err(p, 0, &err);
	for (i = 0; i < p->n_faults; i++)
		json_array_append_new(list, fault_json(p, i));
	put_json(json_pack("{s:s, s:o, s:o}", "schema", WGA_JSON_SCHEMA,
			   "error", wga_json_error(&err), "errors", list));
}

static int tell_faults(const struct wga_policy *p,
		       const struct wga_options *opt)
{
	struct wga_err err;
	size_t i;

	if (wga_outputs_machine(&opt->outputs)) {
		tell_faults_json(p);
		return WGA_EXIT_ERROR;
	}
	for (i = 0; i < p->n_faults; i++) {
		wga_policy_fault_err(p, i, &err);
		wga_render_text.error(stderr, &err, &opt->render);
	}
	return WGA_EXIT_ERROR;
}

static int check(const struct wga_policy *p, const struct wga_options *opt)
{
	char clean[1024];

	if (wga_outputs_machine(&opt->outputs))
		put_json(json_pack("{s:s, s:{s:o, s:o}}", "schema",
				   WGA_JSON_SCHEMA, "policy", "file",
				   wga_json_text(p->path), "declarations",
				   wga_json_count(p->n_entries)));
	else
		printf("%s: good, declares %zu thing%s\n",
		       wga_term_clean(p->path, clean, sizeof(clean)),
		       p->n_entries, p->n_entries == 1 ? "" : "s");
	return WGA_EXIT_PASS;
}

/* Of a list all holds, of anything else what was taken last. */
static bool holds(const struct wga_options *opt, size_t i,
		  const struct wga_option *key)
{
	size_t later;

	if (key->flags & WGA_OPTION_MANY)
		return true;
	for (later = i + 1; later < opt->n_items; later++) {
		if (opt->items[later].key == opt->items[i].key)
			return false;
	}
	return true;
}

static void show_text(const struct wga_option *key, const char *arg,
		      const struct wga_item *item)
{
	char value[1024], file[1024];
	int n = printf("%s%s%s", key->name, arg ? ": " : "",
		       arg ? wga_term_clean(arg, value, sizeof(value)) : "");

	printf("%*s", n < 46 ? 46 - n : 2, "");
	if (!item)
		puts("default");
	else if (!item->file)
		puts("command line");
	else
		printf("%s:%u\n", wga_term_clean(item->file, file, sizeof(file)),
		       item->line);
}

static json_t *show_json(const struct wga_option *key, const char *arg,
			 const struct wga_item *item)
{
	const char *source = !item ? "default" :
		item->file ? "policy" : "command-line";
	json_t *obj = json_pack("{s:s, s:o, s:s}", "key", key->name, "value",
				arg ? wga_json_text(arg) : json_null(),
				"source", source);

	if (obj && item && item->file) {
		json_object_set_new(obj, "file", wga_json_text(item->file));
		json_object_set_new(obj, "line",
				    json_integer((json_int_t)item->line));
	}
	return obj;
}

/* one thing in effect, as text or, if there is a list, into that */
static void show_one(json_t *list, const struct wga_option *key,
		     const char *arg, const struct wga_item *item)
{
	if (list)
		json_array_append_new(list, show_json(key, arg, item));
	else
		show_text(key, arg, item);
}

static int show(const struct wga_options *opt)
{
	const bool machine = wga_outputs_machine(&opt->outputs);
	json_t *list = machine ? json_array() : NULL;
	struct wga_option key;
	size_t k, i;

	for (k = 0; wga_options_key(k, &key); k++) {
		bool given = false;

		for (i = 0; i < opt->n_items; i++) {
			const struct wga_item *item = &opt->items[i];

			if (item->key != k || !holds(opt, i, &key))
				continue;
			given = true;
			show_one(list, &key, item->arg, item);
		}
		if (!given && (key.preset || !key.arg))
			show_one(list, &key, key.arg ? key.preset : "false",
				 NULL);
	}
	if (machine)
		put_json(json_pack("{s:s, s:{s:o}}", "schema", WGA_JSON_SCHEMA,
				   "policy", "effective", list));
	return WGA_EXIT_PASS;
}

static int run_verb(const struct wga_options *opt, int n, char **operands)
{
	const char *verb = n ? operands[0] : "";
	struct wga_err err;

	if (n != 2 || (strcmp(verb, "check") != 0 && strcmp(verb, "show") != 0))
		wga_err_set(&err, "usage",
			    "policy wants check FILE or show FILE; see wgaudit policy --help");
	else if (opt->outputs.n || (wga_outputs_machine(&opt->outputs) &&
				    opt->outputs.screen != &wga_render_json))
		wga_err_set(&err, "usage",
			    "policy is no run: of the renderings it has --json only");
	else if (opt->policies[0].n_faults)
		return tell_faults(&opt->policies[0], opt);
	else
		return !strcmp(verb, "check") ? check(&opt->policies[0], opt) :
			show(opt);
	return wga_options_fail(opt, &err);
}

static int run_policy(const struct wga_command *cmd, int argc, char **argv)
{
	void *own = calloc(1, wga_cmd_capture.own_size);
	struct wga_options opt;
	int first, status;

	if (!own) {
		struct wga_err err;

		wga_err_set(&err, "out-of-memory", "out of memory");
		return wga_options_refuse(argc, argv, &err);
	}
	first = wga_options_parse(&opt, cmd, own, argc, argv);
	if (first < 0) {
		free(own);
		return opt.status;
	}
	status = run_verb(&opt, argc - first, argv + first);
	wga_options_free(&opt);
	free(own);
	return status;
}

const struct wga_command wga_cmd_policy = {
	.name = "policy",
	.args = "check|show FILE",
	.summary = "check a policy, or show what stands in effect with it",
	.about = "A policy declares in one YAML file what options can declare: its keys are named\n"
		 "as the options below, --policy, --headscale and output aside. \"check\" tells all\n"
		 "that is wrong with FILE, \"show\" what stands in effect with it and these options,\n"
		 "and where each of it comes from.",
	.options = wga_capture_options,
	.policy_at = 2,
	.run = run_policy,
};
