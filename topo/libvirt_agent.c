/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The guest agent (QEMU's docs/interop/qemu-ga-ref, protocol of 7.2) takes one
 * JSON command at a time and answers with one JSON value. It can start a
 * program, tell later whether that has ended, and read and write files. An
 * answer of more than a few megabytes would cost the connection to the agent
 * for good, so a command runs under a small script in the guest, which keeps
 * output in files, answers with the beginning, and says how much there is. The
 * script also ends the command when its time is over, even if nobody asks any
 * more.
 */
#include <jansson.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topo/command.h"
#include "topo/libvirt_internal.h"

#define AGENT_S		60		/* for one answer, on a busy machine */
#define CHUNK		(1U << 20)	/* of a file at once; 4 MiB is RPC's limit */
#define OUTPUT_MAX	(16U << 20)
#define INPUT_MAX	CHUNK
#define POLL_MIN_MS	50
#define POLL_MAX_MS	500
#define MUST_MS		120000
#define GRACE_MS	120000		/* for the agent, beyond a command's time */

/* $1: seconds or 0, the rest: the command. The last line of its errors is
 * "wga STATUS BYTES DIRECTORY": all output is there, if not all is here.
 */
static const char script[] =
	"t=$1; shift\n"
	"command -v \"$1\" >/dev/null || { echo wga missing >&2; exit; }\n"
	"d=$(mktemp -d /run/wgaudit-run.XXXXXX) || exit\n"
	"if [ $t = 0 ]; then \"$@\"; else timeout -s KILL $t \"$@\"; fi \\\n"
	"	>$d/out 2>$d/err\n"
	"s=$?\n"
	"n=$(stat -c %s $d/out)\n"
	"head -c 1048576 $d/out\n"
	"head -c 262144 $d/err >&2\n"
	"[ $n -gt 1048576 ] || { rm -rf $d; d=-; }\n"
	"printf '\\nwga %d %d %s\\n' $s $n $d >&2\n";

/* ---- one command of the agent ---- */

/* Return: what the agent answers, or NULL with @err set */
static json_t *ask(virDomainPtr dom, json_t *command, int timeout_s,
		   struct wga_err *err)
{
	char *text = command ? json_dumps(command, JSON_COMPACT) : NULL, *reply;
	json_t *whole, *value;

	json_decref(command);
	if (!text) {
		wga_err_set(err, "out-of-memory", "out of memory");
		return NULL;
	}
	reply = virDomainQemuAgentCommand(dom, text, timeout_s, 0);
	free(text);
	if (!reply) {
		wga_err_set(err, "no-agent", "%s", wga_lv_why());
		return NULL;
	}
	whole = json_loads(reply, JSON_DECODE_ANY, NULL);
	free(reply);
	value = json_incref(json_object_get(whole, "return"));
	json_decref(whole);
	if (!value)
		wga_err_set(err, "no-agent",
			    "the guest agent answers with something else than JSON");
	return value;
}

bool wga_lv_agent_ping(virDomainPtr dom, int timeout_s)
{
	json_t *value = ask(dom, json_pack("{s:s}", "execute", "guest-ping"),
			    timeout_s, NULL);

	json_decref(value);
	return value != NULL;
}

static char *encode(const void *data, size_t len)
{
	size_t room = sodium_base64_encoded_len(len,
						sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(room);

	return text ? sodium_bin2base64(text, room, data, len,
					sodium_base64_VARIANT_ORIGINAL) : NULL;
}

/* append what a member of an answer holds; an absent one holds nothing */
static int decode(const json_t *value, const char *key, char **data,
		  size_t *len)
{
	const json_t *member = json_object_get(value, key);
	size_t text_len = json_string_length(member), n = 0;
	char *grown = realloc(*data, *len + text_len + 1);

	if (!grown)
		return -1;
	*data = grown;
	if (member &&
	    sodium_base642bin((unsigned char *)grown + *len, text_len + 1,
			      json_string_value(member), text_len, "\n", &n,
			      NULL, sodium_base64_VARIANT_ORIGINAL) < 0)
		n = 0;
	*len += n;
	grown[*len] = '\0';
	return 0;
}

/* ---- running programs ---- */

static json_t *exec_command(const struct wga_command_run *run,
			    const char *input)
{
	json_t *args = json_array();
	char seconds[32];

	snprintf(seconds, sizeof(seconds), "%llu.%03u",
		 (unsigned long long)(run->timeout_ms / 1000),
		 (unsigned int)(run->timeout_ms % 1000));
	json_array_append_new(args, json_string("-c"));
	json_array_append_new(args, json_string(script));
	json_array_append_new(args, json_string("sh"));
	json_array_append_new(args, json_string(run->timeout_ms ? seconds :
							"0"));
	for (size_t i = 0; run->argv[i]; i++)
		json_array_append_new(args, json_string(run->argv[i]));
	return json_pack("{s:s, s:{s:s, s:o, s:b, s:[s,s,s], s:s*}}",
			 "execute", "guest-exec", "arguments",
			 "path", "/bin/sh", "arg", args,
			 "capture-output", 1, "env",
			 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			 "HOME=/root", "LANG=C.UTF-8",
			 "input-data", input);
}

static bool stopped(const struct wga_mesh *m)
{
	return m->cancel && *m->cancel;
}

/* its script passes that on to the command */
static void end_program(virDomainPtr dom, json_int_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)pid);
	json_decref(ask(dom, json_pack("{s:s, s:{s:s, s:[s,s,s]}}",
				       "execute", "guest-exec", "arguments",
				       "path", "/usr/bin/pkill", "arg",
				       "-TERM", "-P", text), AGENT_S, NULL));
}

/* Return: the status of a program that has ended */
static json_t *wait_for_end(struct wga_mesh *m, virDomainPtr dom,
			    const struct wga_command_run *run, json_int_t pid,
			    struct wga_err *err)
{
	uint64_t end = wga_now_ms() + run->timeout_ms + GRACE_MS;
	uint64_t pause = POLL_MIN_MS;

	for (;;) {
		json_t *status = ask(dom, json_pack("{s:s, s:{s:I}}", "execute",
				     "guest-exec-status", "arguments", "pid",
				     pid), AGENT_S, err);

		if (!status || json_is_true(json_object_get(status, "exited")))
			return status;
		json_decref(status);
		if (run->timeout_ms && wga_now_ms() > end) {
			wga_err_set(err, "timeout",
				    "%s has not ended after %llu ms",
				    run->argv[0],
				    (unsigned long long)run->timeout_ms);
			return NULL;
		}
		if (wga_sleep_ms(pause, m->cancel) < 0) {
			end_program(dom, pid);
			wga_err_set(err, "interrupted", "%s was interrupted",
				    run->argv[0]);
			return NULL;
		}
		pause = pause * 3 / 2 < POLL_MAX_MS ? pause * 3 / 2 :
						      POLL_MAX_MS;
	}
}

/* ---- files ---- */

static json_int_t open_file(virDomainPtr dom, const char *path,
			    struct wga_err *err)
{
	json_t *handle = ask(dom, json_pack("{s:s, s:{s:s}}", "execute",
					    "guest-file-open", "arguments",
					    "path", path), AGENT_S, err);
	json_int_t n = handle ? json_integer_value(handle) : -1;

	json_decref(handle);
	return n;
}

static void close_file(virDomainPtr dom, json_int_t handle)
{
	json_decref(ask(dom, json_pack("{s:s, s:{s:I}}", "execute",
				       "guest-file-close", "arguments",
				       "handle", handle), AGENT_S, NULL));
}

/* the whole of a file of @want bytes, in place of what was there */
static int read_file(virDomainPtr dom, const char *path, size_t want,
		     char **data, size_t *len, struct wga_err *err)
{
	json_int_t handle = open_file(dom, path, err);
	int ret = handle < 0 ? -1 : 0;
	bool eof = false;

	*len = 0;
	while (ret == 0 && !eof && *len < want) {
		json_t *value = ask(dom, json_pack("{s:s, s:{s:I, s:i}}",
					"execute", "guest-file-read",
					"arguments", "handle", handle,
					"count", (int)CHUNK), AGENT_S, err);

		eof = !value || json_is_true(json_object_get(value, "eof"));
		if (!value || decode(value, "buf-b64", data, len) < 0)
			ret = -1;
		json_decref(value);
	}
	if (handle >= 0)
		close_file(dom, handle);
	return ret;
}

/* ---- commands ---- */

/* a program that only has to be run; @argv in @run */
static int run_plain(struct wga_mesh *m, virDomainPtr dom,
		     struct wga_command_run *run, const char *input,
		     struct wga_err *err)
{
	json_t *value = ask(dom, exec_command(run, input), AGENT_S, err);
	json_int_t pid;
	size_t len = 0;

	if (!value)
		return -1;
	pid = json_integer_value(json_object_get(value, "pid"));
	json_decref(value);
	value = wait_for_end(m, dom, run, pid, err);
	if (!value)
		return -1;
	if (decode(value, "out-data", &run->output, &run->output_len) < 0 ||
	    decode(value, "err-data", &run->errors, &len) < 0) {
		json_decref(value);
		return wga_err_set(err, "out-of-memory", "out of memory");
	}
	json_decref(value);
	return 0;
}

/* take the script's last line off the errors, and what it says */
static int understand(virDomainPtr dom, struct wga_command_run *run,
		      struct wga_err *err)
{
	char *last = NULL, dir[64];
	int status;
	size_t bytes;

	for (char *at = run->errors; (at = strstr(at, "wga ")); at++)
		if (at == run->errors || at[-1] == '\n')
			last = at;
	if (last && strncmp(last, "wga missing", 11) == 0)
		return wga_err_set(err, "cannot-run",
				   "cannot run %s: No such file or directory",
				   run->argv[0]);
	if (!last || sscanf(last, "wga %d %zu %63s", &status, &bytes, dir) != 3)
		return wga_err_set(err, "cannot-run",
				   "cannot run %s in the guest: %.200s",
				   run->argv[0],
				   run->errors ? run->errors : "");
	last[last > run->errors ? -1 : 0] = '\0';
	run->status = (status & 0xff) << 8;
	if (strcmp(dir, "-") == 0)
		return 0;
	if (bytes <= OUTPUT_MAX) {
		char path[80];

		snprintf(path, sizeof(path), "%s/out", dir);
		if (read_file(dom, path, bytes, &run->output, &run->output_len,
			      err) < 0)
			return -1;
	}
	json_decref(ask(dom, json_pack("{s:s, s:{s:s, s:[s,s]}}", "execute",
				       "guest-exec", "arguments", "path",
				       "/bin/rm", "arg", "-rf", dir), AGENT_S,
			NULL));
	return bytes <= OUTPUT_MAX ? 0 :
		wga_err_set(err, "too-much-output",
			    "%s printed %zu bytes; more than %u do not get out of a guest",
			    run->argv[0], bytes, OUTPUT_MAX);
}

/* what comes from @fd, for the agent takes it whole; a terminal is not read */
static int take_input(const struct wga_mesh *m, int fd, char **text,
		      struct wga_err *err)
{
	char *data;
	size_t len = 0;

	*text = NULL;
	if (fd < 0 || isatty(fd))
		return 0;
	data = malloc(INPUT_MAX + 1);
	while (data && len <= INPUT_MAX) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (stopped(m)) {
			free(data);
			return wga_err_set(err, "interrupted", "interrupted");
		}
		if (poll(&p, 1, POLL_MAX_MS) <= 0)
			continue;
		n = read(fd, data + len, INPUT_MAX + 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (data && len <= INPUT_MAX)
		*text = encode(data, len);
	free(data);
	return *text ? 0 : wga_err_set(err, "cannot-run",
				       "no more than %u bytes of input get into a guest",
				       INPUT_MAX);
}

/* to a descriptor that was given instead of being collected */
static void pass_on(int fd, char **data, size_t len)
{
	for (size_t at = 0; fd >= 0 && at < len;) {
		ssize_t n = write(fd, *data + at, len - at);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	if (fd >= 0) {
		free(*data);
		*data = NULL;
	}
}

/* @input: in base64, or NULL */
static int run_with(struct wga_mesh *m, virDomainPtr dom,
		    struct wga_command_run *run, const char *input,
		    struct wga_err *err)
{
	uint64_t began = wga_now_ms();
	int ret = run_plain(m, dom, run, input, err);

	if (ret == 0)
		ret = understand(dom, run, err);
	if (ret == 0 && run->timeout_ms && run->status == 137 << 8 &&
	    wga_now_ms() - began >= run->timeout_ms)
		ret = wga_err_set(err, "timeout",
				  "%s has not ended after %llu ms",
				  run->argv[0],
				  (unsigned long long)run->timeout_ms);
	pass_on(run->out, &run->output, run->output_len);
	pass_on(run->err, &run->errors,
		run->errors ? strlen(run->errors) : 0);
	return ret;
}

static int run_in(struct wga_mesh *m, virDomainPtr dom,
		  struct wga_command_run *run, struct wga_err *err)
{
	char *input;
	int ret;

	if (take_input(m, run->in, &input, err) < 0)
		return -1;
	ret = run_with(m, dom, run, input, err);
	free(input);
	return ret;
}

int wga_lv_run(struct wga_mesh *m, const struct wga_topo_host *host,
	       struct wga_command_run *run, struct wga_err *err)
{
	const struct wga_enter here = { .fds = { -1, -1, -1 }, .env = environ };
	virConnectPtr conn;
	virDomainPtr dom;
	int ret;

	run->output = run->errors = NULL;
	run->output_len = 0;
	if (!host) {
		conn = wga_lv_conn(m, err);
		if (!conn)
			return -1;
		if (!wga_lv_is_local(conn))
			return wga_err_set(err, "cannot-run",
					   "the bridges are on another machine; run %s there",
					   run->argv[0]);
		return wga_command_run(run, &here, m->cancel, err);
	}
	dom = wga_lv_domain(m, host, err);
	if (!dom)
		return -1;
	ret = run_in(m, dom, run, err);
	virDomainFree(dom);
	return ret;
}

/* run a command that has to succeed, with @input as for run_with() */
static int must(struct wga_mesh *m, virDomainPtr dom, const char *code,
		const char *const *argv, const char *input, struct wga_err *err)
{
	struct wga_command_run run = {
		.argv = argv, .in = -1, .out = -1, .err = -1,
		.timeout_ms = MUST_MS,
	};
	int ret = run_with(m, dom, &run, input, err);

	if (ret == 0 && run.status != 0)
		ret = wga_err_set(err, code, "%s", run.errors);
	wga_command_free(&run);
	return ret;
}

int wga_lv_must(struct wga_mesh *m, virDomainPtr dom, const char *code,
		const char *const *argv, struct wga_err *err)
{
	return must(m, dom, code, argv, NULL, err);
}

/* One chunk of a file; its name comes with the last. A small file is one
 * command: each takes long in an emulated guest.
 */
static int copy_chunk(struct wga_mesh *m, virDomainPtr dom, const char *path,
		      const char *mode, bool first, const char *data,
		      size_t len, struct wga_err *err)
{
	/* $1 path, $2 mode or "" if there is more to come, $3 first or more */
	static const char place[] =
		"set -e\n"
		"d=$(dirname \"$1\")\n"
		"t=$d/.$(basename \"$1\").new\n"
		"[ $3 = more ] || mkdir -p \"$d\"\n"
		"umask 077\n"
		"[ $3 = more ] || rm -f \"$t\"\n"
		"cat >>\"$t\"\n"
		"[ -z \"$2\" ] || { chmod \"$2\" \"$t\"; mv -fT \"$t\" \"$1\"; }\n";
	char *text = len > 0 ? encode(data, len) : NULL;
	int ret;

	if (len > 0 && !text)
		return wga_err_set(err, "out-of-memory", "out of memory");
	ret = must(m, dom, "cannot-copy",
		   (const char *const[]){ "sh", "-c", place, "sh", path, mode,
					  first ? "first" : "more", NULL },
		   text, err);
	free(text);
	return ret;
}

int wga_lv_copy(struct wga_mesh *m, const struct wga_topo_host *host,
		const char *path, const void *data, size_t len,
		unsigned int mode, struct wga_err *err)
{
	virDomainPtr dom = wga_lv_domain(m, host, err);
	struct wga_err why;
	char octal[16];
	size_t at = 0;
	int ret;

	if (!dom)
		return -1;
	snprintf(octal, sizeof(octal), "%04o", mode & 07777);
	do {
		size_t n = len - at < CHUNK ? len - at : CHUNK;

		ret = copy_chunk(m, dom, path, at + n == len ? octal : "",
				 at == 0, (const char *)data + at, n, &why);
		at += n;
	} while (ret == 0 && at < len);
	virDomainFree(dom);
	return ret == 0 ? 0 : wga_err_set(err, "cannot-copy",
					  "cannot write %s in %s: %.300s",
					  path, host->name, why.text);
}

int wga_lv_service(struct wga_mesh *m, const struct wga_topo_host *host,
		   const char *name, enum wga_service_verb verb,
		   struct wga_err *err)
{
	static const struct {
		const char *word, *command;
	} verbs[] = {
		[WGA_SERVICE_START] = { "start", "systemctl enable -q --now" },
		[WGA_SERVICE_STOP] = { "stop", "systemctl disable -q --now" },
		[WGA_SERVICE_RESTART] = { "restart",
			"systemctl enable -q \"$1\" && systemctl restart" },
		[WGA_SERVICE_CHECK] = { "keep up",
			"[ \"$(systemctl show -P NRestarts \"$1\")\" -lt 3 ] &&"
			" ! systemctl -q is-failed" },
	};
	virDomainPtr dom = wga_lv_domain(m, host, err);
	struct wga_err why;
	char command[256];
	int ret;

	if (!dom)
		return -1;
	snprintf(command, sizeof(command),
		 "%s \"$1\" || { journalctl -q -n 3 -o cat -u \"$1\" >&2; exit 1; }",
		 verbs[verb].command);
	ret = wga_lv_must(m, dom, "service",
		   (const char *const[]){ "sh", "-c", command, "sh", name,
					  NULL }, &why);
	virDomainFree(dom);
	return ret == 0 ? 0 : wga_err_set(err, "service",
					  "%s cannot %s %s: %.300s", host->name,
					  verbs[verb].word, name, why.text);
}
