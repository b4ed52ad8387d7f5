/* SPDX-License-Identifier: MIT */
#include "topo/fault_schedule.h"

void wga_schedule_begin(struct wga_schedule *s, uint64_t down_ms,
			uint64_t up_ms, uint64_t jitter_ms, uint64_t seed)
{
	*s = (struct wga_schedule){ down_ms, up_ms, jitter_ms, seed, seed };
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the same on every machine */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t length(struct wga_schedule *s, uint64_t ms)
{
	uint64_t least = ms > s->jitter_ms ? ms - s->jitter_ms : 1;
	uint64_t most = ms + s->jitter_ms;

	if (s->jitter_ms == 0)
		return ms;
	return least + draw(&s->state) % (most - least + 1);
}

uint64_t wga_schedule_down(struct wga_schedule *s)
{
	return length(s, s->down_ms);
}

uint64_t wga_schedule_up(struct wga_schedule *s)
{
	return length(s, s->up_ms);
}
