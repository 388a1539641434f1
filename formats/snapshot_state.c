#include "formats/snapshot_state.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "formats/snapshot_fields.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_state_lists.h"
#include "formats/snapshot_state_step.h"

/* Steps go on from what comes next. */
static void forget_past(struct snapshot_process_state *process)
{
	if (process->past)
		step_past_deinit(process->past);
	free(process->past);
	process->past = NULL;
}

static void process_destroy(struct snapshot_process_state *process)
{
	process_facts_deinit(&process->facts);
	mappings_deinit(&process->mappings);
	modules_deinit(&process->modules);
	thread_list_deinit(&process->threads);
	python_location_deinit(&process->python);
	log_memory_deinit(&process->memory);
	forget_past(process);
	free(process);
}

void snapshot_state_deinit(struct snapshot_state *state)
{
	for (size_t i = 0; i < state->count; i++)
		process_destroy(state->processes[i]);
	free(state->processes);
	*state = (struct snapshot_state){0};
}

void snapshot_state_begin_block(struct snapshot_state *state)
{
	state->budget = (struct log_memory_budget){
		.copy_bytes = SNAPSHOT_COPY_MAX,
		.list_entries = SNAPSHOT_LIST_ENTRIES_MAX,
	};
}

/* Index of the first process whose pid is not below. */
static size_t process_index(const struct snapshot_state *state, int32_t pid)
{
	size_t low = 0;
	size_t high = state->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (state->processes[middle]->pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct error *process_create(struct snapshot_state *state, size_t at, int32_t pid)
{
	if (state->count == SNAPSHOT_EPOCH_PROCESSES_MAX)
		return error_create(ERROR_FORMAT, "the log has more than %d processes in an epoch",
				    SNAPSHOT_EPOCH_PROCESSES_MAX);
	struct error *no_room = ARRAY_GROW(state->processes, state->count, state->capacity, 4);
	if (no_room)
		return no_room;
	struct snapshot_process_state *process = calloc(1, sizeof(*process));
	if (!process)
		return &error_out_of_memory;
	struct error *error = log_memory_init(&process->memory);
	if (error) {
		free(process);
		return error;
	}
	process->touched = (struct facts_touched){true, true, true, true};
	process->pid = process->facts.pid = pid;
	process->facts.uid = UINT32_MAX;
	memmove(state->processes + at + 1, state->processes + at,
		(state->count - at) * sizeof(struct snapshot_process_state *));
	state->processes[at] = process;
	state->count++;
	return NULL;
}

/* The state of a process, which begins to exist when the log first names it. */
static struct error *process_get(struct snapshot_state *state, int32_t pid,
				 struct snapshot_process_state **ret)
{
	size_t at = process_index(state, pid);
	if (at == state->count || state->processes[at]->pid != pid) {
		struct error *error = process_create(state, at, pid);
		if (error)
			return error;
	}
	*ret = state->processes[at];
	return NULL;
}

void snapshot_state_uncount(struct snapshot_state *state, struct snapshot_process_state *process,
			    size_t facts)
{
	state->facts_bytes -= process->facts_bytes[facts];
	process->facts_bytes[facts] = 0;
}

struct error *snapshot_state_count(struct snapshot_state *state,
				   struct snapshot_process_state *process, size_t facts,
				   size_t size)
{
	size += SNAPSHOT_RECORD_OVERHEAD;
	if (state->facts_bytes + size > SNAPSHOT_EPOCH_FACTS_MAX)
		return error_create(ERROR_FORMAT,
				    "the log says more of processes in an epoch than its bounds "
				    "allow");
	state->facts_bytes += size;
	process->facts_bytes[facts] += size;
	return NULL;
}

/* Count a single record, which takes the place of the one before it. */
static struct error *recount(struct snapshot_state *state, struct snapshot_process_state *process,
			     size_t facts, const struct cursor *payload)
{
	snapshot_state_uncount(state, process, facts);
	return snapshot_state_count(state, process, facts, payload->size);
}

static struct error *apply_process(struct snapshot_state *state,
				   struct snapshot_process_state *process, struct cursor *payload)
{
	struct error *error = recount(state, process, SNAPSHOT_FACTS_PROCESS, payload);
	if (error)
		return error;
	struct process_facts facts = {0};
	error = record_decode(payload, &snapshot_process_table, &facts);
	if (error || !cursor_ok(payload)) {
		process_facts_deinit(&facts);
		return error;
	}
	process_facts_deinit(&process->facts);
	process->facts = facts;
	process->facts.pid = process->pid;
	process->has_facts = true;
	process->touched.process = true;
	state->family++;
	return NULL;
}

static struct error *apply_python(struct snapshot_state *state,
				  struct snapshot_process_state *process, struct cursor *payload)
{
	struct error *error = recount(state, process, SNAPSHOT_FACTS_PYTHON, payload);
	if (error)
		return error;
	struct python_location location = {0};
	error = record_decode(payload, &snapshot_python_table, &location);
	if (error || !cursor_ok(payload)) {
		record_release(&snapshot_python_table, &location);
		return error;
	}
	python_location_deinit(&process->python);
	process->python = location;
	process->has_python = true;
	process->touched.python = true;
	return NULL;
}

static struct error *apply_sample(struct snapshot_state *state,
				  struct snapshot_process_state *process, struct cursor *payload)
{
	struct sample_facts sample = {0};
	struct snapshot_sample_extra extra = {0};
	struct cursor again = *payload;
	struct error *error = record_decode(payload, &snapshot_sample_table, &sample);
	if (!error)
		error = record_decode(&again, &snapshot_sample_extra_table, &extra);
	if (error)
		return error;
	if (!cursor_ok(&again) || (extra.has_elapsed && !process->has_sample))
		payload->failed = true;
	if (extra.has_elapsed) {
		sample.time_ns = process->sample.time_ns + extra.elapsed_ns;
		sample.monotonic_ns = process->sample.monotonic_ns + extra.elapsed_ns;
	}
	process->sample = sample;
	process->has_sample = true;
	if (process->past)
		state->image_bytes -= step_past_bytes(process->past);
	forget_past(process);
	return NULL;
}

struct error *snapshot_state_apply_operation(struct snapshot_state *state,
					     struct snapshot_process_state *process,
					     const struct memory_operation *operation)
{
	struct log_memory *memory = &process->memory;
	state->image_bytes -= memory_image_size_bytes(memory->image);
	state->image_ranges -= memory_image_range_count(memory->image);
	struct error *error = log_memory_apply(memory, operation, &state->budget);
	state->image_bytes += memory_image_size_bytes(memory->image);
	state->image_ranges += memory_image_range_count(memory->image);
	return error ? error : snapshot_state_check_memory(state);
}

struct error *snapshot_state_check_memory(const struct snapshot_state *state)
{
	if (state->image_bytes > SNAPSHOT_EPOCH_IMAGE_MAX ||
	    state->image_ranges > SNAPSHOT_EPOCH_RANGES_MAX)
		return error_create(ERROR_FORMAT,
				    "the log holds more memory in an epoch than its bounds allow");
	return NULL;
}

static struct error *apply_memory(struct snapshot_state *state,
				  struct snapshot_process_state *process, struct cursor *payload)
{
	struct memory_chunk chunk = memory_chunk_read(*payload);
	struct memory_operation operation;
	while (memory_chunk_next(&chunk, &operation)) {
		struct error *error = snapshot_state_apply_operation(state, process, &operation);
		if (error)
			return error;
	}
	if (!cursor_ok(&chunk.fields))
		payload->failed = true;
	return NULL;
}

static struct error *apply_maps(struct snapshot_state *state,
				struct snapshot_process_state *process, struct cursor *payload)
{
	process->touched.maps = true;
	return snapshot_state_apply_list(state, process, SNAPSHOT_LIST_MAPS, payload);
}

static struct error *apply_modules(struct snapshot_state *state,
				   struct snapshot_process_state *process, struct cursor *payload)
{
	process->touched.modules = true;
	return snapshot_state_apply_list(state, process, SNAPSHOT_LIST_MODULES, payload);
}

static struct error *apply_threads(struct snapshot_state *state,
				   struct snapshot_process_state *process, struct cursor *payload)
{
	return snapshot_state_apply_list(state, process, SNAPSHOT_LIST_THREADS, payload);
}

/* Chunks that change what is known of a process. The others are for the catalog, or skipped. */
static const struct chunk_handler {
	const char *name;
	struct error *(*apply)(struct snapshot_state *state, struct snapshot_process_state *process,
			       struct cursor *payload);
} chunk_handlers[SNAPSHOT_CHUNK_COUNT] = {
	[SNAPSHOT_CHUNK_PROCESS] = {"PROCESS", apply_process},
	[SNAPSHOT_CHUNK_MAPS] = {"MAPS", apply_maps},
	[SNAPSHOT_CHUNK_MODULES] = {"MODULES", apply_modules},
	[SNAPSHOT_CHUNK_PYTHON] = {"PYTHON", apply_python},
	[SNAPSHOT_CHUNK_THREADS] = {"THREADS", apply_threads},
	[SNAPSHOT_CHUNK_SAMPLE] = {"SAMPLE", apply_sample},
	[SNAPSHOT_CHUNK_MEMORY] = {"MEMORY", apply_memory},
	[SNAPSHOT_CHUNK_STEPS] = {"STEPS", snapshot_state_apply_step},
};

struct error *snapshot_state_apply(struct snapshot_state *state, const struct block_chunk *chunk,
				   struct snapshot_process_state **ret_sampled)
{
	*ret_sampled = NULL;
	if (chunk->type >= SNAPSHOT_CHUNK_COUNT || !chunk_handlers[chunk->type].apply)
		return NULL;
	const struct chunk_handler *handler = &chunk_handlers[chunk->type];
	struct block_chunk begun = *chunk;
	struct snapshot_process_state *process = NULL;
	int32_t pid = block_chunk_pid(&begun);
	struct cursor payload = begun.payload;
	struct error *error = NULL;
	if (cursor_ok(&payload))
		error = process_get(state, pid, &process);
	if (!error && process)
		error = handler->apply(state, process, &payload);
	if (error)
		return error;
	if (!cursor_ok(&payload))
		return error_create(ERROR_FORMAT, "a %s chunk contradicts the format",
				    handler->name);
	if (block_chunk_is_sample(chunk))
		*ret_sampled = process;
	return NULL;
}

static const struct snapshot_process_state *process_find(const struct snapshot_state *state,
							 int32_t pid)
{
	size_t at = process_index(state, pid);
	if (at == state->count || state->processes[at]->pid != pid)
		return NULL;
	return state->processes[at]->has_facts ? state->processes[at] : NULL;
}

static bool is_in_chain(const struct process_facts *facts, int32_t pid)
{
	bool found = facts->pid == pid;
	for (size_t i = 0; i < facts->ancestor_count; i++)
		found |= facts->ancestors[i].pid == pid;
	return found;
}

struct error *snapshot_state_find_ancestors(const struct snapshot_state *state,
					    struct snapshot_process_state *process)
{
	struct process_facts *facts = &process->facts;
	int32_t pid = facts->parent_pid;
	if (process->family == state->family)
		return NULL;
	process_facts_clear_ancestors(facts);
	process->family = 0;
	process->touched.process = true;
	while (pid && !is_in_chain(facts, pid) && facts->ancestor_count < ANCESTORS_MAX) {
		const struct snapshot_process_state *parent = process_find(state, pid);
		if (!parent)
			break;
		struct error *error = process_facts_add_ancestor(facts, &parent->facts);
		if (error)
			return error;
		pid = parent->facts.parent_pid;
	}
	process->family = state->family;
	return NULL;
}

struct error *snapshot_state_add_bulk(struct snapshot_state *state, int32_t pid,
				      const struct range_entry *extent)
{
	struct snapshot_process_state *process;
	struct error *error = process_get(state, pid, &process);
	if (error)
		return error;
	struct memory_image *image = process->memory.image;
	state->image_bytes -= memory_image_size_bytes(image);
	state->image_ranges -= memory_image_range_count(image);
	error = log_memory_add_bulk(&process->memory, extent);
	state->image_bytes += memory_image_size_bytes(image);
	state->image_ranges += memory_image_range_count(image);
	return error;
}
