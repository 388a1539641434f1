#include "analyze/python/decode.h"

#include "analyze/python/decode_locals.h"
#include "analyze/python/decode_parts.h"
#include "analyze/python/text.h"
#include "common/cleanup.h"
#include "common/thread_names.h"

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
	return os_threads_describe(&decoder->os_threads, walked, thread, NULL);
}

static struct error *on_frame(void *context, const struct walk_frame *walked)
{
	struct decoder *decoder = context;
	struct model_frame *frame;
	if (decode_frame_is_hidden(walked))
		return NULL;
	struct error *error = model_thread_add_frame(decoder->thread, &frame);
	if (!error)
		error = decode_frame(decoder->layout, walked, frame);
	if (error || frame->kind == MODEL_FRAME_GAP || !decoder->locals)
		return error;
	return locals_decoder_frame(decoder->locals, walked, frame);
}

static struct error *on_gap(void *context, const struct walk_gap *gap)
{
	struct decoder *decoder = context;
	struct model_frame *frame;
	if (gap->scope != WALK_SCOPE_FRAMES || !decoder->thread)
		return decode_gap_note(gap, decoder->process);
	struct error *error = model_thread_add_frame(decoder->thread, &frame);
	return error ? error : decode_gap_frame(gap, frame);
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
	const struct locate_options locate_options =
		decode_locate_options(target, target_memory(target), options->exhaustive);
	const struct os_threads_source os_source = decode_os_source(target, &location.layout);
	*ret = (struct model_process){0};
	struct error *error = decode_process_facts(target, ret);
	if (!error)
		error = decode_process_notes(target, ret);
	if (error)
		return error;
	error = locate_python(&locate_options, &location);
	if (!error || error->code == ERROR_UNSUPPORTED) {
		struct error *location_error = decode_location_facts(&location, ret);
		if (!location_error)
			location_error = decode_location_notes(&location, ret);
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
