/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/options.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* what declares something: goes into struct wga_config */
static const struct {
	const char *name, *arg, *help;
	int (*set)(struct wga_config *cfg, const char *arg, struct wga_err *err);
} declare[] = {
	{ "mesh", "FILE", "node registry: headscale nodes list -o json (repeatable)",
	  wga_config_mesh },
	{ "derp", "HOST:PORT", "declared DERP server (repeatable)",
	  wga_config_derp },
	{ "control", "HOST:PORT", "declared control server (repeatable)",
	  wga_config_control },
	{ "infra", "ADDR[:PORT]", "other declared infrastructure (repeatable)",
	  wga_config_infra },
	{ "vm", "NAME=ADDR", "declared host of the mesh (repeatable)",
	  wga_config_vm },
	{ "gateway", "ADDR", "gateway of a bridge; else inferred (repeatable)",
	  wga_config_gateway },
	{ "canary", "STRING", "bytes that must never be seen (repeatable)",
	  wga_config_canary },
	{ "require", "LEVEL", "least evidence: bound (default), identified, opened",
	  wga_config_require },
	{ "expect-pair", "A,B", "pair that must have talked encrypted (repeatable)",
	  wga_config_expect },
	{ "accept", "CODE", "take out one inconclusive reason (repeatable)",
	  wga_config_accept },
};

/* what says how to write */
static const struct {
	const char *name, *arg, *help;
	const struct wga_renderer *renderer;
} present[] = {
	{ "color", "WHEN", "auto (default; NO_COLOR is honoured), always, never",
	  NULL },
	{ "help", NULL, "this text", NULL },
	{ "json", NULL, "one JSON document on standard output",
	  &wga_render_json },
	{ "jsonl", NULL, "a JSON line per flow, session, pair, then the verdict",
	  &wga_render_jsonl },
	{ "junit", "FILE", "JUnit XML; FILE \"-\" is standard output",
	  &wga_render_junit },
	{ "sarif", "FILE", "SARIF 2.1.0", &wga_render_sarif },
	{ "prometheus", "FILE", "metrics for node_exporter's textfile collector",
	  &wga_render_prometheus },
};

enum { PRESENT_COLOR, PRESENT_HELP };

/* values that getopt_long() returns: a table and an index into it */
enum { TABLE_DECLARE = 0x100, TABLE_PRESENT = 0x200, TABLE_OWN = 0x300 };

#define OWN_MAX		16

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/**
 * struct parse - a command line that is being read
 * @failed:	@err holds the first error; from then on only options that say
 *		how to write are heeded
 */
struct parse {
	struct wga_options *opt;
	const struct wga_command *cmd;
	void *own;
	enum color color;
	bool help, failed;
	struct wga_err err;
};

static void table_add(struct option *table, size_t *n, const char *name,
		      const char *arg, int val)
{
	table[(*n)++] = (struct option){
		.name = name,
		.has_arg = arg ? required_argument : no_argument,
		.val = val,
	};
}

static void table_fill(struct option *table, const struct wga_command *cmd)
{
	const struct wga_option *own = cmd->options;
	size_t i, n = 0;

	for (i = 0; i < COUNT(declare) && !cmd->undeclared; i++)
		table_add(table, &n, declare[i].name, declare[i].arg,
			  TABLE_DECLARE + (int)i);
	for (i = 0; i < COUNT(present); i++)
		table_add(table, &n, present[i].name, present[i].arg,
			  TABLE_PRESENT + (int)i);
	for (i = 0; own && own[i].name && i < OWN_MAX; i++)
		table_add(table, &n, own[i].name, own[i].arg,
			  TABLE_OWN + (int)i);
	table[n] = (struct option){ 0 };
}

static int set_color(enum color *color, const char *arg, struct wga_err *err)
{
	static const char *const words[] = { "auto", "always", "never" };
	size_t i;

	for (i = 0; i < COUNT(words); i++) {
		if (!strcmp(words[i], arg)) {
			*color = (enum color)i;
			return 0;
		}
	}
	return wga_err_set(err, "usage",
			   "--color wants auto, always or never, not \"%s\"", arg);
}

static int set_present(struct parse *p, int which, const char *arg,
		       struct wga_err *err)
{
	switch (which) {
	case PRESENT_COLOR:
		return set_color(&p->color, arg, err);
	case PRESENT_HELP:
		p->help = p->help || !p->failed;
		return 0;
	default:
		return wga_outputs_add(&p->opt->outputs,
				       present[which].renderer,
				       arg ? arg : "-", err);
	}
}

/* @word is what stood on the command line when getopt_long() did not know it */
static int bad_option(const struct parse *p, int val, const char *word,
		      struct wga_err *err)
{
	const char *name = p->cmd->name;

	if (val == ':')
		return wga_err_set(err, "usage",
				   "%s wants an argument; see wgaudit %s --help",
				   word, name);
	if (optopt > 0xff)
		return wga_err_set(err, "usage",
				   "%.*s takes no argument; see wgaudit %s --help",
				   (int)strcspn(word, "="), word, name);
	if (optopt)
		return wga_err_set(err, "usage",
				   "unknown option -%c; see wgaudit %s --help",
				   optopt, name);
	return wga_err_set(err, "usage",
			   "unknown option %.*s; see wgaudit %s --help",
			   (int)strcspn(word, "="), word, name);
}

static void take(struct parse *p, int val, const char *word)
{
	int ret = 0, at = val & 0xff;
	struct wga_err err;

	switch (val & ~0xff) {
	case TABLE_PRESENT:
		ret = set_present(p, at, optarg, &err);
		break;
	case TABLE_DECLARE:
		if (!p->failed)
			ret = declare[at].set(&p->opt->cfg, optarg, &err);
		break;
	case TABLE_OWN:
		if (!p->failed)
			ret = p->cmd->options[at].set(p->own, optarg, &err);
		break;
	default:
		ret = bad_option(p, val, word, &err);
	}
	if (ret < 0 && !p->failed) {
		p->failed = true;
		p->err = err;
	}
}

static void read_options(struct parse *p, int argc, char **argv)
{
	struct option table[COUNT(declare) + COUNT(present) + OWN_MAX + 1];
	int val;

	table_fill(table, p->cmd);
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while ((val = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		if (val == 'h')
			val = TABLE_PRESENT + PRESENT_HELP;
		take(p, val, argv[optind - 1]);
	}
}

static void settle_render(struct wga_options *opt, enum color color)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	bool tty = isatty(STDOUT_FILENO);
	struct winsize size;

	opt->render.color = color == COLOR_ALWAYS ||
		(color == COLOR_AUTO && tty && !(no_color && *no_color) &&
		 !(term && !strcmp(term, "dumb")));
	if (!tty)
		return;
	opt->render.width = 80;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		opt->render.width = size.ws_col;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void options_init(struct wga_options *opt)
{
	*opt = (struct wga_options){ .render.run.start_ns = now_ns() };
	if (!gethostname(opt->host, sizeof(opt->host) - 1))
		opt->render.run.host = opt->host;
	wga_config_init(&opt->cfg);
}

int wga_options_refuse(int argc, char **argv, const struct wga_err *err)
{
	const struct wga_command none = { .name = "help" };
	struct wga_options opt;
	struct parse p = { .opt = &opt, .cmd = &none, .failed = true };
	int status;

	options_init(&opt);
	read_options(&p, argc, argv);
	status = wga_options_fail(&opt, err);
	wga_options_free(&opt);
	return status;
}

int wga_options_parse(struct wga_options *opt, const struct wga_command *cmd,
		      void *own, int argc, char **argv)
{
	struct parse p = { .opt = opt, .cmd = cmd, .own = own };

	options_init(opt);
	read_options(&p, argc, argv);
	settle_render(opt, p.color);
	if (!p.help && !p.failed)
		p.failed = wga_outputs_check(&opt->outputs, &p.err) < 0;
	if (!p.help && !p.failed)
		return optind;

	if (p.help) {
		wga_options_help(stdout, cmd);
		opt->status = WGA_EXIT_PASS;
	} else {
		opt->status = wga_options_fail(opt, &p.err);
	}
	wga_options_free(opt);
	return -1;
}

void wga_options_free(struct wga_options *opt)
{
	wga_config_free(&opt->cfg);
}

static void help_line(FILE *out, const char *name, const char *arg,
		      const char *help)
{
	int n = fprintf(out, "  --%s%s%s", name, arg ? " " : "", arg ? arg : "");

	fprintf(out, "%*s%s\n", n < 24 ? 24 - n : 1, "", help);
}

void wga_options_help(FILE *out, const struct wga_command *cmd)
{
	const struct wga_option *own = cmd->options;
	size_t i;

	fprintf(out, "usage: wgaudit %s [OPTION...] %s\n\n%s\n", cmd->name,
		cmd->args, cmd->about);
	if (own) {
		fprintf(out, "\nOptions of %s:\n", cmd->name);
		for (i = 0; own[i].name; i++)
			help_line(out, own[i].name, own[i].arg, own[i].help);
	}
	if (!cmd->undeclared)
		fputs("\nWhat is declared:\n", out);
	for (i = 0; i < COUNT(declare) && !cmd->undeclared; i++)
		help_line(out, declare[i].name, declare[i].arg, declare[i].help);
	fputs("\nOutput:\n", out);
	for (i = 0; i < COUNT(present); i++)
		help_line(out, present[i].name, present[i].arg, present[i].help);
	fputs("\nExit status: 0 pass, 1 violation, 2 wrong usage or operational error,\n"
	      "3 inconclusive.\n", out);
}

static struct wga_render_options at_end(const struct wga_options *opt,
					int status)
{
	struct wga_render_options render = opt->render;

	render.run.end_ns = now_ns();
	render.run.status = status;
	return render;
}

int wga_options_fail(const struct wga_options *opt, const struct wga_err *err)
{
	const struct wga_render_options render = at_end(opt, WGA_EXIT_ERROR);

	wga_outputs_error(&opt->outputs, err, &render);
	return WGA_EXIT_ERROR;
}

int wga_options_written(const struct wga_options *opt, int ret, int status)
{
	struct wga_err err;

	if (ret >= 0 && !fflush(stdout))
		return status;
	wga_err_set(&err, "write-failed",
		    "cannot write the result to standard output");
	wga_render_text.error(stderr, &err, &opt->render);
	return WGA_EXIT_ERROR;
}

static enum wga_exit exit_of(enum wga_outcome outcome)
{
	switch (outcome) {
	case WGA_PASS:
		return WGA_EXIT_PASS;
	case WGA_VIOLATION:
		return WGA_EXIT_VIOLATION;
	case WGA_INCONCLUSIVE:
		break;
	}
	return WGA_EXIT_INCONCLUSIVE;
}

int wga_options_verdict(const struct wga_options *opt,
			const struct wga_verdict *v)
{
	const struct wga_render_options render =
		at_end(opt, (int)exit_of(v->outcome));
	struct wga_err err;

	if (wga_outputs_verdict(&opt->outputs, v, &render, &err) < 0)
		return wga_options_fail(opt, &err);
	return render.run.status;
}
