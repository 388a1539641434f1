/* Which characters repr() of a str prints as they are (str.isprintable()). */
#ifndef PYSPY_ANALYZE_PYTHON_PRINTABLE_H
#define PYSPY_ANALYZE_PYTHON_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where what holds for the characters before begins to be otherwise; NUL is not printable. In
 * order. */
extern const uint32_t printable_changes[];
extern const size_t printable_change_count;

bool python_is_printable(uint32_t point);

#endif
