/* The native stacks of a target's threads, merged with the Python stacks of its model. */
#ifndef PYSPY_ANALYZE_NATIVE_NATIVE_DECODE_H
#define PYSPY_ANALYZE_NATIVE_NATIVE_DECODE_H

#include "analyze/target.h"
#include "common/model.h"

struct native_decoder;

struct native_options {
	bool all;      /* --native-all: threads that the interpreter does not know, too */
	bool last;     /* --native-last: only native frames inside of the newest Python frame */
	bool internal; /* --native-internal: the interpreter's own functions, too */
};

/* For many samples of one process of a target: the files of its modules stay open, and what was
 * found in them is kept for as long as its modules stay the same. The target is borrowed. */
struct error *native_decoder_create(struct target *target, const struct native_options *options,
				    struct native_decoder **ret);
void native_decoder_destroy(struct native_decoder *decoder);
void native_decoder_destroyp(struct native_decoder **decoder);
struct error *native_decoder_run(struct native_decoder *decoder, struct model_process *process);

/*
 * Put native frames among the Python frames of `process`, which decode_process has filled from the
 * same target. ERROR_NOT_FOUND if the target has no registers of any thread, ERROR_UNSUPPORTED if
 * its machine is not known.
 */
struct error *native_decode(struct target *target, const struct native_options *options,
			    struct model_process *process);

#endif
