/* A memory in which every address leads somewhere into the input. */
#ifndef PYSPY_TESTS_FUZZ_WRAPPED_MEMORY_H
#define PYSPY_TESTS_FUZZ_WRAPPED_MEMORY_H

#include "common/memory.h"

struct wrapped_memory {
	struct memory memory;
	const uint8_t *data;
	size_t size;
	uint64_t last;	 /* address that there is */
	uint64_t budget; /* bytes that may still be read: bounds the time of one input */
};

static enum memory_status wrapped_read(struct memory *memory, uint64_t address, void *buffer,
				       size_t size)
{
	struct wrapped_memory *wrapped = (struct wrapped_memory *)memory;
	if (address < 4096 || address > wrapped->last || wrapped->budget < size)
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

static inline struct wrapped_memory wrapped_memory_make(const uint8_t *data, size_t size)
{
	static const struct memory_operations operations = {
		.read = wrapped_read,
		.destroy = wrapped_destroy,
	};
	return (struct wrapped_memory){
		.memory.operations = &operations,
		.data = data,
		.size = size,
		.last = UINT64_MAX,
		.budget = 1 << 20,
	};
}

#endif
