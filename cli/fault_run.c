/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/fault_report.h"
#include "cli/fault_run.h"
#include "topo/fault_place.h"
#include "topo/fault_schedule.h"

/* a fault that is being held */
struct hold {
	struct wga_placed placed;
	struct wga_fault_result result;
	struct wga_schedule schedule;
	bool quiet;		/* no text while it goes on */
	int signals;		/* signalfd */
	int tell;		/* pipe to who waits for it to stand, or -1 */
	int signal;		/* that ended it, or 0 */
};

/* what a detached fault says to who started it */
struct stands {
	bool ok;
	pid_t pid;
	char name[WGA_FAULT_NAME_MAX];
	struct wga_err err;
};

void wga_fault_tell_orphan(void *arg, const struct wga_fault *f)
{
	(void)arg;
	fprintf(stderr, "healing %s, whose process %d is gone\n", f->name,
		(int)f->pid);
}

/* From now on they are read, not delivered: nothing is cut short. Who starts
 * programs in the background may have had SIGINT ignored; it ends faults.
 */
static int take_signals(void)
{
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	/* a reader of our output that ends must not end us */
	signal(SIGPIPE, SIG_IGN);
	if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* until a moment, or for ever if it is 0; true if a signal came first */
static bool wait_until(struct hold *h, uint64_t mono_ms)
{
	struct pollfd p = { .fd = h->signals, .events = POLLIN };
	struct signalfd_siginfo got;

	while (!h->signal) {
		uint64_t now = wga_fault_now().mono_ms;
		uint64_t left = mono_ms > now ? mono_ms - now : 0;

		if (mono_ms && !left)
			return false;
		if (!mono_ms || left > 1000000)
			left = 1000000;
		if (poll(&p, 1, (int)left) > 0 &&
		    read(h->signals, &got, sizeof(got)) == sizeof(got))
			h->signal = (int)got.ssi_signo;
	}
	return true;
}

static void tell(struct hold *h, const struct stands *s)
{
	if (h->tell < 0)
		return;
	if (write(h->tell, s, sizeof(*s)) < 0)
		h->signal = SIGTERM;	/* who asked for it is gone */
	close(h->tell);
	h->tell = -1;
}

static void introduce(const struct wga_fault *f)
{
	char text[400];

	fprintf(stderr, "%s %s; Ctrl-C or wgaudit heal %s ends it\n", f->name,
		wga_fault_sentence(f, text, sizeof(text)), f->name);
	if (f->jitter_ms)
		fprintf(stderr, "seed %llu\n", (unsigned long long)f->seed);
}

static int put(struct hold *h, struct wga_outage *o, struct wga_err *err)
{
	struct wga_placed *p = &h->placed;
	struct stands s = { .ok = true, .pid = getpid() };

	if (wga_fault_down(p, &o->down, &o->down_seen, err) < 0)
		return -1;
	if (!h->quiet && h->result.n == 0)
		introduce(&p->fault);
	if (!h->quiet)
		wga_fault_say("down", &o->down, o->down_seen,
			      wga_fault_by_state(&p->fault), 0);
	memcpy(s.name, p->fault.name, sizeof(s.name));
	tell(h, &s);
	return 0;
}

static int take_away(struct hold *h, struct wga_outage *o, struct wga_err *err)
{
	struct wga_placed *p = &h->placed;

	if (wga_fault_up(p, &o->up, &o->up_seen, err) < 0)
		return -1;
	o->ended = true;
	if (!h->quiet)
		wga_fault_say("up", &o->up, o->up_seen,
			      wga_fault_by_state(&p->fault),
			      o->up.mono_ms - o->down.mono_ms);
	return 0;
}

static int go_on(struct hold *h, struct wga_err *err)
{
	const struct wga_fault *f = &h->placed.fault;
	uint64_t times = f->what == WGA_FAULT_FLAP ? f->count : 1;
	struct wga_fault_result *r = &h->result;

	for (uint64_t i = 0; i < times && !h->signal; i++) {
		struct wga_outage *o = &r->outages[r->n];

		o->asked_ms = f->duration_ms ?
			wga_schedule_down(&h->schedule) : 0;
		if (put(h, o, err) < 0)
			return -1;
		r->n++;
		wait_until(h, o->asked_ms ? o->down.mono_ms + o->asked_ms : 0);
		if (take_away(h, o, err) < 0)
			return -1;
		if (i + 1 < times)
			wait_until(h, o->up.mono_ms +
				   wga_schedule_up(&h->schedule));
	}
	return 0;
}

static const char *ended_by(int sig)
{
	switch (sig) {
	case 0:
		return "time";
	case SIGINT:
		return "SIGINT";
	case SIGHUP:
		return "SIGHUP";
	default:
		return "SIGTERM";
	}
}

/* heals whatever happened before; @stood: it was in its place */
static int finish(struct hold *h, bool stood, struct wga_err *err)
{
	struct wga_placed *p = &h->placed;
	struct wga_fault_result *r = &h->result;
	char *text = NULL;
	json_t *doc;
	int ret;

	r->arrived = wga_fault_tried(p);
	r->dropped = p->dropped;
	r->delayed = p->delayed;
	r->ended_by = ended_by(h->signal);
	wga_fault_judge(&p->fault, r);
	if (p->fault.detached && stood) {
		doc = wga_fault_result_json(&p->fault, r);
		text = doc ? json_dumps(doc, JSON_INDENT(1)) : NULL;
		json_decref(doc);
	}
	ret = wga_fault_end(p, text, err);
	free(text);
	return ret;
}

static int begin(struct hold *h, const struct wga_fault *f, struct wga_err *err)
{
	uint64_t times = f->what == WGA_FAULT_FLAP ? f->count : 1;

	h->placed = (struct wga_placed){ .fault = *f };
	h->result.outages = calloc(times, sizeof(*h->result.outages));
	h->signals = take_signals();
	if (!h->result.outages || h->signals < 0)
		return wga_err_set(err, "out-of-memory", "out of memory");
	wga_schedule_begin(&h->schedule, f->duration_ms, f->up_ms, f->jitter_ms,
			   f->seed);
	if (wga_fault_begin(&h->placed, err) < 0)
		return -1;
	return 0;
}

static int say_result(const struct wga_options *opt, struct hold *h)
{
	const struct wga_fault *f = &h->placed.fault;
	const struct wga_fault_result *r = &h->result;
	int status = r->bite == WGA_BITE_NO ? WGA_EXIT_INCONCLUSIVE :
					      WGA_EXIT_PASS;
	int ret = 0;

	if (h->signal && f->duration_ms)
		status = 128 + h->signal;
	if (wga_outputs_machine(&opt->outputs)) {
		ret = wga_fault_print(wga_fault_result_json(f, r));
	} else {
		ret = printf("%s: %s\n", f->name, r->why) < 0 ? -1 : 0;
		if (r->delayed && r->dropped)
			printf("%s: %llu frames were held back\n", f->name,
			       (unsigned long long)r->delayed);
	}
	return wga_options_written(opt, ret, status);
}

/* Return: 0 with the fault ended, -1 with @err set, and the fault ended too */
static int hold_it(struct hold *h, const struct wga_fault *f,
		   struct wga_err *err)
{
	int ret;

	if (begin(h, f, err) < 0)
		return -1;
	ret = go_on(h, err);
	/* why it failed is more than that healing failed, too */
	if (finish(h, ret == 0, ret < 0 ? NULL : err) < 0)
		ret = -1;
	return ret;
}

static void release(struct hold *h)
{
	free(h->result.outages);
	if (h->signals >= 0)
		close(h->signals);
}

static int run_here(const struct wga_options *opt, const struct wga_fault *f)
{
	struct hold h = { .signals = -1, .tell = -1 };
	struct wga_err err;
	int status;

	h.quiet = wga_outputs_machine(&opt->outputs);
	status = hold_it(&h, f, &err) < 0 ? wga_options_fail(opt, &err) :
					    say_result(opt, &h);
	release(&h);
	return status;
}

static _Noreturn void run_behind(const struct wga_fault *f, int fd)
{
	struct hold h = { .quiet = true, .signals = -1, .tell = fd };
	struct wga_fault detached = *f;
	struct stands s = { .pid = getpid() };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	if (chdir("/") < 0)
		_exit(WGA_EXIT_ERROR);
	detached.detached = true;
	if (hold_it(&h, &detached, &s.err) < 0)
		tell(&h, &s);
	release(&h);
	_exit(WGA_EXIT_PASS);
}

static int say_stands(const struct wga_options *opt, const struct stands *s)
{
	int ret;

	if (wga_outputs_machine(&opt->outputs))
		ret = wga_fault_print(json_pack(
			"{s:s, s:s, s:b, s:I}", "schema", WGA_FAULT_SCHEMA,
			"name", s->name, "detached", 1, "process",
			(json_int_t)s->pid));
	else
		ret = printf("%s stands, held by process %d; wgaudit heal %s ends it\n",
			     s->name, (int)s->pid, s->name) < 0 ? -1 : 0;
	return wga_options_written(opt, ret, WGA_EXIT_PASS);
}

static int run_detached(const struct wga_options *opt,
			const struct wga_fault *f)
{
	struct stands s = { .ok = false };
	struct wga_err err;
	int fds[2];
	ssize_t n;
	pid_t pid;

	fflush(stdout);
	if (pipe2(fds, O_CLOEXEC) < 0)
		pid = -1;
	else
		pid = fork();
	if (pid < 0) {
		wga_err_set(&err, "cannot-run", "cannot detach: %s",
			    strerror(errno));
		return wga_options_fail(opt, &err);
	}
	if (pid == 0) {
		close(fds[0]);
		run_behind(f, fds[1]);
	}
	close(fds[1]);
	do
		n = read(fds[0], &s, sizeof(s));
	while (n < 0 && errno == EINTR);
	close(fds[0]);
	if (n != sizeof(s)) {
		wga_err_set(&s.err, "cannot-run",
			    "process %d ended before the fault stood",
			    (int)pid);
		s.ok = false;
	}
	return s.ok ? say_stands(opt, &s) : wga_options_fail(opt, &s.err);
}

int wga_fault_run(const struct wga_options *opt, const struct wga_fault *f,
		  bool detach)
{
	struct wga_err err;

	if (wga_fault_check(f, &err) < 0)
		return wga_options_fail(opt, &err);
	return detach ? run_detached(opt, f) : run_here(opt, f);
}
