/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * draft-ietf-opsawg-pcap: a 24-byte header, then records of a 16-byte header
 * (seconds, fraction, captured length, length) and the captured bytes, all in
 * the writer's byte order. There is no way to find the next record after one
 * whose length makes no sense, so such a file ends there. A captured length
 * above the length on the wire makes sense (libpcap takes it, too): every
 * captured byte is handed out.
 */
#include "capture/source_internal.h"

#define MAGIC_MICRO	0xa1b2c3d4
#define MAGIC_NANO	0xa1b23c4d
#define RECORD_HEADER	16
/* the bits above tell the length of the frame check sequence */
#define LINKTYPE_MASK	0x03ffffff

static inline int parse_records(struct wga_source *src, struct wga_batch *batch,
				bool swap)
{
	const uint8_t *p = src->bytes.pos, *end = src->bytes.end;
	const uint32_t unit = src->pcap.time_unit;
	const uint16_t link = src->pcap.link;
	struct wga_frame *f;
	uint32_t caplen;

	src->need = RECORD_HEADER;
	while (batch->count < WGA_BATCH_MAX) {
		if (end - p < RECORD_HEADER)
			break;
		caplen = wga_get32(p + 8, swap);
		if ((size_t)(end - p) - RECORD_HEADER < caplen) {
			src->need = RECORD_HEADER + (size_t)caplen;
			break;
		}
		f = wga_source_frame(src, batch, p + RECORD_HEADER, caplen,
				     wga_get32(p + 12, swap));
		f->link = link;
		f->iface = 0;
		f->time_ns = wga_get32(p, swap) * UINT64_C(1000000000) +
			     (uint64_t)wga_get32(p + 4, swap) * unit;
		p += RECORD_HEADER + (size_t)caplen;
	}
	src->bytes.pos = p;

	if (src->need > WGA_RECORD_MAX)
		wga_source_damaged(src, "the record claims %zu bytes",
				   src->need - RECORD_HEADER);
	return 0;
}

static int parse_native(struct wga_source *src, struct wga_batch *batch,
			struct wga_err *err)
{
	(void)err;
	return parse_records(src, batch, false);
}

static int parse_swapped(struct wga_source *src, struct wga_batch *batch,
			 struct wga_err *err)
{
	(void)err;
	return parse_records(src, batch, true);
}

static bool magic_read(struct wga_pcap *pcap, uint32_t magic)
{
	pcap->swap = magic == __builtin_bswap32(MAGIC_MICRO) ||
		     magic == __builtin_bswap32(MAGIC_NANO);
	if (pcap->swap)
		magic = __builtin_bswap32(magic);
	pcap->time_unit = magic == MAGIC_NANO ? 1 : 1000;
	return magic == MAGIC_NANO || magic == MAGIC_MICRO;
}

int wga_pcap_begin(struct wga_source *src, struct wga_err *err)
{
	struct wga_pcap *pcap = &src->pcap;
	const uint8_t *p = src->bytes.pos;
	uint32_t major, minor, linktype;
	int link;

	if (wga_bytes_left(&src->bytes) < 4 ||
	    !magic_read(pcap, wga_get32(p, false)))
		return 1;
	if (wga_bytes_left(&src->bytes) < WGA_PCAP_HEADER)
		return wga_err_set(err, "not-a-capture",
				   "%s ends inside its pcap header", src->name);

	major = wga_get16(p + 4, pcap->swap);
	minor = wga_get16(p + 6, pcap->swap);
	if (major != 2 || minor != 4)
		return wga_err_set(err, "not-a-capture",
				   "%s says it is pcap version %u.%u; only 2.4 is known",
				   src->name, major, minor);

	linktype = wga_get32(p + 20, pcap->swap) & LINKTYPE_MASK;
	link = wga_source_link(linktype);
	if (link < 0)
		return wga_source_link_unsupported(src, linktype, err);
	pcap->link = (uint16_t)link;
	if (wga_source_iface_add(src, "", 0, pcap->link, 1) < 0)
		return wga_err_set(err, "unreadable-file", "%s: out of memory",
				   src->name);

	src->bytes.pos += WGA_PCAP_HEADER;
	src->parse = pcap->swap ? parse_swapped : parse_native;
	return 0;
}
