/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/signals.h"
#include "cli/topo_exec.h"
#include "cli/topo_pty.h"
#include "report/term.h"
#include "topo/command.h"

#define LOG_LINES	200

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

static bool is_local(const struct wga_mesh *m)
{
	return strcmp(m->backend->name, "namespaces") == 0;
}

static int exit_status(int status)
{
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

/* Ctrl-C goes to all of the terminal's foreground, so to a local command too,
 * which is then to decide; one in a virtual machine does not hear of it.
 */
static int run(struct wga_mesh *m, const struct wga_topo_host *host,
	       struct wga_command_run *run, struct wga_err *err)
{
	int ret;

	fflush(NULL);
	/* not ignored: the command would ignore them, too */
	wga_signal_catch(SIGINT, on_signal, 0);
	wga_signal_catch(SIGQUIT, on_signal, 0);
	if (!is_local(m))
		m->cancel = &interrupted;
	ret = m->backend->run(m, host, run, err);
	wga_command_free(run);
	if (ret < 0 && interrupted && m->cancel)
		return 128 + interrupted;
	return ret < 0 ? -1 : exit_status(run->status);
}

int wga_topo_exec(struct wga_mesh *m, const struct wga_topo_host *host,
		  const char *const *argv, uint64_t timeout_ms,
		  struct wga_err *err)
{
	struct wga_command_run how = {
		.argv = argv, .in = STDIN_FILENO, .out = STDOUT_FILENO,
		.err = STDERR_FILENO, .timeout_ms = timeout_ms,
	};

	return run(m, host, &how, err);
}

/* another program takes our place */
static int become(const char *const *argv, struct wga_err *err)
{
	fflush(NULL);
	execvp(argv[0], (char *const *)argv);
	return wga_err_set(err, "cannot-run", "cannot run %s: %s; install it",
			   argv[0], strerror(errno));
}

/* @words before @argv, both NULL-terminated; release with free() */
static const char **join(const char *const *words, const char *const *argv)
{
	size_t n = 0, k = 0, i = 0;
	const char **all;

	while (words[n])
		n++;
	while (argv[k])
		k++;
	all = calloc(n + k + 1, sizeof(*all));
	if (!all)
		return NULL;
	for (; i < n; i++)
		all[i] = words[i];
	for (; i < n + k; i++)
		all[i] = argv[i - n];
	return all;
}

/* over the network, to whatever sshd the image has */
static int real_ssh(const struct wga_topo_host *host, const char *const *argv,
		    struct wga_err *err)
{
	char to[WGA_ADDR_STRLEN + 8] = "root@";
	const char *const words[] = {
		"ssh", "-o", "StrictHostKeyChecking=no", "-o",
		"UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", to,
		NULL,
	};
	const char **all = join(words, argv);
	int ret;

	if (!all)
		return wga_err_set(err, "out-of-memory", "out of memory");
	wga_addr_format(&host->addr, to + strlen(to));
	ret = become(all, err);
	free((void *)all);
	return ret;
}

int wga_topo_ssh(struct wga_mesh *m, const struct wga_topo_host *host,
		 const char *const *argv, uint64_t timeout_ms,
		 struct wga_err *err)
{
	/* a session of its own, or the shell would have no job control */
	static const char *const session[] = { "setsid", "-c", "-w", NULL };
	static const char *const shell[] = { "bash", "-l", NULL };
	const char **all;
	int ret;

	if (!is_local(m))
		return real_ssh(host, argv, err);
	if (!argv[0])
		argv = shell;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return wga_topo_exec(m, host, argv, timeout_ms, err);
	all = join(session, argv);
	if (!all)
		return wga_err_set(err, "out-of-memory", "out of memory");
	ret = wga_topo_pty(m, host, all, &interrupted, err);
	free((void *)all);
	return ret < 0 ? -1 : exit_status(ret);
}

/* hosts log what others sent them, so lines are made harmless to a terminal */
static void put_log(char *log)
{
	char *rest = log, *line;
	char clean[4096];

	while ((line = strsep(&rest, "\n"))) {
		if (rest || *line)
			puts(wga_term_clean(line, clean, sizeof(clean)));
	}
}

int wga_topo_console(struct wga_mesh *m, const struct wga_topo_host *host,
		     const char *const *argv, uint64_t timeout_ms,
		     struct wga_err *err)
{
	char domain[64];
	const char *const plain[] = { "virsh", "console", domain, NULL };
	const char *const at[] = { "virsh", "-c", m->uri, "console", domain,
				   NULL };
	char *log;

	(void)argv;
	(void)timeout_ms;
	if (!is_local(m)) {
		snprintf(domain, sizeof(domain), "wga-%s-%s", m->topo.name,
			 host->name);
		return become(m->uri[0] ? at : plain, err);
	}
	log = m->backend->log(m, host, LOG_LINES);
	if (!log)
		return wga_err_set(err, "no-log", "%s has logged nothing yet",
				   host->name);
	put_log(log);
	free(log);
	return 0;
}
