/* Stack traces as the library's users see them, made from models. */
#ifndef PYSPY_LIB_TRACE_LIST_H
#define PYSPY_LIB_TRACE_LIST_H

#include "common/model.h"
#include "include/pyspy.h"

struct trace_options {
	bool without_idle;
	bool thread_frames; /* "thread (ID)" as the outermost frame */
};

struct error *trace_list_create(struct pyspy_traces **ret);
void trace_list_destroyp(struct pyspy_traces **traces);

/* Add the threads of a process. Takes over what `model` holds, also on failure; `process` is
 * shared. */
struct error *trace_list_add(struct pyspy_traces *traces, const struct trace_options *options,
			     struct model_process *model, struct pyspy_process_info *process);

/* Move all of `from`, which is destroyed on success, to the end of `into`. */
struct error *trace_list_append(struct pyspy_traces *into, struct pyspy_traces *from);

/* Whether a stack has a frame. */
bool trace_list_has_frames(const struct pyspy_traces *traces);

#endif
