/* SPDX-License-Identifier: MIT */
#ifndef WGA_SOURCE_H
#define WGA_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/err.h"
#include "capture/frame.h"

struct wga_source;

/* How comments of an interface's statistics begin that tell of losses no other
 * field has a place for: "interface went away", "heartbeats 3 of 4", "damaged: ..."
 */
#define WGA_SOURCE_LOSS	"wgaudit loss: "

/* How the comment of a packet begins that says what was left out of it */
#define WGA_SOURCE_ELIDED	"wgaudit elided "

/**
 * struct wga_source_iface - one interface of a capture file
 * @name:	if_name of pcapng, or "" where the file has none (pcap)
 * @link:	enum wga_link
 * @drops:	frames that the file says were dropped (ISB ifdrop + osdrop,
 *		or epb_dropcount summed, whichever is larger)
 * @has_drops:	the file says anything about drops
 * @filter:	what hid frames from the interface (if_filter), cut to fit, or ""
 * @gone:	the file says that the interface went away during the capture
 * @beats_sent, @beats_seen:	heartbeats, as the file tells
 * @damage:	the file says that its frames ended early, and why; or ""
 */
struct wga_source_iface {
	char name[64];
	uint16_t link;
	uint64_t drops;
	bool has_drops, gone;
	uint64_t beats_sent, beats_seen;
	char filter[128], damage[160];
};

/**
 * wga_source_open() - open a pcap or pcapng file
 * @out:	where the source goes; release with wga_source_close()
 * @path:	file, or "-" for standard input; plain, gzip or zstd
 * @err:	"no-such-file", "unreadable-file", "not-a-capture",
 *		"unsupported-link-type"
 *
 * A file that ends inside its header is no capture; one that ends right after
 * it is an empty capture.
 *
 * Return: 0, or -1 with @err set.
 */
int wga_source_open(struct wga_source **out, const char *path,
		    struct wga_err *err);

/**
 * wga_source_open_shared() - wga_source_open() for a file that other threads
 * read at the same time: nothing is read ahead, they keep the CPUs busy
 */
int wga_source_open_shared(struct wga_source **out, const char *path,
			   struct wga_err *err);

/**
 * wga_source_next() - get the next frames
 * @src:	the source
 * @batch:	filled with up to WGA_BATCH_MAX frames in file order
 * @err:	set on an error in mid-file: a link type that cannot be judged
 *		("unsupported-link-type"), a read error ("unreadable-file")
 *
 * Frames before a cut or a damaged block are handed out first; the damage is
 * then told by wga_source_damage(), not as an error. A length on the wire below
 * the captured one is raised to it, so that no captured byte is hidden. Frames of
 * pcapng's simple packet blocks carry no time: their time_ns is 0.
 *
 * Return: the number of frames, 0 at the end, -1 with @err set.
 */
int wga_source_next(struct wga_source *src, struct wga_batch *batch,
		    struct wga_err *err);

/**
 * wga_source_damage() - why the file ended before its end
 * @src:	the source
 *
 * Return: a sentence with the offset, or NULL for a file that ended well.
 */
const char *wga_source_damage(const struct wga_source *src);

/**
 * wga_source_ifaces() - the interfaces seen so far
 * @src:	the source
 * @count:	set to the number of interfaces
 *
 * Return: array owned by @src, valid until the next call on it.
 */
const struct wga_source_iface *wga_source_ifaces(const struct wga_source *src,
						 unsigned int *count);

/**
 * wga_source_close() - release a source
 * @src:	source or NULL
 */
void wga_source_close(struct wga_source *src);

#endif /* WGA_SOURCE_H */
