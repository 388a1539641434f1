/*
 * The names of threads for a sample. They are read while the target runs, before and after the
 * sample's stacks, because they rarely change and are no reason to hold it longer. Only those are
 * kept that were the same both times: what a thread's id meant then, it meant in the sample.
 *
 * In a run they serve the next samples, too, for a second at most, and for as long as no thread
 * begins or ends: a name that the program changes is seen that much later.
 */
#ifndef PYSPY_CAPTURE_NAMES_PASS_H
#define PYSPY_CAPTURE_NAMES_PASS_H

#include "common/locate.h"
#include "common/memory_image.h"
#include "common/thread_names.h"

struct names_pass {
	/* Where the names were when they were read last: read at once the next time. NULL: never.
	 */
	struct memory_image *places;
	/* Of the time before the sample. */
	struct thread_name_list before;
	/* What the sample needs of them; kept from sample to sample. */
	struct memory_image *kept;
	uint64_t generation;	/* of the threads that `kept` is about */
	uint64_t generation_ns; /* CLOCK_MONOTONIC, as the next one: when it was seen first */
	uint64_t read_ns;
};

void names_pass_deinit(struct names_pass *pass);

/* Before the sample; `memory` is the live one, `generation` a number that changes with the threads
 * of the process. Only running out of memory is an error. */
struct error *names_pass_before(struct names_pass *pass, struct memory *memory,
				const struct python_location *location, uint64_t generation);

/* After it: add to `image`, the sample's, what is needed to read the names that are still as they
 * were before. What the sample holds stays as it is. Threads can have begun and ended while it was
 * taken, with the thread ids of others: `same_threads` tells that none has. */
struct error *names_pass_after(struct names_pass *pass, struct memory *memory,
			       const struct python_location *location, struct memory_image *image,
			       bool same_threads);

/* Between the two: whether names of an earlier sample are to serve this one, for which its threads
 * must be the same still after it. */
bool names_pass_are_kept(const struct names_pass *pass);

#endif
