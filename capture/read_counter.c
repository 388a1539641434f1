#include "capture/read_counter.h"

static void count(struct read_counter *counter, uint64_t address, enum memory_status status)
{
	if (status == MEMORY_OK)
		return;
	if (counter->failed_count < READ_COUNTER_PLACES)
		counter->places[counter->failed_count] = address;
	counter->failed_count++;
}

static enum memory_status counter_read(struct memory *memory, uint64_t address, void *buffer,
				       size_t size)
{
	struct read_counter *counter = (struct read_counter *)memory;
	enum memory_status status = memory_read(counter->below, address, buffer, size);
	count(counter, address, status);
	return status;
}

static void counter_read_many(struct memory *memory, struct memory_request *requests,
			      size_t request_count)
{
	struct read_counter *counter = (struct read_counter *)memory;
	memory_read_many(counter->below, requests, request_count);
	for (size_t i = 0; i < request_count; i++)
		count(counter, requests[i].address, requests[i].status);
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
	counter->memory.operations = &operations;
	counter->below = below;
	counter->failed_count = 0;
}
