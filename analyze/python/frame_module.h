/* The Python module of a frame, and what its file is called for short. */
#ifndef PYSPY_ANALYZE_PYTHON_FRAME_MODULE_H
#define PYSPY_ANALYZE_PYTHON_FRAME_MODULE_H

#include "common/model.h"
#include "common/walk.h"

/* Fill the frame's python_module and short_filename; its filename is there. */
struct error *frame_module_decode(const struct walk_frame *walked, struct model_frame *ret);

#endif
