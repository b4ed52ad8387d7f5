/* SPDX-License-Identifier: MIT */
#ifndef WGA_FAULT_JOURNAL_H
#define WGA_FAULT_JOURNAL_H

#include "topo/fault.h"

/*
 * Theory of operation
 *
 * The journal is a directory, /run/wgaudit/faults, with a file NAME.json for
 * each fault that stands. A file is written under another name, forced to the
 * disk and renamed, so it is whole or not there. Whoever reads the journal to
 * act on it holds the lock, which is on the directory itself and goes with the
 * process. The last one out removes the directory.
 *
 * NAME.ended is what a detached fault had to say at its end. It stands for
 * nothing any more and is shown, and removed by heal.
 */

/**
 * struct wga_journal - the journal, locked
 * @fd:		the directory, -1 if there is none
 * @dir:	its path
 * @faults, @n:	what stands, read by wga_journal_read()
 */
struct wga_journal {
	int fd;
	char dir[128];
	struct wga_fault *faults;
	size_t n;
};

/**
 * wga_journal_open() - lock the journal and read it
 * @j:		filled, close with wga_journal_close(); nothing to close after -1
 * @make:	make it if there is none; else that is as good as an empty one
 * @err:	"state", "bad-journal" naming the file
 */
int wga_journal_open(struct wga_journal *j, bool make, struct wga_err *err);
void wga_journal_close(struct wga_journal *j);

/* write a fault, for the first time or anew; when it returns it is on the disk */
int wga_journal_write(struct wga_journal *j, const struct wga_fault *f,
		      struct wga_err *err);

/* forget a fault; fine if there is none of the name */
int wga_journal_remove(struct wga_journal *j, const char *name,
		       struct wga_err *err);

const struct wga_fault *wga_journal_find(const struct wga_journal *j,
					 const char *name);

/* for wga_fault_name(): @arg is the journal */
bool wga_journal_taken(void *arg, const char *name);

/* keep what a fault said at its end, as JSON text */
int wga_journal_keep_end(struct wga_journal *j, const char *name,
			 const char *text, struct wga_err *err);
/* call @fn with all that were kept; those that it returns true for are removed */
void wga_journal_ends(struct wga_journal *j,
		      bool (*fn)(void *arg, const char *name,
				 const char *text), void *arg);

/* clock ticks from boot to the start of a process that has not ended, or 0 */
uint64_t wga_journal_started(pid_t pid);

/* is the process gone that holds it? */
bool wga_journal_orphan(const struct wga_fault *f);

#endif /* WGA_FAULT_JOURNAL_H */
