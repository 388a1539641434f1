/*
 * The threads of a process from sample to sample. Files in /proc stay open, and of a thread that
 * did not run since the last look nothing is read but the scheduler's counts of it, which cost a
 * sixth of the rest; of one that sleeps in the same call again, no more than which one that is.
 */
#ifndef PYSPY_CAPTURE_THREAD_WATCH_H
#define PYSPY_CAPTURE_THREAD_WATCH_H

#include <sys/types.h>

#include "common/facts.h"

struct thread_watch;

/* Let this program have as many files open as the system permits: for all threads of all processes.
 */
void thread_watch_raise_limit(void);

/* Bound to the process that has the id now. ERROR_NO_PROCESS, ERROR_PERMISSION. */
struct error *thread_watch_create(pid_t pid, struct thread_watch **ret);
void thread_watch_destroy(struct thread_watch *watch);
void thread_watch_destroyp(struct thread_watch **watch);

/*
 * Bring `threads` up to date, which is empty or what the call before left. What it says is as of
 * now, but for the state of a thread that was woken and has not run yet: that is the state it slept
 * in. A thread that has the call it slept in again, but this time waits for a disk in it (D), is
 * said to sleep for a second at most, and so long a name that is changed by another thread may be
 * the one before. ERROR_NO_PROCESS if the process has ended.
 */
struct error *thread_watch_update(struct thread_watch *watch, struct thread_list *threads);

/* Have all threads in `threads` that there are now; what it says of those that it had may be as of
 * the last update. */
struct error *thread_watch_meet(struct thread_watch *watch, struct thread_list *threads);

/* Whether they are the same threads still as at the last update. */
bool thread_watch_is_same(struct thread_watch *watch);

/* Changes whenever a thread began or ended. */
uint64_t thread_watch_generation(const struct thread_watch *watch);

#endif
