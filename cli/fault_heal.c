/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "cli/fault_heal.h"
#include "cli/fault_report.h"
#include "cli/fault_run.h"
#include "topo/fault_place.h"
#include "topo/fault_rules.h"
#include "topo/nearest.h"

/* how long a process gets to heal its fault by itself, and to die if not */
#define KIND_MS		10000
#define KILL_MS		5000
#define LOOK_MS		20

/* who holds a fault, as the journal said */
struct healed {
	char name[WGA_FAULT_NAME_MAX];
	pid_t pid;
	uint64_t started;
	bool orphan;
};

struct healing {
	bool (*match)(const struct wga_fault *f, const void *arg);
	const void *arg;
	struct healed *list;
	size_t n;
};

static int collect(struct healing *h, struct wga_err *err)
{
	struct wga_journal j;

	if (wga_journal_open(&j, false, err) < 0)
		return -1;
	h->list = calloc(j.n + 1, sizeof(*h->list));
	for (size_t i = 0; h->list && i < j.n; i++) {
		const struct wga_fault *f = &j.faults[i];
		struct healed *to = &h->list[h->n];

		if (!h->match(f, h->arg))
			continue;
		memcpy(to->name, f->name, sizeof(to->name));
		to->pid = f->pid;
		to->started = f->started;
		to->orphan = wga_journal_orphan(f);
		h->n++;
	}
	wga_journal_close(&j);
	return h->list ? 0 : wga_err_set(err, "out-of-memory", "out of memory");
}

static bool stands(const char *name)
{
	struct wga_journal j;
	bool there;

	if (wga_journal_open(&j, false, NULL) < 0)
		return true;
	there = wga_journal_find(&j, name) != NULL;
	wga_journal_close(&j);
	return there;
}

/* until the fault is gone or its process is */
static bool wait_end(const struct healed *h, int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (; ms > 0; ms -= LOOK_MS)
		if (poll(&p, 1, LOOK_MS) > 0 || !stands(h->name))
			return true;
	return false;
}

/* by its process, if that is still the one that the journal means */
static void end_process(const struct healed *h)
{
	int fd = pidfd_open(h->pid, 0);

	if (fd < 0)
		return;
	if (wga_journal_started(h->pid) == h->started) {
		pidfd_send_signal(fd, SIGTERM, NULL, 0);
		if (!wait_end(h, fd, KIND_MS)) {
			pidfd_send_signal(fd, SIGKILL, NULL, 0);
			wait_end(h, fd, KILL_MS);
		}
	}
	close(fd);
}

static int undo(const struct healed *h, struct wga_err *err)
{
	const struct wga_fault *f;
	struct wga_journal j;
	int ret = 0;

	if (wga_journal_open(&j, false, err) < 0)
		return -1;
	f = wga_journal_find(&j, h->name);
	if (f && f->pid == h->pid && f->started == h->started)
		ret = wga_journal_orphan(f) ? wga_fault_undo(&j, f, err) :
			wga_err_set(err, "still-held",
				    "process %d, which holds %s, does not end",
				    (int)f->pid, f->name);
	wga_journal_close(&j);
	return ret;
}

static int heal_all(struct healing *h, struct wga_err *err)
{
	if (collect(h, err) < 0)
		return -1;
	/* none may hold down what another's end is to bring up */
	for (size_t i = 0; i < h->n; i++)
		if (!h->list[i].orphan)
			end_process(&h->list[i]);
	for (size_t i = 0; i < h->n; i++)
		if (undo(&h->list[i], err) < 0)
			return -1;
	return 0;
}

/* the ends of detached faults */
struct ends {
	const struct healing *healing;	/* NULL: only look */
	const char *name;	/* that was asked for; NULL: all */
	json_t *docs;
};

static bool is_wanted(const struct ends *e, const char *name)
{
	if (!e->name || strcmp(e->name, name) == 0)
		return true;
	for (size_t i = 0; e->healing && i < e->healing->n; i++)
		if (strcmp(e->healing->list[i].name, name) == 0)
			return true;
	return false;
}

static bool take_end(void *arg, const char *name, const char *text)
{
	struct ends *e = arg;
	json_t *doc;

	if (!is_wanted(e, name))
		return false;
	doc = json_loads(text, 0, NULL);
	if (json_is_object(doc))
		json_array_append_new(e->docs, doc);
	else
		json_decref(doc);
	return e->healing != NULL;
}

/* those of faults that were healed, or have the name that was asked for, are
 * forgotten now
 */
static json_t *read_ends(const struct healing *h, const char *name)
{
	struct ends e = { h, name, json_array() };
	struct wga_journal j;

	if (wga_journal_open(&j, false, NULL) == 0) {
		wga_journal_ends(&j, take_end, &e);
		wga_journal_close(&j);
	}
	return e.docs;
}

static void print_ends(const json_t *docs)
{
	for (size_t i = 0; i < json_array_size(docs); i++) {
		const json_t *d = json_array_get(docs, i);
		const char *name = json_string_value(json_object_get(d, "name"));
		const char *text = json_string_value(json_object_get(d, "text"));

		if (name && text)
			printf("%s has ended: %s\n", name, text);
	}
}

static json_t *healed_json(const struct healing *h)
{
	json_t *list = json_array();

	for (size_t i = 0; i < h->n; i++)
		json_array_append_new(list, json_pack(
			"{s:s, s:b}", "name", h->list[i].name,
			"orphan", h->list[i].orphan));
	return list;
}

/* steals @ends */
static int say_healed(const struct wga_options *opt, const struct healing *h,
		      json_t *ends)
{
	if (wga_outputs_machine(&opt->outputs))
		return wga_fault_print(json_pack(
			"{s:s, s:o, s:o}", "schema", WGA_FAULT_SCHEMA,
			"healed", healed_json(h), "ended", ends));
	for (size_t i = 0; i < h->n; i++)
		printf("healed %s%s\n", h->list[i].name,
		       h->list[i].orphan ? ", whose process was gone" : "");
	print_ends(ends);
	if (h->n == 0 && json_array_size(ends) == 0)
		puts("no fault stands");
	json_decref(ends);
	return fflush(stdout);
}

static bool is_link(const struct wga_fault *f, const void *arg)
{
	const struct wga_fault *want = arg;

	return f->what == WGA_FAULT_LINK && f->n_ports == 1 &&
	       f->ns.cookie == want->ns.cookie &&
	       f->ports[0].index == want->ports[0].index;
}

int wga_fault_heal_link(const struct wga_options *opt,
			const struct wga_fault *f, struct wga_err *err)
{
	struct healing h = { .match = is_link, .arg = f };
	int ret = heal_all(&h, err);

	if (ret == 0 && h.n > 0 &&
	    say_healed(opt, &h, read_ends(&h, "")) < 0)
		ret = wga_err_set(err, "write-failed",
				  "cannot write to standard output");
	free(h.list);
	return ret < 0 ? -1 : (int)h.n;
}

static bool is_named(const struct wga_fault *f, const void *arg)
{
	const char *name = arg;

	if (!name || strcmp(f->name, name) == 0)
		return true;
	for (size_t i = 0; i < f->n_ports; i++)
		if (strcmp(f->ports[i].host, name) == 0)
			return true;
	return false;
}

static int no_such_fault(const char *name, struct wga_err *err)
{
	char best[WGA_FAULT_NAME_MAX] = "";
	struct wga_journal j;

	if (wga_journal_open(&j, false, err) < 0)
		return -1;
	for (size_t i = 0; i < j.n; i++)
		if (!*best || wga_word_distance(name, j.faults[i].name) <
			      wga_word_distance(name, best))
			memcpy(best, j.faults[i].name, sizeof(best));
	wga_journal_close(&j);
	if (!*best)
		return wga_err_set(err, "no-such-fault",
				   "no fault \"%s\" stands, nor any other",
				   name);
	return wga_err_set(err, "no-such-fault",
			   "no fault \"%s\" stands, nor one on a host of that name; did you mean \"%s\"?",
			   name, best);
}

static int heal(const struct wga_options *opt, const char *name)
{
	struct healing h = { .match = is_named, .arg = name };
	struct wga_err err;
	json_t *ends;
	int ret = heal_all(&h, &err);

	ends = ret == 0 ? read_ends(&h, name) : NULL;
	if (ret == 0 && name && h.n == 0 && json_array_size(ends) == 0) {
		json_decref(ends);
		ret = no_such_fault(name, &err);
	}
	if (ret < 0)
		ret = wga_options_fail(opt, &err);
	else
		ret = wga_options_written(opt, say_healed(opt, &h, ends),
					  WGA_EXIT_PASS);
	free(h.list);
	return ret;
}

static json_t *standing_json(const struct wga_fault *f, uint64_t now,
			     uint64_t dropped)
{
	json_t *doc = wga_fault_json(f);

	if (doc)
		json_object_update_new(doc, json_pack(
			"{s:I, s:I, s:I, s:b, s:b}", "age_ms",
			(json_int_t)(now - f->began_mono_ms), "dropped",
			(json_int_t)dropped, "process", (json_int_t)f->pid,
			"detached", f->detached, "held", f->held));
	return doc;
}

static void print_standing(const struct wga_fault *f, uint64_t now,
			   uint64_t dropped)
{
	char text[400], age[32];

	printf("%s: %s; for %s so far, ", f->name,
	       wga_fault_sentence(f, text, sizeof(text)),
	       wga_fault_ms(now - f->began_mono_ms, age));
	if (wga_fault_by_state(f))
		printf("%s now", f->held ? "down" : "up");
	else
		printf("%llu frames dropped", (unsigned long long)dropped);
	printf(", held by process %d%s\n", (int)f->pid,
	       f->detached ? " in the background" : "");
}

static int list(const struct wga_options *opt)
{
	bool machine = wga_outputs_machine(&opt->outputs);
	uint64_t now = wga_fault_now().mono_ms, dropped;
	json_t *docs = json_array(), *ends;
	struct wga_journal j;
	struct wga_err err;
	size_t n;

	if (wga_fault_undo_orphans(wga_fault_tell_orphan, NULL, &err) < 0 ||
	    wga_journal_open(&j, false, &err) < 0) {
		json_decref(docs);
		return wga_options_fail(opt, &err);
	}
	n = j.n;
	for (size_t i = 0; i < n; i++) {
		dropped = 0;
		if (!wga_fault_by_state(&j.faults[i]))
			wga_fault_rules_count(&j.faults[i], NULL, &dropped,
					      NULL);
		if (machine)
			json_array_append_new(docs, standing_json(
				&j.faults[i], now, dropped));
		else
			print_standing(&j.faults[i], now, dropped);
	}
	wga_journal_close(&j);
	ends = read_ends(NULL, NULL);
	if (machine)
		return wga_options_written(opt, wga_fault_print(json_pack(
			"{s:s, s:o, s:o}", "schema", WGA_FAULT_SCHEMA,
			"faults", docs, "ended", ends)), WGA_EXIT_PASS);
	print_ends(ends);
	if (n == 0)
		puts("no fault stands");
	json_decref(ends);
	json_decref(docs);
	return wga_options_written(opt, fflush(stdout), WGA_EXIT_PASS);
}

static int run(const struct wga_command *cmd, int argc, char **argv, int max)
{
	struct wga_options opt;
	struct wga_err err;
	int first, status;

	first = wga_options_parse(&opt, cmd, NULL, argc, argv);
	if (first < 0)
		return opt.status;
	if (argc - first > max) {
		wga_err_set(&err, "usage", "usage: wgaudit %s %s", cmd->name,
			    cmd->args);
		status = wga_options_fail(&opt, &err);
	} else if (geteuid() != 0) {
		wga_err_set(&err, "no-permission", "faults need root; try sudo");
		status = wga_options_fail(&opt, &err);
	} else if (max == 0) {
		status = list(&opt);
	} else {
		status = heal(&opt, first < argc ? argv[first] : NULL);
	}
	wga_options_free(&opt);
	return status;
}

static int faults_run(const struct wga_command *cmd, int argc, char **argv)
{
	return run(cmd, argc, argv, 0);
}

static int heal_run(const struct wga_command *cmd, int argc, char **argv)
{
	return run(cmd, argc, argv, 1);
}

const struct wga_command wga_cmd_faults = {
	.name = "faults",
	.args = "",
	.summary = "list the faults that stand",
	.about = "Lists the faults that stand, since when, who holds them and how many frames they have\n"
		 "dropped. A fault whose process is gone is healed.",
	.undeclared = true,
	.run = faults_run,
};

const struct wga_command wga_cmd_heal = {
	.name = "heal",
	.args = "[NAME]",
	.summary = "undo a fault, or all of them",
	.about = "Ends the fault of this name, all faults on the host of this name, or all there are, and\n"
		 "puts back what they changed, whether their processes still run or not.",
	.undeclared = true,
	.run = heal_run,
};
