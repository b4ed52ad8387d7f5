/* SPDX-License-Identifier: MIT */
#include "report/total.h"

struct wga_total wga_total_of(const struct wga_verdict *v)
{
	struct wga_total sum = { 0 };
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

uint64_t wga_total_span(const struct wga_total *sum)
{
	if (!sum->first_ns || sum->last_ns < sum->first_ns)
		return 0;
	return sum->last_ns - sum->first_ns;
}

const struct wga_reason *wga_total_reason(const struct wga_verdict *v,
					  enum wga_code code)
{
	size_t i;

	for (i = 0; i < v->n_reasons; i++) {
		if (v->reasons[i].code == code)
			return &v->reasons[i];
	}
	return NULL;
}
