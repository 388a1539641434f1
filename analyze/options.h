/* The command line of pyspy-analyze. */
#ifndef PYSPY_ANALYZE_OPTIONS_H
#define PYSPY_ANALYZE_OPTIONS_H

#include "common/command_line.h"

struct command;

struct analyze_options {
	struct common_options common;
	struct string_list cores; /* --core */
	const char *output;	  /* NULL: standard output */
	bool json;
	bool full_filenames;
	const char *sample; /* sample_choice_parse(); NULL: the last one */
	struct id_list pids;
	struct number_list tids;
	bool gil;
	bool threads;
	bool subprocesses;
	bool native; /* one of the four */
	bool native_all;
	bool native_last;
	bool native_internal;
	bool no_line_numbers;
	bool first_lines;
	unsigned locals; /* how often it was given */
	bool source;
	/* Reports. */
	int format; /* index of report_format_names */
	int weight; /* enum profile_unit */
	bool idle;
	const char *from;
	const char *to;
	struct string_list include;
	struct string_list exclude;
	/* top. */
	uint64_t delay_ns;
	const char *speed; /* NULL: 1 */
	bool hide_progress;
	/* Of a live process. */
	uint64_t rate;	      /* ANALYZE_RATE_UNSET: not given */
	const char *duration; /* as it was typed */
	const char *wait;
	bool nonblocking;
	bool hide_output;
	bool kill;
	bool exhaustive;
	const char *executable;
	const char *sysroot;
	struct string_list search_paths;
	struct string_list search_roots;
	struct arguments arguments;
	/* Made from the words. */
	const struct command *command;
	struct string_list
		inputs; /* what to read; "-" is standard input; none for a live process */
	char *const *live_command; /* after "--", NULL-terminated; NULL if there is none */
};

#define ANALYZE_RATE_UNSET UINT64_MAX

/*
 * Parse and check; `ret->command` is set even when there is an error, as far as it is known. With
 * --help or --version nothing more is checked. `ret` is always to be deinitialised.
 */
struct error *analyze_options_parse(int argc, char **argv, struct analyze_options *ret);
void analyze_options_deinit(struct analyze_options *options);

/* The command line of one command, for its help. */
struct command_line analyze_command_line(const struct command *command);

#endif
