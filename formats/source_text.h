/* A frame's source line in text, with marks under what is evaluated, as tracebacks have them. */
#ifndef PYSPY_FORMATS_SOURCE_TEXT_H
#define PYSPY_FORMATS_SOURCE_TEXT_H

#include <stdio.h>

#include "common/model.h"

/*
 * The frame has a source. Written without its indentation; the marks are left out where they would
 * be under all of the line. Only running out of memory is an error, others are the stream's.
 */
struct error *source_text_write(FILE *stream, const struct model_frame *frame);

#endif
