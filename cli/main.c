/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "topo/namespaces.h"
#include "topo/nearest.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct wga_command *const commands[] = {
	&wga_cmd_capture,
	&wga_cmd_analyze,
	&wga_cmd_gate,
	&wga_cmd_seal,
	&wga_cmd_verify,
	&wga_cmd_policy,
	&wga_cmd_canary,
	&wga_cmd_topo,
	&wga_cmd_doctor,
	&wga_cmd_link,
	&wga_cmd_flap,
	&wga_cmd_partition,
	&wga_cmd_loss,
	&wga_cmd_faults,
	&wga_cmd_heal,
};

static void help(FILE *out)
{
	size_t i;

	fputs("usage: wgaudit COMMAND [OPTION...]\n\n"
	      "Judges every frame of a Headscale or Tailscale mesh on the bridges of its hosts:\n"
	      "is all that the hosts of the mesh say to each other encrypted?\n\n"
	      "Commands:\n", out);
	for (i = 0; i < COUNT(commands); i++)
		fprintf(out, "  %-10s%s\n", commands[i]->name,
			commands[i]->summary);
	fprintf(out, "  %-10s%s\n", "help", "this text, or that of a command");
	fputs("\nwgaudit COMMAND --help lists the options of a command; --version tells the\n"
	      "version. Exit status: 0 pass, 1 violation, 2 wrong usage or operational error,\n"
	      "3 inconclusive.\n", out);
}

static const struct wga_command *find(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(commands); i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static const char *nearest(const char *word)
{
	size_t i, best = 0;

	for (i = 1; i < COUNT(commands); i++) {
		if (wga_word_distance(word, commands[i]->name) <
		    wga_word_distance(word, commands[best]->name))
			best = i;
	}
	return commands[best]->name;
}

static int unknown(int argc, char **argv, const char *word)
{
	struct wga_err err;

	if (word[0] == '-')
		wga_err_set(&err, "usage",
			    "unknown option %s; options follow a command, see wgaudit --help",
			    word);
	else
		wga_err_set(&err, "usage",
			    "unknown command \"%s\"; did you mean \"%s\"?",
			    word, nearest(word));
	return wga_options_refuse(argc, argv, &err);
}

static int run(int argc, char **argv)
{
	const struct wga_command *cmd;

	/* not status 0: that is what a pass looks like */
	if (argc < 2) {
		help(stderr);
		return WGA_EXIT_ERROR;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("wgaudit " WGA_VERSION);
		return WGA_EXIT_PASS;
	}
	if (!strcmp(argv[1], "help") && argc > 2) {
		cmd = find(argv[2]);
		if (!cmd)
			return unknown(argc, argv, argv[2]);
		wga_options_help(stdout, cmd);
		return WGA_EXIT_PASS;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") ||
	    !strcmp(argv[1], "-h")) {
		help(stdout);
		return WGA_EXIT_PASS;
	}
	/* the first process of a host, started by topo up */
	if (!strcmp(argv[1], WGA_NAMESPACES_INIT))
		return wga_namespaces_init_main(argc - 1, argv + 1);
	cmd = find(argv[1]);
	if (!cmd)
		return unknown(argc, argv, argv[1]);
	return cmd->run(cmd, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);

	if ((fflush(stdout) || ferror(stdout)) && status != WGA_EXIT_ERROR) {
		fputs("wgaudit: cannot write to standard output\n", stderr);
		return WGA_EXIT_ERROR;
	}
	return status;
}
