#include "common/gil.h"

#include "common/struct_view.h"

static const struct gil no_gil = {.locked = -1};

/* Up to 3.11 one GIL for the process, inside _PyRuntime; from 3.12 on each interpreter points to
 * its own. */
static enum memory_status gil_find(struct memory *memory, const struct python_location *location,
				   uint64_t interpreter, uint64_t *ret)
{
	const struct python_layout *layout = &location->layout;
	if (layout->runtime.gil != LAYOUT_ABSENT) {
		*ret = location->runtime_address + layout->runtime.gil;
		return MEMORY_OK;
	}
	*ret = 0;
	if (layout->interpreter.gil == LAYOUT_ABSENT || layout->free_threaded)
		return MEMORY_OK;
	return struct_read_pointer(memory, interpreter, layout->interpreter.gil, ret);
}

enum memory_status gil_read(struct memory *memory, const struct python_location *location,
			    uint64_t interpreter, struct gil *ret)
{
	const struct python_layout *layout = &location->layout;
	struct gil gil = no_gil;
	struct struct_span span = {0};
	struct struct_view view;
	enum memory_status status = gil_find(memory, location, interpreter, &gil.address);
	if (status != MEMORY_OK)
		return status;
	struct_span_add(&span, layout->gil.locked, sizeof(int32_t));
	struct_span_add(&span, layout->gil.last_holder, sizeof(uint64_t));
	struct_span_add(&span, layout->gil.switch_number, sizeof(uint64_t));
	if (gil.address && span.size) {
		status = struct_view_read(memory, gil.address, span, &view);
		if (status != MEMORY_OK)
			return status;
		gil.locked = struct_view_i32(&view, layout->gil.locked);
		gil.last_holder = struct_view_pointer(&view, layout->gil.last_holder);
		gil.switch_number = struct_view_pointer(&view, layout->gil.switch_number);
	}
	*ret = gil;
	return MEMORY_OK;
}

/* The bit in the thread state that marks the owner; absent where the runtime keeps the mark. */
static struct layout_bit gil_owner_bit(const struct python_layout *layout)
{
	if (layout->thread.holds_gil.offset != LAYOUT_ABSENT)
		return layout->thread.holds_gil;
	return layout->thread.active;
}

bool gil_has_owner_mark(const struct python_layout *layout)
{
	if (layout->free_threaded)
		return false;
	return layout->runtime.tstate_current != LAYOUT_ABSENT ||
	       gil_owner_bit(layout).offset != LAYOUT_ABSENT;
}

enum memory_status gil_is_owner(struct memory *memory, const struct python_location *location,
				uint64_t thread_state, bool *ret)
{
	const struct python_layout *layout = &location->layout;
	uint64_t value;
	enum memory_status status;
	if (!gil_has_owner_mark(layout)) {
		*ret = false;
		return MEMORY_OK;
	}
	if (layout->runtime.tstate_current != LAYOUT_ABSENT) {
		status = struct_read_pointer(memory, location->runtime_address,
					     layout->runtime.tstate_current, &value);
		if (status == MEMORY_OK)
			*ret = value == thread_state;
		return status;
	}
	struct layout_bit bit = gil_owner_bit(layout);
	status = memory_read_integer(memory, thread_state + bit.offset, 1, &value);
	if (status == MEMORY_OK)
		*ret = value & bit.mask;
	return status;
}
