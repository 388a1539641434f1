/*
 * Names of files by a pattern: fields of strftime(3), in UTC and in the C locale, and fields of our
 * own, %{pid}, %{host} and %{ms}. The table in output_pattern.c lists them.
 */
#ifndef PYSPY_CAPTURE_OUTPUT_PATTERN_H
#define PYSPY_CAPTURE_OUTPUT_PATTERN_H

#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/* ERROR_USAGE for a field that there is none of, and for a pattern without any time in it. */
struct error *output_pattern_check(const char *pattern);

/* ERROR_USAGE if files that begin so far apart can have the same name. Of a pattern that was
 * checked. */
struct error *output_pattern_check_period(const char *pattern, uint64_t period_ns);

/* The name at a time (ns since 1970); `pid` is what %{pid} is. NULL if out of memory. Of a pattern
 * that was checked. */
char *output_pattern_expand(const char *pattern, uint64_t time_ns, pid_t pid);

/* A pattern with the time in it, from a name without: before its ending, or at its end. NULL if out
 * of memory. */
char *output_pattern_with_time(const char *name);

#endif
