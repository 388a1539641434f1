/* The threads of a model that were asked for. */
#ifndef PYSPY_ANALYZE_THREAD_FILTER_H
#define PYSPY_ANALYZE_THREAD_FILTER_H

#include "common/model.h"
#include "common/option_values.h"

struct thread_filter {
	const struct id_list *tids; /* empty: all; as the capturer or as the target sees them */
	bool gil;
};

/*
 * Take all others out. ERROR_NOT_FOUND if no thread has any of the ids; ERROR_UNSUPPORTED if it
 * cannot be known who holds the GIL: never silently empty.
 */
struct error *thread_filter_apply(const struct thread_filter *filter,
				  struct model_process *process);

#endif
