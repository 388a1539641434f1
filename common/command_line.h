/*
 * Command lines by table, for both programs: one row for each option says how it is written, what
 * it does and what `--help` says of it, so that help and behaviour cannot differ.
 *
 * To add an option:
 *  1. a field for its value in the program's options structure;
 *  2. a row in the program's table (capture/capture_options.c, analyze/options.c): name, letter,
 * argument, help, kind, offset of the field;
 *  3. the man page (scripts/check-man compares it with --help).
 */
#ifndef PYSPY_COMMON_COMMAND_LINE_H
#define PYSPY_COMMON_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/option_values.h"

/* How an option's argument is read, and the type of the field that it is put into. */
enum option_kind {
	OPTION_FLAG = 1,    /* bool: set to true */
	OPTION_COUNT,	    /* unsigned: how often it was given */
	OPTION_STRING,	    /* const char *: borrowed from argv, the last one counts */
	OPTION_STRINGS,	    /* struct string_list: repeatable */
	OPTION_COLON_LIST,  /* struct string_list: repeatable, each A:B:C is split */
	OPTION_IDS,	    /* struct id_list: process ids, decimal or 0x…, repeatable */
	OPTION_LONG_IDS,    /* struct number_list: ids of up to 64 bits, likewise */
	OPTION_NUMBER,	    /* uint64_t: decimal or 0x… */
	OPTION_SECONDS,	    /* uint64_t, nanoseconds: seconds with or without a fraction */
	OPTION_SIZE,	    /* uint64_t, bytes: a number with or without K, M or G (of 1024) */
	OPTION_CHOICE,	    /* int: index of the argument in `choices`, in any case */
	OPTION_UNAVAILABLE, /* no field: a usage error: known, and not for this */
};

struct option_spec {
	const char *name;     /* long name, without "--" */
	const char *alias;    /* another long name, or NULL */
	char letter;	      /* 0: none */
	const char *argument; /* its name in the help; NULL: takes none */
	const char *help;     /* one sentence without the full stop, wrapped by command_line_help */
	enum option_kind kind;
	size_t offset;		    /* of the field in the program's options structure, offsetof */
	const char *const *choices; /* OPTION_CHOICE: NULL-terminated */
	unsigned commands;	    /* bits of the commands that have it; 0: all */
	bool hidden;		    /* not in the help */
};

/* What every program and command has. Its rows: COMMON_OPTIONS. */
struct common_options {
	bool help;
	bool version;
	bool quiet;
	unsigned verbose;
	bool no_color;
};

/* clang-format off */
/* The rows of struct common_options, for a table of `type` that has it as `member`. */
#define COMMON_OPTIONS(type, member)                                                               \
	{.name = "quiet", .letter = 'q', .kind = OPTION_FLAG,                                      \
	 .offset = offsetof(type, member.quiet),                                                   \
	 .help = "print errors only, no warnings"},                                                \
	{.name = "verbose", .letter = 'v', .kind = OPTION_COUNT,                                   \
	 .offset = offsetof(type, member.verbose),                                                 \
	 .help = "say more about what is done; repeat for more"},                                  \
	{.name = "no-color", .kind = OPTION_FLAG,                                                  \
	 .offset = offsetof(type, member.no_color),                                                \
	 .help = "print without colors"},                                                          \
	{.name = "version", .letter = 'V', .kind = OPTION_FLAG,                                    \
	 .offset = offsetof(type, member.version),                                                 \
	 .help = "print the version and exit"},                                                    \
	{.name = "help", .letter = 'h', .kind = OPTION_FLAG,                                       \
	 .offset = offsetof(type, member.help),                                                    \
	 .help = "print this help and exit"}
/* clang-format on */

struct command_line {
	const char *program;	     /* "pyspy-capture": also what its man page is called */
	const char *const *synopsis; /* usage lines without the program's name, NULL-terminated */
	const char *description;     /* a paragraph of the help, or NULL */
	const struct option_spec *options;
	size_t option_count;
	const char *epilogue; /* a paragraph after the options, or NULL */
	unsigned command;     /* only rows with this bit, or with none; 0: all rows */
};

/* What is not an option. */
struct arguments {
	struct string_list words; /* before "--", options taken out */
	bool has_separator;	  /* there was a "--" */
	char *const *rest;	  /* after "--": borrowed from argv, NULL-terminated */
	size_t rest_count;
};

void arguments_deinit(struct arguments *arguments);

/*
 * Parse argv[1…] into `values`, the program's options structure, which holds the defaults. It stops
 * with success at --help and --version. ERROR_USAGE ends in the hint to try --help. After an error
 * `values` holds what came before it, and is to be deinitialised all the same; `ret` is
 * always to be deinitialised. Options and words may be mixed. Not for two threads at once
 * (getopt_long(3) has global state).
 */
struct error *command_line_parse(const struct command_line *command_line, int argc, char **argv,
				 void *values, struct arguments *ret);

/* The text of --help, made from the table. */
void command_line_help(const struct command_line *command_line, FILE *stream);

/* "pyspy-capture 0.1.0" and a newline. */
void command_line_version(const struct command_line *command_line, FILE *stream);

/* An ERROR_USAGE that ends in the hint to try --help, for what only main can check. */
struct error *command_line_error(const struct command_line *command_line, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result, returns_nonnull));

/* Whether a row belongs to the command of the command line. */
bool command_line_has(const struct command_line *command_line, const struct option_spec *spec);

/* Put an option's argument (NULL if it takes none) into its field. ERROR_USAGE without a hint. */
struct error *option_apply(const struct option_spec *spec, void *values, const char *text);

#endif
