/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The first process of a host in its namespaces: it takes the lock that tells
 * who it is, waits to be told to go, makes the host's view of the filesystem,
 * starts services in order, starts them again when they end by themselves, reaps
 * whatever becomes its child, and writes what services say into the log, a line
 * with the time and the service's name each. SIGTERM ends services in reverse
 * order and then the host. It does one thing at a time; nothing it waits for
 * takes long.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "topo/command.h"
#include "topo/namespaces.h"
#include "topo/namespaces_init.h"
#include "topo/namespaces_internal.h"

#define STOP_MS		5000
#define AGAIN_MS	500
#define FAILURES	3	/* before it is said to fail */
#define LINE_MAX_BYTES	2048

/**
 * struct service - something a host can run
 * @wanted:	to be running: started again when it ends
 * @again_ms:	when, if it does not run
 * @failures:	how often it ended by itself since it was told to start
 * @status:	how it did so the last time
 */
struct service {
	const char *name;
	const char *const *argv;
	bool wanted;
	pid_t pid;
	int pipe;
	uint64_t again_ms;
	unsigned int failures;
	int status;
	size_t len;
	char line[LINE_MAX_BYTES];
};

#define ARGV(...)	((const char *const[]){ __VA_ARGS__, NULL })

/* in the order in which they start; the arguments are those of the units that
 * their packages bring
 */
static struct service services[] = {
	{ .name = "headscale", .argv = ARGV("headscale", "serve") },
	{ .name = "tailscaled",
	  .argv = ARGV("tailscaled",
		       "--state=/var/lib/tailscale/tailscaled.state",
		       "--socket=/run/tailscale/tailscaled.sock",
		       "--port=41641", "--no-logs-no-support") },
	{ .name = "nginx",
	  .argv = ARGV("nginx", "-c", "/etc/nginx/nginx.conf",
		       "-g", "daemon off;") },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static void log_line(const char *name, pid_t pid, const char *text, size_t len)
{
	char line[LINE_MAX_BYTES + 128];
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n, ".%06ldZ %s[%d]: ",
			      now.tv_nsec / 1000, name, (int)pid);
	memcpy(line + n, text, len);
	line[n + len] = '\n';
	/* a log that cannot be written must not stop the host */
	if (write(WGA_NS_FD_LOG, line, n + len + 1) < 0)
		return;
}

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line("init", 1, text, n < 0 ? 0 :
		 (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void flush_line(struct service *s)
{
	if (s->len > 0)
		log_line(s->name, s->pid, s->line, s->len);
	s->len = 0;
}

static void take_output(struct service *s)
{
	char buf[4096];
	ssize_t n = read(s->pipe, buf, sizeof(buf));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		flush_line(s);
		close(s->pipe);
		s->pipe = -1;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] != '\n')
			s->line[s->len++] = buf[i];
		if (buf[i] == '\n' || s->len == sizeof(s->line))
			flush_line(s);
	}
}

/* KEY=VALUE lines of /etc/default/NAME, as systemd's EnvironmentFile */
static void read_environment(const char *name)
{
	char path[128], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "/etc/default/%s", name);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *is = strchr(line, '=');

		line[strcspn(line, "\n")] = '\0';
		if (!is || *line == '#')
			continue;
		*is = '\0';
		setenv(line, is + 1, 1);
	}
	if (f)
		fclose(f);
}

static _Noreturn void serve(const struct service *s, int out)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	close_range(3, ~0U, 0);
	read_environment(s->name);
	execvp(s->argv[0], (char *const *)s->argv);
	fprintf(stderr, "cannot run %s: %s\n", s->argv[0], strerror(errno));
	_exit(127);
}

static int service_start(struct service *s)
{
	int p[2];

	s->wanted = true;
	if (s->pid > 0)
		return 0;
	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	s->pid = fork();
	if (s->pid == 0)
		serve(s, p[1]);
	close(p[1]);
	if (s->pid < 0) {
		close(p[0]);
		s->pid = 0;
		s->again_ms = wga_now_ms() + AGAIN_MS;
		return -1;
	}
	if (s->pipe >= 0)
		close(s->pipe);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	s->pipe = p[0];
	say("%s started as process %d", s->name, (int)s->pid);
	return 0;
}

static void service_ended(struct service *s, int status)
{
	while (s->pipe >= 0) {
		struct pollfd p = { .fd = s->pipe, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			break;
		take_output(s);
	}
	if (WIFSIGNALED(status))
		say("%s was ended by signal %d%s", s->name, WTERMSIG(status),
		    s->wanted ? ", starting it again" : "");
	else
		say("%s has ended with status %d%s", s->name,
		    WEXITSTATUS(status),
		    s->wanted ? ", starting it again" : "");
	s->pid = 0;
	s->again_ms = wga_now_ms() + AGAIN_MS;
	s->failures += s->wanted;
	s->status = status;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < COUNT(services); i++)
			if (services[i].pid == pid)
				service_ended(&services[i], status);
}

static void service_stop(struct service *s)
{
	uint64_t end = wga_now_ms() + STOP_MS;

	s->wanted = false;
	if (s->pid > 0)
		kill(s->pid, SIGTERM);
	while (s->pid > 0) {
		struct pollfd p = { .fd = s->pipe, .events = POLLIN };

		if (wga_now_ms() > end)
			kill(-s->pid, SIGKILL);
		if (poll(&p, 1, 10) > 0 && s->pipe >= 0)
			take_output(s);
		reap();
	}
}

static void remember(const struct service *s)
{
	int fd;

	if (!s->wanted) {
		unlinkat(WGA_NS_FD_SERVICES, s->name, 0);
		return;
	}
	fd = openat(WGA_NS_FD_SERVICES, s->name,
		    O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		say("%s will not be started at boot: %s", s->name,
		    strerror(errno));
	else
		close(fd);
}

static const char *check(const struct service *s)
{
	static char text[80];

	if (!s->wanted)
		return "is stopped";
	if (s->failures < FAILURES)
		return "ok";
	if (WIFSIGNALED(s->status))
		snprintf(text, sizeof(text), "is ended by signal %d each time",
			 WTERMSIG(s->status));
	else
		snprintf(text, sizeof(text), "ends with status %d each time",
			 WEXITSTATUS(s->status));
	return text;
}

static const char *obey(char *words)
{
	char *name = strchr(words, ' ');
	struct service *s = NULL;

	if (!name)
		return "what?";
	*name++ = '\0';
	for (size_t i = 0; i < COUNT(services); i++)
		if (strcmp(services[i].name, name) == 0)
			s = &services[i];
	if (!s)
		return "there is no such service";
	if (strcmp(words, "check") == 0)
		return check(s);
	if (strcmp(words, "start") != 0)
		service_stop(s);
	s->failures = 0;
	if (strcmp(words, "stop") != 0 && service_start(s) < 0)
		return strerror(errno);
	remember(s);
	return "ok";
}

static void control(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct timeval limit = { .tv_sec = 1 };
	const char *reply;
	char words[64];
	ssize_t n;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	n = recv(fd, words, sizeof(words) - 1, 0);
	if (n > 0) {
		words[n] = '\0';
		reply = obey(words);
		send(fd, reply, strlen(reply), MSG_NOSIGNAL);
	}
	close(fd);
}

static void start_due(void)
{
	for (size_t i = 0; i < COUNT(services); i++) {
		struct service *s = &services[i];

		if (s->wanted && s->pid == 0 && wga_now_ms() >= s->again_ms)
			service_start(s);
	}
}

static void work(int signals, int listener)
{
	struct pollfd p[2 + COUNT(services)] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = listener, .events = POLLIN },
	};
	struct signalfd_siginfo si;

	for (;;) {
		for (size_t i = 0; i < COUNT(services); i++)
			p[2 + i] = (struct pollfd){ .fd = services[i].pipe,
						    .events = POLLIN };
		if (poll(p, COUNT(p), 250) < 0 && errno != EINTR)
			return;
		for (size_t i = 0; i < COUNT(services); i++)
			if (services[i].pipe >= 0 && p[2 + i].revents)
				take_output(&services[i]);
		while (read(signals, &si, sizeof(si)) == sizeof(si))
			if (si.ssi_signo == SIGTERM)
				return;
		reap();
		if (p[1].revents & POLLIN)
			control(listener);
		start_due();
	}
}

static int listen_at(const char *dir)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/control", dir) >=
	    (int)sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	unlink(at.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    chmod(at.sun_path, 0600) < 0 || listen(fd, 16) < 0)
		return -1;
	return fd;
}

static int take_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Return: exit status, after telling the parent why */
static int refuse(const char *what)
{
	char text[200];
	int n = snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));

	say("%s", text);
	send(WGA_NS_FD_PARENT, text, (size_t)n, MSG_NOSIGNAL);
	return 1;
}

static void start_enabled(void)
{
	for (size_t i = 0; i < COUNT(services); i++) {
		services[i].pipe = -1;
		if (faccessat(WGA_NS_FD_SERVICES, services[i].name, F_OK, 0) == 0)
			service_start(&services[i]);
	}
}

/* the parent says one byte when the links are there; if it is gone, so are we */
static bool told_to_go(void)
{
	char c;

	return send(WGA_NS_FD_PARENT, "l", 1, MSG_NOSIGNAL) == 1 &&
	       recv(WGA_NS_FD_PARENT, &c, 1, 0) == 1;
}

int wga_namespaces_init_main(int argc, char **argv)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int signals, listener, null;

	/* by hand it would make the machine's filesystem a host's */
	if (argc != 5 || getpid() != 1 ||
	    fcntl(WGA_NS_FD_LOCK, F_SETLK, &lock) < 0)
		return 2;
	for (int fd = WGA_NS_FD_PARENT; fd < WGA_NS_FD_END; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	setsid();
	prctl(PR_SET_NAME, "wgaudit-host");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return refuse("/dev/null");
	signals = take_signals();
	if (!told_to_go())
		return 1;
	listener = listen_at(argv[3]);
	if (signals < 0 || listener < 0)
		return refuse("control");
	if (sethostname(argv[2], strlen(argv[2])) < 0 ||
	    wga_ns_root_make(argv[3], argv[4]) < 0)
		return refuse("filesystem");
	say("host %s of mesh %s is up", argv[2], argv[1]);
	start_enabled();
	send(WGA_NS_FD_PARENT, "r", 1, MSG_NOSIGNAL);
	close(WGA_NS_FD_PARENT);
	work(signals, listener);
	say("going down");
	for (size_t i = COUNT(services); i-- > 0; )
		service_stop(&services[i]);
	say("down");
	return 0;
}
