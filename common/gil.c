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

/* Up to 3.6 the GIL's own state is in static variables; that of its owner tells enough. */
static enum memory_status gil_read_current(struct memory *memory,
					   const struct python_location *location, struct gil *ret)
{
	struct gil gil = {.address = location->current_thread_address};
	enum memory_status status = memory_read_u64(memory, gil.address, &gil.last_holder);
	gil.locked = gil.last_holder != 0;
	*ret = gil;
	return status;
}

enum memory_status gil_read(struct memory *memory, const struct python_location *location,
			    uint64_t interpreter, struct gil *ret)
{
	const struct python_layout *layout = &location->layout;
	struct gil gil = no_gil;
	struct struct_span span = {0};
	struct struct_view view;
	if (location->current_thread_address)
		return gil_read_current(memory, location, ret);
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

bool gil_has_owner_mark(const struct python_location *location)
{
	const struct python_layout *layout = &location->layout;
	if (layout->free_threaded)
		return false;
	return location->current_thread_address ||
	       layout->runtime.tstate_current != LAYOUT_ABSENT ||
	       gil_owner_bit(layout).offset != LAYOUT_ABSENT;
}

/*
 * _PyRuntime.gilstate.tstate_current lies behind mutexes, whose length on aarch64 depends on the C
 * library: 48 bytes with glibc, 40 with musl. At the other of the two places there is never the
 * address of a thread state: with glibc it is the end of switch_mutex; with musl
 * autoInterpreterState or autoTSSkey (Include/internal/pycore_gil.h and
 * pycore_pystate.h, 3.7-3.11).
 */
static void read_runtime_mark(struct memory *memory, const struct python_location *location,
			      struct gil_mark *mark)
{
	const layout_offset places[] = {location->layout.runtime.tstate_current,
					location->layout.runtime.tstate_current_wide};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (places[i] == LAYOUT_ABSENT)
			continue;
		enum memory_status status = struct_read_pointer(
			memory, location->runtime_address, places[i], &mark->owners[mark->count]);
		if (status == MEMORY_OK)
			mark->count++;
		else
			mark->status = status;
	}
}

bool gil_mark_is_shared(const struct python_location *location)
{
	return gil_has_owner_mark(location) &&
	       (location->current_thread_address ||
		location->layout.runtime.tstate_current != LAYOUT_ABSENT);
}

void gil_mark_read(struct memory *memory, const struct python_location *location,
		   struct gil_mark *ret)
{
	struct gil_mark mark = {.is_shared = gil_mark_is_shared(location)};
	if (mark.is_shared && location->current_thread_address) {
		mark.status =
			memory_read_u64(memory, location->current_thread_address, &mark.owners[0]);
		mark.count = 1;
	} else if (mark.is_shared) {
		read_runtime_mark(memory, location, &mark);
	}
	*ret = mark;
}

enum memory_status gil_mark_is_owner(struct memory *memory, const struct python_location *location,
				     const struct gil_mark *mark, uint64_t thread_state, bool *ret)
{
	uint64_t value;
	bool named = false;
	if (!gil_has_owner_mark(location)) {
		*ret = false;
		return MEMORY_OK;
	}
	if (!mark->is_shared) {
		struct layout_bit bit = gil_owner_bit(&location->layout);
		enum memory_status status =
			memory_read_integer(memory, thread_state + bit.offset, 1, &value);
		if (status == MEMORY_OK)
			*ret = value & bit.mask;
		return status;
	}
	for (size_t i = 0; i < mark->count; i++)
		named |= mark->owners[i] == thread_state;
	if (mark->status == MEMORY_OK)
		*ret = named;
	return mark->status;
}

enum memory_status gil_is_owner(struct memory *memory, const struct python_location *location,
				uint64_t thread_state, bool *ret)
{
	struct gil_mark mark;
	gil_mark_read(memory, location, &mark);
	return gil_mark_is_owner(memory, location, &mark, thread_state, ret);
}
