/*
 * One sample of the stacks of one process (design, idea 5): predict the ranges while the target
 * runs, hold it by the cheapest way that can be proven, read all ranges at once, walk over the
 * copy.
 */
#ifndef PYSPY_CAPTURE_SAMPLE_H
#define PYSPY_CAPTURE_SAMPLE_H

#include <sys/types.h>

#include "capture/freeze.h"
#include "capture/native_pass.h"
#include "capture/thread_watch.h"
#include "common/facts.h"
#include "common/locate.h"
#include "common/memory_image.h"

struct sample_options {
	pid_t pid;
	struct memory *memory;			/* live, borrowed */
	const struct python_location *location; /* borrowed */
	struct thread_list *threads;		/* of proc_threads, borrowed: maps thread ids */
	struct freezer *freezer;		/* borrowed; NULL with nonblocking */
	bool nonblocking;
	/* NULL, or to be brought up to date between attempts: threads can have begun since. */
	struct thread_watch *watch;
	enum capture_level level; /* LEVEL_STACKS or LEVEL_LOCALS */
	uint64_t
		spread_ns; /* for so long it may try before all threads are stopped; 0: no matter */
	struct native_pass *native; /* borrowed; NULL: no native stacks are wanted */
};

/* Samples of one process, one after the other. Each predicts the next. */
struct sampler;

/* Copies the options, not what they point to. */
struct error *sampler_create(const struct sample_options *options, struct sampler **ret);
void sampler_destroy(struct sampler *sampler);
void sampler_destroyp(struct sampler **sampler);

/*
 * Read one consistent sample: `ret_image` has exactly the ranges that decoding the level needs, and
 * `ret` what is known of the sample. ERROR_BUSY if no attempt was consistent;
 * ERROR_NOT_FOUND if only samples with a held GIL are wanted, and nobody held one.
 */
struct error *sampler_take(struct sampler *sampler, struct memory_image **ret_image,
			   struct sample_facts *ret);

/*
 * From here on only samples at which a GIL is held; after a first one. ERROR_UNSUPPORTED if that
 * cannot be known of this interpreter.
 */
struct error *sampler_only_gil(struct sampler *sampler);

/* Whether the last sample failed because a thread did not stop in time. */
bool sampler_is_stuck(const struct sampler *sampler);

/* System calls of the target that were ended early by a stop that turned out to be of no use, or by
 * stopping all threads (ended_call.h); of all samples so far. */
uint64_t sampler_ended_calls(const struct sampler *sampler);

#endif
