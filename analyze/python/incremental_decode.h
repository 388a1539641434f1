/*
 * Decoding one sample after another of the same snapshot: what a sample has in common with the one
 * before is taken from there. The result is that of decode_process (analyze/python/decode.h)
 * without local variables.
 */
#ifndef PYSPY_ANALYZE_PYTHON_INCREMENTAL_DECODE_H
#define PYSPY_ANALYZE_PYTHON_INCREMENTAL_DECODE_H

#include "analyze/target.h"
#include "common/model.h"

struct incremental_options {
	bool exhaustive;  /* --exhaustive */
	bool others;	  /* also threads that no interpreter knows */
	bool always_anew; /* for tests: nothing is reused */
};

/* What a thread of the model has in common with what was given before. */
struct decoded_thread {
	uint32_t slot;	  /* a small number that no other thread of the process has now */
	uint64_t stamp;	  /* of the thread state; one that comes later has another one */
	uint64_t version; /* of its frames: the same ones as long as it is the same */
	size_t kept;	  /* outermost frames that are the same as in the version before this one */
	/* Numbers of its frames, innermost first: the same number is the same frame, but for how it
	 * was entered. UINT32_MAX: a gap like no other. */
	const uint32_t *numbers;
	uint64_t identity; /* changes when its names or ids do */
	size_t listed;	   /* its place in target_threads(), or the length of that */
};

struct decoded_process {
	const struct model_process *process;
	const struct decoded_thread *threads; /* as process->threads */
	uint64_t stamp; /* of slots, stamps and numbers: with another one, they mean something else
			 */
	uint64_t facts; /* changes when process->facts do */
	bool has_gaps;	/* in a stack */
};

struct incremental_decoder;

/* For the samples of one target, whatever processes they are of. */
struct error *incremental_decoder_create(const struct incremental_options *options,
					 struct incremental_decoder **ret);
void incremental_decoder_destroy(struct incremental_decoder *decoder);
void incremental_decoder_destroyp(struct incremental_decoder **decoder);

/*
 * Decode the target's selected sample. What is given is borrowed until the next call, and is not to
 * be changed. Errors are those of decode_process; what is known of the process is given with them,
 * but for ERROR_OUT_OF_MEMORY.
 */
struct error *incremental_decode(struct incremental_decoder *decoder, struct target *target,
				 struct decoded_process *ret);

#endif
