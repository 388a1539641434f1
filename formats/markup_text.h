/* Text from a target inside of XML and HTML: it can be nothing but text there. */
#ifndef PYSPY_FORMATS_MARKUP_TEXT_H
#define PYSPY_FORMATS_MARKUP_TEXT_H

#include <stdio.h>

#include "common/error.h"

/*
 * For element content and quoted attributes. Control characters, bytes that are no UTF-8 and what
 * hides or reorders text come as in terminal_text_append; characters that XML 1.0 does not have
 * come as U+FFFD.
 */
struct error *markup_text_write(FILE *stream, const char *text);

/* As a string literal of JSON that is safe within <script> too: no '<' is left in it. */
struct error *script_string_write(FILE *stream, const char *text);

#endif
