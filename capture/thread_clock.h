/* Proof that a thread did not run between two looks. */
#ifndef PYSPY_CAPTURE_THREAD_CLOCK_H
#define PYSPY_CAPTURE_THREAD_CLOCK_H

#include <stdbool.h>
#include <sys/types.h>

/* What of a thread stays open from look to look: to open it takes longer than to read it. */
struct thread_clock_files {
	pid_t tid;  /* 0: none is open */
	int counts; /* schedstat, or status */
	int call;   /* syscall */
	bool switches;
};

/*
 * How often the scheduler has let a thread run: of schedstat (proc(5)) the whole text, whose last
 * number goes up before the thread's first instruction (kernel/sched/stats.h, sched_info_arrive).
 * A kernel that does not count this says "0 0 0"; then it is the numbers of context switches in
 * status, which go up when the thread has run.
 */
struct thread_clock {
	char counts[128];
	bool known; /* it was readable, and the thread was not on a CPU */
};

/*
 * Begin to watch. `files` may be of another thread, or of one that has ended: then they are opened
 * anew.
 */
void thread_clock_begin(pid_t pid, pid_t tid, struct thread_clock_files *files,
			struct thread_clock *ret);
/* Whether the thread did not run since; with what begin() has left in `files`. */
bool thread_clock_stood(const struct thread_clock *clock, const struct thread_clock_files *files);

void thread_clock_files_close(struct thread_clock_files *files);

#endif
