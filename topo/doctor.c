/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "topo/doctor_internal.h"

const char *wga_health_name(enum wga_health health)
{
	static const char *const names[] = { "ok", "warning", "missing" };

	return names[health];
}

const char *wga_need_next(unsigned int *needs)
{
	static const char *const names[] = {
		"capture", "topo --backend namespaces",
		"topo --backend libvirt", "faults", "loss",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (*needs & 1U << i) {
			*needs &= ~(1U << i);
			return names[i];
		}
	}
	return NULL;
}

void wga_finding_add(const struct wga_doctor *d, struct wga_findings *out,
		     const char *name, unsigned int needs,
		     enum wga_health health, const char *mend,
		     const char *fmt, ...)
{
	struct wga_finding *f = &out->list[out->n];
	va_list ap;

	if (!(needs & d->needs) || out->n == WGA_FINDINGS_MAX)
		return;
	out->n++;
	*f = (struct wga_finding){ .health = health, .needs = needs };
	snprintf(f->name, sizeof(f->name), "%s", name);
	snprintf(f->mend, sizeof(f->mend), "%s", mend);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

int wga_doctor_line(const struct wga_doctor *d, const char *path, char *buf,
		    size_t size)
{
	char full[512];
	FILE *f;
	char *got;

	snprintf(full, sizeof(full), "%s%s", d->root, path);
	f = fopen(full, "re");
	if (!f)
		return -1;
	got = fgets(buf, (int)size, f);
	fclose(f);
	if (!got)
		return -1;
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void write_all(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	for (; len; at += n, len -= (size_t)n) {
		n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return;
	}
}

/* Return: whole findings that were read before the end or the time limit; -1
 * if it was the limit
 */
static int read_findings(int fd, unsigned int limit_ms,
			 struct wga_findings *out)
{
	const uint64_t end = now_ms() + limit_ms;
	struct wga_findings got = { 0 };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0, i;
	ssize_t n = 1;

	while (n > 0 && len < sizeof(got.list)) {
		uint64_t now = now_ms();

		if (now >= end || poll(&p, 1, (int)(end - now)) == 0)
			return -1;
		n = read(fd, (char *)got.list + len, sizeof(got.list) - len);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	len /= sizeof(got.list[0]);
	for (i = 0; i < len && out->n < WGA_FINDINGS_MAX; i++)
		out->list[out->n++] = got.list[i];
	return (int)len;
}

/* it must not hold up the machine that it examines, nor write to its terminal */
static _Noreturn void child(const struct wga_doctor *d, int fd,
			    void (*examine)(const struct wga_doctor *d,
					    struct wga_findings *out))
{
	struct wga_findings found = { 0 };

	/* a group that can be killed, without a terminal to ask for passwords */
	setsid();
	if (!freopen("/dev/null", "w", stderr))
		close(STDERR_FILENO);
	examine(d, &found);
	write_all(fd, found.list, found.n * sizeof(found.list[0]));
	_exit(0);
}

void wga_doctor_child(const struct wga_doctor *d, struct wga_findings *out,
		      const char *name, unsigned int needs,
		      void (*examine)(const struct wga_doctor *d,
				      struct wga_findings *out))
{
	int fds[2], got, status = 0;
	pid_t pid = -1;

	/* nothing that it starts may hold up the end */
	if (pipe2(fds, O_CLOEXEC) == 0) {
		fflush(NULL);
		pid = fork();
		if (pid == 0)
			child(d, fds[1], examine);
		close(fds[1]);
	}
	if (pid < 0) {
		wga_finding_add(d, out, name, needs, WGA_HEALTH_WARNING, "",
				"could not be examined: %s", strerror(errno));
		return;
	}
	got = read_findings(fds[0], d->limit_ms, out);
	close(fds[0]);
	if (got < 0) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		/* in uninterruptible sleep it would not end now either */
		waitpid(pid, &status, WNOHANG);
	} else {
		waitpid(pid, &status, 0);
	}
	if (got < 0)
		wga_finding_add(d, out, name, needs, WGA_HEALTH_MISSING,
				"see why it hangs; then again",
				"no answer within %u s", d->limit_ms / 1000);
	else if (WIFSIGNALED(status))
		wga_finding_add(d, out, name, needs, WGA_HEALTH_WARNING, "",
				"examining it ended by signal %d",
				WTERMSIG(status));
}

void wga_doctor_examine(const struct wga_doctor *d, struct wga_findings *out)
{
	*out = (struct wga_findings){ 0 };
	wga_doctor_privileges(d, out);
	wga_doctor_bridges(d, out);
	wga_doctor_child(d, out, "probes", WGA_NEED_NAMESPACES |
			 WGA_NEED_FAULTS | WGA_NEED_LOSS, wga_doctor_probes);
	wga_doctor_libnl(d, out);
	if (d->needs & WGA_NEED_LIBVIRT)
		wga_doctor_child(d, out, "libvirt", WGA_NEED_LIBVIRT,
				 wga_doctor_libvirt);
	wga_doctor_reaper(d, out);
	wga_doctor_kvm(d, out);
	wga_doctor_subnets(d, out);
	wga_doctor_memory(d, out);
	if (d->needs & (WGA_NEED_LIBVIRT | WGA_NEED_NAMESPACES))
		wga_doctor_child(d, out, "disk", WGA_NEED_LIBVIRT |
				 WGA_NEED_NAMESPACES, wga_doctor_disk);
	wga_doctor_programs(d, out);
	/* asks backends whether what is there is alive */
	if (d->needs & (WGA_NEED_LIBVIRT | WGA_NEED_NAMESPACES))
		wga_doctor_child(d, out, "leftovers", WGA_NEED_LIBVIRT |
				 WGA_NEED_NAMESPACES, wga_doctor_leftovers);
}
