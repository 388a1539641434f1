#include "lib/background_thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define NS_PER_SECOND 1000000000ULL

struct error *background_thread_start(void *(*run)(void *argument), void *argument, pthread_t *ret)
{
	sigset_t all;
	sigset_t previous;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &previous);
	int errnum = pthread_create(ret, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &previous, NULL);
	return errnum ? error_errno(ERROR_FAILED, errnum, "cannot start a thread") : NULL;
}

void monotonic_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool monotonic_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t until_ns)
{
	const struct timespec until = {
		.tv_sec = (time_t)(until_ns / NS_PER_SECOND),
		.tv_nsec = (long)(until_ns % NS_PER_SECOND),
	};
	if (until_ns == UINT64_MAX)
		return pthread_cond_wait(cond, mutex) == 0;
	return pthread_cond_timedwait(cond, mutex, &until) != ETIMEDOUT;
}
