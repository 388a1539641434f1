#include "capture/read_counter.h"

static enum memory_status counter_read(struct memory *memory, uint64_t address, void *buffer,
				       size_t size)
{
	struct read_counter *counter = (struct read_counter *)memory;
	enum memory_status status = memory_read(counter->below, address, buffer, size);
	counter->failed_count += status != MEMORY_OK;
	return status;
}

static void counter_read_many(struct memory *memory, struct memory_request *requests, size_t count)
{
	struct read_counter *counter = (struct read_counter *)memory;
	memory_read_many(counter->below, requests, count);
	for (size_t i = 0; i < count; i++)
		counter->failed_count += requests[i].status != MEMORY_OK;
}

static void counter_destroy(struct memory *memory)
{
	(void)memory; /* embedded */
}

void read_counter_init(struct read_counter *counter, struct memory *below)
{
	static const struct memory_operations operations = {
		.read = counter_read,
		.read_many = counter_read_many,
		.destroy = counter_destroy,
	};
	*counter = (struct read_counter){.memory.operations = &operations, .below = below};
}
