/* SPDX-License-Identifier: MIT */
#include "report/summary.h"

struct wga_summary wga_summary_of(const struct wga_verdict *v)
{
	struct wga_summary sum = { 0 };
	size_t i;

	for (i = 0; i < v->n_inputs; i++) {
		const struct wga_input_report *in = &v->inputs[i];

		sum.frames += in->frames;
		sum.bytes += in->bytes;
		sum.kernel_drops += in->kernel_drops;
		if (in->first_ns && (!sum.first_ns || in->first_ns < sum.first_ns))
			sum.first_ns = in->first_ns;
		if (in->last_ns > sum.last_ns)
			sum.last_ns = in->last_ns;
	}
	return sum;
}

uint64_t wga_summary_span(const struct wga_summary *sum)
{
	if (!sum->first_ns || sum->last_ns < sum->first_ns)
		return 0;
	return sum->last_ns - sum->first_ns;
}
