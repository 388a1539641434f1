#include "analyze/profile/stack_frames.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/path_name.h"

void stack_frames_deinit(struct stack_frames *frames)
{
	free(frames->items);
	buffer_deinit(&frames->text);
	*frames = (struct stack_frames){0};
}

struct error *stack_frames_append(struct stack_frames *frames, uint32_t frame)
{
	struct error *no_room = ARRAY_GROW(frames->items, frames->count, frames->capacity, 64);
	if (no_room)
		return no_room;
	frames->items[frames->count++] = frame;
	return NULL;
}

static struct error *append(struct stack_frames *frames, struct profile *profile,
			    const struct profile_frame *frame)
{
	uint32_t number;
	struct error *error = profile_frame(profile, frame, &number);
	return error ? error : stack_frames_append(frames, number);
}

/* A frame that is only a name. */
static struct error *append_root(struct stack_frames *frames, struct profile *profile,
				 enum profile_frame_kind kind, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static struct error *append_root(struct stack_frames *frames, struct profile *profile,
				 enum profile_frame_kind kind, const char *format, ...)
{
	CLEANUP_FREE char *name = NULL;
	struct profile_frame frame = {.kind = kind};
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&name, format, arguments);
	va_end(arguments);
	if (length < 0) {
		name = NULL;
		return &error_out_of_memory;
	}
	struct error *error = profile_text(profile, name, &frame.name);
	return error ? error : append(frames, profile, &frame);
}

static const char *command_of(const char *command_line, const char *command_name)
{
	if (command_line)
		return command_line;
	return command_name ? command_name : "";
}

struct error *stack_frames_add_process(struct stack_frames *frames, struct profile *profile,
				       const struct process_facts *facts, size_t parents)
{
	struct error *error = NULL;
	for (size_t i = parents; i-- > 0 && !error;) {
		const struct ancestor *parent = &facts->ancestors[i];
		error = append_root(frames, profile, PROFILE_FRAME_PROCESS, "process %d:\"%s\"",
				    parent->pid,
				    command_of(parent->command_line, parent->command_name));
	}
	if (error)
		return error;
	return append_root(frames, profile, PROFILE_FRAME_PROCESS, "process %d:\"%s\"", facts->pid,
			   command_of(facts->command_line, facts->command_name));
}

struct error *stack_frames_add_thread(struct stack_frames *frames, struct profile *profile,
				      const struct model_process *process,
				      const struct model_thread *thread)
{
	const char *name = model_thread_display_name(process, thread);
	const char *colon = name ? ": " : "";
	if (!name)
		name = "";
	if (thread->os_thread_id)
		return append_root(frames, profile, PROFILE_FRAME_THREAD, "thread (%d)%s%s",
				   thread->os_thread_id, colon, name);
	return append_root(frames, profile, PROFILE_FRAME_THREAD, "thread (0x%llX)%s%s",
			   (unsigned long long)thread->thread_id, colon, name);
}

/* A native frame without a source file is in its module. */
static const char *shown_file(const struct model_frame *frame, const char *path,
			      bool full_filenames)
{
	if (full_filenames || !path)
		return path;
	if (frame->kind == MODEL_FRAME_NATIVE)
		return path_base_name(path);
	return frame->short_filename ? frame->short_filename : path;
}

static enum profile_frame_kind kind_of(const struct model_frame *frame)
{
	if (frame->kind == MODEL_FRAME_GAP)
		return PROFILE_FRAME_GAP;
	return frame->kind == MODEL_FRAME_NATIVE ? PROFILE_FRAME_NATIVE : PROFILE_FRAME_PYTHON;
}

/* A gap's own text has an address in it: all gaps are one frame here. */
static const char *name_of(const struct model_frame *frame, char address[24])
{
	if (frame->kind == MODEL_FRAME_GAP)
		return "<could not be read>";
	const char *name = model_frame_display_name(frame);
	if (name)
		return name;
	snprintf(address, 24, "0x%llx", (unsigned long long)frame->address);
	return address;
}

struct error *stack_frames_add(struct stack_frames *frames, struct profile *profile,
			       const struct model_frame *frame, enum model_lines lines,
			       bool full_filenames)
{
	char address[24];
	const char *path = frame->filename ? frame->filename : frame->module;
	const char *file = shown_file(frame, path, full_filenames);
	struct profile_frame entry = {
		.line = model_frame_line(frame, lines),
		.first_line = frame->first_line,
		.kind = kind_of(frame),
	};
	struct error *error = profile_text(profile, name_of(frame, address), &entry.name);
	if (!error && file)
		error = profile_text(profile, file, &entry.file);
	if (!error && path)
		error = profile_text(profile, path, &entry.path);
	return error ? error : append(frames, profile, &entry);
}
