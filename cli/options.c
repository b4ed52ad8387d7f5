/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/headscale.h"
#include "cli/options.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* what declares something: goes into struct wga_config */
static const struct {
	const char *name, *arg, *help;
	int (*set)(struct wga_config *cfg, const char *arg, struct wga_err *err);
	unsigned int flags;	/* WGA_OPTION_* */
	const char *preset;
} declare[] = {
	{ "mesh", "FILE", "node registry: headscale nodes list -o json",
	  wga_config_mesh, WGA_OPTION_MANY | WGA_OPTION_PATH, NULL },
	{ "node-keys", "FILE", "private node keys, lines NAME privkey:HEX",
	  wga_config_node_keys, WGA_OPTION_MANY | WGA_OPTION_PATH, NULL },
	{ "tls-keys", "FILE", "TLS key log of DERP and control",
	  wga_config_tls_keys, WGA_OPTION_MANY | WGA_OPTION_PATH, NULL },
	{ "derp", "HOST:PORT", "declared DERP server", wga_config_derp,
	  WGA_OPTION_MANY, NULL },
	{ "control", "HOST:PORT", "declared control server",
	  wga_config_control, WGA_OPTION_MANY, NULL },
	{ "infra", "ADDR[:PORT]", "other declared infrastructure",
	  wga_config_infra, WGA_OPTION_MANY, NULL },
	{ "vm", "NAME=ADDR", "declared host of the mesh", wga_config_vm,
	  WGA_OPTION_MANY | WGA_OPTION_MAP, NULL },
	{ "gateway", "ADDR", "gateway of a bridge; else inferred",
	  wga_config_gateway, WGA_OPTION_MANY, NULL },
	{ "canary", "STRING", "bytes that must never be seen",
	  wga_config_canary, WGA_OPTION_MANY, NULL },
	{ "canary-file", "FILE", "the same, one on each line",
	  wga_config_canary_file, WGA_OPTION_MANY | WGA_OPTION_PATH, NULL },
	{ "require", "LEVEL", "least evidence: bound, identified, opened",
	  wga_config_require, 0, "bound" },
	{ "expect-pair", "A,B", "pair that must have talked encrypted",
	  wga_config_expect, WGA_OPTION_MANY, NULL },
	{ "accept", "CODE", "take out one inconclusive reason",
	  wga_config_accept, WGA_OPTION_MANY, NULL },
	{ "trust-elided", NULL, "believe what evidence says of frames it cut",
	  wga_config_trust_elided, 0, NULL },
};

/* where what is declared can stand instead */
static const struct wga_option policy = {
	.name = "policy", .arg = "FILE",
	.help = "all of this, and what capture takes, in YAML",
	.flags = WGA_OPTION_MANY,
};

/* Not for policies: reading a file must not run what it says. It takes time,
 * and is done when the rest of the command line is known to be right.
 */
static const struct wga_option headscale = {
	.name = "headscale", .arg = "CMD",
	.help = "command that prints the node registry, run at start",
	.flags = WGA_OPTION_MANY,
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

/* the first ones are for every command, the others for those with a verdict */
enum { PRESENT_COLOR, PRESENT_HELP, PRESENT_JSON, PRESENT_COMMON };

/* values that getopt_long() returns: a table and an index into it */
enum {
	TABLE_DECLARE = 0x100, TABLE_PRESENT = 0x200, TABLE_OWN = 0x300,
	TABLE_POLICY = 0x400, TABLE_EVIDENCE = 0x500,
	TABLE_HEADSCALE = 0x600,
};

#define OWN_MAX		16

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/**
 * struct given - an option on the command line
 * @val:	as of getopt_long(); -1: it is wrong
 */
struct given {
	int val;
	const char *arg;
};

/**
 * struct parse - a command line that is being read
 * @given, @n:	options in their order, but for those that say how to write:
 *		these are heeded at once, for an error that comes before them
 * @wrong:	why the first wrong one is wrong
 * @failed:	@err holds the first error; nothing more is taken
 */
struct parse {
	struct wga_options *opt;
	const struct wga_command *cmd;
	void *own;
	enum color color;
	struct given *given;
	size_t n;
	struct wga_err wrong;
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

static size_t presents(const struct wga_command *cmd)
{
	return cmd->undeclared ? PRESENT_COMMON : COUNT(present);
}

static void table_fill(struct option *table, const struct wga_command *cmd)
{
	const struct wga_option *own = cmd->options;
	size_t i, n = 0;

	for (i = 0; i < COUNT(declare) && !cmd->undeclared; i++)
		table_add(table, &n, declare[i].name, declare[i].arg,
			  TABLE_DECLARE + (int)i);
	for (i = 0; i < presents(cmd); i++)
		table_add(table, &n, present[i].name, present[i].arg,
			  TABLE_PRESENT + (int)i);
	for (i = 0; own && own[i].name && i < OWN_MAX; i++)
		table_add(table, &n, own[i].name, own[i].arg,
			  TABLE_OWN + (int)i);
	for (i = 0; i < WGA_EVIDENCE_OPTIONS && !cmd->undeclared; i++)
		table_add(table, &n, wga_evidence_option_table[i].name,
			  wga_evidence_option_table[i].arg,
			  TABLE_EVIDENCE + (int)i);
	if (!cmd->undeclared) {
		table_add(table, &n, policy.name, policy.arg, TABLE_POLICY);
		table_add(table, &n, headscale.name, headscale.arg,
			  TABLE_HEADSCALE);
	}
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
	struct wga_err *err = p->wrong.code[0] ? NULL : &p->wrong;
	int ret = 0;

	switch (val & ~0xff) {
	case TABLE_PRESENT:
		if (val == TABLE_PRESENT + PRESENT_HELP)
			break;
		ret = set_present(p, val & 0xff, optarg, err);
		if (!ret)
			return;
		break;
	case TABLE_DECLARE:
	case TABLE_OWN:
	case TABLE_POLICY:
	case TABLE_EVIDENCE:
	case TABLE_HEADSCALE:
		break;
	default:
		ret = bad_option(p, val, word, err);
	}
	p->given[p->n++] = (struct given){ ret < 0 ? -1 : val, optarg };
}

static void read_options(struct parse *p, int argc, char **argv)
{
	struct option table[COUNT(declare) + COUNT(present) + OWN_MAX +
			    WGA_EVIDENCE_OPTIONS + 3];
	size_t room = 1;
	int val, i;

	/* an argument can hold as many short options as it has letters */
	for (i = 0; i < argc; i++)
		room += strlen(argv[i]);
	p->given = calloc(room, sizeof(*p->given));
	if (!p->given) {
		p->failed = true;
		wga_err_set(&p->err, "out-of-memory", "out of memory");
		return;
	}
	table_fill(table, p->cmd);
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while ((val = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		if (val == 'h')
			val = TABLE_PRESENT + PRESENT_HELP;
		take(p, val, argv[optind - 1]);
	}
}

const struct wga_option *wga_options_key(size_t i, struct wga_option *key)
{
	const struct wga_option *own = wga_capture_options;

	if (i < COUNT(declare)) {
		*key = (struct wga_option){
			.name = declare[i].name, .arg = declare[i].arg,
			.help = declare[i].help, .flags = declare[i].flags,
			.preset = declare[i].preset,
		};
		return key;
	}
	for (i -= COUNT(declare); i && own->name; i--)
		own++;
	*key = *own;
	return own->name ? key : NULL;
}

/* the setters of capture fill what is its own, if this is capture */
static int set_key(struct parse *p, size_t key, const char *arg,
		   struct wga_err *err)
{
	void *own = p->own;

	if (key < COUNT(declare))
		return declare[key].set(&p->opt->cfg, arg, err);
	if (p->cmd->options != wga_capture_options) {
		if (!p->opt->scratch)
			p->opt->scratch = calloc(1, wga_cmd_capture.own_size);
		own = p->opt->scratch;
		if (!own)
			return wga_err_set(err, "out-of-memory",
					   "out of memory");
	}
	return wga_capture_options[key - COUNT(declare)].set(own, arg, err);
}

/* @file says once more what a policy has said already: a list has it once */
static bool is_known(const struct wga_options *opt, size_t key, const char *arg,
		     const char *file)
{
	size_t i;

	for (i = 0; i < opt->n_items; i++) {
		const struct wga_item *item = &opt->items[i];

		if (item->key == key && item->file && item->file != file &&
		    !strcmp(item->arg, arg))
			return true;
	}
	return false;
}

/* @arg: "true" or "false" if the option takes none */
static int take_key(struct parse *p, size_t key, const char *arg,
		    const char *file, unsigned int line, struct wga_err *err)
{
	struct wga_options *opt = p->opt;
	struct wga_option o;
	struct wga_item *grown;

	wga_options_key(key, &o);
	if (o.flags & WGA_OPTION_MANY && is_known(opt, key, arg, file))
		return 0;
	if ((o.arg || !strcmp(arg, "true")) &&
	    set_key(p, key, o.arg ? arg : NULL, err) < 0)
		return -1;
	grown = reallocarray(opt->items, opt->n_items + 1, sizeof(*grown));
	if (!grown)
		return wga_err_set(err, "out-of-memory", "out of memory");
	opt->items = grown;
	grown[opt->n_items++] = (struct wga_item){ key, arg, file, line };
	return 0;
}

static int load_policy(struct wga_policy *pol, const char *path,
		       struct wga_err *err)
{
	struct wga_policy_key *keys = NULL;
	struct wga_option o;
	size_t n, i;
	int ret;

	for (n = 0; wga_options_key(n, &o); n++)
		;
	keys = calloc(n, sizeof(*keys));
	if (!keys)
		return wga_err_set(err, "out-of-memory", "out of memory");
	for (i = 0; i < n; i++) {
		wga_options_key(i, &o);
		keys[i] = (struct wga_policy_key){ o.name, o.arg, o.flags };
	}
	ret = wga_policy_load(pol, path, keys, n, err);
	free(keys);
	return ret;
}

/* a policy about which something is wrong fails a run, but not a command that
 * is there to tell what is wrong
 */
static int take_policy(struct parse *p, const char *path, bool examined,
		       struct wga_err *err)
{
	struct wga_options *opt = p->opt;
	struct wga_policy *pol = reallocarray(opt->policies, opt->n_policies + 1,
					      sizeof(*pol));
	struct wga_err why;
	size_t i, len;

	if (!pol)
		return wga_err_set(err, "out-of-memory", "out of memory");
	opt->policies = pol;
	pol += opt->n_policies++;
	if (load_policy(pol, path, err) < 0)
		return -1;
	for (i = 0; i < pol->n_entries; i++) {
		const struct wga_policy_entry *e = &pol->entries[i];
		struct wga_option o;

		if (take_key(p, e->key, e->value, pol->path, e->line, &why) < 0 &&
		    wga_policy_refuse(pol, e, wga_options_key(e->key, &o)->name,
				      &why) < 0)
			return wga_err_set(err, "out-of-memory",
					   "out of memory");
	}
	if (!pol->n_faults || examined)
		return 0;
	wga_policy_fault_err(pol, 0, err);
	len = strlen(err->text);
	if (pol->n_faults > 1)
		snprintf(err->text + len, sizeof(err->text) - len,
			 " (and %zu more: wgaudit policy check)",
			 pol->n_faults - 1);
	return -1;
}

static int take_given(struct parse *p, const struct given *g,
		      struct wga_err *err)
{
	const bool capture = p->cmd->options == wga_capture_options;
	size_t at = (size_t)g->val & 0xff;

	switch (g->val & ~0xff) {
	case TABLE_DECLARE:
		return take_key(p, at, g->arg ? g->arg : "true", NULL, 0, err);
	case TABLE_OWN:
		if (!capture)
			return p->cmd->options[at].set(p->own, g->arg, err);
		return take_key(p, COUNT(declare) + at,
				g->arg ? g->arg : "true", NULL, 0, err);
	case TABLE_EVIDENCE:
		return wga_evidence_option_table[at].set(&p->opt->evidence,
							 g->arg, err);
	default:
		return 0;
	}
}

/* Help is help, unless something wrong comes before it. */
static void take_all(struct parse *p, int argc, char **argv)
{
	const int at = optind + p->cmd->policy_at - 1;
	size_t i;

	for (i = 0; i < p->n && p->given[i].val != -1; i++) {
		if (p->given[i].val == TABLE_PRESENT + PRESENT_HELP)
			p->help = true;
	}
	if (p->help)
		return;
	if (p->cmd->policy_at && at < argc)
		p->failed = take_policy(p, argv[at], true, &p->err) < 0;
	for (i = 0; i < p->n && !p->failed; i++) {
		if (p->given[i].val == TABLE_POLICY)
			p->failed = take_policy(p, p->given[i].arg, false,
						&p->err) < 0;
	}
	for (i = 0; i < p->n && !p->failed; i++) {
		p->failed = p->given[i].val == -1;
		if (p->failed)
			p->err = p->wrong;
		else
			p->failed = take_given(p, &p->given[i], &p->err) < 0;
	}
	if (!p->failed)
		p->failed = wga_evidence_options_check(&p->opt->evidence,
						       &p->err) < 0;
	p->opt->cfg.review = p->opt->evidence.path != NULL;
}

static int finish(struct parse *p, struct wga_err *err)
{
	struct wga_config *cfg = &p->opt->cfg;
	size_t i;

	if (wga_outputs_check(&p->opt->outputs, err) < 0)
		return -1;
	for (i = 0; i < p->n; i++) {
		if (p->given[i].val == TABLE_HEADSCALE &&
		    wga_headscale_load(cfg, p->given[i].arg, err) < 0)
			return -1;
	}
	return wga_config_check(cfg, err);
}

static void print_warnings(const struct wga_options *opt)
{
	struct wga_err line;
	size_t i;

	for (i = 0; i < opt->cfg.n_warnings; i++) {
		wga_err_set(&line, "warning", "warning: %s",
			    opt->cfg.warnings[i]);
		wga_render_text.error(stderr, &line, &opt->render);
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
	struct parse p = { .opt = &opt, .cmd = &none };
	int status;

	options_init(&opt);
	read_options(&p, argc, argv);
	free(p.given);
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
	if (!p.failed)
		take_all(&p, argc, argv);
	if (!p.help && !p.failed)
		p.failed = finish(&p, &p.err) < 0;
	free(p.given);
	if (!p.help && !p.failed) {
		print_warnings(opt);
		return optind;
	}

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
	size_t i;

	for (i = 0; i < opt->n_policies; i++)
		wga_policy_free(&opt->policies[i]);
	free(opt->policies);
	free(opt->items);
	free(opt->scratch);
	wga_config_free(&opt->cfg);
}

static void help_line(FILE *out, const struct wga_option *o)
{
	int n = fprintf(out, "  --%s%s%s", o->name, o->arg ? " " : "",
			o->arg ? o->arg : "");

	fprintf(out, "%*s%s", n < 24 ? 24 - n : 1, "", o->help);
	if (o->flags & WGA_OPTION_MANY)
		fputs(" (repeatable)", out);
	if (o->preset)
		fprintf(out, " (%s)", o->preset);
	fputc('\n', out);
}

void wga_options_help(FILE *out, const struct wga_command *cmd)
{
	const struct wga_option *own = cmd->options;
	struct wga_option o;
	size_t i;

	fprintf(out, "usage: wgaudit %s [OPTION...] %s\n\n%s\n", cmd->name,
		cmd->args, cmd->about);
	if (own) {
		fprintf(out, "\nOptions of %s:\n", cmd->name);
		for (i = 0; own[i].name; i++)
			help_line(out, &own[i]);
	}
	if (!cmd->undeclared) {
		fputs("\nWhat is declared:\n", out);
		for (i = 0; i < COUNT(declare); i++)
			help_line(out, wga_options_key(i, &o));
		help_line(out, &policy);
		help_line(out, &headscale);
		fputs("\nEvidence:\n", out);
		for (i = 0; i < WGA_EVIDENCE_OPTIONS; i++)
			help_line(out, &wga_evidence_option_table[i]);
	}
	fputs("\nOutput:\n", out);
	for (i = 0; i < presents(cmd); i++)
		help_line(out, &(const struct wga_option){
			.name = present[i].name, .arg = present[i].arg,
			.help = present[i].help,
		});
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

int wga_options_flawed(const struct wga_options *opt,
		       const struct wga_verdict *v, const struct wga_err *err)
{
	const struct wga_render_options render = at_end(opt, WGA_EXIT_ERROR);
	struct wga_options with = *opt;
	struct wga_outputs files = opt->outputs;

	with.render.error = err;
	wga_options_verdict(&with, v);
	/* in the document on standard output the error is already */
	if (wga_outputs_machine(&files))
		files.screen = NULL;
	wga_outputs_error(&files, err, &render);
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
