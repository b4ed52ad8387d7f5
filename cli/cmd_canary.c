/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A canary is a prefix that all share, so that thousands are looked for at the
 * cost of one (analyze/canary.h), and random characters of five bits each. All
 * are of [a-z0-9-] and no longer than a DNS label, so URLs, host names and file
 * names carry them as they are.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/canary.h"
#include "cli/options.h"

#define PREFIX		"wgaudit-canary-"
/* 8 bytes make a window of the search that is worth skipping */
#define PREFIX_MIN	8
/* RFC 1035, section 2.3.4 */
#define LABEL_MAX	63
/* 26 characters of 5 bits: 130 */
#define RANDOM_LEN	26
#define PREFIX_MAX	(LABEL_MAX - RANDOM_LEN)

struct canary_options {
	unsigned long count;
	const char *prefix;
};

static int set_count(void *own, const char *arg, struct wga_err *err)
{
	struct canary_options *o = own;
	char *end;

	errno = 0;
	o->count = strtoul(arg, &end, 10);
	if (!isdigit((unsigned char)arg[0]) || *end || errno || !o->count ||
	    o->count > WGA_CANARIES_MAX)
		return wga_err_set(err, "usage",
				   "--count wants a number from 1 to %d, not \"%s\"",
				   WGA_CANARIES_MAX, arg);
	return 0;
}

static int set_prefix(void *own, const char *arg, struct wga_err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	struct canary_options *o = own;
	size_t len = strlen(arg);

	if (len < PREFIX_MIN || len > PREFIX_MAX ||
	    strspn(arg, allowed) != len || arg[0] == '-')
		return wga_err_set(err, "usage",
				   "--prefix wants %d to %d characters of a-z, 0-9 and \"-\", the first no \"-\", not \"%s\"",
				   PREFIX_MIN, PREFIX_MAX, arg);
	o->prefix = arg;
	return 0;
}

static const struct wga_option options[] = {
	{ .name = "count", .arg = "N", .help = "how many", .set = set_count,
	  .preset = "1" },
	{ .name = "prefix", .arg = "P", .help = "what all begin with",
	  .set = set_prefix, .preset = PREFIX },
	{ .name = NULL },
};

static int random_text(char text[static RANDOM_LEN + 1])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char bytes[RANDOM_LEN];
	size_t i;

	if (getentropy(bytes, sizeof(bytes)))
		return -1;
	for (i = 0; i < RANDOM_LEN; i++)
		text[i] = digits[bytes[i] & 31];
	text[RANDOM_LEN] = '\0';
	return 0;
}

static int print_new(const struct wga_options *opt,
		     const struct canary_options *o)
{
	char text[RANDOM_LEN + 1];
	bool json = wga_outputs_machine(&opt->outputs);
	struct wga_err err;
	unsigned long i;

	if (json)
		fputs("{\"schema\": \"wgaudit/1\", \"canaries\": [\n", stdout);
	for (i = 0; i < o->count; i++) {
		if (random_text(text)) {
			wga_err_set(&err, "no-random-bytes",
				    "the system has no random bytes: %s",
				    strerror(errno));
			return wga_options_fail(opt, &err);
		}
		if (json)
			printf("\"%s%s\"%s\n", o->prefix, text,
			       i + 1 < o->count ? "," : "");
		else
			printf("%s%s\n", o->prefix, text);
	}
	if (json)
		fputs("]}\n", stdout);
	return wga_options_written(opt, 0, WGA_EXIT_PASS);
}

static int canary_run(const struct wga_command *cmd, int argc, char **argv)
{
	struct canary_options own = { .count = 1, .prefix = PREFIX };
	struct wga_options opt;
	struct wga_err err;
	int first, status;

	first = wga_options_parse(&opt, cmd, &own, argc, argv);
	if (first < 0)
		return opt.status;
	if (first == argc) {
		wga_options_help(stderr, cmd);
		status = WGA_EXIT_ERROR;
	} else if (strcmp(argv[first], "new") || first + 1 < argc) {
		wga_err_set(&err, "usage",
			    "canary %s: the only subcommand is \"new\", without operands; see wgaudit canary --help",
			    argv[strcmp(argv[first], "new") ? first : first + 1]);
		status = wga_options_fail(&opt, &err);
	} else {
		status = print_new(&opt, &own);
	}
	wga_options_free(&opt);
	return status;
}

const struct wga_command wga_cmd_canary = {
	.name = "canary",
	.args = "new",
	.summary = "make texts that must never be seen on the wire",
	.about = "Prints random texts, one on each line, for --canary and --canary-file: send them\n"
		 "through the mesh while it is captured; where one is seen, something leaks.",
	.options = options,
	.undeclared = true,
	.run = canary_run,
};
