/*
 * One thread under ptrace(2), from PTRACE_SEIZE until it is let go.
 *
 * No stop is ever reaped. wait(2) without WNOWAIT clears the tracee's exit_code (kernel/exit.c,
 * wait_task_stopped), which is the signal that the kernel delivers to it when its tracer dies
 * (kernel/signal.c, ptrace_stop): a tracer that is killed between wait and PTRACE_DETACH would lose
 * the signal. Looking with WNOWAIT leaves it there, and PTRACE_DETACH sets it in the same step in
 * which it lets the thread go. A thread that ended is reaped: nobody else can, and exec(2) and the
 * end of the process wait for it.
 */
#ifndef PYSPY_CAPTURE_TRACEE_H
#define PYSPY_CAPTURE_TRACEE_H

#include <stdbool.h>
#include <sys/types.h>

enum tracee_state {
	TRACEE_SEIZED,	    /* attached, runs */
	TRACEE_INTERRUPTED, /* the stop is requested */
	TRACEE_STOPPED,	    /* stands still */
	TRACEE_GONE,	    /* not ours: let go, or ended */
};

struct tracee {
	pid_t tid;
	enum tracee_state state;
	bool leader; /* the thread whose id is that of the process */
	bool wanted; /* part of the freeze; false: only waiting to be let go */
	/* When stopped. */
	int signal;    /* in signal-delivery-stop: to be delivered when let go; else 0 */
	bool job_stop; /* in group-stop: SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU is in effect */
	bool lost_id;  /* gone without a trace: reaped elsewhere, or has the leader's id after exec
			*/
};

/* Gives 0 or the errno of PTRACE_SEIZE. */
int tracee_seize(pid_t tid, bool leader, struct tracee *ret);

/* Ask for the stop. A thread that is ending cannot be asked: it will be seen to end. */
void tracee_interrupt(struct tracee *tracee);

/* Look once, without waiting, what became of it; the state says it. */
void tracee_poll(struct tracee *tracee);

/*
 * The same for one that is long in coming. Another wait(2) of this program may have taken the stop
 * away. Or it is no longer ours: exec(2) of another thread takes the main thread's id, without an
 * end that could be waited for.
 */
void tracee_poll_again(struct tracee *tracee);

/* Reap a thread of the target, not its main one, if it has ended. From any thread of this program.
 */
void tracee_reap_ended(pid_t tid);

/* Let a stopped thread go, with its signal. If it cannot be, because it was killed meanwhile, its
 * state is TRACEE_INTERRUPTED after and it is to be polled until it has ended. */
void tracee_detach(struct tracee *tracee);

#endif
