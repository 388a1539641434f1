/*
 * Stopping threads of a target for as short as possible, without harm: PTRACE_SEIZE, never ATTACH;
 * signals that arrive meanwhile are delivered after; a target in job-control stop stays in it; the
 * death of this program at any moment leaves the target running with no signal lost (tracee.h says
 * how).
 *
 * ptrace(2) binds what is seized to the thread that seized it: between a stop and its release a
 * freezer is used in one thread only; the next freeze can be another thread's. A thread of the
 * target that could not be stopped in time cannot be let go either, before it wakes up; it is let
 * go by the next call of this interface after that, or, once the freezer is destroyed, by the next
 * call of any freezer in the same thread or of left_behind_settle(); at the latest when the calling
 * thread ends. Until then other threads get ERROR_BUSY.
 *
 * Stopping a thread that sleeps in a system call ends some calls early with EINTR, as signal(7)
 * lists for "Interruption of system calls and library functions by stop signals".
 */
#ifndef PYSPY_CAPTURE_FREEZE_H
#define PYSPY_CAPTURE_FREEZE_H

#include <sys/types.h>

#include "common/error.h"
#include "common/facts.h"

struct freezer;

struct freezer_options {
	pid_t pid;
	/* For one stop; a thread that has not stopped by then is given up. 0: 100 ms. */
	uint64_t deadline_ns;
};

/* Bound to the process that has the id now; compare its start time (proc_is_same) after this. */
struct error *freezer_create(const struct freezer_options *options, struct freezer **ret);
/* Lets everything go that is still held; what cannot be yet is left behind (left_behind.h). */
void freezer_destroy(struct freezer *freezer);
void freezer_destroyp(struct freezer **freezer);

/*
 * Stop these threads: all stops are requested before the first is awaited. All or nothing: after an
 * error everything is let go. ERROR_NO_PROCESS if one has exited, ERROR_PERMISSION, ERROR_BUSY if
 * the deadline passed (a thread in uninterruptible sleep) or somebody else traces it.
 */
struct error *freezer_stop(struct freezer *freezer, const pid_t *tids, size_t count);

/* Stop all threads; /proc/PID/task is read again until every thread in it is held, at most until
 * the deadline. */
struct error *freezer_stop_all(struct freezer *freezer);

/* Registers of a stopped thread, the machine's NT_PRSTATUS set; `*ret` is owned by the caller. */
struct error *freezer_registers(struct freezer *freezer, pid_t tid, void **ret, size_t *ret_size);

/* Let all go, each with the signal that it was stopped with. Gives the longest time that one of
 * them can have stood still. */
struct error *freezer_release(struct freezer *freezer, uint64_t *ret_freeze_ns);

/* While nothing is held: let go of what has stopped since it was given up. Nothing to call, unless
 * the next stop is to come later than a thread may stand. */
void freezer_settle(struct freezer *freezer);

/* Threads held now. */
size_t freezer_held_count(const struct freezer *freezer);

/* How long a stop may take from now on. */
void freezer_set_deadline(struct freezer *freezer, uint64_t deadline_ns);

/* Whether the last stop failed because a thread did not stop in time: most often it is in an
 * uninterruptible system call, and the next attempt will hold the others for as long again. */
bool freezer_missed_deadline(const struct freezer *freezer);

/* Threads in a job-control stop (SIGSTOP and the like) when they were stopped. */
bool freezer_was_stopped(const struct freezer *freezer);

#endif
