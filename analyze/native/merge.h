/*
 * One stack from two: each run of the evaluation loop in a native stack is replaced by the Python
 * frames that it ran.
 */
#ifndef PYSPY_ANALYZE_NATIVE_MERGE_H
#define PYSPY_ANALYZE_NATIVE_MERGE_H

#include "analyze/native/native_symbol.h"
#include "analyze/native/unwind.h"
#include "common/model.h"

struct merge_options {
	bool last;			/* only native frames inside of the newest Python frame */
	bool internal;			/* the interpreter's own functions, too */
	const char *interpreter_module; /* path of the module that holds them; NULL if unknown */
};

/* Replace the frames of `thread`, which are Python's, by the merged ones. */
struct error *merge_native(const struct merge_options *options, const struct native_stack *stack,
			   struct native_symbols *symbols, struct model_thread *thread);

#endif
