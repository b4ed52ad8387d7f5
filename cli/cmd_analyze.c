/* SPDX-License-Identifier: MIT */
#include "analyze/run.h"
#include "cli/cmd_analyze.h"
#include "cli/evidence.h"
#include "cli/feed.h"
#include "cli/options.h"

static int judge(const struct wga_options *opt, char *const *paths, size_t n)
{
	struct wga_run *run = wga_run_new(&opt->cfg);
	unsigned int bridges[WGA_FEED_MAX] = { 0 };
	struct wga_verdict *verdict = NULL;
	struct wga_err err;
	int status;

	if (!run) {
		wga_err_set(&err, "out-of-memory", "out of memory");
		return wga_options_fail(opt, &err);
	}
	if ((opt->evidence.path &&
	     wga_evidence_check(&opt->evidence, paths, n, &err) < 0) ||
	    wga_feed_counted(run, &opt->cfg, paths, n, bridges, &err) < 0 ||
	    wga_run_judge(run, &verdict, &err) < 0)
		status = wga_options_fail(opt, &err);
	else if (opt->evidence.path &&
		 wga_evidence_files(&opt->evidence, run, verdict, paths, n,
				    bridges, &err) < 0)
		status = wga_options_flawed(opt, verdict, &err);
	else
		status = wga_options_verdict(opt, verdict);

	wga_verdict_free(verdict);
	wga_run_free(run);
	return status;
}

int wga_analyze(const struct wga_command *cmd, bool brief, int argc,
		char **argv)
{
	struct wga_options opt;
	struct wga_err err;
	int first, status;

	first = wga_options_parse(&opt, cmd, NULL, argc, argv);
	if (first < 0)
		return opt.status;
	opt.render.brief = brief;
	opt.render.run.paths = argv + first;
	opt.render.run.n_paths = (size_t)(argc - first);

	if (first == argc) {
		wga_err_set(&err, "usage",
			    "%s wants at least one FILE (\"-\" is standard input); see wgaudit %s --help",
			    cmd->name, cmd->name);
		status = wga_options_fail(&opt, &err);
	} else {
		status = judge(&opt, argv + first, (size_t)(argc - first));
	}
	wga_options_free(&opt);
	return status;
}

static int analyze_run(const struct wga_command *cmd, int argc, char **argv)
{
	return wga_analyze(cmd, false, argc, argv);
}

const struct wga_command wga_cmd_analyze = {
	.name = "analyze",
	.args = "FILE...",
	.summary = "judge the frames of pcap or pcapng files",
	.about = "Judges every frame of the capture files (pcap or pcapng, plain, gzip or zstd;\n"
		 "\"-\" is standard input). Several files are several bridges of one run.",
	.run = analyze_run,
};
