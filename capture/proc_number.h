/*
 * Numbers in the texts of /proc, which are blank-separated fields. Not by sscanf(3): it brings
 * floating point and wide characters into a static program, 0.1 MB, and is slow for what is read
 * for each thread of each sample.
 */
#ifndef PYSPY_CAPTURE_PROC_NUMBER_H
#define PYSPY_CAPTURE_PROC_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Each reads one field at `*at`, after blanks, and moves behind it; false, and nothing moves, if
 * there is none. */
bool proc_number_decimal(const char **at, uint64_t *ret);
bool proc_number_signed(const char **at, int64_t *ret);
/* With or without "0x". */
bool proc_number_hexadecimal(const char **at, uint64_t *ret);

/* Whatever is in the next fields. False if the text has fewer. */
bool proc_number_skip(const char **at, unsigned int fields);

#endif
