#include "lib/sample_queue.h"

#include "common/cleanup.h"
#include "lib/background_thread.h"

void sample_queue_init(struct sample_queue *queue)
{
	*queue = (struct sample_queue){0};
	pthread_mutex_init(&queue->mutex, NULL);
	monotonic_cond_init(&queue->changed);
}

void sample_queue_deinit(struct sample_queue *queue)
{
	for (size_t i = 0; i < queue->count; i++)
		pyspy_sample_free(queue->samples[(queue->first + i) % SAMPLE_QUEUE_MAX]);
	error_destroy(queue->reason);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->mutex);
}

bool sample_queue_put(struct sample_queue *queue, struct pyspy_sample *sample)
{
	pthread_mutex_lock(&queue->mutex);
	while (queue->count == SAMPLE_QUEUE_MAX && !queue->stopped)
		monotonic_cond_wait(&queue->changed, &queue->mutex, UINT64_MAX);
	bool stopped = queue->stopped;
	if (!stopped)
		queue->samples[(queue->first + queue->count++) % SAMPLE_QUEUE_MAX] = sample;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
	if (stopped)
		pyspy_sample_free(sample);
	return !stopped;
}

bool sample_queue_pause(struct sample_queue *queue, uint64_t until_ns)
{
	pthread_mutex_lock(&queue->mutex);
	while (!queue->stopped && monotonic_cond_wait(&queue->changed, &queue->mutex, until_ns))
		;
	bool stopped = queue->stopped;
	pthread_mutex_unlock(&queue->mutex);
	return !stopped;
}

void sample_queue_end(struct sample_queue *queue, struct error *reason)
{
	pthread_mutex_lock(&queue->mutex);
	queue->ended = true;
	queue->reason = reason;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

void sample_queue_stop(struct sample_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->stopped = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

/* With the mutex held. */
static struct error *take(struct sample_queue *queue, struct pyspy_sample **ret)
{
	if (!queue->count && !queue->ended)
		return error_create(ERROR_BUSY, "no sample came in time");
	if (!queue->count) {
		struct error *reason = TAKE_POINTER(queue->reason);
		if (!reason)
			*ret = NULL;
		return reason;
	}
	*ret = queue->samples[queue->first];
	queue->first = (queue->first + 1) % SAMPLE_QUEUE_MAX;
	queue->count--;
	pthread_cond_broadcast(&queue->changed);
	return NULL;
}

struct error *sample_queue_take(struct sample_queue *queue, uint64_t until_ns,
				struct pyspy_sample **ret)
{
	pthread_mutex_lock(&queue->mutex);
	while (!queue->count && !queue->ended &&
	       monotonic_cond_wait(&queue->changed, &queue->mutex, until_ns))
		;
	struct error *error = take(queue, ret);
	pthread_mutex_unlock(&queue->mutex);
	return error;
}
