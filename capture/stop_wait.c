#include "capture/stop_wait.h"

#include <time.h>
#include <unistd.h>

enum {
	/* Most stops of a thread on another CPU have come before this many looks. */
	IMMEDIATE_ROUNDS = 6,
	/* Timeouts, for signals that went to another thread of this program, or are not sent: the
	 * disposition may be SIG_IGN or have SA_NOCLDSTOP (kernel/signal.c,
	 * do_notify_parent_cldstop). */
	TIMEOUT_MIN_NS = 100 * 1000,
	TIMEOUT_MAX_NS = 2 * 1000 * 1000,
};

static sigset_t only_sigchld(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return set;
}

void stop_wait_begin(struct stop_wait *wait)
{
	struct sigaction action;
	sigset_t set = only_sigchld();
	*wait = (struct stop_wait){0};
	pthread_sigmask(SIG_BLOCK, &set, &wait->previous);
	/* Blocked before: it is read from a signalfd(2) or with sigwait(3). */
	wait->notify = sigismember(&wait->previous, SIGCHLD) == 1 ||
		       (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
			action.sa_handler != SIG_IGN);
}

void stop_wait_step(struct stop_wait *wait, unsigned round)
{
	if (round < IMMEDIATE_ROUNDS)
		return;
	unsigned doublings = round - IMMEDIATE_ROUNDS;
	long timeout_ns = doublings > 4 ? TIMEOUT_MAX_NS : (long)TIMEOUT_MIN_NS << doublings;
	struct timespec timeout = {.tv_nsec = timeout_ns};
	sigset_t set = only_sigchld();
	if (sigtimedwait(&set, NULL, &timeout) == SIGCHLD)
		wait->taken = true;
}

void stop_wait_end(struct stop_wait *wait)
{
	if (wait->taken && wait->notify)
		kill(getpid(), SIGCHLD);
	pthread_sigmask(SIG_SETMASK, &wait->previous, NULL);
}
