/* From the characters of a str object to UTF-8. */
#ifndef PYSPY_ANALYZE_PYTHON_TEXT_H
#define PYSPY_ANALYZE_PYTHON_TEXT_H

#include "common/code_object.h"

/*
 * `ret` is owned by the caller, NUL-terminated. A lone surrogate (an undecodable byte of a file
 * name, PEP 383) and a NUL become a backslash escape, as Python's "backslashreplace" writes them; a
 * string that was cut ends in "…"; one that could not be read is "<unreadable>".
 */
struct error *python_text(const struct raw_string *string, char **ret);

#endif
