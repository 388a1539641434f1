#include "capture/freeze_error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "capture/permission.h"
#include "capture/proc_stat.h"

#define NS_PER_MS 1000000ULL

/* In exec(2) by another thread the main thread is a zombie for a moment, and not the last thread.
 */
bool freeze_subject_ended(const struct freeze_subject *subject)
{
	struct proc_stat stat;
	return proc_stat_read(subject->tasks.fd, subject->pid, &stat) != 0 ||
	       (proc_state_ended(stat.state) && stat.thread_count <= 1);
}

struct error *freeze_error_gone(const struct freeze_subject *subject, pid_t tid)
{
	if (freeze_subject_ended(subject))
		return error_create(ERROR_NO_PROCESS, "process %d has ended", (int)subject->pid);
	return error_create(ERROR_NO_PROCESS, "thread %d of process %d has ended", (int)tid,
			    (int)subject->pid);
}

static struct error *traced_error(const struct freeze_subject *subject, pid_t tid, pid_t tracer)
{
	struct proc_stat stat = {.name = "?"};
	proc_stat_read(AT_FDCWD, tracer, &stat);
	return error_create(ERROR_BUSY,
			    "cannot attach to process %d: its thread %d is already traced by "
			    "process %d (%s); end that first",
			    (int)subject->pid, (int)tid, (int)tracer, stat.name);
}

/* PTRACE_SEIZE gives EPERM for a thread that is ending, for one that has a tracer, and for lack of
 * permission alike (kernel/ptrace.c, ptrace_attach). */
struct error *freeze_error_seize(const struct freeze_subject *subject, pid_t tid, int errnum,
				 bool holding)
{
	struct proc_status status;
	if (errnum == ESRCH)
		return freeze_error_gone(subject, tid);
	if (errnum != EPERM)
		return error_errno(ERROR_FAILED, errnum, "cannot attach to thread %d of process %d",
				   (int)tid, (int)subject->pid);
	int unreadable = proc_status_read(subject->tasks.fd, tid, &status);
	if (unreadable == ENOENT || unreadable == ESRCH ||
	    (!unreadable && proc_state_ended(status.state)))
		return freeze_error_gone(subject, tid);
	/* A thread that we had seized by another id: it has called exec(2) since. */
	if (!unreadable && status.tracer_pid == (int32_t)gettid() && holding)
		return freeze_error_gone(subject, tid);
	if (!unreadable && status.tracer_pid != 0)
		return traced_error(subject, tid, status.tracer_pid);
	return permission_error(subject->pid, "attach to", "ptrace", EPERM);
}

struct error *freeze_error_deadline(const struct freeze_subject *subject, pid_t tid,
				    uint64_t deadline_ns)
{
	struct proc_stat stat;
	bool sleeps = proc_stat_read(subject->tasks.fd, tid, &stat) == 0 && stat.state == 'D';
	return error_create(
		ERROR_BUSY, "thread %d of process %d did not stop within %llu ms%s; try again",
		(int)tid, (int)subject->pid, (unsigned long long)(deadline_ns / NS_PER_MS),
		sleeps ? " (it is in uninterruptible sleep)" : "");
}
