/* The inside of a sampler: what its ways (sample_ways.c) and the choice among them (sample.c)
 * share. */
#ifndef PYSPY_CAPTURE_SAMPLE_WAYS_H
#define PYSPY_CAPTURE_SAMPLE_WAYS_H

#include "capture/holder.h"
#include "capture/read_plan.h"
#include "capture/sample.h"
#include "capture/sample_pass.h"
#include "capture/thread_clock.h"
#include "capture/urgency.h"

/* What one attempt reads at once. */
struct attempt {
	struct read_plan ranges; /* of the prediction, joined */
	struct read_plan links;	 /* words to be read again, after the ranges; joined, too */
};

struct sampler {
	struct sample_options options;
	bool predicted;		/* by the sample before */
	bool planned;		/* `attempt` is of the prediction */
	struct attempt attempt; /* the next one, or the one that is being made */
	/* The pass before: its ranges are read at once. Its image may have been handed over. */
	struct sample_pass prediction;
	struct sample_pass pass;
	struct sample_facts facts;
	bool only_gil;
	uint64_t ended_calls;
	unsigned value_misses; /* attempts that lacked nothing but values */
	/*
	 * While the target stands still, only the predicted ranges are copied, and the walk over
	 * the copy comes after it was let go. Where the prediction missed something, the next
	 * attempt walks while it stands still, and reads what is missing.
	 */
	bool walk_inside;
	unsigned early_failures; /* of the last readings before the stop, one after the other */
	unsigned early_pause;	 /* so many samples do without */
	bool looked;		 /* in an attempt for this sample, who holds a GIL */
	bool looked_held;	 /* at the first look somebody did */
	bool taken;		 /* at least one sample */
	bool stuck; /* a thread did not stop in time: in a run the next sample may have more luck */
	bool accept_gaps; /* the last attempt of all: what is missing now is not there */
	/* Of the threads that held the GILs last, in the GILs' order. */
	struct thread_clock_files clock_files[HOLDER_MAX_GILS];
	struct urgency urgency; /* from before the first stop until all are let go */
};

struct error *attempt_init(struct attempt *attempt, struct sample_pass *prediction);
void attempt_deinit(struct attempt *attempt);

/*
 * Each is one attempt. ERROR_BUSY: the target moved, try again or another way; ERROR_UNSUPPORTED:
 * only another way can do; ERROR_NOT_FOUND: a sample of a moment that is not wanted.
 */
/* By the GILs' owners: way a if one is held, else way b. */
struct error *sampler_by_gil(struct sampler *sampler, struct attempt *attempt);
/* Way c: stop all threads. */
struct error *sampler_all(struct sampler *sampler, struct attempt *attempt);
/* Without stopping anything: the same again and again, and stacks that begin where they did before.
 */
struct error *sampler_nonblocking(struct sampler *sampler, struct attempt *attempt);

/* The GILs of the interpreters that were seen last. */
struct error *sampler_gils(struct sampler *sampler, struct gil_set *ret);

#endif
