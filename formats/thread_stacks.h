/* The stacks of a profile by thread, for formats that list them. */
#ifndef PYSPY_FORMATS_THREAD_STACKS_H
#define PYSPY_FORMATS_THREAD_STACKS_H

#include "common/profile.h"

/* One stack being put together: frames from the innermost on, without roots of threads. */
struct stack_path {
	uint32_t *frames;
	size_t count;
	size_t capacity;
};

void stack_path_deinit(struct stack_path *path);
struct error *stack_path_find(const struct profile *profile, uint32_t node, struct stack_path *ret);

/* By node, the thread whose tree it is in. Of a profile by thread. To be freed. */
struct error *thread_of_nodes(const struct profile *profile, uint32_t **ret);

/* "process PID thread TID: NAME", as much as is known, and as is needed to tell threads of several
 * processes apart. Appended with a 0 behind it. */
struct error *thread_title(const struct profile *profile, uint32_t thread, struct buffer *ret);

#endif
