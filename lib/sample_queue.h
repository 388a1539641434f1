/* What a sampler's thread hands to who asks for samples. Bounded: it waits while it is full. */
#ifndef PYSPY_LIB_SAMPLE_QUEUE_H
#define PYSPY_LIB_SAMPLE_QUEUE_H

#include <pthread.h>

#include "common/error.h"
#include "include/pyspy.h"

enum { SAMPLE_QUEUE_MAX = 128 };

struct sample_queue {
	pthread_mutex_t mutex; /* for what follows */
	pthread_cond_t changed;
	struct pyspy_sample *samples[SAMPLE_QUEUE_MAX]; /* a ring */
	size_t first;
	size_t count;
	bool stopped;	      /* nobody asks any longer */
	bool ended;	      /* nothing comes any longer */
	struct error *reason; /* for the end, once; NULL: it is the regular one */
};

void sample_queue_init(struct sample_queue *queue);
void sample_queue_deinit(struct sample_queue *queue);

/* For who samples. */

/* Takes over the sample. False if the queue was stopped. */
bool sample_queue_put(struct sample_queue *queue, struct pyspy_sample *sample);
/* Wait until that time (CLOCK_MONOTONIC); false if the queue was stopped before. */
bool sample_queue_pause(struct sample_queue *queue, uint64_t until_ns);
/* The last thing that is put in; consumes `reason`. */
void sample_queue_end(struct sample_queue *queue, struct error *reason);

/* For who asks. */

void sample_queue_stop(struct sample_queue *queue);
/* NULL in `ret` at the end. ERROR_BUSY if none came until then; UINT64_MAX: as long as it takes. */
struct error *sample_queue_take(struct sample_queue *queue, uint64_t until_ns,
				struct pyspy_sample **ret);

#endif
