#include "common/struct_view.h"

#include "common/cursor.h"

void struct_span_add(struct struct_span *span, layout_offset offset, size_t width)
{
	if (offset == LAYOUT_ABSENT)
		return;
	uint64_t first = span->size && span->first < offset ? span->first : offset;
	uint64_t end = (uint64_t)offset + width;
	if (span->size && (uint64_t)span->first + span->size > end)
		end = (uint64_t)span->first + span->size;
	/* Layouts are checked when they are made; a span that is too long all the same is not
	 * widened. */
	if (end - first > STRUCT_VIEW_MAX_BYTES)
		return;
	span->first = (uint32_t)first;
	span->size = (uint32_t)(end - first);
}

enum memory_status struct_view_read(struct memory *memory, uint64_t address,
				    struct struct_span span, struct struct_view *ret)
{
	ret->address = address;
	ret->span = span;
	return memory_read(memory, address + span.first, ret->bytes, span.size);
}

uint64_t struct_view_field(const struct struct_view *view, layout_offset offset, size_t width)
{
	uint64_t value = 0;
	if (offset == LAYOUT_ABSENT || offset < view->span.first)
		return 0;
	if (!bytes_field(view->bytes, view->span.size, offset - view->span.first, width, &value))
		return 0;
	return value;
}

uint64_t struct_view_pointer(const struct struct_view *view, layout_offset offset)
{
	return struct_view_field(view, offset, sizeof(uint64_t));
}

int32_t struct_view_i32(const struct struct_view *view, layout_offset offset)
{
	return (int32_t)struct_view_field(view, offset, sizeof(int32_t));
}

bool struct_view_bit(const struct struct_view *view, struct layout_bit bit)
{
	return struct_view_field(view, bit.offset, 1) & bit.mask;
}

enum memory_status struct_read_pointer(struct memory *memory, uint64_t address,
				       layout_offset offset, uint64_t *ret)
{
	if (offset == LAYOUT_ABSENT)
		return MEMORY_NOT_MAPPED;
	return memory_read_u64(memory, address + offset, ret);
}
