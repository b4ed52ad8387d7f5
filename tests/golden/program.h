/* SPDX-License-Identifier: MIT */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <jansson.h>

/* Runs programs, wgaudit above all, and looks at what they leave. */

#define ROOT	"tests/golden/captures/"
#define SERVER_OPTIONS	"--derp", "192.168.100.10:443", "--control", \
			"192.168.100.10:443"
#define ARGS	32

enum { PASS = 0, FOUND = 1, ERROR = 2, UNSURE = 3 };

/**
 * struct result - what a run of the program left
 * @status:	exit status, or -1 if a signal ended it
 * @out, @err:	what it wrote
 */
struct result {
	int status;
	char *out, *err;
};

/* run a program; args end with NULL; @input becomes standard input, -1: none */
struct result run_program(const char *path, int input, const char *const args[]);
/* the same for wgaudit */
struct result run_with(int input, const char *const args[]);
void result_free(struct result *r);

/* fail unless wgaudit exits with @want */
void expect_status(int want, const char *const args[]);
/* and return the document it wrote; json_decref() it */
json_t *expect_json(int want, const char *const args[]);

#endif /* PROGRAM_H */
