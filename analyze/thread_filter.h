/* The threads of models that were asked for. */
#ifndef PYSPY_ANALYZE_THREAD_FILTER_H
#define PYSPY_ANALYZE_THREAD_FILTER_H

#include "common/buffer.h"
#include "common/model.h"
#include "common/option_values.h"

struct thread_filter {
	/* Empty: all. Of the operating system, as the capturer or as the target sees them, or
	 * Python's. */
	const struct number_list *ids;
	bool gil; /* only who holds it */
	/* What was met in all processes so far; zero at the start. */
	struct buffer found;	 /* a byte for each of the ids */
	struct number_list seen; /* ids that there are, each once */
	bool more_seen;		 /* than are in the list */
};

void thread_filter_deinit(struct thread_filter *filter);

/*
 * Take all others out. `ret_wanted` is false if the process has no thread with any of the ids, and
 * need not be shown. ERROR_UNSUPPORTED if it cannot be known who holds the GIL: never silently
 * empty.
 */
struct error *thread_filter_apply(struct thread_filter *filter, struct model_process *process,
				  bool *ret_wanted);

/*
 * Whether a thread is one of them, and the same look at a process, for who leaves the others out by
 * himself.
 */
bool thread_filter_has(const struct thread_filter *filter, const struct model_thread *thread);
struct error *thread_filter_look(struct thread_filter *filter, const struct model_process *process,
				 bool *ret_wanted);

/* After all processes: ERROR_NOT_FOUND if an id is none of any thread; it names those that are. */
struct error *thread_filter_missing(const struct thread_filter *filter);

#endif
