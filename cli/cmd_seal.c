/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "report/seal.h"

#define NOTES_MAX	64

struct seal_args {
	const char *key, *new_key;
	const char *notes[NOTES_MAX];
	size_t n_notes;
	bool force;
};

static int set_key(void *own, const char *arg, struct wga_err *err)
{
	struct seal_args *args = own;

	(void)err;
	args->key = arg;
	return 0;
}

static int set_new_key(void *own, const char *arg, struct wga_err *err)
{
	struct seal_args *args = own;

	(void)err;
	args->new_key = arg;
	return 0;
}

static int set_note(void *own, const char *arg, struct wga_err *err)
{
	struct seal_args *args = own;

	if (args->n_notes == NOTES_MAX)
		return wga_err_set(err, "usage", "at most %d notes can be given",
				   NOTES_MAX);
	args->notes[args->n_notes++] = arg;
	return 0;
}

static int set_force(void *own, const char *arg, struct wga_err *err)
{
	struct seal_args *args = own;

	(void)arg;
	(void)err;
	args->force = true;
	return 0;
}

static const struct wga_option seal_options[] = {
	{ "key", "FILE", "secret key; else the user's own, made at first use",
	  set_key, 0, NULL },
	{ "new-key", "FILE", "make a key, with its public half in FILE.pub",
	  set_new_key, 0, NULL },
	{ "note", "KEY=VALUE", "say so in the seal, as how it came about",
	  set_note, WGA_OPTION_MANY, NULL },
	{ "force", NULL, "replace a seal that is there", set_force, 0, NULL },
	{ 0 },
};

static int new_key(const struct wga_options *opt, const char *path)
{
	uint8_t public[WGA_SEAL_PUBLIC_LEN];
	struct wga_err err;

	if (wga_seal_key_new(path, public, &err) < 0)
		return wga_options_fail(opt, &err);
	return wga_options_written(opt, wga_seal_write_new_key(stdout, path,
						public, wga_outputs_machine(&opt->outputs)),
				   WGA_EXIT_PASS);
}

/* the user's own key, which is made when it is first asked for */
static int load_own(struct wga_seal_key *key, struct wga_err *err)
{
	uint8_t public[WGA_SEAL_PUBLIC_LEN];
	char *path;
	int ret = 0;

	if (wga_seal_key_default(&path, err) < 0)
		return -1;
	if (access(path, F_OK) < 0) {
		ret = wga_seal_key_new(path, public, err);
		if (ret == 0)
			fprintf(stderr, "wgaudit: made a new key: %s, and %s.pub for those who verify\n",
				path, path);
	}
	if (ret == 0)
		ret = wga_seal_key_load(key, path, err);
	free(path);
	return ret;
}

static int seal(const struct wga_options *opt, const struct seal_args *args,
		const char *dir)
{
	struct wga_seal_key key;
	struct wga_seal_options how = {
		.dir = dir, .key = &key, .notes = args->notes,
		.n_notes = args->n_notes, .force = args->force,
	};
	struct wga_seal_manifest m;
	struct wga_err err;
	int status;

	if ((args->key ? wga_seal_key_load(&key, args->key, &err) :
			 load_own(&key, &err)) < 0)
		return wga_options_fail(opt, &err);
	if (key.shared)
		fputs("wgaudit: warning: others can read the secret key; chmod 600 mends that\n",
		      stderr);
	if (wga_seal(&how, &m, &err) < 0)
		status = wga_options_fail(opt, &err);
	else
		status = wga_options_written(opt, wga_seal_write_sealed(stdout,
						dir, &key, &m, wga_outputs_machine(&opt->outputs)),
					     WGA_EXIT_PASS);
	wga_seal_manifest_free(&m);
	wga_seal_key_free(&key);
	return status;
}

static int run_seal(const struct wga_command *cmd, int argc, char **argv)
{
	struct seal_args args = { 0 };
	struct wga_options opt;
	struct wga_err err;
	int first = wga_options_parse(&opt, cmd, &args, argc, argv), status;

	if (first < 0)
		return opt.status;
	if (args.new_key && (first < argc || args.key || args.n_notes ||
			     args.force))
		wga_err_set(&err, "usage",
			    "--new-key makes a key and nothing else; then wgaudit seal --key FILE DIR");
	else if (!args.new_key && first + 1 != argc)
		wga_err_set(&err, "usage",
			    "one DIR is wanted; see wgaudit seal --help");
	else
		err.text[0] = '\0';
	if (err.text[0])
		status = wga_options_fail(&opt, &err);
	else if (args.new_key)
		status = new_key(&opt, args.new_key);
	else
		status = seal(&opt, &args, argv[first]);
	wga_options_free(&opt);
	return status;
}

const struct wga_command wga_cmd_seal = {
	.name = "seal",
	.args = "DIR",
	.summary = "sign a manifest of every file of a directory",
	.about = "Writes the hash of every file of DIR, with what is known of the run, into\n"
		 "DIR/" WGA_SEAL_MANIFEST ", and signs it in DIR/" WGA_SEAL_SIGNATURE ". From then on\n"
		 "wgaudit verify tells of each change. wgaudit seal --new-key FILE makes a key.",
	.options = seal_options,
	.undeclared = true,
	.run = run_seal,
};
