/* SPDX-License-Identifier: MIT */
#ifndef WGA_SOURCE_INTERNAL_H
#define WGA_SOURCE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/bytes.h"
#include "capture/err.h"
#include "capture/frame.h"
#include "capture/source.h"

/* No record is larger than this: what claims to be is damage. The largest
 * snapshot length that capture tools use is 256 KiB.
 */
#define WGA_RECORD_MAX	((size_t)16 * 1024 * 1024)

#define WGA_PCAP_HEADER	24

/**
 * struct wga_pcap - what a pcap file's header says
 * @swap:	written in the other byte order
 * @time_unit:	nanoseconds per unit of a record's fraction of a second
 * @link:	enum wga_link
 */
struct wga_pcap {
	bool swap;
	uint32_t time_unit;
	uint16_t link;
};

/**
 * struct wga_pcapng_iface - an interface of the current section
 * @iface:	its index in the source
 * @link:	enum wga_link, or the file's number if that cannot be judged
 * @judged:	@link can be judged
 * @snaplen:	most bytes of a frame that are kept, 0 means all
 * @mul, @div, @shift: nanoseconds are units * mul / div >> shift
 * @offset_s:	seconds to add to each time
 * @drops_before: drops known from earlier sections
 * @isb_drops:	drops that the interface's statistics tell, a running count
 * @packet_drops: drops that its packets tell, summed
 */
struct wga_pcapng_iface {
	uint16_t iface;
	uint16_t link;
	bool judged;
	uint8_t shift;
	uint32_t snaplen;
	uint64_t mul;
	uint64_t div;
	int64_t offset_s;
	uint64_t drops_before;
	uint64_t isb_drops;
	uint64_t packet_drops;
};

/**
 * struct wga_pcapng - the current section of a pcapng file
 * @swap:	written in the other byte order
 * @section:	number of the section, from 1
 * @iface, @iface_count, @iface_room: its interfaces
 */
struct wga_pcapng {
	bool swap;
	uint32_t section;
	struct wga_pcapng_iface *iface;
	unsigned int iface_count;
	unsigned int iface_room;
};

/* what tells that an interface of a later section is the same one */
struct wga_iface_key {
	uint64_t name_hash;
	uint32_t section;
};

/**
 * wga_parse_fn - hand out frames from the window of bytes
 *
 * Goes on until the batch is full, the window is used up (then @src->need says
 * how many bytes the next step wants) or the source is damaged. An error is
 * returned only while the batch is empty; else it comes up again.
 *
 * Return: 0, or -1 with @err set.
 */
typedef int (*wga_parse_fn)(struct wga_source *src, struct wga_batch *batch,
			    struct wga_err *err);

struct wga_source {
	struct wga_bytes bytes;
	char *name;
	int fd;
	wga_parse_fn parse;
	size_t need;
	uint64_t frames;
	bool ended;
	char damage[320];

	struct wga_source_iface *iface;
	struct wga_iface_key *iface_key;
	unsigned int iface_count;
	unsigned int iface_room;

	struct wga_pcap pcap;
	struct wga_pcapng pcapng;
};

/**
 * wga_source_from_fd() - wga_source_open() for a file that is open
 * @fd:		open file, at its start; owned by the source, also after an error
 * @name:	for messages
 * @opt:	how to read; NULL decides by the kind of file
 */
int wga_source_from_fd(struct wga_source **out, int fd, const char *name,
		       const struct wga_bytes_options *opt, struct wga_err *err);

/* 0 where the bytes at the start are of the format, 1 where they are not, -1 with
 * @err set where they are and yet cannot be read. A source that ends early has
 * fewer bytes than the format's header in its window.
 */
int wga_pcap_begin(struct wga_source *src, struct wga_err *err);
int wga_pcapng_begin(struct wga_source *src, struct wga_err *err);
void wga_pcapng_end(struct wga_pcapng *ng);

/* the file cannot be followed any further */
void wga_source_damaged(struct wga_source *src, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* index of a new interface, or -1 when there are too many (or no memory) */
int wga_source_iface_add(struct wga_source *src, const char *name, size_t len,
			 uint16_t link, uint32_t section);

/* copy a text of a file so that it can be shown: ASCII, cut to fit */
void wga_source_text(char *dst, size_t size, const char *text, size_t len);

/* enum wga_link of a file's link type, or -1 */
int wga_source_link(uint32_t linktype);
int wga_source_link_unsupported(const struct wga_source *src, uint32_t linktype,
				struct wga_err *err);

static inline uint16_t wga_get16(const uint8_t *p, bool swap)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return swap ? __builtin_bswap16(v) : v;
}

static inline uint32_t wga_get32(const uint8_t *p, bool swap)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return swap ? __builtin_bswap32(v) : v;
}

static inline uint64_t wga_get64(const uint8_t *p, bool swap)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return swap ? __builtin_bswap64(v) : v;
}

/* the next view of a batch that is not full; callers set link, iface, time_ns */
static inline struct wga_frame *wga_source_frame(struct wga_source *src,
						 struct wga_batch *batch,
						 const uint8_t *data,
						 uint32_t caplen, uint32_t len)
{
	struct wga_frame *f = &batch->frame[batch->count++];

	f->data = data;
	f->caplen = caplen;
	f->len = len > caplen ? len : caplen;
	f->number = ++src->frames;
	f->trace = NULL;
	f->elided = NULL;
	f->elided_len = 0;
	return f;
}

#endif /* WGA_SOURCE_INTERNAL_H */
