#include "capture/plan_recorder.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

enum {
	MARK_BITS = 64,
	UNUSED_PART = 16, /* of what a plan was made for; with more it is made anew */
};

struct plan_recorder {
	struct memory memory; /* first member */
	const struct read_plan *plan;
	struct memory *below;
	uint64_t *marks;   /* a bit for each byte of the plan that was read */
	uint64_t *allowed; /* the same, that may come from early; NULL: nothing was early */
	size_t hint;	   /* the request that was read last */
	struct memory_image *extra; /* what the plan lacks */
};

static bool holds(const struct memory_request *request, uint64_t address, size_t size)
{
	return address >= request->address && size <= request->size &&
	       address - request->address <= request->size - size;
}

/* The first request that ends behind the address; requests are ascending and disjoint. */
static size_t find_first(const struct plan_recorder *recorder, uint64_t address)
{
	const struct read_plan *plan = recorder->plan;
	size_t low = 0;
	size_t high = plan->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct memory_request *request = &plan->requests[middle];
		if (request->address + (request->size - 1) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The request that holds all of a range, or NULL. */
static const struct memory_request *find(struct plan_recorder *recorder, uint64_t address,
					 size_t size)
{
	const struct read_plan *plan = recorder->plan;
	if (recorder->hint < plan->count && holds(&plan->requests[recorder->hint], address, size))
		return &plan->requests[recorder->hint];
	size_t found = find_first(recorder, address);
	if (found == plan->count || !holds(&plan->requests[found], address, size))
		return NULL;
	recorder->hint = found;
	return &plan->requests[found];
}

static void mark(uint64_t *marks, size_t from, size_t size)
{
	while (size) {
		size_t bit = from % MARK_BITS;
		size_t part = MARK_BITS - bit < size ? MARK_BITS - bit : size;
		uint64_t bits = part == MARK_BITS ? UINT64_MAX : (UINT64_C(1) << part) - 1;
		marks[from / MARK_BITS] |= bits << bit;
		from += part;
		size -= part;
	}
}

static size_t place_of(const struct read_plan *plan, const struct memory_request *request)
{
	return (size_t)((const uint8_t *)request->buffer - plan->bytes);
}

static enum memory_status read_extra(struct plan_recorder *recorder, uint64_t address, void *buffer,
				     size_t size)
{
	struct memory *extra = memory_image_memory(recorder->extra);
	if (memory_read(extra, address, buffer, size) == MEMORY_OK)
		return MEMORY_OK;
	enum memory_status status = memory_read(recorder->below, address, buffer, size);
	if (status != MEMORY_OK)
		return status;
	struct error *error = memory_image_put(recorder->extra, address, buffer, size);
	if (!error)
		return MEMORY_OK;
	/* What cannot be recorded must not be used. */
	error_destroy(error);
	return MEMORY_IO_ERROR;
}

static enum memory_status recorder_read(struct memory *memory, uint64_t address, void *buffer,
					size_t size)
{
	struct plan_recorder *recorder = (struct plan_recorder *)memory;
	const struct memory_request *request = size ? find(recorder, address, size) : NULL;
	if (!request || request->status != MEMORY_OK)
		return read_extra(recorder, address, buffer, size);
	size_t skip = (size_t)(address - request->address);
	memcpy(buffer, (const uint8_t *)request->buffer + skip, size);
	mark(recorder->marks, place_of(recorder->plan, request) + skip, size);
	return MEMORY_OK;
}

static void recorder_destroy(struct memory *memory)
{
	(void)memory; /* embedded */
}

struct error *plan_recorder_create(const struct read_plan *plan, struct memory *below,
				   struct plan_recorder **ret)
{
	static const struct memory_operations operations = {
		.read = recorder_read,
		.destroy = recorder_destroy,
	};
	CLEANUP(plan_recorder_destroyp)
	struct plan_recorder *recorder = calloc(1, sizeof(*recorder));
	if (!recorder)
		return &error_out_of_memory;
	recorder->memory.operations = &operations;
	recorder->plan = plan;
	recorder->below = below;
	size_t words = plan->size_bytes / MARK_BITS + 1;
	recorder->marks = calloc(words, sizeof(*recorder->marks));
	if (plan->held_back)
		recorder->allowed = calloc(words, sizeof(*recorder->allowed));
	if (!recorder->marks || (plan->held_back && !recorder->allowed))
		return &error_out_of_memory;
	struct error *error = memory_image_create(&recorder->extra);
	if (!error)
		*ret = TAKE_POINTER(recorder);
	return error;
}

void plan_recorder_destroy(struct plan_recorder *recorder)
{
	if (!recorder)
		return;
	free(recorder->marks);
	free(recorder->allowed);
	memory_image_destroy(recorder->extra);
	free(recorder);
}

void plan_recorder_destroyp(struct plan_recorder **recorder)
{
	plan_recorder_destroy(*recorder);
}

struct memory *plan_recorder_memory(struct plan_recorder *recorder)
{
	return &recorder->memory;
}

/* The first byte from `from` on, below `end`, that is marked, or that is not. */
static size_t next_mark(const uint64_t *marks, size_t from, size_t end, bool marked)
{
	while (from < end) {
		uint64_t word = marked ? marks[from / MARK_BITS] : ~marks[from / MARK_BITS];
		word >>= from % MARK_BITS;
		if (word) {
			from += (size_t)__builtin_ctzll(word);
			return from < end ? from : end;
		}
		from += MARK_BITS - from % MARK_BITS;
	}
	return end;
}

void plan_recorder_allow_early(struct plan_recorder *recorder, uint64_t address, size_t size)
{
	const struct read_plan *plan = recorder->plan;
	uint64_t end = address + size;
	if (!recorder->allowed || end < address)
		return;
	size_t i = recorder->hint;
	if (i >= plan->count || !holds(&plan->requests[i], address, size))
		i = find_first(recorder, address);
	for (; i < plan->count && plan->requests[i].address < end; i++) {
		const struct memory_request *request = &plan->requests[i];
		uint64_t low = request->address > address ? request->address : address;
		uint64_t high = request->address + request->size;
		if (!read_plan_is_early(plan, i))
			continue;
		if (high > end)
			high = end;
		mark(recorder->allowed, place_of(plan, request) + (size_t)(low - request->address),
		     (size_t)(high - low));
	}
}

static bool all_allowed(const struct plan_recorder *recorder, size_t from, size_t end)
{
	while ((from = next_mark(recorder->marks, from, end, true)) < end) {
		size_t to = next_mark(recorder->marks, from, end, false);
		if (next_mark(recorder->allowed, from, to, false) < to)
			return false;
		from = to;
	}
	return true;
}

bool plan_recorder_early_is_allowed(const struct plan_recorder *recorder)
{
	const struct read_plan *plan = recorder->plan;
	for (size_t i = 0; recorder->allowed && i < plan->count; i++) {
		size_t begin = place_of(plan, &plan->requests[i]);
		if (read_plan_is_early(plan, i) &&
		    !all_allowed(recorder, begin, begin + plan->requests[i].size))
			return false;
	}
	return true;
}

static size_t count_marks(const struct plan_recorder *recorder)
{
	size_t count = 0;
	for (size_t i = 0; i < recorder->plan->size_bytes / MARK_BITS + 1; i++)
		count += (size_t)__builtin_popcountll(recorder->marks[i]);
	return count;
}

bool plan_recorder_plan_holds(const struct plan_recorder *recorder)
{
	size_t wanted = recorder->plan->wanted_bytes;
	return !memory_image_range_count(recorder->extra) &&
	       count_marks(recorder) >= wanted - wanted / UNUSED_PART;
}

struct error *plan_recorder_put(const struct plan_recorder *recorder, struct memory_image *image)
{
	const struct read_plan *plan = recorder->plan;
	struct memory_range range;
	struct error *error = memory_image_reserve(image, count_marks(recorder));
	for (size_t i = 0; !error && i < plan->count; i++) {
		const struct memory_request *request = &plan->requests[i];
		size_t begin = place_of(plan, request);
		size_t end = begin + request->size;
		for (size_t from = begin;
		     (from = next_mark(recorder->marks, from, end, true)) < end;) {
			size_t to = next_mark(recorder->marks, from, end, false);
			error = memory_image_put(image, request->address + (from - begin),
						 plan->bytes + from, to - from);
			if (error)
				return error;
			from = to;
		}
	}
	for (uint64_t at = 0; !error && memory_image_next(recorder->extra, at, &range);
	     at = range.address + range.size)
		error = memory_image_put(image, range.address, range.bytes, range.size);
	return error;
}
