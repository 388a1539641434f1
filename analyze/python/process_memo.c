#include "analyze/python/process_memo_walk.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/python/decode_parts.h"
#include "common/cleanup.h"

enum {
	/* Code that is long gone takes no more than this. */
	CODE_BYTES_MAX = 32 << 20,
	/* Of all stacks together: more are walked as a whole, for the bounds of that to be counted.
	 */
	LINKS_MAX = WALK_MAX_TOTAL_FRAMES / 4,
	/* What finding the interpreter may read for it to be known when that has changed. */
	LOCATION_BYTES_MAX = 1 << 20,
};

/* One number for all processes: who remembers it does not take one for another. */
static uint64_t next_stamp(void)
{
	static atomic_uint_least64_t stamp;
	return atomic_fetch_add(&stamp, 1) + 1;
}

struct process_memo *process_memo_create(void)
{
	struct process_memo *memo = calloc(1, sizeof(*memo));
	if (!memo)
		return NULL;
	memo->location_owner = MEMO_LOCATION;
	memo->names_owner = MEMO_NAMES;
	recorded_memory_init(&memo->memory, &memo->index);
	memo->walk.index = &memo->index;
	return memo;
}

static void forget_threads(struct process_memo *memo)
{
	for (size_t i = 0; i < memo->by_address.capacity; i++) {
		struct thread_memo *thread = memo->by_address.entries[i].value;
		if (thread)
			thread_memo_destroy(thread, &memo->index);
	}
	address_map_deinit(&memo->by_address);
	memo->met.count = 0;
	memo->model.thread_count = 0;
	memo->free_count = 0;
	memo->slot_count = 0;
}

/* What is known of memory; the model keeps its facts. */
static void forget_memory(struct process_memo *memo)
{
	forget_threads(memo);
	code_memo_deinit(&memo->codes);
	frame_table_deinit(&memo->frames);
	thread_walk_deinit(&memo->walk);
	memo->walk.index = &memo->index;
	if (memo->has_os_threads)
		os_threads_deinit(&memo->os_threads);
	memo->has_os_threads = false;
	thread_name_list_deinit(&memo->names);
	memo->names_serial = 0;
	memo->names_footprint = (struct footprint){0};
	memo->names_touched = false;
	memo->location_footprint = (struct footprint){0};
	footprint_index_deinit(&memo->index);
	error_destroy(memo->memory.error);
	recorded_memory_init(&memo->memory, &memo->index);
	memo->stamp = next_stamp();
}

static void forget_model(struct process_memo *memo)
{
	memo->model.thread_count = 0;
	free(memo->model.threads);
	memo->model.threads = NULL;
	model_process_deinit(&memo->model);
	memo->has_facts = false;
}

void process_memo_forget(struct process_memo *memo)
{
	forget_memory(memo);
	python_location_deinit(&memo->location);
	memo->is_located = false;
	memo->location_touched = false;
	memo->is_valid = false;
}

void process_memo_destroy(struct process_memo *memo)
{
	if (!memo)
		return;
	process_memo_forget(memo);
	forget_model(memo);
	free(memo->met.items);
	free(memo->decoded);
	free(memo->free_slots);
	free(memo);
}

static void on_touch(void *context, struct footprint_owner owner)
{
	struct process_memo *memo = context;
	switch (*(const enum memo_owner *)owner.object) {
	case MEMO_THREAD:
		thread_memo_touch(owner.object, owner.part);
		break;
	case MEMO_CODE:
	case MEMO_MODULE:
		code_memo_touch(&memo->codes, owner.object);
		break;
	case MEMO_NAMES:
		memo->names_touched = true;
		break;
	case MEMO_LOCATION:
		memo->location_touched = true;
		break;
	}
}

static bool is_full(const struct process_memo *memo)
{
	uint64_t links = 0;
	for (size_t i = 0; i < memo->met.count; i++)
		links += memo->met.items[i]->links.count;
	return memo->frames.count >= FRAME_TABLE_FULL || memo->codes.size_bytes > CODE_BYTES_MAX ||
	       memo->codes.touched_lost || memo->codes.is_suspect || links > LINKS_MAX;
}

/* Forget what does not hold any more. */
static void apply_touched(struct process_memo *memo, struct target *target,
			  struct snapshot_touched *touched)
{
	const struct process_facts *facts = target_process(target);
	*touched = (struct snapshot_touched){.everything = true, .process = true};
	if (target_snapshot(target))
		snapshot_take_touched(target_snapshot(target), touched);
	if (!memo->is_valid || touched->everything || touched->maps || touched->modules ||
	    touched->python || memo->start_ticks != facts->start_ticks ||
	    memo->machine != facts->machine || is_full(memo)) {
		process_memo_forget(memo);
		return;
	}
	for (size_t i = 0; i < touched->count; i++)
		footprint_touch(&memo->index, touched->ranges[i].address, touched->ranges[i].size,
				on_touch, memo);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_location(const struct python_location *a, const struct python_location *b)
{
	/* Other padding in an equal layout would cost a new look, no more.
	 * NOLINTBEGIN(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
	return a->runtime_address == b->runtime_address &&
	       a->current_thread_address == b->current_thread_address && a->method == b->method &&
	       memcmp(&a->version, &b->version, sizeof(a->version)) == 0 &&
	       memcmp(&a->layout, &b->layout, sizeof(a->layout)) == 0 &&
	       a->layout_known == b->layout_known && a->layout_assumed == b->layout_assumed &&
	       a->layout_differs == b->layout_differs && a->version_address == b->version_address &&
	       same_text(a->module_path, b->module_path);
	/* NOLINTEND(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
}

/* Find the interpreter, if it can be elsewhere than it was. */
static struct error *locate(struct process_memo *memo, struct target *target, bool exhaustive,
			    bool *ret_new)
{
	CLEANUP(python_location_deinit) struct python_location location = {0};
	struct recorded_memory *recorded = &memo->memory;
	const struct locate_options options =
		decode_locate_options(target, &recorded->memory, exhaustive);
	*ret_new = false;
	if (memo->is_located && !memo->location_touched)
		return NULL;
	footprint_clear(&memo->index, &memo->location_footprint);
	recorded_memory_begin(recorded, &memo->location_footprint, &memo->location_owner, 0);
	recorded->left = LOCATION_BYTES_MAX;
	struct error *error = locate_python(&options, &location);
	memo->location_touched = recorded->is_cut;
	recorded_memory_begin(recorded, NULL, NULL, 0);
	*ret_new = error || !memo->is_located || !same_location(&location, &memo->location);
	if (*ret_new) {
		struct python_location before = memo->location;
		memo->location = location;
		location = before;
	}
	memo->is_located = !error;
	return error;
}

/* What runs Python. */
static void forget_runner(struct model_process *model)
{
	free(model->executable);
	free(model->interpreter_module);
	model->executable = NULL;
	model->interpreter_module = NULL;
	model->version = (struct python_version){0};
	model->version_known = false;
	model->version_unknown_layout = false;
	model->free_threaded = false;
}

static void forget_notes(struct model_process *model)
{
	for (size_t i = 0; i < model->note_count; i++)
		free(model->notes[i]);
	model->note_count = 0;
}

/* Facts, notes, and where the interpreter is. */
static struct error *prepare(struct process_memo *memo, struct target *target, bool exhaustive)
{
	struct snapshot_touched touched;
	struct model_process *model = &memo->model;
	bool is_new;
	apply_touched(memo, target, &touched);
	memo->memory.below = target_memory(target);
	forget_notes(model);
	model->others_certain = false;
	bool new_facts = !memo->has_facts || touched.process || !memo->is_valid;
	struct error *error = NULL;
	if (new_facts) {
		process_facts_deinit(&model->facts);
		model->facts = (struct process_facts){0};
		forget_runner(model);
		error = decode_process_facts(target, model);
		memo->facts = next_stamp();
		memo->has_facts = !error;
		memo->start_ticks = model->facts.start_ticks;
		memo->machine = model->facts.machine;
	}
	if (!error)
		error = decode_process_notes(target, model);
	if (error)
		return error;
	error = locate(memo, target, exhaustive, &is_new);
	bool known = !error || error->code == ERROR_UNSUPPORTED;
	struct error *other = NULL;
	if (is_new || new_facts)
		forget_runner(model);
	if (known && (is_new || new_facts))
		other = decode_location_facts(&memo->location, model);
	if (known && !other)
		other = decode_location_notes(&memo->location, model);
	if (other) {
		error_destroy(error);
		return other;
	}
	if (is_new && !error) {
		if (memo->is_valid) {
			forget_memory(memo);
			/* Its footprint went too. */
			memo->location_touched = true;
		}
		code_memo_init(&memo->codes, &memo->memory, &memo->location.layout);
	}
	return error;
}

/* Links whose code object or module is another one do not hold, nor do those inside of them. */
static void touch_changed(struct process_memo *memo)
{
	for (size_t i = 0; i < memo->met.count; i++) {
		struct thread_memo *thread = memo->met.items[i];
		for (size_t j = 0; j < thread->clean; j++) {
			const struct stack_link *link = &thread->links.items[j];
			if (code_memo_is_changed(&memo->codes.codes, link->code) ||
			    code_memo_is_changed(&memo->codes.modules, link->globals))
				thread_memo_touch(thread, (uint32_t)j);
		}
	}
}

static struct error *refresh_code(struct process_memo *memo)
{
	bool any;
	struct error *error = code_memo_refresh(&memo->codes, &any);
	if (!error && any) {
		touch_changed(memo);
		code_memo_drop_changed(&memo->codes);
	}
	return error;
}

static struct error *renew_os_threads(struct process_memo *memo, struct target *target)
{
	const struct os_threads_source source = decode_os_source(target, &memo->location.layout);
	struct error *error = memo->has_os_threads ? os_threads_renew(&memo->os_threads, &source)
						   : os_threads_init(&memo->os_threads, &source);
	memo->has_os_threads = !error;
	return error;
}

static struct error *read_names(struct process_memo *memo)
{
	const struct thread_names_request request = {
		.reader = {.memory = &memo->memory.memory, .layout = &memo->location.layout},
		.runtime_address = memo->location.runtime_address,
	};
	if (memo->names_serial && !memo->names_touched)
		return NULL;
	footprint_clear(&memo->index, &memo->names_footprint);
	thread_name_list_deinit(&memo->names);
	recorded_memory_begin(&memo->memory, &memo->names_footprint, &memo->names_owner, 0);
	struct error *error = thread_names_read(&request, &memo->names);
	recorded_memory_begin(&memo->memory, NULL, NULL, 0);
	memo->names_serial++;
	memo->names_touched = false;
	return error;
}

static struct error *decode_sample(struct process_memo *memo, struct target *target,
				   const struct incremental_options *options)
{
	struct error *error = prepare(memo, target, options->exhaustive);
	if (!error)
		error = refresh_code(memo);
	if (!error)
		error = renew_os_threads(memo, target);
	if (!error)
		error = process_memo_walk(memo);
	if (error)
		return error;
	model_process_drop_others(&memo->model);
	if (options->others)
		error = os_threads_add_others(&memo->os_threads, &memo->model);
	if (!error)
		error = read_names(memo);
	if (!error)
		error = process_memo_fill(memo);
	if (!error) {
		error = memo->memory.error;
		memo->memory.error = NULL;
	}
	return error;
}

struct error *process_memo_decode(struct process_memo *memo, struct target *target,
				  const struct incremental_options *options,
				  struct decoded_process *ret)
{
	struct error *error = decode_sample(memo, target, options);
	if (error)
		process_memo_forget(memo);
	memo->is_valid = !error;
	*ret = (struct decoded_process){
		.process = &memo->model,
		.threads = memo->decoded,
		.stamp = memo->stamp,
		.facts = memo->facts,
	};
	for (size_t i = 0; i < memo->met.count; i++) {
		const struct stack_links *links = &memo->met.items[i]->links;
		ret->has_gaps |= memo->met.items[i]->has_gap ||
				 (links->count && links->items[links->count - 1].is_partial);
	}
	return error;
}
