/* A memory in which every address leads somewhere into the input. */
#ifndef PYSPY_TESTS_FUZZ_WRAPPED_MEMORY_H
#define PYSPY_TESTS_FUZZ_WRAPPED_MEMORY_H

#include "common/memory.h"

struct wrapped_memory {
	struct memory memory;
	const uint8_t *data;
	size_t size;
	uint64_t budget; /* bytes that may still be read: bounds the time of one input */
};

static enum memory_status wrapped_read(struct memory *memory, uint64_t address, void *buffer,
				       size_t size)
{
	struct wrapped_memory *wrapped = (struct wrapped_memory *)memory;
	if (address < 4096 || wrapped->budget < size)
		return MEMORY_NOT_MAPPED;
	wrapped->budget -= size;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buffer)[i] = wrapped->data[(address + i) % wrapped->size];
	return MEMORY_OK;
}

static void wrapped_destroy(struct memory *memory)
{
	(void)memory;
}

#endif
