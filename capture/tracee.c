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

/* Stops of tracees are reported, and without WNOWAIT taken, whether or not WSTOPPED is asked for
 * (kernel/exit.c, wait_task_stopped). Gives false if there is nothing of ours by that id. */
static bool look(pid_t tid, siginfo_t *ret)
{
	*ret = (siginfo_t){0};
	return waitid(P_PID, (id_t)tid, ret, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

static bool has_ended(const siginfo_t *info)
{
	return info->si_pid != 0 && (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED ||
				     info->si_code == CLD_DUMPED);
}

void tracee_reap_ended(pid_t tid)
{
	siginfo_t info;
	if (look(tid, &info) && has_ended(&info))
		waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | __WALL);
}

void tracee_poll(struct tracee *tracee)
{
	siginfo_t info;
	if (!look(tracee->tid, &info)) {
		/* ECHILD: nothing of this id is ours. */
		tracee->state = TRACEE_GONE;
		tracee->lost_id = true;
		return;
	}
	if (has_ended(&info)) {
		reap(tracee);
		tracee->state = TRACEE_GONE;
	} else if (info.si_pid != 0) {
		classify_stop(tracee, info.si_status);
	}
}

void tracee_poll_again(struct tracee *tracee)
{
	siginfo_t info;
	tracee_poll(tracee);
	if (tracee->state != TRACEE_INTERRUPTED)
		return;
	/* Succeeds for a thread that stands in a stop of ours, reaped or not. */
	if (ptrace(PTRACE_GETSIGINFO, tracee->tid, NULL, &info) == 0) {
		bool event = info.si_code == (info.si_signo | EVENT_STOP << 8);
		classify_stop(tracee, event ? info.si_code : info.si_signo);
		return;
	}
	/* A child of our own can be waited for whether or not it is traced, so ECHILD does not
	 * tell. ESRCH here does: not traced by us (kernel/ptrace.c, ptrace_check_attach). */
	if (tracee->leader && ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL) != 0 &&
	    errno == ESRCH) {
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
