/* The local variables of a frame, below it in the text of `dump`. */
#ifndef PYSPY_FORMATS_TEXT_LOCALS_H
#define PYSPY_FORMATS_TEXT_LOCALS_H

#include <stdio.h>

#include "common/model.h"

/* Nothing if the frame has none. */
void text_locals_write(FILE *stream, const struct model_frame *frame, bool color);

#endif
