#include "analyze/python/process_memo_walk.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/python/decode_parts.h"
#include "analyze/python/text.h"
#include "common/array.h"
#include "common/gil.h"

static struct error *take_slot(struct process_memo *memo, uint32_t *ret)
{
	if (memo->free_count) {
		*ret = memo->free_slots[--memo->free_count];
		return NULL;
	}
	/* Room for all of them to be free. */
	uint32_t *slots = reallocarray(memo->free_slots, memo->slot_count + 1, sizeof(*slots));
	if (!slots)
		return &error_out_of_memory;
	memo->free_slots = slots;
	*ret = (uint32_t)memo->slot_count++;
	return NULL;
}

static struct error *find_thread(struct process_memo *memo, uint64_t address,
				 struct thread_memo **ret)
{
	*ret = address_map_get(&memo->by_address, address);
	if (*ret)
		return NULL;
	struct thread_memo *thread = thread_memo_create(address);
	if (!thread)
		return &error_out_of_memory;
	struct error *error = take_slot(memo, &thread->slot);
	if (!error)
		error = address_map_put(&memo->by_address, address, thread);
	if (error) {
		thread_memo_destroy(thread, &memo->index);
		return error;
	}
	thread->stamp = ++memo->thread_stamp;
	*ret = thread;
	return NULL;
}

static struct error *meet(struct process_memo *memo, struct thread_memo *thread)
{
	struct thread_set *met = &memo->met;
	struct error *no_room = ARRAY_GROW(met->items, met->count, met->capacity, 16);
	if (no_room)
		return no_room;
	met->items[met->count++] = thread;
	return NULL;
}

/* All but its frames and its name. */
static struct error *describe(struct process_memo *memo, struct thread_memo *thread)
{
	struct model_thread *model = &thread->model;
	const struct walk_thread *walked = &thread->walked;
	*model = (struct model_thread){
		.name = model->name,
		.os_name = model->os_name,
		.frames = model->frames,
		.frame_count = model->frame_count,
		.system_call = -1,
		.interpreter_id = walked->interpreter->id,
		.thread_id = walked->thread_id,
		.owns_gil = walked->owns_gil,
		.owns_gil_known = walked->owns_gil_known,
	};
	return os_threads_describe(&memo->os_threads, walked, model, &thread->listed);
}

static struct error *on_known(struct process_memo *memo, struct thread_memo *thread,
			      const struct walk_thread *now)
{
	thread->walked.interpreter = now->interpreter;
	if (memo->gil_is_shared) {
		thread->walked.owns_gil = now->owns_gil;
		thread->walked.owns_gil_known = now->owns_gil_known;
	}
	struct error *error = describe(memo, thread);
	if (!error)
		os_threads_infer(&thread->model);
	return error ? error : meet(memo, thread);
}

static struct error *memo_thread(void *context, const struct walk_thread *walked,
				 enum walk_known *ret, uint64_t *ret_next)
{
	struct process_memo *memo = context;
	struct thread_memo *thread;
	struct error *error = find_thread(memo, walked->address, &thread);
	if (error)
		return error;
	if (thread->walk == memo->walk_number) {
		*ret = WALK_MET;
		return NULL;
	}
	thread->walk = memo->walk_number;
	if (thread->is_known && !thread->is_touched) {
		*ret = WALK_KNOWN;
		*ret_next = thread->next;
		return on_known(memo, thread, walked);
	}
	thread_walk_begin(&memo->walk, thread);
	recorded_memory_begin(&memo->memory, &thread->header, thread, THREAD_PART_HEADER);
	return NULL;
}

static struct error *on_thread(void *context, const struct walk_thread *walked)
{
	struct process_memo *memo = context;
	struct thread_memo *thread = memo->walk.memo;
	thread->walked = *walked;
	thread->is_met = true;
	struct error *error = describe(memo, thread);
	return error ? error : meet(memo, thread);
}

static struct error *memo_thread_end(void *context, uint64_t next)
{
	struct process_memo *memo = context;
	struct thread_memo *thread = memo->walk.memo;
	recorded_memory_begin(&memo->memory, NULL, NULL, 0);
	thread->next = next;
	if (!thread->is_met)
		return NULL;
	struct error *error = thread_walk_end(&memo->walk);
	if (!error)
		os_threads_infer(&thread->model);
	return error;
}

static struct error *memo_frame(void *context, uint64_t address, bool *ret_known, bool *ret_shim)
{
	struct process_memo *memo = context;
	const struct stack_link *link;
	struct error *error = thread_walk_frame(&memo->walk, &memo->memory, address, &link);
	if (error || !link)
		return error;
	recorded_memory_begin(&memo->memory, NULL, NULL, 0);
	*ret_known = true;
	*ret_shim = link->is_shim;
	return NULL;
}

static struct error *memo_code(void *context, uint64_t address, const struct raw_code **ret)
{
	struct process_memo *memo = context;
	struct stack_link *link = thread_walk_link(&memo->walk);
	const struct code_entry *entry;
	struct error *error = code_memo_code(&memo->codes, address, &entry);
	if (error)
		return error;
	if (link)
		link->code = address;
	*ret = &entry->code;
	return NULL;
}

static struct error *memo_module(void *context, uint64_t globals, const struct raw_module **ret)
{
	struct process_memo *memo = context;
	struct stack_link *link = thread_walk_link(&memo->walk);
	const struct code_entry *entry;
	struct error *error = code_memo_module(&memo->codes, globals, &entry);
	if (error)
		return error;
	if (link)
		link->globals = globals;
	*ret = entry ? &entry->module : NULL;
	return NULL;
}

static uint64_t serial_of(const void *content, size_t offset)
{
	const struct code_entry *entry =
		(const struct code_entry *)(const void *)((const char *)content - offset);
	return entry->serial;
}

static struct error *on_frame(void *context, const struct walk_frame *walked)
{
	struct process_memo *memo = context;
	uint64_t code = serial_of(walked->code, offsetof(struct code_entry, code));
	uint64_t module =
		walked->module ? serial_of(walked->module, offsetof(struct code_entry, module)) : 0;
	uint32_t number;
	struct error *error = frame_table_put(&memo->frames, &memo->location.layout, walked, code,
					      module, &number);
	if (error)
		return error;
	if (number == FRAME_NUMBER_NONE) {
		thread_walk_hidden(&memo->walk, walked->address);
		return NULL;
	}
	struct model_frame frame = *frame_table_frame(&memo->frames, number);
	decode_frame_entry(walked, &frame);
	return thread_walk_shown(&memo->walk, walked->address, &frame, number);
}

static struct error *on_gap(void *context, const struct walk_gap *gap)
{
	struct process_memo *memo = context;
	struct model_frame frame = {0};
	if (gap->scope != WALK_SCOPE_FRAMES)
		return decode_gap_note(gap, &memo->model);
	struct error *error = decode_gap_frame(gap, &frame);
	return error ? error : thread_walk_gap(&memo->walk, &frame);
}

/* Threads that the walk has not met are no more. */
static struct error *drop_ended(struct process_memo *memo)
{
	struct address_map left = {0};
	if (memo->by_address.count == memo->met.count)
		return NULL;
	struct error *error = NULL;
	for (size_t i = 0; i < memo->met.count && !error; i++)
		error = address_map_put(&left, memo->met.items[i]->address, memo->met.items[i]);
	if (error) {
		address_map_deinit(&left);
		return error;
	}
	for (size_t i = 0; i < memo->by_address.capacity; i++) {
		struct thread_memo *thread = memo->by_address.entries[i].value;
		if (!thread || address_map_get(&left, thread->address))
			continue;
		memo->free_slots[memo->free_count++] = thread->slot;
		thread_memo_destroy(thread, &memo->index);
	}
	address_map_deinit(&memo->by_address);
	memo->by_address = left;
	return NULL;
}

struct error *process_memo_walk(struct process_memo *memo)
{
	const struct walk_visitor visitor = {
		.context = memo,
		.thread = on_thread,
		.frame = on_frame,
		.gap = on_gap,
	};
	const struct walk_memo walk_memo = {
		.context = memo,
		.thread = memo_thread,
		.thread_end = memo_thread_end,
		.frame = memo_frame,
		.code = memo_code,
		.module = memo_module,
	};
	memo->walk_number++;
	memo->met.count = 0;
	memo->gil_is_shared = gil_mark_is_shared(&memo->location);
	recorded_memory_begin(&memo->memory, NULL, NULL, 0);
	struct error *error =
		walk_python_again(&memo->memory.memory, &memo->location, &visitor, &walk_memo);
	return error ? error : drop_ended(memo);
}

/* The name that the program gave it. */
static struct error *find_name(struct process_memo *memo, struct thread_memo *thread)
{
	struct model_thread *model = &thread->model;
	if (thread->names == memo->names_serial &&
	    thread->named_interpreter == model->interpreter_id &&
	    thread->named_id == model->thread_id)
		return NULL;
	const struct thread_name *name =
		thread_name_find(&memo->names, model->interpreter_id, model->thread_id);
	char *text = NULL;
	struct error *error = name ? python_text(&name->name, &text) : NULL;
	if (error)
		return error;
	bool same = text && model->name ? strcmp(text, model->name) == 0 : text == model->name;
	thread->identity += !same;
	free(model->name);
	model->name = text;
	thread->names = memo->names_serial;
	thread->named_interpreter = model->interpreter_id;
	thread->named_id = model->thread_id;
	return NULL;
}

static void note_identity(struct thread_memo *thread)
{
	const struct model_thread *model = &thread->model;
	struct thread_identity called;
	memset(&called, 0, sizeof(called));
	called.thread_id = model->thread_id;
	called.os_id = model->os_thread_id;
	called.container_id = model->container_thread_id;
	if (model->os_name)
		memcpy(called.os_name, model->os_name,
		       strnlen(model->os_name, sizeof(called.os_name)));
	if (memcmp(&called, &thread->called, sizeof(called)) == 0)
		return;
	thread->called = called;
	thread->identity++;
}

static struct error *grow_model(struct process_memo *memo, size_t count)
{
	struct model_process *model = &memo->model;
	if (count <= memo->decoded_capacity)
		return NULL;
	struct model_thread *threads = reallocarray(model->threads, count, sizeof(*threads));
	if (!threads)
		return &error_out_of_memory;
	model->threads = threads;
	struct decoded_thread *decoded = reallocarray(memo->decoded, count, sizeof(*decoded));
	if (!decoded)
		return &error_out_of_memory;
	memo->decoded = decoded;
	memo->decoded_capacity = count;
	return NULL;
}

struct error *process_memo_fill(struct process_memo *memo)
{
	struct error *error = grow_model(memo, memo->met.count);
	for (size_t i = 0; i < memo->met.count && !error; i++) {
		struct thread_memo *thread = memo->met.items[i];
		const struct stack_frames_shown *frames = &thread->frames;
		error = find_name(memo, thread);
		note_identity(thread);
		memo->model.threads[i] = thread->model;
		memo->decoded[i] = (struct decoded_thread){
			.slot = thread->slot,
			.stamp = thread->stamp,
			.version = thread->version,
			.kept = thread->kept,
			.numbers = frames->count
					   ? frames->numbers + frames->capacity - frames->count
					   : NULL,
			.identity = thread->identity,
			.listed = thread->listed,
		};
	}
	if (!error)
		memo->model.thread_count = memo->met.count;
	return error;
}
