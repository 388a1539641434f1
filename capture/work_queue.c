#include "capture/work_queue.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"

enum {
	/* What compressing and encoding need, not what the system gives: musl gives 128 KiB. */
	STACK_BYTES = 512 << 10,
};

#define NS_PER_SECOND 1000000000ULL

struct work_queue {
	struct work_queue_options options;
	pthread_t thread;
	bool started;
	pthread_mutex_t mutex; /* for all that follows */
	pthread_cond_t changed;
	struct work *first;
	struct work **end; /* of the list */
	size_t size_bytes; /* of what is not done, what is being done included */
	bool busy;
	bool stopping;
	bool failed;
	struct error *error;
};

/* Called with the mutex held. */
static void keep_error(struct work_queue *queue, struct error *error)
{
	if (!error)
		return;
	if (queue->failed)
		error_destroy(error);
	else
		queue->error = error;
	queue->failed = true;
}

static struct work *take_first(struct work_queue *queue)
{
	struct work *work = queue->first;
	queue->first = work->next;
	if (!queue->first)
		queue->end = &queue->first;
	return work;
}

/* With the mutex held, which is let go while the work is done. */
static void do_first(struct work_queue *queue)
{
	struct work *work = take_first(queue);
	size_t size_bytes = work->size_bytes;
	bool failed = queue->failed;
	queue->busy = true;
	pthread_mutex_unlock(&queue->mutex);
	struct error *error = failed ? NULL : work->run(work, queue->options.context);
	work->destroy(work);
	if (!failed && !error)
		error = queue->options.tick(queue->options.context);
	pthread_mutex_lock(&queue->mutex);
	keep_error(queue, error);
	queue->busy = false;
	queue->size_bytes -= size_bytes;
	pthread_cond_broadcast(&queue->changed);
}

static void tick(struct work_queue *queue)
{
	if (queue->failed)
		return;
	queue->busy = true;
	pthread_mutex_unlock(&queue->mutex);
	struct error *error = queue->options.tick(queue->options.context);
	pthread_mutex_lock(&queue->mutex);
	keep_error(queue, error);
	queue->busy = false;
	pthread_cond_broadcast(&queue->changed);
}

/* False if nothing came within the time of a tick. */
static bool wait_for_work(struct work_queue *queue)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	uint64_t at = (uint64_t)until.tv_sec * NS_PER_SECOND + (uint64_t)until.tv_nsec +
		      queue->options.tick_ns;
	until = (struct timespec){
		.tv_sec = (time_t)(at / NS_PER_SECOND),
		.tv_nsec = (long)(at % NS_PER_SECOND),
	};
	int status = 0;
	while (!queue->first && !queue->stopping && status == 0)
		status = pthread_cond_timedwait(&queue->changed, &queue->mutex, &until);
	return queue->first || queue->stopping;
}

static void *work_thread(void *context)
{
	struct work_queue *queue = context;
	pthread_mutex_lock(&queue->mutex);
	while (!queue->stopping) {
		if (!wait_for_work(queue))
			tick(queue);
		else if (queue->first && !queue->stopping)
			do_first(queue);
	}
	pthread_mutex_unlock(&queue->mutex);
	return NULL;
}

static struct error *start(struct work_queue *queue)
{
	pthread_attr_t attributes;
	sigset_t all;
	sigset_t before;
	int status = pthread_attr_init(&attributes);
	if (status)
		return error_errno(ERROR_FAILED, status, "cannot start a thread");
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	status = pthread_create(&queue->thread, &attributes, work_thread, queue);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (status)
		return error_errno(ERROR_FAILED, status, "cannot start a thread");
	queue->started = true;
	return NULL;
}

static void init_locks(struct work_queue *queue)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&queue->mutex, NULL);
}

static void cleanup_queue(struct work_queue **queue)
{
	work_queue_destroy(*queue);
}

struct error *work_queue_create(const struct work_queue_options *options, struct work_queue **ret)
{
	CLEANUP(cleanup_queue) struct work_queue *queue = calloc(1, sizeof(*queue));
	if (!queue)
		return &error_out_of_memory;
	queue->options = *options;
	queue->end = &queue->first;
	init_locks(queue);
	struct error *error = start(queue);
	if (error)
		return error;
	*ret = TAKE_POINTER(queue);
	return NULL;
}

void work_queue_destroy(struct work_queue *queue)
{
	if (!queue)
		return;
	pthread_mutex_lock(&queue->mutex);
	queue->stopping = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
	if (queue->started)
		pthread_join(queue->thread, NULL);
	while (queue->first) {
		struct work *work = take_first(queue);
		work->destroy(work);
	}
	error_destroy(queue->error);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->mutex);
	free(queue);
}

bool work_queue_has_room(struct work_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	bool room = queue->size_bytes < queue->options.limit_bytes;
	pthread_mutex_unlock(&queue->mutex);
	return room;
}

void work_queue_push(struct work_queue *queue, struct work *work)
{
	work->next = NULL;
	pthread_mutex_lock(&queue->mutex);
	*queue->end = work;
	queue->end = &work->next;
	queue->size_bytes += work->size_bytes;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

struct error *work_queue_take_error(struct work_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	struct error *error = TAKE_POINTER(queue->error);
	pthread_mutex_unlock(&queue->mutex);
	return error;
}

void work_queue_recover(struct work_queue *queue)
{
	error_destroy(work_queue_drain(queue));
	pthread_mutex_lock(&queue->mutex);
	queue->failed = false;
	pthread_mutex_unlock(&queue->mutex);
}

struct error *work_queue_drain(struct work_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	while (queue->first || queue->busy)
		pthread_cond_wait(&queue->changed, &queue->mutex);
	pthread_mutex_unlock(&queue->mutex);
	return work_queue_take_error(queue);
}
