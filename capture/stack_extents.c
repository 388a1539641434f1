#include "capture/stack_extents.h"

#include <stdlib.h>

enum { NEAR_BYTES = 1024 };

static struct stack_extent *items_of(const struct buffer *extents)
{
	return (struct stack_extent *)(void *)extents->data;
}

static size_t count_of(const struct buffer *extents)
{
	return extents->size / sizeof(struct stack_extent);
}

/* Frames come innermost first, which is mostly downwards. */
static bool is_near(const struct stack_extent *a, const struct stack_extent *b)
{
	if (a->owner != b->owner)
		return false;
	if (a->end < b->begin)
		return b->begin - a->end <= NEAR_BYTES;
	return b->end >= a->begin || a->begin - b->end <= NEAR_BYTES;
}

struct error *stack_extents_add(struct buffer *extents, uint64_t address, struct struct_span span,
				uint64_t owner)
{
	size_t count = count_of(extents);
	struct stack_extent *last = count ? &items_of(extents)[count - 1] : NULL;
	struct stack_extent extent = {.owner = owner};
	if (!owner || !span.size || __builtin_add_overflow(address, span.first, &extent.begin) ||
	    __builtin_add_overflow(extent.begin, span.size, &extent.end))
		return NULL;
	if (!last || !is_near(last, &extent))
		return buffer_append(extents, &extent, sizeof(extent));
	if (extent.begin < last->begin)
		last->begin = extent.begin;
	if (extent.end > last->end)
		last->end = extent.end;
	return NULL;
}

static int compare(const void *left, const void *right)
{
	const struct stack_extent *a = left;
	const struct stack_extent *b = right;
	return (a->begin > b->begin) - (a->begin < b->begin);
}

void stack_extents_sort(struct buffer *extents)
{
	if (extents->size)
		qsort(extents->data, count_of(extents), sizeof(struct stack_extent), compare);
}

uint64_t stack_extents_owner(const struct buffer *extents, uint64_t address, size_t size)
{
	const struct stack_extent *items = items_of(extents);
	size_t low = 0;
	size_t high = count_of(extents);
	/* The last one that begins at or below the address. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (items[middle].begin <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address > items[low - 1].end || size > items[low - 1].end - address)
		return 0;
	return items[low - 1].owner;
}
