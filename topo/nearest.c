/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "topo/nearest.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t wga_word_distance(const char *a, const char *b)
{
	size_t row[33], n = strnlen(b, COUNT(row) - 1), i, j;

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; a[i] && i < 32; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (j = 1; j <= n; j++) {
			size_t up = row[j];

			row[j] = least(diagonal + (a[i] != b[j - 1]),
				       least(up, row[j - 1]) + 1);
			diagonal = up;
		}
	}
	return row[n];
}
