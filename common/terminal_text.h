/*
 * Text that came from a target, made safe to print: a hostile process must not be able to drive the
 * terminal of who looks at it. And whether and how to color.
 */
#ifndef PYSPY_COMMON_TERMINAL_TEXT_H
#define PYSPY_COMMON_TERMINAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/buffer.h"

/*
 * The length in bytes of the well-formed UTF-8 character at the start of `text` (Unicode, table
 * 3-7: no surrogates, no overlong forms), 0 if there is none. `ret` is its code point.
 */
size_t utf8_decode(const char *text, size_t size, unsigned *ret);

/* Whether a character can drive a terminal, or reorder, hide or break the text around it. */
bool terminal_text_is_unsafe(unsigned character);

/*
 * Append `text` with control characters as \n, \t, \x1b; bytes that are no UTF-8 as \xff;
 * characters that reorder or hide text (bidirectional controls, separators) as \u202e. All else as
 * it is.
 */
struct error *terminal_text_append(struct buffer *buffer, const char *text);

/* The same, written to a stream. Errors are the stream's. */
void terminal_text_write(FILE *stream, const char *text);

/*
 * Whether a stream gets colors: never with --no-color or NO_COLOR set (no-color.org), always with
 * CLICOLOR_FORCE, else if it is a terminal that can.
 */
bool terminal_color_wanted(bool no_color, FILE *stream);

/* What is styled, not how: the sequences are py-spy's. */
enum terminal_style {
	STYLE_NONE = 0,
	STYLE_STRONG, /* versions, headings */
	STYLE_FAINT,  /* line numbers, paths that matter less */
	STYLE_ID,     /* process and thread ids */
	STYLE_FUNCTION,
	STYLE_FILE,
	STYLE_PROBLEM, /* gaps, signals */
};

/* The escape sequence that begins a style, "" without color. */
const char *terminal_style(bool color, enum terminal_style style);
/* The one that ends it. */
const char *terminal_style_end(bool color);

/* Print "PROGRAM: KIND: TEXT" and a newline to standard error, made safe; `kind` NULL for none. For
 * main only. */
void terminal_message(const char *program, const char *kind, const char *text);

#endif
