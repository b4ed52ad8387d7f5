/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * One thread waits for all there is to wait for: frames of each bridge, the
 * tick of the heartbeats, the end of the duration, the next drawing, signals.
 * Frames are judged as they come; the kernel's ring holds what arrives while
 * the table is drawn, and drawing is never given more than a tenth of the time.
 * At the end a last heartbeat goes out on each bridge, and frames are taken
 * until it has come back: what was on the bridge before the end is judged.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/listen.h"
#include "report/report.h"

#define SECOND_NS	UINT64_C(1000000000)
#define DRAW_NS		(SECOND_NS / 2)
#define DRAW_SHARE	10
#define DRAIN_NS	SECOND_NS
/* frames are handed over by the kernel within 50 ms; where no heartbeat can
 * tell that all have come, this long is waited
 */
#define QUIET_NS	(SECOND_NS / 5)

enum { FD_SIGNAL, FD_TICK, FD_DEADLINE, FD_DRAW, FD_PORTS };

/**
 * struct loop - what is only needed while listening
 * @fd:		FD_SIGNAL to FD_DRAW, then one per port; -1 is never ready
 * @before:	verdict of the last drawing
 * @before_ns:	its time
 * @lines:	lines drawn
 */
struct loop {
	struct wga_listen *l;
	struct pollfd fd[FD_PORTS + WGA_LISTEN_MAX];
	bool stop;
	struct wga_verdict *before;
	uint64_t before_ns;
	unsigned int lines;
};

struct sink {
	struct wga_listen *l;
	struct wga_port *port;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static bool limit_reached(const struct wga_listen *l)
{
	return l->count && l->counted >= l->count;
}

static bool is_selftest(const struct wga_listen *l, const struct wga_frame *f)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct wga_selftest *st =
			wga_live_selftest(l->port[i].live);

		if (st && wga_selftest_find(st, f->data, f->caplen) >= 0)
			return true;
	}
	return false;
}

/* The part of a batch that --count leaves room for. The self-test ends when
 * that is no more.
 */
static void take_some(struct wga_listen *l, const struct wga_batch *batch,
		      struct wga_batch *part)
{
	part->count = 0;
	for (unsigned int i = 0; i < batch->count; i++) {
		const struct wga_frame *frame = &batch->frame[i];
		const bool test = is_selftest(l, frame);

		if (limit_reached(l) && !test)
			continue;
		part->frame[part->count++] = *frame;
		if (!test && !wga_heartbeat_check(frame->data, frame->caplen))
			l->counted++;
	}
}

static void take_batch(void *arg, const struct wga_batch *batch)
{
	struct wga_trace trace[WGA_BATCH_MAX];
	const struct sink *sink = arg;
	struct wga_batch part;

	if (sink->l->count) {
		take_some(sink->l, batch, &part);
		batch = &part;
	}
	sink->port->frames += batch->count;
	if (!sink->l->evidence) {
		wga_bridge_observe(sink->port->bridge, batch);
		return;
	}
	wga_bridge_observe_traced(sink->port->bridge, batch, trace);
	wga_evidence_live_batch(sink->l->evidence,
				(unsigned int)(sink->port - sink->l->port),
				batch, trace);
}

static void dispatch(struct loop *loop, size_t i)
{
	struct wga_port *port = &loop->l->port[i];
	struct sink sink = { loop->l, port };
	struct wga_err err;

	if (port->ended || wga_live_dispatch(port->live, take_batch, &sink, &err) >= 0)
		return;
	port->ended = true;
	port->failed = true;
	loop->fd[FD_PORTS + i].fd = -1;
	fprintf(stderr, "wgaudit: %s\n", err.text);
}

static void heartbeat_all(struct wga_listen *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->port[i].ended)
			wga_live_heartbeat(l->port[i].live);
}

static void finish_all(struct wga_listen *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->port[i].ended)
			wga_live_finish(l->port[i].live);
}

static bool all_ended(const struct wga_listen *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->port[i].ended)
			return false;
	return true;
}

static bool all_settled(const struct wga_listen *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->port[i].ended && !wga_live_settled(l->port[i].live))
			return false;
	return true;
}

static void print_status(struct wga_listen *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct wga_live_stats st;

		wga_live_stats(l->port[i].live, &st);
		fprintf(stderr,
			"wgaudit: %s: %" PRIu64 " frames, %" PRIu64
			" dropped, heartbeats %" PRIu64 " of %" PRIu64 "%s\n",
			l->port[i].name, l->port[i].frames, st.drops, st.seen,
			st.sent, st.gone ? ", was away" : "");
	}
}

static int arm(int fd, uint64_t first_ns, uint64_t every_ns)
{
	const struct itimerspec when = {
		.it_value = { (time_t)(first_ns / SECOND_NS),
			      (long)(first_ns % SECOND_NS) },
		.it_interval = { (time_t)(every_ns / SECOND_NS),
				 (long)(every_ns % SECOND_NS) },
	};

	return timerfd_settime(fd, 0, &when, NULL);
}

/* What is still on its way is not missing before the end. */
static void tell_loss(struct wga_listen *l, bool final)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct wga_port *port = &l->port[i];
		const bool settled = wga_live_settled(port->live);
		struct wga_live_stats st;
		struct wga_loss loss;

		wga_live_stats(port->live, &st);
		if (!final && !settled)
			st.sent--;
		loss = (struct wga_loss){
			.kernel_drops = st.drops,
			.gone = st.gone || port->failed,
			.heartbeats_sent = st.sent,
			.heartbeats_seen = st.seen,
			.leaked = { st.leaked[0], st.leaked[1] },
			.leak_due = { final || (settled && st.leaked[0]),
				      final },
			.passive = l->how->passive,
			.filter = l->how->filter,
		};
		wga_bridge_loss(port->bridge, &loss);
		if (l->evidence)
			wga_evidence_live_loss(l->evidence, (unsigned int)i,
					       &loss);
	}
}

/* each second; what has come must not be lost with the program */
static void save_evidence(struct wga_listen *l)
{
	const char *why;

	if (!l->evidence)
		return;
	tell_loss(l, false);
	why = wga_evidence_live_flush(l->evidence);
	if (why)
		fprintf(stderr, "wgaudit: %s; capturing goes on\n", why);
}

static void draw(struct loop *loop)
{
	const uint64_t start = now_ns();
	struct wga_verdict *now;
	uint64_t next;

	if (wga_run_judge(loop->l->run, &now, NULL) == 0) {
		wga_live_table(stdout, now, loop->before,
			       (double)(start - loop->before_ns) / (double)SECOND_NS,
			       &loop->l->opt->render, &loop->lines);
		fflush(stdout);
		if (loop->before)
			wga_verdict_free(loop->before);
		loop->before = now;
		loop->before_ns = start;
	}
	next = (now_ns() - start) * DRAW_SHARE;
	(void)arm(loop->fd[FD_DRAW].fd, next > DRAW_NS ? next : DRAW_NS, 0);
}

/* from here on a second signal kills, even where the shell had it ignored */
static void let_signals_kill(void)
{
	sigset_t set;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void take_signal(struct loop *loop)
{
	struct signalfd_siginfo info;

	if (read(loop->fd[FD_SIGNAL].fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		print_status(loop->l);
		return;
	}
	loop->stop = true;
	let_signals_kill();
}

static bool timer_fired(const struct pollfd *fd)
{
	uint64_t times;

	return fd->revents && read(fd->fd, &times, sizeof(times)) > 0;
}

static void turn(struct loop *loop)
{
	struct wga_listen *l = loop->l;

	if (poll(loop->fd, FD_PORTS + l->n, -1) < 0)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (loop->fd[FD_PORTS + i].revents)
			dispatch(loop, i);
	if (timer_fired(&loop->fd[FD_TICK])) {
		heartbeat_all(l);
		/* one that went away wakes nobody */
		for (size_t i = 0; i < l->n; i++)
			dispatch(loop, i);
		save_evidence(l);
	}
	if (loop->fd[FD_SIGNAL].revents)
		take_signal(loop);
	if (timer_fired(&loop->fd[FD_DEADLINE]))
		loop->stop = true;
	if (timer_fired(&loop->fd[FD_DRAW])) {
		tell_loss(l, false);
		draw(loop);
	}
}

static void drain(struct loop *loop)
{
	struct wga_listen *l = loop->l;
	const uint64_t start = now_ns();

	finish_all(l);
	for (;;) {
		const uint64_t passed = now_ns() - start;

		if (all_ended(l) || passed > DRAIN_NS ||
		    (passed > QUIET_NS && all_settled(l)))
			return;
		(void)poll(loop->fd + FD_PORTS, l->n, 20);
		for (size_t i = 0; i < l->n; i++)
			dispatch(loop, i);
	}
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_timer(uint64_t first_ns, uint64_t every_ns)
{
	const int fd = timerfd_create(CLOCK_MONOTONIC,
				      TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0 && arm(fd, first_ns, every_ns) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void close_loop(struct loop *loop)
{
	for (int i = 0; i < FD_PORTS; i++)
		if (loop->fd[i].fd >= 0)
			close(loop->fd[i].fd);
	if (loop->before)
		wga_verdict_free(loop->before);
}

static int open_loop(struct loop *loop, struct wga_err *err)
{
	struct wga_listen *l = loop->l;
	const bool table = l->opt->render.width > 0 &&
		!wga_outputs_machine(&l->opt->outputs);

	loop->fd[FD_SIGNAL].fd = open_signals();
	loop->fd[FD_TICK].fd = open_timer(SECOND_NS, SECOND_NS);
	loop->fd[FD_DEADLINE].fd = open_timer(l->duration_ns, 0);
	loop->fd[FD_DRAW].fd = open_timer(table ? DRAW_NS : 0, 0);
	for (size_t i = 0; i < l->n; i++)
		loop->fd[FD_PORTS + i].fd = wga_live_fd(l->port[i].live);
	for (size_t i = 0; i < FD_PORTS + l->n; i++) {
		if (loop->fd[i].fd < 0)
			return wga_err_set(err, "capture-failed",
					   "cannot set up waiting for frames: %s",
					   strerror(errno));
		loop->fd[i].events = POLLIN;
	}
	return 0;
}

static void announce(const struct wga_listen *l)
{
	fputs("listening on ", stderr);
	for (size_t i = 0; i < l->n; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", l->port[i].name);
	fputc('\n', stderr);
}

int wga_listen_run(struct wga_listen *l, struct wga_err *err)
{
	struct loop loop = { .l = l };
	int ret = open_loop(&loop, err);

	if (ret == 0) {
		heartbeat_all(l);
		announce(l);
		while (!loop.stop && !limit_reached(l) && !all_ended(l))
			turn(&loop);
		drain(&loop);
		tell_loss(l, true);
		if (l->evidence)
			wga_evidence_live_close(l->evidence);
		if (loop.lines)
			draw(&loop);
	}
	close_loop(&loop);
	return ret;
}
