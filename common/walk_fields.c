#include "common/walk_fields.h"

static struct struct_span span_of_pointers(const layout_offset *offsets, size_t count)
{
	struct struct_span span = {0};
	for (size_t i = 0; i < count; i++)
		struct_span_add(&span, offsets[i], sizeof(uint64_t));
	return span;
}

struct struct_span walk_thread_fields(const struct python_layout *layout)
{
	const layout_offset pointers[] = {
		layout->thread.next,   layout->thread.interp,	 layout->thread.frame,
		layout->thread.cframe, layout->thread.thread_id, layout->thread.native_thread_id,
	};
	return span_of_pointers(pointers, sizeof(pointers) / sizeof(*pointers));
}

struct struct_span walk_frame_fields(const struct python_layout *layout)
{
	const layout_offset pointers[] = {
		layout->frame.previous,
		layout->frame.code,
		layout->frame.trace,
	};
	struct struct_span span = span_of_pointers(pointers, sizeof(pointers) / sizeof(*pointers));
	bool position_is_pointer = layout->frame_kind == FRAME_KIND_INTERPRETER;
	struct_span_add(&span, layout->frame.position,
			position_is_pointer ? sizeof(uint64_t) : sizeof(int32_t));
	struct_span_add(&span, layout->frame.lineno, sizeof(int32_t));
	struct_span_add(&span, layout->frame.tlbc_index, sizeof(int32_t));
	struct_span_add(&span, layout->frame.owner, 1);
	struct_span_add(&span, layout->frame.is_entry, 1);
	return span;
}

struct struct_span walk_thread_span(const struct python_layout *layout)
{
	struct struct_span span = walk_thread_fields(layout);
	struct_span_add(&span, layout->thread.active.offset, 1);
	struct_span_add(&span, layout->thread.holds_gil.offset, 1);
	return span;
}

struct struct_span walk_cframe_span(const struct python_layout *layout)
{
	const layout_offset pointers[] = {layout->cframe.current_frame, layout->cframe.previous};
	return span_of_pointers(pointers, sizeof(pointers) / sizeof(*pointers));
}

struct struct_span walk_frame_span(const struct python_layout *layout)
{
	struct struct_span span = walk_frame_fields(layout);
	struct_span_add(&span, layout->frame.globals, sizeof(uint64_t));
	return span;
}
