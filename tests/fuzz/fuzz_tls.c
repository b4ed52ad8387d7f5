/* SPDX-License-Identifier: MIT */
#include "analyze/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A chain of records, the direction of each before it */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wga_tls_side side[2] = { 0 };
	struct wga_tls tls = { 0 };

	while (size > 1 + WGA_TLS_HEADER) {
		bool from_client = data[0] & 1;
		struct wga_tls_side *s = &side[from_client];
		size_t len;

		if (data[0] & 2)
			wga_tls_join(&tls, s, from_client, data + 1, size - 1);
		data++;
		size--;
		if (!wga_tls_header_fits(data, size))
			break;
		len = wga_tls_record_length(data);
		if (len > size)
			break;
		if (wga_tls_may_follow(&tls, s, from_client, data))
			wga_tls_record(&tls, s, from_client, data, len);
		data += len;
		size -= len;
	}
	return 0;
}
