/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/duration.h"

static bool read_number(const char *text, uint64_t *out, const char **rest)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	*out = value;
	*rest = end;
	return errno == 0;
}

int wga_duration_parse(const char *text, uint64_t *ns, struct wga_err *err)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", UINT64_C(1000000000) },
		{ "ms", UINT64_C(1000000) },
		{ "s", UINT64_C(1000000000) },
		{ "m", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) },
	};
	const char *unit;
	uint64_t value;

	if (read_number(text, &value, &unit) && value > 0)
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strcmp(unit, units[i].name) == 0 &&
			    value <= INT64_MAX / units[i].ns) {
				*ns = value * units[i].ns;
				return 0;
			}
	return wga_err_set(err, "usage",
			   "'%s' is no duration; write 10s, 500ms, 2m or 1h",
			   text);
}

int wga_count_parse(const char *text, const char *option, uint64_t max,
		    uint64_t *out, struct wga_err *err)
{
	const char *rest;

	if (read_number(text, out, &rest) && *rest == '\0' && *out > 0 &&
	    *out <= max)
		return 0;
	return wga_err_set(err, "usage",
			   "%s takes a whole number from 1 to %llu, not '%s'",
			   option, (unsigned long long)max, text);
}
