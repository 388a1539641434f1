/* Whether an interpreter is collecting garbage. */
#ifndef PYSPY_COMMON_GC_STATE_H
#define PYSPY_COMMON_GC_STATE_H

#include "common/locate.h"
#include "common/memory.h"

enum gc_state {
	GC_UNKNOWN = 0, /* the version does not tell, or it could not be read */
	GC_RESTS,
	GC_COLLECTS,
};

/* 3.7-3.8: of the process; from 3.9 on of the interpreter. */
enum gc_state gc_state_read(struct memory *memory, const struct python_location *location,
			    uint64_t interpreter);

#endif
