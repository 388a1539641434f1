/*
 * Waiting for tracees to stop, with a timeout, which waitid(2) does not have: the kernel sends the
 * tracer a SIGCHLD for each stop, and sigtimedwait(2) waits for that. What stopped is found out by
 * waitid with WNOHANG after; a SIGCHLD that is missed costs time only.
 *
 * Sleeping matters: a tracer that spins or calls sched_yield(2) on the CPU of a busy tracee delays
 * the very stop that it waits for by a scheduler slice of milliseconds.
 */
#ifndef PYSPY_CAPTURE_STOP_WAIT_H
#define PYSPY_CAPTURE_STOP_WAIT_H

#include <signal.h>
#include <stdbool.h>

struct stop_wait {
	sigset_t previous; /* signal mask of the thread before */
	bool notify;	   /* somebody else in this program is interested in SIGCHLD */
	bool taken;	   /* one was taken */
};

/* Blocks SIGCHLD in the calling thread until the end. */
void stop_wait_begin(struct stop_wait *wait);
/* Let time pass until something may have changed; `round` counts the calls for one stop. */
void stop_wait_step(struct stop_wait *wait, unsigned round);
/* If SIGCHLDs were taken that this program handles elsewhere, it gets one for them. */
void stop_wait_end(struct stop_wait *wait);

#endif
