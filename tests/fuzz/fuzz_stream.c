/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "analyze/opaque.h"
#include "analyze/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_packet(void *arg, const struct wga_derp_packet *pkt)
{
	(void)arg;
	return wga_opaque(pkt->p, pkt->len);
}

/* A byte for the kind of server, then segments: direction and TCP flags, how
 * far from the next byte it begins (signed), length (2 bytes), payload.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t next[2] = { 0xffffff00, 0x7fffff00 };
	struct wga_stream_report report;
	struct wga_stream *st;
	bool bad = false;

	if (!size)
		return 0;
	st = wga_stream_new(data[0] % 4, NULL, on_packet, NULL);
	if (!st)
		return 0;
	data++;
	size--;
	while (size >= 4) {
		bool from_client = data[0] & 0x80;
		uint32_t seq = next[from_client] + (uint32_t)(int8_t)data[1];
		size_t len = (size_t)data[2] << 8 | data[3];
		uint8_t flags = data[0] & 0x1f;

		data += 4;
		size -= 4;
		if (len > size)
			len = size;
		if (wga_stream_segment(st, from_client, seq, flags, data,
				       len) != WGA_SEGMENT_FINE)
			bad = true;
		next[from_client] = seq + (uint32_t)len + (flags >> 1 & 1);
		data += len;
		size -= len;
	}
	wga_stream_report(st, true, &report);
	if (bad && !report.spliced)
		abort();
	wga_stream_free(st);
	return 0;
}
