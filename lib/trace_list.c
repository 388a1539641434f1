#include "lib/trace_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "lib/process_record.h"

/* The public structures are the first members: pointers to them lead to the rest. */
struct frame_item {
	struct pyspy_frame frame;
	const struct pyspy_local *locals;
};

enum { THREAD_FRAME_NAME_SIZE = 48 };

struct trace_item {
	struct pyspy_trace trace;
	const struct frame_item *frames;
	char thread_frame_name[THREAD_FRAME_NAME_SIZE];
};

/* The traces of one process. */
struct trace_block {
	struct model_process model; /* owns the texts */
	struct pyspy_process_info *process;
	struct trace_item *traces;
	size_t count;
	struct frame_item *frames;  /* of all of them */
	struct pyspy_local *locals; /* of all of them */
};

struct pyspy_traces {
	struct trace_block **blocks;
	size_t block_count;
	size_t count;
};

static void block_destroy(struct trace_block *block)
{
	if (!block)
		return;
	model_process_deinit(&block->model);
	process_record_release(block->process);
	free(block->traces);
	free(block->frames);
	free(block->locals);
	free(block);
}

static void block_destroyp(struct trace_block **block)
{
	block_destroy(*block);
}

struct error *trace_list_create(struct pyspy_traces **ret)
{
	struct pyspy_traces *traces = calloc(1, sizeof(*traces));
	if (!traces)
		return &error_out_of_memory;
	*ret = traces;
	return NULL;
}

void pyspy_traces_free(struct pyspy_traces *traces)
{
	if (!traces)
		return;
	for (size_t i = 0; i < traces->block_count; i++)
		block_destroy(traces->blocks[i]);
	free(traces->blocks);
	free(traces);
}

void trace_list_destroyp(struct pyspy_traces **traces)
{
	pyspy_traces_free(*traces);
}

static struct pyspy_local make_local(const struct model_local *local)
{
	return (struct pyspy_local){
		.size = sizeof(struct pyspy_local),
		.name = local->name,
		.type = local->type,
		.text = local->repr,
		.gap = local->gap,
		.address = local->address,
		.is_argument = local->is_argument,
	};
}

static struct pyspy_frame make_frame(const struct model_frame *frame)
{
	static const enum pyspy_frame_kind kinds[] = {
		[MODEL_FRAME_PYTHON] = PYSPY_FRAME_PYTHON,
		[MODEL_FRAME_GAP] = PYSPY_FRAME_GAP,
		[MODEL_FRAME_NATIVE] = PYSPY_FRAME_NATIVE,
	};
	bool gap = frame->kind == MODEL_FRAME_GAP;
	return (struct pyspy_frame){
		.size = sizeof(struct pyspy_frame),
		.kind = kinds[frame->kind],
		.line = frame->line,
		.name = gap ? frame->gap : model_frame_display_name(frame),
		.filename = frame->filename,
		.short_filename = frame->short_filename,
		.module = frame->module,
		.python_module = frame->python_module,
		.first_line = frame->first_line,
		.end_line = frame->end_line,
		.column = frame->has_columns ? frame->column : -1,
		.end_column = frame->has_columns ? frame->end_column : -1,
		.is_entry = frame->is_entry,
		.inlined = frame->inlined,
		.address = frame->address,
		.local_count = frame->local_count,
	};
}

static bool has_gap(const struct model_thread *thread)
{
	for (size_t i = 0; i < thread->frame_count; i++) {
		if (thread->frames[i].kind == MODEL_FRAME_GAP || thread->frames[i].locals_gap)
			return true;
	}
	return false;
}

static struct pyspy_trace make_trace(const struct trace_block *block,
				     const struct model_thread *thread)
{
	return (struct pyspy_trace){
		.size = sizeof(struct pyspy_trace),
		.pid = block->model.facts.pid,
		.os_thread_id = thread->os_thread_id,
		.thread_id = thread->thread_id,
		.thread_name = model_thread_display_name(&block->model, thread),
		.active = thread->activity != MODEL_IDLE,
		.owns_gil = thread->owns_gil,
		.waits_for_gil = thread->waits_for_gil == MODEL_YES,
		.collects_garbage = thread->collects_garbage == MODEL_YES,
		.is_inferred = model_thread_is_inferred(thread),
		.is_partial = has_gap(thread),
		.frame_count = thread->frame_count,
		.process = block->process,
	};
}

static void add_thread_frame(struct trace_item *item, struct frame_item *frame)
{
	char id[24];
	pyspy_trace_thread_id_text(&item->trace, id, sizeof(id));
	snprintf(item->thread_frame_name, sizeof(item->thread_frame_name), "thread (%s)", id);
	frame->frame = (struct pyspy_frame){
		.size = sizeof(struct pyspy_frame),
		.kind = PYSPY_FRAME_THREAD,
		.name = item->thread_frame_name,
		.column = -1,
		.end_column = -1,
	};
	item->trace.frame_count++;
}

static bool is_wanted(const struct trace_options *options, const struct model_thread *thread)
{
	return !options->without_idle || thread->activity != MODEL_IDLE;
}

/* One array for each kind of item, large enough for all. */
static struct error *block_reserve(struct trace_block *block)
{
	const struct model_process *model = &block->model;
	size_t frames = model->thread_count; /* thread frames */
	size_t locals = 0;
	for (size_t i = 0; i < model->thread_count; i++) {
		const struct model_thread *thread = &model->threads[i];
		frames += thread->frame_count;
		for (size_t j = 0; j < thread->frame_count; j++)
			locals += thread->frames[j].local_count;
	}
	block->traces = calloc(model->thread_count + 1, sizeof(*block->traces));
	block->frames = calloc(frames + 1, sizeof(*block->frames));
	block->locals = calloc(locals + 1, sizeof(*block->locals));
	return block->traces && block->frames && block->locals ? NULL : &error_out_of_memory;
}

static struct error *block_fill(struct trace_block *block, const struct trace_options *options)
{
	struct error *error = block_reserve(block);
	if (error)
		return error;
	struct frame_item *frame = block->frames;
	struct pyspy_local *local = block->locals;
	for (size_t i = 0; i < block->model.thread_count; i++) {
		const struct model_thread *thread = &block->model.threads[i];
		if (!is_wanted(options, thread))
			continue;
		struct trace_item *item = &block->traces[block->count++];
		item->trace = make_trace(block, thread);
		item->frames = frame;
		for (size_t j = 0; j < thread->frame_count; j++, frame++) {
			frame->frame = make_frame(&thread->frames[j]);
			frame->locals = local;
			for (size_t k = 0; k < thread->frames[j].local_count; k++)
				*local++ = make_local(&thread->frames[j].locals[k]);
		}
		if (options->thread_frames)
			add_thread_frame(item, frame++);
	}
	return NULL;
}

static struct error *add_block(struct pyspy_traces *traces, struct trace_block *block)
{
	struct trace_block **blocks =
		reallocarray(traces->blocks, traces->block_count + 1, sizeof(struct trace_block *));
	if (!blocks)
		return &error_out_of_memory;
	traces->blocks = blocks;
	traces->blocks[traces->block_count++] = block;
	traces->count += block->count;
	return NULL;
}

struct error *trace_list_add(struct pyspy_traces *traces, const struct trace_options *options,
			     struct model_process *model, struct pyspy_process_info *process)
{
	CLEANUP(block_destroyp) struct trace_block *block = calloc(1, sizeof(*block));
	if (!block) {
		model_process_deinit(model);
		return &error_out_of_memory;
	}
	block->model = *model;
	*model = (struct model_process){0};
	block->process = process_record_share(process);
	struct error *error = block_fill(block, options);
	if (!error)
		error = add_block(traces, block);
	if (!error)
		(void)TAKE_POINTER(block);
	return error;
}

struct error *trace_list_append(struct pyspy_traces *into, struct pyspy_traces *from)
{
	while (from->block_count) {
		struct trace_block *block = from->blocks[from->block_count - 1];
		struct error *error = add_block(into, block);
		if (error)
			return error;
		from->block_count--;
	}
	pyspy_traces_free(from);
	return NULL;
}

bool trace_list_has_frames(const struct pyspy_traces *traces)
{
	for (size_t i = 0; i < traces->count; i++) {
		if (pyspy_traces_get(traces, i)->frame_count)
			return true;
	}
	return false;
}

size_t pyspy_traces_count(const struct pyspy_traces *traces)
{
	return traces->count;
}

const struct pyspy_trace *pyspy_traces_get(const struct pyspy_traces *traces, size_t index)
{
	for (size_t i = 0; i < traces->block_count; i++) {
		const struct trace_block *block = traces->blocks[i];
		if (index < block->count)
			return &block->traces[index].trace;
		index -= block->count;
	}
	return NULL;
}

const char *pyspy_traces_note(const struct pyspy_traces *traces, size_t index)
{
	for (size_t i = 0; i < traces->block_count; i++) {
		const struct model_process *model = &traces->blocks[i]->model;
		if (index < model->note_count)
			return model->notes[index];
		index -= model->note_count;
	}
	return NULL;
}

uint64_t pyspy_traces_time_ns(const struct pyspy_traces *traces)
{
	if (!traces->block_count)
		return 0;
	return model_process_time_ns(&traces->blocks[0]->model);
}

uint64_t pyspy_traces_freeze_ns(const struct pyspy_traces *traces)
{
	uint64_t longest = 0;
	for (size_t i = 0; i < traces->block_count; i++) {
		const struct model_process *model = &traces->blocks[i]->model;
		if (model->has_sample && model->sample.freeze_ns > longest)
			longest = model->sample.freeze_ns;
	}
	return longest;
}

const struct pyspy_frame *pyspy_trace_frame(const struct pyspy_trace *trace, size_t index)
{
	const struct trace_item *item = (const struct trace_item *)trace;
	return index < trace->frame_count ? &item->frames[index].frame : NULL;
}

const struct pyspy_local *pyspy_frame_local(const struct pyspy_frame *frame, size_t index)
{
	const struct frame_item *item = (const struct frame_item *)frame;
	return index < frame->local_count ? &item->locals[index] : NULL;
}
