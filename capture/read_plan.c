#include "capture/read_plan.h"

#include <stdlib.h>
#include <string.h>

void read_plan_deinit(struct read_plan *plan)
{
	free(plan->requests);
	free(plan->bytes);
	*plan = (struct read_plan){0};
}

/* Whether `range` begins so close behind the last request that both are read as one. */
static bool read_plan_joins(const struct read_plan *plan, const struct memory_range *range,
			    size_t join_gap_bytes)
{
	if (!plan->count || !join_gap_bytes)
		return false;
	const struct memory_request *last = &plan->requests[plan->count - 1];
	return range->address - (last->address + last->size) <= join_gap_bytes;
}

static void read_plan_fill(struct read_plan *plan, const struct memory_image *image,
			   size_t join_gap_bytes)
{
	struct memory_range range;
	for (uint64_t at = 0; memory_image_next(image, at, &range);
	     at = range.address + range.size) {
		if (read_plan_joins(plan, &range, join_gap_bytes)) {
			struct memory_request *last = &plan->requests[plan->count - 1];
			last->size = (size_t)(range.address + range.size - last->address);
		} else {
			plan->requests[plan->count++] = (struct memory_request){
				.address = range.address,
				.size = range.size,
			};
		}
	}
}

struct error *read_plan_init(struct read_plan *ret, const struct memory_image *image,
			     size_t join_gap_bytes)
{
	struct read_plan plan = {0};
	plan.requests = calloc(memory_image_range_count(image) + 1, sizeof(*plan.requests));
	if (!plan.requests)
		return &error_out_of_memory;
	read_plan_fill(&plan, image, join_gap_bytes);
	for (size_t i = 0; i < plan.count; i++)
		plan.size_bytes += plan.requests[i].size;
	plan.bytes = malloc(plan.size_bytes + 1);
	if (!plan.bytes) {
		read_plan_deinit(&plan);
		return &error_out_of_memory;
	}
	/* Touch the pages now: a fault while the target stands still would be at its cost. */
	memset(plan.bytes, 0, plan.size_bytes);
	uint8_t *next = plan.bytes;
	for (size_t i = 0; i < plan.count; i++) {
		plan.requests[i].buffer = next;
		next += plan.requests[i].size;
	}
	*ret = plan;
	return NULL;
}

void read_plan_reverse(struct read_plan *plan)
{
	for (size_t i = 0; i < plan->count / 2; i++) {
		struct memory_request swapped = plan->requests[i];
		plan->requests[i] = plan->requests[plan->count - 1 - i];
		plan->requests[plan->count - 1 - i] = swapped;
	}
}

void read_plan_read(struct read_plan *plan, struct memory *memory)
{
	memory_read_many(memory, plan->requests, plan->count);
}

struct error *read_plan_put(const struct read_plan *plan, struct memory_image *image)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct memory_request *request = &plan->requests[i];
		if (request->status != MEMORY_OK)
			continue;
		struct error *error =
			memory_image_put(image, request->address, request->buffer, request->size);
		if (error)
			return error;
	}
	return NULL;
}

static enum memory_status read_plan_memory_read(struct memory *memory, uint64_t address,
						void *buffer, size_t size)
{
	const struct read_plan *plan = ((struct read_plan_memory *)memory)->plan;
	size_t low = 0;
	size_t high = plan->count;
	/* The first request that ends behind the address; requests are ascending and disjoint. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct memory_request *request = &plan->requests[middle];
		if (request->address + request->size <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == plan->count)
		return MEMORY_NOT_CAPTURED;
	const struct memory_request *request = &plan->requests[low];
	if (request->status != MEMORY_OK || address < request->address ||
	    address + size > request->address + request->size)
		return MEMORY_NOT_CAPTURED;
	memcpy(buffer, (const uint8_t *)request->buffer + (address - request->address), size);
	return MEMORY_OK;
}

static void read_plan_memory_destroy(struct memory *memory)
{
	(void)memory; /* embedded */
}

void read_plan_memory_init(struct read_plan_memory *memory, const struct read_plan *plan)
{
	static const struct memory_operations operations = {
		.read = read_plan_memory_read,
		.destroy = read_plan_memory_destroy,
	};
	memory->memory.operations = &operations;
	memory->plan = plan;
}
