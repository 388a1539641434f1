/* Frames of a model as frames of a profile: one stack, put together. */
#ifndef PYSPY_ANALYZE_PROFILE_STACK_FRAMES_H
#define PYSPY_ANALYZE_PROFILE_STACK_FRAMES_H

#include "common/model.h"
#include "common/profile.h"

/* Numbers of frames, outermost first. All zero is an empty one. */
struct stack_frames {
	uint32_t *items;
	size_t count;
	size_t capacity;
	struct buffer text; /* for putting names together */
};

void stack_frames_deinit(struct stack_frames *frames);

/* Append `process PID:"command line"` for each of the nearest `parents` and the process itself. */
struct error *stack_frames_add_process(struct stack_frames *frames, struct profile *profile,
				       const struct process_facts *facts, size_t parents);
/* Append `thread (ID): NAME`, the system's id if it is known. */
struct error *stack_frames_add_thread(struct stack_frames *frames, struct profile *profile,
				      const struct model_process *process,
				      const struct model_thread *thread);
struct error *stack_frames_add(struct stack_frames *frames, struct profile *profile,
			       const struct model_frame *frame, enum model_lines lines,
			       bool full_filenames);

/* One that is in the profile already. */
struct error *stack_frames_append(struct stack_frames *frames, uint32_t frame);

#endif
