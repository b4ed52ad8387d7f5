/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "report/seal.h"

static int set_key(void *own, const char *arg, struct wga_err *err)
{
	const char **key = own;

	(void)err;
	*key = arg;
	return 0;
}

static const struct wga_option verify_options[] = {
	{ "key", "FILE.pub", "public key that must have signed", set_key, 0,
	  NULL },
	{ 0 },
};

static int verify(const struct wga_options *opt, const char *key,
		  const char *dir)
{
	uint8_t signer[WGA_SEAL_PUBLIC_LEN];
	struct wga_seal_report report;
	struct wga_err err;
	int status;

	if (key && wga_seal_key_public(key, signer, &err) < 0)
		return wga_options_fail(opt, &err);
	if (wga_seal_verify(dir, key ? signer : NULL, &report, &err) < 0) {
		status = wga_options_fail(opt, &err);
	} else {
		status = report.tampered ? WGA_EXIT_VIOLATION :
			 report.n ? WGA_EXIT_ERROR : WGA_EXIT_PASS;
		status = wga_options_written(opt, wga_seal_write_report(stdout,
						&report, wga_outputs_machine(&opt->outputs)), status);
	}
	wga_seal_report_free(&report);
	return status;
}

static int run_verify(const struct wga_command *cmd, int argc, char **argv)
{
	const char *key = NULL;
	struct wga_options opt;
	struct wga_err err;
	int first = wga_options_parse(&opt, cmd, &key, argc, argv), status;

	if (first < 0)
		return opt.status;
	if (first + 1 == argc) {
		status = verify(&opt, key, argv[first]);
	} else {
		wga_err_set(&err, "usage",
			    "one DIR is wanted; see wgaudit verify --help");
		status = wga_options_fail(&opt, &err);
	}
	wga_options_free(&opt);
	return status;
}

const struct wga_command wga_cmd_verify = {
	.name = "verify",
	.args = "DIR",
	.summary = "is a sealed directory as it was sealed?",
	.about = "Compares every file of DIR with its seal and names each that was changed, is\n"
		 "missing or was added: exit status 1. Without --key anybody can have sealed DIR;\n"
		 "with it, only the holder of that key.",
	.options = verify_options,
	.undeclared = true,
	.run = run_verify,
};
