#include "formats/snapshot_state_step.h"

#include <stdlib.h>

#include "formats/snapshot_format.h"

static struct error *spend(struct snapshot_state *state, uint64_t size)
{
	if (size > state->budget.copy_bytes)
		return error_create(ERROR_FORMAT,
				    "the log copies more memory than its bounds allow");
	state->budget.copy_bytes -= size;
	return NULL;
}

/* One extent. Within the bounds of memory: what is hidden was there, and counts as before. */
static struct error *move_extent(struct snapshot_state *state,
				 struct snapshot_process_state *process, uint64_t number, bool hide,
				 struct cursor *payload)
{
	struct snapshot_shelf *shelf = &process->past->shelf;
	bool done = false;
	if (number >= shelf->count) {
		payload->failed = true;
		return NULL;
	}
	const struct shelf_extent extent = shelf->extents[number];
	struct error *error = spend(state, extent.size + SNAPSHOT_MOVE_OVERHEAD);
	if (error)
		return error;
	touched_ranges_add(&process->memory.touched, extent.address, extent.size);
	error = hide ? snapshot_shelf_hide(shelf, process->memory.image, (uint32_t)number, &done)
		     : snapshot_shelf_show(shelf, process->memory.image, (uint32_t)number, &done);
	if (!error && !done)
		payload->failed = true;
	/* Nor does what was below it come to light. */
	if (!error && hide)
		error = log_memory_drop(&process->memory, extent.address, extent.size);
	return error;
}

static struct error *move_extents(struct snapshot_state *state,
				  struct snapshot_process_state *process,
				  const struct step_operation *operation, struct cursor *payload)
{
	bool hide = operation->kind == STEP_MEMORY_HIDE_AGAIN;
	struct error *error = NULL;
	for (uint64_t i = 0; !error && cursor_ok(payload) && i < operation->count; i++)
		error = move_extent(state, process, operation->number + i, hide, payload);
	return error;
}

static struct error *apply_hide(struct snapshot_state *state,
				struct snapshot_process_state *process,
				const struct step_operation *operation, struct cursor *payload)
{
	uint32_t number;
	struct error *error = snapshot_shelf_add(&process->past->shelf, operation->address,
						 operation->size, false, &number);
	return error ? error : move_extent(state, process, number, true, payload);
}

static struct error *apply_operation(struct snapshot_state *state,
				     struct snapshot_process_state *process,
				     const struct step_operation *operation, struct cursor *payload)
{
	static const uint8_t kinds[] = {
		[STEP_MEMORY_PATCH] = SNAPSHOT_MEMORY_PATCH,
		[STEP_MEMORY_PUT] = SNAPSHOT_MEMORY_PUT,
		[STEP_MEMORY_DROP] = SNAPSHOT_MEMORY_DROP,
	};
	if (operation->kind == STEP_MEMORY_HIDE)
		return apply_hide(state, process, operation, payload);
	if (operation->kind > STEP_MEMORY_HIDE)
		return move_extents(state, process, operation, payload);
	const struct memory_operation plain = {
		.kind = kinds[operation->kind],
		.address = operation->address,
		.size = operation->size,
		.bytes = operation->bytes,
	};
	return snapshot_state_apply_operation(state, process, &plain);
}

/* What is hidden is counted with the past. */
static struct error *apply_moves(struct snapshot_state *state,
				 struct snapshot_process_state *process,
				 const struct step_operation *operation, struct cursor *payload)
{
	const struct memory_image *image = process->memory.image;
	state->image_bytes -= memory_image_size_bytes(image);
	state->image_ranges -= memory_image_range_count(image);
	struct error *error = apply_operation(state, process, operation, payload);
	state->image_bytes += memory_image_size_bytes(image);
	state->image_ranges += memory_image_range_count(image);
	return error;
}

static struct error *apply_operations(struct snapshot_state *state,
				      struct snapshot_process_state *process,
				      struct cursor *payload)
{
	for (;;) {
		struct step_operation operation;
		bool any;
		struct error *error =
			step_memory_next(payload, &process->past->places, &operation, &any);
		if (error || !any)
			return error;
		error = operation.kind < STEP_MEMORY_HIDE
				? apply_operation(state, process, &operation, payload)
				: apply_moves(state, process, &operation, payload);
		if (error || !cursor_ok(payload))
			return error;
	}
}

/* What the list is counted as, once entries came, went or were replaced. */
static struct error *recount_threads(struct snapshot_state *state,
				     struct snapshot_process_state *process)
{
	enum { ENTRY_BYTES = 32 };
	struct error *error = NULL;
	snapshot_state_uncount(state, process, SNAPSHOT_LIST_THREADS);
	for (size_t i = 0; !error && i < process->threads.count; i++)
		error = snapshot_state_count(state, process, SNAPSHOT_LIST_THREADS,
					     ENTRY_BYTES +
						     process->threads.items[i].registers_size);
	return error;
}

static struct error *apply_threads(struct snapshot_state *state,
				   struct snapshot_process_state *process, struct cursor *payload)
{
	struct cursor edits = cursor_slice(payload, cursor_varint(payload));
	bool records = false;
	struct error *error = step_threads_decode(&edits, &process->past->situations,
						  &process->threads, &records);
	if (!cursor_ok(&edits))
		payload->failed = true;
	if (error || !cursor_ok(payload) || !records)
		return error;
	if (process->threads.count > state->budget.list_entries)
		return error_create(ERROR_FORMAT,
				    "the log changes lists of threads more than its bounds allow");
	state->budget.list_entries -= process->threads.count;
	return recount_threads(state, process);
}

static struct error *have_past(struct snapshot_state *state, struct snapshot_process_state *process)
{
	if (process->past)
		return NULL;
	process->past = calloc(1, sizeof(*process->past));
	if (!process->past)
		return &error_out_of_memory;
	step_past_begin(process->past, &process->sample);
	state->image_bytes += step_past_bytes(process->past);
	return NULL;
}

struct error *snapshot_state_apply_step(struct snapshot_state *state,
					struct snapshot_process_state *process,
					struct cursor *payload)
{
	uint64_t head = cursor_varint(payload);
	if (head & STEP_PROCESS)
		cursor_varint(payload);
	if (head & ~(uint64_t)STEP_HEAD_KNOWN)
		return error_create(ERROR_UNSUPPORTED,
				    "a step of the log has what this program does not know; use a "
				    "newer pyspy-analyze");
	if (!process->has_sample) {
		payload->failed = true;
		return NULL;
	}
	struct error *error = have_past(state, process);
	if (error)
		return error;
	state->image_bytes -= step_past_bytes(process->past);
	step_sample_decode(payload, process->past, head);
	process->sample = process->past->sample;
	if (head & STEP_THREADS)
		error = apply_threads(state, process, payload);
	if (!error && head & STEP_MEMORY)
		error = apply_operations(state, process, payload);
	if (cursor_left(payload))
		payload->failed = true;
	state->image_bytes += step_past_bytes(process->past);
	return error ? error : snapshot_state_check_memory(state);
}
