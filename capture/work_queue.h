/*
 * A thread that does pieces of work in their order, behind a queue of bounded size: what a run
 * compresses and writes holds up no sample. The thread takes no signals. After the first error
 * nothing more is done; what is in the queue, and what comes, is only destroyed.
 */
#ifndef PYSPY_CAPTURE_WORK_QUEUE_H
#define PYSPY_CAPTURE_WORK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* The head of a piece of work. `run` is not called after an error, `destroy` always. */
struct work {
	struct work *next;
	size_t size_bytes; /* about what it keeps in memory */
	struct error *(*run)(struct work *work, void *context);
	void (*destroy)(struct work *work);
};

struct work_queue_options {
	void *context;	    /* of `run` and `idle`; the thread's alone while it runs */
	size_t limit_bytes; /* of all work that is not done */
	/* After each piece of work, and this long after the last one. */
	struct error *(*tick)(void *context);
	uint64_t tick_ns;
};

struct work_queue;

struct error *work_queue_create(const struct work_queue_options *options, struct work_queue **ret);
/* Destroys what is in the queue; work that is being done is waited for. */
void work_queue_destroy(struct work_queue *queue);

/* Whether there is room for work that can be left out. */
bool work_queue_has_room(struct work_queue *queue);
/* Always takes the work; who must not wait or leave it out bounds it in another way. */
void work_queue_push(struct work_queue *queue, struct work *work);
/* The first error, once; it is owned by the caller. */
struct error *work_queue_take_error(struct work_queue *queue);
/* After an error: drop what is in the queue, and begin anew. From the error until then the thread
 * does nothing with the context; from then on it ticks. */
void work_queue_recover(struct work_queue *queue);
/* Wait until all is done. The error is the first one, if nobody has taken it. */
struct error *work_queue_drain(struct work_queue *queue);

#endif
