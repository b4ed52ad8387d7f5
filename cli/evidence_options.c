/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/duration.h"
#include "cli/evidence_options.h"

#define SIZE_LEAST	((uint64_t)4096)
#define SIZE_LIMIT	((uint64_t)1 << 50)

static int set_path(void *own, const char *arg, struct wga_err *err)
{
	struct wga_evidence_options *opt = own;

	if (!arg[0] || !strcmp(arg, "-"))
		return wga_err_set(err, "usage",
				   "--write wants the name of a file, not \"%s\"",
				   arg);
	opt->path = arg;
	return 0;
}

static int set_only(void *own, const char *arg, struct wga_err *err)
{
	struct wga_evidence_options *opt = own;

	if (!strcmp(arg, "all"))
		opt->only = WGA_WRITE_ALL;
	else if (!strcmp(arg, "violations"))
		opt->only = WGA_WRITE_VIOLATIONS;
	else if (!strcmp(arg, "headers"))
		opt->only = WGA_WRITE_HEADERS;
	else
		return wga_err_set(err, "usage",
				   "--write-only wants all, headers or violations, not \"%s\"",
				   arg);
	return 0;
}

/* what a number is multiplied by, or 0 */
static uint64_t unit_of(const char *text)
{
	if (!*text)
		return 1;
	if (text[1])
		return 0;
	switch (*text) {
	case 'k':
	case 'K':
		return (uint64_t)1 << 10;
	case 'M':
		return (uint64_t)1 << 20;
	case 'G':
		return (uint64_t)1 << 30;
	default:
		return 0;
	}
}

static int set_size(void *own, const char *arg, struct wga_err *err)
{
	struct wga_evidence_options *opt = own;
	unsigned long long n;
	uint64_t unit;
	char *end;

	errno = 0;
	n = strtoull(arg, &end, 10);
	unit = *arg >= '0' && *arg <= '9' && !errno ? unit_of(end) : 0;
	if (!unit || n > SIZE_LIMIT / unit || n * unit < SIZE_LEAST)
		return wga_err_set(err, "usage",
				   "--write-size wants a size from 4k up, such as 100M, not \"%s\"",
				   arg);
	opt->size = n * unit;
	return 0;
}

static int set_files(void *own, const char *arg, struct wga_err *err)
{
	struct wga_evidence_options *opt = own;

	return wga_count_parse(arg, "--write-files", 100000, &opt->files, err);
}

const struct wga_option wga_evidence_option_table[] = {
	{ "write", "FILE.pcapng", "evidence: the frames, with comments on what is wrong",
	  set_path, 0, NULL },
	{ "write-only", "WHAT", "all (default), headers, violations", set_only, 0, NULL },
	{ "write-size", "SIZE", "begin a new evidence file at this size (100M)",
	  set_size, 0, NULL },
	{ "write-files", "N", "keep the last N evidence files only", set_files,
	  0, NULL },
};
static_assert(sizeof(wga_evidence_option_table) ==
	      WGA_EVIDENCE_OPTIONS * sizeof(struct wga_option),
	      "the number is that of the table");

int wga_evidence_options_check(const struct wga_evidence_options *opt,
			       struct wga_err *err)
{
	if (!opt->path && (opt->only || opt->size || opt->files))
		return wga_err_set(err, "usage",
				   "--write-only, --write-size and --write-files want --write FILE.pcapng");
	if (opt->files && !opt->size)
		return wga_err_set(err, "usage",
				   "--write-files wants --write-size: without it there is one file only");
	return 0;
}
