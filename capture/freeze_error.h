/* Why a thread of a process could not be stopped, found out after the attempt, in words. */
#ifndef PYSPY_CAPTURE_FREEZE_ERROR_H
#define PYSPY_CAPTURE_FREEZE_ERROR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/task_list.h"
#include "common/error.h"

/* The process whose threads are stopped. */
struct freeze_subject {
	pid_t pid;
	struct task_folder tasks;
};

/* True if nothing of the process runs any more. */
bool freeze_subject_ended(const struct freeze_subject *subject);

/* ERROR_NO_PROCESS: the thread has ended, or the whole process. */
struct error *freeze_error_gone(const struct freeze_subject *subject, pid_t tid);

/* For an errno of PTRACE_SEIZE. `holding`: other threads of the process are seized by us already.
 * ERROR_NO_PROCESS, ERROR_BUSY if somebody else traces it, ERROR_PERMISSION, ERROR_FAILED. */
struct error *freeze_error_seize(const struct freeze_subject *subject, pid_t tid, int errnum,
				 bool holding);

/* ERROR_BUSY: the thread did not stop in time. */
struct error *freeze_error_deadline(const struct freeze_subject *subject, pid_t tid,
				    uint64_t deadline_ns);

#endif
