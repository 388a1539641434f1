/* Opening what the command line names. */
#ifndef PYSPY_ANALYZE_INPUT_H
#define PYSPY_ANALYZE_INPUT_H

#include "analyze/options.h"
#include "analyze/target.h"

/* Open one input. Errors name the input. */
struct error *input_open(const struct analyze_options *options, const char *path,
			 struct target **ret);

/* The same, to go through its samples with target_next. */
struct error *input_open_forward(const struct analyze_options *options, const char *path,
				 struct target **ret);

/* Where the files of its modules are sought; borrowed from the options. */
struct target_options input_target_options(const struct analyze_options *options);

/* "standard input" for "-". */
const char *input_name(const char *path);

/* Put the input's name before the message, if the message does not have it. Consumes `error`. */
struct error *input_error(const char *path, struct error *error);

#endif
