/*
 * Whether any thread of a process ran between two moments. Before 3.7 no GIL tells how often it
 * changed hands, nor who held it last: that nobody took it is proven by nobody having run.
 */
#ifndef PYSPY_CAPTURE_THREAD_CLOCKS_H
#define PYSPY_CAPTURE_THREAD_CLOCKS_H

#include "capture/thread_clock.h"
#include "common/error.h"
#include "common/facts.h"

struct watched_clock {
	struct thread_clock clock;
	struct thread_clock_files files;
};

struct thread_clocks {
	struct watched_clock *items; /* of the list's threads, in its order */
	size_t count;
};

/* More threads than these would take too long to look at. */
enum { THREAD_CLOCKS_MAX = 1024 };

/* ERROR_UNSUPPORTED if there are too many threads. */
struct error *thread_clocks_begin(pid_t pid, const struct thread_list *threads,
				  struct thread_clocks *ret);
void thread_clocks_deinit(struct thread_clocks *clocks);

/* Whether no thread of the list ran since, and the process has no other ones now. */
struct error *thread_clocks_stood(pid_t pid, const struct thread_list *threads,
				  const struct thread_clocks *clocks, bool *ret_stood);

#endif
