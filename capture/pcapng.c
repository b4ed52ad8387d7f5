/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * draft-ietf-opsawg-pcapng: a chain of blocks, each of type, length, body,
 * options and the length again. A section header starts a section with its own
 * byte order and its own interfaces; packets name one of these by number. Blocks
 * of unknown type are skipped. A block whose two lengths disagree, or whose
 * contents do not fit into it, is damage: nothing after it can be trusted.
 *
 * Interfaces of several sections are numbered through. One that carries the
 * name and link type of an earlier section's interface is that interface.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/pcapng_write.h"
#include "capture/source_internal.h"

enum block_type {
	BLOCK_SHB = 0x0a0d0d0a,
	BLOCK_IDB = 1,
	BLOCK_PB = 2,		/* obsolete packet block */
	BLOCK_SPB = 3,
	BLOCK_ISB = 5,
	BLOCK_EPB = 6,
};

enum option_code {
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_IF_NAME = 2,
	OPT_IF_TSRESOL = 9,
	OPT_IF_FILTER = 11,
	OPT_IF_TSOFFSET = 14,
	OPT_EPB_DROPCOUNT = 4,
	OPT_ISB_IFDROP = 5,
	OPT_ISB_OSDROP = 7,
};

#define BYTE_ORDER_MAGIC	0x1a2b3c4d
#define PB_DROPS_UNKNOWN	0xffff

/* header and trailer of any block, then the least length of each kind */
#define BLOCK_HEADER	8
#define BLOCK_MIN	12
#define SHB_MIN		28
#define IDB_MIN		20
#define EPB_MIN		32
#define SPB_MIN		16
#define ISB_MIN		24

#define EPB_DATA	28
#define SPB_DATA	12

#define NS_PER_S	UINT64_C(1000000000)

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 s128;

enum step {
	STEP_DONE,		/* block consumed */
	STEP_LATER,		/* the batch must be handed out first */
	STEP_ERROR,
};

/**
 * struct block - a whole block in the window
 * @p:		its start
 * @end:	start of its trailing length: no content lies beyond
 * @type:	enum block_type
 */
struct block {
	const uint8_t *p;
	const uint8_t *end;
	uint32_t type;
};

struct option {
	const uint8_t *data;
	uint16_t code;
	uint16_t len;
};

static inline size_t pad4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* 1 and the next option, 0 at the end, -1 if it does not fit */
static int option_next(const uint8_t **p, const uint8_t *end, bool swap,
		       struct option *opt)
{
	size_t left = (size_t)(end - *p);

	if (left < 4)
		return 0;
	opt->code = wga_get16(*p, swap);
	opt->len = wga_get16(*p + 2, swap);
	opt->data = *p + 4;
	if (opt->code == OPT_END)
		return 0;
	if (pad4(opt->len) > left - 4)
		return -1;
	*p += 4 + pad4(opt->len);
	return 1;
}

static enum step option_damage(struct wga_source *src)
{
	wga_source_damaged(src, "an option does not fit into its block");
	return STEP_DONE;
}

/* @n is at most 19 */
static uint64_t power_of_ten(unsigned int n)
{
	uint64_t v = 1;

	while (n--)
		v *= 10;
	return v;
}

/* if_tsresol: units of 10^-n seconds or, with the top bit, 2^-n */
static void tsresol_set(struct wga_pcapng_iface *ifc, uint8_t resol)
{
	uint8_t n = resol & 0x7f;

	ifc->mul = 1;
	ifc->div = 1;
	ifc->shift = 0;
	if (resol & 0x80) {
		ifc->mul = NS_PER_S;
		ifc->shift = n;
	} else if (n <= 9) {
		ifc->mul = power_of_ten(9U - n);
	} else if (n <= 9 + 19) {
		ifc->div = power_of_ten(n - 9U);
	} else {
		/* 64 bits of such units are less than a nanosecond */
		ifc->mul = 0;
	}
}

static uint64_t time_convert(const struct wga_pcapng_iface *ifc, uint64_t units)
{
	u128 ns = (u128)units * ifc->mul;
	s128 sum;

	if (ifc->div != 1)
		ns /= ifc->div;
	ns >>= ifc->shift;
	if (ifc->offset_s) {
		sum = (s128)ns + (s128)ifc->offset_s * (s128)NS_PER_S;
		ns = sum < 0 ? 0 : (u128)sum;
	}
	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

static void drops_update(struct wga_source *src,
			 const struct wga_pcapng_iface *ifc)
{
	struct wga_source_iface *iface = &src->iface[ifc->iface];

	iface->has_drops = true;
	iface->drops = add_saturated(ifc->drops_before,
				     ifc->isb_drops > ifc->packet_drops ?
				     ifc->isb_drops : ifc->packet_drops);
}

static struct wga_pcapng_iface *iface_get(struct wga_source *src, uint32_t id)
{
	if (id < src->pcapng.iface_count)
		return &src->pcapng.iface[id];
	wga_source_damaged(src, "the block is of interface %u, which its section does not describe",
			   id);
	return NULL;
}

static enum step shb_read(struct wga_source *src, const struct block *b)
{
	struct wga_pcapng *ng = &src->pcapng;
	uint16_t major, minor;

	ng->swap = wga_get32(b->p + 8, false) != BYTE_ORDER_MAGIC;
	major = wga_get16(b->p + 12, ng->swap);
	minor = wga_get16(b->p + 14, ng->swap);
	if (major != 1 || (minor != 0 && minor != 2)) {
		wga_source_damaged(src, "the section says it is pcapng version %u.%u; only 1.0 is known",
				   major, minor);
		return STEP_DONE;
	}
	ng->section++;
	ng->iface_count = 0;
	return STEP_DONE;
}

static int ng_ifaces_grow(struct wga_pcapng *ng)
{
	unsigned int room = ng->iface_room ? 2 * ng->iface_room : 4;
	struct wga_pcapng_iface *grown;

	grown = reallocarray(ng->iface, room, sizeof(*grown));
	if (!grown)
		return -1;
	ng->iface = grown;
	ng->iface_room = room;
	return 0;
}

/* false if an option's length is not what its code demands */
static bool idb_option(struct wga_pcapng_iface *ifc, const struct option *opt,
		       bool swap)
{
	switch (opt->code) {
	case OPT_IF_TSRESOL:
		if (opt->len != 1)
			return false;
		tsresol_set(ifc, opt->data[0]);
		return true;
	case OPT_IF_TSOFFSET:
		if (opt->len != 8)
			return false;
		ifc->offset_s = (int64_t)wga_get64(opt->data, swap);
		return true;
	default:
		return true;
	}
}

/* Does this say that there was a filter? */
static bool is_filter(const struct option *opt)
{
	return opt->code == OPT_IF_FILTER &&
	       (opt->len > 1 || (opt->len == 1 && opt->data[0]));
}

/* Text if its first byte is 0, else a program that cannot be shown. */
static void filter_read(struct wga_source_iface *iface, const struct option *opt)
{
	if (opt->len > 1 && opt->data[0] == 0)
		wga_source_text(iface->filter, sizeof(iface->filter),
				(const char *)opt->data + 1, opt->len - 1U);
	else
		wga_source_text(iface->filter, sizeof(iface->filter),
				"a BPF program", strlen("a BPF program"));
}

static enum step idb_read(struct wga_source *src, const struct block *b)
{
	struct wga_pcapng *ng = &src->pcapng;
	struct wga_pcapng_iface ifc = { 0 };
	const uint8_t *p = b->p + BLOCK_HEADER + 8;
	const char *name = "";
	struct option opt, filter = { 0 };
	size_t name_len = 0;
	int ret, link, index;

	tsresol_set(&ifc, 6);
	ifc.snaplen = wga_get32(b->p + 12, ng->swap);
	while ((ret = option_next(&p, b->end, ng->swap, &opt)) > 0) {
		if (!idb_option(&ifc, &opt, ng->swap))
			return option_damage(src);
		if (opt.code == OPT_IF_NAME) {
			name = (const char *)opt.data;
			name_len = strnlen(name, opt.len);
		}
		if (is_filter(&opt))
			filter = opt;
	}
	if (ret < 0)
		return option_damage(src);

	ifc.link = wga_get16(b->p + 8, ng->swap);
	link = wga_source_link(ifc.link);
	ifc.judged = link >= 0;
	if (ifc.judged)
		ifc.link = (uint16_t)link;

	index = wga_source_iface_add(src, name, name_len, ifc.link, ng->section);
	if (index < 0 ||
	    (ng->iface_count == ng->iface_room && ng_ifaces_grow(ng) < 0)) {
		wga_source_damaged(src, "too many interfaces (%u)",
				   src->iface_count);
		return STEP_DONE;
	}
	if (filter.data)
		filter_read(&src->iface[index], &filter);
	ifc.iface = (uint16_t)index;
	ifc.drops_before = src->iface[index].drops;
	ng->iface[ng->iface_count++] = ifc;
	return STEP_DONE;
}

/* @room bytes lie at @data, of which @caplen are the frame */
static enum step frame_add(struct wga_source *src, struct wga_batch *batch,
			   const struct wga_pcapng_iface *ifc,
			   const uint8_t *data, size_t room, uint32_t caplen,
			   uint32_t len, uint64_t time_ns, struct wga_err *err)
{
	struct wga_frame *f;

	if (caplen > room) {
		wga_source_damaged(src, "the packet claims %u bytes in a block that has room for %zu",
				   caplen, room);
		return STEP_DONE;
	}
	if (!ifc->judged) {
		if (batch->count)
			return STEP_LATER;
		wga_source_link_unsupported(src, ifc->link, err);
		return STEP_ERROR;
	}
	f = wga_source_frame(src, batch, data, caplen, len);
	f->link = ifc->link;
	f->iface = ifc->iface;
	f->time_ns = time_ns;
	return STEP_DONE;
}

/* Two comments on what was left out contradict each other: then none stands. */
static void elided_read(struct wga_frame *f, const struct option *opt)
{
	const size_t n = strlen(WGA_SOURCE_ELIDED);

	if (opt->len < n || memcmp(opt->data, WGA_SOURCE_ELIDED, n))
		return;
	f->elided_len = f->elided ? 0 : opt->len;
	f->elided = (const char *)opt->data;
}

/* the options behind a packet's data; false after damage */
static bool packet_options(struct wga_source *src, struct wga_pcapng_iface *ifc,
			   const uint8_t *p, const uint8_t *end,
			   struct wga_frame *f)
{
	bool swap = src->pcapng.swap;
	uint64_t drops = 0;
	bool told = false;
	struct option opt;
	int ret;

	while ((ret = option_next(&p, end, swap, &opt)) > 0) {
		if (opt.code == WGA_PCAPNG_TRACE &&
		    opt.len == WGA_PCAPNG_TRACE_LEN)
			f->trace = opt.data;
		if (opt.code == OPT_COMMENT)
			elided_read(f, &opt);
		if (opt.code != OPT_EPB_DROPCOUNT)
			continue;
		if (opt.len != 8)
			break;
		drops = add_saturated(drops, wga_get64(opt.data, swap));
		told = true;
	}
	if (ret) {
		option_damage(src);
		return false;
	}
	if (told) {
		ifc->packet_drops = add_saturated(ifc->packet_drops, drops);
		drops_update(src, ifc);
	}
	return true;
}

/* enhanced packet block, and the obsolete packet block of nearly the same form */
static inline enum step epb_read(struct wga_source *src, const struct block *b,
				 struct wga_batch *batch, struct wga_err *err)
{
	const bool swap = src->pcapng.swap;
	const uint8_t *p = b->p, *data = p + EPB_DATA;
	const bool old = b->type == BLOCK_PB;
	struct wga_pcapng_iface *ifc;
	uint32_t caplen, drops;
	uint64_t time;
	size_t room;
	enum step step;

	ifc = iface_get(src, old ? wga_get16(p + 8, swap) : wga_get32(p + 8, swap));
	if (!ifc)
		return STEP_DONE;
	time = (uint64_t)wga_get32(p + 12, swap) << 32 | wga_get32(p + 16, swap);
	caplen = wga_get32(p + 20, swap);
	room = (size_t)(b->end - data);

	step = frame_add(src, batch, ifc, data, room, caplen,
			 wga_get32(p + 24, swap), time_convert(ifc, time), err);
	if (step != STEP_DONE || src->ended)
		return step;

	if (pad4(caplen) < room &&
	    !packet_options(src, ifc, data + pad4(caplen), b->end,
			    &batch->frame[batch->count - 1]))
		return STEP_DONE;
	drops = old ? wga_get16(p + 10, swap) : PB_DROPS_UNKNOWN;
	if (drops != PB_DROPS_UNKNOWN) {
		ifc->packet_drops = add_saturated(ifc->packet_drops, drops);
		drops_update(src, ifc);
	}
	return STEP_DONE;
}

/* simple packet block: of interface 0, without a time, as long as snaplen says */
static enum step spb_read(struct wga_source *src, const struct block *b,
			  struct wga_batch *batch, struct wga_err *err)
{
	const uint8_t *data = b->p + SPB_DATA;
	size_t room = (size_t)(b->end - data);
	const struct wga_pcapng_iface *ifc = iface_get(src, 0);
	uint32_t len, caplen;

	if (!ifc)
		return STEP_DONE;
	len = wga_get32(b->p + 8, src->pcapng.swap);
	caplen = ifc->snaplen && ifc->snaplen < len ? ifc->snaplen : len;
	if (caplen <= room && pad4(caplen) < room) {
		wga_source_damaged(src, "a simple packet block has room for %zu bytes where %u are due",
				   room, caplen);
		return STEP_DONE;
	}
	return frame_add(src, batch, ifc, data, room, caplen, len, 0, err);
}

/* Of several counts, as of files that were joined, the one that lost most */
static void beats_read(struct wga_source_iface *iface, uint64_t seen,
		       uint64_t sent)
{
	uint64_t lost = iface->beats_sent - iface->beats_seen;

	seen = seen < sent ? seen : sent;
	if (sent - seen < lost ||
	    (sent - seen == lost && sent < iface->beats_sent))
		return;
	iface->beats_seen = seen;
	iface->beats_sent = sent;
}

/* A comment of ours may only tell of more losses, so it can be believed. What is
 * not understood is a loss all the same.
 */
static void loss_read(struct wga_source_iface *iface, const struct option *opt)
{
	static const char gone[] = "interface went away", hurt[] = "damaged: ";
	char text[sizeof(iface->damage) + sizeof(hurt) + sizeof(WGA_SOURCE_LOSS)];
	const char *p = text + strlen(WGA_SOURCE_LOSS);
	uint64_t seen, sent;

	wga_source_text(text, sizeof(text), (const char *)opt->data, opt->len);
	if (strncmp(text, WGA_SOURCE_LOSS, strlen(WGA_SOURCE_LOSS)) != 0)
		return;
	if (!strcmp(p, gone)) {
		iface->gone = true;
	} else if (!strncmp(p, hurt, strlen(hurt)) && p[strlen(hurt)]) {
		snprintf(iface->damage, sizeof(iface->damage), "%s",
			 p + strlen(hurt));
	} else if (sscanf(p, "heartbeats %" SCNu64 " of %" SCNu64, &seen,
			  &sent) == 2) {
		beats_read(iface, seen, sent);
	} else if (!iface->damage[0]) {
		snprintf(iface->damage, sizeof(iface->damage),
			 "it tells of a loss that is not known here: \"%s\"",
			 p);
	}
}

static enum step isb_read(struct wga_source *src, const struct block *b)
{
	const uint8_t *p = b->p + BLOCK_HEADER + 12;
	bool swap = src->pcapng.swap, told = false;
	struct wga_pcapng_iface *ifc;
	struct option opt;
	uint64_t drops = 0;
	int ret;

	ifc = iface_get(src, wga_get32(b->p + 8, swap));
	if (!ifc)
		return STEP_DONE;
	while ((ret = option_next(&p, b->end, swap, &opt)) > 0) {
		if (opt.code == OPT_COMMENT)
			loss_read(&src->iface[ifc->iface], &opt);
		if (opt.code != OPT_ISB_IFDROP && opt.code != OPT_ISB_OSDROP)
			continue;
		if (opt.len != 8)
			break;
		drops = add_saturated(drops, wga_get64(opt.data, swap));
		told = true;
	}
	if (ret)
		return option_damage(src);
	if (told) {
		if (drops > ifc->isb_drops)
			ifc->isb_drops = drops;
		drops_update(src, ifc);
	}
	return STEP_DONE;
}

static size_t block_min(uint32_t type)
{
	switch (type) {
	case BLOCK_SHB:
		return SHB_MIN;
	case BLOCK_IDB:
		return IDB_MIN;
	case BLOCK_PB:
	case BLOCK_EPB:
		return EPB_MIN;
	case BLOCK_SPB:
		return SPB_MIN;
	case BLOCK_ISB:
		return ISB_MIN;
	default:
		return BLOCK_MIN;
	}
}

static enum step block_read(struct wga_source *src, const struct block *b,
			    struct wga_batch *batch, struct wga_err *err)
{
	switch (b->type) {
	case BLOCK_EPB:
	case BLOCK_PB:
		return epb_read(src, b, batch, err);
	case BLOCK_SPB:
		return spb_read(src, b, batch, err);
	case BLOCK_ISB:
		return isb_read(src, b);
	case BLOCK_IDB:
		return idb_read(src, b);
	case BLOCK_SHB:
		return shb_read(src, b);
	default:
		return STEP_DONE;
	}
}

/* -1: no section header; else whether it is in the other byte order */
static int byte_order(const uint8_t *p)
{
	switch (wga_get32(p, false)) {
	case BYTE_ORDER_MAGIC:
		return 0;
	case __builtin_bswap32(BYTE_ORDER_MAGIC):
		return 1;
	default:
		return -1;
	}
}

/* 1 and the block at the window's start, or 0 if it must grow or is damaged */
static inline int block_find(struct wga_source *src, struct block *b)
{
	size_t left = wga_bytes_left(&src->bytes);
	const uint8_t *p = src->bytes.pos;
	int swap = src->pcapng.swap;
	uint32_t len;

	src->need = BLOCK_MIN;
	if (left < BLOCK_MIN)
		return 0;
	b->p = p;
	b->type = wga_get32(p, swap);
	if (b->type == BLOCK_SHB) {
		swap = byte_order(p + BLOCK_HEADER);
		if (swap < 0) {
			wga_source_damaged(src, "a section has no byte order");
			return 0;
		}
	}

	len = wga_get32(p + 4, swap);
	if (len < block_min(b->type) || len % 4 || len > WGA_RECORD_MAX) {
		wga_source_damaged(src, "a block of type 0x%x claims %u bytes",
				   b->type, len);
		return 0;
	}
	src->need = len;
	if (left < len)
		return 0;
	b->end = p + len - 4;
	if (wga_get32(b->end, swap) == len)
		return 1;
	wga_source_damaged(src, "a block's two lengths differ: %u and %u", len,
			   wga_get32(b->end, swap));
	return 0;
}

static int parse_blocks(struct wga_source *src, struct wga_batch *batch,
			struct wga_err *err)
{
	struct block b;
	enum step step;

	while (batch->count < WGA_BATCH_MAX && !src->ended) {
		if (!block_find(src, &b))
			break;
		step = block_read(src, &b, batch, err);
		if (step == STEP_ERROR)
			return -1;
		if (step == STEP_LATER)
			break;
		src->bytes.pos = b.end + 4;
	}
	return 0;
}

int wga_pcapng_begin(struct wga_source *src, struct wga_err *err)
{
	size_t left = wga_bytes_left(&src->bytes);
	const uint8_t *p = src->bytes.pos;
	struct block b;
	int found;

	if (left < 4 || wga_get32(p, false) != BLOCK_SHB ||
	    (left >= BLOCK_MIN && byte_order(p + BLOCK_HEADER) < 0))
		return 1;

	while (!(found = block_find(src, &b)) && !src->ended && !src->bytes.at_end) {
		if (wga_bytes_more(&src->bytes, src->need) < 0)
			return wga_err_set(err, "unreadable-file",
					   "cannot read %s: %s", src->name,
					   strerror(errno));
	}
	if (found) {
		shb_read(src, &b);
		src->bytes.pos = b.end + 4;
	}
	if (src->ended)
		return wga_err_set(err, "not-a-capture", "%s", src->damage);
	if (!found)
		return wga_err_set(err, "not-a-capture",
				   "%s ends inside its pcapng header", src->name);
	src->parse = parse_blocks;
	return 0;
}

void wga_pcapng_end(struct wga_pcapng *ng)
{
	free(ng->iface);
	memset(ng, 0, sizeof(*ng));
}
