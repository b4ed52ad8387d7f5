/* SPDX-License-Identifier: MIT */
#ifndef WGA_EXIT_H
#define WGA_EXIT_H

/* Exit statuses of every command. Death by signal n is 128+n to a shell. */
enum wga_exit {
	WGA_EXIT_PASS = 0,		/* pass, or done */
	WGA_EXIT_VIOLATION = 1,
	WGA_EXIT_ERROR = 2,		/* wrong usage or an operational error */
	WGA_EXIT_INCONCLUSIVE = 3,
};

#endif /* WGA_EXIT_H */
