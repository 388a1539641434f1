#include "capture/holder.h"

#include "common/struct_view.h"
#include "common/thread_id.h"

pid_t thread_state_tid(struct memory *memory, const struct python_location *location,
		       uint64_t thread_state, const struct thread_list *threads)
{
	const struct python_layout *layout = &location->layout;
	struct thread_id_candidates candidates;
	uint64_t pthread = 0;
	uint64_t native = 0;
	if (struct_read_pointer(memory, thread_state, layout->thread.thread_id, &pthread) !=
	    MEMORY_OK)
		return 0;
	if (layout->thread.native_thread_id != LAYOUT_ABSENT &&
	    struct_read_pointer(memory, thread_state, layout->thread.native_thread_id, &native) !=
		    MEMORY_OK)
		return 0;
	thread_id_read(memory, native, pthread, &candidates);
	const struct thread_facts *thread = thread_id_match(&candidates, threads);
	return thread ? thread->tid : 0;
}

/* Look at one GIL. ERROR_BUSY while it changes hands. */
static struct error *held_gil_read(struct memory *memory, const struct python_location *location,
				   uint64_t interpreter, const struct thread_list *threads,
				   struct held_gil *ret)
{
	struct held_gil held = {.interpreter = interpreter};
	enum memory_status status = gil_read(memory, location, interpreter, &held.gil);
	bool is_owner = false;
	if (status == MEMORY_OK && held.gil.locked == 1 && held.gil.last_holder)
		status = gil_is_owner(memory, location, held.gil.last_holder, &is_owner);
	if (status != MEMORY_OK)
		return memory_error(status, interpreter, "the GIL's state");
	if (held.gil.locked == 1) {
		if (!is_owner)
			return error_create(ERROR_BUSY, "the GIL is changing hands");
		held.tid = thread_state_tid(memory, location, held.gil.last_holder, threads);
		if (!held.tid)
			return error_create(ERROR_BUSY,
					    "the thread that holds the GIL is not known");
	}
	*ret = held;
	return NULL;
}

static bool gil_set_has(const struct gil_set *set, uint64_t address)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i].gil.address == address)
			return true;
	}
	return false;
}

struct error *gil_set_read(struct memory *memory, const struct python_location *location,
			   const uint64_t *interpreters, size_t interpreter_count,
			   const struct thread_list *threads, struct gil_set *ret)
{
	struct gil_set set = {0};
	if (!gil_has_owner_mark(location))
		return error_create(ERROR_UNSUPPORTED, "this interpreter has no GIL to go by");
	for (size_t i = 0; i < interpreter_count; i++) {
		struct held_gil held;
		struct error *error =
			held_gil_read(memory, location, interpreters[i], threads, &held);
		if (error)
			return error;
		if (!held.gil.address || gil_set_has(&set, held.gil.address))
			continue;
		if (set.count == HOLDER_MAX_GILS)
			return error_create(ERROR_UNSUPPORTED,
					    "more than %d interpreters with a "
					    "GIL of their own",
					    HOLDER_MAX_GILS);
		set.items[set.count++] = held;
		set.held_count += held.tid != 0;
	}
	if (!set.count)
		return error_create(ERROR_UNSUPPORTED, "this interpreter has no GIL to go by");
	*ret = set;
	return NULL;
}

static bool gil_equal(const struct gil *a, const struct gil *b)
{
	return a->address == b->address && a->locked == b->locked &&
	       a->last_holder == b->last_holder && a->switch_number == b->switch_number;
}

bool gil_set_seems_same(struct memory *memory, const struct python_location *location,
			const struct gil_set *set)
{
	bool same = true;
	for (size_t i = 0; same && i < set->count; i++) {
		struct gil now;
		same = gil_read(memory, location, set->items[i].interpreter, &now) == MEMORY_OK &&
		       gil_equal(&set->items[i].gil, &now);
	}
	return same;
}

bool gil_set_equal(const struct gil_set *a, const struct gil_set *b)
{
	bool equal = a->count == b->count;
	for (size_t i = 0; equal && i < a->count; i++)
		equal = a->items[i].tid == b->items[i].tid &&
			gil_equal(&a->items[i].gil, &b->items[i].gil);
	return equal;
}
