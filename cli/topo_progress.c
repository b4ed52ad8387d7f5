/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "cli/topo_progress.h"
#include "report/term.h"

#define CLEAR_LINE	"\033[K"
#define LINE_LEN	160

const char *wga_stage_name(enum wga_stage stage)
{
	static const char *const names[] = {
		[WGA_STAGE_WAITING] = "waiting",
		[WGA_STAGE_CREATED] = "created",
		[WGA_STAGE_BOOTED] = "booted",
		[WGA_STAGE_SERVING] = "serving",
		[WGA_STAGE_JOINED] = "joined",
		[WGA_STAGE_READY] = "ready",
		[WGA_STAGE_FAILED] = "failed",
	};

	return names[stage];
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static const char *stage_color(enum wga_stage stage, bool color)
{
	if (!color)
		return "";
	if (stage == WGA_STAGE_READY)
		return WGA_TERM_GREEN;
	return stage == WGA_STAGE_FAILED ? WGA_TERM_RED : "";
}

static bool is_last(enum wga_stage stage)
{
	return stage == WGA_STAGE_READY || stage == WGA_STAGE_FAILED;
}

/* the caller holds the lock */
static void draw(struct wga_topo_progress *p)
{
	uint64_t now = now_ms() - p->began_ms;
	char line[LINE_LEN];
	size_t i;

	if (p->drawn)
		fprintf(p->out, "\033[%uA", p->drawn);
	fputc('\r', p->out);
	for (i = 0; i < p->t->n_hosts; i++) {
		const char *color = stage_color(p->stage[i], p->opt.color);
		uint64_t ms = is_last(p->stage[i]) ? p->ms[i] : now;

		snprintf(line, sizeof(line), "%-20s %-8s %8.1f s",
			 p->t->hosts[i].name, wga_stage_name(p->stage[i]),
			 (double)ms / 1000);
		fprintf(p->out, "%s%.*s%s" CLEAR_LINE "\n", color,
			(int)p->opt.width - 1, line,
			*color ? WGA_TERM_RESET : "");
	}
	p->drawn = (unsigned int)p->t->n_hosts;
	fflush(p->out);
}

static void *tick(void *arg)
{
	struct wga_topo_progress *p = arg;
	struct timespec next;

	clock_gettime(CLOCK_REALTIME, &next);
	pthread_mutex_lock(&p->lock);
	while (!p->ends) {
		next.tv_sec++;
		if (pthread_cond_timedwait(&p->wake, &p->lock, &next) && !p->ends)
			draw(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void wga_topo_progress_begin(struct wga_topo_progress *p, FILE *out,
			     const struct wga_topology *t,
			     const struct wga_render_options *opt,
			     unsigned int rows)
{
	*p = (struct wga_topo_progress){
		.out = out, .t = t, .opt = *opt, .began_ms = now_ms(),
		.redraws = opt->width > 1 && t->n_hosts < rows,
	};
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	if (!p->redraws)
		return;
	draw(p);
	p->ticking = !pthread_create(&p->ticker, NULL, tick, p);
}

void wga_topo_progress_stage(void *arg, size_t host, enum wga_stage stage,
			     uint64_t ms)
{
	struct wga_topo_progress *p = arg;

	pthread_mutex_lock(&p->lock);
	p->stage[host] = stage;
	p->ms[host] = ms;
	if (p->redraws) {
		draw(p);
	} else {
		fprintf(p->out, "%8.1f s  %-20s %s\n", (double)ms / 1000,
			p->t->hosts[host].name, wga_stage_name(stage));
		fflush(p->out);
	}
	pthread_mutex_unlock(&p->lock);
}

uint64_t wga_topo_progress_end(struct wga_topo_progress *p)
{
	pthread_mutex_lock(&p->lock);
	p->ends = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	if (p->ticking)
		pthread_join(p->ticker, NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	return now_ms() - p->began_ms;
}
