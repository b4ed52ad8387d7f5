/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/signals.h"
#include "cli/topo_pty.h"
#include "topo/command.h"

#define POLL_MS		200

/**
 * struct relay - between our terminal and that of the command
 * @size:	of our terminal, when it was last looked at
 * @keys:	there are still some to come
 */
struct relay {
	int master;
	struct winsize size;
	bool keys;
};

static volatile sig_atomic_t *to_cancel;

static void on_signal(int sig)
{
	*to_cancel = sig;
}

static int write_all(int fd, const char *buf, ssize_t len)
{
	ssize_t n;

	for (; len > 0; buf += n, len -= n) {
		n = write(fd, buf, (size_t)len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -1;
	}
	return 0;
}

static void follow_size(struct relay *r)
{
	struct winsize now;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &now) < 0 ||
	    memcmp(&now, &r->size, sizeof(now)) == 0)
		return;
	r->size = now;
	ioctl(r->master, TIOCSWINSZ, &now);
}

/* until nobody has the other end open any more */
static void *relay(void *arg)
{
	struct relay *r = arg;
	char buf[4096];
	ssize_t n;

	for (;;) {
		struct pollfd p[2] = {
			{ .fd = r->master, .events = POLLIN },
			{ .fd = r->keys ? STDIN_FILENO : -1, .events = POLLIN },
		};

		follow_size(r);
		if (poll(p, 2, POLL_MS) < 0)
			continue;
		if (p[0].revents) {
			n = read(r->master, buf, sizeof(buf));
			if (n == 0 || (n < 0 && errno != EINTR))
				return NULL;
			if (n > 0)
				write_all(STDOUT_FILENO, buf, n);
		}
		if (p[1].revents) {
			n = read(STDIN_FILENO, buf, sizeof(buf));
			if (n == 0 || (n < 0 && errno != EINTR) ||
			    (n > 0 && write_all(r->master, buf, n) < 0))
				r->keys = false;
		}
	}
}

/* the other end of @master, or -1 */
static int open_slave(int master)
{
	char name[64];

	if (grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0)
		return -1;
	return open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* the terminal is raw; @slave is closed */
static int run_between(struct wga_mesh *m, const struct wga_topo_host *host,
		       const char *const *argv, struct relay *r, int slave,
		       struct wga_err *err)
{
	struct wga_command_run run = {
		.argv = argv, .in = slave, .out = slave, .err = slave,
	};
	pthread_t thread;
	int ret;

	follow_size(r);
	ret = pthread_create(&thread, NULL, relay, r);
	if (ret) {
		close(slave);
		return wga_err_set(err, "out-of-memory",
				   "cannot start a thread: %s", strerror(ret));
	}
	ret = m->backend->run(m, host, &run, err);
	close(slave);
	pthread_join(thread, NULL);
	wga_command_free(&run);
	return ret < 0 ? -1 : run.status;
}

int wga_topo_pty(struct wga_mesh *m, const struct wga_topo_host *host,
		 const char *const *argv, volatile sig_atomic_t *cancel,
		 struct wga_err *err)
{
	struct relay r = { .keys = true };
	struct termios before, raw;
	int slave, ret;

	r.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	slave = r.master < 0 ? -1 : open_slave(r.master);
	if (slave < 0 || tcgetattr(STDIN_FILENO, &before) < 0) {
		wga_err_set(err, "no-terminal", "cannot make a terminal: %s",
			    strerror(errno));
		if (slave >= 0)
			close(slave);
		if (r.master >= 0)
			close(r.master);
		return -1;
	}
	to_cancel = cancel;
	m->cancel = cancel;
	wga_signal_catch(SIGTERM, on_signal, 0);
	wga_signal_catch(SIGHUP, on_signal, 0);
	raw = before;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	ret = run_between(m, host, argv, &r, slave, err);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	close(r.master);
	return ret;
}
