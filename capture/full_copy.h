/* Copying a stopped target's memory into a spool, as fast as it goes. */
#ifndef PYSPY_CAPTURE_FULL_COPY_H
#define PYSPY_CAPTURE_FULL_COPY_H

#include "capture/memory_spool.h"
#include "capture/page_map.h"
#include "common/mappings.h"
#include "common/memory.h"
#include "common/modules.h"

struct full_copy {
	/* Borrowed. */
	struct memory *memory;
	struct page_map *pages;
	struct memory_spool *spool;
	/* The block that is being filled: pages that are to be read into it at once. */
	struct spool_block *block;
	struct memory_request requests[SPOOL_BLOCK_RUNS];
	size_t request_count;
	size_t requested_bytes;
	/* Results. */
	uint64_t ranges;
	uint64_t bytes;
	uint64_t unreadable;
};

/* Copy what level full is made of; the first four fields are set. */
struct error *full_copy_run(struct full_copy *copy, const struct mappings *mappings,
			    const struct modules *modules);

#endif
