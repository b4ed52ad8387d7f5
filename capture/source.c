/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A source is a window of bytes and a parser, chosen by the first bytes. The
 * parser turns whole records of the window into views; only once a batch is
 * empty does the window move on, so views need no copy and live until the next
 * call. A record that never becomes whole is a cut: damage, not an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/source_internal.h"

#define IFACES_MAX	UINT16_MAX

/* Files below this are read faster than a thread starts. */
#define AHEAD_MIN	(WGA_BLOCKS * (off_t)WGA_BLOCK_SIZE)

void wga_source_damaged(struct wga_source *src, const char *fmt, ...)
{
	size_t used;
	va_list ap;

	snprintf(src->damage, sizeof(src->damage),
		 "%s%s is damaged at byte %" PRIu64 ", after frame %" PRIu64 ": ",
		 src->name, src->bytes.in.packing ? " (unpacked)" : "",
		 wga_bytes_offset(&src->bytes), src->frames);
	used = strlen(src->damage);
	va_start(ap, fmt);
	vsnprintf(src->damage + used, sizeof(src->damage) - used, fmt, ap);
	va_end(ap);
	src->ended = true;
}

int wga_source_link(uint32_t linktype)
{
	switch (linktype) {
	case WGA_LINK_ETHERNET:
	case WGA_LINK_SLL:
	case WGA_LINK_SLL2:
		return (int)linktype;
	case 12:		/* DLT_RAW of most systems */
	case 14:		/* DLT_RAW of OpenBSD */
	case WGA_LINK_RAW:
	case 228:		/* LINKTYPE_IPV4 */
	case 229:		/* LINKTYPE_IPV6 */
		return WGA_LINK_RAW;
	default:
		return -1;
	}
}

int wga_source_link_unsupported(const struct wga_source *src, uint32_t linktype,
				struct wga_err *err)
{
	const char *name = pcap_datalink_val_to_name((int)linktype);

	return wga_err_set(err, "unsupported-link-type",
			   "%s has frames of link type %" PRIu32 "%s%s%s; Ethernet, raw IP, SLL and SLL2 can be judged",
			   src->name, linktype, name ? " (" : "", name ? name : "",
			   name ? ")" : "");
}

/* FNV-1a, to compare names longer than we keep */
static uint64_t name_hash(const char *name, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* a named interface of an earlier section that this section has not met yet */
static int iface_find(const struct wga_source *src, uint64_t hash,
		      uint16_t link, uint32_t section)
{
	unsigned int i;

	if (section == 1)
		return -1;
	for (i = 0; i < src->iface_count; i++) {
		if (src->iface_key[i].name_hash == hash &&
		    src->iface_key[i].section != section &&
		    src->iface[i].link == link)
			return (int)i;
	}
	return -1;
}

static int ifaces_grow(struct wga_source *src)
{
	unsigned int room = src->iface_room ? 2 * src->iface_room : 4;
	struct wga_source_iface *iface;
	struct wga_iface_key *key;

	iface = reallocarray(src->iface, room, sizeof(*iface));
	if (!iface)
		return -1;
	src->iface = iface;
	key = reallocarray(src->iface_key, room, sizeof(*key));
	if (!key)
		return -1;
	src->iface_key = key;
	src->iface_room = room;
	return 0;
}

/* names are shown to people and put into JSON */
void wga_source_text(char *dst, size_t size, const char *name, size_t len)
{
	size_t i;

	if (len >= size)
		len = size - 1;
	for (i = 0; i < len; i++)
		dst[i] = name[i] >= 0x20 && name[i] < 0x7f ? name[i] : '?';
	dst[len] = '\0';
}

int wga_source_iface_add(struct wga_source *src, const char *name, size_t len,
			 uint16_t link, uint32_t section)
{
	uint64_t hash = name_hash(name, len);
	struct wga_source_iface *iface;
	int found = len ? iface_find(src, hash, link, section) : -1;

	if (found >= 0) {
		src->iface_key[found].section = section;
		return found;
	}
	if (src->iface_count == IFACES_MAX ||
	    (src->iface_count == src->iface_room && ifaces_grow(src) < 0))
		return -1;

	iface = &src->iface[src->iface_count];
	memset(iface, 0, sizeof(*iface));
	wga_source_text(iface->name, sizeof(iface->name), name, len);
	iface->link = link;
	src->iface_key[src->iface_count].name_hash = hash;
	src->iface_key[src->iface_count].section = section;
	return (int)src->iface_count++;
}

static int format_unknown(const struct wga_source *src, struct wga_err *err)
{
	const char *damage = NULL;
	const uint8_t *p = src->bytes.pos;

	if (src->bytes.at_end)
		damage = wga_bytes_damage(&src->bytes);
	if (damage)
		return wga_err_set(err, "not-a-capture",
				   "%s is no readable capture file: %s",
				   src->name, damage);
	switch (wga_bytes_left(&src->bytes)) {
	case 0:
		return wga_err_set(err, "not-a-capture", "%s is empty%s (0 bytes)",
				   src->name, src->bytes.in.packing ?
						      " once unpacked" : "");
	case 1:
	case 2:
	case 3:
		return wga_err_set(err, "not-a-capture",
				   "%s is too short for a capture file (%zu bytes)",
				   src->name, wga_bytes_left(&src->bytes));
	default:
		return wga_err_set(err, "not-a-capture",
				   "%s is no capture file: it begins with %02x %02x %02x %02x, which is neither pcap nor pcapng",
				   src->name, p[0], p[1], p[2], p[3]);
	}
}

static int format_begin(struct wga_source *src, struct wga_err *err)
{
	int ret;

	if (wga_bytes_more(&src->bytes, WGA_PCAP_HEADER) < 0)
		return wga_err_set(err, "unreadable-file", "cannot read %s: %s",
				   src->name, strerror(errno));
	ret = wga_pcap_begin(src, err);
	if (ret > 0)
		ret = wga_pcapng_begin(src, err);
	if (ret > 0)
		ret = format_unknown(src, err);
	return ret;
}

/* Reading ahead pays where another CPU is free for it. A file never lets the
 * thread wait for long; a pipe's writer does.
 */
static bool ahead_pays(const struct stat *st)
{
	cpu_set_t cpus;

	return S_ISREG(st->st_mode) && st->st_size >= AHEAD_MIN &&
	       !sched_getaffinity(0, sizeof(cpus), &cpus) &&
	       CPU_COUNT(&cpus) > 1;
}

static int bytes_begin(struct wga_source *src,
		       const struct wga_bytes_options *opt, struct wga_err *err)
{
	struct wga_bytes_options auto_opt = { 0 };
	struct stat st;

	if (fstat(src->fd, &st) < 0)
		return wga_err_set(err, "unreadable-file", "cannot read %s: %s",
				   src->name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return wga_err_set(err, "not-a-capture", "%s is a directory",
				   src->name);

	auto_opt.ahead = ahead_pays(&st);
	if (wga_bytes_open(&src->bytes, src->fd, opt ? opt : &auto_opt) < 0)
		return wga_err_set(err, "unreadable-file", "cannot read %s: %s",
				   src->name, strerror(errno));
	return 0;
}

int wga_source_from_fd(struct wga_source **out, int fd, const char *name,
		       const struct wga_bytes_options *opt, struct wga_err *err)
{
	struct wga_source *src = calloc(1, sizeof(*src));

	if (!src) {
		close(fd);
		return wga_err_set(err, "unreadable-file", "%s: out of memory",
				   name);
	}
	src->fd = fd;
	src->name = strdup(name);
	if (!src->name) {
		wga_source_close(src);
		return wga_err_set(err, "unreadable-file", "%s: out of memory",
				   name);
	}

	if (bytes_begin(src, opt, err) < 0 || format_begin(src, err) < 0) {
		wga_source_close(src);
		return -1;
	}
	*out = src;
	return 0;
}

static int source_open(struct wga_source **out, const char *path,
		       const struct wga_bytes_options *opt, struct wga_err *err)
{
	bool standard = !strcmp(path, "-");
	const char *code = "unreadable-file";
	int fd;

	fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) :
			open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			code = "no-such-file";
		return wga_err_set(err, code, "cannot open %s: %s",
				   standard ? "standard input" : path,
				   strerror(errno));
	}
	return wga_source_from_fd(out, fd, standard ? "standard input" : path,
				  opt, err);
}

int wga_source_open(struct wga_source **out, const char *path,
		    struct wga_err *err)
{
	return source_open(out, path, NULL, err);
}

int wga_source_open_shared(struct wga_source **out, const char *path,
			   struct wga_err *err)
{
	static const struct wga_bytes_options plain;

	return source_open(out, path, &plain, err);
}

/* the stream ended in front of what the parser needs */
static void source_end(struct wga_source *src)
{
	const char *damage = wga_bytes_damage(&src->bytes);
	size_t left = wga_bytes_left(&src->bytes);

	src->ended = true;
	if (damage)
		wga_source_damaged(src, "%s", damage);
	else if (left)
		wga_source_damaged(src, "it ends %zu bytes into a record of at least %zu",
				   left, src->need);
}

int wga_source_next(struct wga_source *src, struct wga_batch *batch,
		    struct wga_err *err)
{
	batch->count = 0;
	while (!src->ended) {
		if (src->parse(src, batch, err) < 0)
			return -1;
		if (batch->count || src->ended)
			break;
		if (wga_bytes_more(&src->bytes, src->need) < 0)
			return wga_err_set(err, "unreadable-file",
					   "cannot read %s after frame %" PRIu64 ": %s",
					   src->name, src->frames,
					   strerror(errno));
		if (wga_bytes_left(&src->bytes) < src->need)
			source_end(src);
	}
	return (int)batch->count;
}

const char *wga_source_damage(const struct wga_source *src)
{
	return src->damage[0] ? src->damage : NULL;
}

const struct wga_source_iface *wga_source_ifaces(const struct wga_source *src,
						 unsigned int *count)
{
	*count = src->iface_count;
	return src->iface;
}

void wga_source_close(struct wga_source *src)
{
	if (!src)
		return;
	wga_bytes_close(&src->bytes);
	wga_pcapng_end(&src->pcapng);
	free(src->iface);
	free(src->iface_key);
	free(src->name);
	close(src->fd);
	free(src);
}
