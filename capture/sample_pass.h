/*
 * One pass of the decoder's own reads over the target's memory, recorded: locating by hint and the
 * walk, exactly what analysis does with the snapshot, so that what is recorded is what it needs.
 */
#ifndef PYSPY_CAPTURE_SAMPLE_PASS_H
#define PYSPY_CAPTURE_SAMPLE_PASS_H

#include "common/buffer.h"
#include "common/locate.h"
#include "common/memory_image.h"

struct sample_pass {
	struct memory_image *image; /* the ranges that were read */
	struct buffer interpreters; /* uint64_t: addresses of interpreter states */
	/* uint64_t: addresses of words that a thread without the GIL can change
	 * (PyThreadState_New). */
	struct buffer links;
	/* uint64_t: addresses of the innermost frames' position words, ascending after the pass. */
	struct buffer positions;
	size_t thread_count;
	size_t gap_count;
};

struct error *sample_pass_init(struct sample_pass *pass);
void sample_pass_deinit(struct sample_pass *pass);

/* Forget the pass before, and read through `memory`. ERROR_BUSY if the interpreter is not to be
 * found there now. */
struct error *sample_pass_run(struct sample_pass *pass, struct memory *memory,
			      const struct python_location *location);

#endif
