/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/topo_status.h"
#include "report/json_parts.h"
#include "report/term.h"

#define COLUMNS		8
#define CELL_LEN	512

/**
 * struct table - cells, and how wide their columns are
 */
struct table {
	char cell[WGA_TOPO_HOSTS_MAX + 1][COLUMNS][CELL_LEN];
	int width[COLUMNS];
	size_t rows;
};

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

/* "vm-a direct, vm-c derp" */
static void put_paths(const struct wga_topology *t,
		      const struct wga_host_status *s, char *buf, size_t size)
{
	size_t i, used = 0;
	char path[4 * sizeof(s->path[0])];

	strcpy(buf, "-");
	for (i = 0; i < t->n_hosts && used < size; i++) {
		if (!s->path[i][0] || !strcmp(s->path[i], "-"))
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s %s",
					 used ? ", " : "", t->hosts[i].name,
					 wga_term_clean(s->path[i], path,
							sizeof(path)));
	}
}

static void put_host(char row[COLUMNS][CELL_LEN], const struct wga_topology *t,
		     size_t i, const struct wga_host_status *s)
{
	const struct wga_topo_host *h = &t->hosts[i];
	bool client = h->role == WGA_ROLE_CLIENT;
	char text[WGA_ADDR_STRLEN];

	snprintf(row[0], CELL_LEN, "%s", h->name);
	snprintf(row[1], CELL_LEN, "%s", wga_role_name(h->role));
	snprintf(row[2], CELL_LEN, "%s", wga_addr_format(&h->addr, text));
	snprintf(row[3], CELL_LEN, "%s", s->joined ?
		 wga_addr_format(&s->mesh_addr, text) : "-");
	snprintf(row[4], CELL_LEN, "%s", client ? yes_no(s->online) : "-");
	snprintf(row[5], CELL_LEN, "%s", yes_no(s->alive));
	wga_term_clean(s->version[0] ? s->version : "-", row[6], CELL_LEN);
	put_paths(t, s, row[7], CELL_LEN);
}

static void fill(struct table *table, const struct wga_topology *t,
		 const struct wga_host_status *status)
{
	static const char *const titles[COLUMNS] = {
		"host", "role", "address", "mesh address", "online", "agent",
		"version", "paths",
	};
	size_t r, c;

	table->rows = t->n_hosts + 1;
	for (c = 0; c < COLUMNS; c++)
		snprintf(table->cell[0][c], CELL_LEN, "%s", titles[c]);
	for (r = 1; r < table->rows; r++)
		put_host(table->cell[r], t, r - 1, &status[r - 1]);
	for (r = 0; r < table->rows; r++) {
		for (c = 0; c < COLUMNS; c++) {
			int len = (int)strlen(table->cell[r][c]);

			if (len > table->width[c])
				table->width[c] = len;
		}
	}
}

/* red where a host cannot be reached or a client is not online */
static const char *row_color(const struct wga_topo_host *h,
			     const struct wga_host_status *s, bool color)
{
	bool well = s->alive && (h->role != WGA_ROLE_CLIENT || s->online);

	return color && !well ? WGA_TERM_RED : "";
}

static void put_where(FILE *out, struct wga_mesh *m)
{
	const char *netns = m->backend->netns ? m->backend->netns(m) : "";
	size_t i;

	fprintf(out, "\nbridges: ");
	for (i = 0; i < m->topo.n_networks; i++)
		fprintf(out, "%s%s", i ? ", " : "", m->topo.networks[i].bridge);
	if (netns && *netns)
		fprintf(out, ", in network namespace %s", netns);
	fputc('\n', out);
}

int wga_topo_status_text(FILE *out, struct wga_mesh *m,
			 const struct wga_host_status *status,
			 const struct wga_render_options *opt)
{
	struct table *table = calloc(1, sizeof(*table));
	size_t r, c;

	if (!table)
		return -1;
	fill(table, &m->topo, status);
	fprintf(out, "mesh %s (%s): %zu hosts, %s\n\n", m->topo.name,
		m->backend->name, m->topo.n_hosts, m->topo.domain);
	for (r = 0; r < table->rows; r++) {
		const char *color = r ? row_color(&m->topo.hosts[r - 1],
						  &status[r - 1], opt->color) :
			opt->color ? WGA_TERM_BOLD : "";

		fputs(color, out);
		for (c = 0; c + 1 < COLUMNS; c++)
			fprintf(out, "%-*s  ", table->width[c],
				table->cell[r][c]);
		fprintf(out, "%s%s\n", table->cell[r][c],
			*color ? WGA_TERM_RESET : "");
	}
	put_where(out, m);
	free(table);
	return ferror(out) ? -1 : 0;
}

static json_t *addr_json(const struct wga_addr *a)
{
	char text[WGA_ADDR_STRLEN];

	return json_string(wga_addr_format(a, text));
}

static json_t *network_json(const struct wga_topo_network *n)
{
	char subnet[WGA_ADDR_STRLEN];

	wga_addr_format(&n->subnet, subnet);
	return json_pack("{s:s, s:s, s:o, s:o}", "name", n->name, "bridge",
			 n->bridge, "subnet",
			 json_sprintf("%s/%u", subnet, n->prefix), "gateway",
			 addr_json(&n->gateway));
}

static json_t *passages_json(const struct wga_topology *t)
{
	json_t *list = json_array();
	size_t a, b;

	for (a = 0; a < t->n_networks; a++) {
		for (b = a + 1; b < t->n_networks; b++)
			json_array_append_new(list,
				json_pack("{s:[s, s], s:s}", "between",
					  t->networks[a].name,
					  t->networks[b].name, "pass",
					  wga_passage_name(t->passage[a][b])));
	}
	return list;
}

json_t *wga_topo_mesh_json(const struct wga_topology *t)
{
	json_t *networks = json_array();
	size_t i;

	for (i = 0; i < t->n_networks; i++)
		json_array_append_new(networks, network_json(&t->networks[i]));
	return json_pack("{s:s, s:s, s:o, s:o}", "name", t->name, "domain",
			 t->domain, "networks", networks, "passage",
			 passages_json(t));
}

static json_t *paths_json(const struct wga_topology *t,
			  const struct wga_host_status *s)
{
	json_t *paths = json_object();
	size_t i;

	for (i = 0; i < t->n_hosts; i++) {
		if (s->path[i][0] && strcmp(s->path[i], "-") != 0)
			json_object_set_new(paths, t->hosts[i].name,
					    wga_json_text(s->path[i]));
	}
	return paths;
}

static json_t *host_json(const struct wga_topology *t, size_t i,
			 const struct wga_host_status *s)
{
	const struct wga_topo_host *h = &t->hosts[i];

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:b, s:b, s:o, s:o}",
			 "name", h->name, "role", wga_role_name(h->role),
			 "network", t->networks[h->network].name, "address",
			 addr_json(&h->addr), "mesh_address", s->joined ?
			 addr_json(&s->mesh_addr) : json_null(),
			 "agent", s->alive, "joined", s->joined, "online",
			 s->online, "version", s->version[0] ?
			 wga_json_text(s->version) : json_null(), "paths",
			 paths_json(t, s));
}

int wga_topo_status_json(FILE *out, struct wga_mesh *m,
			 const struct wga_host_status *status)
{
	const char *netns = m->backend->netns ? m->backend->netns(m) : "";
	json_t *hosts = json_array(), *doc;
	size_t i;

	for (i = 0; i < m->topo.n_hosts; i++)
		json_array_append_new(hosts, host_json(&m->topo, i, &status[i]));
	doc = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "schema",
			WGA_TOPO_SCHEMA, "backend", m->backend->name,
			"connect", m->uri[0] ? wga_json_text(m->uri) :
			json_null(), "netns", netns && *netns ?
			wga_json_text(netns) : json_null(), "mesh",
			wga_topo_mesh_json(&m->topo), "hosts", hosts);
	if (wga_json_put(out, doc) < 0)
		return -1;
	return fputc('\n', out) == EOF ? -1 : 0;
}
