/* SPDX-License-Identifier: MIT */
/*
 * A directory to be sealed, in a temporary directory of its own. Include after
 * cmocka.h.
 */
#ifndef SEAL_BUILD_H
#define SEAL_BUILD_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char seal_top[] = "/tmp/wgaudit-seal-XXXXXX";

static int seal_remove_one(const char *path, const struct stat *st, int type,
			   struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void seal_remove(const char *path)
{
	nftw(path, seal_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* the process stands in the temporary directory from here on */
static int seal_setup(void **state)
{
	(void)state;
	strcpy(seal_top + strlen(seal_top) - 6, "XXXXXX");
	return mkdtemp(seal_top) && !chdir(seal_top) && !mkdir("d", 0755) &&
	       !mkdir("d/sub", 0755) ? 0 : -1;
}

static int seal_teardown(void **state)
{
	(void)state;
	if (chdir("/"))
		return -1;
	seal_remove(seal_top);
	return 0;
}

static void put_file(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void put_text(const char *path, const char *text)
{
	put_file(path, text, strlen(text));
}

/* all of a file and a NUL; release with free() */
static char *get_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *bytes;
	long size;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	rewind(f);
	bytes = calloc(1, (size_t)size + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)size, f), size);
	fclose(f);
	*len = (size_t)size;
	return bytes;
}

#endif /* SEAL_BUILD_H */
