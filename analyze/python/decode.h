/* From a target's memory to the model: locate, walk, decode names and lines. */
#ifndef PYSPY_ANALYZE_PYTHON_DECODE_H
#define PYSPY_ANALYZE_PYTHON_DECODE_H

#include "analyze/target.h"
#include "common/model.h"

struct decode_options {
	bool exhaustive;       /* --exhaustive */
	unsigned locals_times; /* how often --locals was given; 0: no locals */
};

/*
 * Fill `ret` from the target (its selected sample). ERROR_NOT_PYTHON and ERROR_UNSUPPORTED come
 * with what is known of the process filled in all the same, so that it can be shown; `ret` is
 * always to be deinitialised.
 */
struct error *decode_process(struct target *target, const struct decode_options *options,
			     struct model_process *ret);

#endif
