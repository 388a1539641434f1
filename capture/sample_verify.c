#include "capture/sample_verify.h"

#include <stdlib.h>
#include <string.h>

#include "capture/read_plan.h"
#include "common/cleanup.h"

/* Whether `address` lies in one of the position words. */
static bool is_position(const struct sample_pass *pass, uint64_t address)
{
	const uint64_t *positions = (const uint64_t *)(const void *)pass->positions.data;
	size_t low = 0;
	size_t high = pass->positions.size / sizeof(*positions);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (positions[middle] + sizeof(*positions) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < pass->positions.size / sizeof(*positions) && positions[low] <= address;
}

static bool range_is_same(const struct sample_pass *pass, const struct memory_range *recorded,
			  const uint8_t *now, bool ignore_positions)
{
	const uint8_t *before = recorded->bytes;
	if (memcmp(now, before, recorded->size) == 0)
		return true;
	for (size_t i = 0; i < recorded->size; i++) {
		if (now[i] != before[i] &&
		    !(ignore_positions && is_position(pass, recorded->address + i)))
			return false;
	}
	return true;
}

struct error *verify_image(const struct sample_pass *pass, struct memory *memory, unsigned flags,
			   bool *ret_same)
{
	bool descending = flags & VERIFY_DESCENDING;
	CLEANUP(read_plan_deinit) struct read_plan plan = {0};
	struct memory_range range;
	bool same = true;
	struct error *error =
		read_plan_init(&plan, pass->image, flags & VERIFY_JOINED ? READ_PLAN_JOIN_GAP : 0);
	if (error)
		return error;
	if (descending)
		read_plan_reverse(&plan);
	read_plan_read(&plan, memory);
	/* Each of the image's ranges is in one request, in the order of reading. */
	size_t i = 0;
	struct memory_walk walk = memory_image_walk(pass->image, 0);
	for (; same && memory_walk_at(&walk, &range); memory_walk_step(&walk)) {
		const struct memory_request *request;
		do
			request = &plan.requests[descending ? plan.count - 1 - i : i];
		while (request->address + request->size <= range.address && ++i < plan.count);
		same = request->status == MEMORY_OK &&
		       range_is_same(pass, &range,
				     (const uint8_t *)request->buffer +
					     (range.address - request->address),
				     flags & VERIFY_IGNORE_POSITIONS);
	}
	*ret_same = same;
	return NULL;
}

struct error *verify_links(const struct sample_pass *pass, struct memory *memory, bool *ret_same)
{
	const uint64_t *links = (const uint64_t *)(const void *)pass->links.data;
	size_t count = pass->links.size / sizeof(*links);
	struct memory *recorded = memory_image_memory(pass->image);
	CLEANUP_FREE uint64_t *now = calloc(count + 1, sizeof(*now));
	CLEANUP_FREE struct memory_request *requests = calloc(count + 1, sizeof(*requests));
	if (!now || !requests)
		return &error_out_of_memory;
	for (size_t i = 0; i < count; i++)
		requests[i] = (struct memory_request){
			.address = links[i],
			.buffer = &now[i],
			.size = sizeof(*now),
		};
	memory_read_many(memory, requests, count);
	bool same = true;
	for (size_t i = 0; same && i < count; i++) {
		uint64_t before;
		same = requests[i].status == MEMORY_OK &&
		       memory_read(recorded, links[i], &before, sizeof(before)) == MEMORY_OK &&
		       before == now[i];
	}
	*ret_same = same;
	return NULL;
}
