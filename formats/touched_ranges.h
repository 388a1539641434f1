/*
 * Which memory a log's operations have touched since somebody last asked: who has decoded what lies
 * outside of it need not do so again.
 */
#ifndef PYSPY_FORMATS_TOUCHED_RANGES_H
#define PYSPY_FORMATS_TOUCHED_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct touched_range {
	uint64_t address;
	uint64_t size; /* never 0; never wraps around the end of the address space */
};

/* An all-zero struct has no range. */
struct touched_ranges {
	struct touched_range *items;
	size_t count;
	size_t capacity;
	bool everything; /* more than is noted: any of the memory can be another one */
	bool taken;	 /* those that are there were asked for: the next begins anew */
};

void touched_ranges_deinit(struct touched_ranges *ranges);

/* Never fails: what cannot be noted is everything. */
void touched_ranges_add(struct touched_ranges *ranges, uint64_t address, uint64_t size);

/* What there is stays until the next one is added. */
void touched_ranges_take(struct touched_ranges *ranges);

#endif
