#include "common/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

static void local_deinit(struct model_local *local)
{
	free(local->name);
	free(local->type);
	free(local->repr);
	free(local->gap);
}

void model_frame_deinit(struct model_frame *frame)
{
	free(frame->name);
	free(frame->qualified_name);
	free(frame->filename);
	free(frame->short_filename);
	free(frame->module);
	free(frame->python_module);
	free(frame->source);
	free(frame->gap);
	for (size_t i = 0; i < frame->local_count; i++)
		local_deinit(&frame->locals[i]);
	free(frame->locals);
	free(frame->locals_gap);
}

void model_thread_deinit(struct model_thread *thread)
{
	for (size_t i = 0; i < thread->frame_count; i++)
		model_frame_deinit(&thread->frames[i]);
	free(thread->frames);
	free(thread->name);
	free(thread->os_name);
	*thread = (struct model_thread){0};
}

void model_process_drop_others(struct model_process *process)
{
	for (size_t i = 0; i < process->other_count; i++)
		model_thread_deinit(&process->other_threads[i]);
	process->other_count = 0;
}

void model_process_deinit(struct model_process *process)
{
	model_process_drop_others(process);
	for (size_t i = 0; i < process->thread_count; i++)
		model_thread_deinit(&process->threads[i]);
	for (size_t i = 0; i < process->note_count; i++)
		free(process->notes[i]);
	free(process->other_threads);
	free(process->threads);
	free(process->notes);
	free(process->executable);
	free(process->interpreter_module);
	free(process->input);
	process_facts_deinit(&process->facts);
	*process = (struct model_process){0};
}

static struct error *add_thread(struct model_thread **threads, size_t *count, size_t *capacity,
				struct model_thread **ret)
{
	struct error *error = ARRAY_GROW(*threads, *count, *capacity, 16);
	if (error)
		return error;
	struct model_thread *thread = &(*threads)[(*count)++];
	*thread = (struct model_thread){.system_call = -1};
	*ret = thread;
	return NULL;
}

struct error *model_process_add_thread(struct model_process *process, struct model_thread **ret)
{
	return add_thread(&process->threads, &process->thread_count, &process->thread_capacity,
			  ret);
}

struct error *model_process_add_other(struct model_process *process, struct model_thread **ret)
{
	return add_thread(&process->other_threads, &process->other_count, &process->other_capacity,
			  ret);
}

struct error *model_thread_add_frame(struct model_thread *thread, struct model_frame **ret)
{
	struct error *error =
		ARRAY_GROW(thread->frames, thread->frame_count, thread->frame_capacity, 16);
	if (error)
		return error;
	struct model_frame *frame = &thread->frames[thread->frame_count++];
	*frame = (struct model_frame){0};
	*ret = frame;
	return NULL;
}

struct error *model_frame_add_local(struct model_frame *frame, struct model_local **ret)
{
	struct error *error =
		ARRAY_GROW(frame->locals, frame->local_count, frame->local_capacity, 16);
	if (error)
		return error;
	struct model_local *local = &frame->locals[frame->local_count++];
	*local = (struct model_local){0};
	*ret = local;
	return NULL;
}

struct error *model_process_add_note(struct model_process *process, const char *format, ...)
{
	struct error *error =
		ARRAY_GROW(process->notes, process->note_count, process->note_capacity, 16);
	if (error)
		return error;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&process->notes[process->note_count], format, arguments);
	va_end(arguments);
	if (length < 0)
		return &error_out_of_memory;
	process->note_count++;
	return NULL;
}

const char *model_frame_display_name(const struct model_frame *frame)
{
	return frame->qualified_name ? frame->qualified_name : frame->name;
}

const char *model_thread_display_name(const struct model_process *process,
				      const struct model_thread *thread)
{
	const char *program = process->facts.command_name;
	if (thread->name)
		return thread->name;
	if (thread->os_name && program && strcmp(thread->os_name, program) == 0)
		return NULL;
	return thread->os_name;
}

bool model_thread_is_inferred(const struct model_thread *thread)
{
	return thread->activity_source == MODEL_SOURCE_REGISTERS ||
	       thread->activity_source == MODEL_SOURCE_FRAMES;
}

static bool frame_is_partial(const struct model_frame *frame)
{
	if (frame->kind == MODEL_FRAME_GAP || frame->locals_gap)
		return true;
	for (size_t i = 0; i < frame->local_count; i++) {
		if (frame->locals[i].gap)
			return true;
	}
	return false;
}

static bool thread_is_partial(const struct model_thread *thread)
{
	for (size_t i = 0; i < thread->frame_count; i++) {
		if (frame_is_partial(&thread->frames[i]))
			return true;
	}
	return false;
}

bool model_process_is_partial(const struct model_process *process)
{
	if (process->note_count || (process->has_sample && process->sample.partial))
		return true;
	for (size_t i = 0; i < process->thread_count; i++) {
		if (thread_is_partial(&process->threads[i]))
			return true;
	}
	return false;
}

static bool keeps_line(const struct model_frame *frame, enum model_lines lines)
{
	/* Where a native function begins is not known. */
	return lines == MODEL_LINES_LAST ||
	       (lines == MODEL_LINES_FIRST && frame->kind == MODEL_FRAME_NATIVE);
}

int32_t model_frame_line(const struct model_frame *frame, enum model_lines lines)
{
	if (keeps_line(frame, lines))
		return frame->line;
	return lines == MODEL_LINES_FIRST ? frame->first_line : 0;
}

static void frame_set_line(struct model_frame *frame, enum model_lines lines)
{
	if (keeps_line(frame, lines))
		return;
	frame->line = model_frame_line(frame, lines);
	frame->end_line = 0;
	frame->has_columns = false;
}

uint64_t model_process_time_ns(const struct model_process *process)
{
	return process->has_sample ? process->sample.time_ns : process->facts.capture_time_ns;
}

void model_process_set_lines(struct model_process *process, enum model_lines lines)
{
	for (size_t i = 0; i < process->thread_count; i++) {
		struct model_thread *thread = &process->threads[i];
		for (size_t j = 0; j < thread->frame_count; j++)
			frame_set_line(&thread->frames[j], lines);
	}
}
