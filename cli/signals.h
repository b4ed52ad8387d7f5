/* SPDX-License-Identifier: MIT */
#ifndef WGA_SIGNALS_H
#define WGA_SIGNALS_H

/**
 * wga_signal_catch() - have a signal handled, unless it is ignored
 * @flags:	as of sigaction(2)
 *
 * What whoever started us wants ignored (nohup, a shell's background) stays so.
 */
void wga_signal_catch(int sig, void (*handler)(int), int flags);

#endif /* WGA_SIGNALS_H */
