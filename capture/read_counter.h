/* A memory that counts the reads that fail. */
#ifndef PYSPY_CAPTURE_READ_COUNTER_H
#define PYSPY_CAPTURE_READ_COUNTER_H

#include "common/memory.h"

/* Embedded, so nothing to destroy. */
struct read_counter {
	struct memory memory;
	struct memory *below; /* borrowed */
	size_t failed_count;
};

void read_counter_init(struct read_counter *counter, struct memory *below);

#endif
