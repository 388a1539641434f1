/*
 * Options of a live process: which of them go with what, and what pyspy-capture is told of them.
 */
#ifndef PYSPY_ANALYZE_LIVE_OPTIONS_H
#define PYSPY_ANALYZE_LIVE_OPTIONS_H

#include "analyze/options.h"

/* Of a live process is what --pid names when there is no file to read, or a command after "--". */
bool live_wanted(const struct analyze_options *options);

/* What does not go together: an error that names the way out. */
struct error *live_options_check(const struct command_line *command_line,
				 const struct analyze_options *options);

/* The arguments for live_capture_start; `sampling` is for many samples, otherwise the last one
 * counts. To be freed by the caller; the words are borrowed from the options. */
struct live_arguments {
	const char **words; /* NULL-terminated */
	char *texts;	    /* what some of them point to */
};
struct error *live_arguments_make(const struct analyze_options *options, bool sampling,
				  struct live_arguments *ret);
void live_arguments_deinit(struct live_arguments *arguments);

/* How messages call what is live: "process 1234", "3 processes", "command python3"; `size` bytes at
 * most. */
void live_name(const struct analyze_options *options, char *name, size_t size);

#endif
