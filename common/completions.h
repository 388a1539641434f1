/*
 * Scripts that complete a program's words in a shell, made from the table of its options, so that
 * they offer what the program takes. To add a shell: its writer and its row in completions.c, a
 * test in tests/e2e/test_completions.py, its folder in the Makefile's install.
 */
#ifndef PYSPY_COMMON_COMPLETIONS_H
#define PYSPY_COMMON_COMPLETIONS_H

#include <stdio.h>

#include "common/command_line.h"

struct completion_command {
	const char *name;
	const char *abbreviation; /* or NULL */
	const char *summary;
	unsigned bit; /* in option_spec.commands */
};

struct completions {
	const char *program;
	const struct option_spec *options;
	size_t option_count;
	const struct completion_command *commands; /* the first is the one when none is named */
	size_t command_count;			   /* 0: the program has none */
};

/* NULL-terminated. */
extern const char *const completion_shells[];

/* ERROR_USAGE for a shell that there is no script for. Errors of the stream are the caller's. */
struct error *completions_write(const struct completions *completions, const char *shell,
				FILE *stream);

#endif
