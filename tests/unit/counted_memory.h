/* A layer that counts what is asked of the memory below it. */
#ifndef PYSPY_TESTS_COUNTED_MEMORY_H
#define PYSPY_TESTS_COUNTED_MEMORY_H

#include "common/memory.h"

struct counted_memory {
	struct memory memory;
	struct memory *below;
	uint64_t reads;
	uint64_t bytes;
	uint64_t highest; /* address of a read of less than a page */
};

static inline enum memory_status counted_read(struct memory *memory, uint64_t address, void *buffer,
					      size_t size)
{
	struct counted_memory *counted = (struct counted_memory *)memory;
	counted->reads++;
	counted->bytes += size;
	if (size < 4096 && address > counted->highest)
		counted->highest = address;
	return memory_read(counted->below, address, buffer, size);
}

static inline bool counted_next(struct memory *memory, uint64_t address, uint64_t end,
				uint64_t *ret)
{
	return memory_next(((struct counted_memory *)memory)->below, address, end, ret);
}

/* With `knows_gaps` it tells what the memory below tells of gaps, else nothing. */
static inline struct counted_memory counted_memory_make(struct memory *below, bool knows_gaps)
{
	static const struct memory_operations knowing = {
		.read = counted_read,
		.next = counted_next,
	};
	static const struct memory_operations ignorant = {.read = counted_read};
	return (struct counted_memory){
		.memory.operations = knows_gaps ? &knowing : &ignorant,
		.below = below,
	};
}

#endif
