/* A layer over a target's memory that puts what is read into a footprint. */
#ifndef PYSPY_ANALYZE_PYTHON_RECORDED_MEMORY_H
#define PYSPY_ANALYZE_PYTHON_RECORDED_MEMORY_H

#include "analyze/python/footprint.h"
#include "common/memory.h"

/* Whose footprint is being made. */
struct recorded_thing {
	struct footprint *footprint; /* NULL: nothing is noted */
	struct footprint_owner owner;
};

struct recorded_memory {
	struct memory memory;
	struct memory *below; /* borrowed */
	struct footprint_index *index;
	struct recorded_thing thing;
	uint64_t left; /* bytes that are still noted for it */
	bool is_cut;   /* not all was noted */
	/* What could not be noted: what was read since may not be used. */
	struct error *error;
};

void recorded_memory_init(struct recorded_memory *recorded, struct footprint_index *index);

/* Gives what was noted for before, to be put back. Who reads without bounds sets `left` after it.
 */
struct recorded_thing recorded_memory_begin(struct recorded_memory *recorded,
					    struct footprint *footprint, void *object,
					    uint32_t part);

#endif
