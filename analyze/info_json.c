/* `info --json`: an object in one line for each input. */
#include <errno.h>

#include "analyze/info.h"
#include "common/cleanup.h"
#include "formats/json_process.h"
#include "formats/json_text.h"

static void add_python(struct json_builder *builder, cJSON *object, const struct info *info)
{
	char version[PYTHON_VERSION_TEXT_SIZE];
	cJSON *python = json_add_object(builder, object, "python");
	if (info->python_located) {
		const struct python_location *location = &info->python;
		python_version_format(location->version, version);
		json_add_string_copy(builder, python, "version", version);
		json_add_unsigned(builder, python, "runtime_address", location->runtime_address);
		json_add_string(builder, python, "method", locate_method_name(location->method));
		json_add_string(builder, python, "module", location->module_path);
		json_add_bool(builder, python, "is_unknown_version",
			      !location->layout_known || location->layout_assumed);
		json_add_bool(builder, python, "free_threaded",
			      location->layout_known && location->layout.free_threaded);
	}
	json_add_string(builder, python, "problem", info->python_problem);
}

/* What the file says became of its samples; null if it does not say. */
static void add_counts(struct json_builder *builder, cJSON *container,
		       const struct snapshot_statistics *statistics)
{
	const struct sample_counts *counts = &statistics->counts;
	if (!statistics->has_counts) {
		json_add_null(builder, container, "counts");
		return;
	}
	cJSON *object = json_add_object(builder, container, "counts");
	json_add_counts(builder, object, counts);
	cJSON *ways = json_add_object(builder, object, "ways");
	for (size_t i = 0; i < FREEZE_WAYS; i++)
		json_add_unsigned(builder, ways, freeze_way_name((enum freeze_way)i),
				  counts->ways[i]);
}

static void add_chunks(struct json_builder *builder, cJSON *container,
		       const struct snapshot_statistics *statistics)
{
	cJSON *object = json_add_object(builder, container, "chunk_bytes");
	for (size_t i = 0; i < SNAPSHOT_CHUNK_COUNT; i++) {
		if (statistics->chunk_bytes[i])
			json_add_unsigned(builder, object, snapshot_chunk_name(i),
					  statistics->chunk_bytes[i]);
	}
}

static void add_statistics(struct json_builder *builder, cJSON *object, const struct info *info)
{
	const struct snapshot_statistics *statistics = &info->statistics;
	if (!info->has_statistics) {
		json_add_null(builder, object, "container");
		return;
	}
	cJSON *container = json_add_object(builder, object, "container");
	json_add_unsigned(builder, container, "version", statistics->version);
	json_add_unsigned(builder, container, "file_bytes", statistics->file_bytes);
	json_add_unsigned(builder, container, "frames", statistics->frames);
	json_add_unsigned(builder, container, "epochs", statistics->epochs);
	json_add_unsigned(builder, container, "memory_ranges", statistics->memory_ranges);
	json_add_unsigned(builder, container, "memory_bytes", statistics->memory_bytes);
	json_add_unsigned(builder, container, "unknown_chunks", statistics->unknown_chunks);
	json_add_bool(builder, container, "ended", statistics->ended);
	add_counts(builder, container, statistics);
	add_chunks(builder, container, statistics);
}

static void add_sample(struct json_builder *builder, cJSON *object, struct snapshot *snapshot)
{
	if (!snapshot) {
		json_add_null(builder, object, "sample");
		return;
	}
	json_add_sample(builder, json_add_object(builder, object, "sample"),
			snapshot_sample(snapshot), (size_t)snapshot_selected_number(snapshot),
			(size_t)snapshot_selected_count(snapshot));
}

static void add_processes(struct json_builder *builder, cJSON *object, const struct info *info)
{
	cJSON *array = json_add_array(builder, object, "processes");
	for (size_t i = 0; i < info->process_count && !builder->failed; i++) {
		const struct info_process *item = &info->processes[i];
		cJSON *process = json_append_object(builder, array);
		json_add_integer(builder, process, "pid", item->pid);
		json_add_known(builder, process, "parent_pid", (uint64_t)item->parent_pid);
		json_add_unsigned(builder, process, "samples", item->samples);
		json_add_string(builder, process, "command_line", item->command);
	}
}

static void add_threads(struct json_builder *builder, cJSON *object,
			const struct thread_list *threads)
{
	cJSON *array = json_add_array(builder, object, "threads");
	for (size_t i = 0; i < threads->count && !builder->failed; i++) {
		const struct thread_facts *facts = &threads->items[i];
		const char state[] = {facts->state, '\0'};
		cJSON *thread = json_append_object(builder, array);
		json_add_integer(builder, thread, "os_thread_id", facts->tid);
		/* As in `dump`: null if it is the same. */
		int32_t container_tid =
			facts->container_tid == facts->tid ? 0 : facts->container_tid;
		json_add_known(builder, thread, "container_thread_id", (uint64_t)container_tid);
		json_add_string(builder, thread, "name", facts->name);
		json_add_string_copy(builder, thread, "state", facts->state ? state : NULL);
		json_add_bool(builder, thread, "crashed", facts->crashed);
		json_add_known(builder, thread, "cpu_time_ns", facts->cpu_time_ns);
	}
}

static void add_modules(struct json_builder *builder, cJSON *object, const struct info *info)
{
	const struct modules *modules = target_modules(info->target);
	char build_id[2 * BUILD_ID_MAX + 1];
	cJSON *array = json_add_array(builder, object, "modules");
	for (size_t i = 0; i < modules->count && !builder->failed; i++) {
		const struct module *item = &modules->items[i];
		cJSON *module = json_append_object(builder, array);
		json_add_string(builder, module, "path", item->path);
		json_add_unsigned(builder, module, "start", item->start);
		json_add_unsigned(builder, module, "end", item->end);
		json_add_unsigned(builder, module, "bias", item->bias);
		if (item->build_id.size)
			build_id_format(&item->build_id, build_id);
		json_add_string_copy(builder, module, "build_id",
				     item->build_id.size ? build_id : NULL);
		json_add_bool(builder, module, "deleted", item->deleted);
		json_add_string(builder, module, "found",
				native_module_source_name(info->native.items[i].source));
	}
}

struct error *info_write_json(FILE *stream, const struct info *info)
{
	struct json_builder builder = {0};
	CLEANUP(json_destroyp) cJSON *object = cJSON_CreateObject();
	const struct process_facts *facts = target_process(info->target);
	json_add_string(&builder, object, "file", info->name);
	json_add_string(&builder, object, "kind",
			target_kind(info->target) == TARGET_CORE ? "core" : "snapshot");
	json_add_known(&builder, object, "size_bytes", info->size_bytes);
	cJSON *process = json_add_object(&builder, object, "process");
	json_add_process(&builder, process, facts);
	json_add_signal(&builder, process, facts);
	add_python(&builder, object, info);
	add_statistics(&builder, object, info);
	add_sample(&builder, object, target_snapshot(info->target));
	add_processes(&builder, object, info);
	json_add_unsigned(&builder, object, "mapping_count", target_mappings(info->target)->count);
	json_add_unsigned(&builder, object, "mapped_bytes", info->mapped_bytes);
	add_threads(&builder, object, target_threads(info->target));
	add_modules(&builder, object, info);
	json_add_bool(&builder, object, "names_files", target_names_files(info->target));
	cJSON *losses = json_add_array(&builder, object, "losses");
	for (const char *const *loss = target_losses(info->target); *loss; loss++)
		json_append_string(&builder, losses, *loss);
	if (builder.failed)
		return &error_out_of_memory;
	struct error *error = json_write(stream, object);
	if (error)
		return error;
	fputc('\n', stream);
	return ferror(stream) ? error_errno(ERROR_IO, errno, "cannot write JSON") : NULL;
}
