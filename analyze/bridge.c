/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "analyze/examine.h"
#include "analyze/handshake.h"
#include "analyze/opaque_internal.h"

/* Frames may have been read by another core: fetch their headers in time. */
#define AHEAD	4
/* Frames between the fetch of a flow's slot and that of the flow */
#define SLOT_AHEAD	32

struct wga_bridge *wga_bridge_new(const struct wga_config *cfg,
				  const char *name, bool live)
{
	struct wga_bridge *br = calloc(1, sizeof(*br));

	if (!br)
		return NULL;
	wga_scan_init();
	br->cfg = cfg;
	br->live = live;
	br->parts = 1;
	br->name = strdup(name);
	br->flows = wga_flow_table_new();
	br->fragments = calloc(1, sizeof(*br->fragments));
	wga_sessions_init(&br->sessions);
	br->sessions.elided = cfg->trust_elided;
	wga_derp_nodes_init(&br->derp);
	wga_hash_seed(br->seed);
	if (cfg->canaries && !wga_canaries_compile(cfg->canaries))
		br->watch = wga_watch_new(cfg->canaries);
	if (wga_neighbours_init(&br->neighbours) || !br->name || !br->flows ||
	    !br->fragments || (cfg->canaries && !br->watch)) {
		wga_bridge_free(br);
		return NULL;
	}
	return br;
}

void wga_bridge_free(struct wga_bridge *br)
{
	uint32_t i;

	if (!br)
		return;
	for (i = 0; i < br->n_streams; i++) {
		wga_stream_free(br->streams[i]->stream);
		free(br->streams[i]);
	}
	free(br->streams);
	if (br->fragments)
		wga_fragments_free(br->fragments);
	free(br->fragments);
	wga_flow_table_free(br->flows);
	wga_sessions_free(&br->sessions);
	wga_derp_nodes_free(&br->derp);
	wga_neighbours_free(&br->neighbours);
	free(br->gateways);
	free(br->leaks);
	free(br->discos);
	wga_index_free(&br->disco_index);
	free(br->quotes);
	free(br->pieces);
	wga_watch_free(br->watch);
	free(br->scratch.m);
	free((char *)br->loss.filter);
	free((char *)br->loss.damage);
	free(br->name);
	free(br);
}

void wga_bridge_part(struct wga_bridge *br, unsigned int part,
		     unsigned int parts)
{
	br->part = part;
	br->parts = parts;
}

uint64_t wga_bridge_handed(const struct wga_bridge *br)
{
	return br->handed;
}

void wga_bridge_gateway(struct wga_bridge *br, const struct wga_addr *addr)
{
	struct wga_addr *g = realloc(br->gateways,
				     (br->n_gateways + 1) * sizeof(*g));

	if (!g) {
		br->broken = true;
		return;
	}
	g[br->n_gateways++] = *addr;
	br->gateways = g;
}

int wga_bridge_selftest(struct wga_bridge *br, const struct wga_selftest *st,
			bool own)
{
	struct wga_leak *leaks = reallocarray(br->leaks, br->n_leaks + 1,
					      sizeof(*leaks));

	if (!leaks)
		return -1;
	leaks[br->n_leaks++] = (struct wga_leak){ .test = *st, .own = own };
	br->leaks = leaks;
	return 0;
}

void wga_bridge_loss(struct wga_bridge *br, const struct wga_loss *loss)
{
	free((char *)br->loss.filter);
	free((char *)br->loss.damage);
	br->loss = *loss;
	br->loss.filter = loss->filter ? strdup(loss->filter) : NULL;
	br->loss.damage = loss->damage ? strdup(loss->damage) : NULL;
	if ((loss->filter && !br->loss.filter) ||
	    (loss->damage && !br->loss.damage))
		br->broken = true;
}

/* Remember where an end of a flow is; look closer when it seems to move. */
static void account_end(struct wga_bridge *br, struct wga_flow *flow,
			unsigned int end, uint16_t at)
{
	uint16_t old = flow->at[end];

	if ((old & WGA_AT_MAC) == (at & WGA_AT_MAC)) {
		flow->at[end] |= at;
		return;
	}
	if (!flow->key.ethertype)
		wga_neighbour_at(&br->neighbours, &br->neighbours,
				 end ? &flow->key.hi : &flow->key.lo, old,
				 !(old & WGA_AT_SENT));
	flow->at[end] = at;
}

/* The frames of a datagram that is whole now leave the flow of fragments. */
static void account_moved(struct wga_bridge *br, const struct wga_item *item)
{
	struct wga_flow_key key;
	struct wga_flow *flow;
	bool is_new;
	uint8_t dir;
	uint32_t i;

	wga_key_fragment(&key, &item->key.lo, &item->key.hi, item->key.proto,
			 &dir);
	i = wga_flow_get(br->flows, &key, wga_flow_hash(br->flows, &key),
			 &is_new);
	if (i == UINT32_MAX) {
		br->broken = true;
		return;
	}
	flow = wga_flow_at(br->flows, i);
	flow->frames -= (uint32_t)item->moved_frames;
	flow->bytes -= item->moved_bytes;
}

static void account_messages(struct wga_bridge *br, const struct wga_item *item,
			     struct wga_flow_cold *cold)
{
	struct wga_endpoint from, to;
	size_t i;

	wga_item_ends(item, &from, &to);
	for (i = item->first; i < item->upto; i++) {
		const struct wga_wg_message *m = &br->scratch.m[i];

		cold->messages++;
		if (m->type == WGA_WG_DATA) {
			if (!wga_sessions_data(&br->sessions, m, &from, &to,
					       &item->at))
				continue;
			cold->high += m->high;
			cold->opaque += m->len - WGA_WG_DATA_HEADER;
		} else if (m->type != WGA_WG_COOKIE) {
			wga_handshake_note(br, m, &from, &to, &item->at, NULL);
		}
	}
}

/* Returns the flow's index, or UINT32_MAX when out of memory. */
static uint32_t account(struct wga_bridge *br, const struct wga_item *item)
{
	struct wga_flow_cold *cold;
	struct wga_flow *flow;
	uint64_t frames = 1 + item->moved_frames;
	bool is_new;
	uint32_t i;

	br->frames++;
	br->bytes += item->bytes;
	i = wga_flow_get(br->flows, &item->key, item->hash, &is_new);
	if (i == UINT32_MAX) {
		br->broken = true;
		return i;
	}
	flow = wga_flow_at(br->flows, i);
	cold = wga_flow_cold_at(br->flows, i);
	if (!flow->frames && !cold->frames_hi) {
		cold->first_ns = item->at.time_ns;
		cold->first_frame = item->at.frame;
	}
	flow->frames += (uint32_t)frames;
	if (flow->frames < frames)
		cold->frames_hi++;
	flow->bytes += item->bytes + item->moved_bytes;
	flow->last_ns = item->at.time_ns;
	account_end(br, flow, item->dir, item->from);
	account_end(br, flow, !item->dir, item->to);
	if (item->moved_frames)
		account_moved(br, item);
	if (item->upto > item->first)
		account_messages(br, item, cold);
	if (item->text)
		cold->aux = 1;
	return i;
}

static void account_time(struct wga_bridge *br, const struct wga_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->count; i++) {
		uint64_t t = batch->frame[i].time_ns;

		br->timeless += !t;
		if (t < br->first_ns || (i == 0 && br->handed == batch->count))
			br->first_ns = t;
		if (t > br->last_ns)
			br->last_ns = t;
	}
}

static void account_oldest(struct wga_bridge *br)
{
	account(br, &br->waiting[br->tail++ % WGA_WAITING_MAX]);
}

void wga_bridge_settle(struct wga_bridge *br)
{
	while (br->tail != br->head)
		account_oldest(br);
}

/* With many flows, memory is what costs time: an item waits while later frames
 * are examined, until first the slot and then the flow itself have come.
 */
static void wait_for_flow(struct wga_bridge *br, const struct wga_item *item)
{
	wga_flow_prefetch_slot(br->flows, item->hash);
	br->head++;
	if (br->head - br->tail > SLOT_AHEAD)
		wga_flow_prefetch(br->flows,
			br->waiting[(br->head - 1 - SLOT_AHEAD) %
				    WGA_WAITING_MAX].hash);
	if (br->head - br->tail == WGA_WAITING_MAX)
		account_oldest(br);
}

void wga_bridge_observe(struct wga_bridge *br, const struct wga_batch *batch)
{
	struct wga_item *item;
	unsigned int i;

	br->handed += batch->count;
	account_time(br, batch);
	for (i = 0; i < batch->count; i++) {
		if (i + AHEAD < batch->count)
			__builtin_prefetch(batch->frame[i + AHEAD].data);
		item = &br->waiting[br->head % WGA_WAITING_MAX];
		br->scratch.n = 0;
		if (!wga_examine(br, &batch->frame[i], item))
			continue;
		item->hash = wga_flow_hash(br->flows, &item->key);
		if (item->upto == item->first) {
			wait_for_flow(br, item);
			continue;
		}
		/* its messages are views into the frame, which does not stay */
		wga_bridge_settle(br);
		account(br, item);
	}
	/* nothing more to come for a while */
	if (batch->count < WGA_BATCH_MAX)
		wga_bridge_settle(br);
}

void wga_bridge_observe_traced(struct wga_bridge *br,
			       const struct wga_batch *batch,
			       struct wga_trace *trace)
{
	struct wga_item item;
	unsigned int i;

	wga_bridge_settle(br);
	br->handed += batch->count;
	account_time(br, batch);
	for (i = 0; i < batch->count; i++) {
		br->scratch.n = 0;
		(void)wga_examine(br, &batch->frame[i], &item);
		item.hash = wga_flow_hash(br->flows, &item.key);
		trace[i] = (struct wga_trace){
			account(br, &item), item.codes, item.at.frame,
		};
	}
}
