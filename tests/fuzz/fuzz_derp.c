/* SPDX-License-Identifier: MIT */
#include "analyze/derp.h"
#include "analyze/http.h"
#include "analyze/opaque.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_packet(void *arg, const struct wga_derp_packet *pkt)
{
	(void)arg;
	return wga_opaque(pkt->peer, 32) && wga_opaque(pkt->p, pkt->len);
}

static void read_http(const uint8_t *data, size_t size)
{
	size_t head = wga_http_head_length(data, size), body;
	enum wga_http_exchange exchange;
	bool fast;
	int i;

	wga_http_request_begins(data, size);
	wga_http_answer_begins(data, size);
	wga_http_request(data, head, &exchange, &fast);
	for (i = 0; i < WGA_HTTP_EXCHANGES; i++)
		wga_http_answer(data, head, i, &body);
	wga_http_key_body(data + head, size - head);
}

/* A byte for the direction, then HTTP, or frames as one side sends them */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_derp_side side = { 0 };
	struct wga_derp derp = { 0 };
	bool from_client;
	size_t len;

	if (!size)
		return 0;
	from_client = data[0] & 1;
	side.frames = data[0] >> 1 & 3;
	data++;
	size--;
	read_http(data, size);
	while (size && wga_derp_header_fits(&side, from_client, data, size) &&
	       size >= WGA_DERP_HEADER) {
		len = wga_derp_frame_length(data);
		if (len > size)
			break;
		wga_derp_frame(&derp, &side, from_client, data, len, on_packet,
			       NULL);
		data += len;
		size -= len;
	}
	return 0;
}
