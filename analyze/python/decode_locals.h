/* The local variables of frames into the model: their names, and the text of their values. */
#ifndef PYSPY_ANALYZE_PYTHON_DECODE_LOCALS_H
#define PYSPY_ANALYZE_PYTHON_DECODE_LOCALS_H

#include "common/locals_reader.h"
#include "common/model.h"

/* For one process: a value that many frames have is read and rendered once. */
struct locals_decoder;
/* `memory` and `layout` are borrowed. `times`: how often --locals was given. */
struct error *locals_decoder_create(struct memory *memory, const struct python_layout *layout,
				    unsigned times, struct locals_decoder **ret);
void locals_decoder_destroy(struct locals_decoder *decoder);

/* Fill the frame's locals. */
struct error *locals_decoder_frame(struct locals_decoder *decoder, const struct walk_frame *walked,
				   struct model_frame *frame);

#endif
