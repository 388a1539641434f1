#include "capture/seize_watch.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "capture/task_list.h"
#include "capture/tracee.h"

enum {
	/* Seizing takes some 10 µs a thread. Whoever is still at it after a whole tick may hang. */
	TICK_NS = 20 * 1000 * 1000,
	/* Ticks without a seize after which the helper sleeps until it is woken: to be woken each
	 * time would cost those time that are seized often. */
	IDLE_TICKS = 10,
	STACK_BYTES = 128 * 1024,
};

struct seize_watch {
	pthread_t thread;
	pthread_mutex_t mutex; /* for what follows */
	pthread_cond_t wake;
	bool end;
	bool armed;
	bool armed_at_tick; /* armed when the helper last looked, and not disarmed since */
	bool asleep;	    /* to be woken when it is armed */
	unsigned idle;	    /* ticks since it was armed last */
	struct task_ids seized;
};

static void reap_ended(const struct task_ids *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		tracee_reap_ended(ids->items[i]);
}

static void wait_for_tick(struct seize_watch *watch)
{
	struct timespec until;
	watch->asleep = !watch->armed && watch->idle++ >= IDLE_TICKS;
	while (watch->asleep && !watch->end)
		pthread_cond_wait(&watch->wake, &watch->mutex);
	if (watch->end)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&watch->wake, &watch->mutex, &until);
}

static void *run(void *argument)
{
	struct seize_watch *watch = argument;
	pthread_mutex_lock(&watch->mutex);
	while (!watch->end) {
		wait_for_tick(watch);
		if (watch->armed && watch->armed_at_tick)
			reap_ended(&watch->seized);
		watch->armed_at_tick = watch->armed;
	}
	pthread_mutex_unlock(&watch->mutex);
	return NULL;
}

/* The helper takes no signal that is meant for the program. */
static int start(struct seize_watch *watch)
{
	sigset_t all, previous;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &previous);
	int errnum = pthread_create(&watch->thread, &attributes, run, watch);
	pthread_sigmask(SIG_SETMASK, &previous, NULL);
	pthread_attr_destroy(&attributes);
	return errnum;
}

struct error *seize_watch_create(struct seize_watch **ret)
{
	struct seize_watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return &error_out_of_memory;
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&watch->mutex, NULL);
	int errnum = start(watch);
	if (errnum) {
		pthread_cond_destroy(&watch->wake);
		pthread_mutex_destroy(&watch->mutex);
		free(watch);
		return error_errno(ERROR_FAILED, errnum, "cannot start a thread");
	}
	*ret = watch;
	return NULL;
}

void seize_watch_destroy(struct seize_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_lock(&watch->mutex);
	watch->end = true;
	pthread_cond_signal(&watch->wake);
	pthread_mutex_unlock(&watch->mutex);
	pthread_join(watch->thread, NULL);
	pthread_cond_destroy(&watch->wake);
	pthread_mutex_destroy(&watch->mutex);
	task_ids_deinit(&watch->seized);
	free(watch);
}

void seize_watch_arm(struct seize_watch *watch)
{
	pthread_mutex_lock(&watch->mutex);
	watch->armed = true;
	watch->armed_at_tick = false;
	watch->idle = 0;
	if (watch->asleep)
		pthread_cond_signal(&watch->wake);
	watch->asleep = false;
	pthread_mutex_unlock(&watch->mutex);
}

void seize_watch_disarm(struct seize_watch *watch)
{
	pthread_mutex_lock(&watch->mutex);
	watch->armed = false;
	watch->seized.count = 0;
	pthread_mutex_unlock(&watch->mutex);
}

struct error *seize_watch_add(struct seize_watch *watch, pid_t tid)
{
	pthread_mutex_lock(&watch->mutex);
	struct error *error = task_ids_append(&watch->seized, tid);
	pthread_mutex_unlock(&watch->mutex);
	return error;
}
