/* Where in the source a frame is. */
#ifndef PYSPY_ANALYZE_PYTHON_FRAME_POSITION_H
#define PYSPY_ANALYZE_PYTHON_FRAME_POSITION_H

#include "common/model.h"
#include "common/walk.h"

/*
 * Fill the frame's lines and columns. A frame that has not come to an instruction with a line is at
 * its function's first line: the interpreter itself gives none there, or leaves the frame out
 * (_PyFrame_IsIncomplete(), Include/internal/pycore_frame.h), but the time is spent in it.
 */
void frame_position_decode(const struct python_layout *layout, const struct walk_frame *walked,
			   struct model_frame *ret);

/*
 * Whether the frame is one of the interpreter's own, in no source: what 3.13 and later put between
 * a class that is called and its __init__, to check what that returns (_Py_InitCleanup,
 * Python/specialize.c). Tracebacks and sys._current_frames() leave it out.
 */
bool frame_is_internal(const struct walk_frame *walked);

#endif
