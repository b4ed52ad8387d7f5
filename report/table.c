/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The cursor goes up over the lines drawn last time, each line is written anew
 * and its rest cleared, and what is left below is cleared too: nothing flickers
 * and nothing of an older, longer table stays. A line never reaches the last
 * column, for a line that wraps would put the cursor elsewhere next time.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/term.h"
#include "report/total.h"

#define ROWS_MAX	20
#define LINE_LEN	512
#define CLEAR_LINE	"\033[K"
#define CLEAR_BELOW	"\033[J"

struct rate {
	const struct wga_flow_report *flow;
	double frames, bytes;
};

static int end_order(const struct wga_flow_end *a, const struct wga_flow_end *b)
{
	int order = (int)a->has_addr - (int)b->has_addr;

	if (!order && a->has_addr)
		order = memcmp(&a->addr, &b->addr, sizeof(a->addr));
	if (!order)
		order = (int)a->port - (int)b->port;
	/* a name can be learnt between two redraws, a MAC address stays */
	if (!order && !a->has_addr)
		order = strcmp(a->name, b->name);
	return order;
}

static int flow_order(const struct wga_flow_report *a,
		      const struct wga_flow_report *b)
{
	int order = (int)a->cls - (int)b->cls;

	if (!order)
		order = strcmp(a->protocol, b->protocol);
	if (!order)
		order = end_order(&a->a, &b->a);
	return order ? order : end_order(&a->b, &b->b);
}

static int sort_order(const void *a, const void *b)
{
	return flow_order(*(const struct wga_flow_report *const *)a,
			  *(const struct wga_flow_report *const *)b);
}

static int find_order(const void *key, const void *element)
{
	return flow_order(key, *(const struct wga_flow_report *const *)element);
}

/* the flows of a verdict in an order that can be searched, or NULL */
static const struct wga_flow_report **sorted_flows(const struct wga_verdict *v)
{
	const struct wga_flow_report **list;
	size_t i;

	if (!v || !v->n_flows)
		return NULL;
	list = calloc(v->n_flows, sizeof(*list));
	if (!list)
		return NULL;
	for (i = 0; i < v->n_flows; i++)
		list[i] = &v->flows[i];
	qsort(list, v->n_flows, sizeof(*list), sort_order);
	return list;
}

static double growth(uint64_t now, uint64_t before, double seconds)
{
	if (seconds <= 0 || now < before)
		return 0;
	return (double)(now - before) / seconds;
}

/* keep the busiest rows, busiest first; equals stay in the verdict's order */
static size_t keep_row(struct rate row[static ROWS_MAX], size_t n,
		       const struct rate *r)
{
	size_t at = n;

	while (at > 0 && row[at - 1].frames < r->frames)
		at--;
	if (at == ROWS_MAX)
		return n;
	if (n < ROWS_MAX)
		n++;
	memmove(&row[at + 1], &row[at], (n - at - 1) * sizeof(*row));
	row[at] = *r;
	return n;
}

static size_t busiest(const struct wga_verdict *now,
		      const struct wga_verdict *before, double seconds,
		      struct rate row[static ROWS_MAX])
{
	const struct wga_flow_report **old = sorted_flows(before);
	size_t i, n = 0;

	/* without the counts of last time there are no rates */
	if (before && before->n_flows && !old)
		seconds = 0;
	for (i = 0; i < now->n_flows; i++) {
		const struct wga_flow_report *f = &now->flows[i];
		const struct wga_flow_report **was = NULL;
		struct rate r = { .flow = f };

		if (old)
			was = bsearch(f, old, before->n_flows, sizeof(*old),
				      find_order);
		r.frames = growth(f->frames, was ? (*was)->frames : 0, seconds);
		r.bytes = growth(f->bytes, was ? (*was)->bytes : 0, seconds);
		n = keep_row(row, n, &r);
	}
	free(old);
	return n;
}

/* one line, cut before the last column; the colour counts for nothing */
static void put_line(FILE *out, const char *line, const char *color,
		     const struct wga_render_options *opt)
{
	int width = opt->width ? (int)opt->width - 1 : LINE_LEN;

	fprintf(out, "%s%.*s%s" CLEAR_LINE "\n", color, width, line,
		*color ? WGA_TERM_RESET : "");
}

static void put_headline(FILE *out, const struct wga_verdict *v,
			 const struct wga_render_options *opt)
{
	struct wga_total sum = wga_total_of(v);
	char line[LINE_LEN], bytes[16];
	size_t i;
	int n;

	n = snprintf(line, sizeof(line), "%s so far: %" PRIu64 " frames, %s",
		     wga_outcome_name(v->outcome), sum.frames,
		     wga_term_bytes((double)sum.bytes, bytes));
	if (sum.kernel_drops)
		n += snprintf(line + n, sizeof(line) - (size_t)n,
			      ", %" PRIu64 " lost", sum.kernel_drops);
	for (i = 0; i < v->n_reasons && n < (int)sizeof(line) - 64; i++) {
		n += snprintf(line + n, sizeof(line) - (size_t)n,
			      "%s%s (%" PRIu64 ")", i ? ", " : "; ",
			      wga_code_name(v->reasons[i].code),
			      v->reasons[i].count);
	}
	put_line(out, line, wga_term_color(v->outcome, opt->color), opt);
}

/* room for each of the two ends once all other columns have theirs */
static int end_width(const struct wga_render_options *opt)
{
	int rest = (int)opt->width - 1 - 54;

	if (!opt->width)
		return 48;
	return rest / 2 < 10 ? 10 : rest / 2 > 56 ? 56 : rest / 2;
}

/* the name alone where there is one, for columns are few */
static const char *short_end(const struct wga_flow_end *end, char *buf,
			     size_t size)
{
	if (*end->name)
		return wga_term_clean(end->name, buf, size);
	return wga_term_end(end, buf, size);
}

static void put_row(FILE *out, const struct rate *r,
		    const struct wga_render_options *opt)
{
	const struct wga_flow_report *f = r->flow;
	char line[LINE_LEN], a[320], b[320], rate[16], bytes[16];
	int wide = end_width(opt);

	snprintf(line, sizeof(line), "%-12s %-10s %-*.*s %-*.*s %9.1f %9s %8s",
		 wga_class_name(f->cls), f->evidence == WGA_EVIDENCE_NONE ?
		 "-" : wga_evidence_name(f->evidence),
		 wide, wide, short_end(&f->a, a, sizeof(a)),
		 wide, wide, short_end(&f->b, b, sizeof(b)), r->frames,
		 wga_term_bytes(r->bytes, rate),
		 wga_term_bytes((double)f->bytes, bytes));
	put_line(out, line, wga_term_class_color(f->cls, opt->color), opt);
}

static void put_titles(FILE *out, const struct wga_render_options *opt)
{
	char line[LINE_LEN];
	int wide = end_width(opt);

	snprintf(line, sizeof(line), "%-12s %-10s %-*s %-*s %9s %9s %8s",
		 "class", "evidence", wide, "a", wide, "b", "frames/s",
		 "bytes/s", "bytes");
	put_line(out, line, opt->color ? WGA_TERM_BOLD : "", opt);
}

void wga_live_table(FILE *out, const struct wga_verdict *now,
		    const struct wga_verdict *before, double seconds,
		    const struct wga_render_options *opt, unsigned int *lines)
{
	struct rate row[ROWS_MAX];
	size_t i, n = busiest(now, before, seconds, row);
	char more[64];

	if (*lines)
		fprintf(out, "\033[%uA", *lines);
	fputc('\r', out);
	put_headline(out, now, opt);
	put_titles(out, opt);
	for (i = 0; i < n; i++)
		put_row(out, &row[i], opt);
	*lines = 2 + (unsigned int)n;
	if (now->n_flows > n) {
		snprintf(more, sizeof(more), "and %zu more", now->n_flows - n);
		put_line(out, more, "", opt);
		++*lines;
	}
	fputs(CLEAR_BELOW, out);
	fflush(out);
}
