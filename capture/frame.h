/* SPDX-License-Identifier: MIT */
#ifndef WGA_FRAME_H
#define WGA_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* Link types that can be judged. The values are those of the pcap registry
 * (draft-ietf-opsawg-pcaplinktype); the raw IP variants that files carry
 * (12, 14, 101, 228, 229) are all handed out as WGA_LINK_RAW.
 */
enum wga_link {
	WGA_LINK_ETHERNET = 1,
	WGA_LINK_RAW = 101,
	WGA_LINK_SLL = 113,
	WGA_LINK_SLL2 = 276,
};

/**
 * struct wga_frame - view of one captured frame
 * @data:	captured bytes, owned by whoever handed out the batch
 * @caplen:	number of bytes at @data
 * @len:	length on the wire, >= @caplen
 * @link:	enum wga_link
 * @iface:	index of the interface within its source
 * @time_ns:	nanoseconds since the epoch
 * @number:	1-based position in its source, as tshark counts
 * @trace:	WGA_PCAPNG_TRACE_LEN bytes that a capture left, or NULL; nothing
 *		that can be relied on
 * @elided, @elided_len:	comment that says what was left out of a cut frame
 *		(analyze/elide.h), not terminated, or NULL; nor can that be
 */
struct wga_frame {
	const uint8_t *data;
	uint32_t caplen;
	uint32_t len;
	uint16_t link;
	uint16_t iface;
	uint64_t time_ns;
	uint64_t number;
	const uint8_t *trace;
	const char *elided;
	size_t elided_len;
};

#define WGA_BATCH_MAX	32

/**
 * struct wga_batch - frames that travel together
 * @count:	number of frames in use
 * @frame:	the views; their bytes live until the next batch is asked for
 */
struct wga_batch {
	unsigned int count;
	struct wga_frame frame[WGA_BATCH_MAX];
};

#endif /* WGA_FRAME_H */
