/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "capture/err.h"

int wga_err_set(struct wga_err *err, const char *code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;

	snprintf(err->code, sizeof(err->code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}
