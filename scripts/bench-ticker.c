/*
 * A thread inside a benchmark's target that sees how long the target stood still: it wakes every
 * 100 µs and keeps the largest delay in shared memory, where scripts/bench reads it and sets it
 * back to 0. It asks for real-time priority, so that a busy machine is not taken for a stop;
 * without the permission it goes on at normal priority, and scripts/bench shows the noise of a run
 * in which nothing stops it.
 */
#include <pthread.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

enum { PERIOD_NS = 100000 };

struct ticker_shared {
	uint64_t largest_gap_ns;
	uint64_t ticks;
};

static void *tick(void *argument)
{
	struct ticker_shared *shared = argument;
	struct timespec now, period = {.tv_nsec = PERIOD_NS};
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t last = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	for (;;) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &period, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		int64_t current = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
		int64_t gap = current - last - PERIOD_NS;
		last = current;
		if (gap > 0 &&
		    (uint64_t)gap > __atomic_load_n(&shared->largest_gap_ns, __ATOMIC_RELAXED))
			__atomic_store_n(&shared->largest_gap_ns, (uint64_t)gap, __ATOMIC_RELAXED);
		__atomic_add_fetch(&shared->ticks, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

__attribute__((visibility("default"))) int ticker_start(void *shared);

int ticker_start(void *shared)
{
	pthread_t thread;
	int status = pthread_create(&thread, NULL, tick, shared);
	if (status)
		return status;
	struct sched_param priority = {.sched_priority = 10};
	pthread_setschedparam(thread, SCHED_FIFO, &priority);
	return pthread_detach(thread);
}
