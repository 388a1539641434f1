/*
 * One pass of the decoder's own reads over the target's memory, recorded: locating by hint and the
 * walk, exactly what analysis does with the snapshot, so that what is recorded is what it needs.
 */
#ifndef PYSPY_CAPTURE_SAMPLE_PASS_H
#define PYSPY_CAPTURE_SAMPLE_PASS_H

#include "capture/read_plan.h"
#include "common/buffer.h"
#include "common/facts.h"
#include "common/locate.h"
#include "common/memory_image.h"

struct sample_pass {
	struct memory_image *image; /* the ranges that were read; never NULL */
	struct buffer interpreters; /* uint64_t: addresses of interpreter states */
	/* uint64_t: addresses of words that a thread without the GIL can change
	 * (PyThreadState_New). */
	struct buffer links;
	/* uint64_t: addresses of the innermost frames' position words, ascending after the pass. */
	struct buffer positions;
	/* uint64_t: pairs of a thread state and its outermost frame, in the order of the walk. */
	struct buffer roots;
	struct buffer
		extents; /* of stack_extents.h, where frames lie on a stack (3.11 and newer) */
	size_t thread_count;
	size_t gap_count;     /* what could not be read, frames' code objects included */
	bool plan_holds;      /* it read what it was planned to */
	bool misplaced;	      /* something was read early that is of no other thread's stack */
	size_t value_ranges;  /* how many may be read for values; set by who runs the passes */
	size_t failed_reads;  /* of what is wild, or of what a copy lacks */
	struct buffer missed; /* uint64_t: addresses of the first of them */
};

struct error *sample_pass_init(struct sample_pass *pass);
void sample_pass_deinit(struct sample_pass *pass);

/* Hand over what was read. */
struct error *sample_pass_take_image(struct sample_pass *pass, struct memory_image **ret);

/*
 * Whether two passes agree on where the stacks of the threads that are in both begin. A stack that
 * was torn while its frames were let go ends too early.
 */
bool sample_pass_same_roots(const struct sample_pass *a, const struct sample_pass *b);

/* Forget the pass before, and read through `memory`, what `level` needs. ERROR_BUSY if the
 * interpreter is not to be found there now. */
struct error *sample_pass_run(struct sample_pass *pass, struct memory *memory,
			      const struct python_location *location, enum capture_level level);

/* The same at level stacks, much faster where `plan` has most of what is read; `memory` is asked
 * for the rest, NULL has nothing. ERROR_BUSY also if the plan read something early that is not a
 * stack, or that of who was held back. */
struct error *sample_pass_run_stacks(struct sample_pass *pass, const struct read_plan *plan,
				     struct memory *memory, const struct python_location *location);

#endif
