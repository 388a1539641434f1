/*
 * Guards against a deadlock between PTRACE_SEIZE and exec(2), described in the BUGS section of
 * ptrace(2) and seen on Linux 6.18: exec of a process with many threads ends all others and waits
 * until they are reaped, holding a lock (cred_guard_mutex) that PTRACE_SEIZE of the next thread
 * waits for; but a thread that we have seized already is for us to reap. Without help both would
 * wait until this program is killed. A helper thread, started on first use, reaps the ended threads
 * when a seize takes long: tracing is bound to a thread, reaping is not.
 */
#ifndef PYSPY_CAPTURE_SEIZE_WATCH_H
#define PYSPY_CAPTURE_SEIZE_WATCH_H

#include <sys/types.h>

#include "common/error.h"

struct seize_watch;

struct error *seize_watch_create(struct seize_watch **ret);
void seize_watch_destroy(struct seize_watch *watch);

/* Around seizing more threads while others are seized already. */
void seize_watch_arm(struct seize_watch *watch);
void seize_watch_disarm(struct seize_watch *watch);

/* One more thread to reap should it end; never the main thread, which exec gets rid of itself. */
struct error *seize_watch_add(struct seize_watch *watch, pid_t tid);

#endif
