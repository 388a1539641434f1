#include "formats/touched_ranges.h"

#include <stdlib.h>

enum {
	FIRST_CAPACITY = 16,
	/* Who never asks pays no more memory than this, and who asks rarely looks at all anew. */
	RANGES_MAX = 8192,
};

void touched_ranges_deinit(struct touched_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct touched_ranges){0};
}

static bool grow(struct touched_ranges *ranges)
{
	size_t capacity = ranges->capacity ? ranges->capacity * 2 : FIRST_CAPACITY;
	if (capacity > RANGES_MAX)
		return false;
	struct touched_range *items = reallocarray(ranges->items, capacity, sizeof(*items));
	if (!items)
		return false;
	ranges->items = items;
	ranges->capacity = capacity;
	return true;
}

void touched_ranges_add(struct touched_ranges *ranges, uint64_t address, uint64_t size)
{
	if (ranges->taken) {
		ranges->count = 0;
		ranges->everything = false;
		ranges->taken = false;
	}
	if (!size || ranges->everything)
		return;
	if (ranges->count) {
		struct touched_range *last = &ranges->items[ranges->count - 1];
		if (address && last->address + last->size == address &&
		    last->size + size > last->size) {
			last->size += size;
			return;
		}
	}
	if (ranges->count == ranges->capacity && !grow(ranges)) {
		ranges->everything = true;
		return;
	}
	ranges->items[ranges->count++] = (struct touched_range){.address = address, .size = size};
}

void touched_ranges_take(struct touched_ranges *ranges)
{
	/* Nothing was added since: what was asked for before is not new. */
	if (ranges->taken) {
		ranges->count = 0;
		ranges->everything = false;
	}
	ranges->taken = true;
}
