/* What a walk reads of each structure that it comes to. */
#ifndef PYSPY_COMMON_WALK_FIELDS_H
#define PYSPY_COMMON_WALK_FIELDS_H

#include "common/python_layout.h"
#include "common/struct_view.h"

/* At once. */
struct struct_span walk_thread_fields(const struct python_layout *layout);
struct struct_span walk_frame_fields(const struct python_layout *layout);

/* All of it: of a thread state, of a C frame (3.11 and 3.12) and of a frame. */
struct struct_span walk_thread_span(const struct python_layout *layout);
struct struct_span walk_cframe_span(const struct python_layout *layout);
struct struct_span walk_frame_span(const struct python_layout *layout);

#endif
