/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Stands in for libFuzzer's main where there is none: hands each file named on
 * the command line, and each file of each directory named there, to the fuzzer
 * once. Crashes are then plain crashes that any debugger understands.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path, size_t size)
{
	/* exactly as large as the input, so that sanitizers see any over-read */
	uint8_t *data = malloc(size ? size : 1);
	FILE *f = fopen(path, "rb");
	int ret = -1;

	if (data && f && fread(data, 1, size, f) == size) {
		LLVMFuzzerTestOneInput(data, size);
		ret = 1;
	} else {
		perror(path);
	}
	if (f)
		fclose(f);
	free(data);
	return ret;
}

static int replay_path(const char *path)
{
	char child[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	int sum = 0, n;
	DIR *dir;

	if (stat(path, &st) < 0) {
		perror(path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path, (size_t)st.st_size);

	dir = opendir(path);
	if (!dir) {
		perror(path);
		return -1;
	}
	while (sum >= 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		n = replay_path(child);
		sum = n < 0 ? -1 : sum + n;
	}
	closedir(dir);
	return sum;
}

int main(int argc, char **argv)
{
	int i, n, sum = 0;

	for (i = 1; i < argc; i++) {
		n = replay_path(argv[i]);
		if (n < 0)
			return EXIT_FAILURE;
		sum += n;
	}
	if (!sum) {
		fprintf(stderr, "%s: no inputs\n", argv[0]);
		return EXIT_FAILURE;
	}
	printf("%d inputs replayed\n", sum);
	return EXIT_SUCCESS;
}
