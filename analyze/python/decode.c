#include "analyze/python/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/python/decode_locals.h"
#include "analyze/python/frame_module.h"
#include "analyze/python/frame_position.h"
#include "analyze/python/os_threads.h"
#include "analyze/python/text.h"
#include "common/cleanup.h"
#include "common/copy_text.h"
#include "common/thread_names.h"
#include "common/walk.h"

/* Fills a model from the callbacks of a walk. */
struct decoder {
	struct os_threads os_threads;
	const struct python_layout *layout;
	struct model_process *process;
	struct locals_decoder *locals; /* NULL: not asked for */
	struct model_thread *thread;   /* the one whose frames come; NULL before the first */
};

static struct error *on_thread(void *context, const struct walk_thread *walked)
{
	struct decoder *decoder = context;
	if (decoder->thread)
		os_threads_infer(decoder->thread);
	struct error *error = model_process_add_thread(decoder->process, &decoder->thread);
	if (error)
		return error;
	struct model_thread *thread = decoder->thread;
	thread->interpreter_id = walked->interpreter->id;
	thread->thread_id = walked->thread_id;
	thread->owns_gil = walked->owns_gil;
	thread->owns_gil_known = walked->owns_gil_known;
	return os_threads_describe(&decoder->os_threads, walked, thread);
}

static struct error *frame_gap(struct model_thread *thread, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static struct error *frame_gap(struct model_thread *thread, const char *format, ...)
{
	struct model_frame *frame;
	char *text;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return &error_out_of_memory;
	struct error *error = model_thread_add_frame(thread, &frame);
	if (error) {
		free(text);
		return error;
	}
	frame->kind = MODEL_FRAME_GAP;
	frame->gap = text;
	return NULL;
}

/* A frame whose code object is unreadable or none: a marked gap, and the stack goes on outside of
 * it. */
static struct error *decode_broken_frame(struct model_thread *thread,
					 const struct walk_frame *walked)
{
	const struct raw_code *code = walked->code;
	CLEANUP_FREE char *name = NULL;
	CLEANUP_FREE char *filename = NULL;
	unsigned long long address = walked->code_address;
	if (code->status != MEMORY_OK)
		return frame_gap(thread, "code object at 0x%llx could not be read (%s)", address,
				 memory_status_name(code->status));
	if (code->malformed)
		return frame_gap(thread, "code object at 0x%llx is malformed", address);
	struct error *error = python_text(&code->name, &name);
	if (!error)
		error = python_text(&code->filename, &filename);
	if (error)
		return error;
	return frame_gap(thread,
			 "code object at 0x%llx, function %s in %s, could only be read in part",
			 address, name, filename);
}

static struct error *on_frame(void *context, const struct walk_frame *walked)
{
	struct decoder *decoder = context;
	const struct raw_code *code = walked->code;
	struct model_frame *frame;
	if (code->malformed || !raw_code_is_complete(code))
		return decode_broken_frame(decoder->thread, walked);
	if (frame_is_internal(walked))
		return NULL;
	struct error *error = model_thread_add_frame(decoder->thread, &frame);
	if (!error)
		error = python_text(&code->name, &frame->name);
	if (!error)
		error = python_text(&code->filename, &frame->filename);
	if (!error && code->qualname.address)
		error = python_text(&code->qualname, &frame->qualified_name);
	if (!error)
		error = frame_module_decode(walked, frame);
	if (error)
		return error;
	frame_position_decode(decoder->layout, walked, frame);
	frame->is_entry = walked->is_entry;
	frame->is_shim_entry = walked->is_shim_entry;
	frame->entry_address = walked->shim_address;
	return decoder->locals ? locals_decoder_frame(decoder->locals, walked, frame) : NULL;
}

static const char *gap_reason(const struct walk_gap *gap)
{
	static const char *const reasons[] = {
		[WALK_GAP_CYCLE] = "comes back to itself",
		[WALK_GAP_BOUND] = "is beyond the bounds",
		[WALK_GAP_WILD] = "is not what it must be",
	};
	return gap->kind == WALK_GAP_MEMORY ? memory_status_name(gap->status) : reasons[gap->kind];
}

static struct error *on_gap(void *context, const struct walk_gap *gap)
{
	struct decoder *decoder = context;
	const char *could_not = gap->kind == WALK_GAP_MEMORY ? "could not be read: " : "";
	if (gap->scope == WALK_SCOPE_FRAMES && decoder->thread)
		return frame_gap(decoder->thread, "%s at 0x%llx %s%s", gap->what,
				 (unsigned long long)gap->address, could_not, gap_reason(gap));
	return model_process_add_note(decoder->process,
				      "%s at 0x%llx %s%s; what is behind it is missing", gap->what,
				      (unsigned long long)gap->address, could_not, gap_reason(gap));
}

static struct error *decode_facts(struct target *target, struct model_process *process)
{
	struct error *error = process_facts_copy(target_process(target), &process->facts);
	process->is_core = target_kind(target) == TARGET_CORE;
	const char *const *losses = target_losses(target);
	for (size_t i = 0; !error && losses[i]; i++)
		error = model_process_add_note(process, "%s", losses[i]);
	const struct sample_facts *sample = target_sample(target);
	struct snapshot *snapshot = target_snapshot(target);
	if (sample) {
		process->has_sample = true;
		process->sample = *sample;
	}
	if (snapshot) {
		process->sample_index = (size_t)snapshot_selected_number(snapshot);
		process->sample_count = (size_t)snapshot_selected_count(snapshot);
	}
	if (!error && process->has_sample && process->sample.partial)
		error = model_process_add_note(
			process, "something that belongs to this sample could not be captured");
	return error;
}

/* What is to be said of a layout that is not simply the one of the version. */
static struct error *note_layout(const struct python_location *location,
				 struct model_process *process)
{
	char version[PYTHON_VERSION_TEXT_SIZE];
	python_version_format(location->version, version);
	if (location->layout_assumed)
		return model_process_add_note(process,
					      "CPython %s is not known; shown with the layout of "
					      "%u.%u, which agrees with "
					      "all that was looked at",
					      version, location->layout.major,
					      location->layout.minor);
	if (location->layout_differs)
		return model_process_add_note(
			process,
			"the offsets that this CPython %s tells of itself are not those that are "
			"known for it; if they are damaged, what is shown is wrong",
			version);
	return NULL;
}

static struct error *decode_location(const struct python_location *location,
				     struct model_process *process)
{
	process->version = location->version;
	process->version_known = location->version.major != 0;
	process->version_unknown_layout =
		process->version_known && (!location->layout_known || location->layout_assumed);
	process->free_threaded = location->layout_known && location->layout.free_threaded;
	const char *executable =
		process->facts.executable ? process->facts.executable : location->module_path;
	struct error *error = executable ? copy_text(executable, &process->executable) : NULL;
	if (!error && location->module_path)
		error = copy_text(location->module_path, &process->interpreter_module);
	return error ? error : note_layout(location, process);
}

static struct error *decode_names(struct memory *memory, const struct python_location *location,
				  struct model_process *process)
{
	CLEANUP(thread_name_list_deinit) struct thread_name_list names = {0};
	const struct thread_names_request request = {
		.reader = {.memory = memory, .layout = &location->layout},
		.runtime_address = location->runtime_address,
	};
	struct error *error = thread_names_read(&request, &names);
	for (size_t i = 0; !error && i < process->thread_count; i++) {
		struct model_thread *thread = &process->threads[i];
		const struct thread_name *name =
			thread_name_find(&names, thread->interpreter_id, thread->thread_id);
		if (name)
			error = python_text(&name->name, &thread->name);
	}
	return error;
}

struct error *decode_process(struct target *target, const struct decode_options *options,
			     struct model_process *ret)
{
	CLEANUP(python_location_deinit) struct python_location location = {0};
	struct decoder decoder = {
		.layout = &location.layout,
		.process = ret,
	};
	const struct walk_visitor visitor = {
		.context = &decoder,
		.thread = on_thread,
		.frame = on_frame,
		.gap = on_gap,
	};
	const struct locate_options locate_options = {
		.machine = target_process(target)->machine,
		.memory = target_memory(target),
		.modules = target_modules(target),
		.mappings = target_mappings(target),
		.files = target_files(target),
		.hint = target_python_hint(target),
		.assume_layout = true,
		.exhaustive = options->exhaustive,
	};
	const struct os_threads_source os_source = {
		.list = target_threads(target),
		.modules = target_modules(target),
		.memory = target_memory(target),
		.machine = target_process(target)->machine,
		.layout = &location.layout,
	};
	*ret = (struct model_process){0};
	struct error *error = decode_facts(target, ret);
	if (error)
		return error;
	error = locate_python(&locate_options, &location);
	if (!error || error->code == ERROR_UNSUPPORTED) {
		struct error *location_error = decode_location(&location, ret);
		if (location_error) {
			error_destroy(error);
			error = location_error;
		}
	}
	if (!error)
		error = os_threads_init(&decoder.os_threads, &os_source);
	if (!error && options->locals_times)
		error = locals_decoder_create(target_memory(target), &location.layout,
					      options->locals_times, &decoder.locals);
	if (!error)
		error = walk_python(target_memory(target), &location, &visitor);
	if (!error && decoder.thread)
		os_threads_infer(decoder.thread);
	if (!error)
		error = os_threads_add_others(&decoder.os_threads, ret);
	if (!error)
		error = decode_names(target_memory(target), &location, ret);
	locals_decoder_destroy(decoder.locals);
	os_threads_deinit(&decoder.os_threads);
	return error;
}
