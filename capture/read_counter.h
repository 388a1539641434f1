/* A memory that counts the reads that fail, and tells where the first of them were. */
#ifndef PYSPY_CAPTURE_READ_COUNTER_H
#define PYSPY_CAPTURE_READ_COUNTER_H

#include "common/memory.h"

enum { READ_COUNTER_PLACES = 512 };

/* Embedded, so nothing to destroy. */
struct read_counter {
	struct memory memory;
	struct memory *below; /* borrowed */
	size_t failed_count;
	uint64_t places[READ_COUNTER_PLACES]; /* addresses of the first ones */
};

void read_counter_init(struct read_counter *counter, struct memory *below);

#endif
