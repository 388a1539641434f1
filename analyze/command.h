/* The commands of pyspy-analyze. */
#ifndef PYSPY_ANALYZE_COMMAND_H
#define PYSPY_ANALYZE_COMMAND_H

#include <stdio.h>

#include "analyze/options.h"
#include "common/exit_status.h"

enum command_bit {
	COMMAND_DUMP = 1 << 0,
	COMMAND_INFO = 1 << 1,
	COMMAND_REPORT = 1 << 2,
	COMMAND_RECORD = 1 << 3,
	COMMAND_DIFF = 1 << 4,
	COMMAND_MERGE = 1 << 5,
	COMMAND_TOP = 1 << 6,
	COMMAND_COMPLETIONS = 1 << 7,
};

enum message_kind {
	MESSAGE_WARNING = 1, /* not with --quiet */
	MESSAGE_ERROR,
};

struct command_context {
	const struct analyze_options *options;
	/* How a command says what is no result; main prints it. */
	void (*message)(enum message_kind kind, const char *text);
};

enum { SYNOPSIS_LINES = 4 };

struct command {
	const char *name;
	const char *abbreviation;		  /* or NULL */
	enum command_bit bit;			  /* what the option rows call it */
	const char *summary;			  /* for the list of commands */
	const char *synopsis[SYNOPSIS_LINES + 1]; /* NULL-terminated */
	const char *description;
	/* An error ends the program with its status; `ret` is the status otherwise. */
	struct error *(*run)(const struct command_context *context, enum exit_status *ret);
};

/* The one that runs when none is named. */
const struct command *command_default(void);
/* All of them, from 0 on; NULL behind the last. */
const struct command *command_at(size_t index);
/* By name or abbreviation; NULL if there is none. */
const struct command *command_find(const char *name);
/* The list of commands, for --help. */
void command_list(FILE *stream);

struct error *command_dump(const struct command_context *context, enum exit_status *ret);
struct error *command_info(const struct command_context *context, enum exit_status *ret);
struct error *command_diff(const struct command_context *context, enum exit_status *ret);
struct error *command_merge(const struct command_context *context, enum exit_status *ret);
struct error *command_report(const struct command_context *context, enum exit_status *ret);
struct error *command_completions(const struct command_context *context, enum exit_status *ret);
struct error *command_top(const struct command_context *context, enum exit_status *ret);

#endif
