#include "formats/json_dump.h"

#include <errno.h>

#include "common/cleanup.h"
#include "formats/json_locals.h"
#include "formats/json_process.h"
#include "formats/json_text.h"

static void add_column(struct json_builder *builder, cJSON *object, const char *key,
		       const struct model_frame *frame, int32_t column)
{
	if (frame->has_columns)
		json_add_integer(builder, object, key, column);
	else
		json_add_null(builder, object, key);
}

/* A gap is a frame with its own key, so that who does not know it still has py-spy's keys. */
static void add_frame(struct json_builder *builder, cJSON *object, const struct model_frame *frame)
{
	const char *name = model_frame_display_name(frame);
	bool gap = frame->kind == MODEL_FRAME_GAP;
	json_add_string(builder, object, "name", gap ? "<gap>" : name ? name : "");
	json_add_string(builder, object, "filename", frame->filename ? frame->filename : "");
	json_add_string(builder, object, "module", frame->module);
	json_add_string(builder, object, "short_filename", frame->short_filename);
	json_add_integer(builder, object, "line", frame->line);
	json_add_locals(builder, object, frame);
	json_add_bool(builder, object, "is_entry", frame->is_entry);
	json_add_bool(builder, object, "is_shim_entry", frame->is_shim_entry);
	json_add_string(builder, object, "function", frame->name);
	json_add_string(builder, object, "qualified_name", frame->qualified_name);
	json_add_integer(builder, object, "first_line", frame->first_line);
	json_add_string(builder, object, "gap", gap ? frame->gap : NULL);
	json_add_known(builder, object, "end_line", (uint64_t)frame->end_line);
	add_column(builder, object, "column", frame, frame->column);
	add_column(builder, object, "end_column", frame, frame->end_column);
	json_add_string(builder, object, "python_module", frame->python_module);
	json_add_string(builder, object, "source", frame->source);
	if (frame->has_locals)
		json_add_string(builder, object, "locals_gap", frame->locals_gap);
	json_add_bool(builder, object, "native", frame->kind == MODEL_FRAME_NATIVE);
	if (frame->kind != MODEL_FRAME_NATIVE)
		return;
	json_add_unsigned(builder, object, "address", frame->address);
	json_add_unsigned(builder, object, "offset", frame->offset);
	json_add_bool(builder, object, "inlined", frame->inlined);
	json_add_string(builder, object, "found_by", frame->found_by);
}

static const char *activity_name(enum model_activity activity)
{
	static const char *const names[] = {
		[MODEL_ACTIVITY_UNKNOWN] = "unknown",
		[MODEL_ACTIVE] = "active",
		[MODEL_IDLE] = "idle",
	};
	return names[activity];
}

static const char *activity_source_name(enum model_activity_source source)
{
	static const char *const names[] = {
		[MODEL_SOURCE_SYSTEM] = "system",
		[MODEL_SOURCE_REGISTERS] = "registers",
		[MODEL_SOURCE_FRAMES] = "frames",
	};
	return names[source];
}

static void add_answer(struct json_builder *builder, cJSON *object, const char *key,
		       enum model_answer answer)
{
	if (answer == MODEL_UNKNOWN)
		json_add_null(builder, object, key);
	else
		json_add_bool(builder, object, key, answer == MODEL_YES);
}

/* What became of the samples of the run; null if it was none. */
static void add_run(struct json_builder *builder, cJSON *info, const struct model_process *process)
{
	if (!process->has_counts) {
		json_add_null(builder, info, "run");
		return;
	}
	cJSON *run = json_add_object(builder, info, "run");
	json_add_bool(builder, run, "ended", process->run_ended);
	json_add_counts(builder, run, &process->counts);
}

static void add_process_info(struct json_builder *builder, cJSON *object,
			     const struct model_process *process)
{
	cJSON *info = json_add_object(builder, object, "process_info");
	char version[PYTHON_VERSION_TEXT_SIZE];
	json_add_process(builder, info, &process->facts);
	json_add_signal(builder, info, &process->facts);
	if (process->version_known) {
		python_version_format(process->version, version);
		json_add_string_copy(builder, info, "python_version", version);
	} else {
		json_add_null(builder, info, "python_version");
	}
	json_add_bool(builder, info, "is_unknown_version", process->version_unknown_layout);
	json_add_bool(builder, info, "free_threaded", process->free_threaded);
	json_add_bool(builder, info, "is_core", process->is_core);
	if (process->has_sample)
		json_add_sample(builder, json_add_object(builder, info, "sample"), &process->sample,
				process->sample_index, process->sample_count);
	else
		json_add_null(builder, info, "sample");
	add_run(builder, info, process);
	cJSON *notes = json_add_array(builder, info, "notes");
	for (size_t i = 0; i < process->note_count; i++)
		json_append_string(builder, notes, process->notes[i]);
}

static void add_thread(struct json_builder *builder, cJSON *object,
		       const struct model_process *process, const struct model_thread *thread,
		       enum model_answer runs_python)
{
	json_add_integer(builder, object, "pid", process->facts.pid);
	json_add_unsigned(builder, object, "thread_id", thread->thread_id);
	json_add_string(builder, object, "thread_name", model_thread_display_name(process, thread));
	json_add_known(builder, object, "os_thread_id", (uint64_t)thread->os_thread_id);
	/* Of an unknown state py-spy says active. */
	json_add_bool(builder, object, "active", thread->activity != MODEL_IDLE);
	json_add_bool(builder, object, "owns_gil", thread->owns_gil);
	cJSON *frames = json_add_array(builder, object, "frames");
	for (size_t i = 0; i < thread->frame_count && !builder->failed; i++)
		add_frame(builder, json_append_object(builder, frames), &thread->frames[i]);
	add_process_info(builder, object, process);
	json_add_string(builder, object, "activity", activity_name(thread->activity));
	json_add_bool(builder, object, "activity_inferred", model_thread_is_inferred(thread));
	json_add_string(builder, object, "activity_source",
			activity_source_name(thread->activity_source));
	json_add_bool(builder, object, "owns_gil_known", thread->owns_gil_known);
	add_answer(builder, object, "waiting_for_gil", thread->waits_for_gil);
	add_answer(builder, object, "collecting_garbage", thread->collects_garbage);
	if (thread->system_call >= 0)
		json_add_integer(builder, object, "system_call", thread->system_call);
	else
		json_add_null(builder, object, "system_call");
	json_add_integer(builder, object, "interpreter_id", thread->interpreter_id);
	json_add_known(builder, object, "container_thread_id",
		       (uint64_t)thread->container_thread_id);
	json_add_string(builder, object, "os_thread_name", thread->os_name);
	json_add_bool(builder, object, "crashed", thread->crashed);
	add_answer(builder, object, "python", runs_python);
	if (process->input)
		json_add_string(builder, object, "file", process->input);
}

struct json_array {
	FILE *stream;
	const char *separator;
};

/* One thread at a time: what is in memory is one stack, however many there are. */
static struct error *write_thread(struct json_array *array, const struct model_process *process,
				  const struct model_thread *thread, enum model_answer runs_python)
{
	struct json_builder builder = {0};
	CLEANUP(json_destroyp) cJSON *object = cJSON_CreateObject();
	add_thread(&builder, object, process, thread, runs_python);
	if (builder.failed)
		return &error_out_of_memory;
	fputs(array->separator, array->stream);
	array->separator = ",\n";
	return json_write(array->stream, object);
}

static struct error *write_process(struct json_array *array, const struct model_process *process)
{
	enum model_answer others_run = process->others_certain ? MODEL_NO : MODEL_UNKNOWN;
	struct error *error = NULL;
	for (size_t i = 0; !error && i < process->thread_count; i++)
		error = write_thread(array, process, &process->threads[i], MODEL_YES);
	for (size_t i = 0; !error && i < process->other_count; i++)
		error = write_thread(array, process, &process->other_threads[i], others_run);
	return error;
}

struct error *json_dump(FILE *stream, const struct model_process *const *processes, size_t count)
{
	struct json_array array = {stream, "\n"};
	fputc('[', stream);
	for (size_t i = 0; i < count; i++) {
		struct error *error = write_process(&array, processes[i]);
		if (error)
			return error;
	}
	fputs("\n]\n", stream);
	if (ferror(stream))
		return error_errno(ERROR_IO, errno, "cannot write the dump");
	return NULL;
}
