/*
 * What was read from where: for each thing that was decoded, the memory that it was decoded from.
 * When memory has changed, that tells which things have to be decoded again.
 */
#ifndef PYSPY_ANALYZE_PYTHON_FOOTPRINT_H
#define PYSPY_ANALYZE_PYTHON_FOOTPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* The memory of one thing. An all-zero struct is an empty one. */
struct footprint {
	uint32_t first;
};

/* Whose footprint it is: an object of the caller, and a part of it. */
struct footprint_owner {
	void *object;
	uint32_t part;
};

struct footprint_place; /* part of a block of memory */
struct footprint_slot;

/* An all-zero struct has no footprints. */
struct footprint_index {
	struct footprint_place *places; /* the first is not used */
	uint32_t place_count;
	uint32_t place_capacity;
	uint32_t free; /* list of free places */
	struct footprint_slot *slots;
	size_t slot_count; /* in use */
	size_t slot_capacity;
};

void footprint_index_deinit(struct footprint_index *index);

/* Add [address, address + size) to a footprint. */
struct error *footprint_add(struct footprint_index *index, struct footprint *footprint,
			    struct footprint_owner owner, uint64_t address, uint64_t size);
void footprint_clear(struct footprint_index *index, struct footprint *footprint);
/* Give all of it to another part of its owner. */
void footprint_set_part(struct footprint_index *index, const struct footprint *footprint,
			uint32_t part);

/* Call `touch` for whose footprint has a byte of [address, address + size), more than once if it
 * comes so. It must not change the index. */
typedef void (*footprint_touch_function)(void *context, struct footprint_owner owner);
void footprint_touch(const struct footprint_index *index, uint64_t address, uint64_t size,
		     footprint_touch_function touch, void *context);

#endif
