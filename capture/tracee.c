#include "capture/tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/proc_stat.h"

/* ptrace(2): si_status is `event << 8 | signal` for stops with an event. <sys/ptrace.h> has it for
 * glibc, not for musl. */
enum { EVENT_STOP = 128 };

int tracee_seize(pid_t tid, bool leader, struct tracee *ret)
{
	/* No options: PTRACE_O_EXITKILL would kill the target with us; without the event options
	 * there are no stops but those that we ask for, and signals. exec(2) of a seized thread
	 * gives no SIGTRAP (kernel/ptrace.h, ptrace_event). */
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
		return errno;
	*ret = (struct tracee){.tid = tid, .leader = leader, .state = TRACEE_SEIZED};
	return 0;
}

void tracee_interrupt(struct tracee *tracee)
{
	ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL);
	tracee->state = TRACEE_INTERRUPTED;
}

/*
 * The stops that a seized thread can be in (ptrace(2), "Stopped states"): signal-delivery-stop has
 * no event, and the signal waits to be delivered; PTRACE_EVENT_STOP has SIGTRAP for our interrupt,
 * or the stopping signal if a group-stop is in effect. In both the thread stands still; the trap
 * that we asked for, if it has not come, is cleared by the kernel when we detach (kernel/ptrace.c,
 * __ptrace_unlink), which also lets a group-stop go on.
 */
static void classify_stop(struct tracee *tracee, int status)
{
	int event = status >> 8, signal = status & 0x7f;
	tracee->state = TRACEE_STOPPED;
	tracee->signal = event == 0 ? signal : 0;
	tracee->job_stop = event == EVENT_STOP && signal != SIGTRAP;
}

/*
 * Reaping the main thread gives it to its parent to wait for (kernel/exit.c, wait_task_zombie),
 * but if we are the parent, it is for the one who started it to do.
 */
static void reap(const struct tracee *tracee)
{
	struct proc_stat stat;
	siginfo_t info;
	if (tracee->leader && (proc_stat_read(AT_FDCWD, tracee->tid, &stat) != 0 ||
			       stat.parent_pid == (int32_t)getpid()))
		return;
	waitid(P_PID, (id_t)tracee->tid, &info, WEXITED | WNOHANG | __WALL);
}

void tracee_poll(struct tracee *tracee)
{
	siginfo_t info = {0};
	if (waitid(P_PID, (id_t)tracee->tid, &info,
		   WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) {
		/* ECHILD: nothing of this id is ours. */
		tracee->state = TRACEE_GONE;
		tracee->lost_id = true;
		return;
	}
	if (info.si_pid == 0)
		return;
	switch (info.si_code) {
	case CLD_TRAPPED:
	case CLD_STOPPED:
		classify_stop(tracee, info.si_status);
		return;
	case CLD_EXITED:
	case CLD_KILLED:
	case CLD_DUMPED:
		reap(tracee);
		tracee->state = TRACEE_GONE;
		return;
	default:
		return;
	}
}

void tracee_poll_again(struct tracee *tracee)
{
	tracee_poll(tracee);
	/* A child of our own can be waited for whether or not it is traced, so ECHILD does not
	 * tell. ESRCH here does: not traced by us (kernel/ptrace.c, ptrace_check_attach). */
	if (tracee->state == TRACEE_INTERRUPTED && tracee->leader &&
	    ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL) != 0 && errno == ESRCH) {
		tracee->state = TRACEE_GONE;
		tracee->lost_id = true;
	}
}

void tracee_detach(struct tracee *tracee)
{
	if (ptrace(PTRACE_DETACH, tracee->tid, NULL, (void *)(intptr_t)tracee->signal) == 0) {
		tracee->state = TRACEE_GONE;
		return;
	}
	/* ESRCH: killed while it stood still. Or exec(2) gave its id to another thread of ours,
	 * which may not have been asked to stop. */
	tracee_interrupt(tracee);
}
