/* Opening what the command line names, and what is wanted of it. */
#ifndef PYSPY_ANALYZE_INPUT_H
#define PYSPY_ANALYZE_INPUT_H

#include "analyze/native/native_decode.h"
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

/* Which native frames are wanted. */
struct native_options input_native_options(const struct analyze_options *options);

/* Which lines of frames are wanted. */
enum model_lines input_lines(const struct analyze_options *options);

/* "standard input" for "-". */
const char *input_name(const char *path);

/* Put the input's name before the message, if the message does not have it. Consumes `error`. */
struct error *input_error(const char *path, struct error *error);

#endif
