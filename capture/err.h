/* SPDX-License-Identifier: MIT */
#ifndef WGA_ERR_H
#define WGA_ERR_H

/**
 * struct wga_err - what went wrong, for a person and for a script
 * @code:	short stable word, e.g. "no-such-bridge"; goes into JSON errors
 * @text:	a sentence that names the thing and, where there is one, the mend
 */
struct wga_err {
	char code[32];
	char text[480];
};

/**
 * wga_err_set() - fill an error
 * @err:	error to fill, or NULL when nobody wants to know
 * @code:	short stable word
 * @fmt:	printf format of the sentence
 *
 * Return: -1, always, so that callers can return its value.
 */
int wga_err_set(struct wga_err *err, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* WGA_ERR_H */
