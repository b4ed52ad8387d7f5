/* SPDX-License-Identifier: MIT */
#ifndef FORGE_RUN_H
#define FORGE_RUN_H

#include <stdbool.h>

#include <jansson.h>

#include "analyze/config.h"
#include "analyze/run.h"
#include "analyze/verdict.h"
#include "tests/golden/forge_mesh.h"

/*
 * Captures in memory, to the engine, to files and back. Files are memfds: a
 * path in /proc/self/fd leaves nothing behind, however a test ends.
 */

/* hand a capture to a bridge, @batch frames at a time (1 to WGA_BATCH_MAX) */
void forge_feed(const struct forge *f, struct wga_bridge *br, unsigned int batch);

/**
 * forge_judge() - one run over some captures
 * @cfg:	configuration
 * @caps:	captures, one bridge each
 * @names:	their names
 * @n:		how many
 * @loss:	what is missing from the first one, or NULL
 * @live:	they are interfaces
 * @batch:	frames per batch
 *
 * Return: the run; wga_run_judge() it.
 */
struct wga_run *forge_judge(const struct wga_config *cfg,
			    const struct forge *const caps[],
			    const char *const names[], size_t n,
			    const struct wga_loss *loss, bool live,
			    unsigned int batch);

/* the same with each bridge split into parts */
struct wga_run *forge_judge_parts(const struct wga_config *cfg,
				  const struct forge *const caps[],
				  const char *const names[], size_t n,
				  const struct wga_loss *loss, bool live,
				  unsigned int batch, unsigned int parts);

/* the first bridge of whatever is judged next expects this leak; NULL: none */
void forge_expect(const struct wga_selftest *st);

/**
 * forge_review() - go through the frames of a run once more (analyze/review.h)
 * @run, @v:	judged with wga_config.review
 * @caps, @names, @n:	what it was made of
 *
 * Return: what does not agree with the verdict, or NULL.
 */
const char *forge_review(const struct wga_run *run, const struct wga_verdict *v,
			 const struct forge *const caps[],
			 const char *const names[], size_t n);

/* the same by the traces of a run that is made for it */
const char *forge_review_traces(const struct wga_config *cfg,
				const struct forge *const caps[],
				const char *const names[], size_t n);

/**
 * forge_elide() - what evidence keeps of the frames of a run
 * @run, @v:	judged with wga_config.review
 * @caps, @names, @n:	what it was made of
 * @out:	their frames, elided where that may be; forge_free() each
 *
 * Return: how many frames were elided.
 */
size_t forge_elide(const struct wga_run *run, const struct wga_verdict *v,
		   const struct forge *const caps[], const char *const names[],
		   size_t n, struct forge out[]);

/* append what a file holds */
int forge_load(struct forge *f, const char *path, struct wga_err *err);

/* a pcap file (nanoseconds) in a memfd; @path gets its name. Return: the fd */
int forge_pcap(const struct forge *f, char path[static 32]);
/* any bytes as a file */
int forge_file(const void *data, size_t len, char path[static 32]);
/* the hosts in @who as `headscale nodes list -o json` prints them */
int forge_nodes(const struct forge_mesh *m, const enum forge_who *who, size_t n,
		char path[static 32]);

/* the JSON document of a verdict; json_decref() it */
json_t *forge_json(const struct wga_verdict *v);
/* verdict, reasons and classes of it as one string; free() it */
char *forge_digest(const struct wga_verdict *v);

/* is there a reason with this code? */
bool forge_has(const struct wga_verdict *v, enum wga_code code);
/* frames of all classes, and frames of all inputs */
uint64_t forge_class_frames(const struct wga_verdict *v);
uint64_t forge_input_frames(const struct wga_verdict *v);
void forge_print(const struct wga_verdict *v);

#endif /* FORGE_RUN_H */
