#include "formats/snapshot_state_step.h"

#include <stdlib.h>

#include "formats/snapshot_format.h"

static struct error *apply_operations(struct snapshot_state *state,
				      struct snapshot_process_state *process,
				      struct cursor *payload)
{
	struct memory_operation operation;
	for (;;) {
		bool any;
		struct error *error =
			step_memory_next(payload, &process->past->places, &operation, &any);
		if (!error && any)
			error = snapshot_state_apply_operation(state, process, &operation);
		if (error || !any)
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

static struct error *have_past(struct snapshot_process_state *process)
{
	if (process->past)
		return NULL;
	process->past = calloc(1, sizeof(*process->past));
	if (!process->past)
		return &error_out_of_memory;
	step_past_begin(process->past, &process->sample);
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
	struct error *error = have_past(process);
	if (error)
		return error;
	step_sample_decode(payload, process->past, head);
	process->sample = process->past->sample;
	if (head & STEP_THREADS)
		error = apply_threads(state, process, payload);
	if (!error && head & STEP_MEMORY)
		error = apply_operations(state, process, payload);
	if (cursor_left(payload))
		payload->failed = true;
	return error;
}
