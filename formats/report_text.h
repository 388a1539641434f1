/* What reports for people say in the same words: what they are of, and what is missing. */
#ifndef PYSPY_FORMATS_REPORT_TEXT_H
#define PYSPY_FORMATS_REPORT_TEXT_H

#include "formats/report_format.h"

/* "7 samples of 1 process, 9 stacks of threads" */
void report_extent_write(FILE *stream, const struct profile *profile);

/* "from TIME to TIME", behind `before` and before `after`; nothing if no time is known. */
void report_period_write(FILE *stream, const struct profile *profile, const char *before,
			 const char *after);

/* A line for each loss, safe for terminals. */
void report_losses_write(FILE *stream, const struct report *report);

/* "function (file)", safe for terminals. */
void report_function_write(FILE *stream, const struct profile *profile, uint32_t frame);

#endif
