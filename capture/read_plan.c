#include "capture/read_plan.h"

#include <stdlib.h>
#include <string.h>

#include "capture/stack_extents.h"
#include "common/cleanup.h"

void read_plan_deinit(struct read_plan *plan)
{
	free(plan->requests);
	free(plan->bytes);
	free(plan->owners);
	free(plan->part);
	*plan = (struct read_plan){0};
}

/* Have room for one request more: of many ranges few requests are left when they are joined. */
static struct error *read_plan_grow(struct read_plan *plan, bool owned)
{
	if (plan->count < plan->capacity)
		return NULL;
	size_t capacity = plan->capacity ? plan->capacity * 2 : 64;
	void *requests = reallocarray(plan->requests, capacity, sizeof(*plan->requests));
	if (requests)
		plan->requests = requests;
	void *owners = owned ? reallocarray(plan->owners, capacity, sizeof(*plan->owners)) : NULL;
	if (owners)
		plan->owners = owners;
	if (!requests || (owned && !owners))
		return &error_out_of_memory;
	plan->capacity = capacity;
	return NULL;
}

/* Behind the last request, or as a part of it if it begins so close behind that both are read as
 * one. `owner` is NULL in a plan without owners. */
static struct error *read_plan_add(struct read_plan *plan, uint64_t address, size_t size,
				   size_t join_gap_bytes, const uint64_t *owner)
{
	struct memory_request *last = plan->count ? &plan->requests[plan->count - 1] : NULL;
	plan->wanted_bytes += size;
	if (last && join_gap_bytes && (!owner || plan->owners[plan->count - 1] == *owner) &&
	    address - (last->address + last->size) <= join_gap_bytes) {
		last->size = (size_t)(address + size - last->address);
		return NULL;
	}
	struct error *error = read_plan_grow(plan, owner != NULL);
	if (error)
		return error;
	if (owner)
		plan->owners[plan->count] = *owner;
	plan->requests[plan->count++] = (struct memory_request){.address = address, .size = size};
	return NULL;
}

/* Have a place for the bytes of all requests, and give the plan away. */
static struct error *read_plan_finish(struct read_plan *plan, struct read_plan *ret)
{
	for (size_t i = 0; i < plan->count; i++)
		plan->size_bytes += plan->requests[i].size;
	plan->bytes = malloc(plan->size_bytes + 1);
	if (!plan->bytes)
		return &error_out_of_memory;
	/* Touch the pages now: a fault while the target stands still would be at its cost. */
	memset(plan->bytes, 0, plan->size_bytes);
	uint8_t *next = plan->bytes;
	for (size_t i = 0; i < plan->count; i++) {
		plan->requests[i].buffer = next;
		next += plan->requests[i].size;
	}
	*ret = *plan;
	*plan = (struct read_plan){0};
	return NULL;
}

struct error *read_plan_init_stacks(struct read_plan *ret, const struct memory_image *image,
				    size_t join_gap_bytes, const struct buffer *extents)
{
	CLEANUP(read_plan_deinit) struct read_plan plan = {0};
	struct memory_range range;
	struct error *error = NULL;
	struct memory_walk walk = memory_image_walk(image, 0);
	for (; !error && memory_walk_at(&walk, &range); memory_walk_step(&walk)) {
		uint64_t owner =
			extents ? stack_extents_owner(extents, range.address, range.size) : 0;
		error = read_plan_add(&plan, range.address, range.size, join_gap_bytes,
				      extents ? &owner : NULL);
	}
	return error ? error : read_plan_finish(&plan, ret);
}

struct error *read_plan_init(struct read_plan *plan, const struct memory_image *image,
			     size_t join_gap_bytes)
{
	return read_plan_init_stacks(plan, image, join_gap_bytes, NULL);
}

struct error *read_plan_init_words(struct read_plan *ret, const struct buffer *addresses,
				   size_t join_gap_bytes)
{
	CLEANUP(read_plan_deinit) struct read_plan plan = {0};
	CLEANUP(buffer_deinit) struct buffer sorted = {0};
	struct error *error = buffer_append(&sorted, addresses->data, addresses->size);
	if (error)
		return error;
	buffer_sort_u64(&sorted);
	const uint64_t *words = (const uint64_t *)(const void *)sorted.data;
	size_t count = sorted.size / sizeof(*words);
	uint64_t end = 0; /* of the words so far */
	for (size_t i = 0; !error && i < count; i++) {
		/* Words can overlap where what they were found by is wild. */
		uint64_t begin = words[i] < end ? end : words[i];
		if (words[i] > UINT64_MAX - sizeof(uint64_t) || words[i] + sizeof(uint64_t) <= end)
			continue;
		end = words[i] + sizeof(uint64_t);
		error = read_plan_add(&plan, begin, (size_t)(end - begin), join_gap_bytes, NULL);
	}
	return error ? error : read_plan_finish(&plan, ret);
}

void read_plan_reverse(struct read_plan *plan)
{
	for (size_t i = 0; i < plan->count / 2; i++) {
		struct memory_request swapped = plan->requests[i];
		plan->requests[i] = plan->requests[plan->count - 1 - i];
		plan->requests[plan->count - 1 - i] = swapped;
	}
}

bool read_plan_is_early(const struct read_plan *plan, size_t index)
{
	return plan->held_back && plan->owners && plan->owners[index] &&
	       plan->owners[index] != plan->held_back;
}

size_t read_plan_count_stacks(const struct read_plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; plan->owners && i < plan->count; i++)
		count += plan->owners[i] != 0;
	return count;
}

/* The requests of one part only. */
static void read_part(struct read_plan *plan, struct memory *memory, bool early)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++) {
		if (read_plan_is_early(plan, i) == early)
			plan->part[count++] = plan->requests[i];
	}
	memory_read_many(memory, plan->part, count);
	count = 0;
	for (size_t i = 0; i < plan->count; i++) {
		if (read_plan_is_early(plan, i) == early)
			plan->requests[i].status = plan->part[count++].status;
	}
}

struct error *read_plan_read_early(struct read_plan *plan, struct memory *memory,
				   uint64_t held_back)
{
	if (!plan->part)
		plan->part = calloc(plan->count + 1, sizeof(*plan->part));
	if (!plan->part)
		return &error_out_of_memory;
	plan->held_back = held_back;
	read_part(plan, memory, true);
	return NULL;
}

void read_plan_read_late(struct read_plan *plan, struct memory *memory)
{
	read_part(plan, memory, false);
}

void read_plan_read(struct read_plan *plan, struct memory *memory)
{
	plan->held_back = 0;
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
