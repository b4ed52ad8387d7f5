/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/fault_report.h"
#include "report/term.h"

const char *wga_fault_ms(uint64_t ms, char buf[static 32])
{
	unsigned long long s = ms / 1000;

	if (s >= 3600)
		snprintf(buf, 32, "%llu h %llu min", s / 3600, s / 60 % 60);
	else if (s >= 120)
		snprintf(buf, 32, "%llu min %llu s", s / 60, s % 60);
	else if (ms % 1000)
		snprintf(buf, 32, "%llu.%03u s", s, (unsigned int)(ms % 1000));
	else
		snprintf(buf, 32, "%llu s", s);
	return buf;
}

static void hosts(const struct wga_fault *f, unsigned int group, char *buf,
		  size_t size)
{
	char clean[64];
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < f->n_ports && len < size; i++)
		if (f->ports[i].group == group)
			len += (size_t)snprintf(buf + len, size - len, "%s%s",
				len ? "," : "",
				wga_term_clean(f->ports[i].host, clean,
					       sizeof(clean)));
}

const char *wga_fault_sentence(const struct wga_fault *f, char *buf,
			       size_t size)
{
	const char *protocol = f->protocol == WGA_FAULT_ANY ? "" :
			       wga_fault_protocols[f->protocol];
	char a[200], b[200], ms[32], more[64] = "";

	hosts(f, 0, a, sizeof(a));
	hosts(f, 1, b, sizeof(b));
	switch (f->what) {
	case WGA_FAULT_FLAP:
		if (f->count > 1)
			snprintf(more, sizeof(more), ", %llu times",
				 (unsigned long long)f->count);
		snprintf(buf, size, "takes the link of %s down (%s) for %s%s",
			 a, wga_fault_kinds[f->kind],
			 wga_fault_ms(f->duration_ms, ms), more);
		return buf;
	case WGA_FAULT_LINK:
		snprintf(buf, size, "takes the link of %s down (%s)", a,
			 wga_fault_kinds[f->kind]);
		break;
	case WGA_FAULT_PARTITION:
		snprintf(buf, size, f->isolate ?
			 "cuts %s off from everything%s%s%s" :
			 "cuts %s%s%s%s%s%s", a,
			 f->isolate ? (*protocol ? " but all but " : "") :
			 f->one_way ? " to " : " and ",
			 f->isolate ? protocol : b,
			 f->isolate && wga_fault_has_addr(&f->control) ?
			 " but the control server" : "",
			 *protocol ? " for " : "", protocol);
		break;
	default:
		snprintf(more, sizeof(more), "loses %u.%02u %% of the frames of ",
			 f->loss / 100, f->loss % 100);
		snprintf(buf, size, "%s%s%s", f->loss ? more :
			 "slows down what goes to ", a,
			 f->loss && (f->delay_us || f->rate) ?
			 " and slows down what goes to it" : "");
		break;
	}
	if (f->duration_ms) {
		size_t len = strlen(buf);

		snprintf(buf + len, size - len, " for %s",
			 wga_fault_ms(f->duration_ms, ms));
	}
	return buf;
}

static void judge_links(const struct wga_fault *f, struct wga_fault_result *r)
{
	bool vm = f->n_links && *f->links[0].domain;
	size_t seen = 0;

	for (size_t i = 0; i < r->n; i++)
		seen += r->outages[i].down_seen;
	r->seen_by = vm ? "libvirt" : "link-event";
	r->bite = seen == r->n && seen > 0 ? WGA_BITE_YES : WGA_BITE_NO;
	if (r->bite == WGA_BITE_YES)
		snprintf(r->why, sizeof(r->why),
			 vm ? "libvirt took the link down" :
			 "the link was seen down by its own event");
	else
		snprintf(r->why, sizeof(r->why),
			 "%zu of %zu times the link was not seen to go down: the fault did not bite",
			 r->n - seen, r->n);
}

void wga_fault_judge(const struct wga_fault *f, struct wga_fault_result *r)
{
	unsigned long long dropped = r->dropped, arrived = r->arrived;
	unsigned long long delayed = r->delayed;

	r->seen_by = "rules";
	if (wga_fault_by_state(f)) {
		judge_links(f, r);
	} else if (f->loss == 0 && f->what == WGA_FAULT_LOSS) {
		r->bite = delayed ? WGA_BITE_YES : WGA_BITE_UNTRIED;
		snprintf(r->why, sizeof(r->why), "%llu frames were held back",
			 delayed);
	} else if (dropped) {
		r->bite = WGA_BITE_YES;
		snprintf(r->why, sizeof(r->why), "%llu frames were dropped",
			 dropped);
	} else if (arrived) {
		r->bite = WGA_BITE_NO;
		snprintf(r->why, sizeof(r->why),
			 "no frame was dropped, although %llu came in by the hosts' ports: the fault did not bite",
			 arrived);
	} else {
		r->bite = WGA_BITE_UNTRIED;
		snprintf(r->why, sizeof(r->why),
			 "no frame was dropped, and none came in by the hosts' ports: nothing was tried");
	}
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *addr_json(const struct wga_addr *a)
{
	char text[WGA_ADDR_STRLEN];

	return wga_fault_has_addr(a) ? json_string(wga_addr_format(a, text)) :
				       json_null();
}

static json_t *wall_json(uint64_t ms)
{
	char text[40];

	snprintf(text, sizeof(text), "%llu.%03u000000",
		 (unsigned long long)(ms / 1000), (unsigned int)(ms % 1000));
	return json_string(text);
}

static json_t *time_json(const struct wga_fault_time *t)
{
	return json_pack("{s:o, s:o}", "time", wall_json(t->wall_ms),
			 "monotonic_ms", number(t->mono_ms));
}

static json_t *targets_json(const struct wga_fault *f)
{
	json_t *all = json_array();
	char host[64];

	for (size_t i = 0; i < f->n_ports; i++) {
		const struct wga_fault_port *p = &f->ports[i];

		json_array_append_new(all, json_pack(
			"{s:s, s:s, s:s, s:o, s:o}",
			"host", wga_term_clean(p->host, host, sizeof(host)),
			"port", p->link, "bridge", p->bridge,
			"address", addr_json(&p->addr),
			"group", number(p->group)));
	}
	return all;
}

json_t *wga_fault_json(const struct wga_fault *f)
{
	struct wga_fault_time began = { f->began_mono_ms, f->began_ms };

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:s, s:o, s:f, s:o, s:o, s:o}",
		"schema", WGA_FAULT_SCHEMA, "name", f->name,
		"command", wga_fault_commands[f->what],
		"kind", wga_fault_kinds[f->kind],
		"mesh", *f->mesh ? json_string(f->mesh) : json_null(),
		"targets", targets_json(f),
		"duration_ms", f->duration_ms ? number(f->duration_ms) :
						json_null(),
		"count", number(f->what == WGA_FAULT_FLAP ? f->count : 1),
		"up_ms", number(f->up_ms), "jitter_ms", number(f->jitter_ms),
		"seed", number(f->seed), "one_way", f->one_way,
		"isolate", f->isolate,
		"protocol", wga_fault_protocols[f->protocol],
		"control", addr_json(&f->control),
		"loss_percent", f->loss / 100.0,
		"delay_us", number(f->delay_us), "rate_bytes", number(f->rate),
		"began", time_json(&began));
}

static json_t *outage_json(const char *by, const struct wga_outage *o)
{
	json_t *down = time_json(&o->down);
	json_t *up = o->ended ? time_json(&o->up) : json_null();

	json_object_set_new(down, "seen_by", o->down_seen ? json_string(by) :
							    json_null());
	if (o->ended)
		json_object_set_new(up, "seen_by", o->up_seen ?
				    json_string(by) : json_null());
	return json_pack("{s:o, s:o, s:o, s:o}",
			 "asked_ms", o->asked_ms ? number(o->asked_ms) :
						   json_null(),
			 "down", down, "up", up,
			 "lasted_ms", o->ended ?
			 number(o->up.mono_ms - o->down.mono_ms) : json_null());
}

json_t *wga_fault_result_json(const struct wga_fault *f,
			      const struct wga_fault_result *r)
{
	json_t *doc = wga_fault_json(f), *outages = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(outages, outage_json(r->seen_by, &r->outages[i]));
	if (!doc) {
		json_decref(outages);
		return NULL;
	}
	json_object_update_new(doc, json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "outages", outages,
		"dropped", number(r->dropped), "delayed", number(r->delayed),
		"arrived", number(r->arrived),
		"bit", r->bite == WGA_BITE_UNTRIED ? json_null() :
		json_boolean(r->bite == WGA_BITE_YES), "text", r->why,
		"ended_by", r->ended_by));
	return doc;
}

void wga_fault_say(const char *what, const struct wga_fault_time *t, bool seen,
		   bool by_state, uint64_t lasted_ms)
{
	time_t s = (time_t)(t->wall_ms / 1000);
	char wall[40], lasted[32];
	struct tm tm;

	localtime_r(&s, &tm);
	strftime(wall, sizeof(wall), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s.%03u  %-4s", wall, (unsigned int)(t->wall_ms % 1000), what);
	if (lasted_ms)
		printf("  after %s", wga_fault_ms(lasted_ms, lasted));
	if (!seen && by_state)
		printf("  (no event of the link says so)");
	printf("\n");
	fflush(stdout);
}

int wga_fault_print(json_t *doc)
{
	int ret = doc ? json_dumpf(doc, stdout, JSON_INDENT(1) |
				   JSON_ENSURE_ASCII) : -1;

	json_decref(doc);
	putchar('\n');
	return ret < 0 || fflush(stdout) ? -1 : 0;
}
